//! One tap to one file at a time: packets and reports in, bytes and manifest facts out. No clock, no disk.

use std::collections::VecDeque;

use sfu::{Codec, Kind, NodeTime, Source, TapEvent};

use crate::analysis::{SoundRun, VoiceMeter};
use crate::assemble::{Assembled, Assembler, AssemblerStats, MediaFrame};
use crate::audio::{AudioGrid, Placed};
use crate::codec::opus::FILLER_SAMPLES;
use crate::model::GapReason;
use crate::mux::{Muxer, Sample};
use crate::timeline::{PartyClock, TrackClock};

/// A picture is shown on for at most this long; a longer silence of video is a hole in the file.
const STRETCH_MAX_MS: i64 = 2000;

/// Holes shorter than this are not worth a line in the manifest, unless something was lost.
const GAP_NOTED_MS: i64 = 1000;

/// Concealed sound shorter than this is not worth a line in the manifest.
const CONCEALMENT_NOTED_MS: i64 = 100;

/// How long the last frame may wait for its successor, which tells its duration, after its fragment is due.
const SUCCESSOR_WAIT_US: u64 = 500_000;

/// A key frame that does not come is asked for again after this.
const KEYFRAME_RETRY_US: u64 = 1_000_000;

/// A first frame lasts this long if nothing follows: 30 frames a second.
const TYPICAL_US: i64 = 33_333;

/// Durations in microseconds, from [`crate::RecorderConfig`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) fragment_max_us: u64,
    pub(crate) reorder_wait_us: u64,
    pub(crate) keyframe_every_us: u64,
}

/// What is to be written, in this order.
#[derive(Debug)]
pub(crate) enum Output {
    /// A file begins.
    Open(NewFile),
    /// The file's next fragment, in one piece.
    Fragment { bytes: Vec<u8>, start_ms: u64, end_ms: u64, keyframe: bool },
    /// Media is missing here.
    Gap { start_ms: u64, end_ms: u64, reason: GapReason },
    /// The picture is turned from here on.
    Rotation { at_ms: u64, degrees: u16 },
    /// A stretch of the waveform.
    Sound(SoundRun),
    /// The file is complete.
    Close(AssemblerStats),
}

/// The head of a file.
#[derive(Debug)]
pub(crate) struct NewFile {
    pub(crate) init: Vec<u8>,
    pub(crate) mime: String,
    pub(crate) extension: &'static str,
    pub(crate) codec: Codec,
    pub(crate) size: Option<(u16, u16)>,
    pub(crate) rotation: u16,
}

#[derive(Debug)]
struct File {
    codec: Codec,
    muxer: Muxer,
    timescale: i64,
    grid: AudioGrid,
    /// Of audio.
    meter: Option<VoiceMeter>,
    /// The fragment under construction. Of video, the last sample's duration is not known yet.
    samples: Vec<Sample>,
    /// Arrival of the first and of the last of `samples`.
    arrivals: Option<(NodeTime, NodeTime)>,
    /// End of the last written sample, ticks.
    end: Option<i64>,
    /// Usual distance of video frames, ticks.
    typical: i64,
}

/// The recorder of one tap.
#[derive(Debug)]
pub(crate) struct Track {
    settings: Settings,
    kind: Kind,
    /// Zero of the session, microseconds of node time.
    started_us: i64,
    clock: TrackClock,
    assembler: Assembler,
    file: Option<File>,
    rotation: Option<u16>,
    /// Why the next frame does not follow the last one, if it does not.
    broken: Option<GapReason>,
    last_key: Option<NodeTime>,
    last_wish: Option<NodeTime>,
    paused: bool,
    /// Media from before this moment is not written: it belongs to a pause.
    not_before_us: i64,
    out: VecDeque<Output>,
}

impl Track {
    pub(crate) fn new(settings: Settings, source: Source, started: NodeTime) -> Self {
        let kind = source.kind();
        let codec_of_kind = if kind == Kind::Audio { Codec::Opus } else { Codec::Vp8 };
        Self {
            settings,
            kind,
            started_us: started.0 as i64,
            clock: TrackClock::new(codec_of_kind.clock_rate()),
            assembler: Assembler::new(settings.reorder_wait_us),
            file: None,
            rotation: None,
            broken: None,
            last_key: None,
            last_wish: None,
            paused: false,
            not_before_us: 0,
            out: VecDeque::new(),
        }
    }

    /// Takes in what the tap delivered.
    pub(crate) fn event(&mut self, event: TapEvent, party: &mut PartyClock) {
        match event {
            TapEvent::Packet(packet) => {
                if packet.codec.kind() != self.kind {
                    return; // Not what this source can be.
                }
                let now = packet.arrival;
                if !packet.payload.is_empty() {
                    // The timestamps of padding mean nothing.
                    self.clock.arrived(packet.timestamp, packet.arrival, party);
                }
                if self.paused {
                    return; // The clock may know of it, nothing else.
                }
                self.assembler.push(packet);
                self.tick(now, party);
            }
            TapEvent::SenderReport(report) => self.clock.sender_report(&report, party),
            TapEvent::Restart => {
                self.assembler.restart();
                self.drain(party);
                self.restarted();
            }
        }
    }

    /// Writes what came before, and nothing of what comes until [`Track::resume`].
    pub(crate) fn pause(&mut self, party: &PartyClock) {
        if !self.paused {
            self.assembler.flush();
            self.drain(party);
            if let Some(file) = &mut self.file {
                file.estimate_last(file.typical);
                file.close_fragment(&mut self.out);
                let run = file.meter.as_mut().and_then(VoiceMeter::flush);
                self.out.extend(run.map(Output::Sound));
            }
            self.paused = true;
        }
    }

    /// Writes again, beginning with media of `now` and, of video, with a key frame.
    pub(crate) fn resume(&mut self, now: NodeTime) {
        if self.paused {
            self.paused = false;
            self.assembler.restart();
            self.not_before_us = now.0 as i64 - self.started_us;
            self.broken = Some(GapReason::Paused);
            self.last_wish = None;
        }
    }

    /// Lets time pass: gives up lost packets, writes what has waited long enough.
    pub(crate) fn tick(&mut self, now: NodeTime, party: &PartyClock) {
        self.assembler.tick(now);
        self.drain(party);
        let Some(file) = &mut self.file else { return };
        if let Some((oldest, newest)) = file.arrivals
            && now.0 >= oldest.0 + self.settings.fragment_max_us + SUCCESSOR_WAIT_US
        {
            let waited_us = now.0.saturating_sub(newest.0) as i64;
            let duration = file.typical.min(waited_us * file.timescale / 1_000_000);
            file.estimate_last(duration);
            file.close_fragment(&mut self.out);
        }
    }

    /// When [`Track::tick`] has something to do.
    pub(crate) fn deadline(&self) -> Option<NodeTime> {
        let fragment = self
            .file
            .as_ref()
            .and_then(|file| file.arrivals)
            .map(|(oldest, _)| NodeTime(oldest.0 + self.settings.fragment_max_us + SUCCESSOR_WAIT_US));
        [fragment, self.assembler.deadline()].into_iter().flatten().min()
    }

    /// The tap ended: writes everything.
    pub(crate) fn finish(&mut self, party: &PartyClock) {
        self.assembler.flush();
        self.drain(party);
        self.close_file();
    }

    /// The next thing to write.
    pub(crate) fn pop(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// Whether to ask the publisher for a key frame now. True is said once for each wish.
    pub(crate) fn wants_keyframe(&mut self, now: NodeTime) -> bool {
        if self.kind == Kind::Audio || self.paused {
            return false;
        }
        let since = |time: Option<NodeTime>| time.map_or(u64::MAX, |time| now.0.saturating_sub(time.0));
        let wants = if self.assembler.needs_key() {
            since(self.last_wish) >= KEYFRAME_RETRY_US
        } else {
            since(self.last_wish).min(since(self.last_key)) >= self.settings.keyframe_every_us
        };
        if wants {
            self.last_wish = Some(now);
        }
        wants
    }

    fn drain(&mut self, party: &PartyClock) {
        while let Some(assembled) = self.assembler.pop() {
            match assembled {
                Assembled::Frame(frame) => {
                    let node_us = self.clock.map(frame.timestamp, frame.arrival, party);
                    let at_us = (node_us - self.started_us).max(0);
                    if at_us < self.not_before_us {
                        continue; // It was on its way while the recording was paused.
                    }
                    match self.kind {
                        Kind::Audio => self.audio(frame, at_us),
                        Kind::Video => self.video(frame, at_us),
                    }
                }
                Assembled::Broken => {
                    self.broken.get_or_insert(GapReason::Lost);
                    self.last_wish = None;
                }
                Assembled::Restart => self.restarted(),
            }
        }
    }

    fn restarted(&mut self) {
        self.clock.restart();
        self.broken.get_or_insert(GapReason::Restart);
        self.last_wish = None;
    }

    fn audio(&mut self, frame: MediaFrame, at_us: i64) {
        if self.file.is_none() && !self.open(&frame) {
            return;
        }
        let Some(file) = &mut self.file else { return };
        let (at, duration) = match file.grid.place(at_us, &frame.data) {
            Placed::Packet { at, duration, fillers, filler } => {
                let filled = i64::from(fillers * FILLER_SAMPLES);
                if self.broken.is_some() && filled * 1000 >= CONCEALMENT_NOTED_MS * file.timescale {
                    self.out.push_back(file.gap(at - filled, at, self.broken.unwrap_or(GapReason::Lost)));
                }
                for i in 0..i64::from(fillers) {
                    let at = at - filled + i * i64::from(FILLER_SAMPLES);
                    let sample = Sample { at, duration: FILLER_SAMPLES, key: true, data: vec![filler] };
                    file.push_audio(sample, frame.arrival, self.settings.fragment_max_us, &mut self.out);
                }
                (at, duration)
            }
            Placed::AfterGap { at, duration, from } => {
                file.close_fragment(&mut self.out);
                if let Some(from) = from {
                    self.out.push_back(file.gap(from, at, self.broken.unwrap_or(GapReason::Silent)));
                }
                (at, duration)
            }
            Placed::Skipped => return,
            Placed::Malformed => {
                self.assembler.stats.malformed += 1;
                return;
            }
        };
        self.broken = None;
        let run = file.meter.as_mut().and_then(|meter| meter.packet(at, &frame.data));
        self.out.extend(run.map(Output::Sound));
        let sample = Sample { at, duration, key: true, data: frame.data };
        file.push_audio(sample, frame.arrival, self.settings.fragment_max_us, &mut self.out);
    }

    fn video(&mut self, frame: MediaFrame, at_us: i64) {
        if self.file.as_ref().is_some_and(|file| file.codec != frame.codec) {
            self.close_file();
        }
        let opens = self.file.is_none();
        if opens && !self.open(&frame) {
            return;
        }
        let Some(file) = &mut self.file else { return };
        let ms = |ms: i64| ms * file.timescale / 1000;
        let mut at = at_us * file.timescale / 1_000_000;
        if let Some(last) = file.samples.last_mut() {
            // Never backwards: a correction of the clock may squeeze frames, not reorder them.
            at = at.max(last.at + 1);
            let distance = at - last.at;
            let end = last.at + distance.min(file.typical);
            let hole = distance > ms(STRETCH_MAX_MS);
            last.duration = if hole { end - last.at } else { distance } as u32;
            if hole || (self.broken.is_some() && at > end) {
                self.out.push_back(file.gap(end, at, self.broken.unwrap_or(GapReason::Silent)));
            } else {
                file.typical = distance.min(ms(1000));
            }
            let due =
                at - file.samples[0].at >= self.settings.fragment_max_us as i64 * file.timescale / 1_000_000;
            if hole || frame.key.is_some() || due {
                file.close_fragment(&mut self.out);
            }
        } else if let Some(end) = file.end {
            at = at.max(end);
            if at - end >= ms(GAP_NOTED_MS) || (self.broken.is_some() && at > end) {
                self.out.push_back(file.gap(end, at, self.broken.unwrap_or(GapReason::Silent)));
            }
        }
        self.broken = None;
        if let Some(degrees) = frame.rotation
            && self.rotation != Some(degrees)
        {
            if !opens {
                let at_ms = (at * 1000 / file.timescale) as u64;
                self.out.push_back(Output::Rotation { at_ms, degrees });
            }
            self.rotation = Some(degrees);
        }
        if frame.key.is_some() {
            self.last_key = Some(frame.arrival);
        }
        file.note_arrival(frame.arrival);
        file.samples.push(Sample { at, duration: 0, key: frame.key.is_some(), data: frame.data });
    }

    /// Begins a file with this frame. False if its configuration cannot be written: the frame is left out.
    fn open(&mut self, frame: &MediaFrame) -> bool {
        let opened = match (&frame.key, self.kind) {
            (_, Kind::Audio) => Muxer::audio(),
            (Some(key), Kind::Video) => Muxer::video(&key.config, key.width, key.height),
            (None, Kind::Video) => return false,
        };
        let Ok(opened) = opened else {
            self.assembler.stats.malformed += 1;
            return false;
        };
        self.out.push_back(Output::Open(NewFile {
            init: opened.init,
            mime: opened.mime,
            extension: opened.extension,
            codec: frame.codec,
            size: frame.key.as_ref().map(|key| (key.width, key.height)),
            rotation: frame.rotation.or(self.rotation).unwrap_or(0),
        }));
        let timescale = opened.muxer.timescale(self.kind == Kind::Audio);
        self.file = Some(File {
            codec: frame.codec,
            muxer: opened.muxer,
            timescale,
            grid: AudioGrid::default(),
            meter: if self.kind == Kind::Audio { VoiceMeter::new() } else { None },
            samples: Vec::new(),
            arrivals: None,
            end: None,
            typical: TYPICAL_US * timescale / 1_000_000,
        });
        true
    }

    fn close_file(&mut self) {
        if let Some(mut file) = self.file.take() {
            file.estimate_last(file.typical);
            file.close_fragment(&mut self.out);
            let run = file.meter.as_mut().and_then(VoiceMeter::flush);
            self.out.extend(run.map(Output::Sound));
            self.out.push_back(Output::Close(std::mem::take(&mut self.assembler.stats)));
        }
    }
}

impl File {
    fn note_arrival(&mut self, arrival: NodeTime) {
        let oldest = self.arrivals.map_or(arrival, |(oldest, _)| oldest);
        self.arrivals = Some((oldest, arrival));
    }

    fn push_audio(
        &mut self,
        sample: Sample,
        arrival: NodeTime,
        fragment_max_us: u64,
        out: &mut VecDeque<Output>,
    ) {
        self.note_arrival(arrival);
        let end = sample.at + i64::from(sample.duration);
        self.samples.push(sample);
        if end - self.samples[0].at >= fragment_max_us as i64 * self.timescale / 1_000_000 {
            self.close_fragment(out);
        }
    }

    /// Gives the last sample a duration if it has none: nothing followed it.
    fn estimate_last(&mut self, duration: i64) {
        if let Some(last) = self.samples.last_mut()
            && last.duration == 0
        {
            last.duration = duration.max(1) as u32;
        }
    }

    fn close_fragment(&mut self, out: &mut VecDeque<Output>) {
        let samples = std::mem::take(&mut self.samples);
        self.arrivals = None;
        let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return };
        let end = last.at + i64::from(last.duration);
        self.end = Some(end);
        let (start_ms, end_ms) = (self.ms_floor(first.at), self.ms_ceil(end));
        match self.muxer.fragment(&samples) {
            Ok(bytes) => out.push_back(Output::Fragment { bytes, start_ms, end_ms, keyframe: first.key }),
            Err(error) => {
                tracing::warn!(%error, start_ms, end_ms, "fragment left out");
                out.push_back(Output::Gap { start_ms, end_ms, reason: GapReason::Lost });
            }
        }
    }

    fn gap(&self, from: i64, to: i64, reason: GapReason) -> Output {
        Output::Gap { start_ms: self.ms_floor(from), end_ms: self.ms_ceil(to), reason }
    }

    fn ms_floor(&self, ticks: i64) -> u64 {
        (ticks * 1000 / self.timescale) as u64
    }

    fn ms_ceil(&self, ticks: i64) -> u64 {
        ((ticks * 1000 + self.timescale - 1) / self.timescale) as u64
    }
}

#[cfg(test)]
mod tests;
