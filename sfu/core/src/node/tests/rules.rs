//! What the layer above forbids does not flow, and what somebody sends too much of is dropped.

use super::*;
use crate::media::Source;
use crate::node::{DropReason, Limits, RouteError, View};

const VIDEO_SLOT: &str = "3";
const HERE: WorkerId = WorkerId(0);

fn mid(text: &str) -> Mid {
    Mid::new(text).expect("mid")
}

fn dropped(world: &World, reason: DropReason) -> u64 {
    world.node.counters().dropped.of(reason)
}

impl World {
    fn publishing(&mut self, who: usize, on: bool) {
        let id = self.clients[who].id;
        self.node.set_publishing(self.now, id, Source::Camera, on).expect("here");
        self.pump();
    }

    fn plis(&mut self, who: usize) -> usize {
        let asked = |it: &Incoming| matches!(it, Incoming::KeyframeRequest { .. });
        std::mem::take(&mut self.clients[who].rtcp).iter().filter(|it| asked(it)).count()
    }
}

#[test]
fn what_is_muted_reaches_neither_viewers_nor_taps_and_comes_back_with_a_keyframe() {
    let mut world = World::connected(2);
    world.attach_camera(0, 1);
    let publisher = world.clients[0].id;
    world.node.add_tap(world.now, publisher, Source::Camera).expect("tapped");
    world.send_frame(0, 1, true);
    world.publishing(0, false);
    for frame in 2..10 {
        world.send_frame(0, frame, frame == 5);
        world.pass(Duration::from_millis(33));
    }
    assert_eq!(world.clients[1].pictures(), [1]);
    let tapped = |world: &World| {
        let packet =
            |(_, it): &&(TapId, TapOutput)| matches!(it, TapOutput::Event(crate::tap::TapEvent::Packet(_)));
        world.tapped.iter().filter(packet).count()
    };
    assert_eq!(tapped(&world), 1);
    assert_eq!(dropped(&world, DropReason::Muted), 8);

    world.plis(0);
    world.publishing(0, true);
    assert!(world.plis(0) > 0, "the first thing to show is a keyframe");
    world.send_frame(0, 10, false);
    world.send_frame(0, 11, true);
    world.send_frame(0, 12, false);
    assert_eq!(world.clients[1].pictures(), [1, 11, 12]);
    let numbers: Vec<u16> =
        world.clients[1].rtp.iter().map(|packet| RtpPacket::parse(packet).expect("rtp").sequence()).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "no gap to ask about");
    assert_eq!(tapped(&world), 4);
}

#[test]
fn a_slot_that_is_not_shown_gets_nothing_until_it_is() {
    let mut world = World::connected(2);
    world.attach_camera(0, 1);
    let viewer = world.clients[1].id;
    let view = |width, height| View { width, height };
    world.node.set_view(world.now, viewer, mid(VIDEO_SLOT), view(0, 0)).expect("slot");
    world.send_frame(0, 1, true);
    assert!(world.clients[1].pictures().is_empty());
    assert_eq!(dropped(&world, DropReason::NotShown), 1);
    world.plis(0);
    world.node.set_view(world.now, viewer, mid(VIDEO_SLOT), view(640, 360)).expect("slot");
    world.pass(Duration::from_secs(1));
    assert!(world.plis(0) > 0);
    world.send_frame(0, 2, true);
    assert_eq!(world.clients[1].pictures(), [2]);
    let wrong = world.node.set_view(world.now, viewer, mid("2"), view(1, 1));
    assert_eq!(wrong, Err(RouteError::NoSuchSlot(viewer, mid("2"))), "sound has no size");
}

#[test]
fn a_flood_is_cut_to_the_limit() {
    let mut world = World::connected(2);
    world.attach_camera(0, 1);
    let limits = Limits { packets_per_second: 100, ..Limits::default() };
    world.node = std::mem::replace(&mut world.node, World::new(0).node).with_limits(limits);
    for frame in 1..=1_000 {
        world.send_frame(0, frame, true);
    }
    assert_eq!(world.clients[1].pictures().len(), 50, "half a second's worth");
    assert_eq!(dropped(&world, DropReason::RateLimited), 950);
    world.pass(Duration::from_secs(1));
    world.send_frame(0, 1_001, true);
    assert_eq!(world.clients[1].pictures().len(), 51);

    let huge = vec![0x80; 3_000];
    world.send(0, &huge);
    assert_eq!(dropped(&world, DropReason::Oversized), 1);
}

#[test]
fn an_offer_with_more_lines_than_agreed_is_refused() {
    let mut world = World::new(1);
    world.node = std::mem::replace(&mut world.node, World::new(0).node)
        .with_limits(Limits { lines: 3, ..Limits::default() });
    let request = world.clients[0].request();
    let refused = world.node.join(world.now, world.clients[0].id, &request).expect_err("four lines");
    assert!(refused.to_string().contains("4 lines, more than 3"), "{refused}");
    assert_eq!(world.node.participants(), 0);
}

#[test]
fn data_goes_one_way_and_to_so_many_only() {
    let mut world = World::new(11);
    for index in 0..11 {
        world.join(index);
    }
    let ids: Vec<_> = world.clients.iter().map(|client| client.id).collect();
    for to in &ids[1..9] {
        world.node.pass_data(ids[0], *to, HERE, true).expect("passed");
    }
    world.node.pass_data(ids[0], ids[1], HERE, true).expect("again is the same");
    assert_eq!(world.node.pass_data(ids[0], ids[9], HERE, true), Err(RouteError::AudienceFull(ids[0])));
    world.node.leave(world.now, ids[1]);
    world.node.pass_data(ids[0], ids[9], HERE, true).expect("there is room again");
    world.node.pass_data(ids[0], ids[2], HERE, false).expect("no longer");
    world.node.pass_data(ids[0], ids[10], HERE, true).expect("there is room again");
    assert_eq!(world.node.pass_data(ids[0], ids[0], HERE, true), Err(RouteError::NoSuchParticipant(ids[0])));
}

#[test]
fn every_second_of_a_connection_is_told() {
    let mut world = World::connected(2);
    world.attach_camera(0, 1);
    for frame in 1..=90 {
        // Every tenth packet is lost on the way.
        if frame % 10 == 5 {
            world.clients[0].frame(frame, false);
        } else {
            world.send_frame(0, frame, frame == 1);
        }
        world.pass(Duration::from_millis(33));
    }
    let publisher = world.clients[0].id;
    let samples: Vec<_> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Quality { participant, sample } if *participant == publisher => Some(*sample),
            _ => None,
        })
        .collect();
    assert!((2..=3).contains(&samples.len()), "{}", samples.len());
    let last = samples.last().expect("samples");
    assert!((0.05..0.2).contains(&last.uplink_loss), "{last:?}");
    assert!(last.uplink_bps > 5_000 && last.nacks > 0, "{last:?}");
    assert_eq!(world.node.quality(publisher), Some(*last));
}

#[test]
fn a_report_that_is_repeated_reaches_viewers_once() {
    let mut world = World::connected(2);
    world.attach_camera(0, 1);
    world.send_frame(0, 1, true);
    let ssrc = world.clients[0].camera();
    let mut compound = Vec::new();
    for ntp in 1..20 {
        let sent = feedback::Sent { ssrc, ntp: ntp << 32, rtp_timestamp: 3000, packets: 1, octets: 8 };
        compound.extend_from_slice(&feedback::sender_report(&sent).expect("report"));
    }
    let sealed = world.clients[0].seal_rtcp(&compound.into());
    world.send(0, &sealed);
    let told = |it: &&Incoming| matches!(it, Incoming::SenderReport { .. });
    assert_eq!(world.clients[1].rtcp.iter().filter(told).count(), 1);
}

#[test]
fn one_datagram_reports_on_no_more_packets_than_there_can_be() {
    let mut world = World::connected(2);
    world.attach_camera(0, 1);
    world.send_frame(0, 1, true);
    // Each says that 4,096 packets did not come.
    let lie = [0x8f, 205, 0, 5, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0x10, 0, 0, 0, 0, 0, 0x10, 0, 0, 0];
    let sealed = world.clients[1].seal_rtcp(&lie.repeat(40).into());
    world.send(1, &sealed);
    assert_eq!(dropped(&world, DropReason::RateLimited), 39);
}
