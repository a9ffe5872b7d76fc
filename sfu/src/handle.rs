//! The handle to the media server: what signaling and the recorder may ask of it.

use std::net::{IpAddr, SocketAddr};

use sfu_core::ids::{Mid, ParticipantId};
use sfu_core::media::{Codec, Kind, Source};
use tokio::sync::mpsc;

use crate::tap::TapReceiver;

/// Settings of the media server, checked by [`Sfu::start`].
#[derive(Clone, Debug)]
pub struct Config {
    /// Address the UDP sockets bind to; worker `i` takes `udp_port + i`.
    pub bind: IpAddr,
    /// First UDP port; 0 picks a free one (tests).
    pub udp_port: u16,
    /// Worker threads. Participants are spread over them.
    pub workers: usize,
    /// Addresses written into ICE candidates: what clients reach us at. Empty means `bind`, which must then be a
    /// specific address.
    pub announced: Vec<IpAddr>,
}

/// Why the media server did not start. The field names the setting.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The socket could not be bound.
    #[error("cannot bind UDP {addr}: {source}")]
    Bind {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// Clients would be told an address nobody can reach.
    #[error("the bind address {0} is a wildcard and no announced address is set")]
    NoAnnouncedAddress(IpAddr),
    /// Out of range.
    #[error("workers must be 1 to {max}, not {given}")]
    Workers {
        /// What was asked for.
        given: usize,
        /// The most that makes sense here.
        max: usize,
    },
}

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
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The offer cannot be answered; the text says what is missing.
    #[error("the offer cannot be answered: {0}")]
    BadOffer(String),
    /// The participant id is already in use.
    #[error("participant {0} has joined already")]
    Duplicate(ParticipantId),
    /// The server is shutting down.
    #[error("the media server is stopping")]
    Stopping,
}

/// Why a route could not be made.
#[derive(Debug, thiserror::Error)]
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
    /// Routes between workers are not built yet.
    #[error("participants {0} and {1} are on different workers")]
    AcrossWorkers(ParticipantId, ParticipantId),
    /// The server is shutting down.
    #[error("the media server is stopping")]
    Stopping,
}

/// Why a participant's transport ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LeaveReason {
    /// [`Sfu::leave`] was called.
    Asked,
    /// The peer closed DTLS.
    Closed,
    /// No STUN consent for 30 s (RFC 7675 §5.1), or never connected.
    Timeout,
    /// The certificate does not match the fingerprint in the offer.
    WrongFingerprint,
    /// The DTLS handshake failed.
    DtlsFailed,
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
}

/// Figures of one participant's transport, for logs, metrics and tests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParticipantStats {
    /// Datagrams from this participant that were media and passed authentication.
    pub packets_received: u64,
    /// Media packets sent to this participant, RTX included.
    pub packets_sent: u64,
    /// NACKed sequence numbers asked of the publisher.
    pub nacks_sent: u64,
    /// Packets retransmitted to this participant.
    pub retransmitted: u64,
    /// Keyframes asked of this participant (PLI).
    pub plis_sent: u64,
    /// TWCC feedback packets sent to this participant.
    pub twcc_sent: u64,
    /// DTLS-SRTP profile in use, e.g. `SRTP_AEAD_AES_256_GCM`.
    pub srtp_profile: Option<&'static str>,
    /// The address ICE has validated.
    pub remote: Option<SocketAddr>,
}

/// A cheap, cloneable handle to a running media server.
#[derive(Clone, Debug)]
pub struct Sfu {}

impl Sfu {
    /// Binds the sockets and starts the workers. Events arrive on the receiver, which must be read.
    pub fn start(_config: Config) -> Result<(Sfu, mpsc::Receiver<Event>), ConfigError> {
        unimplemented!("being built")
    }

    /// The addresses in the candidates (announced addresses with the workers' ports).
    pub fn candidates(&self) -> Vec<SocketAddr> {
        unimplemented!("being built")
    }

    /// Answers an offer and makes a transport for it. Offering again for the same participant with the same
    /// DTLS fingerprint is an ICE restart.
    pub async fn join(&self, _who: ParticipantId, _request: JoinRequest) -> Result<Joined, JoinError> {
        unimplemented!("being built")
    }

    /// Ends a transport; routes from and to it and its taps end too. Unknown ids are ignored.
    pub async fn leave(&self, _who: ParticipantId) {
        unimplemented!("being built")
    }

    /// Shows `from`'s source on `to`'s slot, replacing what was there, and asks for a keyframe.
    pub async fn attach(
        &self,
        _from: ParticipantId,
        _source: Source,
        _to: ParticipantId,
        _slot: Mid,
    ) -> Result<(), RouteError> {
        unimplemented!("being built")
    }

    /// Empties `to`'s slot.
    pub async fn detach(&self, _to: ParticipantId, _slot: Mid) -> Result<(), RouteError> {
        unimplemented!("being built")
    }

    /// Lets what `a` sends on its `events` data channel reach `b`, and the other way round.
    pub async fn link_data(&self, _a: ParticipantId, _b: ParticipantId) -> Result<(), RouteError> {
        unimplemented!("being built")
    }

    /// Opens a tap on a published source; for video a keyframe is asked for.
    pub async fn tap(
        &self,
        _who: ParticipantId,
        _source: Source,
        _capacity: usize,
    ) -> Result<TapReceiver, RouteError> {
        unimplemented!("being built")
    }

    /// Figures of one transport.
    pub async fn stats(&self, _who: ParticipantId) -> Option<ParticipantStats> {
        unimplemented!("being built")
    }

    /// Counters and histograms of the whole media plane (`vitrine_sfu_…`), for `/metrics`.
    pub fn register_metrics(&self, _registry: &prometheus::Registry) -> prometheus::Result<()> {
        unimplemented!("being built")
    }

    /// Closes every transport (DTLS close_notify) and ends the workers.
    pub async fn shutdown(&self) {
        unimplemented!("being built")
    }
}
