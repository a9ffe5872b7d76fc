//! What quality review keeps: forms and their versions, reviews and their revisions, second scores, disputes, comments.
//!
//! The rules (what a form must be, who sees what, what may be done when) stand in [`crate::review`]. Here every change is
//! made under the condition that allowed it, so that of two people who do the same at once one is told so.

mod comments;
mod disputes;
mod forms;
mod lists;
mod reviews;
mod seconds;
mod summaries;

use protocol::ids::UserId;
use protocol::review::Person;
use uuid::Uuid;

pub(super) use comments::forget_comments;
pub use disputes::{DisputeAnswer, DisputeFacts};
pub(super) use lists::lowest_scores;
pub use lists::{ReviewFilter, scored_between};
pub use reviews::{NewReviewRow, ReviewRecord, SubmittedRevision};
pub use seconds::{NewSecond, SecondRow};

fn person(id: Uuid, name: &str) -> Person {
    Person { id: UserId(id), name: name.to_owned() }
}
