//! One running recording: its tasks, its clocks, its end.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sfu::{Kind, NodeTime, Source, TapEvent, TapReceiver};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;

use crate::erase::erase_folder;
use crate::index::fold;
use crate::manifest::{self, Entry, ManifestFile, StopReason};
use crate::model::{Erased, PauseSpec, Paused, Receipt, RecordingSummary, Side, TrackSpec};
use crate::timeline::PartyClock;
use crate::track::{Output, Settings, Track};
use crate::vault::RecordingKey;
use crate::writer::TrackWriter;

/// Events that may still be in a tap's queue when the recording stops: more than any queue holds.
const QUEUED_MAX: usize = 1 << 16;

/// How a recording ends; only ever rises.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum End {
    NotYet,
    /// Write what is buffered, then end.
    Stop,
    /// End at once, write nothing more.
    Abandon,
}

/// One running recording.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: Uuid,
    pub(crate) folder: PathBuf,
    pub(crate) manifest: Mutex<ManifestFile>,
    pub(crate) key: RecordingKey,
    files: AtomicU32,
    settings: Settings,
    started: NodeTime,
    /// Our clock at `started`.
    since: Instant,
    end: watch::Sender<End>,
    pub(crate) failed: watch::Sender<Option<String>>,
    /// The pause that lasts, if one does.
    pub(crate) paused: watch::Sender<Option<Paused>>,
    /// Lines about pauses are written in the order in which they came about.
    pause_lines: tokio::sync::Mutex<()>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    parties: Mutex<HashMap<Uuid, Arc<Mutex<PartyClock>>>>,
    track_numbers: Mutex<HashMap<(Side, Source), u32>>,
    /// What came of it, once it has ended; held while it ends.
    summary: tokio::sync::Mutex<Option<RecordingSummary>>,
}

/// Takes a lock; nothing of ours is left half-changed by a panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    pub(crate) fn new(
        id: Uuid,
        folder: PathBuf,
        manifest: ManifestFile,
        key: RecordingKey,
        settings: Settings,
        started: NodeTime,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            folder,
            manifest: Mutex::new(manifest),
            key,
            files: AtomicU32::new(0),
            settings,
            started,
            since: Instant::now(),
            end: watch::Sender::new(End::NotYet),
            failed: watch::Sender::new(None),
            paused: watch::Sender::new(None),
            pause_lines: tokio::sync::Mutex::default(),
            tasks: Mutex::default(),
            parties: Mutex::default(),
            track_numbers: Mutex::default(),
            summary: tokio::sync::Mutex::default(),
        })
    }

    /// Node time by our own clock, for the manifest.
    pub(crate) fn now(&self) -> NodeTime {
        NodeTime(self.started.0 + self.since.elapsed().as_micros() as u64)
    }

    /// A track id nobody has: `buyer-camera-1`.
    pub(crate) fn new_track_id(&self, side: Side, source: Source) -> String {
        let mut numbers = lock(&self.track_numbers);
        let number = numbers.entry((side, source)).or_default();
        *number += 1;
        format!("{}-{source}-{number}", side.as_str())
    }

    /// The number of a file about to be made; no two have the same.
    pub(crate) fn new_file_number(&self) -> u32 {
        self.files.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn add_track(self: &Arc<Self>, spec: TrackSpec, tap: TapReceiver) -> String {
        let id = self.new_track_id(spec.side, spec.source);
        let mut tasks = lock(&self.tasks);
        let end = self.end.subscribe();
        if *end.borrow() == End::NotYet {
            tasks.retain(|task| !task.is_finished());
            tasks.push(tokio::spawn(run_track(self.clone(), spec, id.clone(), tap, end)));
        }
        id
    }

    /// Adds a line to the manifest from async code.
    async fn append(self: &Arc<Self>, entry: Entry) {
        let session = self.clone();
        let written = tokio::task::spawn_blocking(move || {
            let at = session.now();
            lock(&session.manifest).append(at, entry)
        });
        if let Err(error) = flatten(written.await) {
            self.fail(&format!("cannot write the manifest: {error}"));
        }
    }

    pub(crate) async fn add_quality(self: &Arc<Self>, points: serde_json::Value) {
        self.append(Entry::Quality { points }).await;
    }

    pub(crate) async fn add_receipt(self: &Arc<Self>, receipt: Receipt) {
        self.append(Entry::Receipt { receipt }).await;
    }

    /// Stops writing media at once, on the disk and for whoever reads the manifest; a timer ends it.
    pub(crate) async fn pause(self: &Arc<Self>, spec: PauseSpec) {
        let since = self.now();
        let until = NodeTime(since.0 + spec.at_most.as_micros() as u64);
        let mut pause = Paused { reason: spec.reason.clone(), by: spec.by.clone(), since, until };
        let mut before = None;
        // In one step: no track sees a moment without a pause between two of them.
        self.paused.send_modify(|paused| {
            before = paused.take();
            if let Some(same) = before.as_ref().filter(|old| old.reason == pause.reason && old.by == pause.by)
            {
                pause.since = same.since;
            }
            *paused = Some(pause.clone());
        });
        let at_ms = self.session_ms(since);
        let at_most_ms = spec.at_most.as_millis() as u64;
        let in_turn = self.pause_lines.lock().await;
        let goes_on = before.as_ref().is_some_and(|old| old.since == pause.since);
        if before.is_some() && !goes_on {
            self.append(Entry::Resume { at_ms, timed_out: false }).await;
        }
        if !goes_on {
            self.append(Entry::Pause { at_ms, reason: spec.reason, by: spec.by, at_most_ms }).await;
        }
        drop(in_turn);
        let (session, mut end) = (Arc::downgrade(self), self.end.subscribe());
        tokio::spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(spec.at_most) => {}
                _ = end.changed() => return,
            }
            if let Some(session) = session.upgrade() {
                session.resume_from(Some(pause), true).await;
            }
        });
    }

    /// Goes on with media from now on. Nothing happens when no pause lasts.
    pub(crate) async fn resume(self: &Arc<Self>, timed_out: bool) {
        self.resume_from(None, timed_out).await;
    }

    /// Ends the pause that lasts, whichever it is or only this one.
    async fn resume_from(self: &Arc<Self>, only: Option<Paused>, timed_out: bool) {
        let ended = self.paused.send_if_modified(|paused| {
            let ends = paused.is_some() && (only.is_none() || *paused == only);
            if ends {
                *paused = None;
            }
            ends
        });
        if ended {
            let at_ms = self.session_ms(self.now());
            let _in_turn = self.pause_lines.lock().await;
            self.append(Entry::Resume { at_ms, timed_out }).await;
        }
    }

    fn session_ms(&self, time: NodeTime) -> u64 {
        time.0.saturating_sub(self.started.0) / 1000
    }

    /// The disk failed: nothing more is recorded, what was written stays, and everybody who asks is told.
    fn fail(&self, message: &str) {
        let first = self.failed.send_if_modified(|failed| {
            let first = failed.is_none();
            failed.get_or_insert_with(|| message.to_owned());
            first
        });
        if first {
            tracing::error!(recording = %self.id, folder = %self.folder.display(), message, "recording failed");
        }
        self.raise(End::Abandon);
    }

    fn raise(&self, end: End) {
        self.end.send_if_modified(|current| {
            let rises = end > *current;
            *current = end.max(*current);
            rises
        });
    }

    /// Waits until no task of this recording runs any more. Call with `summary` held, and after [`Session::raise`].
    async fn join(&self) {
        let tasks = std::mem::take(&mut *lock(&self.tasks));
        for task in tasks {
            if let Err(error) = task.await {
                self.fail(&format!("a track's task died: {error}"));
            }
        }
    }

    pub(crate) async fn stop(self: &Arc<Self>) -> RecordingSummary {
        self.raise(End::Stop);
        let mut summary = self.summary.lock().await;
        if let Some(summary) = *summary {
            return summary;
        }
        self.join().await;
        let failure = self.failed.borrow().clone();
        let reason = if failure.is_some() { StopReason::Failed } else { StopReason::Stopped };
        self.append(Entry::Stop { reason, detail: failure }).await;
        let session = self.clone();
        let index = tokio::task::spawn_blocking(move || {
            manifest::read(&session.folder).ok().and_then(|(lines, _)| fold(session.id, &lines))
        });
        let nothing = RecordingSummary { started_at: self.started, duration_ms: 0, bytes: 0, tracks: 0 };
        let stopped = index.await.ok().flatten().map_or(nothing, |index| index.summary());
        tracing::info!(
            recording = %self.id,
            duration_ms = stopped.duration_ms,
            bytes = stopped.bytes,
            tracks = stopped.tracks,
            "recording stopped"
        );
        *summary.insert(stopped)
    }

    pub(crate) async fn erase(
        self: &Arc<Self>,
        reason: String,
    ) -> Result<Erased, (&'static str, std::io::Error)> {
        self.raise(End::Abandon);
        let mut summary = self.summary.lock().await;
        self.join().await;
        let session = self.clone();
        let erased = tokio::task::spawn_blocking(move || {
            let mut manifest = lock(&session.manifest);
            let erased = erase_folder(&session.folder, session.id, &reason, session.now())?;
            // Receipts of the withdrawal may follow.
            *manifest =
                ManifestFile::append_to(&session.folder).map_err(|error| ("open the manifest", error))?;
            Ok(erased)
        });
        let erased = match erased.await {
            Ok(result) => result?,
            Err(died) => return Err(("erase", std::io::Error::other(died))),
        };
        *summary = Some(RecordingSummary { started_at: self.started, duration_ms: 0, bytes: 0, tracks: 0 });
        Ok(erased)
    }

    fn party(&self, party: Uuid) -> Arc<Mutex<PartyClock>> {
        lock(&self.parties).entry(party).or_default().clone()
    }
}

/// A blocking task that died is a failed write.
fn flatten<T>(result: Result<std::io::Result<T>, tokio::task::JoinError>) -> std::io::Result<T> {
    result.unwrap_or_else(|died| Err(std::io::Error::other(died)))
}

/// Node time between events: the last arrival and what our clock says has passed since.
struct NodeClock {
    node: NodeTime,
    at: Instant,
}

impl NodeClock {
    fn now(&self) -> NodeTime {
        NodeTime(self.node.0 + self.at.elapsed().as_micros() as u64)
    }

    fn saw(&mut self, event: &TapEvent) {
        let arrival = match event {
            TapEvent::Packet(packet) => packet.arrival,
            TapEvent::SenderReport(report) => report.arrival,
            TapEvent::Restart => return,
        };
        *self = Self { node: arrival, at: Instant::now() };
    }

    fn instant(&self, time: NodeTime) -> Instant {
        self.at + Duration::from_micros(time.0.saturating_sub(self.node.0))
    }
}

async fn run_track(
    session: Arc<Session>,
    spec: TrackSpec,
    id: String,
    mut tap: TapReceiver,
    mut end: watch::Receiver<End>,
) {
    tracing::debug!(recording = %session.id, track = id, "track begins");
    let party = session.party(spec.party);
    let mut track = Track::new(session.settings, spec.source, session.started);
    let mut clock = NodeClock { node: session.now(), at: Instant::now() };
    if spec.source.kind() == Kind::Video {
        tap.request_keyframe();
    }
    let mut writer = Some(TrackWriter::new(session.clone(), spec, id));
    let mut paused = session.paused.subscribe();
    paused.mark_changed();
    loop {
        let due = track.deadline().map(|deadline| clock.instant(deadline));
        let timer = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            changed = end.changed() => {
                if changed.is_err() || *end.borrow() == End::Abandon {
                    return;
                }
                break;
            }
            // Before the tap: what waits there is dropped too, never written.
            Ok(()) = paused.changed() => {
                if paused.borrow_and_update().is_some() {
                    track.pause(&lock(&party));
                } else {
                    track.resume(session.now());
                }
            }
            event = tap.recv() => {
                let Some(event) = event else { break };
                clock.saw(&event);
                track.event(event, &mut lock(&party));
            }
            () = timer => track.tick(clock.now(), &lock(&party)),
        }
        if track.wants_keyframe(clock.now()) {
            tap.request_keyframe();
        }
        if !write(&mut track, &mut writer, &session, &end, tap.dropped()).await {
            return;
        }
    }
    if paused.borrow().is_some() {
        track.pause(&lock(&party));
    }
    // What the media plane had handed over before the stop belongs to the recording.
    for _ in 0..QUEUED_MAX {
        tokio::select! {
            biased;
            event = tokio::task::unconstrained(tap.recv()) => match event {
                Some(event) => track.event(event, &mut lock(&party)),
                None => break,
            },
            () = std::future::ready(()) => break,
        }
        if !write(&mut track, &mut writer, &session, &end, tap.dropped()).await {
            return;
        }
    }
    track.finish(&lock(&party));
    write(&mut track, &mut writer, &session, &end, tap.dropped()).await;
}

/// Writes what the track has to say. False when there is nothing more to do: abandoned, or the disk failed.
async fn write(
    track: &mut Track,
    writer: &mut Option<TrackWriter>,
    session: &Arc<Session>,
    end: &watch::Receiver<End>,
    dropped: u64,
) -> bool {
    let outputs: Vec<Output> = std::iter::from_fn(|| track.pop()).collect();
    if outputs.is_empty() {
        return true;
    }
    if *end.borrow() == End::Abandon {
        return false;
    }
    let Some(mut moved) = writer.take() else { return false };
    let written = tokio::task::spawn_blocking(move || {
        let result = outputs.into_iter().try_for_each(|output| moved.write(output, dropped));
        (moved, result)
    });
    match written.await {
        Ok((returned, Ok(()))) => {
            *writer = Some(returned);
            true
        }
        Ok((_, Err(error))) => {
            session.fail(&format!("cannot write media: {error}"));
            false
        }
        Err(died) => {
            session.fail(&format!("the writer died: {died}"));
            false
        }
    }
}
