//! The sending side of a participant's leg: every media packet towards it goes through [`Egress::send`], which numbers it,
//! tells the estimator, and lets it wait where the leg is full. What the participant reports comes back here, and
//! moves the slots' targets and the publishers' caps.
//!
//! The arithmetic is in [`crate::bwe`]; this ties it to slots, feeds and the transport.

mod division;

use std::time::{Duration, Instant};

use super::counters::DropReason;
use super::participant::Participant;
use super::slot::Slot;
use super::{Counters, Node};
use crate::bwe::estimator::{Doubt, EstimatorStats};
use crate::bwe::throughput::Throughput;
use crate::bwe::{Allocation, Allocator, Bitrate, Class, Estimator, Pacer, Rung, Twcc};
use crate::layers::Step;
use crate::media::Kind;
use crate::transport::Transport;
use crate::transport::outbox::Outbox;

/// What the network adds to a packet: IPv4, UDP and the SRTP tag.
const OVERHEAD: usize = 28 + 16;
/// A padding packet: the count of padding is one byte (RFC 3550 §5.1).
const PADDING: u8 = 240;
/// Padding packets sent in one go; a probe of 10 Mbit/s needs five a millisecond.
const PADDING_BURST: usize = 24;
/// What waits for longer than this at the leg's rate is thrown away; a keyframe tells the rest of the story.
const WAIT_MAX: Duration = Duration::from_millis(500);
/// But not before something has waited for so long: at the start the estimate doubles from report to report.
const WAITED: Duration = Duration::from_millis(400);
/// A keyframe is given this long: to throw it away half-way would only make the next one necessary.
const WAIT_KEYFRAME: Duration = Duration::from_millis(2500);
/// A slot that was sent far more than its share is closed no longer than this, and no more often.
const FLOOD_EVERY: Duration = Duration::from_millis(1500);
/// From asking a publisher for a keyframe to having it: a round trip and a frame or two.
const KEYFRAME_TAKES: Duration = Duration::from_millis(120);
/// Where the first header extension stands in what we write: behind the fixed header (without CSRCs) and the extension's own.
/// Slots write these two first, so that they are found without reading the packet.
const STAMPS_BEGIN: usize = 16;

/// Header extensions whose value is known only when the packet leaves; 0 where not negotiated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Stamps {
    pub(super) transport_cc: u8,
    pub(super) abs_send_time: u8,
}

/// A packet that waits: which buffer it is in.
#[derive(Clone, Copy, Debug)]
struct Parked {
    slot: u8,
    buffer: u16,
    /// It is part of a keyframe.
    keyframe: bool,
    stamps: Stamps,
}

/// What became of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sent {
    /// It is in the outbox.
    Left,
    /// It leaves later.
    Waits,
    /// The leg cannot take it. The slot's stream is broken and needs a keyframe.
    Dropped,
}

/// What a packet that is to leave is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaving {
    /// Index of its slot.
    pub(super) slot: usize,
    /// Audio has none: it never waits.
    pub(super) class: Option<Class>,
    /// A keyframe begins with it.
    pub(super) keyframe: bool,
    /// What is to be written into it.
    pub(super) stamps: Stamps,
}

/// What one video slot does and gets.
#[derive(Clone, Debug, Default)]
struct SlotState {
    /// What its source sends.
    offered: Throughput,
    /// What of that is meant for the viewer, keyframes not counted.
    forwarded: Throughput,
    /// RTP time of the last keyframe.
    keyframe: Option<[u8; 4]>,
    /// Not forwarded until then.
    flooded_until: Option<Instant>,
    last_flood: Option<Instant>,
    /// Since when it shows what it shows.
    since: Option<Instant>,
    paused: bool,
    allocation: Allocation,
}

/// See the module.
pub(super) struct Egress {
    estimator: Estimator,
    pacer: Pacer<Parked>,
    buffers: Vec<Vec<u8>>,
    free: Vec<u16>,
    allocator: Allocator,
    slots: Vec<SlotState>,
    ladder: Vec<Rung>,
    /// What there is to choose from, while the ladder is made of it.
    steps: Vec<Step>,
    audio: Throughput,
    /// Some receive line carries transport-wide numbers.
    numbered: bool,
    reviewed: Option<Instant>,
    /// What the leg was divided in, if in any.
    doubt: Option<Doubt>,
    pub(super) reviewed_estimate: Bitrate,
}

impl Egress {
    /// For a leg with these slots.
    pub(super) fn new(now: Instant, slots: &[Slot]) -> Self {
        let estimator = Estimator::new(now);
        Self {
            pacer: Pacer::new(estimator.pacing(now)),
            estimator,
            buffers: Vec::new(),
            free: Vec::new(),
            allocator: Allocator::default(),
            slots: vec![SlotState::default(); slots.len()],
            ladder: Vec::new(),
            steps: Vec::new(),
            audio: Throughput::default(),
            numbered: slots.iter().any(|slot| slot.stamps().transport_cc != 0),
            reviewed: None,
            doubt: None,
            reviewed_estimate: Bitrate::ZERO,
        }
    }

    /// Takes note of a video packet for a slot, before anything else happens to it. True when the slot gets none now.
    pub(super) fn refuses(&mut self, now: Instant, slot: usize, bytes: usize, keyframe: bool) -> bool {
        let now_us = self.estimator.micros(now);
        let Some(state) = self.slots.get_mut(slot) else { return false };
        state.since.get_or_insert(now);
        state.offered.on_packet(now_us as i64, (bytes + OVERHEAD) as u16);
        if let Some(until) = state.flooded_until {
            // What comes while the link's queue drains would only wait; then a keyframe begins anew.
            let room = self.estimator.has_room_within(KEYFRAME_TAKES);
            // A keyframe is what was waited for.
            let over = (room && keyframe) || (now >= until && (room || now >= until + FLOOD_EVERY));
            state.flooded_until = Some(until).filter(|_| !over);
        }
        state.paused || state.flooded_until.is_some()
    }

    /// Whether a slot gets nothing now, so that a keyframe for it would be sent in vain.
    pub(super) fn is_refusing(&self, slot: usize) -> bool {
        self.slots.get(slot).is_some_and(|state| state.paused || state.flooded_until.is_some())
    }

    /// Sends the plain RTP packet that was begun in the outbox, or keeps it for later.
    pub(super) fn send(
        &mut self,
        now: Instant,
        leaving: Leaving,
        transport: &mut Transport,
        outbox: &mut Outbox,
    ) -> Sent {
        let Leaving { slot, class, keyframe, stamps } = leaving;
        let wire = outbox.buffer().len() - outbox.start() + OVERHEAD;
        let now_us = self.estimator.micros(now);
        let Some(class) = class else {
            self.audio.on_packet(now_us as i64, wire as u16);
            return self.leave(now_us, stamps, transport, outbox);
        };
        let mut of_keyframe = false;
        if class == Class::Video
            && let Some(state) = self.slots.get_mut(slot)
        {
            let picture = rtp_time(outbox);
            if keyframe {
                state.keyframe = picture;
            }
            of_keyframe = picture.is_some() && state.keyframe == picture;
            if !of_keyframe {
                state.forwarded.on_packet(now_us as i64, wire as u16);
            }
        }
        if !self.estimator.is_informed() || (self.pacer.is_free(now_us, class) && self.estimator.has_room()) {
            return self.leave(now_us, stamps, transport, outbox);
        }
        let buffer = self.keep(outbox);
        outbox.abandon();
        let parked = buffer.map(|buffer| Parked { slot: slot as u8, buffer, keyframe: of_keyframe, stamps });
        match parked.filter(|parked| self.pacer.push(now_us, class, *parked, wire as u16)) {
            Some(_) => Sent::Waits,
            None => {
                self.free.extend(buffer);
                Sent::Dropped
            }
        }
    }

    /// Stamps, seals and commits what was begun in the outbox.
    fn leave(&mut self, now_us: u64, stamps: Stamps, transport: &mut Transport, outbox: &mut Outbox) -> Sent {
        let start = outbox.start();
        let wire = outbox.buffer().len() - start + OVERHEAD;
        self.pacer.on_sent(now_us, wire as u16);
        let packet = &mut outbox.buffer()[start..];
        let mut place = STAMPS_BEGIN;
        match find_stamp(packet, place, stamps.transport_cc, 2) {
            Some(value) => {
                let number = self.estimator.on_sent(now_us, wire);
                packet[value..value + 2].copy_from_slice(&number.to_be_bytes());
                place = value + 2;
            }
            None => self.estimator.on_sent_unnumbered(now_us, wire),
        }
        if let Some(value) = find_stamp(packet, place, stamps.abs_send_time, 3) {
            // Seconds in 6.18 fixed point, modulo 64.
            let [_, time @ ..] = (((now_us << 18) / 1_000_000) as u32 & 0x00ff_ffff).to_be_bytes();
            packet[value..value + 3].copy_from_slice(&time);
        }
        match transport.send_rtp(outbox) {
            true => Sent::Left,
            false => Sent::Dropped,
        }
    }

    fn keep(&mut self, outbox: &mut Outbox) -> Option<u16> {
        let start = outbox.start();
        let packet = outbox.buffer().get(start..)?;
        let buffer = match self.free.pop() {
            Some(buffer) => buffer,
            None => {
                let buffer = u16::try_from(self.buffers.len()).ok()?;
                self.buffers.push(Vec::new());
                buffer
            }
        };
        let place = self.buffers.get_mut(usize::from(buffer))?;
        place.clear();
        place.extend_from_slice(packet);
        Some(buffer)
    }

    /// Lets leave what may leave now, and pads a running probe.
    fn drain(
        &mut self,
        now: Instant,
        slots: &mut [Slot],
        transport: &mut Transport,
        outbox: &mut Outbox,
        counters: &mut Counters,
    ) {
        let now_us = self.estimator.micros(now);
        self.pacer.set_rate(now_us, self.estimator.pacing(now));
        while let Some(parked) = self.pacer.take_stale(now_us) {
            self.free.push(parked.buffer);
        }
        while self.estimator.has_room()
            && let Some((_, parked)) = self.pacer.pop(now_us)
        {
            if let Some(packet) = self.buffers.get(usize::from(parked.buffer)) {
                outbox.begin().extend_from_slice(packet);
                self.leave(now_us, parked.stamps, transport, outbox);
            }
            self.free.push(parked.buffer);
        }
        for _ in 0..PADDING_BURST {
            if self.estimator.padding(now) == 0 || !transport.can_send() {
                break;
            }
            let Some(slot) = slots.iter_mut().find(|slot| slot.can_pad()) else { break };
            slot.pad(PADDING, outbox.begin());
            let stamps = slot.stamps();
            counters.padding += u64::from(self.leave(now_us, stamps, transport, outbox) == Sent::Left);
        }
        if self.pacer.is_empty() && self.buffers.len() > 64 {
            // A keyframe on a thin leg is over.
            self.buffers.truncate(32);
            self.buffers.shrink_to_fit();
            self.free.clear();
            self.free.extend(0..32);
        }
    }

    fn flush(&mut self, slot: usize) {
        flush(&mut self.pacer, &mut self.free, slot);
    }

    /// What waits is more than the leg passes in good time.
    fn is_overfull(&self, now: Instant) -> bool {
        let waited = self.pacer.oldest(self.estimator.micros(now));
        if waited <= WAITED || self.estimator.estimate(now).time_for(self.pacer.waiting_bytes()) <= WAIT_MAX {
            return false;
        }
        waited > WAIT_KEYFRAME || !self.pacer.waiting().any(|parked| parked.keyframe)
    }

    /// A keyframe of a slot waits to leave, or part of one.
    fn has_keyframe_waiting(&self, slot: usize) -> bool {
        self.pacer.waiting().any(|parked| parked.keyframe && usize::from(parked.slot) == slot)
    }

    /// A slot shows something else: what waits of the old is of no use.
    pub(super) fn restart(&mut self, slot: usize) {
        self.flush(slot);
        self.allocator.restart(slot);
        if let Some(state) = self.slots.get_mut(slot) {
            *state = SlotState::default();
        }
    }

    /// A slot is shown in another size: what fits of that is taken at once.
    pub(super) fn refresh(&mut self, slot: usize) {
        self.allocator.restart(slot);
        self.reviewed = None;
    }

    /// What is shown may have to be something else, though the leg is what it was.
    pub(super) fn look_again(&mut self) {
        self.reviewed = None;
    }

    /// The path is another one.
    pub(super) fn on_new_path(&mut self, now: Instant) {
        self.estimator.on_new_path(now);
    }

    /// The path may just have collapsed, to a rate if that is known.
    pub(super) fn doubt(&mut self, now: Instant, to: Option<Bitrate>) {
        self.estimator.doubt(now, to);
    }

    /// The peer's own limit (REMB).
    pub(super) fn on_remb(&mut self, now: Instant, most: Bitrate) {
        self.estimator.on_remb(now, most);
    }

    /// A receiver report about packets of ours.
    pub(super) fn on_loss_report(&mut self, now: Instant, packets: u32, lost: u32) {
        self.estimator.on_loss_report(now, lost, packets);
    }

    /// What the leg carries, bits per second, where that is known.
    pub(super) fn estimate_bps(&self) -> Option<u64> {
        let known = self.numbered && self.reviewed_estimate > Bitrate::ZERO;
        Some(self.reviewed_estimate.as_bps()).filter(|_| known && self.reviewed_estimate < Bitrate::MAX)
    }

    /// A video that is shown gets nothing, because the leg carries no more.
    pub(super) fn is_video_paused(&self) -> bool {
        self.slots.iter().any(|slot| slot.paused)
    }

    /// When [`Node::run_egress`] wants to be called.
    pub(super) fn deadline(&mut self, now: Instant) -> Option<Instant> {
        let waiting = self.pacer.deadline_us().filter(|_| self.estimator.has_room());
        let waiting = waiting.map(|at| self.estimator.instant(at));
        [waiting, self.estimator.deadline(now)].into_iter().flatten().min()
    }

    /// Figures for stats.
    pub(super) fn stats(&self) -> EgressStats {
        EgressStats {
            estimate_bps: self.estimate_bps(),
            video_bps: self.slots.iter().map(|slot| slot.allocation.share.as_bps()).sum(),
            sending_bps: self.estimator.sending().as_bps(),
            waiting_bytes: self.pacer.waiting_bytes(),
            standing: self.estimator.standing(),
            loss: self.estimator.loss(),
            probes: self.estimator.probes(),
            switches: self.allocator.changes(),
            video_paused: self.is_video_paused(),
            estimator: self.estimator.stats(),
        }
    }
}

/// How one participant's receiving leg is.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct EgressStats {
    /// What the leg carries, bits per second; `None` when the peer tells nothing.
    pub estimate_bps: Option<u64>,
    /// What of that has been given to video.
    pub video_bps: u64,
    /// What leaves now, bits per second, with everything around it.
    pub sending_bps: u64,
    /// Bytes that wait to leave.
    pub waiting_bytes: u64,
    /// What the quickest packet waits in the network's queues.
    pub standing: Duration,
    /// Share of packets lost on this leg lately, 0–1.
    pub loss: f64,
    /// Probes sent.
    pub probes: u64,
    /// Times a slot got more or less, or was paused or resumed.
    pub switches: u64,
    /// A video that is shown gets nothing, because the leg carries no more.
    pub video_paused: bool,
    /// What the estimator counts.
    pub estimator: EstimatorStats,
}

impl Node {
    /// Takes in transport-wide feedback of a participant.
    pub(super) fn on_twcc(&mut self, now: Instant, key: usize, packet: &[u8], left: &mut u32) {
        let Ok(report) = Twcc::parse(packet) else {
            return self.counters.dropped.count(DropReason::Malformed);
        };
        let Some(rest) = left.checked_sub(report.count().into()) else {
            return self.counters.dropped.count(DropReason::RateLimited);
        };
        *left = rest;
        let Participant { egress, repair, .. } = &mut self.participants[key];
        let before = egress.estimator.stats().collapses;
        egress.estimator.on_feedback(now, &report, |lost| repair.outcome(now, lost));
        self.counters.collapses += egress.estimator.stats().collapses - before;
        self.run_egress(now, key);
    }

    /// Divides the leg anew if it is time, begins probes, and lets leave what may.
    pub(super) fn run_egress(&mut self, now: Instant, key: usize) {
        self.review(now, key);
        let Participant { id, egress, slots, transport, .. } = &mut self.participants[key];
        let before = egress.estimator.probes();
        egress.estimator.poll(now);
        self.counters.probes += egress.estimator.probes() - before;
        egress.drain(now, slots, transport, &mut self.outbox, &mut self.counters);
        if egress.is_overfull(now) {
            let waiting = egress.pacer.waiting_bytes();
            tracing::debug!(participant = %id, waiting, "video that waits is thrown away");
            for (index, slot) in slots.iter_mut().enumerate().filter(|(_, slot)| slot.kind() == Kind::Video) {
                egress.flush(index);
                slot.restart();
            }
        }
    }
}

/// The timestamp field of the packet that was begun.
fn rtp_time(outbox: &mut Outbox) -> Option<[u8; 4]> {
    let start = outbox.start();
    outbox.buffer().get(start + 4..)?.first_chunk().copied()
}

/// Throws away the video of a slot that waits.
fn flush(pacer: &mut Pacer<Parked>, free: &mut Vec<u16>, slot: usize) {
    pacer.retain(|class, parked| {
        let keep = usize::from(parked.slot) != slot || class == Class::Retransmission;
        if !keep {
            free.push(parked.buffer);
        }
        keep
    });
}

/// Where the value of an extension element with this id and length begins, if such a one stands at a place; either form of
/// RFC 8285 will do (a packet with a long dependency descriptor has the two-byte form). The whole value is there.
fn find_stamp(packet: &[u8], place: usize, id: u8, len: u8) -> Option<usize> {
    if id == 0 || packet.first()? & 0x1f != 0x10 {
        return None;
    }
    let value = match *packet.get(12..14)? {
        [0xbe, 0xde] if *packet.get(place)? == (id << 4 | (len - 1)) => place + 1,
        [0x10, _] if packet.get(place..place + 2)? == [id, len] => place + 2,
        _ => return None,
    };
    (value + usize::from(len) <= packet.len()).then_some(value)
}
