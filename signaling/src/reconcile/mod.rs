//! Media presence is the truth: what the store says of recordings is corrected by what there is of them.
//!
//! A crash, an outage of the store or a full disk may leave rows without an end, media without a row, rows without
//! media, or media that should be gone. A round holds every row against every folder of recordings ([`verdict()`]) and
//! puts right what differs, so nothing stays "recording" for ever, and what a buyer took back is deleted even if the
//! server died before it could. What agrees is looked at again a day later, or when anything that decides changes. It
//! runs at start, before calls are taken, and every few minutes.

pub mod verdict;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};
use protocol::ids::{CallId, RecordingId};
use recorder::{Look, Presence, Recorder};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use crate::floor::clock::timestamp;
use crate::store::{RowState, Store, StoreError};
use verdict::{Verdict, asks_for_holds, call_of, takes_back, verdict};

/// Between two rounds.
const EVERY: Duration = Duration::from_secs(300);
/// What agrees is looked at again after this.
const TRUSTED_FOR: Duration = Duration::from_secs(24 * 3600);

/// Why a round could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder of recordings cannot be listed.
    #[error("the recordings cannot be listed: {0}")]
    Folder(std::io::Error),
}

/// What a round put right.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Round {
    /// Rows that are complete now, or have another length.
    pub completed: usize,
    /// Media that had no row and belongs to a call.
    pub linked: usize,
    /// Rows marked as deleted: the media is missing, cannot be read, or was deleted.
    pub gone: usize,
    /// Media deleted that should have been.
    pub erased: usize,
    /// Recordings locked that their buyer took back and a legal hold keeps.
    pub withheld: usize,
    /// Media that belongs to no call we know, or cannot be read; an operator must look.
    pub stray: usize,
    /// Recordings of which some tracks, but not all, have lost their media.
    pub damaged: usize,
    /// When the media of the calls concerned ended, at the latest.
    pub ends: BTreeMap<CallId, Timestamp>,
}

impl Round {
    /// How many recordings were put right.
    pub fn changed(&self) -> usize {
        self.completed + self.linked + self.gone + self.erased + self.withheld
    }
}

/// What was found in order, and how it was then.
#[derive(Clone, PartialEq, Debug)]
struct Settled {
    row: Option<RowState>,
    is_listed: bool,
    refused_at: Option<Timestamp>,
    /// Not in order but beyond us; counted in every round.
    stray: bool,
    damaged: bool,
}

/// Makes rounds; remembers what was in order.
#[derive(Debug)]
pub struct Reconciler {
    store: Store,
    recorder: Recorder,
    settled: HashMap<RecordingId, Settled>,
    forget_at: Instant,
}

impl Reconciler {
    /// One that knows nothing yet.
    pub fn new(store: Store, recorder: Recorder) -> Self {
        Self { store, recorder, settled: HashMap::new(), forget_at: Instant::now() + TRUSTED_FOR }
    }

    /// One round. With [`Look::Everywhere`] the archive is asked too.
    ///
    /// # Errors
    /// When the store fails or the folder cannot be listed; what was put right until then stays so.
    pub async fn round(&mut self, look: Look) -> Result<Round, ReconcileError> {
        if self.forget_at <= Instant::now() {
            self.settled.clear();
            self.forget_at = Instant::now() + TRUSTED_FOR;
        }
        let listed = self.recorder.recordings().await.map_err(ReconcileError::Folder)?;
        let listed: BTreeSet<RecordingId> = listed.into_iter().map(RecordingId).collect();
        let mut rows: BTreeMap<RecordingId, (CallId, RowState)> = BTreeMap::new();
        for row in self.store.recording_rows().await? {
            rows.insert(row.id, (row.call, row.state));
        }
        let refusals = self.store.refusals(None).await?;
        let all: BTreeSet<RecordingId> = listed.iter().copied().chain(rows.keys().copied()).collect();
        self.settled.retain(|id, _| all.contains(id));
        let mut round = Round::default();
        for id in all {
            let (call, row) = rows.remove(&id).map_or((None, None), |(call, row)| (Some(call), Some(row)));
            let is_listed = listed.contains(&id);
            let refused_at = call.and_then(|call| refusals.get(&call).copied());
            if let Some(settled) = self.settled.get(&id)
                && (&settled.row, settled.is_listed, settled.refused_at) == (&row, is_listed, refused_at)
            {
                round.stray += usize::from(settled.stray);
                round.damaged += usize::from(settled.damaged);
                continue;
            }
            let before = (round.stray, round.damaged);
            if self.one(id, call, row.clone(), refused_at, look, &mut round).await? {
                let stray = round.stray > before.0;
                let damaged = round.damaged > before.1;
                self.settled.insert(id, Settled { row, is_listed, refused_at, stray, damaged });
            } else {
                self.settled.remove(&id);
            }
        }
        Ok(round)
    }

    /// Puts one recording right, whose buyer said no at `refused_at` the last time in its call; true when there was nothing to do and nothing will be until something changes.
    async fn one(
        &self,
        id: RecordingId,
        call: Option<CallId>,
        row: Option<RowState>,
        refused_at: Option<Timestamp>,
        look: Look,
        round: &mut Round,
    ) -> Result<bool, StoreError> {
        let presence = self.recorder.presence(id.0, look).await;
        let (mut withdrawn, mut held) = (false, false);
        if let Presence::Ended(kept) = &presence {
            let linked = call_of(&kept.labels).filter(|_| call.is_none());
            let refused_at = match linked {
                Some(call) => self.store.refusals(Some(call)).await?.remove(&call),
                None => refused_at,
            };
            // The manifest has the buyer's word even if it never came to the store.
            let refused_at = refused_at.max(kept.refused_at.map(timestamp));
            withdrawn = takes_back(refused_at, timestamp(kept.started_at));
            if let Some(call) = call.or(linked) {
                if asks_for_holds(row.as_ref(), withdrawn) {
                    held = !self.store.holds_on(id, call).await?.is_empty();
                }
                let length = SignedDuration::from_millis(i64::try_from(kept.duration_ms).unwrap_or(i64::MAX));
                let end = timestamp(kept.started_at).saturating_add(length).unwrap_or(self.store.now());
                let latest = round.ends.entry(call).or_insert(end);
                *latest = end.max(*latest);
            }
            if !kept.missing.is_empty() && !kept.is_gone() {
                round.damaged += 1;
                tracing::error!(recording = %id, tracks = ?kept.missing, "the media of some tracks is missing");
            }
        }
        match verdict(row.as_ref(), withdrawn, held, &presence) {
            // What a hold keeps goes when it is lifted: looked at in every round.
            Verdict::Agree => return Ok(presence != Presence::Running && !held),
            Verdict::Link { call, started_at, state } => {
                if self.store.call(call).await?.is_none() {
                    round.stray += 1;
                    tracing::warn!(recording = %id, %call, "media of a call the store does not know");
                    return Ok(true);
                }
                self.store.recording_linked(id, call, started_at, &state).await?;
                round.linked += 1;
                tracing::warn!(recording = %id, %call, ?state, "a recording the store did not know is linked to its call");
            }
            Verdict::Complete { duration_ms } => {
                self.store.recording_found(id, duration_ms).await?;
                round.completed += 1;
                tracing::info!(recording = %id, was = ?row, duration_ms, "a recording is complete");
            }
            Verdict::Withhold { duration_ms } => {
                self.store.recording_finished(id, duration_ms).await?;
                self.store.recording_withheld(id, self.store.now()).await?;
                round.withheld += 1;
                tracing::warn!(recording = %id, was = ?row, "consent was withdrawn; a legal hold keeps the recording");
            }
            Verdict::Gone { at, reason } => {
                self.store.recording_deleted(id, at.unwrap_or(self.store.now()), &reason).await?;
                self.store.recording_gone_because(id, &reason).await?;
                round.gone += 1;
                tracing::warn!(recording = %id, was = ?row, reason, "the media of a recording is gone");
            }
            Verdict::Erase { reason } => match self.recorder.erase(id.0, &reason).await {
                Ok(_) => {
                    if row.is_some() {
                        self.store.recording_deleted(id, self.store.now(), &reason).await?;
                        self.store.recording_gone_because(id, &reason).await?;
                    }
                    round.erased += 1;
                    tracing::warn!(recording = %id, reason, "media that should have been gone is deleted");
                }
                // The next round tries again.
                Err(error) => tracing::error!(recording = %id, %error, "media left on disk"),
            },
            Verdict::Stray => {
                round.stray += 1;
                tracing::warn!(recording = %id, ?presence, "media that belongs to no call, or cannot be read");
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Figures for `/metrics`.
#[derive(Clone, Debug)]
pub struct ReconcileMetrics {
    corrected: IntCounterVec,
    needs_operator: IntGaugeVec,
}

impl ReconcileMetrics {
    /// New figures in a registry.
    ///
    /// # Errors
    /// When the names are taken.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let corrected = IntCounterVec::new(
            Opts::new("vitrine_recordings_reconciled_total", "Recordings put right, by what was wrong."),
            &["what"],
        )?;
        let needs_operator = IntGaugeVec::new(
            Opts::new(
                "vitrine_recordings_need_operator",
                "Recordings found in the last round that need a look: stray media, or tracks that lost theirs.",
            ),
            &["what"],
        )?;
        registry.register(Box::new(corrected.clone()))?;
        registry.register(Box::new(needs_operator.clone()))?;
        Ok(Self { corrected, needs_operator })
    }

    fn tell(&self, round: &Round) {
        for (what, count) in [
            ("completed", round.completed),
            ("linked", round.linked),
            ("gone", round.gone),
            ("erased", round.erased),
            ("withheld", round.withheld),
        ] {
            self.corrected.with_label_values(&[what]).inc_by(count as u64);
        }
        self.needs_operator.with_label_values(&["stray"]).set(round.stray as i64);
        self.needs_operator.with_label_values(&["damaged"]).set(round.damaged as i64);
    }
}

/// Makes rounds every few minutes, the first one at once: at start nobody waited for the archive.
pub fn spawn(mut reconciler: Reconciler, metrics: ReconcileMetrics) -> JoinHandle<()> {
    tokio::spawn(async move {
        reconciler.settled.clear();
        let mut rounds = tokio::time::interval(EVERY);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            match reconciler.round(Look::Everywhere).await {
                Ok(round) => metrics.tell(&round),
                Err(error) => tracing::warn!(%error, "recordings could not be reconciled; tried again"),
            }
        }
    })
}
