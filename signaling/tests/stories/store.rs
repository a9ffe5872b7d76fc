//! What the floor tells the store, and what a restart finds.

use jiff::SignedDuration;
use protocol::call::{BuyerContext, CallState, ChatLine, EndReason, Role};
use protocol::ids::{BuyerSessionId, CallId, PartyId, RecordingId};
use signaling::auth::MasterKey;
use signaling::store::{NewApiKey, NewCall, NewUser, NewUserError, RowState, Store, StoreError};

use crate::world::World;

fn requested(world: &World) -> NewCall {
    NewCall {
        id: CallId::new(),
        session: BuyerSessionId::new(),
        queue: "returns".into(),
        context: BuyerContext { subject: "b".into(), language: "en".into(), ..BuyerContext::default() },
        requested_at: world.now(),
    }
}

#[tokio::test]
async fn accepting_gives_each_call_one_number_however_often_it_is_told() {
    let world = World::new().await;
    let (agent, _) = world.staff("Mina", Role::Agent).await;
    let (first, second) = (requested(&world), requested(&world));
    let store = &world.store;
    store.insert_call(first.clone()).await.unwrap();
    store.insert_call(second.clone()).await.unwrap();
    let ticket = store.call_accepted(first.id, agent, world.now()).await.unwrap();
    assert_eq!(ticket.number, "V-1001");
    world.pass(SignedDuration::from_secs(5));
    assert_eq!(store.call_accepted(first.id, agent, world.now()).await.unwrap(), ticket);
    let (call, _) = store.call(first.id).await.unwrap().unwrap();
    assert_eq!(call.accepted_at, Some(first.requested_at), "the first time counts");
    assert_eq!(store.call_accepted(second.id, agent, world.now()).await.unwrap().number, "V-1002");
    let unknown = store.call_accepted(CallId::new(), agent, world.now()).await;
    assert!(matches!(unknown, Err(StoreError::Missing { what: "call", .. })), "{unknown:?}");
}

#[tokio::test]
async fn a_call_that_nobody_took_ends_without_a_ticket() {
    let world = World::new().await;
    let call = requested(&world);
    world.store.insert_call(call.clone()).await.unwrap();
    world.store.call_requeued(call.id).await.unwrap();
    world.store.call_ended(call.id, world.now(), EndReason::Abandoned).await.unwrap();
    world.pass(SignedDuration::from_secs(5));
    world.store.call_ended(call.id, world.now(), EndReason::ServerStopped).await.unwrap();
    let (call, agent) = world.store.call(call.id).await.unwrap().unwrap();
    assert_eq!((call.state, call.end_reason, agent), (CallState::Ended, Some(EndReason::Abandoned), None));
    assert_eq!(call.ticket, None);
}

#[tokio::test]
async fn a_restart_finds_what_was_open_and_keeps_the_tickets() {
    let dir = tempfile::tempdir().unwrap();
    let (file, key) = (dir.path().join("v.sqlite"), dir.path().join("master.key"));
    let world = World::new().await;
    let (waiting, talking) = (requested(&world), requested(&world));
    let recording = RecordingId::new();
    {
        let store = Store::open(&file, MasterKey::load(&key).unwrap()).await.unwrap();
        let new = NewUser {
            email: "m@example.com".into(),
            name: "Mina".into(),
            role: Role::Agent,
            password_hash: "x".into(),
        };
        let agent = store.add_user(new).await.unwrap();
        store.insert_call(waiting.clone()).await.unwrap();
        store.insert_call(talking.clone()).await.unwrap();
        store.call_accepted(talking.id, agent, world.now()).await.unwrap();
        store.recording_started(recording, talking.id, world.now()).await.unwrap();
        let line = ChatLine { number: 1, from: PartyId::new(), text: "hello".into(), at: world.now() };
        store.add_chat(talking.id, line.from, "Jana", &line).await.unwrap();
        // No close: the process was killed.
    }
    let store = Store::open(&file, MasterKey::load(&key).unwrap()).await.unwrap();
    let open = store.open_calls().await.unwrap();
    let states: Vec<_> = open.iter().map(|call| (call.id, call.state, call.agent.is_some())).collect();
    assert_eq!(states, [(waiting.id, CallState::Waiting, false), (talking.id, CallState::Connected, true)]);
    assert_eq!(store.recording_rows().await.unwrap()[0].state, RowState::Open);
    for call in &open {
        store.call_ended(call.id, world.now(), EndReason::ServerStopped).await.unwrap();
    }
    store.recording_finished(recording, 1_234).await.unwrap();
    assert_ne!(store.recording_rows().await.unwrap()[0].state, RowState::Open);
    let (call, _) = store.call(talking.id).await.unwrap().unwrap();
    assert_eq!((call.state, call.recording), (CallState::WrapUp, Some(recording)));
    store.call_closed(talking.id).await.unwrap();
    assert!(store.open_calls().await.unwrap().is_empty());
    let chat = store.chat_of(talking.id).await.unwrap();
    assert_eq!((chat[0].0.as_str(), chat[0].1.text.as_str()), ("Jana", "hello"));
}

#[tokio::test]
async fn many_writers_at_once_get_numbers_without_gaps() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("v.sqlite"), MasterKey::generate()).await.unwrap();
    let new = NewUser {
        email: "m@example.com".into(),
        name: "M".into(),
        role: Role::Agent,
        password_hash: "x".into(),
    };
    let agent = store.add_user(new).await.unwrap();
    let world = World::new().await;
    let tasks = (0..20).map(|_| {
        let (store, call) = (store.clone(), requested(&world));
        tokio::spawn(async move {
            store.insert_call(call.clone()).await.unwrap();
            store.call_accepted(call.id, agent, call.requested_at).await.unwrap().number
        })
    });
    let mut numbers: Vec<String> = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        numbers.push(task.await.unwrap());
    }
    numbers.sort();
    let wanted: Vec<String> = (1001..=1020).map(|number| format!("V-{number}")).collect();
    assert_eq!(numbers, wanted);
}

#[tokio::test]
async fn an_address_has_one_account() {
    let world = World::new().await;
    world.staff("Mina", Role::Agent).await;
    let again = NewUser {
        email: "MINA@lumen.example".into(),
        name: "Other".into(),
        role: Role::Admin,
        password_hash: "x".into(),
    };
    let refused = world.store.add_user(again).await;
    assert!(matches!(refused, Err(NewUserError::EmailTaken(ref email)) if email == "mina@lumen.example"));
}

#[tokio::test]
async fn a_database_without_its_master_key_gives_no_secret_away() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("v.sqlite");
    let secret = b"very secret indeed".to_vec();
    {
        let store = Store::open(&file, MasterKey::generate()).await.unwrap();
        let key = NewApiKey {
            id: "key_a".into(),
            shop: "a".into(),
            shop_name: "A".into(),
            answered_by: "A".into(),
            secret: secret.clone(),
        };
        store.put_api_key(key).await.unwrap();
        assert_eq!(store.api_key("key_a").await.unwrap().unwrap().secret, secret);
        store.close().await.unwrap();
    }
    let store = Store::open(&file, MasterKey::generate()).await.unwrap();
    assert!(matches!(store.api_key("key_a").await, Err(StoreError::WrongMasterKey(_))));
    let bytes = std::fs::read(&file).unwrap();
    assert!(!bytes.windows(secret.len()).any(|window| window == secret), "the secret stands in the file");
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_that_are_given_up_take_nothing_along() {
    let world = World::new().await;
    let call = requested(&world);
    world.store.insert_call(call.clone()).await.unwrap();
    // Each asks without end and is given up a little later in its question than the one before.
    for round in 0..500 {
        let store = world.store.clone();
        let asking = tokio::spawn(async move { while store.call(call.id).await.unwrap().is_some() {} });
        for _ in 0..round * 20 {
            std::hint::spin_loop();
        }
        asking.abort();
        assert!(asking.await.unwrap_err().is_cancelled(), "the call was not found in round {round}");
        assert!(world.store.call(call.id).await.unwrap().is_some(), "lost in round {round}");
    }
}
