//! The delay-gradient detector: does the queueing delay grow? (draft-ietf-rmcat-gcc-02 §5.3–5.4, in the form of a line
//! fitted to the recent delays, which libwebrtc uses instead of the draft's Kalman filter.)

use super::groups::GroupDelta;

/// Groups the line is fitted to.
const WINDOW: usize = 20;
/// Of which so many at once.
const LANES: usize = 4;
/// Weight of the past in the smoothed delay.
const SMOOTHING: f64 = 0.9;
/// Makes the slope comparable to the threshold.
const GAIN: f64 = 4.0;
/// The slope counts more the more groups stand behind it, up to this many.
const DELTAS_MAX: f64 = 60.0;
/// Time above the threshold before we believe it, in milliseconds.
const OVERUSE_MS: f64 = 10.0;
/// The threshold at first and its limits, in milliseconds.
const THRESHOLD: f64 = 12.5;
const THRESHOLD_MIN: f64 = 6.0;
const THRESHOLD_MAX: f64 = 600.0;
/// How fast the threshold follows up and down, per millisecond. Slowly down: else a TCP flow beside us starves us.
const UP: f64 = 0.0087;
const DOWN: f64 = 0.039;
/// Single outliers further from the threshold than this do not move it, in milliseconds.
const OUTLIER: f64 = 15.0;
/// One adaptation reaches no further back, in milliseconds.
const STEP_MAX: f64 = 100.0;

/// What the path does with our traffic.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Usage {
    /// The queue stays as it is.
    #[default]
    Normal,
    /// The queue grows: we send too much.
    Over,
    /// The queue shrinks: wait until it is empty.
    Under,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Trend {
    /// Arrival (milliseconds since the first) and smoothed delay of the recent groups.
    points: [(f64, f64); WINDOW],
    filled: usize,
    next: usize,
    deltas: f64,
    accumulated: f64,
    smoothed: f64,
    first_at_us: Option<i64>,
    last_at_us: i64,
    threshold: f64,
    over_ms: f64,
    over_count: u32,
    previous_slope: f64,
    usage: Usage,
}

impl Default for Trend {
    fn default() -> Self {
        Self {
            points: [(0.0, 0.0); WINDOW],
            filled: 0,
            next: 0,
            deltas: 0.0,
            accumulated: 0.0,
            smoothed: 0.0,
            first_at_us: None,
            last_at_us: 0,
            threshold: THRESHOLD,
            over_ms: 0.0,
            over_count: 0,
            previous_slope: 0.0,
            usage: Usage::Normal,
        }
    }
}

impl Trend {
    /// Takes the difference between two groups.
    pub fn on_delta(&mut self, delta: GroupDelta) -> Usage {
        let change = (delta.arrival_us - delta.send_us) as f64 / 1000.0;
        let first = *self.first_at_us.get_or_insert(delta.at_us);
        let elapsed = ((delta.at_us - self.last_at_us).max(0) as f64 / 1000.0).min(STEP_MAX);
        self.last_at_us = delta.at_us;
        self.deltas = (self.deltas + 1.0).min(1000.0);
        self.accumulated += change;
        self.smoothed = SMOOTHING * self.smoothed + (1.0 - SMOOTHING) * self.accumulated;
        self.points[self.next] = ((delta.at_us - first) as f64 / 1000.0, self.smoothed);
        self.next = (self.next + 1) % WINDOW;
        self.filled = (self.filled + 1).min(WINDOW);
        let slope = if self.filled == WINDOW { slope(&self.points) } else { 0.0 };
        self.detect(slope, delta.send_us as f64 / 1000.0, elapsed);
        self.usage
    }

    /// The last verdict.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// Forgets the past of the path, not what is normal on it.
    pub fn reset(&mut self) {
        *self = Self { threshold: self.threshold, ..Self::default() };
    }

    fn detect(&mut self, slope: f64, send_ms: f64, elapsed_ms: f64) {
        let modified = self.deltas.min(DELTAS_MAX) * slope * GAIN;
        if modified > self.threshold {
            // The first time counts half: overuse began somewhere since the last group.
            self.over_ms += if self.over_count == 0 { send_ms / 2.0 } else { send_ms };
            self.over_count += 1;
            if self.over_ms > OVERUSE_MS && self.over_count > 1 && slope >= self.previous_slope {
                self.over_ms = 0.0;
                self.over_count = 0;
                self.usage = Usage::Over;
            }
        } else {
            self.over_ms = 0.0;
            self.over_count = 0;
            self.usage = if modified < -self.threshold { Usage::Under } else { Usage::Normal };
        }
        self.previous_slope = slope;
        let distance = modified.abs();
        if distance <= self.threshold + OUTLIER {
            let rate = if distance < self.threshold { DOWN } else { UP };
            self.threshold += rate * (distance - self.threshold) * elapsed_ms;
            self.threshold = self.threshold.clamp(THRESHOLD_MIN, THRESHOLD_MAX);
        }
    }
}

/// Least squares; 0 when all points share one time. Sums go in lanes, so that one addition need not wait for the last.
fn slope(points: &[(f64, f64); WINDOW]) -> f64 {
    let mut sums = [(0.0, 0.0); LANES];
    for lanes in points.chunks_exact(LANES) {
        for (sum, point) in sums.iter_mut().zip(lanes) {
            *sum = (sum.0 + point.0, sum.1 + point.1);
        }
    }
    let total = |sums: [(f64, f64); LANES]| sums.iter().fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
    let (x, y) = total(sums);
    let (x, y) = (x / WINDOW as f64, y / WINDOW as f64);
    let mut sums = [(0.0, 0.0); LANES];
    for lanes in points.chunks_exact(LANES) {
        for (sum, point) in sums.iter_mut().zip(lanes) {
            let away = point.0 - x;
            *sum = (sum.0 + away * (point.1 - y), sum.1 + away * away);
        }
    }
    let (above, below) = total(sums);
    if below > 0.0 { above / below } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups every 20 ms whose queueing delay grows by `growth` microseconds each.
    fn run(trend: &mut Trend, at: &mut i64, groups: usize, growth: i64) -> Vec<Usage> {
        let mut step = || {
            *at += 20_000 + growth;
            trend.on_delta(GroupDelta { send_us: 20_000, arrival_us: 20_000 + growth, at_us: *at })
        };
        (0..groups).map(|_| step()).collect()
    }

    #[test]
    fn a_growing_queue_is_noticed_and_a_draining_one_too() {
        let (mut trend, mut at) = (Trend::default(), 0);
        assert!(run(&mut trend, &mut at, 40, 0).iter().all(|usage| *usage == Usage::Normal));
        let seen = run(&mut trend, &mut at, 30, 5_000);
        let noticed = seen.iter().position(|usage| *usage == Usage::Over).expect("noticed");
        assert!(noticed < 10, "5 ms a group is noticed within 200 ms, not after {noticed} groups");
        assert!(run(&mut trend, &mut at, 40, -5_000).contains(&Usage::Under));
        assert_eq!(run(&mut trend, &mut at, 60, 0).last(), Some(&Usage::Normal));
    }

    #[test]
    fn regular_jitter_raises_the_threshold_instead_of_an_alarm() {
        let (mut trend, mut at) = (Trend::default(), 0);
        let mut alarms = 0;
        for round in 0..500 {
            let wobble = if round % 2 == 0 { 8_000 } else { -8_000 };
            alarms += run(&mut trend, &mut at, 1, wobble).iter().filter(|it| **it == Usage::Over).count();
        }
        assert_eq!(alarms, 0);
    }
}
