//! One call: its state, its people, its chat, its consent, and what each side is shown of it.
//!
//! Pure: transitions take `now` and refuse what the state does not allow. What has to happen in the media plane,
//! the recorder or the store because of a transition is the floor's business.

use std::collections::VecDeque;

use jiff::Timestamp;
use protocol::call::{
    BuyerContext, CallState, CallView, ChatLine, Consult, ConsultAsk, EndReason, FloorCall, LinkState,
    MonitorMode, Obstacle, Party, PauseReason, RecordingPause, RecordingState, Ring, Side, Source, TicketRef,
};
use protocol::ids::{BuyerSessionId, CallId, PartyId, RecordingId, UserId};
use protocol::rest::{ConsentReceipt, RecordedSide};

use super::pause::WantedPause;
use super::rules::Standing;
use super::session::Person;
use crate::queues::{Meanwhile, QueueSettings};
use crate::recording_policy::{self, Rule};

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

/// Somebody of the staff who is in a call besides its agent.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The account.
    pub user: UserId,
    /// As staff see them; side and mode say what they may do.
    pub party: Party,
    /// Calls could ring here before, and may again afterwards.
    pub was_ready: bool,
}

/// A colleague is being asked, or talks with the agent.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Question {
    colleague: UserId,
    name: String,
    /// Since their answer.
    talking_since: Option<Timestamp>,
    expires_at: Timestamp,
}

impl Question {
    fn talking(&self) -> bool {
        self.talking_since.is_some()
    }
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

    /// Everybody in it: the buyer, the agent, guests in the order they came.
    pub fn members(&self) -> impl Iterator<Item = (Person, &Party)> {
        let buyer = std::iter::once((Person::Buyer(self.session), &self.buyer));
        let agent = self.agent.iter().map(|seat| (Person::Staff(seat.user), &seat.party));
        let guests = self.guests.iter().map(|guest| (Person::Staff(guest.user), &guest.party));
        buyer.chain(agent).chain(guests)
    }

    /// What a person is in it, if they are.
    pub fn party_of(&self, person: Person) -> Option<&Party> {
        self.members().find(|(member, _)| *member == person).map(|(_, party)| party)
    }

    /// Who a party is.
    pub fn person_of(&self, party: PartyId) -> Option<Person> {
        self.members().find(|(_, member)| member.id == party).map(|(person, _)| person)
    }

    fn party_mut(&mut self, person: Person) -> Option<&mut Party> {
        match person {
            Person::Buyer(session) => Some(&mut self.buyer).filter(|_| session == self.session),
            Person::Staff(user) => {
                let agent =
                    self.agent.iter_mut().filter(|seat| seat.user == user).map(|seat| &mut seat.party);
                let guests = self.guests.iter_mut().filter(|guest| guest.user == user);
                agent.chain(guests.map(|guest| &mut guest.party)).next()
            }
        }
    }

    /// Somebody of the staff comes in; who is in it already only changes how they follow it.
    pub fn admit(&mut self, guest: Guest) {
        match self.guests.iter_mut().find(|known| known.user == guest.user) {
            Some(known) => known.party.monitor = guest.party.monitor,
            None => self.guests.push(guest),
        }
    }

    /// A guest leaves. A consultant who does ends the consult.
    pub fn dismiss(&mut self, user: UserId) -> Option<Guest> {
        let index = self.guests.iter().position(|guest| guest.user == user)?;
        Some(self.guests.remove(index))
    }

    /// Staff besides the agent.
    pub fn guests(&self) -> &[Guest] {
        &self.guests
    }

    /// Whether the buyer is on hold.
    pub fn is_held(&self) -> bool {
        self.held_since.is_some()
    }

    /// Puts the buyer on hold, or takes them back. True when that is a change.
    pub fn set_held(&mut self, on: bool, now: Timestamp) -> bool {
        self.held_by_consult = false;
        if on == self.is_held() {
            return false;
        }
        self.held_since = on.then_some(now);
        true
    }

    /// The agent asks a colleague. False while somebody is being asked already.
    pub fn ask(&mut self, colleague: UserId, name: &str, expires_at: Timestamp) -> bool {
        if self.question.is_some() {
            return false;
        }
        self.question = Some(Question { colleague, name: name.to_owned(), talking_since: None, expires_at });
        true
    }

    /// The colleague who is asked and has not answered, and until when they may.
    pub fn asked(&self) -> Option<(UserId, Timestamp)> {
        self.question
            .as_ref()
            .filter(|question| !question.talking())
            .map(|question| (question.colleague, question.expires_at))
    }

    /// The colleague who is asked or talks with the agent.
    pub fn colleague(&self) -> Option<UserId> {
        self.question.as_ref().map(|question| question.colleague)
    }

    /// The colleague answered: the buyer is on hold, unless they were already.
    pub fn begin_consult(&mut self, now: Timestamp) {
        let Some(question) = &mut self.question else { return };
        question.talking_since = Some(now);
        if self.held_since.is_none() {
            self.held_since = Some(now);
            self.held_by_consult = true;
        }
    }

    /// The question is answered, declined or taken back: whoever it put on hold is taken back.
    pub fn end_consult(&mut self) {
        self.question = None;
        if std::mem::take(&mut self.held_by_consult) {
            self.held_since = None;
        }
    }

    /// Lets nobody have a source of a party, or lets them again. True when that is a change.
    pub fn set_muted(&mut self, person: Person, source: Source, muted: bool) -> bool {
        let Some(party) = self.party_mut(person) else { return false };
        let was = party.muted.contains(&source);
        party.muted.retain(|other| *other != source);
        if muted {
            party.muted.push(source);
            party.muted.sort_unstable();
        }
        was != muted
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
    pub fn set_present(&mut self, person: Person, present: bool) -> bool {
        self.party_mut(person).is_some_and(|party| std::mem::replace(&mut party.present, present) != present)
    }

    /// What a person sends from now on. True when that changes what is shown.
    pub fn set_sending(&mut self, person: Person, sources: &[Source]) -> bool {
        let sources = distinct(sources);
        self.party_mut(person).is_some_and(|party| {
            let changed = party.sending != sources;
            party.sending = sources;
            changed
        })
    }

    /// The buyer's present choice about recording.
    pub fn consented(&self) -> bool {
        self.chosen(RecordedSide::Buyer) == Some(true)
    }

    /// A side's last choice, if it made one.
    fn chosen(&self, side: RecordedSide) -> Option<bool> {
        self.receipts.iter().rfind(|receipt| receipt.side == side).map(|receipt| receipt.recording)
    }

    /// What stands against recording it; nothing: it may be recorded.
    pub fn obstacles(&self) -> Vec<Obstacle> {
        self.obstacles_with(self.rule, self.chosen(RecordedSide::Agent))
    }

    fn obstacles_with(&self, rule: Rule, agent: Option<bool>) -> Vec<Obstacle> {
        recording_policy::obstacles(rule, self.queue.recording.record, self.consented(), agent)
    }

    /// Whether nothing stands against recording it.
    pub fn may_be_recorded(&self) -> bool {
        self.obstacles().is_empty()
    }

    /// The agent's country may ask for more than the buyer's.
    pub fn set_rule(&mut self, rule: Rule) {
        self.rule = rule;
    }

    /// Buyer or agent chose (again), or the agent brings what they chose before.
    pub fn choose(&mut self, receipt: ConsentReceipt) {
        self.receipts.push(receipt);
    }

    /// Recording changed.
    pub fn set_recording(&mut self, state: RecordingState, id: Option<RecordingId>) {
        self.recording = state;
        self.recording_id = id;
        if state != RecordingState::On {
            self.paused = None;
        }
    }

    /// Staff ask for a pause of the recording, or no longer. It outlives recordings: what must not be stored must not be
    /// in the next one either.
    pub fn ask_pause(&mut self, pause: Option<WantedPause>) {
        self.asked_pause = pause;
    }

    /// The pause that staff asked for.
    pub fn asked_pause(&self) -> Option<&WantedPause> {
        self.asked_pause.as_ref()
    }

    /// Why nothing shall be stored right now, if there is a reason: what people asked for, then the queue's rules.
    pub fn wanted_pause(&self) -> Option<WantedPause> {
        let rules = &self.queue.recording;
        let consult = self.question.as_ref().and_then(|question| question.talking_since);
        let hold = self.held_since.filter(|_| !self.held_by_consult);
        let by_rule = |rule, reason, since: Option<Timestamp>| {
            since.filter(|_| rule == Meanwhile::Pause).map(|since| WantedPause::by_rule(reason, since))
        };
        self.asked_pause
            .or_else(|| by_rule(rules.on_consult, PauseReason::Consult, consult))
            .or_else(|| by_rule(rules.on_hold, PauseReason::Hold, hold))
    }

    /// What the recorder does from now on; returns what it did before.
    pub fn set_paused(&mut self, pause: Option<RecordingPause>) -> Option<RecordingPause> {
        std::mem::replace(&mut self.paused, pause)
    }

    /// The pause as somebody is shown it: that the agent asks a colleague is not for the buyer.
    fn pause_for(&self, staff: bool) -> Option<RecordingPause> {
        self.paused.filter(|_| self.recording == RecordingState::On).map(|pause| match pause.reason {
            PauseReason::Consult if !staff => RecordingPause { reason: PauseReason::Hold, ..pause },
            _ => pause,
        })
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

    /// Whom somebody sees in the call: staff see everybody, the buyer sees who can be heard there.
    pub fn visible_to(&self, viewer: &Party) -> impl Iterator<Item = &Party> {
        let buyer = viewer.side == Side::Buyer;
        self.members().map(|(_, party)| party).filter(move |party| {
            use Standing::{Agent, Buyer, Monitor};
            !buyer || matches!(Standing::of(party), Buyer | Agent | Monitor(MonitorMode::Barge))
        })
    }

    /// What a person is shown. `None` for whoever is not in it.
    ///
    /// The call is over when the media is, but for the agent, who still writes.
    pub fn view(&self, person: Person) -> Option<CallView> {
        let you = self.party_of(person)?;
        let staff = you.side != Side::Buyer;
        let state = match self.state {
            CallState::WrapUp if you.side != Side::Agent => CallState::Ended,
            state => state,
        };
        let consult = self.question.as_ref().map(|question| Consult {
            colleague: question.colleague,
            name: question.name.clone(),
            talking: question.talking(),
        });
        Some(CallView {
            id: self.id,
            state,
            requested_at: self.requested_at,
            accepted_at: self.accepted_at,
            ended_at: self.ended_at,
            end_reason: self.end_reason,
            you: you.id,
            parties: self.visible_to(you).cloned().collect(),
            recording: match (self.recording, self.paused) {
                (RecordingState::On, Some(_)) => RecordingState::Paused,
                (state, _) => state,
            },
            obstacles: if staff { self.obstacles() } else { Vec::new() },
            paused: self.pause_for(staff),
            held_since: self.held_since,
            consult: consult.filter(|_| staff),
            chat: self.chat.iter().cloned().collect(),
            context: staff.then(|| self.context.clone()),
            queue: staff.then(|| self.queue.info()),
            ticket: self.ticket.clone().filter(|_| staff),
            recording_id: self.recording_id.filter(|_| staff),
        })
    }

    /// What a colleague is shown who is asked about it.
    pub fn question_view(&self, expires_at: Timestamp) -> ConsultAsk {
        let from = self.agent.as_ref().map(|seat| seat.party.name.clone()).unwrap_or_default();
        ConsultAsk { call: self.id, from, context: self.context.clone(), expires_at }
    }

    /// How supervisors see it on the floor; `None` unless it is connected.
    pub fn floor_view(&self, link: Option<LinkState>) -> Option<FloorCall> {
        let agent = self.agent.as_ref().filter(|_| self.state == CallState::Connected)?;
        let supervisors = self.guests.iter().filter(|guest| guest.party.side == Side::Supervisor);
        Some(FloorCall {
            id: self.id,
            agent: agent.party.name.clone(),
            buyer: self.buyer.name.clone(),
            language: self.context.language.clone(),
            queue: self.queue.info(),
            since: self.accepted_at.unwrap_or(self.requested_at),
            held: self.is_held(),
            link,
            monitors: supervisors.map(|guest| guest.party.name.clone()).collect(),
        })
    }

    /// What the console shows while it rings until `expires_at`; the rule and the choice are those with its agent.
    pub fn ring_view(&self, expires_at: Timestamp, rule: Rule, agent: Option<bool>) -> Ring {
        let obstacles = self.obstacles_with(rule, agent);
        Ring {
            call: self.id,
            context: self.context.clone(),
            queue: self.queue.info(),
            requested_at: self.requested_at,
            expires_at,
            recording: obstacles.is_empty(),
            obstacles,
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
            side: RecordedSide::Buyer,
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
        let queue = QueueSettings::new("support", "Support");
        Call::new(
            CallId::new(),
            BuyerSessionId::new(),
            context,
            queue,
            Rule::OptIn,
            buyer,
            Some(choice(false)),
            at(0),
        )
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

    fn mara(call: &Call) -> Person {
        Person::Buyer(call.session())
    }

    fn anna(call: &Call) -> Person {
        Person::Staff(call.agent().unwrap().user)
    }

    fn guest(side: Side, monitor: Option<MonitorMode>) -> Guest {
        let party = Party { monitor, ..Call::seat(side, "Vera", &[]) };
        Guest { user: UserId::new(), party, was_ready: true }
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
            assert!(call.view(Person::Staff(UserId::new())).is_none());
        }
    }

    #[test]
    fn the_shops_context_ticket_and_recording_are_for_the_agent_only() {
        let mut call = connected();
        call.set_ticket(TicketRef { id: protocol::ids::TicketId::new(), number: "V-1".into() });
        call.set_recording(RecordingState::On, Some(RecordingId::new()));
        let (buyer, agent) = (call.view(mara(&call)).unwrap(), call.view(anna(&call)).unwrap());
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
        assert_eq!(call.view(mara(&call)).unwrap().state, CallState::Ended);
        assert_eq!(call.view(anna(&call)).unwrap().state, CallState::WrapUp);
    }

    #[test]
    fn chat_is_numbered_bounded_and_checked() {
        let mut call = connected();
        assert_eq!(call.say(mara(&call), " \n ", at(6)), Err(ChatError::Empty));
        assert_eq!(call.say(mara(&call), &"ä".repeat(2_001), at(6)), Err(ChatError::TooLong(2_001)));
        assert_eq!(call.say(mara(&call), &"ä".repeat(2_000), at(6)).unwrap().number, 1);
        for n in 0..CHAT_LINES_MAX {
            call.say(anna(&call), &n.to_string(), at(7)).unwrap();
        }
        let chat = call.view(mara(&call)).unwrap().chat;
        assert_eq!((chat.len(), chat[0].number), (CHAT_LINES_MAX, 2));
        assert_eq!(chat[0].from, call.party(Side::Agent).unwrap().id);
    }

    #[test]
    fn the_last_choice_about_recording_counts() {
        let mut call = connected();
        assert!(!call.consented());
        call.choose(choice(true));
        assert!(call.consented() && call.ring_view(at(9), Rule::OptIn, None).recording);
        call.choose(choice(false));
        assert!(!call.consented());
        assert_eq!(call.receipts().len(), 3);
    }

    #[test]
    fn what_a_person_sends_is_a_set() {
        let mut call = connected();
        assert!(call.set_sending(mara(&call), &[Source::Camera, Source::Microphone, Source::Camera]));
        assert!(!call.set_sending(mara(&call), &[Source::Microphone, Source::Camera]));
        assert_eq!(call.party(Side::Buyer).unwrap().sending, [Source::Microphone, Source::Camera]);
        assert!(call.set_present(mara(&call), false));
        assert!(!call.set_present(mara(&call), false));
    }

    #[test]
    fn the_buyer_sees_supervisors_only_when_they_barge_in_and_never_whom_the_agent_asks() {
        let mut call = connected();
        let (listener, colleague) =
            (guest(Side::Supervisor, Some(MonitorMode::Listen)), guest(Side::Consultant, None));
        let supervisor = Person::Staff(listener.user);
        call.admit(listener.clone());
        assert!(call.ask(colleague.user, "Ben", at(40)));
        assert!(!call.ask(UserId::new(), "Cleo", at(40)), "one at a time");
        call.admit(colleague);
        call.begin_consult(at(10));
        let seen = |call: &Call, who| call.view(who).unwrap().parties.len();
        assert_eq!((seen(&call, mara(&call)), seen(&call, anna(&call)), seen(&call, supervisor)), (2, 4, 4));
        let (buyer, agent) = (call.view(mara(&call)).unwrap(), call.view(anna(&call)).unwrap());
        assert!(buyer.consult.is_none() && agent.consult.unwrap().talking);
        assert_eq!(buyer.held_since, Some(at(10)), "that they are on hold is no secret");
        let party = Party { monitor: Some(MonitorMode::Barge), ..listener.party };
        call.admit(Guest { party, ..listener });
        assert_eq!((seen(&call, mara(&call)), call.guests().len()), (3, 2), "the same guest, another mode");
        call.finish(EndReason::BuyerHungUp, at(60)).unwrap();
        assert_eq!(
            call.view(supervisor).unwrap().state,
            CallState::Ended,
            "only the agent has something to write"
        );
    }

    #[test]
    fn a_consult_takes_back_only_whom_it_put_on_hold() {
        let mut call = connected();
        call.ask(UserId::new(), "Ben", at(40));
        call.begin_consult(at(10));
        assert!(call.is_held());
        call.end_consult();
        assert!(!call.is_held());

        assert!(call.set_held(true, at(20)) && !call.set_held(true, at(21)));
        call.ask(UserId::new(), "Ben", at(40));
        call.begin_consult(at(22));
        call.end_consult();
        assert!(call.is_held(), "the agent did that");
        assert!(call.set_held(false, at(30)));

        call.ask(UserId::new(), "Ben", at(40));
        call.begin_consult(at(31));
        assert!(call.set_held(false, at(32)), "the agent takes them back early");
        assert!(call.set_held(true, at(33)));
        call.end_consult();
        assert!(call.is_held());
    }

    #[test]
    fn what_the_server_mutes_is_a_set() {
        let mut call = connected();
        assert!(call.set_muted(mara(&call), Source::Camera, true));
        assert!(call.set_muted(mara(&call), Source::Microphone, true));
        assert!(!call.set_muted(mara(&call), Source::Camera, true));
        assert_eq!(call.party(Side::Buyer).unwrap().muted, [Source::Microphone, Source::Camera]);
        assert!(call.set_muted(mara(&call), Source::Microphone, false));
        assert!(!call.set_muted(Person::Staff(UserId::new()), Source::Camera, true), "not in the call");
    }
}
