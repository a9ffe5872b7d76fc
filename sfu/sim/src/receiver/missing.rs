//! Sequence numbers of one stream: extending them, noticing gaps, asking again. As libwebrtc's NACK requester does it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::clock::ms;

/// A gap this old without any request was no reordering.
const REORDERING: Duration = ms(10);
/// Requests for one packet.
const TRIES_MAX: u8 = 10;
/// More than this missing at once, and only a keyframe helps.
const MISSING_MAX: usize = 1000;

#[derive(Clone, Copy, Debug)]
struct Missing {
    since: Instant,
    asked: Option<Instant>,
    tries: u8,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Sequences {
    highest: Option<u64>,
    missing: BTreeMap<u64, Missing>,
    /// Too much was missing; cleared by reading it.
    overwhelmed: bool,
    asked: u64,
}

impl Sequences {
    /// Takes note of a packet; gives its number without wraps.
    pub fn arrived(&mut self, now: Instant, sequence: u16) -> u64 {
        let Some(highest) = self.highest else {
            let first = (1 << 20) + u64::from(sequence);
            self.highest = Some(first);
            return first;
        };
        let extended = self.extend(sequence);
        if extended > highest {
            for lost in highest + 1..extended.min(highest + 2000) {
                self.missing.insert(lost, Missing { since: now, asked: None, tries: 0 });
            }
            if self.missing.len() > MISSING_MAX {
                self.missing.clear();
                self.overwhelmed = true;
            }
            self.highest = Some(extended);
        } else {
            self.missing.remove(&extended);
        }
        extended
    }

    /// The number nearest to the highest so far.
    pub fn extend(&self, sequence: u16) -> u64 {
        let highest = self.highest.unwrap_or(1 << 20);
        highest.wrapping_add_signed(i64::from(sequence.wrapping_sub(highest as u16) as i16))
    }

    /// The highest number so far.
    pub fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// What lies before is not needed any more.
    pub fn forget_before(&mut self, sequence: u64) {
        self.missing = self.missing.split_off(&sequence);
    }

    /// Numbers to ask for now.
    pub fn due(&mut self, now: Instant, rtt: Duration) -> Vec<u16> {
        let mut due = Vec::new();
        for (sequence, missing) in &mut self.missing {
            let at = missing.asked.map_or(missing.since + REORDERING, |asked| asked + rtt.max(ms(20)));
            if at <= now && missing.tries < TRIES_MAX && due.len() < 200 {
                missing.asked = Some(now);
                missing.tries += 1;
                due.push(*sequence as u16);
            }
        }
        self.asked += due.len() as u64;
        due
    }

    /// Requests made so far.
    pub fn asked(&self) -> u64 {
        self.asked
    }

    /// Whether the gaps became too many since the last call.
    pub fn take_overwhelmed(&mut self) -> bool {
        std::mem::take(&mut self.overwhelmed)
    }
}
