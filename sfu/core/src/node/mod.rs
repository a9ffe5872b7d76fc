//! A node: everybody on one worker, and the routes between them.
//!
//! It takes datagrams, commands and the time, and gives datagrams, events and tap events. It owns no socket, no clock
//! and no randomness of its own: one seed and one sequence of inputs give one run.

mod counters;
mod descriptors;
mod egress;
mod feed;
mod feedback;
#[cfg(any(test, feature = "testing"))]
pub mod hostile;
mod inputs;
mod layers;
mod limits;
mod participant;
mod parting;
mod quality;
mod relay;
mod repair;
mod rules;
mod slot;
mod speaker;
mod tapped;
#[cfg(test)]
mod tests;
mod timers;
mod track;
mod types;
mod upkeep;
mod upstream;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rtc_crypto::RTCCryptoProvider;
use slab::Slab;

pub use self::counters::{Counters, DropReason, Dropped};
pub use self::egress::EgressStats;
use self::feed::{Feed, Origin, Place};
use self::limits::Limiter;
pub use self::limits::{DATAGRAM_BYTES_MAX, Limits};
use self::participant::Participant;
pub use self::quality::QualitySample;
use self::relay::RelayOutbox;
pub use self::relay::{Export, FeedId, RelayMessage};
use self::timers::Timers;
pub use self::types::{
    AnswerSlot, EncodingWish, Event, JoinError, JoinRequest, Joined, LeaveReason, ParticipantStats,
    RouteError, TapId, View,
};
use crate::ids::{Mid, ParticipantId, Ssrc, WorkerId};
use crate::layers::Step;
use crate::media::{Kind, Source};
use crate::path::{Candidate, Path};
use crate::sdp::{self, AnswerSettings, DEFAULT_VIDEO_PREFERENCE, LineKind, Offer, SlotSsrcs};
use crate::tap::{NodeTime, TapEvent};
use crate::transport::Transport;
use crate::transport::data::MESSAGE_MAX;
use crate::transport::dtls::Identity;
use crate::transport::ice;
use crate::transport::outbox::{Outbox, Transmit};

/// Timers are not set finer than this.
const TIMER_STEP: Duration = Duration::from_millis(1);

/// Ties the monotonic clock to the wall clock, once.
#[derive(Clone, Copy, Debug)]
pub struct Epoch {
    instant: Instant,
    unix: Duration,
}

impl Epoch {
    /// `instant` was `unix` after 1970.
    pub fn new(instant: Instant, unix: Duration) -> Self {
        Self { instant, unix }
    }

    /// A later instant as RTCP says it: 32.32 fixed-point seconds since 1900.
    fn ntp(&self, now: Instant) -> u64 {
        const UNIX_IN_NTP: u64 = 2_208_988_800;
        let NodeTime(micros) = self.at(now);
        let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
        ((seconds + UNIX_IN_NTP) << 32) | ((rest << 32) / 1_000_000)
    }

    /// The node's time of a later instant.
    pub fn at(&self, now: Instant) -> NodeTime {
        NodeTime((self.unix + now.saturating_duration_since(self.instant)).as_micros() as u64)
    }
}

/// What a node is made of.
pub struct NodeConfig {
    /// Our certificate.
    pub identity: Identity,
    /// Which worker this is.
    pub worker: WorkerId,
    /// Where clients reach us, best first.
    pub candidates: Vec<Candidate>,
    /// Decides every random choice.
    pub seed: u64,
    /// The wall clock, for taps.
    pub epoch: Epoch,
    /// HMAC and AEAD.
    pub crypto: Arc<dyn RTCCryptoProvider>,
}

/// Something for a tap.
#[derive(Clone, Debug)]
pub enum TapOutput {
    /// Hand it over.
    Event(TapEvent),
    /// The publisher is gone; nothing more will come.
    Ended,
}

/// See the module.
pub struct Node {
    config: NodeConfig,
    limits: Limits,
    rng: StdRng,
    participants: Slab<Participant>,
    feeds: Slab<Feed>,
    by_id: HashMap<ParticipantId, usize>,
    by_ufrag: HashMap<String, usize>,
    /// Looked at for every datagram, so it has a quick hash; only paths that ICE has validated are put in.
    by_path: HashMap<Path, usize, foldhash::fast::RandomState>,
    /// The feed each tap listens to.
    taps: HashMap<TapId, usize>,
    next_tap: u64,
    /// Our mirrors of other workers' feeds, by what they mirror.
    mirrors: HashMap<(WorkerId, FeedId), usize>,
    relay: RelayOutbox,
    next_generation: u32,
    timers: Timers,
    /// Sequence numbers to ask for, while they are collected.
    missing: Vec<u16>,
    /// An RTX packet in its original form, while it is handled.
    rebuilt: Vec<u8>,
    /// A packet out of a cache, while it is sent to a slot that could not use it before.
    copied: Vec<u8>,
    /// What a viewer can choose from, while it is looked at.
    steps: Vec<Step>,
    outbox: Outbox,
    events: VecDeque<Event>,
    tap_outputs: VecDeque<(TapId, TapOutput)>,
    counters: Counters,
}

impl Node {
    /// A node with nobody on it.
    pub fn new(config: NodeConfig) -> Self {
        Self {
            rng: StdRng::seed_from_u64(config.seed),
            config,
            limits: Limits::default(),
            participants: Slab::new(),
            feeds: Slab::new(),
            by_id: HashMap::new(),
            by_ufrag: HashMap::new(),
            by_path: HashMap::default(),
            taps: HashMap::new(),
            next_tap: 0,
            mirrors: HashMap::new(),
            relay: RelayOutbox::default(),
            next_generation: 0,
            timers: Timers::default(),
            missing: Vec::new(),
            rebuilt: Vec::new(),
            copied: Vec::new(),
            steps: Vec::new(),
            outbox: Outbox::default(),
            events: VecDeque::new(),
            tap_outputs: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// Datagrams to send. Whoever has sent them [clears](Outbox::clear) the outbox.
    pub fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// The next datagram to send, for who prefers them one by one.
    pub fn poll_transmit(&mut self) -> Option<Transmit<'_>> {
        self.outbox.pop()
    }

    /// The next thing to tell the layer above.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next thing for a tap.
    pub fn poll_tap(&mut self) -> Option<(TapId, TapOutput)> {
        self.tap_outputs.pop_front()
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Counts since the node began.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What the links to subscribers carry, bit/s, as far as that is known.
    pub fn estimates(&self) -> impl Iterator<Item = u64> + '_ {
        self.participants.iter().filter_map(|(_, participant)| participant.egress.estimate_bps())
    }

    /// How many are here.
    pub fn participants(&self) -> usize {
        self.participants.len()
    }

    /// Figures of one transport.
    pub fn stats(&self, who: ParticipantId) -> Option<ParticipantStats> {
        let participant = &self.participants[*self.by_id.get(&who)?];
        Some(ParticipantStats {
            srtp_profile: participant.transport.srtp_profile().map(|profile| profile.name()),
            remote: participant.transport.ice().selected(),
            rtt_ms: participant.rtt.map(|rtt| rtt.as_secs_f64() * 1e3),
            egress: participant.egress.stats(),
            ..participant.stats.clone()
        })
    }

    /// Answers an offer. A second offer with the same DTLS fingerprint is an ICE restart; with another one it is
    /// another peer connection and needs another id.
    pub fn join(
        &mut self,
        now: Instant,
        who: ParticipantId,
        request: &JoinRequest,
    ) -> Result<Joined, JoinError> {
        let bad = |error: &dyn std::fmt::Display| JoinError::BadOffer(error.to_string());
        let offer = Offer::parse(&request.offer).map_err(|error| bad(&error))?;
        if offer.media.len() > self.limits.lines {
            let (lines, most) = (offer.media.len(), self.limits.lines);
            return Err(JoinError::BadOffer(format!("it has {lines} lines, more than {most}")));
        }
        let local = ice::generate_credentials(&mut self.rng, self.config.worker);
        let known = self.by_id.get(&who).copied();
        if let Some(key) = known
            && self.participants[key].transport.fingerprint() != offer.fingerprint
        {
            return Err(JoinError::Duplicate(who));
        }
        let (session_id, session_version) = match known {
            Some(key) => (self.participants[key].session_id, self.participants[key].session_version + 1),
            None => (self.rng.random_range(1..1 << 62), 1),
        };
        let settings = AnswerSettings {
            ice: &local,
            fingerprint: self.config.identity.fingerprint(),
            candidates: &self.config.candidates,
            session_id,
            session_version,
            cname: "vitrine",
            sources: &request.sources,
            video_preference: &DEFAULT_VIDEO_PREFERENCE,
            max_message_size: MESSAGE_MAX as u32,
        };
        let (rng, participants) = (&mut self.rng, &self.participants);
        let answer = sdp::answer(&offer, &settings, |line| {
            // A restart must name the same streams again.
            let before = match (known, line.kind) {
                (Some(key), LineKind::Media(kind)) => participants[key].slot_ssrcs(line.mid, kind),
                _ => None,
            };
            before.unwrap_or_else(|| SlotSsrcs { media: Ssrc(rng.random()), rtx: Ssrc(rng.random()) })
        })
        .map_err(|error| bad(&error))?;

        let key = match known {
            Some(key) => {
                let participant = &mut self.participants[key];
                participant.session_version = session_version;
                let old = participant.transport.ice().local().ufrag.clone();
                participant.transport.restart(now, local.clone(), offer.ice.ufrag.clone());
                self.by_ufrag.remove(&old);
                key
            }
            None => {
                let transport = Transport::new(
                    now,
                    &self.config.identity,
                    local.clone(),
                    offer.ice.ufrag.clone(),
                    offer.fingerprint,
                    self.config.crypto.clone(),
                );
                let participant = Participant::new(now, who, transport, &answer, session_id, &mut self.rng)?;
                let key = self.participants.insert(participant);
                self.participants[key].limiter = Limiter::new(self.limits);
                self.by_id.insert(who, key);
                for index in 0..self.participants[key].tracks.len() {
                    let track = &self.participants[key].tracks[index];
                    let (source, line) = (track.source(), track.line().clone());
                    let origin = Origin::Local { participant: key, track: index };
                    let feed = self.add_feed(who, source, origin, line);
                    self.participants[key].tracks[index].feed = feed;
                }
                key
            }
        };
        self.by_ufrag.insert(local.ufrag, key);
        self.settle(now, key);
        tracing::debug!(participant = %who, restart = known.is_some(), "joined");
        Ok(Joined { answer: answer.sdp, slots: self.participants[key].answer_slots() })
    }

    /// Ends a transport. Unknown ids are ignored.
    pub fn leave(&mut self, now: Instant, who: ParticipantId) {
        if let Some(key) = self.by_id.get(&who).copied() {
            self.participants[key].transport.close();
            self.drain(now, key);
            if self.participants.contains(key) {
                self.remove(key, LeaveReason::Asked);
            }
        }
    }

    /// Ends every transport, with a goodbye to each peer.
    pub fn close_all(&mut self, now: Instant) {
        let everybody: Vec<_> = self.by_id.keys().copied().collect();
        for who in everybody {
            self.leave(now, who);
        }
    }

    /// Shows a source on a slot, replacing what was there.
    pub fn attach(
        &mut self,
        now: Instant,
        from: ParticipantId,
        source: Source,
        to: ParticipantId,
        slot: Mid,
    ) -> Result<(), RouteError> {
        if from == to {
            return Err(RouteError::NoSuchParticipant(from));
        }
        let feed = self.find_feed(from, source)?;
        let (participant, slot) = self.find_slot(to, slot, source.kind())?;
        self.show(now, feed, Place { participant, slot });
        Ok(())
    }

    fn show(&mut self, now: Instant, feed: usize, place: Place) {
        let Place { participant, slot } = place;
        let shown = &mut self.participants[participant].slots[slot];
        if let Some(before) = shown.shows() {
            shown.part(now, &self.feeds[before]);
        }
        // Shown already: it begins anew, but nobody lets go of it meanwhile.
        if self.participants[participant].slots[slot].shows() != Some(feed) {
            self.unsubscribe(participant, slot);
            self.feeds[feed].subscribers.push(place);
        }
        self.participants[participant].egress.restart(slot);
        self.participants[participant].slots[slot].show(feed);
        self.participants[participant].repair.start(now);
        self.settle(now, participant);
        self.review_layers(now, feed);
        self.want_awaited(now, place);
    }

    /// Empties a slot.
    pub fn detach(&mut self, to: ParticipantId, slot: Mid) -> Result<(), RouteError> {
        let key = self.find(to)?;
        let index = self.participants[key]
            .slots
            .iter()
            .position(|candidate| candidate.mid() == slot)
            .ok_or(RouteError::NoSuchSlot(to, slot))?;
        self.unsubscribe(key, index);
        Ok(())
    }

    /// Listens to a published source; its outputs come from [`Self::poll_tap`].
    pub fn add_tap(&mut self, now: Instant, who: ParticipantId, source: Source) -> Result<TapId, RouteError> {
        let key = self.find_feed(who, source)?;
        let id = TapId(self.next_tap);
        self.next_tap += 1;
        self.taps.insert(id, key);
        let feed = &mut self.feeds[key];
        feed.taps.push(id);
        // The next report may be seconds away; the last one places the very first packet on the sender's clock.
        let encoding = feed.tapped.encoding(feed.sent(now), feed.encodings());
        if let Some(report) = feed.tapped_report(encoding) {
            self.tap_outputs.push_back((id, TapOutput::Event(TapEvent::SenderReport(report))));
        }
        self.review_wish(now, key);
        self.want_keyframe(now, key, encoding);
        Ok(id)
    }

    /// Stops listening.
    pub fn remove_tap(&mut self, id: TapId) {
        if let Some(feed) = self.taps.remove(&id).and_then(|feed| self.feeds.get_mut(feed)) {
            feed.taps.retain(|tap| *tap != id);
            if feed.taps.is_empty() {
                feed.tapped.stop();
            }
        }
    }

    /// Asks the publisher behind a tap for a keyframe.
    pub fn request_keyframe(&mut self, now: Instant, tap: TapId) {
        if let Some(key) = self.taps.get(&tap).copied() {
            let feed = &self.feeds[key];
            let encoding = feed.tapped.encoding(feed.sent(now), feed.encodings());
            self.want_keyframe(now, key, encoding);
        }
    }

    /// Passes the wish for a keyframe of an encoding on to whoever publishes the feed.
    fn want_keyframe(&mut self, now: Instant, feed: usize, encoding: u8) {
        match self.feeds[feed].origin {
            Origin::Local { participant, track } => {
                self.participants[participant].tracks[track].want_keyframe(now, encoding);
                self.settle(now, participant);
            }
            Origin::Remote { .. } => self.wish_keyframe(now, feed, encoding),
        }
    }

    fn find(&self, who: ParticipantId) -> Result<usize, RouteError> {
        self.by_id.get(&who).copied().ok_or(RouteError::NoSuchParticipant(who))
    }

    /// Key of the feed of a source that is published on this worker.
    fn find_feed(&self, who: ParticipantId, source: Source) -> Result<usize, RouteError> {
        let participant = &self.participants[self.find(who)?];
        let track = participant.tracks.iter().find(|track| track.source() == source);
        track.map(|track| track.feed).ok_or(RouteError::NoSuchSource(who, source))
    }

    fn find_slot(&self, who: ParticipantId, mid: Mid, kind: Kind) -> Result<(usize, usize), RouteError> {
        let key = self.find(who)?;
        let slot = self.participants[key].slot_at(mid, kind).ok_or(RouteError::NoSuchSlot(who, mid))?;
        Ok((key, slot))
    }
}
