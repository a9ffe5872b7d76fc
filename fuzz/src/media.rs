//! RTP, RTCP and what stands inside them.

use std::time::{Duration, Instant};

use sfu_core::bwe::{Target, Twcc};
use sfu_core::ids::{Pt, Ssrc};
use sfu_core::layers::reader::Reader;
use sfu_core::layers::selection::Selection;
use sfu_core::media::Codec;
use sfu_core::rtp::allocation::Allocation;
use sfu_core::rtp::dependency;
use sfu_core::rtp::extensions::{
    AudioLevel, PlayoutDelay, VideoOrientation, read_abs_capture_time, read_mid, read_transport_cc,
};
use sfu_core::rtp::keyframe::is_keyframe;
use sfu_core::rtp::nack::NackGenerator;
use sfu_core::rtp::packet::{DatagramKind, RtpHeader, RtpPacket};
use sfu_core::rtp::picture::PictureRewriter;
use sfu_core::rtp::red::{self, Red};
use sfu_core::rtp::rtcp::packets as rtcp_packets;
use sfu_core::rtp::sequence::SequenceExtender;
use sfu_core::rtp::{resolution, rtx, vp8, vp9};

use crate::input::Input;

const CODECS: [Codec; 5] = [Codec::Opus, Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1];

/// A packet, its header extensions in both forms, and the packet written anew.
pub(crate) fn rtp(data: &[u8]) {
    DatagramKind::of(data);
    let Ok(packet) = RtpPacket::parse(data) else { return };
    packet.csrcs().count();
    let mut written = Vec::new();
    let mut elements = Vec::new();
    for (id, value) in packet.extensions() {
        assert!(id != 0);
        read_mid(value);
        read_transport_cc(value);
        read_abs_capture_time(value);
        if let Some(delay) = PlayoutDelay::read(value) {
            assert_eq!(delay.to_bytes(), value);
        }
        AudioLevel::read(value).map(AudioLevel::to_bytes);
        VideoOrientation::read(value).map(VideoOrientation::to_bytes);
        elements.push((id, value));
    }
    elements.truncate(64);
    packet.header().write_packet(&elements, packet.payload(), &mut written);
    let again = RtpPacket::parse(&written).expect("our own packets parse");
    assert_eq!(again.payload(), packet.payload());
    assert_eq!(again.header(), packet.header());

    written.clear();
    let header = RtpHeader {
        payload_type: Pt(111),
        sequence: 7,
        timestamp: 8,
        ssrc: Ssrc(9),
        marker: !packet.marker(),
    };
    packet.write_as(&header, b"another", &mut written);
    let again = RtpPacket::parse(&written).expect("a packet under another header parses");
    assert_eq!((again.header(), again.payload()), (header, &b"another"[..]));
    assert!(again.extensions().eq(packet.extensions()));
    rtx::unwrap(packet.payload());
}

/// RED: what is read can be written, and reads the same.
pub(crate) fn red(data: &[u8]) {
    let Ok(parsed) = Red::parse(data) else { return };
    let earlier: Vec<_> = parsed.earlier().collect();
    let (distances, blocks): (Vec<_>, Vec<_>) = earlier.into_iter().unzip();
    assert!(distances.is_sorted_by(|a, b| a > b), "oldest first");
    assert!(blocks.iter().all(|block| red::fits(block.offset, block.payload)));
    let mut written = Vec::new();
    red::write(&blocks, parsed.primary.payload_type, parsed.primary.payload, &mut written);
    let again = Red::parse(&written).expect("our own RED parses");
    assert_eq!(again.primary, parsed.primary);
    assert!(again.earlier().map(|(_, block)| block).eq(blocks));
}

/// Payload descriptors, picture sizes and keyframe detection of all codecs, and rewritten counters.
pub(crate) fn descriptors(data: &[u8]) {
    let mut input = Input::new(data);
    let mut rewriter = PictureRewriter::default();
    while !input.is_empty() {
        let how = input.byte();
        if how & 1 == 1 {
            rewriter.switch();
        }
        let payload = input.bytes();
        for codec in CODECS {
            is_keyframe(codec, payload);
            resolution::of_keyframe(codec, payload);
        }
        let vp8 = |payload: &[u8]| vp8::Descriptor::parse(payload).map(|it| (it.len(), it.fields));
        let vp9 = |payload: &[u8]| vp9::Descriptor::parse(payload).map(|it| (it.len(), it.fields));
        let parse = |payload: &[u8]| if how & 2 == 0 { vp8(payload) } else { vp9(payload) };
        let Some((before, fields)) = parse(payload) else { continue };
        assert!(before <= payload.len());
        if how & 4 == 4 {
            rewriter.leave_out(&fields);
        }
        let mut rewritten = payload.to_vec();
        rewriter.rewrite(&fields, &mut rewritten);
        let (after, fields_after) = parse(&rewritten).expect("a rewritten descriptor parses");
        assert_eq!(before, after, "rewriting changes no lengths");
        assert_eq!(fields.picture_id.map(|it| it.place), fields_after.picture_id.map(|it| it.place));
        assert_eq!(payload[before..], rewritten[after..], "nor the media");
    }
}

/// Dependency descriptors and layer allocations on the packets of one encoding, and what is chosen because of them.
pub(crate) fn layers(data: &[u8]) {
    let mut input = Input::new(data);
    let codec = CODECS[usize::from(input.byte()) % CODECS.len()];
    let mut reader = Reader::default();
    let mut selection = Selection::new(true);
    let mut structure = None;
    let mut picture = 0u32;
    while !input.is_empty() {
        let how = input.byte();
        if how & 1 == 1 {
            picture = picture.wrapping_add(3000);
        }
        match how >> 1 & 7 {
            0 => selection.aim(None),
            1 => selection.aim(Some(Target {
                encoding: how >> 4 & 1,
                spatial: how >> 5 & 3,
                temporal: how >> 6 & 3,
            })),
            2 if how >> 4 == 0 => {
                reader.restart();
                selection.restart();
            }
            _ => {}
        }
        let extension = input.bytes();
        let payload = input.bytes();
        Allocation::read(extension);
        if let Some(descriptor) = dependency::Descriptor::read(extension, &mut structure) {
            let mut out = [0; dependency::MAX_DESCRIPTOR_BYTES];
            let active = (how & 0x10 == 0x10).then_some(u32::from(how));
            if let Some(length) = dependency::rewrite(extension, &descriptor, 4711, active, &mut out) {
                let again = dependency::Descriptor::examine(&out[..length], structure.as_deref());
                let (again, _) = again.expect("a rewritten descriptor parses");
                assert_eq!(again.mandatory.frame_number, 4711);
                assert_eq!(again.dependencies, descriptor.dependencies);
            }
        }
        let described = (!extension.is_empty()).then_some(extension);
        let reading = reader.read(codec, payload, described);
        selection.decide(0, &reading, picture, reader.structure(), Some(0));
        selection.recall(&reading);
        selection.layers(reader.structure());
        selection.deliverable(reader.structure());
    }
}

/// A decrypted compound, as peers send it; and loss detection fed with its numbers.
pub(crate) fn rtcp(data: &[u8]) {
    for packet in rtcp_packets(data) {
        assert!(packet.bytes().len() <= data.len());
        packet.items().count();
    }
    let now = Instant::now();
    let mut numbers = SequenceExtender::default();
    let mut nack = NackGenerator::default();
    let mut asked = Vec::new();
    for (step, pair) in data.chunks_exact(2).enumerate() {
        let sequence = numbers.extend(u16::from_be_bytes([pair[0], pair[1]]));
        nack.on_packet(sequence, now + Duration::from_millis(step as u64));
        nack.recover(sequence.wrapping_add(u64::from(pair[0])), now);
        if step % 8 == 0 {
            nack.poll(now + Duration::from_millis(step as u64), None, &mut asked);
        }
    }
    let tally = nack.take_tally();
    assert!(tally.lost <= tally.packets);
}

/// Transport-wide feedback.
pub(crate) fn twcc(data: &[u8]) {
    let Ok(feedback) = Twcc::parse(data) else { return };
    let statuses = feedback.statuses().count();
    assert!(statuses <= usize::from(feedback.count()));
    for (step, status) in feedback.statuses().enumerate() {
        assert_eq!(status.sequence, feedback.base().wrapping_add(step as u16));
    }
}
