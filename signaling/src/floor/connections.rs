//! Connections come, break, come back, or do not.

use jiff::Timestamp;
use protocol::call::{Availability, CallState, EndReason};
use protocol::replay::CallEventKind;
use protocol::ws::{PROTOCOL_VERSION, Resume, ServerMessage, StaffWelcome};
use tracing::info;

use super::actor::{Floor, Timer};
use super::outbox::wire;
use super::session::{ConnectionId, Farewell, Identity, Outlet, Person, Session};
use crate::auth::Action;

impl Floor {
    /// Somebody connected: for the first time, again after a break, or from a second tab.
    pub(super) async fn open(
        &mut self,
        connection: ConnectionId,
        identity: Identity,
        resume: Option<Resume>,
        outlet: Outlet,
    ) {
        let person = identity.person();
        // A ring that goes on now is part of the welcome; one that this connection causes is told afterwards.
        let ring = self.ring_of(person);
        let takes_calls = match &identity {
            Identity::Staff(me) => me.may(Action::TakeCalls),
            Identity::Buyer { .. } => false,
        };

        let session = self.sessions.entry(person).or_insert_with(|| Session::new(identity.clone()));
        session.identity = identity;
        if let Some(old) = session.hang_up(Farewell::Replaced) {
            self.connections.remove(&old);
        }
        session.connection = Some((connection, outlet));
        session.lost_at = None;
        let missed = resume.as_ref().and_then(|resume| session.outbox.resume(resume));
        self.connections.insert(connection, person);
        self.dirty = true;
        if resume.is_some() {
            let label = if missed.is_some() { "true" } else { "false" };
            self.shared.metrics.resumes.with_label_values(&[label]).inc();
        }
        info!(resumed = missed.is_some(), replayed = missed.as_ref().map_or(0, Vec::len), "connected");

        let call = self.seats.get(&person).copied();
        let came_back = call
            .and_then(|call| self.calls.get_mut(&call))
            .is_some_and(|live| live.call.set_present(person, true));
        let mut welcome = self.welcome(person, missed.is_some());
        if let ServerMessage::Welcome { ring: place, consult, .. } = &mut welcome {
            *place = ring;
            *consult = self.question_for(person);
        }
        let Some(session) = self.sessions.get_mut(&person) else { return };
        let mut keeps_up = true;
        match (&resume, missed) {
            (Some(resume), Some(missed)) => {
                // The client's own number: what was missed follows it without a gap.
                keeps_up &= session.send(wire(resume.last_seq, welcome));
                keeps_up &= missed.into_iter().all(|text| session.send(text));
            }
            _ => {
                let text = session.outbox.push_welcome(welcome);
                keeps_up &= session.send(text);
                session.watches = None;
                // A client that wanted to resume still has its transport, but may have missed what it shows.
                if let Some(transport) = session.transport.as_ref().filter(|_| resume.is_some()) {
                    let (slots, wishes) = (transport.views(), transport.wishes.clone());
                    keeps_up &= session.tell(ServerMessage::Slots { slots });
                    for (source, encodings) in wishes {
                        keeps_up &= session.tell(ServerMessage::SendWish { source, encodings });
                    }
                }
            }
        }
        if !keeps_up {
            self.too_slow(person);
        }

        let now = self.now();
        let decisions = match (person, call) {
            (Person::Staff(agent), _) if takes_calls => self.desk.agent_online(agent, now),
            (Person::Buyer(_), Some(call)) => {
                if let Some(live) = self.calls.get_mut(&call) {
                    live.told_place = None;
                }
                self.desk.set_present(call, true, now)
            }
            _ => Vec::new(),
        };
        self.carry_out(decisions).await;
        if let Some(call) = call.filter(|_| came_back) {
            self.happened(call, Some(person), CallEventKind::ConnectionBack);
            self.tell_call(call);
        }
    }

    fn ring_of(&self, person: Person) -> Option<Box<protocol::call::Ring>> {
        let Person::Staff(agent) = person else { return None };
        let (call, expires_at) = self.desk.ring_at(agent)?;
        self.ring_view(call, agent, expires_at)
    }

    fn welcome(&self, person: Person, resumed: bool) -> ServerMessage {
        let session = self.sessions.get(&person);
        let staff = match (session.map(|session| &session.identity), person) {
            (Some(Identity::Staff(me)), Person::Staff(agent)) => Some(StaffWelcome {
                name: me.name.clone(),
                role: me.role,
                availability: self.desk.availability(agent).unwrap_or(Availability::Away),
                consent: self.own_choice(agent).cloned(),
            }),
            _ => None,
        };
        let call = self.seats.get(&person).and_then(|call| self.calls.get(call)?.call.view(person));
        ServerMessage::Welcome {
            version: PROTOCOL_VERSION,
            resume_token: session.map(|session| session.outbox.token().to_owned()).unwrap_or_default(),
            resumed,
            grace_s: u32::try_from(self.settings.grace.as_secs()).unwrap_or(u32::MAX),
            staff,
            call: call.map(Box::new),
            ring: None,
            consult: None,
        }
    }

    /// A person's connection is gone: the grace time begins.
    pub(super) async fn lost(&mut self, person: Person) {
        let now = self.now();
        let Some(session) = self.sessions.get_mut(&person) else { return };
        session.lost_at = Some(now);
        self.dirty = true;
        self.set_timer(now + self.settings.grace, Timer::Grace { person, lost_at: now });
        let call = self.seats.get(&person).copied();
        info!(%person, call = call.map(|call| call.to_string()), "connection lost");
        let changed = call
            .and_then(|call| self.calls.get_mut(&call))
            .is_some_and(|live| live.call.set_present(person, false));
        if let Some(call) = call.filter(|_| changed) {
            self.happened(call, Some(person), CallEventKind::ConnectionLost);
            self.tell_call(call);
        }
        let decisions = match (person, call) {
            (Person::Staff(agent), _) => self.desk.agent_lost(agent, now),
            (Person::Buyer(_), Some(call)) => self.desk.set_present(call, false, now),
            (Person::Buyer(_), None) => Vec::new(),
        };
        self.carry_out(decisions).await;
    }

    /// A cookie that is worth nothing any more must not keep a connection open.
    pub(super) async fn log_out(&mut self, person: Person) {
        let session = self.sessions.get_mut(&person);
        if let Some(connection) = session.and_then(|session| session.hang_up(Farewell::LoggedOut)) {
            self.connections.remove(&connection);
            self.lost(person).await;
        }
    }

    /// A grace time is over; unless the person came back, they are gone for good.
    pub(super) async fn grace_over(&mut self, person: Person, lost_at: Timestamp) {
        if self.sessions.get(&person).is_none_or(|session| session.lost_at != Some(lost_at)) {
            return;
        }
        info!(%person, "did not come back in time");
        if self.is_guest(person) {
            self.leave(person).await;
        } else if let Some(call) = self.seats.get(&person).copied() {
            let reason = match (self.calls.get(&call).map(|live| live.call.state()), person) {
                (Some(CallState::Waiting | CallState::Ringing), _) => Some(EndReason::Abandoned),
                (Some(CallState::Connected), Person::Buyer(_)) => Some(EndReason::BuyerLost),
                (Some(CallState::Connected), Person::Staff(_)) => Some(EndReason::AgentLost),
                _ => None,
            };
            if let Some(reason) = reason {
                self.end(call, reason).await;
            }
        }
        if let Person::Staff(agent) = person {
            let now = self.now();
            let decisions = self.desk.agent_offline(agent, now);
            self.carry_out(decisions).await;
        }
        self.close_transport(person).await;
        self.sessions.remove(&person);
        self.dirty = true;
    }
}
