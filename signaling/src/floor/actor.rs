//! The task that owns the floor: what it holds, its loop, its timers and its end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use protocol::call::{CallState, EndReason, PartyLink, QueuePlace, TicketRef};
use protocol::ids::{CallId, PartyId, RecordingId, UserId};
use protocol::rest::ConsentReceipt;
use protocol::ws::ServerMessage;
use sfu::ParticipantId;
use tokio::sync::mpsc;
use tokio::time::{sleep_until, timeout};
use tracing::{Instrument, info, info_span, warn};

use super::call::Call;
use super::clock::Clock;
use super::journal::Journal;
use super::media::{self, Change, News, Patience};
use super::metrics::{availability_label, state_label};
use super::ports::{MediaPlane, Recordings};
use super::quality::CallQuality;
use super::recording::{Driver, Report};
use super::session::{ConnectionId, Farewell, Person, Session};
use super::speaking::Speakers;
use super::{ConsentTexts, Message, Parts, Settings, Shared, StaffTexts};
use crate::desk::Desk;
use crate::queues::Queues;
use crate::recording_policy::Regions;

/// Reports of recordings that may wait for the floor.
const REPORTS_MAX: usize = 256;

/// How long a shutdown waits for recordings to be completed.
const RECORDINGS_PATIENCE: Duration = Duration::from_secs(5);

/// How long a shutdown waits for the store.
const STORE_PATIENCE: Duration = Duration::from_secs(3);

/// Something that happens at a time, unless it no longer applies then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Timer {
    /// The grace time of a connection lost at `lost_at` is over.
    Grace { person: Person, lost_at: Timestamp },
    /// The recorder has had its time to start: routes open without it.
    Recorder { call: CallId },
    /// The media plane did not answer: it is told again.
    Settle { person: Person },
    /// The active speaker of a call may be another one.
    Speaker { call: CallId },
    /// The colleague has not answered.
    Question { call: CallId, expires_at: Timestamp },
    /// Nobody has ended a pause of the recording.
    PauseOver { call: CallId, until: Timestamp },
}

/// Whether media flows between the two sides of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Routes {
    /// Not connected, or not any more.
    Closed,
    /// Connected; waiting for the recorder.
    Held,
    /// As far as both sides have transports.
    Open,
}

/// A call and what belongs to it outside of its own state.
#[derive(Debug)]
pub(super) struct LiveCall {
    pub(super) call: Call,
    pub(super) routes: Routes,
    /// Whose small messages reach whom; false when the media plane did not confirm it.
    pub(super) messages: BTreeMap<(ParticipantId, ParticipantId), bool>,
    pub(super) speakers: Speakers,
    /// What each person was told of who speaks.
    pub(super) told_speaking: BTreeMap<Person, (Option<PartyId>, Vec<PartyId>)>,
    pub(super) quality: CallQuality,
    /// How much has been kept of what happened.
    pub(super) events: u32,
    /// What the buyer was told of the connections.
    pub(super) told_links: Vec<PartyLink>,
    /// The recording that runs or is starting.
    pub(super) recording: Option<Driver>,
    /// Recordings that were completed while the call went on; the buyer's withdrawal takes them, too.
    pub(super) completed: Vec<RecordingId>,
    /// The agent wrote the wrap-up while the call was still on.
    pub(super) wrapped_early: bool,
    pub(super) told_place: Option<(QueuePlace, Timestamp)>,
}

pub(super) struct Floor {
    pub(super) settings: Settings,
    pub(super) clock: Clock,
    pub(super) shared: Arc<Shared>,
    pub(super) desk: Desk,
    pub(super) calls: BTreeMap<CallId, LiveCall>,
    /// Who is in which call. A buyer leaves it with the media, an agent with the wrap-up.
    pub(super) seats: BTreeMap<Person, CallId>,
    pub(super) sessions: BTreeMap<Person, Session>,
    pub(super) connections: BTreeMap<ConnectionId, Person>,
    pub(super) participants: BTreeMap<ParticipantId, Person>,
    timers: BTreeMap<(Timestamp, u64), Timer>,
    timer_count: u64,
    pub(super) media: Arc<dyn MediaPlane>,
    pub(super) patience: Patience,
    /// People for whom the media plane is asked again soon.
    pub(super) unsettled: BTreeSet<Person>,
    pub(super) recordings: Arc<dyn Recordings>,
    pub(super) reports: mpsc::Sender<Report>,
    /// Recordings of which more will be heard.
    pub(super) recordings_open: usize,
    pub(super) journal: Journal,
    pub(super) queues: Arc<Queues>,
    pub(super) regions: Arc<Regions>,
    pub(super) consent_texts: ConsentTexts,
    pub(super) staff_texts: StaffTexts,
    /// What each member of staff chose last about being recorded.
    pub(super) staff_choices: BTreeMap<UserId, ConsentReceipt>,
    /// People whose connection was closed because they read too slowly; dealt with after the event at hand.
    slow: BTreeSet<Person>,
    /// The line or somebody's state changed: places and figures are due.
    pub(super) dirty: bool,
    queue_due: Option<Timestamp>,
}

/// Starts the task.
pub(super) fn spawn(
    parts: Parts,
    settings: Settings,
    clock: Clock,
    shared: Arc<Shared>,
    messages: mpsc::Receiver<Message>,
) {
    let (reports, reports_rx) = mpsc::channel(REPORTS_MAX);
    let (tickets, tickets_rx) = mpsc::channel(REPORTS_MAX);
    let journal = Journal::start(parts.ledger, shared.metrics.journal.clone(), tickets);
    let floor = Floor {
        desk: Desk::new(settings.desk),
        settings,
        clock,
        shared,
        calls: BTreeMap::new(),
        seats: BTreeMap::new(),
        sessions: BTreeMap::new(),
        connections: BTreeMap::new(),
        participants: BTreeMap::new(),
        timers: BTreeMap::new(),
        timer_count: 0,
        media: parts.media,
        patience: Patience::default(),
        unsettled: BTreeSet::new(),
        recordings: parts.recordings,
        reports,
        recordings_open: 0,
        journal,
        queues: parts.queues,
        regions: parts.regions,
        consent_texts: parts.consent_texts,
        staff_texts: parts.staff_texts,
        staff_choices: parts.staff_choices,
        slow: BTreeSet::new(),
        dirty: true,
        queue_due: None,
    };
    let (changes, news) = media::listen(parts.media_events);
    let inputs = Inputs { messages, changes, news, reports: reports_rx, tickets: tickets_rx };
    tokio::spawn(Box::pin(floor.run(inputs)));
}

/// Everything the floor listens to.
struct Inputs {
    messages: mpsc::Receiver<Message>,
    changes: mpsc::UnboundedReceiver<Change>,
    news: mpsc::Receiver<News>,
    reports: mpsc::Receiver<Report>,
    tickets: mpsc::Receiver<(CallId, TicketRef)>,
}

impl LiveCall {
    /// A call nobody has accepted.
    pub(super) fn new(call: Call) -> Self {
        Self {
            call,
            routes: Routes::Closed,
            messages: BTreeMap::new(),
            speakers: Speakers::default(),
            told_speaking: BTreeMap::new(),
            quality: CallQuality::default(),
            events: 0,
            told_links: Vec::new(),
            recording: None,
            completed: Vec::new(),
            wrapped_early: false,
            told_place: None,
        }
    }
}

impl Floor {
    async fn run(mut self, mut inputs: Inputs) {
        loop {
            let wake = self.next_wake().map(|at| self.clock.instant(at));
            let alarm = async {
                match wake {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                message = inputs.messages.recv() => match message {
                    Some(Message::Shutdown { done }) => {
                        self.stop(inputs).await;
                        let _ = done.send(());
                        return;
                    }
                    Some(message) => self.handle(message).await,
                    // Every handle is gone: nobody can call any more.
                    None => return self.stop(inputs).await,
                },
                Some(change) = inputs.changes.recv() => self.media_changed(change).await,
                Some(news) = inputs.news.recv() => self.media_news(news),
                Some(report) = inputs.reports.recv() => self.recording_report(report).await,
                Some((call, ticket)) = inputs.tickets.recv() => self.ticket_made(call, ticket),
                () = alarm => self.on_time().await,
            }
            self.after_event().await;
        }
    }

    async fn handle(&mut self, message: Message) {
        match message {
            Message::Opened { connection, identity, resume, outlet } => {
                let span = info_span!("hello", person = %identity.person(), connection = connection.0);
                self.open(connection, *identity, resume, outlet).instrument(span).await;
            }
            Message::Said { connection, seq, said } => {
                let Some(person) = self.connections.get(&connection).copied() else { return };
                let call = self.seats.get(&person).copied();
                let party =
                    call.and_then(|call| Some(self.calls.get(&call)?.call.party_of(person)?.id.to_string()));
                let call = call.map(|call| call.to_string());
                let span = info_span!("said", %person, call, party);
                self.said(person, seq, *said).instrument(span).await;
            }
            Message::Closed { connection } => {
                let Some(person) = self.connections.remove(&connection) else { return };
                if let Some(session) = self.sessions.get_mut(&person) {
                    session.connection = None;
                }
                self.lost(person).await;
            }
            Message::WrappedUp { call } => self.wrapped_up(call).await,
            Message::LoggedOut { user } => self.log_out(Person::Staff(user)).await,
            // The loop deals with this one.
            Message::Shutdown { .. } => {}
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Sets a timer. There is no taking it back: what it means is checked when it goes off.
    pub(super) fn set_timer(&mut self, at: Timestamp, timer: Timer) {
        self.timer_count += 1;
        self.timers.insert((at, self.timer_count), timer);
    }

    fn next_wake(&self) -> Option<Timestamp> {
        let timer = self.timers.keys().next().map(|(at, _)| *at);
        [timer, self.desk.next_deadline(), self.queue_due].into_iter().flatten().min()
    }

    async fn on_time(&mut self) {
        let now = self.now();
        if self.desk.next_deadline().is_some_and(|at| at <= now) {
            let decisions = self.desk.tick(now);
            self.carry_out(decisions).await;
        }
        while let Some(entry) = self.timers.first_entry().filter(|entry| entry.key().0 <= now) {
            match entry.remove() {
                Timer::Grace { person, lost_at } => self.grace_over(person, lost_at).await,
                Timer::Recorder { call } => self.open_routes(call).await,
                Timer::Settle { person } => self.settle(person).await,
                Timer::Speaker { call } => self.speaker_due(call),
                Timer::Question { call, expires_at } => self.question_expires(call, expires_at).await,
                Timer::PauseOver { call, until } => self.pause_over(call, until),
            }
        }
        if self.queue_due.is_some_and(|at| at <= now) {
            self.dirty = true;
        }
    }

    async fn after_event(&mut self) {
        while let Some(person) = self.slow.pop_first() {
            self.lost(person).await;
        }
        if std::mem::take(&mut self.dirty) {
            self.tell_places();
            self.tell_floor();
            self.refresh_figures();
        }
    }

    /// Tells a person something; whoever does not read is disconnected.
    pub(super) fn tell(&mut self, person: Person, message: ServerMessage) {
        let Some(session) = self.sessions.get_mut(&person) else { return };
        if !session.tell(message) {
            self.too_slow(person);
        }
    }

    /// Closes the connection of somebody who does not read what they are sent.
    pub(super) fn too_slow(&mut self, person: Person) {
        let Some(connection) = self.sessions.get_mut(&person).and_then(|s| s.hang_up(Farewell::TooSlow))
        else {
            return;
        };
        warn!(%person, "the client does not read what it is sent: disconnected");
        self.shared.metrics.too_slow.inc();
        self.connections.remove(&connection);
        self.slow.insert(person);
    }

    /// Tells waiting buyers their places: every change, and now and then anyway.
    fn tell_places(&mut self) {
        let now = self.now();
        let refresh = self.settings.queue_refresh;
        let mut due: Option<Timestamp> = None;
        let mut news = Vec::new();
        for (id, place) in self.desk.line() {
            let Some(live) = self.calls.get_mut(&id) else { continue };
            let stale =
                live.told_place.as_ref().is_none_or(|(told, at)| *told != place || *at + refresh <= now);
            if stale {
                live.told_place = Some((place.clone(), now));
                news.push((Person::Buyer(live.call.session()), place));
            }
            let next = live.told_place.as_ref().map_or(now, |(_, at)| *at) + refresh;
            due = Some(due.map_or(next, |due| due.min(next)));
        }
        self.queue_due = due;
        for (person, place) in news {
            self.tell(person, ServerMessage::Queue { place });
        }
    }

    fn refresh_figures(&self) {
        let metrics = &self.shared.metrics;
        self.shared.on_duty.store(self.desk.on_duty(), Ordering::Relaxed);
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        for state in [CallState::Waiting, CallState::Ringing, CallState::Connected, CallState::WrapUp] {
            let calls = self.calls.values().filter(|live| live.call.state() == state).count();
            metrics.calls.with_label_values(&[state_label(state)]).set(count(calls));
        }
        use protocol::call::Availability::{Available, Away, Busy};
        for availability in [Available, Away, Busy] {
            let agents = self.desk.agents().filter(|(_, theirs)| *theirs == availability).count();
            metrics.agents.with_label_values(&[availability_label(availability)]).set(count(agents));
        }
        metrics.waiting.set(count(self.desk.line().count()));
        metrics.connections.set(count(self.connections.len()));
    }

    async fn stop(mut self, mut inputs: Inputs) {
        let running: Vec<CallId> = self.calls.keys().copied().collect();
        info!(calls = running.len(), "the floor stops");
        for call in running {
            self.end(call, EndReason::ServerStopped).await;
        }
        for session in self.sessions.values_mut() {
            session.hang_up(Farewell::Stopping);
        }
        // What the recordings still have to say belongs into the store.
        let reports = async {
            while self.recordings_open > 0 {
                let Some(report) = inputs.reports.recv().await else { break };
                self.recording_report(report).await;
            }
        };
        if timeout(RECORDINGS_PATIENCE, reports).await.is_err() {
            warn!(recordings = self.recordings_open, "stopping with recordings that are not complete");
        }
        drop(inputs);
        self.journal.close(STORE_PATIENCE).await;
    }
}
