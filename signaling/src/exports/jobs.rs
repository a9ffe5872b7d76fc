//! The queue of exports: what was asked for is made, one after another, and goes when its time is up.
//!
//! What stands in the store is the truth. A restart finds what was being made and begins it anew; what a killed server
//! left in the folder is swept out. The file of an export lives at most as long as its recording's media.

use std::collections::HashMap;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use protocol::exports::{Export, ExportStatus, NewExport};
use protocol::ids::{ExportId, RecordingId, UserId};
use recorder::{IndexError, KeyWrap, Recorder, SealedReader, seal_file};
use tokio::io::AsyncWriteExt;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::ffmpeg::{Ffmpeg, FfmpegError, end_orphan};
use super::graph::{self, Words};
use super::plan::{Plan, Stretch};
use crate::floor::clock::timestamp;
use crate::store::{Store, StoreError};

/// Exports that may wait at once.
const OPEN_MAX: u64 = 100;
/// Between two looks for files whose time is up.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// How long an export that is cancelled may take to end, and how often it is looked whether it has.
const ENDING_MAX: Duration = Duration::from_secs(30);
const ENDING_LOOK: Duration = Duration::from_millis(20);
/// What a sealed export is called: its id and this.
const SEALED: &str = "mp4.sealed";

/// How exports are made and kept.
#[derive(Clone, Debug)]
pub struct ExporterConfig {
    /// Where they are made and kept.
    pub dir: PathBuf,
    /// The program.
    pub ffmpeg: Ffmpeg,
    /// How many are made at once.
    pub at_once: usize,
    /// How long a file is kept.
    pub keep: SignedDuration,
    /// With fewer free bytes than what the work needs and this, none is made.
    pub min_free: u64,
}

/// Why something that was asked for is not done.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Not that one.
    #[error("there is no such export")]
    Unknown,
    /// It stands in another way than it had to.
    #[error("the export is {0:?}")]
    WrongStatus(ExportStatus),
    /// Too many wait.
    #[error("{OPEN_MAX} exports wait already; try again when some are done")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file cannot be read.
    #[error("the file of the export cannot be read: {0}")]
    File(std::io::Error),
}

/// Why an export could not be made. The words are for whoever asked for it.
#[derive(Debug, thiserror::Error)]
enum MakeError {
    #[error("the recording was deleted")]
    RecordingGone,
    #[error("the recording still runs")]
    StillRuns,
    #[error("the recording has no media")]
    Empty,
    #[error("the recording cannot be read: {0}")]
    Recording(#[from] IndexError),
    #[error("{free_mb} MB are free on the server's disk, {needed_mb} MB are needed: make room and try again")]
    DiskFull { free_mb: u64, needed_mb: u64 },
    #[error("cannot {action}: {source}")]
    Disk { action: &'static str, source: std::io::Error },
    #[error(transparent)]
    Ffmpeg(#[from] FfmpegError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An export that is being made.
struct Job {
    cancel: watch::Sender<bool>,
    progress: Arc<AtomicU8>,
}

struct Inner {
    config: ExporterConfig,
    store: Store,
    recorder: Recorder,
    keys: Arc<dyn KeyWrap>,
    jobs: Mutex<HashMap<ExportId, Job>>,
    wake: Notify,
}

/// Makes and keeps exports. Clones share it.
#[derive(Clone)]
pub struct Exporter {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Exporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exporter").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

impl Exporter {
    /// Puts in order what an earlier run has left, and begins to make what waits. Aborting the task stops everything;
    /// what was being made is begun anew at the next start.
    ///
    /// # Errors
    /// When the store fails. A folder that cannot be used is told with each export.
    pub async fn start(
        config: ExporterConfig,
        store: Store,
        recorder: Recorder,
        keys: Arc<dyn KeyWrap>,
    ) -> Result<(Self, JoinHandle<()>), StoreError> {
        let (jobs, wake) = (Mutex::default(), Notify::new());
        let exporter = Self { inner: Arc::new(Inner { config, store, recorder, keys, jobs, wake }) };
        let (again, given_up) = exporter.inner.store.exports_interrupted().await?;
        if again + given_up > 0 {
            tracing::warn!(again, given_up, "exports were being made when the server was stopped");
        }
        exporter.inner.sweep_folder().await?;
        let inner = exporter.inner.clone();
        Ok((exporter, tokio::spawn(inner.work())))
    }

    /// Queues an export; who calls has seen to rights and reasons.
    ///
    /// # Errors
    /// When too many wait, or the store fails.
    pub async fn ask(
        &self,
        recording: RecordingId,
        new: NewExport,
        by: UserId,
        by_name: &str,
    ) -> Result<Export, RequestError> {
        self.inner.room().await?;
        let id = self.inner.store.add_export(recording, new, by, by_name).await?;
        tracing::info!(export = %id, %recording, user = %by, "an export was asked for");
        self.inner.wake.notify_one();
        self.get(id).await
    }

    /// One export, as it stands now.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub async fn get(&self, id: ExportId) -> Result<Export, RequestError> {
        let export = self.inner.store.export(id).await?.ok_or(RequestError::Unknown)?;
        Ok(self.inner.with_progress(export))
    }

    /// The exports of a recording, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of(&self, recording: RecordingId) -> Result<Vec<Export>, RequestError> {
        let exports = self.inner.store.exports_of(recording).await?;
        Ok(exports.into_iter().map(|export| self.inner.with_progress(export)).collect())
    }

    /// Cancels what waits or is being made, deletes the file of what is done. What has ended otherwise stays as it is.
    ///
    /// # Errors
    /// When there is none, the file cannot be deleted, or the store fails.
    pub async fn remove(&self, id: ExportId) -> Result<Export, RequestError> {
        let export = self.get(id).await?;
        match export.status {
            ExportStatus::Queued | ExportStatus::Running => {
                self.inner.store.export_ended(id, ExportStatus::Cancelled, None).await?;
                if let Some(job) = self.inner.jobs().get(&id) {
                    let _ = job.cancel.send(true);
                }
                tracing::info!(export = %id, "an export was cancelled");
            }
            ExportStatus::Done => {
                self.inner.delete_file(id).map_err(RequestError::File)?;
                self.inner.store.export_ended(id, ExportStatus::Deleted, None).await?;
                tracing::info!(export = %id, "an export was deleted");
            }
            ExportStatus::Failed | ExportStatus::Cancelled | ExportStatus::Deleted => {}
        }
        self.get(id).await
    }

    /// Stops making an export and deletes its file. When this returns, nothing is left of it but its row.
    ///
    /// # Errors
    /// When it cannot be stopped or its file not be deleted, or the store fails.
    pub async fn destroy(&self, id: ExportId) -> Result<(), RequestError> {
        let export = self.remove(id).await?;
        let ending = async {
            while self.inner.jobs().contains_key(&id) {
                tokio::time::sleep(ENDING_LOOK).await;
            }
        };
        match tokio::time::timeout(ENDING_MAX, ending).await {
            Ok(()) => delete_files(&self.inner.config.dir, id).map_err(RequestError::File),
            Err(_) => Err(RequestError::WrongStatus(export.status)),
        }
    }

    /// Makes an export anew that has ended without a file.
    ///
    /// # Errors
    /// When there is none, it waits, is being made or done, too many wait, or the store fails.
    pub async fn retry(&self, id: ExportId) -> Result<Export, RequestError> {
        let export = self.get(id).await?;
        self.inner.room().await?;
        // A cancelled one may not have noticed yet.
        let is_busy = self.inner.jobs().contains_key(&id);
        if is_busy || !self.inner.store.export_requeued(id).await? {
            return Err(RequestError::WrongStatus(export.status));
        }
        self.inner.wake.notify_one();
        self.get(id).await
    }

    /// The file of an export that is done.
    ///
    /// # Errors
    /// When there is none or it is not done, the recording's media was deleted, or the file cannot be read.
    pub async fn open(&self, id: ExportId) -> Result<(Export, SealedReader), RequestError> {
        let export = self.get(id).await?;
        if export.status != ExportStatus::Done {
            return Err(RequestError::WrongStatus(export.status));
        }
        if self.inner.is_over(&export, self.inner.store.now()).await? {
            self.inner.expire(&export).await?;
            return Err(RequestError::WrongStatus(ExportStatus::Deleted));
        }
        let path = self.inner.file(id);
        let reader = SealedReader::open(&*self.inner.keys, id.0, &path).await.map_err(RequestError::File)?;
        Ok((export, reader))
    }

    /// Deletes files whose time is up or whose recording is gone, now. It happens by itself every minute.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        self.inner.sweep().await
    }
}

impl Inner {
    fn jobs(&self) -> MutexGuard<'_, HashMap<ExportId, Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_progress(&self, mut export: Export) -> Export {
        if let (ExportStatus::Running, Some(job)) = (export.status, self.jobs().get(&export.id)) {
            export.progress = job.progress.load(Ordering::Relaxed);
        }
        export
    }

    async fn room(&self) -> Result<(), RequestError> {
        if self.store.exports_open().await? >= OPEN_MAX { Err(RequestError::TooMany) } else { Ok(()) }
    }

    fn file(&self, id: ExportId) -> PathBuf {
        self.config.dir.join(format!("{id}.{SEALED}"))
    }

    fn folder(&self, id: ExportId) -> PathBuf {
        self.config.dir.join(id.to_string())
    }

    fn delete_file(&self, id: ExportId) -> std::io::Result<()> {
        match std::fs::remove_file(self.file(id)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Makes what waits, as many at once as is set, until aborted.
    async fn work(self: Arc<Self>) {
        let mut making = JoinSet::new();
        let mut sweeps = tokio::time::interval(SWEEP_EVERY);
        let mut erased = self.recorder.erased();
        loop {
            if let Err(error) = self.begin(&mut making).await {
                tracing::warn!(%error, "exports wait for the store");
            }
            tokio::select! {
                () = self.wake.notified() => {}
                Some(_) = making.join_next() => {}
                // Somebody wanted the media gone: what was made of it goes at once.
                Ok(recording) = erased.recv() => {
                    if let Err(error) = self.forget(RecordingId(recording)).await {
                        tracing::warn!(%error, "exports of a deleted recording are deleted a little later");
                    }
                }
                _ = sweeps.tick() => {
                    if let Err(error) = self.sweep().await {
                        tracing::warn!(%error, "exports could not be swept; tried again");
                    }
                }
            }
        }
    }

    async fn begin(self: &Arc<Self>, making: &mut JoinSet<()>) -> Result<(), StoreError> {
        for export in self.store.exports_that_are(ExportStatus::Queued).await? {
            if making.len() >= self.config.at_once {
                return Ok(());
            }
            if self.jobs().contains_key(&export.id) || !self.store.export_begun(export.id).await? {
                continue;
            }
            let (cancel, cancelled) = watch::channel(false);
            let progress = Arc::<AtomicU8>::default();
            self.jobs().insert(export.id, Job { cancel, progress: progress.clone() });
            let inner = self.clone();
            making.spawn(async move {
                inner.one(export, &progress, cancelled).await;
            });
        }
        Ok(())
    }

    /// Makes one, and writes down what came of it.
    async fn one(&self, export: Export, progress: &Arc<AtomicU8>, mut cancelled: watch::Receiver<bool>) {
        let (id, recording) = (export.id, export.recording);
        let folder = self.folder(id);
        let made = tokio::select! {
            made = self.make(&export, &folder, progress) => Some(made),
            _ = cancelled.wait_for(|cancelled| *cancelled) => None,
        };
        // Whatever came of it, nothing unsealed stays.
        if let Err(error) = std::fs::remove_dir_all(&folder)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::error!(export = %id, folder = %folder.display(), %error, "unsealed media stays on the disk");
        }
        let written = match made {
            Some(Ok((bytes, duration_ms))) => {
                tracing::info!(export = %id, %recording, bytes, duration_ms, "an export is done");
                let expires_at = self.store.now().saturating_add(self.config.keep).unwrap_or(Timestamp::MAX);
                self.store.export_done(id, bytes, duration_ms, expires_at).await
            }
            Some(Err(error)) => {
                tracing::error!(export = %id, %recording, %error, "an export failed");
                self.store.export_ended(id, ExportStatus::Failed, Some(&error.to_string())).await
            }
            // Written down by whoever cancelled it.
            None => Ok(()),
        };
        if let Err(error) = written {
            tracing::error!(export = %id, %error, "the store does not hear of an export; it is begun anew at the next start");
        }
        self.jobs().remove(&id);
        // The recording may have been deleted in the last moment, or the export cancelled.
        if let Err(error) = self.settle(id).await {
            tracing::warn!(export = %id, %error, "an export could not be looked at again");
        }
    }

    async fn settle(&self, id: ExportId) -> Result<(), StoreError> {
        let export = self.store.export(id).await?;
        // None: the buyer was erased, and the row with them.
        let Some(export) = export.filter(|export| export.status == ExportStatus::Done) else {
            if let Err(error) = self.delete_file(id) {
                tracing::error!(export = %id, %error, "the file of an export nobody has stays on the disk");
            }
            return Ok(());
        };
        if self.is_over(&export, self.store.now()).await? {
            self.expire(&export).await?;
        }
        Ok(())
    }

    /// Makes the file: its length in bytes and in milliseconds.
    async fn make(
        &self,
        export: &Export,
        folder: &Path,
        progress: &Arc<AtomicU8>,
    ) -> Result<(u64, u64), MakeError> {
        let disk = |action| move |source| MakeError::Disk { action, source };
        let recording = export.recording;
        let row = self.store.recording(recording).await?.ok_or(MakeError::RecordingGone)?;
        let index = self.recorder.index(recording.0).await?;
        match (&index.erased, index.complete) {
            (Some(_), _) => return Err(MakeError::RecordingGone),
            (None, false) => return Err(MakeError::StillRuns),
            (None, true) if index.tracks.is_empty() => return Err(MakeError::Empty),
            (None, true) => {}
        }
        private_dir(&self.config.dir).map_err(disk("make the folder of exports"))?;
        let _ = std::fs::remove_dir_all(folder);
        private_dir(folder).map_err(disk("make a folder to work in"))?;
        // The tracks as they are, and what comes out twice: as it is made, and sealed.
        let needed = self.config.min_free + 4 * index.tracks.iter().map(|track| track.length).sum::<u64>();
        let free = free_bytes(folder).map_err(disk("learn how much of the disk is free"))?;
        if free < needed {
            let (free_mb, needed_mb) = (free / 1_000_000, needed.div_ceil(1_000_000));
            return Err(MakeError::DiskFull { free_mb, needed_mb });
        }
        let redactions: Vec<Stretch> = (export.redactions.iter())
            .map(|asked| Stretch { start_ms: asked.start_ms.into(), end_ms: asked.end_ms.into() })
            .collect();
        let plan = Plan::of(&index, &redactions);
        if plan.output_ms() == 0 {
            return Err(MakeError::Empty);
        }
        for (number, track) in plan.tracks.iter().enumerate() {
            self.unseal(recording, track, &folder.join(graph::input(number))).await?;
        }
        let ticket = row.ticket_number.as_deref().unwrap_or("Recording");
        let started = timestamp(index.started_at);
        let words = Words {
            title: format!("{ticket} · exported for {} on {}", export.by_name, started_on(export.created_at)),
            epoch_s: export.timestamps.then(|| started.as_second()),
        };
        let command = graph::command(&plan, &words);
        for (name, text) in &command.files {
            std::fs::write(folder.join(name), text).map_err(disk("write down what to draw"))?;
        }
        let (output_ms, ffmpeg) = (plan.output_ms(), &self.config.ffmpeg);
        ffmpeg.run(folder, &command.arguments, output_ms, progress).await?;
        let made = folder.join(graph::OUTPUT);
        let bytes = seal_file(&*self.keys, export.id.0, &made, &self.file(export.id)).await;
        Ok((bytes.map_err(disk("seal the export"))?, output_ms))
    }

    async fn unseal(&self, recording: RecordingId, track: &str, to: &Path) -> Result<(), MakeError> {
        let disk = |source| MakeError::Disk { action: "read a track", source };
        let mut reader = self.recorder.open_track(recording.0, track).await?;
        let mut file = tokio::fs::File::create(to).await.map_err(disk)?;
        let mut at = 0;
        while at < reader.length() {
            let piece = reader.read(at).await.map_err(disk)?;
            if piece.is_empty() {
                break;
            }
            at += piece.len() as u64;
            file.write_all(&piece).await.map_err(disk)?;
        }
        file.flush().await.map_err(disk)
    }

    /// Whether a file must go: its time is up, or the recording's media is no more.
    async fn is_over(&self, export: &Export, now: Timestamp) -> Result<bool, StoreError> {
        let is_late = export.expires_at.is_some_and(|expires_at| expires_at <= now);
        Ok(is_late || self.store.recording(export.recording).await?.is_none())
    }

    async fn expire(&self, export: &Export) -> Result<(), StoreError> {
        if let Err(error) = self.delete_file(export.id) {
            tracing::error!(export = %export.id, %error, "an export cannot be deleted; tried again");
            return Ok(());
        }
        self.store.export_ended(export.id, ExportStatus::Deleted, None).await?;
        tracing::info!(export = %export.id, recording = %export.recording, "an export was deleted: its time was up");
        Ok(())
    }

    async fn sweep(&self) -> Result<(), StoreError> {
        let now = self.store.now();
        for export in self.store.exports_that_are(ExportStatus::Done).await? {
            if self.is_over(&export, now).await? {
                self.expire(&export).await?;
            }
        }
        Ok(())
    }

    /// A recording's media was deleted: so is everything made of it, and nothing more is made.
    async fn forget(&self, recording: RecordingId) -> Result<(), StoreError> {
        for export in self.store.exports_of(recording).await? {
            match export.status {
                ExportStatus::Done => self.expire(&export).await?,
                ExportStatus::Queued | ExportStatus::Running => {
                    self.store.export_ended(export.id, ExportStatus::Cancelled, None).await?;
                    if let Some(job) = self.jobs().get(&export.id) {
                        let _ = job.cancel.send(true);
                    }
                }
                ExportStatus::Failed | ExportStatus::Cancelled | ExportStatus::Deleted => {}
            }
        }
        Ok(())
    }

    /// At start: nothing is in the folder but the files of exports that are done.
    async fn sweep_folder(&self) -> Result<(), StoreError> {
        let done = self.store.exports_that_are(ExportStatus::Done).await?;
        let kept: Vec<PathBuf> = done.iter().map(|export| self.file(export.id)).collect();
        for entry in std::fs::read_dir(&self.config.dir).into_iter().flatten().filter_map(Result::ok) {
            let path = entry.path();
            if kept.contains(&path) {
                continue;
            }
            let removed = if path.is_dir() {
                end_orphan(&path);
                std::fs::remove_dir_all(&path)
            } else {
                std::fs::remove_file(&path)
            };
            if let Err(error) = removed {
                tracing::error!(path = %path.display(), %error, "what an earlier run left of an export stays");
            }
        }
        for export in done {
            if !self.file(export.id).exists() {
                let error = "its file is missing on the server's disk";
                self.store.export_ended(export.id, ExportStatus::Deleted, Some(error)).await?;
            }
        }
        Ok(())
    }
}

/// Deletes what there is of an export on the disk.
///
/// # Errors
/// When it cannot be deleted.
pub fn delete_files(dir: &Path, id: ExportId) -> std::io::Result<()> {
    let there = |result: std::io::Result<()>| match result {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    there(std::fs::remove_file(dir.join(format!("{id}.{SEALED}"))))?;
    there(std::fs::remove_dir_all(dir.join(id.to_string())))
}

fn private_dir(dir: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn free_bytes(dir: &Path) -> std::io::Result<u64> {
    let space = rustix::fs::statvfs(dir)?;
    Ok(space.f_bavail.saturating_mul(space.f_frsize))
}

/// The day, by UTC.
fn started_on(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}
