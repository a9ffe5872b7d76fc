//! The archive is away for twenty minutes and the database for ten of them, while calls are recorded: on virtual time,
//! with the real recorder on a real disk.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path as FilePath, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use protocol::call::RecordingState;
use protocol::ids::RecordingId;
use recorder::{Archive, Recorder, RecorderConfig};
use sea_orm_migration::async_trait;
use sfu::{Codec, NodeTime, TapEvent, TapPacket};

use super::*;
use crate::auth::MasterKey;
use crate::floor::adapters::HeldRecorder;
use crate::floor::clock::node_time;
use crate::floor::journal::QUEUE_MAX;
use crate::floor::ports::Fact;
use crate::store::Store;

const MINUTE: Duration = Duration::from_secs(60);

/// An object store that can go away, and keep something else than it was given.
#[derive(Debug, Default)]
struct Moody {
    inner: InMemory,
    away: AtomicBool,
    /// Requests while it was away.
    asked: AtomicU32,
    /// The next object is not what was sent.
    spoils: AtomicBool,
}

impl Moody {
    fn answer(&self) -> Result<()> {
        if !self.away.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.asked.fetch_add(1, Ordering::Relaxed);
        Err(object_store::Error::Generic { store: "moody", source: "connection refused".into() })
    }
}

impl fmt::Display for Moody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("moody")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Moody {
    async fn put_opts(&self, to: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.answer()?;
        let spoilt = PutPayload::from(vec![7; payload.content_length()]);
        let payload = if self.spoils.swap(false, Ordering::Relaxed) { spoilt } else { payload };
        self.inner.put_opts(to, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.answer()?;
        self.inner.put_multipart_opts(to, options).await
    }

    async fn get_opts(&self, from: &Path, options: GetOptions) -> Result<GetResult> {
        self.answer()?;
        self.inner.get_opts(from, options).await
    }

    fn delete_stream(&self, what: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(what)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.answer()?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.answer()?;
        self.inner.copy_opts(from, to, options).await
    }
}

/// Both say something for half a second.
async fn speak(world: &World, zero: (NodeTime, tokio::time::Instant), sequence: &mut u64) {
    for _ in 0..25 {
        let elapsed_us = zero.1.elapsed().as_micros() as u64;
        world.model.speak(&TapEvent::Packet(TapPacket {
            arrival: NodeTime(zero.0.0 + elapsed_us),
            codec: Codec::Opus,
            sequence: *sequence,
            timestamp: (elapsed_us * 48 / 1_000) as u32,
            marker: false,
            rotation: None,
            // A CELT frame of 20 ms (RFC 6716 §3.1).
            payload: Bytes::from(vec![0xF8; 80]),
        }));
        *sequence += 1;
        sleep(Duration::from_millis(20)).await;
    }
}

fn media(folder: &FilePath) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "mp4")).collect()
}

#[tokio::test]
async fn an_archive_away_for_twenty_minutes_and_a_database_for_ten_cost_nothing() {
    const CALLS: usize = 8;
    let dir = tempfile::tempdir().unwrap();
    let archive = Arc::new(Moody::default());
    archive.away.store(true, Ordering::Relaxed);
    archive.spoils.store(true, Ordering::Relaxed);
    let mut config = RecorderConfig::new(dir.path(), Arc::new(MasterKey::generate()));
    config.archive = Some(Archive::of(archive.clone(), Path::default()).with_pieces_of(1_000));
    config.min_free = 0;
    let store = Store::in_memory().await.unwrap();
    let (recorder, _) = Recorder::open(config).await.unwrap();
    let recordings = Arc::new(HeldRecorder { recorder: recorder.clone(), store });
    // The database's thread is not needed any more, so nobody waits for something that time does not know of.
    tokio::time::pause();
    let world = World::with_recorder(Arc::default(), recordings, QueueSettings::new("support", "Support"));
    world.model.store_away.store(true, Ordering::Relaxed);
    let zero = (node_time("2026-11-21T10:00:00Z".parse().unwrap()), tokio::time::Instant::now());

    // A call every two and a half minutes.
    let (mut sequence, mut waiting_max) = (65_536, 0);
    for n in 1..=CALLS as u64 {
        let (mut buyer, mut agent, _) = world.call(true).await;
        buyer.sees_when("recording", |call| call.recording == RecordingState::On).await;
        speak(&world, zero, &mut sequence).await;
        buyer.say(ClientMessage::Chat { text: format!("call {n}") }).await;
        buyer.say(ClientMessage::HangUp).await;
        agent.sees(CallState::WrapUp).await;
        tokio::time::sleep_until(zero.1 + 5 * MINUTE * n as u32 / 2).await;
        waiting_max = waiting_max.max(world.floor.metrics().journal.waiting.get());
        if n == 4 {
            assert!(world.model.facts().is_empty(), "ten minutes without a database");
            world.model.store_away.store(false, Ordering::Relaxed);
        }
    }

    // The database has heard everything, once and in order; what waited was counted facts and no media.
    let metrics = &world.floor.metrics().journal;
    assert_eq!((metrics.waiting.get(), metrics.lost.get()), (0, 0));
    assert!(waiting_max > 30 && waiting_max < 100 && waiting_max < QUEUE_MAX as i64, "{waiting_max}");
    assert!(metrics.retries.get() <= 130, "one attempt in five seconds: {}", metrics.retries.get());
    let facts = world.model.facts();
    let mut told: BTreeMap<RecordingId, Vec<&str>> = BTreeMap::new();
    for fact in &facts {
        match fact {
            Fact::RecordingStarted { recording, .. } => told.entry(*recording).or_default().push("started"),
            Fact::RecordingFinished { recording, duration_ms } => {
                assert!((400..600).contains(duration_ms), "{duration_ms}");
                told.entry(*recording).or_default().push("finished");
            }
            _ => {}
        }
    }
    assert_eq!(told.len(), CALLS);
    assert!(told.values().all(|told| told[..] == ["started", "finished"]), "{told:?}");
    let count = |which: fn(&Fact) -> bool| facts.iter().filter(|fact| which(fact)).count();
    for which in [
        (|fact| matches!(fact, Fact::Requested { .. })) as fn(&Fact) -> bool,
        |fact| matches!(fact, Fact::Accepted { .. }),
        |fact| matches!(fact, Fact::Chose { .. }),
        |fact| matches!(fact, Fact::Said { .. }),
        |fact| matches!(fact, Fact::Ended { .. }),
    ] {
        assert_eq!(count(which), CALLS);
    }

    // Everything is still here. The archive was asked less and less often, however many were waiting.
    for id in told.keys() {
        assert_eq!(media(&dir.path().join(id.to_string())).len(), 2);
    }
    let condition = recorder.condition().await.archive.unwrap();
    assert!(condition.failing_for.unwrap() >= 15 * MINUTE, "{condition:?}");
    assert!(condition.waiting >= 7 && condition.trouble.unwrap().contains("connection refused"));
    let asked = archive.asked.load(Ordering::Relaxed);
    assert!((8..=30).contains(&asked), "{asked} requests in twenty minutes");

    // It is back, and lies once: what it did not keep as it was sent is sent again before the local file goes.
    archive.away.store(false, Ordering::Relaxed);
    sleep(12 * MINUTE).await;
    assert!(!archive.spoils.load(Ordering::Relaxed));
    let condition = recorder.condition().await.archive.unwrap();
    assert_eq!((condition.waiting, condition.failing_for), (0, None));
    for id in told.keys() {
        assert!(media(&dir.path().join(id.to_string())).is_empty());
        for track in recorder.index(id.0).await.unwrap().tracks {
            let mut reader = recorder.open_track(id.0, &track.id).await.unwrap();
            let mut read = 0;
            while let Some(piece) = Some(reader.read(read).await.unwrap()).filter(|piece| !piece.is_empty()) {
                read += piece.len() as u64;
            }
            assert_eq!(read, track.length, "whole, and opened with its key");
        }
    }
    world.floor.shutdown().await;
}
