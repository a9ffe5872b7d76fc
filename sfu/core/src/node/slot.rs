//! A receive slot: the sending end of one receive line of a client. Any track of its kind can be shown on it, without
//! SDP: switching is an RTP rewrite.

use std::time::{Duration, Instant};

use rand::Rng;

use super::counters::DropReason;
use super::egress::Stamps;
use super::feedback::{Sent, SentReports};
use super::repair::{EarlierAudio, Playout, RED_MAX};
use super::track::MediaPacket;
use super::types::View;
use crate::ids::{Mid, Pt};
use crate::media::{Codec, Kind};
use crate::rtp::extensions::{HeaderExtension, PlayoutDelay};
use crate::rtp::packet::RtpHeader;
use crate::rtp::picture::PictureRewriter;
use crate::rtp::red::{self, Block};
use crate::rtp::resend::Resent;
use crate::rtp::rewrite::{Rewritten, StreamRewriter};
use crate::rtp::rtx;
use crate::rtp::vp8;
use crate::sdp::{NegotiatedMedia, SlotSsrcs};

/// The first packets of a stream that carry its MID.
const MID_PACKETS: u32 = 50;

/// The source packet behind a sequence number we sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Wanted {
    pub(super) feed: usize,
    pub(super) encoding: u8,
    pub(super) sequence: u64,
}

/// What stands between a packet's header and its payload.
#[derive(Clone, Copy)]
enum Wrap<'a> {
    Plain,
    /// The number of the packet that is sent again.
    Rtx(u16),
    /// The payload type inside and the packets before, oldest first.
    Red(Pt, &'a [Block<'a>]),
}

/// See the module.
pub(super) struct Slot {
    kind: Kind,
    ssrcs: SlotSsrcs,
    line: NegotiatedMedia,
    /// Key of the feed that is shown.
    shows: Option<usize>,
    /// The simulcast encoding that is forwarded.
    encoding: u8,
    /// How large the viewer shows it; `None` before they said.
    view: Option<View>,
    /// Nothing is forwarded until a decoder can start.
    waits_for_keyframe: bool,
    rewriter: StreamRewriter,
    vp8: PictureRewriter,
    rtx_sequence: u16,
    packets: u32,
    octets: u32,
    pub(super) reports: SentReports,
    /// Earlier packets repeated in each audio packet.
    red: u8,
    playout: Playout,
    rtx_packets: u32,
    stamps: Stamps,
    /// What was sent again lately.
    pub(super) resent: Resent,
}

impl Slot {
    pub(super) fn new(
        now: Instant,
        kind: Kind,
        ssrcs: SlotSsrcs,
        line: NegotiatedMedia,
        rng: &mut impl Rng,
    ) -> Self {
        let id = |extension| line.extensions.id(extension).unwrap_or(0);
        let stamps = Stamps {
            transport_cc: id(HeaderExtension::TransportCc),
            abs_send_time: id(HeaderExtension::AbsSendTime),
        };
        Self {
            kind,
            ssrcs,
            line,
            stamps,
            shows: None,
            encoding: 0,
            view: None,
            waits_for_keyframe: false,
            rewriter: StreamRewriter::new(first_sequence(rng), rng.random()),
            vp8: PictureRewriter::default(),
            rtx_sequence: first_sequence(rng),
            packets: 0,
            octets: 0,
            reports: SentReports::default(),
            red: 0,
            playout: Playout::default(),
            rtx_packets: 0,
            resent: Resent::new(now),
        }
    }

    pub(super) fn mid(&self) -> Mid {
        self.line.mid
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn ssrcs(&self) -> SlotSsrcs {
        self.ssrcs
    }

    /// What is written into each packet when it leaves.
    pub(super) fn stamps(&self) -> Stamps {
        self.stamps
    }

    /// Whether video is to be sent at all: something is shown, and in a size that can be seen.
    pub(super) fn is_wanted(&self) -> bool {
        self.kind == Kind::Video && self.shows.is_some() && self.view.is_none_or(|view| view.is_shown())
    }

    /// Size of the view, width × height; a viewer that says nothing shows it as large as can be.
    pub(super) fn pixels(&self) -> u32 {
        self.view.map_or(u32::MAX, |view| u32::from(view.width) * u32::from(view.height))
    }

    /// Whether padding can go out on the RTX stream of this slot.
    pub(super) fn can_pad(&self) -> bool {
        self.kind == Kind::Video && self.stamps.transport_cc != 0 && self.rtx_type().is_some()
    }

    fn rtx_type(&self) -> Option<Pt> {
        self.line.codecs.iter().find_map(|codec| codec.rtx)
    }

    /// Appends a packet of the RTX stream that is padding only (RFC 4588 §6.3 lets a receiver ignore it): a probe.
    pub(super) fn pad(&mut self, bytes: u8, out: &mut Vec<u8>) {
        let Some(payload_type) = self.rtx_type() else { return };
        let header = RtpHeader {
            marker: false,
            payload_type,
            sequence: self.rtx_sequence,
            timestamp: self.rewriter.latest_timestamp(),
            ssrc: self.ssrcs.rtx,
        };
        self.rtx_sequence = self.rtx_sequence.wrapping_add(1);
        let start = out.len();
        let stamps: [(u8, &[u8]); 2] =
            [(self.stamps.transport_cc, &[0; 2]), (self.stamps.abs_send_time, &[0; 3])];
        header.write(&stamps, out);
        if let Some(first) = out.get_mut(start) {
            *first |= 0x20;
        }
        // The last byte counts the padding, itself included (RFC 3550 §5.1).
        out.resize(out.len() + usize::from(bytes.max(1)) - 1, 0);
        out.push(bytes.max(1));
    }

    /// Key of the feed that is shown.
    pub(super) fn shows(&self) -> Option<usize> {
        self.shows
    }

    /// The simulcast encoding that is forwarded.
    pub(super) fn encoding(&self) -> u8 {
        self.encoding
    }

    /// Shows another feed from its next keyframe on.
    pub(super) fn show(&mut self, feed: usize) {
        self.shows = Some(feed);
        self.restart();
    }

    /// The stream behind the slot starts anew, with unrelated numbers.
    pub(super) fn restart(&mut self) {
        self.waits_for_keyframe = true;
        self.rewriter.switch();
        self.vp8.switch();
    }

    /// Shows nothing.
    pub(super) fn clear(&mut self) {
        self.shows = None;
        self.restart();
    }

    /// The viewer shows it in this size from now on. True when what was not shown appears.
    pub(super) fn set_view(&mut self, view: View) -> bool {
        let before = self.view.replace(view);
        let appears = view.is_shown() && before.is_some_and(|before| !before.is_shown());
        if appears {
            self.restart();
        }
        appears
    }

    /// How this leg is repaired from now on: levels of redundancy, and how long pictures are to be held.
    pub(super) fn set_repair(&mut self, now: Instant, red: u8, playout: Duration) {
        self.red = red;
        self.playout.set(now, playout);
    }

    /// Appends the packet as this subscriber gets it, with those before it where the leg needs redundancy.
    pub(super) fn forward(
        &mut self,
        now: Instant,
        packet: &MediaPacket<'_>,
        earlier: &EarlierAudio,
        out: &mut Vec<u8>,
    ) -> Result<(), DropReason> {
        if self.view.is_some_and(|view| !view.is_shown()) {
            return Err(DropReason::NotShown);
        }
        let codec = self.line.codec(packet.codec).ok_or(DropReason::NotDecodable)?;
        let (mut payload_type, red_type) = (codec.pt, codec.red_pt());
        if self.waits_for_keyframe && !packet.keyframe {
            return Err(DropReason::BeforeKeyframe);
        }
        let numbers = self
            .rewriter
            .rewrite(packet.sequence, packet.timestamp, packet.codec.clock_rate(), now)
            .ok_or(DropReason::BeforeSwitch)?;
        self.waits_for_keyframe = false;
        let mut blocks = [Block::default(); RED_MAX];
        let mut wrap = Wrap::Plain;
        if let Some(red_type) = red_type.filter(|_| self.red > 0) {
            let mut count = 0;
            // What this subscriber never had, because it was shown something else, is not repeated to it either.
            for (distance, block) in (1u64..).zip(earlier.blocks(self.red)) {
                if !self.rewriter.has_mapped(packet.sequence.saturating_sub(distance)) {
                    break;
                }
                blocks[count] = Block { payload_type, ..block };
                count += 1;
            }
            if count > 0 {
                blocks[..count].reverse();
                wrap = Wrap::Red(payload_type, &blocks[..count]);
                payload_type = red_type;
            }
        }
        let header = RtpHeader {
            marker: packet.marker,
            payload_type,
            sequence: numbers.sequence,
            timestamp: numbers.timestamp,
            ssrc: self.ssrcs.media,
        };
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(packet.payload.len() as u32);
        self.write(now, &header, wrap, packet, out);
        Ok(())
    }

    /// Which packet of what is shown went out under a sequence number.
    pub(super) fn source_of(&self, sequence: u16) -> Option<Wanted> {
        let sequence = self.rewriter.source_sequence(sequence)?;
        Some(Wanted { feed: self.shows?, encoding: self.encoding, sequence })
    }

    /// Appends the packet again, as one of the RTX stream (RFC 4588). `None` when RTX was not agreed on.
    pub(super) fn retransmission(
        &mut self,
        now: Instant,
        packet: &MediaPacket<'_>,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let payload_type = self.line.codec(packet.codec)?.rtx?;
        let Rewritten { sequence: original, timestamp } =
            self.rewriter.rewrite(packet.sequence, packet.timestamp, packet.codec.clock_rate(), now)?;
        let header = RtpHeader {
            marker: packet.marker,
            payload_type,
            sequence: self.rtx_sequence,
            timestamp,
            ssrc: self.ssrcs.rtx,
        };
        self.rtx_sequence = self.rtx_sequence.wrapping_add(1);
        self.rtx_packets = self.rtx_packets.saturating_add(1);
        self.write(now, &header, Wrap::Rtx(original), packet, out);
        Some(())
    }

    /// The publisher's sender report in the numbers of this slot. `None` before the first packet.
    pub(super) fn sender_report(&mut self, now: Instant, ntp: u64, rtp_timestamp: u32) -> Option<Sent> {
        let sent = Sent {
            ssrc: self.ssrcs.media,
            ntp,
            rtp_timestamp: self.rewriter.timestamp(rtp_timestamp)?,
            packets: self.packets,
            octets: self.octets,
        };
        self.reports.sent(now, ntp);
        Some(sent)
    }

    fn write(
        &mut self,
        now: Instant,
        header: &RtpHeader,
        wrap: Wrap<'_>,
        packet: &MediaPacket<'_>,
        out: &mut Vec<u8>,
    ) {
        let ids = &self.line.extensions;
        let passed = &packet.passed;
        let level = passed.audio_level.map(|level| level.to_bytes());
        let orientation = passed.orientation.map(|orientation| orientation.to_bytes());
        let playout = match packet.codec.kind() {
            Kind::Video => self.playout.said(now, passed.playout_delay).map(PlayoutDelay::to_bytes),
            Kind::Audio => None,
        };
        // Packets bind to their line by SSRC; the MID in the first of them is for peers that bind by MID
        // (RFC 8843 §9.2).
        let sent = if matches!(wrap, Wrap::Rtx(_)) { self.rtx_packets } else { self.packets };
        let mid = if sent <= MID_PACKETS { self.line.mid.as_str().as_bytes() } else { &[] };
        // An element with id 0 is not written: absent ones are left out without allocating a list.
        let id = |extension| ids.id(extension).unwrap_or(0);
        let extensions: [(u8, &[u8]); 7] = [
            // Written when the packet leaves.
            (self.stamps.transport_cc, &[0; 2]),
            (self.stamps.abs_send_time, &[0; 3]),
            (id(HeaderExtension::Mid), mid),
            (id(HeaderExtension::PlayoutDelay), playout.as_ref().map_or(&[], |bytes| &bytes[..])),
            (id(HeaderExtension::AudioLevel), level.as_ref().map_or(&[], |bytes| &bytes[..])),
            (id(HeaderExtension::VideoOrientation), orientation.as_ref().map_or(&[], |bytes| &bytes[..])),
            (
                id(HeaderExtension::AbsCaptureTime),
                passed.capture_time.as_ref().map_or(&[], |time| time.as_bytes()),
            ),
        ];
        match wrap {
            Wrap::Plain => header.write_packet(&extensions, packet.payload, out),
            Wrap::Rtx(original) => rtx::write(header, &extensions, original, packet.payload, out),
            Wrap::Red(inside, blocks) => {
                header.write(&extensions, out);
                red::write(blocks, inside, packet.payload, out);
            }
        }
        if packet.codec == Codec::Vp8
            && let Some(payload) = out.len().checked_sub(packet.payload.len())
            && let Some(payload) = out.get_mut(payload..)
            && let Some(read) = vp8::Descriptor::parse(payload)
        {
            self.vp8.rewrite(&read.fields, payload);
        }
    }
}

/// In the lower half: a receiver that misses the first packets of a stream close to the wrap would guess the rollover
/// counter of SRTP wrong for ever (RFC 3711 §3.3.1).
fn first_sequence(rng: &mut impl Rng) -> u16 {
    rng.random_range(0..1 << 15)
}
