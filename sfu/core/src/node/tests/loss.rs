//! What is lost, what is done about it, and what a receiver gets of it.

use proptest::prelude::*;

use super::*;
use crate::node::DropReason;
use crate::rtp::extensions::PlayoutDelay;
use crate::rtp::red::{self, Block};
use crate::tap::TapEvent;

const OPUS: Pt = Pt(111);
const RED: Pt = Pt(63);

/// Samples of a 20 ms frame.
const FRAME: u32 = 960;

fn red(order: Red) -> Terms {
    Terms { red: Some(order), ..Terms::default() }
}

impl World {
    fn attach_microphone(&mut self, from: usize, to: usize) {
        let slot = Mid::new("2").expect("mid");
        let (from, to) = (self.clients[from].id, self.clients[to].id);
        self.node.attach(self.now, from, Source::Microphone, to, slot).expect("attached");
        self.pump();
    }

    /// Everybody still wants to be sent to (RFC 7675).
    fn consent(&mut self) {
        (0..self.clients.len()).for_each(|index| self.check(index));
    }

    /// An audio packet whose payload is its number, plain or with the `level` packets before it.
    fn send_voice(&mut self, index: usize, number: u16, level: u16) {
        let packet = voice(self.clients[index].microphone(), number, level);
        let sealed = self.clients[index].seal(&packet);
        self.send(index, &sealed);
    }

    /// A client reports on a stream: the share lost since its last report.
    fn report(&mut self, index: usize, ssrc: Ssrc, highest: u32, lost: f32) {
        let block = rtcp::reception_report::ReceptionReport {
            ssrc: ssrc.0,
            fraction_lost: (lost * 256.0) as u8,
            last_sequence_number: highest,
            ..Default::default()
        };
        let report = feedback::receiver_report(Ssrc(9), vec![block]).expect("report");
        let sealed = self.clients[index].seal_rtcp(&report);
        self.send(index, &sealed);
    }

    /// The packets a client got, parsed.
    fn got(&self, index: usize) -> Vec<RtpPacket<'_>> {
        self.clients[index].rtp.iter().map(|packet| RtpPacket::parse(packet).expect("RTP")).collect()
    }

    /// Numbers in the payloads of what was tapped, with their extended sequence numbers relative to the first.
    fn tapped_voice(&self) -> Vec<u16> {
        let payload = |(_, output): &(TapId, TapOutput)| match output {
            TapOutput::Event(TapEvent::Packet(packet)) => {
                Some(u16::from_be_bytes([packet.payload[0], packet.payload[1]]))
            }
            _ => None,
        };
        self.tapped.iter().filter_map(payload).collect()
    }
}

/// An audio packet: its payload is its number, its timestamp follows from it.
fn voice(ssrc: Ssrc, number: u16, level: u16) -> Vec<u8> {
    let own = number.to_be_bytes();
    let earlier: Vec<_> = (1..=level)
        .rev()
        .map(|back| (u32::from(back) * FRAME, number.wrapping_sub(back).to_be_bytes()))
        .collect();
    let blocks: Vec<_> = earlier
        .iter()
        .map(|(offset, payload)| Block { payload_type: OPUS, offset: *offset, payload })
        .collect();
    let mut payload = Vec::new();
    if level > 0 {
        red::write(&blocks, OPUS, &own, &mut payload);
    } else {
        payload.extend(own);
    }
    let header = RtpHeader {
        marker: false,
        payload_type: if level > 0 { RED } else { OPUS },
        sequence: number,
        timestamp: u32::from(number).wrapping_mul(FRAME),
        ssrc,
    };
    let mut packet = Vec::new();
    header.write_packet(&[], &payload, &mut packet);
    packet
}

#[test]
fn the_answer_keeps_the_clients_order_of_red_and_opus() {
    let mut world = World::new(2);
    world.clients[0].terms = red(Red::First);
    world.clients[1].terms = red(Red::Second);
    let first = world.join(0).answer;
    assert!(first.contains("m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\n"), "{first}");
    assert!(first.contains("a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n"));
    let second = world.join(1).answer;
    assert!(second.contains("m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\n"), "{second}");
}

#[test]
fn a_listener_without_red_hears_plain_packets_and_lost_ones_come_out_of_later_ones() {
    let mut world = World::connected_on(&[red(Red::First), Terms::default()]);
    world.attach_microphone(0, 1);
    for number in [100, 101, 103, 104, 107] {
        world.send_voice(0, number, 1);
    }
    let got = world.got(1);
    assert!(got.iter().all(|packet| packet.payload_type() == OPUS));
    let numbers: Vec<_> = got.iter().map(|packet| packet.payload()[1]).collect();
    // 105 was lost together with 106, and one level reaches back one packet.
    assert_eq!(numbers, [100, 101, 102, 103, 104, 106, 107]);
    let first = got[0];
    for packet in &got {
        let distance = u32::from(packet.payload()[1]) - 100;
        assert_eq!(packet.sequence().wrapping_sub(first.sequence()), distance as u16);
        assert_eq!(packet.timestamp().wrapping_sub(first.timestamp()), distance * FRAME);
    }
    assert_eq!(world.node.counters().red_recovered, 2);
}

#[test]
fn an_original_that_comes_after_its_copy_is_not_played_twice() {
    let mut world = World::connected_on(&[red(Red::First), Terms::default()]);
    let id = world.clients[0].id;
    world.node.add_tap(world.now, id, Source::Microphone).expect("tapped");
    for number in [1, 4, 2, 3, 5] {
        world.send_voice(0, number, 2);
    }
    assert_eq!(world.tapped_voice(), [1, 2, 3, 4, 5]);
}

#[test]
fn what_is_inside_red_must_be_what_was_agreed_on() {
    let mut world = World::connected_on(&[red(Red::First), Terms::default()]);
    world.attach_microphone(0, 1);
    let mut packet = voice(world.clients[0].microphone(), 7, 1);
    // The primary claims to be video; then the headers never end.
    packet[12 + 4] = VIDEO.0;
    let sealed = world.clients[0].seal(&packet);
    world.send(0, &sealed);
    let mut packet = voice(world.clients[0].microphone(), 8, 1);
    packet[12 + 4] = 0xff;
    let sealed = world.clients[0].seal(&packet);
    world.send(0, &sealed);
    assert!(world.got(1).is_empty());
    world.send_voice(0, 9, 1);
    assert_eq!(world.got(1).len(), 1, "the next one is as good as ever");
}

#[test]
fn redundancy_is_added_towards_a_lossy_leg_only() {
    let mut world =
        World::connected_on(&[Terms::default(), red(Red::Second), red(Red::Second), Terms::default()]);
    for listener in 1..4 {
        world.attach_microphone(0, listener);
    }
    let mut number = 100;
    let mut talk = |world: &mut World, packets: u16| {
        for _ in 0..packets {
            world.send_voice(0, number, 0);
            number += 1;
            world.pass(Duration::from_millis(20));
        }
    };
    talk(&mut world, 200);
    let slot = |world: &World, index: usize| world.got(index)[0].ssrc();
    let (lossy, clean) = (slot(&world, 1), slot(&world, 2));
    let mut highest = 1000;
    // Long enough for the redundancy that a call begins with to end on the clean leg.
    for _ in 0..30 {
        world.report(1, lossy, highest, 0.05);
        world.report(2, clean, highest, 0.0);
        world.report(3, slot(&world, 3), highest, 0.05);
        highest += 50;
        world.consent();
        talk(&mut world, 50);
    }
    for client in &mut world.clients {
        client.rtp.clear();
    }
    talk(&mut world, 10);
    for packet in world.got(1) {
        assert_eq!(packet.payload_type(), RED);
        let inside = red::Red::parse(packet.payload()).expect("RED");
        let own = u16::from_be_bytes([inside.primary.payload[0], inside.primary.payload[1]]);
        let earlier: Vec<_> = inside.earlier().collect();
        assert_eq!(earlier.len(), 2);
        for (distance, block) in earlier {
            assert_eq!(block.payload, (own - distance as u16).to_be_bytes());
            assert_eq!(block.offset, distance as u32 * FRAME);
        }
    }
    for listener in [2, 3] {
        assert_eq!(world.got(listener).len(), 10);
        assert!(world.got(listener).iter().all(|packet| packet.payload_type() == OPUS));
    }
}

#[test]
fn nothing_from_before_a_switch_is_repeated() {
    let mut world = World::connected_on(&[Terms::default(), Terms::default(), red(Red::Second)]);
    world.attach_microphone(0, 2);
    for number in 1..5 {
        world.send_voice(0, number, 0);
        world.send_voice(1, 500 + number, 0);
    }
    world.attach_microphone(1, 2);
    for number in 505..508 {
        world.send_voice(1, number, 0);
    }
    // A call begins with one level.
    let kinds: Vec<_> = world.got(2).iter().map(|packet| packet.payload_type()).collect();
    assert_eq!(kinds, [OPUS, RED, RED, RED, OPUS, RED, RED]);
}

const PLAYOUT: &str = "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
                       a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n";

#[test]
fn a_viewer_behind_a_lossy_leg_is_told_to_hold_pictures_for_as_long_as_repair_takes() {
    let terms = Terms { extmaps: PLAYOUT, ..Terms::default() };
    let mut world = World::connected_on(&[Terms::default(), terms, terms]);
    world.attach_camera(0, 1);
    world.attach_camera(0, 2);
    let told = |world: &World, index: usize| {
        let last = *world.got(index).last().expect("a packet");
        last.extension(5).map(|value| PlayoutDelay::read(value).expect("delay").min)
    };
    let mut frame = 1;
    let mut film = |world: &mut World, frames: u16| {
        for _ in 0..frames {
            world.send_frame(0, frame, frame == 1);
            frame += 1;
            world.pass(Duration::from_millis(33));
            if frame % 300 == 0 {
                world.consent();
            }
        }
    };
    film(&mut world, 30);
    assert_eq!((told(&world, 1), told(&world, 2)), (None, None));
    let lossy = world.got(1)[0].ssrc();
    for highest in [1000, 1100] {
        world.report(1, lossy, highest, 0.05);
    }
    film(&mut world, 60);
    // No round trip was measured: two of the assumed 100 ms (here one and a half, with two copies) and a picture.
    assert_eq!((told(&world, 1), told(&world, 2)), (Some(Duration::from_millis(200)), None));
    // Then the leg is good for long: it is told to stop holding, and after a while nothing.
    film(&mut world, 880);
    assert_eq!(told(&world, 1), Some(Duration::ZERO));
    film(&mut world, 200);
    assert_eq!(told(&world, 1), None);
}

#[test]
fn losses_on_the_publishers_leg_make_every_viewer_wait_for_their_repair() {
    let terms = Terms { extmaps: PLAYOUT, ..Terms::default() };
    let mut world = World::connected_on(&[Terms::default(), terms]);
    world.attach_camera(0, 1);
    for frame in 1..180 {
        if frame % 20 == 7 {
            world.clients[0].frame(frame, false);
        } else {
            world.send_frame(0, frame, frame == 1);
        }
        world.pass(Duration::from_millis(33));
    }
    let told = |packet: &RtpPacket<'_>| packet.extension(5).and_then(PlayoutDelay::read);
    let mut told: Vec<_> = world.got(1).iter().filter_map(told).map(|told| told.min).collect();
    told.dedup();
    // By steps: to wait for all of it at once would be a stop of the picture.
    assert_eq!(told, [100, 200, 250].map(Duration::from_millis));
}

#[test]
fn every_leg_has_its_own_extension_ids() {
    let publisher = "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
                     a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
                     a=extmap:2 urn:3gpp:video-orientation\r\n\
                     a=extmap:6 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time\r\n\
                     a=extmap:7 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n\
                     a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid\r\n";
    let viewer = "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
                  a=extmap:9 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
                  a=extmap:6 urn:3gpp:video-orientation\r\n\
                  a=extmap:11 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time\r\n\
                  a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n";
    let least = "a=extmap:2 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n";
    let terms = |extmaps| Terms { extmaps, ..Terms::default() };
    let mut world = World::connected_on(&[terms(publisher), terms(viewer), terms(least)]);
    for index in [1, 2] {
        world.attach_microphone(0, index);
        world.attach_camera(0, index);
    }
    let wished = PlayoutDelay { min: Duration::from_millis(100), max: Duration::from_millis(500) };
    let elements: [(u8, &[u8]); 5] =
        [(1, &[0x85]), (2, &[0x01]), (6, &[1, 2, 3, 4, 5, 6, 7, 8]), (7, &wished.to_bytes()), (9, b"0")];
    let [microphone, camera] = [world.clients[0].microphone(), world.clients[0].camera()];
    for (ssrc, payload_type, payload) in
        [(microphone, OPUS, &b"voice"[..]), (camera, VIDEO, &[0x10, 0, 0, 0])]
    {
        let header = RtpHeader { marker: true, payload_type, sequence: 1, timestamp: 9, ssrc };
        let mut packet = Vec::new();
        header.write_packet(&elements, payload, &mut packet);
        let sealed = world.clients[0].seal(&packet);
        world.send(0, &sealed);
    }
    let sorted = |packet: &RtpPacket<'_>| {
        let mut found: Vec<_> = packet.extensions().map(|(id, value)| (id, value.to_vec())).collect();
        found.sort();
        found
    };
    let [voice, picture] = world.got(1)[..] else { panic!("one packet a source") };
    let capture = (11, vec![1, 2, 3, 4, 5, 6, 7, 8]);
    let common = [(1, b"2".to_vec()), (6, vec![0x01]), (9, vec![0x85]), capture.clone()];
    assert_eq!(sorted(&voice), common, "the line is named, the values are passed");
    let picture = sorted(&picture);
    assert_eq!(picture[0], (1, b"3".to_vec()));
    assert_eq!(picture[1], (2, wished.to_bytes().to_vec()));
    assert_eq!(world.got(2).iter().map(sorted).collect::<Vec<_>>(), [[(2, vec![0x85])], [(2, vec![0x85])]]);
}

/// A viewer asks for numbers relative to its first packet.
fn ask(world: &mut World, viewer: usize, numbers: &[u16]) {
    let (first, ssrc) = {
        let first = world.got(viewer)[0];
        (first.sequence(), first.ssrc())
    };
    let numbers: Vec<_> = numbers.iter().map(|number| first.wrapping_add(*number)).collect();
    let nack = feedback::nack(Ssrc(1), ssrc, &numbers).expect("nack");
    let sealed = world.clients[viewer].seal_rtcp(&nack);
    world.send(viewer, &sealed);
}

/// Original numbers of the retransmissions a viewer got, relative to its first packet.
fn repaired(world: &World, viewer: usize) -> Vec<u16> {
    let got = world.got(viewer);
    let original = |packet: &RtpPacket<'_>| u16::from_be_bytes([packet.payload()[0], packet.payload()[1]]);
    let rtx = got.iter().filter(|packet| packet.payload_type() == VIDEO_RTX);
    rtx.map(|packet| original(packet).wrapping_sub(got[0].sequence())).collect()
}

#[test]
fn a_packet_is_not_sent_again_twice_within_a_round_trip() {
    let mut world = World::connected(2);
    world.attach_camera(0, 1);
    for frame in 1..10 {
        world.send_frame(0, frame, frame == 1);
    }
    ask(&mut world, 1, &[3, 4, 3]);
    ask(&mut world, 1, &[3, 5]);
    assert_eq!(repaired(&world, 1), [3, 4, 5]);
    world.pass(Duration::from_millis(20));
    ask(&mut world, 1, &[3]);
    assert_eq!(repaired(&world, 1), [3, 4, 5, 3]);
}

#[test]
fn on_a_long_lossy_leg_retransmissions_go_out_twice() {
    let mut world = World::connected(2);
    world.attach_camera(0, 1);
    for frame in 1..10 {
        world.send_frame(0, frame, frame == 1);
    }
    let ssrc = world.got(1)[0].ssrc();
    for highest in [1000, 1100] {
        // The round trip is not measured here, and taken to be long.
        world.report(1, ssrc, highest, 0.05);
    }
    world.pass(Duration::from_millis(1100));
    ask(&mut world, 1, &[3, 4]);
    assert_eq!(repaired(&world, 1), [3, 4]);
    world.pass(Duration::from_millis(100));
    assert_eq!(repaired(&world, 1), [3, 4, 3, 4], "a moment later, when a burst is over");
    world.pass(Duration::from_millis(500));
    assert_eq!(repaired(&world, 1).len(), 4, "and not again");
}

#[test]
fn whoever_asks_without_end_is_not_sent_much_more_than_its_media() {
    let mut world = World::connected(2);
    world.attach_camera(0, 1);
    for frame in 1..400 {
        world.send_frame(0, frame, frame == 1);
    }
    let all: Vec<u16> = (0..250).collect();
    for _ in 0..400 {
        world.pass(Duration::from_millis(16));
        ask(&mut world, 1, &all);
    }
    assert!(world.node.counters().dropped.of(DropReason::ResendBudget) > 0);
    let bytes: usize = world.clients[1].rtp.iter().map(Vec::len).sum();
    assert!(bytes < 200_000, "{bytes} bytes for 400 small packets");
}

#[test]
fn packets_from_before_a_switch_are_sent_again_as_they_were() {
    let mut world = World::connected(3);
    world.attach_camera(0, 2);
    for frame in 1..10 {
        world.send_frame(0, frame, frame == 1);
    }
    world.lose = Some((2, 2));
    world.send_frame(0, 10, false);
    world.send_frame(0, 11, false);
    world.send_frame(0, 12, false);
    world.attach_camera(1, 2);
    world.send_frame(1, 200, true);
    world.send_frame(1, 201, false);
    // 10 and 11 are the tenth and eleventh packet of the slot.
    ask(&mut world, 2, &[9, 10]);
    assert_eq!(repaired(&world, 2), [9, 10]);
    let got = world.got(2);
    let again: Vec<_> = got.iter().filter(|packet| packet.payload_type() == VIDEO_RTX).collect();
    let [first, second] = again[..] else { panic!("two") };
    assert_eq!(second.sequence(), first.sequence().wrapping_add(1), "numbers of the RTX stream go on");
    assert_eq!((first.payload().last(), second.payload().last()), (Some(&10), Some(&11)));
    let between = |packet: &RtpPacket<'_>| packet.timestamp().wrapping_sub(got[0].timestamp());
    assert_eq!((between(first), between(second)), (9 * 3000, 10 * 3000), "in the time they were sent in");
    let picture = |packet: &RtpPacket<'_>, place: usize| packet.payload()[place + 3];
    assert_eq!(picture(first, 2).wrapping_sub(picture(&got[0], 0)), 9, "with the picture ids of then");
    // A new number of the RTX stream each time: the answer to a later request is another packet.
    world.pass(Duration::from_millis(100));
    ask(&mut world, 2, &[9]);
    assert_eq!(repaired(&world, 2), [9, 10, 9]);
    world.pass(Duration::from_millis(2500));
    ask(&mut world, 2, &[9]);
    assert_eq!(repaired(&world, 2).len(), 3, "nobody plays it any more");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever is lost, late or repeated on the publisher's leg, each packet is heard at most once, and everything that
    /// redundancy can bring back is heard.
    #[test]
    fn voice_is_heard_once_however_it_came(
        fates in prop::collection::vec((0..5u8, 0..3usize), 30..80),
        level in 0..3u16,
    ) {
        let mut world = World::connected_on(&[red(Red::First), Terms::default()]);
        world.attach_microphone(0, 1);
        let mut order: Vec<(usize, u16)> = Vec::new();
        for (index, (fate, late)) in fates.iter().enumerate() {
            if *fate != 0 || index == 0 {
                order.push((index + if index == 0 { 0 } else { *late }, index as u16));
            }
        }
        order.sort();
        for (_, number) in &order {
            world.send_voice(0, 60 + number, level.min(*number));
        }
        let mut heard: Vec<_> = world.got(1).iter().map(|packet| packet.payload()[1] - 60).collect();
        heard.sort_unstable();
        let arrived: Vec<u16> = order.iter().map(|(_, number)| *number).collect();
        let expected: Vec<u8> = (0..fates.len() as u16)
            .filter(|number| (0..=level).any(|ahead| arrived.contains(&(number + ahead))))
            .map(|number| number as u8)
            .collect();
        prop_assert_eq!(heard, expected);
    }
}
