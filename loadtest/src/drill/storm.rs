//! Every tab reloads at the same moment: a deploy of the shop, or a browser that was updated everywhere.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::Cast;
use super::marks::Verdict;
use super::stage::{ms, quantile};
use super::waves::quality;

/// From the reload to the other side's picture, p95: what the product promises when a node is lost.
const BACK_MS: f64 = 3_000.0;
/// Who is not back then does not come back.
const BACK_MAX: Duration = Duration::from_secs(20);
/// Calls begin so far apart.
const APART: Duration = Duration::from_millis(150);

impl Cast<'_> {
    pub(super) async fn reload_storm(&mut self, verdict: &mut Verdict) -> Result<()> {
        let rooms = self.options.rooms();
        self.progress.show("calls begin");
        let all = self.stage.calls_begin(&mut self.people, rooms, APART).await;
        ensure!(all, "not all calls began: {}", self.stage.ledger().errors_told());
        self.pass(self.options.duration() / 2, "everybody talks").await;
        let rings = self.stage.ledger().rings;
        self.stage.reload_all();
        self.progress.show("every tab reloads");
        let back = |stage: &super::Stage| {
            let ledger = stage.ledger();
            ledger.back.len() + ledger.lost >= rooms * 2
        };
        self.stage.until(BACK_MAX, back).await;
        self.stage.engine.measure(true);
        self.pass(self.options.duration() / 2, "everybody talks on").await;
        self.stage.engine.measure(false);
        let talking = self.stage.talking();
        let (measures, ledger) = self.close().await?;
        let mut times: Vec<f64> = ledger.back.iter().map(|it| ms(*it)).collect();
        times.sort_by(f64::total_cmp);
        verdict.equals("people who see their call again", rooms * 2, times.len());
        verdict.equals("people whose call was gone", 0, ledger.lost);
        verdict.equals("calls that go on", rooms, talking);
        verdict.equals("second rings", rings, ledger.rings);
        verdict.within("from the reload to the other side's picture, p95", BACK_MS, quantile(&times, 0.95));
        quality(verdict, &ledger, &measures);
        Ok(())
    }
}
