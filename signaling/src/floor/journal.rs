//! Facts on their way to the store: queued, in order, tried until they are taken.
//!
//! The floor never waits for the store. While it is locked or gone, facts pile up here and calls go on; when it is
//! back, it catches up. Long before no more fits, no new calls are taken; what does not fit even so is lost to the store, counted and
//! logged, never a call.

use std::sync::Arc;
use std::time::Duration;

use prometheus::{IntCounter, IntGauge};
use protocol::call::TicketRef;
use protocol::ids::CallId;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};

use super::ports::{Fact, Ledger, LedgerError};

/// Facts that may wait: about an hour of a busy floor without a store.
pub const QUEUE_MAX: usize = 16_384;

/// With so many waiting no new call begins: the rest is room for those that go on.
pub const PRESSED: u64 = QUEUE_MAX as u64 / 4 * 3;

/// One attempt may take this long before it counts as failed.
const ATTEMPT_MAX: Duration = Duration::from_secs(10);

/// Pauses between attempts double from here …
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// … to here.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Figures of the journal.
#[derive(Clone, Debug)]
pub struct JournalMetrics {
    /// Facts waiting for the store.
    pub waiting: IntGauge,
    /// Attempts that failed and were repeated.
    pub retries: IntCounter,
    /// Facts the store will never see.
    pub lost: IntCounter,
}

/// The floor's end: never waits.
#[derive(Debug)]
pub struct Journal {
    queue: mpsc::Sender<Fact>,
    metrics: JournalMetrics,
    writer: JoinHandle<()>,
}

impl Journal {
    /// Starts the writer. Every ticket the store makes goes to `tickets`.
    pub fn start(
        ledger: Arc<dyn Ledger>,
        metrics: JournalMetrics,
        tickets: mpsc::Sender<(CallId, TicketRef)>,
    ) -> Self {
        let (queue, facts) = mpsc::channel(QUEUE_MAX);
        let writer = Writer { ledger, metrics: metrics.clone(), tickets };
        Self { queue, metrics, writer: tokio::spawn(writer.run(facts)) }
    }

    /// Queues a fact.
    pub fn note(&self, fact: Fact) {
        self.metrics.waiting.inc();
        if let Err(refused) = self.queue.try_send(fact) {
            self.metrics.waiting.dec();
            self.metrics.lost.inc();
            error!(fact = ?refused.into_inner(), "the store has been away for too long: a fact is lost");
        }
    }

    /// So much waits that nobody should add a call to it.
    pub fn is_pressed(&self) -> bool {
        self.metrics.waiting.get() >= PRESSED as i64
    }

    /// Waits until everything queued is written, but no longer than `patience`.
    pub async fn close(self, patience: Duration) {
        drop(self.queue);
        let stop = self.writer.abort_handle();
        if timeout(patience, self.writer).await.is_err() {
            stop.abort();
            error!(facts = self.metrics.waiting.get(), "stopping with facts the store did not take");
        }
    }
}

struct Writer {
    ledger: Arc<dyn Ledger>,
    metrics: JournalMetrics,
    tickets: mpsc::Sender<(CallId, TicketRef)>,
}

impl Writer {
    async fn run(self, mut facts: mpsc::Receiver<Fact>) {
        while let Some(fact) = facts.recv().await {
            self.write(fact).await;
            self.metrics.waiting.dec();
        }
    }

    /// Facts of one call build on each other, so a fact that the store cannot take yet holds up the ones behind it.
    async fn write(&self, fact: Fact) {
        let mut pause = PAUSE_MIN;
        let mut failed = false;
        loop {
            let attempt = timeout(ATTEMPT_MAX, self.ledger.write(fact.clone())).await;
            match attempt.unwrap_or_else(|_| Err(LedgerError::Later("no answer in time".into()))) {
                Ok(ticket) => {
                    if failed {
                        info!("the store takes facts again");
                    }
                    if let (Some(ticket), Fact::Accepted { call, .. }) = (ticket, &fact) {
                        // Nobody listens any more when the floor has stopped.
                        let _ = self.tickets.send((*call, ticket)).await;
                    }
                    return;
                }
                Err(LedgerError::Never(why)) => {
                    self.metrics.lost.inc();
                    error!(?fact, why, "the store refuses a fact");
                    return;
                }
                Err(LedgerError::Later(why)) => {
                    self.metrics.retries.inc();
                    warn!(why, pause_ms = pause.as_millis(), "the store does not take a fact, trying again");
                    failed = true;
                    sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;
    use protocol::ids::RecordingId;

    use super::*;

    /// Keeps the numbers it was told, unless it is away.
    #[derive(Default)]
    struct Numbers {
        away: AtomicBool,
        told: Mutex<Vec<u32>>,
    }

    impl Ledger for Numbers {
        fn write(&self, fact: Fact) -> BoxFuture<'_, Result<Option<TicketRef>, LedgerError>> {
            if self.away.load(Ordering::Relaxed) {
                return async { Err(LedgerError::Later("database is locked".into())) }.boxed();
            }
            let Fact::RecordingFinished { duration_ms, .. } = fact else { panic!("another fact") };
            self.told.lock().unwrap().push(duration_ms);
            async { Ok(None) }.boxed()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_memory_does_not_hold_is_counted_and_the_oldest_facts_arrive_in_order() {
        let ledger = Arc::new(Numbers::default());
        ledger.away.store(true, Ordering::Relaxed);
        let metrics = JournalMetrics {
            waiting: IntGauge::new("waiting", "waiting").unwrap(),
            retries: IntCounter::new("retries", "retries").unwrap(),
            lost: IntCounter::new("lost", "lost").unwrap(),
        };
        let journal = Journal::start(ledger.clone(), metrics.clone(), mpsc::channel(1).0);
        let number = |duration_ms| Fact::RecordingFinished { recording: RecordingId::new(), duration_ms };
        journal.note(number(0));
        // The writer takes the first into its hands.
        sleep(Duration::from_millis(1)).await;
        // Bounded: what a fact holds is small, and so many of them wait.
        let kept = QUEUE_MAX as u32 + 1;
        (1..kept + 10).for_each(|n| journal.note(number(n)));
        assert_eq!((metrics.waiting.get(), metrics.lost.get()), (kept.into(), 10));
        sleep(Duration::from_secs(600)).await;
        assert!(metrics.retries.get() <= 130, "one attempt in five seconds: {}", metrics.retries.get());

        ledger.away.store(false, Ordering::Relaxed);
        sleep(Duration::from_secs(10)).await;
        assert_eq!((metrics.waiting.get(), metrics.lost.get()), (0, 10));
        assert_eq!(*ledger.told.lock().unwrap(), (0..kept).collect::<Vec<_>>());
    }
}
