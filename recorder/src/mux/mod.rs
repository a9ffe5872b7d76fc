//! Frames to bytes: an init segment, then fragments that are complete in themselves.

pub(crate) mod mp4;
pub(crate) mod webm;

use crate::codec::{Config, opus};

/// A frame or packet with its place on the track's timescale.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// Start, ticks of the container's timescale since the session began.
    pub(crate) at: i64,
    /// Ticks.
    pub(crate) duration: u32,
    /// Decoding can begin here.
    pub(crate) key: bool,
    pub(crate) data: Vec<u8>,
}

/// The container of one track file.
#[derive(Debug)]
pub(crate) enum Muxer {
    /// VP8.
    Webm,
    /// Everything else.
    Mp4(mp4::Fragmenter),
}

/// A new file: its muxer, first bytes, and what a player must be told.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) muxer: Muxer,
    pub(crate) init: Vec<u8>,
    pub(crate) mime: String,
    /// File name extension.
    pub(crate) extension: &'static str,
}

impl Muxer {
    /// A file for video of this kind and size.
    pub(crate) fn video(config: &Config, width: u16, height: u16) -> Result<Opened, mp4::Unwritable> {
        if *config == Config::Vp8 {
            return Ok(Opened {
                muxer: Muxer::Webm,
                init: webm::init(width, height),
                mime: "video/webm; codecs=\"vp8\"".to_owned(),
                extension: "webm",
            });
        }
        let (init, codecs) = mp4::video_init(config, width, height)?;
        Ok(Opened {
            muxer: Muxer::Mp4(mp4::Fragmenter::default()),
            init,
            mime: format!("video/mp4; codecs=\"{codecs}\""),
            extension: "mp4",
        })
    }

    /// A file for Opus.
    pub(crate) fn audio() -> Result<Opened, mp4::Unwritable> {
        Ok(Opened {
            muxer: Muxer::Mp4(mp4::Fragmenter::default()),
            init: mp4::audio_init()?,
            mime: "audio/mp4; codecs=\"opus\"".to_owned(),
            extension: "mp4",
        })
    }

    /// Ticks a second of this container's samples: milliseconds in WebM, the RTP clock in MP4.
    pub(crate) fn timescale(&self, audio: bool) -> i64 {
        match self {
            Muxer::Webm => 1000,
            Muxer::Mp4(_) if audio => i64::from(opus::RATE),
            Muxer::Mp4(_) => i64::from(mp4::VIDEO_TIMESCALE),
        }
    }

    /// The bytes of a fragment of these samples, at least one.
    pub(crate) fn fragment(&mut self, samples: &[Sample]) -> Result<Vec<u8>, mp4::Unwritable> {
        match self {
            Muxer::Webm => Ok(webm::cluster(samples)),
            Muxer::Mp4(fragmenter) => fragmenter.fragment(samples),
        }
    }
}
