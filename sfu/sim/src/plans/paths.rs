//! Paths that change, break and come back.

use sfu_core::node::LeaveReason;

use super::chapter;
use crate::clock::{ms, secs};
use crate::network::Conditions;
use crate::plan::*;

chapter!(wifi_to_mobile, outage_2, outage_35, ice_restart);

fn wifi_to_mobile() -> Plan {
    plan("a buyer walks from Wi-Fi to mobile")
        .two_people()
        .at(secs(6), change_address("buyer"))
        .expect(video("agent").gap_at_most(ms(1000)))
        .expect(video("buyer").gap_at_most(ms(1000)))
        .expect(video("agent").during(secs(9)..secs(15)).frozen_at_most(0.0))
        .expect(still_here("buyer"))
}

fn outage_2() -> Plan {
    plan("the buyer's connection is gone for two seconds")
        .two_people()
        .at(secs(5), uplink("buyer", Conditions::default().cut()))
        .at(secs(5), downlink("buyer", Conditions::default().cut()))
        .at(secs(7), uplink("buyer", Conditions::default()))
        .at(secs(7), downlink("buyer", Conditions::default()))
        .expect(video("agent").gap_at_most(ms(2700)))
        .expect(video("buyer").gap_at_most(ms(2700)))
        .expect(video("agent").during(secs(9)..secs(15)).frozen_at_most(0.0))
        .expect(video("buyer").during(secs(9)..secs(15)).frozen_at_most(0.0))
        .expect(still_here("buyer"))
}

fn outage_35() -> Plan {
    plan("the buyer's connection never comes back: the server lets go after 30 s, and the agent's stays")
        .two_people()
        .at(secs(5), uplink("buyer", Conditions::default().cut()))
        .at(secs(5), downlink("buyer", Conditions::default().cut()))
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
