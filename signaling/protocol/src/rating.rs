//! What buyers think of their calls.
//!
//! | method and path | who | body → answer |
//! |---|---|---|
//! | `PUT /calls/{id}/rating` | the call's buyer, session token as Bearer | [`NewRating`] → [`RatingKept`] |
//!
//! A call has one rating. It may be given as long as the visit's token is good, and changed for some minutes after it was
//! first given.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Longest comment, characters.
pub const COMMENT_MAX: usize = 500;

/// One (poor) to five (excellent).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(try_from = "u8", into = "u8")]
#[ts(type = "number")]
pub struct Stars(u8);

/// Not a number of stars.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadStars(pub u8);

impl std::fmt::Display for BadStars {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "stars are whole numbers from 1 to 5, not {}", self.0)
    }
}

impl std::error::Error for BadStars {}

impl TryFrom<u8> for Stars {
    type Error = BadStars;

    fn try_from(stars: u8) -> Result<Self, BadStars> {
        if (1..=5).contains(&stars) { Ok(Self(stars)) } else { Err(BadStars(stars)) }
    }
}

impl From<Stars> for u8 {
    fn from(stars: Stars) -> Self {
        stars.0
    }
}

/// The buyer rates the call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct NewRating {
    /// 1–5.
    pub stars: Stars,
    /// In the buyer's words, at most 500 characters; absent or empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub comment: Option<String>,
}

/// What the buyer thought of the call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Rating {
    /// 1–5.
    pub stars: Stars,
    /// In the buyer's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub comment: Option<String>,
    /// When it was given, or changed last.
    pub at: Timestamp,
}

/// The rating is stored.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct RatingKept {
    /// As it is now.
    pub rating: Rating,
    /// Until then another `PUT` replaces it.
    pub changeable_until: Timestamp,
}
