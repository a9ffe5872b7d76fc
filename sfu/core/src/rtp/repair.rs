//! The rule of repair: what to do about loss on a leg, by its round trip and its kind of loss.
//!
//! A lost packet can be asked for again (NACK). That takes a round trip, and a receiver plays on after its jitter buffer
//! is empty, so whether it helps depends on how the two compare:
//!
//! * **Audio** is held for some 60 ms. A retransmission mostly comes too late, and browsers do not ask for any. Earlier
//!   packets are repeated in later ones instead (RED, [`super::red`]): one level against single losses, two where losses
//!   are many or come in bursts. It costs the audio bitrate once a level, so a thin path gets fewer. Where bursts are long and
//!   sound is held along with pictures (below), the repeated packets are not the last two but some from further back: of
//!   distances 3 and 6 each of six packets lost in a row comes again in one that arrives.
//! * **Video** can wait. The receiver is told to hold pictures for as long as repair takes (`playout-delay`), which turns
//!   freezes into delay; on clean paths it is told nothing. Browsers delay a person's sound along with the picture, which
//!   keeps the lips in sync and gives audio repair the same time. Where one round is long, retransmissions go out twice,
//!   so that one round is enough: the second copy costs a few percent of bitrate, another round would cost everybody
//!   hundreds of milliseconds.
//!
//! What makes repair necessary comes and goes, and a setting that follows it would flap: a need is met at once and kept
//! for [`HOLD`] after it was last seen.

use std::time::{Duration, Instant};

use super::loss::Loss;

/// A need is remembered for this long.
pub const HOLD: Duration = Duration::from_secs(20);

/// Below this loss nothing is done: concealment hides a packet in two hundred.
const LOSS_MIN: f32 = 0.004;
/// From here on two levels of redundancy: one leaves loss² (0.04 %), two leave loss³.
const LOSS_HIGH: f32 = 0.02;
/// Losses longer than this on average defeat one level of redundancy.
const BURST_LONG: f32 = 1.5;
/// From this mean length on, in packets of all kinds, bursts take several packets of sound in a row.
const BURST_WIDE: f32 = 4.0;
/// Packets of sound that one of two levels of redundancy reaches back at most.
const REACH_MAX: u64 = 4;
/// What a repaired packet of sound should be early.
const REACH_SPARE: Duration = Duration::from_millis(100);
/// Time of sound in a packet.
const SOUND: Duration = Duration::from_millis(20);
/// Time in which audio must be repaired to be played: the jitter buffer of a browser on a calm network.
const AUDIO_BUDGET: Duration = Duration::from_millis(60);
/// Time until a loss is noticed: the next picture comes 33 ms later.
const NOTICE: Duration = Duration::from_millis(40);
/// From this round trip on retransmissions are sent twice.
const RTT_LONG: Duration = Duration::from_millis(100);
/// Round trip assumed before one was measured.
const RTT_UNKNOWN: Duration = Duration::from_millis(100);
/// Nobody is made to wait longer than this for one leg's repair; conversation ends there.
const REPAIR_MAX: Duration = Duration::from_millis(600);
/// The same for both legs together.
const PLAYOUT_MAX: Duration = Duration::from_millis(900);
/// What one level of RED costs: an Opus voice and its share of headers.
const RED_LEVEL_BPS: u64 = 36_000;
/// RED takes at most this part of what a path carries.
const RED_SHARE: u64 = 5;

/// One direction of a leg.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Path {
    /// Round trip, where measured.
    pub rtt: Option<Duration>,
    /// What is lost.
    pub loss: Loss,
    /// What the path is believed to carry, bits per second, where estimated.
    pub capacity_bps: Option<u64>,
    /// Lost audio can be asked for again.
    pub audio_nack: bool,
}

/// How one direction of a leg is repaired.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Repair {
    /// Earlier packets repeated in each audio packet, 0 to 2.
    pub red: u8,
    /// How far apart those are, in packets; 1 or more: repeated is what came so many packets before, and twice as many.
    pub reach: u8,
    /// How often a retransmission is sent, 1 or 2.
    pub copies: u8,
    /// How late a repaired video packet may come; zero where there is nothing to repair.
    pub time: Duration,
}

impl Default for Repair {
    /// Nothing is repaired.
    fn default() -> Self {
        Self { red: 0, reach: 1, copies: 1, time: Duration::ZERO }
    }
}

/// Which end of the path we are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// We send and repair; retransmissions can go out twice.
    Sending,
    /// We receive and ask; a publisher sends a retransmission once a round trip, whatever it is asked.
    Receiving,
}

/// What a path needs, judged by this moment alone.
pub fn needed(path: &Path, end: End) -> Repair {
    let Loss { fraction, burst } = path.loss;
    if fraction < LOSS_MIN {
        return Repair::default();
    }
    let rtt = path.rtt.unwrap_or(RTT_UNKNOWN);
    let nack_in_time = path.audio_nack && rtt + NOTICE / 2 <= AUDIO_BUDGET;
    let wanted = match () {
        () if fraction >= LOSS_HIGH || burst >= BURST_LONG => 2,
        () if nack_in_time => 0,
        () => 1,
    };
    let affordable = path.capacity_bps.map_or(u64::MAX, affordable);
    let twice = end == End::Sending && rtt >= RTT_LONG;
    // Two rounds, for what is lost again; one and a half where two copies make a second round unlikely.
    let rounds = if twice { rtt * 3 / 2 } else { rtt * 2 };
    let time = (rounds + NOTICE).min(REPAIR_MAX);
    let red = u8::try_from(affordable.min(wanted)).unwrap_or(2);
    let late = time.saturating_sub(REACH_SPARE).as_millis() / (SOUND * red.max(1).into()).as_millis();
    let reach = if burst >= BURST_WIDE { (late as u64).clamp(1, REACH_MAX) } else { 1 };
    Repair { red, reach: reach as u8, copies: if twice { 2 } else { 1 }, time }
}

/// The minimum playout delay of a viewer: repair on the publisher's leg and on the viewer's leg happen one after the
/// other. In the steps of the header extension, so that it changes seldom.
pub fn playout_delay(publisher_leg: Duration, viewer_leg: Duration) -> Duration {
    const STEP_MS: u128 = 50;
    let both = (publisher_leg + viewer_leg).min(PLAYOUT_MAX).as_millis();
    Duration::from_millis((both.div_ceil(STEP_MS) * STEP_MS) as u64)
}

/// A leg's repair over time: needs are met at once and kept for a while.
#[derive(Clone, Copy, Debug)]
pub struct RepairRule {
    end: End,
    red: Held<u8>,
    /// Time, copies and reach belong together.
    video: Held<(Duration, u8, u8)>,
}

impl RepairRule {
    /// A leg of which nothing is known yet. Towards a receiver audio begins with one level of redundancy: until the first
    /// reports nobody knows how the path is, and the beginning of a call is when it matters most.
    pub fn new(now: Instant, end: End) -> Self {
        let red = u8::from(end == End::Sending);
        Self { end, red: Held::new(now, red), video: Held::new(now, (Duration::ZERO, 1, 1)) }
    }

    /// Follows the path. To be called about once a second.
    pub fn update(&mut self, now: Instant, path: &Path) -> Repair {
        let needed = needed(path, self.end);
        // A path that has become too thin for redundancy must not wait to be relieved.
        if path.capacity_bps.is_some_and(|capacity| affordable(capacity) < u64::from(self.red.current)) {
            self.red = Held::new(now, needed.red);
        }
        self.red.need(now, needed.red);
        self.video.need(now, (needed.time, needed.copies, needed.reach));
        self.current()
    }

    /// What holds now.
    pub fn current(&self) -> Repair {
        let (time, copies, reach) = self.video.current;
        Repair { red: self.red.current, reach, copies, time }
    }
}

/// A need that is met at once and falls only to what was the most of the last [`HOLD`].
#[derive(Clone, Copy, Debug)]
struct Held<T> {
    current: T,
    /// The most since `current` was last needed.
    since: Option<T>,
    until: Instant,
}

impl<T: Ord + Copy> Held<T> {
    fn new(now: Instant, current: T) -> Self {
        Self { current, since: None, until: now + HOLD }
    }

    fn need(&mut self, now: Instant, need: T) {
        if need >= self.current {
            *self = Self::new(now, need);
            return;
        }
        let most = self.since.map_or(need, |since| since.max(need));
        self.since = Some(most);
        if now >= self.until {
            *self = Self::new(now, most);
        }
    }
}

/// Levels of redundancy a path can carry.
fn affordable(capacity_bps: u64) -> u64 {
    capacity_bps / RED_SHARE / RED_LEVEL_BPS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn path(rtt_ms: u64, fraction: f32, burst: f32) -> Path {
        Path { rtt: Some(ms(rtt_ms)), loss: Loss { fraction, burst }, ..Path::default() }
    }

    fn towards(path: &Path) -> Repair {
        needed(path, End::Sending)
    }

    #[test]
    fn a_clean_path_is_left_alone_however_long_it_is() {
        let nothing = Repair::default();
        assert_eq!(towards(&path(20, 0.0, 0.0)), nothing);
        assert_eq!(towards(&path(500, 0.003, 1.0)), nothing);
        assert_eq!(playout_delay(Duration::ZERO, Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn redundancy_follows_how_much_is_lost_and_how() {
        assert_eq!(towards(&path(50, 0.01, 1.0)).red, 1);
        assert_eq!(towards(&path(50, 0.05, 1.0)).red, 2, "many");
        assert_eq!(towards(&path(50, 0.01, 3.0)).red, 2, "in bursts");
    }

    #[test]
    fn audio_that_can_be_asked_for_in_time_needs_no_redundancy_against_single_losses() {
        let with_nack = |rtt, fraction| Path { audio_nack: true, ..path(rtt, fraction, 1.0) };
        assert_eq!(towards(&with_nack(30, 0.01)).red, 0);
        assert_eq!(towards(&with_nack(41, 0.01)).red, 1, "too late by a millisecond");
        assert_eq!(towards(&with_nack(30, 0.05)).red, 2, "retransmissions are lost as well");
    }

    #[test]
    fn a_thin_path_gets_as_much_redundancy_as_it_can_carry() {
        let thin = |capacity| Path { capacity_bps: Some(capacity), ..path(50, 0.05, 1.0) };
        assert_eq!(towards(&thin(1_000_000)).red, 2);
        assert_eq!(towards(&thin(300_000)).red, 1);
        assert_eq!(towards(&thin(100_000)).red, 0);
    }

    #[test]
    fn video_is_held_for_two_rounds_or_for_one_of_two_copies() {
        let short = towards(&path(50, 0.05, 1.0));
        assert_eq!((short.copies, short.time), (1, ms(140)));
        let long = towards(&path(200, 0.025, 5.0));
        assert_eq!((long.copies, long.time), (2, ms(340)));
        let asked = needed(&path(200, 0.025, 5.0), End::Receiving);
        assert_eq!((asked.copies, asked.time), (1, ms(440)), "a publisher sends one copy a round");
        assert_eq!(towards(&path(2000, 0.1, 1.0)).time, ms(600), "there is an end to waiting");
        assert_eq!(playout_delay(asked.time, Duration::ZERO), ms(450));
        assert_eq!(playout_delay(ms(600), ms(600)), ms(900));
    }

    #[test]
    fn redundancy_reaches_over_long_bursts_as_far_as_sound_is_held() {
        assert_eq!(towards(&path(200, 0.025, 10.0)).reach, 4);
        assert_eq!(towards(&path(100, 0.025, 10.0)).reach, 2);
        assert_eq!(towards(&path(30, 0.025, 10.0)).reach, 1, "it would come too late");
        assert_eq!(towards(&path(200, 0.025, 2.0)).reach, 1);
    }

    #[test]
    fn a_need_is_met_at_once_and_kept_for_a_while() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let (clean, bad) = (path(50, 0.0, 0.0), path(50, 0.05, 1.0));
        let mut rule = RepairRule::new(start, End::Sending);
        assert_eq!(rule.current().red, 1, "a call begins with some redundancy");
        assert_eq!(rule.update(at(1), &bad), Repair { red: 2, time: ms(140), ..Repair::default() });
        assert_eq!(rule.update(at(5), &bad).red, 2);
        assert_eq!(
            rule.update(at(24), &clean),
            Repair { red: 2, time: ms(140), ..Repair::default() },
            "not yet"
        );
        assert_eq!(rule.update(at(25), &clean), Repair::default());
        assert_eq!(rule.update(at(26), &bad).red, 2);
    }

    #[test]
    fn a_link_between_two_states_does_not_flap() {
        let start = Instant::now();
        let mut rule = RepairRule::new(start, End::Sending);
        let mut before = rule.current();
        let mut changes = 0;
        for second in 1..300 {
            let now = start + Duration::from_secs(second);
            let loss = if second / 7 % 2 == 0 { 0.001 } else { 0.03 };
            let after = rule.update(now, &path(90 + second % 20, loss, 1.0));
            changes += u32::from(after.red != before.red || after.time.is_zero() != before.time.is_zero());
            before = after;
        }
        assert!(changes <= 1, "{changes} changes");
    }

    #[test]
    fn a_path_that_becomes_thin_is_relieved_at_once() {
        let start = Instant::now();
        let mut rule = RepairRule::new(start, End::Sending);
        let lossy = |capacity| Path { capacity_bps: Some(capacity), ..path(50, 0.05, 1.0) };
        assert_eq!(rule.update(start, &lossy(3_000_000)).red, 2);
        assert_eq!(rule.update(start + ms(1000), &lossy(150_000)).red, 0);
        assert_eq!(rule.update(start + ms(2000), &lossy(3_000_000)).red, 2);
    }
}
