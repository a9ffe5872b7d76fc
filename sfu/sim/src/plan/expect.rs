//! What plans expect.

use std::ops::Range;
use std::time::{Duration, Instant};

use sfu_core::node::LeaveReason;

use super::outcome::Outcome;
use super::{Expectation, Plan};
use crate::clock::{ms, secs};
use crate::receiver::video::Shown;

fn expectation(text: String, check: impl Fn(&Outcome) -> Result<String, String> + 'static) -> Expectation {
    Expectation { text, check: Box::new(check) }
}

fn at_most<T: PartialOrd>(measured: T, limit: T, text: impl Fn(&T) -> String) -> Result<String, String> {
    if measured <= limit { Ok(text(&measured)) } else { Err(text(&measured)) }
}

/// A viewer's video slot.
#[derive(Clone, Debug)]
pub struct Video {
    viewer: &'static str,
    slot: usize,
    during: Option<Range<Duration>>,
}

/// What a viewer sees on the first slot, from when things have settled until the end.
pub fn video(viewer: &'static str) -> Video {
    Video { viewer, slot: 0, during: None }
}

impl Video {
    /// Another slot.
    pub fn slot(self, slot: usize) -> Self {
        Self { slot, ..self }
    }

    /// A part of the plan.
    pub fn during(self, during: Range<Duration>) -> Self {
        Self { during: Some(during), ..self }
    }

    fn expects(
        self,
        what: String,
        check: impl Fn(&Outcome, &[Shown], Range<Instant>) -> Result<String, String> + 'static,
    ) -> Expectation {
        let Video { viewer, slot, during } = self;
        let when = during.clone().map_or(String::new(), |it| format!(", {:?} to {:?}", it.start, it.end));
        expectation(format!("{viewer}'s picture {slot}{when}: {what}"), move |outcome| {
            let during = during.clone().unwrap_or(secs(3)..outcome.length);
            let during = outcome.at(during.start)..outcome.at(during.end);
            check(outcome, outcome.pictures(viewer, slot), during)
        })
    }

    /// Share of the time, in per cent, in which the picture stood still: intervals that are longer than three times the
    /// usual one or than it by 150 ms (the rule behind `totalFreezesDuration` in `getStats`).
    pub fn frozen_at_most(self, percent: f64) -> Expectation {
        self.expects(format!("frozen at most {percent} %"), move |_, shown, during| {
            let frozen = frozen(shown, &during);
            let share = 100.0 * frozen.as_secs_f64() / (during.end - during.start).as_secs_f64();
            at_most(share, percent, |share| format!("{share:.2} %"))
        })
    }

    /// The longest time without a new picture.
    pub fn gap_at_most(self, limit: Duration) -> Expectation {
        self.expects(format!("no longer than {limit:?} without a picture"), move |_, shown, during| {
            let longest = intervals(shown, &during).into_iter().max().unwrap_or_default();
            at_most(longest, limit, |it| format!("{it:?}"))
        })
    }

    /// From capture to screen, beyond the shortest ever: what queues and playout add, 95 % of the time.
    pub fn delay_at_most(self, limit: Duration) -> Expectation {
        self.expects(
            format!("95 % are shown at most {limit:?} later than the quickest"),
            move |outcome, shown, during| {
                let age = |it: &Shown| {
                    it.shown.duration_since(outcome.world.start()).as_micros() as i64
                        - it.marker.captured_us as i64
                };
                let quickest = shown.iter().map(age).min().unwrap_or(0);
                let mut ages: Vec<i64> =
                    shown.iter().filter(|it| during.contains(&it.shown)).map(age).collect();
                ages.sort_unstable();
                let Some(usual) = ages.get(ages.len() * 19 / 20) else { return Err("no picture".into()) };
                let delay = Duration::from_micros((usual - quickest).max(0) as u64);
                at_most(delay, limit, |it| format!("{it:?}"))
            },
        )
    }

    /// Pictures a second, on average.
    pub fn fps_at_least(self, fps: f64) -> Expectation {
        self.expects(format!("at least {fps} pictures a second"), move |_, shown, during| {
            let count = shown.iter().filter(|it| during.contains(&it.shown)).count();
            let measured = count as f64 / (during.end - during.start).as_secs_f64();
            at_most(-measured, -fps, |it| format!("{:.1}", -it))
        })
    }

    /// No picture at all.
    pub fn nothing(self) -> Expectation {
        self.expects("no picture".into(), move |_, shown, during| {
            let count = shown.iter().filter(|it| during.contains(&it.shown)).count();
            at_most(count, 0, |it| format!("{it} pictures"))
        })
    }

    /// Payload kbit/s, on average.
    pub fn kbps(self, range: Range<f64>) -> Expectation {
        self.expects(format!("{range:?} kbit/s"), move |_, shown, during| {
            let bytes: usize = shown.iter().filter(|it| during.contains(&it.shown)).map(|it| it.bytes).sum();
            let kbps = bytes as f64 / 125.0 / (during.end - during.start).as_secs_f64();
            let text = format!("{kbps:.0} kbit/s");
            if range.contains(&kbps) { Ok(text) } else { Err(text) }
        })
    }

    /// After what began at `from` and ended at `until`, the rate of a whole second is within this time again 90 % of what it was in the 8 s
    /// before.
    pub fn recovers_within(self, limit: Duration, from: Duration, until: Duration) -> Expectation {
        self.expects(format!("90 % of the rate again {limit:?} after {until:?}"), move |outcome, shown, _| {
            let bytes = |begin: Duration, end: Duration| -> f64 {
                let during = outcome.at(begin)..outcome.at(end);
                shown.iter().filter(|it| during.contains(&it.shown)).map(|it| it.bytes as f64).sum()
            };
            let before = bytes(from - secs(8), from) / 8.0;
            let mut seconds =
                (0..).map(|step| until + ms(100) * step).take_while(|it| *it + secs(1) <= outcome.length);
            let Some(again) = seconds.find(|it| bytes(*it, *it + secs(1)) >= 0.9 * before) else {
                return Err("never".into());
            };
            at_most(again + ms(500) - until, limit, |it| format!("{it:?}"))
        })
    }

    /// Every picture is of this simulcast encoding.
    pub fn encoding(self, encoding: u8) -> Expectation {
        self.expects(format!("always encoding {encoding}"), move |_, shown, during| {
            let seen: std::collections::BTreeSet<u8> =
                shown.iter().filter(|it| during.contains(&it.shown)).map(|it| it.stream.encoding).collect();
            let text = format!("{seen:?}");
            if seen.len() == 1 && seen.contains(&encoding) { Ok(text) } else { Err(text) }
        })
    }

    /// Every picture has exactly these spatial layers, up to this one.
    pub fn spatial(self, spatial: u8) -> Expectation {
        self.expects(format!("always up to spatial layer {spatial}"), move |_, shown, during| {
            let seen: std::collections::BTreeSet<u8> =
                shown.iter().filter(|it| during.contains(&it.shown)).map(|it| it.marker.spatial).collect();
            let text = format!("{seen:?}");
            if seen.len() == 1 && seen.contains(&spatial) { Ok(text) } else { Err(text) }
        })
    }

    /// Every picture is of this person.
    pub fn only_of(self, name: &'static str) -> Expectation {
        self.expects(format!("only {name}"), move |outcome, shown, during| {
            let person = outcome.index(name) as u8;
            let mut seen = shown.iter().filter(|it| during.contains(&it.shown));
            match seen.find(|it| it.stream.person != person) {
                Some(other) => Err(format!("also {}", other.stream)),
                None => Ok("true".into()),
            }
        })
    }

    /// The first picture comes soon after a moment.
    pub fn begins_within(self, limit: Duration, after: Duration) -> Expectation {
        self.expects(format!("begins within {limit:?} after {after:?}"), move |outcome, shown, _| {
            let begin = outcome.at(after);
            let first = shown.iter().map(|it| it.shown).find(|at| *at >= begin);
            let waited = first.map_or(Duration::MAX, |at| at - begin);
            at_most(waited, limit, |it| format!("{it:?}"))
        })
    }
}

/// Times between pictures whose second one is in the range, and what is left at its end.
fn intervals(shown: &[Shown], during: &Range<Instant>) -> Vec<Duration> {
    let before = shown.iter().rev().map(|it| it.shown).find(|at| *at < during.start);
    let mut last = before.unwrap_or(during.start).max(during.start);
    let mut out = Vec::new();
    for at in shown.iter().map(|it| it.shown).filter(|at| during.contains(at)) {
        out.push(at - last);
        last = at;
    }
    out.push(during.end - last);
    out
}

fn frozen(shown: &[Shown], during: &Range<Instant>) -> Duration {
    freezes(shown, during).map(|(_, interval)| interval).sum()
}

/// When pictures stood still, and for how long.
pub(super) fn freezes(shown: &[Shown], during: &Range<Instant>) -> impl Iterator<Item = (Instant, Duration)> {
    let mut usual: Vec<Duration> = Vec::new();
    let mut at = during.start;
    intervals(shown, during).into_iter().filter_map(move |interval| {
        let began = at;
        at += interval;
        let recent = &usual[usual.len().saturating_sub(30)..];
        let average =
            if recent.is_empty() { ms(33) } else { recent.iter().sum::<Duration>() / recent.len() as u32 };
        if interval > (average * 3).max(average + ms(150)) {
            return Some((began, interval));
        }
        usual.push(interval);
        None
    })
}

/// A listener's audio slot.
#[derive(Clone, Debug)]
pub struct Audio {
    listener: &'static str,
    slot: usize,
    during: Option<Range<Duration>>,
}

/// What a listener hears on the first slot, from when things have settled until the end.
pub fn audio(listener: &'static str) -> Audio {
    Audio { listener, slot: 0, during: None }
}

impl Audio {
    /// Another slot.
    pub fn slot(self, slot: usize) -> Self {
        Self { slot, ..self }
    }

    /// A part of the plan.
    pub fn during(self, during: Range<Duration>) -> Self {
        Self { during: Some(during), ..self }
    }

    fn expects(
        self,
        what: String,
        check: impl Fn(&[crate::receiver::audio::Heard], Duration) -> Result<String, String> + 'static,
    ) -> Expectation {
        let Audio { listener, slot, during } = self;
        let when = during.clone().map_or(String::new(), |it| format!(", {:?} to {:?}", it.start, it.end));
        expectation(format!("{listener}'s sound {slot}{when}: {what}"), move |outcome| {
            let during = during.clone().unwrap_or(secs(3)..outcome.length - ms(600));
            let (from, to) = (outcome.at(during.start), outcome.at(during.end));
            let heard: Vec<_> = outcome
                .sounds(listener, slot)
                .iter()
                .filter(|it| (from..to).contains(&it.at))
                .copied()
                .collect();
            check(&heard, during.end - during.start)
        })
    }

    /// Share of what should have been heard, in per cent, that had to be made up.
    pub fn concealed_at_most(self, percent: f64) -> Expectation {
        self.expects(format!("at most {percent} % concealed"), move |heard, _| {
            if heard.is_empty() {
                return Err("nothing was heard".into());
            }
            let concealed = heard.iter().filter(|it| it.concealed).count();
            let share = 100.0 * concealed as f64 / heard.len() as f64;
            at_most(share, percent, |share| format!("{share:.2} %"))
        })
    }

    /// Sound was there at least for this share of the time, in per cent.
    pub fn present_at_least(self, percent: f64) -> Expectation {
        self.expects(format!("there at least {percent} % of the time"), move |heard, length| {
            let there = heard.iter().filter(|it| !it.concealed).count() as f64 * 0.02;
            let share = 100.0 * there / length.as_secs_f64();
            at_most(-share, -percent, |share| format!("{:.1} %", -share))
        })
    }

    /// Whether sound comes twice (RED) for most of the time, or never.
    pub fn redundant(self, wanted: bool) -> Expectation {
        self.expects(format!("redundant: {wanted}"), move |heard, _| {
            let there: Vec<_> = heard.iter().filter(|it| it.stream.is_some()).collect();
            let share = there.iter().filter(|it| it.redundant).count() as f64 / there.len().max(1) as f64;
            let text = format!("{:.0} % of the packets are RED", share * 100.0);
            if (wanted && share > 0.8) || (!wanted && share == 0.0) { Ok(text) } else { Err(text) }
        })
    }

    /// Nothing at all.
    pub fn nothing(self) -> Expectation {
        self.expects("silence".into(), move |heard, _| {
            let there = heard.iter().filter(|it| !it.concealed).count();
            at_most(there, 0, |it| format!("{it} sounds"))
        })
    }
}

/// Somebody's transport is still there at the end.
pub fn still_here(name: &'static str) -> Expectation {
    expectation(format!("{name} is still here"), move |outcome| match outcome.left(name) {
        None => Ok("true".into()),
        Some((at, reason)) => Err(format!("left after {at:?}: {reason:?}")),
    })
}

/// Somebody's transport has ended, for this reason.
pub fn gone(name: &'static str, why: LeaveReason, when: Range<Duration>) -> Expectation {
    expectation(format!("{name} is gone ({why:?}) in {when:?}"), move |outcome| match outcome.left(name) {
        Some((at, reason)) if reason == why && when.contains(&at) => Ok(format!("after {at:?}")),
        other => Err(format!("{other:?}")),
    })
}

/// Requests for keyframes that reached a publisher.
pub fn keyframe_requests_at_most(publisher: &'static str, limit: u64) -> Expectation {
    expectation(format!("at most {limit} keyframes are asked of {publisher}"), move |outcome| {
        let peer = &outcome.world.peers[&outcome.index(publisher)];
        at_most(peer.publisher.tally().keyframe_requests, limit, |it| it.to_string())
    })
}

/// What a person sends between two moments, kbit/s, headers included.
pub fn uploads(name: &'static str, during: Range<Duration>, kbps: Range<u64>) -> Expectation {
    expectation(format!("{name} uploads {kbps:?} kbit/s in {during:?}"), move |outcome| {
        let sent = |moment| outcome.sent_bytes(name, moment);
        let bytes = sent(during.end).saturating_sub(sent(during.start));
        let rate = bytes * 8 / 1000 / (during.end - during.start).as_secs().max(1);
        let text = format!("{rate} kbit/s");
        if kbps.contains(&rate) { Ok(text) } else { Err(text) }
    })
}

/// What a publisher's congestion controller has come to at the end.
pub fn sends_with(publisher: &'static str, kbps: Range<u64>) -> Expectation {
    expectation(format!("{publisher} may send {kbps:?} kbit/s at the end"), move |outcome| {
        let peer = &outcome.world.peers[&outcome.index(publisher)];
        let rate = peer.publisher.rate.target_bps() / 1000;
        let text = format!("{rate} kbit/s");
        if kbps.contains(&rate) { Ok(text) } else { Err(text) }
    })
}

/// Memory grows by no more than this many bytes between two moments.
pub fn memory_grows_at_most(limit: usize, between: Range<Duration>) -> Expectation {
    let text = format!("memory grows by at most {limit} bytes in {between:?}");
    expectation(text, move |outcome| {
        let at = |moment: Duration| outcome.weights.iter().find(|(at, _)| *at >= moment).and_then(|it| it.1);
        match (at(between.start), at(between.end)) {
            (Some(before), Some(after)) => at_most(after.saturating_sub(before), limit, |it| it.to_string()),
            _ => Ok("nobody counts".into()),
        }
    })
}

/// Retransmissions repaired at least this share, in per cent, of what a viewer asked for.
pub fn repaired_at_least(viewer: &'static str, percent: f64) -> Expectation {
    expectation(format!("{viewer} gets at least {percent} % of what it asks for again"), move |outcome| {
        let peer = &outcome.world.peers[&outcome.index(viewer)];
        let (asked, repaired) = peer.subscriber.video.iter().fold((0, 0), |(asked, repaired), it| {
            let (_, a, r) = it.requests();
            (asked + a, repaired + r)
        });
        if asked == 0 {
            return Err("nothing was asked for".into());
        }
        let share = 100.0 * repaired as f64 / asked as f64;
        at_most(-share, -percent, |it| format!("{:.1} % of {asked}", -it))
    })
}

/// A person's events channel brought this many texts, in order and once each.
pub fn texts(name: &'static str, count: Range<usize>) -> Expectation {
    expectation(format!("{name} reads {count:?} texts in order"), move |outcome| {
        let texts = outcome.world.peers[&outcome.index(name)].texts();
        let numbers: Vec<u32> =
            texts.iter().filter_map(|(_, text)| text.rsplit(' ').next()?.parse().ok()).collect();
        let in_order = numbers.windows(2).all(|pair| pair[0] < pair[1]);
        let text = format!("{} texts, in order: {in_order}", numbers.len());
        if in_order && count.contains(&numbers.len()) { Ok(text) } else { Err(text) }
    })
}

impl Plan {
    /// A good call between two people: no freeze, no concealment to speak of, both still here.
    pub fn expect_a_good_call(self) -> Self {
        self.expect(video("agent").frozen_at_most(0.0))
            .expect(video("buyer").frozen_at_most(0.0))
            .expect(audio("agent").concealed_at_most(0.2))
            .expect(audio("buyer").concealed_at_most(0.2))
            .expect(still_here("buyer"))
            .expect(still_here("agent"))
    }
}
