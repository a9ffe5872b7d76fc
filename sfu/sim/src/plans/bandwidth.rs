//! Paths that carry less than everybody would like to send.

use super::chapter;
use crate::clock::{ms, secs};
use crate::network::Conditions;
use crate::plan::*;
use crate::sender::video::Scene;

chapter!(
    narrow_uplink_steps,
    narrow_downlink_steps,
    deep_queue,
    audio_first_on_80_kbps,
    viewer_walks_out,
    remb_only,
    narrow_and_far,
    step_both_ways,
);

fn good() -> Conditions {
    Conditions::default()
}

fn narrow_downlink_steps() -> Plan {
    plan("the agent's downlink goes from 3 Mbit/s to 300 kbit/s and back")
        .two_people()
        .downlink("agent", good().rate(3_000, 300))
        .at(secs(15), downlink("agent", good().rate(300, 300)))
        .at(secs(30), downlink("agent", good().rate(3_000, 300)))
        .lasts(secs(45))
        // The queue that stands when the path narrows makes some 300 ms of sound late, once.
        .expect(audio("agent").concealed_at_most(1.5))
        .expect(audio("agent").during(secs(18)..secs(44)).concealed_at_most(0.5))
        .expect(video("agent").frozen_at_most(2.0))
        .expect(video("agent").during(secs(20)..secs(30)).kbps(100.0..290.0))
        .expect(video("agent").during(secs(36)..secs(45)).kbps(1_300.0..2_500.0))
}

fn narrow_uplink_steps() -> Plan {
    plan("the buyer's uplink goes from 3 Mbit/s to 300 kbit/s and back")
        .two_people()
        .uplink("buyer", good().rate(3_000, 300))
        .at(secs(15), uplink("buyer", good().rate(300, 300)))
        .at(secs(30), uplink("buyer", good().rate(3_000, 300)))
        .lasts(secs(45))
        .expect(audio("agent").concealed_at_most(3.0))
        .expect(video("agent").frozen_at_most(7.0))
        .expect(video("agent").during(secs(20)..secs(30)).kbps(80.0..290.0))
        .expect(video("agent").during(secs(37)..secs(45)).kbps(1_000.0..2_500.0))
}

fn deep_queue() -> Plan {
    plan("800 kbit/s behind a router that queues two seconds: the estimate must keep the queue short")
        .two_people()
        .downlink("agent", good().rate(800, 2_000))
        .lasts(secs(30))
        .expect(video("agent").during(secs(10)..secs(30)).delay_at_most(ms(500)))
        .expect(video("agent").during(secs(10)..secs(30)).frozen_at_most(1.0))
        .expect(video("agent").during(secs(15)..secs(30)).kbps(350.0..800.0))
        .expect(audio("agent").during(secs(8)..secs(29)).concealed_at_most(2.5))
}

fn audio_first_on_80_kbps() -> Plan {
    plan("the agent has 80 kbit/s, a voice and its feedback: sound goes first, and the picture comes back with the bandwidth")
        .two_people()
        .downlink("agent", good().rate(3_000, 300))
        .at(secs(8), downlink("agent", good().rate(80, 500)))
        .at(secs(25), downlink("agent", good().rate(3_000, 300)))
        .lasts(secs(40))
        .expect(audio("agent").during(secs(14)..secs(39)).concealed_at_most(1.0))
        .expect(video("agent").during(secs(14)..secs(25)).kbps(0.0..40.0))
        .expect(video("agent").begins_within(secs(5), secs(25)))
        .expect(video("agent").during(secs(32)..secs(40)).frozen_at_most(0.5))
}

fn viewer_walks_out() -> Plan {
    plan("the network is gone for a second, and the other one is farther away")
        .two_people()
        .at(secs(6), uplink("buyer", good().cut()))
        .at(secs(6), downlink("buyer", good().cut()))
        .at(secs(7), uplink("buyer", good().delay_ms(60).rate(4_000, 300)))
        .at(secs(7), downlink("buyer", good().delay_ms(60).rate(4_000, 300)))
        .at(secs(7), change_address("buyer"))
        .lasts(secs(25))
        .expect(video("agent").gap_at_most(ms(1900)))
        .expect(video("buyer").gap_at_most(ms(2200)))
        .expect(video("agent").during(secs(15)..secs(25)).frozen_at_most(1.0))
        .expect(video("buyer").during(secs(15)..secs(25)).frozen_at_most(1.0))
        .expect(still_here("buyer"))
}

fn remb_only() -> Plan {
    plan("an agent whose browser knows no TWCC says 500 kbit/s by REMB, and is not sent more")
        .two_people()
        .person("agent", |person| {
            person.abilities.transport_cc = false;
            person.remb_bps = Some(500_000);
        })
        .lasts(secs(25))
        .expect(video("agent").during(secs(12)..secs(25)).kbps(150.0..500.0))
        .expect(audio("agent").concealed_at_most(0.5))
}

fn narrow_and_far() -> Plan {
    plan("the agent is 60 ms away behind 1.5 Mbit/s with a queue of 300 ms")
        .two_people()
        .path("agent", good().delay_ms(60).rate(1_500, 300))
        .lasts(secs(30))
        .expect(video("agent").during(secs(5)..secs(30)).gap_at_most(ms(900)))
        .expect(video("agent").during(secs(5)..secs(30)).fps_at_least(24.0))
        .expect(video("agent").during(secs(8)..secs(30)).kbps(600.0..1_400.0))
        .expect(video("buyer").gap_at_most(ms(600)))
        .expect(still_here("agent"))
}

fn step_both_ways() -> Plan {
    let narrow = |kbps| good().rate(kbps, 300);
    plan("the buyer's path goes from 3 Mbit/s to 300 kbit/s and back, both ways at once, with browsers as awkward as Chromium")
        .two_people()
        .everybody(|person| {
            person.abilities.simulcast = true;
            person.camera = Some(Scene { temporal_layers: 3, awkward: true, ..Scene::default() });
        })
        .path("buyer", narrow(3_000))
        .at(ms(500), view("agent", 0, 640, 360))
        .at(ms(500), view("buyer", 0, 640, 360))
        .at(secs(15), uplink("buyer", narrow(300)))
        .at(secs(15), downlink("buyer", narrow(300)))
        .at(secs(35), uplink("buyer", narrow(3_000)))
        .at(secs(35), downlink("buyer", narrow(3_000)))
        .lasts(secs(50))
        // The aim is 0.5 % of each. What stands in both queues before anybody can know takes a third of a second of sound once.
        .expect(audio("agent").concealed_at_most(1.0))
        .expect(audio("buyer").concealed_at_most(1.0))
        .expect(video("agent").frozen_at_most(2.0))
        .expect(video("buyer").frozen_at_most(2.0))
        .expect(video("agent").during(secs(20)..secs(35)).kbps(60.0..250.0))
        .expect(video("buyer").during(secs(20)..secs(35)).kbps(60.0..250.0))
        .expect(video("agent").during(secs(40)..secs(50)).kbps(400.0..600.0))
        .expect(video("buyer").during(secs(40)..secs(50)).kbps(400.0..600.0))
        .expect(video("agent").recovers_within(secs(5), secs(15), secs(35)))
        .expect(video("buyer").recovers_within(secs(5), secs(15), secs(35)))
}
