//! Transport-wide congestion control feedback to a publisher
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).

use std::time::{Duration, Instant};

use rtcp::transport_feedbacks::transport_layer_cc::{
    PacketStatusChunk, RecvDelta, RunLengthChunk, StatusChunkTypeTcc, StatusVectorChunk, SymbolSizeTypeTcc,
    SymbolTypeTcc, TYPE_TCC_DELTA_SCALE_FACTOR, TransportLayerCc,
};

use super::sequence::SequenceExtender;
use crate::ids::Ssrc;

/// Time between two reports. libwebrtc sends one every 50–250 ms depending on bitrate; the fast end reacts best.
const INTERVAL: Duration = Duration::from_millis(50);
/// Arrivals remembered; a power of two. 50 ms at 20 Mbit/s are about 100 packets.
const REMEMBERED: usize = 2048;
/// Received packets in one report, so that it fits a datagram with others: at most 2¼ bytes each.
const MAX_RECEIVED: usize = 400;
/// This many new packets bring the next report forward.
const HURRY: u32 = 256;
/// Reference time counts 64 ms steps, arrival times 250 µs ticks.
const TICKS_PER_REFERENCE: i64 = 256;
/// Symbols in a status vector chunk, by symbol size.
const ONE_BIT_SYMBOLS: usize = 14;
const TWO_BIT_SYMBOLS: usize = 7;
/// The run length has 13 bits.
const MAX_RUN: usize = 8191;

/// Records arrivals of one transport and reports them.
#[derive(Debug)]
pub struct TwccReceiver {
    extender: SequenceExtender,
    /// Arrival of the packet with each transport-wide number, at that number modulo the length.
    arrivals: Vec<Option<Arrived>>,
    /// First number the next report is about; `None` when there is nothing new.
    begin: Option<u64>,
    /// Number after the last one reported.
    reported: Option<u64>,
    /// New packets since the last report.
    fresh: u32,
    /// Zero of the reference time.
    epoch: Option<Instant>,
    next: Option<Instant>,
    last: Option<Instant>,
    feedback_count: u8,
}

#[derive(Clone, Copy, Debug)]
struct Arrived {
    sequence: u64,
    /// Ticks of 250 µs since the epoch.
    ticks: i64,
}

impl Default for TwccReceiver {
    fn default() -> Self {
        Self {
            extender: SequenceExtender::default(),
            arrivals: vec![None; REMEMBERED],
            begin: None,
            reported: None,
            fresh: 0,
            epoch: None,
            next: None,
            last: None,
            feedback_count: 0,
        }
    }
}

impl TwccReceiver {
    /// Takes note of a packet with its transport-wide sequence number.
    pub fn on_packet(&mut self, sequence: u16, now: Instant) {
        let epoch = *self.epoch.get_or_insert(now);
        let sequence = self.extender.extend(sequence);
        if self.extender.highest().is_some_and(|highest| highest - sequence >= REMEMBERED as u64) {
            // So late that the sender has long forgotten it.
            return;
        }
        let place = sequence as usize % REMEMBERED;
        let Some(slot) = self.arrivals.get_mut(place) else { return };
        if slot.is_some_and(|it| it.sequence >= sequence) {
            // A duplicate, or so late that its place is taken.
            return;
        }
        let ticks = now.saturating_duration_since(epoch).as_micros() / TYPE_TCC_DELTA_SCALE_FACTOR as u128;
        *slot = Some(Arrived { sequence, ticks: i64::try_from(ticks).unwrap_or(i64::MAX) });
        // Numbers between the last report and this packet belong to the next report, as lost. A packet that was
        // reported lost and came late moves the beginning back: the sender then learns that it arrived.
        let from = self.reported.map_or(sequence, |reported| reported.min(sequence));
        self.begin = Some(self.begin.map_or(from, |begin| begin.min(from)));
        self.fresh += 1;
        let at = self.last.map_or(now + INTERVAL, |last| now.max(last + INTERVAL));
        let at = if self.fresh >= HURRY { now } else { at };
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }

    /// The next report, if one is due. Call again until `None`: a large gap in time or numbers takes several.
    ///
    /// `sender` is our SSRC in RTCP, `media` any stream of the publisher (the report is about all of them).
    pub fn poll(&mut self, now: Instant, sender: Ssrc, media: Ssrc) -> Option<TransportLayerCc> {
        self.next.filter(|next| *next <= now)?;
        let highest = self.extender.highest()?;
        // Older arrivals have been overwritten.
        let begin = self.begin?.max((highest + 1).saturating_sub(REMEMBERED as u64));
        // A report begins with a received packet: before it there is no time to refer to. Losses in front of it are
        // still covered, their status comes first.
        let first = (begin..=highest).find_map(|sequence| self.arrival(sequence))?;
        let reference = first.div_euclid(TICKS_PER_REFERENCE);
        let mut previous = reference * TICKS_PER_REFERENCE;
        let mut symbols = Vec::new();
        let mut deltas = Vec::new();
        let mut end = begin;
        for sequence in begin..=highest {
            if let Some(ticks) = self.arrival(sequence) {
                let delta = ticks - previous;
                let symbol = match delta {
                    0..=255 => SymbolTypeTcc::PacketReceivedSmallDelta,
                    _ if i16::try_from(delta).is_ok() => SymbolTypeTcc::PacketReceivedLargeDelta,
                    // More than 8 s apart: the rest needs another reference time.
                    _ => break,
                };
                if deltas.len() == MAX_RECEIVED {
                    break;
                }
                previous = ticks;
                symbols.push(symbol);
                deltas
                    .push(RecvDelta { type_tcc_packet: symbol, delta: delta * TYPE_TCC_DELTA_SCALE_FACTOR });
            } else {
                symbols.push(SymbolTypeTcc::PacketNotReceived);
            }
            end = sequence + 1;
        }
        self.reported = Some(self.reported.map_or(end, |reported| reported.max(end)));
        self.last = Some(now);
        if end > highest {
            self.begin = None;
            self.next = None;
            self.fresh = 0;
        } else {
            // The rest is due at once.
            self.begin = Some(end);
        }
        let feedback_count = self.feedback_count;
        self.feedback_count = self.feedback_count.wrapping_add(1);
        Some(TransportLayerCc {
            sender_ssrc: sender.0,
            media_ssrc: media.0,
            base_sequence_number: begin as u16,
            packet_status_count: symbols.len() as u16,
            reference_time: (reference & 0x00ff_ffff) as u32,
            fb_pkt_count: feedback_count,
            packet_chunks: chunks(&symbols),
            recv_deltas: deltas,
        })
    }

    /// When to [`poll`](Self::poll) next; `None` while nothing is to be reported.
    pub fn deadline(&self) -> Option<Instant> {
        self.next
    }

    fn arrival(&self, sequence: u64) -> Option<i64> {
        let slot = self.arrivals.get(sequence as usize % REMEMBERED)?;
        slot.filter(|it| it.sequence == sequence).map(|it| it.ticks)
    }
}

/// Packs statuses: a run where many are equal, a vector of the smallest fitting symbol size elsewhere.
fn chunks(symbols: &[SymbolTypeTcc]) -> Vec<PacketStatusChunk> {
    let mut chunks = Vec::new();
    let mut rest = symbols;
    while let Some(&symbol) = rest.first() {
        let run = rest.iter().take(MAX_RUN).take_while(|it| **it == symbol).count();
        let has_large =
            |count: usize| rest.iter().take(count).any(|it| *it == SymbolTypeTcc::PacketReceivedLargeDelta);
        let taken = if run >= ONE_BIT_SYMBOLS
            || run == rest.len()
            || (run >= TWO_BIT_SYMBOLS && has_large(run + 1))
        {
            chunks.push(PacketStatusChunk::RunLengthChunk(RunLengthChunk {
                type_tcc: StatusChunkTypeTcc::RunLengthChunk,
                packet_status_symbol: symbol,
                run_length: run as u16,
            }));
            run
        } else {
            let (symbol_size, capacity) = if has_large(ONE_BIT_SYMBOLS) {
                (SymbolSizeTypeTcc::TwoBit, TWO_BIT_SYMBOLS)
            } else {
                (SymbolSizeTypeTcc::OneBit, ONE_BIT_SYMBOLS)
            };
            let taken = rest.len().min(capacity);
            // The unused end of the last vector says "not received"; the count tells it is not meant.
            let mut symbol_list: Vec<_> = rest.iter().take(taken).copied().collect();
            symbol_list.resize(capacity, SymbolTypeTcc::PacketNotReceived);
            chunks.push(PacketStatusChunk::StatusVectorChunk(StatusVectorChunk {
                type_tcc: StatusChunkTypeTcc::StatusVectorChunk,
                symbol_size,
                symbol_list,
            }));
            taken
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    chunks
}

#[cfg(test)]
#[path = "twcc_tests.rs"]
mod tests;
