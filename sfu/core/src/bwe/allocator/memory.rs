//! What is remembered of one slot, so that nothing flaps.

use std::time::{Duration, Instant};

use super::ladder::{Rung, SlotRequest, Target};

/// How long it must fit before going up, at first and at most.
pub(super) const HOLD: (Duration, Duration) = (Duration::from_millis(400), Duration::from_secs(12));
/// Coming down this soon after going up doubles the hold …
const FLAP: Duration = Duration::from_secs(8);
/// … and so long without coming down resets it.
const CALM: Duration = Duration::from_secs(20);
/// A slot that shows something new takes what fits at once for this long: the first picture should be a good one.
const FRESH: Duration = Duration::from_secs(3);
/// What had to come down meanwhile waits for this.
const HOLD_FRESH: Duration = Duration::from_millis(50);
/// The last picture is given up only when it has not fitted for this long: estimates fall too low for a moment.
const PATIENCE: Duration = Duration::from_millis(2000);

/// Memory of one slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    pub(super) rung: Option<usize>,
    pub(super) target: Option<Target>,
    pub(super) fits_since: Option<Instant>,
    /// Since when what it keeps for a while does not fit.
    pub(super) short_since: Option<Instant>,
    /// Since when an elastic source sends more than its share.
    pub(super) over_since: Option<Instant>,
    pub(super) raised_at: Option<Instant>,
    pub(super) lowered_at: Option<Instant>,
    pub(super) hold: Duration,
    pub(super) fresh_since: Option<Instant>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            rung: None,
            target: None,
            fits_since: None,
            short_since: None,
            over_since: None,
            raised_at: None,
            lowered_at: None,
            hold: HOLD.0,
            fresh_since: None,
        }
    }
}

impl Memory {
    /// The ladder may have changed: finds what is shown, or the next below, in it.
    pub(super) fn adopt(&mut self, request: &SlotRequest<'_>) {
        let Some(target) = self.target else {
            self.rung = None;
            return;
        };
        let exact = request.ladder.iter().position(|rung| rung.target == target);
        let below = || request.ladder.iter().rposition(|rung| rung.target < target);
        let found = exact.or_else(below).or((!request.ladder.is_empty()).then_some(0));
        // Of a publisher who follows there is one step a picture.
        let follows = |rung: &Rung| {
            rung.is_elastic() && found.is_some_and(|it| rung.is_picture_of(&request.ladder[it]))
        };
        self.rung = request.ladder.iter().rposition(follows).or(found);
    }

    pub(super) fn choose(&mut self, now: Instant, request: &SlotRequest<'_>, fits: [Option<usize>; 3]) {
        let [fits, safely, amply] = fits;
        if request.ladder.is_empty() {
            *self = Self::default();
            return;
        }
        let fresh_since = *self.fresh_since.get_or_insert(now);
        let current = self.rung.and_then(|rung| request.ladder.get(rung));
        let kept = match current {
            Some(rung) if rung.is_elastic() => self.rung,
            _ => request.cheapest(),
        };
        let kept = kept.filter(|_| current.is_some() && fits.is_none());
        let short_since = kept.is_some().then(|| *self.short_since.get_or_insert(now));
        self.short_since = short_since.filter(|since| now < *since + PATIENCE);
        let fits = if self.short_since.is_some() { kept } else { fits };
        if fits < self.rung {
            if self.raised_at.is_some_and(|at| now < at + FLAP) {
                self.hold = (self.hold * 2).min(HOLD.1);
            }
            self.rung = fits;
            self.lowered_at = Some(now);
            self.fits_since = None;
            return;
        }
        if self.lowered_at.is_none_or(|at| now >= at + CALM) {
            self.hold = HOLD.0;
        }
        if safely <= self.rung {
            self.fits_since = None;
            return;
        }
        let since = *self.fits_since.get_or_insert(now);
        // While the leg is being found out about the estimate doubles from report to report.
        let hold = match now < fresh_since + FRESH {
            true if self.lowered_at.is_none() => Duration::ZERO,
            true => HOLD_FRESH.min(self.hold),
            // Far from where it flapped the past does not matter.
            false if amply >= safely => HOLD.0,
            false => self.hold,
        };
        if now >= since + hold {
            self.rung = safely;
            self.raised_at = Some(now);
            self.fits_since = None;
        }
    }
}
