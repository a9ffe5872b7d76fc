//! The database takes no writes for a while, as when its disk or its machine is gone; calls must not notice.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};

use super::Cast;
use super::marks::Verdict;
use super::people::{self, Plan};
use super::stage::{Phase, Seen};
use super::waves::quality;

const APART: Duration = Duration::from_millis(150);

impl Cast<'_> {
    /// Every call of the first half ends during the outage, those of the second half after it.
    pub(super) async fn store_outage(&mut self, verdict: &mut Verdict) -> Result<()> {
        let rooms = self.options.rooms();
        let (short, long) = (rooms / 2, rooms - rooms / 2);
        self.progress.show("calls begin");
        let hangs_up = self.options.duration() / 2 + Duration::from_secs(2);
        let plan = Plan { record: true, talk: Some(hangs_up), ..Plan::default() };
        for _ in 0..short {
            self.people.spawn(people::buyer(self.stage.clone(), plan));
            tokio::time::sleep(APART).await;
        }
        let all = self.stage.calls_begin(&mut self.people, long, APART).await;
        ensure!(all, "not all calls began: {}", self.stage.ledger().errors_told());
        let lock = Lock::take(&self.server.dir().join("data/vitrine.sqlite")).await?;
        self.stage.engine.measure(true);
        self.pass(self.options.duration(), "no writes to the store").await;
        self.stage.engine.measure(false);
        let (talking, content) = (self.stage.talking(), self.stage.ledger().content);
        let rest = self.stage.installation.rest(0)?;
        let alive = rest.text("/healthz").await.is_ok();
        lock.release().await?;
        verdict.equals("calls that went on through the outage", long, talking);
        verdict.equals("calls that ended as they wished during it", short, content);
        verdict.holds("/healthz during it", "alive", if alive { "alive" } else { "dead" }, alive);
        // The rest hangs up; then the store catches up.
        self.stage.enter(Phase::Closing);
        let gone = |stage: &super::Stage| stage.buyers.load(std::sync::atomic::Ordering::Relaxed) == 0;
        self.stage.until(Duration::from_secs(20), gone).await;
        let calls: HashMap<_, Seen> = self.stage.ledger().calls.clone();
        self.tickets(verdict, &calls, |seen: &Seen| -> Option<Instant> { seen.ended }).await?;
        let (measures, ledger) = self.close().await?;
        quality(verdict, &ledger, &measures);
        Ok(())
    }
}

/// SQLite's write lock: who else wants to write is told to wait, again and again.
struct Lock {
    connection: DatabaseConnection,
}

impl Lock {
    async fn take(path: &std::path::Path) -> Result<Self> {
        let mut options = ConnectOptions::new(format!("sqlite://{}", path.display()));
        options.max_connections(1).sqlx_logging(false);
        let connection = Database::connect(options).await.with_context(|| path.display().to_string())?;
        connection.execute_unprepared("BEGIN IMMEDIATE").await.context("taking the write lock")?;
        Ok(Self { connection })
    }

    async fn release(self) -> Result<()> {
        self.connection.execute_unprepared("ROLLBACK").await?;
        Ok(self.connection.close().await?)
    }
}
