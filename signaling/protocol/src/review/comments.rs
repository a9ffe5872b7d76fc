//! Comments and bookmarks on the timeline of a recording.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Person;
use crate::ids::CommentId;

/// What a comment is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CommentKind {
    /// Words about a moment.
    Comment,
    /// A moment to find again; words are welcome.
    Bookmark,
}

/// A comment or bookmark on the timeline.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct TimelineComment {
    /// Id.
    pub id: CommentId,
    /// Which.
    pub kind: CommentKind,
    /// Where it is or begins, milliseconds of session time.
    pub at_ms: u32,
    /// Where it ends, when it is about a stretch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub end_ms: Option<u32>,
    /// Words.
    pub text: String,
    /// Who wrote it.
    pub author: Person,
    /// When.
    pub created_at: Timestamp,
    /// Changed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub edited_at: Option<Timestamp>,
    /// Who settled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub resolved_by: Option<Person>,
    /// Whether the one who asks wrote it.
    pub own: bool,
}

/// A comment as written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct NewComment {
    /// Which.
    pub kind: CommentKind,
    /// Where it is or begins, milliseconds of session time.
    pub at_ms: u32,
    /// Where it ends, when it is about a stretch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub end_ms: Option<u32>,
    /// At most 2,000 characters; only a bookmark may go without.
    #[serde(default)]
    pub text: String,
}

/// Settles a comment, or opens it again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ResolveComment {
    /// True: settled.
    pub resolved: bool,
}
