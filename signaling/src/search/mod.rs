//! What a search for recordings may say, as text: one language for `GET /recordings`, saved filters, samples and the
//! address of the replay console.
//!
//! Pure: reading, checking and writing it. `store::search` turns it into SQL.

mod cursor;
mod fields;
mod filter;
mod moment;

pub use cursor::{Cursor, Sort};
pub use fields::BadFilter;
pub use filter::{Bounds, Filter, Handler, Listing, Search};
pub use moment::{Moment, Period, Window};

use protocol::ids::{CallId, UserId};

/// Through whose eyes a search looks.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Who asks: scores are found as far as they may see them.
    pub me: UserId,
    /// The queues whose calls they see, their own calls aside; none: all.
    pub queues: Option<Vec<String>>,
    /// The calls of others whose notes they may read as written; other notes are found by what is shown of them.
    pub plain: Vec<CallId>,
    /// Whether they may know of legal holds; otherwise none is found.
    pub holds: bool,
}
