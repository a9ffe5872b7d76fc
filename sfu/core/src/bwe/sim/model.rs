//! A link with a rate, a queue, a delay, loss and jitter; a receiver that reports; a publisher that follows its share.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rtc_shared::marshal::Marshal;

use crate::bwe::{Allocator, Bitrate, Class, Estimator, Leg, Pacer, Rung, SlotRequest, Target, Twcc};
use crate::ids::Ssrc;
use crate::rtp::twcc::TwccReceiver;

/// What the network is like; it may be changed at any time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    pub(super) rate: Bitrate,
    /// The queue drops what would wait longer than this.
    pub(super) queue: Duration,
    /// One way, both ways.
    pub(super) delay: Duration,
    /// Share of packets lost at random.
    pub(super) loss: f64,
    /// Each packet is delayed by up to this more; the order is kept.
    pub(super) jitter: Duration,
}

impl Default for Path {
    fn default() -> Self {
        Self {
            rate: Bitrate::kbps(3000),
            queue: Duration::from_millis(600),
            delay: Duration::from_millis(25),
            loss: 0.0,
            jitter: Duration::ZERO,
        }
    }
}

/// What happened in a tenth of a second.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Sample {
    pub(super) estimate: u64,
    /// Bits per second of everything that arrived.
    pub(super) arrived: u64,
    /// The longest any audio packet was on its way beyond the plain delay, in milliseconds.
    pub(super) audio_wait: u64,
    /// The same for any packet.
    pub(super) wait: u64,
    pub(super) audio_lost: u32,
    pub(super) pictures: u32,
}

#[derive(Clone, Copy)]
struct Flying {
    number: u16,
    bytes: u16,
    kind: Kind,
    left_us: u64,
    arrives_us: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Audio,
    Video,
    Padding,
}

pub(super) struct World {
    pub(super) path: Path,
    /// What the camera would send if nobody told it to send less.
    pub(super) camera: Bitrate,
    /// The publisher loses this share of its packets on its way to us.
    pub(super) uplink_loss: f64,
    pub(super) samples: Vec<Sample>,
    pub(super) estimator: Estimator,
    start: Instant,
    now_us: u64,
    rng: StdRng,
    pacer: Pacer<u16>,
    allocator: Allocator,
    queue: VecDeque<Flying>,
    queued_bytes: u64,
    credit: f64,
    flying: VecDeque<Flying>,
    receiver: TwccReceiver,
    reports: VecDeque<(u64, Vec<u8>)>,
    /// Reports are lost with this probability.
    pub(super) report_loss: f64,
    /// What the publisher will have been told at a time.
    told: VecDeque<(u64, Bitrate)>,
    encoder: Bitrate,
    keyframe_at_us: Option<u64>,
    waits_for_keyframe: bool,
    pub(super) keyframes: u32,
    sample: Sample,
}

const AUDIO_BYTES: u16 = 120;
const STEP_US: u64 = 1000;

impl World {
    pub(super) fn new(seed: u64, path: Path) -> Self {
        let start = Instant::now();
        let mut estimator = Estimator::new(start);
        estimator.poll(start);
        Self {
            path,
            camera: Bitrate::kbps(4000),
            uplink_loss: 0.0,
            samples: Vec::new(),
            estimator,
            start,
            now_us: 0,
            rng: StdRng::seed_from_u64(seed),
            pacer: Pacer::new(Bitrate::kbps(600)),
            allocator: Allocator::default(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            credit: 0.0,
            flying: VecDeque::new(),
            receiver: TwccReceiver::default(),
            reports: VecDeque::new(),
            report_loss: 0.0,
            told: VecDeque::new(),
            encoder: Bitrate::kbps(300),
            keyframe_at_us: Some(0),
            waits_for_keyframe: true,
            keyframes: 0,
            sample: Sample::default(),
        }
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_micros(self.now_us)
    }

    /// The viewer's address changes.
    pub(super) fn change_address(&mut self) {
        self.estimator.on_new_path(self.now());
    }

    /// Lets time pass; the samples of it.
    pub(super) fn run(&mut self, time: Duration) -> &[Sample] {
        let first = self.samples.len();
        for _ in 0..time.as_micros() as u64 / STEP_US {
            self.step();
        }
        &self.samples[first..]
    }

    fn step(&mut self) {
        self.now_us += STEP_US;
        self.network();
        self.reports();
        self.publisher();
        self.egress();
        if self.now_us.is_multiple_of(100_000) {
            self.sample.estimate = self.estimator.estimate(self.now()).as_bps();
            self.sample.arrived *= 10;
            self.samples.push(std::mem::take(&mut self.sample));
        }
    }

    fn network(&mut self) {
        self.credit = (self.credit + self.path.rate.as_bps() as f64 / 8e6 * STEP_US as f64).min(
            // A link does not save up while it is idle.
            if self.queue.is_empty() { 0.0 } else { f64::MAX },
        );
        while let Some(front) =
            self.queue.front().copied().filter(|front| f64::from(front.bytes) <= self.credit)
        {
            self.queue.pop_front();
            self.credit -= f64::from(front.bytes);
            self.queued_bytes -= u64::from(front.bytes);
            let jitter = self.path.jitter.as_micros() as u64;
            let extra = if jitter > 0 { self.rng.random_range(0..jitter) } else { 0 };
            let arrives_us = self.now_us + self.path.delay.as_micros() as u64 + extra;
            let last = self.flying.back().map_or(0, |last| last.arrives_us);
            if self.rng.random_bool(1.0 - self.path.loss) {
                self.flying.push_back(Flying { arrives_us: arrives_us.max(last), ..front });
            } else {
                self.sample.audio_lost += u32::from(front.kind == Kind::Audio);
            }
        }
        while let Some(packet) = self.flying.front().copied().filter(|it| it.arrives_us <= self.now_us) {
            self.flying.pop_front();
            self.receiver.on_packet(packet.number, self.now());
            self.sample.arrived += u64::from(packet.bytes) * 8;
            let wait =
                (self.now_us - packet.left_us).saturating_sub(self.path.delay.as_micros() as u64) / 1000;
            self.sample.wait = self.sample.wait.max(wait);
            match packet.kind {
                Kind::Audio => self.sample.audio_wait = self.sample.audio_wait.max(wait),
                Kind::Video => self.sample.pictures += 1,
                Kind::Padding => {}
            }
        }
    }

    fn reports(&mut self) {
        let back = self.path.delay.as_micros() as u64;
        while let Some(report) = self.receiver.poll(self.now(), Ssrc(1), Ssrc(2)) {
            if self.rng.random_bool(1.0 - self.report_loss) {
                self.reports.push_back((self.now_us + back, report.marshal().expect("bytes").to_vec()));
            }
        }
        while let Some((_, bytes)) = self.reports.pop_front_if(|it| it.0 <= self.now_us) {
            self.estimator.on_feedback(self.now(), &Twcc::parse(&bytes).expect("a report"), |_| ());
        }
        self.allocate();
        self.estimator.poll(self.now());
    }

    fn allocate(&mut self) {
        let (now, audio) = (self.now(), Bitrate::kbps(48));
        let least = Bitrate::kbps(80);
        let ladder = [Rung::elastic(Target::default(), self.encoder, least, self.camera)];
        let slots = [SlotRequest { screen: false, pixels: 1, ladder: &ladder }];
        let loss = self.estimator.loss();
        self.estimator.set_wanted(Allocator::wanted(audio, &slots, loss));
        let leg = Leg { estimate: self.estimator.estimate(now), audio, loss, ..Leg::default() };
        let share = self.allocator.divide(now, &leg, &slots)[0].share;
        if self.told.back().is_none_or(|told| told.1 != share) {
            self.told.push_back((self.now_us + 100_000, share));
        }
        while let Some((_, share)) = self.told.pop_front_if(|it| it.0 <= self.now_us) {
            self.encoder = share;
        }
    }

    fn publisher(&mut self) {
        if self.now_us.is_multiple_of(20_000) {
            let lost = self.rng.random_bool(self.uplink_loss);
            if !lost {
                self.send(AUDIO_BYTES, Kind::Audio);
            }
        }
        if !self.now_us.is_multiple_of(33_000) || self.encoder == Bitrate::ZERO {
            return;
        }
        let keyframe = self.keyframe_at_us.take_if(|at| *at <= self.now_us).is_some();
        let size = if keyframe { 6.0 } else { self.rng.random_range(0.7..1.3) };
        let bytes = (self.encoder.as_bps() as f64 / 240.0 * size) as u64;
        if self.waits_for_keyframe && !keyframe {
            return;
        }
        self.waits_for_keyframe = false;
        self.keyframes += u32::from(keyframe);
        for _ in 0..bytes.div_ceil(1100) {
            let bytes = (bytes / bytes.div_ceil(1100)) as u16;
            if self.rng.random_bool(self.uplink_loss) {
                continue;
            }
            if self.pacer.is_free(self.now_us, Class::Video) && self.estimator.has_room() {
                self.send(bytes, Kind::Video);
            } else {
                self.pacer.push(self.now_us, Class::Video, bytes, bytes);
            }
        }
        let estimate = self.estimator.estimate(self.now());
        if estimate.time_for(self.pacer.waiting_bytes()) > Duration::from_millis(400) {
            self.pacer.retain(|_, _| false);
            self.waits_for_keyframe = true;
            self.keyframe_at_us = Some(self.now_us + 150_000);
        }
    }

    fn egress(&mut self) {
        let rate = self.estimator.pacing(self.now());
        self.pacer.set_rate(self.now_us, rate);
        while self.estimator.has_room()
            && let Some((_, bytes)) = self.pacer.pop(self.now_us)
        {
            self.send(bytes, Kind::Video);
        }
        while self.estimator.padding(self.now()) > 0 {
            self.send(250, Kind::Padding);
        }
    }

    fn send(&mut self, bytes: u16, kind: Kind) {
        let number = self.estimator.on_sent(self.now_us, usize::from(bytes));
        self.pacer.on_sent(self.now_us, bytes);
        let room = self.path.rate.bytes_in(self.path.queue).max(3000);
        if self.queued_bytes + u64::from(bytes) > room {
            self.sample.audio_lost += u32::from(kind == Kind::Audio);
            return;
        }
        self.queued_bytes += u64::from(bytes);
        self.queue.push_back(Flying { number, bytes, kind, left_us: self.now_us, arrives_us: 0 });
    }
}
