//! Simulcast and SVC: who gets which layers, and what the publisher is asked for.

use super::*;
use crate::node::{EncodingWish, View};
use crate::rtp::dependency::tests::Writer;
use crate::rtp::vp8;
use crate::tap::TapEvent;

pub(super) const SIMULCAST: Terms = Terms {
    red: None,
    // No transport-wide numbers: here the view alone decides, not the estimate.
    extmaps: "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
              a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n\
              a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n",
    simulcast: "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;h;f\r\n",
    codec: "VP8",
};

const SVC: Terms = Terms {
    red: None,
    extmaps: "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
              a=extmap:12 https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension\r\n",
    simulcast: "",
    codec: "AV1",
};

const RIDS: [&[u8]; 3] = [b"q", b"h", b"f"];
/// Each encoding has a clock of its own.
const CLOCKS: [u32; 3] = [1_000, 900_000, 4_000_000_000];
const FRAME: Duration = Duration::from_millis(33);

/// A camera that sends three encodings, a packet a picture each, with two temporal layers.
pub(super) struct Camera {
    picture: u16,
    sequences: [u16; 3],
    pub(super) active: [bool; 3],
}

impl Camera {
    pub(super) fn new() -> Self {
        Self { picture: 0, sequences: [100, 20_000, 65_530], active: [true; 3] }
    }

    fn ssrc(encoding: usize) -> Ssrc {
        Ssrc(7000 + encoding as u32)
    }

    /// Sends one picture in every active encoding; `keys` as keyframes.
    pub(super) fn picture(&mut self, world: &mut World, keys: [bool; 3]) {
        self.picture += 1;
        let active = self.active;
        for encoding in (0..3).filter(|it| active[*it]) {
            let packet = self.packet(encoding, keys[encoding]);
            let sealed = world.clients[0].seal(&packet);
            world.send(0, &sealed);
        }
        world.pass(FRAME);
    }

    /// The picture number ends the payload, the encoding stands before it.
    fn packet(&mut self, encoding: usize, key: bool) -> Vec<u8> {
        let [high, low] = (self.picture | 0x8000).to_be_bytes();
        let upper = self.picture % 2 == 1 && !key;
        let (tl0, layer) = ((self.picture / 2) as u8, if upper { 0x60 } else { 0x00 });
        let (width, height) = ((320u16 << encoding).to_le_bytes(), (180u16 << encoding).to_le_bytes());
        let mut payload = vec![0x90, 0xe0, high, low, tl0, layer, u8::from(!key), 0, 0];
        payload.extend([0x9d, 0x01, 0x2a, width[0], width[1], height[0], height[1]]);
        payload.resize(payload.len() + (200 << encoding), 0);
        payload.extend([encoding as u8, self.picture as u8]);
        let header = RtpHeader {
            marker: true,
            payload_type: VIDEO,
            sequence: self.sequences[encoding],
            timestamp: CLOCKS[encoding].wrapping_add(u32::from(self.picture) * 3000),
            ssrc: Self::ssrc(encoding),
        };
        self.sequences[encoding] = self.sequences[encoding].wrapping_add(1);
        let mut packet = Vec::new();
        header.write_packet(&[(4, b"1"), (10, RIDS[encoding])], &payload, &mut packet);
        packet
    }

    /// Sender reports about all encodings, for the moment of the next picture.
    fn reports(&self, world: &mut World) {
        for (encoding, clock) in CLOCKS.into_iter().enumerate() {
            let sent = feedback::Sent {
                ssrc: Self::ssrc(encoding),
                ntp: (1000u64 << 32) + (u64::from(self.picture) << 32) / 30,
                rtp_timestamp: clock.wrapping_add(u32::from(self.picture) * 3000),
                packets: 1,
                octets: 1,
            };
            let mut report = Vec::new();
            crate::rtp::rtcp::write_sender_report(&sent, &mut report);
            let sealed = world.clients[0].seal_rtcp(&report.into());
            world.send(0, &sealed);
        }
    }
}

pub(super) fn view(world: &mut World, who: usize, width: u16, height: u16) {
    let id = world.clients[who].id;
    let slot = Mid::new("3").expect("mid");
    world.node.set_view(world.now, id, slot, View { width, height }).expect("a slot");
    world.pump();
}

/// The encodings whose keyframes were asked for since the last question.
pub(super) fn asked(world: &mut World) -> Vec<usize> {
    let rtcp = std::mem::take(&mut world.clients[0].rtcp);
    let asked =
        |encoding: &usize| rtcp.contains(&Incoming::KeyframeRequest { ssrc: Camera::ssrc(*encoding) });
    (0..3).filter(asked).collect()
}

/// Encoding and number of each picture a viewer got.
pub(super) fn got(world: &World, who: usize) -> Vec<(u8, u8)> {
    let parsed = world.clients[who].rtp.iter().map(|packet| RtpPacket::parse(packet).expect("RTP"));
    parsed
        .filter(|packet| packet.payload_type() == VIDEO && !packet.payload().is_empty())
        .map(|packet| match packet.payload() {
            [.., encoding, picture] => (*encoding, *picture),
            _ => unreachable!("a payload of ours"),
        })
        .collect()
}

/// What a decoder and its jitter buffer see: numbers and picture ids without a gap, time that runs at its pace.
fn judge(world: &World, who: usize) {
    let packets: Vec<_> =
        world.clients[who].rtp.iter().map(|packet| RtpPacket::parse(packet).expect("RTP")).collect();
    for pair in packets.windows(2) {
        assert_eq!(pair[1].sequence(), pair[0].sequence().wrapping_add(1));
        assert_eq!(pair[1].ssrc(), pair[0].ssrc());
        let ids = [0, 1].map(|it| vp8::Descriptor::parse(pair[it].payload()).expect("VP8"));
        assert_eq!(ids[1].picture_id(), ids[0].picture_id().map(|id| (id + 1) & 0x7fff));
        let ahead = pair[1].timestamp().wrapping_sub(pair[0].timestamp());
        assert!((1..=6000).contains(&ahead), "{ahead} ticks between two pictures");
    }
}

pub(super) fn wishes(world: &mut World) -> Vec<Vec<bool>> {
    let publisher = world.clients[0].id;
    let wish = |event: &Event| match event {
        Event::SendWish { participant, encodings, .. } if *participant == publisher => {
            Some(encodings.iter().map(|it: &EncodingWish| it.active).collect())
        }
        _ => None,
    };
    let found = world.events.iter().filter_map(wish).collect();
    world.events.clear();
    found
}

#[test]
fn a_viewer_gets_the_encoding_that_suits_its_size_and_a_switch_keeps_the_old_one_until_a_keyframe() {
    let mut world = World::connected_on(&[SIMULCAST, SIMULCAST]);
    let mut camera = Camera::new();
    world.attach_camera(0, 1);
    view(&mut world, 1, 320, 180);
    camera.picture(&mut world, [true; 3]);
    camera.reports(&mut world);
    camera.picture(&mut world, [false; 3]);
    assert_eq!(got(&world, 1), [(0, 1), (0, 2)], "the small one");
    world.pass(Duration::from_secs(1));
    asked(&mut world);

    view(&mut world, 1, 1280, 720);
    assert_eq!(asked(&mut world), [2], "a keyframe of that encoding and no other");
    camera.picture(&mut world, [false; 3]);
    camera.picture(&mut world, [false, false, true]);
    camera.picture(&mut world, [false; 3]);
    assert_eq!(got(&world, 1)[2..], [(0, 3), (0, 4), (2, 4), (2, 5)], "one picture in both encodings");

    // Down again: the upper temporal layer goes at once, the rest with the keyframe.
    view(&mut world, 1, 300, 170);
    for _ in 0..4 {
        camera.picture(&mut world, [false; 3]);
    }
    camera.picture(&mut world, [true, false, false]);
    camera.picture(&mut world, [false; 3]);
    assert_eq!(got(&world, 1)[6..], [(2, 6), (2, 8), (0, 10), (0, 11)]);
    judge(&world, 1);
    assert_eq!(world.node.counters().dropped.of(crate::node::DropReason::UnknownSsrc), 0);
}

#[test]
fn two_viewers_of_different_sizes_get_different_encodings_of_one_publisher() {
    let mut world = World::connected_on(&[SIMULCAST; 3]);
    let mut camera = Camera::new();
    camera.picture(&mut world, [true; 3]);
    for who in [1, 2] {
        world.attach_camera(0, who);
    }
    view(&mut world, 1, 1920, 1080);
    view(&mut world, 2, 160, 90);
    for picture in 0..30 {
        camera.picture(&mut world, [picture == 0; 3]);
    }
    assert!(got(&world, 1).iter().all(|(encoding, _)| *encoding == 2));
    assert!(got(&world, 2).iter().all(|(encoding, _)| *encoding == 0));
    assert_eq!((got(&world, 1).len(), got(&world, 2).len()), (30, 30));
}

#[test]
fn an_encoding_that_stops_is_replaced_without_being_waited_for() {
    let mut world = World::connected_on(&[SIMULCAST, SIMULCAST]);
    let mut camera = Camera::new();
    camera.picture(&mut world, [true; 3]);
    world.attach_camera(0, 1);
    for picture in 0..10 {
        camera.picture(&mut world, [picture == 0; 3]);
    }
    assert_eq!(got(&world, 1).len(), 10);
    // The publisher's uplink is too narrow for the top.
    camera.active[2] = false;
    let mut asked_at = None;
    for picture in 0..60 {
        if asked(&mut world).contains(&1) {
            asked_at.get_or_insert(picture);
        }
        let keys = [false, asked_at == Some(picture), false];
        camera.picture(&mut world, keys);
    }
    assert!((20..30).contains(&asked_at.expect("asked")), "after two thirds of a second: {asked_at:?}");
    let pictures = got(&world, 1);
    assert_eq!(pictures.last().map(|it| it.0), Some(1));
    // It comes back: up again, with a keyframe.
    camera.active[2] = true;
    asked(&mut world);
    camera.picture(&mut world, [false; 3]);
    assert_eq!(asked(&mut world), [2]);
    camera.picture(&mut world, [false, false, true]);
    assert_eq!(got(&world, 1).last().map(|it| it.0), Some(2));
}

#[test]
fn a_publisher_is_asked_for_the_one_encoding_that_is_watched_and_for_none_when_nobody_is_there() {
    let mut world = World::connected_on(&[SIMULCAST, SIMULCAST]);
    let mut camera = Camera::new();
    let seconds = |world: &mut World, camera: &mut Camera, seconds: u32| {
        for _ in 0..seconds * 30 {
            camera.picture(world, [true; 3]);
        }
    };
    seconds(&mut world, &mut camera, 5);
    assert_eq!(wishes(&mut world), [[false, false, false]], "nobody watches");
    world.attach_camera(0, 1);
    assert_eq!(wishes(&mut world), [[false, false, true]], "at once");
    view(&mut world, 1, 640, 360);
    seconds(&mut world, &mut camera, 5);
    assert_eq!(wishes(&mut world), [[false, true, false]], "the other one is of no use to anybody");
    view(&mut world, 1, 0, 0);
    seconds(&mut world, &mut camera, 5);
    assert_eq!(wishes(&mut world), [[false, false, false]]);
    // A recording wants the best while nobody looks.
    world.node.add_tap(world.now, world.clients[0].id, Source::Camera).expect("tapped");
    world.pump();
    assert_eq!(wishes(&mut world), [[false, false, true]]);
}

#[test]
fn a_tap_of_simulcast_is_one_continuous_stream_of_the_best_there_is() {
    let mut world = World::connected_on(&[SIMULCAST, SIMULCAST]);
    let mut camera = Camera::new();
    world.node.add_tap(world.now, world.clients[0].id, Source::Camera).expect("tapped");
    camera.active = [true, false, false];
    for picture in 0..20 {
        camera.picture(&mut world, [picture == 0; 3]);
    }
    camera.active = [true; 3];
    for picture in 0..20 {
        camera.reports(&mut world);
        camera.picture(&mut world, [false, false, picture == 5]);
    }
    let mut packets = Vec::new();
    let mut restarts = 0;
    for (_, output) in &world.tapped {
        match output {
            TapOutput::Event(TapEvent::Packet(packet)) => packets.push(packet.clone()),
            TapOutput::Event(TapEvent::Restart) => restarts += 1,
            _ => {}
        }
    }
    assert_eq!((packets.len(), restarts), (41, 1));
    for pair in packets.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence + 1);
    }
    let end = |index: usize| packets[index].payload[packets[index].payload.len() - 2..].to_vec();
    assert_eq!((end(25), end(26)), (vec![0, 26], vec![2, 26]), "the picture of the switch is there in both");
    let ahead = |from: usize, to: usize| packets[to].timestamp.wrapping_sub(packets[from].timestamp);
    assert_eq!((ahead(24, 25), ahead(25, 26), ahead(25, 40)), (3000, 1, 14 * 3000));
}

#[test]
fn retransmissions_of_an_encoding_are_told_by_the_rid_they_repair() {
    let mut world = World::connected_on(&[SIMULCAST, SIMULCAST]);
    let mut camera = Camera::new();
    camera.picture(&mut world, [true; 3]);
    world.attach_camera(0, 1);
    camera.picture(&mut world, [true; 3]);
    camera.picture += 1;
    let lost = camera.packet(2, false);
    for _ in 0..3 {
        camera.picture(&mut world, [false; 3]);
    }
    let lost = RtpPacket::parse(&lost).expect("RTP");
    let header = RtpHeader { payload_type: VIDEO_RTX, sequence: 9, ssrc: Ssrc(8002), ..lost.header() };
    let mut packet = Vec::new();
    let names: [(u8, &[u8]); 2] = [(4, b"1"), (11, b"f")];
    crate::rtp::rtx::write(&header, &names, lost.sequence(), lost.payload(), &mut packet);
    let sealed = world.clients[0].seal(&packet);
    world.send(0, &sealed);
    assert_eq!(got(&world, 1), [(2, 2), (2, 4), (2, 5), (2, 6), (2, 3)]);
}

/// A camera in AV1 with three spatial layers that depend on each other at keyframes only (L3T1_KEY).
struct Svc {
    frame: u16,
    sequence: u16,
}

impl Svc {
    /// The structure: targets S0, S1, S2; templates are each layer's key frame, then each layer's later frames.
    fn structure(it: &mut Writer) {
        it.bits(6, 0).bits(5, 2);
        // S0, S0, S1, S1, S2, S2.
        it.bits(2, 0).bits(2, 2).bits(2, 0).bits(2, 2).bits(2, 0).bits(2, 3);
        let (none, switch) = (0, 2);
        for (layer, key) in [(0, true), (0, false), (1, true), (1, false), (2, true), (2, false)] {
            for target in 0..3 {
                let needed = if key { target >= layer } else { target == layer };
                it.bits(2, if needed { switch } else { none });
            }
        }
        // References: none; own layer, three frames back; the layer below; own; below; own.
        it.bits(1, 0);
        for back in [3, 1, 3, 1, 3] {
            it.bits(1, 1).bits(4, back - 1).bits(1, 0);
        }
        // No chains, sizes.
        it.bits(2, 0).bits(1, 1);
        for width in [320, 640, 1280] {
            it.bits(16, width - 1).bits(16, width * 9 / 16 - 1);
        }
    }

    /// One picture: a packet for each of the three layers.
    fn picture(&mut self, world: &mut World, key: bool) {
        for layer in 0..3 {
            let mut it = Writer::new();
            let template = layer * 2 + u32::from(!key);
            it.bits(2, 0b11).bits(6, template).bits(16, u32::from(self.frame));
            if key && layer == 0 {
                it.bits(5, 0b10000);
                Self::structure(&mut it);
            }
            let descriptor = it.done();
            // A temporal unit with or without a sequence header.
            let payload = if key && layer == 0 {
                vec![0x18, 0x08, layer as u8, self.frame as u8]
            } else {
                vec![0x10, 0x30, layer as u8, self.frame as u8]
            };
            let header = RtpHeader {
                marker: layer == 2,
                payload_type: VIDEO,
                sequence: self.sequence,
                timestamp: u32::from(self.frame) / 3 * 3000,
                ssrc: world.clients[0].camera(),
            };
            self.frame += 1;
            self.sequence += 1;
            let mut packet = Vec::new();
            header.write_packet(&[(12, &descriptor)], &payload, &mut packet);
            let sealed = world.clients[0].seal(&packet);
            world.send(0, &sealed);
        }
        world.pass(FRAME);
    }
}

#[test]
fn of_an_svc_stream_a_viewer_gets_the_layers_it_can_use_and_the_marker_where_its_picture_ends() {
    let mut world = World::connected_on(&[SVC, SVC, SVC]);
    let mut svc = Svc { frame: 600, sequence: 10 };
    world.attach_camera(0, 1);
    world.attach_camera(0, 2);
    svc.picture(&mut world, true);
    svc.picture(&mut world, false);
    view(&mut world, 1, 640, 360);
    world.clients[0].rtcp.clear();
    world.pass(Duration::from_secs(1));
    svc.picture(&mut world, false);
    let camera = world.clients[0].camera();
    let asked = |world: &World| world.clients[0].rtcp.contains(&Incoming::KeyframeRequest { ssrc: camera });
    assert!(asked(&world), "the middle layer was not sent on its own: a keyframe is needed");
    svc.picture(&mut world, true);
    for client in &mut world.clients {
        client.rtp.clear();
        client.rtcp.clear();
    }
    for _ in 0..5 {
        svc.picture(&mut world, false);
    }
    assert!(!asked(&world));
    for (who, layer) in [(1, 1), (2, 2)] {
        let packets: Vec<_> =
            world.clients[who].rtp.iter().map(|packet| RtpPacket::parse(packet).expect("RTP")).collect();
        assert_eq!(packets.len(), 5, "one layer of each picture");
        for pair in packets.windows(2) {
            assert_eq!(pair[1].sequence(), pair[0].sequence().wrapping_add(1));
        }
        for packet in &packets {
            assert_eq!(packet.payload()[2], layer);
            assert!(packet.marker(), "it ends the picture");
            assert!(packet.extension(12).is_some(), "and says what it is");
        }
    }
}

#[test]
fn a_packet_with_a_long_descriptor_is_numbered_like_any_other() {
    let terms = Terms {
        extmaps: "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
                  a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n\
                  a=extmap:12 https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension\r\n",
        ..SVC
    };
    let mut world = World::connected_on(&[terms, terms]);
    let mut svc = Svc { frame: 600, sequence: 10 };
    world.attach_camera(0, 1);
    world.pass(Duration::from_millis(500));
    svc.picture(&mut world, true);
    svc.picture(&mut world, false);
    let packets: Vec<_> =
        world.clients[1].rtp.iter().map(|packet| RtpPacket::parse(packet).expect("RTP")).collect();
    assert!(packets[0].extension(12).is_some_and(|it| it.len() > 16), "the two-byte form");
    let number =
        |packet: &RtpPacket<'_>| packet.extension(3).and_then(crate::rtp::extensions::read_transport_cc);
    let first = number(&packets[0]).expect("numbered");
    for (index, packet) in packets.iter().enumerate() {
        assert_eq!(number(packet), Some(first.wrapping_add(index as u16)));
        assert!(packet.extension(2).is_some_and(|time| time != [0, 0, 0]), "and has its time");
    }
}

#[test]
fn a_keyframe_whose_first_packet_was_lost_is_used_once_it_is_repaired() {
    let mut world = World::connected_on(&[SIMULCAST, SIMULCAST]);
    let mut camera = Camera::new();
    world.attach_camera(0, 1);
    view(&mut world, 1, 320, 180);
    camera.picture(&mut world, [true; 3]);
    camera.picture(&mut world, [false; 3]);
    view(&mut world, 1, 1280, 720);
    camera.picture += 1;
    let first = camera.packet(2, true);
    camera.packet(0, false);
    for _ in 0..3 {
        camera.picture(&mut world, [false; 3]);
    }
    let before = got(&world, 1).len();
    let sealed = world.clients[0].seal(&first);
    world.send(0, &sealed);
    assert_eq!(got(&world, 1)[before..], [(2, 3), (2, 4), (2, 5), (2, 6)], "with all that builds on it");
}
