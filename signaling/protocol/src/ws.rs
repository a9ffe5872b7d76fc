//! The WebSocket: one a person, at `/api/v1/ws`, JSON text frames, every message numbered.
//!
//! The client speaks first with [`ClientMessage::Hello`]; the server answers [`ServerMessage::Welcome`] or
//! [`ServerMessage::Refused`] and closes. Staff are known by their cookie, buyers by the session token from
//! `POST /api/v1/buyer-sessions`. After a broken connection the client opens another one with `resume`; the
//! server replays what it sent after `last_seq`, or starts afresh when it no longer has it (`resumed: false`), in
//! which case `Welcome` carries the whole state anyway. A `Welcome` that resumes has the number the client gave as
//! `last_seq`, and what was missed follows with the numbers after it; one that starts afresh has a number of its own.
//! The close codes are listed in `signaling::ws`.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::call::{
    Availability, CallView, ChatLine, ConsultAsk, FloorView, MonitorMode, PartyLink, PauseReason, QueuePlace,
    Ring, RingEnd, Role, Source,
};
use crate::ids::{CallId, PartyId, UserId};
use crate::problem::Problem;
use crate::rest::ConsentReceipt;

/// The version both sides must speak. It changes when an old client would misunderstand a new server.
pub const PROTOCOL_VERSION: u32 = 1;

/// A message of a client with its number.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, TS)]
pub struct ClientFrame {
    /// Counts from 1 on each connection.
    pub seq: u64,
    /// What is said.
    #[serde(flatten)]
    pub message: ClientMessage,
}

/// A message of the server with its number.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, TS)]
pub struct ServerFrame {
    /// Counts from 1 over the life of the session, across reconnects.
    pub seq: u64,
    /// What is said.
    #[serde(flatten)]
    pub message: ServerMessage,
}

/// What clients say.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    /// First message of every connection.
    Hello {
        /// [`PROTOCOL_VERSION`]
        version: u32,
        /// Buyers: the token of the buyer session. Staff: absent, the cookie says who they are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        session_token: Option<String>,
        /// After a broken connection.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        resume: Option<Resume>,
    },
    /// The client's only SDP offer (another one with the same certificate is an ICE restart).
    /// May be sent any time after `welcome`: transports are warm before a call is accepted.
    Offer {
        /// SDP: send lines, receive slots (3 audio, 4 video), one data channel line.
        sdp: String,
        /// Which send line carries what.
        sources: Vec<SourceLine>,
    },
    /// Agent: may calls ring here?
    SetAvailability {
        /// `available` or `away`.
        availability: Availability,
    },
    /// Buyer: get in line.
    RequestHelp {
        /// The buyer's choice about recording; absent only when they were not asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        consent: Option<ConsentChoice>,
    },
    /// Agent: take the ringing call.
    Accept {
        /// Which.
        call: CallId,
    },
    /// Agent: not me.
    Decline {
        /// Which.
        call: CallId,
    },
    /// What this person sends from now on (mute, camera off, …): the full list.
    Sending {
        /// Sources that are live.
        sources: Vec<Source>,
    },
    /// A line of chat to the other side; echoed to both as `chat`.
    Chat {
        /// 1–2,000 characters.
        text: String,
    },
    /// Buyer: agree to, or withdraw from, being recorded in the middle of a call. Staff: the same about themselves, in a
    /// call or out of one; it holds for calls to come.
    SetConsent {
        /// The new choice. The buyer's withdrawal stops the recording at once and deletes what there is; an agent's stops
        /// it.
        consent: ConsentChoice,
    },
    /// Leave the queue or the call. The agent then wraps up. Who follows a call or is consulted leaves it.
    HangUp,
    /// How large each receive slot is shown from now on: the full list, at every change and at most a few times a second.
    /// The server sends no more than that needs.
    Views {
        /// Sizes by slot; a slot that is not in the list is not shown.
        slots: Vec<SlotSize>,
    },
    /// How the last seconds were, about every 2 s while in a call.
    ClientStats {
        /// See [`ClientStats`].
        stats: ClientStats,
    },
    /// Agent: put the buyer on hold, or take them back.
    SetHold {
        /// True: on hold.
        on: bool,
    },
    /// Agent, or a supervisor who follows the call: store nothing from now on. Asked again while a pause lasts, the time
    /// counts from now.
    PauseRecording {
        /// `card_data`, `credentials` or `other`; the others come by themselves.
        reason: PauseReason,
        /// The recording goes on by itself after so many seconds, 10 to 600.
        at_most_s: u32,
    },
    /// The same: store again, as far as nothing else speaks against it.
    ResumeRecording,
    /// Agent or supervisor: let nobody have a source of somebody in the call, or let them again.
    Mute {
        /// Whose.
        party: PartyId,
        /// Which.
        source: Source,
        /// True: nobody gets it.
        muted: bool,
    },
    /// Supervisor: follow a call, or follow it in another way.
    Monitor {
        /// Which.
        call: CallId,
        /// How.
        mode: MonitorMode,
    },
    /// Supervisor: follow it no longer.
    MonitorEnd,
    /// Agent: ask a colleague about the call. From their answer on, the buyer is on hold.
    ConsultStart {
        /// Whom.
        colleague: UserId,
    },
    /// Colleague: answer the question of an agent.
    ConsultAnswer {
        /// Which call it is about.
        call: CallId,
        /// False: not now.
        accept: bool,
    },
    /// Agent or colleague: the question is answered, or is taken back. A buyer whom the consult put on hold is taken back.
    ConsultEnd,
    /// Staff: be told of the floor (see [`crate::call::FloorView`]) at every change, or no longer.
    WatchFloor {
        /// True: be told.
        on: bool,
    },
    /// Buyer or agent: first frame of the other side was shown, for the service's own figures.
    FirstFrame {
        /// Milliseconds from `call` turning `connected` on this client to the first frame shown.
        after_ms: u32,
    },
}

/// How to take up a broken connection.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Resume {
    /// From the last `welcome`.
    pub token: String,
    /// The last server message number seen.
    pub last_seq: u64,
}

/// A send line of an offer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct SourceLine {
    /// MID of the line.
    pub mid: String,
    /// What it carries.
    pub source: Source,
}

/// How large a receive slot is shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct SlotSize {
    /// MID of the line.
    pub mid: String,
    /// Device pixels, 0–16,384; 0 × 0 is not shown.
    pub width: u16,
    /// Device pixels.
    pub height: u16,
}

/// What one client noticed since its last report; counts are differences over `period_ms`, not totals. The server takes
/// no figure on trust beyond its range.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct ClientStats {
    /// Length of the report, 100–60,000 ms.
    pub period_ms: u32,
    /// Freezes of any video (`freezeCount`) that ended in it.
    pub freezes: u32,
    /// Time frozen (`totalFreezesDuration`), ms, at most `period_ms` a video.
    pub frozen_ms: u32,
    /// Video frames decoded (`framesDecoded`).
    pub frames_decoded: u32,
    /// Audio samples that were made up (`concealedSamples` without `silentConcealedSamples`).
    pub concealed_samples: u32,
    /// All audio samples played (`totalSamplesReceived`).
    pub audio_samples: u32,
    /// Packets that came.
    pub packets_received: u32,
    /// Packets that never came, as the client counts.
    pub packets_lost: u32,
    /// Greatest jitter of a stream, ms.
    pub jitter_ms: u32,
    /// Round trip of the selected candidate pair, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub rtt_ms: Option<u32>,
    /// What came, kbit/s.
    pub down_kbps: u32,
    /// What was sent, kbit/s.
    pub up_kbps: u32,
}

/// What the server wants of one encoding of a send line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct EncodingWish {
    /// Its RID; absent on a line with one encoding only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub rid: Option<String>,
    /// Whether anybody needs it.
    pub active: bool,
    /// Send no more than this, bit/s; absent: as the client likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub max_bitrate: Option<u64>,
}

/// A person's choice about being recorded, tied to the words they were shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct ConsentChoice {
    /// True: may record.
    pub recording: bool,
    /// The text they were shown, from [`crate::rest::ConsentText::version`].
    pub text_version: String,
    /// The language it was shown in, BCP 47.
    pub language: String,
}

/// What the server says.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// Answer to `hello`.
    Welcome {
        /// [`PROTOCOL_VERSION`]
        version: u32,
        /// Proves who takes up this session after a broken connection; good for the grace time.
        resume_token: String,
        /// Whether `resume` worked and what follows is only what was missed.
        resumed: bool,
        /// Seconds a lost connection may take to come back before the call ends.
        grace_s: u32,
        /// Staff: role and availability.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        staff: Option<StaffWelcome>,
        /// The call this person is in, if any (after a reload, for one).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        call: Option<Box<CallView>>,
        /// Agent: a ring that was already going on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        ring: Option<Box<Ring>>,
        /// Staff: a colleague's question that has no answer yet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        consult: Option<Box<ConsultAsk>>,
    },
    /// Answer to `hello` when it is refused; the connection closes.
    Refused {
        /// Why, and what to change.
        problem: Problem,
    },
    /// A request that cannot be done; the connection goes on.
    Problem {
        /// `seq` of the client message it answers.
        reply_to: u64,
        /// Why, and what to change.
        problem: Problem,
    },
    /// Answer to `offer`.
    Answer {
        /// SDP.
        sdp: String,
    },
    /// What each receive slot shows from now on: the whole list, empty slots included.
    Slots {
        /// In the order of the offer's receive lines.
        slots: Vec<SlotView>,
    },
    /// Agent: how the desk sees you.
    Availability {
        /// See [`Availability`].
        availability: Availability,
    },
    /// Buyer: place in line, again on every change and at least every 5 s.
    Queue {
        /// The place.
        place: QueuePlace,
    },
    /// Agent: a buyer asks for you.
    Ring {
        /// All there is to see before accepting.
        ring: Box<Ring>,
    },
    /// Agent: stop ringing.
    RingEnded {
        /// Which.
        call: CallId,
        /// Why.
        reason: RingEnd,
    },
    /// The call after a change, whole.
    Call {
        /// See [`CallView`].
        call: Box<CallView>,
    },
    /// Staff: your choice about being recorded was taken.
    OwnConsent {
        /// What proves it.
        receipt: ConsentReceipt,
    },
    /// A line of chat, your own included.
    Chat {
        /// Which call.
        call: CallId,
        /// The line.
        line: ChatLine,
    },
    /// What to upload from now on, for `RTCRtpSender.setParameters`: nobody uploads what nobody watches. Said again after
    /// every `answer` and every `welcome` that starts afresh.
    SendWish {
        /// Which send line.
        source: Source,
        /// Every encoding of it, lowest first.
        encodings: Vec<EncodingWish>,
    },
    /// Who speaks, smoothed; at every change.
    Speaking {
        /// Which call.
        call: CallId,
        /// The one to look at: stays when somebody coughs, and when everybody is silent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        speaker: Option<PartyId>,
        /// Everybody who speaks right now, of those you can hear, and you.
        speaking: Vec<PartyId>,
    },
    /// How the connections are: every change of a state, and to staff about every 2 s.
    Quality {
        /// Which call.
        call: CallId,
        /// Everybody you see in it, you included.
        links: Vec<PartyLink>,
    },
    /// Staff who watch the floor.
    Floor {
        /// The whole of it.
        floor: Box<FloorView>,
    },
    /// Staff: an agent asks you.
    ConsultAsked {
        /// All there is to see before answering.
        ask: Box<ConsultAsk>,
    },
    /// Staff: the question is over, answered or not.
    ConsultAskEnded {
        /// Which call it was about.
        call: CallId,
    },
}

/// Staff part of `welcome`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct StaffWelcome {
    /// Name to show.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// How the desk sees them.
    pub availability: Availability,
    /// What they chose about being recorded, of the words in force; absent when they have not been asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub consent: Option<ConsentReceipt>,
}

/// A receive slot and what it shows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct SlotView {
    /// MID of the line.
    pub mid: String,
    /// What it shows; absent when empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub shows: Option<SlotTrack>,
}

/// A track in a slot.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct SlotTrack {
    /// Whose.
    pub party: PartyId,
    /// Which.
    pub source: Source,
}
