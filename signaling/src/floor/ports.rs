//! What the floor needs from the parts around it, narrow enough to be modelled in tests.

use super::quality::Chunk;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use protocol::call::{BuyerContext, ChatLine, EndReason, PauseReason, TicketRef};
use protocol::ids::{BuyerSessionId, CallId, RecordingId, UserId};
use protocol::replay::CallEvent;
use protocol::rest::ConsentReceipt;
use recorder::{PauseSpec, Receipt, RecordingSpec, RecordingSummary, TrackSpec};
use sfu::{JoinError, JoinRequest, Joined, Mid, ParticipantId, RouteError, Source, TapReceiver, View};
use tokio::sync::watch;

/// The media plane. See [`sfu::Sfu`] for what each of these does.
pub trait MediaPlane: Send + Sync + 'static {
    /// [`sfu::Sfu::join`]
    fn join(&self, who: ParticipantId, request: JoinRequest) -> BoxFuture<'_, Result<Joined, JoinError>>;
    /// [`sfu::Sfu::join_near`]; where there is only one place, everybody is near.
    fn join_near(
        &self,
        who: ParticipantId,
        request: JoinRequest,
        near: Option<ParticipantId>,
    ) -> BoxFuture<'_, Result<Joined, JoinError>> {
        let _ = near;
        self.join(who, request)
    }
    /// [`sfu::Sfu::leave`]
    fn leave(&self, who: ParticipantId) -> BoxFuture<'_, ()>;
    /// [`sfu::Sfu::attach`]
    fn attach(
        &self,
        from: ParticipantId,
        source: Source,
        to: ParticipantId,
        slot: Mid,
    ) -> BoxFuture<'_, Result<(), RouteError>>;
    /// [`sfu::Sfu::detach`]
    fn detach(&self, to: ParticipantId, slot: Mid) -> BoxFuture<'_, Result<(), RouteError>>;
    /// [`sfu::Sfu::pass_data`]
    fn pass_data(
        &self,
        from: ParticipantId,
        to: ParticipantId,
        on: bool,
    ) -> BoxFuture<'_, Result<(), RouteError>>;
    /// [`sfu::Sfu::set_publishing`]
    fn set_publishing(
        &self,
        who: ParticipantId,
        source: Source,
        on: bool,
    ) -> BoxFuture<'_, Result<(), RouteError>>;
    /// [`sfu::Sfu::set_view`]
    fn set_view(&self, who: ParticipantId, slot: Mid, view: View) -> BoxFuture<'_, Result<(), RouteError>>;
    /// [`sfu::Sfu::tap`]
    fn tap(
        &self,
        who: ParticipantId,
        source: Source,
        capacity: usize,
    ) -> BoxFuture<'_, Result<TapReceiver, RouteError>>;
}

/// The recorder. Errors are texts for the log: whatever goes wrong, the call goes on.
pub trait Recordings: Send + Sync + 'static {
    /// [`recorder::Recorder::start`]
    fn start(&self, spec: RecordingSpec) -> BoxFuture<'_, Result<Box<dyn Recording>, String>>;
    /// Deletes the media of a recording of a call that its buyer took back ([`recorder::Recorder::erase`]), unless a
    /// legal hold keeps it.
    fn take_back(
        &self,
        call: CallId,
        id: RecordingId,
        reason: &'static str,
    ) -> BoxFuture<'_, Result<TakenBack, String>>;
}

/// What became of a recording that its buyer took back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TakenBack {
    /// Its media is deleted.
    Erased,
    /// A legal hold keeps it.
    Held,
}

/// One running recording.
pub trait Recording: Send + Sync {
    /// [`recorder::RecordingHandle::add_track`]
    fn add_track(&self, track: TrackSpec, tap: TapReceiver);
    /// [`recorder::RecordingHandle::add_receipt`]
    fn add_receipt(&self, receipt: Receipt) -> BoxFuture<'_, ()>;
    /// [`recorder::RecordingHandle::add_quality`]
    fn add_quality(&self, points: serde_json::Value) -> BoxFuture<'_, ()>;
    /// [`recorder::RecordingHandle::pause`]
    fn pause(&self, pause: PauseSpec) -> BoxFuture<'_, ()>;
    /// [`recorder::RecordingHandle::resume`], or [`recorder::RecordingHandle::time_out`].
    fn resume(&self, timed_out: bool) -> BoxFuture<'_, ()>;
    /// [`recorder::RecordingHandle::failed`]
    fn failed(&self) -> watch::Receiver<Option<String>>;
    /// [`recorder::RecordingHandle::stop`]
    fn stop(&self) -> BoxFuture<'_, RecordingSummary>;
}

/// A fact for the store.
#[derive(Clone, PartialEq, Debug)]
pub enum Fact {
    /// A buyer asked for help.
    Requested {
        /// The call.
        call: CallId,
        /// The buyer's visit.
        session: BuyerSessionId,
        /// Name of the queue it stands in.
        queue: String,
        /// What the shop signed.
        context: Box<BuyerContext>,
        /// When.
        at: Timestamp,
    },
    /// An agent accepted; the store answers with the ticket.
    Accepted {
        /// The call.
        call: CallId,
        /// Who.
        agent: UserId,
        /// When.
        at: Timestamp,
    },
    /// The media is over.
    Ended {
        /// The call.
        call: CallId,
        /// When.
        at: Timestamp,
        /// Why.
        reason: EndReason,
    },
    /// A member of staff chose about being recorded.
    StaffChose {
        /// Who.
        agent: UserId,
        /// The evidence.
        receipt: ConsentReceipt,
    },
    /// Buyer or agent chose about recording a call.
    Chose {
        /// The call.
        call: CallId,
        /// The evidence.
        receipt: ConsentReceipt,
    },
    /// A line of chat.
    Said {
        /// The call.
        call: CallId,
        /// The writer's name.
        name: String,
        /// The line.
        line: ChatLine,
    },
    /// Something happened in a call.
    Happened {
        /// The call.
        call: CallId,
        /// Counts from 1 in each call.
        number: u32,
        /// What.
        event: Box<CallEvent>,
    },
    /// A stretch of how the connections of a call were.
    Quality {
        /// The call.
        call: CallId,
        /// The points.
        chunk: Chunk,
    },
    /// A recording has begun.
    RecordingStarted {
        /// The call.
        call: CallId,
        /// The recording.
        recording: RecordingId,
        /// When.
        at: Timestamp,
    },
    /// Nothing of the call is stored from now on.
    RecordingPaused {
        /// The recording.
        recording: RecordingId,
        /// When it was asked for; names the pause.
        since: Timestamp,
        /// Why.
        reason: PauseReason,
        /// Who asked; nobody when it is the queue's rule.
        by: Option<UserId>,
    },
    /// The pause is over.
    RecordingResumed {
        /// The recording.
        recording: RecordingId,
        /// Which pause.
        since: Timestamp,
        /// When.
        at: Timestamp,
        /// Nobody ended it: its time was over.
        timed_out: bool,
    },
    /// A recording is complete.
    RecordingFinished {
        /// The recording.
        recording: RecordingId,
        /// Length of its timeline, milliseconds.
        duration_ms: u32,
    },
    /// A recording that its buyer took back is kept by a legal hold, and locked.
    RecordingWithheld {
        /// The recording.
        recording: RecordingId,
        /// When.
        at: Timestamp,
    },
    /// A recording's media is deleted.
    RecordingDeleted {
        /// The recording.
        recording: RecordingId,
        /// When.
        at: Timestamp,
        /// Why.
        reason: &'static str,
    },
}

/// Why the store did not take a fact.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LedgerError {
    /// Locked, gone, out of disk: the same fact may be taken later.
    #[error("{0}")]
    Later(String),
    /// The fact itself is refused; it will never be taken.
    #[error("{0}")]
    Never(String),
}

/// The store, as the floor uses it while calls run: it is only ever told.
pub trait Ledger: Send + Sync + 'static {
    /// Writes a fact. [`Fact::Accepted`] is answered with the ticket.
    fn write(&self, fact: Fact) -> BoxFuture<'_, Result<Option<TicketRef>, LedgerError>>;
}
