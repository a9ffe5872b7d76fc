//! A recording as the floor drives it: a task of its own, so that a slow disk never holds up a call.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use protocol::ids::{CallId, RecordingId};
use protocol::rest::QualityPoint;
use recorder::{Receipt, RecordingSpec, RecordingSummary, TrackSpec};
use sfu::TapReceiver;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep;
use tracing::{error, info, warn};

use super::pause::WantedPause;
use super::ports::{Recording, Recordings, TakenBack};

/// Tracks and receipts that may wait for a recording to start or a disk to wake up.
const ORDERS_MAX: usize = 64;

/// Why media is erased when the buyer withdraws.
pub const WITHDRAWN: &str = "consent_withdrawn";

/// The same when the disk refused: the media may still be there.
pub const LEFT_ON_DISK: &str = "consent_withdrawn_erasure_failed";

/// Attempts to erase before giving up and calling for an operator, one every [`ERASE_PAUSE`], doubling.
const ERASE_ATTEMPTS: u32 = 6;
const ERASE_PAUSE: Duration = Duration::from_millis(500);

/// What becomes of a recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It runs: tracks may come.
    Started,
    /// The recorder cannot write, from the start or from now on.
    Failed,
    /// Nothing is stored from now on.
    Paused(WantedPause),
    /// Everything is again.
    Resumed {
        /// Nobody ended the pause: its time was over.
        timed_out: bool,
    },
    /// It is complete.
    Finished(RecordingSummary),
    /// Its media is deleted.
    Erased,
    /// A legal hold keeps its media: it is locked.
    Withheld,
    /// Its media could not be deleted; an operator must.
    EraseFailed,
}

impl Outcome {
    /// The word for it in labels.
    pub fn label(self) -> &'static str {
        match self {
            Outcome::Started => "started",
            Outcome::Failed => "failed",
            Outcome::Paused(_) => "paused",
            Outcome::Resumed { .. } => "resumed",
            Outcome::Finished(_) => "finished",
            Outcome::Erased => "erased",
            Outcome::Withheld => "withheld",
            Outcome::EraseFailed => "erasure_failed",
        }
    }
}

/// News of a recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Report {
    /// The call.
    pub call: CallId,
    /// The recording.
    pub recording: RecordingId,
    /// The news.
    pub outcome: Outcome,
    /// Nothing more will be heard of it.
    pub last: bool,
}

/// Whether media shall be stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// It shall.
    Media {
        /// Nobody ended the pause before: its time was over.
        timed_out: bool,
    },
    /// It shall not.
    Pause(WantedPause),
}

#[derive(Debug)]
enum Order {
    Track(TrackSpec, TapReceiver),
    Receipt(Receipt),
    Quality(serde_json::Value),
}

#[derive(Debug)]
enum End {
    Stop,
    TakeBack,
}

/// The floor's end of a running recording. Dropping it stops the recording.
#[derive(Debug)]
pub struct Driver {
    id: RecordingId,
    /// Set by the floor when it hears [`Outcome::Started`].
    pub started: bool,
    orders: mpsc::Sender<Order>,
    /// Not one of the orders: it must neither wait behind them nor be lost among them.
    wanted: watch::Sender<Wanted>,
    end: oneshot::Sender<End>,
}

impl Driver {
    /// Starts a recording. Reports go to `reports`, the last of them with `last` set.
    pub fn start(
        recordings: Arc<dyn Recordings>,
        call: CallId,
        spec: RecordingSpec,
        wanted: Wanted,
        reports: mpsc::Sender<Report>,
    ) -> Self {
        let id = RecordingId(spec.id);
        let (orders, orders_rx) = mpsc::channel(ORDERS_MAX);
        let (wanted, wanted_rx) = watch::channel(wanted);
        let (end, end_rx) = oneshot::channel();
        let task = Task { recordings, call, id, reports };
        tokio::spawn(task.run(spec, orders_rx, wanted_rx, end_rx));
        Self { id, started: false, orders, wanted, end }
    }

    /// Which recording.
    pub fn id(&self) -> RecordingId {
        self.id
    }

    /// Adds a tap.
    pub fn add_track(&self, track: TrackSpec, tap: TapReceiver) {
        self.order(Order::Track(track, tap));
    }

    /// Adds the evidence of a choice.
    pub fn add_receipt(&self, receipt: Receipt) {
        self.order(Order::Receipt(receipt));
    }

    /// Notes how the connections were.
    pub fn add_quality(&self, points: &[QualityPoint]) {
        // Our own types with string keys and finite numbers always serialise.
        self.order(Order::Quality(serde_json::to_value(points).unwrap_or_default()));
    }

    /// Stores media, or nothing, from now on.
    pub fn want(&self, wanted: Wanted) {
        let stores = |wanted: &Wanted| matches!(wanted, Wanted::Media { .. });
        self.wanted.send_if_modified(|before| {
            let changes = *before != wanted && !(stores(before) && stores(&wanted));
            if changes {
                *before = wanted;
            }
            changes
        });
    }

    fn order(&self, order: Order) {
        if self.orders.try_send(order).is_err() {
            warn!(recording = %self.id, "the recorder does not keep up: a track, a receipt or figures were left out");
        }
    }

    /// Completes the recording.
    pub fn stop(self) {
        // A task that has ended has told so already.
        let _ = self.end.send(End::Stop);
    }

    /// Ends the recording, because its buyer took it back, and deletes what may be deleted.
    pub fn take_back(self) {
        let _ = self.end.send(End::TakeBack);
    }
}

/// Does the same with a recording that no driver drives any more.
pub fn take_back(
    recordings: Arc<dyn Recordings>,
    call: CallId,
    id: RecordingId,
    reports: mpsc::Sender<Report>,
) {
    let task = Task { recordings, call, id, reports };
    tokio::spawn(async move { task.take_back(None).await });
}

/// Does what is ordered, in order, for ever.
async fn carry_out(recording: &dyn Recording, orders: &mut mpsc::Receiver<Order>) -> Infallible {
    while let Some(order) = orders.recv().await {
        match order {
            Order::Track(track, tap) => recording.add_track(track, tap),
            Order::Receipt(receipt) => recording.add_receipt(receipt).await,
            Order::Quality(points) => recording.add_quality(points).await,
        }
    }
    std::future::pending().await
}

struct Task {
    recordings: Arc<dyn Recordings>,
    call: CallId,
    id: RecordingId,
    reports: mpsc::Sender<Report>,
}

impl Task {
    async fn run(
        self,
        spec: RecordingSpec,
        mut orders: mpsc::Receiver<Order>,
        mut wanted: watch::Receiver<Wanted>,
        mut end: oneshot::Receiver<End>,
    ) {
        let recording = match self.recordings.start(spec).await {
            Ok(recording) => recording,
            Err(why) => {
                error!(call = %self.call, recording = %self.id, why, "the recording did not start");
                match end.try_recv() {
                    Ok(End::TakeBack) => self.take_back(None).await,
                    _ => self.report(Outcome::Failed, true).await,
                }
                return;
            }
        };
        info!(call = %self.call, recording = %self.id, "recording");
        let first = *wanted.borrow_and_update();
        if let Wanted::Pause(pause) = first {
            // Before anything is tapped.
            recording.pause(pause.spec()).await;
        }
        self.report(Outcome::Started, false).await;
        if let Wanted::Pause(pause) = first {
            self.report(Outcome::Paused(pause), false).await;
        }
        // Side by side: a disk that takes its time with a receipt does not hold up a pause.
        let end = tokio::select! {
            biased;
            // First: what is asked to be left out just before the end is left out.
            never = self.pause_as_wanted(&*recording, &mut wanted) => match never {},
            // The driver was dropped without a word: keep what there is.
            ended = &mut end => ended.unwrap_or(End::Stop),
            never = self.watch_disk(&*recording) => match never {},
            never = carry_out(&*recording, &mut orders) => match never {},
        };
        // The last figures and choices came just before the end; taps end with it.
        while let Ok(order) = orders.try_recv() {
            match order {
                Order::Receipt(receipt) => recording.add_receipt(receipt).await,
                Order::Quality(points) => recording.add_quality(points).await,
                Order::Track(..) => {}
            }
        }
        // Before anybody is asked whether it may be deleted: from here on nothing is stored.
        let summary = recording.stop().await;
        match end {
            End::Stop => {
                info!(call = %self.call, recording = %self.id, duration_ms = summary.duration_ms, "recorded");
                self.report(Outcome::Finished(summary), true).await;
            }
            End::TakeBack => self.take_back(Some(summary)).await,
        }
    }

    async fn pause_as_wanted(
        &self,
        recording: &dyn Recording,
        wanted: &mut watch::Receiver<Wanted>,
    ) -> Infallible {
        // Each begins at once, whatever the disk still does about the one before; they are told of in order.
        let mut under_way = FuturesOrdered::new();
        loop {
            tokio::select! {
                biased;
                changed = wanted.changed() => {
                    if changed.is_err() {
                        return std::future::pending().await;
                    }
                    let now = *wanted.borrow_and_update();
                    under_way.push_back(async move {
                        match now {
                            Wanted::Media { timed_out } => {
                                recording.resume(timed_out).await;
                                Outcome::Resumed { timed_out }
                            }
                            Wanted::Pause(pause) => {
                                recording.pause(pause.spec()).await;
                                Outcome::Paused(pause)
                            }
                        }
                    });
                }
                Some(outcome) = under_way.next() => self.report(outcome, false).await,
            }
        }
    }

    async fn watch_disk(&self, recording: &dyn Recording) -> Infallible {
        let mut failed = recording.failed();
        // An error means that there is nobody left who could say so.
        if let Ok(why) = failed.wait_for(Option::is_some).await.map(|why| why.clone()) {
            let why = why.unwrap_or_default();
            error!(call = %self.call, recording = %self.id, why, "the recording failed");
            self.report(Outcome::Failed, false).await;
        }
        std::future::pending().await
    }

    /// `summary`: of a recording that has just ended.
    async fn take_back(&self, summary: Option<RecordingSummary>) {
        let mut pause = ERASE_PAUSE;
        for attempt in 1..=ERASE_ATTEMPTS {
            match self.recordings.take_back(self.call, self.id, WITHDRAWN).await {
                Ok(TakenBack::Erased) => {
                    info!(call = %self.call, recording = %self.id, "erased: consent was withdrawn");
                    return self.report(Outcome::Erased, true).await;
                }
                Ok(TakenBack::Held) => {
                    info!(call = %self.call, recording = %self.id, "consent was withdrawn; a legal hold keeps it");
                    if let Some(summary) = summary {
                        self.report(Outcome::Finished(summary), false).await;
                    }
                    return self.report(Outcome::Withheld, true).await;
                }
                Err(why) => {
                    error!(call = %self.call, recording = %self.id, attempt, why, "media could not be erased");
                }
            }
            sleep(pause).await;
            pause *= 2;
        }
        self.report(Outcome::EraseFailed, true).await;
    }

    async fn report(&self, outcome: Outcome, last: bool) {
        let report = Report { call: self.call, recording: self.id, outcome, last };
        // Nobody listens any more when the floor has stopped.
        let _ = self.reports.send(report).await;
    }
}
