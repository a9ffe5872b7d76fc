//! Who hears and sees whom in a call: one table, and what follows from it for every receive slot.
//!
//! Pure. [`may_flow`] is the law; [`wanted`] derives what each slot of everybody in a call shows, and [`steps`] the
//! changes that lead there, in an order in which nothing forbidden flows in between. The floor carries them out in the
//! media plane, which forwards nothing else: what a client believes or pretends does not matter.

use std::collections::{BTreeMap, BTreeSet};

use protocol::call::{MonitorMode, Party, Side, Source};
use sfu::{AnswerSlot, Kind, Mid, ParticipantId};

/// What somebody may do in a call as far as media is concerned.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Standing {
    /// Who asked for help.
    Buyer,
    /// Who helps.
    Agent,
    /// A colleague whom the agent asks.
    Consultant,
    /// A supervisor.
    Monitor(MonitorMode),
}

impl Standing {
    /// The standing of a party.
    pub fn of(party: &Party) -> Self {
        match (party.side, party.monitor) {
            (Side::Buyer, _) => Standing::Buyer,
            (Side::Agent, _) => Standing::Agent,
            (Side::Consultant, _) => Standing::Consultant,
            // A supervisor about whom nothing was said is not heard.
            (Side::Supervisor, mode) => Standing::Monitor(mode.unwrap_or(MonitorMode::Listen)),
        }
    }
}

/// Whether `to` may get a source of `from`. While the buyer is on hold (`held`), nothing flows from or to them.
///
/// | from \ to | buyer | agent | consultant | supervisors |
/// |---|---|---|---|---|
/// | buyer | – | unless held | unless held | unless held |
/// | agent | unless held | – | yes | yes |
/// | consultant | never | yes | – | yes |
/// | supervisor, listening | never | never | never | never |
/// | supervisor, whispering | never | voice | never | never |
/// | supervisor, barging in | unless held | yes | yes | yes |
pub fn may_flow(from: Standing, source: Source, to: Standing, held: bool) -> bool {
    use MonitorMode::{Barge, Listen, Whisper};
    use Standing::{Agent, Buyer, Consultant, Monitor};
    match (from, to) {
        (Buyer, Buyer) | (Agent, Agent) | (Consultant, Consultant) => false,
        (Consultant, Buyer) => false,
        (Monitor(Listen), _) => false,
        (Monitor(Whisper), to) => to == Agent && source == Source::Microphone,
        (Buyer, _) => !held,
        (Agent | Monitor(Barge), Buyer) => !held,
        (Agent | Consultant | Monitor(Barge), _) => true,
    }
}

/// Whether small messages (pointer, ink, captions) of `from` reach `to`: as far as pictures do.
pub fn may_message(from: Standing, to: Standing, held: bool) -> bool {
    may_flow(from, Source::Screen, to, held)
}

/// Whether somebody may have the server mute somebody else: agents mute the buyer and whom they ask, supervisors
/// everybody but each other.
pub fn may_mute(by: Side, whom: Side) -> bool {
    match by {
        Side::Agent => matches!(whom, Side::Buyer | Side::Consultant),
        Side::Supervisor => whom != Side::Supervisor,
        Side::Buyer | Side::Consultant => false,
    }
}

/// A source of somebody, as a slot shows it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Shown {
    /// Whose.
    pub from: ParticipantId,
    /// Which.
    pub source: Source,
}

/// What the floor knows of a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Occupancy {
    /// The media plane has confirmed it.
    Known(Option<Shown>),
    /// The media plane did not answer: it may show this or that, and must be told again.
    Unsure,
}

/// Somebody in a call who has a transport.
#[derive(Clone, Debug)]
pub struct Leg {
    /// The transport.
    pub who: ParticipantId,
    /// What they may do.
    pub standing: Standing,
    /// What their offer has lines for.
    pub publishes: Vec<Source>,
    /// Their receive slots and what is on them.
    pub slots: Vec<(AnswerSlot, Occupancy)>,
}

/// A receive slot of somebody.
pub type Slot = (ParticipantId, Mid);

/// A change in the media plane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Show this on a slot.
    Attach(Slot, Shown),
    /// Empty a slot.
    Detach(Slot),
}

fn kind(source: Source) -> Kind {
    match source {
        Source::Microphone => Kind::Audio,
        Source::Camera | Source::Screen => Kind::Video,
    }
}

/// What matters most comes first where slots are few: the two sides of the call, whoever joins them openly, whoever is
/// asked, whoever whispers; of the pictures faces come before screens.
fn weight(standing: Standing, source: Source) -> (u8, u8) {
    let who = match standing {
        Standing::Buyer => 0,
        Standing::Agent => 1,
        Standing::Monitor(MonitorMode::Barge) => 2,
        Standing::Consultant => 3,
        Standing::Monitor(MonitorMode::Whisper) => 4,
        Standing::Monitor(MonitorMode::Listen) => 5,
    };
    (u8::from(source == Source::Screen), who)
}

/// What every slot of the call is to show. What a slot shows already stays where it is; what does not fit is left out.
pub fn wanted(legs: &[Leg], held: bool) -> BTreeMap<Slot, Option<Shown>> {
    let mut out = BTreeMap::new();
    for to in legs {
        for wanted_kind in [Kind::Audio, Kind::Video] {
            let slots = || to.slots.iter().filter(|(slot, _)| slot.kind == wanted_kind);
            let mut allowed: Vec<_> = legs
                .iter()
                .filter(|from| from.who != to.who)
                .flat_map(|from| from.publishes.iter().map(move |source| (from, *source)))
                .filter(|(from, source)| {
                    kind(*source) == wanted_kind && may_flow(from.standing, *source, to.standing, held)
                })
                .map(|(from, source)| (weight(from.standing, source), Shown { from: from.who, source }))
                .collect();
            allowed.sort_unstable();
            allowed.dedup();
            let mut left: BTreeSet<usize> = (0..allowed.len().min(slots().count())).collect();
            let mut take = |shown: Shown| {
                let found = left.iter().copied().find(|index| allowed[*index].1 == shown)?;
                left.remove(&found).then_some(shown)
            };
            let stays: Vec<Option<Shown>> = slots()
                .map(|(_, occupancy)| match occupancy {
                    Occupancy::Known(Some(shown)) => take(*shown),
                    Occupancy::Known(None) | Occupancy::Unsure => None,
                })
                .collect();
            for ((slot, _), stays) in slots().zip(stays) {
                let shown = stays.or_else(|| left.pop_first().map(|index| allowed[index].1));
                out.insert((to.who, slot.mid), shown);
            }
        }
    }
    out
}

/// The changes that lead from what is to what is [`wanted`]. What must not flow any more goes first.
pub fn steps(legs: &[Leg], held: bool) -> Vec<Step> {
    let wanted = wanted(legs, held);
    let standing = |who: ParticipantId| legs.iter().find(|leg| leg.who == who).map(|leg| leg.standing);
    let (mut removals, mut others) = (Vec::new(), Vec::new());
    for to in legs {
        for (slot, is) in &to.slots {
            let place = (to.who, slot.mid);
            let shall = wanted.get(&place).copied().flatten();
            if *is == Occupancy::Known(shall) {
                continue;
            }
            let allowed = match is {
                Occupancy::Known(None) => true,
                Occupancy::Known(Some(shown)) => {
                    standing(shown.from).is_some_and(|from| may_flow(from, shown.source, to.standing, held))
                }
                Occupancy::Unsure => false,
            };
            let step = shall.map_or(Step::Detach(place), |shown| Step::Attach(place, shown));
            if allowed { &mut others } else { &mut removals }.push(step);
        }
    }
    // A forbidden source that is replaced is gone at once, too; but an emptied slot is the safer half of them.
    removals.sort_by_key(|step| matches!(step, Step::Attach(..)));
    removals.extend(others);
    removals
}

/// Whose small messages reach whom.
pub fn messages(legs: &[Leg], held: bool) -> BTreeSet<(ParticipantId, ParticipantId)> {
    legs.iter()
        .flat_map(|from| legs.iter().map(move |to| (from, to)))
        .filter(|(from, to)| from.who != to.who && may_message(from.standing, to.standing, held))
        .map(|(from, to)| (from.who, to.who))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    const ALL: [Source; 3] = [Source::Microphone, Source::Camera, Source::Screen];
    const LISTEN: Standing = Standing::Monitor(MonitorMode::Listen);
    const WHISPER: Standing = Standing::Monitor(MonitorMode::Whisper);
    const BARGE: Standing = Standing::Monitor(MonitorMode::Barge);

    fn mid(number: usize) -> Mid {
        Mid::new(&number.to_string()).unwrap()
    }

    /// A leg as our client offers it: three audio slots and four for video.
    fn leg(who: u64, standing: Standing) -> Leg {
        let slot = |n| AnswerSlot { mid: mid(n), kind: if n < 6 { Kind::Audio } else { Kind::Video } };
        let slots = (3..10).map(|n| (slot(n), Occupancy::Known(None))).collect();
        Leg { who: ParticipantId(who), standing, publishes: ALL.to_vec(), slots }
    }

    fn names(from: Standing, to: Standing, held: bool) -> Vec<Source> {
        ALL.into_iter().filter(|source| may_flow(from, *source, to, held)).collect()
    }

    /// The table in the documentation, cell by cell.
    #[test]
    fn the_law_is_what_the_table_says() {
        let everybody = [Standing::Buyer, Standing::Agent, Standing::Consultant, LISTEN, WHISPER, BARGE];
        let all = ALL.to_vec();
        for held in [false, true] {
            let unless_held = if held { vec![] } else { all.clone() };
            for to in everybody {
                let buyer = to == Standing::Buyer;
                let but_self = |who| if to == who { vec![] } else { all.clone() };
                assert_eq!(names(LISTEN, to, held), [], "who listens is never heard");
                let voice = if to == Standing::Agent { vec![Source::Microphone] } else { vec![] };
                assert_eq!(names(WHISPER, to, held), voice, "{to:?}");
                assert_eq!(names(BARGE, to, held), if buyer { unless_held.clone() } else { all.clone() });
                let from_buyer = if buyer { vec![] } else { unless_held.clone() };
                assert_eq!(names(Standing::Buyer, to, held), from_buyer, "{to:?}");
                let from_agent = if buyer { unless_held.clone() } else { but_self(Standing::Agent) };
                assert_eq!(names(Standing::Agent, to, held), from_agent, "{to:?}");
                let from_consultant = if buyer { vec![] } else { but_self(Standing::Consultant) };
                assert_eq!(names(Standing::Consultant, to, held), from_consultant, "{to:?}");
            }
        }
    }

    #[test]
    fn messages_go_where_pictures_go() {
        assert!(may_message(Standing::Buyer, LISTEN, false), "who listens sees the pointer too");
        assert!(
            !may_message(LISTEN, Standing::Agent, false) && !may_message(WHISPER, Standing::Agent, false)
        );
        assert!(!may_message(Standing::Consultant, Standing::Buyer, false));
        assert!(!may_message(Standing::Agent, Standing::Buyer, true));
    }

    #[test]
    fn two_people_are_on_the_first_slots_and_keep_them_when_others_come() {
        let mut legs = vec![leg(1, Standing::Buyer), leg(2, Standing::Agent)];
        apply(&mut legs, false);
        let shows = |legs: &[Leg], who: usize, n: usize| match legs[who].slots[n - 3].1 {
            Occupancy::Known(shown) => shown.map(|shown| (shown.from.0, shown.source)),
            Occupancy::Unsure => panic!("unsure"),
        };
        for (n, source) in [(3, Source::Microphone), (6, Source::Camera), (7, Source::Screen)] {
            assert_eq!(shows(&legs, 1, n), Some((1, source)));
        }
        legs.insert(1, leg(3, BARGE));
        legs.push(leg(4, Standing::Consultant));
        apply(&mut legs, false);
        assert_eq!(shows(&legs, 2, 6), Some((1, Source::Camera)), "nobody jumps about");
        assert_eq!(shows(&legs, 2, 7), Some((1, Source::Screen)));
        assert_eq!(shows(&legs, 2, 8), Some((3, Source::Camera)));
        assert_eq!(shows(&legs, 2, 9), Some((4, Source::Camera)), "faces before screens");
        assert!(
            (3..10).all(|n| shows(&legs, 0, n).is_none_or(|(from, _)| from != 4)),
            "the buyer sees no consult"
        );
    }

    #[test]
    fn a_slot_the_media_plane_did_not_confirm_is_set_again() {
        let mut legs = vec![leg(1, Standing::Buyer), leg(2, Standing::Agent)];
        apply(&mut legs, false);
        legs[1].slots[0].1 = Occupancy::Unsure;
        legs[0].slots[6].1 = Occupancy::Unsure;
        let mic = Shown { from: ParticipantId(1), source: Source::Microphone };
        let to = |who, n| (ParticipantId(who), mid(n));
        assert_eq!(steps(&legs, false), [Step::Detach(to(1, 9)), Step::Attach(to(2, 3), mic)]);
    }

    fn apply(legs: &mut [Leg], held: bool) {
        let all = steps(legs, held);
        carry_out(legs, &all);
    }

    fn carry_out(legs: &mut [Leg], steps: &[Step]) {
        for step in steps {
            let ((who, mid), shown) = match step {
                Step::Attach(slot, shown) => (*slot, Some(*shown)),
                Step::Detach(slot) => (*slot, None),
            };
            let leg = legs.iter_mut().find(|leg| leg.who == who).unwrap();
            let slot = leg.slots.iter_mut().find(|(slot, _)| slot.mid == mid).unwrap();
            slot.1 = Occupancy::Known(shown);
        }
    }

    fn standing() -> impl Strategy<Value = Standing> {
        prop_oneof![Just(Standing::Consultant), Just(LISTEN), Just(WHISPER), Just(BARGE)]
    }

    #[derive(Clone, Debug)]
    enum Change {
        Join(Standing, Vec<Source>),
        Leave(usize),
        Become(usize, Standing),
        Hold(bool),
        NoAnswer(usize, usize),
    }

    fn change() -> impl Strategy<Value = Change> {
        let sources = prop::sample::subsequence(ALL.to_vec(), 0..=3);
        prop_oneof![
            3 => (standing(), sources).prop_map(|(standing, sources)| Change::Join(standing, sources)),
            2 => any::<usize>().prop_map(Change::Leave),
            3 => (any::<usize>(), standing()).prop_map(|(who, standing)| Change::Become(who, standing)),
            3 => any::<bool>().prop_map(Change::Hold),
            1 => (any::<usize>(), 0..7usize).prop_map(|(who, slot)| Change::NoAnswer(who, slot)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]
        #[test]
        fn whatever_happens_nothing_forbidden_is_shown_and_the_steps_lead_to_the_table(
            changes in prop::collection::vec(change(), 1..40),
        ) {
            let mut legs = vec![leg(1, Standing::Buyer), leg(2, Standing::Agent)];
            let (mut held, mut next) = (false, 3);
            for change in changes {
                match change {
                    Change::Join(standing, publishes) if legs.len() < 8 => {
                        legs.push(Leg { publishes, ..leg(next, standing) });
                        next += 1;
                    }
                    Change::Leave(who) if legs.len() > 2 => {
                        legs.remove(2 + who % (legs.len() - 2));
                    }
                    Change::Become(who, standing) if legs.len() > 2 => {
                        let index = 2 + who % (legs.len() - 2);
                        legs[index].standing = standing;
                    }
                    Change::Hold(on) => held = on,
                    Change::NoAnswer(who, slot) => {
                        let index = who % legs.len();
                        legs[index].slots[slot].1 = Occupancy::Unsure;
                    }
                    _ => {}
                }
                let steps = steps(&legs, held);
                // Once the first allowed change is made, nothing that is forbidden flows any more.
                let forbidden = |legs: &[Leg]| legs.iter().flat_map(|to| to.slots.iter().map(move |slot| (to, slot)))
                    .filter(|(to, (_, is))| match is {
                        Occupancy::Unsure => true,
                        Occupancy::Known(None) => false,
                        Occupancy::Known(Some(shown)) => !legs.iter().any(|from| from.who == shown.from
                            && may_flow(from.standing, shown.source, to.standing, held)),
                    }).count();
                let before = forbidden(&legs);
                prop_assert!(steps.len() >= before);
                carry_out(&mut legs, &steps[..before]);
                prop_assert_eq!(forbidden(&legs), 0, "what is forbidden goes before anything new comes");
                for step in &steps[before..] {
                    carry_out(&mut legs, std::slice::from_ref(step));
                    prop_assert_eq!(forbidden(&legs), 0);
                }
                // Exactly the table: everything that is allowed is shown, once, as far as there are slots.
                for to in &legs {
                    for wanted_kind in [Kind::Audio, Kind::Video] {
                        let shown: Vec<Shown> = to.slots.iter().filter(|(slot, _)| slot.kind == wanted_kind)
                            .filter_map(|(_, is)| match is { Occupancy::Known(shown) => *shown, Occupancy::Unsure => None })
                            .collect();
                        let allowed = legs.iter().filter(|from| from.who != to.who)
                            .flat_map(|from| from.publishes.iter().map(move |source| (from, source)))
                            .filter(|(from, source)| kind(**source) == wanted_kind
                                && may_flow(from.standing, **source, to.standing, held))
                            .count();
                        let room = if wanted_kind == Kind::Audio { 3 } else { 4 };
                        prop_assert_eq!(shown.len(), allowed.min(room));
                        prop_assert_eq!(shown.iter().collect::<BTreeSet<_>>().len(), shown.len());
                    }
                }
                prop_assert!(super::steps(&legs, held).is_empty(), "there is nothing left to do");
            }
        }
    }
}
