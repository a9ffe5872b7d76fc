use std::collections::BTreeMap;

use ::rtcp::transport_feedbacks::transport_layer_cc::{PacketStatusChunk, SymbolTypeTcc, TransportLayerCc};
use proptest::prelude::*;
use rtc_shared::marshal::{Marshal, Unmarshal};

use super::*;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Polls at `now`, sends each report over the wire, and reads it as the publisher does: number → arrival in
/// microseconds since our epoch, `None` for a loss.
fn reports(twcc: &mut TwccReceiver, now: Instant) -> Vec<Vec<(u16, Option<i64>)>> {
    let mut all = Vec::new();
    let mut wire = Vec::new();
    while twcc.write(now, Ssrc(1), Ssrc(2), &mut wire) {
        assert!(all.len() < 200, "reports must come to an end");
        assert!(wire.len() <= 1200, "{} bytes do not fit a datagram", wire.len());
        assert_eq!(wire.len() % 4, 0);
        let wire = bytes::Bytes::from(std::mem::take(&mut wire));
        let read = TransportLayerCc::unmarshal(&mut wire.clone()).unwrap();
        assert_eq!(read.marshal().unwrap(), wire, "it round-trips");
        all.push(statuses(&read));
    }
    all
}

fn statuses(report: &TransportLayerCc) -> Vec<(u16, Option<i64>)> {
    let symbols = report.packet_chunks.iter().flat_map(|chunk| match chunk {
        PacketStatusChunk::RunLengthChunk(run) => {
            vec![run.packet_status_symbol; usize::from(run.run_length)]
        }
        PacketStatusChunk::StatusVectorChunk(vector) => vector.symbol_list.clone(),
    });
    let mut deltas = report.recv_deltas.iter();
    let mut time = i64::from(report.reference_time) * 64_000;
    let statuses =
        symbols.take(usize::from(report.packet_status_count)).enumerate().map(|(place, symbol)| {
            let number = report.base_sequence_number.wrapping_add(place as u16);
            let arrival = (symbol != SymbolTypeTcc::PacketNotReceived).then(|| {
                time += deltas.next().unwrap().delta;
                time
            });
            (number, arrival)
        });
    let statuses: Vec<_> = statuses.collect();
    assert_eq!(statuses.len(), usize::from(report.packet_status_count));
    assert!(deltas.next().is_none());
    statuses
}

#[test]
fn a_report_comes_every_50_ms_and_only_when_something_arrived() {
    let start = Instant::now();
    let mut twcc = TwccReceiver::default();
    assert_eq!(twcc.deadline(), None);
    twcc.on_packet(10, start);
    assert_eq!(twcc.deadline(), Some(start + ms(50)));
    twcc.on_packet(11, start + ms(20));
    assert!(reports(&mut twcc, start + ms(49)).is_empty());
    assert_eq!(reports(&mut twcc, start + ms(50)), [[(10, Some(0)), (11, Some(20_000))]]);
    assert_eq!(twcc.deadline(), None);
    twcc.on_packet(12, start + ms(60));
    assert_eq!(twcc.deadline(), Some(start + ms(100)));
    assert_eq!(reports(&mut twcc, start + ms(100)), [[(12, Some(60_000))]]);
    twcc.on_packet(13, start + ms(500));
    assert_eq!(reports(&mut twcc, start + ms(500)), [[(13, Some(500_000))]], "after silence: at once");
}

#[test]
fn losses_between_two_reports_belong_to_the_second() {
    let start = Instant::now();
    let mut twcc = TwccReceiver::default();
    twcc.on_packet(65_534, start);
    reports(&mut twcc, start + ms(50));
    twcc.on_packet(1, start + ms(51));
    assert_eq!(
        reports(&mut twcc, start + ms(100)),
        [[(65_535, None), (0, None), (1, Some(51_000))]],
        "numbers wrap"
    );
}

#[test]
fn a_late_packet_is_reported_again_as_received() {
    let start = Instant::now();
    let mut twcc = TwccReceiver::default();
    twcc.on_packet(1, start);
    twcc.on_packet(3, start + ms(1));
    assert_eq!(reports(&mut twcc, start + ms(50)), [[(1, Some(0)), (2, None), (3, Some(1_000))]]);
    twcc.on_packet(2, start + ms(55));
    twcc.on_packet(4, start + ms(56));
    assert_eq!(
        reports(&mut twcc, start + ms(100)),
        [[(2, Some(55_000)), (3, Some(1_000)), (4, Some(56_000))]],
        "time runs backwards between 2 and 3"
    );
}

#[test]
fn a_long_silence_needs_a_new_reference_time() {
    let start = Instant::now();
    let mut twcc = TwccReceiver::default();
    twcc.on_packet(1, start);
    twcc.on_packet(2, start + ms(9_000));
    twcc.on_packet(3, start + ms(9_001));
    let all = reports(&mut twcc, start + ms(9_050));
    assert_eq!(all, [vec![(1, Some(0))], vec![(2, Some(9_000_000)), (3, Some(9_001_000))]]);
}

#[test]
fn a_burst_brings_the_report_forward() {
    let start = Instant::now();
    let mut twcc = TwccReceiver::default();
    for number in 0..1000 {
        twcc.on_packet(number, start + Duration::from_micros(u64::from(number)));
    }
    assert!(twcc.deadline().is_some_and(|at| at < start + ms(1)));
    let all = reports(&mut twcc, start + ms(1));
    assert_eq!(all.iter().map(Vec::len).sum::<usize>(), 1000);
    assert_eq!(all.len(), 3);
}

#[test]
fn a_jump_of_the_numbers_costs_bounded_work() {
    let start = Instant::now();
    let mut twcc = TwccReceiver::default();
    for step in 0..50u16 {
        twcc.on_packet(step.wrapping_mul(30_000), start + ms(u64::from(step)));
    }
    let told: usize = reports(&mut twcc, start + ms(60)).iter().map(Vec::len).sum();
    assert!(told <= REMEMBERED);
    assert_eq!(twcc.deadline(), None);
}

#[test]
fn the_reference_time_wraps_at_24_bits() {
    let start = Instant::now();
    let mut twcc = TwccReceiver::default();
    twcc.on_packet(1, start);
    reports(&mut twcc, start + ms(50));
    let later = start + ms(64) * (1 << 24) + ms(70);
    twcc.on_packet(2, later);
    let report = twcc.poll(later, Ssrc(1), Ssrc(2)).unwrap();
    assert_eq!(report.reference_time, 1);
    assert_eq!(report.recv_deltas.first().map(|it| it.delta), Some(6_000));
}

proptest! {
    #[test]
    fn the_publisher_learns_of_every_packet_and_of_no_other(
        first in any::<u16>(),
        packets in prop::collection::vec((prop::bool::weighted(0.8), 0..30u64, 0..4u64), 1..600),
    ) {
        let start = Instant::now();
        let mut twcc = TwccReceiver::default();
        let mut sent: Vec<(u64, u64)> = Vec::new();
        let mut clock = 0;
        for (index, (arrives, gap, reorder)) in packets.iter().enumerate() {
            clock += gap * 100;
            if *arrives || index == 0 {
                sent.push((clock + reorder * 700 * u64::from(index != 0), index as u64));
            }
        }
        sent.sort_unstable();
        let mut truth: BTreeMap<u16, i64> = BTreeMap::new();
        let mut learnt: BTreeMap<u16, Option<i64>> = BTreeMap::new();
        let epoch = sent[0].0;
        for (at, index) in sent {
            let now = start + Duration::from_micros(at);
            let number = first.wrapping_add(index as u16);
            twcc.on_packet(number, now);
            truth.insert(number, (at - epoch) as i64 / 250 * 250);
            learnt.extend(reports(&mut twcc, now).into_iter().flatten());
        }
        learnt.extend(reports(&mut twcc, start + ms(100_000)).into_iter().flatten());
        for (number, arrival) in &learnt {
            prop_assert_eq!(truth.get(number), arrival.as_ref(), "number {}", number);
        }
        prop_assert!(truth.keys().all(|number| learnt.contains_key(number)));
        prop_assert_eq!(twcc.deadline(), None);
    }

    #[test]
    fn hostile_numbers_never_panic(
        packets in prop::collection::vec((any::<u16>(), 0..20_000u64), 1..200),
    ) {
        let mut now = Instant::now();
        let mut twcc = TwccReceiver::default();
        for (number, wait) in packets {
            now += ms(wait);
            twcc.on_packet(number, now);
            if wait % 3 == 0 {
                reports(&mut twcc, now);
            }
        }
        reports(&mut twcc, now + ms(100));
        prop_assert_eq!(twcc.deadline(), None);
    }
}
