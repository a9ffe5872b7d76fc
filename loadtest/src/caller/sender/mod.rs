//! What a caller sends: microphone and camera behind one pacer and one congestion controller.

pub mod audio;
pub mod clip;
pub mod frames;
pub mod h264;
pub mod rate;
pub mod speech;
pub mod video;
pub mod vp8;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use protocol::call::Source;
use protocol::ws::EncodingWish;

use self::audio::AudioSender;
use self::rate::{Outcome, RateController};
use self::video::{Recipe, VideoSender};

/// The pacer sends this much faster than the encoders make, as in libwebrtc.
const PACING_FACTOR: f64 = 2.5;
/// What is due within this time leaves together, as in browsers' pacers.
const BURST: Duration = Duration::from_millis(5);
/// The encoder skips a picture while more than this waits in the pacer.
const QUEUE_MAX: Duration = Duration::from_millis(400);
/// Between two sender reports.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// Between two looks at the rate.
const ALLOCATE_EVERY: Duration = Duration::from_millis(100);
/// Packets whose fate is still unknown.
const UNKNOWN_MAX: usize = 4_000;
/// Retransmissions take at most this share of the rate.
const REPAIR_SHARE: f64 = 0.5;

/// See the module.
pub struct Publisher {
    /// The microphone.
    pub audio: AudioSender,
    /// The camera.
    pub video: VideoSender,
    rate: RateController,
    transport_cc: bool,
    number: u16,
    sent: VecDeque<(u16, Instant, usize)>,
    queue: VecDeque<Recipe>,
    queued: usize,
    repairs: VecDeque<Recipe>,
    repair_budget: f64,
    free_at: Instant,
    next_allocation: Instant,
    next_report: Instant,
    outgoing: VecDeque<Vec<u8>>,
}

impl Publisher {
    /// Silent until something is switched on.
    pub fn new(now: Instant, audio: AudioSender, video: VideoSender, transport_cc: bool) -> Self {
        Self {
            audio,
            video,
            rate: RateController::new(now),
            transport_cc,
            number: rand::random(),
            sent: VecDeque::new(),
            queue: VecDeque::new(),
            queued: 0,
            repairs: VecDeque::new(),
            repair_budget: 0.0,
            free_at: now,
            next_allocation: now,
            next_report: now + REPORT_EVERY / 3,
            outgoing: VecDeque::new(),
        }
    }

    /// Switches sources on and off.
    pub fn publish(&mut self, sources: &[Source]) {
        self.audio.active = sources.contains(&Source::Microphone);
        self.video.active = sources.contains(&Source::Camera);
        if !self.video.active {
            self.queue.clear();
            self.queued = 0;
        }
    }

    /// What the server wants to get of a source.
    pub fn wish(&mut self, source: Source, encodings: &[EncodingWish]) {
        if source == Source::Camera {
            for EncodingWish { rid, active, max_bitrate } in encodings {
                self.video.wish(rid.as_deref(), *active, *max_bitrate);
            }
        }
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Instant {
        let mut at = self.next_report.min(self.next_allocation);
        if self.audio.active {
            at = at.min(self.audio.deadline());
        }
        if self.video.active {
            at = at.min(self.video.deadline());
        }
        if !self.queue.is_empty() || !self.repairs.is_empty() {
            at = at.min(self.free_at);
        }
        at
    }

    /// Captures, encodes, and sends what the pacer lets go.
    pub fn handle_timeout(&mut self, now: Instant, unix_ns: u64) {
        if self.next_allocation <= now {
            let step = now.duration_since(self.next_allocation).max(ALLOCATE_EVERY);
            self.next_allocation = now + ALLOCATE_EVERY;
            let target = self.rate.target_bps();
            self.repair_budget = (self.repair_budget
                + target as f64 * REPAIR_SHARE * step.as_secs_f64() / 8.0)
                .min(target as f64 * REPAIR_SHARE / 8.0);
            self.video.allocate(target.saturating_sub(self.audio.budget_bps()));
        }
        while self.audio.deadline() <= now {
            let number = self.transport_cc.then(|| self.number.to_be_bytes());
            if let Some(packet) = self.audio.capture(now, unix_ns, number) {
                self.depart(now, packet);
            }
        }
        while self.video.deadline() <= now {
            let full = self.queued as f64 * 8.0 > self.pacing_bps() * QUEUE_MAX.as_secs_f64();
            let before = self.queue.len();
            self.video.capture(now, unix_ns, full, &mut self.queue);
            self.queued += self.queue.iter().skip(before).map(Recipe::size).sum::<usize>();
        }
        self.pace(now);
    }

    /// The next plain packet.
    pub fn poll_packet(&mut self) -> Option<Vec<u8>> {
        self.outgoing.pop_front()
    }

    /// SSRC, RTP time, packets and octets of everything that is sent, when sender reports are due.
    pub fn poll_reports(&mut self, now: Instant) -> Vec<(u32, u32, u32, u32)> {
        if self.next_report > now {
            return Vec::new();
        }
        self.next_report = now + REPORT_EVERY;
        let mut reports = Vec::new();
        if self.audio.active {
            reports.extend(self.audio.report(now));
        }
        if self.video.active {
            reports.extend(self.video.reports(now));
        }
        reports
    }

    /// Packets asked for again.
    pub fn on_nack(&mut self, ssrc: u32, sequences: impl Iterator<Item = u16>) {
        for sequence in sequences {
            if let Some(recipe) = self.video.remembered(ssrc, sequence)
                && self.repair_budget >= recipe.size() as f64
                && !self.repairs.contains(&recipe)
            {
                self.repair_budget -= recipe.size() as f64;
                self.repairs.push_back(recipe);
            }
        }
    }

    /// The server will take no more than this.
    pub fn on_remb(&mut self, bps: u64) {
        self.rate.on_remb(bps);
    }

    /// TWCC: what became of the packets from this number on.
    pub fn on_transport_cc(&mut self, now: Instant, rtt: Duration, base: u16, arrivals: &[Option<i64>]) {
        let mut outcomes = Vec::with_capacity(arrivals.len());
        for (place, arrived_us) in arrivals.iter().enumerate() {
            let number = base.wrapping_add(place as u16);
            while let Some((front, sent, size)) = self.sent.front().copied() {
                let ahead = front.wrapping_sub(number) as i16;
                if ahead > 0 {
                    break;
                }
                self.sent.pop_front();
                if ahead == 0 {
                    outcomes.push(Outcome { sent, size, arrived_us: *arrived_us });
                    break;
                }
            }
        }
        let ceiling = self.video.ceiling_bps() + self.audio.budget_bps();
        self.rate.on_feedback(now, rtt, ceiling, &outcomes);
    }

    fn pacing_bps(&self) -> f64 {
        self.rate.target_bps() as f64 * PACING_FACTOR
    }

    fn pace(&mut self, now: Instant) {
        self.free_at = self.free_at.max(now.checked_sub(BURST).unwrap_or(now));
        while self.free_at <= now {
            let (recipe, rtx) = match self.repairs.pop_front() {
                Some(recipe) => (recipe, true),
                None => match self.queue.pop_front() {
                    Some(recipe) => {
                        self.queued = self.queued.saturating_sub(recipe.size());
                        (recipe, false)
                    }
                    None => return,
                },
            };
            let number = self.transport_cc.then(|| self.number.to_be_bytes());
            let mut packet = Vec::with_capacity(recipe.size() + 32);
            self.video.write(&recipe, rtx, number, &mut packet);
            let bits = (packet.len() + 44) as f64 * 8.0;
            self.free_at += Duration::from_secs_f64(bits / self.pacing_bps());
            self.depart(now, packet);
        }
    }

    fn depart(&mut self, now: Instant, packet: Vec<u8>) {
        if self.transport_cc {
            if self.sent.len() == UNKNOWN_MAX {
                self.sent.pop_front();
            }
            self.sent.push_back((self.number, now, packet.len()));
            self.number = self.number.wrapping_add(1);
        }
        self.outgoing.push_back(packet);
    }
}
