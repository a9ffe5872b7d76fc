//! What receivers find out, added up over all callers of an engine.
//!
//! Delays and the like are histograms of two significant digits; they and the counts cover only the time that is measured
//! ([`Measures::measuring`]), so that arrivals and the start do not blur them. The timeline covers everything.

pub mod mos;

use std::time::Instant;

use hdrhistogram::Histogram;

/// Longest value that is told apart, µs: a minute.
const LONGEST_US: u64 = 60_000_000;

/// A histogram of times in µs up to a minute.
pub fn times() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_US, 2).unwrap_or_else(|_| unreachable!("fixed bounds are valid"))
}

/// Takes note of a time; longer ones count as a minute.
pub fn note(histogram: &mut Histogram<u64>, us: u64) {
    histogram.saturating_record(us.clamp(1, LONGEST_US));
}

/// Counts that can be added up and taken from each other.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Counts {
    /// Media packets that came, retransmissions that filled a gap included.
    pub packets: u64,
    /// Their bytes, with RTP header and without.
    pub bytes: u64,
    /// Packets that were sent to receivers, as their numbers tell.
    pub expected: u64,
    /// Of those, missing when the ones after them came.
    pub missing: u64,
    /// Of those, never there at all.
    pub lost: u64,
    /// Pictures captured while a slot was looked at, all temporal layers included.
    pub frames_captured: u64,
    /// Pictures shown.
    pub frames_shown: u64,
    /// Pictures that could not be shown because something of them or before them was missing.
    pub frames_broken: u64,
    /// Freezes by the rule of `getStats`: a picture stands for longer than three average ones and than one and 150 ms.
    pub freezes: u64,
    /// Time that pictures were looked at, µs.
    pub watched_us: u64,
    /// Of it, frozen.
    pub frozen_us: u64,
    /// 20 ms of sound that should have been heard.
    pub sounds: u64,
    /// Of those, not there in time and made up.
    pub concealed: u64,
    /// Changes of the size or frame rate that a slot shows.
    pub switches: u64,
    /// Packets asked for again.
    pub nacks: u64,
    /// Keyframes asked for.
    pub keyframe_requests: u64,
    /// Datagrams that did not open.
    pub undecryptable: u64,
}

impl Counts {
    /// Both together.
    pub fn add(&mut self, other: &Counts) {
        for (mine, theirs) in self.fields().into_iter().zip(other.clone().fields()) {
            *mine += *theirs;
        }
    }

    fn fields(&mut self) -> [&mut u64; 17] {
        [
            &mut self.packets,
            &mut self.bytes,
            &mut self.expected,
            &mut self.missing,
            &mut self.lost,
            &mut self.frames_captured,
            &mut self.frames_shown,
            &mut self.frames_broken,
            &mut self.freezes,
            &mut self.watched_us,
            &mut self.frozen_us,
            &mut self.sounds,
            &mut self.concealed,
            &mut self.switches,
            &mut self.nacks,
            &mut self.keyframe_requests,
            &mut self.undecryptable,
        ]
    }

    /// Share of watched time that was frozen, 0–1.
    pub fn freeze_ratio(&self) -> f64 {
        ratio(self.frozen_us, self.watched_us)
    }

    /// Share of sound that was made up, 0–1.
    pub fn concealed_ratio(&self) -> f64 {
        ratio(self.concealed, self.sounds)
    }
}

/// A share; nothing of nothing is none.
pub fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// One second of all callers together.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Second {
    /// Its end.
    pub at: Instant,
    /// Counts of this second.
    pub counts: Counts,
    /// Delay that the server added to packets, µs; `None` where nothing came.
    pub added_us: Option<(u64, u64)>,
    /// Capture to complete picture, p50 and p95, µs.
    pub video_delay_us: Option<(u64, u64)>,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Measures {
    /// What comes now counts.
    pub measuring: bool,
    /// What counts.
    pub counts: Counts,
    /// From the moment a packet is handed to the caller's socket to the kernel's arrival time at the other: what the server
    /// added, and two passes through the network between them and it.
    pub added_us: Histogram<u64>,
    /// Capture to complete picture.
    pub video_delay_us: Histogram<u64>,
    /// Capture to arrival of sound.
    pub audio_delay_us: Histogram<u64>,
    /// Mouth to ear: capture to when sound would be played.
    pub mouth_to_ear_us: Histogram<u64>,
    /// Interarrival jitter (RFC 3550) of each stream, once a second.
    pub jitter_us: Histogram<u64>,
    /// Hundredths of MOS of each voice, once every 10 s.
    pub mos_centi: Histogram<u64>,
    /// How long pictures that stood still for half a second or more did so.
    pub stalls_us: Histogram<u64>,
    /// One entry a second since the engine began.
    pub timeline: Vec<Second>,
    second: Counts,
    second_added: Histogram<u64>,
    second_video: Histogram<u64>,
}

impl Default for Measures {
    fn default() -> Self {
        Self {
            measuring: false,
            counts: Counts::default(),
            added_us: times(),
            video_delay_us: times(),
            audio_delay_us: times(),
            mouth_to_ear_us: times(),
            jitter_us: times(),
            mos_centi: times(),
            stalls_us: times(),
            timeline: Vec::new(),
            second: Counts::default(),
            second_added: times(),
            second_video: times(),
        }
    }
}

impl Measures {
    /// Nothing yet, and everything from now on counts.
    pub fn begun() -> Self {
        Self { measuring: true, ..Self::default() }
    }

    /// Adds to the counts.
    pub fn count(&mut self, add: impl Fn(&mut Counts)) {
        add(&mut self.second);
        if self.measuring {
            add(&mut self.counts);
        }
    }

    /// A packet came; it had been handed to the network this long before.
    pub fn added(&mut self, us: u64) {
        note(&mut self.second_added, us);
        if self.measuring {
            note(&mut self.added_us, us);
        }
    }

    /// A picture is complete.
    pub fn video_delay(&mut self, us: u64) {
        note(&mut self.second_video, us);
        if self.measuring {
            note(&mut self.video_delay_us, us);
        }
    }

    /// Takes note of something in one of the histograms.
    pub fn note(&mut self, of: impl Fn(&mut Self) -> &mut Histogram<u64>, value: u64) {
        if self.measuring {
            note(of(self), value);
        }
    }

    /// A second is over.
    pub fn roll(&mut self, now: Instant) -> Second {
        let quantiles = |histogram: &Histogram<u64>| {
            let value = |share| histogram.value_at_quantile(share);
            (!histogram.is_empty()).then(|| (value(0.5), value(0.95)))
        };
        let second = Second {
            at: now,
            counts: std::mem::take(&mut self.second),
            added_us: quantiles(&self.second_added),
            video_delay_us: quantiles(&self.second_video),
        };
        self.second_added.reset();
        self.second_video.reset();
        self.timeline.push(second);
        second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_measured_counts_and_the_timeline_has_everything() {
        let mut measures = Measures::default();
        measures.added(100);
        measures.count(|it| it.packets += 1);
        let now = Instant::now();
        measures.roll(now);
        measures.measuring = true;
        measures.added(300);
        measures.count(|it| it.packets += 2);
        measures.roll(now);
        assert_eq!(measures.counts.packets, 2);
        assert_eq!(measures.added_us.len(), 1);
        let packets: Vec<_> = measures.timeline.iter().map(|it| it.counts.packets).collect();
        assert_eq!(packets, [1, 2]);
        assert!(measures.timeline[0].added_us.is_some_and(|(p50, _)| (99..102).contains(&p50)));
        assert_eq!(measures.roll(now).added_us, None);
    }

    #[test]
    fn counts_add_up_field_by_field() {
        let mut sum = Counts { packets: 1, frozen_us: 2, ..Counts::default() };
        sum.add(&Counts { packets: 10, undecryptable: 3, ..Counts::default() });
        assert_eq!(sum, Counts { packets: 11, frozen_us: 2, undecryptable: 3, ..Counts::default() });
    }
}
