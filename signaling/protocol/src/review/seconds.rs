//! Blind second scores, and scores side by side.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Answered, FormVersion, Person, Scored};
use crate::ids::{RecordingId, ReviewId, SecondScoreId, UserId};

/// A second score that is wanted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct SecondScore {
    /// Id.
    pub id: SecondScoreId,
    /// The recording to score.
    pub recording: RecordingId,
    /// Number of the call's ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ticket_number: Option<String>,
    /// Whose call it was.
    pub agent: Person,
    /// Title of the form.
    pub form: String,
    /// Who asked.
    pub asked_by: Person,
    /// When.
    pub asked_at: Timestamp,
    /// Whether chance chose it.
    pub sampled: bool,
    /// Who is to score; absent: whoever comes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reviewer: Option<Person>,
    /// Their review, once begun and if the one who asks may know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub review: Option<ReviewId>,
    /// Whether the one who asks may begin (or go on with) it.
    pub may_start: bool,
    /// Whether the one who asks may call it off.
    pub may_cancel: bool,
}

/// Asks for a second score.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct AskSecond {
    /// Of whom; absent: of whoever comes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reviewer: Option<UserId>,
}

/// Lets chance choose scores that get a second one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SampleSecond {
    /// How many in a hundred, 1 to 100; at least one of what there is.
    pub percent: u8,
    /// Of the scores submitted in so many days until now, 1 to 365.
    pub days: u16,
}

/// Several reviewers' scores of one recording on one version, side by side.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, TS)]
pub struct Calibration {
    /// The version.
    pub form: FormVersion,
    /// One a score that may be seen, in order of submission.
    pub scores: Vec<CalibrationScore>,
    /// One a question, in the form's order.
    pub questions: Vec<QuestionDifference>,
    /// How far the scores are apart; absent with fewer than two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub agreement: Option<Agreement>,
}

/// A column of a calibration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct CalibrationScore {
    /// The review.
    pub review: ReviewId,
    /// By whom.
    pub reviewer: Person,
    /// What it comes to.
    pub scored: Scored,
}

/// How one question was answered by everybody.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, TS)]
pub struct QuestionDifference {
    /// Key of the question.
    pub question: String,
    /// One a score, in their order.
    pub answers: Vec<Answered>,
    /// Largest difference between two answers as a share of the scale, 0 to 1. An answer and "does not apply" are 1
    /// apart.
    pub spread: f64,
}

/// How well scores agree. Every pair of scores is compared; the figures are means over all pairs.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, TS)]
pub struct Agreement {
    /// Mean absolute difference of the scores, percentage points.
    pub score_difference: f64,
    /// The same of what was earned, without critical questions.
    pub earned_difference: f64,
    /// Mean absolute difference of the answers as a share of their scales, 0 to 1.
    pub answer_difference: f64,
    /// Share of the answers that are the same, 0 to 1.
    pub same: f64,
    /// Whether all agree about which critical questions were failed.
    pub same_critical: bool,
}
