//! Routes between workers: a feed of one worker has a mirror on every other worker where somebody is shown it.
//!
//! A mirror is a feed like any other, with a packet cache of its own, so everything behind it (slots, retransmissions)
//! works as if the publisher were here. What goes between the two workers are [`RelayMessage`]s:
//!
//! ```text
//! origin's worker                                 subscribers' worker
//!                 <-- Subscribe, Wanted, Keyframe, Cap, Release --
//!                 -- Packet, SenderReport, Ended -->
//! ```
//!
//! Nothing is agreed on in steps that could be left half done. [`Node::export`] only describes a feed;
//! [`Node::import`] makes the mirror and subscribes. If the feed is gone by then, the answer is `Ended`. A mirror that
//! loses its last subscriber says `Release` and is gone at once. Feeds are named by key and generation, so a message
//! that comes late finds nothing and does nothing.
//!
//! Media may be lost on the way (a worker that does not keep up); that is counted, and a keyframe asked for. The other
//! messages are few, and whoever carries them must not lose them nor change their order.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::counters::DropReason;
use super::feed::{Feed, Origin, Place};
use super::upstream::Wisher;
use super::{Node, TapOutput};
use crate::bwe::{Bitrate, Target};
use crate::ids::{Mid, ParticipantId, WorkerId};
use crate::layers::EVERYTHING;
use crate::layers::selection::wanted;
use crate::media::Source;
use crate::node::RouteError;
use crate::sdp::NegotiatedMedia;
use crate::tap::SenderReport;
use crate::transport::data::DataMessage;

/// More messages than this waiting to be carried off, and media is refused: 80 ms of 50 streams of 720p.
const QUEUE_MAX: usize = 2048;

/// A mirror repeats its wish for a keyframe this often at most; the origin has its own limit towards the publisher.
const WISH_EVERY: Duration = Duration::from_millis(50);

/// A feed of some worker, for ever: keys are used again, but under another generation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FeedId {
    key: u32,
    generation: u32,
}

/// What another worker has to know of a feed to mirror it. Having one keeps nothing alive.
#[derive(Clone, Debug)]
pub struct Export {
    worker: WorkerId,
    feed: FeedId,
    who: ParticipantId,
    source: Source,
    line: NegotiatedMedia,
}

/// What one worker's node says to another's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RelayMessage<'a> {
    /// A packet of a mirrored feed, in publisher form.
    Packet {
        /// The feed on the sending worker.
        feed: FeedId,
        /// The mirror on the receiving worker.
        mirror: FeedId,
        /// Simulcast encoding, lowest quality first.
        encoding: u8,
        /// Extended sequence number.
        sequence: u64,
        /// Numbers and timestamps have nothing to do with what came before in this encoding.
        restarted: bool,
        /// The whole RTP packet.
        bytes: &'a [u8],
    },
    /// The publisher tied an encoding's clock to its own.
    SenderReport {
        /// The mirror.
        mirror: FeedId,
        /// Simulcast encoding.
        encoding: u8,
        /// The report; its arrival is when it reached the origin.
        report: SenderReport,
        /// How late a packet may come that was lost on the publisher's leg; viewers here wait for it as those there do.
        repair_time: Duration,
    },
    /// The publisher has left.
    Ended {
        /// The mirror.
        mirror: FeedId,
    },
    /// From now on the mirror wants the feed.
    Subscribe {
        /// The feed at its origin.
        feed: FeedId,
        /// The mirror.
        mirror: FeedId,
    },
    /// The mirror is gone.
    Release {
        /// The feed at its origin.
        feed: FeedId,
        /// The mirror.
        mirror: FeedId,
    },
    /// The mirror needs these encodings only. Before it says so, it gets all.
    Wanted {
        /// The feed at its origin.
        feed: FeedId,
        /// The mirror.
        mirror: FeedId,
        /// A bit for each encoding, the lowest first.
        encodings: u8,
    },
    /// A subscriber of the mirror needs a keyframe.
    Keyframe {
        /// The feed at its origin.
        feed: FeedId,
        /// Simulcast encoding.
        encoding: u8,
    },
    /// The viewers of the mirror can take this much.
    Cap {
        /// The feed at its origin.
        feed: FeedId,
        /// In all.
        most: Bitrate,
    },
    /// A message on somebody's events channel for somebody else.
    Data {
        /// Whom it is for.
        to: ParticipantId,
        /// UTF-8 text or bytes.
        text: bool,
        /// The message.
        bytes: &'a [u8],
    },
}

impl RelayMessage<'_> {
    /// Whether it may be lost: what is worthless when late, or comes again anyway.
    pub fn may_be_lost(&self) -> bool {
        matches!(
            self,
            Self::Packet { .. } | Self::SenderReport { .. } | Self::Keyframe { .. } | Self::Data { .. }
        )
    }

    /// The bytes it carries.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Packet { bytes, .. } | Self::Data { bytes, .. } => bytes,
            _ => &[],
        }
    }

    /// The same message with other bytes, as far as it carries any; for queues that keep the bytes elsewhere.
    pub fn with_bytes<'b>(&self, new: &'b [u8]) -> RelayMessage<'b> {
        match *self {
            Self::Packet { feed, mirror, encoding, sequence, restarted, .. } => {
                RelayMessage::Packet { feed, mirror, encoding, sequence, restarted, bytes: new }
            }
            Self::Data { to, text, .. } => RelayMessage::Data { to, text, bytes: new },
            Self::SenderReport { mirror, encoding, report, repair_time } => {
                RelayMessage::SenderReport { mirror, encoding, report, repair_time }
            }
            Self::Ended { mirror } => RelayMessage::Ended { mirror },
            Self::Subscribe { feed, mirror } => RelayMessage::Subscribe { feed, mirror },
            Self::Release { feed, mirror } => RelayMessage::Release { feed, mirror },
            Self::Wanted { feed, mirror, encodings } => RelayMessage::Wanted { feed, mirror, encodings },
            Self::Keyframe { feed, encoding } => RelayMessage::Keyframe { feed, encoding },
            Self::Cap { feed, most } => RelayMessage::Cap { feed, most },
        }
    }
}

/// Messages that wait to be carried off. Both buffers are used again: a warm outbox does not allocate.
#[derive(Default)]
pub(super) struct RelayOutbox {
    queue: VecDeque<(WorkerId, RelayMessage<'static>, Range<usize>)>,
    bytes: Vec<u8>,
}

impl RelayOutbox {
    /// Queues a message; false when there is no room for one that may be lost.
    fn push(&mut self, to: WorkerId, message: &RelayMessage<'_>) -> bool {
        if self.queue.is_empty() {
            self.bytes.clear();
        }
        if message.may_be_lost() && self.queue.len() >= QUEUE_MAX {
            return false;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(message.bytes());
        self.queue.push_back((to, message.with_bytes(&[]), start..self.bytes.len()));
        true
    }

    fn pop(&mut self) -> Option<(WorkerId, RelayMessage<'_>)> {
        let (to, message, place) = self.queue.pop_front()?;
        Some((to, message.with_bytes(&self.bytes[place])))
    }
}

/// A mirror of a local feed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Mirror {
    pub(super) worker: WorkerId,
    pub(super) feed: FeedId,
    /// Encodings it needs, a bit each.
    pub(super) wanted: u8,
}

impl Mirror {
    /// Whether packets of an encoding go there, of `count`, when those in the mask `sent` arrive. A viewer whose encoding is not being
    /// sent is shown another one meanwhile, there as here.
    fn gets(&self, encoding: u8, sent: u8, count: u8) -> bool {
        let needs = |it: u8| self.wanted >> it & 1 == 1;
        let instead = |it: u8| wanted(Some(Target { encoding: it, ..EVERYTHING }), sent, count);
        needs(encoding) || (0..count).any(|it| needs(it) && instead(it) == Some(encoding))
    }
}

impl Node {
    /// Which worker this is.
    pub fn worker(&self) -> WorkerId {
        self.config.worker
    }

    /// Mirrors of other workers' feeds that are here.
    pub fn mirrors(&self) -> usize {
        self.mirrors.len()
    }

    /// The next message for another worker. Its bytes are valid until the next call to the node.
    pub fn poll_relay(&mut self) -> Option<(WorkerId, RelayMessage<'_>)> {
        self.relay.pop()
    }

    /// Describes a source published here, for [`Self::import`] on another worker's node.
    pub fn export(&self, who: ParticipantId, source: Source) -> Result<Export, RouteError> {
        let key = self.find_feed(who, source)?;
        let feed = &self.feeds[key];
        Ok(Export {
            worker: self.config.worker,
            feed: self.feed_id(key),
            who,
            source,
            line: feed.line().clone(),
        })
    }

    /// Shows a source of another worker on a slot, replacing what was there.
    pub fn import(
        &mut self,
        now: Instant,
        export: &Export,
        to: ParticipantId,
        slot: Mid,
    ) -> Result<(), RouteError> {
        if export.worker == self.config.worker {
            return self.attach(now, export.who, export.source, to, slot);
        }
        let (participant, slot) = self.find_slot(to, slot, export.source.kind())?;
        let origin = Origin::Remote { worker: export.worker, feed: export.feed };
        let key = match self.mirrors.get(&(export.worker, export.feed)) {
            Some(key) => *key,
            None => {
                let key = self.add_feed(export.who, export.source, origin, export.line.clone());
                self.mirrors.insert((export.worker, export.feed), key);
                let mirror = self.feed_id(key);
                self.say(export.worker, &RelayMessage::Subscribe { feed: export.feed, mirror });
                key
            }
        };
        self.show(now, key, Place { participant, slot });
        Ok(())
    }

    /// Takes a message that another worker's node has said.
    pub fn handle_relay(&mut self, now: Instant, from: WorkerId, message: RelayMessage<'_>) {
        match message {
            RelayMessage::Packet { mirror, encoding, sequence, restarted, bytes, .. } => {
                match self.find_mirror(from, mirror) {
                    Some(key) => self.publish(now, key, encoding, sequence, bytes, restarted),
                    // It was released while this was on its way.
                    None => self.counters.dropped.count(DropReason::BeforeSwitch),
                }
            }
            RelayMessage::SenderReport { mirror, encoding, report, repair_time } => {
                if let Some(key) = self.find_mirror(from, mirror) {
                    self.feeds[key].repair_time = repair_time;
                    self.publish_report(now, key, encoding, report);
                }
            }
            RelayMessage::Ended { mirror } => {
                if let Some(key) = self.find_mirror(from, mirror) {
                    self.end_feed(key);
                }
            }
            RelayMessage::Subscribe { feed, mirror } => self.add_mirror(from, feed, mirror),
            RelayMessage::Release { feed, mirror } => {
                if let Some(key) = self.find_origin(feed) {
                    self.feeds[key].mirrors.retain(|it| (it.worker, it.feed) != (from, mirror));
                    self.feeds[key].wishes.retain(|(who, _)| *who != Wisher::Worker(from));
                    self.review_wish(now, key);
                }
            }
            RelayMessage::Wanted { feed, mirror, encodings } => {
                if let Some(key) = self.find_origin(feed) {
                    let mut mirrors = self.feeds[key].mirrors.iter_mut();
                    if let Some(it) = mirrors.find(|it| (it.worker, it.feed) == (from, mirror)) {
                        it.wanted = encodings;
                    }
                    self.review_wish(now, key);
                }
            }
            RelayMessage::Keyframe { feed, encoding } => {
                if let Some(key) = self.find_origin(feed) {
                    self.want_keyframe(now, key, encoding);
                }
            }
            RelayMessage::Cap { feed, most } => self.on_relayed_cap(now, from, feed, most),
            RelayMessage::Data { to, text, bytes } => {
                let message = DataMessage { text, payload: bytes::Bytes::copy_from_slice(bytes) };
                self.deliver(now, to, &message);
            }
        }
    }

    /// Whoever carries messages had no room for this one, which [may be lost](RelayMessage::may_be_lost).
    pub fn relay_refused(&mut self, now: Instant, message: &RelayMessage<'_>) {
        match message {
            RelayMessage::Packet { feed, encoding, .. } => {
                self.counters.dropped.count(DropReason::Relay);
                if let Some(key) = self.find_origin(*feed) {
                    self.want_keyframe(now, key, *encoding);
                }
            }
            RelayMessage::Data { .. } => self.counters.dropped.count(DropReason::Data),
            _ => {}
        }
    }

    /// Carries a packet of a local feed to its mirrors, `sent` being the encodings that arrive now; false if there was no room for it.
    pub(super) fn mirror_packet(
        &mut self,
        key: usize,
        encoding: u8,
        sent: u8,
        sequence: u64,
        bytes: &[u8],
        restarted: bool,
    ) -> bool {
        let (feed, mut all) = (self.feed_id(key), true);
        let count = self.feeds[key].encodings();
        for mirror in &self.feeds[key].mirrors {
            if !mirror.gets(encoding, sent, count) {
                continue;
            }
            let Mirror { worker, feed: mirror, .. } = *mirror;
            let message = RelayMessage::Packet { feed, mirror, encoding, sequence, restarted, bytes };
            if self.relay.push(worker, &message) {
                self.counters.relayed += 1;
            } else {
                self.counters.dropped.count(DropReason::Relay);
                all = false;
            }
        }
        all
    }

    /// Carries a sender report of a local feed to its mirrors.
    pub(super) fn mirror_report(&mut self, key: usize, encoding: u8, report: SenderReport) {
        let Feed { mirrors, repair_time, .. } = &self.feeds[key];
        for Mirror { worker, feed: mirror, .. } in mirrors {
            let (mirror, repair_time) = (*mirror, *repair_time);
            self.relay.push(*worker, &RelayMessage::SenderReport { mirror, encoding, report, repair_time });
        }
    }

    /// A mirror's wish for a keyframe goes to its origin.
    pub(super) fn wish_keyframe(&mut self, now: Instant, key: usize, encoding: u8) {
        let feed = &mut self.feeds[key];
        let Origin::Remote { worker, feed: origin } = feed.origin else { return };
        let Some(wished) = feed.wished.get_mut(usize::from(encoding)) else { return };
        if wished.is_none_or(|at| now.saturating_duration_since(at) >= WISH_EVERY) {
            *wished = Some(now);
            self.say(worker, &RelayMessage::Keyframe { feed: origin, encoding });
        }
    }

    /// A message of somebody's events channel goes to the worker of whom it is for; false if there was no room.
    pub(super) fn relay_message(
        &mut self,
        worker: WorkerId,
        to: ParticipantId,
        message: &DataMessage,
    ) -> bool {
        self.relay.push(worker, &RelayMessage::Data { to, text: message.text, bytes: &message.payload })
    }

    /// A worker has failed: nothing will come from it, and nothing that it wanted is wanted any more.
    pub fn worker_gone(&mut self, now: Instant, gone: WorkerId) {
        let keys: Vec<usize> = self.feeds.iter().map(|(key, _)| key).collect();
        for key in keys {
            let feed = &mut self.feeds[key];
            if matches!(feed.origin, Origin::Remote { worker, .. } if worker == gone) {
                self.end_feed(key);
                continue;
            }
            let before = feed.mirrors.len();
            feed.mirrors.retain(|mirror| mirror.worker != gone);
            if feed.mirrors.len() < before {
                feed.wishes.retain(|(who, _)| *who != Wisher::Worker(gone));
                self.review_wish(now, key);
                self.follow_wishes(now, key);
            }
        }
    }

    /// The last subscriber of a mirror has gone.
    pub(super) fn release_if_unused(&mut self, key: usize) {
        let feed = &self.feeds[key];
        if let Origin::Remote { worker, feed: origin } = feed.origin
            && feed.subscribers.is_empty()
        {
            let mirror = self.feed_id(key);
            self.say(worker, &RelayMessage::Release { feed: origin, mirror });
            self.end_feed(key);
        }
    }

    /// Takes a feed away from everybody who has it.
    pub(super) fn end_feed(&mut self, key: usize) {
        let feed = self.feeds.remove(key);
        for Place { participant, slot } in feed.subscribers {
            self.participants[participant].slots[slot].clear();
            self.participants[participant].egress.restart(slot);
        }
        for tap in feed.taps {
            self.taps.remove(&tap);
            self.tap_outputs.push_back((tap, TapOutput::Ended));
        }
        for Mirror { worker, feed, .. } in feed.mirrors {
            self.say(worker, &RelayMessage::Ended { mirror: feed });
        }
        if let Origin::Remote { worker, feed } = feed.origin {
            self.mirrors.remove(&(worker, feed));
        }
    }

    /// Makes a feed and returns its key.
    pub(super) fn add_feed(
        &mut self,
        who: ParticipantId,
        source: Source,
        origin: Origin,
        line: NegotiatedMedia,
    ) -> usize {
        self.next_generation = self.next_generation.wrapping_add(1);
        self.feeds.insert(Feed::new(who, source, origin, line, self.next_generation))
    }

    fn add_mirror(&mut self, worker: WorkerId, feed: FeedId, mirror: FeedId) {
        let Some(key) = self.find_origin(feed) else {
            return self.say(worker, &RelayMessage::Ended { mirror });
        };
        let feed = &mut self.feeds[key];
        feed.mirrors.push(Mirror { worker, feed: mirror, wanted: u8::MAX });
        // The next report may be seconds away, and lip sync begins with the first.
        let repair_time = feed.repair_time;
        for (encoding, report) in feed.sender_reports() {
            self.relay.push(worker, &RelayMessage::SenderReport { mirror, encoding, report, repair_time });
        }
    }

    pub(super) fn feed_id(&self, key: usize) -> FeedId {
        FeedId { key: key as u32, generation: self.feeds[key].generation }
    }

    /// The feed of this name, if it still exists.
    fn find_feed_by_id(&self, id: FeedId) -> Option<(usize, &Feed)> {
        let key = id.key as usize;
        self.feeds.get(key).filter(|feed| feed.generation == id.generation).map(|feed| (key, feed))
    }

    /// A feed published here.
    pub(super) fn find_origin(&self, id: FeedId) -> Option<usize> {
        let (key, feed) = self.find_feed_by_id(id)?;
        matches!(feed.origin, Origin::Local { .. }).then_some(key)
    }

    /// A mirror of a feed of this worker.
    fn find_mirror(&self, from: WorkerId, id: FeedId) -> Option<usize> {
        let (key, feed) = self.find_feed_by_id(id)?;
        matches!(feed.origin, Origin::Remote { worker, .. } if worker == from).then_some(key)
    }

    pub(super) fn say(&mut self, to: WorkerId, message: &RelayMessage<'_>) {
        self.relay.push(to, message);
    }
}
