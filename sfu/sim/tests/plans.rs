//! Every plan under the fixed seed, each a test of its own, and that one seed is one run.

use std::collections::BTreeSet;

use sfu_sim::plan::{Report, run};
use sfu_sim::plans;

fn play(name: &str, seed: u64) -> Report {
    let (_, plan) = plans::all().find(|(it, _)| *it == name).expect("a plan of this name");
    run(plan(), seed, false)
}

/// One test a plan. Cargo needs their names here; the last test sees to it that none is forgotten.
macro_rules! plans {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                let report = play(stringify!($name), plans::SEED);
                let (held, failed) = (report.held.join("\n  "), report.failed.join("\n  "));
                assert!(report.passed(), "{}\nheld:\n  {held}\nfailed:\n  {failed}", report.plan);
            }
        )*
        const LISTED: &[&str] = &[$(stringify!($name)),*];
    };
}

plans! {
    clean_call three_people silence late_joiner camera_off_and_on slot_switch hold_and_resume publisher_restart
    clocks_that_run_wrong numbers_that_wrap
    lossy_downlink_1 lossy_uplink_5
    wifi_to_mobile outage_2 outage_35 ice_restart
}

#[test]
fn every_plan_is_played() {
    let all: BTreeSet<_> = plans::all().map(|(name, _)| name).collect();
    let listed: BTreeSet<_> = LISTED.iter().copied().collect();
    assert_eq!(all, listed);
    assert_eq!(LISTED.len(), listed.len(), "each once");
}

#[test]
fn one_seed_is_one_run_bit_by_bit() {
    let hash = |seed| play("lossy_uplink_5", seed).hash;
    assert_eq!(hash(7), hash(7));
    assert_ne!(hash(7), hash(8));
}
