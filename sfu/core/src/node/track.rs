//! A published track: the receiving end of one send line of a client.
//!
//! It repairs (NACK, RTX), counts for reports and asks for keyframes. What is whole goes to the track's
//! [`super::feed::Feed`]; who wants it is not known here.

use std::time::{Duration, Instant};

use rtcp::reception_report::ReceptionReport;

use super::feed::ENCODINGS_MAX;
use crate::ids::{Mid, Ssrc};
use crate::layers::reader::Reading;
use crate::media::{Codec, Kind, Source};
use crate::rtp::extensions::{
    AudioLevel, ExtensionMap, HeaderExtension, PlayoutDelay, VideoOrientation, read_abs_capture_time,
};
use crate::rtp::limit::PliLimiter;
use crate::rtp::loss::Tally;
use crate::rtp::nack::{self, NackGenerator};
use crate::rtp::packet::{RtpHeader, RtpPacket};
use crate::rtp::reception::ReceptionStats;
use crate::rtp::rtx;
use crate::rtp::sequence::SequenceExtender;
use crate::sdp::NegotiatedMedia;
use crate::tap::SenderReport;

/// A packet of a track, authenticated, repaired and understood; it borrows the decrypted bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct MediaPacket<'a> {
    /// Which simulcast encoding, lowest quality first; 0 where there is one only.
    pub(super) encoding: u8,
    /// Extended sequence number of the publisher's stream.
    pub(super) sequence: u64,
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    pub(super) codec: Codec,
    /// What it says of layers, and whether a decoder can start here.
    pub(super) reading: Reading<'a>,
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
    pub(super) playout_delay: Option<PlayoutDelay>,
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
    pub(super) fn read(packet: &RtpPacket<'_>, ids: &ExtensionMap) -> Self {
        let value = |extension| ids.id(extension).and_then(|id| packet.extension(id));
        Self {
            audio_level: value(HeaderExtension::AudioLevel).and_then(AudioLevel::read),
            orientation: value(HeaderExtension::VideoOrientation).and_then(VideoOrientation::read),
            capture_time: value(HeaderExtension::AbsCaptureTime).and_then(CaptureTime::read),
            playout_delay: value(HeaderExtension::PlayoutDelay).and_then(PlayoutDelay::read),
        }
    }
}

/// The stream of an encoding, from its first packet until another SSRC takes over.
struct Stream {
    ssrc: Ssrc,
    sequence: SequenceExtender,
    nack: NackGenerator,
    reception: ReceptionStats,
}

/// One of the simulcast encodings of a line, or its only one.
#[derive(Default)]
struct Encoding {
    stream: Option<Stream>,
    pli: PliLimiter,
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
    /// Key of the feed that takes what arrives here.
    pub(super) feed: usize,
    /// Lowest quality first.
    encodings: [Encoding; ENCODINGS_MAX],
    /// Whether what arrives goes on to the feed.
    publishing: bool,
    /// Encodings (bits) whose next packet is the first after a pause.
    resumed: u8,
}

impl Track {
    pub(super) fn new(source: Source, line: NegotiatedMedia) -> Self {
        Self { source, line, feed: usize::MAX, encodings: Default::default(), publishing: true, resumed: 0 }
    }

    pub(super) fn source(&self) -> Source {
        self.source
    }

    /// Lets media on to the feed, or no longer. True when that is a change.
    pub(super) fn set_publishing(&mut self, on: bool) -> bool {
        let changed = std::mem::replace(&mut self.publishing, on) != on;
        if changed {
            self.resumed = if on { u8::MAX } else { 0 };
        }
        changed
    }

    /// Whether media goes on to the feed.
    pub(super) fn is_publishing(&self) -> bool {
        self.publishing
    }

    /// Whether a packet may go on to the feed; the flag says that it is the first after a pause.
    pub(super) fn admit(&mut self, encoding: u8) -> Option<bool> {
        let bit = 1u8.checked_shl(u32::from(encoding)).unwrap_or(0);
        let resumed = self.resumed & bit != 0;
        self.resumed &= !bit;
        self.publishing.then_some(resumed)
    }

    /// Packets expected and received over the running streams since they began, and the greatest jitter.
    pub(super) fn reception(&self) -> (u64, u64, Duration) {
        let streams = self.encodings.iter().filter_map(|encoding| encoding.stream.as_ref());
        streams.fold((0, 0, Duration::ZERO), |(expected, received, jitter), stream| {
            let (e, r) = stream.reception.totals();
            (expected + e, received + r, jitter.max(stream.reception.jitter()))
        })
    }

    pub(super) fn mid(&self) -> Mid {
        self.line.mid
    }

    pub(super) fn line(&self) -> &NegotiatedMedia {
        &self.line
    }

    pub(super) fn extensions(&self) -> &ExtensionMap {
        &self.line.extensions
    }

    /// SSRC of an encoding's running stream.
    pub(super) fn ssrc(&self, encoding: u8) -> Option<Ssrc> {
        self.encodings.get(usize::from(encoding))?.stream.as_ref().map(|stream| stream.ssrc)
    }

    /// Takes a packet of a media stream.
    pub(super) fn receive(&mut self, now: Instant, encoding: u8, packet: &RtpPacket<'_>) -> Arrival {
        let Some((codec, false)) = self.line.codec_of(packet.payload_type()) else {
            return Arrival::UnknownPayload;
        };
        let (codec, asks) = (codec.codec, codec.feedback.nack);
        let Some(encoding) = self.encodings.get_mut(usize::from(encoding)) else { return Arrival::Nothing };
        encoding.pli.on_media(now);
        let restarted = encoding.stream.as_ref().is_none_or(|stream| stream.ssrc != packet.ssrc());
        if restarted {
            encoding.stream = Some(Stream {
                ssrc: packet.ssrc(),
                sequence: SequenceExtender::default(),
                nack: match codec.kind() {
                    _ if !asks => NackGenerator::silent(),
                    Kind::Audio => NackGenerator::of_voice(),
                    Kind::Video => NackGenerator::default(),
                },
                reception: ReceptionStats::new(codec.clock_rate()),
            });
        }
        let Some(stream) = &mut encoding.stream else { return Arrival::Nothing };
        let sequence = stream.sequence.extend(packet.sequence());
        stream.reception.on_packet(sequence, packet.timestamp(), now);
        let jumped = match stream.nack.on_packet(sequence, now) {
            nack::Arrival::New | nack::Arrival::Recovered => false,
            nack::Arrival::Stale => return Arrival::Nothing,
            nack::Arrival::Restart => true,
        };
        Arrival::Media { sequence, restarted: restarted || jumped }
    }

    /// A packet of a running stream that another one carried along (RED): its extended number, if it was still missing.
    pub(super) fn recover(&mut self, now: Instant, encoding: u8, ssrc: Ssrc, number: u16) -> Option<u64> {
        let stream = self.encodings.get_mut(usize::from(encoding))?.stream.as_mut()?;
        let sequence = stream.sequence.nearest(number).filter(|_| stream.ssrc == ssrc)?;
        stream.nack.recover(sequence, now).then_some(sequence)
    }

    /// What arrived and what was lost of all encodings since the last call.
    pub(super) fn take_tally(&mut self) -> Tally {
        let streams = self.encodings.iter_mut().filter_map(|encoding| encoding.stream.as_mut());
        streams.map(|stream| stream.nack.take_tally()).fold(Tally::default(), Tally::plus)
    }

    /// Takes a packet of an RTX stream and rebuilds the original into `out` (RFC 4588 §4).
    pub(super) fn receive_rtx(
        &mut self,
        now: Instant,
        encoding: u8,
        packet: &RtpPacket<'_>,
        out: &mut Vec<u8>,
    ) -> Arrival {
        let Some((codec, true)) = self.line.codec_of(packet.payload_type()) else {
            return Arrival::UnknownPayload;
        };
        let payload_type = codec.pt;
        // Bandwidth probes on the RTX stream are padding only.
        let Some((original, payload)) = rtx::unwrap(packet.payload()) else { return Arrival::Nothing };
        let Some(stream) = self.encodings.get_mut(usize::from(encoding)).and_then(|it| it.stream.as_mut())
        else {
            return Arrival::Nothing;
        };
        let Some(sequence) = stream.sequence.nearest(original) else { return Arrival::Nothing };
        if stream.nack.on_packet(sequence, now) == nack::Arrival::Stale {
            return Arrival::Nothing;
        }
        let header = RtpHeader { payload_type, sequence: original, ssrc: stream.ssrc, ..packet.header() };
        out.clear();
        packet.write_as(&header, payload, out);
        Arrival::Media { sequence, restarted: false }
    }

    /// Somebody's decoder cannot go on without a keyframe of this encoding.
    pub(super) fn want_keyframe(&mut self, now: Instant, encoding: u8) {
        if self.source.kind() == Kind::Video
            && let Some(encoding) = self.encodings.get_mut(usize::from(encoding))
        {
            encoding.pli.want(now);
        }
    }

    /// A keyframe came.
    pub(super) fn on_keyframe(&mut self, encoding: u8) {
        if let Some(encoding) = self.encodings.get_mut(usize::from(encoding)) {
            encoding.pli.on_keyframe();
        }
    }

    /// Whether a PLI for this encoding should go out now; at most one a round trip.
    pub(super) fn take_keyframe_request(
        &mut self,
        now: Instant,
        encoding: u8,
        rtt: Option<Duration>,
    ) -> bool {
        let encoding = self.encodings.get_mut(usize::from(encoding));
        encoding.is_some_and(|encoding| encoding.stream.is_some() && encoding.pli.poll(now, rtt))
    }

    /// Sequence numbers to ask for again now. What is given up on needs a keyframe instead; so does all that is missing where it is more
    /// than `most` packets.
    pub(super) fn missing(
        &mut self,
        now: Instant,
        encoding: u8,
        rtt: Option<Duration>,
        most: usize,
        ask: &mut Vec<u16>,
    ) {
        let stream = self.encodings.get_mut(usize::from(encoding)).and_then(|it| it.stream.as_mut());
        let Some(stream) = stream else { return };
        if stream.nack.missing() > most {
            stream.nack.give_up();
        }
        stream.nack.poll(now, rtt, ask);
        if stream.nack.take_given_up() > 0 {
            self.want_keyframe(now, encoding);
        }
    }

    /// A sender report about a running stream: its encoding. `None` when it is about an earlier stream.
    pub(super) fn on_sender_report(&mut self, now: Instant, ssrc: Ssrc, report: SenderReport) -> Option<u8> {
        let (encoding, stream) = (0u8..)
            .zip(&mut self.encodings)
            .filter_map(|(encoding, it)| it.stream.as_mut().map(|stream| (encoding, stream)))
            .find(|(_, stream)| stream.ssrc == ssrc)?;
        stream.reception.on_sender_report(report.ntp, now).then_some(encoding)
    }

    /// The report blocks about this line's streams.
    pub(super) fn reports(&mut self, now: Instant) -> impl Iterator<Item = ReceptionReport> + '_ {
        self.encodings
            .iter_mut()
            .filter_map(|encoding| encoding.stream.as_mut())
            .filter_map(move |stream| stream.reception.report(stream.ssrc, now))
    }

    /// When [`Self::missing`] or [`Self::take_keyframe_request`] want to be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let mut first: Option<Instant> = None;
        for encoding in &self.encodings {
            let Some(stream) = &encoding.stream else { continue };
            for at in [stream.nack.deadline(), encoding.pli.deadline()].into_iter().flatten() {
                first = Some(first.map_or(at, |first| first.min(at)));
            }
        }
        first
    }
}
