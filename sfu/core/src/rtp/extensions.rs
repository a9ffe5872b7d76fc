//! RTP header extensions (RFC 8285): which ones we speak, their negotiated ids, and their payloads.

use std::fmt;
use std::time::Duration;

use crate::ids::{Mid, Rid};

/// The header extensions we negotiate. Everything else an offer lists is not answered and so never sent to us.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum HeaderExtension {
    /// Which line a packet belongs to (RFC 9143 §15).
    Mid,
    /// Which simulcast layer a packet belongs to (RFC 8852 §3.1).
    Rid,
    /// Which simulcast layer an RTX packet repairs (RFC 8852 §3.1).
    RepairedRid,
    /// Transport-wide sequence number (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    TransportCc,
    /// When the packet left the sender, 24 bits of its clock.
    AbsSendTime,
    /// Loudness of the audio in the packet (RFC 6464).
    AudioLevel,
    /// How the picture must be turned for display (3GPP TS 26.114 §7.4.5).
    VideoOrientation,
    /// When the picture or sound was captured, on the capturer's NTP clock.
    AbsCaptureTime,
    /// How long a receiver shall hold pictures, at least and at most.
    PlayoutDelay,
    /// Which layer a frame is of and what it needs ([`super::dependency`]).
    DependencyDescriptor,
    /// What the publisher means to send of each layer ([`super::allocation`]).
    VideoLayersAllocation,
}

impl HeaderExtension {
    /// How many there are.
    pub const COUNT: usize = 11;

    /// All of them, in the order an answer lists them.
    pub const ALL: [HeaderExtension; Self::COUNT] = [
        HeaderExtension::Mid,
        HeaderExtension::Rid,
        HeaderExtension::RepairedRid,
        HeaderExtension::TransportCc,
        HeaderExtension::AbsSendTime,
        HeaderExtension::AudioLevel,
        HeaderExtension::VideoOrientation,
        HeaderExtension::AbsCaptureTime,
        HeaderExtension::PlayoutDelay,
        HeaderExtension::DependencyDescriptor,
        HeaderExtension::VideoLayersAllocation,
    ];

    /// The URI that names the extension in `a=extmap`.
    pub fn uri(self) -> &'static str {
        match self {
            HeaderExtension::Mid => "urn:ietf:params:rtp-hdrext:sdes:mid",
            HeaderExtension::Rid => "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
            HeaderExtension::RepairedRid => "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
            HeaderExtension::TransportCc => {
                "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
            }
            HeaderExtension::AbsSendTime => "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
            HeaderExtension::AudioLevel => "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
            HeaderExtension::VideoOrientation => "urn:3gpp:video-orientation",
            HeaderExtension::AbsCaptureTime => {
                "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
            }
            HeaderExtension::PlayoutDelay => "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
            HeaderExtension::DependencyDescriptor => {
                "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
            }
            HeaderExtension::VideoLayersAllocation => {
                "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00"
            }
        }
    }

    /// The extension a URI names, if it is one of ours.
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|extension| extension.uri() == uri)
    }

    /// Whether it speaks of the encodings of a source: such extensions make sense towards us only, a slot carries one.
    pub fn is_of_encodings(self) -> bool {
        use HeaderExtension::{RepairedRid, Rid, VideoLayersAllocation};
        matches!(self, Rid | RepairedRid | VideoLayersAllocation)
    }

    /// Whether its value may be longer than the one-byte form of RFC 8285 allows.
    pub fn may_be_long(self) -> bool {
        matches!(self, HeaderExtension::DependencyDescriptor | HeaderExtension::VideoLayersAllocation)
    }
}

/// The highest id of the one-byte form (RFC 8285 §4.2); 15 is reserved.
pub const MAX_ONE_BYTE_ID: u8 = 14;

/// Which id stands for which extension on one line. Ids are 1–14, so that the one-byte form always suffices.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct ExtensionMap {
    by_id: [Option<HeaderExtension>; MAX_ONE_BYTE_ID as usize + 1],
    by_extension: [u8; HeaderExtension::COUNT],
}

impl ExtensionMap {
    /// Binds an id; `false` (and no change) if the id is outside 1–14 or either side is bound already.
    pub fn insert(&mut self, id: u8, extension: HeaderExtension) -> bool {
        let taken = self.by_extension[extension as usize] != 0;
        match self.by_id.get_mut(usize::from(id)) {
            Some(slot @ None) if id != 0 && !taken => {
                *slot = Some(extension);
                self.by_extension[extension as usize] = id;
                true
            }
            _ => false,
        }
    }

    /// The extension behind an id.
    pub fn extension(&self, id: u8) -> Option<HeaderExtension> {
        self.by_id.get(usize::from(id)).copied().flatten()
    }

    /// The id of an extension, 1–14.
    pub fn id(&self, extension: HeaderExtension) -> Option<u8> {
        match self.by_extension[extension as usize] {
            0 => None,
            id => Some(id),
        }
    }

    /// All bindings, by id.
    pub fn iter(&self) -> impl Iterator<Item = (u8, HeaderExtension)> + '_ {
        (0..=MAX_ONE_BYTE_ID).filter_map(|id| self.extension(id).map(|extension| (id, extension)))
    }

    /// Whether nothing is bound.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl fmt::Debug for ExtensionMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Reads the payload of [`HeaderExtension::Mid`].
pub fn read_mid(value: &[u8]) -> Option<Mid> {
    std::str::from_utf8(value).ok().and_then(Mid::new)
}

/// Reads the payload of [`HeaderExtension::Rid`] or [`HeaderExtension::RepairedRid`].
pub fn read_rid(value: &[u8]) -> Option<Rid> {
    std::str::from_utf8(value).ok().and_then(Rid::new)
}

/// Reads the payload of [`HeaderExtension::TransportCc`]: the transport-wide sequence number.
///
/// Version 02 of the draft appends a feedback request; the number comes first in both.
pub fn read_transport_cc(value: &[u8]) -> Option<u16> {
    value.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

/// When a packet left, by its sender's clock: seconds modulo 64 in 6.18 fixed point
/// (http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time).
pub fn read_abs_send_time(value: &[u8]) -> Option<u32> {
    value.first_chunk().map(|[a, b, c]| u32::from_be_bytes([0, *a, *b, *c]))
}

/// Loudness of one packet's audio (RFC 6464 §3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AudioLevel {
    /// The encoder believes that somebody speaks.
    pub voice: bool,
    /// Level below overload, 0 (loudest) to 127 (silence), in −dBov.
    pub below_overload_db: u8,
}

impl AudioLevel {
    /// Reads the payload of [`HeaderExtension::AudioLevel`].
    pub fn read(value: &[u8]) -> Option<Self> {
        let byte = *value.first()?;
        Some(Self { voice: byte & 0x80 != 0, below_overload_db: byte & 0x7f })
    }

    /// The payload that says this.
    pub fn to_bytes(self) -> [u8; 1] {
        [u8::from(self.voice) << 7 | (self.below_overload_db & 0x7f)]
    }
}

/// How a picture must be turned (3GPP TS 26.114 §7.4.5: `0 0 0 0 C F R1 R0`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VideoOrientation {
    /// Rear camera rather than the one facing the person.
    pub back_camera: bool,
    /// The picture is mirrored left to right.
    pub flipped: bool,
    /// Clockwise rotation needed on display, in degrees: 0, 90, 180 or 270.
    ///
    /// The sense of rotation follows libwebrtc's reading of the two bits.
    pub rotation: u16,
}

impl VideoOrientation {
    /// Reads the payload of [`HeaderExtension::VideoOrientation`].
    pub fn read(value: &[u8]) -> Option<Self> {
        let byte = *value.first()?;
        Some(Self {
            back_camera: byte & 0x08 != 0,
            flipped: byte & 0x04 != 0,
            rotation: u16::from(byte & 0x03) * 90,
        })
    }

    /// The payload that says this.
    pub fn to_bytes(self) -> [u8; 1] {
        let turns = (self.rotation / 90 % 4) as u8;
        [u8::from(self.back_camera) << 3 | u8::from(self.flipped) << 2 | turns]
    }
}

/// The capture time extension: 8 bytes of NTP time, optionally 8 bytes of clock offset. Passed through as it is.
///
/// `None` when the length is neither, so that a broken value is not forwarded.
pub fn read_abs_capture_time(value: &[u8]) -> Option<&[u8]> {
    matches!(value.len(), 8 | 16).then_some(value)
}

/// How long a receiver holds pictures before it shows them: 12 bits each, in steps of 10 ms.
///
/// ```text
///  0                   1                   2
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |     minimum delay     |     maximum delay     |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlayoutDelay {
    /// At least, 0 to 40.95 s.
    pub min: Duration,
    /// At most, 0 to 40.95 s.
    pub max: Duration,
}

impl PlayoutDelay {
    /// What libwebrtc does when nobody asks for anything: no minimum, 10 s at most.
    ///
    /// (Its special mode for games, where frames are shown at once, needs a maximum of 500 ms or less.)
    pub const DEFAULT: Self = Self { min: Duration::ZERO, max: Duration::from_secs(10) };

    /// The default with another minimum.
    pub fn at_least(min: Duration) -> Self {
        Self { min, max: Self::DEFAULT.max.max(min) }
    }

    /// Reads the payload of [`HeaderExtension::PlayoutDelay`].
    pub fn read(value: &[u8]) -> Option<Self> {
        let [a, b, c] = *value else { return None };
        let tens = |steps: u16| Duration::from_millis(u64::from(steps) * 10);
        Some(Self {
            min: tens(u16::from(a) << 4 | u16::from(b >> 4)),
            max: tens(u16::from(b & 0x0f) << 8 | u16::from(c)),
        })
    }

    /// The payload that says this, rounded up to 10 ms.
    pub fn to_bytes(self) -> [u8; 3] {
        let tens = |delay: Duration| delay.as_millis().div_ceil(10).min(0xfff) as u16;
        let (min, max) = (tens(self.min), tens(self.max));
        [(min >> 4) as u8, ((min & 0x0f) << 4) as u8 | (max >> 8) as u8, max as u8]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_map_finds_both_ways_and_refuses_ids_that_need_the_two_byte_form() {
        let mut map = ExtensionMap::default();
        assert!(map.is_empty());
        assert!(map.insert(4, HeaderExtension::Mid));
        assert!(map.insert(14, HeaderExtension::TransportCc));
        assert!(!map.insert(15, HeaderExtension::AudioLevel), "15 is reserved in the one-byte form");
        assert!(!map.insert(0, HeaderExtension::AudioLevel), "0 is padding");
        assert!(!map.insert(4, HeaderExtension::AudioLevel), "the id is taken");
        assert!(!map.insert(5, HeaderExtension::Mid), "the extension has an id already");
        assert_eq!(map.extension(4), Some(HeaderExtension::Mid));
        assert_eq!(map.extension(5), None);
        assert_eq!(map.extension(200), None);
        assert_eq!(map.id(HeaderExtension::TransportCc), Some(14));
        assert_eq!(map.id(HeaderExtension::AudioLevel), None);
        assert_eq!(
            map.iter().collect::<Vec<_>>(),
            [(4, HeaderExtension::Mid), (14, HeaderExtension::TransportCc)]
        );
    }

    #[test]
    fn every_extension_is_found_by_its_uri_and_sits_at_its_own_place() {
        for (place, extension) in HeaderExtension::ALL.into_iter().enumerate() {
            assert_eq!(HeaderExtension::from_uri(extension.uri()), Some(extension));
            assert_eq!(extension as usize, place);
        }
        assert_eq!(HeaderExtension::from_uri("urn:ietf:params:rtp-hdrext:toffset"), None);
    }

    #[test]
    fn typed_values_survive_the_wire() {
        let level = AudioLevel { voice: true, below_overload_db: 31 };
        assert_eq!(AudioLevel::read(&level.to_bytes()), Some(level));
        for rotation in [0, 90, 180, 270] {
            let orientation = VideoOrientation { back_camera: true, flipped: false, rotation };
            assert_eq!(VideoOrientation::read(&orientation.to_bytes()), Some(orientation));
        }
        let delay = PlayoutDelay { min: Duration::from_millis(340), max: Duration::from_millis(40_950) };
        assert_eq!(delay.to_bytes(), [0x02, 0x2f, 0xff]);
        assert_eq!(PlayoutDelay::read(&delay.to_bytes()), Some(delay));
        assert_eq!(PlayoutDelay::at_least(Duration::from_millis(331)).to_bytes(), [0x02, 0x23, 0xe8]);
        assert_eq!(read_transport_cc(&[0x12, 0x34, 0x80, 0x00]), Some(0x1234));
        assert_eq!(read_mid(b"7"), Mid::new("7"));
    }

    #[test]
    fn short_or_foreign_values_are_nothing() {
        assert_eq!(AudioLevel::read(&[]), None);
        assert_eq!(VideoOrientation::read(&[]), None);
        assert_eq!(read_transport_cc(&[1]), None);
        assert_eq!(read_abs_send_time(&[1, 2]), None);
        assert_eq!(read_abs_send_time(&[1, 2, 3]), Some(0x0001_0203));
        assert_eq!(PlayoutDelay::read(&[1, 2]), None);
        assert_eq!(read_mid(&[0xff]), None);
        assert_eq!(read_abs_capture_time(&[0; 9]), None);
        assert_eq!(read_abs_capture_time(&[0; 8]).map(<[u8]>::len), Some(8));
    }
}
