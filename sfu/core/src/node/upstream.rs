//! What a publisher hears about how much to send: its viewers' legs decide.
//!
//! Viewers have wishes ([`Feed::wishes`](super::feed::Feed)), the largest wins, and [`Cap`] tells when it is news. The news goes two
//! ways: as REMB, which Chromium obeys beside TWCC and within half a round trip, and as [`Event::SendWish`](super::Event::SendWish), which
//! the layer above carries to the page; that one tells sources apart.
//!
//! A publisher whose own uplink collapses hears of that by REMB, too ([`Inflow`]).

use std::time::{Duration, Instant};

use super::Node;
use super::feed::{ENCODINGS_MAX, Feed, Origin};
use super::feedback::SentReports;
use super::participant::Participant;
use super::relay::{FeedId, RelayMessage};
use crate::bwe::cap::NO_LIMIT;
use crate::bwe::inflow::{Inflow, Verdict};
use crate::bwe::{Bitrate, messages};
use crate::ids::{Ssrc, WorkerId};
use crate::media::Kind;

/// REMB is repeated this often while it limits: one may be lost.
const REPEAT: Duration = Duration::from_millis(500);
/// And so often once it no longer does.
const LIFTS: u8 = 3;
/// What a microphone needs beside video: Opus with two levels of redundancy.
const AUDIO: Bitrate = Bitrate::kbps(150);
/// What a microphone takes of an uplink that is full.
const VOICE: Bitrate = Bitrate::kbps(90);
/// No limit, as REMB says it.
const LIFTED: Bitrate = Bitrate::kbps(20_000);

/// See the module. One a participant.
#[derive(Debug, Default)]
pub(super) struct Upstream {
    /// What arrives from it.
    inflow: Inflow,
    /// Where the times of [`Self::inflow`] are counted from.
    begin: Option<Instant>,
    /// Our clock as we told it, for the round trip to peers that only send.
    pub(super) references: SentReports,
    told: Option<Bitrate>,
    repeat: Option<Instant>,
    lifts: u8,
}

impl Upstream {
    /// A packet arrived that left at `sent` by the publisher's clock: what that says about its uplink.
    pub(super) fn on_packet(&mut self, now: Instant, sent: u32, bytes: usize) -> Verdict {
        let now_us = self.micros(now);
        self.inflow.on_packet(now_us, sent, bytes)
    }

    /// What it can send of video, where that is known to be little.
    pub(super) fn narrow(&self) -> Option<Bitrate> {
        self.inflow.narrow().map(|all| all.minus(VOICE))
    }

    /// It is busy with what was sent before its uplink collapsed.
    pub(super) fn is_draining(&mut self, now: Instant) -> bool {
        let now_us = self.micros(now);
        self.inflow.is_draining(now_us)
    }

    /// When [`Node::tell_publisher`] wants to be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let release = self.inflow.deadline_us().zip(self.begin);
        let release = release.map(|(at, begin)| begin + Duration::from_micros(at));
        [self.repeat, release].into_iter().flatten().min()
    }

    fn micros(&mut self, now: Instant) -> u64 {
        let begin = *self.begin.get_or_insert(now);
        now.saturating_duration_since(begin).as_micros() as u64
    }
}

impl Node {
    /// What the publisher of a feed can send of video, where that is known to be little.
    pub(super) fn uplink_of(&self, feed: &Feed) -> Option<Bitrate> {
        let Origin::Local { participant, .. } = feed.origin else { return None };
        self.participants.get(participant)?.upstream.narrow()
    }

    /// Tells the publisher of a feed what follows from the wishes, if that is something new. What nobody shows has no limit: it
    /// may be recorded.
    pub(super) fn follow_wishes(&mut self, now: Instant, key: usize) {
        // A larger picture over a narrow uplink begins with what is known to pass.
        let uplink = self.feeds.get(key).and_then(|feed| self.uplink_of(feed));
        let Some(feed) = self.feeds.get_mut(key) else { return };
        let most = feed.wishes.iter().map(|(_, wish)| *wish).max().filter(|most| *most > Bitrate::ZERO);
        let news = match most {
            Some(most) => {
                let most = uplink.map_or(most, |uplink| most.min(uplink));
                feed.cap.follow(now, Some(most).filter(|most| *most < NO_LIMIT))
            }
            None => feed.cap.lift(),
        };
        let told = feed.cap.told();
        match feed.origin {
            Origin::Local { participant, .. } if news => {
                self.say_wish(key);
                self.tell_publisher(now, participant);
            }
            Origin::Local { .. } => {}
            Origin::Remote { worker, feed: origin } => {
                let most = most.map_or(Bitrate::ZERO, |_| told.unwrap_or(Bitrate::MAX));
                if feed.relayed_cap.replace(most) != Some(most) {
                    self.say(worker, &RelayMessage::Cap { feed: origin, most });
                }
            }
        }
    }

    /// The same from a worker that mirrors a feed of ours.
    pub(super) fn on_relayed_cap(&mut self, now: Instant, from: WorkerId, feed: FeedId, most: Bitrate) {
        if let Some(key) = self.find_origin(feed) {
            self.feeds[key].note_wish(Wisher::Worker(from), most);
            self.follow_wishes(now, key);
        }
    }

    /// A participant's uplink has collapsed, or may have: it is told, and media towards it is doubted for a moment, because what
    /// is thin one way is often thin both ways, and reports about the other one stand in the queue.
    pub(super) fn on_uplink(&mut self, now: Instant, key: usize, verdict: Verdict) {
        let Participant { egress, id, upstream, tracks, .. } = &mut self.participants[key];
        tracing::debug!(participant = %id, ?verdict, limit = ?upstream.inflow.limit(), "uplink");
        egress.doubt(now, upstream.inflow.limit().filter(|_| verdict == Verdict::Collapsed));
        let feeds: [Option<usize>; 4] = std::array::from_fn(|track| Some(tracks.get(track)?.feed));
        self.tell_publisher(now, key);
        if verdict == Verdict::Collapsed {
            self.counters.uplink_collapses += 1;
            // Whoever shows it looks again at which picture of it to show.
            for feed in feeds.into_iter().flatten() {
                let mut viewers = [None; 4];
                for (viewer, place) in viewers.iter_mut().zip(&self.feeds[feed].subscribers) {
                    *viewer = Some(place.participant);
                }
                for viewer in viewers.into_iter().flatten() {
                    self.participants[viewer].egress.look_again();
                    self.run_egress(now, viewer);
                }
            }
        }
        self.run_egress(now, key);
    }

    /// Sends a REMB if the publisher's limit is news, or is due again.
    pub(super) fn tell_publisher(&mut self, now: Instant, key: usize) {
        let Participant { tracks, upstream, transport, feedback_ssrc, .. } = &mut self.participants[key];
        let now_us = upstream.micros(now);
        upstream.inflow.release(now_us);
        let mut limited = false;
        let mut most = AUDIO;
        let mut streams = [Ssrc(0); 2 * ENCODINGS_MAX];
        let mut count = 0;
        for track in tracks.iter().filter(|track| track.source().kind() == Kind::Video) {
            let ssrcs = (0..ENCODINGS_MAX as u8).filter_map(|encoding| track.ssrc(encoding));
            let before = count;
            for (place, ssrc) in streams.iter_mut().skip(before).zip(ssrcs) {
                *place = ssrc;
                count += 1;
            }
            if count > before {
                let told = self.feeds.get(track.feed).and_then(|feed| feed.cap.told());
                limited |= told.is_some();
                most = most.plus(told.unwrap_or(NO_LIMIT));
            }
        }
        let wished = if limited { most } else { LIFTED };
        let uplink = upstream.inflow.limit();
        limited |= uplink.is_some();
        let wished = uplink.map_or(wished, |uplink| wished.min(uplink));
        let news = upstream.told.is_some_and(|told| told != wished) || (upstream.told.is_none() && limited);
        let due = upstream.repeat.is_some_and(|at| at <= now);
        if !(news || due) || count == 0 {
            upstream.repeat = upstream.repeat.filter(|_| !due);
            return;
        }
        if limited {
            upstream.lifts = LIFTS;
        }
        upstream.told = Some(wished);
        upstream.repeat = (limited || upstream.lifts > 0).then_some(now + REPEAT);
        upstream.lifts = if limited { LIFTS } else { upstream.lifts.saturating_sub(1) };
        let streams = streams.get(..count).unwrap_or_default();
        messages::write_remb(*feedback_ssrc, wished, streams, self.outbox.begin());
        transport.send_rtcp(&mut self.outbox);
    }

    /// A peer answers to our clock.
    pub(super) fn on_extended_report(&mut self, now: Instant, key: usize, packet: &[u8]) {
        let participant = &mut self.participants[key];
        if let Some((last, delay)) = messages::read_dlrr(packet, participant.feedback_ssrc)
            && let Some(rtt) = participant.upstream.references.round_trip(now, last, delay)
        {
            participant.rtt = Some(rtt);
        }
    }
}

/// Who has a wish: a slot here, or another worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wisher {
    /// A slot of a participant on this worker.
    Slot(super::feed::Place),
    /// A worker that mirrors the feed.
    Worker(WorkerId),
}
