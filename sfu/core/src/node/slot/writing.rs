//! How a slot writes: each packet of the feed as this subscriber gets it, the first time, again, or as padding.

use std::time::Instant;

use super::Slot;
use crate::ids::Pt;
use crate::layers::reader::LayerInfo;
use crate::layers::selection::Choice;
use crate::media::{Codec, Kind};
use crate::node::counters::DropReason;
use crate::node::feed::Feed;
use crate::node::parting::KEPT;
use crate::node::repair::{RED_MAX, Redundancy};
use crate::node::track::MediaPacket;
use crate::rtp::extensions::{HeaderExtension, PlayoutDelay};
use crate::rtp::packet::RtpHeader;
use crate::rtp::red::{self, Block};
use crate::rtp::rewrite::Rewritten;
use crate::rtp::rtx;

/// The first packets of a stream that carry its MID.
const MID_PACKETS: u32 = 50;

/// What stands between a packet's header and its payload.
#[derive(Clone, Copy)]
enum Wrap<'a> {
    Plain,
    /// The number of the packet that is sent again.
    Rtx(u16),
    /// The payload type inside and the packets before, oldest first.
    Red(Pt, &'a [Block<'a>]),
}

impl Slot {
    /// Appends a packet of the RTX stream that is padding only (RFC 4588 §6.3 lets a receiver ignore it): a probe.
    pub(in crate::node) fn pad(&mut self, bytes: u8, out: &mut Vec<u8>) {
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

    /// Appends the packet as this subscriber gets it, with those before it where the leg needs redundancy. `sent` are the
    /// encodings that arrive (see [`Feed::sent`]). True if it is the first of its encoding.
    pub(in crate::node) fn forward(
        &mut self,
        now: Instant,
        feed: &Feed,
        sent: u8,
        packet: &MediaPacket<'_>,
        out: &mut Vec<u8>,
    ) -> Result<bool, DropReason> {
        let Some(wanted) = self.wanted(feed, sent) else { return Err(DropReason::NotShown) };
        let codec = self.line.codec(packet.codec).ok_or(DropReason::NotDecodable)?;
        let (mut payload_type, red_type) = (codec.pt, codec.red_pt());
        let before = self.selection.current();
        if packet.reading.keyframe
            && before.is_some_and(|before| before != packet.encoding && wanted == packet.encoding)
        {
            self.part(now, feed);
        }
        let structure = feed.structure(packet.encoding);
        let choice = self.selection.decide(
            packet.encoding,
            &packet.reading,
            packet.timestamp,
            structure,
            Some(wanted),
        );
        let (begins, ends_picture) = match choice {
            Choice::Forward { begins, ends_picture } => (begins, ends_picture),
            Choice::LeaveOut => return self.leave_out(now, packet, payload_type, out),
            Choice::Wait => return Err(DropReason::BeforeKeyframe),
            Choice::Elsewhere | Choice::Hold => return Err(DropReason::OtherLayer),
        };
        if begins {
            self.begin(now, feed, before, packet);
        }
        let numbers = self
            .rewriter
            .rewrite(packet.sequence, packet.timestamp, packet.codec.clock_rate(), now)
            .ok_or(DropReason::BeforeSwitch)?;
        let mut blocks = [Block::default(); RED_MAX];
        let mut wrap = Wrap::Plain;
        if let Some(red_type) = red_type.filter(|_| self.red.levels > 0) {
            let count = self.earlier(now, feed, packet, payload_type, &mut blocks);
            if count > 0 {
                wrap = Wrap::Red(payload_type, &blocks[..count]);
                payload_type = red_type;
            }
        }
        let header = RtpHeader {
            marker: packet.marker || ends_picture == Some(true),
            payload_type,
            sequence: numbers.sequence,
            timestamp: numbers.timestamp,
            ssrc: self.ssrcs.media,
        };
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(packet.payload.len() as u32);
        let described = self.describe(feed, packet, true);
        self.write(now, &header, wrap, packet, described, out);
        Ok(begins)
    }

    /// What is repeated of the sound before a packet, oldest first; how many that are.
    fn earlier<'a>(
        &self,
        now: Instant,
        feed: &'a Feed,
        packet: &MediaPacket<'_>,
        payload_type: Pt,
        blocks: &mut [Block<'a>; RED_MAX],
    ) -> usize {
        let Redundancy { levels, reach } = self.red;
        let mut count = 0;
        let mut before = u32::MAX;
        for level in (1..=u64::from(levels)).rev() {
            let sequence = packet.sequence.saturating_sub(level * u64::from(reach));
            // What this subscriber never had, because it was shown something else, is not repeated to it either.
            if !self.rewriter.has_mapped(sequence) {
                continue;
            }
            let Some(earlier) = feed.cached(now, packet.encoding, sequence) else { continue };
            let offset = packet.timestamp.wrapping_sub(earlier.timestamp);
            // Time must run, or the receiver would place the sound wrongly.
            if offset < before
                && earlier.codec == packet.codec
                && red::fits(offset, earlier.payload)
                && let Some(block) = blocks.get_mut(count)
            {
                *block = Block { payload_type, offset, payload: earlier.payload };
                before = offset;
                count += 1;
            }
        }
        count
    }

    /// The first packet of another encoding of the same source, or of all.
    fn begin(&mut self, now: Instant, feed: &Feed, before: Option<u8>, packet: &MediaPacket<'_>) {
        let rate = packet.codec.clock_rate();
        match before.and_then(|before| feed.ahead(before, packet.encoding, rate)) {
            Some(ahead) => {
                self.rewriter.switch_aligned(packet.sequence, packet.timestamp, ahead, rate, now);
            }
            None => self.rewriter.switch(),
        }
        self.pictures.switch();
        self.frames.switch();
    }

    /// The packet is of a layer this viewer does not get: its number is closed up. If later numbers went out already, it
    /// is sent without its payload, so that nobody waits for it.
    fn leave_out(
        &mut self,
        now: Instant,
        packet: &MediaPacket<'_>,
        payload_type: Pt,
        out: &mut Vec<u8>,
    ) -> Result<bool, DropReason> {
        if packet.codec == Codec::Vp8 {
            self.pictures.leave_out(&packet.reading.fields);
        }
        if self.rewriter.skip(packet.sequence) {
            return Err(DropReason::OtherLayer);
        }
        let Rewritten { sequence, timestamp } = self
            .rewriter
            .rewrite(packet.sequence, packet.timestamp, packet.codec.clock_rate(), now)
            .ok_or(DropReason::BeforeSwitch)?;
        let header = RtpHeader { marker: false, payload_type, sequence, timestamp, ssrc: self.ssrcs.media };
        self.packets = self.packets.wrapping_add(1);
        let empty = MediaPacket { payload: &[], ..*packet };
        self.write(now, &header, Wrap::Plain, &empty, 0, out);
        Ok(false)
    }

    /// Writes the dependency descriptor down as this subscriber gets it; its length, 0 where there is none.
    fn describe(&mut self, feed: &Feed, packet: &MediaPacket<'_>, first_time: bool) -> usize {
        // VP8 says all a decoder needs in its payload; then every publisher looks alike.
        if packet.codec != Codec::Vp8
            && let (Some((value, read)), LayerInfo::Frame(frame)) =
                (&packet.reading.descriptor, &packet.reading.layers)
            && self.line.extensions.id(HeaderExtension::DependencyDescriptor).is_some()
        {
            let targets = self.selection.deliverable(feed.structure(packet.encoding)) & frame.active;
            self.frames.write(value, read, targets, frame.active, first_time, &mut self.descriptor)
        } else {
            0
        }
    }

    /// Writes down the last packets as they would be sent again: what comes next is another stream.
    pub(in crate::node) fn part(&mut self, now: Instant, feed: &Feed) {
        let Some(highest) = self.rewriter.highest_sequence().filter(|_| self.rtx_type().is_some()) else {
            return;
        };
        if self.kind != Kind::Video || self.encoding().is_none() {
            return;
        }
        let mut parting = std::mem::take(&mut self.parting);
        let numbers = (self.rtx_sequence, self.rtx_packets);
        parting.begin(now);
        for back in (0..KEPT).rev() {
            let sequence = highest.wrapping_sub(back);
            let Some(wanted) = self.source_of(sequence) else { continue };
            let Some(packet) = feed.cached(now, wanted.encoding, wanted.sequence) else { continue };
            parting.keep(sequence, |out| self.retransmission(now, feed, &packet, out));
        }
        // They get numbers of their own when they are sent.
        (self.rtx_sequence, self.rtx_packets) = numbers;
        self.parting = parting;
    }

    /// Appends a packet from before the last switch again, as one of the RTX stream.
    pub(in crate::node) fn retransmit_parted(&mut self, sequence: u16, out: &mut Vec<u8>) -> Option<()> {
        let packet = self.parting.find(sequence)?;
        let number = out.len() + 2;
        out.extend_from_slice(packet);
        out.get_mut(number..number + 2)?.copy_from_slice(&self.rtx_sequence.to_be_bytes());
        self.rtx_sequence = self.rtx_sequence.wrapping_add(1);
        self.rtx_packets = self.rtx_packets.saturating_add(1);
        Some(())
    }

    /// Appends the packet again, as one of the RTX stream (RFC 4588); what was left out goes without its payload. `None`
    /// when RTX was not agreed on, or there is nothing to say.
    pub(in crate::node) fn retransmission(
        &mut self,
        now: Instant,
        feed: &Feed,
        packet: &MediaPacket<'_>,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let payload_type = self.line.codec(packet.codec)?.rtx?;
        let sent = self.recall(packet)?;
        let Rewritten { sequence: original, timestamp } =
            self.rewriter.rewrite(packet.sequence, packet.timestamp, packet.codec.clock_rate(), now)?;
        let ends_picture = match packet.reading.layers {
            LayerInfo::Frame(frame) if frame.ends => {
                let top = self.layers(feed).map(|layers| layers.spatial);
                top == Some(frame.dependencies.layer.spatial)
            }
            _ => false,
        };
        let header = RtpHeader {
            marker: sent && (packet.marker || ends_picture),
            payload_type,
            sequence: self.rtx_sequence,
            timestamp,
            ssrc: self.ssrcs.rtx,
        };
        self.rtx_sequence = self.rtx_sequence.wrapping_add(1);
        self.rtx_packets = self.rtx_packets.saturating_add(1);
        if sent {
            let described = self.describe(feed, packet, false);
            self.write(now, &header, Wrap::Rtx(original), packet, described, out);
        } else {
            let empty = MediaPacket { payload: &[], ..*packet };
            self.write(now, &header, Wrap::Rtx(original), &empty, 0, out);
        }
        Some(())
    }

    /// Appends a packet; `described` bytes of dependency descriptor have been [written down](Self::describe) for it.
    fn write(
        &mut self,
        now: Instant,
        header: &RtpHeader,
        wrap: Wrap<'_>,
        packet: &MediaPacket<'_>,
        described: usize,
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
        let extensions: [(u8, &[u8]); 8] = [
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
            (id(HeaderExtension::DependencyDescriptor), self.descriptor.get(..described).unwrap_or_default()),
        ];
        match wrap {
            Wrap::Plain => header.write_packet(&extensions, packet.payload, out),
            Wrap::Rtx(original) => rtx::write(header, &extensions, original, packet.payload, out),
            Wrap::Red(inside, blocks) => {
                header.write(&extensions, out);
                red::write(blocks, inside, packet.payload, out);
            }
        }
        if matches!(packet.codec, Codec::Vp8 | Codec::Vp9)
            && !packet.payload.is_empty()
            && let Some(payload) = out.len().checked_sub(packet.payload.len())
            && let Some(payload) = out.get_mut(payload..)
        {
            self.pictures.rewrite(&packet.reading.fields, payload);
        }
    }
}
