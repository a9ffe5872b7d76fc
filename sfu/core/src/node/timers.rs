//! One deadline a participant, ordered.

use std::time::Instant;

/// See the module. A binary heap in one vector, with the place of every participant's entry: changing one costs a few swaps
/// and no allocation.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: Vec<(Instant, usize)>,
    /// By key of the participant: where its entry is.
    places: Vec<Option<u32>>,
}

impl Timers {
    pub(super) fn next(&self) -> Option<Instant> {
        self.heap.first().map(|(at, _)| *at)
    }

    /// When a participant's turn is.
    #[cfg(test)]
    fn armed(&self, key: usize) -> Option<Instant> {
        let place = (*self.places.get(key)?)?;
        self.heap.get(place as usize).map(|(at, _)| *at)
    }

    /// Sets a participant's deadline.
    pub(super) fn arm(&mut self, key: usize, at: Instant) {
        if self.places.len() <= key {
            self.places.resize(key + 1, None);
        }
        match self.places[key] {
            Some(place) => {
                let place = place as usize;
                let before = std::mem::replace(&mut self.heap[place].0, at);
                if at < before {
                    self.rise(place);
                } else if at > before {
                    self.sink(place);
                }
            }
            None => {
                self.places[key] = Some(self.heap.len() as u32);
                self.heap.push((at, key));
                self.rise(self.heap.len() - 1);
            }
        }
    }

    pub(super) fn disarm(&mut self, key: usize) {
        let Some(place) = self.places.get_mut(key).and_then(Option::take) else { return };
        let place = place as usize;
        self.heap.swap_remove(place);
        if let Some((_, moved)) = self.heap.get(place) {
            self.places[*moved] = Some(place as u32);
            self.rise(place);
            self.sink(place);
        }
    }

    /// A participant whose deadline has come; its entry is gone.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<usize> {
        let (_, key) = *self.heap.first().filter(|(at, _)| *at <= now)?;
        self.disarm(key);
        Some(key)
    }

    fn rise(&mut self, mut place: usize) {
        while place > 0 && self.heap[place].0 < self.heap[(place - 1) / 2].0 {
            let parent = (place - 1) / 2;
            self.swap(place, parent);
            place = parent;
        }
    }

    fn sink(&mut self, mut place: usize) {
        loop {
            let children = 2 * place + 1..(2 * place + 3).min(self.heap.len());
            let Some(child) = children.min_by_key(|child| self.heap[*child].0) else { return };
            if self.heap[place].0 <= self.heap[child].0 {
                return;
            }
            self.swap(place, child);
            place = child;
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        for place in [a, b] {
            self.places[self.heap[place].1] = Some(place as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_earliest_deadline_is_always_first(
            steps in prop::collection::vec((0usize..20, 0u64..100, 0u8..4), 1..300),
        ) {
            let start = Instant::now();
            let (mut timers, mut truth) = (Timers::default(), BTreeMap::new());
            for (key, at, what) in steps {
                let at = start + Duration::from_millis(at);
                match what {
                    0 => {
                        timers.disarm(key);
                        truth.remove(&key);
                    }
                    1 => match timers.pop_due(at) {
                        Some(key) => {
                            let earliest = *truth.values().min().expect("one was due");
                            prop_assert!(earliest <= at);
                            prop_assert_eq!(truth.remove(&key), Some(earliest));
                        }
                        None => prop_assert!(truth.values().all(|other| *other > at)),
                    },
                    _ => {
                        timers.arm(key, at);
                        truth.insert(key, at);
                    }
                }
                prop_assert_eq!(timers.next(), truth.values().min().copied());
                for key in 0..20 {
                    prop_assert_eq!(timers.armed(key), truth.get(&key).copied());
                }
            }
        }
    }
}
