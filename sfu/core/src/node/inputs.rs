//! What the network brings: from a datagram to the routes its media takes.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::counters::DropReason;
use super::egress::{Leaving, Sent};
use super::feed::{Origin, Place};
use super::feedback::{self, Incoming};
use super::limits::DATAGRAM_BYTES_MAX;
use super::participant::{Participant, REPORT_EVERY};
use super::track::{Arrival, MediaPacket, Track};
use super::types::Event;
use super::{Node, TapOutput};
use crate::bwe::inflow::Verdict;
use crate::bwe::{Class, messages};
use crate::ids::Ssrc;
use crate::layers::reader::LayerInfo;
use crate::media::{Kind, Source};
use crate::path::Path;
use crate::rtp::extensions::{AudioLevel, HeaderExtension, read_abs_send_time, read_transport_cc};
use crate::rtp::packet::{DatagramKind, RtpPacket};
use crate::rtp::rtcp;
use crate::tap::{SenderReport, TapEvent, TapPacket};
use crate::transport::ice::Check;

/// Format of transport-wide feedback among transport feedback.
const TWCC: u8 = 15;
/// Without a check for this long a path is anybody's; browsers send one every 2.5 s.
const PATH_KEPT: Duration = Duration::from_secs(10);
/// Packets that the transport feedback of one datagram may report on: more are as many lies.
const STATUSES_MAX: u32 = 4096;
/// Packets behind a late keyframe that are caught up on: more than arrive in the round trip its repair takes.
const CATCH_UP_MAX: u64 = 256;

impl Node {
    /// Takes one datagram, or one frame of a TCP connection. Media is decrypted in it, so its bytes are of no use
    /// afterwards.
    pub fn handle_datagram(&mut self, now: Instant, source: impl Into<Path>, datagram: &mut [u8]) {
        self.take_datagram(now, source.into(), datagram);
    }

    fn take_datagram(&mut self, now: Instant, source: Path, datagram: &mut [u8]) {
        let kind = DatagramKind::of(datagram);
        if kind == DatagramKind::Stun {
            return self.handle_stun(now, source, datagram);
        }
        if kind == DatagramKind::Other {
            return self.counters.dropped.count(DropReason::NotOurs);
        }
        let Some(key) = self.by_path.get(&source).copied() else {
            return self.counters.dropped.count(DropReason::Unvalidated);
        };
        if datagram.len() > DATAGRAM_BYTES_MAX {
            return self.counters.dropped.count(DropReason::Oversized);
        }
        let limiter = &mut self.participants[key].limiter;
        let admitted =
            if kind == DatagramKind::Dtls { limiter.admits_record(now) } else { limiter.has_room(now) };
        if !admitted {
            return self.counters.dropped.count(DropReason::RateLimited);
        }
        match kind {
            DatagramKind::Dtls => self.participants[key].transport.handle_dtls(now, datagram),
            DatagramKind::Rtp => self.handle_rtp(now, key, datagram),
            DatagramKind::Rtcp => self.handle_rtcp(now, key, datagram),
            DatagramKind::Stun | DatagramKind::Other => {}
        }
        self.settle(now, key);
    }

    /// A TCP connection is over.
    pub fn path_closed(&mut self, now: Instant, path: Path) {
        if let Some(key) = self.by_path.remove(&path) {
            self.participants[key].transport.forget(path);
            self.settle(now, key);
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(key) = self.timers.pop_due(now) {
            let Some(participant) = self.participants.get_mut(key) else { continue };
            participant.transport.handle_timeout(now);
            if participant.transport.has_ended() {
                self.drain(now, key);
                continue;
            }
            if participant.speaker.on_timeout(now) {
                let event = participant.speaker.news(participant.id);
                self.events.push_back(event);
            }
            self.give_feedback(now, key);
            self.settle(now, key);
        }
    }

    fn handle_stun(&mut self, now: Instant, source: Path, datagram: &[u8]) {
        let Ok(check) = Check::parse(datagram) else {
            return self.counters.dropped.count(DropReason::Stun);
        };
        let Some(key) = self.by_ufrag.get(check.local_ufrag()).copied() else {
            return self.counters.dropped.count(DropReason::Stun);
        };
        let before = self.participants[key].transport.ice().selected();
        match self.participants[key].transport.handle_check(now, source, check) {
            Ok(accepted) => {
                let participant = &mut self.participants[key];
                if before.is_some() && participant.transport.ice().selected() != before {
                    participant.egress.on_new_path(now);
                }
                if let Some(old) = accepted.evicted {
                    self.disown_path(old, key);
                }
                self.own_path(now, source, key);
                self.outbox.push(source, &accepted.response);
            }
            Err(reason) => {
                tracing::trace!(?reason, %source, "connectivity check refused");
                self.counters.dropped.count(DropReason::Stun);
            }
        }
        self.settle(now, key);
    }

    /// What comes by a path is somebody's from their first check on. A NAT may give the port of a dead transport to a living one;
    /// from a transport that is alive nobody takes it, for whoever may join can write any address into a check.
    fn own_path(&mut self, now: Instant, path: Path, key: usize) {
        let owner = self.by_path.get(&path).copied().filter(|owner| *owner != key);
        let Some(owner) = owner else {
            self.by_path.insert(path, key);
            return;
        };
        let transport = &mut self.participants[owner].transport;
        if transport.ice().heard(path).is_none_or(|heard| now >= heard + PATH_KEPT) {
            transport.forget(path);
            self.by_path.insert(path, key);
        }
    }

    /// A path is no longer somebody's, if it ever was.
    pub(super) fn disown_path(&mut self, path: Path, key: usize) {
        if self.by_path.get(&path) == Some(&key) {
            self.by_path.remove(&path);
        }
    }

    fn handle_rtp(&mut self, now: Instant, key: usize, datagram: &mut [u8]) {
        let participant = &mut self.participants[key];
        let opened = match participant.transport.open_rtp(datagram) {
            Ok(length) => &datagram[..length],
            Err(error) => return self.counters.dropped.count(error.into()),
        };
        participant.limiter.count_packet(now);
        let Ok(packet) = RtpPacket::parse(opened) else {
            return self.counters.dropped.count(DropReason::Malformed);
        };
        let Some(stream) = participant.stream(packet.ssrc()).or_else(|| participant.learn(&packet)) else {
            return self.counters.dropped.count(DropReason::UnknownSsrc);
        };
        self.counters.received += 1;
        participant.stats.packets_received += 1;
        participant.stats.octets_received += datagram.len() as u64;
        if !participant.limiter.admits_bytes(now, datagram.len()) {
            return self.counters.dropped.count(DropReason::RateLimited);
        }
        let extensions = participant.tracks[stream.track].extensions();
        let sent = extensions.id(HeaderExtension::AbsSendTime).and_then(|id| packet.extension(id));
        if let Some(sent) = sent.and_then(read_abs_send_time) {
            let verdict = participant.upstream.on_packet(now, sent, packet.bytes().len());
            if verdict != Verdict::Fine {
                self.on_uplink(now, key, verdict);
            }
        }
        let participant = &mut self.participants[key];
        let track = &mut participant.tracks[stream.track];
        if let Some(number) = track
            .extensions()
            .id(HeaderExtension::TransportCc)
            .and_then(|id| packet.extension(id))
            .and_then(read_transport_cc)
        {
            participant.twcc.on_packet(number, now);
        }
        let level = audio_level(track, &packet).filter(|_| !stream.rtx && track.is_publishing());
        if level.is_some_and(|level| participant.speaker.on_level(now, level)) {
            let event = participant.speaker.news(participant.id);
            self.events.push_back(event);
        }
        let mut rebuilt = std::mem::take(&mut self.rebuilt);
        participant.repair.start(now);
        if !stream.rtx && track.line().is_red(packet.payload_type()) {
            participant.next_report.get_or_insert(now + REPORT_EVERY);
            self.receive_red(now, key, stream, &packet, &mut rebuilt);
            self.rebuilt = rebuilt;
            return;
        }
        let (arrival, bytes) = if stream.rtx {
            let arrival = track.receive_rtx(now, stream.encoding, &packet, &mut rebuilt);
            (arrival, &rebuilt[..])
        } else {
            (track.receive(now, stream.encoding, &packet), opened)
        };
        match arrival {
            Arrival::Media { sequence, restarted } => {
                participant.next_report.get_or_insert(now + REPORT_EVERY);
                self.let_in(now, key, stream, sequence, bytes, restarted);
            }
            Arrival::Nothing => {}
            Arrival::UnknownPayload => self.counters.dropped.count(DropReason::UnknownPayload),
        }
        self.rebuilt = rebuilt;
    }

    /// Media enters a feed here, wherever it was received: it is kept, and carried to everybody who is shown or taps
    /// the feed. `bytes` is a whole RTP packet in publisher form; `sequence` its extended number; `restarted` says that
    /// numbers and timestamps have nothing to do with what came before in this encoding.
    pub(super) fn publish(
        &mut self,
        now: Instant,
        key: usize,
        encoding: u8,
        sequence: u64,
        bytes: &[u8],
        restarted: bool,
    ) {
        let feed = &mut self.feeds[key];
        // Not by `and_then`: what is known of a packet is large, and this way it is not moved.
        let Ok(parsed) = RtpPacket::parse(bytes) else {
            return self.counters.dropped.count(DropReason::Malformed);
        };
        let Some(packet) = feed.take_in(now, encoding, sequence, &parsed, restarted) else {
            return self.counters.dropped.count(DropReason::Malformed);
        };
        let (local, sent) = (matches!(feed.origin, Origin::Local { .. }), feed.sent(now));
        let alone = sent & !(1 << encoding) == 0;
        if restarted && local && alone {
            let (participant, source) = (feed.who, feed.source);
            self.events.push_back(Event::TrackStarted { participant, source, codec: packet.codec });
        }
        if packet.reading.keyframe {
            match feed.origin {
                Origin::Local { participant, track } => {
                    self.participants[participant].tracks[track].on_keyframe(encoding);
                }
                Origin::Remote { .. } => self.feeds[key].on_keyframe(encoding),
            }
        }
        // What a worker that does not keep up misses, it can only do without from the next keyframe on.
        let mut keyframe_needed =
            local && !self.mirror_packet(key, encoding, sent, sequence, bytes, restarted);
        // Packets behind a late keyframe came before it and could not be used; they can now.
        let late = packet.reading.keyframe && sequence < self.feeds[key].highest(encoding);
        for index in 0..self.feeds[key].subscribers.len() {
            let place = self.feeds[key].subscribers[index];
            let slot = &mut self.participants[place.participant].slots[place.slot];
            if restarted && slot.encoding() == Some(encoding) {
                slot.restart();
            }
            let begins = self.forward(now, key, place, sent, &packet);
            if late && (begins || packet.reading.descriptor.is_some()) {
                self.catch_up(now, key, place, sent, encoding, sequence);
            }
            let Participant { slots, egress, .. } = &self.participants[place.participant];
            keyframe_needed |= !egress.is_refusing(place.slot)
                && slots[place.slot].awaited(&self.feeds[key], sent) == Some(encoding);
        }
        keyframe_needed |= self.tap(now, key, &packet, restarted, sent);
        if packet.reading.keyframe && packet.codec.kind() == Kind::Video {
            // Sizes may be others than before.
            self.review_layers(now, key);
        }
        if keyframe_needed {
            self.want_keyframe(now, key, encoding);
        }
    }

    /// Sends a packet to a slot that shows its feed, if the slot has use for it. True if it is the first of its encoding.
    fn forward(
        &mut self,
        now: Instant,
        key: usize,
        place: Place,
        sent: u8,
        packet: &MediaPacket<'_>,
    ) -> bool {
        let Participant { transport, slots, egress, .. } = &mut self.participants[place.participant];
        if !transport.can_send() {
            return false;
        }
        let slot = &mut slots[place.slot];
        let feed = &self.feeds[key];
        let class = (slot.kind() == Kind::Video).then_some(Class::Video);
        let concerned =
            slot.encoding() == Some(packet.encoding) || slot.wanted(feed, sent) == Some(packet.encoding);
        let (bytes, keyframe) = (packet.payload.len(), packet.reading.keyframe);
        if class.is_some() && concerned && egress.refuses(now, place.slot, bytes, keyframe) {
            self.counters.dropped.count(DropReason::Congested);
            return false;
        }
        let begins = match slot.forward(now, feed, sent, packet, self.outbox.begin()) {
            Ok(begins) => begins,
            Err(reason) => {
                self.outbox.abandon();
                self.counters.dropped.count(reason);
                return false;
            }
        };
        let bytes = self.outbox.buffer().len() - self.outbox.start();
        let stamps = slot.stamps();
        let leaving = Leaving { slot: place.slot, class, keyframe, stamps };
        match egress.send(now, leaving, transport, &mut self.outbox) {
            Sent::Left => {}
            Sent::Waits => self.rearm(now, place.participant),
            Sent::Dropped => {
                slot.restart();
                self.counters.dropped.count(DropReason::Congested);
                return false;
            }
        }
        let Participant { stats, repair, .. } = &mut self.participants[place.participant];
        repair.budget.earn(bytes);
        stats.packets_sent += 1;
        stats.octets_sent += bytes as u64;
        self.counters.forwarded += 1;
        begins
    }

    /// Sends a slot the packets that came before the keyframe they need, though they follow it. A keyframe whose first
    /// packet was lost would otherwise have to be asked for again.
    fn catch_up(&mut self, now: Instant, key: usize, place: Place, sent: u8, encoding: u8, after: u64) {
        let highest = self.feeds[key].highest(encoding);
        for sequence in after + 1..=highest.min(after + CATCH_UP_MAX) {
            // The cache is the feed's own; the packet is read from a copy so that the feed may change meanwhile.
            let mut copy = std::mem::take(&mut self.copied);
            copy.clear();
            if let Some(bytes) = self.feeds[key].cached_bytes(now, encoding, sequence) {
                copy.extend_from_slice(bytes);
            }
            let packet = RtpPacket::parse(&copy).ok();
            let packet = packet.and_then(|packet| self.feeds[key].understand(encoding, sequence, &packet));
            if let Some(packet) = packet {
                let slot = &self.participants[place.participant].slots[place.slot];
                let plain = packet.reading.layers == LayerInfo::Plain;
                if plain || slot.recall(&packet).is_none() {
                    self.forward(now, key, place, sent, &packet);
                }
            }
            self.copied = copy;
        }
    }

    /// Hands a packet to the feed's taps, which keep it: the one copy of a payload that leaves the packet path. True if
    /// they wait for a keyframe of its encoding.
    fn tap(&mut self, now: Instant, key: usize, packet: &MediaPacket<'_>, restarted: bool, sent: u8) -> bool {
        if self.feeds[key].taps.is_empty() {
            return false;
        }
        let mut state = std::mem::take(&mut self.feeds[key].tapped);
        let before = state.current();
        let numbers = state.pass(now, &self.feeds[key], packet, restarted, sent);
        let feed = &mut self.feeds[key];
        let wanted = feed.encodings() > 1 && state.wants_keyframe(sent) == Some(packet.encoding);
        feed.tapped = state;
        let Some(numbers) = numbers else { return wanted };
        let feed = &self.feeds[key];
        let tapped = TapPacket {
            arrival: self.config.epoch.at(now),
            codec: packet.codec,
            sequence: numbers.sequence,
            timestamp: numbers.timestamp,
            marker: packet.marker,
            rotation: packet.passed.orientation.map(|orientation| orientation.rotation),
            payload: Bytes::copy_from_slice(packet.payload),
        };
        for tap in &feed.taps {
            if numbers.restarted {
                self.tap_outputs.push_back((*tap, TapOutput::Event(TapEvent::Restart)));
            }
            self.counters.tapped += 1;
            self.tap_outputs.push_back((*tap, TapOutput::Event(TapEvent::Packet(tapped.clone()))));
        }
        // The clock of another encoding is said at once: the next report may be seconds away.
        if feed.encodings() > 1
            && before != Some(packet.encoding)
            && let Some(report) = feed.tapped_report(packet.encoding)
        {
            for tap in &feed.taps {
                self.tap_outputs.push_back((*tap, TapOutput::Event(TapEvent::SenderReport(report))));
            }
        }
        wanted
    }

    fn handle_rtcp(&mut self, now: Instant, key: usize, datagram: &mut [u8]) {
        let participant = &mut self.participants[key];
        let compound = match participant.transport.open_rtcp(datagram) {
            Ok(length) => &datagram[..length],
            Err(error) => return self.counters.dropped.count(error.into()),
        };
        participant.limiter.count_packet(now);
        if !participant.limiter.admits_bytes(now, datagram.len()) {
            return self.counters.dropped.count(DropReason::RateLimited);
        }
        // One datagram must not cost more than what an honest one is about.
        let mut statuses = STATUSES_MAX;
        for packet in rtcp::packets(compound) {
            if packet.is_transport_feedback(TWCC) {
                self.on_twcc(now, key, packet.bytes(), &mut statuses);
            } else if let Some(most) = messages::read_remb(packet.bytes()) {
                self.participants[key].egress.on_remb(now, most);
            } else {
                self.on_extended_report(now, key, packet.bytes());
            }
        }
        for incoming in feedback::parse(compound) {
            match incoming {
                Incoming::SenderReport { ssrc, ntp, rtp_timestamp } => {
                    self.on_sender_report(now, key, ssrc, ntp, rtp_timestamp);
                }
                Incoming::ReceptionReport { ssrc, reception } => {
                    self.on_reception(now, key, ssrc, &reception);
                }
                Incoming::Nack { ssrc, missing } => self.retransmit(now, key, ssrc, missing),
                Incoming::KeyframeRequest { ssrc } => {
                    let shown = self.participants[key].slots.iter().find(|slot| slot.ssrcs().media == ssrc);
                    if let Some((feed, encoding)) =
                        shown.and_then(|slot| Some((slot.shows()?, slot.encoding()?)))
                    {
                        self.want_keyframe(now, feed, encoding);
                    }
                }
            }
        }
    }

    fn on_sender_report(&mut self, now: Instant, key: usize, ssrc: Ssrc, ntp: u64, rtp_timestamp: u32) {
        let participant = &mut self.participants[key];
        let Some(stream) = participant.stream(ssrc).filter(|stream| !stream.rtx) else { return };
        let track = &mut participant.tracks[stream.track];
        let report = SenderReport { arrival: self.config.epoch.at(now), ntp, rtp_timestamp };
        let feed = track.feed;
        if let Some(encoding) = track.on_sender_report(now, ssrc, report) {
            self.publish_report(now, feed, encoding, report);
        }
    }

    /// A sender report enters a feed here, wherever it was received.
    pub(super) fn publish_report(&mut self, now: Instant, key: usize, encoding: u8, report: SenderReport) {
        let feed = &mut self.feeds[key];
        feed.on_sender_report(encoding, report);
        self.mirror_report(key, encoding, report);
        let feed = &self.feeds[key];
        if let Some(report) = feed.tapped.report(feed.encodings(), encoding, report) {
            for tap in &feed.taps {
                self.tap_outputs.push_back((*tap, TapOutput::Event(TapEvent::SenderReport(report))));
            }
        }
        for index in 0..self.feeds[key].subscribers.len() {
            let place = self.feeds[key].subscribers[index];
            let participant = &mut self.participants[place.participant];
            let slot = &mut participant.slots[place.slot];
            if slot.encoding() == Some(encoding)
                && let Some(sent) = slot.sender_report(now, report.ntp, report.rtp_timestamp)
            {
                rtcp::write_sender_report(&sent, self.outbox.begin());
                participant.transport.send_rtcp(&mut self.outbox);
            }
        }
    }
}

/// How loud a microphone's packet is, if its line says so.
fn audio_level(track: &Track, packet: &RtpPacket<'_>) -> Option<AudioLevel> {
    let id = track.extensions().id(HeaderExtension::AudioLevel)?;
    packet.extension(id).and_then(AudioLevel::read).filter(|_| track.source() == Source::Microphone)
}
