//! What a reviewer sees around a recording's pictures and voices: the body of `GET /recordings/{id}/timeline`.
//!
//! Everything is in session time, milliseconds from the start of the recording, as the fragments of
//! [`crate::rest::RecordingTrack`] are. A call of two hours has 72,000 cells of a waveform and 3,600 quality points a
//! person, so these come as columns; peaks are base64.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::call::{EndReason, LinkState, MonitorMode, Side, Source};
use crate::rest::RecordedSide;

/// From and to, milliseconds of session time.
pub type Stretch = (u32, u32);

/// Everything about a recording that has a place in time, besides its media.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, TS)]
pub struct ReplayTimeline {
    /// Length of the session timeline, milliseconds.
    pub duration_ms: u32,
    /// Nothing will be added any more.
    pub complete: bool,
    /// The voices.
    pub talk: ReplayTalk,
    /// Where nothing was recorded, on purpose; in time order.
    pub pauses: Vec<ReplayPause>,
    /// Where the buyer was on hold; in time order.
    pub holds: Vec<Stretch>,
    /// Where tracks have no media; only tracks that have such places.
    pub gaps: Vec<ReplayGaps>,
    /// Every choice about being recorded, oldest first.
    pub receipts: Vec<ReplayReceipt>,
    /// How the connections were; at most one entry a side.
    pub quality: Vec<ReplayQuality>,
    /// The call went on for longer than the figures of connections are kept.
    pub quality_truncated: bool,
    /// The chat, oldest first.
    pub chat: Vec<ReplayChatLine>,
    /// What happened in the call, oldest first.
    pub events: Vec<ReplayEvent>,
}

/// The voices beside each other, as the recorder measured them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, TS)]
pub struct ReplayTalk {
    /// Length of one cell of a waveform, milliseconds.
    pub cell_ms: u32,
    /// Buyer, then agent; only sides with a voice.
    pub sides: Vec<ReplayVoice>,
    /// Where both speak.
    pub talk_over: Vec<Stretch>,
    /// Where nobody speaks for three seconds and longer, pauses of the recording left out.
    pub silence: Vec<Stretch>,
}

/// One side's voice.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, TS)]
pub struct ReplayVoice {
    /// Whose.
    pub side: RecordedSide,
    /// One byte a cell from the start of the session, base64: 255 times the square root of the largest sample.
    pub peaks: String,
    /// Where it speaks.
    pub speech: Vec<Stretch>,
    /// How long it speaks, milliseconds.
    pub talk_ms: u32,
    /// Integrated loudness (EBU R128), LUFS; absent when nothing was loud enough to measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub loudness_lufs: Option<f64>,
}

/// A stretch in which nothing was recorded, on purpose.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct ReplayPause {
    /// From, milliseconds of session time.
    pub start_ms: u32,
    /// To; absent while it lasts, or when the recording ended in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub end_ms: Option<u32>,
    /// Why, e.g. `card_data`.
    pub reason: String,
    /// Name of who asked; empty when the account is not known any more.
    pub by: String,
    /// Nobody ended it: its time was over.
    pub resumed_by_itself: bool,
}

/// The gaps of one track.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct ReplayGaps {
    /// [`crate::rest::RecordingTrack::id`].
    pub track: String,
    /// In time order.
    pub gaps: Vec<ReplayGap>,
}

/// A stretch without media.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct ReplayGap {
    /// From, milliseconds of session time.
    pub start_ms: u32,
    /// To, milliseconds of session time.
    pub end_ms: u32,
    /// Why.
    pub reason: ReplayGapReason,
}

/// Why media is missing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ReplayGapReason {
    /// Nothing was sent: muted, camera off, or silence that is not sent.
    Silent,
    /// Packets were lost; for pictures it lasts until the next keyframe.
    Lost,
    /// The stream began anew.
    Restart,
    /// The recording was paused.
    Paused,
}

/// A choice about being recorded. The ticket has the whole receipt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct ReplayReceipt {
    /// When; negative before the recording began.
    pub at_ms: i32,
    /// Whose choice.
    pub side: RecordedSide,
    /// True: may record. False: declined or withdrawn.
    pub recording: bool,
    /// Version of the text shown.
    pub text_version: String,
    /// Language of the text shown.
    pub language: String,
    /// What for, e.g. `quality_review`.
    pub purpose: String,
}

/// One side's connection. All lists are equally long; each place in them is a stretch of about two seconds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct ReplayQuality {
    /// Whose.
    pub side: RecordedSide,
    /// End of the stretch, milliseconds of session time.
    pub at_ms: Vec<u32>,
    /// In one word.
    pub link: Vec<LinkState>,
    /// Round trip between the person and the server, ms.
    pub rtt_ms: Vec<Option<u32>>,
    /// Packets lost on the way from the person, in thousandths.
    pub up_loss_permille: Vec<u16>,
    /// Packets lost on the way to the person, in thousandths.
    pub down_loss_permille: Vec<u16>,
    /// What the person sent, kbit/s.
    pub up_kbps: Vec<u32>,
    /// What the person was sent, kbit/s.
    pub down_kbps: Vec<u32>,
    /// How long pictures stood still at the person, ms; 0 also when their client said nothing.
    pub frozen_ms: Vec<u32>,
    /// Sound made up at the person, in thousandths; 0 also when their client said nothing.
    pub concealed_permille: Vec<u16>,
}

/// A line of chat on the timeline.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct ReplayChatLine {
    /// When; negative before the recording began.
    pub at_ms: i32,
    /// Whose; absent when nothing tells it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub side: Option<RecordedSide>,
    /// The writer's name at the time.
    pub name: String,
    /// Plain text.
    pub text: String,
}

/// Something that happened, on the timeline.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct ReplayEvent {
    /// When; negative before the recording began.
    pub at_ms: i32,
    /// Who did it; absent when it happened by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub by: Option<EventPerson>,
    /// What.
    pub what: CallEventKind,
}

/// Something that happened in a call, as it is kept with the call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CallEvent {
    /// When.
    pub at: Timestamp,
    /// Who did it; `None` when it happened by itself.
    pub by: Option<EventPerson>,
    /// What.
    pub what: CallEventKind,
}

/// Somebody in an event.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct EventPerson {
    /// What they are in the call.
    pub side: Side,
    /// Their name; never the buyer's, so that events need no erasing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
}

/// What can happen in a call that a reviewer wants to know.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CallEventKind {
    /// The agent accepted.
    Connected,
    /// The call is over.
    Ended {
        /// Why.
        reason: EndReason,
    },
    /// The buyer was put on hold.
    Held,
    /// The buyer was taken back.
    TakenBack,
    /// Somebody turned a source of their own on or off: microphone, camera, screen.
    Sending {
        /// Which.
        source: Source,
        /// On or off.
        on: bool,
    },
    /// The server was told to let nobody have a source of somebody, or to let them again.
    Muted {
        /// Whose.
        whom: EventPerson,
        /// Which.
        source: Source,
        /// Muted, or let again.
        on: bool,
    },
    /// A colleague was asked.
    ConsultAsked {
        /// Who.
        colleague: String,
    },
    /// The colleague came into the call.
    ConsultBegan,
    /// The question or the talk with the colleague is over.
    ConsultEnded,
    /// A supervisor follows the call from now on, or follows it in another way.
    Following {
        /// How.
        mode: MonitorMode,
    },
    /// A supervisor follows the call no longer.
    FollowingEnded,
    /// Somebody's connection broke.
    ConnectionLost,
    /// Somebody is back.
    ConnectionBack,
}
