//! The audit log: who did what to recordings, rights and personal data, and why.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum AuditEvent {
    /// Somebody logged in.
    LoginSucceeded,
    /// Somebody tried to.
    LoginFailed,
    /// An account was made.
    UserAdded,
    /// An account has a new password.
    PasswordChanged,
    /// What somebody may do was changed.
    RightsChanged,
    /// A shop has a new API key.
    ApiKeyMade,
    /// A buyer agreed to a recording, declined it or withdrew.
    ConsentChosen,
    /// Media of a recording was played: once for half an hour, a person and a recording.
    RecordingPlayed,
    /// Somebody read a buyer's personal fields; `why` says what for.
    Unmasked,
    /// Something was taken out: a file with media, a report. `detail` says what.
    Exported,
    /// An export was downloaded.
    ExportDownloaded,
    /// A legal hold was placed.
    HoldPlaced,
    /// A legal hold was lifted.
    HoldLifted,
    /// The media of a recording was deleted for good; `why` says by which rule.
    RecordingDeleted,
    /// The buyer took back their consent to a recording that a legal hold keeps: it is locked until the hold is lifted.
    RecordingWithheld,
    /// A shop said which ids are the same buyer's.
    AliasesChanged,
    /// Somebody asked for the erasure of a buyer.
    ErasureRequested,
    /// An erasure is done and certified.
    ErasureFinished,
    /// A score was submitted.
    ReviewSubmitted,
    /// A submitted score was corrected; `why` says why.
    ReviewRevised,
    /// The agent disputed a score; `why` says why.
    DisputeOpened,
    /// A dispute was accepted, rejected or withdrawn; `why` is what was answered.
    DisputeDecided,
}

/// One entry. The hash covers everything in it and the hash of the entry before.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, TS)]
pub struct AuditEntry {
    /// Counts from 1 without gaps.
    #[ts(type = "number")]
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// Who: `user:<id>`, `shop:<id>`, `operator` (at the server's command line), `server`, or `nobody`.
    pub actor: String,
    /// Their name, if they have one. Not part of what is hashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub actor_name: Option<String>,
    /// What.
    pub event: AuditEvent,
    /// What it was done to, e.g. `recording:<id>`; may be empty.
    pub about: String,
    /// The reason that was given, or the rule; may be empty.
    pub why: String,
    /// More about it.
    #[ts(type = "Record<string, unknown>")]
    pub detail: serde_json::Value,
    /// SHA-256 of the hash before and this entry, hex.
    pub hash: String,
}

/// How long the log was, and its last hash. Whoever keeps one can tell later whether something was cut off.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct AuditHead {
    /// Entries.
    #[ts(type = "number")]
    pub entries: i64,
    /// Hash of the last one, hex.
    pub hash: String,
    /// When that was so.
    pub at: Timestamp,
}

/// `GET /audit/verify`: whether the log is what was written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct AuditReport {
    /// Entries that are in order, from the first on.
    #[ts(type = "number")]
    pub good: i64,
    /// Signed heads of earlier times that were compared.
    pub checkpoints: u32,
    /// The first thing that is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub broken: Option<AuditBreak>,
}

/// Where the log is not what was written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct AuditBreak {
    /// The first entry that is not right.
    #[ts(type = "number")]
    pub number: i64,
    /// What is wrong with it.
    pub what: String,
}

/// A statement with the server's signature over its canonical JSON (RFC 8785).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Signed<T> {
    /// What is said.
    pub statement: T,
    /// Ed25519 (RFC 8032).
    pub algorithm: String,
    /// The server's public key, base64.
    pub public_key: String,
    /// Signature, base64.
    pub signature: String,
}

/// `GET /signing-key`: what signatures of this server are checked with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct SigningKeyInfo {
    /// Ed25519.
    pub algorithm: String,
    /// The public key, 32 bytes in base64.
    pub public_key: String,
}
