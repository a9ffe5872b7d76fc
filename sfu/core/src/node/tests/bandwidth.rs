//! What a viewer behind a narrow link gets, and what its publisher hears of it.

use std::time::Duration;

use rtc_shared::marshal::Marshal;

use super::*;
use crate::bwe::{Bitrate, messages};
use crate::rtp::rtcp;
use crate::rtp::twcc::TwccReceiver;

const AUDIO: Pt = Pt(111);

/// A publisher (client 0) whose encoder follows what it is told, and a viewer (client 1) behind a link with a queue.
struct Narrow {
    world: World,
    rate: Bitrate,
    /// The viewer reports what arrives.
    reports: bool,
    /// Share of the publisher's packets that never reach the server, in percent.
    uplink_loss: u32,
    /// When the link has passed everything, and what is on its way: arrival, transport-wide number, payload type.
    free: Instant,
    flying: VecDeque<(Instant, Instant, u16, Pt)>,
    twcc: TwccReceiver,
    encoder: Bitrate,
    millis: u64,
    frame: u16,
    audio_sequence: u16,
    video_sequence: u16,
    seen: Seen,
    number: Option<u16>,
}

/// Since it was last looked at.
#[derive(Default, Debug)]
struct Seen {
    sounds: u32,
    video_bytes: u64,
    /// The longest any sound was on its way, in milliseconds.
    sound_wait: u128,
}

impl Narrow {
    fn new(rate: Bitrate) -> Self {
        let mut world = World::connected(2);
        world.attach_camera(0, 1);
        let slot = Mid::new("2").expect("mid");
        let (from, to) = (world.clients[0].id, world.clients[1].id);
        world.node.attach(world.now, from, Source::Microphone, to, slot).expect("attached");
        Self {
            rate,
            reports: true,
            uplink_loss: 0,
            free: world.now,
            flying: VecDeque::new(),
            twcc: TwccReceiver::default(),
            encoder: Bitrate::kbps(2000),
            millis: 0,
            frame: 0,
            audio_sequence: 0,
            video_sequence: 0,
            seen: Seen::default(),
            number: None,
            world,
        }
    }

    fn run(&mut self, time: Duration) -> Seen {
        for _ in 0..time.as_millis() {
            self.millis += 1;
            if self.millis.is_multiple_of(5000) {
                // Consent (RFC 7675).
                (0..2).for_each(|client| self.world.check(client));
            }
            self.world.pass(Duration::from_millis(1));
            self.publish();
            self.carry();
        }
        std::mem::take(&mut self.seen)
    }

    fn publish(&mut self) {
        if self.millis.is_multiple_of(20) {
            self.audio_sequence = self.audio_sequence.wrapping_add(1);
            let header = RtpHeader {
                marker: false,
                payload_type: AUDIO,
                sequence: self.audio_sequence,
                timestamp: u32::from(self.audio_sequence) * 960,
                ssrc: self.world.clients[0].microphone(),
            };
            self.send(&header, &[7; 80]);
        }
        if !self.millis.is_multiple_of(33) {
            return;
        }
        let told = self.world.clients[0].remb.map_or(Bitrate::MAX, |remb| remb.minus(Bitrate::kbps(150)));
        self.encoder = told.min(Bitrate::kbps(2000)).max(Bitrate::kbps(60));
        self.frame += 1;
        let asked = |it: &Incoming| matches!(it, Incoming::KeyframeRequest { .. });
        let keyframe = self.frame == 1 || self.world.clients[0].rtcp.iter().any(asked);
        self.world.clients[0].rtcp.clear();
        let bytes = self.encoder.bytes_in(Duration::from_millis(33)) as usize * if keyframe { 4 } else { 1 };
        let packets = bytes.div_ceil(1100);
        for packet in 0..packets {
            let [high, low] = (self.frame | 0x8000).to_be_bytes();
            let mut payload = vec![0x80, 0x80, high, low, u8::from(!keyframe), 0, 0];
            payload[0] |= u8::from(packet == 0) << 4;
            payload.resize(bytes / packets, 0);
            self.video_sequence = self.video_sequence.wrapping_add(1);
            let header = RtpHeader {
                marker: packet + 1 == packets,
                payload_type: VIDEO,
                sequence: self.video_sequence,
                timestamp: u32::from(self.frame) * 2970,
                ssrc: self.world.clients[0].camera(),
            };
            self.send(&header, &payload);
        }
    }

    fn send(&mut self, header: &RtpHeader, payload: &[u8]) {
        let lost = (u32::from(header.sequence) * 37) % 100 < self.uplink_loss;
        if lost {
            return;
        }
        let mut packet = Vec::new();
        header.write_packet(&[], payload, &mut packet);
        let sealed = self.world.clients[0].seal(&packet);
        self.world.send(0, &sealed);
    }

    /// What the server has sent enters the link; what has come through is reported.
    fn carry(&mut self) {
        let now = self.world.now;
        for packet in std::mem::take(&mut self.world.clients[1].rtp) {
            let parsed = RtpPacket::parse(&packet).expect("RTP");
            let number =
                parsed.extension(3).and_then(|it| it.first_chunk()).map(|it| u16::from_be_bytes(*it));
            let number = number.expect("every packet has a number");
            let expected = self.number.replace(number).map_or(number, |before| before.wrapping_add(1));
            assert_eq!(number, expected, "numbers are consecutive over all streams");
            let wire = packet.len() as u64 + 44;
            if self.free.saturating_duration_since(now) > Duration::from_secs(1) {
                continue;
            }
            self.free = self.free.max(now) + self.rate.time_for(wire);
            self.flying.push_back((
                self.free + Duration::from_millis(20),
                now,
                number,
                parsed.payload_type(),
            ));
            if parsed.payload_type() == VIDEO {
                self.seen.video_bytes += wire;
            }
        }
        while let Some((at, left, number, pt)) = self.flying.pop_front_if(|it| it.0 <= now) {
            self.twcc.on_packet(number, at);
            if pt == AUDIO {
                self.seen.sounds += 1;
                self.seen.sound_wait = self.seen.sound_wait.max((at - left).as_millis());
            }
        }
        if self.reports
            && let Some(report) = self.twcc.poll(now, Ssrc(9), Ssrc(9))
        {
            let sealed = self.world.clients[1].seal_rtcp(&report.marshal().expect("bytes").freeze());
            self.world.send(1, &sealed);
        }
    }

    fn stats(&self) -> crate::node::EgressStats {
        self.world.node.stats(self.world.clients[1].id).expect("here").egress
    }

    /// The last cap the page was told of.
    fn wish(&self) -> Option<u64> {
        self.world.events.iter().rev().find_map(|event| match event {
            Event::SendWish { encodings, .. } => Some(encodings[0].max_bitrate_bps),
            _ => None,
        })?
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_viewer_whose_link_shrinks_keeps_its_sound_and_the_publisher_sends_less_at_once() {
    let mut call = Narrow::new(Bitrate::kbps(3000));
    call.run(5 * SECOND);
    let before = call.run(5 * SECOND);
    assert!(before.video_bytes * 8 / 5 > 1_900_000, "{before:?}");
    assert_eq!(call.wish(), None, "nobody is told to send less than it does");

    call.rate = Bitrate::kbps(300);
    call.run(Duration::from_millis(300));
    assert!(call.world.clients[0].remb.expect("told") < Bitrate::kbps(480), "within 300 ms");
    assert!(call.wish().expect("told") < 330_000);
    call.run(3 * SECOND);
    let low = call.run(10 * SECOND);
    // What is on its way at the beginning and at the end may differ by one.
    assert!((490..=510).contains(&low.sounds), "all of the sound: {low:?}");
    assert!(low.sound_wait < 350, "{} ms", low.sound_wait);
    assert!(low.video_bytes * 8 / 10 > 100_000, "and pictures: {low:?}");
    assert!(!call.stats().video_paused);

    call.rate = Bitrate::kbps(3000);
    call.run(4 * SECOND);
    let after = call.run(SECOND);
    assert!(after.video_bytes * 8 > 1_800_000, "90 % again after four seconds: {after:?}");
    assert_eq!(call.wish(), None);
}

#[test]
fn where_not_even_a_small_picture_fits_the_sound_goes_on_alone_and_the_page_can_say_so() {
    let mut call = Narrow::new(Bitrate::kbps(3000));
    call.run(5 * SECOND);
    call.rate = Bitrate::kbps(90);
    call.run(10 * SECOND);
    let low = call.run(10 * SECOND);
    assert!(call.stats().video_paused);
    assert!((490..=510).contains(&low.sounds), "{low:?}");
    assert!(low.sound_wait < 400, "{} ms", low.sound_wait);
    let said = call.world.events.iter().any(
        |event| matches!(event, Event::Quality { participant, sample } if sample.video_paused && participant.0 == 2),
    );
    assert!(said);

    call.rate = Bitrate::kbps(3000);
    call.run(6 * SECOND);
    let after = call.run(SECOND);
    assert!(!call.stats().video_paused);
    assert!(after.video_bytes * 8 > 1_500_000, "{after:?}");
}

#[test]
fn who_shows_nothing_any_more_holds_nobodys_rate() {
    let slot = Mid::new("3").expect("mid");
    for hides in [false, true] {
        let mut call = Narrow::new(Bitrate::kbps(3000));
        call.run(5 * SECOND);
        call.rate = Bitrate::kbps(300);
        call.run(5 * SECOND);
        assert!(call.wish().is_some_and(|most| most < 330_000), "{:?}", call.wish());
        let viewer = call.world.clients[1].id;
        if hides {
            let nothing = crate::node::View { width: 0, height: 0 };
            call.world.node.set_view(call.world.now, viewer, slot, nothing).expect("the slot is there");
        } else {
            call.world.node.detach(viewer, slot).expect("the slot is there");
        }
        // It may be recorded.
        call.run(5 * SECOND);
        assert_eq!(call.wish(), None);
        assert!(call.encoder >= Bitrate::kbps(2000), "{:?}", call.encoder);
    }
}

#[test]
fn what_is_lost_before_it_reaches_us_lowers_nobodys_estimate() {
    let mut call = Narrow::new(Bitrate::kbps(6000));
    call.run(5 * SECOND);
    let before = call.stats().estimate_bps.expect("known");
    call.uplink_loss = 20;
    call.run(10 * SECOND);
    let stats = call.stats();
    assert!(stats.estimate_bps.expect("known") >= before);
    assert_eq!((stats.estimator.lost, stats.loss), (0, 0.0));
}

#[test]
fn a_viewer_that_never_reports_is_never_held_back() {
    let mut call = Narrow::new(Bitrate::kbps(20_000));
    call.reports = false;
    call.run(2 * SECOND);
    let seen = call.run(5 * SECOND);
    assert!(seen.video_bytes * 8 / 5 > 1_900_000, "{seen:?}");
    assert_eq!(call.stats().estimate_bps, None);
    assert_eq!((call.stats().waiting_bytes, call.stats().probes), (0, 0));
}

#[test]
fn a_peer_that_only_sends_tells_the_round_trip_by_extended_reports() {
    let mut world = World::connected(2);
    world.attach_camera(0, 1);
    world.send_frame(0, 1, true);
    world.clients[0].reference = None;
    // It is told once a second.
    while world.clients[0].reference.is_none() {
        world.pass(Duration::from_millis(1));
    }
    let (ssrc, ntp) = world.clients[0].reference.expect("our clock was told");
    world.pass(Duration::from_millis(80));
    // RFC 3611 §4.5: of those, the peer kept it for 50 ms.
    let mut answer = vec![0x80, 207, 0, 5, 0, 0, 0, 1, 5, 0, 0, 3];
    for word in [ssrc.0, (ntp >> 16) as u32, 65_536 / 20] {
        answer.extend_from_slice(&word.to_be_bytes());
    }
    let sealed = world.clients[0].seal_rtcp(&answer.into());
    world.send(0, &sealed);
    let rtt = world.node.stats(world.clients[0].id).expect("here").rtt_ms.expect("measured");
    assert!((rtt - 30.0).abs() < 3.0, "{rtt} ms");
}

#[test]
fn a_packet_says_when_it_left_to_whoever_wants_to_know() {
    let both = "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n\
                   a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n";
    let alone = "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n";
    for (extmaps, numbered) in [(both, true), (alone, false)] {
        let mut world = World::connected_on(&[Terms::default(), Terms { extmaps, ..Terms::default() }]);
        world.attach_camera(0, 1);
        world.send_frame(0, 1, true);
        world.pass(Duration::from_millis(250));
        world.send_frame(0, 2, false);
        let times: Vec<u32> = (world.clients[1].rtp.iter())
            .map(|packet| {
                let packet = RtpPacket::parse(packet).expect("RTP");
                assert_eq!(packet.extension(3).is_some(), numbered);
                let [a, b, c] = *packet.extension(2).and_then(|it| it.first_chunk()).expect("three bytes");
                u32::from_be_bytes([0, a, b, c])
            })
            .collect();
        // 18 bits of fraction: a quarter of a second.
        assert!((times[1] - times[0]).abs_diff(1 << 16) < 300, "{times:?}");
    }
}

#[test]
fn hostile_feedback_upsets_nothing() {
    let mut call = Narrow::new(Bitrate::kbps(3000));
    call.run(2 * SECOND);
    let mut seed = 1u32;
    for round in 0..500u32 {
        let mut bytes = vec![0x8f, 205, 0, 9, 0, 0, 0, 1, 0, 0, 0, 2];
        bytes.extend((0..28).map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        }));
        // Most name a plausible number of packets.
        bytes[14] = if round % 4 == 0 { bytes[14] } else { 0 };
        let sealed = call.world.clients[1].seal_rtcp(&bytes.into());
        call.world.send(1, &sealed);
    }
    let seen = call.run(SECOND);
    assert!(seen.sounds >= 49, "the sound goes on");
    let seen = call.run(10 * SECOND);
    assert!(seen.video_bytes > 0 && call.stats().estimate_bps.is_some());
}

/// What a client hears of bandwidth: kept apart because the ordinary reader of the node skips it.
pub(super) fn hear(client: &mut Client, compound: &[u8]) {
    for packet in rtcp::packets(compound) {
        let bytes = packet.bytes();
        if let Some(most) = messages::read_remb(bytes) {
            client.remb = Some(most);
        }
        if let [0x80, 207, 0, 4, s0, s1, s2, s3, 4, 0, 0, 2, ntp @ ..] = bytes
            && let Some(ntp) = ntp.first_chunk()
        {
            let ssrc = Ssrc(u32::from_be_bytes([*s0, *s1, *s2, *s3]));
            client.reference = Some((ssrc, u64::from_be_bytes(*ntp)));
        }
    }
}
