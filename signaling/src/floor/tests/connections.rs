//! Connections that break, and people who come back or do not.

use protocol::call::{EndReason, Side};

use super::*;

fn present(view: &CallView, side: Side) -> bool {
    view.parties.iter().find(|party| party.side == side).unwrap().present
}

#[tokio::test(start_paused = true)]
async fn an_agents_reload_in_the_middle_keeps_the_call_without_a_second_ring() {
    let world = World::new();
    let (mut buyer, mut agent, call) = world.call(true).await;
    let old = agent.participant();
    buyer.drain().await;

    let ServerMessage::Welcome { call: running, ring, staff, resumed, .. } = agent.reload().await else {
        panic!("no welcome");
    };
    assert!(!present(&buyer.sees(CallState::Connected).await, Side::Agent));
    assert!(present(&buyer.sees(CallState::Connected).await, Side::Agent));
    let running = running.unwrap();
    assert_eq!((running.id, running.state), (call, CallState::Connected));
    assert!(running.context.is_some() && ring.is_none() && !resumed);
    assert_eq!(staff.unwrap().availability, Availability::Busy);

    let slots = agent.offer().await;
    assert_eq!(slots.iter().filter(|slot| slot.shows.is_some()).count(), 3);
    settle().await;
    let new = agent.participant();
    assert_ne!(new, old);
    assert!(!world.model.is_here(old));
    assert_eq!(world.model.shown_to(buyer.participant()).into_values().collect::<Vec<_>>(), [new; 3]);
    assert!(world.model.are_linked(buyer.participant(), new));
    assert_eq!(buyer.shown().await.len(), 3);

    let deeds = world.model.deeds();
    let at = |deed: &Deed| {
        deeds.iter().rposition(|theirs| theirs == deed).unwrap_or_else(|| panic!("no {deed:?}"))
    };
    let tapped = at(&Deed::Tapped(new, sfu::Source::Camera));
    let shown = at(&Deed::Attached { from: new, source: sfu::Source::Camera, to: buyer.participant() });
    assert!(tapped < shown && shown < at(&Deed::Left(old)), "{deeds:?}");
    assert_eq!(deeds.iter().filter(|deed| **deed == Deed::RecordingStarted).count(), 1, "one timeline");
    let heard = agent.drain().await;
    assert!(!heard.iter().any(|m| matches!(m, ServerMessage::Ring { .. })), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn a_buyer_who_comes_back_within_the_grace_time_is_still_in_the_call() {
    let world = World::new();
    let (mut buyer, mut agent, call) = world.call(false).await;
    agent.drain().await;
    buyer.lose().await;
    sleep(Duration::from_secs(29)).await;
    let ServerMessage::Welcome { call: running, .. } = buyer.reload().await else { panic!("no welcome") };
    assert_eq!(running.unwrap().id, call);
    assert!(!present(&agent.sees(CallState::Connected).await, Side::Buyer));
    assert!(present(&agent.sees(CallState::Connected).await, Side::Buyer));
    sleep(Duration::from_secs(60)).await;
    assert!(agent.drain().await.is_empty(), "the old timer means nothing any more");
}

#[tokio::test(start_paused = true)]
async fn a_buyer_who_does_not_come_back_ends_the_call() {
    let world = World::new();
    let (mut buyer, mut agent, _) = world.call(false).await;
    buyer.lose().await;
    let lost = tokio::time::Instant::now();
    let over = agent.sees(CallState::WrapUp).await;
    assert_eq!(over.end_reason, Some(EndReason::BuyerLost));
    assert_eq!(lost.elapsed().as_secs_f64().round(), 30.0);
    settle().await;
    assert!(!world.model.is_here(buyer.participant()));
}

#[tokio::test(start_paused = true)]
async fn who_lost_their_agent_is_told_and_goes_to_the_head_of_the_line() {
    let world = World::new();
    let (mut buyer, mut agent, call) = world.call(false).await;
    let mut other = world.buyer().await;
    other.ask(false).await;
    agent.lose().await;
    let over = buyer.sees(CallState::Ended).await;
    assert_eq!(over.end_reason, Some(EndReason::AgentLost));
    buyer.ask(false).await;
    assert_eq!(buyer.place().await.position, 1);

    let welcome = agent.reload().await;
    let ServerMessage::Welcome { call: owed, staff, .. } = welcome else { panic!("{welcome:?}") };
    assert_eq!(owed.unwrap().state, CallState::WrapUp, "the agent still owes the wrap-up");
    assert_eq!(staff.unwrap().availability, Availability::Busy);
    world.floor.wrapped_up(call).await;
    agent.is(Availability::Away).await;
}

#[tokio::test(start_paused = true)]
async fn a_waiting_buyer_keeps_the_place_over_a_reload_and_loses_it_after_the_grace_time() {
    let world = World::new();
    let mut first = world.buyer().await;
    let call = first.ask(false).await;
    let mut second = world.buyer().await;
    second.ask(false).await;
    let ServerMessage::Welcome { call: waiting, .. } = first.reload().await else { panic!("no welcome") };
    assert_eq!(waiting.unwrap().id, call);
    assert_eq!(first.place().await.position, 1);
    first.lose().await;
    let mut agent = world.agent("Anna").await;
    assert_ne!(agent.rung().await.call, call, "nobody is rung for somebody who is not there");
    sleep(Duration::from_secs(31)).await;
    assert_eq!(world.floor.metrics().ended.with_label_values(&["abandoned"]).get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_resumes_with_exactly_what_was_missed() {
    let world = World::new();
    let (mut buyer, mut agent, _) = world.call(false).await;
    buyer.drain().await;
    let seen = buyer.last_seq;
    buyer.lose().await;
    for text in ["one", "two"] {
        agent.say(ClientMessage::Chat { text: text.into() }).await;
    }
    settle().await;
    let welcome = buyer.resume().await;
    assert!(matches!(welcome, ServerMessage::Welcome { resumed: true, .. }), "{welcome:?}");
    assert_eq!(buyer.last_seq, seen, "the numbers go on where the client was");
    let mut texts = Vec::new();
    let mut seqs = Vec::new();
    for _ in 0..3 {
        let message = buyer.next().await;
        seqs.push(buyer.last_seq - seen);
        if let ServerMessage::Chat { line, .. } = message {
            texts.push(line.text);
        }
    }
    // Between the two lines and the last there is the view that says "not present", which is history by now.
    assert_eq!((seqs, texts), (vec![1, 2, 3], vec!["one".to_owned(), "two".to_owned()]));
    let last = buyer.drain().await;
    let Some(ServerMessage::Call { call }) = last.last() else { panic!("{last:?}") };
    assert!(present(call, Side::Buyer));
}

#[tokio::test(start_paused = true)]
async fn a_resume_with_a_wrong_token_or_after_the_grace_time_starts_afresh() {
    let world = World::new();
    let mut buyer = world.buyer().await;
    buyer.lose().await;
    let token = std::mem::replace(&mut buyer.token, "guess".into());
    assert!(matches!(buyer.resume().await, ServerMessage::Welcome { resumed: false, .. }));
    buyer.token = token;
    buyer.lose().await;
    sleep(Duration::from_secs(31)).await;
    assert!(matches!(buyer.resume().await, ServerMessage::Welcome { resumed: false, call: None, .. }));
    assert_eq!(buyer.last_seq, 1, "another session, another count");
    assert!(!world.model.is_here(buyer.participant()));
}

#[tokio::test(start_paused = true)]
async fn a_second_connection_of_the_same_person_replaces_the_first() {
    let world = World::new();
    let (mut buyer, mut agent, call) = world.call(false).await;
    agent.drain().await;
    let mut second = Client::connect(&world.floor, buyer.identity.clone(), None).await;
    let ServerMessage::Welcome { call: running, .. } = second.welcomed().await else { panic!("no welcome") };
    assert_eq!(running.unwrap().id, call);
    assert_eq!(buyer.dismissed().await, Farewell::Replaced);
    // What the first connection still has to say counts for nothing, not even its end.
    buyer.say(ClientMessage::HangUp).await;
    buyer.lose().await;
    assert!(agent.drain().await.is_empty());
    second.say(ClientMessage::HangUp).await;
    agent.sees(CallState::WrapUp).await;
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_dies_empties_the_other_sides_slots_until_there_is_another() {
    let world = World::new();
    let (mut buyer, mut agent, _) = world.call(false).await;
    agent.drain().await;
    let left = sfu::Event::Left { participant: buyer.participant(), reason: sfu::LeaveReason::Timeout };
    world.media_events.send(left).await.unwrap();
    assert_eq!(agent.shown().await, []);
    buyer.offer().await;
    assert_eq!(agent.shown().await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn logging_out_ends_the_connection_and_the_call_waits_for_the_grace_time() {
    let world = World::new();
    let (mut buyer, mut agent, _) = world.call(false).await;
    let Identity::Staff(me) = agent.identity.clone() else { panic!("an agent is staff") };
    world.floor.logged_out(me.id).await;
    assert_eq!(agent.dismissed().await, Farewell::LoggedOut);
    buyer.sees_when("the agent gone", |call| !present(call, Side::Agent)).await;
    // Another login takes the call up again.
    let ServerMessage::Welcome { call, .. } = agent.reload().await else { panic!("no welcome") };
    assert_eq!(call.unwrap().state, CallState::Connected);
    world.floor.logged_out(UserId::new()).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_disconnected_and_may_come_back() {
    let world = World::new();
    let (mut buyer, mut agent, _) = world.call(false).await;
    buyer.drain().await;
    for n in 0..crate::floor::session::OUTLET_MAX {
        agent.say(ClientMessage::Chat { text: n.to_string() }).await;
        agent.drain().await;
    }
    agent.say(ClientMessage::Chat { text: "one too many".into() }).await;
    assert_eq!(buyer.dismissed().await, Farewell::TooSlow);
    agent.sees_when("the buyer gone", |call| !present(call, Side::Buyer)).await;
    let ServerMessage::Welcome { call, .. } = buyer.reload().await else { panic!("no welcome") };
    assert_eq!(call.unwrap().chat.len(), crate::floor::call::CHAT_LINES_MAX);
}
