//! Offers, routes and what the media plane tells.

use std::time::Duration;

use protocol::call::{CallState, Side, Source};
use protocol::ids::CallId;
use protocol::problem::Problem;
use protocol::ws::{ServerMessage, SlotTrack, SourceLine};
use sfu::{Event, JoinError, JoinRequest, LeaveReason, Mid, ParticipantId};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::{debug, info, warn};

use super::actor::{Floor, Routes};
use super::session::{Person, Transport, fingerprint, media_source};
use crate::problem as problems;

/// The media plane answers in well under a millisecond; one that takes this long hangs, and must not take the
/// floor along.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// Every source, in the order slots are filled: what is heard first matters most.
const SOURCES: [Source; 3] = [Source::Microphone, Source::Camera, Source::Screen];

/// Waits for the media plane, but not for ever.
pub(super) async fn bounded<T>(what: &'static str, answer: impl Future<Output = T>) -> Option<T> {
    let answer = timeout(ANSWER_MAX, answer).await.ok();
    if answer.is_none() {
        warn!(what, "the media plane does not answer");
    }
    answer
}

/// Listens to the media plane in a task of its own, and passes on which transports have ended.
///
/// The floor itself waits for answers of the media plane, which in turn waits while nobody takes its events: if the
/// floor were the only listener, each could wait for the other. The queue needs no bound of its own, because every
/// participant leaves once and only the floor lets them join.
pub(super) fn listen(
    mut events: mpsc::Receiver<Event>,
) -> mpsc::UnboundedReceiver<(ParticipantId, LeaveReason)> {
    let (left, left_rx) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            match event {
                Event::Connected { participant } => info!(%participant, "transport connected"),
                Event::TrackStarted { participant, source, codec } => {
                    debug!(%participant, %source, %codec, "track started");
                }
                // A floor that has stopped does not care; the media plane still must not wait.
                Event::SendWish { .. } | Event::Speaking { .. } | Event::Quality { .. } => {}
                Event::Left { participant, reason } => drop(left.send((participant, reason))),
            }
        }
    });
    left_rx
}

impl Floor {
    /// A client offers a transport: its first, an ICE restart of the same one, or another one after a reload.
    pub(super) async fn offer(
        &mut self,
        person: Person,
        sdp: String,
        lines: &[SourceLine],
    ) -> Result<(), Problem> {
        let lines = source_lines(lines)?;
        let certificate = fingerprint(&sdp)
            .ok_or_else(|| problems::OFFER_UNUSABLE.at("sdp", "there is no a=fingerprint line"))?
            .to_owned();
        let Some(session) = self.sessions.get(&person) else { return Ok(()) };
        let old = session.transport.as_ref().map(|transport| transport.participant);
        let same = session.transport.as_ref().filter(|transport| transport.fingerprint == certificate);
        let restart = same.is_some();
        let participant =
            same.map_or_else(|| ParticipantId(rand::random()), |transport| transport.participant);
        info!(%participant, restart, "offer");

        let sources = lines.iter().map(|(_, source)| *source).collect();
        let request = JoinRequest { offer: sdp, sources: lines };
        let joined = match bounded("join", self.media.join(participant, request)).await {
            Some(Ok(joined)) => joined,
            Some(Err(JoinError::BadOffer(why))) => return Err(problems::OFFER_UNUSABLE.at("sdp", why)),
            Some(Err(JoinError::Stopping)) => {
                return Err(problems::SERVER_STOPPING.with("the media plane is stopping"));
            }
            Some(Err(error @ JoinError::Duplicate(_))) => {
                warn!(%participant, %error, "join refused");
                return Err(problems::MEDIA_UNAVAILABLE.with("send the offer again"));
            }
            None => return Err(problems::MEDIA_UNAVAILABLE.with("the media plane does not answer")),
        };
        let transport = Transport::new(participant, certificate, sources, &joined.slots);
        let slots = transport.views();
        let Some(session) = self.sessions.get_mut(&person) else { return Ok(()) };
        session.transport = Some(transport);
        self.participants.insert(participant, person);
        self.tell(person, ServerMessage::Answer { sdp: joined.answer });

        let call = self.seats.get(&person).copied();
        let call = call.filter(|call| self.calls.get(call).is_some_and(|live| live.routes == Routes::Open));
        match call {
            Some(call) => {
                if !restart {
                    self.add_taps(call, person.side()).await;
                }
                self.route(call).await;
            }
            None => self.tell(person, ServerMessage::Slots { slots }),
        }
        // Only now: until the new transport is in its place the old one may still carry sound.
        if let Some(old) = old.filter(|old| *old != participant) {
            self.participants.remove(&old);
            bounded("leave", self.media.leave(old)).await;
        }
        Ok(())
    }

    /// Attaches each side's sources to the other side's slots, as far as both have transports, and tells both.
    pub(super) async fn route(&mut self, id: CallId) {
        let Some(live) = self.calls.get(&id).filter(|live| live.routes == Routes::Open) else { return };
        let Some(agent) = live.call.agent() else { return };
        let seats = [
            (Person::Buyer(live.call.session()), live.call.party(Side::Buyer).map(|party| party.id)),
            (Person::Staff(agent.user), Some(agent.party.id)),
        ];
        for ((from, party), (to, _)) in [(seats[0], seats[1]), (seats[1], seats[0])] {
            let transport =
                |person: Person| self.sessions.get(&person).and_then(|session| session.transport.clone());
            let Some(mut receiver) = transport(to) else { continue };
            let sender = transport(from);
            for source in SOURCES {
                let Some(slot) = receiver.slot_for(source) else { continue };
                let attached = match &sender {
                    Some(sender) => self.attach(id, sender, source, receiver.participant, slot).await,
                    None => false,
                };
                let track = party.filter(|_| attached).map(|party| SlotTrack { party, source });
                receiver.show(slot, track);
            }
            let slots = receiver.views();
            if let Some(session) = self.sessions.get_mut(&to) {
                session.transport = Some(receiver);
            }
            self.tell(to, ServerMessage::Slots { slots });
        }
        let participant = |person: Person| Some(self.sessions.get(&person)?.transport.as_ref()?.participant);
        if let (Some(buyer), Some(agent)) = (participant(seats[0].0), participant(seats[1].0)) {
            for (from, to) in [(buyer, agent), (agent, buyer)] {
                if let Some(Err(error)) = bounded("pass_data", self.media.pass_data(from, to, true)).await {
                    warn!(call = %id, %from, %to, %error, "the data channels are not linked");
                }
            }
        }
    }

    async fn attach(
        &self,
        call: CallId,
        from: &Transport,
        source: Source,
        to: ParticipantId,
        slot: Mid,
    ) -> bool {
        let source = media_source(source);
        if !from.sources.contains(&source) {
            return false;
        }
        let publisher = from.participant;
        match bounded("attach", self.media.attach(publisher, source, to, slot)).await {
            Some(Ok(())) => {
                debug!(%call, from = %publisher, %source, %to, %slot, "attached");
                true
            }
            Some(Err(error)) => {
                warn!(%call, from = %publisher, %source, %to, %slot, %error, "not attached");
                false
            }
            None => false,
        }
    }

    /// Empties both sides' slots; the transports stay.
    pub(super) async fn close_routes(&mut self, id: CallId) {
        if let Some(live) = self.calls.get_mut(&id) {
            live.routes = Routes::Closed;
        }
        for person in self.people(id) {
            let Some(mut transport) =
                self.sessions.get(&person).and_then(|session| session.transport.clone())
            else {
                continue;
            };
            let occupied = transport.occupied();
            if occupied.is_empty() {
                continue;
            }
            for slot in occupied {
                if let Some(Err(error)) =
                    bounded("detach", self.media.detach(transport.participant, slot)).await
                {
                    debug!(call = %id, participant = %transport.participant, %slot, %error, "not detached");
                }
                transport.show(slot, None);
            }
            let slots = transport.views();
            if let Some(session) = self.sessions.get_mut(&person) {
                session.transport = Some(transport);
            }
            self.tell(person, ServerMessage::Slots { slots });
        }
    }

    /// Ends a person's transport.
    pub(super) async fn close_transport(&mut self, person: Person) {
        let transport = self.sessions.get_mut(&person).and_then(|session| session.transport.take());
        if let Some(Transport { participant, .. }) = transport {
            self.participants.remove(&participant);
            bounded("leave", self.media.leave(participant)).await;
        }
    }

    /// A transport ended, by itself or because we asked.
    pub(super) async fn transport_left(&mut self, participant: ParticipantId, reason: LeaveReason) {
        // One that we closed ourselves is not in the list any more.
        let Some(person) = self.participants.remove(&participant) else { return };
        match reason {
            LeaveReason::WrongFingerprint | LeaveReason::DtlsFailed => {
                warn!(%participant, %person, ?reason, "transport refused");
            }
            _ => info!(%participant, %person, ?reason, "transport gone"),
        }
        let Some(session) = self.sessions.get_mut(&person) else { return };
        session.transport = None;
        // The other side's slots show nobody until there is a new offer.
        let call = self.seats.get(&person).copied();
        let connected = |call: &CallId| {
            self.calls.get(call).is_some_and(|live| live.call.state() == CallState::Connected)
        };
        if let Some(call) = call.filter(connected) {
            self.route(call).await;
        }
    }
}

fn source_lines(lines: &[SourceLine]) -> Result<Vec<(Mid, sfu::Source)>, Problem> {
    let mut known: Vec<(Mid, sfu::Source)> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let mid = Mid::new(&line.mid).ok_or_else(|| {
            problems::FIELD_INVALID.at(format!("sources[{index}].mid"), "a MID has 1 to 16 token characters")
        })?;
        let source = media_source(line.source);
        if known.iter().any(|(other, theirs)| *other == mid || *theirs == source) {
            let detail = "every line and every source comes once";
            return Err(problems::FIELD_INVALID.at(format!("sources[{index}]"), detail));
        }
        known.push((mid, source));
    }
    Ok(known)
}
