//! Who gets what of the estimate.
//!
//! Audio first; it is small and never negotiated. Then shared screens until their text is sharp, then every camera's lowest
//! layer, the largest view first, then screens to their full frame rate, then cameras upwards, the largest view first. Within a
//! slot the ladder decides what goes first, and temporal layers stand between spatial ones in it.
//!
//! Down goes at once: what does not fit is delay. Up goes when it fits with a margin and has for a while, and a slot that had to come
//! back down waits twice as long the next time. Only the step from the lowest layer to nothing takes patience: it ends in a
//! keyframe, which costs a narrow leg more than the layer did.

mod distribute;
mod ladder;
mod memory;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use self::distribute::{Price, distribute};
pub use self::ladder::{Rung, SlotRequest, Target};
use self::memory::Memory;
use super::bitrate::Bitrate;

/// Up only when this much more than needed is there.
const MARGIN_UP: f64 = 1.12;
/// With this much more than needed there is no flapping to be feared.
const MARGIN_AMPLE: f64 = 2.0;
/// What is shown stays while it is no more than this beyond the budget: measured rates wobble.
const TOLERANCE: f64 = 1.05;
/// A publisher that was told to send less does so within this time.
const FOLLOWS: Duration = Duration::from_millis(1500);
/// Encoders that try to follow, but cannot send so little, send up to this many times what they should.
const OVERSHOOT: f64 = 1.5;
/// Retransmissions need as much as is lost, at most this share of everything.
const REPAIR_MAX: f64 = 0.2;

/// What a leg has to give, and what of it is spoken for.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Leg {
    /// What it carries.
    pub estimate: Bitrate,
    /// What audio uses.
    pub audio: Bitrate,
    /// What it takes to let leave in good time what waits to leave. It comes before better pictures, not before any.
    pub waiting: Bitrate,
    /// Share of packets that are sent again, 0–1.
    pub loss: f64,
}

/// What a video slot gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Allocation {
    /// What to forward; `None` pauses the slot.
    pub target: Option<Target>,
    /// What the slot may use. For an elastic source: what it should send.
    pub share: Bitrate,
}

/// See the module. Its lists keep their memory: warm, it allocates nothing.
#[derive(Debug, Default)]
pub struct Allocator {
    slots: Vec<Memory>,
    order: Vec<usize>,
    fits: Vec<Option<usize>>,
    fits_safely: Vec<Option<usize>>,
    fits_amply: Vec<Option<usize>>,
    out: Vec<Allocation>,
    changes: u64,
}

impl Allocator {
    /// Something else is shown on a slot: its past means nothing.
    pub fn restart(&mut self, slot: usize) {
        if let Some(memory) = self.slots.get_mut(slot) {
            *memory = Memory::default();
        }
    }

    /// How often a slot went up, down, off or on.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// What all slots together would use: audio, and the top of every ladder with the margin that reaching it takes.
    pub fn wanted(audio: Bitrate, slots: &[SlotRequest<'_>], loss: f64) -> Bitrate {
        let video = slots.iter().map(|slot| slot.most().as_bps()).fold(0, u64::saturating_add);
        if video == 0 {
            return Bitrate::ZERO;
        }
        audio.plus(Bitrate::bps(video)).scale(MARGIN_UP * 1.03 / (1.0 - loss.clamp(0.0, REPAIR_MAX)))
    }

    /// Divides what the leg has among the video slots.
    pub fn divide(&mut self, now: Instant, leg: &Leg, slots: &[SlotRequest<'_>]) -> &[Allocation] {
        let budget = leg.estimate.minus(leg.audio).scale(1.0 - leg.loss.clamp(0.0, REPAIR_MAX));
        self.slots.resize(slots.len(), Memory::default());
        self.order.clear();
        self.order
            .extend((0..slots.len()).filter(|slot| slots.get(*slot).is_some_and(|it| !it.ladder.is_empty())));
        let key = |slot: &usize| slots.get(*slot).map(|it| (Reverse(it.screen), Reverse(it.pixels), *slot));
        self.order.sort_unstable_by_key(key);
        let waiting = leg.waiting;
        let order = &self.order;
        let (keep, reach): (Price, Price) = (|rung| rung.least, |rung| rung.enough);
        distribute(budget.scale(TOLERANCE), waiting, slots, order, keep, &mut self.fits);
        distribute(budget.scale(1.0 / MARGIN_UP), waiting, slots, order, reach, &mut self.fits_safely);
        distribute(budget.scale(1.0 / MARGIN_AMPLE), waiting, slots, order, reach, &mut self.fits_amply);
        self.out.clear();
        for (slot, request) in slots.iter().enumerate() {
            let memory = &mut self.slots[slot];
            memory.adopt(request);
            let before = memory.target;
            let fits = [self.fits[slot], self.fits_safely[slot], self.fits_amply[slot]];
            memory.choose(now, request, fits);
            memory.target = memory.rung.and_then(|rung| request.ladder.get(rung)).map(|rung| rung.target);
            self.changes += u64::from(memory.target != before);
            let fits = memory.rung.filter(|_| memory.short_since.is_none());
            let share = fits.map_or(Bitrate::ZERO, |rung| request.cost(rung));
            self.out.push(Allocation { target: memory.target, share });
        }
        self.share_rest(now, budget.minus(waiting), slots);
        &self.out
    }

    /// What is left goes to the sources that can use any rate, in order. Until they send no more than that, temporal layers
    /// make up for it; one that does not follow is treated like any other.
    fn share_rest(&mut self, now: Instant, budget: Bitrate, slots: &[SlotRequest<'_>]) {
        let used = self.out.iter().map(|it| it.share.as_bps()).sum();
        let mut rest = budget.minus(Bitrate::bps(used));
        // First what each sends already: a source that could take all, but does not, must not cut off the next one.
        for slot in &self.order {
            let (Some(request), Some(out)) = (slots.get(*slot), self.out.get_mut(*slot)) else { continue };
            let rung = self.slots.get(*slot).and_then(|memory| memory.rung);
            let rung = rung.and_then(|rung| request.ladder.get(rung)).filter(|rung| rung.is_elastic());
            if let Some(rung) = rung {
                let more = rung.bitrate.scale(MARGIN_UP).min(rung.most).minus(out.share).min(rest);
                out.share = out.share.plus(more);
                rest = rest.minus(more);
            }
        }
        for slot in &self.order {
            let (Some(request), Some(out)) = (slots.get(*slot), self.out.get_mut(*slot)) else { continue };
            let Some(memory) = self.slots.get_mut(*slot) else { continue };
            let rung = memory.rung.and_then(|rung| request.ladder.get(rung)).filter(|rung| rung.is_elastic());
            let Some(rung) = rung else {
                memory.over_since = None;
                continue;
            };
            let more = rung.most.minus(out.share).min(rest);
            out.share = out.share.plus(more);
            rest = rest.minus(more);
            let limit = out.share.scale(MARGIN_UP);
            if rung.bitrate <= limit {
                memory.over_since = None;
                continue;
            }
            let since = *memory.over_since.get_or_insert(now);
            let same = || request.ladder.iter().filter(|it| it.is_picture_of(rung));
            let fitting = same().rfind(|it| it.bitrate <= limit);
            let soon = |it: &&Rung| now < since + FOLLOWS || it.bitrate <= limit.scale(OVERSHOOT);
            out.target = fitting.or_else(|| same().next().filter(soon)).map(|it| it.target);
        }
    }
}
