//! Losses, and what repairs them.

use sfu_core::media::Source;

use super::chapter;
use crate::clock::{ms, secs};
use crate::network::{Conditions, Loss};
use crate::plan::*;

chapter!(
    lossy_downlink_1,
    lossy_downlink_5,
    lossy_downlink_10,
    lossy_downlink_20,
    lossy_uplink_1,
    lossy_uplink_5,
    lossy_uplink_10,
    lossy_uplink_20,
    bursts_downlink,
    bursts_uplink,
    long_bursts_downlink,
    long_bursts_uplink,
    red_on_a_lossy_leg,
    no_red_for_who_lacks_it,
    no_rtx_for_who_lacks_it,
    switch_under_loss,
    one_bad_viewer_of_three,
    keyframes_on_demand_storm,
    lossy_uplink_leaves_the_downlink_alone,
    hold_under_loss,
);

fn lossy(percent: f64) -> Conditions {
    Conditions::default().lossy(percent)
}

/// RTT 200 ms with bursty 2.5 % loss: the hard case of the comparison with browser to browser.
fn far_and_bursty() -> Conditions {
    Conditions::default().delay_ms(100).loss(Loss::bursts(0.025, 4.0))
}

fn lossy_downlink_1() -> Plan {
    plan("1 % is lost on the way to the agent")
        .two_people()
        .downlink("agent", lossy(1.0))
        .lasts(secs(30))
        .expect(video("agent").frozen_at_most(0.0))
        .expect(audio("agent").concealed_at_most(1.5))
        .expect(repaired_at_least("agent", 90.0))
        .expect(video("buyer").frozen_at_most(0.0))
}

fn lossy_downlink_5() -> Plan {
    plan("5 % is lost on the way to the agent: no freeze, and the sound is whole once the leg is known to be lossy")
        .two_people()
        .downlink("agent", lossy(5.0))
        .lasts(secs(40))
        .expect(video("agent").frozen_at_most(0.0))
        .expect(audio("agent").during(secs(8)..secs(39)).concealed_at_most(0.5))
        .expect(repaired_at_least("agent", 80.0))
        .expect(video("buyer").frozen_at_most(0.0))
}

fn lossy_downlink_10() -> Plan {
    plan("10 % is lost on the way to the agent")
        .two_people()
        .downlink("agent", lossy(10.0))
        .lasts(secs(30))
        .expect(video("agent").frozen_at_most(0.5))
        .expect(audio("agent").during(secs(8)..secs(29)).concealed_at_most(1.5))
        .expect(repaired_at_least("agent", 70.0))
        .expect(still_here("agent"))
}

fn lossy_downlink_20() -> Plan {
    plan("20 % is lost on the way to the agent: bad, but a call")
        .two_people()
        .downlink("agent", lossy(20.0))
        .lasts(secs(30))
        .expect(video("agent").frozen_at_most(6.0))
        .expect(audio("agent").during(secs(8)..secs(29)).concealed_at_most(5.0))
        .expect(still_here("agent"))
}

fn lossy_uplink_1() -> Plan {
    plan("1 % of the buyer's packets are lost on the way to the server")
        .two_people()
        .uplink("buyer", lossy(1.0))
        .lasts(secs(30))
        .expect(video("agent").frozen_at_most(0.0))
        .expect(audio("agent").concealed_at_most(0.5))
}

fn lossy_uplink_5() -> Plan {
    plan("5 % of the buyer's packets are lost on the way to the server")
        .two_people()
        .uplink("buyer", lossy(5.0))
        .lasts(secs(30))
        .expect(video("agent").frozen_at_most(0.0))
        .expect(video("agent").gap_at_most(ms(250)))
        // One generation of redundancy leaves a quarter of a per cent; there is luck in half a minute.
        .expect(audio("agent").concealed_at_most(0.8))
        .expect(video("buyer").frozen_at_most(0.0))
}

fn lossy_uplink_10() -> Plan {
    plan("10 % of the buyer's packets are lost on the way to the server")
        .two_people()
        .uplink("buyer", lossy(10.0))
        .lasts(secs(30))
        .expect(video("agent").frozen_at_most(0.5))
        // One generation of redundancy repairs all but 1 %.
        .expect(audio("agent").concealed_at_most(2.0))
}

fn lossy_uplink_20() -> Plan {
    plan("20 % of the buyer's packets are lost on the way to the server: bad, but a call")
        .two_people()
        .uplink("buyer", lossy(20.0))
        .lasts(secs(30))
        .expect(video("agent").frozen_at_most(6.0))
        .expect(audio("agent").concealed_at_most(5.0))
        .expect(still_here("buyer"))
}

fn bursts_downlink() -> Plan {
    plan("RTT 200 ms and bursts of loss, 2.5 % in all, on the way to the agent")
        .two_people()
        .path("agent", Conditions::default().delay_ms(100))
        .downlink("agent", far_and_bursty())
        .lasts(secs(60))
        .expect(video("agent").frozen_at_most(1.0))
        .expect(audio("agent").during(secs(10)..secs(59)).concealed_at_most(0.5))
}

fn bursts_uplink() -> Plan {
    plan("RTT 200 ms and bursts of loss, 2.5 % in all, on the buyer's way to the server")
        .two_people()
        .path("buyer", Conditions::default().delay_ms(100))
        .uplink("buyer", far_and_bursty())
        .lasts(secs(60))
        .expect(video("agent").frozen_at_most(1.0))
        .expect(audio("agent").during(secs(10)..secs(59)).concealed_at_most(0.5))
}

/// The same with runs of ten: a tenth of a second of everything is gone at once.
fn far_and_very_bursty() -> Conditions {
    Conditions::default().delay_ms(100).loss(Loss::bursts(0.025, 10.0))
}

fn long_bursts_downlink() -> Plan {
    plan("RTT 200 ms and long bursts of loss, 2.5 % in all, on the way to the agent: neither congestion nor the end of the sound")
        .two_people()
        .path("agent", Conditions::default().delay_ms(100))
        .downlink("agent", far_and_very_bursty())
        .lasts(secs(60))
        // The first three bursts find a leg that nobody knew to be bad.
        .expect(video("agent").frozen_at_most(1.5))
        .expect(video("agent").during(secs(10)..secs(59)).frozen_at_most(1.0))
        .expect(audio("agent").during(secs(10)..secs(59)).concealed_at_most(0.5))
}

fn long_bursts_uplink() -> Plan {
    plan("RTT 200 ms and long bursts of loss, 2.5 % in all, on the buyer's way to the server")
        .two_people()
        .path("buyer", Conditions::default().delay_ms(100))
        .uplink("buyer", far_and_very_bursty())
        .lasts(secs(60))
        .expect(video("agent").frozen_at_most(1.0))
        .expect(audio("agent").during(secs(10)..secs(59)).concealed_at_most(0.5))
}

fn red_on_a_lossy_leg() -> Plan {
    plan("a leg that loses 5 % gets redundant sound, and loses it again when the leg is good")
        .two_people()
        .at(secs(5), downlink("agent", lossy(5.0)))
        .at(secs(20), downlink("agent", Conditions::default()))
        .lasts(secs(80))
        .expect(audio("agent").during(secs(10)..secs(20)).concealed_at_most(0.5))
        .expect(audio("agent").during(secs(10)..secs(20)).redundant(true))
        // Each level is held for twenty seconds after it was last needed.
        .expect(audio("agent").during(secs(76)..secs(79)).redundant(false))
        .expect(audio("buyer").concealed_at_most(0.2))
}

fn no_red_for_who_lacks_it() -> Plan {
    plan("an agent whose browser knows no RED gets plain Opus, lossy or not")
        .two_people()
        .person("agent", |person| person.abilities.red = false)
        .downlink("agent", lossy(5.0))
        .lasts(secs(20))
        .expect(audio("agent").redundant(false))
        .expect(audio("agent").concealed_at_most(8.0))
        .expect(video("agent").frozen_at_most(0.0))
}

fn no_rtx_for_who_lacks_it() -> Plan {
    plan("an agent whose browser knows no RTX still gets through small losses")
        .two_people()
        .person("agent", |person| person.abilities.rtx = false)
        .downlink("agent", lossy(0.3))
        .lasts(secs(30))
        .expect(video("agent").gap_at_most(ms(700)))
        .expect(video("agent").fps_at_least(25.0))
        .expect(still_here("agent"))
}

fn switch_under_loss() -> Plan {
    let mut plan = plan("one slot shows two people by turns over a lossy leg; repairs never mix them up")
        .three_people()
        .nobody_sees_anybody()
        .downlink("supervisor", lossy(8.0))
        .lasts(secs(22))
        .expect(video("supervisor").during(secs(2)..secs(22)).gap_at_most(ms(1500)))
        .expect(video("supervisor").during(secs(2)..secs(22)).fps_at_least(22.0));
    for turn in 0..10u64 {
        let from = if turn % 2 == 0 { "buyer" } else { "agent" };
        plan = plan
            .at(secs(1 + 2 * turn), show(from, Source::Camera, "supervisor", 0))
            .at(secs(1 + 2 * turn), show(from, Source::Microphone, "supervisor", 0));
    }
    plan
}

fn one_bad_viewer_of_three() -> Plan {
    plan("one of three viewers loses 15 % behind 300 kbit/s; the others notice nothing")
        .three_people()
        .with("observer")
        .downlink("observer", lossy(15.0).rate(300, 300))
        .lasts(secs(25))
        .expect(video("agent").frozen_at_most(0.0))
        .expect(video("supervisor").frozen_at_most(0.0))
        .expect(video("agent").during(secs(12)..secs(25)).kbps(1_000.0..2_500.0))
        .expect(audio("agent").concealed_at_most(0.2))
        .expect(audio("supervisor").concealed_at_most(0.2))
        .expect(still_here("observer"))
}

fn keyframes_on_demand_storm() -> Plan {
    plan("a viewer asks for a hundred keyframes a second; its publisher is asked for five at most")
        .two_people()
        .every(ms(10), secs(5)..secs(10), ask_for_keyframes("agent"))
        .expect(keyframe_requests_at_most("buyer", 30))
        .expect(video("agent").gap_at_most(ms(600)))
        .expect(video("buyer").frozen_at_most(0.0))
}

fn lossy_uplink_leaves_the_downlink_alone() -> Plan {
    plan("an agent with a bad uplink still gets the buyer's full picture")
        .two_people()
        .uplink("agent", lossy(10.0))
        .lasts(secs(30))
        .expect(video("agent").during(secs(12)..secs(30)).kbps(1_300.0..2_500.0))
        .expect(video("agent").frozen_at_most(0.0))
}

fn hold_under_loss() -> Plan {
    plan("hold and resume over a leg that loses 5 %")
        .two_people()
        .path("buyer", lossy(5.0))
        .at(secs(5), hide(Source::Camera, "buyer", 0))
        .at(secs(10), show("agent", Source::Camera, "buyer", 0))
        .lasts(secs(20))
        .expect(video("buyer").during(ms(5500)..secs(10)).nothing())
        .expect(video("buyer").begins_within(ms(900), secs(10)))
        .expect(video("buyer").during(secs(11)..secs(20)).frozen_at_most(0.5))
}
