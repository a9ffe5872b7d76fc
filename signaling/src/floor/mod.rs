//! The floor: every live call, everybody connected, and the desk that brings them together.
//!
//! One task owns all of it (see `actor.rs`), so there are no locks and every event is handled whole. What it needs
//! of the world is behind the traits in [`ports`]: the media plane, the recorder and the store. It waits for none
//! of the slow ones: recordings have tasks of their own, and facts for the store go through the [`journal`].
//!
//! A call's life:
//!
//! 1. `request_help` makes a [`call::Call`] with the buyer's first consent receipt and puts it in the desk's line.
//! 2. The desk rings an agent; `accept` connects. If the buyer agreed, the recorder starts and opens its taps
//!    first; then routes are attached and both sides learn their slots.
//! 3. A connection that breaks leaves its person in the call as not present for the grace time. A reload brings a
//!    new offer, hence a new participant of the media plane, to which the running call's routes move.
//! 4. `hang_up`, or the end of a grace time, ends the media. The buyer's transport is closed, the agent's stays
//!    warm; the agent writes the wrap-up over REST, which tells the floor with [`FloorHandle::wrapped_up`].
//!
//! Supervisors may follow a call and a colleague may be asked (see `guests.rs`). Who hears and sees whom is one table in
//! [`rules`]; the floor brings the media plane to what it says after every change, and to nothing else.
//!
//! An agent who is lost for longer than the grace time ends the call (`agent_lost`) and owes its wrap-up; if the
//! buyer asks for help again in the same visit, they go to the head of the line.

pub mod adapters;
pub mod call;
pub mod clock;
pub mod journal;
pub mod metrics;
pub mod outbox;
pub mod pause;
pub mod ports;
pub mod quality;
pub mod recording;
pub mod rules;
pub mod session;
pub mod speaking;
pub mod table;

mod actor;
mod calls;
mod connections;
mod consent;
mod guests;
mod history;
mod media;
mod news;
mod own_consent;
mod requests;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use protocol::ids::{CallId, UserId};
use protocol::problem::Problem;
use protocol::rest::{ConsentReceipt, ConsentText};
use protocol::ws::{ClientMessage, Resume};
use tokio::sync::{mpsc, oneshot};

use crate::desk;
use crate::queues::{QueueSettings, Queues};
use crate::recording_policy::Regions;
use metrics::Metrics;
use ports::{Ledger, MediaPlane, Recordings};
use session::{ConnectionId, Identity, Outlet};

/// Messages that may wait for the floor. Connections wait for room, which slows down who sends too much.
const MAILBOX_MAX: usize = 1_024;

/// Times and bounds of the floor.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a lost connection may take to come back before the call ends. Default 30 s: a reload takes two, a
    /// phone that changes from Wi-Fi to mobile up to twenty.
    pub grace: Duration,
    /// Times of the desk.
    pub desk: desk::Settings,
    /// Buyers who may wait at once.
    pub line_max: usize,
    /// A waiting buyer is told their place at least this often.
    pub queue_refresh: Duration,
    /// How long routes wait for the recorder to start, so that the first packet is on the recording. After that
    /// the call goes on and the recording begins when it can.
    pub recorder_patience: Duration,
    /// What recordings are for, as receipts name it.
    pub purpose: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(30),
            desk: desk::Settings::default(),
            line_max: 1_000,
            queue_refresh: Duration::from_secs(5),
            recorder_patience: Duration::from_secs(1),
            purpose: "quality_review".into(),
        }
    }
}

/// The words about recording in the best language there is for a BCP 47 tag, for a call of a queue with a buyer from
/// a country, if it is known.
pub type ConsentTexts = Arc<dyn Fn(&str, &QueueSettings, Option<&str>) -> ConsentText + Send + Sync>;

/// The same for members of staff, about themselves.
pub type StaffTexts = Arc<dyn Fn(&str) -> ConsentText + Send + Sync>;

/// The parts around the floor.
pub struct Parts {
    /// The media plane.
    pub media: Arc<dyn MediaPlane>,
    /// What the media plane tells.
    pub media_events: mpsc::Receiver<sfu::Event>,
    /// The recorder.
    pub recordings: Arc<dyn Recordings>,
    /// The store.
    pub ledger: Arc<dyn Ledger>,
    /// The lines that buyers stand in.
    pub queues: Arc<Queues>,
    /// What countries ask for before a call is recorded.
    pub regions: Arc<Regions>,
    /// The words about recording.
    pub consent_texts: ConsentTexts,
    /// The words about recording for staff.
    pub staff_texts: StaffTexts,
    /// What each member of staff chose last; from here on the floor knows.
    pub staff_choices: BTreeMap<UserId, ConsentReceipt>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

/// The floor has stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the floor has stopped")]
pub struct Stopped;

/// What the floor is told.
#[derive(Debug)]
enum Message {
    Opened { connection: ConnectionId, identity: Box<Identity>, resume: Option<Resume>, outlet: Outlet },
    Said { connection: ConnectionId, seq: u64, said: Box<Result<ClientMessage, Problem>> },
    Closed { connection: ConnectionId },
    WrappedUp { call: CallId },
    LoggedOut { user: UserId },
    Shutdown { done: oneshot::Sender<()> },
}

/// A cheap, cloneable handle to the running floor.
#[derive(Clone, Debug)]
pub struct FloorHandle {
    mailbox: mpsc::Sender<Message>,
    shared: Arc<Shared>,
}

/// What others may look at without asking.
#[derive(Debug)]
struct Shared {
    on_duty: AtomicU32,
    next_connection: AtomicU64,
    stopping: AtomicBool,
    metrics: Metrics,
}

impl FloorHandle {
    /// Starts the floor on the current tokio runtime. `now` is the wall clock's time.
    ///
    /// # Errors
    /// Only if the metrics' names were not valid, which a test rules out.
    pub fn start(parts: Parts, settings: Settings, now: Timestamp) -> prometheus::Result<Self> {
        let metrics = Metrics::new()?;
        let shared = Arc::new(Shared {
            on_duty: AtomicU32::new(0),
            next_connection: AtomicU64::new(1),
            stopping: AtomicBool::new(false),
            metrics,
        });
        let (mailbox, messages) = mpsc::channel(MAILBOX_MAX);
        actor::spawn(parts, settings, clock::Clock::starting_at(now), shared.clone(), messages);
        Ok(Self { mailbox, shared })
    }

    /// Agents available, ringing, in a call or wrapping up.
    pub fn agents_on_duty(&self) -> u32 {
        self.shared.on_duty.load(Ordering::Relaxed)
    }

    /// Whether new calls are taken: true until [`FloorHandle::shutdown`].
    pub fn is_taking_calls(&self) -> bool {
        !self.shared.stopping.load(Ordering::Relaxed) && !self.mailbox.is_closed()
    }

    /// The wrap-up of a call is in the store: its agent is free again. Unknown calls are fine.
    pub async fn wrapped_up(&self, call: CallId) {
        let _ = self.mailbox.send(Message::WrappedUp { call }).await;
    }

    /// A member of staff logged out: their connection is closed, and what they were in goes on without them for the
    /// grace time. A tab with a login of its own connects again.
    pub async fn logged_out(&self, user: UserId) {
        let _ = self.mailbox.send(Message::LoggedOut { user }).await;
    }

    /// A connection has said a good hello. The welcome comes through the outlet.
    pub async fn opened(
        &self,
        identity: Identity,
        resume: Option<Resume>,
        outlet: Outlet,
    ) -> Result<ConnectionId, Stopped> {
        let connection = ConnectionId(self.shared.next_connection.fetch_add(1, Ordering::Relaxed));
        let identity = Box::new(identity);
        let message = Message::Opened { connection, identity, resume, outlet };
        self.mailbox.send(message).await.map_err(|_| Stopped)?;
        Ok(connection)
    }

    /// A client said something, or something that cannot be understood (the floor numbers the answer to that too).
    pub async fn said(
        &self,
        connection: ConnectionId,
        seq: u64,
        said: Result<ClientMessage, Problem>,
    ) -> Result<(), Stopped> {
        self.mailbox.send(Message::Said { connection, seq, said: Box::new(said) }).await.map_err(|_| Stopped)
    }

    /// A connection is gone.
    pub async fn closed(&self, connection: ConnectionId) {
        let _ = self.mailbox.send(Message::Closed { connection }).await;
    }

    /// Ends every call (`server_stopped`), completes recordings, writes what the store has not got yet (with
    /// bounded patience) and closes all connections.
    pub async fn shutdown(&self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        let (done, finished) = oneshot::channel();
        if self.mailbox.send(Message::Shutdown { done }).await.is_ok() {
            let _ = finished.await;
        }
    }

    /// Adds the floor's figures to a registry.
    pub fn register_metrics(&self, registry: &prometheus::Registry) -> prometheus::Result<()> {
        self.shared.metrics.register(registry)
    }

    /// The floor's figures.
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }
}
