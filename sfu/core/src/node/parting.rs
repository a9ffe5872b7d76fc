//! The last packets of a slot before a switch, as they would be sent again.
//!
//! A switch to another encoding or another source changes how a slot numbers and rewrites what it forwards. Viewers go on
//! asking for packets from before it for a round trip, and pictures they still hold need them. So the last ones are
//! written down, as retransmissions, while they still can be.

use std::time::{Duration, Instant};

/// Packets kept: a fifth of a second at 3 Mbit/s.
pub(super) const KEPT: u16 = 64;

/// Nobody plays anything older than this.
const FOR: Duration = Duration::from_secs(1);

/// See the module. Empty, without memory, except for a moment after a switch.
#[derive(Debug, Default)]
pub(super) struct Parting {
    bytes: Vec<u8>,
    /// Number of the packet, and where its retransmission begins and ends.
    packets: Vec<(u16, usize, usize)>,
    until: Option<Instant>,
}

impl Parting {
    /// Another switch: what was kept before is forgotten.
    pub(super) fn begin(&mut self, now: Instant) {
        self.bytes.clear();
        self.packets.clear();
        self.until = Some(now + FOR);
    }

    /// Keeps the retransmission that `write` appends, if it does.
    pub(super) fn keep(&mut self, sequence: u16, write: impl FnOnce(&mut Vec<u8>) -> Option<()>) {
        let start = self.bytes.len();
        if write(&mut self.bytes).is_some() {
            self.packets.push((sequence, start, self.bytes.len()));
        } else {
            self.bytes.truncate(start);
        }
    }

    /// The retransmission of a packet.
    pub(super) fn find(&self, sequence: u16) -> Option<&[u8]> {
        let (_, start, end) = self.packets.iter().find(|(kept, ..)| *kept == sequence)?;
        self.bytes.get(*start..*end)
    }

    /// Gives the memory back when nobody will ask any more.
    pub(super) fn expire(&mut self, now: Instant) {
        if self.until.is_some_and(|until| now >= until) {
            *self = Self::default();
        }
    }
}
