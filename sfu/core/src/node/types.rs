//! What a node is asked, what it answers and what it tells.

use super::egress::EgressStats;
use super::quality::QualitySample;
use crate::ids::{Mid, ParticipantId, Rid};
pub use crate::layers::View;
use crate::media::{Codec, Kind, Source};
use crate::path::Path;

/// A client's one offer and what its send lines carry.
#[derive(Clone, Debug)]
pub struct JoinRequest {
    /// The SDP offer (RFC 3264): send lines, receive slots and a data channel line, bundled.
    pub offer: String,
    /// Which send line carries which source.
    pub sources: Vec<(Mid, Source)>,
}

/// The answer to a [`JoinRequest`].
#[derive(Clone, Debug)]
pub struct Joined {
    /// The SDP answer.
    pub answer: String,
    /// The receive slots, in the order of their lines.
    pub slots: Vec<AnswerSlot>,
}

/// A receive slot: a line of the client on which any track of its kind can be shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AnswerSlot {
    /// The line.
    pub mid: Mid,
    /// Audio or video.
    pub kind: Kind,
}

/// Why a join was refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// The offer cannot be answered; the text says what is missing.
    #[error("the offer cannot be answered: {0}")]
    BadOffer(String),
    /// The participant id is already in use by another peer connection.
    #[error("participant {0} has joined already")]
    Duplicate(ParticipantId),
    /// The server is shutting down.
    #[error("the media server is stopping")]
    Stopping,
}

/// Why a route or a tap could not be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RouteError {
    /// One of the two is not on this node (any more).
    #[error("participant {0} is not here")]
    NoSuchParticipant(ParticipantId),
    /// The publisher's offer has no line for this source.
    #[error("participant {0} publishes no {1}")]
    NoSuchSource(ParticipantId, Source),
    /// No such receive slot, or of the other kind.
    #[error("participant {0} has no such slot {1} for this kind of media")]
    NoSuchSlot(ParticipantId, Mid),
    /// More people would get somebody's data messages than is sensible.
    #[error("the data messages of participant {0} reach as many people as they can")]
    AudienceFull(ParticipantId),
    /// The server is shutting down.
    #[error("the media server is stopping")]
    Stopping,
}

/// What a publisher should upload of one encoding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EncodingWish {
    /// Which; `None` on a line with one encoding only.
    pub rid: Option<Rid>,
    /// Whether anybody needs it.
    pub active: bool,
    /// No more than this, bit/s.
    pub max_bitrate_bps: Option<u64>,
}

/// Why a participant's transport ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LeaveReason {
    /// The layer above asked for it.
    Asked,
    /// The peer closed DTLS.
    Closed,
    /// No STUN consent for 30 s (RFC 7675 §5.1), or never connected.
    Timeout,
    /// The certificate does not match the fingerprint in the offer.
    WrongFingerprint,
    /// The DTLS handshake failed.
    DtlsFailed,
    /// A fault of ours ended everything on its worker; who offers again comes to another one.
    WorkerFailed,
}

/// What the media plane tells the layer above.
#[derive(Clone, Debug)]
pub enum Event {
    /// ICE and DTLS are done: media flows from now on.
    Connected {
        /// Who.
        participant: ParticipantId,
    },
    /// The transport is gone; its routes and taps are too.
    Left {
        /// Who.
        participant: ParticipantId,
        /// Why.
        reason: LeaveReason,
    },
    /// First packet of a source arrived.
    TrackStarted {
        /// Who publishes.
        participant: ParticipantId,
        /// Which line.
        source: Source,
        /// What it is coded in.
        codec: Codec,
    },
    /// What a publisher should upload of a source from now on, so that nobody uploads what nobody watches.
    SendWish {
        /// Who publishes.
        participant: ParticipantId,
        /// Which line.
        source: Source,
        /// Every encoding, lowest first.
        encodings: Vec<EncodingWish>,
    },
    /// Somebody began to speak, or stopped.
    Speaking {
        /// Who.
        participant: ParticipantId,
        /// Which of the two.
        speaking: bool,
        /// Smoothed level, −dBov: 0 (loudest) to 127 (silence).
        level: u8,
    },
    /// How a connection was over the last second.
    Quality {
        /// Whose.
        participant: ParticipantId,
        /// The figures.
        sample: QualitySample,
    },
}

/// Figures of one participant's transport, for logs, metrics and tests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParticipantStats {
    /// Media packets from this participant that passed authentication.
    pub packets_received: u64,
    /// Media packets sent to this participant, RTX included.
    pub packets_sent: u64,
    /// Bytes of media packets from this participant, as they came over the network.
    pub octets_received: u64,
    /// Bytes of media packets for this participant, before encryption.
    pub octets_sent: u64,
    /// Sequence numbers asked of this participant again (NACK).
    pub nacks_sent: u64,
    /// Packets retransmitted to this participant.
    pub retransmitted: u64,
    /// Keyframes asked of this participant (PLI).
    pub plis_sent: u64,
    /// TWCC feedback packets sent to this participant.
    pub twcc_sent: u64,
    /// Round trip towards this participant from its receiver reports, milliseconds.
    pub rtt_ms: Option<f64>,
    /// What the way to this participant carries, and how it is used.
    pub egress: EgressStats,
    /// DTLS-SRTP profile in use, e.g. `SRTP_AEAD_AES_256_GCM`.
    pub srtp_profile: Option<&'static str>,
    /// The path ICE has selected.
    pub remote: Option<Path>,
}

/// A tap on one published track.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TapId(pub u64);
