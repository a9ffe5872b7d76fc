//! A slot for sound: what a browser would play and what it would have to make up, and how that would be judged.
//!
//! Playout follows NetEQ roughly: the delay is what 95 % of the packets of the last seconds needed, quick to grow and slow to
//! shrink; where pictures are held, the sound is delayed along with them, as browsers do for the lips' sake. Whether 20 ms were
//! there in time is decided some time after they were due, when nothing can come any more.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::sequences::{Place, Sequences};
use crate::caller::description::pt;
use crate::caller::rtp::Packet;
use crate::caller::sender::audio::red_blocks;
use crate::caller::trailer::{Kind, Trailer};
use crate::measure::{Measures, mos};

/// One frame, µs.
const FRAME_US: u64 = 20_000;
/// The shortest and longest playout delay, µs: on a calm network browsers play some 60 ms late.
const DELAY_MIN_US: f64 = 60_000.0;
const DELAY_MAX_US: f64 = 500_000.0;
/// How much the delay shrinks with each packet, µs.
const SHRINK_US: f64 = 200.0;
/// Sound may be this much ahead of pictures that are held, µs …
const LIPS_US: f64 = 90_000.0;
/// … and comes closer to that by so much with each packet (80 ms a second), µs.
const LIPS_STEP_US: f64 = 1_600.0;
/// Packets whose lateness is remembered: four seconds of talk.
const REMEMBERED: usize = 200;
/// Sounds are judged when they are this old.
const JUDGE_AFTER_US: u64 = 900_000;
/// A voice is judged over this time.
const WINDOW: Duration = Duration::from_secs(10);
/// With fewer frames than this there is too little to judge.
const WINDOW_MIN: u64 = 50;

#[derive(Clone, Copy, Debug)]
struct Arrived {
    tick: u32,
    captured_us: u64,
    /// When it would have been played, by what was known then.
    due_us: u64,
}

/// A voice over a window.
#[derive(Clone, Copy, Debug, Default)]
struct Voice {
    sounds: u64,
    concealed: u64,
    runs: u64,
    mouth_to_ear_us: u64,
    in_run: bool,
}

/// See the module.
#[derive(Debug)]
pub struct AudioSlot {
    /// Its SSRC.
    pub ssrc: u32,
    /// Numbers of the stream.
    pub sequences: Sequences,
    whose: Option<u16>,
    /// Packets by number, until they are judged.
    packets: BTreeMap<u64, Arrived>,
    /// First arrival of sounds by tick, also from RED.
    sounds: BTreeMap<u32, u64>,
    judged: Option<(u64, Arrived)>,
    transits: VecDeque<u64>,
    delay_us: f64,
    /// How long pictures are held, and what of that the sound has followed; µs.
    held_us: u64,
    lips_us: f64,
    window: Option<(Instant, Voice)>,
}

impl AudioSlot {
    /// A slot that plays nothing.
    pub fn new(ssrc: u32) -> Self {
        Self {
            ssrc,
            sequences: Sequences::default(),
            whose: None,
            packets: BTreeMap::new(),
            sounds: BTreeMap::new(),
            judged: None,
            transits: VecDeque::new(),
            delay_us: DELAY_MIN_US,
            held_us: 0,
            lips_us: 0.0,
            window: None,
        }
    }

    /// Pictures are held at least so long from now on, µs.
    pub fn hold(&mut self, held_us: u64) {
        self.held_us = held_us;
    }

    /// Takes a packet.
    pub fn receive(&mut self, now: Instant, arrived_us: u64, packet: &Packet<'_>, measures: &mut Measures) {
        let place = self.sequences.arrived(now, packet.header.sequence, measures);
        let (Place::New(number) | Place::Late(number)) = place else { return };
        measures.count(|it| {
            it.packets += 1;
            it.bytes += packet.payload.len() as u64;
        });
        let trailer = Trailer::read(packet.payload).filter(|it| it.kind == Kind::Microphone);
        let Some(trailer) = trailer else { return };
        if self.whose != Some(trailer.person) {
            self.forget(measures);
            self.whose = Some(trailer.person);
        }
        if packet.header.payload_type == pt::RED {
            for block in red_blocks(packet.payload).unwrap_or_default() {
                if let Some(block) = Trailer::read(block) {
                    self.sounds.entry(block.tick).or_insert(arrived_us);
                }
            }
        } else {
            self.sounds.entry(trailer.tick).or_insert(arrived_us);
        }
        if matches!(place, Place::New(_)) {
            self.sequences.transit(arrived_us, trailer.captured_us);
            let delay = arrived_us.saturating_sub(trailer.captured_us);
            measures.note(|it| &mut it.audio_delay_us, delay);
            let due_us = self.due(trailer.captured_us, delay);
            self.packets
                .insert(number, Arrived { tick: trailer.tick, captured_us: trailer.captured_us, due_us });
        }
    }

    /// When sound captured then is played, and learns from the delay of this packet.
    fn due(&mut self, captured_us: u64, delay: u64) -> u64 {
        let fastest = self.transits.iter().min().copied().unwrap_or(delay).min(delay);
        self.lips_us += (self.held_us as f64 - LIPS_US - self.lips_us).clamp(-LIPS_STEP_US, LIPS_STEP_US);
        let due = captured_us + fastest + self.delay_us.max(self.lips_us) as u64;
        self.transits.push_back(delay);
        if self.transits.len() > REMEMBERED {
            self.transits.pop_front();
        }
        // The exact quantile every packet would be wasteful: it moves slowly.
        if self.transits.len() < 20
            || self.transits.len().is_multiple_of(10)
            || delay > fastest + self.delay_us as u64
        {
            let mut sorted: Vec<u64> = self.transits.iter().copied().collect();
            let place = (sorted.len() * 19 / 20).min(sorted.len() - 1);
            let (_, usual, _) = sorted.select_nth_unstable(place);
            let wanted = ((*usual - fastest) as f64 + FRAME_US as f64).clamp(DELAY_MIN_US, DELAY_MAX_US);
            self.delay_us = self.delay_us.max(wanted);
        } else {
            self.delay_us = (self.delay_us - SHRINK_US).max(DELAY_MIN_US);
        }
        due
    }

    /// Judges what can be judged; call it about once a second.
    pub fn settle(&mut self, now: Instant, unix_us: u64, measures: &mut Measures) {
        self.sequences.expire(now, measures);
        while let Some((&number, &arrived)) = self.packets.first_key_value() {
            if arrived.captured_us + JUDGE_AFTER_US > unix_us {
                break;
            }
            self.packets.pop_first();
            self.judge(number, arrived, measures);
        }
        if let Some((_, judged)) = self.judged {
            self.sounds = self.sounds.split_off(&judged.tick.saturating_sub(5));
        }
        if let Some((begun, voice)) = self.window
            && now.duration_since(begun) >= WINDOW
        {
            self.window = None;
            judge_voice(&voice, measures);
        }
        if self.window.is_none() && self.judged.is_some() {
            self.window = Some((now, Voice::default()));
        }
    }

    fn forget(&mut self, measures: &mut Measures) {
        if let Some((_, voice)) = self.window.take() {
            judge_voice(&voice, measures);
        }
        self.packets.clear();
        self.sounds.clear();
        self.judged = None;
        self.transits.clear();
        self.delay_us = DELAY_MIN_US;
    }

    fn judge(&mut self, number: u64, arrived: Arrived, measures: &mut Measures) {
        if let Some((before, last)) = self.judged {
            let lost = number.saturating_sub(before + 1);
            let absent = u64::from(arrived.tick.wrapping_sub(last.tick).saturating_sub(1));
            // More time than packets is missing: silence, which nobody has to make up.
            for place in 1..=absent.min(lost) {
                let earlier = place * FRAME_US;
                let tick = arrived.tick.wrapping_sub(place as u32);
                self.play(tick, arrived.due_us.saturating_sub(earlier), measures);
            }
        }
        self.play(arrived.tick, arrived.due_us, measures);
        let delay = arrived.due_us.saturating_sub(arrived.captured_us);
        measures.note(|it| &mut it.mouth_to_ear_us, delay);
        if let Some((_, voice)) = &mut self.window {
            voice.mouth_to_ear_us += delay;
        }
        self.judged = Some((number, arrived));
    }

    fn play(&mut self, tick: u32, due_us: u64, measures: &mut Measures) {
        let concealed = self.sounds.get(&tick).is_none_or(|arrived| *arrived > due_us);
        measures.count(|it| {
            it.sounds += 1;
            it.concealed += u64::from(concealed);
        });
        if let Some((_, voice)) = &mut self.window {
            voice.sounds += 1;
            voice.concealed += u64::from(concealed);
            voice.runs += u64::from(concealed && !voice.in_run);
            voice.in_run = concealed;
        }
    }
}

fn judge_voice(voice: &Voice, measures: &mut Measures) {
    let heard = voice.sounds - voice.concealed;
    if voice.sounds < WINDOW_MIN || heard == 0 {
        return;
    }
    let delay_ms = voice.mouth_to_ear_us as f64 / heard as f64 / 1000.0;
    let share = voice.concealed as f64 / voice.sounds as f64;
    let burst = mos::burst_ratio(voice.sounds, voice.concealed, voice.runs);
    let mos = mos::mos(delay_ms, share, burst);
    measures.note(|it| &mut it.mos_centi, (mos * 100.0).round() as u64);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::caller::sender::audio::{AudioLine, AudioSender, FRAME};
    use crate::caller::sender::speech::Speech;

    /// A minute of talk over a path with this delay of each packet; `None` is a loss.
    fn listen(red: bool, delay_ms: impl Fn(u32) -> Option<u64>) -> Measures {
        let start = Instant::now();
        let speech = Arc::new(Speech::new(5).expect("encoded"));
        let line = AudioLine { ssrc: 5, mid: true, level: true, red };
        let mut sender = AudioSender::new(0, line, speech, start);
        sender.active = true;
        let mut slot = AudioSlot::new(5);
        let mut measures = Measures::begun();
        for tick in 0..3_000u32 {
            let now = start + FRAME * tick;
            let us = 1_000_000_000 + u64::from(tick) * FRAME_US;
            if let Some(bytes) = sender.capture(now, us * 1000, None)
                && let Some(delay) = delay_ms(tick)
            {
                let packet = Packet::read(&bytes).expect("RTP");
                slot.receive(now, us + delay * 1000, &packet, &mut measures);
            }
            if tick % 50 == 0 {
                slot.settle(now, us, &mut measures);
            }
        }
        measures
    }

    #[test]
    fn a_calm_path_conceals_nothing_and_pauses_are_no_losses() {
        let measures = listen(false, |_| Some(20));
        assert_eq!(measures.counts.concealed, 0);
        assert!(measures.counts.sounds > 1_000);
        let mos = measures.mos_centi.value_at_quantile(0.5);
        assert!(mos >= 435, "{mos}");
    }

    #[test]
    fn single_losses_are_heard_without_red_and_not_with_it() {
        let lost = |tick: u32| (!tick.is_multiple_of(20)).then_some(20);
        let plain = listen(false, lost).counts;
        let share = plain.concealed_ratio();
        assert!((0.03..0.07).contains(&share), "{share}");
        let red = listen(true, lost).counts.concealed_ratio();
        assert!(red < share / 5.0, "{red} with RED");
    }

    #[test]
    fn delay_and_loss_are_judged() {
        let worse = listen(false, |tick| (tick % 10 != 0).then_some(350)).mos_centi.value_at_quantile(0.5);
        assert!(worse < 300, "{worse}");
    }
}
