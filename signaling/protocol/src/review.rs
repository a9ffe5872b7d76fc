//! Quality review: scorecard forms, scores, second scores, disputes, comments.
//!
//! | method and path under `/api/v1` | who | body → answer |
//! |---|---|---|
//! | `GET /review/forms` | reviewer, supervisor, admin | → list of [`ReviewForm`] |
//! | `GET /review/forms/{id}` | the same | → [`ReviewForm`] |
//! | `GET /review/form-versions/{id}` | the same | → [`FormVersion`] |
//! | `POST /review/forms` | supervisor, admin | [`NewForm`] → [`ReviewForm`], a draft |
//! | `PUT /review/forms/{id}/draft` | the same | [`FormDraft`] → [`ReviewForm`] |
//! | `DELETE /review/forms/{id}/draft` | the same | → 204; a form that was never published goes with it |
//! | `POST /review/forms/{id}/publish` | the same | [`PublishForm`] → [`ReviewForm`] |
//! | `PUT /review/forms/{id}/archived` | the same | [`ArchiveForm`] → [`ReviewForm`] |
//! | `POST /review/forms/{id}/duplicate` | the same | → [`ReviewForm`], a draft |
//! | `GET /review/reviewers` | reviewer, supervisor, admin | → list of [`Person`] who may score |
//! | `GET /recordings/{id}/reviews` | the same | → [`ReviewBoard`] |
//! | `POST /recordings/{id}/reviews` | the same, not the call's agent | [`NewReview`] → [`Review`], a draft; the one there is, if there is one |
//! | `GET /recordings/{id}/calibration` | the same | → list of [`Calibration`], one a form version |
//! | `GET /reviews?agent=&form=&reviewer=&limit=&before=` | the same | → `Page` of [`ReviewSummary`], submitted ones |
//! | `GET /reviews.csv?agent=&form=&from=&to=` | the same | → CSV, one row a score |
//! | `GET /my-reviews?limit=&before=` | agent, supervisor, admin | → `Page` of [`ReviewSummary`] of one's own calls |
//! | `GET /reviews/{id}` | who may see it | → [`Review`] |
//! | `PUT /reviews/{id}/draft` | its reviewer | [`Answers`] → [`DraftSaved`] |
//! | `DELETE /reviews/{id}` | its reviewer, while a draft | → 204 |
//! | `POST /reviews/{id}/submit` | its reviewer | [`Answers`] → [`Review`] |
//! | `POST /reviews/{id}/revisions` | its reviewer | [`NewRevision`] → [`Review`] |
//! | `POST /reviews/{id}/dispute` | the call's agent | [`NewDispute`] → [`Review`] |
//! | `GET /disputes` | reviewer (own scores), supervisor, admin | → list of [`DisputeRow`], open ones, the most urgent first |
//! | `POST /disputes/{id}/accept` | the score's reviewer, supervisor, admin | [`NewRevision`] → [`Review`] |
//! | `POST /disputes/{id}/reject` | the same | [`Reason`] → [`Review`] |
//! | `POST /disputes/{id}/withdraw` | the agent who disputed | → [`Review`] |
//! | `POST /reviews/{id}/second` | reviewer, supervisor, admin | [`AskSecond`] → [`SecondScore`] |
//! | `GET /second-scores` | the same | → list of [`SecondScore`], open ones that concern one |
//! | `POST /second-scores/sample` | supervisor, admin | [`SampleSecond`] → list of [`SecondScore`] |
//! | `POST /second-scores/{id}/start` | who was asked, or anybody but who asked | → [`Review`], a draft |
//! | `DELETE /second-scores/{id}` | who asked, supervisor, admin | → 204 |
//! | `GET /recordings/{id}/comments` | reviewer, supervisor, admin | → list of [`TimelineComment`] |
//! | `POST /recordings/{id}/comments` | the same | [`NewComment`] → [`TimelineComment`] |
//! | `PUT /comments/{id}` | its author | [`NewComment`] → [`TimelineComment`] |
//! | `DELETE /comments/{id}` | its author | → 204 |
//! | `POST /comments/{id}/restore` | its author | → [`TimelineComment`] |
//! | `PUT /comments/{id}/resolved` | reviewer, supervisor, admin | [`ResolveComment`] → [`TimelineComment`] |

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ids::{
    CallId, CommentId, DisputeId, FormId, FormVersionId, RecordingId, ReviewId, SecondScoreId, UserId,
};

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

/// A member of staff, by name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Person {
    /// Account.
    pub id: UserId,
    /// Name.
    pub name: String,
}

/// What a form asks. Kept whole in every published version.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct FormContent {
    /// What it is called.
    pub title: String,
    /// What reviewers read before they begin.
    #[serde(default)]
    pub intro: String,
    /// In the order they are asked.
    pub sections: Vec<FormSection>,
}

/// A part of a form.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct FormSection {
    /// What it is about.
    pub title: String,
    /// Percent of the whole score, 1 to 100; all sections together are 100.
    pub weight: u16,
    /// In the order they are asked.
    pub questions: Vec<FormQuestion>,
}

/// One question.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct FormQuestion {
    /// Names the question within the form, in all its versions: `a-z`, `0-9`, `-` and `_`, at most 40.
    pub key: String,
    /// What is asked.
    pub text: String,
    /// How to judge it, with examples.
    #[serde(default)]
    pub help: String,
    /// What can be answered.
    pub kind: QuestionKind,
    /// Its part of the section beside the section's other questions, 1 to 100.
    pub points: u16,
    /// Whether it can be said that the question does not apply.
    pub na_allowed: bool,
    /// Failing it (no, or the lowest value) makes the whole score 0.
    pub critical: bool,
}

/// What can be answered, besides that the question does not apply.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum QuestionKind {
    /// Yes earns everything, no nothing.
    YesNo,
    /// A whole number. The lowest earns nothing, the highest everything, those between in proportion.
    Scale {
        /// Lowest value, 0 to 9.
        min: u8,
        /// Highest value, above the lowest, at most 10.
        max: u8,
        /// What the lowest value means.
        #[serde(default)]
        low: String,
        /// What the highest value means.
        #[serde(default)]
        high: String,
    },
}

/// A form as those who manage and use it see it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct ReviewForm {
    /// Id.
    pub id: FormId,
    /// The queue whose calls it is for; absent: all calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub queue: Option<String>,
    /// Not offered any more since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub archived_at: Option<Timestamp>,
    /// What is being worked on; absent when nothing differs from the newest version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub draft: Option<FormContent>,
    /// What keeps the draft from being published; empty when nothing does.
    pub flaws: Vec<FormFlaw>,
    /// Counts the changes of the draft, so that two editors do not overwrite each other.
    pub revision: u32,
    /// What new scores are made on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub published: Option<FormVersion>,
    /// Every version there was, newest first, without what it asks.
    pub versions: Vec<FormVersionRef>,
}

/// Something that keeps a form from being published.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct FormFlaw {
    /// Where, e.g. `sections[0].questions[2].text`.
    pub field: String,
    /// What is wrong and what to change.
    pub detail: String,
}

/// A published version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct FormVersion {
    /// Id.
    pub id: FormVersionId,
    /// Its form.
    pub form: FormId,
    /// 1 for the first.
    pub number: u32,
    /// When it was published.
    pub published_at: Timestamp,
    /// What it asks.
    pub content: FormContent,
}

/// A version in a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct FormVersionRef {
    /// Id.
    pub id: FormVersionId,
    /// 1 for the first.
    pub number: u32,
    /// When it was published.
    pub published_at: Timestamp,
    /// Scores made on it.
    pub scores: u32,
}

/// A new form.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct NewForm {
    /// What it asks. May be unfinished.
    pub content: FormContent,
    /// The queue whose calls it is for; absent: all calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub queue: Option<String>,
}

/// A changed draft.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct FormDraft {
    /// What it asks now. May be unfinished.
    pub content: FormContent,
    /// The queue whose calls it is for; absent: all calls. Takes effect at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub queue: Option<String>,
    /// [`ReviewForm::revision`] of what was changed.
    pub revision: u32,
}

/// Freezes the draft as the next version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct PublishForm {
    /// [`ReviewForm::revision`] of what is to be published.
    pub revision: u32,
}

/// Stops offering a form, or offers it again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ArchiveForm {
    /// True: not offered any more.
    pub archived: bool,
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
