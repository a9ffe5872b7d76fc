//! Who is on which worker, and who should be.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sfu_core::ids::ParticipantId;

/// What a participant who sends nothing yet is expected to add to a worker's load, per mille of a core: 250 rooms of two
/// fill a core.
const EXPECTED_PERMILLE: u32 = 2;

/// A worker busier than this takes nobody because of whom they will talk to, per mille.
const NEAR_MAX_PERMILLE: u32 = 700;

/// A worker's load as it measures it itself.
#[derive(Debug, Default)]
pub(crate) struct Load {
    busy_permille: AtomicU32,
    failed: AtomicBool,
}

impl Load {
    /// Sets the share of time in which the worker was not waiting, per mille.
    pub(crate) fn set(&self, busy_permille: u32) {
        self.busy_permille.store(busy_permille, Ordering::Relaxed);
    }

    /// Share of time in which the worker was not waiting, per mille.
    pub(crate) fn permille(&self) -> u32 {
        self.busy_permille.load(Ordering::Relaxed)
    }
}

/// A worker is measured over this long at least.
const WINDOW: Duration = Duration::from_millis(500);

/// A worker's own measurement of its load: the time between waking and sleeping.
pub(crate) struct Meter {
    load: Arc<Load>,
    since: Instant,
    woke: Option<Instant>,
    busy: Duration,
}

impl Meter {
    /// Begins now.
    pub(crate) fn new(load: Arc<Load>, now: Instant) -> Self {
        Self { load, since: now, woke: None, busy: Duration::ZERO }
    }

    /// The worker has something to do.
    pub(crate) fn wake(&mut self, now: Instant) {
        self.woke = Some(now);
    }

    /// The worker has done it.
    pub(crate) fn sleep(&mut self, now: Instant, participants: usize) {
        if let Some(woke) = self.woke.take() {
            self.busy += now.saturating_duration_since(woke);
        }
        if participants == 0 {
            // Nothing may happen here for a long time: the last measurement must not stand until then.
            self.load.set(0);
        }
        let passed = now.saturating_duration_since(self.since);
        if passed >= WINDOW {
            let share = self.busy.as_micros() * 1000 / passed.as_micros().max(1);
            self.load.set((share as u32).min(1000));
            (self.since, self.busy) = (now, Duration::ZERO);
        }
    }
}

/// See the module. Never touched on the packet path.
#[derive(Debug)]
pub(crate) struct Placement {
    table: Mutex<HashMap<ParticipantId, usize>>,
    loads: Vec<Arc<Load>>,
    fill_permille: u32,
}

impl Placement {
    /// Nobody yet, on as many workers as there are loads.
    pub(crate) fn new(loads: Vec<Arc<Load>>, fill_permille: u32) -> Self {
        Self { table: Mutex::default(), loads, fill_permille }
    }

    fn table(&self) -> MutexGuard<'_, HashMap<ParticipantId, usize>> {
        // A panic while holding the lock cannot leave the map half changed.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The worker somebody is on.
    pub(crate) fn of(&self, who: ParticipantId) -> Option<usize> {
        self.table().get(&who).copied()
    }

    /// The worker of a participant. People who talk to each other cost less on one worker, so a new one comes to where
    /// `near` is, else to the first worker that is not filled yet, as far as those are not too busy; else to the least
    /// loaded one.
    pub(crate) fn place(&self, who: ParticipantId, near: Option<ParticipantId>) -> usize {
        let mut table = self.table();
        if let Some(worker) = table.get(&who) {
            return *worker;
        }
        let mut loads: Vec<u32> = self.loads.iter().map(|load| load.permille()).collect();
        let busy = loads.clone();
        for worker in table.values() {
            loads[*worker] += EXPECTED_PERMILLE;
        }
        for (load, worker) in loads.iter_mut().zip(&self.loads) {
            if worker.failed.load(Ordering::Relaxed) {
                *load = u32::MAX;
            }
        }
        let least = loads.iter().enumerate().min_by_key(|(_, load)| **load).map_or(0, |(worker, _)| worker);
        let near = near.and_then(|other| table.get(&other).copied());
        let near = near.filter(|worker| busy[*worker] < NEAR_MAX_PERMILLE);
        let filling = loads.iter().position(|load| *load < self.fill_permille);
        let worker = near.or(filling).unwrap_or(least);
        table.insert(who, worker);
        worker
    }

    /// A worker has failed: nobody comes to it any more. Who was there?
    pub(crate) fn bury(&self, worker: usize) -> Vec<ParticipantId> {
        if let Some(load) = self.loads.get(worker) {
            load.failed.store(true, Ordering::Relaxed);
        }
        let mut table = self.table();
        let lost: Vec<_> = table.iter().filter(|(_, place)| **place == worker).map(|(who, _)| *who).collect();
        table.retain(|_, place| *place != worker);
        lost
    }

    /// Somebody has left.
    pub(crate) fn forget(&self, who: ParticipantId) {
        self.table().remove(&who);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placement(workers: usize) -> Placement {
        Placement::new((0..workers).map(|_| Arc::default()).collect(), 0)
    }

    #[test]
    fn a_worker_is_filled_before_the_next_one_is_begun() {
        let placement = Placement { fill_permille: 100, ..placement(2) };
        let place = |who| placement.place(ParticipantId(who), None);
        let places: Vec<_> = (0..52).map(place).collect();
        assert_eq!(places[..50], [0; 50], "two per mille are expected of each");
        assert_eq!(places[50..], [1; 2]);
        placement.loads[1].set(100);
        assert_eq!(place(60), 0, "both are full: the least loaded");
        placement.forget(ParticipantId(3));
        placement.forget(ParticipantId(4));
        assert_eq!(place(61), 0);
    }

    #[test]
    fn people_are_spread_and_stay_where_they_are() {
        let placement = placement(3);
        let places: Vec<_> = (0..6).map(|who| placement.place(ParticipantId(who), None)).collect();
        assert_eq!(places, [0, 1, 2, 0, 1, 2]);
        assert_eq!(placement.place(ParticipantId(4), None), 1, "an ICE restart moves nobody");
        placement.forget(ParticipantId(4));
        assert_eq!(placement.of(ParticipantId(4)), None);
        assert_eq!(placement.place(ParticipantId(9), None), 1);
    }

    #[test]
    fn nobody_comes_to_a_worker_that_has_failed() {
        let placement = placement(3);
        for who in 0..6 {
            placement.place(ParticipantId(who), None);
        }
        let mut lost = placement.bury(1);
        lost.sort();
        assert_eq!(lost, [ParticipantId(1), ParticipantId(4)]);
        assert_eq!(placement.of(ParticipantId(1)), None);
        let places: Vec<_> = (10..14).map(|who| placement.place(ParticipantId(who), None)).collect();
        assert_eq!(places, [0, 2, 0, 2]);
    }

    #[test]
    fn measured_load_counts_more_than_heads() {
        let placement = placement(2);
        placement.loads[0].set(300);
        let places: Vec<_> = (0..10).map(|who| placement.place(ParticipantId(who), None)).collect();
        assert_eq!(places, [1; 10]);
    }

    #[test]
    fn who_talks_to_each_other_comes_to_one_worker_unless_it_is_busy() {
        let placement = placement(2);
        let (agent, buyer) = (ParticipantId(1), ParticipantId(2));
        let worker = placement.place(agent, None);
        assert_eq!(placement.place(buyer, Some(agent)), worker);
        placement.loads[worker].set(NEAR_MAX_PERMILLE);
        assert_ne!(placement.place(ParticipantId(3), Some(agent)), worker);
        assert_eq!(placement.place(ParticipantId(4), Some(ParticipantId(99))), 1, "whoever that is");
    }
}
