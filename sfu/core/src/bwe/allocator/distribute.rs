//! Which rung of every slot fits a budget.

use super::ladder::{Rung, SlotRequest};
use crate::bwe::bitrate::Bitrate;

/// What a rung is taken to cost.
pub(super) type Price = fn(&Rung) -> Bitrate;

/// The highest rung of every slot that fits the budget, by the order of the module's first paragraph.
/// What waits to leave counts against all but the lowest rungs.
pub(super) fn distribute(
    budget: Bitrate,
    waiting: Bitrate,
    slots: &[SlotRequest<'_>],
    order: &[usize],
    price: Price,
    rungs: &mut Vec<Option<usize>>,
) {
    rungs.clear();
    rungs.resize(slots.len(), None);
    let mut left = budget;
    let cost = |request: &SlotRequest<'_>, rung: usize| request.ladder.get(rung).map_or(Bitrate::MAX, price);
    let mut raise = |slot: usize, limit: Option<usize>, reserve: Bitrate| {
        let (Some(request), Some(limit)) = (slots.get(slot), limit) else { return };
        let have = rungs[slot].map_or(Bitrate::ZERO, |rung| cost(request, rung));
        let from = rungs[slot].map_or(0, |rung| rung + 1);
        let best = (from..=limit).rev().find(|rung| cost(request, *rung) <= left.minus(reserve).plus(have));
        if let Some(rung) = best {
            left = left.plus(have).minus(cost(request, rung));
            rungs[slot] = Some(rung);
        }
    };
    for (screens, lowest) in [(true, true), (false, true), (true, false), (false, false)] {
        for slot in order.iter().copied() {
            let Some(request) = slots.get(slot).filter(|request| request.screen == screens) else { continue };
            let limit = match lowest {
                true if screens => request.sharp().min(request.top()),
                true => request.cheapest(),
                false => request.top(),
            };
            raise(slot, limit, if lowest { Bitrate::ZERO } else { waiting });
        }
    }
}
