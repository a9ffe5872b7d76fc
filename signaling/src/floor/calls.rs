//! Calls begin, connect and end; both sides are told.

use jiff::Timestamp;
use protocol::call::{CallState, EndReason, Ring, RingEnd, Side, TicketRef};
use protocol::ids::{CallId, UserId};
use protocol::replay::CallEventKind;
use protocol::ws::ServerMessage;
use tracing::{error, info, warn};

use super::actor::{Floor, Routes, Timer};
use super::call::{AgentSeat, Call};
use super::metrics::reason_label;
use super::ports::Fact;
use super::session::Person;
use crate::desk::Decision;

impl Floor {
    /// Does what the desk decided.
    pub(super) async fn carry_out(&mut self, decisions: Vec<Decision>) {
        self.dirty = true;
        for decision in decisions {
            match decision {
                Decision::Ring { call, agent, expires_at, why } => {
                    info!(%call, %agent, why, "ringing");
                    let Some(live) = self.calls.get_mut(&call) else { continue };
                    if let Err(error) = live.call.ring() {
                        error!(%call, %error, "the desk and the call disagree");
                    }
                    live.told_place = None;
                    if let Some(ring) = self.ring_view(call, agent, expires_at) {
                        self.tell(Person::Staff(agent), ServerMessage::Ring { ring });
                    }
                    self.tell_call(call);
                }
                Decision::RingEnded { call, agent, reason } => self.ring_ended(call, agent, reason),
                Decision::Connect { call, agent } => self.connect(call, agent).await,
                Decision::Availability { agent, availability } => {
                    self.tell(Person::Staff(agent), ServerMessage::Availability { availability });
                }
            }
        }
    }

    /// What an agent is shown of a call that rings.
    pub(super) fn ring_view(&self, id: CallId, agent: UserId, expires_at: Timestamp) -> Option<Box<Ring>> {
        let choice = self.own_choice(agent).map(|receipt| receipt.recording);
        let rule = self.rule_with(id, agent);
        Some(Box::new(self.calls.get(&id)?.call.ring_view(expires_at, rule, choice)))
    }

    /// What stands against recording has changed while a call rings: its agent is shown the ring anew.
    pub(super) fn ring_again(&mut self, id: CallId) {
        let rings_at = |agent| self.desk.ring_at(agent).filter(|(call, _)| *call == id);
        let found = self.desk.agents().find_map(|(agent, _)| Some((agent, rings_at(agent)?.1)));
        let Some((agent, expires_at)) = found else { return };
        if let Some(ring) = self.ring_view(id, agent, expires_at) {
            self.tell(Person::Staff(agent), ServerMessage::Ring { ring });
        }
    }

    fn ring_ended(&mut self, call: CallId, agent: UserId, reason: RingEnd) {
        info!(%call, %agent, ?reason, "ring ended");
        self.tell(Person::Staff(agent), ServerMessage::RingEnded { call, reason });
        match reason {
            RingEnd::NoAnswer => self.shared.metrics.rona.inc(),
            RingEnd::Declined => self.shared.metrics.declined.inc(),
            RingEnd::Accepted | RingEnd::BuyerLeft => return,
        }
        let Some(live) = self.calls.get_mut(&call) else { return };
        if let Err(error) = live.call.back_in_line() {
            error!(%call, %error, "the desk and the call disagree");
        }
        self.tell_call(call);
    }

    /// An agent took a call.
    async fn connect(&mut self, id: CallId, agent: UserId) {
        let now = self.now();
        let person = Person::Staff(agent);
        let (Some(live), Some(session)) = (self.calls.get_mut(&id), self.sessions.get(&person)) else {
            return error!(call = %id, %agent, "the desk connects somebody who is not here");
        };
        let party = Call::seat(Side::Agent, session.identity.name(), &session.sending);
        info!(call = %id, %agent, party = %party.id, "connected");
        if let Err(error) = live.call.connect(AgentSeat { user: agent, party }, now) {
            return error!(call = %id, %error, "the desk and the call disagree");
        }
        let waited = now.duration_since(live.call.requested_at()).as_secs_f64();
        self.shared.metrics.answered_after.observe(waited);
        live.routes = Routes::Held;
        self.seats.insert(person, id);
        self.publish_what_is_sent(person).await;
        self.journal.note(Fact::Accepted { call: id, agent, at: now });
        self.bring_own_choice(id, agent);
        let recorded = self.calls.get(&id).is_some_and(|live| live.call.may_be_recorded());
        self.happened(id, Some(person), CallEventKind::Connected);
        self.tell_call(id);
        if recorded {
            self.start_recording(id);
            self.set_timer(now + self.settings.recorder_patience, Timer::Recorder { call: id });
        } else {
            self.open_routes(id).await;
        }
    }

    /// The media of a call is over, whatever it was: waiting, ringing or connected. A call past that is left alone.
    pub(super) async fn end(&mut self, id: CallId, reason: EndReason) {
        let now = self.now();
        let Some(live) = self.calls.get_mut(&id) else { return };
        let was_connected = live.call.state() == CallState::Connected;
        if live.call.finish(reason, now).is_err() {
            return;
        }
        info!(call = %id, ?reason, "call ended");
        // Before the recording is complete.
        self.keep_quality(id, true);
        let Some(live) = self.calls.get_mut(&id) else { return };
        let buyer = Person::Buyer(live.call.session());
        let wrapped_early = live.wrapped_early;
        if let Some(recording) = live.recording.take() {
            recording.stop();
        }
        self.shared.metrics.ended.with_label_values(&[reason_label(reason)]).inc();
        self.journal.note(Fact::Ended { call: id, at: now, reason });
        self.happened(id, None, CallEventKind::Ended { reason });
        let Some(live) = self.calls.get_mut(&id) else { return };
        if reason == EndReason::AgentLost
            && let Some(session) = self.sessions.get_mut(&buyer)
        {
            session.goes_first = true;
        }
        let asked = live.call.asked();
        live.call.end_consult();
        live.call.set_held(false, now);
        if let Some((colleague, _)) = asked {
            self.tell(Person::Staff(colleague), ServerMessage::ConsultAskEnded { call: id });
        }
        self.tell_call(id);
        self.close_routes(id).await;
        self.seats.remove(&buyer);
        self.close_transport(buyer).await;
        self.guests_go(id).await;
        let decisions = if was_connected { self.desk.call_over(id, now) } else { self.desk.leave(id, now) };
        self.carry_out(decisions).await;
        if !was_connected {
            self.calls.remove(&id);
        } else if wrapped_early {
            self.wrapped_up(id).await;
        }
    }

    /// Outcome and notes are in the store: the call is closed and its agent free.
    pub(super) async fn wrapped_up(&mut self, id: CallId) {
        let now = self.now();
        let Some(live) = self.calls.get_mut(&id) else { return };
        if live.call.state() == CallState::Connected {
            live.wrapped_early = true;
            return;
        }
        if let Err(error) = live.call.wrapped_up() {
            return warn!(call = %id, %error, "wrapped up out of turn");
        }
        info!(call = %id, "wrapped up");
        self.tell_call(id);
        let agent = self.calls.remove(&id).and_then(|live| live.call.agent().map(|seat| seat.user));
        if let Some(agent) = agent {
            self.seats.remove(&Person::Staff(agent));
            // What was muted in this call is not in the next one.
            self.publish_what_is_sent(Person::Staff(agent)).await;
        }
        let decisions = self.desk.wrapped_up(id, now);
        self.carry_out(decisions).await;
    }

    /// The store has made the ticket.
    pub(super) fn ticket_made(&mut self, id: CallId, ticket: TicketRef) {
        let Some(live) = self.calls.get_mut(&id) else { return };
        info!(call = %id, ticket = ticket.number, "ticket");
        live.call.set_ticket(ticket);
        self.tell_call(id);
    }

    /// The people in a call.
    pub(super) fn people(&self, id: CallId) -> Vec<Person> {
        let Some(live) = self.calls.get(&id) else { return Vec::new() };
        // Somebody whose call is over may be in another one by now.
        live.call
            .members()
            .map(|(person, _)| person)
            .filter(|person| self.seats.get(person) == Some(&id))
            .collect()
    }

    /// Shows everybody in a call how it stands.
    pub(super) fn tell_call(&mut self, id: CallId) {
        self.dirty = true;
        for person in self.people(id) {
            let view = self.calls.get(&id).and_then(|live| live.call.view(person));
            if let Some(view) = view {
                self.tell(person, ServerMessage::Call { call: Box::new(view) });
            }
        }
    }
}
