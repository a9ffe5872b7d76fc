//! A published track: the receiving end of one send line of a client.
//!
//! It repairs (NACK, RTX), counts for reports, asks for keyframes, and keeps the recent packets that all its
//! subscribers' retransmissions are served from.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtcp::reception_report::ReceptionReport;

use super::types::TapId;
use crate::ids::{Mid, Pt, Ssrc};
use crate::media::{Codec, Kind, Source};
use crate::rtp::cache::PacketCache;
use crate::rtp::extensions::{
    AudioLevel, ExtensionMap, HeaderExtension, VideoOrientation, read_abs_capture_time,
};
use crate::rtp::keyframe::is_keyframe;
use crate::rtp::limit::PliLimiter;
use crate::rtp::nack::{self, NackGenerator};
use crate::rtp::packet::{RtpHeader, RtpPacket};
use crate::rtp::reception::ReceptionStats;
use crate::rtp::rtx;
use crate::rtp::sequence::SequenceExtender;
use crate::sdp::{NegotiatedCodec, NegotiatedMedia};
use crate::tap::SenderReport;

/// Packets of video kept for retransmission: over 1 s at 720p and 3 Mbit/s.
const CACHE_VIDEO: usize = 512;

/// Packets of audio kept for retransmission: 1.3 s of 20 ms frames.
const CACHE_AUDIO: usize = 64;

/// Nobody plays a retransmission that is older than this.
const CACHE_AGE: Duration = Duration::from_secs(2);

/// A packet of a track, authenticated, repaired and understood; it borrows the decrypted bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct MediaPacket<'a> {
    /// Extended sequence number of the publisher's stream.
    pub(super) sequence: u64,
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    pub(super) codec: Codec,
    /// A decoder can start here.
    pub(super) keyframe: bool,
    pub(super) payload: &'a [u8],
    pub(super) passed: PassedExtensions,
}

/// Header extensions that go through to subscribers, under the ids of their leg.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PassedExtensions {
    pub(super) audio_level: Option<AudioLevel>,
    pub(super) orientation: Option<VideoOrientation>,
    /// abs-capture-time: 8 bytes, or 16 with the clock offset.
    pub(super) capture_time: Option<CaptureTime>,
}

/// The bytes of an abs-capture-time extension.
#[derive(Clone, Copy, Debug)]
pub(super) struct CaptureTime {
    bytes: [u8; 16],
    len: u8,
}

impl CaptureTime {
    fn read(value: &[u8]) -> Option<Self> {
        let value = read_abs_capture_time(value)?;
        let mut bytes = [0; 16];
        bytes[..value.len()].copy_from_slice(value);
        Some(Self { bytes, len: value.len() as u8 })
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl PassedExtensions {
    fn read(packet: &RtpPacket<'_>, ids: &ExtensionMap) -> Self {
        let value = |extension| ids.id(extension).and_then(|id| packet.extension(id));
        Self {
            audio_level: value(HeaderExtension::AudioLevel).and_then(AudioLevel::read),
            orientation: value(HeaderExtension::VideoOrientation).and_then(VideoOrientation::read),
            capture_time: value(HeaderExtension::AbsCaptureTime).and_then(CaptureTime::read),
        }
    }
}

/// The stream behind a line, from its first packet until another SSRC takes over.
struct Stream {
    ssrc: Ssrc,
    sequence: SequenceExtender,
    nack: NackGenerator,
    reception: ReceptionStats,
    cache: PacketCache,
    sender_report: Option<SenderReport>,
}

/// What an arriving packet turned out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Arrival {
    /// New media; the flag says that numbers and timestamps have nothing to do with what came before.
    Media { sequence: u64, restarted: bool },
    /// Not needed: a retransmission of what is here already, padding, or RTX before any media.
    Nothing,
    /// Not agreed on in the answer.
    UnknownPayload,
}

/// See the module.
pub(super) struct Track {
    source: Source,
    line: NegotiatedMedia,
    stream: Option<Stream>,
    pli: PliLimiter,
    /// Slots that show this track: participant key and slot index.
    pub(super) subscribers: Vec<(usize, usize)>,
    pub(super) taps: Vec<TapId>,
}

impl Track {
    pub(super) fn new(source: Source, line: NegotiatedMedia) -> Self {
        Self {
            source,
            line,
            stream: None,
            pli: PliLimiter::default(),
            subscribers: Vec::new(),
            taps: Vec::new(),
        }
    }

    pub(super) fn source(&self) -> Source {
        self.source
    }

    pub(super) fn mid(&self) -> Mid {
        self.line.mid
    }

    pub(super) fn extensions(&self) -> &ExtensionMap {
        &self.line.extensions
    }

    pub(super) fn codec_of(&self, pt: Pt) -> Option<(&NegotiatedCodec, bool)> {
        self.line.codec_of(pt)
    }

    /// SSRC of the running stream.
    pub(super) fn ssrc(&self) -> Option<Ssrc> {
        self.stream.as_ref().map(|stream| stream.ssrc)
    }

    /// Takes a packet of the media stream and keeps it for retransmission.
    pub(super) fn receive(&mut self, now: Instant, packet: &RtpPacket<'_>) -> Arrival {
        let Some((codec, false)) = self.line.codec_of(packet.payload_type()) else {
            return Arrival::UnknownPayload;
        };
        let (codec, repaired) = (codec.codec, codec.feedback.nack);
        let restarted = self.stream.as_ref().is_none_or(|stream| stream.ssrc != packet.ssrc());
        if restarted {
            let capacity = if codec.kind() == Kind::Audio { CACHE_AUDIO } else { CACHE_VIDEO };
            self.stream = Some(Stream {
                ssrc: packet.ssrc(),
                sequence: SequenceExtender::default(),
                nack: NackGenerator::default(),
                reception: ReceptionStats::new(codec.clock_rate()),
                cache: PacketCache::new(capacity, CACHE_AGE),
                sender_report: None,
            });
        }
        let Some(stream) = &mut self.stream else { return Arrival::Nothing };
        let sequence = stream.sequence.extend(packet.sequence());
        stream.reception.on_packet(sequence, packet.timestamp(), now);
        let mut jumped = false;
        if repaired {
            match stream.nack.on_packet(sequence, now) {
                nack::Arrival::New | nack::Arrival::Recovered => {}
                nack::Arrival::Stale => return Arrival::Nothing,
                nack::Arrival::Restart => jumped = true,
            }
        }
        if jumped {
            stream.cache.clear();
        }
        stream.cache.insert(sequence, packet.bytes(), now);
        Arrival::Media { sequence, restarted: restarted || jumped }
    }

    /// Takes a packet of the RTX stream and rebuilds the original into `out` (RFC 4588 §4).
    pub(super) fn receive_rtx(
        &mut self,
        now: Instant,
        packet: &RtpPacket<'_>,
        out: &mut BytesMut,
    ) -> Arrival {
        let Some((codec, true)) = self.line.codec_of(packet.payload_type()) else {
            return Arrival::UnknownPayload;
        };
        let payload_type = codec.pt;
        // Bandwidth probes on the RTX stream are padding only.
        let Some((original, payload)) = rtx::unwrap(packet.payload()) else { return Arrival::Nothing };
        let Some(stream) = &mut self.stream else { return Arrival::Nothing };
        let Some(sequence) = stream.sequence.nearest(original) else { return Arrival::Nothing };
        if stream.nack.on_packet(sequence, now) == nack::Arrival::Stale {
            return Arrival::Nothing;
        }
        let header = RtpHeader { payload_type, sequence: original, ssrc: stream.ssrc, ..packet.header() };
        let extensions: Vec<_> = packet.extensions().collect();
        header.write_packet(&extensions, payload, out);
        stream.cache.insert(sequence, out, now);
        Arrival::Media { sequence, restarted: false }
    }

    /// Reads a packet in publisher form (as received, or as kept in the cache).
    pub(super) fn understand<'a>(&self, sequence: u64, packet: &RtpPacket<'a>) -> Option<MediaPacket<'a>> {
        let (codec, _) = self.line.codec_of(packet.payload_type())?;
        let codec = codec.codec;
        Some(MediaPacket {
            sequence,
            timestamp: packet.timestamp(),
            marker: packet.marker(),
            codec,
            keyframe: codec.kind() == Kind::Audio || is_keyframe(codec, packet.payload()),
            payload: packet.payload(),
            passed: PassedExtensions::read(packet, &self.line.extensions),
        })
    }

    /// A packet that is still in the cache.
    pub(super) fn cached(&self, now: Instant, sequence: u64) -> Option<MediaPacket<'_>> {
        let bytes = self.stream.as_ref()?.cache.get(sequence, now)?;
        self.understand(sequence, &RtpPacket::parse(bytes).ok()?)
    }

    /// Somebody's decoder cannot go on without a keyframe.
    pub(super) fn want_keyframe(&mut self, now: Instant) {
        if self.source.kind() == Kind::Video {
            self.pli.want(now);
        }
    }

    /// A keyframe came.
    pub(super) fn on_keyframe(&mut self) {
        self.pli.on_keyframe();
    }

    /// Whether a PLI should go out now; at most one a round trip.
    pub(super) fn take_keyframe_request(&mut self, now: Instant, rtt: Option<Duration>) -> bool {
        self.stream.is_some() && self.pli.poll(now, rtt)
    }

    /// Sequence numbers to ask for again now. What is given up on needs a keyframe instead.
    pub(super) fn missing(&mut self, now: Instant, rtt: Option<Duration>, ask: &mut Vec<u16>) {
        let Some(stream) = &mut self.stream else { return };
        stream.nack.poll(now, rtt, ask);
        if stream.nack.take_given_up() > 0 {
            self.want_keyframe(now);
        }
    }

    /// A sender report about this line's stream; false when it is about an earlier one.
    pub(super) fn on_sender_report(&mut self, now: Instant, ssrc: Ssrc, report: SenderReport) -> bool {
        match &mut self.stream {
            Some(stream) if stream.ssrc == ssrc => {
                stream.reception.on_sender_report(report.ntp, now);
                stream.sender_report = Some(report);
                true
            }
            _ => false,
        }
    }

    /// The last sender report of the running stream.
    pub(super) fn sender_report(&self) -> Option<SenderReport> {
        self.stream.as_ref().and_then(|stream| stream.sender_report)
    }

    /// The report block about this line's stream.
    pub(super) fn report(&mut self, now: Instant) -> Option<ReceptionReport> {
        self.stream.as_mut().and_then(|stream| stream.reception.report(stream.ssrc, now))
    }

    /// When [`Self::missing`] or [`Self::take_keyframe_request`] want to be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let stream = self.stream.as_ref()?;
        [stream.nack.deadline(), self.pli.deadline()].into_iter().flatten().min()
    }
}
