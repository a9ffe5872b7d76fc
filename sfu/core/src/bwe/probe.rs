//! Probing: for a moment more is sent than the estimate allows, filled up with padding, and what arrives tells whether the
//! link has more to give. Without it the estimate could only follow what is sent, and what is sent the estimate.

use std::time::Duration;

use super::bitrate::Bitrate;
use super::history::Ack;

/// A cluster lasts this long …
const SPAN: Duration = Duration::from_millis(25);
/// … and has at least this many packets, so that one delayed packet does not decide.
const PACKETS_MIN: u32 = 8;
/// A cluster that has not come together after this long is given up.
const SPAN_MAX_US: u64 = 400_000;
/// No word about a cluster for this long: it failed.
const SILENCE_US: u64 = 1_000_000;
/// The first probe goes to this multiple of the estimate …
const FIRST: f64 = 3.0;
/// … and each further one to this.
const NEXT: f64 = 2.0;
/// A probe whose result reached this part of its rate is followed by the next at once.
const FURTHER: f64 = 0.7;
/// This part of a cluster must have arrived.
const ARRIVED: f64 = 0.8;
/// What arrives faster than this multiple of what was sent was held up and let go at once: it measures nothing.
const COMPRESSED: f64 = 2.0;
/// A link that passed less than this part of the probe is full: stay a little below what it passed.
const FULL: f64 = 0.9;
const FULL_USE: f64 = 0.95;
/// Time between probes that found nothing: each costs the audio behind it up to one span of delay.
const PAUSE: (Duration, Duration) = (Duration::from_millis(800), Duration::from_millis(1500));
const PAUSE_GROWTH: f64 = 1.4;
/// After the estimate fell nothing is probed for this long.
const AFTER_DECREASE: Duration = Duration::from_millis(1000);
/// Probes go this far beyond what would be used.
const BEYOND_WANTED: f64 = 1.25;
/// Below this gain a probe is not worth its disturbance.
const WORTHWHILE: f64 = 1.05;

/// The probe being sent.
#[derive(Clone, Copy, Debug)]
struct Cluster {
    id: u8,
    rate: Bitrate,
    began_us: u64,
    bytes: u64,
    packets: u32,
}

/// What arrived of a cluster.
#[derive(Clone, Copy, Debug)]
struct Tally {
    id: u8,
    rate: Bitrate,
    sent_bytes: u64,
    sent_packets: u32,
    ended_us: u64,
    bytes: u64,
    packets: u32,
    /// Departure and size of the last to leave, arrival and size of the first to arrive.
    first_sent_us: u64,
    last_sent: (u64, u16),
    first_arrival: (i64, u16),
    last_arrival_us: i64,
}

/// What the estimator says when it asks whether to probe.
#[derive(Clone, Copy, Debug)]
pub struct ProbeContext {
    /// The estimate in force.
    pub estimate: Bitrate,
    /// What would be used if the link had it.
    pub wanted: Bitrate,
    /// No overuse, no standing queue.
    pub quiet: bool,
    /// When the estimate was last lowered.
    pub decreased_us: Option<u64>,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Prober {
    next_id: u8,
    active: Option<Cluster>,
    awaited: Option<Tally>,
    /// Earliest next probe.
    not_before_us: u64,
    pause: Duration,
    /// The next one follows a success.
    further: bool,
    started: bool,
    sent: u64,
}

impl Default for Prober {
    fn default() -> Self {
        Self {
            next_id: 1,
            active: None,
            awaited: None,
            not_before_us: 0,
            pause: PAUSE.0,
            further: false,
            started: false,
            sent: 0,
        }
    }
}

impl Prober {
    /// A prober for another path of the same leg: its clusters are told from those still on the old one.
    pub fn continuing(before: &Self) -> Self {
        Self { next_id: before.next_id, sent: before.sent, ..Self::default() }
    }

    /// Begins a probe if one is due and worth it.
    pub fn poll(&mut self, now_us: u64, context: &ProbeContext) {
        self.end_cluster(now_us);
        if self.awaited.is_some_and(|tally| now_us > tally.ended_us.saturating_add(SILENCE_US)) {
            self.awaited = None;
            self.failed(now_us);
        }
        let worth = context.wanted > context.estimate.scale(WORTHWHILE);
        let since_decrease = AFTER_DECREASE.as_micros() as u64;
        let settled = context.decreased_us.is_none_or(|at| now_us >= at + since_decrease);
        let idle = self.active.is_none() && self.awaited.is_none();
        if !worth || !context.quiet || !settled || !idle || now_us < self.not_before_us {
            return;
        }
        let factor = if self.started { NEXT } else { FIRST };
        let rate = context.estimate.scale(factor).min(context.wanted.scale(BEYOND_WANTED));
        self.active = Some(Cluster { id: self.next_id, rate, began_us: now_us, bytes: 0, packets: 0 });
        self.next_id = if self.next_id == u8::MAX { 1 } else { self.next_id + 1 };
        self.started = true;
        self.further = false;
        self.sent += 1;
    }

    /// The cluster a packet that leaves now belongs to; 0 for none.
    pub fn cluster(&self) -> u8 {
        self.active.map_or(0, |cluster| cluster.id)
    }

    /// The rate of the running cluster: pacing goes at least this fast.
    pub fn rate(&self) -> Option<Bitrate> {
        self.active.map(|cluster| cluster.rate)
    }

    /// Probes begun so far.
    pub fn count(&self) -> u64 {
        self.sent
    }

    /// A packet left.
    pub fn on_sent(&mut self, now_us: u64, bytes: u16) {
        if let Some(cluster) = &mut self.active {
            cluster.bytes += u64::from(bytes);
            cluster.packets += 1;
        }
        self.end_cluster(now_us);
    }

    /// Bytes of padding the running cluster lacks now to keep its rate.
    pub fn padding(&self, now_us: u64) -> u64 {
        let Some(cluster) = &self.active else { return 0 };
        let elapsed = Duration::from_micros(now_us.saturating_sub(cluster.began_us));
        let due = cluster.rate.bytes_in(elapsed) + 1;
        due.saturating_sub(cluster.bytes)
    }

    /// When to ask for [`padding`](Self::padding) or [`poll`](Self::poll) next, if probing goes on.
    pub fn deadline_us(&self, now_us: u64) -> Option<u64> {
        self.active.map(|_| now_us + 1_000)
    }

    /// Earliest moment a next probe could begin.
    pub fn not_before_us(&self) -> u64 {
        self.not_before_us
    }

    /// A packet of a cluster arrived.
    pub fn on_ack(&mut self, ack: &Ack) {
        self.begin_tally(ack.cluster);
        let Some(tally) = self.awaited.as_mut().filter(|tally| tally.id == ack.cluster) else { return };
        if tally.packets == 0 {
            tally.first_sent_us = ack.sent_us;
            tally.last_sent = (ack.sent_us, ack.bytes);
            tally.first_arrival = (ack.arrival_us, ack.bytes);
            tally.last_arrival_us = ack.arrival_us;
        }
        tally.packets += 1;
        tally.bytes += u64::from(ack.bytes);
        tally.first_sent_us = tally.first_sent_us.min(ack.sent_us);
        if ack.sent_us >= tally.last_sent.0 {
            tally.last_sent = (ack.sent_us, ack.bytes);
        }
        if ack.arrival_us < tally.first_arrival.0 {
            tally.first_arrival = (ack.arrival_us, ack.bytes);
        }
        tally.last_arrival_us = tally.last_arrival_us.max(ack.arrival_us);
    }

    /// After a report: the rate the probe proved, if it is complete and measured anything.
    pub fn result(&mut self, now_us: u64, reported_us: Option<u64>) -> Option<Bitrate> {
        let tally = self.awaited.filter(|tally| self.active.is_none_or(|it| it.id != tally.id))?;
        let whole = tally.packets == tally.sent_packets;
        if !whole && reported_us.is_none_or(|at| at <= tally.ended_us) {
            return None;
        }
        self.awaited = None;
        match tally.rate() {
            Some(rate) => {
                if rate >= tally.rate.scale(FURTHER) {
                    self.further = true;
                    self.pause = PAUSE.0;
                    self.not_before_us = now_us;
                } else {
                    self.failed(now_us);
                }
                Some(rate)
            }
            None => {
                self.failed(now_us);
                None
            }
        }
    }

    fn failed(&mut self, now_us: u64) {
        self.further = false;
        self.not_before_us = now_us + self.pause.as_micros() as u64;
        self.pause = self.pause.mul_f64(PAUSE_GROWTH).min(PAUSE.1);
    }

    fn begin_tally(&mut self, id: u8) {
        if id == 0 || self.awaited.is_some() {
            return;
        }
        if let Some(cluster) = self.active.filter(|cluster| cluster.id == id) {
            // The first packets are back before the last have left.
            self.awaited = Some(Tally::of(&cluster, u64::MAX));
        }
    }

    fn end_cluster(&mut self, now_us: u64) {
        let Some(cluster) = self.active else { return };
        let span = SPAN.as_micros() as u64;
        let elapsed = now_us.saturating_sub(cluster.began_us);
        let filled = cluster.packets >= PACKETS_MIN && cluster.bytes >= cluster.rate.bytes_in(SPAN);
        // One step short of the span: the last packet leaves at its end.
        if filled && elapsed + 1_000 >= span {
            self.active = None;
            let fresh = Tally::of(&cluster, now_us);
            let tally = self.awaited.get_or_insert(fresh);
            (tally.sent_bytes, tally.sent_packets, tally.ended_us) = (cluster.bytes, cluster.packets, now_us);
        } else if elapsed > SPAN_MAX_US {
            self.active = None;
            self.awaited = None;
            self.failed(now_us);
        }
    }
}

impl Tally {
    fn of(cluster: &Cluster, ended_us: u64) -> Self {
        Self {
            id: cluster.id,
            rate: cluster.rate,
            sent_bytes: cluster.bytes,
            sent_packets: cluster.packets,
            ended_us,
            bytes: 0,
            packets: 0,
            first_sent_us: 0,
            last_sent: (0, 0),
            first_arrival: (0, 0),
            last_arrival_us: 0,
        }
    }

    /// What the probe proved: the lower of the rates at which it left and arrived.
    fn rate(&self) -> Option<Bitrate> {
        let enough = f64::from(self.packets) >= ARRIVED * f64::from(self.sent_packets)
            && self.bytes as f64 >= ARRIVED * self.sent_bytes as f64;
        if !enough {
            return None;
        }
        // Between n packets there are n − 1 intervals: the last to leave, the first to arrive do not count.
        let sent = Duration::from_micros(self.last_sent.0.saturating_sub(self.first_sent_us));
        let arrived = self.last_arrival_us.saturating_sub(self.first_arrival.0);
        let arrived = Duration::from_micros(u64::try_from(arrived).ok()?);
        let sent = Bitrate::of(self.bytes - u64::from(self.last_sent.1), sent)?;
        let arrived = Bitrate::of(self.bytes - u64::from(self.first_arrival.1), arrived)?;
        if arrived > sent.scale(COMPRESSED) {
            return None;
        }
        Some(if arrived < sent.scale(FULL) { arrived.scale(FULL_USE) } else { arrived.min(sent) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: ProbeContext = ProbeContext {
        estimate: Bitrate::kbps(600),
        wanted: Bitrate::kbps(3000),
        quiet: true,
        decreased_us: None,
    };

    /// Sends a cluster of 250-byte packets over a link and reports it; the result and the time after it.
    fn probe(prober: &mut Prober, now_us: u64, link: Bitrate, losses: usize) -> Option<Bitrate> {
        let id = prober.cluster();
        assert_ne!(id, 0);
        let mut free = 0;
        let mut acks = Vec::new();
        let mut at = now_us;
        while prober.cluster() == id {
            while prober.padding(at) > 0 && prober.cluster() == id {
                prober.on_sent(at, 250);
                free = free.max(at + 20_000) + link.time_for(250).as_micros() as u64;
                let ack = Ack { sequence: 0, sent_us: at, arrival_us: free as i64, bytes: 250, cluster: id };
                acks.push(ack);
            }
            at += 1_000;
            prober.end_cluster(at);
            assert!(at < now_us + 300_000, "it ends");
        }
        acks.iter().skip(losses).for_each(|ack| prober.on_ack(ack));
        prober.result(at + 50_000, Some(at + 1))
    }

    #[test]
    fn probes_double_while_they_get_through_and_stop_at_what_is_wanted() {
        let mut prober = Prober::default();
        prober.poll(0, &CONTEXT);
        assert_eq!(prober.rate(), Some(Bitrate::kbps(1800)));
        let found = probe(&mut prober, 0, Bitrate::kbps(20_000), 0).expect("measured");
        assert!((1700..1900).contains(&(found.as_bps() / 1000)), "{found:?}");
        prober.poll(80_000, &ProbeContext { estimate: found, ..CONTEXT });
        let next = prober.rate().expect("at once");
        assert!(next > found.scale(1.9));
        probe(&mut prober, 80_000, Bitrate::kbps(20_000), 0).expect("measured");
        prober.poll(200_000, &ProbeContext { estimate: Bitrate::kbps(3000), ..CONTEXT });
        assert_eq!(prober.rate(), None, "nobody needs more");
    }

    #[test]
    fn a_full_link_is_measured_and_left_alone_for_a_while() {
        let mut prober = Prober::default();
        prober.poll(0, &CONTEXT);
        let found = probe(&mut prober, 0, Bitrate::kbps(700), 0).expect("measured");
        assert!((600..720).contains(&(found.as_bps() / 1000)), "{found:?}");
        prober.poll(800_000, &CONTEXT);
        assert_eq!(prober.rate(), None);
        prober.poll(1_200_000, &CONTEXT);
        assert_eq!(prober.rate(), Some(Bitrate::kbps(1200)));
    }

    #[test]
    fn a_probe_that_is_lost_proves_nothing_and_none_is_sent_into_a_queue() {
        let mut prober = Prober::default();
        prober.poll(0, &ProbeContext { quiet: false, ..CONTEXT });
        assert_eq!(prober.rate(), None);
        prober.poll(0, &ProbeContext { decreased_us: Some(0), ..CONTEXT });
        assert_eq!(prober.rate(), None);
        prober.poll(0, &CONTEXT);
        assert_eq!(probe(&mut prober, 0, Bitrate::kbps(9000), 10), None);
        assert!(prober.not_before_us() > 800_000);
    }
}
