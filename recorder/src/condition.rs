//! How the recorder stands: whether there is room for new recordings, and what the archive has still to get.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::recorder::{Recorder, blocking, free_bytes};
use crate::session::lock;

/// See the [module](self).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Condition {
    /// Bytes that may still be written where recordings are made; none when the system does not say.
    pub free: Option<u64>,
    /// With fewer no recording begins.
    pub min_free: u64,
    /// Of the archive, if there is one.
    pub archive: Option<ArchiveCondition>,
}

/// What the archive has still to get.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ArchiveCondition {
    /// Recordings that are complete and not stored yet, or erased and not purged yet, as of the last round.
    pub waiting: u32,
    /// For how long nothing could be stored or purged although something had to be.
    pub failing_for: Option<Duration>,
    /// What the archive said last.
    pub trouble: Option<String>,
}

impl Condition {
    /// Whether new recordings are refused for want of room.
    pub fn is_full(&self) -> bool {
        self.free.is_some_and(|free| free < self.min_free)
    }
}

/// What rounds of the archive know of those before.
#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) waiting: u32,
    /// Since the first failure after the last success.
    pub(crate) failing_since: Option<Instant>,
    pub(crate) trouble: Option<String>,
    /// Those that failed in the last round: others come first in the next.
    pub(crate) failed: HashSet<Uuid>,
}

impl Progress {
    pub(crate) fn worked(&mut self, id: Uuid) {
        self.waiting = self.waiting.saturating_sub(1);
        self.failed.remove(&id);
        (self.failing_since, self.trouble) = (None, None);
    }

    pub(crate) fn failed(&mut self, id: Uuid, why: &str) {
        self.failed.insert(id);
        self.failing_since.get_or_insert_with(Instant::now);
        self.trouble = Some(why.to_owned());
    }
}

impl Recorder {
    /// How the recorder stands now.
    pub async fn condition(&self) -> Condition {
        let dir = self.inner.config.dir.clone();
        let free = blocking(move || free_bytes(&dir)).await.and_then(|free| free).ok();
        let archive = self.inner.config.archive.as_ref().map(|_| {
            let progress = lock(&self.inner.progress);
            ArchiveCondition {
                waiting: progress.waiting,
                failing_for: progress.failing_since.map(|since| since.elapsed()),
                trouble: progress.trouble.clone(),
            }
        });
        Condition { free, min_free: self.inner.config.min_free, archive }
    }
}
