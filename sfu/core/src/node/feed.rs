//! What a worker has of a published source, whoever received it: the recent packets, the last sender reports, and
//! everybody who wants them.
//!
//! A [`super::track::Track`] is the receiving end and ends where a packet is authentic and whole; a feed begins there.
//! Subscribers and taps know feeds only, so it is all the same to them where the publisher is connected.

use std::time::{Duration, Instant};

use super::relay::{FeedId, Mirror};
use super::tapped::Tapped;
use super::track::{MediaPacket, PassedExtensions};
use super::types::TapId;
use super::upstream::Wisher;
use crate::bwe::cap::Cap;
use crate::bwe::{Bitrate, Target};
use crate::ids::{ParticipantId, WorkerId};
use crate::layers::Step;
use crate::layers::rates::Rates;
use crate::layers::reader::{LayerInfo, Reader, Reading};
use crate::layers::wish::SendWish;
use crate::media::{Codec, Kind, Source};
use crate::rtp::allocation::{Allocation, SpatialLayer};
use crate::rtp::cache::PacketCache;
use crate::rtp::dependency::Structure;
use crate::rtp::extensions::HeaderExtension;
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

/// An encoding is taken for stopped when another one has arrived for this long without it.
const STALLED: Duration = Duration::from_millis(700);

/// What browsers send of a 720p camera in three encodings, bit/s; where nothing better is known.
const USUAL_BITRATES: [u64; ENCODINGS_MAX] = [150_000, 500_000, 1_700_000];

/// A picture that was so large is taken to become so again for this long.
const LARGEST_KEPT: Duration = Duration::from_secs(60);

/// A keyframe is about as large as this many other pictures.
const KEYFRAME_PICTURES: usize = 5;

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
    /// Highest sequence number kept.
    highest: u64,
    sender_report: Option<SenderReport>,
    reader: Reader,
    rates: Rates,
    /// RTP time of the last keyframe.
    keyframe: Option<u32>,
    /// The largest picture lately, and when it was seen first.
    largest: Option<((u16, u16), Instant)>,
    /// It has come in spatial layers, though there may be one now.
    layered: bool,
}

impl Encoding {
    /// Encoders that have too few bits make their pictures smaller for a while. That is no reason to ask for a larger encoding.
    fn note_size(&mut self, now: Instant) {
        let area = |(width, height): (u16, u16)| u32::from(width) * u32::from(height);
        let Some(size) = self.reader.size(0) else { return };
        let larger =
            self.largest.is_none_or(|(largest, at)| area(size) >= area(largest) || now > at + LARGEST_KEPT);
        if larger {
            self.largest = Some((size, now));
        }
    }
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
    /// What the publisher says it means to send.
    announced: Option<Allocation>,
    pub(super) subscribers: Vec<Place>,
    pub(super) taps: Vec<TapId>,
    /// What the taps are given.
    pub(super) tapped: Tapped,
    /// What the publisher is asked to send.
    pub(super) wish: SendWish,
    /// Of a mirror: the encodings its origin was told it needs.
    pub(super) told: Option<u8>,
    /// Who has it on other workers.
    pub(super) mirrors: Vec<Mirror>,
    /// What the legs of whoever shows it can take.
    pub(super) wishes: Vec<(Wisher, Bitrate)>,
    /// What the publisher (or the origin) was told of that.
    pub(super) cap: Cap,
    /// Of a mirror: what its origin was told of that.
    pub(super) relayed_cap: Option<Bitrate>,
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
            announced: None,
            subscribers: Vec::new(),
            taps: Vec::new(),
            tapped: Tapped::default(),
            wish: SendWish::default(),
            told: None,
            mirrors: Vec::new(),
            wishes: Vec::new(),
            cap: Cap::default(),
            relayed_cap: None,
            wished: [None; ENCODINGS_MAX],
        }
    }

    /// A local viewer of it, or a worker that mirrors it, can take this much; 0 where it is not to be seen.
    pub(super) fn note_wish(&mut self, who: Wisher, wish: Bitrate) {
        match self.wishes.iter_mut().find(|(other, _)| *other == who) {
            Some((_, before)) => *before = wish,
            None => self.wishes.push((who, wish)),
        }
    }

    /// What was agreed with the publisher.
    pub(super) fn line(&self) -> &NegotiatedMedia {
        &self.line
    }

    /// How many simulcast encodings the publisher may send, at least one.
    pub(super) fn encodings(&self) -> u8 {
        self.line.encodings().min(ENCODINGS_MAX as u8)
    }

    /// Takes in a packet: keeps it for retransmission and reads it. `restarted`: its numbers have nothing to do with what
    /// came before. `None` if it is of no codec that was agreed on.
    pub(super) fn take_in<'a>(
        &mut self,
        now: Instant,
        encoding: u8,
        sequence: u64,
        packet: &RtpPacket<'a>,
        restarted: bool,
    ) -> Option<MediaPacket<'a>> {
        let video = self.source.kind() == Kind::Video;
        let place = self.encodings.get_mut(usize::from(encoding))?;
        let capacity = if video { CACHE_VIDEO } else { CACHE_AUDIO };
        let cache = place.cache.get_or_insert_with(|| PacketCache::new(capacity, CACHE_AGE));
        if restarted {
            cache.clear();
            place.highest = 0;
            place.sender_report = None;
            place.reader.restart();
            place.largest = None;
            place.layered = false;
        }
        place.highest = place.highest.max(sequence);
        cache.insert(sequence, packet.bytes(), now);
        let codec = self.line.codec_of(packet.payload_type())?.0.codec;
        let extension = |it| self.line.extensions.id(it).and_then(|id| packet.extension(id));
        let descriptor = extension(HeaderExtension::DependencyDescriptor);
        let reading = place.reader.read(codec, packet.payload(), descriptor);
        if video {
            let targets = match &reading.layers {
                LayerInfo::Frame(frame) => {
                    place.layered |= frame.dependencies.layer.spatial > 0;
                    frame.dependencies.present
                }
                LayerInfo::Plain | LayerInfo::Unknown => 1,
            };
            if reading.keyframe {
                place.keyframe = Some(packet.timestamp());
                place.note_size(now);
            }
            // What a keyframe takes beyond other pictures is no rate that goes on.
            let share = if place.keyframe == Some(packet.timestamp()) { KEYFRAME_PICTURES } else { 1 };
            place.rates.add(now, packet.payload().len() / share, targets);
            if let Some(announced) =
                extension(HeaderExtension::VideoLayersAllocation).and_then(Allocation::read)
            {
                self.announced = Some(announced);
            }
        }
        Some(self.media_packet(encoding, sequence, packet, codec, reading))
    }

    /// Reads a packet that was taken in before, in publisher form.
    pub(super) fn understand<'a>(
        &self,
        encoding: u8,
        sequence: u64,
        packet: &RtpPacket<'a>,
    ) -> Option<MediaPacket<'a>> {
        let codec = self.line.codec_of(packet.payload_type())?.0.codec;
        let descriptor = self.line.extensions.id(HeaderExtension::DependencyDescriptor);
        let descriptor = descriptor.and_then(|id| packet.extension(id));
        let reader = &self.encodings.get(usize::from(encoding))?.reader;
        let reading = reader.examine(codec, packet.payload(), descriptor);
        Some(self.media_packet(encoding, sequence, packet, codec, reading))
    }

    fn media_packet<'a>(
        &self,
        encoding: u8,
        sequence: u64,
        packet: &RtpPacket<'a>,
        codec: Codec,
        reading: Reading<'a>,
    ) -> MediaPacket<'a> {
        MediaPacket {
            encoding,
            sequence,
            timestamp: packet.timestamp(),
            marker: packet.marker(),
            codec,
            reading,
            payload: packet.payload(),
            passed: PassedExtensions::read(packet, &self.line.extensions),
        }
    }

    /// The bytes of a packet that is still kept.
    pub(super) fn cached_bytes(&self, now: Instant, encoding: u8, sequence: u64) -> Option<&[u8]> {
        self.encodings.get(usize::from(encoding))?.cache.as_ref()?.get(sequence, now)
    }

    /// A packet that is still kept.
    pub(super) fn cached(&self, now: Instant, encoding: u8, sequence: u64) -> Option<MediaPacket<'_>> {
        let bytes = self.cached_bytes(now, encoding, sequence)?;
        self.understand(encoding, sequence, &RtpPacket::parse(bytes).ok()?)
    }

    /// Highest sequence number of an encoding.
    pub(super) fn highest(&self, encoding: u8) -> u64 {
        self.encodings.get(usize::from(encoding)).map_or(0, |it| it.highest)
    }

    /// The decode targets of an encoding.
    pub(super) fn structure(&self, encoding: u8) -> &Structure {
        let place = usize::from(encoding).min(ENCODINGS_MAX - 1);
        self.encodings[place].reader.structure()
    }

    /// Encodings that arrive now, a bit each. One that is silent while another arrives is not waited for long.
    pub(super) fn sent(&self, now: Instant) -> u8 {
        let newest = self.encodings.iter().filter_map(|it| it.rates.last()).max();
        let mut sent = 0;
        for (place, encoding) in self.encodings.iter().enumerate() {
            let stalled =
                encoding.rates.last().zip(newest).is_none_or(|(last, newest)| newest > last + STALLED);
            if !stalled && encoding.rates.is_active(now) {
                sent |= 1 << place;
            }
        }
        sent
    }

    /// How far the timestamps of one encoding are ahead of another's (modulo 2³²), by their sender reports.
    pub(super) fn ahead(&self, from: u8, to: u8, clock_rate: u32) -> Option<u32> {
        let (from, to) = (self.sender_report(from)?, self.sender_report(to)?);
        // 32.32 fixed point seconds; reports seconds apart leave room in 64 bits times a clock rate.
        let apart = to.ntp.wrapping_sub(from.ntp) as i64;
        let ticks = (i128::from(apart) * i128::from(clock_rate)) >> 32;
        Some(to.rtp_timestamp.wrapping_sub(from.rtp_timestamp.wrapping_add(ticks as u32)))
    }

    /// What a viewer can choose from, ascending, into a list that is used again.
    pub(super) fn ladder(&self, now: Instant, out: &mut Vec<Step>) {
        out.clear();
        for encoding in 0..self.encodings() {
            let place = &self.encodings[usize::from(encoding)];
            let first = out.len();
            let structure = place.reader.structure();
            for (index, layer) in structure.targets().iter().enumerate() {
                if (place.rates.seen() & place.reader.active()) >> index & 1 == 0 {
                    continue;
                }
                let target = Target { encoding, spatial: layer.spatial, temporal: layer.temporal };
                let bitrate = place.rates.bitrate(now, index);
                // Without frames of their own, higher frame rates cost what lower ones cost, and bring nothing.
                let brings = |it: &Step| {
                    it.target.spatial < target.spatial || (it.target < target && it.bitrate < bitrate)
                };
                if out[first..].iter().all(brings) {
                    let size = self.size(encoding, layer.spatial);
                    out.push(Step { target, bitrate, size });
                }
            }
            if out.len() == first {
                let target = Target { encoding, spatial: 0, temporal: 0 };
                let size = self.size(encoding, 0);
                out.push(Step { target, bitrate: self.expected(encoding), size });
            }
        }
    }

    /// Its one encoding is made of spatial layers.
    pub(super) fn is_layered(&self) -> bool {
        self.encodings() == 1 && self.encodings[0].layered
    }

    fn size(&self, encoding: u8, spatial: u8) -> Option<(u16, u16)> {
        let place = self.encodings.get(usize::from(encoding))?;
        let largest = place.largest.filter(|_| self.encodings() > 1).map(|(size, _)| size);
        let told = largest.or_else(|| place.reader.size(spatial));
        let announced = || self.announcement(encoding)?.get(usize::from(spatial))?.size;
        told.or_else(announced)
    }

    fn announcement(&self, encoding: u8) -> Option<&[SpatialLayer]> {
        Some(self.announced.as_ref()?.streams.get(usize::from(encoding))?)
    }

    /// Bit/s of an encoding that has never arrived: as announced, or as browsers send it at this rank.
    fn expected(&self, encoding: u8) -> u64 {
        let announced = self.announcement(encoding).map_or(0, |layers| {
            let of = |layer: &SpatialLayer| layer.kilobits.iter().copied().max().unwrap_or(0);
            layers.iter().map(|layer| u64::from(of(layer)) * 1000).sum()
        });
        match announced {
            0 if self.encodings() == 1 => 0,
            0 => USUAL_BITRATES[usize::from(encoding).min(ENCODINGS_MAX - 1)],
            announced => announced,
        }
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

    /// The last sender report of an encoding in the numbers taps see.
    pub(super) fn tapped_report(&self, encoding: u8) -> Option<SenderReport> {
        self.tapped.report(self.encodings(), encoding, self.sender_report(encoding)?)
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
