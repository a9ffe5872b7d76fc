//! The manifest of a recording: one JSON object a line, only ever appended to, each line with its checksum.
//!
//! ```text
//! {"at":1790000000000000,"entry":{"what":"fragment",…},"crc":"7f3a90c1"}
//! ```
//! `crc` is the CRC-32 (IEEE) of all bytes of the line before `,"crc"`. Reading stops at the first line that is torn or
//! does not match: what follows it was not known to be on disk. A line is written after the bytes it speaks of.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use sfu::{NodeTime, Source};
use uuid::Uuid;

use crate::analysis::SoundRun;
use crate::model::{GapReason, Receipt, Side};

/// The manifest's name within the recording's folder.
pub(crate) const FILE_NAME: &str = "manifest.jsonl";

/// Format of what follows a `start` line.
pub(crate) const VERSION: u32 = 2;

/// One fact.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum Entry {
    /// The recording begins. Always the first line, but for an erasure that came before.
    Start {
        version: u32,
        id: Uuid,
        #[serde(with = "crate::node_time")]
        started: NodeTime,
        labels: serde_json::Value,
        /// The recording's key, wrapped, base64. An erasure takes it away.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// Somebody chose.
    Receipt { receipt: Receipt },
    /// A track's file begins with an init segment of `init` bytes.
    Track {
        track: String,
        party: Uuid,
        side: Side,
        name: String,
        source: SourceName,
        codec: String,
        mime: String,
        file: String,
        /// Which file of the recording this is; part of its nonces.
        number: u32,
        init: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<(u16, u16)>,
        rotation: u16,
    },
    /// A fragment is complete in the file.
    Fragment { track: String, offset: u64, length: u64, start_ms: u64, end_ms: u64, keyframe: bool },
    /// Media is missing.
    Gap { track: String, start_ms: u64, end_ms: u64, reason: GapReason },
    /// Cells of a waveform, from number `first` on; see the model for what they mean. Both lists are base64, `speech` a
    /// bit a cell, lowest bit first.
    Sound {
        track: String,
        first: u64,
        peaks: String,
        speech: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        loudness: Option<f64>,
    },
    /// The picture is turned from here on.
    Rotation { track: String, at_ms: u64, degrees: u16 },
    /// The track's file is complete.
    TrackEnd { track: String, dropped: u64, lost: u64, late: u64, malformed: u64, undecodable: u64 },
    /// Fragments beyond this length were announced but are not in the file (the machine lost power).
    Cut { track: String, length: u64 },
    /// From here on nothing is recorded until `resume`, or until its time is over.
    Pause { at_ms: u64, reason: String, by: String, at_most_ms: u64 },
    /// The recording goes on; `timed_out` when nobody said so.
    Resume { at_ms: u64, timed_out: bool },
    /// How the connections of the call were, as whoever records it writes it. An erasure takes it away.
    Quality { points: serde_json::Value },
    /// Nothing follows.
    Stop {
        reason: StopReason,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// A track's file is in the store, compared byte by byte, in objects of `piece` bytes; the local one may go.
    Stored { file: String, size: u64, piece: u64 },
    /// After an erasure: the store holds nothing of it any more.
    Purged,
    /// The media is to be deleted, or was.
    Erase { id: Uuid, reason: String },
}

impl Entry {
    /// A line about a stretch of a track's waveform.
    pub(crate) fn sound(track: String, run: &SoundRun) -> Self {
        let mut bits = vec![0u8; run.speech.len().div_ceil(8)];
        for (cell, _) in run.speech.iter().enumerate().filter(|(_, speaks)| **speaks) {
            bits[cell / 8] |= 1 << (cell % 8);
        }
        Entry::Sound {
            track,
            first: run.first,
            peaks: BASE64.encode(&run.peaks),
            speech: BASE64.encode(bits),
            loudness: run.loudness,
        }
    }
}

/// Reads what [`Entry::sound`] wrote; nothing of what is not base64.
pub(crate) fn sound_run(first: u64, peaks: &str, speech: &str, loudness: Option<f64>) -> SoundRun {
    let peaks = BASE64.decode(peaks).unwrap_or_default();
    let bits = BASE64.decode(speech).unwrap_or_default();
    let speaks = |cell: usize| bits.get(cell / 8).is_some_and(|byte| byte >> (cell % 8) & 1 == 1);
    SoundRun { first, speech: (0..peaks.len()).map(speaks).collect(), peaks, loudness }
}

/// [`Source`] as manifests write it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SourceName {
    Microphone,
    Camera,
    Screen,
}

impl From<Source> for SourceName {
    fn from(source: Source) -> Self {
        match source {
            Source::Microphone => SourceName::Microphone,
            Source::Camera => SourceName::Camera,
            Source::Screen => SourceName::Screen,
        }
    }
}

impl From<SourceName> for Source {
    fn from(source: SourceName) -> Self {
        match source {
            SourceName::Microphone => Source::Microphone,
            SourceName::Camera => Source::Camera,
            SourceName::Screen => Source::Screen,
        }
    }
}

/// Why a recording ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StopReason {
    /// As asked.
    Stopped,
    /// The process died; found at the next start.
    Recovered,
    /// The disk refused.
    Failed,
}

/// A line.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    /// When it was written.
    #[serde(with = "crate::node_time")]
    pub(crate) at: NodeTime,
    pub(crate) entry: Entry,
}

const CRC_PREFIX: &[u8] = b",\"crc\":\"";
const CRC_SUFFIX: &[u8] = b"\"}";
const CRC_DIGITS: usize = 8;

impl Line {
    /// The line's bytes, line feed included.
    fn encode(&self) -> std::io::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.pop(); // the closing brace comes after the checksum
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(CRC_PREFIX);
        write!(bytes, "{crc:08x}")?;
        bytes.extend_from_slice(CRC_SUFFIX);
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads a line without its line feed; `None` if it is torn or altered.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.strip_suffix(CRC_SUFFIX)?;
        let (bytes, digits) = bytes.split_at_checked(bytes.len().checked_sub(CRC_DIGITS)?)?;
        let bytes = bytes.strip_suffix(CRC_PREFIX)?;
        let crc = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        if crc != crc32fast::hash(bytes) {
            return None;
        }
        let mut json = bytes.to_vec();
        json.push(b'}');
        serde_json::from_slice(&json).ok()
    }
}

/// Reads the good lines of a recording's manifest; see [`parse`].
pub(crate) fn read(folder: &Path) -> std::io::Result<(Vec<Line>, usize)> {
    std::fs::read(folder.join(FILE_NAME)).map(|bytes| parse(&bytes))
}

/// The good lines of a manifest, and how many bytes they take; more bytes than that are a torn tail.
pub(crate) fn parse(bytes: &[u8]) -> (Vec<Line>, usize) {
    let mut lines = Vec::new();
    let mut good = 0;
    while let Some(length) = bytes[good..].iter().position(|byte| *byte == b'\n') {
        let Some(line) = Line::decode(&bytes[good..good + length]) else { break };
        lines.push(line);
        good += length + 1;
    }
    (lines, good)
}

/// A manifest being written.
#[derive(Debug)]
pub(crate) struct ManifestFile {
    file: File,
}

impl ManifestFile {
    /// Makes a new one; fails if there is one already.
    pub(crate) fn create(folder: &Path) -> std::io::Result<Self> {
        let file = File::options().append(true).create_new(true).open(folder.join(FILE_NAME))?;
        Ok(Self { file })
    }

    /// Opens one to go on.
    pub(crate) fn append_to(folder: &Path) -> std::io::Result<Self> {
        let file = File::options().append(true).open(folder.join(FILE_NAME))?;
        Ok(Self { file })
    }

    /// Adds a line in one write. Lines that something else relies on (consent, what exists, the end) are on the disk
    /// when this returns; fragments may follow a little later, see [`ManifestFile::sync`].
    pub(crate) fn append(&mut self, at: NodeTime, entry: Entry) -> std::io::Result<()> {
        let lasting = !matches!(
            entry,
            Entry::Fragment { .. } | Entry::Gap { .. } | Entry::Rotation { .. } | Entry::Sound { .. }
        );
        let bytes = Line { at, entry }.encode()?;
        let length = self.file.metadata()?.len();
        if let Err(error) = self.file.write_all(&bytes) {
            // A torn line would hide every later one.
            let _ = self.file.set_len(length);
            return Err(error);
        }
        if lasting { self.sync() } else { Ok(()) }
    }

    /// Puts every line on the disk.
    pub(crate) fn sync(&mut self) -> std::io::Result<()> {
        self.file.sync_data()
    }
}

/// Replaces the manifest by these lines, whole or not at all.
pub(crate) fn replace(folder: &Path, lines: &[Line]) -> std::io::Result<()> {
    let new = folder.join("manifest.new");
    let mut file = File::create(&new)?;
    for line in lines {
        file.write_all(&line.encode()?)?;
    }
    file.sync_all()?;
    std::fs::rename(&new, folder.join(FILE_NAME))?;
    sync_folder(folder)
}

/// Puts the names in a folder on the disk.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Vec<Line> {
        let labels = serde_json::json!({ "call": "c-1", "note": "a \"quoted\" crc: ,\"crc\":\"" });
        let start =
            Entry::Start { version: VERSION, id: Uuid::nil(), started: NodeTime(7), labels, key: None };
        let fragment = Entry::Fragment {
            track: "buyer-camera-1".to_owned(),
            offset: 300,
            length: 5000,
            start_ms: 0,
            end_ms: 1000,
            keyframe: true,
        };
        let stop = Entry::Stop { reason: StopReason::Stopped, detail: None };
        [start, fragment, stop].into_iter().map(|entry| Line { at: NodeTime(9), entry }).collect()
    }

    #[test]
    fn lines_come_back_as_they_were_and_each_is_json_by_itself() {
        let bytes: Vec<u8> = lines().iter().flat_map(|line| line.encode().unwrap()).collect();
        assert_eq!(parse(&bytes), (lines(), bytes.len()));
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let value: serde_json::Value = serde_json::from_slice(line).unwrap();
            assert!(value["crc"].is_string());
        }
    }

    #[test]
    fn a_manifest_cut_anywhere_keeps_exactly_its_whole_lines() {
        let encoded: Vec<Vec<u8>> = lines().iter().map(|line| line.encode().unwrap()).collect();
        let bytes = encoded.concat();
        for length in 0..=bytes.len() {
            let whole = (0..=3).rev().find(|n| encoded[..*n].concat().len() <= length).unwrap();
            let (parsed, good) = parse(&bytes[..length]);
            assert_eq!(parsed, lines()[..whole], "cut at {length}");
            assert_eq!(good, encoded[..whole].concat().len());
        }
    }

    #[test]
    fn an_altered_line_ends_the_manifest() {
        let mut bytes: Vec<u8> = lines().iter().flat_map(|line| line.encode().unwrap()).collect();
        let first = bytes.iter().position(|byte| *byte == b'\n').unwrap();
        bytes[first + 20] ^= 1;
        assert_eq!(parse(&bytes).0.len(), 1);
    }
}
