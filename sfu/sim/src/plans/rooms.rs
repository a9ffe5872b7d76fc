//! Rules, workers, events, and calls that last.

use sfu_core::media::Source;

use super::chapter;
use crate::clock::{ms, secs};
use crate::network::Conditions;
use crate::plan::*;
use crate::sender::audio::Talk;
use crate::sender::video::Scene;

chapter!(
    muted_by_the_server,
    camera_stopped_by_the_server,
    screen_share,
    three_workers,
    three_workers_on_bad_networks,
    somebody_leaves,
    events_over_a_lossy_leg,
    ten_minutes,
);

fn muted_by_the_server() -> Plan {
    plan("the server mutes the buyer and lets them speak again")
        .two_people()
        .at(secs(5), keep_out("buyer", Source::Microphone))
        .at(secs(10), let_in("buyer", Source::Microphone))
        .expect(audio("agent").during(ms(5200)..secs(10)).nothing())
        .expect(audio("agent").during(ms(10_300)..secs(14)).concealed_at_most(0.2))
        .expect(video("agent").frozen_at_most(0.0))
        .expect(audio("buyer").concealed_at_most(0.2))
}

fn camera_stopped_by_the_server() -> Plan {
    plan("the server stops the buyer's camera and lets it go on")
        .two_people()
        .at(secs(5), keep_out("buyer", Source::Camera))
        .at(secs(10), let_in("buyer", Source::Camera))
        .expect(video("agent").during(ms(5200)..secs(10)).nothing())
        .expect(video("agent").begins_within(ms(700), secs(10)))
        .expect(video("agent").during(secs(11)..secs(15)).frozen_at_most(0.0))
        .expect(audio("agent").concealed_at_most(0.2))
}

fn screen_share() -> Plan {
    plan("the buyer shares the screen beside the camera")
        .two_people()
        .person("buyer", |person| {
            person.screen = Some(Scene { fps: 10, max_bps: 1_200_000, ..Scene::default() });
        })
        .at(secs(3), show("buyer", Source::Screen, "agent", 1))
        .lasts(secs(20))
        // The camera makes room for a moment, until it is known what the screen takes.
        .expect(video("agent").gap_at_most(ms(350)))
        .expect(video("agent").during(secs(4)..secs(20)).frozen_at_most(0.0))
        .expect(video("buyer").frozen_at_most(0.0))
        .expect(audio("agent").concealed_at_most(0.2))
        .expect(video("agent").slot(1).during(secs(4)..secs(20)).frozen_at_most(0.0))
        .expect(video("agent").slot(1).begins_within(ms(600), secs(3)))
}

fn three_workers() -> Plan {
    plan("three people on three workers see each other as on one")
        .three_people()
        .workers(3)
        .expect_a_good_call()
        .expect(video("supervisor").frozen_at_most(0.0))
        .expect(video("supervisor").slot(1).frozen_at_most(0.0))
        .expect(audio("supervisor").slot(1).concealed_at_most(0.2))
}

fn three_workers_on_bad_networks() -> Plan {
    plan("three people on three workers, with losses on every leg")
        .three_people()
        .workers(3)
        .path("buyer", Conditions::default().lossy(3.0))
        .path("agent", Conditions::default().lossy(3.0))
        .path("supervisor", Conditions::default().lossy(3.0).delay_ms(60))
        .lasts(secs(25))
        .expect(video("agent").frozen_at_most(0.5))
        .expect(video("buyer").frozen_at_most(0.5))
        .expect(video("supervisor").frozen_at_most(1.0))
        .expect(audio("agent").during(secs(10)..secs(24)).concealed_at_most(1.0))
}

fn somebody_leaves() -> Plan {
    plan("the agent leaves; buyer and supervisor go on")
        .three_people()
        .workers(2)
        .at(secs(7), leave("agent"))
        .expect(video("supervisor").frozen_at_most(0.0))
        .expect(audio("supervisor").concealed_at_most(0.2))
        .expect(video("buyer").slot(1).frozen_at_most(0.0))
        .expect(video("buyer").during(ms(7500)..secs(15)).nothing())
        .expect(still_here("buyer"))
        .expect(still_here("supervisor"))
}

fn events_over_a_lossy_leg() -> Plan {
    plan("pointer events reach the other side in order over legs that lose 5 %")
        .two_people()
        .workers(2)
        .path("buyer", Conditions::default().lossy(5.0))
        .path("agent", Conditions::default().lossy(5.0))
        .at(secs(2), link_events("buyer", "agent"))
        .every(ms(50), secs(3)..secs(13), write("buyer"))
        .lasts(secs(18))
        .expect(texts("agent", 195..201))
}

fn ten_minutes() -> Plan {
    plan("ten minutes of a modest call: nothing drifts, nothing grows")
        .two_people()
        .everybody(|person| {
            person.talk = Talk::Turns;
            person.camera = Some(Scene { fps: 10, max_bps: 80_000, ..Scene::default() });
            person.skew_ppm = 40;
        })
        .path("agent", Conditions::default().lossy(0.5))
        .lasts(secs(600))
        .expect(video("agent").frozen_at_most(0.0))
        .expect(video("buyer").frozen_at_most(0.0))
        .expect(audio("agent").concealed_at_most(1.0))
        .expect(memory_grows_at_most(25_000_000, secs(60)..secs(590)))
        .expect(still_here("buyer"))
        .expect(still_here("agent"))
}
