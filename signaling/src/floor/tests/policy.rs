//! Recorded is what the people's countries and the queue allow, and nothing else.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use protocol::call::{Obstacle, RecordingState};
use protocol::rest::RecordedSide;

use super::*;
use crate::floor::ports::Fact;
use crate::queues::Record;
use crate::recording_policy::Rule;

/// A shop whose French calls are never recorded.
fn shop() -> World {
    World::with_regions(Regions::new([("FR".to_owned(), Rule::Never)].into()))
}

fn own(recording: bool) -> ClientMessage {
    let consent = ConsentChoice { recording, text_version: "staff 3".into(), language: "en".into() };
    ClientMessage::SetConsent { consent }
}

fn buyers(recording: bool) -> ClientMessage {
    ClientMessage::SetConsent { consent: choice(recording) }
}

/// A call between a buyer of one country and an agent of another.
struct Two {
    buyer: Client,
    agent: Client,
    ring: Ring,
}

async fn two(
    world: &World,
    from: Option<&str>,
    at: Option<&str>,
    buyer_agrees: bool,
    agent: Option<bool>,
) -> Two {
    let mut buyer = world.connect(buyer_from(from)).await;
    buyer.offer().await;
    let mut anna = world.connect(staff_in("Anna", Role::Agent, at)).await;
    anna.offer().await;
    if let Some(agrees) = agent {
        anna.does(own(agrees)).await;
    }
    anna.be(Availability::Available).await;
    buyer.ask(buyer_agrees).await;
    let ring = anna.rung().await;
    anna.say(ClientMessage::Accept { call: ring.call }).await;
    anna.sees(CallState::Connected).await;
    settle().await;
    Two { buyer, agent: anna, ring }
}

#[tokio::test(start_paused = true)]
async fn where_everybody_must_agree_the_agent_is_told_what_is_missing_and_it_begins_when_they_do() {
    let world = shop();
    let Two { mut buyer, mut agent, ring } = two(&world, Some("DE"), None, true, None).await;
    assert_eq!((ring.recording, ring.obstacles), (false, vec![Obstacle::Agent]));
    assert!(world.model.stores().is_err());
    agent.say(own(true)).await;
    let receipt = agent
        .hear("the receipt", |message| match message {
            ServerMessage::OwnConsent { receipt } => Some(receipt),
            _ => None,
        })
        .await;
    assert_eq!((receipt.side, receipt.subject), (RecordedSide::Agent, agent.user().to_string()));
    let view = agent.sees_when("recording", |call| call.recording == RecordingState::On).await;
    assert_eq!(view.obstacles, []);
    let seen = buyer.sees_when("recording", |call| call.recording == RecordingState::On).await;
    assert_eq!(seen.obstacles, [], "who has not agreed is not the buyer's business");

    // Both receipts are with the call and in the manifest.
    let facts = world.model.facts();
    let sides: Vec<RecordedSide> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Chose { receipt, .. } => Some(receipt.side),
            _ => None,
        })
        .collect();
    assert_eq!(sides, [RecordedSide::Buyer, RecordedSide::Agent]);
    assert_eq!(*world.model.receipts.lock().unwrap(), [true, true]);
}

#[tokio::test(start_paused = true)]
async fn an_agent_is_asked_once_and_what_they_said_holds_for_calls_to_come() {
    let world = shop();
    let Two { mut buyer, mut agent, ring } = two(&world, Some("AT"), Some("US"), true, Some(true)).await;
    assert!(ring.recording, "the stricter country is the agent's, and the agent has agreed");
    assert_eq!(world.model.stores(), Ok(()));
    buyer.say(ClientMessage::HangUp).await;
    agent.sees(CallState::WrapUp).await;
    let ServerMessage::Welcome { staff: Some(me), .. } = agent.reload().await else { panic!("no welcome") };
    assert!(me.consent.is_some_and(|receipt| receipt.recording));
}

#[tokio::test(start_paused = true)]
async fn an_agent_who_takes_it_back_ends_the_recording_and_deletes_nothing() {
    let world = shop();
    let Two { mut buyer, mut agent, .. } = two(&world, Some("AT"), None, true, None).await;
    assert_eq!(world.model.stores(), Ok(()), "in Austria the buyer's yes is enough");
    agent.say(own(false)).await;
    // Views from before the recording began may still be on their way.
    let view = agent.sees_when("what is missing", |call| !call.obstacles.is_empty()).await;
    assert_eq!((view.recording, view.obstacles), (RecordingState::Stopped, vec![Obstacle::Agent]));
    settle().await;
    let deeds = world.model.deeds();
    assert!(deeds.contains(&Deed::RecordingStopped) && !deeds.contains(&Deed::RecordingErased));
    assert_eq!(*world.model.receipts.lock().unwrap(), [true, false], "the manifest says why it ends");
    buyer.does(buyers(true)).await;
    assert!(world.model.stores().is_err(), "not against the agent's word in this call");
    agent.does(own(true)).await;
    assert_eq!(world.model.stores(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn an_agent_who_refused_before_the_call_is_not_recorded_where_nobody_asked_them() {
    let world = shop();
    let Two { mut buyer, mut agent, ring } = two(&world, Some("AT"), Some("AT"), true, Some(false)).await;
    assert_eq!((ring.recording, ring.obstacles), (false, vec![Obstacle::Agent]), "the ring says so already");
    assert!(world.model.stores().is_err());
    buyer.does(buyers(true)).await;
    assert!(world.model.stores().is_err(), "and no word of the buyer changes that");

    // It holds for the next call too, until they think better of it.
    buyer.say(ClientMessage::HangUp).await;
    let call = agent.sees(CallState::WrapUp).await.id;
    world.floor.wrapped_up(call).await;
    buyer.offer().await;
    buyer.ask(true).await;
    let call = agent.rung().await.call;
    agent.say(ClientMessage::Accept { call }).await;
    let seen = agent.sees(CallState::Connected).await;
    assert_eq!(seen.obstacles, [Obstacle::Agent]);
    settle().await;
    assert!(world.model.stores().is_err());
    agent.does(own(true)).await;
    assert_eq!(world.model.stores(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn the_buyers_withdrawal_takes_what_the_agents_has_left() {
    let world = shop();
    let Two { mut buyer, mut agent, .. } = two(&world, Some("DE"), None, true, Some(true)).await;
    assert_eq!(world.model.stores(), Ok(()));
    agent.does(own(false)).await;
    assert!(!world.model.deeds().contains(&Deed::RecordingErased));
    buyer.sees_when("that something is stored", |call| call.recording == RecordingState::Stopped).await;
    buyer.say(buyers(false)).await;
    buyer.sees_when("deleted", |call| call.recording == RecordingState::Deleted).await;
    let erased = world.model.deeds().iter().filter(|deed| **deed == Deed::RecordingErased).count();
    assert_eq!(erased, 1);
    let deleted = |fact: &Fact| matches!(fact, Fact::RecordingDeleted { reason: "consent_withdrawn", .. });
    settle().await;
    assert!(world.model.facts().iter().any(deleted));
}

#[tokio::test(start_paused = true)]
async fn a_choice_while_it_rings_is_seen_at_the_ring() {
    let world = shop();
    let mut buyer = world.connect(buyer_from(Some("US"))).await;
    let mut agent = world.agent("Anna").await;
    buyer.ask(false).await;
    assert_eq!(agent.rung().await.obstacles, [Obstacle::Buyer, Obstacle::Agent]);
    buyer.say(buyers(true)).await;
    assert_eq!(agent.rung().await.obstacles, [Obstacle::Agent]);
    agent.say(own(true)).await;
    let ring = agent.rung().await;
    assert_eq!((ring.recording, ring.obstacles), (true, vec![]));
}

#[tokio::test(start_paused = true)]
async fn what_is_never_recorded_needs_no_choice_and_what_may_be_does() {
    let world = shop();
    let mut buyer = world.connect(buyer_from(Some("AT"))).await;
    buyer.say(ClientMessage::RequestHelp { consent: None }).await;
    let problem = buyer.problem().await;
    assert_eq!((code(&problem), problem.field.as_deref()), ("field_invalid", Some("consent")));
    let mut agent = world.agent("Anna").await;
    let mut french = world.connect(buyer_from(Some("FR"))).await;
    french.say(ClientMessage::RequestHelp { consent: None }).await;
    let ring = agent.rung().await;
    assert_eq!((ring.recording, ring.obstacles), (false, vec![Obstacle::Region]));
    let chose = |fact: &Fact| matches!(fact, Fact::Chose { .. });
    assert!(!world.model.facts().iter().any(chose), "nobody chose anything");
}

#[tokio::test(start_paused = true)]
async fn words_for_agents_are_not_those_for_buyers() {
    let world = shop();
    let mut agent = world.agent("Anna").await;
    agent.say(buyers(true)).await;
    let problem = agent.problem().await;
    assert_eq!(code(&problem), "unknown_consent_text");
    assert!(problem.detail.contains("staff 3"), "{problem:?}");
    let mut reviewer = world.connect(staff("Rita", Role::Reviewer)).await;
    reviewer.say(own(true)).await;
    assert_eq!(code(&reviewer.problem().await), "not_allowed", "nobody records who takes no calls");
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Buyer(bool),
    Agent(bool),
    Hold(bool),
    Reload,
    CallAgain(bool),
    Wait,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any::<bool>().prop_map(Step::Buyer),
        3 => any::<bool>().prop_map(Step::Agent),
        1 => any::<bool>().prop_map(Step::Hold),
        1 => Just(Step::Reload),
        2 => any::<bool>().prop_map(Step::CallAgain),
        1 => Just(Step::Wait),
    ]
}

const COUNTRIES: [Option<&str>; 6] = [None, Some("AT"), Some("DE"), Some("US"), Some("FR"), Some("JP")];

/// What a lawyer with a sheet of paper would say: everybody whose consent is needed has agreed, and nobody refused.
fn allowed(from: Option<&str>, at: Option<&str>, queue: Record, buyer: bool, agent: Option<bool>) -> bool {
    let strict = |country: Option<&str>| matches!(country, Some("DE" | "US"));
    let never = [from, at].contains(&Some("FR")) || queue == Record::Never;
    buyer && !never && agent.unwrap_or(!(strict(from) || strict(at)))
}

async fn play(from: Option<&str>, at: Option<&str>, queue: Record, steps: Vec<Step>) {
    let rules = RecordingRules { record: queue, ..RecordingRules::default() };
    let regions = Regions::new([("FR".to_owned(), Rule::Never)].into());
    let world =
        World::with_policy(QueueSettings { recording: rules, ..QueueSettings::new("q", "Q") }, regions);
    let Two { mut buyer, agent: mut anna, .. } = two(&world, from, at, true, None).await;
    let (mut buyer_agrees, mut agent) = (true, None);
    for step in steps {
        match step {
            Step::Buyer(yes) => {
                buyer.say(buyers(yes)).await;
                buyer_agrees = yes;
            }
            Step::Agent(yes) => {
                anna.say(own(yes)).await;
                agent = Some(yes);
            }
            Step::Hold(on) => anna.say(ClientMessage::SetHold { on }).await,
            Step::Reload => {
                anna.reload().await;
                anna.offer().await;
            }
            Step::CallAgain(yes) => {
                buyer.say(ClientMessage::HangUp).await;
                let call = anna.sees(CallState::WrapUp).await.id;
                world.floor.wrapped_up(call).await;
                buyer.offer().await;
                buyer.ask(yes).await;
                let call = anna.rung().await.call;
                anna.say(ClientMessage::Accept { call }).await;
                buyer_agrees = yes;
            }
            Step::Wait => sleep(Duration::from_secs(7)).await,
        }
        settle().await;
        settle().await;
        let may = allowed(from, at, queue, buyer_agrees, agent);
        let about = format!("{step:?}: buyer {from:?} {buyer_agrees}, agent {at:?} {agent:?}, {queue:?}");
        assert_eq!(world.model.stores().is_ok(), may, "{about}");
    }
    world.floor.shutdown().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, rng_seed: RngSeed::Fixed(2026), ..ProptestConfig::default() })]
    #[test]
    fn a_recording_runs_in_no_state_that_the_policy_forbids_and_in_every_one_it_allows(
        from in prop::sample::select(COUNTRIES.to_vec()),
        at in prop::sample::select(COUNTRIES.to_vec()),
        never in prop::bool::weighted(0.1),
        steps in prop::collection::vec(step(), 1..25),
    ) {
        let queue = if never { Record::Never } else { Record::WithConsent };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(play(from, at, queue, steps));
    }
}
