//! Who is to be looked at: the active speaker of a call, made of who speaks at the moment.
//!
//! The media plane says who begins and stops to speak, already without clicks and gaps between words. Here a second, slower
//! rule decides whom to show: whoever is shown stays while they speak, and while nobody else does; somebody who interrupts
//! must go on for a while, and nobody is shown for a moment only. Pure; times are arguments.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use protocol::ids::PartyId;

/// Somebody must speak for this long before they are shown.
const TAKES_OVER_AFTER: Duration = Duration::from_millis(400);

/// Somebody who is shown is shown for this long.
const SHOWN_FOR: Duration = Duration::from_millis(1_500);

/// See the [module](self).
#[derive(Clone, Debug, Default)]
pub struct Speakers {
    /// Who speaks, and since when.
    speaking: BTreeMap<PartyId, Timestamp>,
    shown: Option<(PartyId, Timestamp)>,
}

impl Speakers {
    /// Somebody began to speak, or stopped. True when that changes anything.
    pub fn on(&mut self, party: PartyId, speaks: bool, now: Timestamp) -> bool {
        let changed = match speaks {
            true => !self.speaking.contains_key(&party) && self.speaking.insert(party, now).is_none(),
            false => self.speaking.remove(&party).is_some(),
        };
        self.settle(now) || changed
    }

    /// Somebody left the call. True when that changes anything.
    pub fn forget(&mut self, party: PartyId, now: Timestamp) -> bool {
        let was_shown = self.shown.is_some_and(|(shown, _)| shown == party);
        if was_shown {
            self.shown = None;
        }
        self.on(party, false, now) || was_shown
    }

    /// Time has passed; call it no later than [`Speakers::deadline`]. True when that changes anything.
    pub fn settle(&mut self, now: Timestamp) -> bool {
        let next = self.next().filter(|(at, _)| *at <= now);
        if let Some((_, party)) = next {
            self.shown = Some((party, now));
        }
        next.is_some()
    }

    /// Who takes over next, and when, if nothing changes.
    fn next(&self) -> Option<(Timestamp, PartyId)> {
        let earliest = match self.shown {
            Some((shown, _)) if self.speaking.contains_key(&shown) => return None,
            Some((_, since)) => since + SHOWN_FOR,
            None => Timestamp::MIN,
        };
        let ready =
            |(party, since): (&PartyId, &Timestamp)| ((*since + TAKES_OVER_AFTER).max(earliest), *party);
        self.speaking.iter().map(ready).min()
    }

    /// When [`Speakers::settle`] has something to do.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.next().map(|(at, _)| at)
    }

    /// Whom to look at.
    pub fn shown(&self) -> Option<PartyId> {
        self.shown.map(|(party, _)| party)
    }

    /// Everybody who speaks.
    pub fn speaking(&self) -> impl Iterator<Item = PartyId> + '_ {
        self.speaking.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_millis(ms)
    }

    /// Lets time pass, and what is due happen.
    fn pass(speakers: &mut Speakers, until: u64) -> Option<PartyId> {
        while let Some(due) = speakers.deadline().filter(|due| *due <= at(until)) {
            assert!(speakers.settle(due), "a deadline is for something");
        }
        speakers.shown()
    }

    #[test]
    fn who_interrupts_for_a_moment_is_not_shown() {
        let (anna, mara) = (PartyId::new(), PartyId::new());
        let mut speakers = Speakers::default();
        speakers.on(mara, true, at(0));
        assert_eq!(pass(&mut speakers, 399), None, "a cough is over by then");
        assert_eq!(pass(&mut speakers, 400), Some(mara));
        speakers.on(anna, true, at(3_000));
        assert_eq!(pass(&mut speakers, 9_000), Some(mara), "both speak: whoever is shown stays");
        speakers.on(anna, false, at(9_000));
        assert_eq!(pass(&mut speakers, 20_000), Some(mara));
        speakers.on(mara, false, at(20_000));
        assert_eq!(pass(&mut speakers, 60_000), Some(mara), "silence changes nothing");
        assert_eq!(speakers.speaking().count(), 0);
    }

    #[test]
    fn who_goes_on_takes_over_but_nobody_is_shown_for_a_moment_only() {
        let (anna, mara) = (PartyId::new(), PartyId::new());
        let mut speakers = Speakers::default();
        speakers.on(mara, true, at(0));
        pass(&mut speakers, 400);
        speakers.on(mara, false, at(500));
        speakers.on(anna, true, at(500));
        assert_eq!(pass(&mut speakers, 1_899), Some(mara));
        assert_eq!(pass(&mut speakers, 1_900), Some(anna));
    }

    #[test]
    fn who_leaves_is_not_shown_any_more() {
        let (anna, mara) = (PartyId::new(), PartyId::new());
        let mut speakers = Speakers::default();
        speakers.on(mara, true, at(0));
        pass(&mut speakers, 400);
        assert!(speakers.forget(mara, at(500)));
        assert!(!speakers.forget(mara, at(500)), "gone already");
        assert_eq!((speakers.shown(), speakers.deadline()), (None, None));
        speakers.on(anna, true, at(600));
        assert_eq!(pass(&mut speakers, 1_000), Some(anna));
    }

    #[test]
    fn nothing_new_is_no_change() {
        let mara = PartyId::new();
        let mut speakers = Speakers::default();
        assert!(speakers.on(mara, true, at(0)));
        assert!(!speakers.on(mara, true, at(100)));
        assert!(speakers.on(mara, false, at(200)));
        assert!(!speakers.on(mara, false, at(200)));
    }
}
