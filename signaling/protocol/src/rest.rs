//! Bodies of the REST API under `/api/v1`.
//!
//! | method and path | who | body → answer |
//! |---|---|---|
//! | `POST /buyer-sessions` | shop-signed JWT as Bearer | [`NewBuyerSession`] → [`BuyerSession`] |
//! | `POST /login` | anyone | [`Login`] → [`Me`] + cookie |
//! | `POST /logout` | staff | → 204 |
//! | `GET /me` | staff | → [`Me`] |
//! | `GET /calls`, `/calls/{id}` | staff (agents: their own) | → [`Page`] of [`CallSummary`], [`CallSummary`] |
//! | `GET /tickets?q=&limit=&before=` | staff (agents: their own) | → [`Page`] of [`Ticket`] |
//! | `GET /tickets/{id}` | staff (agents: their own) | → [`Ticket`] |
//! | `GET /calls/{id}/quality` | the same, and reviewers | → [`QualityTimeline`] |
//! | `PUT /calls/{id}/rating` | the call's buyer | see [`crate::rating`] |
//! | `PUT /calls/{id}/wrap-up` | the call's agent, supervisor, admin | [`WrapUp`] → [`Ticket`] |
//! | `GET /recordings/{id}` | the same | → [`Recording`] |
//! | `GET /recordings/{id}/timeline` | the same | → [`crate::replay::ReplayTimeline`] |
//! | `GET /recordings?<search>`, `/recordings/facets?<search>` | who may see recordings | see [`crate::search`] |
//! | `…/saved-filters`, `…/samples` | the same | see [`crate::saved_filters`], [`crate::samples`] |
//! | `GET /recordings/{id}` | who may play them | → [`Recording`] |
//! | `POST /recordings/{id}/plays` | the same | [`Why`] → 204; playing is logged without it, too |
//! | `GET /recordings/{id}/tracks/{track}` | the same | → bytes, `Range` understood |
//! | `GET /outcomes` | staff | → list of [`Outcome`] |
//! | `GET /own-consent?language=` | staff who take calls | → [`ConsentText`] |
//! | `GET /queues` | staff | → list of [`crate::call::QueueInfo`] |
//!
//! Quality review has a table of its own: [`crate::review`].
//! | `GET /audit?event=&actor=&about=&from=&to=&limit=&before=` | who may read the audit log | → [`Page`] of [`AuditEntry`](crate::audit::AuditEntry) |
//! | `GET /audit/head` | the same | → [`Signed`](crate::audit::Signed) [`AuditHead`](crate::audit::AuditHead) |
//! | `GET /audit/verify` | the same | → [`AuditReport`](crate::audit::AuditReport) |
//! | `POST /calls/{id}/unmask` | who may play unmasked | [`Why`] → 204; personal fields are readable for half an hour |
//! | `POST /recordings/{id}/erase` | who may erase | [`Why`] → 204 |
//! | `GET`, `POST /erasures`, `GET /erasures/{id}`, `/erasures/{id}/certificate` | the same | see [`crate::governance`] |
//! | `GET`, `POST /holds`, `POST /holds/{id}/lift` | who may hold | see [`crate::governance`] |
//! | `PUT /subjects/aliases` | shop-signed JWT for servers as Bearer | [`NewAliases`](crate::governance::NewAliases) → [`Aliases`](crate::governance::Aliases) |
//! | `GET /signing-key` | anyone | → [`SigningKeyInfo`](crate::audit::SigningKeyInfo) |
//! | `GET /users`, `/users/{id}` | who may manage users | → list of [`UserRights`](crate::rights::UserRights), one of them |
//! | `PUT /users/{id}/rights` | the same | [`RightsChanges`](crate::rights::RightsChanges) → [`UserRights`](crate::rights::UserRights) |
//!
//! Exports have a table of their own: [`crate::exports`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::call::{BuyerContext, CallState, EndReason, LinkState, PauseReason, Role, Side, Source};
use crate::governance::Kept;
use crate::ids::{BuyerSessionId, CallId, PartyId, ReceiptId, RecordingId, TicketId, UserId};
use crate::rating::Rating;
use crate::rights::Action;
use crate::search::Flag;

/// The buyer taps "video help".
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct NewBuyerSession {
    /// Language the widget shows, BCP 47.
    pub language: String,
}

/// The buyer's visit: what to show before anything is sent or recorded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct BuyerSession {
    /// Names the visit.
    pub id: BuyerSessionId,
    /// Opens the WebSocket; kept in memory or `sessionStorage`, never in a cookie.
    pub session_token: String,
    /// The token is good until.
    pub expires_at: Timestamp,
    /// Who will answer, e.g. "Lumen & Co. support".
    pub answered_by: String,
    /// Agents logged in and available or in a call.
    pub agents_on_duty: u32,
    /// The words about recording; absent when the call is not recorded whatever anybody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub consent: Option<ConsentText>,
    /// What the shop signed, so that the widget can show the product.
    pub context: BuyerContext,
}

/// The words that somebody is shown before they choose.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct ConsentText {
    /// Changes whenever the words change.
    pub version: String,
    /// BCP 47 tag of these words (may be a fallback).
    pub language: String,
    /// What is recorded, why, for how long, and how to withdraw.
    pub text: String,
    /// SHA-256 of `text`, hex: what the receipt will hold.
    pub sha256: String,
}

/// Staff login.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Login {
    /// Address of the account.
    pub email: String,
    /// Password.
    pub password: String,
}

/// Who is logged in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Me {
    /// Account.
    pub id: UserId,
    /// Address.
    pub email: String,
    /// Name shown to buyers and colleagues.
    pub name: String,
    /// What they are.
    pub role: Role,
    /// Where they work, ISO 3166-1 alpha-2, if anybody has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub country: Option<String>,
    /// What they may do.
    pub rights: Vec<Action>,
    /// The queues whose calls they see, their own calls aside; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub queues: Option<Vec<String>>,
}

/// A page of a list, newest first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Page<T: TS> {
    /// The rows.
    pub items: Vec<T>,
    /// Give it as `before` to get the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub next: Option<String>,
}

/// A call in a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct CallSummary {
    /// Which.
    pub id: CallId,
    /// Where it stands.
    pub state: CallState,
    /// Asked for help.
    pub requested_at: Timestamp,
    /// Accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub accepted_at: Option<Timestamp>,
    /// Over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ended_at: Option<Timestamp>,
    /// Why it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub end_reason: Option<EndReason>,
    /// Name of the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub agent: Option<String>,
    /// Name of the queue it came from.
    pub queue: String,
    /// What the shop signed.
    pub context: BuyerContext,
    /// Its ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ticket: Option<TicketId>,
    /// Its recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub recording: Option<RecordingId>,
    /// Whether the buyer's personal fields are masked for whoever asked.
    #[serde(default)]
    pub masked: bool,
}

/// How a call came out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Outcome {
    /// Stable code, e.g. `transport_damage`.
    pub code: String,
    /// What agents read.
    pub label: String,
}

/// What the agent writes after the call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct WrapUp {
    /// One of `GET /outcomes`.
    pub outcome: String,
    /// Free text, at most 10,000 characters.
    pub notes: String,
}

/// The lasting record of a call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Ticket {
    /// Id.
    pub id: TicketId,
    /// What people call it, e.g. `V-1042`.
    pub number: String,
    /// Its call.
    pub call: CallSummary,
    /// Who handled it.
    pub agent: String,
    /// Outcome code, once wrapped up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub outcome: Option<String>,
    /// Notes, once wrapped up.
    pub notes: String,
    /// Wrapped up at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub closed_at: Option<Timestamp>,
    /// What buyer and agent chose, every time they chose, oldest first.
    pub receipts: Vec<ConsentReceipt>,
    /// What the buyer thought of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub rating: Option<Rating>,
    /// The recording, unless there is none or it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub recording: Option<RecordingSummary>,
}

/// Evidence of one choice.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct ConsentReceipt {
    /// Id.
    pub id: ReceiptId,
    /// On which side of the call they are.
    pub side: RecordedSide,
    /// Who chose: the shop's id of the buyer, or the account of the agent.
    pub subject: String,
    /// True: may record.
    pub recording: bool,
    /// Version of the text shown.
    pub text_version: String,
    /// SHA-256 of the text shown, hex.
    pub text_sha256: String,
    /// Language of the text shown.
    pub language: String,
    /// What for, e.g. `quality_review`.
    pub purpose: String,
    /// When.
    pub at: Timestamp,
}

/// A recording in a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct RecordingSummary {
    /// Id.
    pub id: RecordingId,
    /// Its call.
    pub call: CallId,
    /// Its ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ticket: Option<TicketId>,
    /// The ticket's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ticket_number: Option<String>,
    /// Who handled it.
    pub agent: String,
    /// Name of the queue the call came from.
    pub queue: String,
    /// SKU the call was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub sku: Option<String>,
    /// Product the call was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub product: Option<String>,
    /// Language of the buyer.
    pub language: String,
    /// Country of the buyer, ISO 3166-1 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub country: Option<String>,
    /// What is to know at first sight.
    pub flags: Vec<Flag>,
    /// Outcome code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub outcome: Option<String>,
    /// What the buyer thought of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub rating: Option<Rating>,
    /// First recorded packet.
    pub started_at: Timestamp,
    /// Length of the session timeline, milliseconds.
    pub duration_ms: u32,
    /// Whether it is finished (false while the call goes on).
    pub complete: bool,
    /// Stretches of which nothing was stored, in time order.
    pub pauses: Vec<PauseSpan>,
}

/// A stretch of a call of which nothing was stored.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct PauseSpan {
    /// Why.
    pub reason: PauseReason,
    /// From.
    pub since: Timestamp,
    /// To; absent while it lasts, and when the recording ended in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ended_at: Option<Timestamp>,
    /// Nobody ended it: its time was over.
    pub timed_out: bool,
}

/// Why somebody does something that is logged.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Why {
    /// In their words, 1 to 500 characters. It stays in the audit log for ever, so it should name no buyer.
    pub why: String,
}

/// A recording with what a player needs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Recording {
    /// As in the list.
    pub summary: RecordingSummary,
    /// Every track, in order of first media.
    pub tracks: Vec<RecordingTrack>,
    /// Until when it is kept, and why.
    pub kept: Kept,
    /// Whether the buyer's personal fields are masked for whoever asked.
    #[serde(default)]
    pub masked: bool,
}

/// Who is recorded: the two sides of a call, and nobody else in it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RecordedSide {
    /// Who asked for help.
    Buyer,
    /// Who helps.
    Agent,
}

/// One recorded track: one file, one init segment, fragments in time order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct RecordingTrack {
    /// Name within the recording; the last part of `url`.
    pub id: String,
    /// Whose.
    pub side: RecordedSide,
    /// Name of the person.
    pub name: String,
    /// Which source.
    pub source: Source,
    /// For `MediaSource.addSourceBuffer`, e.g. `video/webm; codecs="vp8"`.
    pub mime: String,
    /// Path of the bytes.
    pub url: String,
    /// The init segment (WebM header, or `ftyp`+`moov`): offset and length in bytes.
    pub init: ByteRange,
    /// Fragments (WebM clusters, or `moof`+`mdat`). Timestamps inside the file count from the start of the
    /// session timeline, so fragments of all tracks line up without offsets.
    pub fragments: Vec<Fragment>,
    /// How the picture must be turned from which moment on, in order; at least one entry for video. Phones turn in the
    /// middle of a call, and nothing in the file says so.
    pub turns: Vec<Turn>,
}

/// A turn of the picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Turn {
    /// From this moment on, milliseconds of session time.
    pub at_ms: u32,
    /// Clockwise: 0, 90, 180 or 270.
    pub degrees: u16,
}

/// A stretch of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct ByteRange {
    /// First byte.
    #[ts(type = "number")]
    pub offset: u64,
    /// How many.
    #[ts(type = "number")]
    pub length: u64,
}

/// A fragment on the session timeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Fragment {
    /// Where in the file.
    pub bytes: ByteRange,
    /// Start, milliseconds of session time.
    pub start_ms: u32,
    /// End of its last sample, milliseconds of session time.
    pub end_ms: u32,
    /// Whether decoding can begin here (always true for audio).
    pub keyframe: bool,
}

/// How the connections of a call were, for the desk and reviewers.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, TS)]
pub struct QualityTimeline {
    /// In order of time; about one every 2 s a person. A very long call ends with `truncated`.
    pub points: Vec<QualityPoint>,
    /// The call went on for longer than the timeline is kept.
    pub truncated: bool,
}

/// One person's connection over about 2 s: what the media plane measured, and what the client reported.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct QualityPoint {
    /// End of the stretch.
    pub at: Timestamp,
    /// Whose.
    pub party: PartyId,
    /// What they are in the call.
    pub side: Side,
    /// In one word.
    pub link: LinkState,
    /// Round trip between the person and the server, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub rtt_ms: Option<u32>,
    /// Packets lost on the way from the person, in thousandths.
    pub up_loss_permille: u16,
    /// Packets lost on the way to the person, in thousandths.
    pub down_loss_permille: u16,
    /// Jitter of what the person sends, ms.
    pub jitter_ms: u32,
    /// What the person sent, kbit/s.
    pub up_kbps: u32,
    /// What the person was sent, kbit/s.
    pub down_kbps: u32,
    /// What the way to the person carries, as estimated, kbit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub estimate_kbps: Option<u32>,
    /// Packets asked of the person again.
    pub nacks: u32,
    /// Packets sent to the person again.
    pub retransmitted: u32,
    /// Keyframes asked of the person.
    pub plis: u32,
    /// The connection was too weak for moving pictures.
    pub video_paused: bool,
    /// What the client reported about what it shows and plays; absent when it said nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub seen: Option<QualitySeen>,
}

/// What a client noticed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, TS)]
pub struct QualitySeen {
    /// Freezes of video that ended in the stretch.
    pub freezes: u32,
    /// Time frozen, ms.
    pub frozen_ms: u32,
    /// Frames decoded a second, all videos together.
    pub frames_per_second: u32,
    /// Audio made up, in thousandths of what was played.
    pub concealed_permille: u16,
}
