//! When a decoded picture is on the screen: a playout clock that follows the path's jitter, as libwebrtc's does.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Stream;
use crate::clock::ms;
use crate::format::marker::Marker;

/// Pictures whose lateness is remembered.
const REMEMBERED: usize = 128;
/// Nobody waits longer than this on purpose.
const DELAY_MAX: Duration = ms(500);
/// After so many rounds of NACKs repairs are waited for: libwebrtc's `kNackLimit`.
const NACKS: u32 = 3;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Display {
    stream: Option<Stream>,
    /// Ready minus captured of recent pictures, ms, with an unknown offset.
    transit: VecDeque<f64>,
    origin: Option<Instant>,
    last: Option<Instant>,
    /// By the playout delay extension.
    minimum: Duration,
    rtt: Duration,
    nacks: u32,
}

impl Display {
    /// The sender wants pictures held at least so long.
    pub fn set_minimum(&mut self, minimum: Duration) {
        self.minimum = minimum;
    }

    /// What the sender wants.
    pub fn minimum(&self) -> Duration {
        self.minimum
    }

    /// The round trip to the server.
    pub fn set_rtt(&mut self, rtt: Duration) {
        self.rtt = rtt;
    }

    /// Something was asked for again.
    pub fn on_nack(&mut self) {
        self.nacks += 1;
    }

    /// When a picture that is decoded now is shown.
    pub fn show(&mut self, now: Instant, stream: Stream, marker: &Marker) -> Instant {
        let other = |before: Stream| (before.person, before.source) != (stream.person, stream.source);
        if self.stream.replace(stream).is_some_and(other) {
            // Another device, another clock.
            self.transit.clear();
        }
        let origin = *self.origin.get_or_insert(now);
        let now_ms = now.duration_since(origin).as_secs_f64() * 1e3;
        let captured_ms = marker.captured_us as f64 / 1e3;
        let transit = now_ms - captured_ms;
        if self.transit.len() == REMEMBERED {
            self.transit.pop_front();
        }
        self.transit.push_back(transit);
        let mut sorted: Vec<f64> = self.transit.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let fastest = sorted[0];
        let usual = sorted[(sorted.len() * 19 / 20).min(sorted.len() - 1)];
        let repair = if self.nacks >= NACKS { self.rtt.as_secs_f64() * 1e3 } else { 0.0 };
        let wanted = (usual - fastest + 10.0 + repair).min(DELAY_MAX.as_secs_f64() * 1e3);
        let delay = wanted.max(self.minimum.as_secs_f64() * 1e3);
        let due_ms = captured_ms + fastest + delay;
        let wait = Duration::from_secs_f64(((due_ms - now_ms) / 1e3).max(0.0));
        let at = (now + wait).max(self.last.unwrap_or(now));
        self.last = Some(at);
        at
    }
}
