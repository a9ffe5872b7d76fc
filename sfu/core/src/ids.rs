//! Identifiers of the media plane. One type per concept: a MID is never a RID, an SSRC never a sequence number.

use std::fmt;

/// A person's transport on this node, as named by the layer above. A reload is a new participant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ParticipantId(pub u64);

impl fmt::Display for ParticipantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{:x}", self.0)
    }
}

/// A worker of this server: one thread with its own socket and its own participants.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct WorkerId(pub u8);

impl WorkerId {
    /// More workers than this cannot be named by one character of a ufrag.
    pub const MAX: usize = 62;
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Synchronisation source of one RTP stream (RFC 3550 §3), unique within one transport.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Ssrc(pub u32);

impl fmt::Display for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Payload type, 0–127; what it means is agreed per transport in SDP.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Pt(pub u8);

/// A short text kept inline, so that copying it on the packet path allocates nothing.
macro_rules! inline_text {
    ($(#[$doc:meta])* $name:ident, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name {
            bytes: [u8; 16],
            len: u8,
        }

        impl $name {
            /// Takes 1–16 characters of the alphabet; anything else is `None`.
            pub fn new(text: &str) -> Option<Self> {
                let allowed: fn(&u8) -> bool = $allowed;
                if text.is_empty() || text.len() > 16 || !text.as_bytes().iter().all(allowed) {
                    return None;
                }
                let mut bytes = [0; 16];
                bytes[..text.len()].copy_from_slice(text.as_bytes());
                Some(Self { bytes, len: text.len() as u8 })
            }

            /// The text, as it stands in SDP and in the header extension.
            pub fn as_str(&self) -> &str {
                // Only ASCII gets past `new`.
                std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.as_str())
            }
        }
    };
}

inline_text!(
    /// Media identification of one `m=` line (RFC 5888): 1–16 characters of an RFC 4566 token.
    Mid,
    |b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`{|}~".contains(b)
);

inline_text!(
    /// RTP stream id (RFC 8851 §4): names one simulcast layer of a line. 1–16 characters of `[A-Za-z0-9_-]`.
    Rid,
    |b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')
);
