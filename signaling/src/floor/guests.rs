//! Staff besides the agent in a call: supervisors who follow it, and a colleague who is asked. Hold and mute belong here too,
//! since all of them change who hears whom.
//!
//! Nobody is in two calls: whoever is a guest is away at the desk meanwhile, and available again afterwards if they were.

use std::time::Duration;

use jiff::Timestamp;
use protocol::call::{Availability, CallState, ConsultAsk, MonitorMode, Party, Side, Source};
use protocol::ids::{CallId, PartyId, UserId};
use protocol::problem::Problem;
use protocol::replay::CallEventKind;
use protocol::ws::ServerMessage;
use tracing::info;

use super::actor::{Floor, Timer};
use super::call::{Call, Guest};
use super::history::event_person;
use super::rules::may_mute;
use super::session::{Identity, Person};
use super::table::Action;
use crate::auth;
use crate::problem as problems;

/// Supervisors who may follow one call. Whoever takes part in a call hears at most eight others.
const MONITORS_MAX: usize = 4;

/// How long a colleague may think about a question.
const QUESTION_TIME: Duration = Duration::from_secs(30);

impl Floor {
    /// Whether somebody is in a call without being one of its two sides.
    pub(super) fn is_guest(&self, person: Person) -> bool {
        let live = self.seats.get(&person).and_then(|call| self.calls.get(call));
        let party = live.and_then(|live| live.call.party_of(person));
        party.is_some_and(|party| matches!(party.side, Side::Consultant | Side::Supervisor))
    }

    /// Puts the buyer on hold, or takes them back.
    pub(super) async fn set_hold(&mut self, person: Person, on: bool) -> Result<(), Problem> {
        let id = self.seated(person, Action::Hold)?;
        let now = self.now();
        let changed = self.calls.get_mut(&id).is_some_and(|live| live.call.set_held(on, now));
        // A hold on top of a consult shows nobody anything new, but its rules count.
        self.settle_pause(id, false);
        if changed {
            info!(call = %id, on, "hold");
            self.happened(id, Some(person), if on { CallEventKind::Held } else { CallEventKind::TakenBack });
            self.route(id).await;
            self.tell_call(id);
        }
        Ok(())
    }

    /// Lets nobody have a source of somebody, or lets them again.
    pub(super) async fn mute(
        &mut self,
        by: Person,
        party: PartyId,
        source: Source,
        muted: bool,
    ) -> Result<(), Problem> {
        let id = self.seated(by, Action::Mute)?;
        let Some(live) = self.calls.get_mut(&id) else { return Ok(()) };
        let whom = live
            .call
            .person_of(party)
            .ok_or_else(|| problems::FIELD_INVALID.at("party", "is not in the call"))?;
        let side = |person| live.call.party_of(person).map(|party| party.side);
        let allowed = side(by).zip(side(whom)).is_some_and(|(by, whom)| may_mute(by, whom));
        if !allowed {
            return Err(problems::NOT_ALLOWED.at("party", "you may not mute this person"));
        }
        let target = live.call.party_of(whom).map(event_person);
        if live.call.set_muted(whom, source, muted) {
            info!(call = %id, %by, %whom, ?source, muted, "muted by the server");
            if let Some(whom) = target {
                self.happened(id, Some(by), CallEventKind::Muted { whom, source, on: muted });
            }
            self.publish_what_is_sent(whom).await;
            self.tell_call(id);
        }
        Ok(())
    }

    /// A supervisor follows a call, or follows it in another way.
    pub(super) async fn monitor(
        &mut self,
        person: Person,
        id: CallId,
        mode: MonitorMode,
    ) -> Result<(), Problem> {
        let user = self.supervisor(person)?;
        if self.seats.get(&person).is_some_and(|seat| *seat != id || !self.is_guest(person)) {
            return Err(problems::ALREADY_IN_CALL.with("you are in a call yourself"));
        }
        let now_ready = self.free(user)?;
        let live = self.calls.get_mut(&id).filter(|live| live.call.state() == CallState::Connected);
        let live = live.ok_or_else(|| problems::NO_CALL.at("call", "there is no such call going on"))?;
        let others = live.call.guests().iter().filter(|guest| guest.user != user);
        let supervisors: Vec<&Guest> = others.filter(|guest| guest.party.side == Side::Supervisor).collect();
        let speaks = |guest: &&Guest| guest.party.monitor != Some(MonitorMode::Listen);
        if supervisors.len() >= MONITORS_MAX {
            return Err(problems::NOT_NOW.at("call", format!("{MONITORS_MAX} supervisors follow it already")));
        }
        if mode != MonitorMode::Listen && supervisors.iter().any(speaks) {
            return Err(problems::NOT_NOW.at("mode", "another supervisor speaks in this call"));
        }
        if live.call.party_of(person).is_some_and(|party| party.side != Side::Supervisor) {
            return Err(problems::ALREADY_IN_CALL.with("you are being asked about this call"));
        }
        info!(call = %id, supervisor = %user, ?mode, "monitoring");
        let party = Party { monitor: Some(mode), ..self.seat(person, Side::Supervisor) };
        self.admit(id, Guest { user, party, was_ready: now_ready }).await;
        self.happened(id, Some(person), CallEventKind::Following { mode });
        Ok(())
    }

    /// A supervisor follows no call any longer.
    pub(super) async fn monitor_end(&mut self, person: Person) -> Result<(), Problem> {
        self.supervisor(person)?;
        if !self.is_guest(person) {
            return Err(problems::NO_CALL.with("you follow no call"));
        }
        self.leave(person).await;
        Ok(())
    }

    /// An agent asks a colleague.
    pub(super) async fn consult_start(&mut self, person: Person, colleague: UserId) -> Result<(), Problem> {
        let id = self.seated(person, Action::Consult)?;
        if self.is_guest(person) {
            return Err(problems::NOT_ALLOWED.with("only the agent of the call asks"));
        }
        let them = Person::Staff(colleague);
        let unavailable = |why: &str| problems::COLLEAGUE_UNAVAILABLE.at("colleague", why);
        let session = self.sessions.get(&them).filter(|session| session.connection.is_some());
        let session = session.ok_or_else(|| unavailable("they are not here"))?;
        let name = session.identity.name().to_owned();
        if self.agent(them).is_err() {
            return Err(unavailable("their role takes no calls"));
        }
        let asked = self.calls.values().any(|live| live.call.colleague() == Some(colleague));
        if asked
            || self.seats.contains_key(&them)
            || self.desk.availability(colleague) == Some(Availability::Busy)
        {
            return Err(unavailable("they are in a call or being asked"));
        }
        let expires_at = self.now() + QUESTION_TIME;
        let Some(live) = self.calls.get_mut(&id) else { return Ok(()) };
        if !live.call.ask(colleague, &name, expires_at) {
            return Err(problems::NOT_NOW.with("one colleague at a time"));
        }
        info!(call = %id, agent = %person, %colleague, "consult asked for");
        let ask = Box::new(live.call.question_view(expires_at));
        self.happened(id, Some(person), CallEventKind::ConsultAsked { colleague: name });
        self.set_timer(expires_at, Timer::Question { call: id, expires_at });
        self.tell(them, ServerMessage::ConsultAsked { ask });
        self.tell_call(id);
        Ok(())
    }

    /// The colleague answers.
    pub(super) async fn consult_answer(
        &mut self,
        person: Person,
        id: CallId,
        accept: bool,
    ) -> Result<(), Problem> {
        let colleague = self.agent(person)?;
        let asked = self.calls.get(&id).and_then(|live| live.call.asked());
        if asked.is_none_or(|(theirs, _)| theirs != colleague) {
            return Err(problems::NOT_YOUR_CALL.at("call", "nobody asks you about this call (any more)"));
        }
        if !accept {
            info!(call = %id, %colleague, "consult declined");
            self.end_question(id).await;
            return Ok(());
        }
        if self.seats.contains_key(&person) {
            return Err(problems::ALREADY_IN_CALL.with("you are in a call yourself"));
        }
        let was_ready = self.free(colleague)?;
        let now = self.now();
        info!(call = %id, %colleague, "consult");
        self.tell(person, ServerMessage::ConsultAskEnded { call: id });
        let party = self.seat(person, Side::Consultant);
        let was_held = self.is_held(id);
        if let Some(live) = self.calls.get_mut(&id) {
            live.call.begin_consult(now);
        }
        self.settle_pause(id, false);
        self.admit(id, Guest { user: colleague, party, was_ready }).await;
        self.happened(id, Some(person), CallEventKind::ConsultBegan);
        self.hold_happened(id, None, was_held);
        Ok(())
    }

    /// The agent or the colleague ends the consult, or the question.
    pub(super) async fn consult_end(&mut self, person: Person) -> Result<(), Problem> {
        let id = self.seated(person, Action::Consult)?;
        let colleague = self.calls.get(&id).and_then(|live| live.call.colleague());
        let colleague = colleague.ok_or_else(|| problems::NOT_NOW.with("nobody is being asked"))?;
        info!(call = %id, by = %person, "consult ends");
        match self.calls.get(&id).and_then(|live| live.call.asked()) {
            Some(_) => self.end_question(id).await,
            None => self.leave(Person::Staff(colleague)).await,
        }
        Ok(())
    }

    /// The colleague has had their time.
    pub(super) async fn question_expires(&mut self, id: CallId, expires_at: Timestamp) {
        if self.calls.get(&id).and_then(|live| live.call.asked()).is_some_and(|(_, at)| at == expires_at) {
            info!(call = %id, "nobody answered the question");
            self.end_question(id).await;
        }
    }

    /// A question that was not answered is over.
    async fn end_question(&mut self, id: CallId) {
        let Some(live) = self.calls.get_mut(&id) else { return };
        let Some((colleague, _)) = live.call.asked() else { return };
        live.call.end_consult();
        self.happened(id, None, CallEventKind::ConsultEnded);
        self.tell(Person::Staff(colleague), ServerMessage::ConsultAskEnded { call: id });
        self.tell_call(id);
    }

    /// The question a person has not answered yet.
    pub(super) fn question_for(&self, person: Person) -> Option<Box<ConsultAsk>> {
        let Person::Staff(user) = person else { return None };
        self.calls.values().find_map(|live| {
            let (_, expires_at) = live.call.asked().filter(|(colleague, _)| *colleague == user)?;
            Some(Box::new(live.call.question_view(expires_at)))
        })
    }

    /// A guest comes into a call, or changes how they follow it.
    async fn admit(&mut self, id: CallId, guest: Guest) {
        let person = Person::Staff(guest.user);
        let (user, new) = (guest.user, self.seats.insert(person, id).is_none());
        if let Some(live) = self.calls.get_mut(&id) {
            live.call.admit(guest);
        }
        if new {
            let now = self.now();
            let decisions = self.desk.set_ready(user, false, now);
            self.carry_out(decisions).await;
        }
        self.publish_what_is_sent(person).await;
        self.route(id).await;
        self.tell_call(id);
    }

    /// A guest leaves a call.
    pub(super) async fn leave(&mut self, person: Person) {
        let (Person::Staff(user), Some(id)) = (person, self.seats.get(&person).copied()) else { return };
        let now = self.now();
        let Some(live) = self.calls.get_mut(&id) else { return };
        let last_view = live.call.view(person);
        let was_held = live.call.is_held();
        let consults = live.call.party_of(person).is_some_and(|party| party.side == Side::Consultant);
        let end = if consults { CallEventKind::ConsultEnded } else { CallEventKind::FollowingEnded };
        // While they are still in it.
        if self.is_guest(person) {
            self.happened(id, Some(person), end);
        }
        let Some(live) = self.calls.get_mut(&id) else { return };
        let Some(guest) = live.call.dismiss(user) else { return };
        info!(call = %id, guest = %user, side = ?guest.party.side, "left");
        if guest.party.side == Side::Consultant {
            live.call.end_consult();
        }
        live.speakers.forget(guest.party.id, now);
        live.told_speaking.remove(&person);
        live.quality.forget(guest.party.id);
        self.seats.remove(&person);
        self.hold_happened(id, None, was_held);
        // First nobody gets anything of them, and they of nobody.
        self.route(id).await;
        self.settle_pause(id, false);
        self.empty_slots(person).await;
        if let Some(mut call) = last_view {
            call.state = CallState::Ended;
            self.tell(person, ServerMessage::Call { call: Box::new(call) });
        }
        self.tell_call(id);
        self.go(&guest).await;
    }

    /// The call is over for its guests; their slots are empty.
    pub(super) async fn guests_go(&mut self, id: CallId) {
        let guests = self.calls.get(&id).map(|live| live.call.guests().to_vec()).unwrap_or_default();
        for guest in guests {
            info!(call = %id, guest = %guest.user, side = ?guest.party.side, "left");
            self.seats.remove(&Person::Staff(guest.user));
            if let Some(live) = self.calls.get_mut(&id) {
                live.call.dismiss(guest.user);
            }
            self.go(&guest).await;
        }
    }

    /// Whoever was a guest is as free as before.
    async fn go(&mut self, guest: &Guest) {
        self.publish_what_is_sent(Person::Staff(guest.user)).await;
        if guest.was_ready {
            let now = self.now();
            let decisions = self.desk.set_ready(guest.user, true, now);
            self.carry_out(decisions).await;
        }
    }

    fn seat(&self, person: Person, side: Side) -> Party {
        let session = self.sessions.get(&person);
        let name = session.map_or("", |session| session.identity.name());
        Call::seat(side, name, session.map_or(&[], |session| &session.sending))
    }

    /// The supervisor behind a person.
    fn supervisor(&self, person: Person) -> Result<UserId, Problem> {
        match (person, self.sessions.get(&person).map(|session| &session.identity)) {
            (Person::Staff(user), Some(Identity::Staff(me))) if me.may(auth::Action::MonitorCalls) => {
                Ok(user)
            }
            _ => Err(problems::NOT_ALLOWED.with("only staff who may follow calls may do this")),
        }
    }

    /// Whether calls may ring at somebody who is free; a problem when they are not.
    fn free(&self, user: UserId) -> Result<bool, Problem> {
        match self.desk.availability(user) {
            Some(Availability::Busy) => {
                Err(problems::ALREADY_IN_CALL.with("your console rings, or you have a call or a wrap-up"))
            }
            availability => Ok(availability == Some(Availability::Available)),
        }
    }
}
