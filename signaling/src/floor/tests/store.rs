//! The floor with the real store behind it, on real time: the database answers from a thread of its own.

use std::sync::Arc;
use std::time::Duration;

use protocol::call::EndReason;
use protocol::ids::{ReceiptId, RecordingId};
use protocol::rest::ConsentReceipt;
use recorder::{Recorder, RecorderConfig, RecordingSpec};
use serde_json::json;

use super::*;
use crate::auth::MasterKey;
use crate::floor::adapters::{Recovered, recover};
use crate::floor::clock::node_time;
use crate::floor::session::Person;
use crate::reconcile::Reconciler;
use crate::store::{NewBuyerVisit, NewCall, NewUser, Store};

/// A store that knows one agent and one buyer.
async fn store() -> (Store, Identity, Identity) {
    let store = Store::in_memory().await.unwrap();
    let (email, name, role) = ("anna@shop.example".to_owned(), "Anna".to_owned(), Role::Agent);
    let password_hash = String::new();
    let new = NewUser { email: email.clone(), name: name.clone(), role, password_hash };
    let id = store.add_user(new).await.unwrap();
    let agent = Identity::Staff(Me {
        id,
        email,
        name,
        role,
        country: None,
        rights: crate::auth::rights_of(role),
        queues: None,
    });
    let buyer = buyer();
    let Identity::Buyer { session, context } = &buyer else { unreachable!() };
    let visit = NewBuyerVisit {
        id: *session,
        token: "secret".into(),
        shop: "lumen".into(),
        answered_by: "Lumen".into(),
        language: "de".into(),
        context: (**context).clone(),
        expires_at: store.now() + Duration::from_secs(3600),
    };
    store.insert_buyer_session(visit).await.unwrap();
    (store, agent, buyer)
}

#[tokio::test]
async fn a_call_leaves_its_story_in_the_store() {
    let (store, agent, buyer) = store().await;
    let world = World::with_ledger(Settings::default(), Arc::default(), Arc::new(store.clone()));
    let mut buyer = world.connect(buyer).await;
    let mut agent = world.connect(agent).await;
    agent.be(Availability::Available).await;
    buyer.ask(true).await;
    let call = agent.rung().await.call;
    agent.say(ClientMessage::Accept { call }).await;
    // Which of the two comes first is up to the database.
    let complete = |call: &CallView| call.ticket.is_some() && call.recording_id.is_some();
    let ticket = agent.sees_when("ticket and recording", complete).await.ticket.unwrap();
    assert_eq!(ticket.number, "V-1001");
    buyer.say(ClientMessage::Chat { text: "It blinks.".into() }).await;
    buyer.say(ClientMessage::HangUp).await;
    agent.sees(CallState::WrapUp).await;
    // Everything that was noted is written before a shutdown returns.
    world.floor.shutdown().await;

    let (ticket, _) = store.ticket(ticket.id).await.unwrap().unwrap();
    assert_eq!(
        (ticket.call.state, ticket.call.end_reason),
        (CallState::WrapUp, Some(EndReason::BuyerHungUp))
    );
    assert!(ticket.receipts.len() == 1 && ticket.receipts[0].recording);
    let recording = ticket.recording.unwrap();
    assert!(recording.complete && recording.duration_ms == 4_200);
    assert_eq!(store.chat_of(call).await.unwrap()[0].0, "Mara");
}

#[tokio::test]
async fn what_a_crash_has_left_is_closed_at_the_next_start() {
    let (store, agent, buyer) = store().await;
    let dir = tempfile::tempdir().unwrap();
    let (Person::Staff(agent), Person::Buyer(session)) = (agent.person(), buyer.person()) else {
        unreachable!()
    };
    let now = store.now();
    let call = |n: u64| NewCall {
        id: CallId::new(),
        session,
        queue: "support".into(),
        context: BuyerContext::default(),
        requested_at: now - Duration::from_secs(n),
    };
    let (waiting, connected) = (call(60), call(90));
    let ids = (waiting.id, connected.id);
    for call in [waiting, connected] {
        store.insert_call(call).await.unwrap();
    }
    store.call_accepted(ids.1, agent, now - Duration::from_secs(80)).await.unwrap();
    // One recording that the buyer withdrew from a moment before the crash, a later one that they agreed to again,
    // and one whose folder somebody has deleted.
    let (withdrawn, kept, missing) = (RecordingId::new(), RecordingId::new(), RecordingId::new());
    let ago = |seconds: u64| now - Duration::from_secs(seconds);
    {
        let (recorder, _) =
            Recorder::open(RecorderConfig::new(dir.path(), Arc::new(MasterKey::generate()))).await.unwrap();
        for (id, began) in [(withdrawn, ago(80)), (kept, ago(40))] {
            let spec =
                RecordingSpec { id: id.0, started: node_time(began), labels: json!({}), receipts: vec![] };
            recorder.start(spec).await.unwrap();
            store.recording_started(id, ids.1, began).await.unwrap();
        }
        recorder.shutdown().await;
    }
    store.recording_started(missing, ids.1, ago(20)).await.unwrap();
    for (recording, at) in [(true, ago(80)), (false, ago(50)), (true, ago(40))] {
        let receipt = ConsentReceipt {
            id: ReceiptId::new(),
            side: protocol::rest::RecordedSide::Buyer,
            subject: "b-17".into(),
            recording,
            text_version: "7".into(),
            text_sha256: "5ha".into(),
            language: "de".into(),
            purpose: "quality_review".into(),
            at,
        };
        store.add_receipt(ids.1, receipt).await.unwrap();
    }

    let (recorder, _) =
        Recorder::open(RecorderConfig::new(dir.path(), Arc::new(MasterKey::generate()))).await.unwrap();
    let mut reconciler = Reconciler::new(store.clone(), recorder.clone());
    let found = recover(&store, &mut reconciler).await.unwrap();
    assert_eq!(found, Recovered { calls: 2, recordings: 3 });
    for id in [ids.0, ids.1] {
        let (summary, _) = store.call(id).await.unwrap().unwrap();
        assert_eq!((summary.state, summary.end_reason), (CallState::Ended, Some(EndReason::ServerStopped)));
        assert!(summary.ended_at.unwrap() <= store.now());
    }
    assert!(store.recording(kept).await.unwrap().unwrap().complete);
    assert!(store.recording(missing).await.unwrap().is_none());
    assert!(store.recording(withdrawn).await.unwrap().is_none());
    assert!(recorder.index(withdrawn.0).await.unwrap().erased.is_some());
    assert!(recorder.index(kept.0).await.unwrap().erased.is_none());
    let again = recover(&store, &mut reconciler).await.unwrap();
    assert_eq!(again, Recovered::default(), "nothing is left to do");
}
