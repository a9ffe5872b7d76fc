//! What does recording a call cost? `cargo bench -p recorder --bench cost`
//!
//! Calls of two people, each with 720p at 2 Mbit/s and a voice, in real time: first their packets are handed to taps that
//! nobody records, then to taps that are recorded (reordering, framing, analysis of the voices, sealing, writing). The
//! difference in CPU time of the process is the cost, as a share of a core a call; memory likewise. Our aims: 0.5 % of
//! a core and 2 MB a recording. `CALLS` and `SECONDS` change the size; in tests it is tiny, so that it cannot rot.
#![allow(clippy::unwrap_used, reason = "a program for developers: a panic is its report")]

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use recorder::{
    KEY_LEN, KeyFuture, KeyWrap, Recorder, RecorderConfig, RecordingHandle, RecordingSpec, Side, TrackSpec,
};
use rtp::codec::vp8::Vp8Payloader;
use rtp::packetizer::Payloader;
use sfu::{Codec, NodeTime, SenderReport, Source, TapEvent, TapPacket, TapReceiver, TapSender, tap_channel};
use uuid::Uuid;

const STARTED: u64 = 1_790_000_000_000_000;
const FPS: u64 = 30;

/// Keys in the clear: wrapping happens once a recording.
struct Keys;

impl KeyWrap for Keys {
    fn wrap<'a>(&'a self, _: Uuid, key: &'a [u8; KEY_LEN]) -> KeyFuture<'a, Vec<u8>> {
        Box::pin(async move { Ok(key.to_vec()) })
    }

    fn unwrap<'a>(&'a self, _: Uuid, wrapped: &'a [u8]) -> KeyFuture<'a, [u8; KEY_LEN]> {
        Box::pin(async move { wrapped.try_into().map_err(std::io::Error::other) })
    }
}

/// Media that is sent over and over: the packets of each picture, and the voice's packets of 20 ms.
struct Media {
    pictures: Vec<Vec<Bytes>>,
    voice: Vec<Bytes>,
}

impl Media {
    fn new() -> Self {
        let encode = |arguments: &[&str]| {
            let output = Command::new("ffmpeg").args(["-v", "error"]).args(arguments).output();
            let output = output.expect("ffmpeg is installed (apt-get install ffmpeg)");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            output.stdout
        };
        let source = "testsrc2=size=1280x720:rate=30,noise=alls=12:allf=t";
        let ivf = encode(&[
            "-f",
            "lavfi",
            "-i",
            source,
            "-t",
            "4",
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
            "2M",
            "-minrate",
            "2M",
            "-maxrate",
            "2M",
            "-f",
            "ivf",
            "-",
        ]);
        let mut payloader = Vp8Payloader::default();
        let (mut pictures, mut rest) = (Vec::new(), &ivf[32..]);
        while rest.len() > 12 {
            let size = u32::from_le_bytes(rest[..4].try_into().unwrap()) as usize;
            let frame = Bytes::copy_from_slice(&rest[12..12 + size]);
            pictures.push(payloader.payload(1200, &frame).unwrap());
            rest = &rest[12 + size..];
        }
        // Words and pauses between them.
        let mut encoder = opus::Encoder::new(48_000, opus::Channels::Mono, opus::Application::Voip).unwrap();
        let mut noise = 1u32;
        let voice = (0..200u32).map(|n| {
            let loud = if n / 40 % 2 == 0 { 6_000.0 } else { 60.0 };
            let samples: Vec<i16> = (0..960u32)
                .map(|i| {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let tone =
                        (f64::from(n * 960 + i) * 0.02).sin() + f64::from(noise >> 16) / 65_536.0 - 0.5;
                    (tone * loud) as i16
                })
                .collect();
            Bytes::from(encoder.encode_vec(&samples, 1275).unwrap())
        });
        Self { pictures, voice: voice.collect() }
    }
}

/// A person's two tracks on their way to the taps.
struct Person {
    camera: TapSender,
    microphone: TapSender,
    sequences: (u64, u64),
}

impl Person {
    fn send(&mut self, codec: Codec, at_us: u64, timestamp: u32, marker: bool, payload: &Bytes) {
        let (tap, sequence) = match codec {
            Codec::Opus => (&self.microphone, &mut self.sequences.0),
            _ => (&self.camera, &mut self.sequences.1),
        };
        *sequence += 1;
        let (arrival, sequence, payload) = (NodeTime(STARTED + at_us), *sequence, payload.clone());
        assert!(tap.send(TapEvent::Packet(TapPacket {
            arrival,
            codec,
            sequence,
            timestamp,
            marker,
            rotation: None,
            payload,
        })));
    }

    fn report(&self, at_us: u64) {
        let ntp = (4_000_000_000_u64 << 32) + (((u128::from(at_us)) << 32) / 1_000_000) as u64;
        for (tap, rate) in [(&self.microphone, 48_000), (&self.camera, 90_000)] {
            let rtp_timestamp = (at_us * rate / 1_000_000) as u32;
            tap.send(TapEvent::SenderReport(SenderReport {
                arrival: NodeTime(STARTED + at_us),
                ntp,
                rtp_timestamp,
            }));
        }
    }
}

/// Sends everybody's media in real time.
async fn play(people: &mut [Person], media: &Media, seconds: u64) {
    let begun = Instant::now();
    let mut picture = 0;
    for tick in 0..seconds * 50 {
        let at_us = tick * 20_000;
        tokio::time::sleep(Duration::from_micros(at_us).saturating_sub(begun.elapsed())).await;
        while picture * 1_000_000 / FPS <= at_us {
            let packets = &media.pictures[picture as usize % media.pictures.len()];
            for person in people.iter_mut() {
                for (n, payload) in packets.iter().enumerate() {
                    let timestamp = (picture * 90_000 / FPS) as u32;
                    person.send(Codec::Vp8, at_us, timestamp, n + 1 == packets.len(), payload);
                }
            }
            picture += 1;
        }
        let voice = &media.voice[tick as usize % media.voice.len()];
        for person in people.iter_mut() {
            person.send(Codec::Opus, at_us, (tick * 960) as u32, true, voice);
            if tick % 50 == 25 {
                person.report(at_us);
            }
        }
    }
}

/// CPU time of this process so far, seconds, and what it has in memory, bytes.
fn used() -> (f64, f64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat[stat.rfind(')').unwrap()..].split_whitespace().collect();
    // utime and stime are fields 14 and 15 of proc(5), in hundredths of a second.
    let ticks: f64 = fields[12].parse::<f64>().unwrap() + fields[13].parse::<f64>().unwrap();
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: f64 = statm.split_whitespace().nth(1).unwrap().parse().unwrap();
    (ticks / 100.0, pages * 4096.0)
}

/// Plays `calls` calls into what `listen` makes of the taps of each; CPU seconds and bytes it took.
async fn measure<L>(
    media: &Media,
    calls: usize,
    seconds: u64,
    mut listen: impl AsyncFnMut(Vec<(TrackSpec, TapReceiver)>) -> L,
) -> (f64, f64, Vec<L>) {
    let (mut people, mut listeners) = (Vec::new(), Vec::new());
    let before = used();
    for _ in 0..calls {
        let mut taps = Vec::new();
        for side in [Side::Buyer, Side::Agent] {
            let party = Uuid::now_v7();
            let mut tap = |source| {
                let (sender, receiver) = tap_channel(2_048);
                taps.push((TrackSpec { party, side, name: "Ada".to_owned(), source }, receiver));
                sender
            };
            let (camera, microphone) = (tap(Source::Camera), tap(Source::Microphone));
            people.push(Person { camera, microphone, sequences: (0, 0) });
        }
        listeners.push(listen(taps).await);
    }
    play(&mut people, media, seconds).await;
    let after = used();
    (after.0 - before.0, after.1 - before.1, listeners)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let number =
        |name: &str, default: u64| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    // `cargo test --benches` passes no `--bench`.
    let tiny = !std::env::args().any(|argument| argument == "--bench");
    let (calls, seconds) = if tiny { (2, 1) } else { (number("CALLS", 50), number("SECONDS", 20)) };
    let media = Media::new();
    let bytes: usize = media.pictures.iter().flatten().map(Bytes::len).sum();
    let kbps = bytes as u64 * 8 * FPS / media.pictures.len() as u64 / 1000;

    let drain = async |taps: Vec<(TrackSpec, TapReceiver)>| {
        for (_, mut tap) in taps {
            tokio::spawn(async move { while tap.recv().await.is_some() {} });
        }
    };
    // Once unmeasured: code, heap and media are then in memory for both.
    measure(&media, calls as usize, 1, drain).await;
    let (bare, bare_memory, _) = measure(&media, calls as usize, seconds, drain).await;

    let dir = tempfile::tempdir().unwrap();
    let (recorder, _) = Recorder::open(RecorderConfig::new(dir.path(), Arc::new(Keys))).await.unwrap();
    let record = async |taps: Vec<(TrackSpec, TapReceiver)>| {
        let id = Uuid::now_v7();
        let labels = serde_json::Value::Null;
        let spec = RecordingSpec { id, started: NodeTime(STARTED), labels, receipts: Vec::new() };
        let handle = recorder.start(spec).await.unwrap();
        for (track, tap) in taps {
            handle.add_track(track, tap);
        }
        handle
    };
    let (recorded, memory, handles): (f64, f64, Vec<RecordingHandle>) =
        measure(&media, calls as usize, seconds, record).await;
    let mut written = 0;
    for handle in &handles {
        written += handle.stop().await.bytes;
    }
    let per_call = |value: f64| value / calls as f64;
    println!("{calls} calls of two people for {seconds} s, each 720p at {kbps} kbit/s and a voice");
    println!("taps without a recording   {:.3} % of a core a call", 100.0 * per_call(bare) / seconds as f64);
    println!(
        "taps with a recording      {:.3} % of a core a call",
        100.0 * per_call(recorded) / seconds as f64
    );
    println!(
        "recording a call           {:.3} % of a core (aim 0.5), {:.2} MB in memory (aim 2)",
        100.0 * per_call(recorded - bare) / seconds as f64,
        per_call(memory - bare_memory) / 1e6
    );
    println!(
        "written                    {:.0} kbit/s a call",
        per_call(written as f64) * 8.0 / 1000.0 / seconds as f64
    );
    assert!(written > 0, "nothing was recorded");
}
