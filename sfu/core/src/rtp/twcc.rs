//! Transport-wide congestion control feedback to a publisher
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).

use std::time::{Duration, Instant};

use bytes::BufMut;

use super::rtcp;
use super::sequence::SequenceExtender;
use crate::ids::Ssrc;

/// Time between two reports. libwebrtc sends one every 50–250 ms depending on bitrate; the fast end reacts best.
const INTERVAL: Duration = Duration::from_millis(50);
/// The longest, towards peers whose own path is thin: 20 reports a second take as much as a voice.
const INTERVAL_MAX: Duration = Duration::from_millis(250);
/// Bits of a report with everything around it, and the part of a path, one in so many, that reports may take.
const REPORT_BITS: u64 = 1_000;
const REPORT_SHARE: u64 = 20;
/// Arrivals remembered; a power of two. 50 ms at 20 Mbit/s are about 100 packets.
const REMEMBERED: usize = 1024;
/// Received packets in one report, so that it fits a datagram with others: at most 2¼ bytes each.
const MAX_RECEIVED: usize = 400;
/// This many new packets bring the next report forward.
const HURRY: u32 = 256;
/// Reference time counts 64 ms steps, arrival times 250 µs ticks.
const TICKS_PER_REFERENCE: i64 = 256;
const TICK_US: u64 = 250;
/// Symbols in a status vector chunk, by symbol size.
const ONE_BIT_SYMBOLS: usize = 14;
const TWO_BIT_SYMBOLS: usize = 7;
/// The run length has 13 bits.
const MAX_RUN: usize = 8191;

/// Records arrivals of one transport and reports them.
#[derive(Debug, Default)]
pub struct TwccReceiver {
    extender: SequenceExtender,
    /// Arrival of the packet with each transport-wide number, at that number modulo the length. Made with the first packet.
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
    /// Added to [`INTERVAL`].
    stretch: Duration,
    /// The report being written.
    symbols: Vec<Symbol>,
    deltas: Vec<i16>,
}

/// What happened to a packet; the values are those of the draft (§3.1.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u16)]
enum Symbol {
    NotReceived = 0,
    /// One byte of time.
    Small = 1,
    /// Two bytes of time.
    Large = 2,
}

#[derive(Clone, Copy, Debug)]
struct Arrived {
    sequence: u64,
    /// Ticks of 250 µs since the epoch.
    ticks: i64,
}

impl TwccReceiver {
    /// What the path to the publisher carries, bits per second, where that is known: a thin one gets fewer reports.
    pub fn set_capacity(&mut self, bps: Option<u64>) {
        let millis = bps.map_or(0, |bps| REPORT_BITS * REPORT_SHARE * 1000 / bps.max(1));
        self.stretch = Duration::from_millis(millis).clamp(INTERVAL, INTERVAL_MAX) - INTERVAL;
    }

    /// Takes note of a packet with its transport-wide sequence number.
    pub fn on_packet(&mut self, sequence: u16, now: Instant) {
        let epoch = *self.epoch.get_or_insert(now);
        if self.arrivals.is_empty() {
            self.arrivals = vec![None; REMEMBERED];
        }
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
        let ticks = now.saturating_duration_since(epoch).as_micros() as u64 / TICK_US;
        *slot = Some(Arrived { sequence, ticks: i64::try_from(ticks).unwrap_or(i64::MAX) });
        // Numbers between the last report and this packet belong to the next report, as lost. A packet that was
        // reported lost and came late moves the beginning back: the sender then learns that it arrived.
        let from = self.reported.map_or(sequence, |reported| reported.min(sequence));
        self.begin = Some(self.begin.map_or(from, |begin| begin.min(from)));
        self.fresh += 1;
        let interval = INTERVAL + self.stretch;
        let at = self.last.map_or(now + interval, |last| now.max(last + interval));
        let at = if self.fresh >= HURRY { now } else { at };
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }

    /// Appends the next report, if one is due. Call again until false: a large gap in time or numbers takes several.
    ///
    /// `sender` is our SSRC in RTCP, `media` any stream of the publisher (the report is about all of them).
    pub fn write(&mut self, now: Instant, sender: Ssrc, media: Ssrc, out: &mut Vec<u8>) -> bool {
        self.write_report(now, sender, media, out).is_some()
    }

    fn write_report(&mut self, now: Instant, sender: Ssrc, media: Ssrc, out: &mut Vec<u8>) -> Option<()> {
        self.next.filter(|next| *next <= now)?;
        let highest = self.extender.highest()?;
        // Older arrivals have been overwritten.
        let begin = self.begin?.max((highest + 1).saturating_sub(REMEMBERED as u64));
        // A report begins with a received packet: before it there is no time to refer to. Losses in front of it are
        // still covered, their status comes first.
        let first = (begin..=highest).find_map(|sequence| self.arrival(sequence))?;
        let reference = first.div_euclid(TICKS_PER_REFERENCE);
        let mut previous = reference * TICKS_PER_REFERENCE;
        self.symbols.clear();
        self.deltas.clear();
        let mut end = begin;
        for sequence in begin..=highest {
            if let Some(ticks) = self.arrival(sequence) {
                // More than 8 s apart: the rest needs another reference time.
                let Ok(delta) = i16::try_from(ticks - previous) else { break };
                if self.deltas.len() == MAX_RECEIVED {
                    break;
                }
                previous = ticks;
                self.symbols.push(if (0..=255).contains(&delta) { Symbol::Small } else { Symbol::Large });
                self.deltas.push(delta);
            } else {
                self.symbols.push(Symbol::NotReceived);
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
        rtcp::write_transport_cc(sender, media, out, |out| {
            out.put_u16(begin as u16);
            out.put_u16(self.symbols.len() as u16);
            out.put_u32(((reference & 0x00ff_ffff) as u32) << 8 | u32::from(self.feedback_count));
            write_chunks(&self.symbols, out);
            for delta in &self.deltas {
                match u8::try_from(*delta) {
                    Ok(small) => out.put_u8(small),
                    Err(_) => out.put_i16(*delta),
                }
            }
        });
        self.feedback_count = self.feedback_count.wrapping_add(1);
        Some(())
    }

    /// The next report as the crates of the family read it, for tests that look into it.
    #[cfg(any(test, feature = "testing"))]
    pub fn poll(
        &mut self,
        now: Instant,
        sender: Ssrc,
        media: Ssrc,
    ) -> Option<::rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc> {
        use rtc_shared::marshal::Unmarshal;
        let mut wire = Vec::new();
        self.write_report(now, sender, media, &mut wire)?;
        Unmarshal::unmarshal(&mut bytes::Bytes::from(wire)).ok()
    }

    /// When to [`write`](Self::write) next; `None` while nothing is to be reported.
    pub fn deadline(&self) -> Option<Instant> {
        self.next
    }

    fn arrival(&self, sequence: u64) -> Option<i64> {
        let slot = self.arrivals.get(sequence as usize % REMEMBERED)?;
        slot.filter(|it| it.sequence == sequence).map(|it| it.ticks)
    }
}

/// Packs statuses: a run where many are equal, a vector of the smallest fitting symbol size elsewhere.
///
/// ```text
/// |0| symbol (2) | run length (13)          |
/// |1|0| fourteen symbols of one bit         |
/// |1|1| seven symbols of two bits           |
/// ```
fn write_chunks(symbols: &[Symbol], out: &mut Vec<u8>) {
    let mut rest = symbols;
    while let Some(&symbol) = rest.first() {
        let run = rest.iter().take(MAX_RUN).take_while(|it| **it == symbol).count();
        let has_large = |count: usize| rest.iter().take(count).any(|it| *it == Symbol::Large);
        let taken = if run >= ONE_BIT_SYMBOLS
            || run == rest.len()
            || (run >= TWO_BIT_SYMBOLS && has_large(run + 1))
        {
            out.put_u16((symbol as u16) << 13 | run as u16);
            run
        } else {
            let (flags, bits, capacity) = if has_large(ONE_BIT_SYMBOLS) {
                (0xc000, 2, TWO_BIT_SYMBOLS)
            } else {
                (0x8000, 1, ONE_BIT_SYMBOLS)
            };
            // The unused end of the last vector says "not received"; the count tells it is not meant.
            let chunk = (1..).zip(rest.iter().take(capacity)).fold(flags, |chunk, (place, symbol)| {
                chunk | (*symbol as u16) << (bits * (capacity - place))
            });
            out.put_u16(chunk);
            rest.len().min(capacity)
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
}

#[cfg(test)]
#[path = "twcc_tests.rs"]
mod tests;
