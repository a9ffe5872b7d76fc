//! What is worth something only now: who speaks, how the connections are, and the floor as those see it who watch it.

use protocol::call::{Availability, CallState, Colleague, FloorView, PartyLink, Side, Source};
use protocol::ids::CallId;
use protocol::problem::Problem;
use protocol::ws::{ClientStats, ServerMessage};
use sfu::{ParticipantId, QualitySample};

use super::actor::{Floor, Timer};
use super::media;
use super::ports::Fact;
use super::quality::{self, plausible};
use super::rules::{Standing, may_flow};
use super::session::{Identity, Person};
use crate::auth;
use crate::problem as problems;

impl Floor {
    /// The media plane has news.
    pub(super) fn media_news(&mut self, news: media::News) {
        match news {
            media::News::Speaking(who, speaks) => self.speaks(who, speaks),
            media::News::Quality(who, sample) => self.sampled(who, sample),
        }
    }

    /// The connected call a participant is in, and as whom.
    fn place_of(&self, participant: ParticipantId) -> Option<(Person, CallId)> {
        let person = *self.participants.get(&participant)?;
        let call = *self.seats.get(&person)?;
        let connected = self.calls.get(&call).is_some_and(|live| live.call.state() == CallState::Connected);
        connected.then_some((person, call))
    }

    fn speaks(&mut self, participant: ParticipantId, speaks: bool) {
        let Some((person, id)) = self.place_of(participant) else { return };
        let now = self.now();
        let Some(live) = self.calls.get_mut(&id) else { return };
        let Some(party) = live.call.party_of(person).map(|party| party.id) else { return };
        live.speakers.on(party, speaks, now);
        self.tell_speaking(id);
    }

    /// Somebody cannot be heard any more.
    pub(super) fn stops_speaking(&mut self, id: CallId, person: Person) {
        let now = self.now();
        let Some(live) = self.calls.get_mut(&id) else { return };
        if let Some(party) = live.call.party_of(person).map(|party| party.id) {
            live.speakers.on(party, false, now);
        }
    }

    /// The active speaker may be another one now.
    pub(super) fn speaker_due(&mut self, id: CallId) {
        let now = self.now();
        if self.calls.get_mut(&id).is_some_and(|live| live.speakers.settle(now)) {
            self.tell_speaking(id);
        }
    }

    /// Tells everybody who speaks, of those they hear and themselves.
    pub(super) fn tell_speaking(&mut self, id: CallId) {
        let people = self.people(id);
        let Some(live) = self.calls.get_mut(&id) else { return };
        let held = live.call.is_held();
        let mut news = Vec::new();
        for person in people {
            let Some(viewer) = live.call.party_of(person) else { continue };
            let hears = |party| {
                let from =
                    live.call.members().find(|(_, member)| member.id == party).map(|(_, member)| member);
                from.is_some_and(|from| {
                    let (from_standing, to) = (Standing::of(from), Standing::of(viewer));
                    from.id == viewer.id || may_flow(from_standing, Source::Microphone, to, held)
                })
            };
            let speaker = live.speakers.shown().filter(|party| hears(*party));
            let told = (speaker, live.speakers.speaking().filter(|party| hears(*party)).collect::<Vec<_>>());
            // To begin with nobody speaks.
            let before = live.told_speaking.insert(person, told.clone()).unwrap_or_default();
            if before != told {
                news.push((person, told));
            }
        }
        let due = live.speakers.deadline();
        for (person, (speaker, speaking)) in news {
            self.tell(person, ServerMessage::Speaking { call: id, speaker, speaking });
        }
        if let Some(due) = due {
            self.set_timer(due, Timer::Speaker { call: id });
        }
    }

    fn sampled(&mut self, participant: ParticipantId, sample: QualitySample) {
        let Some((person, id)) = self.place_of(participant) else { return };
        let now = self.now();
        let Some(live) = self.calls.get_mut(&id) else { return };
        let Some(party) = live.call.party_of(person).cloned() else { return };
        let news = live.quality.on_sample(&party, sample, now);
        self.keep_quality(id, false);
        if news == quality::News::Nothing {
            return;
        }
        self.dirty |= news == quality::News::Link;
        for person in self.people(id) {
            let Some(live) = self.calls.get_mut(&id) else { return };
            let Some(viewer) = live.call.party_of(person) else { continue };
            let staff = viewer.side != Side::Buyer;
            let seen = live.call.visible_to(viewer);
            let links: Vec<PartyLink> = seen.filter_map(|party| live.quality.link(party.id, staff)).collect();
            if !staff {
                // Without figures there is little that changes.
                if live.told_links == links {
                    continue;
                }
                live.told_links = links.clone();
            }
            self.tell(person, ServerMessage::Quality { call: id, links });
        }
    }

    /// Hands what has been measured to the store and to the recording: now and then, and all of it at the `end`.
    pub(super) fn keep_quality(&mut self, id: CallId, end: bool) {
        let Some(live) = self.calls.get_mut(&id) else { return };
        let Some(chunk) = live.quality.take_chunk(end) else { return };
        if let Some(recording) = live.recording.as_ref().filter(|recording| recording.started) {
            recording.add_quality(&chunk.points);
        }
        self.journal.note(Fact::Quality { call: id, chunk });
    }

    /// What a client noticed.
    pub(super) fn client_stats(&mut self, person: Person, stats: &ClientStats) -> Result<(), Problem> {
        plausible(stats).map_err(|(field, why)| problems::FIELD_INVALID.at(field, why))?;
        // Reports that cross the end of a call are no mistake of the client.
        let Some(live) = self.seats.get(&person).and_then(|call| self.calls.get_mut(call)) else {
            return Ok(());
        };
        if live.call.state() == CallState::Connected
            && let Some(party) = live.call.party_of(person).map(|party| party.id)
        {
            live.quality.on_report(party, stats);
        }
        Ok(())
    }

    /// Somebody of the staff wants to be told of the floor, or no longer.
    pub(super) fn watch_floor(&mut self, person: Person, on: bool) -> Result<(), Problem> {
        self.agent(person)?;
        let Some(session) = self.sessions.get_mut(&person) else { return Ok(()) };
        session.watches = on.then(Box::default);
        if on {
            let floor = Box::new(self.floor_for(person));
            if let Some(session) = self.sessions.get_mut(&person) {
                session.watches = Some(floor.clone());
            }
            self.tell(person, ServerMessage::Floor { floor });
        }
        Ok(())
    }

    /// Tells everybody who watches the floor how it is now, if that is news to them.
    pub(super) fn tell_floor(&mut self) {
        let watching = self.sessions.iter().filter(|(_, session)| session.watches.is_some());
        let watching: Vec<Person> = watching.map(|(person, _)| *person).collect();
        for person in watching {
            let floor = Box::new(self.floor_for(person));
            let Some(session) = self.sessions.get_mut(&person) else { continue };
            if session.watches.as_ref() != Some(&floor) {
                session.watches = Some(floor.clone());
                self.tell(person, ServerMessage::Floor { floor });
            }
        }
    }

    fn floor_for(&self, viewer: Person) -> FloorView {
        let staff_of = |person: Person| match self.sessions.get(&person).map(|session| &session.identity) {
            Some(Identity::Staff(me)) => Some(me),
            _ => None,
        };
        let here = self
            .sessions
            .iter()
            .filter(|(person, session)| **person != viewer && session.connection.is_some());
        let mut staff: Vec<Colleague> = here
            .filter_map(|(person, session)| {
                let (Person::Staff(id), Some(me)) = (*person, staff_of(*person)) else { return None };
                let guest = self.is_guest(*person);
                let availability = self.desk.availability(id).unwrap_or(Availability::Away);
                let availability = if guest { Availability::Busy } else { availability };
                me.may(auth::Action::TakeCalls).then(|| Colleague {
                    id,
                    name: session.identity.name().to_owned(),
                    role: me.role,
                    availability,
                })
            })
            .collect();
        staff.sort_by(|a, b| a.name.cmp(&b.name).then(a.id.cmp(&b.id)));
        let sees_calls = staff_of(viewer).is_some_and(|me| me.may(auth::Action::MonitorCalls));
        let calls = self.calls.values().filter(|_| sees_calls);
        let mut calls: Vec<_> = calls.filter_map(|live| live.call.floor_view(live.quality.worst())).collect();
        calls.sort_by_key(|call| (call.since, call.id));
        let waiting = u32::try_from(self.desk.line().count()).unwrap_or(u32::MAX);
        FloorView { staff, calls, waiting }
    }
}
