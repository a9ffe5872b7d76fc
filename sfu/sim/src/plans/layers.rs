//! Simulcast and scalable video: who gets which layers, and what is not sent at all.

use sfu_core::media::Source;

use super::chapter;
use crate::clock::{ms, secs};
use crate::network::Conditions;
use crate::peer::Person;
use crate::peer::description::VideoCodec;
use crate::plan::*;
use crate::sender::video::Scene;

chapter!(
    simulcast_follows_the_view,
    simulcast_for_three_viewers,
    nobody_watches,
    vp9_in_nine_layers,
    av1_in_time_only,
    simulcast_on_three_workers,
    simulcast_follows_the_estimate,
    simulcast_under_loss,
    temporal_layers_of_vp8,
    vp9_on_a_narrow_path,
);

/// Stories that are not true yet.
pub(super) const OPEN: super::Chapter = &[];

fn simulcast(person: &mut Person) {
    person.abilities.simulcast = true;
    person.camera = Some(Scene { temporal_layers: 3, ..Scene::default() });
}

fn svc(codec: VideoCodec, spatial_layers: u8, temporal_layers: u8) -> impl Fn(&mut Person) {
    move |person| {
        person.abilities.codec = codec;
        person.camera = Some(Scene { spatial_layers, temporal_layers, ..Scene::default() });
    }
}

fn simulcast_follows_the_view() -> Plan {
    plan("the agent shows the buyer large, then as a thumbnail, then large again")
        .two_people()
        .person("buyer", simulcast)
        .at(secs(1), view("agent", 0, 1280, 720))
        .at(secs(10), view("agent", 0, 160, 90))
        .at(secs(18), view("agent", 0, 1280, 720))
        .lasts(secs(28))
        .expect(video("agent").during(secs(13)..secs(18)).encoding(0))
        .expect(video("agent").during(secs(24)..secs(28)).encoding(2))
        .expect(video("agent").frozen_at_most(0.0))
        .expect(audio("agent").concealed_at_most(0.2))
}

fn simulcast_follows_the_estimate() -> Plan {
    plan("the agent's downlink goes from 3 Mbit/s to 400 kbit/s and back; layers follow without a freeze")
        .three_people()
        .person("buyer", simulcast)
        .at(secs(1), view("agent", 0, 1280, 720))
        .at(secs(1), view("supervisor", 0, 1280, 720))
        .at(secs(1), view("agent", 1, 0, 0))
        .downlink("agent", Conditions::default().rate(3_000, 300))
        .at(secs(12), downlink("agent", Conditions::default().rate(400, 300)))
        .at(secs(26), downlink("agent", Conditions::default().rate(3_000, 300)))
        .lasts(secs(42))
        .expect(video("agent").during(secs(18)..secs(26)).kbps(50.0..390.0))
        .expect(video("agent").during(secs(36)..secs(42)).encoding(2))
        // The fall costs some 0.8 s, until the small encoding has begun.
        .expect(video("agent").frozen_at_most(3.0))
        .expect(video("supervisor").during(secs(8)..secs(42)).frozen_at_most(0.0))
        .expect(video("supervisor").during(secs(14)..secs(42)).encoding(2))
}

fn simulcast_for_three_viewers() -> Plan {
    plan("three viewers show the buyer at three sizes and get three layers")
        .three_people()
        .with("observer")
        .person("buyer", simulcast)
        .at(secs(1), view("agent", 0, 1280, 720))
        .at(secs(1), view("supervisor", 0, 480, 270))
        .at(secs(1), view("observer", 0, 160, 90))
        .lasts(secs(20))
        .expect(video("agent").during(secs(12)..secs(20)).encoding(2))
        .expect(video("supervisor").during(secs(12)..secs(20)).encoding(1))
        .expect(video("observer").during(secs(12)..secs(20)).encoding(0))
        .expect(video("agent").during(secs(12)..secs(20)).frozen_at_most(0.0))
        .expect(video("supervisor").during(secs(12)..secs(20)).frozen_at_most(0.0))
        .expect(video("observer").during(secs(12)..secs(20)).frozen_at_most(0.0))
}

fn nobody_watches() -> Plan {
    plan("nobody shows the buyer for a while: the camera is not sent, and comes back with the view")
        .two_people()
        .person("buyer", simulcast)
        .at(secs(1), view("agent", 0, 1280, 720))
        .at(secs(6), view("agent", 0, 0, 0))
        .at(secs(16), view("agent", 0, 1280, 720))
        .lasts(secs(26))
        .expect(video("agent").during(ms(6500)..secs(16)).nothing())
        .expect(uploads("buyer", secs(11)..secs(16), 0..120))
        .expect(video("agent").begins_within(ms(800), secs(16)))
        .expect(video("agent").during(secs(17)..secs(26)).frozen_at_most(0.0))
}

fn simulcast_under_loss() -> Plan {
    plan("views change every three seconds while both legs lose 3 %")
        .two_people()
        .person("buyer", simulcast)
        .uplink("buyer", Conditions::default().lossy(3.0))
        .downlink("agent", Conditions::default().lossy(3.0))
        .at(secs(1), view("agent", 0, 1280, 720))
        .at(secs(6), view("agent", 0, 160, 90))
        .at(secs(9), view("agent", 0, 1280, 720))
        .at(secs(12), view("agent", 0, 480, 270))
        .at(secs(15), view("agent", 0, 160, 90))
        .at(secs(18), view("agent", 0, 1280, 720))
        .lasts(secs(24))
        .expect(video("agent").frozen_at_most(1.0))
        .expect(video("agent").gap_at_most(ms(700)))
}

fn temporal_layers_of_vp8() -> Plan {
    plan("VP8 with three temporal layers for an agent on 500 kbit/s")
        .three_people()
        .person("buyer", |person| {
            person.camera = Some(Scene { temporal_layers: 3, max_bps: 700_000, ..Scene::default() });
        })
        .at(secs(1), view("agent", 1, 0, 0))
        .downlink("agent", Conditions::default().rate(3_000, 300))
        .at(secs(8), downlink("agent", Conditions::default().rate(600, 300)))
        .lasts(secs(25))
        .expect(video("agent").frozen_at_most(4.0))
        .expect(video("agent").during(secs(14)..secs(25)).kbps(150.0..600.0))
        .expect(video("supervisor").frozen_at_most(0.0))
}

fn vp9_in_nine_layers() -> Plan {
    plan("VP9 in L3T3_KEY: a large view gets all, a small one less, and nothing freezes")
        .three_people()
        .everybody(svc(VideoCodec::Vp9, 3, 3))
        .at(secs(1), view("agent", 0, 1280, 720))
        .at(secs(1), view("supervisor", 0, 240, 135))
        .at(secs(12), view("agent", 0, 240, 135))
        .at(secs(18), view("agent", 0, 1280, 720))
        .lasts(secs(26))
        .expect(video("agent").frozen_at_most(0.0))
        .expect(video("supervisor").frozen_at_most(0.0))
        .expect(video("agent").during(secs(8)..secs(12)).spatial(2))
        .expect(video("agent").during(secs(14)..secs(18)).spatial(0))
        .expect(video("supervisor").during(secs(8)..secs(26)).spatial(0))
        .expect(video("agent").during(secs(23)..secs(26)).spatial(2))
        // Layers that nobody shows are not sent.
        .expect(uploads("buyer", secs(8)..secs(12), 1_000..2_500))
        .expect(uploads("buyer", ms(16_500)..secs(18), 100..400))
        .expect(uploads("buyer", secs(22)..secs(26), 1_000..2_500))
}

fn av1_in_time_only() -> Plan {
    plan("AV1 in L1T3 over legs that lose 2 %")
        .two_people()
        .everybody(svc(VideoCodec::Av1, 1, 3))
        .path("buyer", Conditions::default().lossy(2.0))
        .path("agent", Conditions::default().lossy(2.0))
        .lasts(secs(20))
        .expect(video("agent").frozen_at_most(0.5))
        .expect(video("buyer").frozen_at_most(0.5))
        .expect(video("agent").fps_at_least(27.0))
}

fn vp9_on_a_narrow_path() -> Plan {
    plan("VP9 in L3T3_KEY for an agent whose path falls to 400 kbit/s beside one who has plenty")
        .three_people()
        .everybody(svc(VideoCodec::Vp9, 3, 3))
        .at(secs(1), view("agent", 1, 0, 0))
        .downlink("agent", Conditions::default().rate(3_000, 300))
        .at(secs(10), downlink("agent", Conditions::default().rate(400, 300)))
        .at(secs(22), downlink("agent", Conditions::default().rate(3_000, 300)))
        .lasts(secs(36))
        .expect(video("agent").during(secs(15)..secs(22)).kbps(40.0..390.0))
        .expect(video("agent").during(secs(31)..secs(36)).kbps(1_000.0..2_500.0))
        .expect(video("agent").frozen_at_most(4.5))
        .expect(video("supervisor").frozen_at_most(0.0))
}

fn simulcast_on_three_workers() -> Plan {
    plan("simulcast across workers: each viewer gets the layer for their view")
        .three_people()
        .workers(3)
        .person("buyer", simulcast)
        .at(secs(1), view("agent", 0, 1280, 720))
        .at(secs(1), view("supervisor", 0, 160, 90))
        .at(secs(10), show("agent", Source::Camera, "supervisor", 1))
        .lasts(secs(20))
        .expect(video("agent").during(secs(12)..secs(20)).encoding(2))
        .expect(video("supervisor").during(secs(12)..secs(20)).encoding(0))
        .expect(video("agent").during(secs(8)..secs(20)).frozen_at_most(0.0))
        .expect(video("supervisor").during(secs(8)..secs(20)).frozen_at_most(0.0))
}
