//! Exports: a recording as one MP4 for people outside, agent left and buyer right, made in the background.
//!
//! [`plan`] says what is to be seen when, [`graph`] puts that into the words of `ffmpeg`, [`ffmpeg`] runs it, and
//! [`jobs`] sees to it that everything asked for is made in the end, one after another, through restarts, and that its
//! file goes when its time is up or its recording is deleted. Nothing is decoded in this process.
//!
//! While an export is made its tracks lie unsealed in a folder that only this user can read; what comes out is sealed.

pub mod ffmpeg;
pub mod graph;
pub mod jobs;
pub mod plan;

pub use jobs::{Exporter, ExporterConfig, RequestError, delete_files};

/// Where exports lie within `data.dir`.
pub const EXPORTS_DIR: &str = "exports";

#[cfg(test)]
mod tests {
    //! Recordings as the recorder would list them.

    use recorder::{ByteRange, Fragment, IndexTrack, RecordingIndex, Rotation, Side};
    use sfu::Source;

    /// A recording with these tracks.
    pub(super) fn index(duration_ms: u64, tracks: Vec<IndexTrack>) -> RecordingIndex {
        RecordingIndex {
            id: uuid::Uuid::nil(),
            started_at: Default::default(),
            duration_ms,
            complete: true,
            erased: None,
            labels: serde_json::Value::Null,
            receipts: Vec::new(),
            quality: Vec::new(),
            pauses: Vec::new(),
            tracks,
        }
    }

    /// A track with a fragment every half second; side and source are read from its id.
    pub(super) fn track(id: &str, start_ms: u64, end_ms: u64) -> IndexTrack {
        let bytes = ByteRange { offset: 0, length: 1 };
        let (side, name) =
            if id.starts_with("agent") { (Side::Agent, "Grace") } else { (Side::Buyer, "Ada") };
        let source = match id {
            id if id.contains("microphone") => Source::Microphone,
            id if id.contains("screen") => Source::Screen,
            _ => Source::Camera,
        };
        let starts = (start_ms..end_ms).step_by(500);
        IndexTrack {
            id: id.to_owned(),
            party: uuid::Uuid::nil(),
            side,
            name: name.to_owned(),
            source,
            mime: String::new(),
            length: 1,
            init: bytes,
            fragments: starts
                .map(|start_ms| Fragment {
                    bytes,
                    start_ms,
                    end_ms: (start_ms + 500).min(end_ms),
                    keyframe: true,
                })
                .collect(),
            gaps: Vec::new(),
            rotation: 0,
            rotations: vec![Rotation { at_ms: start_ms, degrees: 0 }],
            size: Some((640, 480)),
            dropped: 0,
            sound: Vec::new(),
        }
    }
}
