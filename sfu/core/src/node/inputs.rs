//! What the network brings: from a datagram to the routes its media takes.

use std::net::SocketAddr;
use std::time::Instant;

use bytes::{Bytes, BytesMut};

use super::counters::DropReason;
use super::feedback::{self, Incoming};
use super::participant::{Participant, REPORT_EVERY};
use super::track::Arrival;
use super::types::Event;
use super::{Node, TapOutput, Transmit};
use crate::ids::Ssrc;
use crate::rtp::extensions::{HeaderExtension, read_mid, read_transport_cc};
use crate::rtp::packet::{DatagramKind, RtpPacket};
use crate::tap::{SenderReport, TapEvent, TapPacket};
use crate::transport::ice::Check;

impl Node {
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
        let participant = &mut self.participants[key];
        if !ssrc_at(datagram, 4).is_some_and(|sender| participant.may_hear_reports_of(sender)) {
            return self.counters.dropped.count(DropReason::UnknownSsrc);
        }
        let Some(compound) = participant.transport.open_rtcp(datagram) else {
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
        let report = SenderReport { arrival: self.config.epoch.at(now), ntp, rtp_timestamp };
        if !track.on_sender_report(now, ssrc, report) {
            return;
        }
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
}

/// The SSRC in an RTP (at byte 8) or RTCP (at byte 4) header, which is never encrypted.
fn ssrc_at(datagram: &[u8], place: usize) -> Option<Ssrc> {
    datagram.get(place..)?.first_chunk().map(|bytes| Ssrc(u32::from_be_bytes(*bytes)))
}
