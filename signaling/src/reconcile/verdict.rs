//! What the store says of a recording, held against what there is of it: one rule for every pair.

use jiff::Timestamp;
use protocol::ids::CallId;
use recorder::Presence;

use crate::floor::clock::timestamp;
use crate::floor::recording::{LEFT_ON_DISK, WITHDRAWN};
use crate::store::RowState;

/// Why a recording is marked as deleted whose media is not there. Taken back should it turn up.
pub const MISSING: &str = "media_missing";
/// The same for media that is there and cannot be understood.
pub const UNREADABLE: &str = "media_unreadable";

/// What is to be done about a recording.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Store and media agree, or nobody can do anything yet.
    Agree,
    /// The store gets a row: the media belongs to this call.
    Link {
        /// Whose.
        call: CallId,
        /// Zero of the session timeline.
        started_at: Timestamp,
        /// What the row is to say.
        state: RowState,
    },
    /// The row is complete and has this length; a mark that it was missing goes.
    Complete {
        /// Milliseconds.
        duration_ms: u32,
    },
    /// The row says that the media is gone, and why.
    Gone {
        /// Since when, if that is known.
        at: Option<Timestamp>,
        /// Why.
        reason: String,
    },
    /// The buyer took it back, and a legal hold keeps it: the row says so, and has this length.
    Withhold {
        /// Milliseconds.
        duration_ms: u32,
    },
    /// The media must go: whoever may say so has said it.
    Erase {
        /// Why.
        reason: String,
    },
    /// There is media that belongs to no call we know.
    Stray,
}

/// Whether a buyer who said no at that time, in the same call, took back a recording that began at `started_at`: of
/// a choice before it nothing was recorded yet. An agent who changes their mind takes back nothing that is recorded.
pub fn takes_back(refused_at: Option<Timestamp>, started_at: Timestamp) -> bool {
    refused_at.is_some_and(|at| at > started_at)
}

/// Whether it matters that a legal hold keeps the recording: whoever may say so wants it deleted.
pub fn asks_for_holds(row: Option<&RowState>, withdrawn: bool) -> bool {
    match row {
        Some(RowState::Withheld { .. }) => true,
        Some(RowState::Deleted { reason }) => withdrawn || !may_come_back(reason),
        _ => withdrawn,
    }
}

/// Decides. `row` is what the store has; `withdrawn`: the buyer [took back](takes_back) their consent to it; `held`: a
/// legal hold keeps it, which beats everything that would delete it.
pub fn verdict(row: Option<&RowState>, withdrawn: bool, held: bool, presence: &Presence) -> Verdict {
    use RowState::{Complete, Deleted, Open, Withheld};
    match (row, presence) {
        (_, Presence::Running) | (None, Presence::Absent) => Verdict::Agree,
        // Deleted on purpose, and that is what there is.
        (Some(Deleted { reason }), Presence::Absent) if reason != LEFT_ON_DISK => Verdict::Agree,
        (Some(Deleted { .. }), Presence::Absent) => gone(WITHDRAWN),
        (Some(Open | Complete { .. } | Withheld { .. }), Presence::Absent) => gone(MISSING),

        (None, Presence::Unreadable(_)) => Verdict::Stray,
        (Some(Open | Complete { .. } | Withheld { .. }), Presence::Unreadable(_)) => gone(UNREADABLE),
        (Some(Deleted { .. }), Presence::Unreadable(_)) => Verdict::Agree,

        (Some(Deleted { reason }), Presence::Erased { note, .. })
            if *reason == note.reason || !(may_come_back(reason) || reason == LEFT_ON_DISK) =>
        {
            Verdict::Agree
        }
        (Some(_), Presence::Erased { note, .. }) => {
            Verdict::Gone { at: Some(timestamp(note.at)), reason: note.reason.clone() }
        }
        (None, Presence::Erased { note, started_at, labels }) => match call_of(labels) {
            // Erased before it began, or by somebody who knew nothing of calls.
            None => Verdict::Agree,
            Some(call) => Verdict::Link {
                call,
                started_at: timestamp(*started_at),
                state: RowState::Deleted { reason: note.reason.clone() },
            },
        },

        (Some(Deleted { reason }), Presence::Ended(_)) if !may_come_back(reason) && !held => {
            let reason = if reason == LEFT_ON_DISK { WITHDRAWN } else { reason };
            Verdict::Erase { reason: reason.to_owned() }
        }
        (Some(Withheld { .. }), Presence::Ended(_)) if !held => {
            Verdict::Erase { reason: WITHDRAWN.to_owned() }
        }
        (_, Presence::Ended(_)) if withdrawn && !held => Verdict::Erase { reason: WITHDRAWN.to_owned() },
        // Hidden already, for another reason; what is held stays until the hold is lifted.
        (Some(Deleted { reason }), Presence::Ended(_))
            if !may_come_back(reason) && reason != LEFT_ON_DISK && reason != WITHDRAWN =>
        {
            Verdict::Agree
        }
        (Some(Deleted { .. }), Presence::Ended(kept)) if kept.is_gone() => Verdict::Agree,
        (Some(Deleted { reason }), Presence::Ended(kept)) if withdrawn || !may_come_back(reason) => {
            Verdict::Withhold { duration_ms: milliseconds(kept.duration_ms) }
        }
        (Some(_), Presence::Ended(kept)) if kept.is_gone() => gone(MISSING),
        (Some(row), Presence::Ended(kept)) => {
            let duration_ms = milliseconds(kept.duration_ms);
            let locked = withdrawn || matches!(row, Withheld { .. });
            match row {
                Withheld { duration_ms: known } if *known == duration_ms => Verdict::Agree,
                _ if locked => Verdict::Withhold { duration_ms },
                Complete { duration_ms: known } if *known == duration_ms => Verdict::Agree,
                _ => Verdict::Complete { duration_ms },
            }
        }
        (None, Presence::Ended(kept)) => match call_of(&kept.labels) {
            None => Verdict::Stray,
            Some(call) => Verdict::Link {
                call,
                started_at: timestamp(kept.started_at),
                state: match milliseconds(kept.duration_ms) {
                    _ if kept.is_gone() => Deleted { reason: MISSING.to_owned() },
                    duration_ms if withdrawn => Withheld { duration_ms },
                    duration_ms => Complete { duration_ms },
                },
            },
        },
    }
}

/// The call that the labels of a recording name.
pub fn call_of(labels: &serde_json::Value) -> Option<CallId> {
    labels.get("call")?.as_str()?.parse().ok()
}

/// Marked for want of media only: nobody wanted it deleted.
fn may_come_back(reason: &str) -> bool {
    reason == MISSING || reason == UNREADABLE
}

fn gone(reason: &str) -> Verdict {
    Verdict::Gone { at: None, reason: reason.to_owned() }
}

/// 32 bits of milliseconds are 49 days.
fn milliseconds(ms: u64) -> u32 {
    u32::try_from(ms).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use recorder::{ErasedNote, Kept};
    use sfu::NodeTime;

    use super::*;

    fn reasons() -> impl Strategy<Value = String> {
        prop::sample::select(vec![MISSING, UNREADABLE, WITHDRAWN, LEFT_ON_DISK, "retention"])
            .prop_map(str::to_owned)
    }

    fn rows() -> impl Strategy<Value = Option<RowState>> {
        prop_oneof![
            Just(None),
            Just(Some(RowState::Open)),
            (0..3u32).prop_map(|duration_ms| Some(RowState::Complete { duration_ms })),
            (0..3u32).prop_map(|duration_ms| Some(RowState::Withheld { duration_ms })),
            reasons().prop_map(|reason| Some(RowState::Deleted { reason })),
        ]
    }

    fn labels() -> impl Strategy<Value = serde_json::Value> {
        prop::sample::select(vec![
            serde_json::json!({ "call": "01935a3e-0000-7000-8000-000000000001" }),
            serde_json::json!({ "call": 7 }),
            serde_json::Value::Null,
        ])
    }

    fn presences() -> impl Strategy<Value = Presence> {
        let kept =
            (labels(), 0..3u64, 0..3u32, 0..3usize).prop_map(|(labels, duration_ms, tracks, missing)| {
                let missing = (0..missing.min(tracks as usize)).map(|n| format!("track-{n}")).collect();
                let (started_at, refused_at) = (NodeTime(5), None);
                Presence::Ended(Kept { started_at, duration_ms, labels, refused_at, tracks, missing })
            });
        let erased = (labels(), reasons()).prop_map(|(labels, reason)| {
            let note = ErasedNote { at: NodeTime(9), reason };
            Presence::Erased { note, started_at: NodeTime(5), labels }
        });
        let unreadable = Just(Presence::Unreadable("no manifest".to_owned()));
        prop_oneof![Just(Presence::Absent), Just(Presence::Running), kept, erased, unreadable]
    }

    /// What is there after a verdict was carried out.
    fn done(verdict: &Verdict, row: Option<RowState>, presence: Presence) -> (Option<RowState>, Presence) {
        match verdict.clone() {
            Verdict::Agree | Verdict::Stray => (row, presence),
            Verdict::Link { state, .. } => (Some(state), presence),
            Verdict::Complete { duration_ms } => (Some(RowState::Complete { duration_ms }), presence),
            Verdict::Withhold { duration_ms } => (Some(RowState::Withheld { duration_ms }), presence),
            Verdict::Gone { reason, .. } => (Some(RowState::Deleted { reason }), presence),
            Verdict::Erase { reason } => {
                let Presence::Ended(kept) = presence else { panic!("nothing there to erase") };
                let note = ErasedNote { at: NodeTime(10), reason: reason.clone() };
                let row = row.map(|_| RowState::Deleted { reason });
                (row, Presence::Erased { note, started_at: kept.started_at, labels: kept.labels })
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_was_found_two_rounds_bring_it_to_rest_and_rest_is_the_truth(
            row in rows(), withdrawn: bool, held: bool, presence in presences(),
        ) {
            let (mut at, mut rounds) = ((row.clone(), presence.clone()), 0);
            let last = loop {
                let next = verdict(at.0.as_ref(), withdrawn, held, &at.1);
                if matches!(next, Verdict::Agree | Verdict::Stray) {
                    break next;
                }
                at = done(&next, at.0, at.1);
                rounds += 1;
                prop_assert!(rounds <= 2, "{row:?} and {presence:?} never come to rest");
            };
            match (&at.0, &at.1) {
                (_, Presence::Running) => prop_assert_eq!(&at, &(row.clone(), presence.clone())),
                (Some(RowState::Open), _) => prop_assert!(false, "left open"),
                (Some(RowState::Complete { duration_ms }), Presence::Ended(kept)) => {
                    prop_assert!(!kept.is_gone() && u64::from(*duration_ms) == kept.duration_ms);
                    prop_assert!(!withdrawn, "kept against the buyer's word");
                }
                (Some(RowState::Complete { .. }), found) => prop_assert!(false, "complete, but {found:?}"),
                // Locked is what was taken back and is held, and nothing else.
                (Some(RowState::Withheld { duration_ms }), Presence::Ended(kept)) => {
                    prop_assert!(held && !kept.is_gone() && u64::from(*duration_ms) == kept.duration_ms);
                    let locked = matches!(row, Some(RowState::Withheld { .. } | RowState::Deleted { .. }));
                    prop_assert!(withdrawn || locked);
                }
                (Some(RowState::Withheld { .. }), found) => prop_assert!(false, "withheld, but {found:?}"),
                // Hidden: for want of media, or held and not to be seen anyway.
                (Some(RowState::Deleted { reason }), Presence::Ended(kept)) => {
                    let other = !may_come_back(reason) && reason != WITHDRAWN && reason != LEFT_ON_DISK;
                    prop_assert!(kept.is_gone() || other);
                    prop_assert!(held || (may_come_back(reason) && !withdrawn));
                }
                (Some(RowState::Deleted { .. }), _) => {}
                (None, Presence::Ended(kept)) => {
                    prop_assert!(last == Verdict::Stray && call_of(&kept.labels).is_none());
                    prop_assert!(held || !withdrawn);
                }
                (None, Presence::Erased { labels, .. }) => prop_assert!(call_of(labels).is_none()),
                (None, Presence::Absent | Presence::Unreadable(_)) => {}
            }
            // Nobody's media is deleted because of a mistake: only on somebody's word.
            if let (Presence::Ended(_), Presence::Erased { .. }) = (&presence, &at.1) {
                let told = asks_for_holds(row.as_ref(), false);
                prop_assert!((withdrawn || told) && !held, "a hold beats every wish to delete");
            }
        }
    }
}
