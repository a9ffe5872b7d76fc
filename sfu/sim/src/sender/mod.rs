//! A model publisher: microphone, camera and screen behind one pacer and one congestion controller.

pub mod audio;
pub mod layers;
pub mod rate;
pub mod video;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use rtcp::sender_report::SenderReport;

use self::audio::AudioSender;
use self::rate::{Outcome, RateController};
use self::video::VideoSender;
use crate::clock::{DeviceClock, ms, secs};
use crate::format::rtp::{self, Header};

/// Packets of one stream kept for retransmission.
const HISTORY: usize = 1000;
/// What sound takes of the budget, headers and one generation of redundancy included.
const AUDIO_BPS: u64 = 75_000;
/// The pacer sends this much faster than the encoders make, as in libwebrtc.
const PACING_FACTOR: f64 = 2.5;
/// The encoders pause while more than this waits in the pacer.
const QUEUE_MAX: Duration = ms(400);
const REPORT_EVERY: Duration = secs(1);

/// A packet before it gets its transport-wide number.
#[derive(Clone, Debug)]
pub struct Unsent {
    /// Its header.
    pub header: Header,
    /// Ids and values, without those that are set when it leaves.
    pub extensions: Vec<(u8, Vec<u8>)>,
    /// Its payload.
    pub payload: Vec<u8>,
    /// SSRC and payload type of its retransmissions.
    pub rtx: Option<(u32, u8)>,
    /// 0 microphone, 1 camera, 2 screen.
    pub source: u8,
}

/// Ids of the extensions that are set when a packet leaves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Departure {
    /// Transport-wide sequence number.
    pub transport_cc: Option<u8>,
    /// 24 bits of the sender's clock.
    pub abs_send_time: Option<u8>,
    /// Repaired RID, for RTX of simulcast encodings, and the RID it stands for.
    pub repaired_rid: Option<(u8, u8)>,
}

/// What a publisher did.
#[derive(Clone, Copy, Debug, Default)]
pub struct PublisherTally {
    /// Packets sent, RTX included.
    pub packets: u64,
    /// Of those, retransmissions.
    pub retransmitted: u64,
    /// Sequence numbers asked for by NACK.
    pub nacked: u64,
    /// PLIs and FIRs that came.
    pub keyframe_requests: u64,
    /// Frames the encoders left out because the pacer was full.
    pub skipped: u64,
}

/// See the module.
pub struct Publisher {
    clock: DeviceClock,
    /// The microphone.
    pub audio: AudioSender,
    /// Camera and screen.
    pub video: [VideoSender; 2],
    /// Its congestion controller.
    pub rate: RateController,
    departure: Departure,
    pacer: VecDeque<Unsent>,
    /// Retransmissions, which go before new pictures, and what they took in the current second.
    repairs: VecDeque<Unsent>,
    repaired: (Instant, usize),
    /// Bits a second that repairs took lately; encoders get so much less.
    repair_bps: u64,
    free_at: Instant,
    transport_cc: u16,
    sent: VecDeque<(u16, Instant, usize)>,
    history: BTreeMap<u32, VecDeque<Unsent>>,
    rtx_sequence: BTreeMap<u32, u16>,
    next_report: Instant,
    next_allocation: Instant,
    outgoing: VecDeque<Vec<u8>>,
    running: bool,
    tally: PublisherTally,
}

impl Publisher {
    /// Silent until [`Self::run`].
    pub fn new(
        now: Instant,
        clock: DeviceClock,
        audio: AudioSender,
        video: [VideoSender; 2],
        departure: Departure,
        first_transport_cc: u16,
    ) -> Self {
        let max_bps = video.iter().map(VideoSender::max_bps).sum::<u64>() + AUDIO_BPS;
        Self {
            clock,
            audio,
            video,
            rate: RateController::new(now, max_bps.max(500_000) * 3 / 2),
            departure,
            pacer: VecDeque::new(),
            repairs: VecDeque::new(),
            repaired: (now, 0),
            repair_bps: 0,
            free_at: now,
            transport_cc: first_transport_cc,
            sent: VecDeque::new(),
            history: BTreeMap::new(),
            rtx_sequence: BTreeMap::new(),
            next_report: now + ms(300),
            next_allocation: now,
            outgoing: VecDeque::new(),
            running: false,
            tally: PublisherTally::default(),
        }
    }

    /// The transport is connected.
    pub fn run(&mut self) {
        self.running = true;
    }

    /// What was done so far.
    pub fn tally(&self) -> PublisherTally {
        self.tally
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Instant {
        let frames = self.video.iter().map(VideoSender::deadline).fold(self.audio.deadline(), Instant::min);
        let waiting = !self.pacer.is_empty() || !self.repairs.is_empty();
        let pacer = waiting.then_some(self.free_at);
        pacer.map_or(frames, |at| at.min(frames)).min(self.next_allocation)
    }

    /// Captures, encodes, and sends what the pacer lets go.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.next_allocation <= now {
            self.next_allocation = now + ms(100);
            if now.duration_since(self.repaired.0) >= secs(2) {
                self.repair_bps = 0;
            }
            self.allocate();
        }
        while self.audio.deadline() <= now {
            if let Some(packet) = self.audio.capture()
                && self.running
            {
                // Audio does not wait for video.
                self.depart(now, packet);
            }
        }
        for source in 0..self.video.len() {
            while self.video[source].deadline() <= now {
                let full = self.queued() > QUEUE_MAX;
                self.tally.skipped += u64::from(full && self.running);
                let packets = self.video[source].capture(now, full || !self.running);
                self.pacer.extend(packets);
            }
        }
        while self.free_at <= now {
            let repair = self.repairs.pop_front();
            let again = repair.is_some();
            let Some(packet) = repair.or_else(|| self.pacer.pop_front()) else { break };
            let bits = (packet.payload.len() + 40) as f64 * 8.0;
            let begin = self.free_at.max(now - ms(5));
            self.free_at = begin + Duration::from_secs_f64(bits / self.pacing_bps());
            if again {
                self.leave(now, packet);
            } else {
                self.depart(now, packet);
            }
        }
    }

    /// The next packet to seal and send.
    pub fn poll_packet(&mut self) -> Option<Vec<u8>> {
        self.outgoing.pop_front()
    }

    /// Sender reports that are due.
    pub fn reports(&mut self, now: Instant) -> Vec<SenderReport> {
        if !self.running || now < self.next_report {
            return Vec::new();
        }
        self.next_report = now + REPORT_EVERY;
        let elapsed = self.clock.elapsed_us(now);
        let audio = self.audio.report(elapsed);
        let audio = audio.map(|(time, packets, octets)| (self.audio.ssrc(), time, packets, octets));
        let video = self.video.iter().flat_map(|video| video.reports(elapsed));
        let report = |(ssrc, rtp_time, packet_count, octet_count)| SenderReport {
            ssrc,
            ntp_time: self.clock.ntp(elapsed),
            rtp_time,
            packet_count,
            octet_count,
            ..SenderReport::default()
        };
        audio.into_iter().chain(video).map(report).collect()
    }

    /// When [`Self::reports`] wants to be called.
    pub fn report_deadline(&self) -> Instant {
        self.next_report
    }

    /// Packets the server lacks.
    pub fn on_nack(&mut self, now: Instant, ssrc: u32, sequences: &[u16]) {
        for sequence in sequences {
            self.tally.nacked += 1;
            let found = self
                .history
                .get(&ssrc)
                .and_then(|packets| packets.iter().find(|packet| packet.header.sequence == *sequence));
            let Some(packet) = found.cloned() else { continue };
            // No more than the estimate, as libwebrtc's retransmission rate limiter has it.
            if now.duration_since(self.repaired.0) >= secs(1) {
                self.repair_bps = self.repaired.1 as u64 * 8;
                self.repaired = (now, 0);
            }
            if (self.repaired.1 as u64 + packet.payload.len() as u64) * 8 > self.rate.target_bps() {
                continue;
            }
            self.repaired.1 += packet.payload.len();
            self.tally.retransmitted += 1;
            match packet.rtx {
                Some((rtx_ssrc, payload_type)) => {
                    let number = self.rtx_sequence.entry(rtx_ssrc).or_insert((rtx_ssrc >> 3) as u16);
                    let header = Header { payload_type, sequence: *number, ssrc: rtx_ssrc, ..packet.header };
                    *number = number.wrapping_add(1);
                    let mut payload = sequence.to_be_bytes().to_vec();
                    payload.extend_from_slice(&packet.payload);
                    let mut extensions = packet.extensions;
                    if let Some((rid, repaired)) = self.departure.repaired_rid {
                        for (id, _) in extensions.iter_mut().filter(|(id, _)| *id == rid) {
                            *id = repaired;
                        }
                    }
                    self.repairs.push_back(Unsent { header, extensions, payload, rtx: None, ..packet });
                }
                None => self.repairs.push_back(packet),
            }
        }
    }

    /// PLI or FIR.
    pub fn on_keyframe_request(&mut self, ssrc: u32) {
        self.tally.keyframe_requests += 1;
        self.video.iter_mut().for_each(|video| video.on_keyframe_request(ssrc));
    }

    /// TWCC: what arrived of the packets from `base` on, µs on the server's clock.
    pub fn on_transport_cc(&mut self, now: Instant, rtt: Duration, base: u16, arrivals: &[Option<i64>]) {
        let mut outcomes = Vec::new();
        for (place, arrived_us) in arrivals.iter().enumerate() {
            let number = base.wrapping_add(place as u16);
            if let Ok(at) = self.sent.binary_search_by(|(it, _, _)| {
                // Numbers wrap; what is remembered spans far less than half of them.
                (it.wrapping_sub(number) as i16).cmp(&0)
            }) {
                let (_, sent, size) = self.sent[at];
                outcomes.push(Outcome { sent, size, arrived_us: *arrived_us });
            }
        }
        self.rate.on_feedback(now, rtt, &outcomes);
    }

    fn allocate(&mut self) {
        let budget = self.rate.target_bps().saturating_sub(AUDIO_BPS + self.repair_bps).max(30_000);
        let wants: Vec<u64> = self.video.iter().map(VideoSender::max_bps).collect();
        let total: u64 = wants.iter().sum::<u64>().max(1);
        for (video, want) in self.video.iter_mut().zip(wants) {
            video.allocate((budget as u128 * want as u128 / total as u128) as u64);
        }
    }

    fn pacing_bps(&self) -> f64 {
        (self.rate.target_bps() as f64 * PACING_FACTOR).max(300_000.0)
    }

    fn queued(&self) -> Duration {
        let bits: usize = self.pacer.iter().map(|packet| packet.payload.len() * 8).sum();
        Duration::from_secs_f64(bits as f64 / self.pacing_bps())
    }

    fn depart(&mut self, now: Instant, packet: Unsent) {
        let history = self.history.entry(packet.header.ssrc).or_default();
        if history.len() == HISTORY {
            history.pop_front();
        }
        history.push_back(packet.clone());
        self.leave(now, packet);
    }

    fn leave(&mut self, now: Instant, packet: Unsent) {
        let number = self.transport_cc.to_be_bytes();
        let time = (((self.clock.elapsed_us(now) as u128) << 18) / 1_000_000) as u32;
        let time = &time.to_be_bytes()[1..];
        let mut extensions: Vec<(u8, &[u8])> =
            packet.extensions.iter().map(|(id, value)| (*id, &value[..])).collect();
        extensions.extend(self.departure.transport_cc.map(|id| (id, &number[..])));
        extensions.extend(self.departure.abs_send_time.map(|id| (id, time)));
        let bytes = rtp::write(&packet.header, &extensions, &packet.payload);
        self.sent.push_back((self.transport_cc, now, bytes.len()));
        if self.sent.len() > 8000 {
            self.sent.pop_front();
        }
        self.transport_cc = self.transport_cc.wrapping_add(1);
        self.tally.packets += 1;
        self.outgoing.push_back(bytes);
    }
}
