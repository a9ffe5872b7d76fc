//! RTCP both ways: what subscribers and publishers tell us, and what we tell them.

use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc_shared::marshal::Marshal;
use rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtcp::receiver_report::ReceiverReport;
use rtcp::reception_report::ReceptionReport;
use rtcp::sender_report::SenderReport;
use rtcp::transport_feedbacks::transport_layer_nack::{TransportLayerNack, nack_pairs_from_sequence_numbers};

use crate::ids::Ssrc;

/// Reports and requests of one compound packet that matter to us.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Incoming {
    /// A publisher ties its RTP clock to its wall clock.
    SenderReport { ssrc: Ssrc, ntp: u64, rtp_timestamp: u32 },
    /// A subscriber's view of one of our streams.
    ReceptionReport { ssrc: Ssrc, reception: Reception },
    /// A subscriber lacks packets of one of our streams.
    Nack { ssrc: Ssrc, sequences: Vec<u16> },
    /// A subscriber's decoder is lost (PLI or FIR).
    KeyframeRequest { ssrc: Ssrc },
}

/// How a peer gets one of our streams (RFC 3550 §6.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reception {
    /// Middle 32 bits of the NTP time in our last sender report it has seen.
    pub(super) last_sr: u32,
    /// How long ago it saw that.
    pub(super) delay: Duration,
    /// Share of packets lost since its last report, in 256ths.
    pub(super) fraction_lost: u8,
    /// Highest sequence number it has seen, extended by its count of cycles.
    pub(super) highest: u32,
}

/// At most this many sequence numbers of one compound packet are answered.
const NACKED_MAX: usize = 256;

/// Reads a decrypted compound packet; what does not parse yields nothing.
pub(super) fn parse(compound: &[u8]) -> Vec<Incoming> {
    let mut compound = Bytes::copy_from_slice(compound);
    let Ok(packets) = rtcp::packet::unmarshal(&mut compound) else { return Vec::new() };
    let mut out = Vec::new();
    for packet in packets {
        let any = packet.as_any();
        if let Some(report) = any.downcast_ref::<SenderReport>() {
            out.push(Incoming::SenderReport {
                ssrc: Ssrc(report.ssrc),
                ntp: report.ntp_time,
                rtp_timestamp: report.rtp_time,
            });
            out.extend(report.reports.iter().map(reception));
        } else if let Some(report) = any.downcast_ref::<ReceiverReport>() {
            out.extend(report.reports.iter().map(reception));
        } else if let Some(nack) = any.downcast_ref::<TransportLayerNack>() {
            let sequences = nack.nacks.iter().flat_map(|pair| pair.packet_list()).take(NACKED_MAX).collect();
            out.push(Incoming::Nack { ssrc: Ssrc(nack.media_ssrc), sequences });
        } else if let Some(pli) = any.downcast_ref::<PictureLossIndication>() {
            out.push(Incoming::KeyframeRequest { ssrc: Ssrc(pli.media_ssrc) });
        } else if let Some(fir) = any.downcast_ref::<FullIntraRequest>() {
            out.extend(fir.fir.iter().map(|entry| Incoming::KeyframeRequest { ssrc: Ssrc(entry.ssrc) }));
        }
    }
    out
}

fn reception(report: &ReceptionReport) -> Incoming {
    Incoming::ReceptionReport {
        ssrc: Ssrc(report.ssrc),
        reception: Reception {
            last_sr: report.last_sender_report,
            // In units of 1/65536 s.
            delay: Duration::from_micros(u64::from(report.delay) * 1_000_000 / 65_536),
            fraction_lost: report.fraction_lost,
            highest: report.last_sequence_number,
        },
    }
}

/// A PLI (RFC 4585 §6.3.1).
pub(super) fn pli(sender: Ssrc, media: Ssrc) -> Option<Bytes> {
    let packet = PictureLossIndication { sender_ssrc: sender.0, media_ssrc: media.0 };
    packet.marshal().ok().map(|bytes| bytes.freeze())
}

/// A generic NACK (RFC 4585 §6.2.1).
pub(super) fn nack(sender: Ssrc, media: Ssrc, sequences: &[u16]) -> Option<Bytes> {
    let packet = TransportLayerNack {
        sender_ssrc: sender.0,
        media_ssrc: media.0,
        nacks: nack_pairs_from_sequence_numbers(sequences),
    };
    packet.marshal().ok().map(|bytes| bytes.freeze())
}

/// A receiver report with a block for each stream we receive (RFC 3550 §6.4.2).
pub(super) fn receiver_report(sender: Ssrc, blocks: Vec<ReceptionReport>) -> Option<Bytes> {
    let packet = ReceiverReport { ssrc: sender.0, reports: blocks, profile_extensions: Bytes::new() };
    packet.marshal().ok().map(|bytes| bytes.freeze())
}

/// What we say of one stream we send.
pub(super) struct Sent {
    pub(super) ssrc: Ssrc,
    pub(super) ntp: u64,
    pub(super) rtp_timestamp: u32,
    pub(super) packets: u32,
    pub(super) octets: u32,
}

/// A sender report (RFC 3550 §6.4.1).
pub(super) fn sender_report(sent: &Sent) -> Option<Bytes> {
    let packet = SenderReport {
        ssrc: sent.ssrc.0,
        ntp_time: sent.ntp,
        rtp_time: sent.rtp_timestamp,
        packet_count: sent.packets,
        octet_count: sent.octets,
        ..SenderReport::default()
    };
    packet.marshal().ok().map(|bytes| bytes.freeze())
}

/// Remembers when sender reports went out, so that the reports about them give the round trip.
#[derive(Debug, Default)]
pub(super) struct SentReports {
    recent: [Option<(u32, Instant)>; 4],
    next: usize,
    /// The highest sequence number in the last report about us.
    highest: Option<u32>,
}

impl SentReports {
    /// A report with this NTP time went out.
    pub(super) fn sent(&mut self, now: Instant, ntp: u64) {
        self.recent[self.next] = Some(((ntp >> 16) as u32, now));
        self.next = (self.next + 1) % self.recent.len();
    }

    /// A report about us names the highest sequence number seen: how many packets it is about. Nothing where numbers
    /// go backwards or farther than any report interval, as lies and restarts do.
    pub(super) fn reported(&mut self, highest: u32) -> u32 {
        const PLAUSIBLE: u32 = 1 << 15;
        let before = self.highest.replace(highest).unwrap_or(highest);
        Some(highest.wrapping_sub(before)).filter(|packets| *packets < PLAUSIBLE).unwrap_or(0)
    }

    /// The round trip (RFC 3550 §6.4.1: A − LSR − DLSR), if the report is about one we remember.
    pub(super) fn round_trip(&self, now: Instant, last_sr: u32, delay: Duration) -> Option<Duration> {
        let (_, sent) = self.recent.iter().flatten().find(|(middle, _)| *middle == last_sr)?;
        now.duration_since(*sent).checked_sub(delay)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn requests_survive_the_wire() {
        let mut compound = Vec::new();
        compound.extend_from_slice(&nack(Ssrc(1), Ssrc(2), &[7, 8, 65535]).expect("nack"));
        compound.extend_from_slice(&pli(Ssrc(1), Ssrc(2)).expect("pli"));
        let mut incoming = parse(&compound);
        if let Some(Incoming::Nack { sequences, .. }) = incoming.first_mut() {
            sequences.sort_unstable();
        }
        assert_eq!(
            incoming,
            [
                Incoming::Nack { ssrc: Ssrc(2), sequences: vec![7, 8, 65535] },
                Incoming::KeyframeRequest { ssrc: Ssrc(2) }
            ]
        );
    }

    /// One RTCP packet with a true header and anything behind it.
    fn packet() -> impl Strategy<Value = Vec<u8>> {
        let body = proptest::collection::vec(any::<u8>(), 0..160);
        (0u8..32, 192u8..=213, any::<bool>(), -1i32..=1, body).prop_map(
            |(count, kind, padded, lie, mut body)| {
                body.truncate(body.len() / 4 * 4);
                let words = (body.len() as i32 / 4 + lie).max(0) as u16;
                let first = 0x80 | u8::from(padded) << 5 | count;
                let mut packet = vec![first, kind];
                packet.extend_from_slice(&words.to_be_bytes());
                packet.append(&mut body);
                packet
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn whatever_a_peer_says_is_read_or_dropped(packets in proptest::collection::vec(packet(), 1..4)) {
            let compound = packets.concat();
            let length = compound.len();
            prop_assert!(parse(&compound).len() <= length);
        }
    }

    #[test]
    fn the_round_trip_is_what_is_left_after_the_peers_delay() {
        let start = Instant::now();
        let mut reports = SentReports::default();
        reports.sent(start, 0x1234_5678_9abc_def0);
        let later = start + Duration::from_millis(130);
        let delay = Duration::from_millis(100);
        assert_eq!(reports.round_trip(later, 0x5678_9abc, delay), Some(Duration::from_millis(30)));
        assert_eq!(reports.round_trip(later, 1, delay), None);
    }
}
