//! Fills an empty data directory with recorded calls that never were, for looking at lists and for tests of them:
//! `cargo run --package signaling --example fill -- <data dir> <calls>`, before the server starts.
//!
//! The calls go through the store as real ones do, and their media through the recorder: silence, with a gap as long as
//! the call. Everything follows from the number of a call, so two runs differ in ids only.
#![allow(clippy::unwrap_used, reason = "a tool for tests: a panic is its report")]

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use protocol::call::{BuyerContext, EndReason, Product, Role};
use protocol::ids::{BuyerSessionId, CallId, RecordingId, UserId};
use protocol::rating::{NewRating, Stars};
use protocol::rest::WrapUp;
use recorder::{Recorder, RecorderConfig, RecordingSpec, Side, TrackSpec};
use sfu::{Codec, NodeTime, Source, TapEvent, TapPacket, tap_channel};
use signaling::auth::{MasterKey, password};
use signaling::store::{NewCall, NewUser, Store};
use uuid::Uuid;

const AGENTS: [&str; 5] = ["Ada Winter", "Ben Okafor", "Chiara Conti", "Dmitri Orlov", "Eva Lindqvist"];
const MARKETS: [(&str, &str); 5] =
    [("AT", "de-AT"), ("DE", "de"), ("FR", "fr"), ("AE", "ar"), ("GB", "en-GB")];
const PRODUCTS: [(&str, &str); 5] = [
    ("LAMP-01", "Aurora floor lamp"),
    ("DESK-07", "Fjord standing desk with a drawer and a very long name"),
    ("CHAIR-3", "Kiruna armchair"),
    ("KIT-12", "مصباح المطبخ"),
    ("RUG-200", "Teppich „Nordsee“"),
];
const OUTCOMES: [&str; 5] =
    ["answered", "transport_damage", "product_defect", "return_or_refund", "advice_purchase"];
const NOTES: [&str; 4] = [
    "Corner crushed, replacement sent.",
    "Asked how to turn it off.",
    "Screws were missing; sent a bag of them.",
    "Wants to think about it.",
];
const COMMENTS: [&str; 3] = ["Very patient, thank you!", "It took far too long.", "Schnell und freundlich."];
/// One silent Opus packet of 20 ms.
const SILENCE: [u8; 3] = [0xf8, 0xff, 0xfe];

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(dir), Some(calls)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: fill <data dir> <calls>");
        std::process::exit(2);
    };
    let dir = Path::new(&dir);
    std::fs::create_dir_all(dir).unwrap();
    let master = MasterKey::load(&dir.join("master.key")).unwrap();
    let store = Store::open(&dir.join("vitrine.sqlite"), master.clone()).await.unwrap();
    let config = RecorderConfig::new(dir.join("recordings"), Arc::new(master));
    let (recorder, _) = Recorder::open(config).await.unwrap();
    let mut agents = Vec::new();
    for name in AGENTS {
        let new = NewUser {
            email: format!("{}@fill.example", name.to_lowercase().replace(' ', ".")),
            name: name.to_owned(),
            role: Role::Agent,
            password_hash: password::hash(&Uuid::now_v7().to_string()),
        };
        agents.push(store.add_user(new).await.unwrap());
    }
    for n in 0..calls.parse::<usize>().unwrap() {
        call(&store, &recorder, &agents, n).await;
    }
    store.close().await.unwrap();
}

/// Call number `n`; later numbers are older calls.
async fn call(store: &Store, recorder: &Recorder, agents: &[UserId], n: usize) {
    let began = Timestamp::now() - SignedDuration::from_mins(7 + 143 * n as i64);
    let seconds = 25 + (n as u64 * 397) % 2_300;
    let (id, session, recording) = (CallId::new(), BuyerSessionId::new(), RecordingId::new());
    let (country, language) = MARKETS[n * 3 % MARKETS.len()];
    let (sku, product) = PRODUCTS[n * 7 % PRODUCTS.len()];
    // Some agents have more calls than others.
    let agent = agents[[0, 1, 0, 2, 0, 3, 1, 0, 4, 2, 0][n % 11]];
    let context = BuyerContext {
        subject: format!("buyer-{n}"),
        name: Some("Jana".to_owned()),
        language: language.to_owned(),
        country: Some(country.to_owned()),
        product: Some(Product { sku: sku.to_owned(), name: product.to_owned(), ..Product::default() }),
        ..BuyerContext::default()
    };
    // One of the queues is the one that is there without any in the settings.
    let queue = if n % 4 == 2 { "returns" } else { "support" }.to_owned();
    store.insert_call(NewCall { id, session, queue, context, requested_at: began }).await.unwrap();
    store.call_accepted(id, agent, began).await.unwrap();
    store.recording_started(recording, id, began).await.unwrap();
    let length = media(recorder, recording, began, seconds).await;
    store.recording_finished(recording, u32::try_from(length).unwrap()).await.unwrap();
    let ended = began + SignedDuration::from_secs(seconds as i64);
    store.call_ended(id, ended, EndReason::BuyerHungUp).await.unwrap();
    if n % 11 != 3 {
        let outcome = OUTCOMES[n % OUTCOMES.len()].to_owned();
        let notes = NOTES[n % NOTES.len()].to_owned();
        store.wrap_up(id, WrapUp { outcome, notes }, agent).await.unwrap();
    }
    if n % 3 != 1 {
        let stars = Stars::try_from([5, 4, 1, 5, 3, 2, 4][n % 7]).unwrap();
        let comment = n.is_multiple_of(5).then(|| COMMENTS[n % COMMENTS.len()].to_owned());
        store.rate(id, session, NewRating { stars, comment }).await.unwrap();
    }
}

/// Silence at the beginning and at the end of both voices; answers the length, milliseconds.
async fn media(recorder: &Recorder, id: RecordingId, began: Timestamp, seconds: u64) -> u64 {
    let started = NodeTime(began.as_microsecond() as u64);
    let spec = RecordingSpec {
        id: id.0,
        started,
        labels: serde_json::json!({ "filled": true }),
        receipts: Vec::new(),
    };
    let handle = recorder.start(spec).await.unwrap();
    for (side, name) in [(Side::Buyer, "Jana"), (Side::Agent, "Agent")] {
        let (tap, receiver) = tap_channel(1 << 10);
        let track =
            TrackSpec { party: Uuid::now_v7(), side, name: name.to_owned(), source: Source::Microphone };
        handle.add_track(track, receiver);
        let begin = 0..100u64;
        let end = seconds * 50 - 100..seconds * 50;
        for (sequence, packet) in (1_u64..).zip(begin.chain(end)) {
            let event = TapEvent::Packet(TapPacket {
                arrival: NodeTime(started.0 + packet * 20_000),
                codec: Codec::Opus,
                sequence,
                timestamp: (packet * 960) as u32,
                marker: false,
                rotation: None,
                payload: Bytes::from_static(&SILENCE),
            });
            assert!(tap.send(event), "the recorder keeps up");
        }
    }
    handle.stop().await.duration_ms
}
