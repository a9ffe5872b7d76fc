//! Offers, routes and what the media plane tells.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::call::{CallState, Source};
use protocol::ids::{CallId, PartyId};
use protocol::problem::Problem;
use protocol::ws::{ServerMessage, SlotSize, SlotTrack, SourceLine};
use sfu::{Event, JoinError, JoinRequest, LeaveReason, Mid, ParticipantId, QualitySample, View};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tracing::{debug, info, warn};

use super::actor::{Floor, Routes, Timer};
use super::rules::{self, Occupancy, Shown, Standing, Step};
use super::session::{Person, Transport, fingerprint, media_source};
use crate::problem as problems;

/// The media plane answers in well under a millisecond; one that takes this long hangs, and must not take the
/// floor along.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// What it did not answer is asked again after this time.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Figures and levels that may wait for the floor. More means that the floor hangs, and they are worth nothing when late.
const NEWS_MAX: usize = 1_024;

/// Pixels of a side of a slot that make sense.
const PIXELS_MAX: u16 = 16_384;

/// Waits for the media plane, but not for ever, and not again and again: once it did not answer, nobody waits for it until
/// there has been a pause. A media plane that hangs costs the floor one wait at a time, however much there is to ask.
#[derive(Debug, Default)]
pub(super) struct Patience {
    silent_since: Mutex<Option<Instant>>,
}

impl Patience {
    fn silent_since(&self) -> MutexGuard<'_, Option<Instant>> {
        // A panic while holding the lock cannot leave a time half changed.
        self.silent_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer, unless there is none or none is to be expected.
    pub(super) async fn bounded<T>(&self, what: &'static str, answer: impl Future<Output = T>) -> Option<T> {
        if self.silent_since().is_some_and(|since| since.elapsed() < ASK_AGAIN) {
            return None;
        }
        self.tried(what, answer).await
    }

    /// The same, tried in any case.
    pub(super) async fn tried<T>(&self, what: &'static str, answer: impl Future<Output = T>) -> Option<T> {
        let answer = timeout(ANSWER_MAX, answer).await.ok();
        *self.silent_since() = answer.is_none().then(Instant::now);
        if answer.is_none() {
            warn!(what, "the media plane does not answer");
        }
        answer
    }
}

/// What must reach the floor.
#[derive(Debug)]
pub(super) enum Change {
    /// A transport has ended.
    Left(ParticipantId, LeaveReason),
    /// A publisher should upload more or less.
    Wish(ParticipantId, sfu::Source, Vec<sfu::EncodingWish>),
}

/// What is worth something only now.
#[derive(Debug)]
pub(super) enum News {
    /// Somebody began to speak, or stopped.
    Speaking(ParticipantId, bool),
    /// A second of somebody's connection.
    Quality(ParticipantId, QualitySample),
}

/// Listens to the media plane in a task of its own, and passes on what concerns the floor.
///
/// The floor itself waits for answers of the media plane, which in turn waits while nobody takes its events: if the
/// floor were the only listener, each could wait for the other. The queue of changes needs no bound of its own: every
/// participant leaves once, only the floor lets them join, and wishes follow what the floor does. News is dropped when the
/// floor does not keep up.
pub(super) fn listen(
    mut events: mpsc::Receiver<Event>,
) -> (mpsc::UnboundedReceiver<Change>, mpsc::Receiver<News>) {
    let (changes, changes_rx) = mpsc::unbounded_channel();
    let (news, news_rx) = mpsc::channel(NEWS_MAX);
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            // A floor that has stopped does not care; the media plane still must not wait.
            match event {
                Event::Connected { participant } => info!(%participant, "transport connected"),
                Event::TrackStarted { participant, source, codec } => {
                    debug!(%participant, %source, %codec, "track started");
                }
                Event::Left { participant, reason } => drop(changes.send(Change::Left(participant, reason))),
                Event::SendWish { participant, source, encodings } => {
                    drop(changes.send(Change::Wish(participant, source, encodings)));
                }
                Event::Speaking { participant, speaking, .. } => {
                    drop(news.try_send(News::Speaking(participant, speaking)));
                }
                Event::Quality { participant, sample } => {
                    drop(news.try_send(News::Quality(participant, sample)));
                }
            }
        }
    });
    (changes_rx, news_rx)
}

impl Floor {
    /// A client offers a transport: its first, an ICE restart of the same one, or another one after a reload.
    pub(super) async fn offer(
        &mut self,
        person: Person,
        sdp: String,
        lines: &[SourceLine],
    ) -> Result<(), Problem> {
        let sources: Vec<Source> = lines.iter().map(|line| line.source).collect();
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

        let request = JoinRequest { offer: sdp, sources: lines };
        let near = self.seats.get(&person).and_then(|call| {
            let others = self.people(*call).into_iter().filter(|other| *other != person);
            let transports = others.filter_map(|other| self.sessions.get(&other)?.transport.as_ref());
            transports.map(|transport| transport.participant).next()
        });
        let joined = match self.patience.tried("join", self.media.join_near(participant, request, near)).await
        {
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
        let Some(session) = self.sessions.get_mut(&person) else { return Ok(()) };
        if !restart {
            session.transport = Some(Transport::new(participant, certificate, sources, &joined.slots));
        }
        self.participants.insert(participant, person);
        self.tell(person, ServerMessage::Answer { sdp: joined.answer });
        // Before anything of it is attached or tapped.
        self.publish_what_is_sent(person).await;

        let call = self.seats.get(&person).copied();
        let call = call.filter(|call| self.calls.get(call).is_some_and(|live| live.routes == Routes::Open));
        if let Some(call) = call {
            if !restart {
                self.add_taps(call, person).await;
            }
            self.route_telling(call, vec![person]).await;
        } else {
            self.tell_slots(person);
        }
        self.tell_wishes(person);
        // Only now: until the new transport is in its place the old one may still carry sound.
        if let Some(old) = old.filter(|old| *old != participant) {
            self.participants.remove(&old);
            self.let_go(old).await;
        }
        Ok(())
    }

    /// Brings the media plane to what the rules say about a call, and tells whoever is shown something else.
    pub(super) async fn route(&mut self, id: CallId) {
        self.route_telling(id, Vec::new()).await;
    }

    /// The same, and tells some people what they are shown even if that is nothing new.
    pub(super) async fn route_telling(&mut self, id: CallId, tell: Vec<Person>) {
        let Some(live) = self.calls.get(&id).filter(|live| live.routes == Routes::Open) else { return };
        let held = live.call.is_held();
        let mut legs = Vec::new();
        let mut people: BTreeMap<ParticipantId, (Person, PartyId)> = BTreeMap::new();
        for (person, party) in live.call.members() {
            // A buyer whose call is over may be in another one by now.
            let here = self.seats.get(&person) == Some(&id);
            let transport = self.sessions.get(&person).and_then(|session| session.transport.as_ref());
            if let Some(transport) = transport.filter(|_| here) {
                legs.push(transport.leg(Standing::of(party)));
                people.insert(transport.participant, (person, party.id));
            }
        }
        let mut told: BTreeSet<Person> = tell.into_iter().collect();
        for step in rules::steps(&legs, held) {
            let ((to, mid), shown) = match step {
                Step::Attach(slot, shown) => (slot, Some(shown)),
                Step::Detach(slot) => (slot, None),
            };
            let Some((person, _)) = people.get(&to).copied() else { continue };
            let is = self.take_step(id, step).await;
            let track = shown.filter(|shown| is == Occupancy::Known(Some(*shown)));
            let track = track.and_then(|shown| {
                let (_, party) = people.get(&shown.from)?;
                Some(SlotTrack { party: *party, source: shown.source })
            });
            if is == Occupancy::Unsure {
                self.ask_again(person);
            }
            if let Some(transport) = self.sessions.get_mut(&person).and_then(|s| s.transport.as_mut()) {
                transport.show(mid, is, track);
            }
            told.insert(person);
        }
        for person in told {
            self.tell_slots(person);
        }
        self.pass_messages(id, rules::messages(&legs, held)).await;
        self.tell_speaking(id);
    }

    /// Does one step and says what the slot shows then.
    async fn take_step(&self, call: CallId, step: Step) -> Occupancy {
        if let Step::Attach((to, slot), shown) = step {
            let Shown { from, source } = shown;
            match self
                .patience
                .bounded("attach", self.media.attach(from, media_source(source), to, slot))
                .await
            {
                Some(Ok(())) => {
                    debug!(%call, %from, ?source, %to, %slot, "attached");
                    return Occupancy::Known(Some(shown));
                }
                Some(Err(error)) => warn!(%call, %from, ?source, %to, %slot, %error, "not attached"),
                None => return Occupancy::Unsure,
            }
        }
        // An attach that was refused leaves what was there before.
        let (Step::Attach((to, slot), _) | Step::Detach((to, slot))) = step;
        match self.patience.bounded("detach", self.media.detach(to, slot)).await {
            Some(done) => {
                debug!(%call, %to, %slot, ?done, "detached");
                Occupancy::Known(None)
            }
            None => Occupancy::Unsure,
        }
    }

    /// Brings whose small messages reach whom to what is wanted; what must not reach anybody goes first.
    async fn pass_messages(&mut self, id: CallId, wanted: BTreeSet<(ParticipantId, ParticipantId)>) {
        let Some(live) = self.calls.get(&id) else { return };
        let is = live.messages.clone();
        let offs = is.keys().filter(|pair| !wanted.contains(pair)).map(|pair| (*pair, false));
        let ons = wanted.iter().filter(|pair| is.get(pair) != Some(&true)).map(|pair| (*pair, true));
        for ((from, to), on) in offs.chain(ons) {
            let answer = self.patience.bounded("pass_data", self.media.pass_data(from, to, on)).await;
            if let Some(Err(error)) = &answer {
                debug!(call = %id, %from, %to, on, %error, "messages are not passed");
            }
            if answer.is_none()
                && let Some(person) = self.participants.get(&from).copied()
            {
                self.ask_again(person);
            }
            let Some(live) = self.calls.get_mut(&id) else { return };
            match answer {
                Some(Ok(())) if on => live.messages.insert((from, to), true),
                Some(_) => live.messages.remove(&(from, to)),
                // It may have been done or not.
                None => live.messages.insert((from, to), false),
            };
        }
    }

    /// Lets in what a person says they send and nobody has muted, and nothing else.
    pub(super) async fn publish_what_is_sent(&mut self, person: Person) {
        let Some(session) = self.sessions.get(&person) else { return };
        let Some(transport) = &session.transport else { return };
        let call = self.seats.get(&person).and_then(|call| self.calls.get(call));
        let muted = call.and_then(|live| live.call.party_of(person)).map(|party| party.muted.clone());
        let muted = muted.unwrap_or_default();
        let participant = transport.participant;
        let wanted: Vec<(Source, bool)> = transport
            .sources
            .iter()
            .map(|source| (*source, session.sending.contains(source) && !muted.contains(source)))
            .filter(|(source, on)| transport.lets_in(*source) != Some(*on))
            .collect();
        for (source, on) in wanted {
            let answer = self
                .patience
                .bounded("set_publishing", self.media.set_publishing(participant, media_source(source), on))
                .await;
            if let Some(Err(error)) = &answer {
                warn!(%participant, ?source, on, %error, "a source is not let in or kept out");
            }
            if answer.is_none() {
                self.ask_again(person);
            }
            let transport = self.sessions.get_mut(&person).and_then(|session| session.transport.as_mut());
            if let Some(transport) = transport {
                transport.let_in(source, answer.map(|_| on));
            }
        }
    }

    /// The media plane did not answer: there is one more try a while later, however much was not answered.
    fn ask_again(&mut self, person: Person) {
        if self.unsettled.insert(person) {
            self.set_timer(self.now() + ASK_AGAIN, Timer::Settle { person });
        }
    }

    /// What the media plane was told, and did not answer, is told again.
    pub(super) async fn settle(&mut self, person: Person) {
        self.unsettled.remove(&person);
        self.publish_what_is_sent(person).await;
        match self.seats.get(&person).copied() {
            Some(call) if self.calls.get(&call).is_some_and(|live| live.routes == Routes::Open) => {
                self.route(call).await;
            }
            _ => self.empty_slots(person).await,
        }
    }

    /// Empties everybody's slots and ends all messages; the transports stay.
    pub(super) async fn close_routes(&mut self, id: CallId) {
        if let Some(live) = self.calls.get_mut(&id) {
            live.routes = Routes::Closed;
        }
        self.pass_messages(id, BTreeSet::new()).await;
        for person in self.people(id) {
            self.empty_slots(person).await;
        }
    }

    /// Empties a person's slots.
    pub(super) async fn empty_slots(&mut self, person: Person) {
        let transport = self.sessions.get(&person).and_then(|session| session.transport.as_ref());
        let Some(transport) = transport else { return };
        let (participant, occupied) = (transport.participant, transport.occupied());
        for slot in &occupied {
            let done = self.patience.bounded("detach", self.media.detach(participant, *slot)).await;
            if let Some(Err(error)) = &done {
                debug!(%participant, %slot, %error, "not detached");
            }
            if done.is_none() {
                self.ask_again(person);
            }
            let is = done.map_or(Occupancy::Unsure, |_| Occupancy::Known(None));
            if let Some(transport) = self.sessions.get_mut(&person).and_then(|s| s.transport.as_mut()) {
                transport.show(*slot, is, None);
            }
        }
        if !occupied.is_empty() {
            self.tell_slots(person);
        }
    }

    /// Tells a person what each of their slots shows.
    pub(super) fn tell_slots(&mut self, person: Person) {
        let transport = self.sessions.get(&person).and_then(|session| session.transport.as_ref());
        if let Some(slots) = transport.map(Transport::views) {
            self.tell(person, ServerMessage::Slots { slots });
        }
    }

    /// Tells a person again what to upload.
    pub(super) fn tell_wishes(&mut self, person: Person) {
        let transport = self.sessions.get(&person).and_then(|session| session.transport.as_ref());
        for (source, encodings) in transport.map(|transport| transport.wishes.clone()).unwrap_or_default() {
            self.tell(person, ServerMessage::SendWish { source, encodings });
        }
    }

    /// How large a person shows their slots; what they leave out is not shown.
    pub(super) async fn views(&mut self, person: Person, sizes: &[SlotSize]) -> Result<(), Problem> {
        let large = |size: &&SlotSize| size.width > PIXELS_MAX || size.height > PIXELS_MAX;
        if let Some(index) = sizes.iter().position(|size| large(&size)) {
            return Err(
                problems::FIELD_INVALID.at(format!("slots[{index}]"), format!("at most {PIXELS_MAX} pixels"))
            );
        }
        let transport = self.sessions.get(&person).and_then(|session| session.transport.as_ref());
        let Some(transport) = transport else { return Ok(()) };
        let participant = transport.participant;
        let size_of = |mid: Mid| {
            let size = sizes.iter().find(|size| size.mid == mid.as_str());
            size.map_or(View { width: 0, height: 0 }, |size| View { width: size.width, height: size.height })
        };
        for (mid, view) in transport.resized(size_of) {
            let answer = self.patience.bounded("set_view", self.media.set_view(participant, mid, view)).await;
            if let Some(Err(error)) = &answer {
                debug!(%participant, slot = %mid, %error, "a slot has no size");
            }
            let transport = self.sessions.get_mut(&person).and_then(|session| session.transport.as_mut());
            if let Some(transport) = transport.filter(|_| answer.is_some()) {
                transport.sizes.insert(mid, view);
            }
        }
        Ok(())
    }

    /// Ends a person's transport.
    pub(super) async fn close_transport(&mut self, person: Person) {
        let transport = self.sessions.get_mut(&person).and_then(|session| session.transport.take());
        if let Some(Transport { participant, .. }) = transport {
            self.participants.remove(&participant);
            self.let_go(participant).await;
        }
    }

    /// Ends a transport nobody needs any more; if the media plane does not answer, as soon as it does.
    async fn let_go(&self, participant: ParticipantId) {
        if self.patience.bounded("leave", self.media.leave(participant)).await.is_none() {
            let media = self.media.clone();
            tokio::spawn(async move { media.leave(participant).await });
        }
    }

    /// The media plane changed something.
    pub(super) async fn media_changed(&mut self, change: Change) {
        match change {
            Change::Left(who, why) => self.transport_left(who, why).await,
            Change::Wish(who, source, encodings) => self.wished(who, source, &encodings),
        }
    }

    /// A transport ended, by itself or because we asked.
    async fn transport_left(&mut self, participant: ParticipantId, reason: LeaveReason) {
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
        // The others' slots show nobody until there is a new offer.
        let call = self.seats.get(&person).copied();
        let connected = |call: &CallId| {
            self.calls.get(call).is_some_and(|live| live.call.state() == CallState::Connected)
        };
        if let Some(call) = call.filter(connected) {
            self.stops_speaking(call, person);
            self.route(call).await;
        }
    }

    fn wished(&mut self, participant: ParticipantId, source: sfu::Source, encodings: &[sfu::EncodingWish]) {
        let Some(person) = self.participants.get(&participant).copied() else { return };
        let transport = self.sessions.get_mut(&person).and_then(|session| session.transport.as_mut());
        let Some(transport) = transport.filter(|transport| transport.participant == participant) else {
            return;
        };
        let source = wire_source(source);
        let encodings: Vec<_> = encodings
            .iter()
            .map(|wish| protocol::ws::EncodingWish {
                rid: wish.rid.map(|rid| rid.to_string()),
                active: wish.active,
                max_bitrate: wish.max_bitrate_bps,
            })
            .collect();
        transport.wishes.insert(source, encodings.clone());
        self.tell(person, ServerMessage::SendWish { source, encodings });
    }
}

fn wire_source(source: sfu::Source) -> Source {
    match source {
        sfu::Source::Microphone => Source::Microphone,
        sfu::Source::Camera => Source::Camera,
        sfu::Source::Screen => Source::Screen,
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
