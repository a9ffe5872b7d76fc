//! What a viewer tells the server of what arrives: TWCC (draft-holmer-rmcat-transport-wide-cc-extensions-01) and report
//! blocks (RFC 3550 §6.4.2). Written without the server's own generator.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rtcp::reception_report::ReceptionReport;
use rtcp::transport_feedbacks::transport_layer_cc::{
    PacketStatusChunk, RecvDelta, StatusChunkTypeTcc, StatusVectorChunk, SymbolSizeTypeTcc, SymbolTypeTcc,
    TransportLayerCc,
};

/// Symbols of two bits in a status vector chunk.
const SYMBOLS: usize = 7;
/// Statuses in one report.
const REPORT_MAX: usize = 200;

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
    pub fn arrived(&mut self, now: Instant, number: u16) {
        let start = *self.start.get_or_insert(now);
        let highest = self.highest.unwrap_or((1 << 20) + u64::from(number));
        let extended = highest.wrapping_add_signed(i64::from(number.wrapping_sub(highest as u16) as i16));
        self.highest = Some(highest.max(extended));
        // The zero lies a second back, so that clocks that start together do not start at zero.
        let ticks = (now.duration_since(start).as_micros() as i64 + 1_000_000) / 250;
        self.fresh.entry(extended).or_insert(ticks);
    }

    /// The next report; `None` when there is nothing new.
    pub fn report(&mut self, sender: u32, media: u32) -> Option<TransportLayerCc> {
        let (&first, _) = self.fresh.first_key_value()?;
        let (&last, _) = self.fresh.last_key_value()?;
        let base =
            self.next.filter(|next| *next <= first && first - next < REPORT_MAX as u64).unwrap_or(first);
        let end = (last + 1).min(base + REPORT_MAX as u64);
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
                    let delta = delta.clamp(-32768, 32767) * 250;
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

/// What a TWCC report says: the first number, and for each from there on when it arrived, in µs.
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

/// Reception of one stream, for its report block.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reception {
    received: u64,
    first: Option<u64>,
    before: (u64, u64),
    jitter: f64,
    transit: Option<f64>,
    last_report: Option<(u32, Instant)>,
}

impl Reception {
    /// Takes note of an original packet.
    pub fn arrived(&mut self, now: Instant, start: Instant, clock_rate: u32, timestamp: u32, sequence: u64) {
        self.received += 1;
        self.first.get_or_insert(sequence);
        let arrival = now.duration_since(start).as_secs_f64() * f64::from(clock_rate);
        let transit = (arrival - f64::from(timestamp)).rem_euclid(4_294_967_296.0);
        if let Some(before) = self.transit.replace(transit) {
            let difference = (transit - before).abs();
            if difference < f64::from(clock_rate) {
                self.jitter += (difference - self.jitter) / 16.0;
            }
        }
    }

    /// Takes note of a sender report.
    pub fn reported(&mut self, now: Instant, ntp: u64) {
        self.last_report = Some(((ntp >> 16) as u32, now));
    }

    /// A block about everything since the last one.
    pub fn block(&mut self, now: Instant, ssrc: u32, highest: u64) -> Option<ReceptionReport> {
        let expected = highest.saturating_sub(self.first?) + 1;
        let (expected_before, received_before) =
            std::mem::replace(&mut self.before, (expected, self.received));
        let expected_now = expected.saturating_sub(expected_before);
        let lost = expected_now.saturating_sub(self.received - received_before);
        let (last_sender_report, delay) = match self.last_report {
            Some((ntp, at)) => (ntp, short_ntp(now.duration_since(at))),
            None => (0, 0),
        };
        Some(ReceptionReport {
            ssrc,
            fraction_lost: (lost * 256).checked_div(expected_now).unwrap_or(0).min(255) as u8,
            total_lost: expected.saturating_sub(self.received).min(0x7f_ffff) as u32,
            last_sequence_number: highest as u32,
            jitter: self.jitter as u32,
            last_sender_report,
            delay,
        })
    }
}

/// 16.16 fixed-point seconds.
fn short_ntp(duration: Duration) -> u32 {
    ((duration.as_micros() << 16) / 1_000_000) as u32
}
