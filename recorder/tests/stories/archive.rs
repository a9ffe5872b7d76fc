//! Finished recordings go to a store; the store may go away, and nothing is lost and nothing waits for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use recorder::{Archive, OpenError, Recorder, RecorderConfig, StartError};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use sfu::{Codec, NodeTime, Source, TapEvent, TapPacket};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::media::{decode_cleanly, encode};
use crate::stage::{Keys, Recorded, STARTED, Sender, Stage, perfect, spec, through, unseal};

const PIECE: u64 = 20_000;

fn folder_store(dir: &Path) -> Archive {
    Archive::open(&format!("file://{}", dir.display()), []).unwrap().with_pieces_of(PIECE)
}

/// Two seconds of camera, recorded and still here.
async fn recorded() -> Recorded {
    let sender = Sender::new(Codec::Vp8, encode(Codec::Vp8, "testsrc2=size=320x240:rate=30", 2));
    Stage::new().await.record(Source::Camera, through(perfect, sender.sends())).await
}

/// The same folder, now with a store. Rounds are ours to begin: the recorder's own would meet the same files.
async fn with_store(recorded: Recorded, archive: Archive) -> (tempfile::TempDir, Recorder, Uuid) {
    let Stage { dir, recorder, handle, id, .. } = recorded.stage;
    drop((recorder, handle));
    let mut config = RecorderConfig::new(dir.path(), Arc::new(Keys));
    config.archive = Some(archive);
    (dir, open(config).await, id)
}

/// Opens a folder as soon as the recorder before has let it go: a round of its archive may be under way.
async fn open(config: RecorderConfig) -> Recorder {
    for _ in 0..1000 {
        match Recorder::open(config.clone()).await {
            Err(OpenError::InUse { .. }) => tokio::time::sleep(Duration::from_millis(10)).await,
            opened => return opened.unwrap().0,
        }
    }
    panic!("the folder is never let go")
}

fn local(dir: &tempfile::TempDir, id: Uuid) -> PathBuf {
    dir.path().join(id.to_string()).join("buyer-camera-1.webm")
}

fn objects(store: &Path, id: Uuid) -> Vec<PathBuf> {
    let folder = store.join(id.to_string()).join("buyer-camera-1.webm");
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// Rounds until the file is no longer here.
async fn stored(recorder: &Recorder, file: &Path) {
    for _ in 0..400 {
        recorder.archive_round().await;
        if !file.exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("never stored: {:?}", recorder.archive_round().await);
}

#[tokio::test]
async fn a_stored_track_plays_as_the_local_one_did_and_is_no_longer_here() {
    let (store, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let recorded = recorded().await;
    let before = std::fs::read(recorded.file("buyer-camera-1")).unwrap();
    let (dir, recorder, id) = with_store(recorded, folder_store(store.path())).await;
    stored(&recorder, &local(&dir, id)).await;
    assert!(objects(store.path(), id).len() > 2, "in pieces");

    let index = recorder.index(id).await.unwrap();
    let file = unseal(&recorder, id, &index.tracks[0], out.path()).await;
    assert_eq!(std::fs::read(&file).unwrap(), before);
    decode_cleanly(&file);
    // Seeking reads across the border of two pieces.
    let mut reader = recorder.open_track(id, "buyer-camera-1").await.unwrap();
    let at = index.tracks[0].fragments[1].bytes.offset + 7;
    let piece = reader.read(at).await.unwrap();
    assert_eq!(&piece[..], &before[at as usize..at as usize + piece.len()]);
}

#[tokio::test]
async fn an_upload_that_was_cut_off_goes_on_where_it_was_and_a_damaged_object_is_replaced() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let recorded = recorded().await;
    let sealed = std::fs::read(recorded.sealed.join("buyer-camera-1.webm")).unwrap();
    let (dir, recorder, id) = with_store(recorded, folder_store(first.path())).await;
    let file = local(&dir, id);
    stored(&recorder, &file).await;
    // The same upload to another store, of which all objects but the last are there, and one is damaged.
    let all = objects(first.path(), id);
    let folder = second.path().join(id.to_string()).join("buyer-camera-1.webm");
    std::fs::create_dir_all(&folder).unwrap();
    for object in &all[..all.len() - 1] {
        std::fs::copy(object, folder.join(object.file_name().unwrap())).unwrap();
    }
    let damaged = folder.join(all[1].file_name().unwrap());
    let mut bytes = std::fs::read(&damaged).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&damaged, bytes).unwrap();
    drop(recorder);
    // Its last round is over when the folder can be had.
    drop(open(RecorderConfig::new(dir.path(), Arc::new(Keys))).await);
    let manifest = dir.path().join(id.to_string()).join("manifest.jsonl");
    let lines = std::fs::read_to_string(&manifest).unwrap();
    let kept: Vec<&str> = lines.lines().filter(|line| !line.contains("\"what\":\"stored\"")).collect();
    std::fs::write(&manifest, kept.join("\n") + "\n").unwrap();
    std::fs::write(&file, sealed).unwrap();

    let mut config = RecorderConfig::new(dir.path(), Arc::new(Keys));
    config.archive = Some(folder_store(second.path()));
    let recorder = open(config).await;
    stored(&recorder, &file).await;
    for (here, there) in objects(first.path(), id).iter().zip(objects(second.path(), id)) {
        assert!(std::fs::read(here).unwrap() == std::fs::read(&there).unwrap(), "{}", there.display());
    }
}

#[tokio::test]
async fn an_erasure_empties_the_store_too() {
    let store = tempfile::tempdir().unwrap();
    let (dir, recorder, id) = with_store(recorded().await, folder_store(store.path())).await;
    stored(&recorder, &local(&dir, id)).await;
    recorder.erase(id, "withdrawn").await.unwrap();
    assert!(recorder.open_track(id, "buyer-camera-1").await.is_err());
    while !objects(store.path(), id).is_empty() {
        recorder.archive_round().await;
    }
    assert_eq!(recorder.archive_round().await, recorder::ArchiveRound::default(), "and is done with it");
}

#[tokio::test]
async fn a_full_disk_refuses_new_recordings_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = RecorderConfig::new(dir.path(), Arc::new(Keys));
    config.min_free = u64::MAX;
    let (recorder, _) = Recorder::open(config).await.unwrap();
    let refused = recorder.start(spec(Uuid::now_v7())).await.unwrap_err();
    assert!(matches!(refused, StartError::DiskFull { .. }), "{refused}");
    let condition = recorder.condition().await;
    assert!(condition.is_full() && condition.free.is_some() && condition.archive.is_none(), "{condition:?}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing but the lock");
}

/// A second of somebody who says nothing.
async fn voice(recorder: &Recorder) -> Uuid {
    let id = Uuid::now_v7();
    let handle = recorder.start(spec(id)).await.unwrap();
    let (tap, receiver) = sfu::tap_channel(1 << 10);
    let (side, source) = (recorder::Side::Buyer, Source::Microphone);
    handle
        .add_track(recorder::TrackSpec { party: Uuid::now_v7(), side, name: "Ada".into(), source }, receiver);
    for n in 0..50 {
        tap.send(TapEvent::Packet(TapPacket {
            arrival: NodeTime(STARTED.0 + n * 20_000),
            codec: Codec::Opus,
            sequence: n,
            timestamp: n as u32 * 960,
            marker: false,
            rotation: None,
            // A narrowband packet of 20 ms without sound (RFC 6716 §3.1).
            payload: Bytes::from_static(&[0x08, 0xff, 0xfe]),
        }));
    }
    drop(tap);
    assert_eq!(handle.stop().await.tracks, 1);
    id
}

#[tokio::test]
async fn recordings_that_can_never_be_stored_end_a_round_early_and_hold_up_no_others() {
    let (dir, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let recorder = open(RecorderConfig::new(dir.path(), Arc::new(Keys))).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(voice(&recorder).await);
    }
    drop(recorder);
    let file = |id: Uuid| dir.path().join(id.to_string()).join("buyer-microphone-1.mp4");
    // Of the first four the disk gives nothing back.
    for id in &ids[..4] {
        std::fs::remove_file(file(*id)).unwrap();
        std::fs::create_dir(file(*id)).unwrap();
    }
    let mut config = RecorderConfig::new(dir.path(), Arc::new(Keys));
    config.archive = Some(folder_store(store.path()));
    let recorder = open(config).await;
    // The recorder's own first round takes turns with ours.
    let round = recorder.archive_round().await;
    assert!(round.failed.len() <= 3, "three in a row say that it is not this recording or that: {round:?}");
    stored(&recorder, &file(ids[4])).await;
    let condition = recorder.condition().await.archive.unwrap();
    assert!(condition.waiting >= 1 && condition.waiting <= 4, "{condition:?}");
}

/// An S3 server on a port of ours, over a folder; it can go away and come back.
struct S3 {
    folder: tempfile::TempDir,
    port: u16,
    serving: Option<JoinSet<()>>,
}

impl S3 {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("calls")).unwrap();
        let mut server = Self { folder, port: 0, serving: None };
        server.comes_back().await;
        server
    }

    async fn comes_back(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.port = listener.local_addr().unwrap().port();
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(self.folder.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single("key", "secret"));
        let service = builder.build();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let service = service.clone();
                connections.spawn(async move {
                    let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        self.serving = Some(serving);
    }

    async fn goes_away(&mut self) {
        if let Some(mut serving) = self.serving.take() {
            serving.shutdown().await;
        }
    }

    fn archive(&self) -> Archive {
        let endpoint = format!("http://127.0.0.1:{}", self.port);
        let options = [
            ("aws_endpoint", endpoint.as_str()),
            ("aws_allow_http", "true"),
            ("aws_region", "eu-central-1"),
            ("aws_access_key_id", "key"),
            ("aws_secret_access_key", "secret"),
            ("aws_virtual_hosted_style_request", "false"),
        ];
        let options = options.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Archive::open("s3://calls/recordings", options).unwrap().with_pieces_of(PIECE)
    }
}

#[tokio::test]
async fn an_s3_store_that_goes_away_loses_nothing_and_a_recording_that_runs_does_not_notice() {
    let mut s3 = S3::new().await;
    let out = tempfile::tempdir().unwrap();
    let (dir, recorder, first) = with_store(recorded().await, s3.archive()).await;
    stored(&recorder, &local(&dir, first)).await;

    s3.goes_away().await;
    let second = Uuid::now_v7();
    let handle = recorder.start(spec(second)).await.unwrap();
    let (tap, receiver) = sfu::tap_channel(1 << 16);
    let track = recorder::TrackSpec {
        party: Uuid::now_v7(),
        side: recorder::Side::Buyer,
        name: "Ada".to_owned(),
        source: Source::Camera,
    };
    handle.add_track(track, receiver);
    let sender = Sender::new(Codec::Vp8, encode(Codec::Vp8, "testsrc2=size=320x240:rate=30", 2));
    for (_, event) in through(perfect, sender.sends()) {
        tap.send(event);
    }
    drop(tap);
    assert_eq!(handle.stop().await.tracks, 1);
    assert!(local(&dir, second).exists());
    let index = recorder.index(second).await.unwrap();
    decode_cleanly(&unseal(&recorder, second, &index.tracks[0], out.path()).await);

    s3.comes_back().await;
    stored(&recorder, &local(&dir, second)).await;
    for id in [first, second] {
        let index = recorder.index(id).await.unwrap();
        decode_cleanly(&unseal(&recorder, id, &index.tracks[0], out.path()).await);
    }
}
