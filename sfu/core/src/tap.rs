//! A tap: a route whose subscriber is local code. It sees decrypted RTP with arrival times and sender reports.
//!
//! A tap can never stall forwarding: its queue is bounded, and what does not fit is dropped and counted there.

use bytes::Bytes;

use crate::media::Codec;

/// Microseconds since the Unix epoch on this node's own clock.
///
/// The node reads the wall clock once, at start, and advances it with the monotonic clock: it never steps, so
/// differences between two values are true durations.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct NodeTime(pub u64);

/// One RTP packet as published, after decryption and RTX repair. Repaired packets arrive late, with their own
/// sequence number: order by `sequence`.
#[derive(Clone, Debug)]
pub struct TapPacket {
    /// When the packet left the socket.
    pub arrival: NodeTime,
    /// What the payload is; it may change between two packets of one track.
    pub codec: Codec,
    /// RTP sequence number extended to 64 bits (RFC 3550 §A.1); the first packet of a stream is near 65536.
    pub sequence: u64,
    /// RTP timestamp, in the codec's clock rate, wrapping at 2³².
    pub timestamp: u32,
    /// The marker bit: last packet of a picture for video, start of a talkspurt for audio.
    pub marker: bool,
    /// Clockwise rotation the picture needs on display, in degrees (0, 90, 180, 270), from `urn:3gpp:video-orientation`.
    /// Sent with the packets of a key frame or when it changes; `None` when the packet says nothing.
    pub rotation: Option<u16>,
    /// Payload without RTP header and padding; empty for padding-only packets.
    pub payload: Bytes,
}

/// The last RTCP sender report of a stream (RFC 3550 §6.4.1): ties the RTP clock to the sender's wall clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SenderReport {
    /// When the report reached this node.
    pub arrival: NodeTime,
    /// The sender's wall clock, 32.32 fixed-point seconds since 1900. All tracks of one sender share this clock.
    pub ntp: u64,
    /// The same instant on the RTP clock of the track.
    pub rtp_timestamp: u32,
}

/// What a tap delivers, in the order it happened on the node.
#[derive(Clone, Debug)]
pub enum TapEvent {
    /// A media packet.
    Packet(TapPacket),
    /// A sender report of the same track.
    SenderReport(SenderReport),
    /// The stream restarts with unrelated sequence numbers and timestamps (a new SSRC on the same line).
    Restart,
}
