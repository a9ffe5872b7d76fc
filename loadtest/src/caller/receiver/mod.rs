//! What a caller receives: slots for sound and pictures, and what it tells the server of them.

pub mod audio;
pub mod feedback;
pub mod sequences;
pub mod video;

use std::time::{Duration, Instant};

use protocol::ws::SlotView;
use rtcp::Packet as RtcpPacket;
use rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtcp::receiver_report::ReceiverReport;
use rtcp::sender_report::SenderReport;
use rtcp::transport_feedbacks::transport_layer_nack::{TransportLayerNack, nack_pairs_from_sequence_numbers};

use self::audio::AudioSlot;
use self::feedback::TransportArrivals;
use self::video::{FirstFrame, VideoSlot};
use super::description::{Answer, ext};
use super::rtp::Packet;
use crate::measure::Measures;

/// Between two transport-wide reports: what browsers do at usual bitrates.
const FEEDBACK_EVERY: Duration = Duration::from_millis(60);
/// Between two looks at what is missing.
const NACK_EVERY: Duration = Duration::from_millis(20);
/// Between two receiver reports, and two looks at how things are.
const REPORT_EVERY: Duration = Duration::from_secs(1);

const VIDEO_CLOCK: u32 = 90_000;
const AUDIO_CLOCK: u32 = 48_000;

/// See the module.
pub struct Subscriber {
    /// Ours, in reports.
    ssrc: u32,
    audio: Vec<AudioSlot>,
    video: Vec<VideoSlot>,
    /// MIDs of the slots for pictures.
    mids: Vec<String>,
    arrivals: TransportArrivals,
    next_feedback: Instant,
    next_nack: Instant,
    next_report: Instant,
    outgoing: Vec<Vec<u8>>,
}

impl Subscriber {
    /// The slots of an answer. `ssrc` is one of ours.
    pub(super) fn new(now: Instant, answer: &Answer, ssrc: u32) -> Self {
        let ssrc_of = |line: &super::description::AnsweredLine, place: usize| {
            line.ssrcs.get(place).copied().unwrap_or_default()
        };
        let video: Vec<_> = answer.slots().filter(|line| line.video).collect();
        Self {
            ssrc,
            audio: answer
                .slots()
                .filter(|line| !line.video)
                .map(|line| AudioSlot::new(ssrc_of(line, 0)))
                .collect(),
            mids: video.iter().map(|line| line.mid.clone()).collect(),
            video: video.iter().map(|line| VideoSlot::new(ssrc_of(line, 0), ssrc_of(line, 1))).collect(),
            arrivals: TransportArrivals::default(),
            next_feedback: now + FEEDBACK_EVERY,
            next_nack: now + NACK_EVERY,
            next_report: now + REPORT_EVERY,
            outgoing: Vec::new(),
        }
    }

    /// What the server says that the slots show.
    pub fn slots(&mut self, now: Instant, views: &[SlotView], measures: &mut Measures) {
        for (slot, mid) in self.video.iter_mut().zip(&self.mids) {
            let shows = views.iter().any(|view| view.mid == *mid && view.shows.is_some());
            slot.watch(now, shows, measures);
        }
    }

    /// Takes a packet: what has arrived when, for the server's estimator; what is in it, for us. Gives the first picture of
    /// somebody, if it is one. `added_us` is how long it was on its way through the server.
    pub fn handle_rtp(
        &mut self,
        now: Instant,
        arrived_us: u64,
        packet: &Packet<'_>,
        added_us: impl Fn(u64) -> u64,
        measures: &mut Measures,
    ) -> Option<FirstFrame> {
        if let Some(&[high, low]) = packet.extension(ext::TRANSPORT_CC) {
            self.arrivals.arrived(now, u16::from_be_bytes([high, low]));
        }
        let ssrc = packet.header.ssrc;
        if let Some(slot) = self.audio.iter_mut().find(|slot| slot.ssrc == ssrc) {
            note_added(packet.payload, &added_us, measures);
            slot.receive(now, arrived_us, packet, measures);
            return None;
        }
        // 12 bits each of the shortest and longest time that pictures are to be held, in 10 ms: sound goes along with them.
        if let Some(&[high, low, _]) = packet.extension(ext::PLAYOUT_DELAY) {
            let shortest_us = 10_000 * (u64::from(high) << 4 | u64::from(low) >> 4);
            self.audio.iter_mut().for_each(|slot| slot.hold(shortest_us));
        }
        let slot = self.video.iter_mut().find(|slot| slot.ssrcs.0 == ssrc || slot.ssrcs.1 == ssrc)?;
        if slot.ssrcs.0 == ssrc {
            note_added(packet.payload, &added_us, measures);
            return slot.receive(now, arrived_us, packet, measures);
        }
        // RTX (RFC 4588): the number it was sent under, then its payload; without a payload it is padding.
        let (number, payload) = packet.payload.split_first_chunk::<2>()?;
        if payload.is_empty() {
            return None;
        }
        let mut original = *packet;
        original.header.sequence = u16::from_be_bytes(*number);
        original.header.ssrc = slot.ssrcs.0;
        original.payload = payload;
        slot.receive(now, arrived_us, &original, measures)
    }

    /// Takes note of a sender report.
    pub fn handle_sender_report(&mut self, now: Instant, report: &SenderReport) {
        if let Some(slot) = self.video.iter_mut().find(|slot| slot.ssrcs.0 == report.ssrc) {
            slot.sequences.on_sender_report(now, report.ntp_time);
        } else if let Some(slot) = self.audio.iter_mut().find(|slot| slot.ssrc == report.ssrc) {
            slot.sequences.on_sender_report(now, report.ntp_time);
        }
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Instant {
        let mut at = self.next_report;
        if !self.arrivals.is_empty() {
            at = at.min(self.next_feedback);
        }
        if self.video.iter().any(|slot| slot.sequences.has_gaps()) {
            at = at.min(self.next_nack);
        }
        at
    }

    /// Reports, requests, and looks at how things are.
    pub fn handle_timeout(&mut self, now: Instant, unix_us: u64, rtt: Duration, measures: &mut Measures) {
        if self.next_nack <= now {
            self.next_nack = now + NACK_EVERY;
            for slot in &mut self.video {
                let due = slot.sequences.due(now, rtt, measures);
                if !due.is_empty() {
                    let nacks = nack_pairs_from_sequence_numbers(&due);
                    let (sender_ssrc, media_ssrc) = (self.ssrc, slot.ssrcs.0);
                    self.outgoing.extend(bytes(&TransportLayerNack { sender_ssrc, media_ssrc, nacks }));
                }
                if slot.wants_keyframe(now, measures) {
                    let (sender_ssrc, media_ssrc) = (self.ssrc, slot.ssrcs.0);
                    self.outgoing.extend(bytes(&PictureLossIndication { sender_ssrc, media_ssrc }));
                }
            }
        }
        if self.next_feedback <= now && !self.arrivals.is_empty() {
            self.next_feedback = now + FEEDBACK_EVERY;
            while let Some(report) = self.arrivals.report(self.ssrc, self.ssrc) {
                self.outgoing.extend(bytes(&report));
            }
        }
        if self.next_report <= now {
            self.next_report = now + REPORT_EVERY;
            self.report(now, unix_us, measures);
        }
    }

    fn report(&mut self, now: Instant, unix_us: u64, measures: &mut Measures) {
        let mut reports = Vec::new();
        for slot in &mut self.video {
            slot.settle(now, measures);
            if let Some(jitter) = slot.sequences.jitter_us() {
                measures.note(|it| &mut it.jitter_us, jitter);
            }
            reports.extend(slot.sequences.block(now, slot.ssrcs.0, VIDEO_CLOCK));
        }
        for slot in &mut self.audio {
            slot.settle(now, unix_us, measures);
            if let Some(jitter) = slot.sequences.jitter_us() {
                measures.note(|it| &mut it.jitter_us, jitter);
            }
            reports.extend(slot.sequences.block(now, slot.ssrc, AUDIO_CLOCK));
        }
        if !reports.is_empty() {
            let report = ReceiverReport { ssrc: self.ssrc, reports, ..ReceiverReport::default() };
            self.outgoing.extend(bytes(&report));
        }
    }

    /// Plain RTCP packets to send.
    pub fn poll_rtcp(&mut self) -> Option<Vec<u8>> {
        self.outgoing.pop()
    }
}

fn note_added(payload: &[u8], added_us: &impl Fn(u64) -> u64, measures: &mut Measures) {
    // What the server found in a later packet's redundancy was never handed to a socket by itself.
    if let Some(trailer) = super::trailer::Trailer::read(payload).filter(|it| it.sent_ns > 0) {
        measures.added(added_us(trailer.sent_ns));
    }
}

fn bytes(packet: &impl RtcpPacket) -> Option<Vec<u8>> {
    packet.marshal().ok().map(Into::into)
}
