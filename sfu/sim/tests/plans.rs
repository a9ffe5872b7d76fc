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
    clean_call three_people silence late_joiner camera_off_and_on slot_switch hold_and_resume
    publisher_restart clocks_that_run_wrong numbers_that_wrap
    narrow_uplink_steps narrow_downlink_steps deep_queue audio_first_on_80_kbps viewer_walks_out remb_only
    narrow_and_far
    lossy_downlink_1 lossy_downlink_5 lossy_downlink_10 lossy_downlink_20 lossy_uplink_1 lossy_uplink_5
    lossy_uplink_10 lossy_uplink_20 bursts_downlink bursts_uplink red_on_a_lossy_leg no_red_for_who_lacks_it
    no_rtx_for_who_lacks_it switch_under_loss one_bad_viewer_of_three keyframes_on_demand_storm
    lossy_uplink_leaves_the_downlink_alone hold_under_loss
    far_away jitter reordering duplication wifi_to_mobile nat_rebinding nat_rebinding_in_a_keyframe outage_2
    outage_10 outage_35 ice_restart ice_restart_on_another_network
    muted_by_the_server camera_stopped_by_the_server screen_share three_workers three_workers_on_bad_networks
    somebody_leaves events_over_a_lossy_leg ten_minutes
    replayed_packets damaged_packets made_up_ssrcs oversized_packets made_up_reports strangers
    hostile_participant
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
