//! Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01): what a viewer tells the server of what
//! arrives, and reading what the server tells a publisher.

use std::collections::BTreeMap;
use std::time::Instant;

use rtcp::transport_feedbacks::transport_layer_cc::{
    PacketStatusChunk, RecvDelta, StatusChunkTypeTcc, StatusVectorChunk, SymbolSizeTypeTcc, SymbolTypeTcc,
    TransportLayerCc,
};

use crate::caller::rtp;

/// Symbols of two bits in a status vector chunk.
const SYMBOLS: usize = 7;
/// Statuses in one report.
const REPORT_MAX: u64 = 200;
/// Arrivals kept for the next report.
const FRESH_MAX: usize = 4_000;

/// Arrivals by transport-wide number.
#[derive(Debug, Default)]
pub struct TransportArrivals {
    start: Option<Instant>,
    highest: Option<u64>,
    /// Not yet reported: number without wraps → ticks of 250 µs.
    fresh: BTreeMap<u64, i64>,
    next: Option<u64>,
    count: u8,
}

impl TransportArrivals {
    /// Takes note of a packet.
    pub fn arrived(&mut self, at: Instant, number: u16) {
        let start = *self.start.get_or_insert(at);
        let highest = self.highest.unwrap_or((1 << 20) + u64::from(number));
        let extended = rtp::extend(highest, number);
        self.highest = Some(highest.max(extended));
        // The zero lies a second back, so that clocks that start together do not start at zero.
        let ticks = (at.saturating_duration_since(start).as_micros() as i64 + 1_000_000) / 250;
        if self.fresh.len() < FRESH_MAX {
            self.fresh.entry(extended).or_insert(ticks);
        }
    }

    /// Whether there is something to report.
    pub fn is_empty(&self) -> bool {
        self.fresh.is_empty()
    }

    /// The next report; `None` when there is nothing new.
    pub fn report(&mut self, sender: u32, media: u32) -> Option<TransportLayerCc> {
        let (&first, _) = self.fresh.first_key_value()?;
        let (&last, _) = self.fresh.last_key_value()?;
        let base = self.next.filter(|next| *next <= first && first - next < REPORT_MAX).unwrap_or(first);
        let end = (last + 1).min(base + REPORT_MAX);
        let reference = self.fresh.range(..end).next()?.1.div_euclid(256);
        let mut previous = reference * 256;
        let (mut symbols, mut recv_deltas) = (Vec::new(), Vec::new());
        for number in base..end {
            let symbol = match self.fresh.remove(&number) {
                None => SymbolTypeTcc::PacketNotReceived,
                Some(ticks) => {
                    let delta = ticks - previous;
                    previous = ticks;
                    let symbol = if (0..256).contains(&delta) {
                        SymbolTypeTcc::PacketReceivedSmallDelta
                    } else {
                        SymbolTypeTcc::PacketReceivedLargeDelta
                    };
                    let delta = delta.clamp(-32_768, 32_767) * 250;
                    recv_deltas.push(RecvDelta { type_tcc_packet: symbol, delta });
                    symbol
                }
            };
            symbols.push(symbol);
        }
        self.next = Some(self.next.map_or(end, |next| next.max(end)));
        let chunks = symbols.chunks(SYMBOLS).map(|part| {
            let mut symbol_list = part.to_vec();
            symbol_list.resize(SYMBOLS, SymbolTypeTcc::PacketNotReceived);
            PacketStatusChunk::StatusVectorChunk(StatusVectorChunk {
                type_tcc: StatusChunkTypeTcc::StatusVectorChunk,
                symbol_size: SymbolSizeTypeTcc::TwoBit,
                symbol_list,
            })
        });
        self.count = self.count.wrapping_add(1);
        Some(TransportLayerCc {
            sender_ssrc: sender,
            media_ssrc: media,
            base_sequence_number: base as u16,
            packet_status_count: symbols.len() as u16,
            reference_time: (reference & 0x00ff_ffff) as u32,
            fb_pkt_count: self.count.wrapping_sub(1),
            packet_chunks: chunks.collect(),
            recv_deltas,
        })
    }
}

/// What a report says: the first number, and for each from there on when it arrived, µs on the reporter's clock.
pub fn read_transport_cc(report: &TransportLayerCc) -> (u16, Vec<Option<i64>>) {
    let mut symbols = Vec::new();
    for chunk in &report.packet_chunks {
        match chunk {
            PacketStatusChunk::RunLengthChunk(run) => {
                symbols.extend(std::iter::repeat_n(run.packet_status_symbol, run.run_length.into()));
            }
            PacketStatusChunk::StatusVectorChunk(vector) => symbols.extend(&vector.symbol_list),
        }
    }
    symbols.truncate(report.packet_status_count.into());
    let mut at = i64::from(report.reference_time) * 64_000;
    let mut deltas = report.recv_deltas.iter();
    let arrivals = symbols.into_iter().map(|symbol| match symbol {
        SymbolTypeTcc::PacketReceivedSmallDelta | SymbolTypeTcc::PacketReceivedLargeDelta => {
            at += deltas.next()?.delta;
            Some(at)
        }
        _ => None,
    });
    (report.base_sequence_number, arrivals.collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_report_says_what_arrived_when_and_what_did_not() {
        let start = Instant::now();
        let mut arrivals = TransportArrivals::default();
        for (number, ms) in [(65_534u16, 0), (65_535, 10), (1, 30), (2, 500)] {
            arrivals.arrived(start + Duration::from_millis(ms), number);
        }
        let (base, read) = read_transport_cc(&arrivals.report(1, 2).expect("a report"));
        assert_eq!(base, 65_534);
        let first = read[0].expect("arrived");
        let after: Vec<_> = read.iter().map(|it| it.map(|at| (at - first) / 1000)).collect();
        assert_eq!(after, [Some(0), Some(10), None, Some(30), Some(500)]);
        assert!(arrivals.report(1, 2).is_none());
        arrivals.arrived(start + Duration::from_millis(600), 4);
        let (base, read) = read_transport_cc(&arrivals.report(1, 2).expect("a report"));
        assert_eq!((base, read.len()), (3, 2), "what is missing between two reports is told too");
    }
}
