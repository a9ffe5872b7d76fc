//! A node: everybody on one worker, and the routes between them.
//!
//! It takes datagrams, commands and the time, and gives datagrams, events and tap events. It owns no socket, no clock
//! and no randomness of its own: one seed and one sequence of inputs give one run.

mod counters;
mod feedback;
mod participant;
mod slot;
mod timers;
mod track;
mod types;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rtc_crypto::RTCCryptoProvider;
use rtc_shared::marshal::Marshal;
use slab::Slab;

pub use self::counters::{Counters, DropReason, Dropped};
use self::feedback::Incoming;
use self::participant::{Participant, REPORT_EVERY};
use self::timers::Timers;
use self::track::{Arrival, Track};
pub use self::types::{
    AnswerSlot, Event, JoinError, JoinRequest, Joined, LeaveReason, ParticipantStats, RouteError, TapId,
};
use crate::ids::{Mid, ParticipantId, Ssrc};
use crate::media::{Kind, Source};
use crate::rtp::extensions::{HeaderExtension, read_mid, read_transport_cc};
use crate::rtp::packet::{DatagramKind, RtpPacket};
use crate::sdp::{self, AnswerSettings, DEFAULT_VIDEO_PREFERENCE, LineKind, Offer, SlotSsrcs};
use crate::tap::{NodeTime, SenderReport, TapEvent, TapPacket};
use crate::transport::data::{DataMessage, MESSAGE_MAX};
use crate::transport::dtls::Identity;
use crate::transport::ice::{self, Check};
use crate::transport::{Ended, Transport, TransportOutput};

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

    /// The node's time of a later instant.
    pub fn at(&self, now: Instant) -> NodeTime {
        NodeTime((self.unix + now.saturating_duration_since(self.instant)).as_micros() as u64)
    }
}

/// What a node is made of.
pub struct NodeConfig {
    /// Our certificate.
    pub identity: Identity,
    /// Where clients reach us.
    pub candidates: Vec<SocketAddr>,
    /// Decides every random choice.
    pub seed: u64,
    /// The wall clock, for taps.
    pub epoch: Epoch,
    /// HMAC and AEAD.
    pub crypto: Arc<dyn RTCCryptoProvider>,
}

/// A datagram to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transmit {
    /// Where to.
    pub destination: SocketAddr,
    /// What.
    pub payload: Bytes,
}

/// Something for a tap.
#[derive(Clone, Debug)]
pub enum TapOutput {
    /// Hand it over.
    Event(TapEvent),
    /// The publisher is gone; nothing more will come.
    Ended,
}

/// Where a tap listens.
#[derive(Clone, Copy)]
struct TapPlace {
    participant: usize,
    track: usize,
}

/// See the module.
pub struct Node {
    config: NodeConfig,
    rng: StdRng,
    participants: Slab<Participant>,
    by_id: HashMap<ParticipantId, usize>,
    by_ufrag: HashMap<String, usize>,
    by_address: HashMap<SocketAddr, usize>,
    taps: HashMap<TapId, TapPlace>,
    next_tap: u64,
    timers: Timers,
    transmits: VecDeque<Transmit>,
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
            participants: Slab::new(),
            by_id: HashMap::new(),
            by_ufrag: HashMap::new(),
            by_address: HashMap::new(),
            taps: HashMap::new(),
            next_tap: 0,
            timers: Timers::default(),
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            tap_outputs: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    // ---- outputs -------------------------------------------------------------------------------------------------

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
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
            ..participant.stats.clone()
        })
    }

    // ---- commands ------------------------------------------------------------------------------------------------

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
        let local = ice::generate_credentials(&mut self.rng);
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
                let participant = Participant::new(who, transport, &answer, session_id, &mut self.rng)?;
                let key = self.participants.insert(participant);
                self.by_id.insert(who, key);
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
            self.remove(key, LeaveReason::Asked);
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
        let (publisher, track) = self.find_track(from, source)?;
        let (subscriber, slot) = self.find_slot(to, slot, source.kind())?;
        self.unsubscribe(subscriber, slot);
        self.participants[subscriber].slots[slot].show(publisher, track);
        let track = &mut self.participants[publisher].tracks[track];
        track.subscribers.push((subscriber, slot));
        track.want_keyframe(now);
        self.settle(now, publisher);
        Ok(())
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

    /// Joins two people's events channels. Each has at most one such link.
    pub fn link_data(&mut self, a: ParticipantId, b: ParticipantId) -> Result<(), RouteError> {
        let (a, b) = (self.find(a)?, self.find(b)?);
        for (one, other) in [(a, b), (b, a)] {
            if let Some(before) = self.participants[one].linked.replace(other)
                && before != other
            {
                self.participants[before].linked = None;
            }
        }
        Ok(())
    }

    /// Listens to a published source; its outputs come from [`Self::poll_tap`].
    pub fn add_tap(&mut self, now: Instant, who: ParticipantId, source: Source) -> Result<TapId, RouteError> {
        let (participant, track) = self.find_track(who, source)?;
        let id = TapId(self.next_tap);
        self.next_tap += 1;
        self.taps.insert(id, TapPlace { participant, track });
        let track = &mut self.participants[participant].tracks[track];
        track.taps.push(id);
        track.want_keyframe(now);
        self.settle(now, participant);
        Ok(id)
    }

    /// Stops listening.
    pub fn remove_tap(&mut self, id: TapId) {
        if let Some(place) = self.taps.remove(&id)
            && let Some(participant) = self.participants.get_mut(place.participant)
        {
            participant.tracks[place.track].taps.retain(|tap| *tap != id);
        }
    }

    /// Asks the publisher behind a tap for a keyframe.
    pub fn request_keyframe(&mut self, now: Instant, tap: TapId) {
        if let Some(place) = self.taps.get(&tap).copied() {
            self.participants[place.participant].tracks[place.track].want_keyframe(now);
            self.settle(now, place.participant);
        }
    }

    // ---- inputs --------------------------------------------------------------------------------------------------

    /// Takes one datagram.
    pub fn handle_datagram(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) {
        let kind = DatagramKind::of(datagram);
        if kind == DatagramKind::Stun {
            return self.handle_stun(now, source, datagram);
        }
        if kind == DatagramKind::Other {
            return self.counters.dropped.count(DropReason::NotOurs);
        }
        let Some(key) = self.by_address.get(&source).copied() else {
            return self.counters.dropped.count(DropReason::Unvalidated);
        };
        match kind {
            DatagramKind::Dtls => self.participants[key].transport.handle_dtls(now, datagram),
            DatagramKind::Rtp => self.handle_rtp(now, key, datagram),
            DatagramKind::Rtcp => self.handle_rtcp(now, key, datagram),
            DatagramKind::Stun | DatagramKind::Other => {}
        }
        self.settle(now, key);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(key) = self.timers.pop_due(now) {
            let Some(participant) = self.participants.get_mut(key) else { continue };
            participant.armed = None;
            participant.transport.handle_timeout(now);
            self.give_feedback(now, key);
            self.settle(now, key);
        }
    }

    fn handle_stun(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) {
        let Ok(check) = Check::parse(datagram) else {
            return self.counters.dropped.count(DropReason::Stun);
        };
        let Some(key) = self.by_ufrag.get(check.local_ufrag()).copied() else {
            return self.counters.dropped.count(DropReason::Stun);
        };
        match self.participants[key].transport.handle_check(now, source, check) {
            Ok(accepted) => {
                if let Some(old) = accepted.evicted {
                    self.by_address.remove(&old);
                }
                if accepted.newly_validated
                    && let Some(before) = self.by_address.insert(source, key)
                    && before != key
                {
                    // A NAT gave the port of a dead transport to a living one.
                    self.participants[before].transport.forget(source);
                }
                self.transmits.push_back(Transmit { destination: source, payload: accepted.response.into() });
            }
            Err(reason) => {
                tracing::trace!(?reason, %source, "connectivity check refused");
                self.counters.dropped.count(DropReason::Stun);
            }
        }
        self.settle(now, key);
    }

    fn handle_rtp(&mut self, now: Instant, key: usize, datagram: &[u8]) {
        let participant = &mut self.participants[key];
        let Some(ssrc) = datagram.get(8..12).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes)
        else {
            return self.counters.dropped.count(DropReason::Malformed);
        };
        if !participant.may_listen_to(Ssrc(ssrc)) {
            return self.counters.dropped.count(DropReason::UnknownSsrc);
        }
        let Some(opened) = participant.transport.open_rtp(datagram) else {
            return self.counters.dropped.count(DropReason::Forged);
        };
        let whole = opened.freeze();
        let Ok(packet) = RtpPacket::parse(&whole) else {
            return self.counters.dropped.count(DropReason::Malformed);
        };
        let stream = participant.stream(packet.ssrc()).or_else(|| {
            let mid = participant.mid_extension().and_then(|id| packet.extension(id)).and_then(read_mid)?;
            participant.learn(packet.ssrc(), mid, packet.payload_type())
        });
        let Some(stream) = stream else {
            return self.counters.dropped.count(DropReason::UnknownSsrc);
        };
        self.counters.received += 1;
        participant.stats.packets_received += 1;
        let track = &mut participant.tracks[stream.track];
        if let Some(number) = track
            .extensions()
            .id(HeaderExtension::TransportCc)
            .and_then(|id| packet.extension(id))
            .and_then(read_transport_cc)
        {
            participant.twcc.on_packet(number, now);
        }
        let mut rebuilt = BytesMut::new();
        let arrival = if stream.rtx {
            track.receive_rtx(now, &packet, &mut rebuilt)
        } else {
            track.receive(now, &packet)
        };
        match arrival {
            Arrival::Media { sequence, restarted } => {
                participant.next_report.get_or_insert(now + REPORT_EVERY);
                let whole = if stream.rtx { rebuilt.freeze() } else { whole.clone() };
                self.route(now, key, stream.track, sequence, &whole, restarted);
            }
            Arrival::Nothing => {}
            Arrival::UnknownPayload => self.counters.dropped.count(DropReason::UnknownPayload),
        }
    }

    /// Carries a packet to everybody who is shown or taps the track.
    fn route(
        &mut self,
        now: Instant,
        publisher: usize,
        track: usize,
        sequence: u64,
        whole: &Bytes,
        restarted: bool,
    ) {
        let who = self.participants[publisher].id;
        let published = &mut self.participants[publisher].tracks[track];
        let packet = RtpPacket::parse(whole).ok().and_then(|packet| published.understand(sequence, &packet));
        let Some(packet) = packet else {
            return self.counters.dropped.count(DropReason::Malformed);
        };
        if packet.keyframe {
            published.on_keyframe();
        }
        if restarted {
            let source = published.source();
            self.events.push_back(Event::TrackStarted { participant: who, source, codec: packet.codec });
        }
        let subscribers = std::mem::take(&mut published.subscribers);
        let mut keyframe_needed = false;
        for (subscriber, slot) in &subscribers {
            let Participant { transport, slots, stats, .. } = &mut self.participants[*subscriber];
            let slot = &mut slots[*slot];
            if restarted {
                slot.restart();
            }
            match slot.forward(now, &packet) {
                Ok(bytes) => {
                    if transport.send_rtp(bytes) {
                        stats.packets_sent += 1;
                        self.counters.forwarded += 1;
                    }
                }
                Err(reason) => {
                    keyframe_needed |= reason == DropReason::BeforeKeyframe;
                    self.counters.dropped.count(reason);
                }
            }
            self.send_datagrams(*subscriber);
        }
        let published = &mut self.participants[publisher].tracks[track];
        published.subscribers = subscribers;
        if keyframe_needed {
            published.want_keyframe(now);
        }
        for tap in &published.taps {
            if restarted {
                self.tap_outputs.push_back((*tap, TapOutput::Event(TapEvent::Restart)));
            }
            self.counters.tapped += 1;
            let event = TapEvent::Packet(TapPacket {
                arrival: self.config.epoch.at(now),
                codec: packet.codec,
                sequence,
                timestamp: packet.timestamp,
                marker: packet.marker,
                rotation: packet.passed.orientation.map(|orientation| orientation.rotation),
                payload: whole.slice_ref(packet.payload),
            });
            self.tap_outputs.push_back((*tap, TapOutput::Event(event)));
        }
    }

    fn handle_rtcp(&mut self, now: Instant, key: usize, datagram: &[u8]) {
        let Some(compound) = self.participants[key].transport.open_rtcp(datagram) else {
            return self.counters.dropped.count(DropReason::Forged);
        };
        for incoming in feedback::parse(compound.freeze()) {
            match incoming {
                Incoming::SenderReport { ssrc, ntp, rtp_timestamp } => {
                    self.on_sender_report(now, key, ssrc, ntp, rtp_timestamp);
                }
                Incoming::ReceptionReport { ssrc, last_sr, delay } => {
                    let participant = &mut self.participants[key];
                    let slot = participant.slots.iter().find(|slot| slot.ssrcs().media == ssrc);
                    if let Some(rtt) = slot.and_then(|slot| slot.reports.round_trip(now, last_sr, delay)) {
                        participant.rtt = Some(rtt);
                    }
                }
                Incoming::Nack { ssrc, sequences } => self.retransmit(now, key, ssrc, &sequences),
                Incoming::KeyframeRequest { ssrc } => {
                    let shown = self.participants[key].slots.iter().find(|slot| slot.ssrcs().media == ssrc);
                    if let Some((publisher, track)) = shown.and_then(|slot| slot.shows()) {
                        self.participants[publisher].tracks[track].want_keyframe(now);
                        self.settle(now, publisher);
                    }
                }
            }
        }
    }

    fn on_sender_report(&mut self, now: Instant, key: usize, ssrc: Ssrc, ntp: u64, rtp_timestamp: u32) {
        let participant = &mut self.participants[key];
        let Some(stream) = participant.stream(ssrc).filter(|stream| !stream.rtx) else { return };
        let track = &mut participant.tracks[stream.track];
        if !track.on_sender_report(now, ssrc, ntp) {
            return;
        }
        let report = SenderReport { arrival: self.config.epoch.at(now), ntp, rtp_timestamp };
        for tap in &track.taps {
            self.tap_outputs.push_back((*tap, TapOutput::Event(TapEvent::SenderReport(report))));
        }
        for (subscriber, slot) in track.subscribers.clone() {
            let participant = &mut self.participants[subscriber];
            if let Some(report) = participant.slots[slot].sender_report(now, ntp, rtp_timestamp) {
                participant.transport.send_rtcp(&report);
            }
            self.send_datagrams(subscriber);
        }
    }

    fn retransmit(&mut self, now: Instant, key: usize, ssrc: Ssrc, sequences: &[u16]) {
        let Some(slot) = self.participants[key].slots.iter().position(|slot| slot.ssrcs().media == ssrc)
        else {
            return;
        };
        for sequence in sequences {
            let Some(wanted) = self.participants[key].slots[slot].source_of(*sequence) else { continue };
            // Publisher and subscriber differ: nobody is shown to themselves.
            let Some((publisher, subscriber)) = self.participants.get2_mut(wanted.participant, key) else {
                continue;
            };
            let Some(packet) = publisher.tracks[wanted.track].cached(now, wanted.sequence) else { continue };
            let Participant { transport, slots, stats, .. } = subscriber;
            if let Some(bytes) = slots[slot].retransmission(now, &packet)
                && transport.send_rtp(bytes)
            {
                stats.retransmitted += 1;
                stats.packets_sent += 1;
                self.counters.retransmitted += 1;
            }
        }
    }

    // ---- helpers -------------------------------------------------------------------------------------------------

    /// NACKs, PLIs, TWCC feedback and reports that are due towards one participant.
    fn give_feedback(&mut self, now: Instant, key: usize) {
        let Participant { transport, tracks, twcc, feedback_ssrc, rtt, next_report, stats, .. } =
            &mut self.participants[key];
        let mut send = |packet: Option<Bytes>| packet.is_some_and(|bytes| transport.send_rtcp(&bytes));
        let mut missing = Vec::new();
        for track in tracks.iter_mut() {
            let Some(ssrc) = track.ssrc() else { continue };
            missing.clear();
            track.missing(now, *rtt, &mut missing);
            if !missing.is_empty() && send(feedback::nack(*feedback_ssrc, ssrc, &missing)) {
                stats.nacks_sent += missing.len() as u64;
                self.counters.nacks += missing.len() as u64;
            }
            if track.take_keyframe_request(now, *rtt) && send(feedback::pli(*feedback_ssrc, ssrc)) {
                stats.plis_sent += 1;
                self.counters.plis += 1;
            }
        }
        // The draft wants some SSRC of the transport there; browsers only look at the numbers.
        let media = tracks.iter().find_map(Track::ssrc).unwrap_or(*feedback_ssrc);
        while let Some(packet) = twcc.poll(now, *feedback_ssrc, media) {
            if send(packet.marshal().ok().map(BytesMut::freeze)) {
                stats.twcc_sent += 1;
                self.counters.twcc += 1;
            }
        }
        if next_report.is_some_and(|at| at <= now) {
            *next_report = Some(now + REPORT_EVERY);
            let blocks: Vec<_> = tracks.iter_mut().filter_map(|track| track.report(now)).collect();
            send(feedback::receiver_report(*feedback_ssrc, blocks));
        }
    }

    /// After anything happened to a participant: send what is due, tell what is new, set its timer.
    fn settle(&mut self, now: Instant, key: usize) {
        if self.participants.get(key).is_some_and(|participant| participant.deadline() <= now) {
            self.give_feedback(now, key);
        }
        self.drain(now, key);
        self.rearm(now, key);
    }

    fn drain(&mut self, now: Instant, key: usize) {
        let Some(participant) = self.participants.get_mut(key) else { return };
        let mut ended = None;
        let mut messages = Vec::new();
        while let Some(output) = participant.transport.poll_output() {
            match output {
                TransportOutput::Connected => {
                    self.events.push_back(Event::Connected { participant: participant.id });
                }
                TransportOutput::Data(message) => messages.push(message),
                TransportOutput::Ended(reason) => ended = Some(reason),
            }
        }
        let linked = participant.linked;
        self.send_datagrams(key);
        for message in messages {
            self.pass_message(now, linked, &message);
        }
        if let Some(reason) = ended {
            self.remove(
                key,
                match reason {
                    Ended::Closed => LeaveReason::Closed,
                    Ended::Timeout => LeaveReason::Timeout,
                    Ended::WrongFingerprint => LeaveReason::WrongFingerprint,
                    Ended::DtlsFailed => LeaveReason::DtlsFailed,
                },
            );
        }
    }

    fn pass_message(&mut self, now: Instant, to: Option<usize>, message: &DataMessage) {
        let sent = to.is_some_and(|key| self.participants[key].transport.send_data(now, message));
        if !sent {
            return self.counters.dropped.count(DropReason::Data);
        }
        if let Some(key) = to {
            self.send_datagrams(key);
            self.rearm(now, key);
        }
    }

    fn send_datagrams(&mut self, key: usize) {
        let transport = &mut self.participants[key].transport;
        let destination = transport.ice().selected();
        while let Some(payload) = transport.poll_datagram() {
            // Before the first check there is nowhere to send and nothing to say.
            if let Some(destination) = destination {
                self.transmits.push_back(Transmit { destination, payload });
            }
        }
    }

    fn rearm(&mut self, now: Instant, key: usize) {
        if let Some(participant) = self.participants.get_mut(key) {
            // What could not be done just now is tried again soon, never in a busy loop.
            let deadline = participant.deadline().max(now + TIMER_STEP);
            self.timers.arm(key, &mut participant.armed, deadline);
        }
    }

    fn remove(&mut self, key: usize, reason: LeaveReason) {
        for slot in 0..self.participants[key].slots.len() {
            self.unsubscribe(key, slot);
        }
        let mut participant = self.participants.remove(key);
        self.timers.disarm(key, &mut participant.armed);
        self.by_id.remove(&participant.id);
        self.by_ufrag.remove(&participant.transport.ice().local().ufrag);
        for address in participant.transport.ice().validated() {
            self.by_address.remove(address);
        }
        if let Some(linked) = participant.linked.and_then(|linked| self.participants.get_mut(linked)) {
            linked.linked = None;
        }
        for track in &participant.tracks {
            for (subscriber, slot) in &track.subscribers {
                self.participants[*subscriber].slots[*slot].clear();
            }
            for tap in &track.taps {
                self.taps.remove(tap);
                self.tap_outputs.push_back((*tap, TapOutput::Ended));
            }
        }
        tracing::debug!(participant = %participant.id, ?reason, "left");
        self.events.push_back(Event::Left { participant: participant.id, reason });
    }

    fn unsubscribe(&mut self, subscriber: usize, slot: usize) {
        if let Some((publisher, track)) = self.participants[subscriber].slots[slot].shows() {
            self.participants[publisher].tracks[track]
                .subscribers
                .retain(|place| *place != (subscriber, slot));
            self.participants[subscriber].slots[slot].clear();
        }
    }

    fn find(&self, who: ParticipantId) -> Result<usize, RouteError> {
        self.by_id.get(&who).copied().ok_or(RouteError::NoSuchParticipant(who))
    }

    fn find_track(&self, who: ParticipantId, source: Source) -> Result<(usize, usize), RouteError> {
        let key = self.find(who)?;
        let track = self.participants[key].track_of(source).ok_or(RouteError::NoSuchSource(who, source))?;
        Ok((key, track))
    }

    fn find_slot(&self, who: ParticipantId, mid: Mid, kind: Kind) -> Result<(usize, usize), RouteError> {
        let key = self.find(who)?;
        let slot = self.participants[key].slot_at(mid, kind).ok_or(RouteError::NoSuchSlot(who, mid))?;
        Ok((key, slot))
    }
}
