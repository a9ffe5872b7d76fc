//! One call: its state, its people, its chat, its consent, and what each side is shown of it.
//!
//! Pure: transitions take `now` and refuse what the state does not allow. What has to happen in the media plane,
//! the recorder or the store because of a transition is the floor's business.

use std::collections::VecDeque;

use jiff::Timestamp;
use protocol::call::{
    BuyerContext, CallState, CallView, ChatLine, EndReason, Party, RecordingState, Ring, Side, Source,
    TicketRef,
};
use protocol::ids::{BuyerSessionId, CallId, PartyId, RecordingId, UserId};
use protocol::rest::ConsentReceipt;

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

/// The agent's seat in a call.
#[derive(Clone, Debug)]
pub struct AgentSeat {
    /// The account.
    pub user: UserId,
    /// As the buyer sees them.
    pub party: Party,
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
    context: BuyerContext,
    receipts: Vec<ConsentReceipt>,
    recording: RecordingState,
    recording_id: Option<RecordingId>,
    ticket: Option<TicketRef>,
    chat: VecDeque<ChatLine>,
    chat_lines: u32,
}

impl Call {
    /// A buyer asked for help and made a choice about recording.
    pub fn new(
        id: CallId,
        session: BuyerSessionId,
        context: BuyerContext,
        buyer: Party,
        choice: ConsentReceipt,
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
            context,
            receipts: vec![choice],
            recording: RecordingState::Off,
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

    /// Every choice about recording, oldest first.
    pub fn receipts(&self) -> &[ConsentReceipt] {
        &self.receipts
    }

    /// Recording, as both sides see it.
    pub fn recording(&self) -> RecordingState {
        self.recording
    }

    /// The person on a side, once there is one.
    pub fn party(&self, side: Side) -> Option<&Party> {
        match side {
            Side::Buyer => Some(&self.buyer),
            Side::Agent => self.agent.as_ref().map(|seat| &seat.party),
            Side::Consultant | Side::Supervisor => None,
        }
    }

    fn party_mut(&mut self, side: Side) -> Option<&mut Party> {
        match side {
            Side::Buyer => Some(&mut self.buyer),
            Side::Agent => self.agent.as_mut().map(|seat| &mut seat.party),
            Side::Consultant | Side::Supervisor => None,
        }
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

    /// A person's connection is gone or back. True when that changes what is shown.
    pub fn set_present(&mut self, side: Side, present: bool) -> bool {
        self.party_mut(side).is_some_and(|party| std::mem::replace(&mut party.present, present) != present)
    }

    /// What a person sends from now on. True when that changes what is shown.
    pub fn set_sending(&mut self, side: Side, sources: &[Source]) -> bool {
        let sources = distinct(sources);
        self.party_mut(side).is_some_and(|party| {
            let changed = party.sending != sources;
            party.sending = sources;
            changed
        })
    }

    /// The buyer's present choice about recording.
    pub fn consented(&self) -> bool {
        self.receipts.last().is_some_and(|receipt| receipt.recording)
    }

    /// The buyer chose (again).
    pub fn choose(&mut self, receipt: ConsentReceipt) {
        self.receipts.push(receipt);
    }

    /// Recording changed.
    pub fn set_recording(&mut self, state: RecordingState, id: Option<RecordingId>) {
        self.recording = state;
        self.recording_id = id;
    }

    /// The store has made the ticket.
    pub fn set_ticket(&mut self, ticket: TicketRef) {
        self.ticket = Some(ticket);
    }

    /// Takes a line of chat.
    pub fn say(&mut self, side: Side, text: &str, now: Timestamp) -> Result<ChatLine, ChatError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ChatError::Empty);
        }
        let length = text.chars().count();
        if length > CHAT_CHARS_MAX {
            return Err(ChatError::TooLong(length));
        }
        // Only people who are in the call get here; the fallback names somebody rather than panicking.
        let from = self.party(side).unwrap_or(&self.buyer).id;
        self.chat_lines = self.chat_lines.saturating_add(1);
        let line = ChatLine { number: self.chat_lines, from, text: text.to_owned(), at: now };
        if self.chat.len() == CHAT_LINES_MAX {
            self.chat.pop_front();
        }
        self.chat.push_back(line.clone());
        Ok(line)
    }

    /// What one side is shown. `None` for the agent's side before anybody accepted.
    ///
    /// The buyer's call is over when the media is: they are shown `ended` while the agent still writes.
    pub fn view(&self, side: Side) -> Option<CallView> {
        let you = self.party(side)?.id;
        let agent = side == Side::Agent;
        let state = match self.state {
            CallState::WrapUp if !agent => CallState::Ended,
            state => state,
        };
        Some(CallView {
            id: self.id,
            state,
            requested_at: self.requested_at,
            accepted_at: self.accepted_at,
            ended_at: self.ended_at,
            end_reason: self.end_reason,
            you,
            parties: [Side::Buyer, Side::Agent]
                .into_iter()
                .filter_map(|side| self.party(side).cloned())
                .collect(),
            recording: self.recording,
            held_since: None,
            consult: None,
            chat: self.chat.iter().cloned().collect(),
            context: agent.then(|| self.context.clone()),
            ticket: self.ticket.clone().filter(|_| agent),
            recording_id: self.recording_id.filter(|_| agent),
        })
    }

    /// What the console shows while it rings until `expires_at`.
    pub fn ring_view(&self, expires_at: Timestamp) -> Ring {
        Ring {
            call: self.id,
            context: self.context.clone(),
            requested_at: self.requested_at,
            expires_at,
            recording: self.consented(),
        }
    }

    /// A person in a call. Their id lasts for the call, whatever happens to their connections.
    pub fn seat(side: Side, name: &str, sending: &[Source]) -> Party {
        Party {
            id: PartyId::new(),
            side,
            name: name.to_owned(),
            present: true,
            sending: distinct(sending),
            muted: Vec::new(),
            monitor: None,
        }
    }
}

/// The sources named, once each, in a fixed order.
pub fn distinct(sources: &[Source]) -> Vec<Source> {
    let mut sources = sources.to_vec();
    sources.sort_unstable();
    sources.dedup();
    sources
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use protocol::ids::ReceiptId;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn choice(recording: bool) -> ConsentReceipt {
        ConsentReceipt {
            id: ReceiptId::new(),
            subject: "buyer-7".into(),
            recording,
            text_version: "1".into(),
            text_sha256: "00".into(),
            language: "de".into(),
            purpose: "quality_review".into(),
            at: at(0),
        }
    }

    fn waiting() -> Call {
        let buyer = Call::seat(Side::Buyer, "Mara", &[]);
        let context = BuyerContext { subject: "buyer-7".into(), language: "de".into(), ..Default::default() };
        Call::new(CallId::new(), BuyerSessionId::new(), context, buyer, choice(false), at(0))
    }

    fn agent() -> AgentSeat {
        AgentSeat { user: UserId::new(), party: Call::seat(Side::Agent, "Anna", &[Source::Microphone]) }
    }

    fn connected() -> Call {
        let mut call = waiting();
        call.ring().unwrap();
        call.connect(agent(), at(5)).unwrap();
        call
    }

    #[test]
    fn a_call_moves_down_the_states_and_only_a_missed_ring_moves_up() {
        let mut call = waiting();
        assert!(call.connect(agent(), at(1)).is_err(), "nobody connects without a ring");
        assert!(call.back_in_line().is_err());
        call.ring().unwrap();
        assert!(call.ring().is_err(), "it rings once at a time");
        call.back_in_line().unwrap();
        call.ring().unwrap();
        call.connect(agent(), at(5)).unwrap();
        assert!(call.back_in_line().is_err());
        assert!(call.wrapped_up().is_err());
        call.finish(EndReason::BuyerHungUp, at(60)).unwrap();
        assert_eq!(call.state(), CallState::WrapUp);
        assert!(call.finish(EndReason::AgentHungUp, at(61)).is_err(), "the first reason stands");
        call.wrapped_up().unwrap();
        assert_eq!(call.state(), CallState::Ended);
        assert!(call.wrapped_up().is_err());
    }

    #[test]
    fn a_call_nobody_accepted_ends_without_wrap_up() {
        for rings in [false, true] {
            let mut call = waiting();
            if rings {
                call.ring().unwrap();
            }
            call.finish(EndReason::Abandoned, at(9)).unwrap();
            assert_eq!(call.state(), CallState::Ended);
            assert!(call.view(Side::Agent).is_none());
        }
    }

    #[test]
    fn the_shops_context_ticket_and_recording_are_for_the_agent_only() {
        let mut call = connected();
        call.set_ticket(TicketRef { id: protocol::ids::TicketId::new(), number: "V-1".into() });
        call.set_recording(RecordingState::On, Some(RecordingId::new()));
        let (buyer, agent) = (call.view(Side::Buyer).unwrap(), call.view(Side::Agent).unwrap());
        assert!(agent.context.is_some() && agent.ticket.is_some() && agent.recording_id.is_some());
        assert!(buyer.context.is_none() && buyer.ticket.is_none() && buyer.recording_id.is_none());
        assert_eq!(buyer.recording, RecordingState::On, "that it is recorded is shown to both");
        assert_ne!(buyer.you, agent.you);
        assert_eq!(buyer.parties, agent.parties);
    }

    #[test]
    fn the_buyer_is_done_when_the_media_is() {
        let mut call = connected();
        call.finish(EndReason::AgentHungUp, at(60)).unwrap();
        assert_eq!(call.view(Side::Buyer).unwrap().state, CallState::Ended);
        assert_eq!(call.view(Side::Agent).unwrap().state, CallState::WrapUp);
    }

    #[test]
    fn chat_is_numbered_bounded_and_checked() {
        let mut call = connected();
        assert_eq!(call.say(Side::Buyer, " \n ", at(6)), Err(ChatError::Empty));
        assert_eq!(call.say(Side::Buyer, &"ä".repeat(2_001), at(6)), Err(ChatError::TooLong(2_001)));
        assert_eq!(call.say(Side::Buyer, &"ä".repeat(2_000), at(6)).unwrap().number, 1);
        for n in 0..CHAT_LINES_MAX {
            call.say(Side::Agent, &n.to_string(), at(7)).unwrap();
        }
        let chat = call.view(Side::Buyer).unwrap().chat;
        assert_eq!((chat.len(), chat[0].number), (CHAT_LINES_MAX, 2));
        assert_eq!(chat[0].from, call.party(Side::Agent).unwrap().id);
    }

    #[test]
    fn the_last_choice_about_recording_counts() {
        let mut call = connected();
        assert!(!call.consented());
        call.choose(choice(true));
        assert!(call.consented() && call.ring_view(at(9)).recording);
        call.choose(choice(false));
        assert!(!call.consented());
        assert_eq!(call.receipts().len(), 3);
    }

    #[test]
    fn what_a_person_sends_is_a_set() {
        let mut call = connected();
        assert!(call.set_sending(Side::Buyer, &[Source::Camera, Source::Microphone, Source::Camera]));
        assert!(!call.set_sending(Side::Buyer, &[Source::Microphone, Source::Camera]));
        assert_eq!(call.party(Side::Buyer).unwrap().sending, [Source::Microphone, Source::Camera]);
        assert!(call.set_present(Side::Buyer, false));
        assert!(!call.set_present(Side::Buyer, false));
    }
}
