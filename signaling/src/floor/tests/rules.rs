//! Who hears whom: supervisors, consults, hold and mute, as the media plane is told.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use protocol::call::{EndReason, LinkState, MonitorMode, Party, PartyLink, Side};
use protocol::ids::PartyId;
use protocol::ws::{ClientStats, SlotSize};
use sfu::{QualitySample, View};

use super::*;
use crate::floor::ports::Fact;

const ALL: [sfu::Source; 3] = [sfu::Source::Microphone, sfu::Source::Camera, sfu::Source::Screen];

fn everything_of(client: &Client) -> BTreeSet<(ParticipantId, sfu::Source)> {
    ALL.into_iter().map(|source| (client.participant(), source)).collect()
}

impl World {
    /// What a client is shown of another one.
    fn shown(&self, to: &Client, from: &Client) -> Vec<sfu::Source> {
        let shown = self.model.everything_shown_to(to.participant());
        shown.into_iter().filter(|(who, _)| *who == from.participant()).map(|(_, source)| source).collect()
    }

    async fn tells(&self, event: sfu::Event) {
        self.media_events.send(event).await.unwrap();
        settle().await;
    }

    async fn speaks(&self, who: &Client, speaking: bool) {
        self.tells(sfu::Event::Speaking { participant: who.participant(), speaking, level: 30 }).await;
    }

    async fn second(&self, who: &Client, sample: QualitySample) {
        self.tells(sfu::Event::Quality { participant: who.participant(), sample }).await;
    }
}

fn monitor(call: CallId, mode: MonitorMode) -> ClientMessage {
    ClientMessage::Monitor { call, mode }
}

fn party(view: &CallView, side: Side) -> Option<&Party> {
    view.parties.iter().find(|party| party.side == side)
}

async fn last_view(client: &mut Client) -> CallView {
    let mut views = client.drain().await.into_iter().filter_map(|message| match message {
        ServerMessage::Call { call } => Some(*call),
        _ => None,
    });
    views.next_back().expect("the call changed")
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_who_listens_gets_everything_and_nobody_gets_anything_of_them() {
    let world = World::new();
    let (mut buyer, mut agent, call) = world.call(false).await;
    let mut vera = world.supervisor("Vera").await;
    buyer.drain().await;
    vera.does(monitor(call, MonitorMode::Listen)).await;
    let mut both = everything_of(&buyer);
    both.extend(everything_of(&agent));
    // Four slots for video, and two screens come after two faces.
    assert_eq!(world.model.everything_shown_to(vera.participant()), both);
    assert_eq!(world.model.everything_shown_to(buyer.participant()), everything_of(&agent));
    assert_eq!(world.model.everything_shown_to(agent.participant()), everything_of(&buyer));
    let heard = world.model.heard_by(vera.participant());
    assert_eq!(heard, [buyer.participant(), agent.participant()].into());
    assert!(!world.model.heard_by(agent.participant()).contains(&vera.participant()));

    let seen = last_view(&mut agent).await;
    assert_eq!(
        party(&seen, Side::Supervisor).unwrap().monitor,
        Some(MonitorMode::Listen),
        "the agent may know"
    );
    assert!(party(&last_view(&mut buyer).await, Side::Supervisor).is_none());

    vera.say(ClientMessage::MonitorEnd).await;
    assert_eq!(vera.sees(CallState::Ended).await.id, call);
    settle().await;
    assert!(world.model.everything_shown_to(vera.participant()).is_empty());
    assert!(world.model.heard_by(vera.participant()).is_empty());
    assert!(world.model.is_here(vera.participant()), "the transport stays warm");
    assert_eq!(world.model.everything_shown_to(buyer.participant()), everything_of(&agent));
}

#[tokio::test(start_paused = true)]
async fn who_whispers_is_heard_by_the_agent_only_and_who_barges_in_by_everybody() {
    let world = World::new();
    let (mut buyer, agent, call) = world.call(false).await;
    let (mut vera, mut ines) = (world.supervisor("Vera").await, world.supervisor("Ines").await);
    ines.does(monitor(call, MonitorMode::Listen)).await;
    vera.does(monitor(call, MonitorMode::Whisper)).await;
    assert_eq!(world.shown(&agent, &vera), [sfu::Source::Microphone]);
    assert_eq!(world.shown(&buyer, &vera), []);
    assert_eq!(world.shown(&ines, &vera), [], "not even other supervisors");

    vera.does(monitor(call, MonitorMode::Barge)).await;
    assert_eq!(world.shown(&buyer, &vera), ALL);
    assert_eq!(world.shown(&agent, &vera), ALL);
    assert!(world.shown(&ines, &vera).contains(&sfu::Source::Microphone));
    assert!(party(&last_view(&mut buyer).await, Side::Supervisor).is_some());

    ines.say(monitor(call, MonitorMode::Whisper)).await;
    assert_eq!(ines.problem().await.field.as_deref(), Some("mode"), "one voice at a time");
    vera.does(monitor(call, MonitorMode::Listen)).await;
    assert_eq!((world.shown(&buyer, &vera), world.shown(&agent, &vera)), (vec![], vec![]));
    ines.does(monitor(call, MonitorMode::Whisper)).await;
}

#[tokio::test(start_paused = true)]
async fn a_buyer_on_hold_hears_and_is_heard_by_nobody() {
    let world = World::new();
    let (mut buyer, mut agent, call) = world.call(false).await;
    let mut vera = world.supervisor("Vera").await;
    vera.does(monitor(call, MonitorMode::Barge)).await;
    agent.does(ClientMessage::SetHold { on: true }).await;
    assert!(world.model.everything_shown_to(buyer.participant()).is_empty());
    assert!(world.model.heard_by(buyer.participant()).is_empty());
    assert_eq!((world.shown(&agent, &buyer), world.shown(&vera, &buyer)), (vec![], vec![]));
    assert_eq!(world.shown(&agent, &vera), ALL, "staff talk on");
    assert!(last_view(&mut buyer).await.held_since.is_some());
    agent.does(ClientMessage::SetHold { on: false }).await;
    assert_eq!((world.shown(&agent, &buyer), world.shown(&buyer, &agent)), (ALL.to_vec(), ALL.to_vec()));
    assert!(world.model.are_linked(buyer.participant(), agent.participant()));
    for client in [&mut buyer, &mut vera] {
        client.say(ClientMessage::SetHold { on: true }).await;
        assert_eq!(code(&client.problem().await), "not_now");
    }
}

#[tokio::test(start_paused = true)]
async fn the_buyer_hears_nothing_of_a_consult() {
    let world = World::new();
    let mut ben = world.agent("Ben").await;
    ben.be(Availability::Away).await;
    let (mut buyer, mut agent, call) = world.call(false).await;
    ben.be(Availability::Available).await;
    agent.does(ClientMessage::ConsultStart { colleague: ben.user() }).await;
    assert_eq!(world.shown(&agent, &buyer), ALL, "while the colleague thinks about it, the call goes on");
    let asked = ben
        .hear("a question", |message| match message {
            ServerMessage::ConsultAsked { ask } => Some(*ask),
            _ => None,
        })
        .await;
    assert_eq!((asked.call, asked.from.as_str()), (call, "Anna"));
    // A page that is reloaded meanwhile shows it again.
    let ServerMessage::Welcome { consult, .. } = ben.reload().await else { panic!("no welcome") };
    assert_eq!(consult.unwrap().call, call);
    ben.offer().await;

    ben.does(ClientMessage::ConsultAnswer { call, accept: true }).await;
    assert_eq!((world.shown(&agent, &ben), world.shown(&ben, &agent)), (ALL.to_vec(), ALL.to_vec()));
    assert!(world.model.everything_shown_to(buyer.participant()).is_empty());
    assert_eq!(world.shown(&ben, &buyer), []);
    let seen = last_view(&mut buyer).await;
    assert!(seen.held_since.is_some() && seen.consult.is_none() && party(&seen, Side::Consultant).is_none());

    // The agent takes the buyer back early: the colleague listens in, the buyer still hears only the agent.
    agent.does(ClientMessage::SetHold { on: false }).await;
    assert_eq!(world.shown(&buyer, &ben), []);
    assert_eq!(world.shown(&buyer, &agent), ALL);
    assert!(world.shown(&ben, &buyer).contains(&sfu::Source::Microphone));
    assert!(!world.model.heard_by(buyer.participant()).contains(&ben.participant()));

    agent.does(ClientMessage::ConsultEnd).await;
    assert_eq!((world.shown(&agent, &ben), world.shown(&ben, &agent)), (vec![], vec![]));
    assert_eq!(world.shown(&agent, &buyer), ALL);
    ben.is(Availability::Available).await;
}

#[tokio::test(start_paused = true)]
async fn a_question_nobody_answers_goes_away_and_a_colleague_who_is_busy_is_not_asked() {
    let world = World::new();
    let mut ben = world.agent("Ben").await;
    ben.be(Availability::Away).await;
    let (mut buyer, mut agent, call) = world.call(false).await;
    let ask = ClientMessage::ConsultStart { colleague: ben.user() };
    let over = |message| match message {
        ServerMessage::ConsultAskEnded { call } => Some(call),
        _ => None,
    };
    agent.does(ask.clone()).await;
    assert_eq!(ben.hear("the end of the question", over).await, call, "30 s are over");
    agent.does(ask.clone()).await;
    ben.does(ClientMessage::ConsultAnswer { call, accept: false }).await;
    assert!(last_view(&mut agent).await.consult.is_none());
    agent.does(ask.clone()).await;
    agent.say(ask.clone()).await;
    assert_eq!(code(&agent.problem().await), "colleague_unavailable");
    agent.does(ClientMessage::ConsultEnd).await;
    ben.say(ClientMessage::ConsultAnswer { call, accept: true }).await;
    assert_eq!(code(&ben.problem().await), "not_your_call", "too late");
    for nobody in [UserId::new(), agent.user()] {
        agent.say(ClientMessage::ConsultStart { colleague: nobody }).await;
        assert_eq!(code(&agent.problem().await), "colleague_unavailable");
    }
    agent.does(ask).await;
    buyer.say(ClientMessage::HangUp).await;
    assert_eq!(ben.hear("the end of the question", over).await, call);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_says_they_send_and_what_is_muted_is_kept_out() {
    let world = World::new();
    let (mut buyer, mut agent, call) = world.call(false).await;
    let kept_out = |client: &Client| world.model.kept_out(client.participant());
    assert_eq!(kept_out(&buyer), ALL.into(), "who says nothing sends nothing");
    let sending = |sources: &[Source]| ClientMessage::Sending { sources: sources.to_vec() };
    buyer.does(sending(&[Source::Microphone, Source::Camera])).await;
    assert_eq!(kept_out(&buyer), [sfu::Source::Screen].into());

    let view = last_view(&mut agent).await;
    let (mara, anna) = (party(&view, Side::Buyer).unwrap().id, party(&view, Side::Agent).unwrap().id);
    let mute = |party, muted| ClientMessage::Mute { party, source: Source::Microphone, muted };
    agent.does(mute(mara, true)).await;
    assert_eq!(kept_out(&buyer), [sfu::Source::Microphone, sfu::Source::Screen].into());
    assert_eq!(party(&last_view(&mut buyer).await, Side::Buyer).unwrap().muted, [Source::Microphone]);
    buyer.does(sending(&[Source::Microphone])).await;
    assert!(kept_out(&buyer).contains(&sfu::Source::Microphone), "saying so again does not help");
    // Nor does another transport.
    buyer.reload().await;
    buyer.offer().await;
    assert!(kept_out(&buyer).contains(&sfu::Source::Microphone));
    agent.does(mute(mara, false)).await;
    assert!(!kept_out(&buyer).contains(&sfu::Source::Microphone));

    buyer.say(mute(mara, true)).await;
    assert_eq!(code(&buyer.problem().await), "not_now");
    agent.say(mute(anna, true)).await;
    assert_eq!(code(&agent.problem().await), "not_allowed");
    let mut vera = world.supervisor("Vera").await;
    vera.does(monitor(call, MonitorMode::Listen)).await;
    vera.does(mute(anna, true)).await;
    assert!(kept_out(&agent).contains(&sfu::Source::Microphone));
    agent.say(mute(PartyId::new(), true)).await;
    assert_eq!(agent.problem().await.field.as_deref(), Some("party"));
    // What a supervisor muted is over with the call.
    agent.does(sending(&[Source::Microphone])).await;
    buyer.say(ClientMessage::HangUp).await;
    agent.sees(CallState::WrapUp).await;
    world.floor.wrapped_up(call).await;
    settle().await;
    assert!(!kept_out(&agent).contains(&sfu::Source::Microphone));
}

#[tokio::test(start_paused = true)]
async fn only_supervisors_follow_calls_and_only_one_at_a_time() {
    let world = World::new();
    let (_buyer, mut agent, call) = world.call(false).await;
    let mut other = world.connect(staff("Ben", Role::Agent)).await;
    for client in [&mut other, &mut agent] {
        client.say(monitor(call, MonitorMode::Listen)).await;
        assert_eq!(code(&client.problem().await), "not_allowed");
    }
    let mut vera = world.supervisor("Vera").await;
    vera.say(monitor(CallId::new(), MonitorMode::Listen)).await;
    assert_eq!(vera.problem().await.field.as_deref(), Some("call"));
    vera.say(ClientMessage::MonitorEnd).await;
    assert_eq!(code(&vera.problem().await), "no_call");
    vera.be(Availability::Available).await;
    vera.does(monitor(call, MonitorMode::Listen)).await;
    vera.say(ClientMessage::SetAvailability { availability: Availability::Available }).await;
    assert_eq!(code(&vera.problem().await), "not_now", "nobody is in two calls");
    let mut buyer = world.buyer().await;
    buyer.ask(false).await;
    let rung = |heard: Vec<ServerMessage>| heard.iter().any(|m| matches!(m, ServerMessage::Ring { .. }));
    assert!(!rung(vera.drain().await));
    vera.say(ClientMessage::MonitorEnd).await;
    vera.rung().await;
}

#[tokio::test(start_paused = true)]
async fn guests_come_and_go_without_harm_to_the_call() {
    let world = World::new();
    let (mut buyer, mut agent, call) = world.call(false).await;
    let mut vera = world.supervisor("Vera").await;
    vera.does(monitor(call, MonitorMode::Barge)).await;
    // A reload: another transport, the same guest.
    vera.reload().await;
    vera.offer().await;
    settle().await;
    assert_eq!(world.shown(&buyer, &vera), ALL);
    assert_eq!(world.shown(&vera, &buyer), ALL);
    vera.lose().await;
    sleep(Duration::from_secs(31)).await;
    assert!(party(&last_view(&mut agent).await, Side::Supervisor).is_none());
    agent.say(ClientMessage::Chat { text: "still here".into() }).await;
    let mut ines = world.supervisor("Ines").await;
    ines.does(monitor(call, MonitorMode::Listen)).await;
    buyer.say(ClientMessage::HangUp).await;
    assert_eq!(ines.sees(CallState::Ended).await.end_reason, Some(EndReason::BuyerHungUp));
    settle().await;
    assert!(world.model.everything_shown_to(ines.participant()).is_empty());
    assert!(world.model.heard_by(ines.participant()).is_empty());
    assert!(world.model.heard_by(agent.participant()).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_media_plane_that_does_not_answer_is_told_again_until_nothing_forbidden_can_flow() {
    let world = World::new();
    let (buyer, mut agent, _) = world.call(false).await;
    world.model.media_hangs.store(true, Ordering::Relaxed);
    let asked = tokio::time::Instant::now();
    agent.say(ClientMessage::SetHold { on: true }).await;
    agent.sees_when("the hold", |view| view.held_since.is_some()).await;
    assert!(asked.elapsed() < Duration::from_secs(3), "one wait, however much there is to do");
    sleep(Duration::from_secs(60)).await;
    assert_eq!(world.shown(&buyer, &agent), ALL, "nothing was done");
    world.model.media_hangs.store(false, Ordering::Relaxed);
    sleep(Duration::from_secs(40)).await;
    assert_eq!((world.shown(&buyer, &agent), world.shown(&agent, &buyer)), (vec![], vec![]));
    assert!(!world.model.are_linked(buyer.participant(), agent.participant()));
}

#[tokio::test(start_paused = true)]
async fn transports_are_warm_and_several_rings_rebuild_nothing() {
    let world = World::new();
    let mut buyer = world.buyer().await;
    let mut agent = world.agent("Anna").await;
    buyer.ask(false).await;
    for _ in 0..3 {
        let call = agent.rung().await.call;
        agent.say(ClientMessage::Decline { call }).await;
        agent.ring_ended().await;
    }
    let call = agent.rung().await.call;
    let before = world.model.deeds();
    agent.say(ClientMessage::Accept { call }).await;
    agent.sees(CallState::Connected).await;
    settle().await;
    let deeds = world.model.deeds();
    let joined = deeds.iter().filter(|deed| matches!(deed, Deed::Joined(_) | Deed::Left(_))).count();
    assert_eq!(joined, 2, "one transport each, from before the first ring: {deeds:?}");
    let accept = &deeds[before.len()..];
    assert!(accept.iter().all(|deed| matches!(deed, Deed::Attached { .. } | Deed::Linked)), "{accept:?}");
    assert_eq!(accept.len(), 6 + 2);
}

#[tokio::test(start_paused = true)]
async fn everybody_is_told_who_speaks_of_those_they_hear() {
    let world = World::new();
    let (mut buyer, mut agent, call) = world.call(false).await;
    let mut vera = world.supervisor("Vera").await;
    vera.does(monitor(call, MonitorMode::Whisper)).await;
    let view = last_view(&mut agent).await;
    let id = |side| party(&view, side).unwrap().id;
    let speaking = |heard: Vec<ServerMessage>| {
        let told = heard.into_iter().filter_map(|message| match message {
            ServerMessage::Speaking { speaker, speaking, .. } => Some((speaker, speaking)),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    buyer.drain().await;
    world.speaks(&vera, true).await;
    sleep(Duration::from_secs(1)).await;
    let vera_speaks =
        vec![(None, vec![id(Side::Supervisor)]), (Some(id(Side::Supervisor)), vec![id(Side::Supervisor)])];
    assert_eq!(speaking(agent.drain().await), vera_speaks);
    assert_eq!(speaking(buyer.drain().await), [], "the buyer does not even learn that somebody whispers");
    world.speaks(&vera, false).await;
    world.speaks(&agent, true).await;
    sleep(Duration::from_secs(2)).await;
    let told = speaking(buyer.drain().await);
    assert_eq!(told.last(), Some(&(Some(id(Side::Agent)), vec![id(Side::Agent)])));
    // A transport that dies speaks no more.
    let left = sfu::Event::Left { participant: agent.participant(), reason: sfu::LeaveReason::Timeout };
    world.tells(left).await;
    assert!(speaking(buyer.drain().await).last().unwrap().1.is_empty());
}

#[tokio::test(start_paused = true)]
async fn connections_are_told_to_those_in_the_call_and_kept_for_later() {
    let world = World::new();
    let (mut buyer, mut agent, call) = world.call(true).await;
    let bad = QualitySample { uplink_loss: 0.2, video_paused: true, ..QualitySample::default() };
    let links = |heard: Vec<ServerMessage>| {
        let told = heard.into_iter().filter_map(|message| match message {
            ServerMessage::Quality { links, .. } => Some(links),
            _ => None,
        });
        told.collect::<Vec<Vec<PartyLink>>>()
    };
    buyer.drain().await;
    let report = ClientStats { period_ms: 2_000, freezes: 1, frozen_ms: 700, ..ClientStats::default() };
    buyer.does(ClientMessage::ClientStats { stats: report }).await;
    for _ in 0..4 {
        world.second(&buyer, bad).await;
    }
    let told = links(buyer.drain().await);
    assert_eq!(told.len(), 1, "said once: nothing changes");
    assert_eq!((told[0][0].link, told[0][0].video_paused, told[0][0].rtt_ms), (LinkState::Poor, true, None));
    let told = links(agent.drain().await);
    assert_eq!((told.len(), told[0][0].loss_permille), (2, Some(200)), "staff see figures as they come");

    buyer.say(ClientMessage::ClientStats { stats: ClientStats { period_ms: 5, ..report } }).await;
    assert_eq!(buyer.problem().await.field.as_deref(), Some("stats.period_ms"));
    buyer.say(ClientMessage::HangUp).await;
    agent.sees(CallState::WrapUp).await;
    settle().await;
    let kept = world.model.facts().into_iter().find_map(|fact| match fact {
        Fact::Quality { call: id, chunk } if id == call => Some(chunk.points),
        _ => None,
    });
    let points = kept.expect("a timeline");
    assert_eq!((points.len(), points[0].seen.unwrap().frozen_ms, points[1].seen), (2, 700, None));
    assert!(world.model.deeds().contains(&Deed::QualityNoted(2)), "the recording has it too");
    // After the call there is nothing to report on, and nothing to refuse either.
    agent.does(ClientMessage::ClientStats { stats: report }).await;
}

#[tokio::test(start_paused = true)]
async fn sizes_and_wishes_are_carried_between_client_and_media_plane() {
    let world = World::new();
    let (mut buyer, _agent, _) = world.call(false).await;
    let size = |mid: &str, width, height| SlotSize { mid: mid.into(), width, height };
    buyer.does(ClientMessage::Views { slots: vec![size("6", 640, 360), size("nonsense", 1, 1)] }).await;
    let who = buyer.participant();
    assert_eq!(world.model.size_of(who, "6"), Some(View { width: 640, height: 360 }));
    assert_eq!(world.model.size_of(who, "7"), Some(View { width: 0, height: 0 }), "left out is not shown");
    assert_eq!(world.model.size_of(who, "3"), None, "sound has no size");
    buyer.say(ClientMessage::Views { slots: vec![size("6", 20_000, 1)] }).await;
    assert_eq!(buyer.problem().await.field.as_deref(), Some("slots[0]"));

    let encodings =
        vec![sfu::EncodingWish { rid: sfu::Rid::new("q"), active: false, max_bitrate_bps: Some(150_000) }];
    let source = sfu::Source::Camera;
    world.tells(sfu::Event::SendWish { participant: who, source, encodings }).await;
    let wish = |message| match message {
        ServerMessage::SendWish { source, encodings } => Some((source, encodings)),
        _ => None,
    };
    let (source, encodings) = buyer.hear("a wish", wish).await;
    assert_eq!(
        (source, encodings[0].rid.as_deref(), encodings[0].active),
        (Source::Camera, Some("q"), false)
    );
    assert_eq!(encodings[0].max_bitrate, Some(150_000));
    // An ICE restart says it again, since the page may have made its senders anew.
    buyer.offer_again().await;
    assert_eq!(buyer.hear("the wish again", wish).await.0, Source::Camera);
}

#[tokio::test(start_paused = true)]
async fn the_floor_is_told_to_those_who_watch_it_as_far_as_they_may_see() {
    let world = World::new();
    let (mut vera, mut ben) = (world.supervisor("Vera").await, world.agent("Ben").await);
    ben.be(Availability::Away).await;
    let floor = |message| match message {
        ServerMessage::Floor { floor } => Some(*floor),
        _ => None,
    };
    for client in [&mut vera, &mut ben] {
        client.say(ClientMessage::WatchFloor { on: true }).await;
        assert!(client.hear("the floor", floor).await.calls.is_empty());
    }
    let (mut buyer, mut agent, call) = world.call(false).await;
    agent.does(ClientMessage::SetHold { on: true }).await;
    let last = |heard: Vec<ServerMessage>| heard.into_iter().filter_map(floor).next_back().unwrap();
    let seen = last(vera.drain().await);
    assert_eq!((seen.calls[0].id, seen.calls[0].agent.as_str(), seen.calls[0].held), (call, "Anna", true));
    assert_eq!(seen.staff.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["Anna", "Ben"]);
    let seen = last(ben.drain().await);
    assert!(seen.calls.is_empty(), "agents see colleagues, not calls");
    assert_eq!(seen.staff[0].availability, Availability::Busy);
    vera.say(ClientMessage::WatchFloor { on: false }).await;
    vera.drain().await;
    buyer.say(ClientMessage::HangUp).await;
    assert!(vera.drain().await.iter().all(|message| !matches!(message, ServerMessage::Floor { .. })));
    buyer.say(ClientMessage::WatchFloor { on: true }).await;
    assert_eq!(code(&buyer.problem().await), "not_allowed");
}
