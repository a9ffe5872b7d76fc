//! Who gets what of a leg: what each slot could show, what its leg has for it, and what follows for targets, pauses and publishers.

use std::time::{Duration, Instant};

use super::super::Node;
use super::super::feed::{Feed, Place};
use super::super::participant::Participant;
use super::super::slot::Slot;
use super::super::upstream::Wisher;
use super::{Egress, FLOOD_EVERY, flush};
use crate::bwe::cap::NO_LIMIT;
use crate::bwe::{Allocator, Bitrate, Leg, Rung, SlotRequest, Target};
use crate::layers::{EVERYTHING, Step};
use crate::media::{Kind, Source};

/// Video slots of one participant that take part in the allocation.
const SLOTS_MAX: usize = 16;
/// Rates of slots are measured over this.
const MEASURED: Duration = Duration::from_millis(500);
/// Allocation is not looked at more often, unless the estimate falls.
const REVIEW_EVERY: Duration = Duration::from_millis(40);
/// A source that sends this many times its share is not forwarded …
const FLOOD: f64 = 2.5;
/// … for this long: then the publisher has heard of its cap, and starts again with a keyframe of that size, not more often than
/// every [`FLOOD_EVERY`].
const FLOOD_PAUSE: Duration = Duration::from_millis(150);
/// A camera or screen below this is no picture any more.
const LEAST_CAMERA: Bitrate = Bitrate::kbps(70);
const LEAST_SCREEN: Bitrate = Bitrate::kbps(100);
/// What each larger simulcast encoding needs at least, up to a size in pixels and beyond it. Not a share of its usual
/// rate: every change of the encoding costs a keyframe, which a narrow leg takes most of a second for.
const LEAST_ENCODING: Bitrate = Bitrate::kbps(200);
const LEAST_LARGE: Bitrate = Bitrate::kbps(450);
const SMALL: u32 = 640 * 480;
/// It is begun over an uplink that is known to carry this many times that: what it is told to send grows from there.
const UPLINK_ENOUGH: f64 = 1.2;
/// A slot that shows something new is not paused, and has no wish for its publisher: the leg is being found out about.
const FRESH: Duration = Duration::from_millis(600);

impl Node {
    /// Divides the leg anew, if it is time.
    pub(super) fn review(&mut self, now: Instant, key: usize) {
        let Participant { egress, slots, .. } = &mut self.participants[key];
        let estimate = egress.estimator.estimate(now);
        let doubt = egress.estimator.doubted();
        let fell =
            estimate < egress.reviewed_estimate.scale(0.95) || (doubt.is_some() && doubt != egress.doubt);
        egress.doubt = doubt;
        if !fell && egress.reviewed.is_some_and(|at| now < at + REVIEW_EVERY) {
            return;
        }
        egress.reviewed = Some(now);
        egress.reviewed_estimate = estimate;
        let count = slots.len().min(SLOTS_MAX);
        let (mut leads, mut uplinks) = ([false; SLOTS_MAX], [None; SLOTS_MAX]);
        for slot in 0..count {
            leads[slot] = self.leads(Place { participant: key, slot }, estimate);
            let shown = self.participants[key].slots[slot].shows().and_then(|feed| self.feeds.get(feed));
            uplinks[slot] = shown.and_then(|feed| self.uplink_of(feed));
        }
        let Participant { id, egress, slots, .. } = &mut self.participants[key];
        let informed = egress.estimator.is_informed();
        let mut keyframes_wait = [false; SLOTS_MAX];
        for (slot, waits) in keyframes_wait.iter_mut().enumerate().take(count) {
            *waits = egress.has_keyframe_waiting(slot);
        }
        let Egress {
            estimator, allocator, slots: states, ladder, steps, audio, pacer, free, numbered, ..
        } = egress;
        ladder.clear();
        let (mut ends, mut cut) = ([0; SLOTS_MAX], [false; SLOTS_MAX]);
        for (slot, end) in ends.iter_mut().enumerate().take(count) {
            let shown = slots[slot].shows().filter(|_| slots[slot].is_wanted());
            if let Some(feed) = shown.and_then(|feed| self.feeds.get(feed)) {
                let offered = states[slot].offered.rate(MEASURED).unwrap_or_default();
                feed.ladder(now, steps);
                let follows = leads[slot].then_some(uplinks[slot].unwrap_or(Bitrate::MAX));
                let viewer =
                    Viewer { bound: slots[slot].bound(), current: slots[slot].encoding(), offered, follows };
                cut[slot] = write_ladder(feed, steps, &viewer, ladder);
            }
            *end = ladder.len();
        }
        let mut requests = [SlotRequest::default(); SLOTS_MAX];
        let mut begin = 0;
        for (slot, request) in requests.iter_mut().enumerate().take(count) {
            let feed = slots[slot].shows().and_then(|feed| self.feeds.get(feed));
            request.ladder = &ladder[begin..ends[slot]];
            request.screen = feed.is_some_and(|feed| feed.source == Source::Screen);
            request.pixels = slots[slot].pixels();
            begin = ends[slot];
        }
        let audio = audio.rate(MEASURED).unwrap_or_default();
        let loss = estimator.loss();
        // A collapse that was measured is taken for one, but for a moment; of one that is only feared the picture stays, with as
        // few frames as there are.
        let estimate = doubt.filter(|doubt| doubt.known).map_or(estimate, |doubt| doubt.rate.min(estimate));
        let doubted = doubt.filter(|doubt| !doubt.known).map(|doubt| doubt.rate);
        let requests = &requests[..count];
        estimator.set_wanted(Allocator::wanted(audio, requests, loss));
        let changes = allocator.changes();
        // What waits has to leave, too: new video makes room for it, within a second or two.
        let waiting = Bitrate::of(pacer.waiting_bytes(), Duration::from_secs(1)).unwrap_or_default();
        let waiting = waiting.min(estimate.minus(audio).scale(0.5));
        let allocations = allocator.divide(now, &Leg { estimate, audio, waiting, loss }, requests);
        let mut wishes = [None; SLOTS_MAX];
        let mut changed = [false; SLOTS_MAX];
        for (slot, allocation) in allocations.iter().enumerate() {
            let (state, request) = (&mut states[slot], &requests[slot]);
            // A peer that never tells what arrives gets what suits its view.
            let blind = !informed && !*numbered;
            let granted =
                if blind { Some(EVERYTHING) } else { grant(allocation.target, request.ladder, cut[slot]) };
            let granted = granted.map(|it| if doubted.is_some() { Target { temporal: 0, ..it } } else { it });
            changed[slot] = granted.is_some_and(|it| slots[slot].grant(it));
            if state.allocation.target != allocation.target {
                let (before, target) = (state.allocation.target, allocation.target);
                let (estimate, audio, share) = (estimate.as_bps(), audio.as_bps(), allocation.share.as_bps());
                tracing::debug!(participant = %id, slot, ?before, ?target, share, estimate, audio, loss, "layers");
            }
            state.allocation = *allocation;
            let settled = state.since.is_some_and(|since| now >= since + FRESH);
            let paused =
                allocation.target.is_none() && !request.ladder.is_empty() && (settled || state.paused);
            let flood = allocation.share.max(LEAST_CAMERA).scale(FLOOD);
            let flooded = informed
                && settled
                && doubt.is_none()
                && !keyframes_wait[slot]
                && state.forwarded.rate(MEASURED).is_some_and(|rate| rate > flood)
                && state.last_flood.is_none_or(|at| now >= at + FLOOD_EVERY);
            if flooded {
                tracing::debug!(participant = %id, slot, share = allocation.share.as_bps(), "far too much is sent");
                state.flooded_until = Some(now + FLOOD_PAUSE);
                state.last_flood = Some(now);
            }
            if flooded || (paused && !state.paused) {
                flush(pacer, free, slot);
                slots[slot].restart();
            }
            state.paused = paused;
            if informed && settled && !request.ladder.is_empty() {
                let feed = slots[slot].shows().and_then(|feed| self.feeds.get(feed));
                let shared = feed.is_some_and(is_shared);
                // What is paused here trickles on at the publisher, so that it can be resumed. Of simulcast several
                // viewers may need several encodings: then no one's share is the source's.
                let top = request.ladder.last().map(|rung| rung.target);
                // A spatial layer that has just begun is not used at once, and not to be starved until it is.
                let begins = leads[slot] && allocation.target.is_some() && allocation.target < top;
                let begins = begins && feed.is_some_and(Feed::is_layered);
                let share = if begins { estimate.minus(audio) } else { allocation.share };
                let share = if shared { NO_LIMIT } else { share.min(doubted.unwrap_or(NO_LIMIT)) };
                wishes[slot] = Some(share.min(slots[slot].useful()).max(LEAST_CAMERA));
            } else if slots[slot].useful() == Bitrate::ZERO {
                wishes[slot] = Some(Bitrate::ZERO);
            }
        }
        self.counters.layer_switches += allocator.changes() - changes;
        for (slot, changed) in changed.into_iter().enumerate().take(count) {
            let place = Place { participant: key, slot };
            if let Some(feed) = self.participants[key].slots[slot].shows().filter(|_| changed) {
                self.review_wish(now, feed);
                self.want_awaited(now, place);
            }
        }
        for (slot, wish) in wishes.into_iter().enumerate().take(count) {
            let Some((wish, shown)) = wish.zip(self.participants[key].slots[slot].shows()) else { continue };
            let who = Wisher::Slot(Place { participant: key, slot });
            let Some(feed) = self.feeds.get_mut(shown) else { continue };
            feed.note_wish(who, wish);
            // A viewer whom the publisher does not follow is no reason to tell it less before whom it follows has spoken.
            if leads[slot] || is_shared(feed) || wish == Bitrate::ZERO {
                self.follow_wishes(now, shown);
            }
        }
    }

    /// Whether a slot's leg carries most among all that show the same, of what they have use for: the publisher follows it.
    fn leads(&self, place: Place, estimate: Bitrate) -> bool {
        let slot = &self.participants[place.participant].slots[place.slot];
        let feed = slot.shows().filter(|_| slot.kind() == Kind::Video).and_then(|feed| self.feeds.get(feed));
        let Some(feed) = feed.filter(|feed| !is_shared(feed)) else { return false };
        let mine = estimate.min(slot.useful());
        let others = feed.subscribers.iter().filter(|other| **other != place);
        let here = others.clone().all(|other| {
            self.participants.get(other.participant).is_none_or(|it| {
                let useful = it.slots.get(other.slot).map_or(Bitrate::ZERO, Slot::useful);
                let theirs = it.egress.reviewed_estimate.min(useful);
                (theirs, other.participant, other.slot) < (mine, place.participant, place.slot)
            })
        });
        let elsewhere = feed.wishes.iter().all(|(who, wish)| match who {
            Wisher::Worker(_) => *wish < mine,
            Wisher::Slot(_) => true,
        });
        here && elsewhere
            && feed.mirrors.iter().all(|mirror| {
                // A worker that has not said anything yet may need all there is.
                feed.wishes.iter().any(|(who, _)| *who == Wisher::Worker(mirror.worker))
            })
    }
}

/// Several viewers may need several of its encodings: its publisher follows none of them.
fn is_shared(feed: &Feed) -> bool {
    feed.encodings() > 1 && feed.subscribers.len() + feed.mirrors.len() > 1
}

/// What of a viewer its choice depends on.
struct Viewer {
    /// What suits the size it is shown at.
    bound: Option<Target>,
    /// The encoding that is forwarded.
    current: Option<u8>,
    /// What its source sends.
    offered: Bitrate,
    /// The publisher follows it, and can send so much.
    follows: Option<Bitrate>,
}

/// What of a feed's steps a viewer can use. Where the publisher `follows` this viewer, the largest picture it
/// sends at all can have any rate; of simulcast each encoding has a rate below which it is not worth sending, and above it the
/// publisher is told to send less before a smaller picture is shown. What it cannot send over its own uplink, `follows` at most, is
/// not worth asking for either: true if that cut the ladder short.
///
/// Another encoding is not begun with a quarter of its frames: a smaller picture that moves costs as much.
fn write_ladder(feed: &Feed, steps: &[Step], viewer: &Viewer, ladder: &mut Vec<Rung>) -> bool {
    let Viewer { bound, current, offered, follows } = *viewer;
    let usable = steps.iter().take_while(|step| Some(step.target) <= bound).count().max(1).min(steps.len());
    let screen = feed.source == Source::Screen;
    let least = if screen { LEAST_SCREEN } else { LEAST_CAMERA };
    for (place, step) in steps.iter().take(usable).enumerate() {
        let alone = steps.len() == 1;
        let bitrate = if alone { offered } else { Bitrate::bps(step.bitrate) };
        let least = if step.target.encoding == 0 { least } else { least.max(least_of(step)) };
        let elastic = Rung::elastic(step.target, bitrate, least, NO_LIMIT);
        if step.target.encoding > 0 && follows.is_some_and(|uplink| uplink < least.scale(UPLINK_ENOUGH)) {
            return true;
        }
        let rates = steps.iter().filter(|it| is_same_picture(it.target, step.target)).count();
        let few = step.target.temporal == 0 && rates > 2 && step.target.encoding > 0;
        if few && follows.is_none() && current != Some(step.target.encoding) {
            continue;
        }
        let largest_rate = steps.get(place + 1).is_none_or(|next| !is_same_picture(step.target, next.target));
        ladder.push(match feed.encodings() {
            _ if follows.is_none() => Rung::fixed(step.target, bitrate),
            1 if place + 1 == usable => elastic,
            1 => Rung::fixed(step.target, bitrate),
            // Fewer pictures a second would cost what they cost now: told to send that, the publisher would send them with less.
            _ if !largest_rate => Rung { bitrate, ..Rung::fixed(step.target, NO_LIMIT) },
            _ => elastic,
        });
    }
    false
}

/// What a simulcast encoding needs at least: with less the encoder only makes slides of it.
fn least_of(step: &Step) -> Bitrate {
    match step.size {
        Some((width, height)) if u32::from(width) * u32::from(height) > SMALL => LEAST_LARGE,
        // The largest, which has not been seen yet.
        None if step.target.encoding > 1 => LEAST_LARGE,
        _ => LEAST_ENCODING,
    }
}

fn is_same_picture(one: Target, other: Target) -> bool {
    (one.encoding, one.spatial) == (other.encoding, other.spatial)
}

/// What an allocation lets a slot forward. The highest rungs stand for all there may come to be beyond them, unless the ladder was
/// `cut` short; what is paused is kept at the lowest.
fn grant(target: Option<Target>, ladder: &[Rung], cut: bool) -> Option<Target> {
    let lowest = ladder.first()?.target;
    let Some(target) = target else { return Some(lowest) };
    let next = ladder.iter().find(|rung| rung.target > target);
    Some(match next {
        None if !cut => EVERYTHING,
        None => Target { temporal: u8::MAX, ..target },
        Some(next) if !is_same_picture(next.target, target) => Target { temporal: u8::MAX, ..target },
        Some(_) => target,
    })
}
