//! What a scorecard form asks, its drafts and its published versions.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ids::{FormId, FormVersionId};

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
