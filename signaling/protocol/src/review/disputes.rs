//! An agent objects to a score.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Person, ReviewSummary};
use crate::ids::DisputeId;

/// Where a dispute stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DisputeState {
    /// Waits for an answer.
    Open,
    /// The score was corrected.
    Accepted,
    /// The score stays.
    Rejected,
    /// The agent took it back.
    Withdrawn,
}

/// An agent's objection.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Dispute {
    /// Id.
    pub id: DisputeId,
    /// Where it stands.
    pub state: DisputeState,
    /// The revision it is about.
    pub revision: u32,
    /// Why.
    pub reason: String,
    /// Keys of the questions it is about; empty: the whole score.
    pub questions: Vec<String>,
    /// When.
    pub at: Timestamp,
    /// An answer is due at. Nothing is decided by time alone; later it counts as overdue.
    pub due_at: Timestamp,
    /// Who decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub decided_by: Option<Person>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub decided_at: Option<Timestamp>,
    /// What was answered.
    pub answer: String,
}

/// A dispute in the list of those who decide.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct DisputeRow {
    /// The dispute.
    pub dispute: Dispute,
    /// The review it is about.
    pub review: ReviewSummary,
    /// Whether its answer is late.
    pub overdue: bool,
}

/// Objects to a score.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct NewDispute {
    /// Why, 1 to 2,000 characters.
    pub reason: String,
    /// Keys of the questions it is about; empty: the whole score.
    #[serde(default)]
    pub questions: Vec<String>,
}

/// A reason.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// 1 to 2,000 characters.
    pub reason: String,
}
