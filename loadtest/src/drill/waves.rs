//! More buyers than agents: a sale's peak, and a surge of complaints.

use std::time::{Duration, Instant};

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::sleep;

use super::Cast;
use super::marks::Verdict;
use super::people::{self, Plan};
use super::stage::{Ledger, ms, quantile};
use crate::measure::Measures;

/// A buyer of the wave talks this long.
const TALK: Duration = Duration::from_secs(4);
/// Everybody has been served after this time, or never will be.
const SERVED_MAX: Duration = Duration::from_secs(600);
/// From accept to the picture (the field's goal: p95).
const FIRST_FRAME_MS: f64 = 1_500.0;
/// Share of watched time that may be frozen.
const FROZEN: f64 = 0.01;
/// What opening a visit may take while everybody does.
const VISIT_MS: f64 = 1_000.0;

impl Cast<'_> {
    /// Three times as many buyers as agents, most of them in the middle.
    pub(super) async fn peak(&mut self, verdict: &mut Verdict) -> Result<()> {
        let buyers = self.options.rooms() * 3;
        let plan = Plan { talk: Some(TALK), ..Plan::default() };
        self.stage.engine.measure(true);
        let begun = Instant::now();
        for number in 0..buyers {
            let due = self.options.duration().mul_f64(arrival((number as f64 + 0.5) / buyers as f64));
            sleep(due.saturating_sub(begun.elapsed())).await;
            self.people.spawn(people::buyer(self.stage.clone(), plan));
            self.progress.show(&format!("{} of {buyers} buyers have come", number + 1));
        }
        self.served(buyers).await;
        self.stage.engine.measure(false);
        let (measures, ledger) = self.close().await?;
        verdict.equals("buyers who were answered and hung up content", buyers, ledger.content);
        in_order(verdict, &ledger);
        quality(verdict, &ledger, &measures);
        Ok(())
    }

    /// Eight buyers an agent within a second; every second one leaves after 2 to 6 s.
    pub(super) async fn surge(&mut self, verdict: &mut Verdict) -> Result<()> {
        let buyers = self.options.rooms() * 8;
        let mut random = StdRng::seed_from_u64(self.options.seed);
        self.stage.engine.measure(true);
        for number in 0..buyers {
            let patience =
                (number % 2 == 1).then(|| Duration::from_millis(random.random_range(2_000..6_000)));
            let plan = Plan { talk: Some(TALK / 2), patience, ..Plan::default() };
            self.people.spawn(people::buyer(self.stage.clone(), plan));
            sleep(Duration::from_secs(1) / buyers as u32).await;
        }
        self.served(buyers).await;
        self.stage.engine.measure(false);
        let slowest = self.stage.slowest_visit_us.load(std::sync::atomic::Ordering::Relaxed) as f64 / 1000.0;
        let (measures, ledger) = self.close().await?;
        verdict.equals(
            "buyers who were answered or left of their own will",
            buyers,
            ledger.content + ledger.left,
        );
        verdict.equals(
            "buyers who had left and were connected all the same",
            0,
            ledger.connected_after_leaving,
        );
        let waited = ledger.waits.iter().filter(|(_, waited)| *waited > Duration::from_secs(5)).count();
        verdict.holds(
            "buyers who were told their place in line",
            format!("≥ {waited}"),
            ledger.told_place,
            ledger.told_place >= waited,
        );
        in_order(verdict, &ledger);
        quality(verdict, &ledger, &measures);
        verdict.within("slowest opening of a visit", VISIT_MS, Some(slowest));
        Ok(())
    }

    /// Waits until everybody has been served or has left.
    async fn served(&self, buyers: usize) {
        let begun = Instant::now();
        loop {
            let (content, left) = {
                let ledger = self.stage.ledger();
                (ledger.content, ledger.left)
            };
            let there = self.stage.buyers.load(std::sync::atomic::Ordering::Relaxed);
            if there == 0 || begun.elapsed() > SERVED_MAX {
                return;
            }
            let talking = self.stage.talking();
            self.progress
                .show(&format!("{content} of {buyers} buyers were served, {left} left, {talking} talk"));
            sleep(Duration::from_millis(250)).await;
        }
    }
}

/// When a share of all buyers has come, as a share of the time: few at first, most in the middle, few at the end.
fn arrival(share: f64) -> f64 {
    // The inverse of 3x² − 2x³, which rises like that.
    0.5 - ((1.0 - 2.0 * share).asin() / 3.0).sin()
}

/// Who came first was answered first. Buyers who ask within the same instant may be taken in either order.
fn in_order(verdict: &mut Verdict, ledger: &Ledger) {
    const SAME: Duration = Duration::from_millis(1_000);
    let late = |pair: &[(jiff::Timestamp, Duration)]| {
        pair[0].0.duration_since(pair[1].0).try_into().is_ok_and(|before: Duration| before > SAME)
    };
    let overtaken = ledger.waits.windows(2).filter(|pair| late(pair)).count();
    verdict.equals("buyers who were overtaken by somebody who came a second later", 0, overtaken);
    let mut waits: Vec<f64> = ledger.waits.iter().map(|(_, waited)| ms(*waited)).collect();
    waits.sort_by(f64::total_cmp);
    let wait = |share| quantile(&waits, share).unwrap_or_default() / 1000.0;
    verdict.note(format!(
        "waits: p50 {:.1} s, p95 {:.1} s, longest {:.1} s",
        wait(0.5),
        wait(0.95),
        wait(1.0)
    ));
}

/// What every drill wants of its calls.
pub(super) fn quality(verdict: &mut Verdict, ledger: &Ledger, measures: &Measures) {
    let errors = ledger.errors_told();
    verdict.holds("errors", "none", if errors.is_empty() { "none" } else { &errors }, errors.is_empty());
    verdict.within("accept to first picture, p95", FIRST_FRAME_MS, quantile(&ledger.first_frames_ms(), 0.95));
    verdict.share("watched time that was frozen", FROZEN, measures.counts.freeze_ratio());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::Drill;

    #[test]
    fn a_wave_begins_and_ends_slowly() {
        assert!(arrival(0.0).abs() < 1e-9 && (arrival(1.0) - 1.0).abs() < 1e-9);
        assert!((arrival(0.5) - 0.5).abs() < 1e-9);
        assert!(arrival(0.1) > 0.15, "few come early");
        let steps: Vec<f64> = (0..=20).map(|it| arrival(f64::from(it) / 20.0)).collect();
        assert!(steps.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(steps[11] - steps[10] < steps[1] - steps[0], "they are closest in the middle");
    }

    #[test]
    fn somebody_who_was_overtaken_is_seen() {
        let at = |second| jiff::Timestamp::from_second(second).expect("a time");
        let waits = vec![(at(10), Duration::from_secs(1)), (at(12), Duration::from_secs(2))];
        let mut ledger = Ledger { waits, ..Ledger::default() };
        let mut verdict = Verdict::of(Drill::Peak);
        in_order(&mut verdict, &ledger);
        assert!(verdict.passed(true), "{}", verdict.table());
        ledger.waits.push((at(9), Duration::from_secs(9)));
        in_order(&mut verdict, &ledger);
        assert!(!verdict.passed(true));
        assert!(verdict.notes[1].contains("longest 9.0 s"), "{:?}", verdict.notes);
    }
}
