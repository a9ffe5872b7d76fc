//! Who gets what of the estimate.
//!
//! Audio first; it is small and never negotiated. Then shared screens until their text is sharp, then every camera's lowest
//! layer, the largest view first, then screens to their full frame rate, then cameras upwards, the largest view first. Within a
//! slot the ladder decides what goes first, and temporal layers stand between spatial ones in it.
//!
//! Down goes at once: what does not fit is delay. Up goes when it fits with a margin and has for a while, and a slot that had to come
//! back down waits twice as long the next time. Only the step from the lowest layer to nothing takes patience: it ends in a
//! keyframe, which costs a narrow leg more than the layer did.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use super::bitrate::Bitrate;

/// Up only when this much more than needed is there.
const MARGIN_UP: f64 = 1.12;
/// With this much more than needed there is no flapping to be feared.
const MARGIN_AMPLE: f64 = 2.0;
/// What is shown stays while it is no more than this beyond the budget: measured rates wobble.
const TOLERANCE: f64 = 1.05;
/// How long it must fit before going up, at first and at most.
const HOLD: (Duration, Duration) = (Duration::from_millis(400), Duration::from_secs(12));
/// Coming down this soon after going up doubles the hold …
const FLAP: Duration = Duration::from_secs(8);
/// … and so long without coming down resets it.
const CALM: Duration = Duration::from_secs(20);
/// A slot that shows something new takes what fits at once for this long: the first picture should be a good one.
const FRESH: Duration = Duration::from_secs(3);
/// A publisher that was told to send less does so within this time.
const FOLLOWS: Duration = Duration::from_millis(1500);
/// Encoders that try to follow, but cannot send so little, send up to this many times what they should.
const OVERSHOOT: f64 = 1.5;
/// What had to come down meanwhile waits for this.
const HOLD_FRESH: Duration = Duration::from_millis(50);
/// An elastic step is gone up to with this many times the least it can be kept with.
const ENOUGH: f64 = 1.8;
/// The last picture is given up only when it has not fitted for this long: estimates fall too low for a moment.
const PATIENCE: Duration = Duration::from_millis(2000);
/// Retransmissions need as much as is lost, at most this share of everything.
const REPAIR_MAX: f64 = 0.2;

/// What a slot forwards: everything up to these layers of one encoding.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Target {
    /// Index of the simulcast encoding, 0 the lowest.
    pub encoding: u8,
    /// Highest spatial layer (SVC).
    pub spatial: u8,
    /// Highest temporal layer.
    pub temporal: u8,
}

/// One step of a slot's ladder: what it shows and what that costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rung {
    /// What is forwarded.
    pub target: Target,
    /// Measured, or expected of a layer that is paused at the publisher; without retransmissions.
    pub bitrate: Bitrate,
    /// What there must be to go up to it.
    pub enough: Bitrate,
    /// The publisher follows this viewer: told to, it sends this step with as little …
    pub least: Bitrate,
    /// … or as much.
    pub most: Bitrate,
}

impl Rung {
    /// A step that costs what it costs.
    pub fn fixed(target: Target, bitrate: Bitrate) -> Self {
        Self { target, bitrate, enough: bitrate, least: bitrate, most: bitrate }
    }

    /// A step that costs as much as there is, from `least` on: the publisher is told what there is. To change the picture
    /// costs a keyframe, so there must be more to go up to it than to stay.
    pub fn elastic(target: Target, bitrate: Bitrate, least: Bitrate, most: Bitrate) -> Self {
        Self { target, bitrate, enough: least.scale(ENOUGH).min(most), least, most }
    }

    fn is_elastic(&self) -> bool {
        self.least < self.most
    }

    fn is_picture_of(&self, other: &Rung) -> bool {
        (self.target.encoding, self.target.spatial) == (other.target.encoding, other.target.spatial)
    }
}

/// What a video slot asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct SlotRequest<'a> {
    /// Shared screen: text before motion.
    pub screen: bool,
    /// Size of the view, width × height.
    pub pixels: u32,
    /// From the lowest quality to the highest that the view can use; empty when nothing is shown.
    pub ladder: &'a [Rung],
}

impl SlotRequest<'_> {
    /// The most this slot would use.
    pub fn most(&self) -> Bitrate {
        self.ladder.last().map(|rung| rung.most).unwrap_or_default()
    }

    fn cost(&self, rung: usize) -> Bitrate {
        self.ladder.get(rung).map_or(Bitrate::MAX, |rung| rung.least)
    }

    /// The lowest rung with the resolution of the highest.
    fn sharp(&self) -> Option<usize> {
        let top = self.ladder.last()?;
        self.ladder.iter().position(|rung| rung.is_picture_of(top))
    }

    fn top(&self) -> Option<usize> {
        self.ladder.len().checked_sub(1)
    }

    /// The cheapest rung; with elastic ones that need not be the lowest.
    fn cheapest(&self) -> Option<usize> {
        (0..self.ladder.len()).rev().min_by_key(|rung| self.cost(*rung))
    }
}

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

/// Memory of one slot.
#[derive(Clone, Copy, Debug)]
struct Memory {
    rung: Option<usize>,
    target: Option<Target>,
    fits_since: Option<Instant>,
    /// Since when what it keeps for a while does not fit.
    short_since: Option<Instant>,
    /// Since when an elastic source sends more than its share.
    over_since: Option<Instant>,
    raised_at: Option<Instant>,
    lowered_at: Option<Instant>,
    hold: Duration,
    fresh_since: Option<Instant>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            rung: None,
            target: None,
            fits_since: None,
            short_since: None,
            over_since: None,
            raised_at: None,
            lowered_at: None,
            hold: HOLD.0,
            fresh_since: None,
        }
    }
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

impl Memory {
    /// The ladder may have changed: finds what is shown, or the next below, in it.
    fn adopt(&mut self, request: &SlotRequest<'_>) {
        let Some(target) = self.target else {
            self.rung = None;
            return;
        };
        let exact = request.ladder.iter().position(|rung| rung.target == target);
        let below = || request.ladder.iter().rposition(|rung| rung.target < target);
        let found = exact.or_else(below).or((!request.ladder.is_empty()).then_some(0));
        // Of a publisher who follows there is one step a picture.
        let follows = |rung: &Rung| {
            rung.is_elastic() && found.is_some_and(|it| rung.is_picture_of(&request.ladder[it]))
        };
        self.rung = request.ladder.iter().rposition(follows).or(found);
    }

    fn choose(&mut self, now: Instant, request: &SlotRequest<'_>, fits: [Option<usize>; 3]) {
        let [fits, safely, amply] = fits;
        if request.ladder.is_empty() {
            *self = Self::default();
            return;
        }
        let fresh_since = *self.fresh_since.get_or_insert(now);
        let current = self.rung.and_then(|rung| request.ladder.get(rung));
        let kept = match current {
            Some(rung) if rung.is_elastic() => self.rung,
            _ => request.cheapest(),
        };
        let kept = kept.filter(|_| current.is_some() && fits.is_none());
        let short_since = kept.is_some().then(|| *self.short_since.get_or_insert(now));
        self.short_since = short_since.filter(|since| now < *since + PATIENCE);
        let fits = if self.short_since.is_some() { kept } else { fits };
        if fits < self.rung {
            if self.raised_at.is_some_and(|at| now < at + FLAP) {
                self.hold = (self.hold * 2).min(HOLD.1);
            }
            self.rung = fits;
            self.lowered_at = Some(now);
            self.fits_since = None;
            return;
        }
        if self.lowered_at.is_none_or(|at| now >= at + CALM) {
            self.hold = HOLD.0;
        }
        if safely <= self.rung {
            self.fits_since = None;
            return;
        }
        let since = *self.fits_since.get_or_insert(now);
        // While the leg is being found out about the estimate doubles from report to report.
        let hold = match now < fresh_since + FRESH {
            true if self.lowered_at.is_none() => Duration::ZERO,
            true => HOLD_FRESH.min(self.hold),
            // Far from where it flapped the past does not matter.
            false if amply >= safely => HOLD.0,
            false => self.hold,
        };
        if now >= since + hold {
            self.rung = safely;
            self.raised_at = Some(now);
            self.fits_since = None;
        }
    }
}

/// What a rung is taken to cost.
type Price = fn(&Rung) -> Bitrate;

/// The highest rung of every slot that fits the budget, by the order of the module's first paragraph.
/// What waits to leave counts against all but the lowest rungs.
fn distribute(
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rung(encoding: u8, temporal: u8, kbps: u64) -> Rung {
        Rung::fixed(Target { encoding, spatial: 0, temporal }, Bitrate::kbps(kbps))
    }

    /// Three encodings of two temporal layers each.
    fn ladder() -> Vec<Rung> {
        vec![
            rung(0, 0, 90),
            rung(0, 1, 150),
            rung(1, 0, 300),
            rung(1, 1, 500),
            rung(2, 0, 900),
            rung(2, 1, 1500),
        ]
    }

    fn leg(estimate: Bitrate, audio: Bitrate, loss: f64) -> Leg {
        Leg { estimate, audio, loss, ..Leg::default() }
    }

    fn camera(ladder: &[Rung], pixels: u32) -> SlotRequest<'_> {
        SlotRequest { screen: false, pixels, ladder }
    }

    fn screen(ladder: &[Rung]) -> SlotRequest<'_> {
        SlotRequest { screen: true, pixels: 1, ladder }
    }

    /// What each slot gets in kbit/s, once everything has settled at an estimate.
    fn settled(kbps: u64, slots: &[SlotRequest<'_>]) -> Vec<u64> {
        let mut allocator = Allocator::default();
        let start = Instant::now();
        (0..10).for_each(|step| {
            allocator.divide(start + HOLD.0 * step, &leg(Bitrate::kbps(kbps), Bitrate::kbps(50), 0.0), slots);
        });
        allocator.out.iter().map(|it| it.share.as_bps() / 1000).collect()
    }

    #[test]
    fn audio_comes_first_then_sharp_text_then_faces_then_motion() {
        let (cameras, screens) = (ladder(), ladder());
        let slots = [camera(&cameras, 300), screen(&screens), camera(&cameras, 900)];
        assert_eq!(settled(60, &slots), [0, 0, 0], "audio alone");
        assert_eq!(settled(200, &slots), [0, 90, 0]);
        assert_eq!(settled(1080, &slots), [0, 900, 0], "text, before anybody is seen");
        assert_eq!(settled(1200, &slots), [0, 900, 90], "then the larger face");
        assert_eq!(settled(1300, &slots), [90, 900, 90]);
        assert_eq!(settled(2050, &slots), [90, 1500, 150], "then motion of the screen, then the larger face");
        assert_eq!(settled(9000, &slots), [1500, 1500, 1500]);
    }

    #[test]
    fn temporal_layers_drop_before_the_picture_gets_smaller() {
        let steps = ladder();
        let mut allocator = Allocator::default();
        let start = Instant::now();
        let mut targets = Vec::new();
        for kbps in [2000u64, 1200, 800, 420, 250, 130, 60] {
            let slots = [camera(&steps, 1)];
            let got = allocator.divide(start, &leg(Bitrate::kbps(kbps), Bitrate::ZERO, 0.0), &slots)[0];
            targets.push(got.target.map(|target| (target.encoding, target.temporal)));
        }
        let expected = [
            Some((2, 1)),
            Some((2, 0)),
            Some((1, 1)),
            Some((1, 0)),
            Some((0, 1)),
            Some((0, 0)),
            Some((0, 0)),
        ];
        assert_eq!(targets, expected, "and the lowest layer is not given up at once");
        let slots = [camera(&steps, 1)];
        let mut later = |millis, kbps| {
            let leg = leg(Bitrate::kbps(kbps), Bitrate::ZERO, 0.0);
            let got = allocator.divide(start + Duration::from_millis(millis), &leg, &slots)[0];
            (got.target.is_some(), got.share)
        };
        assert_eq!(later(1900, 60), (true, Bitrate::ZERO));
        assert_eq!(later(1950, 100), (true, Bitrate::kbps(90)), "it was for a moment only");
        assert_eq!(later(2000, 60), (true, Bitrate::ZERO));
        assert_eq!(later(4000, 60), (false, Bitrate::ZERO));
    }

    #[test]
    fn what_waits_to_leave_comes_before_better_pictures_but_not_before_any() {
        let steps = ladder();
        let slots = [camera(&steps, 1)];
        let shares = [0, 100, 400].map(|kbps| {
            let leg = Leg { estimate: Bitrate::kbps(320), waiting: Bitrate::kbps(kbps), ..Leg::default() };
            Allocator::default().divide(Instant::now(), &leg, &slots)[0].share
        });
        assert_eq!(shares, [150, 150, 90].map(Bitrate::kbps));
    }

    #[test]
    fn down_is_at_once_up_takes_a_while_and_the_next_time_longer() {
        let steps = ladder();
        let slots = [camera(&steps, 1)];
        let mut allocator = Allocator::default();
        let mut now = Instant::now();
        let mut at = |allocator: &mut Allocator, wait: u64, kbps| {
            now += Duration::from_millis(wait);
            allocator.divide(now, &leg(Bitrate::kbps(kbps), Bitrate::ZERO, 0.0), &slots)[0].share.as_bps()
                / 1000
        };
        assert_eq!(at(&mut allocator, 0, 2000), 1500, "the first picture is as good as it can be");
        assert_eq!(at(&mut allocator, 10_000, 600), 500);
        assert_eq!(at(&mut allocator, 10, 2000), 500);
        assert_eq!(at(&mut allocator, 300, 2000), 500);
        assert_eq!(at(&mut allocator, 110, 2000), 1500);
        assert_eq!(at(&mut allocator, 1000, 600), 500);
        assert_eq!(at(&mut allocator, 10, 2000), 500);
        assert_eq!(at(&mut allocator, 700, 2000), 500, "it has been burnt");
        assert_eq!(at(&mut allocator, 110, 2000), 1500);
        assert_eq!(at(&mut allocator, 1000, 600), 500);
        assert_eq!(at(&mut allocator, 10, 9000), 500);
        assert_eq!(at(&mut allocator, 410, 9000), 1500, "but not where there is far more than enough");
    }

    #[test]
    fn an_estimate_that_wobbles_moves_nothing() {
        let steps = ladder();
        let slots = [camera(&steps, 1)];
        let mut allocator = Allocator::default();
        let mut now = Instant::now();
        for step in 0..1000 {
            now += Duration::from_millis(50);
            // Around 900, where the top encoding's base layer just fits.
            let kbps = 950 + [0, 40, -50, 60, -20][step % 5];
            allocator.divide(now, &leg(Bitrate::kbps(kbps as u64), Bitrate::ZERO, 0.0), &slots);
        }
        assert!(allocator.changes() <= 2, "{} changes", allocator.changes());
    }

    #[test]
    fn a_publisher_with_one_viewer_gets_what_the_viewer_can_take() {
        let [least, rate, most] = [80, 2400, 2500].map(Bitrate::kbps);
        let top = Rung::elastic(rung(0, 2, 0).target, rate, least, most);
        let one = [rung(0, 0, 900), rung(0, 1, 1400), top];
        let slots = [camera(&one, 1)];
        let mut allocator = Allocator::default();
        let mut now = Instant::now();
        let mut at = |millis, kbps| {
            now += Duration::from_millis(millis);
            let got = allocator.divide(now, &leg(Bitrate::kbps(kbps), Bitrate::kbps(50), 0.0), &slots)[0];
            (got.target.map(|target| target.temporal), got.share.as_bps() / 1000)
        };
        assert_eq!(at(0, 5000), (Some(2), 2500));
        assert_eq!(at(0, 1550), (Some(1), 1500), "one temporal layer less until it has been told");
        assert_eq!(at(0, 350), (Some(0), 300), "it will fit soon");
        assert_eq!(at(1600, 350), (None, 300), "it does not follow");
        assert_eq!(at(0, 100).1, 50, "all there is, for a while");
        assert_eq!(at(2000, 100), (None, 0));
    }

    #[test]
    fn a_publisher_that_follows_changes_its_picture_only_for_good_reasons() {
        let step = |encoding, least| {
            let target = Target { encoding, spatial: 0, temporal: 2 };
            Rung::elastic(target, Bitrate::kbps(150), Bitrate::kbps(least), Bitrate::kbps(2500))
        };
        let two = [step(0, 70), step(1, 110)];
        let slots = [camera(&two, 1)];
        let mut allocator = Allocator::default();
        let mut now = Instant::now();
        let mut at = |millis, kbps| {
            now += Duration::from_millis(millis);
            let got = allocator.divide(now, &leg(Bitrate::kbps(kbps), Bitrate::ZERO, 0.0), &slots)[0];
            (got.target.map(|target| target.encoding), got.share.as_bps() / 1000)
        };
        assert_eq!(at(0, 900), (Some(1), 900));
        assert_eq!(at(10_000, 120), (Some(1), 120), "less, before another picture");
        assert_eq!(at(1_000, 90), (Some(0), 90));
        for _ in 0..100 {
            assert_eq!(at(100, 160).0, Some(0), "enough to keep the picture is not enough to go up to it");
        }
        at(100, 300);
        assert_eq!(at(1_000, 300), (Some(1), 300));
        assert_eq!(at(10_000, 60), (Some(1), 60), "an estimate that falls too low for a moment");
        assert_eq!(at(1_400, 60), (Some(1), 60));
        assert_eq!(at(700, 60), (None, 0));
    }

    proptest! {
        #[test]
        fn nothing_is_promised_that_is_not_there(
            kbps in 0u64..6000,
            sizes in prop::collection::vec((any::<bool>(), 0u32..2_000_000, any::<bool>(), 0usize..7), 0..9),
        ) {
            let steps = ladder();
            let elastic: Vec<_> = steps
                .iter()
                .map(|rung| Rung::elastic(rung.target, rung.bitrate, rung.bitrate.scale(0.6), rung.bitrate))
                .collect();
            let slots: Vec<_> = sizes
                .iter()
                .map(|(screen, pixels, follows, rungs)| SlotRequest {
                    screen: *screen,
                    pixels: *pixels,
                    ladder: if *follows { &elastic[..*rungs] } else { &steps[..*rungs] },
                })
                .collect();
            let mut allocator = Allocator::default();
            let mut now = Instant::now();
            for estimate in [kbps, 6000, kbps] {
                now += Duration::from_secs(1);
                let got = allocator.divide(now, &leg(Bitrate::kbps(estimate), Bitrate::kbps(40), 0.05), &slots);
                let sum: u64 = got.iter().map(|it| it.share.as_bps()).sum();
                prop_assert!(sum as f64 <= estimate as f64 * 1000.0 * TOLERANCE);
                for (out, slot) in got.iter().zip(&slots) {
                    prop_assert!(out.target.is_none() || !slot.ladder.is_empty());
                    let most = slot.ladder.iter().map(|rung| rung.most).max().unwrap_or_default();
                    prop_assert!(out.share <= most);
                }
            }
        }
    }
}
