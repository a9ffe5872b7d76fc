//! Expected wait, from how long agents have been busy with recent calls.

use std::collections::VecDeque;
use std::time::Duration;

/// Calls looked back on: about an hour of one agent's work, so the estimate follows the day.
const WINDOW: usize = 20;

/// Steps in which a wait is told, seconds. Finer would pretend to know more than we do.
const STEP_S: u32 = 30;

/// Busy times (accept to wrapped up) of the last [`WINDOW`] calls.
#[derive(Debug, Default)]
pub(super) struct HandlingTimes {
    recent: VecDeque<Duration>,
    /// Lower and upper quartile of `recent`, seconds.
    quartiles: Option<(f64, f64)>,
}

impl HandlingTimes {
    pub(super) fn add(&mut self, busy: Duration) {
        if self.recent.len() == WINDOW {
            self.recent.pop_front();
        }
        self.recent.push_back(busy);
        let mut sorted: Vec<Duration> = self.recent.iter().copied().collect();
        sorted.sort_unstable();
        let quartile = |q: usize| sorted[(sorted.len() - 1) * q / 4].as_secs_f64();
        self.quartiles = Some((quartile(1), quartile(3)));
    }

    /// The range, in seconds, in which the wait of the `position`-th in line (from 1) will probably fall.
    ///
    /// With `n` agents busy for `h` each, one becomes free every `h / n`, the first of them anywhere between now and
    /// then: the `p`-th in line waits between `(p - 1) · h / n` and `p · h / n`. The lower bound takes the lower
    /// quartile of recent busy times for `h`, the upper bound the upper quartile. `None` when nobody is on duty or
    /// no call has been handled yet.
    pub(super) fn expected_wait(&self, position: usize, agents_on_duty: u32) -> Option<(u32, u32)> {
        let (lower, upper) = self.quartiles.filter(|_| agents_on_duty > 0)?;
        let shared = f64::from(agents_on_duty) * f64::from(STEP_S);
        let low = position.saturating_sub(1) as f64 * lower / shared;
        let high = position as f64 * upper / shared;
        // Casts saturate; a wait of more than a day is shown as a day.
        let steps = |x: f64| (x as u32).min(24 * 3600 / STEP_S) * STEP_S;
        let low = steps(low.floor());
        Some((low, steps(high.ceil()).max(low + STEP_S)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(seconds: &[u64]) -> HandlingTimes {
        let mut times = HandlingTimes::default();
        seconds.iter().for_each(|s| times.add(Duration::from_secs(*s)));
        times
    }

    #[test]
    fn nothing_is_promised_without_agents_or_without_history() {
        assert_eq!(of(&[]).expected_wait(1, 3), None);
        assert_eq!(of(&[300]).expected_wait(1, 0), None);
    }

    #[test]
    fn the_next_in_line_waits_at_most_one_handling_time_shared_by_the_agents() {
        assert_eq!(of(&[300, 300]).expected_wait(1, 1), Some((0, 300)));
        assert_eq!(of(&[300, 300]).expected_wait(1, 2), Some((0, 150)));
        assert_eq!(of(&[300, 300]).expected_wait(3, 2), Some((300, 450)));
    }

    #[test]
    fn the_range_is_as_wide_as_recent_calls_differ_and_never_empty() {
        assert_eq!(of(&[60, 120, 240, 600, 900]).expected_wait(2, 1), Some((120, 1200)));
        assert_eq!(of(&[1]).expected_wait(1, 10), Some((0, 30)));
    }

    #[test]
    fn only_recent_calls_count() {
        let mut times = of(&[3600; WINDOW]);
        (0..WINDOW).for_each(|_| times.add(Duration::from_secs(60)));
        assert_eq!(times.expected_wait(1, 1), Some((0, 60)));
    }
}
