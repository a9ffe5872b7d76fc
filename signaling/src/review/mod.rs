//! Quality review: what a form must be, what answers come to, who may see whose score, what may be done about a
//! dispute, and how far scores are apart. Pure rules; [`crate::store`] keeps, `rest/reviews/` asks.
//!
//! People judge, and nothing else does: no score, flag or suggestion here comes from anything but a reviewer's answer.

pub mod agreement;
pub mod blind;
pub mod csv;
pub mod dispute;
pub mod form;
pub mod sample;
pub mod score;
mod starter;

pub use starter::starter_form;

/// Longest reason (of a revision, a dispute, an answer to one), characters.
pub const REASON_MAX: usize = 2_000;
/// Longest comment on the timeline, characters.
pub const COMMENT_MAX: usize = 2_000;
