//! Calls as they mostly are.

use sfu_core::media::Source;

use super::chapter;
use crate::clock::{ms, secs};
use crate::plan::*;
use crate::sender::audio::Talk;

chapter!(
    clean_call,
    three_people,
    silence,
    late_joiner,
    camera_off_and_on,
    slot_switch,
    hold_and_resume,
    publisher_restart,
    clocks_that_run_wrong,
    numbers_that_wrap,
);

fn clean_call() -> Plan {
    plan("two people talk over good connections")
        .two_people()
        .expect_a_good_call()
        .expect(video("agent").during(secs(8)..secs(15)).fps_at_least(29.5))
}

fn three_people() -> Plan {
    plan("a supervisor joins in; everybody sees everybody")
        .three_people()
        .expect_a_good_call()
        .expect(video("supervisor").only_of("buyer"))
        .expect(video("supervisor").slot(1).only_of("agent"))
        .expect(video("supervisor").slot(1).frozen_at_most(0.0))
        .expect(audio("supervisor").slot(1).concealed_at_most(0.2))
}

fn silence() -> Plan {
    plan("people take turns to speak, with DTX in between; silence is not loss")
        .two_people()
        .everybody(|person| person.talk = Talk::Turns)
        .lasts(secs(30))
        .expect_a_good_call()
}

fn late_joiner() -> Plan {
    plan("a supervisor comes ten seconds later and sees a picture at once")
        .three_people()
        .person("supervisor", |person| person.joins_at = secs(10))
        .lasts(secs(20))
        .expect_a_good_call()
        .expect(video("supervisor").begins_within(ms(700), secs(10)))
        .expect(video("supervisor").during(secs(11)..secs(20)).frozen_at_most(0.0))
        .expect(audio("supervisor").during(secs(11)..secs(19)).concealed_at_most(0.2))
}

fn camera_off_and_on() -> Plan {
    plan("the buyer covers the camera and mutes the microphone for a while")
        .two_people()
        .at(secs(5), switch_off("buyer", Source::Camera))
        .at(secs(5), switch_off("buyer", Source::Microphone))
        .at(secs(10), switch_on("buyer", Source::Camera))
        .at(secs(10), switch_on("buyer", Source::Microphone))
        .expect(video("agent").during(secs(3)..secs(5)).frozen_at_most(0.0))
        .expect(video("agent").during(ms(5300)..secs(10)).nothing())
        .expect(audio("agent").during(ms(5300)..secs(10)).nothing())
        .expect(video("agent").begins_within(ms(200), secs(10)))
        .expect(video("agent").during(ms(10_200)..secs(15)).frozen_at_most(0.0))
        .expect(audio("agent").during(ms(10_200)..secs(14)).concealed_at_most(0.2))
}

fn slot_switch() -> Plan {
    plan("one slot shows the buyer, then the agent, then the buyer again")
        .three_people()
        .nobody_sees_anybody()
        .at(secs(1), show("buyer", Source::Camera, "supervisor", 0))
        .at(secs(1), show("buyer", Source::Microphone, "supervisor", 0))
        .at(secs(6), show("agent", Source::Camera, "supervisor", 0))
        .at(secs(6), show("agent", Source::Microphone, "supervisor", 0))
        .at(secs(11), show("buyer", Source::Camera, "supervisor", 0))
        .at(secs(11), show("buyer", Source::Microphone, "supervisor", 0))
        .expect(video("supervisor").during(secs(2)..secs(6)).only_of("buyer"))
        .expect(video("supervisor").during(secs(7)..secs(11)).only_of("agent"))
        .expect(video("supervisor").during(secs(12)..secs(15)).only_of("buyer"))
        .expect(video("supervisor").during(secs(2)..secs(15)).gap_at_most(ms(500)))
        .expect(audio("supervisor").during(secs(2)..secs(14)).concealed_at_most(1.0))
}

fn hold_and_resume() -> Plan {
    plan("the agent puts the buyer on hold and comes back")
        .two_people()
        .at(secs(5), hide(Source::Camera, "buyer", 0))
        .at(secs(5), hide(Source::Microphone, "buyer", 0))
        .at(secs(10), show("agent", Source::Camera, "buyer", 0))
        .at(secs(10), show("agent", Source::Microphone, "buyer", 0))
        .expect(video("buyer").during(ms(5200)..secs(10)).nothing())
        .expect(audio("buyer").during(ms(5200)..secs(10)).nothing())
        .expect(video("buyer").begins_within(ms(400), secs(10)))
        .expect(video("buyer").during(ms(10_400)..secs(15)).frozen_at_most(0.0))
        .expect(video("agent").frozen_at_most(0.0))
        .expect(audio("agent").concealed_at_most(0.2))
}

fn publisher_restart() -> Plan {
    plan("the buyer's encoders begin anew with other SSRCs and numbers")
        .two_people()
        .at(secs(6), restart_source("buyer", Source::Camera))
        .at(secs(6), restart_source("buyer", Source::Microphone))
        .expect(video("agent").gap_at_most(ms(300)))
        .expect(audio("agent").concealed_at_most(1.0))
        .expect(still_here("buyer"))
}

fn clocks_that_run_wrong() -> Plan {
    plan("one device's clock gains 100 µs a second, the other's loses as much")
        .two_people()
        .person("buyer", |person| person.skew_ppm = 100)
        .person("agent", |person| person.skew_ppm = -100)
        .lasts(secs(60))
        .expect_a_good_call()
}

fn numbers_that_wrap() -> Plan {
    plan("sequence numbers, timestamps and picture ids wrap in mid-call")
        .two_people()
        .everybody(|person| person.begin_at = Some((65_436, u32::MAX - 300_000, 0x7fff - 60, 250)))
        .expect_a_good_call()
}
