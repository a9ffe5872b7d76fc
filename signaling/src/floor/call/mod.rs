//! One call: its state, its people, its chat, its consent, and what each side is shown of it.
//!
//! Pure: transitions take `now` and refuse what the state does not allow. What has to happen in the media plane,
//! the recorder or the store because of a transition is the floor's business. The state machine and the chat stand here;
//! who is in it in `parties`, consent and pauses in `recording`, what each side sees in `views`.

mod parties;
mod recording;
mod views;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use jiff::Timestamp;
use protocol::call::{
    BuyerContext, CallState, ChatLine, EndReason, Party, RecordingPause, RecordingState, TicketRef,
};
use protocol::ids::{BuyerSessionId, CallId, RecordingId};
use protocol::rest::ConsentReceipt;

use super::pause::WantedPause;
use super::session::Person;
use crate::queues::QueueSettings;
use crate::recording_policy::Rule;
use parties::Question;
pub use parties::{AgentSeat, Guest, distinct};

/// Lines of chat a call keeps; older ones are in the store only.
pub const CHAT_LINES_MAX: usize = 200;

/// Characters of one line of chat.
pub const CHAT_CHARS_MAX: usize = 2_000;

/// A transition the state does not allow: a mistake of ours, or a message that crossed another on the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a call that is {from:?} cannot become {to:?}")]
pub struct WrongState {
    /// The state it is in.
    pub from: CallState,
    /// The state asked for.
    pub to: CallState,
}

/// Why a line of chat was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ChatError {
    /// Nothing but white space.
    #[error("a line of chat needs at least one visible character")]
    Empty,
    /// More than [`CHAT_CHARS_MAX`].
    #[error("a line of chat has at most {CHAT_CHARS_MAX} characters, this one has {0}")]
    TooLong(usize),
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Call {
    id: CallId,
    state: CallState,
    requested_at: Timestamp,
    accepted_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    end_reason: Option<EndReason>,
    session: BuyerSessionId,
    buyer: Party,
    agent: Option<AgentSeat>,
    guests: Vec<Guest>,
    held_since: Option<Timestamp>,
    /// The consult put the buyer on hold, so its end takes them back.
    held_by_consult: bool,
    question: Option<Question>,
    context: BuyerContext,
    queue: QueueSettings,
    receipts: Vec<ConsentReceipt>,
    /// What both sides' countries ask for.
    rule: Rule,
    recording: RecordingState,
    /// What staff asked for.
    asked_pause: Option<WantedPause>,
    /// What the recorder does.
    paused: Option<RecordingPause>,
    recording_id: Option<RecordingId>,
    ticket: Option<TicketRef>,
    chat: VecDeque<ChatLine>,
    chat_lines: u32,
}

impl Call {
    /// A buyer asked for help and, if they were asked, made a choice about recording.
    #[allow(clippy::too_many_arguments, reason = "everything a call begins with")]
    pub fn new(
        id: CallId,
        session: BuyerSessionId,
        context: BuyerContext,
        queue: QueueSettings,
        rule: Rule,
        buyer: Party,
        choice: Option<ConsentReceipt>,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            state: CallState::Waiting,
            requested_at: now,
            accepted_at: None,
            ended_at: None,
            end_reason: None,
            session,
            buyer,
            agent: None,
            guests: Vec::new(),
            held_since: None,
            held_by_consult: false,
            question: None,
            context,
            queue,
            receipts: choice.into_iter().collect(),
            rule,
            recording: RecordingState::Off,
            asked_pause: None,
            paused: None,
            recording_id: None,
            ticket: None,
            chat: VecDeque::new(),
            chat_lines: 0,
        }
    }

    /// Which call.
    pub fn id(&self) -> CallId {
        self.id
    }

    /// Where it stands.
    pub fn state(&self) -> CallState {
        self.state
    }

    /// When help was asked for.
    pub fn requested_at(&self) -> Timestamp {
        self.requested_at
    }

    /// The buyer's visit.
    pub fn session(&self) -> BuyerSessionId {
        self.session
    }

    /// The agent, from accept on.
    pub fn agent(&self) -> Option<&AgentSeat> {
        self.agent.as_ref()
    }

    /// What the shop signed.
    pub fn context(&self) -> &BuyerContext {
        &self.context
    }

    /// The queue it stands or stood in, with its rules.
    pub fn queue(&self) -> &QueueSettings {
        &self.queue
    }

    fn step(&mut self, allowed: &[CallState], to: CallState) -> Result<(), WrongState> {
        if !allowed.contains(&self.state) {
            return Err(WrongState { from: self.state, to });
        }
        self.state = to;
        Ok(())
    }

    /// A console rings for it.
    pub fn ring(&mut self) -> Result<(), WrongState> {
        self.step(&[CallState::Waiting], CallState::Ringing)
    }

    /// The console stopped ringing without an answer.
    pub fn back_in_line(&mut self) -> Result<(), WrongState> {
        self.step(&[CallState::Ringing], CallState::Waiting)
    }

    /// The agent accepted.
    pub fn connect(&mut self, agent: AgentSeat, now: Timestamp) -> Result<(), WrongState> {
        self.step(&[CallState::Ringing], CallState::Connected)?;
        self.agent = Some(agent);
        self.accepted_at = Some(now);
        Ok(())
    }

    /// It is over: wrap-up if an agent was in it, otherwise the end.
    pub fn finish(&mut self, reason: EndReason, now: Timestamp) -> Result<(), WrongState> {
        match self.state {
            CallState::Connected => self.state = CallState::WrapUp,
            CallState::Waiting | CallState::Ringing => self.state = CallState::Ended,
            CallState::WrapUp | CallState::Ended => {
                return Err(WrongState { from: self.state, to: CallState::Ended });
            }
        }
        self.ended_at = Some(now);
        self.end_reason = Some(reason);
        Ok(())
    }

    /// The agent has written outcome and notes.
    pub fn wrapped_up(&mut self) -> Result<(), WrongState> {
        self.step(&[CallState::WrapUp], CallState::Ended)
    }

    /// The store has made the ticket.
    pub fn set_ticket(&mut self, ticket: TicketRef) {
        self.ticket = Some(ticket);
    }

    /// Takes a line of chat.
    pub fn say(&mut self, person: Person, text: &str, now: Timestamp) -> Result<ChatLine, ChatError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ChatError::Empty);
        }
        let length = text.chars().count();
        if length > CHAT_CHARS_MAX {
            return Err(ChatError::TooLong(length));
        }
        // Only people who are in the call get here; the fallback names somebody rather than panicking.
        let from = self.party_of(person).unwrap_or(&self.buyer).id;
        self.chat_lines = self.chat_lines.saturating_add(1);
        let line = ChatLine { number: self.chat_lines, from, text: text.to_owned(), at: now };
        if self.chat.len() == CHAT_LINES_MAX {
            self.chat.pop_front();
        }
        self.chat.push_back(line.clone());
        Ok(line)
    }
}
