//! What is kept for how long, what is held, and how a buyer is erased.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::audit::Signed;
use crate::ids::{CallId, ErasureId, HoldId, RecordingId};

/// A buyer, as their shop names them.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SubjectRef {
    /// Shop id, the `iss` of its tokens.
    pub shop: String,
    /// The shop's id of the buyer, or one of their aliases.
    pub subject: String,
}

/// `POST /holds`: nothing of it is deleted or erased until the hold is lifted. Either a recording, or a buyer with all
/// their recordings, present and to come.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct NewHold {
    /// This recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub recording: Option<RecordingId>,
    /// This buyer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub subject: Option<SubjectRef>,
    /// The buyer of this recording, for those who see the recording but not who it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub buyer_of: Option<RecordingId>,
    /// Why, 1 to 500 characters.
    pub why: String,
}

/// A legal hold.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Hold {
    /// Which.
    pub id: HoldId,
    /// The recording it is about; absent when it is about a buyer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub recording: Option<RecordingId>,
    /// Hash of the buyer it is about, see the audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub subject_sha256: Option<String>,
    /// Why.
    pub why: String,
    /// Since when.
    pub placed_at: Timestamp,
    /// Name of who placed it.
    pub placed_by: String,
    /// Lifted at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub lifted_at: Option<Timestamp>,
}

/// Until when a recording is kept, and by which rule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Kept {
    /// Deleted soon after; whatever it says, not while a hold lasts.
    pub until: Timestamp,
    /// Days after its start.
    pub days: u16,
    /// The rule that says so: of all that apply the one with the fewest days.
    pub rule: KeepRule,
    /// What keeps it beyond that; empty for those who may not place holds.
    pub holds: Vec<Hold>,
}

/// A rule about how long recordings are kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum KeepRule {
    /// `recording.keep_days`
    Everywhere,
    /// `recording.keep_days` of the call's queue
    Queue,
    /// `recording.keep_days_by_country` for the buyer's country
    Country,
}

/// `PUT /subjects/aliases`, by a shop's server: ids that mean the same buyer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct NewAliases {
    /// The buyer.
    pub subject: String,
    /// Other ids of the same buyer: from before they had an account, a hash of their address, … 1 to 100.
    pub aliases: Vec<String>,
}

/// Every id of one buyer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Aliases {
    /// The first of them.
    pub subject: String,
    /// The others.
    pub aliases: Vec<String>,
}

/// `POST /erasures`: erases a buyer, with every alias. One of the two names who.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct NewErasure {
    /// The buyer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub subject: Option<SubjectRef>,
    /// The buyer of this recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub buyer_of: Option<RecordingId>,
    /// Why, 1 to 500 characters.
    pub why: String,
}

/// An erasure and how far it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Erasure {
    /// Which.
    pub id: ErasureId,
    /// Hash of the buyer.
    pub subject_sha256: String,
    /// Why.
    pub why: String,
    /// Asked for at.
    pub requested_at: Timestamp,
    /// Recordings erased so far.
    pub erased: u32,
    /// What went wrong last; it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub trouble: Option<String>,
    /// The certificate, once it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub certificate: Option<Signed<ErasureCertificate>>,
}

/// What the server certifies about an erasure.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct ErasureCertificate {
    /// Which erasure.
    pub erasure: ErasureId,
    /// The shop.
    pub shop: String,
    /// SHA-256 of `shop`, a zero byte and the subject, hex: whoever knows the subject can check that they are meant.
    pub subject_sha256: String,
    /// Asked for at.
    pub requested_at: Timestamp,
    /// Done at.
    pub finished_at: Timestamp,
    /// Ids of the buyer that were looked for, the subject's own included.
    pub ids: u32,
    /// Recordings whose keys and media were destroyed.
    pub recordings: Vec<ErasedRecording>,
    /// Calls that lost what was known of the buyer: name, order, summary, chat, notes, comments.
    pub calls: Vec<CallId>,
    /// What was not erased, and why.
    pub kept: Vec<NotErased>,
}

/// A recording that is no more.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct ErasedRecording {
    /// Which.
    pub recording: RecordingId,
    /// Its key was destroyed at.
    pub erased_at: Timestamp,
    /// Whether copies in the archive are deleted, too. Without the key they are noise; while the archive cannot be reached
    /// they stay until it can.
    pub archive: ArchiveErasure,
}

/// What became of a recording's objects in the archive.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveErasure {
    /// Nothing of it is there.
    Gone,
    /// The archive could not be reached: unreadable objects are there until it can.
    Pending,
}

/// Something that an erasure left, to be erased later.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct NotErased {
    /// The call with all that is known of it.
    pub call: CallId,
    /// Why.
    pub because: KeptBecause,
    /// The hold, if that is why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub hold: Option<HoldId>,
}

/// Why something was not erased.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum KeptBecause {
    /// A legal hold.
    Hold,
    /// The call is not over.
    CallInProgress,
}
