//! Errors as RFC 9457 problem details, the same on REST and WebSocket.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `application/problem+json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Problem {
    /// `/problems/<code>`: stable, for programs. A page at that address explains it.
    #[serde(rename = "type")]
    pub kind: String,
    /// Short, the same for every occurrence.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What went wrong this time and what to change.
    pub detail: String,
    /// The field, setting or header to change, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub field: Option<String>,
}
