//! Reviews: answers, what they come to, and every state a score was in.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Dispute, DisputeState, FormVersion, Person, SecondScore};
use crate::ids::{CallId, FormVersionId, RecordingId, ReviewId};

/// A share of all that could be earned, in hundredths of a percent: 0 to 10,000.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, TS)]
#[ts(type = "number")]
pub struct Score(pub u16);

impl Score {
    /// Everything.
    pub const FULL: Self = Self(10_000);
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// In percent.
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

/// What was answered to a question.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
    /// A value of the scale.
    Scale {
        /// Which.
        value: u8,
    },
    /// The question does not apply to this call.
    NotApplicable,
}

/// An answer with what belongs to it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// Key of the question.
    pub question: String,
    /// The answer; absent while only a comment was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub answer: Option<Answer>,
    /// Why, at most 1,000 characters.
    #[serde(default)]
    pub comment: String,
    /// The moment that shows it, milliseconds of session time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub at_ms: Option<u32>,
}

/// All of a reviewer's answers.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// One a question, in any order.
    pub answers: Vec<Answered>,
    /// About the whole call, at most 4,000 characters.
    #[serde(default)]
    pub comment: String,
}

/// Begins a review.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct NewReview {
    /// The published version to score on.
    pub form_version: FormVersionId,
}

/// The draft is kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct DraftSaved {
    /// Since when.
    pub saved_at: Timestamp,
}

/// Corrects a submitted score.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct NewRevision {
    /// The answers as they should have been.
    pub answers: Answers,
    /// Why, 1 to 2,000 characters. The agent reads it.
    pub reason: String,
}

/// Where a review stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    /// Being written; only its reviewer sees it.
    Draft,
    /// Done; changes by revisions only.
    Submitted,
}

/// What answers come to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Scored {
    /// What counts: 0 when a critical question was failed.
    pub score: Score,
    /// What it would be if no question were critical.
    pub earned: Score,
    /// Keys of the critical questions that were failed.
    pub failed: Vec<String>,
    /// Of each section, in order; absent where nothing applied.
    pub sections: Vec<Option<Score>>,
}

/// One state of a submitted score.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Revision {
    /// 1 for what was submitted first.
    pub number: u32,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Person,
    /// Why it differs from the one before; empty for the first.
    pub reason: String,
    /// The answers.
    pub answers: Answers,
    /// What they come to.
    pub scored: Scored,
}

/// A review in a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct ReviewSummary {
    /// Id.
    pub id: ReviewId,
    /// What was reviewed.
    pub recording: RecordingId,
    /// Its call.
    pub call: CallId,
    /// Number of the call's ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ticket_number: Option<String>,
    /// When the call was recorded.
    pub call_at: Timestamp,
    /// Whose call it was.
    pub agent: Person,
    /// Who reviews.
    pub reviewer: Person,
    /// Title of the form.
    pub form: String,
    /// The version of the form.
    pub form_version: FormVersionId,
    /// Its number.
    pub form_version_number: u32,
    /// Where it stands.
    pub state: ReviewState,
    /// Whether it was made as a blind second score.
    pub second: bool,
    /// Submitted first at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub submitted_at: Option<Timestamp>,
    /// The score that counts now, once submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub score: Option<Score>,
    /// Whether a critical question was failed.
    pub critical: bool,
    /// How many revisions there are.
    pub revisions: u32,
    /// The newest dispute, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub dispute: Option<DisputeState>,
}

/// A review with all there is to it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Review {
    /// As in the list.
    pub summary: ReviewSummary,
    /// What was asked.
    pub form: FormVersion,
    /// What has been written so far, while it is a draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub draft: Option<Answers>,
    /// Every state it was in since it was submitted, oldest first.
    pub revisions: Vec<Revision>,
    /// Every dispute, oldest first.
    pub disputes: Vec<Dispute>,
    /// What the person who asks may do with it.
    pub may: ReviewRights,
}

/// What somebody may do with a review.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, TS)]
pub struct ReviewRights {
    /// Go on writing it, submit it.
    pub write: bool,
    /// Correct it.
    pub revise: bool,
    /// Dispute it.
    pub dispute: bool,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub dispute_until: Option<Timestamp>,
    /// Decide about the open dispute.
    pub decide: bool,
    /// Withdraw the open dispute.
    pub withdraw: bool,
    /// Ask somebody for a second score.
    pub ask_second: bool,
}

/// What there is about a recording.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct ReviewBoard {
    /// Own ones and those that may be seen, newest first.
    pub reviews: Vec<ReviewSummary>,
    /// Whether others are kept from the one who asks, who may give a blind second score.
    pub blinded: bool,
    /// Forms that new scores can be made on.
    pub forms: Vec<FormVersion>,
    /// Second scores that are open and concern the one who asks.
    pub seconds: Vec<SecondScore>,
    /// Whose call it was.
    pub agent: Person,
    /// Whether the one who asks may begin a review: nobody scores their own call.
    pub may_score: bool,
}
