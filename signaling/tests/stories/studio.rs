//! Real recordings with known pictures and tones, and eyes and ears for what is made of them. Needs `ffmpeg`.

use std::path::Path;
use std::process::{Command, Stdio};

use bytes::Bytes;
use loadtest::ivf;
use loadtest::tone::ToneSource;
use protocol::ids::{CallId, RecordingId};
use recorder::{Recorder, RecordingHandle, RecordingSpec, Side, TrackSpec};
use rtp::codec::vp8::Vp8Payloader;
use rtp::packetizer::Payloader;
use serde_json::json;
use sfu::{Codec, NodeTime, Source, TapEvent, TapPacket, TapSender};

/// Pictures a second of a film.
pub(crate) const FPS: u64 = 15;

/// Runs a program and gives its standard output; fails loudly with what it says.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// VP8 of a source of lavfi; a keyframe every second.
pub(crate) fn film(source: &str, seconds: u64) -> Vec<Bytes> {
    let (rate, seconds) = (FPS.to_string(), seconds.to_string());
    let arguments = [
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        source,
        "-t",
        &seconds,
        "-pix_fmt",
        "yuv420p",
        "-c:v",
        "libvpx",
        "-deadline",
        "realtime",
        "-cpu-used",
        "8",
        "-auto-alt-ref",
        "0",
        "-b:v",
        "300k",
        "-g",
        &rate,
        "-f",
        "ivf",
        "-",
    ];
    ivf::frames(&run("ffmpeg", &arguments)).unwrap().into_iter().map(|(_, frame)| frame.into()).collect()
}

/// A film whose luma is `begin + step * second`.
pub(crate) fn counter(begin: i32, step: i32, seconds: u64) -> Vec<Bytes> {
    let lum = format!("geq=lum='{begin}+({step})*floor(T)':cb=128:cr=128");
    film(&format!("color=black:size=320x240:rate={FPS},{lum}"), seconds)
}

/// One recording being made.
pub(crate) struct Studio {
    pub(crate) id: RecordingId,
    pub(crate) handle: RecordingHandle,
    /// What the buyer is called.
    pub(crate) buyer: String,
    started: NodeTime,
}

impl Studio {
    pub(crate) async fn new(recorder: &Recorder, call: CallId, started: jiff::Timestamp) -> Self {
        let (id, started) = (RecordingId::new(), NodeTime(started.as_microsecond() as u64));
        let spec = RecordingSpec { id: id.0, started, labels: json!({ "call": call }), receipts: Vec::new() };
        Self { id, handle: recorder.start(spec).await.unwrap(), buyer: "Ada".into(), started }
    }

    fn tap(&self, side: Side, source: Source) -> TapSender {
        let (tap, receiver) = sfu::tap_channel(1 << 14);
        let name = if side == Side::Agent { "Grace" } else { &self.buyer }.to_owned();
        self.handle.add_track(TrackSpec { party: uuid::Uuid::now_v7(), side, name, source }, receiver);
        tap
    }

    /// A voice from `begin_ms` on: the frequency of each 20 ms by session time.
    pub(crate) fn voice(&self, side: Side, begin_ms: u64, end_ms: u64, frequency: impl Fn(u64) -> u32) {
        let tap = self.tap(side, Source::Microphone);
        let mut tone: Option<(u32, ToneSource)> = None;
        for (n, at) in (begin_ms..end_ms).step_by(20).enumerate() {
            let wanted = frequency(at);
            if tone.as_ref().is_none_or(|(known, _)| *known != wanted) {
                tone = Some((wanted, ToneSource::new(f64::from(wanted)).unwrap()));
            }
            let payload = tone.as_mut().unwrap().1.next_packet().unwrap().into();
            self.packet(&tap, Codec::Opus, (n as u64, n as u32 * 960), at * 1000, true, 0, payload);
        }
    }

    /// A camera; `turned` gives the rotation of each picture by its number.
    pub(crate) fn camera(&self, side: Side, begin_ms: u64, film: &[Bytes], turned: impl Fn(usize) -> u16) {
        let tap = self.tap(side, Source::Camera);
        let mut payloader = Vp8Payloader::default();
        let mut sequence = 0;
        for (n, frame) in film.iter().enumerate() {
            let payloads = payloader.payload(1200, frame).unwrap();
            let last = payloads.len() - 1;
            let at_us = begin_ms * 1000 + n as u64 * 1_000_000 / FPS;
            for (part, payload) in payloads.into_iter().enumerate() {
                let place = (sequence, n as u32 * (90_000 / FPS as u32));
                self.packet(&tap, Codec::Vp8, place, at_us, part == last, turned(n), payload);
                sequence += 1;
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "a packet has that many parts")]
    fn packet(
        &self,
        tap: &TapSender,
        codec: Codec,
        (sequence, timestamp): (u64, u32),
        at_us: u64,
        marker: bool,
        rotation: u16,
        payload: Bytes,
    ) {
        let arrival = NodeTime(self.started.0 + at_us);
        let rotation = Some(rotation);
        let packet = TapPacket { arrival, codec, sequence, timestamp, marker, rotation, payload };
        assert!(tap.send(TapEvent::Packet(packet)));
    }
}

/// Mean luma of a part of every picture, 16–235: `crop` is `width:height:x:y`.
pub(crate) fn brightness(file: &Path, crop: &str) -> Vec<u8> {
    // In the file's own format, or the luma would be stretched on the way.
    let filter = format!("crop={crop},scale=16:16:flags=area,format=yuv420p");
    let path = file.to_str().unwrap();
    let bytes =
        run("ffmpeg", &["-nostdin", "-v", "error", "-i", path, "-vf", &filter, "-f", "rawvideo", "-"]);
    let pictures = bytes.chunks_exact(16 * 16 * 3 / 2);
    pictures
        .map(|picture| (picture[..256].iter().map(|luma| u32::from(*luma)).sum::<u32>() / 256) as u8)
        .collect()
}

/// One channel's samples at 48 kHz; 0 is left.
pub(crate) fn channel(file: &Path, number: usize) -> Vec<f64> {
    let path = file.to_str().unwrap();
    let bytes = run(
        "ffmpeg",
        &["-nostdin", "-v", "error", "-i", path, "-vn", "-ac", "2", "-ar", "48000", "-f", "s16le", "-"],
    );
    let samples = bytes.chunks_exact(4).map(|pair| {
        let at = 2 * number;
        f64::from(i16::from_le_bytes([pair[at], pair[at + 1]]))
    });
    samples.collect()
}

/// Share of the energy that is at this frequency, 0–1 (Goertzel's algorithm).
pub(crate) fn share_at(samples: &[f64], frequency: f64) -> f64 {
    let coefficient = 2.0 * (std::f64::consts::TAU * frequency / 48_000.0).cos();
    let (mut before, mut last, mut total) = (0.0, 0.0, 0.0);
    for sample in samples {
        let next = sample + coefficient * last - before;
        (before, last) = (last, next);
        total += sample * sample;
    }
    if total == 0.0 {
        return 0.0;
    }
    let power = last * last + before * before - coefficient * last * before;
    2.0 * power / (total * samples.len() as f64)
}

/// What `ffprobe` says of a file: `-show_entries` of this.
pub(crate) fn probe(file: &Path, entries: &str) -> String {
    let path = file.to_str().unwrap();
    let text = run("ffprobe", &["-v", "error", "-show_entries", entries, "-of", "csv=p=0", path]);
    String::from_utf8(text).unwrap().trim().to_owned()
}
