//! What happened in a call, for whoever reviews it: holds, mutes, who came and went. Kept with the call in the store.

use protocol::call::{CallState, Party, Side, Source};
use protocol::ids::CallId;
use protocol::replay::{CallEvent, CallEventKind, EventPerson};
use tracing::warn;

use super::actor::Floor;
use super::ports::Fact;
use super::session::Person;

/// Events of a call that are kept. Nobody does so much in a call; a client that claims to fills no disk.
const EVENTS_MAX: u32 = 2_000;

impl Floor {
    /// Keeps what happened in a call that is, or was, connected. `by`: who of the call did it.
    pub(super) fn happened(&mut self, id: CallId, by: Option<Person>, what: CallEventKind) {
        let at = self.now();
        let Some(live) = self.calls.get_mut(&id) else { return };
        let over = matches!(what, CallEventKind::Ended { .. });
        let begun = live.call.state() == CallState::Connected || (over && live.call.agent().is_some());
        // Room is left for the end.
        if !begun || (live.events >= EVENTS_MAX && !over) {
            return;
        }
        live.events += 1;
        if live.events == EVENTS_MAX {
            warn!(call = %id, "a call with more events than are kept");
        }
        let by = by.and_then(|person| live.call.party_of(person)).map(event_person);
        let event = Box::new(CallEvent { at, by, what });
        self.journal.note(Fact::Happened { call: id, number: live.events, event });
    }

    /// Keeps that the buyer was put on hold or taken back, if they were.
    pub(super) fn hold_happened(&mut self, id: CallId, by: Option<Person>, was_held: bool) {
        let held = self.is_held(id);
        if held != was_held {
            self.happened(id, by, if held { CallEventKind::Held } else { CallEventKind::TakenBack });
        }
    }

    /// Whether the buyer of a call is on hold.
    pub(super) fn is_held(&self, id: CallId) -> bool {
        self.calls.get(&id).is_some_and(|live| live.call.is_held())
    }
}

/// Somebody as events name them: the buyer by side only.
pub(super) fn event_person(party: &Party) -> EventPerson {
    EventPerson { side: party.side, name: (party.side != Side::Buyer).then(|| party.name.clone()) }
}

/// What somebody turned on or off.
pub(super) fn turned(before: &[Source], after: &[Source]) -> Vec<CallEventKind> {
    [Source::Microphone, Source::Camera, Source::Screen]
        .into_iter()
        .filter(|source| before.contains(source) != after.contains(source))
        .map(|source| CallEventKind::Sending { source, on: after.contains(&source) })
        .collect()
}
