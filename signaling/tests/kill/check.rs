//! What is left of a recording after a kill, judged by the server's own API, `ffprobe` and a full decode by `ffmpeg`.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::call::Call;
use crate::server::Server;

/// A hole in what was recorded, or in what was sent, that is longer than this counts, microseconds: jitter does not.
const HOLE_US: u64 = 250_000;

/// What a kill may cost at most.
pub(crate) const LOST_MAX_US: u64 = 2_000_000;

/// What somebody sent during a recording, and nobody may lose.
pub(crate) struct Promise {
    pub(crate) call: String,
    pub(crate) recording: String,
    pub(crate) phase: &'static str,
    tracks: Vec<Expected>,
}

struct Expected {
    side: &'static str,
    source: &'static str,
    /// When media left while the recording ran, microseconds since 1970.
    sent: Vec<u64>,
}

impl Promise {
    /// What was sent of a call between the beginning of its recording and `until`.
    pub(crate) fn of(call: &Call, phase: &'static str, until: u64) -> Self {
        let between = |times: &[u64], since: u64| -> Vec<u64> {
            times.iter().copied().filter(|at| (since..until).contains(at)).collect()
        };
        let mut tracks = Vec::new();
        for (side, person) in [("buyer", &call.buyer), ("agent", &call.agent)] {
            let sent = person.sent.lock().unwrap();
            // A film cannot make a keyframe when it is asked to, and pictures before the first one are no pictures.
            let shown = sent.keyframes.iter().copied().find(|at| *at >= call.recorded_since);
            let (sound, pictures) = (between(&sent.sound, call.recorded_since), shown.unwrap_or(until));
            tracks.push(Expected { side, source: "microphone", sent: sound });
            tracks.push(Expected { side, source: "camera", sent: between(&sent.pictures, pictures) });
        }
        Self { call: call.id.clone(), recording: call.recording.clone(), phase, tracks }
    }
}

/// What came of one recording.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Faults, in words; none is a recording that survived.
    pub(crate) faults: Vec<String>,
    /// Track files probed and decoded to their end.
    pub(crate) decoded: usize,
    /// What the worst track lost, microseconds.
    pub(crate) lost_us: u64,
}

/// A track's media as the server gave it out.
pub(crate) struct Fetched {
    side: String,
    source: String,
    begin_us: u64,
    end_us: u64,
    /// Time without media between fragments.
    holes_us: u64,
    media: Vec<u8>,
}

/// A recording as the server gave it out.
pub(crate) struct Fetch {
    tracks: Vec<Fetched>,
    faults: Vec<String>,
}

/// Reads a recording through the server as a reviewer does.
pub(crate) async fn fetch(server: &Server, reviewer: &str, promise: &Promise) -> Fetch {
    let mut faults = Vec::new();
    let call = server.json(&format!("/api/v1/calls/{}", promise.call), reviewer).await;
    if call["state"] != "ended" {
        faults.push(format!("the call is {}", call["state"]));
    }
    match call["ticket"].as_str() {
        None => faults.push("the call has no ticket".to_owned()),
        Some(ticket) => {
            let ticket = server.json(&format!("/api/v1/tickets/{ticket}"), reviewer).await;
            if ticket["recording"]["id"] != promise.recording.as_str() {
                faults.push(format!("the ticket is linked to {}", ticket["recording"]));
            }
        }
    }
    let recording = server.json(&format!("/api/v1/recordings/{}", promise.recording), reviewer).await;
    if recording["summary"]["complete"] != true {
        faults.push("left recording".to_owned());
    }
    let started_us = micros(&recording["summary"]["started_at"]);
    let mut tracks = Vec::new();
    for track in recording["tracks"].as_array().into_iter().flatten() {
        let at = |ms: &Value| started_us + ms.as_u64().unwrap() * 1000;
        let fragments = track["fragments"].as_array().unwrap();
        let spans: Vec<(u64, u64)> =
            fragments.iter().map(|fragment| (at(&fragment["start_ms"]), at(&fragment["end_ms"]))).collect();
        let times: Vec<u64> = spans.iter().flat_map(|(begin, end)| [*begin, *end]).collect();
        let between = times[1..times.len() - 1].chunks(2).map(|pair| pair[1].saturating_sub(pair[0]));
        assert!(times.len() >= 2, "a track without media: {track}");
        tracks.push(Fetched {
            side: track["side"].as_str().unwrap().to_owned(),
            source: track["source"].as_str().unwrap().to_owned(),
            begin_us: spans[0].0,
            end_us: spans[spans.len() - 1].1,
            holes_us: between.filter(|hole| *hole > HOLE_US).sum(),
            media: server.bytes(track["url"].as_str().unwrap(), reviewer).await,
        });
    }
    Fetch { tracks, faults }
}

fn micros(time: &Value) -> u64 {
    let time: jiff::Timestamp = time.as_str().unwrap().parse().unwrap();
    time.as_microsecond() as u64
}

/// Plays everything that was fetched, and compares it with what was sent. Blocks.
pub(crate) fn judge(promise: &Promise, fetch: &Fetch, folder: &Path) -> Outcome {
    let mut outcome = Outcome { faults: fetch.faults.clone(), ..Outcome::default() };
    for (number, track) in fetch.tracks.iter().enumerate() {
        let file = folder.join(format!("{}-{number}", promise.recording));
        std::fs::write(&file, &track.media).unwrap();
        if let Err(why) = plays(&file) {
            outcome.faults.push(format!("{} {}: {why}", track.side, track.source));
        } else {
            outcome.decoded += 1;
        }
        std::fs::remove_file(&file).unwrap();
    }
    for expected in &promise.tracks {
        let lost = expected.lost_us(&fetch.tracks);
        outcome.lost_us = outcome.lost_us.max(lost);
        if lost > LOST_MAX_US {
            let Expected { side, source, sent } = expected;
            let of = sent.last().zip(sent.first()).map_or(0, |(last, first)| last - first) / 1000;
            outcome.faults.push(format!("{side} {source}: {} ms of {of} ms lost", lost / 1000));
        }
    }
    outcome
}

impl Expected {
    /// Time of what was sent that is in none of the tracks.
    fn lost_us(&self, tracks: &[Fetched]) -> u64 {
        let (Some(first), Some(last)) = (self.sent.first(), self.sent.last()) else { return 0 };
        let of_us = |track: &&Fetched| track.side == self.side && track.source == self.source;
        let mut files: Vec<&Fetched> = tracks.iter().filter(of_us).collect();
        files.sort_by_key(|file| file.begin_us);
        let Some(begin) = files.first().map(|file| file.begin_us) else { return last - first };
        let end = files.last().map_or(begin, |file| file.end_us);
        let between: u64 = files.windows(2).map(|pair| pair[1].begin_us.saturating_sub(pair[0].end_us)).sum();
        let holes = between + files.iter().map(|file| file.holes_us).sum::<u64>();
        // A sender that was not given the processor sent nothing, and nothing of that could be recorded.
        let stalls: u64 =
            self.sent.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap > HOLE_US).sum();
        let head = begin.saturating_sub(first + stalls);
        head + holes.saturating_sub(stalls) + last.saturating_sub(end)
    }
}

/// Whether players open a file and decode it to its end without a complaint.
fn plays(file: &Path) -> Result<(), String> {
    let path = file.to_str().unwrap();
    let probe = ["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", path];
    let found = run("ffprobe", &probe)?;
    if found.trim().is_empty() {
        return Err("ffprobe finds no stream".to_owned());
    }
    let decode = ["-nostdin", "-v", "error", "-i", path, "-fps_mode", "passthrough", "-f", "framecrc", "-"];
    let frames = run("ffmpeg", &decode)?.lines().filter(|line| !line.starts_with('#')).count();
    if frames == 0 { Err("nothing decodes".to_owned()) } else { Ok(()) }
}

fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program} is needed (Debian package ffmpeg): {error}"));
    let complaints = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() || !complaints.trim().is_empty() {
        return Err(format!("{program}: {} {}", output.status, complaints.trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::FPS;

    fn expected(sent: Vec<u64>) -> Expected {
        Expected { side: "buyer", source: "camera", sent }
    }

    fn fetched(begin_us: u64, end_us: u64, holes_us: u64) -> Fetched {
        let (side, source) = ("buyer".to_owned(), "camera".to_owned());
        Fetched { side, source, begin_us, end_us, holes_us, media: Vec::new() }
    }

    #[test]
    fn what_was_sent_and_is_not_there_is_lost_and_what_was_never_sent_is_not() {
        let frame = 1_000_000 / u64::from(FPS);
        let steady: Vec<u64> = (0..150).map(|n| n * frame).collect();
        let last = *steady.last().unwrap();
        let whole = fetched(0, last + frame, 0);
        assert_eq!(expected(steady.clone()).lost_us(&[whole]), 0);
        assert_eq!(expected(steady.clone()).lost_us(&[]), last, "no file at all");
        assert_eq!(expected(steady.clone()).lost_us(&[fetched(0, last - 700_000, 0)]), 700_000);
        let two = [fetched(0, 3_000_000, 0), fetched(4_000_000, last + frame, 300_000)];
        assert_eq!(expected(steady.clone()).lost_us(&two), 1_300_000);
        let stalled = [&steady[..60], &steady[90..]].concat();
        assert_eq!(expected(stalled).lost_us(&[fetched(0, last, 2_000_000)]), 0, "nobody sent it");
        assert_eq!(expected(Vec::new()).lost_us(&[]), 0);
    }
}
