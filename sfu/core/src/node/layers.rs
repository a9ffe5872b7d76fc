//! Which layers flow where: what each viewer of a feed gets, and so what its publisher is asked to send.

use std::time::Instant;

use super::Node;
use super::feed::{Feed, Origin, Place};
use super::relay::RelayMessage;
use super::types::{EncodingWish, Event};
use crate::bwe::Bitrate;
use crate::media::Kind;

impl Node {
    /// Looks again at what each viewer of a feed should get, and at what that asks of the publisher.
    pub(super) fn review_layers(&mut self, now: Instant, key: usize) {
        let mut steps = std::mem::take(&mut self.steps);
        let feed = &self.feeds[key];
        if feed.source.kind() == Kind::Video {
            feed.ladder(now, &mut steps);
            for Place { participant, slot } in &feed.subscribers {
                self.participants[*participant].slots[*slot].suit(now, feed, &steps);
            }
        }
        self.steps = steps;
        self.review_wish(now, key);
    }

    /// Asks for the keyframe that a viewer waits for.
    pub(super) fn want_awaited(&mut self, now: Instant, place: Place) {
        let participant = &self.participants[place.participant];
        let slot = &participant.slots[place.slot];
        let Some(key) = slot.shows().filter(|_| !participant.egress.is_refusing(place.slot)) else { return };
        let feed = &self.feeds[key];
        if let Some(encoding) = slot.awaited(feed, feed.sent(now)) {
            self.want_keyframe(now, key, encoding);
        }
    }

    /// Encodings of a feed that somebody needs, a bit each.
    fn needed(&self, feed: &Feed) -> u8 {
        let mut needed = feed.mirrors.iter().fold(0, |needed, mirror| needed | mirror.wanted);
        // Over a narrow uplink the old picture is in the way of the new one.
        let narrow = self.uplink_of(feed).is_some();
        let alone = feed.subscribers.len() == 1 && feed.mirrors.is_empty();
        for Place { participant, slot } in &feed.subscribers {
            needed |= self.participants[*participant].slots[*slot].needs(feed, !(alone && narrow));
        }
        if needed == 0 && !feed.taps.is_empty() {
            // Taps take what is there anyway; when nothing is, the best is worth keeping.
            needed = 1 << (feed.encodings() - 1);
        }
        needed
    }

    /// Tells the publisher of a feed what it should send, when that is something new.
    pub(super) fn review_wish(&mut self, now: Instant, key: usize) {
        self.tell_origin(key);
        let feed = &self.feeds[key];
        if feed.source.kind() != Kind::Video || !matches!(feed.origin, Origin::Local { .. }) {
            return;
        }
        let (needed, count) = (self.needed(feed), feed.encodings());
        // Taps follow the viewer.
        let alone = feed.subscribers.len() == 1 && feed.mirrors.is_empty();
        if self.feeds[key].wish.review(now, needed, count, alone).is_some() {
            self.say_wish(key);
        }
    }

    /// Says to the publisher of a feed which encodings to send, and at what rate at most.
    pub(super) fn say_wish(&mut self, key: usize) {
        let feed = &self.feeds[key];
        let wish = feed.wish.told().unwrap_or(u8::MAX);
        let count = feed.encodings();
        let rids = &feed.line().rids;
        // The rate is the source's as a whole: the best encoding has to make do with it.
        let best = (0..count).rev().find(|encoding| wish >> encoding & 1 == 1);
        let encodings = (0..count).map(|encoding| EncodingWish {
            rid: rids.get(usize::from(encoding)).copied(),
            active: wish >> encoding & 1 == 1,
            max_bitrate_bps: feed.cap.told().filter(|_| Some(encoding) == best).map(Bitrate::as_bps),
        });
        let event =
            Event::SendWish { participant: feed.who, source: feed.source, encodings: encodings.collect() };
        self.events.push_back(event);
    }

    /// Tells the origin of a mirror which encodings its viewers need, when that is something new.
    pub(super) fn tell_origin(&mut self, key: usize) {
        let feed = &self.feeds[key];
        let Origin::Remote { worker, feed: origin } = feed.origin else { return };
        let encodings = self.needed(feed);
        if feed.told == Some(encodings) {
            return;
        }
        self.feeds[key].told = Some(encodings);
        let mirror = self.feed_id(key);
        self.say(worker, &RelayMessage::Wanted { feed: origin, mirror, encodings });
    }
}
