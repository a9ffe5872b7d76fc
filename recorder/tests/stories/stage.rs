//! A sender with clocks of its own, a network between it and the tap, and a recorder in a temporary folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use recorder::{
    IndexTrack, KEY_LEN, KeyFuture, KeyWrap, Recorder, RecorderConfig, RecordingHandle, RecordingIndex,
    RecordingSpec, RecoveryReport, Side, TrackSpec,
};
use rtp::codec::{
    av1::Av1Payloader, h264::H264Payloader, opus::OpusPayloader, vp8::Vp8Payloader, vp9::Vp9Payloader,
};
use rtp::packetizer::Payloader;
use sfu::{Codec, NodeTime, SenderReport, Source, TapEvent, TapPacket, TapSender, tap_channel};
use tempfile::TempDir;
use uuid::Uuid;

use crate::media::Encoded;

/// Zero of the session timeline in these stories.
pub(crate) const STARTED: NodeTime = NodeTime(1_790_000_000_000_000);

/// Least delay of the path, microseconds.
pub(crate) const PATH_US: i64 = 20_000;

/// One track's publisher.
pub(crate) struct Sender {
    pub(crate) codec: Codec,
    pub(crate) frames: Vec<Encoded>,
    /// When it begins, microseconds of session time.
    pub(crate) begins_us: i64,
    /// RTP clock against true time, parts per million.
    pub(crate) ppm: i64,
    pub(crate) rtp_start: u32,
    pub(crate) first_sequence: u64,
    /// Interval of sender reports; 0: none.
    pub(crate) report_every_us: i64,
    /// Rotation to say with the packets of frame `n`.
    pub(crate) rotation: fn(usize) -> Option<u16>,
}

impl Sender {
    pub(crate) fn new(codec: Codec, frames: Vec<Encoded>) -> Self {
        Self {
            codec,
            frames,
            begins_us: 0,
            ppm: 0,
            rtp_start: 12_345,
            first_sequence: 65_536,
            report_every_us: 1_000_000,
            rotation: |_| None,
        }
    }

    fn timestamp(&self, since_begin_us: i64) -> u32 {
        let rtp_us = since_begin_us + since_begin_us * self.ppm / 1_000_000;
        self.rtp_start.wrapping_add((rtp_us * i64::from(self.codec.clock_rate()) / 1_000_000) as u32)
    }

    /// Everything it sends, with the time it left, microseconds of session time.
    pub(crate) fn sends(&self) -> Vec<(i64, TapEvent)> {
        let mut payloader: Box<dyn Payloader> = match self.codec {
            Codec::Opus => Box::new(OpusPayloader),
            Codec::Vp8 => Box::new(Vp8Payloader::default()),
            Codec::H264 => Box::new(H264Payloader::default()),
            Codec::Vp9 => Box::new(Vp9Payloader::default()),
            Codec::Av1 => Box::new(Av1Payloader {}),
        };
        let mut events = Vec::new();
        let mut sequence = self.first_sequence;
        let mut next_report = self.begins_us;
        for (n, frame) in self.frames.iter().enumerate() {
            let at = self.begins_us + frame.at_us;
            let payloads = payloader.payload(1200, &frame.data).unwrap();
            let last = payloads.len() - 1;
            for (i, payload) in payloads.into_iter().enumerate() {
                let packet = TapPacket {
                    arrival: NodeTime(0),
                    codec: self.codec,
                    sequence,
                    timestamp: self.timestamp(frame.at_us),
                    marker: i == last,
                    rotation: (self.rotation)(n),
                    payload,
                };
                events.push((at + i as i64 * 50, TapEvent::Packet(packet)));
                sequence += 1;
            }
            if self.report_every_us > 0 && at >= next_report {
                next_report += self.report_every_us;
                events.push((at + 500, self.report(at + 500)));
            }
        }
        events
    }

    fn report(&self, at_us: i64) -> TapEvent {
        let seconds_1900 = 4_000_000_000_i128 << 32;
        let ntp = (seconds_1900 + ((i128::from(at_us) << 32) / 1_000_000)) as u64;
        let rtp_timestamp = self.timestamp(at_us - self.begins_us);
        TapEvent::SenderReport(SenderReport { arrival: NodeTime(0), ntp, rtp_timestamp })
    }
}

/// A padding-only packet, as bandwidth probes are.
pub(crate) fn padding(sequence: u64) -> TapEvent {
    let payload = Bytes::new();
    let (arrival, codec) = (NodeTime(0), Codec::Vp8);
    TapEvent::Packet(TapPacket {
        arrival,
        codec,
        sequence,
        timestamp: 0,
        marker: false,
        rotation: None,
        payload,
    })
}

/// What the network does to event `n`: `None` loses it, otherwise the delay beyond the path's.
pub(crate) type Network = fn(usize) -> Option<i64>;

pub(crate) fn perfect(_: usize) -> Option<i64> {
    Some(0)
}

/// Up to 40 ms of jitter, which reorders; every 97th packet is lost and comes again 150 ms later.
pub(crate) fn rough(n: usize) -> Option<i64> {
    if n % 97 == 50 { Some(150_000) } else { Some((n as i64 * 7_919) % 40_000) }
}

/// Sends through a network and gives what arrives, in order of arrival.
pub(crate) fn through(network: Network, sends: Vec<(i64, TapEvent)>) -> Vec<(i64, TapEvent)> {
    let mut arrivals: Vec<(i64, TapEvent)> = sends
        .into_iter()
        .enumerate()
        .filter_map(|(n, (at, event))| Some((at + PATH_US + network(n)?, event)))
        .collect();
    arrivals.sort_by_key(|(at, _)| *at);
    for (at, event) in &mut arrivals {
        let arrival = NodeTime((STARTED.0 as i64 + *at) as u64);
        match event {
            TapEvent::Packet(packet) => packet.arrival = arrival,
            TapEvent::SenderReport(report) => report.arrival = arrival,
            TapEvent::Restart => {}
        }
    }
    arrivals
}

/// Wraps a key by writing the recording's id before it: enough to see that nothing is opened for another one.
pub(crate) struct Keys;

impl KeyWrap for Keys {
    fn wrap<'a>(&'a self, recording: Uuid, key: &'a [u8; KEY_LEN]) -> KeyFuture<'a, Vec<u8>> {
        Box::pin(async move { Ok([recording.as_bytes(), &key[..]].concat()) })
    }

    fn unwrap<'a>(&'a self, recording: Uuid, wrapped: &'a [u8]) -> KeyFuture<'a, [u8; KEY_LEN]> {
        Box::pin(async move {
            let key = wrapped.strip_prefix(recording.as_bytes()).and_then(|key| key.try_into().ok());
            key.ok_or_else(|| std::io::Error::other("not the key of this recording"))
        })
    }
}

pub(crate) fn config(dir: impl Into<PathBuf>) -> RecorderConfig {
    RecorderConfig::new(dir, Arc::new(Keys))
}

/// Unseals a track into a file that players understand.
pub(crate) async fn unseal(recorder: &Recorder, id: Uuid, track: &IndexTrack, to: &Path) -> PathBuf {
    let mut reader = recorder.open_track(id, &track.id).await.unwrap();
    assert_eq!(reader.length(), track.length);
    let mut media = Vec::new();
    loop {
        let bytes = reader.read(media.len() as u64).await.unwrap();
        if bytes.is_empty() {
            break;
        }
        media.extend_from_slice(&bytes);
    }
    assert_eq!(media.len() as u64, track.length);
    let path = to.join(&track.id);
    std::fs::write(&path, media).unwrap();
    path
}

/// A recorder with one recording.
pub(crate) struct Stage {
    pub(crate) dir: TempDir,
    pub(crate) recorder: Recorder,
    pub(crate) handle: RecordingHandle,
    pub(crate) id: Uuid,
    pub(crate) buyer: Uuid,
}

pub(crate) fn spec(id: Uuid) -> RecordingSpec {
    RecordingSpec { id, started: STARTED, labels: serde_json::json!({ "call": "c-1" }), receipts: Vec::new() }
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (recorder, _) = Recorder::open(config(dir.path())).await.unwrap();
        let id = Uuid::now_v7();
        let handle = recorder.start(spec(id)).await.unwrap();
        Self { dir, recorder, handle, id, buyer: Uuid::now_v7() }
    }

    pub(crate) fn tap(&self, source: Source) -> TapSender {
        let (sender, receiver) = tap_channel(1 << 16);
        self.handle.add_track(self.track(source), receiver);
        sender
    }

    pub(crate) fn track(&self, source: Source) -> TrackSpec {
        TrackSpec { party: self.buyer, side: Side::Buyer, name: "Ada".to_owned(), source }
    }

    /// Plays what arrives into one tap, ends it, stops the recording and gives its index.
    pub(crate) async fn record(self, source: Source, arrivals: Vec<(i64, TapEvent)>) -> Recorded {
        let tap = self.tap(source);
        for (_, event) in arrivals {
            assert!(tap.send(event));
        }
        drop(tap);
        self.stop().await
    }

    pub(crate) async fn stop(self) -> Recorded {
        let summary = self.handle.stop().await;
        let index = self.recorder.index(self.id).await.unwrap();
        assert!(index.complete);
        assert_eq!(index.duration_ms, summary.duration_ms);
        let sealed = self.dir.path().join(self.id.to_string());
        let folder = tempfile::tempdir().unwrap();
        for track in &index.tracks {
            check_layout(track, &sealed);
            unseal(&self.recorder, self.id, track, folder.path()).await;
        }
        Recorded { sealed, folder, index, stage: self }
    }
}

/// A finished recording.
pub(crate) struct Recorded {
    /// The recording's folder.
    pub(crate) sealed: PathBuf,
    /// Its tracks, unsealed.
    pub(crate) folder: TempDir,
    pub(crate) index: RecordingIndex,
    #[allow(dead_code, reason = "keeps the folder")]
    pub(crate) stage: Stage,
}

impl Recorded {
    /// The only track and its file.
    pub(crate) fn only(&self) -> (&IndexTrack, PathBuf) {
        assert_eq!(self.index.tracks.len(), 1, "{:?}", self.index.tracks);
        let track = &self.index.tracks[0];
        (track, self.file(&track.id))
    }

    pub(crate) fn file(&self, track: &str) -> PathBuf {
        self.folder.path().join(track)
    }
}

pub(crate) fn file_of(folder: &std::path::Path, track: &str) -> PathBuf {
    ["webm", "mp4"]
        .map(|extension| folder.join(format!("{track}.{extension}")))
        .into_iter()
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("no file of {track}"))
}

/// What every index must keep: fragments follow the init segment and each other without a hole in the file, and
/// without an overlap in time; none is longer than promised.
fn check_layout(track: &IndexTrack, folder: &std::path::Path) {
    assert_eq!(track.init.offset, 0);
    let (mut offset, mut time) = (track.init.length, 0);
    for fragment in &track.fragments {
        assert_eq!(fragment.bytes.offset, offset, "{track:?}");
        // Milliseconds are rounded outwards.
        assert!(
            fragment.start_ms + 1 >= time && fragment.end_ms > fragment.start_ms,
            "{fragment:?} after {time}"
        );
        assert!(fragment.end_ms - fragment.start_ms <= 3100, "{fragment:?}");
        offset += fragment.bytes.length;
        time = fragment.end_ms;
    }
    assert_eq!(track.length, offset);
    let sealed = offset + 16 * (1 + track.fragments.len() as u64);
    assert_eq!(std::fs::metadata(file_of(folder, &track.id)).unwrap().len(), sealed);
}

/// Opens the same folder again, as the next start of the server does.
pub(crate) async fn reopen(dir: &std::path::Path) -> (Recorder, RecoveryReport) {
    Recorder::open(config(dir)).await.unwrap()
}
