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

/// Synchronisation source of one RTP stream (RFC 3550 §3), unique within one transport.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Ssrc(pub u32);

impl fmt::Display for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Payload type, 0–127; what it means is agreed per transport in SDP.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Pt(pub u8);

/// Media identification of one `m=` line (RFC 5888), 1 to 16 bytes of a token.
///
/// Kept inline so that copying it on the packet path allocates nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mid {
    bytes: [u8; 16],
    len: u8,
}

impl Mid {
    /// Takes 1–16 bytes of RFC 4566 token characters; anything else is `None`.
    pub fn new(text: &str) -> Option<Self> {
        let token = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`{|}~".contains(b);
        if text.is_empty() || text.len() > 16 || !text.as_bytes().iter().all(token) {
            return None;
        }
        let mut bytes = [0; 16];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Some(Self { bytes, len: text.len() as u8 })
    }

    /// The text of the MID, as it stands in SDP and in the header extension.
    pub fn as_str(&self) -> &str {
        // Only ASCII gets past `new`.
        std::str::from_utf8(&self.bytes[..self.len as usize]).unwrap_or_default()
    }
}

impl fmt::Display for Mid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Mid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mid({})", self.as_str())
    }
}
