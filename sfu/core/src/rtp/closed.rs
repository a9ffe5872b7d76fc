//! Numbers of a source that were left out on purpose, so that the others can be closed up.

use std::collections::VecDeque;

/// Runs of left-out numbers remembered. A frame that is dropped is one run, so this is seconds of a stream.
const MAX_RUNS: usize = 128;

/// Which numbers were left out. They only ever grow.
#[derive(Clone, Debug, Default)]
pub struct Closed {
    /// First and last of each run, and how many numbers were left out before it; ascending.
    runs: VecDeque<Run>,
    total: u64,
    /// Below this nothing is known any more.
    known_from: u64,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    first: u64,
    last: u64,
    before: u64,
}

impl Closed {
    /// Forgets everything, and keeps its memory.
    pub fn clear(&mut self) {
        self.runs.clear();
        self.total = 0;
        self.known_from = 0;
    }

    /// Leaves out a number above all earlier ones; others are ignored.
    pub fn close(&mut self, number: u64) {
        match self.runs.back_mut() {
            Some(run) if run.last >= number => return,
            Some(run) if run.last + 1 == number => run.last = number,
            _ => {
                if self.runs.len() == MAX_RUNS
                    && let Some(oldest) = self.runs.pop_front()
                {
                    self.known_from = oldest.last + 1;
                }
                self.runs.push_back(Run { first: number, last: number, before: self.total });
            }
        }
        self.total += 1;
    }

    /// How many numbers below this one were left out; `None` if it was itself, or if that is long forgotten.
    pub fn before(&self, number: u64) -> Option<u64> {
        if number < self.known_from {
            return None;
        }
        // Nearly always it is a number above all runs.
        match self.runs.back() {
            None => return Some(self.total),
            Some(run) if number > run.last => return Some(self.total),
            Some(_) => {}
        }
        let place = self.runs.partition_point(|run| run.last < number);
        match self.runs.get(place) {
            Some(run) if run.first <= number => None,
            Some(run) => Some(run.before),
            None => Some(self.total),
        }
    }

    /// The number that has `place` kept numbers below it, counting left-out ones: the reverse of
    /// `number - before(number)`.
    pub fn reopen(&self, place: u64) -> Option<u64> {
        let run = self.runs.partition_point(|run| run.first - run.before <= place);
        let before = match self.runs.get(run) {
            Some(run) => run.before,
            None => self.total,
        };
        Some(place + before).filter(|number| *number >= self.known_from)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn closing_and_reopening_agree_with_counting(steps in prop::collection::vec((1..5u64, 1..4u64), 0..200)) {
            let mut closed = Closed::default();
            let mut left_out = Vec::new();
            let mut number = 100;
            for (kept, dropped) in steps {
                number += kept;
                for _ in 0..dropped {
                    closed.close(number);
                    left_out.push(number);
                    number += 1;
                }
            }
            // The newest is always known, the oldest maybe not.
            prop_assert_eq!(closed.before(number + 5), Some(left_out.len() as u64));
            for number in 100..number + 10 {
                let below = left_out.iter().filter(|it| **it < number).count() as u64;
                match closed.before(number) {
                    Some(before) => {
                        prop_assert_eq!(before, below);
                        prop_assert!(!left_out.contains(&number));
                        prop_assert_eq!(closed.reopen(number - before), Some(number));
                    }
                    None => prop_assert!(left_out.contains(&number) || number < closed.known_from),
                }
            }
        }
    }
}
