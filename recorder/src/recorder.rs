//! The way in: opens the folder of recordings, starts, indexes and erases them.

use std::collections::{HashMap, HashSet};
use std::fs::{DirBuilder, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sfu::{NodeTime, TapReceiver};
use tokio::sync::{Notify, broadcast, watch};
use uuid::Uuid;

use crate::archive::{Archive, ArchiveRound, SealedFile};
use crate::condition::Progress;
use crate::erase::{erase_folder, forget_ids};
use crate::error::{EraseError, IndexError, OpenError, StartError};
use crate::index::fold;
use crate::known::{Contents, Known};
use crate::manifest::{self, Entry, ManifestFile};
use crate::model::{
    Erased, PauseSpec, Paused, Receipt, RecordingIndex, RecordingSpec, RecordingSummary, TrackSpec,
};
use crate::reader::TrackReader;
use crate::recovery::{Found, recover};
use crate::session::{Session, lock};
use crate::track::Settings;
use crate::vault::{KeyWrap, RecordingKey};

/// Locks for operations on one recording; two ids may share one.
const TURNS: usize = 64;

/// Erasures that may wait for whoever wants to hear of them.
const ERASED_MAX: usize = 256;

/// The archive looks around at least this often.
const ROUND_EVERY: Duration = Duration::from_secs(300);

/// After a failure it tries again after twice this, then less and less often.
const RETRY_FIRST: Duration = Duration::from_secs(5);

/// Settings of the recorder.
#[derive(Clone)]
pub struct RecorderConfig {
    /// Folder that holds one folder a recording. Made if missing.
    pub dir: PathBuf,
    /// Longest stretch of media that one fragment holds, at most 2 s. Default 1 s: what a crash may cost.
    pub fragment_max: Duration,
    /// How long a missing packet is waited for. Default 600 ms: two retransmissions over a slow path.
    pub reorder_wait: Duration,
    /// Asks video publishers for a key frame this often, so that seeking is quick. Default 4 s: to show a
    /// moment everything since the last key frame is decoded.
    pub keyframe_every: Duration,
    /// Wraps the recordings' keys.
    pub keys: Arc<dyn KeyWrap>,
    /// Where finished recordings go; `None`: they stay in `dir`.
    pub archive: Option<Archive>,
    /// With fewer free bytes in `dir` no recording begins. Default 1 GB: hours of calls that run already.
    pub min_free: u64,
}

impl RecorderConfig {
    /// Defaults for recordings under `dir`, their keys wrapped by `keys`.
    pub fn new(dir: impl Into<PathBuf>, keys: Arc<dyn KeyWrap>) -> Self {
        Self {
            dir: dir.into(),
            keys,
            archive: None,
            min_free: 1_000_000_000,
            fragment_max: Duration::from_secs(1),
            reorder_wait: Duration::from_millis(600),
            keyframe_every: Duration::from_secs(4),
        }
    }
}

/// The folder of recordings. Clones share it.
#[derive(Clone, Debug)]
pub struct Recorder {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: RecorderConfig,
    /// Manifests of finished ones.
    known: Known,
    /// Running recordings.
    live: Mutex<HashMap<Uuid, Arc<Session>>>,
    /// Starting and erasing one recording take turns, so that one of them clearly comes first.
    turns: [tokio::sync::Mutex<()>; TURNS],
    /// Held by the round of the archive that runs: two would send everything twice.
    archiving: tokio::sync::Mutex<()>,
    /// Recordings that leave the archive nothing to do, so that a round does not read their manifests again.
    pub(crate) settled: Mutex<HashSet<Uuid>>,
    /// How rounds of the archive went.
    pub(crate) progress: Mutex<Progress>,
    /// Something was finished or erased: a round of the archive has work.
    pub(crate) work: Arc<Notify>,
    /// Told of every recording whose media was erased.
    erased: broadcast::Sender<Uuid>,
    /// Keeps other processes from "recovering" what we are recording. Freed by the system if we die.
    _lock: File,
}

/// One running recording. Clones share it; it runs until [`RecordingHandle::stop`] or [`RecordingHandle::erase`].
#[derive(Clone, Debug)]
pub struct RecordingHandle {
    recorder: Recorder,
    session: Arc<Session>,
}

/// What [`Recorder::open`] found and finished.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RecoveryReport {
    /// Recordings in the folder.
    pub recordings: u32,
    /// Those a crash had left open; they are closed now.
    pub recovered: Vec<Uuid>,
    /// Bytes of torn tails cut off.
    pub bytes_cut: u64,
    /// Erasures a crash had interrupted; they are finished now.
    pub erased: Vec<Uuid>,
    /// Folders that could not be understood, with the reason; they are left as they are.
    pub unreadable: Vec<(PathBuf, String)>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").field("dir", &self.config.dir).finish_non_exhaustive()
    }
}

impl Recorder {
    /// Opens the folder and finishes what a crash left: cuts torn tails, closes manifests, completes erasures.
    ///
    /// # Errors
    /// When a setting is out of range, or the folder cannot be made, written or had alone.
    pub async fn open(config: RecorderConfig) -> Result<(Recorder, RecoveryReport), OpenError> {
        if !(Duration::from_millis(100)..=Duration::from_secs(2)).contains(&config.fragment_max) {
            return Err(OpenError::Setting {
                setting: "fragment_max",
                problem: "must be from 100 ms to 2 s",
            });
        }
        if config.reorder_wait > Duration::from_secs(2) {
            return Err(OpenError::Setting { setting: "reorder_wait", problem: "must be at most 2 s" });
        }
        if config.keyframe_every < Duration::from_secs(1) {
            return Err(OpenError::Setting { setting: "keyframe_every", problem: "must be at least 1 s" });
        }
        let dir = config.dir.clone();
        let opened = blocking(move || open_folder(&dir)).await;
        let (file, report) = opened.unwrap_or_else(|died| {
            Err(OpenError::Folder { dir: config.dir.clone(), action: "be read", source: died })
        })?;
        let inner = Inner {
            config,
            known: Known::default(),
            live: Mutex::default(),
            turns: std::array::from_fn(|_| tokio::sync::Mutex::new(())),
            archiving: tokio::sync::Mutex::new(()),
            settled: Mutex::default(),
            progress: Mutex::default(),
            work: Arc::default(),
            erased: broadcast::Sender::new(ERASED_MAX),
            _lock: file,
        };
        let inner = Arc::new(inner);
        if inner.config.archive.is_some() {
            tokio::spawn(keep_archiving(Arc::downgrade(&inner)));
        }
        Ok((Recorder { inner }, report))
    }

    /// Begins a recording. Nothing is written of any track before [`RecordingHandle::add_track`].
    ///
    /// # Errors
    /// When the id was used or erased before, or the disk refuses.
    pub async fn start(&self, spec: RecordingSpec) -> Result<RecordingHandle, StartError> {
        let id = spec.id;
        let recorder = self.clone();
        // A task of its own: a caller that goes away must not leave a half-made recording.
        let task = tokio::spawn(async move {
            let _turn = recorder.inner.turn(id).await;
            let folder = recorder.inner.folder(id);
            let (dir, needed) = (recorder.inner.config.dir.clone(), recorder.inner.config.min_free);
            let free = blocking(move || free_bytes(&dir)).await.and_then(|free| free);
            if let Ok(free) = free
                && free < needed
            {
                let (free_mb, needed_mb) = (free / 1_000_000, needed / 1_000_000);
                return Err(StartError::DiskFull { id, free_mb, needed_mb });
            }
            let started = spec.started;
            let refused = |source| StartError::Key { id, source };
            let bytes = RecordingKey::random().map_err(refused)?;
            let wrapped = recorder.inner.config.keys.wrap(id, &bytes).await.map_err(refused)?;
            let key = RecordingKey::new(id, &bytes);
            let made = blocking(move || make_folder(&folder, spec, &wrapped)).await;
            let manifest =
                made.unwrap_or_else(|source| Err(StartError::Io { id, action: "start", source }))?;
            let config = &recorder.inner.config;
            let settings = Settings {
                fragment_max_us: config.fragment_max.as_micros() as u64,
                reorder_wait_us: config.reorder_wait.as_micros() as u64,
                keyframe_every_us: config.keyframe_every.as_micros() as u64,
            };
            let session = Session::new(id, recorder.inner.folder(id), manifest, key, settings, started);
            lock(&recorder.inner.live).insert(id, session.clone());
            tracing::info!(recording = %id, "recording starts");
            Ok(RecordingHandle { recorder: recorder.clone(), session })
        });
        task.await.unwrap_or_else(|died| {
            Err(StartError::Io { id, action: "start", source: std::io::Error::other(died) })
        })
    }

    /// What a player needs; of a running recording, what is on disk so far.
    ///
    /// # Errors
    /// When there is no such recording, or its manifest cannot be read.
    pub async fn index(&self, id: Uuid) -> Result<RecordingIndex, IndexError> {
        Ok(self.contents(id).await?.index.clone())
    }

    /// Opens a track's media.
    ///
    /// # Errors
    /// When there is no such recording or track, its key cannot be had, or the disk refuses.
    pub async fn open_track(&self, id: Uuid, track: &str) -> Result<TrackReader, IndexError> {
        let no_track = || IndexError::NoTrack { id, track: track.to_owned() };
        let contents = self.contents(id).await?;
        // Only names that the manifest knows get any further: what comes from a URL never becomes a path.
        let found = contents.index.tracks.iter().find(|known| known.id == track).ok_or_else(no_track)?;
        let file = contents.file(track).ok_or_else(no_track)?;
        let wrapped = contents.key.as_ref().ok_or(IndexError::Damaged(id))?;
        let key = self.inner.config.keys.unwrap(id, wrapped).await;
        let key = key.map_err(|source| IndexError::Io { id, action: "unwrap its key", source })?;
        let sealed = match (tokio::fs::File::open(self.inner.folder(id).join(&file.name)).await, file.piece) {
            (Ok(file), _) => SealedFile::Local(file),
            (Err(error), Some(piece)) if error.kind() == ErrorKind::NotFound => {
                let archive = self.inner.config.archive.clone().ok_or(IndexError::NoArchive(id))?;
                SealedFile::Stored {
                    archive: archive.with_pieces_of(piece),
                    recording: id,
                    file: file.name.clone(),
                }
            }
            // Erased since we looked.
            (Err(error), None) if error.kind() == ErrorKind::NotFound => return Err(no_track()),
            (Err(source), _) => return Err(IndexError::Io { id, action: "open a track", source }),
        };
        Ok(TrackReader::new(sealed, file.number, RecordingKey::new(id, &key), found))
    }

    /// Deletes the media of a recording, running or finished, and leaves a manifest that says when and why.
    ///
    /// An id that does not exist (yet) is remembered as erased, so that a start under way at the same time loses.
    ///
    /// # Errors
    /// When the disk refuses: media may still be there, and the next [`Recorder::open`] tries again.
    pub async fn erase(&self, id: Uuid, reason: &str) -> Result<Erased, EraseError> {
        self.erase_session(id, reason, None).await
    }

    /// Every recording whose media is erased from now on, for whoever keeps something made of it. A listener that falls
    /// far behind misses some.
    pub fn erased(&self) -> broadcast::Receiver<Uuid> {
        self.inner.erased.subscribe()
    }

    /// Puts `instead` in the place of a buyer's ids in what is left of an erased recording: the receipts. Of a recording that
    /// was not erased nothing is changed.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn forget(&self, id: Uuid, ids: &[String], instead: &str) -> Result<(), EraseError> {
        let _turn = self.inner.turn(id).await;
        let (folder, ids, instead) = (self.inner.folder(id), ids.to_vec(), instead.to_owned());
        let forgot = blocking(move || forget_ids(&folder, &ids, &instead)).await;
        let forgot = forgot.unwrap_or_else(|died| Err(("forget a buyer", died)));
        forgot.map_err(|(action, source)| EraseError::Io { id, action, source })
    }

    /// Deletes what the archive has of an erased recording, now; rounds of the archive do it by themselves, too.
    ///
    /// # Errors
    /// When the archive cannot be reached, or none is set although media was stored in one.
    pub async fn purge(&self, id: Uuid) -> Result<(), EraseError> {
        let purged = self.inner.purge_now(id).await;
        purged.map_err(|source| EraseError::Io { id, action: "delete it from the archive", source })
    }

    async fn erase_session(
        &self,
        id: Uuid,
        reason: &str,
        session: Option<Arc<Session>>,
    ) -> Result<Erased, EraseError> {
        let (recorder, reason) = (self.clone(), reason.to_owned());
        // A task of its own: an erasure that has begun is carried through.
        let task = tokio::spawn(async move {
            let _turn = recorder.inner.turn(id).await;
            let session = session.or_else(|| lock(&recorder.inner.live).get(&id).cloned());
            let erased = match session {
                Some(session) => session.erase(reason).await,
                None => {
                    let folder = recorder.inner.folder(id);
                    let erased = blocking(move || erase_folder(&folder, id, &reason, wall_clock())).await;
                    erased.unwrap_or_else(|died| Err(("erase", died)))
                }
            };
            match &erased {
                Ok(erased) => {
                    lock(&recorder.inner.live).remove(&id);
                    recorder.inner.known.forget(id);
                    lock(&recorder.inner.settled).remove(&id);
                    recorder.inner.work.notify_one();
                    // Perhaps nobody wants to know.
                    let _ = recorder.inner.erased.send(id);
                    tracing::info!(recording = %id, files = erased.files, bytes = erased.bytes, "recording erased");
                }
                Err((action, error)) => tracing::error!(recording = %id, action, %error, "erasure failed"),
            }
            erased
        });
        let erased = task.await.unwrap_or_else(|died| Err(("erase", std::io::Error::other(died))));
        erased.map_err(|(action, source)| EraseError::Io { id, action, source })
    }

    /// Stops every running recording; for an orderly end of the process.
    pub async fn shutdown(&self) {
        let sessions: Vec<Arc<Session>> = lock(&self.inner.live).values().cloned().collect();
        let mut stops = tokio::task::JoinSet::new();
        for session in sessions {
            let handle = RecordingHandle { recorder: self.clone(), session };
            stops.spawn(async move { handle.stop().await });
        }
        stops.join_all().await;
    }

    /// One round of the archive, now: stores what is complete, purges what was erased. It happens by itself too, when
    /// a recording ends and every few minutes; without an archive there is nothing to do.
    pub async fn archive_round(&self) -> ArchiveRound {
        match &self.inner.config.archive {
            Some(archive) => self.inner.archive_round(archive).await,
            None => ArchiveRound::default(),
        }
    }

    async fn contents(&self, id: Uuid) -> Result<Arc<Contents>, IndexError> {
        let inner = self.inner.clone();
        let read = blocking(move || inner.known.read(id, &inner.folder(id))).await;
        match read.and_then(|read| read) {
            Ok(contents) => contents.ok_or(IndexError::Damaged(id)),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(IndexError::NotFound(id)),
            Err(source) => Err(IndexError::Io { id, action: "read the manifest", source }),
        }
    }
}

impl Inner {
    pub(crate) fn folder(&self, id: Uuid) -> PathBuf {
        self.config.dir.join(id.to_string())
    }

    pub(crate) async fn turn(&self, id: Uuid) -> tokio::sync::MutexGuard<'_, ()> {
        self.turns[(id.as_u128() % TURNS as u128) as usize].lock().await
    }

    pub(crate) async fn archiving(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.archiving.lock().await
    }

    pub(crate) fn is_live(&self, id: Uuid) -> bool {
        lock(&self.live).contains_key(&id)
    }
}

/// Rounds of the archive until the recorder is gone: at once when there is work, else every few minutes, and less often
/// while the store does not answer.
async fn keep_archiving(inner: Weak<Inner>) {
    let mut failures = 0u32;
    loop {
        let Some(recorder) = inner.upgrade() else { return };
        let Some(archive) = &recorder.config.archive else { return };
        let round = recorder.archive_round(archive).await;
        failures = if round.failed.is_empty() { 0 } else { failures + 1 };
        for (recording, why) in &round.failed {
            tracing::warn!(%recording, why, "not in the store yet, tried again");
        }
        let pause = if failures == 0 { ROUND_EVERY } else { RETRY_FIRST * 2u32.pow(failures.min(6)) };
        let work = recorder.work.clone();
        // Nobody waits for us: whoever drops the recorder frees the folder.
        drop(recorder);
        let work = async { if failures == 0 { work.notified().await } else { std::future::pending().await } };
        let _ = tokio::time::timeout(pause.min(ROUND_EVERY), work).await;
    }
}

/// Recordings in a folder.
pub(crate) fn list(dir: &Path) -> std::io::Result<Vec<Uuid>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        found.extend(entry?.file_name().to_str().and_then(|name| Uuid::try_parse(name).ok()));
    }
    found.sort();
    Ok(found)
}

/// What an ordinary user may still write where `dir` is.
pub(crate) fn free_bytes(dir: &Path) -> std::io::Result<u64> {
    let space = rustix::fs::statvfs(dir)?;
    Ok(space.f_bavail.saturating_mul(space.f_frsize))
}

impl RecordingHandle {
    /// Which recording this is.
    pub fn id(&self) -> Uuid {
        self.session.id
    }

    /// Adds a tap and returns the track's id. Its file begins with its first complete frame; the track ends with the
    /// tap. On a recording that has ended the tap is dropped.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn add_track(&self, spec: TrackSpec, tap: TapReceiver) -> String {
        self.session.add_track(spec, tap)
    }

    /// Adds the evidence of a choice made while the recording runs, or after it was erased.
    pub async fn add_receipt(&self, receipt: Receipt) {
        self.session.add_receipt(receipt).await;
    }

    /// Notes how the connections of the call were, in whatever form the caller has it, so that whoever reads the recording
    /// can tell a bad camera from a bad network.
    pub async fn add_quality(&self, points: serde_json::Value) {
        self.session.add_quality(points).await;
    }

    /// Writes no media from now on, whatever the taps bring, until [`RecordingHandle::resume`] or until the time given
    /// is over. That begins when this is first polled; when it returns, the manifest says so.
    ///
    /// While a pause lasts, another one takes its place, and no media is written between the two. One with the same
    /// reason by the same person goes on as the same pause, with the time given counted from now.
    pub async fn pause(&self, pause: PauseSpec) {
        self.session.pause(pause).await;
    }

    /// Goes on recording with media from now on. Nothing happens when no pause lasts.
    pub async fn resume(&self) {
        self.session.resume(false).await;
    }

    /// The same, when nobody ended the pause: whoever watches its time says that it is over.
    pub async fn time_out(&self) {
        self.session.resume(true).await;
    }

    /// The pause that lasts, and changes of it.
    pub fn paused(&self) -> watch::Receiver<Option<Paused>> {
        self.session.paused.subscribe()
    }

    /// Becomes `Some(why)` when the disk failed: nothing more is recorded, what was written stays.
    pub fn failed(&self) -> watch::Receiver<Option<String>> {
        self.session.failed.subscribe()
    }

    /// Writes what is still buffered, closes the files and the manifest. A second call returns the same; so does
    /// [`RecordingHandle::erase`] in between, with nothing left to tell of.
    pub async fn stop(&self) -> RecordingSummary {
        let (session, recorder) = (self.session.clone(), self.recorder.clone());
        let task = tokio::spawn(async move {
            let summary = session.stop().await;
            lock(&recorder.inner.live).remove(&session.id);
            recorder.inner.work.notify_one();
            summary
        });
        let nothing = || RecordingSummary { started_at: NodeTime(0), duration_ms: 0, bytes: 0, tracks: 0 };
        task.await.unwrap_or_else(|died| {
            tracing::error!(recording = %self.session.id, %died, "stopping a recording died");
            nothing()
        })
    }

    /// Consent withdrawn: stops the taps at once and deletes the media. When it returns, no byte of media is on disk.
    ///
    /// # Errors
    /// When the disk refuses: media may still be there, and the next [`Recorder::open`] tries again.
    pub async fn erase(&self, reason: &str) -> Result<Erased, EraseError> {
        self.recorder.erase_session(self.session.id, reason, Some(self.session.clone())).await
    }
}

/// Runs blocking work where it may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)
}

/// Node time without a node: only for lines about recordings that no longer run.
pub(crate) fn wall_clock() -> NodeTime {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    NodeTime(since_epoch.as_micros() as u64)
}

fn open_folder(dir: &Path) -> Result<(File, RecoveryReport), OpenError> {
    let refused =
        |action| move |source: std::io::Error| OpenError::Folder { dir: dir.to_owned(), action, source };
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(refused("make it"))?;
    let file = File::create(dir.join(".lock")).map_err(refused("write in it"))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => return Err(refused("lock it")(source)),
    }
    let mut report = RecoveryReport::default();
    for entry in std::fs::read_dir(dir).map_err(refused("list it"))? {
        let entry = entry.map_err(refused("list it"))?;
        let name = entry.file_name();
        let Some(id) = name.to_str().and_then(|name| Uuid::try_parse(name).ok()) else { continue };
        match recover(&entry.path(), id, wall_clock()) {
            Ok(Found::Empty) => continue,
            Ok(Found::Complete) => {}
            Ok(Found::Recovered { bytes_cut }) => {
                tracing::warn!(recording = %id, bytes_cut, "closed a recording that a crash had left open");
                report.recovered.push(id);
                report.bytes_cut += bytes_cut;
            }
            Ok(Found::Erased) => {
                tracing::warn!(recording = %id, "finished an erasure that a crash had interrupted");
                report.erased.push(id);
            }
            Err(problem) => {
                tracing::error!(recording = %id, problem, "cannot recover a recording");
                report.unreadable.push((entry.path(), problem));
            }
        }
        report.recordings += 1;
    }
    Ok((file, report))
}

fn make_folder(folder: &Path, spec: RecordingSpec, key: &[u8]) -> Result<ManifestFile, StartError> {
    let id = spec.id;
    // The media of people: nobody but this process's user reads it.
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let index = manifest::read(folder).ok().and_then(|(lines, _)| fold(id, &lines));
            let erased = index.is_some_and(|index| index.erased.is_some());
            return Err(if erased { StartError::Erased(id) } else { StartError::Exists(id) });
        }
        Err(source) => return Err(StartError::Io { id, action: "make its folder", source }),
    }
    let write = || {
        let mut manifest = ManifestFile::create(folder)?;
        let RecordingSpec { id, started, labels, receipts } = spec;
        let key = Some(BASE64.encode(key));
        manifest.append(started, Entry::Start { version: manifest::VERSION, id, started, labels, key })?;
        for receipt in receipts {
            manifest.append(started, Entry::Receipt { receipt })?;
        }
        manifest::sync_folder(folder)?;
        if let Some(parent) = folder.parent() {
            manifest::sync_folder(parent)?;
        }
        Ok(manifest)
    };
    write().map_err(|source| {
        let _ = std::fs::remove_dir_all(folder);
        StartError::Io { id, action: "write its manifest", source }
    })
}
