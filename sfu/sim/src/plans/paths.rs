//! Paths that are long, narrow or uneven, that change, break and come back.

use sfu_core::media::Source;
use sfu_core::node::LeaveReason;

use super::chapter;
use crate::clock::{ms, secs};
use crate::network::Conditions;
use crate::plan::*;

chapter!(
    far_away,
    jitter,
    reordering,
    duplication,
    wifi_to_mobile,
    nat_rebinding,
    nat_rebinding_in_a_keyframe,
    outage_2,
    outage_10,
    outage_35,
    ice_restart,
    ice_restart_on_another_network,
);

fn good() -> Conditions {
    Conditions::default()
}

fn far_away() -> Plan {
    plan("everybody is 100 ms from the server")
        .two_people()
        .path("buyer", good().delay_ms(100))
        .path("agent", good().delay_ms(100))
        .expect_a_good_call()
}

fn jitter() -> Plan {
    plan("packets take 20 to 60 ms, never overtaking")
        .two_people()
        .path("buyer", good().jitter_ms(40))
        .downlink("agent", good().jitter_ms(40))
        .lasts(secs(20))
        .expect(video("agent").frozen_at_most(0.0))
        .expect(audio("agent").concealed_at_most(1.0))
        .expect(audio("buyer").concealed_at_most(1.0))
}

fn reordering() -> Plan {
    plan("3 % of the packets are overtaken by some 8 ms of others, both ways")
        .two_people()
        .path("buyer", good().reordering(3.0, 8))
        .path("agent", good().reordering(3.0, 8))
        .lasts(secs(20))
        .expect_a_good_call()
}

fn duplication() -> Plan {
    plan("5 % of the packets come twice, both ways")
        .two_people()
        .path("buyer", good().duplicating(5.0))
        .path("agent", good().duplicating(5.0))
        .expect_a_good_call()
}

fn wifi_to_mobile() -> Plan {
    plan("a buyer walks from Wi-Fi to mobile")
        .two_people()
        .at(secs(6), change_address("buyer"))
        .expect(video("agent").gap_at_most(ms(400)))
        .expect(video("buyer").gap_at_most(ms(400)))
        .expect(video("agent").during(secs(9)..secs(15)).frozen_at_most(0.0))
        .expect(still_here("buyer"))
}

fn nat_rebinding() -> Plan {
    plan("a NAT gives the buyer another port; media moves with the next consent check")
        .two_people()
        .at(secs(6), rebind("buyer"))
        .expect(video("agent").gap_at_most(ms(2900)))
        .expect(video("buyer").gap_at_most(ms(2900)))
        .expect(video("agent").during(secs(10)..secs(15)).frozen_at_most(0.0))
        .expect(video("buyer").during(secs(10)..secs(15)).frozen_at_most(0.0))
        .expect(still_here("buyer"))
}

fn nat_rebinding_in_a_keyframe() -> Plan {
    plan("the NAT moves the buyer while a keyframe is on its way")
        .two_people()
        .at(ms(6000), restart_source("buyer", Source::Camera))
        .at(ms(6045), rebind("buyer"))
        .expect(video("agent").gap_at_most(ms(3100)))
        .expect(video("agent").during(secs(10)..secs(15)).frozen_at_most(0.0))
}

fn outage_2() -> Plan {
    plan("the buyer's connection is gone for two seconds")
        .two_people()
        .at(secs(5), uplink("buyer", good().cut()))
        .at(secs(5), downlink("buyer", good().cut()))
        .at(secs(7), uplink("buyer", good()))
        .at(secs(7), downlink("buyer", good()))
        .expect(video("agent").gap_at_most(ms(2700)))
        .expect(video("buyer").gap_at_most(ms(2700)))
        .expect(video("agent").during(secs(9)..secs(15)).frozen_at_most(0.0))
        .expect(video("buyer").during(secs(9)..secs(15)).frozen_at_most(0.0))
        .expect(still_here("buyer"))
}

fn outage_10() -> Plan {
    plan("the buyer's connection is gone for ten seconds")
        .two_people()
        .at(secs(5), uplink("buyer", good().cut()))
        .at(secs(5), downlink("buyer", good().cut()))
        .at(secs(15), uplink("buyer", good()))
        .at(secs(15), downlink("buyer", good()))
        .lasts(secs(25))
        .expect(video("agent").gap_at_most(secs(11)))
        .expect(video("buyer").gap_at_most(secs(11)))
        .expect(video("agent").during(secs(18)..secs(25)).frozen_at_most(0.0))
        .expect(video("buyer").during(secs(18)..secs(25)).frozen_at_most(0.0))
        .expect(audio("buyer").during(secs(18)..secs(24)).concealed_at_most(0.5))
        .expect(still_here("buyer"))
}

fn outage_35() -> Plan {
    plan("the buyer's connection never comes back: the server lets go after 30 s, and the agent's stays")
        .two_people()
        .at(secs(5), uplink("buyer", good().cut()))
        .at(secs(5), downlink("buyer", good().cut()))
        .lasts(secs(42))
        .expect(gone("buyer", LeaveReason::Timeout, secs(30)..secs(36)))
        .expect(still_here("agent"))
}

fn ice_restart() -> Plan {
    plan("the buyer's browser restarts ICE in mid-call; nobody notices")
        .two_people()
        .at(secs(6), restart_ice("buyer"))
        .expect_a_good_call()
}

fn ice_restart_on_another_network() -> Plan {
    plan("the buyer's browser restarts ICE because the network has changed")
        .two_people()
        .at(secs(6), change_address("buyer"))
        .at(ms(6100), restart_ice("buyer"))
        .expect(video("agent").gap_at_most(ms(700)))
        .expect(video("buyer").gap_at_most(ms(700)))
        .expect(video("agent").during(secs(9)..secs(15)).frozen_at_most(0.0))
        .expect(still_here("buyer"))
}
