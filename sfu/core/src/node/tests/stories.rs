//! What people on one node experience.

use std::time::Duration;

use super::*;
use crate::node::{DropReason, LeaveReason, RouteError};
use crate::tap::TapEvent;

fn left(world: &World) -> Vec<LeaveReason> {
    let reason = |event: &Event| match event {
        Event::Left { reason, .. } => Some(*reason),
        _ => None,
    };
    world.events.iter().filter_map(reason).collect()
}

#[test]
fn nothing_but_stun_is_read_before_ice_has_validated_the_address() {
    let mut world = World::new(1);
    world.join(0);
    // The handshake starts before any check: every record is dropped, nothing is answered, no state is made.
    world.handshake(0);
    assert_eq!(world.node.counters().dropped.of(DropReason::Unvalidated), 1);
    let media = world.clients[0].frame(1, true);
    world.send(0, &media);
    assert_eq!(world.node.counters().dropped.of(DropReason::Unvalidated), 2);
    assert!(world.events.is_empty());

    // The same client, once it has proved where it is, gets in.
    world.check(0);
    let again = world.clients[0].dtls.handle_timeout(world.now + Duration::from_secs(2));
    again.expect("retransmits");
    world.clients[0].poll_dtls();
    world.pump();
    assert!(matches!(world.events[..], [Event::Connected { .. }]));
}

#[test]
fn a_stranger_who_guesses_the_password_wrong_gets_no_answer() {
    let mut world = World::new(1);
    world.join(0);
    world.clients[0].server.1 = "b".repeat(24);
    world.check(0);
    assert_eq!(world.node.counters().dropped.of(DropReason::Stun), 1);
    assert_eq!(world.node.stats(world.clients[0].id).expect("joined").remote, None);
}

#[test]
fn a_client_with_another_certificate_than_announced_is_thrown_out() {
    let mut world = World::new(1);
    world.clients[0].fingerprint = vec!["AB"; 32].join(":");
    world.join(0);
    world.check(0);
    world.handshake(0);
    assert_eq!(left(&world), [LeaveReason::WrongFingerprint]);
    assert_eq!(world.node.participants(), 0);
}

#[test]
fn a_viewer_sees_from_the_first_keyframe_on_and_one_is_asked_for() {
    let mut world = World::connected(2);
    world.send_frame(0, 1, true);
    world.attach_camera(0, 1);
    assert!(world.clients[0].rtcp.contains(&Incoming::KeyframeRequest { ssrc: world.clients[0].camera() }));
    world.send_frame(0, 2, false);
    world.send_frame(0, 3, true);
    world.send_frame(0, 4, false);
    assert_eq!(world.clients[1].pictures(), [3, 4]);
}

#[test]
fn a_slot_that_changes_hands_is_one_continuous_stream_to_its_viewer() {
    let mut world = World::connected(3);
    world.attach_camera(0, 2);
    for frame in 1..=3 {
        world.send_frame(0, frame, frame == 1);
    }
    world.attach_camera(1, 2);
    for frame in 100..=102 {
        world.send_frame(1, frame, frame == 101);
        world.send_frame(0, frame, false);
    }
    let packets: Vec<_> =
        world.clients[2].rtp.iter().map(|packet| RtpPacket::parse(packet).expect("RTP")).collect();
    assert_eq!(world.clients[2].pictures(), [1, 2, 3, 101, 102]);
    for pair in packets.windows(2) {
        assert_eq!(pair[1].sequence(), pair[0].sequence().wrapping_add(1));
        assert_eq!(pair[1].ssrc(), pair[0].ssrc());
        let ahead = pair[1].timestamp().wrapping_sub(pair[0].timestamp());
        assert!(ahead > 0 && ahead < 1 << 31, "time goes forward");
        let id =
            |packet: &RtpPacket<'_>| u16::from_be_bytes([packet.payload()[2] & 0x7f, packet.payload()[3]]);
        assert_eq!(id(&pair[1]), id(&pair[0]) + 1, "so do picture ids");
    }
}

#[test]
fn what_a_viewer_misses_it_gets_again_as_rtx() {
    let mut world = World::connected(2);
    world.attach_camera(0, 1);
    world.send_frame(0, 1, true);
    world.lose = Some((1, 1));
    world.send_frame(0, 2, false);
    world.send_frame(0, 3, false);
    assert_eq!(world.clients[1].pictures(), [1, 3]);

    let (first, ssrc) = {
        let packet = RtpPacket::parse(&world.clients[1].rtp[0]).expect("RTP");
        (packet.sequence(), packet.ssrc())
    };
    let nack = feedback::nack(Ssrc(1), ssrc, &[first.wrapping_add(1)]).expect("nack");
    let sealed = world.clients[1].seal_rtcp(&nack);
    world.send(1, &sealed);
    let repaired = world.clients[1].rtp.last().expect("a packet");
    let repaired = RtpPacket::parse(repaired).expect("RTP");
    assert_eq!(repaired.payload_type(), VIDEO_RTX);
    assert_eq!(repaired.payload()[..2], first.wrapping_add(1).to_be_bytes());
    assert_eq!(repaired.payload().last(), Some(&2));
}

#[test]
fn what_the_server_misses_it_asks_for_and_passes_on_once_in_place() {
    let mut world = World::connected(2);
    world.attach_camera(0, 1);
    world.send_frame(0, 1, true);
    let lost = world.clients[0].frame(2, false);
    for frame in 3..=6 {
        world.send_frame(0, frame, false);
    }
    world.pass(Duration::from_millis(50));
    let asked: Vec<_> =
        world.clients[0].rtcp.iter().filter(|it| matches!(it, Incoming::Nack { .. })).collect();
    assert_eq!(
        asked,
        [&Incoming::Nack {
            ssrc: world.clients[0].camera(),
            missing: crate::rtp::rtcp::NackPair { first: 2, following: 0 }
        }]
    );

    // The publisher repairs by RTX, twice by mistake.
    let original = RtpPacket::parse(&lost).expect("RTP");
    for rtx_sequence in [500, 501] {
        let header = RtpHeader {
            payload_type: VIDEO_RTX,
            sequence: rtx_sequence,
            ssrc: world.clients[0].camera_rtx(),
            ..original.header()
        };
        let mut packet = Vec::new();
        crate::rtp::rtx::write(&header, &[], original.sequence(), original.payload(), &mut packet);
        let sealed = world.clients[0].seal(&packet);
        world.send(0, &sealed);
    }
    assert_eq!(world.clients[1].pictures(), [1, 3, 4, 5, 6, 2], "once, however often it was sent");
    let sequence = |index: usize| RtpPacket::parse(&world.clients[1].rtp[index]).expect("RTP").sequence();
    assert_eq!(sequence(5), sequence(0).wrapping_add(1), "under the number the viewer has a gap at");
}

#[test]
fn publishers_get_transport_feedback_and_reports_while_they_send() {
    let mut world = World::connected(1);
    for frame in 1..=90 {
        world.send_frame(0, frame, frame == 1);
        world.pass(Duration::from_millis(33));
    }
    let stats = world.node.stats(world.clients[0].id).expect("here");
    assert!(stats.twcc_sent >= 20, "{stats:?}");
    let reports = |it: &&Incoming| matches!(it, Incoming::ReceptionReport { .. });
    assert!((2..=4).contains(&world.clients[0].rtcp.iter().filter(reports).count()));
}

#[test]
fn a_tap_hears_what_is_published_and_ends_with_its_publisher() {
    let mut world = World::connected(1);
    let tap = world.node.add_tap(world.now, world.clients[0].id, Source::Camera).expect("tapped");
    world.send_frame(0, 7, true);
    let packet = world.tapped.iter().find_map(|(id, output)| match output {
        TapOutput::Event(TapEvent::Packet(packet)) if *id == tap => Some(packet.clone()),
        _ => None,
    });
    assert_eq!(packet.expect("a packet").payload.last(), Some(&7));
    world.node.leave(world.now, world.clients[0].id);
    world.pump();
    assert!(matches!(world.tapped.last(), Some((id, TapOutput::Ended)) if *id == tap));
}

#[test]
fn a_late_tap_learns_the_publishers_clock_at_once() {
    let mut world = World::connected(1);
    world.send_frame(0, 1, true);
    let sent = feedback::Sent {
        ssrc: world.clients[0].camera(),
        ntp: 77 << 32,
        rtp_timestamp: 3000,
        packets: 1,
        octets: 8,
    };
    let report = feedback::sender_report(&sent).expect("report");
    let sealed = world.clients[0].seal_rtcp(&report);
    world.send(0, &sealed);
    world.node.add_tap(world.now, world.clients[0].id, Source::Camera).expect("tapped");
    world.pump();
    let known = world.tapped.iter().any(|(_, output)| {
        matches!(output, TapOutput::Event(TapEvent::SenderReport(report)) if report.ntp == 77 << 32 && report.rtp_timestamp == 3000)
    });
    assert!(known);
}

#[test]
fn without_consent_for_thirty_seconds_a_transport_ends() {
    let mut world = World::connected(1);
    world.pass(Duration::from_secs(20));
    world.check(0);
    world.pass(Duration::from_secs(29));
    assert!(left(&world).is_empty());
    world.pass(Duration::from_secs(2));
    assert_eq!(left(&world), [LeaveReason::Timeout]);
    assert_eq!(world.node.participants(), 0);
    assert_eq!(world.node.deadline(), None, "nothing of it is left behind");
}

#[test]
fn a_call_goes_on_from_another_address_once_the_client_nominates_it() {
    let mut world = World::connected(2);
    world.attach_camera(0, 1);
    world.send_frame(0, 1, true);
    world.clients[1].addr.remote.set_port(5000);
    world.check(1);
    world.send_frame(0, 2, false);
    assert_eq!(world.clients[1].pictures(), [1, 2]);
}

#[test]
fn an_ice_restart_keeps_streams_keys_and_routes() {
    let mut world = World::connected(2);
    world.attach_camera(0, 1);
    world.send_frame(0, 1, true);
    let before = world.clients[1].server.clone();
    let joined = world.join(1);
    assert_ne!(world.clients[1].server, before, "new credentials");
    assert_eq!(joined.slots.len(), 2);
    world.send_frame(0, 2, false);
    world.check(1);
    world.send_frame(0, 3, false);
    assert_eq!(world.clients[1].pictures(), [1, 2, 3], "not a frame is lost, not a key changed");
    assert_eq!(world.node.participants(), 2);
}

#[test]
fn forged_and_replayed_packets_change_nothing() {
    let mut world = World::connected(2);
    world.attach_camera(0, 1);
    let packet = world.clients[0].frame(1, true);
    let sealed = world.clients[0].seal(&packet);
    world.send(0, &sealed);
    world.send(0, &sealed);
    let packet = world.clients[0].frame(2, true);
    let next = world.clients[0].seal(&packet);
    let mut forged = next.clone();
    *forged.last_mut().expect("a tag") ^= 1;
    world.send(0, &forged);
    assert_eq!(world.clients[1].pictures(), [1]);
    assert_eq!(world.node.counters().dropped.of(DropReason::Replayed), 1);
    assert_eq!(world.node.counters().dropped.of(DropReason::Forged), 1);
    world.send(0, &next);
    assert_eq!(world.clients[1].pictures(), [1, 2], "the true packet is not spoilt by the forged one");
}

#[test]
fn a_flood_of_forged_streams_is_counted_and_forgotten() {
    let mut world = World::connected(1);
    for ssrc in 0..1000u32 {
        let mut datagram = vec![0x80, 96, 0, 1, 0, 0, 0, 0];
        datagram.extend_from_slice(&(0x5000_0000 + ssrc).to_be_bytes());
        datagram.resize(200, 0);
        world.send(0, &datagram);
        let mut report = vec![0x80, 201, 0, 1];
        report.extend_from_slice(&ssrc.to_be_bytes());
        report.resize(60, 0);
        world.send(0, &report);
    }
    let dropped = world.node.counters().dropped;
    // That the SRTP context remembers none of them is tested there.
    assert_eq!(dropped.of(DropReason::Forged), 2000);
    assert_eq!(world.node.counters().received, 0);
}

#[test]
fn nobody_is_shown_to_themselves_and_mistakes_are_named() {
    let mut world = World::connected(2);
    let (a, b) = (world.clients[0].id, world.clients[1].id);
    let slot = Mid::new("3").expect("mid");
    let now = world.now;
    assert!(world.node.attach(now, a, Source::Camera, a, slot).is_err());
    assert_eq!(
        world.node.attach(now, a, Source::Screen, b, slot),
        Err(RouteError::NoSuchSource(a, Source::Screen))
    );
    assert_eq!(world.node.attach(now, a, Source::Microphone, b, slot), Err(RouteError::NoSuchSlot(b, slot)));
    let nobody = ParticipantId(99);
    assert_eq!(
        world.node.attach(now, nobody, Source::Camera, b, slot),
        Err(RouteError::NoSuchParticipant(nobody))
    );
}
