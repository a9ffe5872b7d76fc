//! What a node counts. Plain numbers: the rim turns differences into metrics.

use crate::transport::srtp::OpenError;

/// Why a datagram or packet went no further.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum DropReason {
    /// Neither STUN, DTLS, RTP nor RTCP.
    NotOurs,
    /// Not STUN, and from an address ICE has not validated.
    Unvalidated,
    /// A STUN message that does not parse, names nobody here, or has the wrong password.
    Stun,
    /// Failed authentication, or came before the keys.
    Forged,
    /// Was here before, or is too old to tell.
    Replayed,
    /// Its header makes no sense.
    Malformed,
    /// No line of the participant's offer claims this SSRC.
    UnknownSsrc,
    /// A payload type or codec that was not negotiated.
    UnknownPayload,
    /// The subscriber cannot decode this codec.
    NotDecodable,
    /// Between a switch and the next keyframe.
    BeforeKeyframe,
    /// From before the switch to what the slot shows now.
    BeforeSwitch,
    /// Asked for again too often.
    ResendBudget,
    /// Its source is muted by the server, or its publisher says that it sends none.
    Muted,
    /// The viewer does not show the slot.
    NotShown,
    /// Of an encoding or a layer that this subscriber does not get.
    OtherLayer,
    /// Above what one participant may send.
    RateLimited,
    /// Larger than a packet of media can be.
    Oversized,
    /// Video that the way to its viewer does not carry now.
    Congested,
    /// A data message with nowhere to go, or more than the peer takes.
    Data,
    /// Another worker does not keep up.
    Relay,
}

impl DropReason {
    /// All reasons, in the order of their counters.
    pub const ALL: [DropReason; 20] = [
        DropReason::NotOurs,
        DropReason::Unvalidated,
        DropReason::Stun,
        DropReason::Forged,
        DropReason::Replayed,
        DropReason::Malformed,
        DropReason::UnknownSsrc,
        DropReason::UnknownPayload,
        DropReason::NotDecodable,
        DropReason::BeforeKeyframe,
        DropReason::BeforeSwitch,
        DropReason::ResendBudget,
        DropReason::Muted,
        DropReason::NotShown,
        DropReason::OtherLayer,
        DropReason::RateLimited,
        DropReason::Oversized,
        DropReason::Congested,
        DropReason::Data,
        DropReason::Relay,
    ];

    /// The label in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            DropReason::NotOurs => "not_ours",
            DropReason::Unvalidated => "unvalidated",
            DropReason::Stun => "stun",
            DropReason::Forged => "forged",
            DropReason::Replayed => "replayed",
            DropReason::Malformed => "malformed",
            DropReason::UnknownSsrc => "unknown_ssrc",
            DropReason::UnknownPayload => "unknown_payload",
            DropReason::NotDecodable => "not_decodable",
            DropReason::BeforeKeyframe => "before_keyframe",
            DropReason::BeforeSwitch => "before_switch",
            DropReason::ResendBudget => "resend_budget",
            DropReason::Muted => "muted",
            DropReason::NotShown => "not_shown",
            DropReason::OtherLayer => "other_layer",
            DropReason::RateLimited => "rate_limited",
            DropReason::Oversized => "oversized",
            DropReason::Congested => "congested",
            DropReason::Data => "data",
            DropReason::Relay => "relay",
        }
    }
}

impl From<OpenError> for DropReason {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::NoKeys | OpenError::Forged | OpenError::NotEncrypted => DropReason::Forged,
            OpenError::Replayed => DropReason::Replayed,
            OpenError::Malformed => DropReason::Malformed,
        }
    }
}

/// Counts by [`DropReason`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Dropped([u64; DropReason::ALL.len()]);

impl Dropped {
    /// One more.
    pub fn count(&mut self, reason: DropReason) {
        self.0[reason as usize] += 1;
    }

    /// How many so far.
    pub fn of(&self, reason: DropReason) -> u64 {
        self.0[reason as usize]
    }

    /// Every reason with its count.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.into_iter().zip(self.0)
    }
}

/// Counts of a node since it began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Authenticated media packets.
    pub received: u64,
    /// Media packets sent to subscribers, without RTX.
    pub forwarded: u64,
    /// Packets sent again by RTX.
    pub retransmitted: u64,
    /// Lost audio packets found in later ones (RED).
    pub red_recovered: u64,
    /// Packets handed to taps.
    pub tapped: u64,
    /// Media packets handed to other workers.
    pub relayed: u64,
    /// Sequence numbers asked of publishers again.
    pub nacks: u64,
    /// Keyframes asked of publishers.
    pub plis: u64,
    /// Packets of padding sent to find out what a way carries.
    pub padding: u64,
    /// Probes those were for.
    pub probes: u64,
    /// Times a slot got more or less than before, was paused or resumed, by what its way carries.
    pub layer_switches: u64,
    /// Times a way's rate collapsed from one report to the next.
    pub collapses: u64,
    /// Times a publisher's way to us did.
    pub uplink_collapses: u64,
    /// TWCC feedback packets sent to publishers.
    pub twcc: u64,
    /// What went no further, and why.
    pub dropped: Dropped,
}
