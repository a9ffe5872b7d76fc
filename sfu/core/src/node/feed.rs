//! What a worker has of a published source, whoever received it: the recent packets, the last sender reports, and
//! everybody who wants them.
//!
//! A [`super::track::Track`] is the receiving end and ends where a packet is authentic and whole; a feed begins there.
//! Subscribers and taps know feeds only, so it is all the same to them where the publisher is connected.

use std::time::{Duration, Instant};

use super::track::{MediaPacket, PassedExtensions};
use super::types::TapId;
use crate::ids::ParticipantId;
use crate::media::{Codec, Kind, Source};
use crate::rtp::cache::PacketCache;
use crate::rtp::keyframe::is_keyframe;
use crate::rtp::packet::RtpPacket;
use crate::sdp::NegotiatedMedia;
use crate::tap::SenderReport;

/// Simulcast encodings of one source; browsers send at most three.
pub(super) const ENCODINGS_MAX: usize = 3;

/// Packets of video kept for retransmission: over 1 s at 720p and 3 Mbit/s.
const CACHE_VIDEO: usize = 512;

/// Packets of audio kept for retransmission: 1.3 s of 20 ms frames.
const CACHE_AUDIO: usize = 64;

/// Nobody plays a retransmission that is older than this.
const CACHE_AGE: Duration = Duration::from_secs(2);

/// Where the packets of a feed come from, and so where wishes go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    /// A track of a participant on this worker.
    Local {
        /// Key of the participant.
        participant: usize,
        /// Index into its tracks.
        track: usize,
    },
}

/// A slot of a participant on this worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// Key of the participant.
    pub(super) participant: usize,
    /// Index into its slots.
    pub(super) slot: usize,
}

/// One of the simulcast encodings of a source, or its only one.
#[derive(Default)]
struct Encoding {
    /// Made with the first packet.
    cache: Option<PacketCache>,
    sender_report: Option<SenderReport>,
}

/// See the module.
pub(super) struct Feed {
    pub(super) who: ParticipantId,
    pub(super) source: Source,
    pub(super) origin: Origin,
    line: NegotiatedMedia,
    /// Lowest quality first.
    encodings: [Encoding; ENCODINGS_MAX],
    pub(super) subscribers: Vec<Place>,
    pub(super) taps: Vec<TapId>,
}

impl Feed {
    /// A feed nobody listens to yet. `line` is what was agreed with the publisher: packets are kept in its terms.
    pub(super) fn new(who: ParticipantId, source: Source, origin: Origin, line: NegotiatedMedia) -> Self {
        Self {
            who,
            source,
            origin,
            line,
            encodings: Default::default(),
            subscribers: Vec::new(),
            taps: Vec::new(),
        }
    }

    /// Keeps a packet for retransmission. `restarted`: its numbers have nothing to do with what came before.
    pub(super) fn keep(&mut self, now: Instant, encoding: u8, sequence: u64, bytes: &[u8], restarted: bool) {
        let Some(place) = self.encodings.get_mut(usize::from(encoding)) else { return };
        let capacity = if self.source.kind() == Kind::Audio { CACHE_AUDIO } else { CACHE_VIDEO };
        let cache = place.cache.get_or_insert_with(|| PacketCache::new(capacity, CACHE_AGE));
        if restarted {
            cache.clear();
            place.sender_report = None;
        }
        cache.insert(sequence, bytes, now);
    }

    /// Reads a packet in publisher form (as received, or as kept).
    pub(super) fn understand<'a>(
        &self,
        encoding: u8,
        sequence: u64,
        packet: &RtpPacket<'a>,
    ) -> Option<MediaPacket<'a>> {
        let (codec, _) = self.line.codec_of(packet.payload_type())?;
        let codec: Codec = codec.codec;
        Some(MediaPacket {
            encoding,
            sequence,
            timestamp: packet.timestamp(),
            marker: packet.marker(),
            codec,
            keyframe: codec.kind() == Kind::Audio || is_keyframe(codec, packet.payload()),
            payload: packet.payload(),
            passed: PassedExtensions::read(packet, &self.line.extensions),
        })
    }

    /// A packet that is still kept.
    pub(super) fn cached(&self, now: Instant, encoding: u8, sequence: u64) -> Option<MediaPacket<'_>> {
        let cache = self.encodings.get(usize::from(encoding))?.cache.as_ref()?;
        self.understand(encoding, sequence, &RtpPacket::parse(cache.get(sequence, now)?).ok()?)
    }

    /// The publisher tied the clock of an encoding to its wall clock.
    pub(super) fn on_sender_report(&mut self, encoding: u8, report: SenderReport) {
        if let Some(encoding) = self.encodings.get_mut(usize::from(encoding)) {
            encoding.sender_report = Some(report);
        }
    }

    /// The last sender report of an encoding's running stream.
    pub(super) fn sender_report(&self, encoding: u8) -> Option<SenderReport> {
        self.encodings.get(usize::from(encoding))?.sender_report
    }
}
