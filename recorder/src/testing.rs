//! Ways in for programs that attack the recorder on purpose (`fuzz/`).

use bytes::Bytes;
use sfu::{Codec, NodeTime, TapPacket};

use crate::assemble::Assembler;

/// What a track's packets become before anything is written: frames in order.
#[derive(Debug)]
pub struct Frames {
    assembler: Assembler,
    arrival: u64,
}

impl Default for Frames {
    fn default() -> Self {
        Self { assembler: Assembler::new(200_000), arrival: 1_000_000 }
    }
}

impl Frames {
    /// A packet that arrives 5 ms after the one before.
    pub fn packet(&mut self, codec: Codec, sequence: u64, timestamp: u32, marker: bool, payload: Bytes) {
        self.arrival += 5_000;
        let arrival = NodeTime(self.arrival);
        self.assembler.push(TapPacket {
            arrival,
            codec,
            sequence,
            timestamp,
            marker,
            rotation: None,
            payload,
        });
        self.assembler.tick(arrival);
        while self.assembler.pop().is_some() {}
    }

    /// The stream ends.
    pub fn end(&mut self) {
        self.assembler.flush();
        while self.assembler.pop().is_some() {}
    }
}
