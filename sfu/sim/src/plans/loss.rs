//! Losses, and what repairs them.

use super::chapter;
use crate::clock::{ms, secs};
use crate::network::{Conditions, Loss};
use crate::plan::*;

chapter!(lossy_downlink_1, lossy_uplink_5);

fn lossy(percent: f64) -> Conditions {
    Conditions::default().lossy(percent)
}

fn lossy_downlink_1() -> Plan {
    plan("1 % is lost on the way to the agent")
        .two_people()
        .downlink("agent", lossy(1.0))
        .lasts(secs(30))
        .expect(video("agent").frozen_at_most(0.0))
        .expect(repaired_at_least("agent", 90.0))
        .expect(video("buyer").frozen_at_most(0.0))
}

fn lossy_uplink_5() -> Plan {
    plan("5 % of the buyer's packets are lost on the way to the server")
        .two_people()
        .uplink("buyer", Conditions::default().loss(Loss::Random(0.05)))
        .lasts(secs(30))
        .expect(video("agent").frozen_at_most(0.0))
        .expect(video("agent").gap_at_most(ms(250)))
        .expect(video("buyer").frozen_at_most(0.0))
}
