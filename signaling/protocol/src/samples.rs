//! Samples: worklists of recordings to review, drawn by a rule or picked by hand.
//!
//! | method and path | who | body → answer |
//! |---|---|---|
//! | `GET /samples` | who may see recordings | → list of [`Sample`], newest first |
//! | `POST /samples/preview` | the same | [`NewSample`] → [`SampleDraw`]: what it would draw |
//! | `POST /samples` | the same | [`NewSample`] → 201, [`Sample`] |
//! | `GET /samples/{id}` | the same | → [`Sample`] |
//! | `PUT /samples/{id}` | the same | [`SampleChange`] → [`Sample`] |
//! | `POST /samples/{id}/resample` | the same | → [`Sample`]: with what its rule now asks for beside what it has |
//! | `DELETE /samples/{id}` | the same | → 204; a day long `POST /samples/{id}/restore` brings it back |
//! | `GET /samples/{id}/items` | the same | → list of [`SampleItem`] in order |
//! | `GET /samples/{id}/items/{recording}` | the same | → [`SamplePlace`] |
//! | `PUT /samples/{id}/items/{recording}` | the same | [`ItemChange`] → [`SamplePlace`] |
//!
//! A rule is applied to each stratum (all calls of one agent, say) on its own. The seed decides which calls, and nothing
//! else does: the same seed, rule and calls give the same sample. A share is rounded up, so no stratum is left out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ids::{RecordingId, SampleId, UserId};
use crate::rest::RecordingSummary;

/// Most recordings of one sample.
pub const ITEMS_MAX: usize = 1_000;

/// How much is drawn of a stratum.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Amount {
    /// A share, rounded up.
    Share {
        /// 1–100.
        percent: u8,
    },
    /// So many, or all when there are fewer.
    Count {
        /// 1–1,000.
        count: u16,
    },
}

/// What calls have in common that form a stratum.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Stratum {
    /// Nothing: all calls are one.
    All,
    /// Who handled them.
    Agent,
    /// The queue they stood in.
    Queue,
    /// The buyers' country.
    Market,
}

/// How a sample is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct SampleRule {
    /// How much of each stratum.
    pub amount: Amount,
    /// Of what each.
    pub per: Stratum,
    /// Leave out what was reviewed already.
    pub exclude_reviewed: bool,
}

/// A sample to draw, or a worklist of recordings picked by hand.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct NewSample {
    /// 1–80 characters.
    pub name: String,
    /// Of which recordings: a search as in the address (see [`crate::search`]). Its period is fixed when the sample is
    /// drawn. Empty: of all.
    #[serde(default)]
    pub query: String,
    /// Where days begin for who asks, e.g. `Europe/Vienna`; UTC unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub zone: Option<String>,
    /// How to draw. Absent: `recordings` it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub rule: Option<SampleRule>,
    /// Without a rule: which recordings, in order; 1–1,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<RecordingId>>")]
    pub recordings: Vec<RecordingId>,
    /// Who reviews; the recordings are dealt out among them. Nobody: whoever comes.
    pub reviewers: Vec<UserId>,
    /// Makes the drawing repeatable; one is chosen when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub seed: Option<u32>,
}

/// What can be changed of a sample.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct SampleChange {
    /// 1–80 characters.
    pub name: String,
    /// Who reviews; what is not reviewed yet is dealt out anew.
    pub reviewers: Vec<UserId>,
}

/// A worklist.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Sample {
    /// Which.
    pub id: SampleId,
    /// What people call it.
    pub name: String,
    /// Of which recordings; its period is a stretch of time by now.
    pub query: String,
    /// How it was drawn; absent when picked by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub rule: Option<SampleRule>,
    /// The seed of the drawing.
    pub seed: u32,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it was drawn last.
    pub drawn_at: Timestamp,
    /// Who reviews.
    pub reviewers: Vec<Reviewer>,
    /// Recordings in it.
    pub total: u32,
    /// Of them reviewed.
    pub reviewed: u32,
}

/// Somebody who reviews a sample. Who can be asked is `GET /review/reviewers`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Reviewer {
    /// Who.
    pub id: UserId,
    /// Name to show.
    pub name: String,
    /// Recordings of the sample that are theirs.
    pub total: u32,
    /// Of them reviewed.
    pub reviewed: u32,
}

/// What a rule draws.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct SampleDraw {
    /// Recordings drawn.
    pub drawn: u32,
    /// Recordings there are.
    pub population: u32,
    /// By stratum, in order of name.
    pub strata: Vec<StratumDraw>,
}

/// What a rule draws of one stratum.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct StratumDraw {
    /// An agent's name, a country; empty: not known, or all.
    pub name: String,
    /// Recordings drawn.
    pub drawn: u32,
    /// Recordings there are.
    pub population: u32,
}

/// A recording of a worklist.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct SampleItem {
    /// As in the list of recordings.
    pub recording: RecordingSummary,
    /// Counts from 1.
    pub position: u32,
    /// Which stratum it stands for.
    pub stratum: String,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reviewer: Option<UserId>,
    /// Reviewed at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reviewed_at: Option<Timestamp>,
}

/// A recording's place in a worklist, for going through it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct SamplePlace {
    /// The worklist's name.
    pub name: String,
    /// Counts from 1.
    pub position: u32,
    /// Recordings in the worklist.
    pub total: u32,
    /// Of them reviewed.
    pub reviewed: u32,
    /// Whether this one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reviewed_at: Option<Timestamp>,
    /// The one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub previous: Option<RecordingId>,
    /// The one after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub next: Option<RecordingId>,
    /// The next one (from the beginning again, after the end) that is not reviewed and is yours or nobody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub next_open: Option<RecordingId>,
}

/// Somebody is done with a recording, or is not after all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct ItemChange {
    /// True: reviewed.
    pub reviewed: bool,
}
