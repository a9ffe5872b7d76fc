//! Repair of a participant's two legs: how lossy they are, what the rule makes of it ([`crate::rtp::repair`]).

use std::time::{Duration, Instant};

use super::Node;
use super::counters::DropReason;
use super::egress::{Leaving, Sent};
use super::feedback::Reception;
use super::participant::{Participant, StreamOf};
use super::slot::Slot;
use super::track::Arrival;
use crate::bwe::Class;
use crate::ids::Ssrc;
use crate::rtp::extensions::PlayoutDelay;
use crate::rtp::loss::{LossMeter, Tally};
use crate::rtp::packet::{RtpHeader, RtpPacket};
use crate::rtp::red::Red;
use crate::rtp::repair::{End, Path, Repair, RepairRule, playout_delay};
use crate::rtp::resend::{Copies, ResendBudget};
use crate::rtp::rtcp::NackPair;

/// How often the rule looks.
const EVERY: Duration = Duration::from_secs(1);

/// Levels of redundancy there are.
pub(super) const RED_MAX: usize = 2;

/// Which earlier packets go along with each of sound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Redundancy {
    /// How many, 0 to [`RED_MAX`].
    pub(super) levels: u8,
    /// How many packets one of them is before the next; 1 are the last ones.
    pub(super) reach: u8,
}

impl Default for Redundancy {
    /// None.
    fn default() -> Self {
        Self { levels: 0, reach: 1 }
    }
}

/// What a participant's legs need.
pub(super) struct LegRepair {
    /// What was lost on the way to the participant, by its reports.
    downlink: LossMeter,
    /// The participant tells what became of each packet (TWCC), so its receiver reports say nothing new.
    outcomes: bool,
    /// What was lost on the way here.
    uplink: LossMeter,
    sending: RepairRule,
    receiving: RepairRule,
    /// What retransmissions may cost.
    pub(super) budget: ResendBudget,
    copies: Copies,
    next: Option<Instant>,
}

impl LegRepair {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            downlink: LossMeter::default(),
            outcomes: false,
            uplink: LossMeter::default(),
            sending: RepairRule::new(now, End::Sending),
            receiving: RepairRule::new(now, End::Receiving),
            budget: ResendBudget::default(),
            copies: Copies::default(),
            next: None,
        }
    }

    /// What became of a packet we sent, in the order of sending.
    pub(super) fn outcome(&mut self, now: Instant, lost: bool) {
        self.outcomes = true;
        self.downlink.outcome(now, lost);
    }

    /// The participant's count of one of our streams: what it should have got since the last report, and what of that
    /// was lost. It does not say in which runs.
    pub(super) fn on_report(&mut self, now: Instant, packets: u32, lost: u32) {
        if !self.outcomes {
            self.downlink.add(now, Tally { packets, lost, bursts: lost });
        }
    }

    /// Media flows: the rule has something to look at.
    pub(super) fn start(&mut self, now: Instant) {
        self.next.get_or_insert(now);
    }

    /// When [`Node::update_repair`] wants to be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.next, self.copies.deadline()].into_iter().flatten().min()
    }

    fn update(&mut self, now: Instant, rtt: Option<Duration>, capacity_bps: Option<u64>) -> (Repair, Repair) {
        let towards = Path { rtt, loss: self.downlink.loss(now), capacity_bps, audio_nack: false };
        let from = Path { rtt, loss: self.uplink.loss(now), capacity_bps: None, audio_nack: false };
        (self.sending.update(now, &towards), self.receiving.update(now, &from))
    }
}

/// What became of a retransmission.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Again {
    /// It is on its way, or waits for its turn.
    Sent,
    /// The budget is used up.
    TooMuch,
    /// The leg cannot take it.
    Dropped,
}

impl Node {
    /// Answers a NACK (RFC 4585 §6.2.1): each packet at most once a round trip, and again in a moment where a round is
    /// long.
    pub(super) fn retransmit(&mut self, now: Instant, key: usize, ssrc: Ssrc, missing: NackPair) {
        let participant = &self.participants[key];
        let Some(slot) = participant.slots.iter().position(|slot| slot.ssrcs().media == ssrc) else { return };
        let (rtt, twice) = (participant.rtt, participant.repair.sending.current().copies > 1);
        for sequence in missing.sequences() {
            let participant = &mut self.participants[key];
            if participant.slots[slot].resent.claim(now, sequence, rtt)
                && self.resend(now, key, slot, sequence)
                && twice
            {
                self.participants[key].repair.copies.push(now, slot, sequence, rtt);
            }
        }
    }

    /// Sends a packet of a slot again, if it is still kept and may be sent.
    fn resend(&mut self, now: Instant, key: usize, slot: usize, sequence: u16) -> bool {
        let Some(wanted) = self.participants[key].slots[slot].source_of(sequence) else {
            // From before a switch.
            let slots = &mut self.participants[key].slots;
            let written = slots[slot].retransmit_parted(sequence, self.outbox.begin());
            return written.is_some() && self.send_again(now, key, slot) == Again::Sent;
        };
        let feed = &self.feeds[wanted.feed];
        let Some(packet) = feed.cached(now, wanted.encoding, wanted.sequence) else {
            // Nobody can repair this any more. A browser notices only after three seconds without a picture.
            if feed.is_gone(now, wanted.encoding, wanted.sequence) {
                self.want_keyframe(now, wanted.feed, wanted.encoding);
            }
            return false;
        };
        let slots = &mut self.participants[key].slots;
        if slots[slot].retransmission(now, feed, &packet, self.outbox.begin()).is_none() {
            // Without RTX nothing repairs a picture but a new one.
            if slots[slot].recall(&packet).is_some() {
                self.want_keyframe(now, wanted.feed, wanted.encoding);
            }
            return false;
        }
        let again = self.send_again(now, key, slot);
        if again == Again::TooMuch {
            // So much is missing that a new picture is cheaper, and sooner there.
            self.want_keyframe(now, wanted.feed, wanted.encoding);
        }
        again == Again::Sent
    }

    /// Sends the retransmission that was begun in the outbox, if the budget has it.
    fn send_again(&mut self, now: Instant, key: usize, slot: usize) -> Again {
        let Participant { transport, slots, stats, repair, egress, .. } = &mut self.participants[key];
        let bytes = self.outbox.buffer().len() - self.outbox.start();
        if !repair.budget.spend(bytes) {
            self.outbox.abandon();
            self.counters.dropped.count(DropReason::ResendBudget);
            return Again::TooMuch;
        }
        let stamps = slots[slot].stamps();
        let leaving = Leaving { slot, class: Some(Class::Retransmission), keyframe: false, stamps };
        if egress.send(now, leaving, transport, &mut self.outbox) == Sent::Dropped {
            return Again::Dropped;
        }
        stats.octets_sent += bytes as u64;
        stats.retransmitted += 1;
        stats.packets_sent += 1;
        self.counters.retransmitted += 1;
        Again::Sent
    }

    /// Lets the rule look at a participant's legs, if it is time, and sends second copies that are due.
    pub(super) fn update_repair(&mut self, now: Instant, key: usize) {
        while let Some((slot, sequence)) = self.participants[key].repair.copies.pop(now) {
            self.resend(now, key, slot, sequence);
        }
        let Participant { repair, tracks, slots, rtt, egress, twcc, .. } = &mut self.participants[key];
        if repair.next.is_none_or(|next| next > now) {
            return;
        }
        for track in tracks.iter_mut() {
            repair.uplink.add(now, track.take_tally());
        }
        let capacity = egress.estimate_bps();
        twcc.set_capacity(capacity);
        let (sending, receiving) = repair.update(now, *rtt, capacity);
        for track in tracks.iter() {
            self.feeds[track.feed].repair_time = receiving.time;
        }
        // Sound is held where there are pictures to hold.
        let pictures = slots.iter().any(Slot::is_wanted);
        let red = Redundancy { levels: sending.red, reach: if pictures { sending.reach } else { 1 } };
        for slot in slots.iter_mut() {
            let upstream = slot.shows().map_or(Duration::ZERO, |feed| self.feeds[feed].repair_time);
            slot.set_repair(now, red, playout_delay(upstream, sending.time));
        }
        let busy = repair.uplink.packets() > 0 || slots.iter().any(|slot| slot.shows().is_some());
        repair.next = busy.then_some(now + EVERY);
    }

    /// A report of a participant about one of our streams.
    pub(super) fn on_reception(&mut self, now: Instant, key: usize, ssrc: Ssrc, reception: &Reception) {
        let participant = &mut self.participants[key];
        let Some(slot) = participant.slots.iter_mut().find(|slot| slot.ssrcs().media == ssrc) else { return };
        if let Some(rtt) = slot.reports.round_trip(now, reception.last_sr, reception.delay) {
            participant.rtt = Some(rtt);
        }
        let packets = slot.reports.reported(reception.highest);
        let lost = (u64::from(packets) * u64::from(reception.fraction_lost) / 256) as u32;
        participant.repair.on_report(now, packets, lost);
        participant.egress.on_loss_report(now, packets, lost);
        participant.quality.on_reception(packets, lost);
    }

    /// Takes a RED packet apart: what is still missing of the earlier packets enters the feed first, then the packet
    /// itself, all of them plain. Nothing behind this point knows of RED.
    pub(super) fn receive_red(
        &mut self,
        now: Instant,
        key: usize,
        stream: StreamOf,
        packet: &RtpPacket<'_>,
        plain: &mut Vec<u8>,
    ) {
        let Ok(red) = Red::parse(packet.payload()) else {
            return self.counters.dropped.count(DropReason::Malformed);
        };
        let line = self.participants[key].tracks[stream.track].line();
        let inside = red.primary.payload_type;
        if !line
            .codecs
            .iter()
            .any(|codec| codec.pt == inside && codec.red_pt() == Some(packet.payload_type()))
        {
            return self.counters.dropped.count(DropReason::UnknownPayload);
        }
        let header = RtpHeader { payload_type: inside, ..packet.header() };
        for (distance, block) in red.earlier() {
            let track = &mut self.participants[key].tracks[stream.track];
            let number = header.sequence.wrapping_sub(distance as u16);
            let Some(sequence) = track.recover(now, stream.encoding, header.ssrc, number) else { continue };
            let header = RtpHeader {
                marker: false,
                sequence: number,
                timestamp: header.timestamp.wrapping_sub(block.offset),
                ..header
            };
            plain.clear();
            header.write_packet(&[], block.payload, plain);
            self.counters.red_recovered += 1;
            self.let_in(now, key, stream, sequence, plain, false);
        }
        let track = &mut self.participants[key].tracks[stream.track];
        if let Arrival::Media { sequence, restarted } = track.receive(now, stream.encoding, packet)
            && !red.primary.payload.is_empty()
        {
            plain.clear();
            packet.write_as(&header, red.primary.payload, plain);
            self.let_in(now, key, stream, sequence, plain, restarted);
        }
    }
}

/// What one slot tells its viewer about holding pictures.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Playout {
    min: Duration,
    /// That there is no minimum any more is said for a while, then nothing.
    said_until: Option<Instant>,
}

impl Playout {
    /// How long "no minimum" is repeated, so that losses do not hide it.
    const REPEAT: Duration = Duration::from_secs(5);
    /// It grows by so much from one look to the next: grown at once by more, it would be a stop of the picture by itself.
    const STEP: Duration = Duration::from_millis(100);

    pub(super) fn set(&mut self, now: Instant, min: Duration) {
        if min.is_zero() && !self.min.is_zero() {
            self.said_until = Some(now + Self::REPEAT);
        }
        self.min = min.min(self.min + Self::STEP);
    }

    /// What a packet says. The viewer keeps what it was told last, and any packet may be lost, so all say it. `wished`
    /// is what the publisher asks for.
    pub(super) fn said(&self, now: Instant, wished: Option<PlayoutDelay>) -> Option<PlayoutDelay> {
        let ending = self.said_until.is_some_and(|until| now < until);
        match wished {
            Some(wished) => {
                let min = wished.min.max(self.min);
                Some(PlayoutDelay { min, max: wished.max.max(min) })
            }
            None if !self.min.is_zero() || ending => Some(PlayoutDelay::at_least(self.min)),
            None => None,
        }
    }
}
