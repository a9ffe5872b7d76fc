//! What flows: kinds, sources and codecs.

use std::fmt;

/// Audio or video: the `m=` line's media type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// `m=audio`
    Audio,
    /// `m=video`
    Video,
}

/// What a person publishes. Each is one send line of the client's only offer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Source {
    /// The person's voice.
    Microphone,
    /// The person's camera, front or rear.
    Camera,
    /// The person's shared screen; text matters more than motion.
    Screen,
}

impl Source {
    /// The media type this source must have.
    pub fn kind(self) -> Kind {
        match self {
            Source::Microphone => Kind::Audio,
            Source::Camera | Source::Screen => Kind::Video,
        }
    }

    /// The word for this source in logs, manifests and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Microphone => "microphone",
            Source::Camera => "camera",
            Source::Screen => "screen",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The codecs we negotiate, forward and record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Codec {
    /// RFC 6716, RTP in RFC 7587; always 48 kHz clock, two channels in SDP.
    Opus,
    /// RFC 6386, RTP in RFC 7741.
    Vp8,
    /// RTP in RFC 6184; constrained baseline, packetization-mode 1.
    H264,
    /// RTP in RFC 9628; profile 0.
    Vp9,
    /// RTP in the AV1 RTP specification (AOMedia); profile 0.
    Av1,
}

impl Codec {
    /// Audio or video.
    pub fn kind(self) -> Kind {
        match self {
            Codec::Opus => Kind::Audio,
            _ => Kind::Video,
        }
    }

    /// RTP clock rate in Hz.
    pub fn clock_rate(self) -> u32 {
        match self {
            Codec::Opus => 48_000,
            _ => 90_000,
        }
    }

    /// The encoding name as in `a=rtpmap`.
    pub fn name(self) -> &'static str {
        match self {
            Codec::Opus => "opus",
            Codec::Vp8 => "VP8",
            Codec::H264 => "H264",
            Codec::Vp9 => "VP9",
            Codec::Av1 => "AV1",
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
