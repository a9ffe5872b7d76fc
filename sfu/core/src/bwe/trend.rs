//! The delay-gradient detector: does the queueing delay grow? (draft-ietf-rmcat-gcc-02 §5.3–5.4, in the form of a line
//! fitted to the recent delays, which libwebrtc uses instead of the draft's Kalman filter.)

use super::groups::GroupDelta;

/// Groups the line is fitted to.
const WINDOW: usize = 20;
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
    line: Line,
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
            line: Line::default(),
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
        let point = ((delta.at_us - first) as f64 / 1000.0, self.smoothed);
        let gone = std::mem::replace(&mut self.points[self.next], point);
        self.next = (self.next + 1) % WINDOW;
        self.filled = (self.filled + 1).min(WINDOW);
        if self.next == 0 {
            self.line = Line::through(&self.points);
        } else if self.filled == WINDOW {
            self.line.exchange(gone, point);
        }
        let slope = if self.filled == WINDOW { self.line.slope() } else { 0.0 };
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

/// A line fitted to the last groups by least squares, as sums, so that the next group costs little. They are added up anew once a
/// window: neither errors nor times grow.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    /// What points are counted from.
    origin: (f64, f64),
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
}

impl Line {
    fn through(points: &[(f64, f64); WINDOW]) -> Self {
        let mut line = Self { origin: points[0], ..Self::default() };
        points.iter().for_each(|point| line.add(*point, 1.0));
        line
    }

    fn exchange(&mut self, gone: (f64, f64), point: (f64, f64)) {
        self.add(gone, -1.0);
        self.add(point, 1.0);
    }

    fn add(&mut self, point: (f64, f64), weight: f64) {
        let (x, y) = (point.0 - self.origin.0, point.1 - self.origin.1);
        self.x += weight * x;
        self.y += weight * y;
        self.xx += weight * x * x;
        self.xy += weight * x * y;
    }

    /// 0 when all points share one time.
    fn slope(&self) -> f64 {
        let count = WINDOW as f64;
        let below = count * self.xx - self.x * self.x;
        if below > 1e-6 { (count * self.xy - self.x * self.y) / below } else { 0.0 }
    }
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
    fn a_line_that_follows_is_the_line_through_the_last_points() {
        let (mut trend, mut at) = (Trend::default(), 0);
        for round in 0..2_000 {
            run(&mut trend, &mut at, 1, [7_000, -3_000, 0, -5_000][round % 4] + (round % 7) as i64 * 300);
            let fresh = Line::through(&trend.points).slope();
            let followed = trend.line.slope();
            assert!(
                trend.filled < WINDOW || (fresh - followed).abs() < 1e-9,
                "{fresh} {followed} at {round}"
            );
        }
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
