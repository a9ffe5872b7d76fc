//! Searches that people keep.
//!
//! | method and path | who | body → answer |
//! |---|---|---|
//! | `GET /saved-filters` | who may see recordings | → list of [`SavedFilter`]: one's own and those shared, by name |
//! | `POST /saved-filters` | the same | [`NewSavedFilter`] → 201, [`SavedFilter`] |
//! | `PUT /saved-filters/{id}` | its owner | [`NewSavedFilter`] → [`SavedFilter`] |
//! | `DELETE /saved-filters/{id}` | its owner | → 204; a day long `POST /saved-filters/{id}/restore` brings it back |
//! | `PUT`, `DELETE /saved-filters/{id}/default` | who may see it | → 204: what one's list begins with, or no longer |

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ids::SavedFilterId;

/// Longest name, characters.
pub const NAME_MAX: usize = 80;

/// A search to keep, or the new state of one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct NewSavedFilter {
    /// What its owner calls it, 1–80 characters.
    pub name: String,
    /// The search as in the address, e.g. `period=last_week&csat_max=2` (see [`crate::search`]).
    pub query: String,
    /// Whether everybody who may see recordings finds it in their list.
    pub shared: bool,
}

/// A search that was kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct SavedFilter {
    /// Which.
    pub id: SavedFilterId,
    /// What its owner calls it.
    pub name: String,
    /// The search.
    pub query: String,
    /// Whether others find it.
    pub shared: bool,
    /// Whether you may change it.
    pub mine: bool,
    /// The owner's name.
    pub owner: String,
    /// Whether your list begins with it.
    pub is_default: bool,
}
