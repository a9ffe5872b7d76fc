//! What a worker has of a published source, whoever received it: the recent packets, the last sender reports, and
//! everybody who wants them.
//!
//! A [`super::track::Track`] is the receiving end and ends where a packet is authentic and whole; a feed begins there.
//! Subscribers and taps know feeds only, so it is all the same to them where the publisher is connected.

use std::time::{Duration, Instant};

use super::relay::{FeedId, Mirror};
use super::track::{MediaPacket, PassedExtensions};
use super::types::TapId;
use super::upstream::Wisher;
use crate::bwe::Bitrate;
use crate::bwe::cap::Cap;
use crate::ids::{ParticipantId, WorkerId};
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
    /// A feed of another worker.
    Remote {
        /// Which worker.
        worker: WorkerId,
        /// The feed there.
        feed: FeedId,
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
    /// Tells it from earlier feeds under the same key.
    pub(super) generation: u32,
    /// How late a packet may enter that was lost on the publisher's leg and asked for again.
    pub(super) repair_time: Duration,
    line: NegotiatedMedia,
    /// Lowest quality first.
    encodings: [Encoding; ENCODINGS_MAX],
    pub(super) subscribers: Vec<Place>,
    pub(super) taps: Vec<TapId>,
    /// Who has it on other workers.
    pub(super) mirrors: Vec<Mirror>,
    /// What the legs of whoever shows it can take.
    pub(super) wishes: Vec<(Wisher, Bitrate)>,
    /// What the publisher (or the origin) was told of that.
    pub(super) cap: Cap,
    /// When a mirror last passed on the wish for a keyframe of an encoding.
    pub(super) wished: [Option<Instant>; ENCODINGS_MAX],
}

impl Feed {
    /// A feed nobody listens to yet. `line` is what was agreed with the publisher: packets are kept in its terms.
    pub(super) fn new(
        who: ParticipantId,
        source: Source,
        origin: Origin,
        line: NegotiatedMedia,
        generation: u32,
    ) -> Self {
        Self {
            who,
            source,
            origin,
            generation,
            repair_time: Duration::ZERO,
            line,
            encodings: Default::default(),
            subscribers: Vec::new(),
            taps: Vec::new(),
            mirrors: Vec::new(),
            wishes: Vec::new(),
            cap: Cap::default(),
            wished: [None; ENCODINGS_MAX],
        }
    }

    /// What was agreed with the publisher.
    pub(super) fn line(&self) -> &NegotiatedMedia {
        &self.line
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

    /// Whether a packet was kept once and never will be again.
    pub(super) fn is_gone(&self, now: Instant, encoding: u8, sequence: u64) -> bool {
        let cache = self.encodings.get(usize::from(encoding)).and_then(|it| it.cache.as_ref());
        cache.is_some_and(|cache| cache.is_gone(sequence, now))
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

    /// A mirror has got a keyframe: the next wish is a new one.
    pub(super) fn on_keyframe(&mut self, encoding: u8) {
        if let Some(wished) = self.wished.get_mut(usize::from(encoding)) {
            *wished = None;
        }
    }

    /// Every encoding's last sender report.
    pub(super) fn sender_reports(&self) -> impl Iterator<Item = (u8, SenderReport)> + '_ {
        (0u8..).zip(&self.encodings).filter_map(|(encoding, it)| Some((encoding, it.sender_report?)))
    }
}
