//! A model subscriber: its slots, what it asks for, and what it reports.

pub mod audio;
pub mod display;
pub mod feedback;
pub mod missing;
pub mod video;
pub mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc_shared::marshal::Marshal;
use rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate;
use rtcp::receiver_report::ReceiverReport;
use rtcp::sender_report::SenderReport;
use rtcp::transport_feedbacks::transport_layer_nack::{TransportLayerNack, nack_pairs_from_sequence_numbers};

use self::audio::AudioReceiver;
use self::feedback::{Reception, TransportArrivals};
use self::video::VideoReceiver;
use crate::clock::{ms, secs};
use crate::format::marker::Marker;
use crate::format::rtp;
use crate::peer::description::{AUDIO_SLOTS, Answer, Ext, VIDEO_SLOTS, VideoCodec, extension_id};

/// How often a browser looks after its NACK list.
const TICK: Duration = ms(20);
const TWCC_EVERY: Duration = ms(50);
const REPORT_EVERY: Duration = secs(1);

/// One stream as its publisher sends it: whose, what, which encoding, and how often it began anew.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Stream {
    /// Index of the person.
    pub person: u8,
    /// 0 microphone, 1 camera, 2 screen.
    pub source: u8,
    /// Simulcast encoding, 0 the lowest.
    pub encoding: u8,
    /// How often the publisher began anew.
    pub epoch: u8,
}

impl Stream {
    /// What a marker says.
    pub fn of(marker: &Marker) -> Self {
        Self {
            person: marker.person,
            source: marker.source,
            encoding: marker.encoding & 0x0f,
            epoch: marker.encoding >> 4,
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = ["microphone", "camera", "screen"].get(usize::from(self.source)).unwrap_or(&"?");
        write!(f, "person {}'s {source}", self.person)?;
        if self.encoding > 0 || self.epoch > 0 {
            write!(f, " (encoding {}, start {})", self.encoding, self.epoch)?;
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Audio(usize),
    Video { slot: usize, rtx: bool },
}

/// See the module.
pub struct Subscriber {
    start: Instant,
    ssrc: u32,
    transport_cc: Option<u8>,
    remb_bps: Option<u64>,
    places: BTreeMap<u32, Place>,
    receptions: BTreeMap<u32, Reception>,
    /// Sound, by slot.
    pub audio: Vec<AudioReceiver>,
    /// Pictures, by slot.
    pub video: Vec<VideoReceiver>,
    arrivals: TransportArrivals,
    next_tick: Instant,
    next_twcc: Instant,
    next_report: Instant,
    outgoing: Vec<Bytes>,
    strangers: u64,
    padding_bytes: u64,
    /// Bytes of RTP by tenth of a second.
    received_bytes: BTreeMap<u64, u64>,
}

impl Subscriber {
    /// From what was answered.
    pub fn new(now: Instant, person: usize, answer: &Answer) -> Self {
        let mut places = BTreeMap::new();
        let (mut audio, mut video) = (Vec::new(), Vec::new());
        let id = |mid: &str, extension| {
            let id = extension_id(person, extension);
            answer.line(mid).is_some_and(|line| line.extensions.contains(&id)).then_some(id)
        };
        for mid in AUDIO_SLOTS {
            let ssrcs = answer.line(mid).map(|line| line.ssrcs.clone()).unwrap_or_default();
            places.extend(ssrcs.iter().map(|ssrc| (*ssrc, Place::Audio(audio.len()))));
            audio.push(AudioReceiver::new(ssrcs.first().copied().unwrap_or(0), now));
        }
        for mid in VIDEO_SLOTS {
            let ssrcs = answer.line(mid).map(|line| line.ssrcs.clone()).unwrap_or_default();
            for (order, ssrc) in ssrcs.iter().enumerate() {
                places.insert(*ssrc, Place::Video { slot: video.len(), rtx: order > 0 });
            }
            let ssrc = ssrcs.first().copied().unwrap_or(0);
            video.push(VideoReceiver::new(ssrc, id(mid, Ext::Dependency), id(mid, Ext::PlayoutDelay)));
        }
        Self {
            start: now,
            ssrc: 1 + person as u32,
            transport_cc: id(VIDEO_SLOTS[0], Ext::TransportCc),
            remb_bps: None,
            places,
            receptions: BTreeMap::new(),
            audio,
            video,
            arrivals: TransportArrivals::default(),
            next_tick: now + TICK,
            next_twcc: now + TWCC_EVERY,
            next_report: now + REPORT_EVERY,
            outgoing: Vec::new(),
            strangers: 0,
            padding_bytes: 0,
            received_bytes: BTreeMap::new(),
        }
    }

    /// Sends REMB with this estimate from now on.
    pub fn set_remb(&mut self, bps: Option<u64>) {
        self.remb_bps = bps;
    }

    /// Packets of streams the answer does not know.
    pub fn strangers(&self) -> u64 {
        self.strangers
    }

    /// Bytes that carried nothing (probes).
    pub fn padding_bytes(&self) -> u64 {
        self.padding_bytes
    }

    /// RTP bytes that arrived in each tenth of a second since the start.
    pub fn received_bytes(&self) -> &BTreeMap<u64, u64> {
        &self.received_bytes
    }

    /// Takes a decrypted RTP packet.
    pub fn handle_rtp(&mut self, now: Instant, bytes: &[u8]) {
        let Some(mut packet) = rtp::read(bytes) else {
            self.strangers += 1;
            return;
        };
        let tenth = (now.duration_since(self.start).as_millis() / 100) as u64;
        *self.received_bytes.entry(tenth).or_default() += bytes.len() as u64;
        if let Some([high, low, ..]) = self.transport_cc.and_then(|id| packet.extension(id)) {
            self.arrivals.arrived(now, u16::from_be_bytes([*high, *low]));
        }
        let header = packet.header;
        let reception = |this: &mut Self, rate: u32, highest: Option<u64>| {
            let entry = this.receptions.entry(header.ssrc).or_default();
            entry.arrived(now, this.start, rate, header.timestamp, highest.unwrap_or(0));
        };
        match self.places.get(&header.ssrc).copied() {
            Some(Place::Audio(slot)) => {
                self.audio[slot].receive(now, &packet);
                let highest = self.audio[slot].highest();
                reception(self, 48_000, highest);
            }
            Some(Place::Video { slot, rtx: false }) => {
                self.video[slot].receive(now, packet, false);
                let hold = self.video.iter().map(VideoReceiver::hold).max().unwrap_or_default();
                self.audio.iter_mut().for_each(|audio| audio.hold(now, hold));
                let highest = self.video[slot].highest();
                reception(self, 90_000, highest);
            }
            Some(Place::Video { slot, rtx: true }) => {
                let media = VideoCodec::of(header.payload_type).map(|(codec, _)| codec.payload_types().0);
                match (packet.payload.split_first_chunk::<2>(), media) {
                    (Some((original, rest)), Some(payload_type)) => {
                        packet.header.sequence = u16::from_be_bytes(*original);
                        packet.header.payload_type = payload_type;
                        packet.payload = rest.to_vec();
                        self.video[slot].receive(now, packet, true);
                    }
                    _ => self.padding_bytes += bytes.len() as u64,
                }
            }
            None => self.strangers += 1,
        }
    }

    /// Takes a sender report.
    pub fn handle_sender_report(&mut self, now: Instant, report: &SenderReport) {
        if let Some(reception) = self.receptions.get_mut(&report.ssrc) {
            reception.reported(now, report.ntp_time);
        }
        match self.places.get(&report.ssrc) {
            Some(Place::Audio(slot)) => self.audio[*slot].on_sender_report(report.ntp_time, report.rtp_time),
            Some(Place::Video { slot, .. }) => {
                self.video[*slot].on_sender_report(report.ntp_time, report.rtp_time);
            }
            None => {}
        }
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Instant {
        self.next_tick.min(self.next_twcc).min(self.next_report)
    }

    /// Asks and reports what is due.
    pub fn handle_timeout(&mut self, now: Instant, rtt: Duration) {
        if self.next_tick <= now {
            self.next_tick = now + TICK;
            for video in &mut self.video {
                video.set_rtt(rtt);
                let missing = video.missing(now, rtt);
                let media_ssrc = video.ssrc;
                if !missing.is_empty() {
                    let nacks = nack_pairs_from_sequence_numbers(&missing);
                    let nack = TransportLayerNack { sender_ssrc: self.ssrc, media_ssrc, nacks };
                    self.outgoing.extend(nack.marshal().ok().map(|bytes| bytes.freeze()));
                }
                if video.wants_keyframe(now) {
                    let pli = PictureLossIndication { sender_ssrc: self.ssrc, media_ssrc };
                    self.outgoing.extend(pli.marshal().ok().map(|bytes| bytes.freeze()));
                }
            }
        }
        if self.next_twcc <= now {
            self.next_twcc = now + TWCC_EVERY;
            while let Some(report) = self.arrivals.report(self.ssrc, self.video[0].ssrc) {
                self.outgoing.extend(report.marshal().ok().map(|bytes| bytes.freeze()));
            }
        }
        if self.next_report <= now {
            self.next_report = now + REPORT_EVERY;
            self.report(now);
        }
    }

    /// Asks for a keyframe on every slot, whether it is needed or not.
    pub fn ask_for_keyframes(&mut self) {
        for video in &self.video {
            let pli = PictureLossIndication { sender_ssrc: self.ssrc, media_ssrc: video.ssrc };
            self.outgoing.extend(pli.marshal().ok().map(|bytes| bytes.freeze()));
        }
    }

    /// The next compound packet to seal and send.
    pub fn poll_rtcp(&mut self) -> Option<Bytes> {
        (!self.outgoing.is_empty()).then(|| self.outgoing.remove(0))
    }

    fn report(&mut self, now: Instant) {
        let highest = self
            .audio
            .iter()
            .map(|it| (it.ssrc, it.highest()))
            .chain(self.video.iter().map(|it| (it.ssrc, it.highest())));
        let mut reports = Vec::new();
        for (ssrc, highest) in highest {
            if let (Some(highest), Some(reception)) = (highest, self.receptions.get_mut(&ssrc)) {
                reports.extend(reception.block(now, ssrc, highest));
            }
        }
        if !reports.is_empty() {
            let report = ReceiverReport { ssrc: self.ssrc, reports, profile_extensions: Bytes::new() };
            self.outgoing.extend(report.marshal().ok().map(|bytes| bytes.freeze()));
        }
        if let Some(bps) = self.remb_bps {
            let ssrcs = self.video.iter().map(|it| it.ssrc).collect();
            let remb = ReceiverEstimatedMaximumBitrate { sender_ssrc: self.ssrc, bitrate: bps as f32, ssrcs };
            self.outgoing.extend(remb.marshal().ok().map(|bytes| bytes.freeze()));
        }
    }
}
