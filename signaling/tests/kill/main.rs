//! The kill test: the real program records real calls and is killed with SIGKILL at moments a seed decides: while it
//! records, while finished recordings are on their way to the archive, while the archive is away, and with a full disk. After each start every
//! recording must be linked to its ticket, complete, and play to its end; at most two seconds may be lost.
//!
//! `make kill-test N=1000 SEED=7 CALLS=10` (recordings, seed, calls at once); without variables it is a test of twenty.
#![allow(clippy::unwrap_used, reason = "a panic in a test is the report, in its helpers too")]

mod call;
mod check;
mod s3;
mod server;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use call::{Call, FPS, Film, Pair};
use check::{Outcome, Promise, fetch, judge};
use futures_util::future::join_all;
use loadtest::ivf;
use loadtest::peer::VideoCodec;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use s3::S3;
use serde_json::json;
use server::{Account, Home, Server};
use tokio::time::sleep;

/// When the server is killed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// In the middle of recording.
    Recording,
    /// While what has just ended goes to the archive.
    Uploading,
    /// After calls during which the archive did not answer; it is back only after the next start.
    Outage,
    /// A while after the disk became full, in the middle of the calls.
    DiskFull,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Phase::Recording => "while recording",
            Phase::Uploading => "during the upload",
            Phase::Outage => "without an archive",
            Phase::DiskFull => "with a full disk",
        }
    }
}

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) if !text.is_empty() => text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")),
        _ => default,
    }
}

/// Ten seconds of pictures with a keyframe every second: a film cannot make one when it is asked to.
fn film(codec: VideoCodec) -> Arc<Film> {
    let rate = FPS.to_string();
    let encoder: &[&str] = match codec {
        VideoCodec::H264 => &[
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-tune",
            "zerolatency",
            "-profile:v",
            "baseline",
            "-x264-params",
            "sliced-threads=0:slices=1:repeat-headers=1",
            "-f",
            "h264",
        ],
        _ => {
            &["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-auto-alt-ref", "0", "-f", "ivf"]
        }
    };
    let source = format!("testsrc2=size=320x240:rate={rate}");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", &source, "-t", "10", "-pix_fmt", "yuv420p"])
        .args(["-b:v", "300k", "-g", &rate])
        .args(encoder)
        .arg("-")
        .output()
        .expect("ffmpeg is installed (apt-get install ffmpeg)");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let frames = match codec {
        VideoCodec::H264 => access_units(&made.stdout),
        _ => ivf::frames(&made.stdout).unwrap().into_iter().map(|(_, frame)| frame.into()).collect(),
    };
    assert!(frames.len() as u32 > 5 * FPS, "{} frames", frames.len());
    Arc::new(Film { codec, frames })
}

/// Annex B to access units of one slice each, with what stands before it.
fn access_units(stream: &[u8]) -> Vec<bytes::Bytes> {
    let starts: Vec<usize> =
        (0..stream.len() - 3).filter(|at| stream[*at..].starts_with(&[0, 0, 1])).collect();
    let (mut units, mut unit) = (Vec::new(), Vec::new());
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(stream.len());
        let mut nal = &stream[start + 3..end];
        while let [rest @ .., 0] = nal {
            nal = rest;
        }
        unit.extend([0, 0, 0, 1]);
        unit.extend(nal);
        if matches!(nal[0] & 0x1f, 1 | 5) {
            units.push(std::mem::take(&mut unit).into());
        }
    }
    units
}

/// Everything a run needs.
struct Run {
    rng: StdRng,
    home: Home,
    archive: S3,
    staff: Vec<String>,
    reviewer: String,
    films: [Arc<Film>; 2],
    outcomes: Vec<(&'static str, Outcome)>,
}

impl Run {
    /// One life of the server: calls, and an end in this phase. What it promised.
    async fn life(&mut self, server: Server, phase: Phase, calls: usize) -> Vec<Promise> {
        self.archive.set_away(phase == Phase::Outage);
        let pairs =
            join_all(self.staff[..calls].iter().map(|cookie| Pair::arrive(&server, cookie, &self.films)));
        let mut running: Vec<Call> = Vec::new();
        for pair in pairs.await {
            running.push(pair.begin().await);
        }
        sleep(Duration::from_millis(self.rng.random_range(300..6_000))).await;
        match phase {
            Phase::Recording => {
                let killed = server.kill();
                running.iter().map(|call| Promise::of(call, phase.name(), killed)).collect()
            }
            Phase::Uploading | Phase::Outage => {
                let until = server::now_us();
                for call in &mut running {
                    call.buyer.say("hang_up", json!({})).await;
                }
                sleep(Duration::from_millis(self.rng.random_range(0..2_500))).await;
                let _ = server.kill();
                running.iter().map(|call| Promise::of(call, phase.name(), until)).collect()
            }
            Phase::DiskFull => {
                let full = server.fill_disk();
                sleep(Duration::from_millis(self.rng.random_range(500..2_500))).await;
                // The calls go on: everybody still gets what the other sends.
                let heard = |call: &Call| {
                    [&call.buyer, &call.agent].map(|person| person.received.load(Ordering::Relaxed))
                };
                let before: Vec<_> = running.iter().map(heard).collect();
                sleep(Duration::from_millis(1_000)).await;
                for (call, before) in running.iter().zip(before) {
                    let after = heard(call);
                    let flows = after.iter().zip(before).all(|(after, before)| *after > before + 10);
                    assert!(flows, "a full disk stopped a call: {before:?} to {after:?} packets");
                }
                // And it is told: to whoever is in the call, and to whoever watches the server.
                for call in &mut running {
                    call.agent.hears("call", |message| message["call"]["recording"] == "failed").await;
                }
                let figures = server.text("/metrics", "").await;
                assert!(figures.contains("call_recordings_total{outcome=\"failed\"}"), "{figures}");
                server.kill();
                running.iter().map(|call| Promise::of(call, phase.name(), full)).collect()
            }
        }
    }

    /// Reads everything promised through the server, and judges it.
    async fn check(&mut self, server: &Server, promises: Vec<Promise>, folder: &Path) {
        let mut judging = Vec::new();
        for promise in promises {
            let fetched = fetch(server, &self.reviewer, &promise).await;
            let folder = folder.to_owned();
            judging.push(tokio::task::spawn_blocking(move || {
                let outcome = judge(&promise, &fetched, &folder);
                for fault in &outcome.faults {
                    eprintln!("{} killed {}: {fault}", promise.recording, promise.phase);
                }
                (promise.phase, outcome)
            }));
        }
        for judged in judging {
            self.outcomes.push(judged.await.unwrap());
        }
    }

    /// Every recording the server lists has ended.
    async fn nothing_runs(&self, server: &Server) -> usize {
        let (mut path, mut seen) = ("/api/v1/recordings?limit=100".to_owned(), 0);
        loop {
            let page = server.json(&path, &self.reviewer).await;
            for item in page["items"].as_array().unwrap() {
                assert_eq!(item["complete"], true, "{item}");
                seen += 1;
            }
            let Some(next) = page["next"].as_str() else { return seen };
            path = format!("/api/v1/recordings?limit=100&before={next}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_moment_the_server_is_killed_at_recordings_survive() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let total = number("KILL_RECORDINGS", 20) as usize;
    let seed = number("KILL_SEED", 1);
    let at_once = (number("KILL_CALLS", 5) as usize).min(total);
    let begun = Instant::now();
    let scratch = tempfile::tempdir().unwrap();
    let store = tempfile::tempdir().unwrap();
    let archive = s3::serve(store.path()).await;
    let mut home = Home::new(archive.port);
    let server = home.start();
    let accounts: Vec<Account> = (0..at_once).map(|n| home.agent(n)).collect();
    let mut staff = Vec::new();
    for account in &accounts {
        staff.push(server.login(&account.email, &account.password).await);
    }
    let reviewer = server.login("reviewer@demo.example", "vitrine-demo").await;
    let films = [film(VideoCodec::Vp8), film(VideoCodec::H264)];
    let mut run =
        Run { rng: StdRng::seed_from_u64(seed), home, archive, staff, reviewer, films, outcomes: Vec::new() };

    let mut server = server;
    let (mut made, mut kills) = (0, 0);
    while made < total {
        let phase = [Phase::Recording, Phase::Uploading, Phase::Outage, Phase::DiskFull][kills % 4];
        let calls = at_once.min(total - made);
        let promises = run.life(server, phase, calls).await;
        server = run.home.start();
        // With the archive still away: what it does not have is read here.
        run.check(&server, promises, scratch.path()).await;
        run.archive.set_away(false);
        made += calls;
        kills += 1;
        let faults: usize = run.outcomes.iter().map(|(_, outcome)| outcome.faults.len()).sum();
        eprintln!(
            "{made}/{total} recordings, {kills} kills, {faults} faults, {} s",
            begun.elapsed().as_secs()
        );
    }
    assert_eq!(run.nothing_runs(&server).await, total, "recordings the server lists");

    // What the kills interrupted arrives in the archive, and only then goes here; from there it plays as well.
    while !run.home.local_media().is_empty() {
        sleep(Duration::from_millis(200)).await;
    }
    let listed = server.json("/api/v1/recordings?limit=3", &run.reviewer).await;
    for item in listed["items"].as_array().unwrap() {
        let path = format!("/api/v1/recordings/{}", item["id"].as_str().unwrap());
        let recording = server.json(&path, &run.reviewer).await;
        for track in recording["tracks"].as_array().unwrap() {
            let media = server.bytes(track["url"].as_str().unwrap(), &run.reviewer).await;
            assert!(media.len() > 500, "{} bytes of {}", media.len(), track["id"]);
        }
    }
    report(&run.outcomes, seed, kills, begun.elapsed());
}

/// Prints the figures and fails if a recording did not survive.
fn report(outcomes: &[(&'static str, Outcome)], seed: u64, kills: usize, took: Duration) {
    eprintln!("\nseed {seed}: {} recordings, {kills} kills, {} s", outcomes.len(), took.as_secs());
    eprintln!(
        "{:<20} {:>10} {:>8} {:>8} {:>24}",
        "killed", "recordings", "tracks", "faulty", "lost ms p50 / p99 / max"
    );
    for phase in [Phase::Recording, Phase::Uploading, Phase::Outage, Phase::DiskFull] {
        let of_phase: Vec<&Outcome> =
            outcomes.iter().filter(|(name, _)| *name == phase.name()).map(|(_, outcome)| outcome).collect();
        let mut lost: Vec<u64> = of_phase.iter().map(|outcome| outcome.lost_us / 1000).collect();
        lost.sort_unstable();
        let at =
            |share: f64| lost.get(((lost.len() as f64 * share) as usize).min(lost.len().saturating_sub(1)));
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| at(share).copied().unwrap_or(0));
        let faulty = of_phase.iter().filter(|outcome| !outcome.faults.is_empty()).count();
        let tracks: usize = of_phase.iter().map(|outcome| outcome.decoded).sum();
        let figures = format!("{p50} / {p99} / {max}");
        eprintln!("{:<20} {:>10} {tracks:>8} {faulty:>8} {figures:>24}", phase.name(), of_phase.len());
    }
    let faulty = outcomes.iter().filter(|(_, outcome)| !outcome.faults.is_empty()).count();
    assert_eq!(faulty, 0, "recordings that did not survive; see above");
}
