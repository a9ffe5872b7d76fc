//! People, and strangers, who mean no good.

use std::time::Duration;

use sfu_core::media::Source;

use super::chapter;
use crate::clock::{ms, secs};
use crate::plan::*;

chapter!(
    replayed_packets,
    damaged_packets,
    made_up_ssrcs,
    oversized_packets,
    made_up_reports,
    strangers,
    hostile_participant,
);

/// Memory that the judges themselves need in ten seconds, and a little more.
const MEMORY: usize = 3_000_000;

/// Eight thousand datagrams a second for ten seconds, in the buyer's name: twice what a participant may send.
fn flood(name: &'static str, forgery: Forgery) -> Plan {
    plan(name)
        .two_people()
        .every(Duration::from_micros(125), secs(5)..secs(15), forge("buyer", forgery))
        .lasts(secs(18))
        .expect_a_good_call()
        .expect(memory_grows_at_most(MEMORY, secs(6)..secs(15)))
}

fn replayed_packets() -> Plan {
    flood("somebody sends the buyer's packets again", Forgery::Replay)
}

fn damaged_packets() -> Plan {
    flood("somebody sends the buyer's packets with a bit changed", Forgery::Damaged)
}

fn made_up_ssrcs() -> Plan {
    flood("somebody sends packets under made-up SSRCs in the buyer's name", Forgery::MadeUpSsrc)
}

fn oversized_packets() -> Plan {
    flood("somebody sends packets of 65,000 bytes in the buyer's name", Forgery::Oversized)
}

fn made_up_reports() -> Plan {
    flood("somebody sends RTCP of made-up senders in the buyer's name", Forgery::MadeUpRtcp)
}

fn strangers() -> Plan {
    flood("noise from addresses nobody knows", Forgery::Stranger)
}

fn hostile_participant() -> Plan {
    let (microphone, camera) = (Source::Microphone, Source::Camera);
    plan("somebody has joined beside the call and sends ever new streams; the call goes on")
        .two_people()
        .with("observer")
        .nobody_sees_anybody()
        .at(ms(100), show("buyer", microphone, "agent", 0))
        .at(ms(100), show("buyer", camera, "agent", 0))
        .at(ms(100), show("agent", microphone, "buyer", 0))
        .at(ms(100), show("agent", camera, "buyer", 0))
        .every(ms(2), secs(5)..secs(15), forge("observer", Forgery::AuthenticSsrc))
        .lasts(secs(18))
        .expect_a_good_call()
        // By then caches are full, the third sender's too.
        .expect(memory_grows_at_most(MEMORY, secs(9)..secs(15)))
}
