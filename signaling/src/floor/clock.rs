//! The floor's clock: wall time that never steps.

use jiff::Timestamp;
use sfu::NodeTime;
use tokio::time::Instant;

/// Reads the wall clock once and advances it with tokio's monotonic clock, so that two readings differ by the true
/// time between them and tests can run on virtual time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: Timestamp,
    mono: Instant,
}

impl Clock {
    /// Starts at the given wall time.
    pub fn starting_at(wall: Timestamp) -> Self {
        Self { wall, mono: Instant::now() }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.wall + self.mono.elapsed()
    }

    /// The moment a timer for `at` must fire; at once when it has passed.
    pub fn instant(&self, at: Timestamp) -> Instant {
        let ahead = at.duration_since(self.now()).try_into().unwrap_or_default();
        Instant::now() + ahead
    }
}

/// The same instant on the media plane's clock.
pub fn node_time(at: Timestamp) -> NodeTime {
    NodeTime(u64::try_from(at.as_microsecond()).unwrap_or_default())
}

/// The same instant as the protocol and the store write it.
pub fn timestamp(at: NodeTime) -> Timestamp {
    i64::try_from(at.0).ok().and_then(|us| Timestamp::from_microsecond(us).ok()).unwrap_or_default()
}
