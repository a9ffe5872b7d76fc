//! What clients ask for, one method a message.

use protocol::call::{Availability, CallState, EndReason, Side, Source};
use protocol::ids::{CallId, UserId};
use protocol::problem::Problem;
use protocol::ws::{ClientMessage, ConsentChoice, ServerMessage};
use tracing::{debug, info};

use super::actor::{Floor, LiveCall};
use super::call::{Call, ChatError, distinct};
use super::history::turned;
use super::ports::Fact;
use super::session::{Identity, Person};
use super::table::{Action, may};
use crate::auth;
use crate::desk::Entry;
use crate::problem as problems;
use crate::queues::Record;
use crate::recording_policy::Rule;

/// The longest first-frame time that is believed.
const FIRST_FRAME_MAX_MS: u32 = 60_000;

impl Floor {
    /// Does what a client asks, or tells it why not.
    pub(super) async fn said(&mut self, person: Person, seq: u64, said: Result<ClientMessage, Problem>) {
        let done = match said {
            Ok(message) => self.request(person, message).await,
            Err(problem) => Err(problem),
        };
        if let Err(problem) = done {
            let code = problem.kind.rsplit('/').next().unwrap_or_default();
            debug!(code, detail = problem.detail, "refused");
            self.shared.metrics.problems.with_label_values(&[code]).inc();
            self.tell(person, ServerMessage::Problem { reply_to: seq, problem });
        }
    }

    async fn request(&mut self, person: Person, message: ClientMessage) -> Result<(), Problem> {
        match message {
            ClientMessage::Hello { .. } => {
                Err(problems::HELLO_EXPECTED.with("hello comes once, as the first message of a connection"))
            }
            ClientMessage::Offer { sdp, sources } => self.offer(person, sdp, &sources).await,
            ClientMessage::SetAvailability { availability } => {
                self.set_availability(self.agent(person)?, availability).await
            }
            ClientMessage::RequestHelp { consent } => self.request_help(person, consent).await,
            ClientMessage::Accept { call } => self.accept(self.agent(person)?, call).await,
            ClientMessage::Decline { call } => self.decline(self.agent(person)?, call).await,
            ClientMessage::Sending { sources } => self.sending(person, &sources).await,
            ClientMessage::Chat { text } => self.chat(person, &text),
            ClientMessage::SetConsent { consent } => {
                if let Person::Staff(_) = person {
                    return self.set_own_consent(self.agent(person)?, &consent).await;
                }
                let call = self.seated(person, Action::SetConsent)?;
                self.set_consent(call, consent).await
            }
            ClientMessage::HangUp => self.hang_up(person).await,
            ClientMessage::FirstFrame { after_ms } => self.first_frame(person, after_ms),
            ClientMessage::Views { slots } => self.views(person, &slots).await,
            ClientMessage::ClientStats { stats } => self.client_stats(person, &stats),
            ClientMessage::SetHold { on } => self.set_hold(person, on).await,
            ClientMessage::PauseRecording { reason, at_most_s } => {
                self.pause_recording(person, reason, at_most_s)
            }
            ClientMessage::ResumeRecording => self.resume_recording(person),
            ClientMessage::Mute { party, source, muted } => self.mute(person, party, source, muted).await,
            ClientMessage::Monitor { call, mode } => self.monitor(person, call, mode).await,
            ClientMessage::MonitorEnd => self.monitor_end(person).await,
            ClientMessage::ConsultStart { colleague } => self.consult_start(person, colleague).await,
            ClientMessage::ConsultAnswer { call, accept } => self.consult_answer(person, call, accept).await,
            ClientMessage::ConsultEnd => self.consult_end(person).await,
            ClientMessage::WatchFloor { on } => self.watch_floor(person, on),
        }
    }

    /// The agent behind a person who may take calls.
    pub(super) fn agent(&self, person: Person) -> Result<UserId, Problem> {
        match (person, self.sessions.get(&person).map(|session| &session.identity)) {
            (Person::Staff(agent), Some(Identity::Staff(me))) if me.may(auth::Action::TakeCalls) => Ok(agent),
            _ => Err(problems::NOT_ALLOWED.with("only staff who take calls may do this")),
        }
    }

    /// The call a person is in, if its state allows the action.
    pub(super) fn seated(&self, person: Person, action: Action) -> Result<CallId, Problem> {
        let live = self.seats.get(&person).and_then(|call| self.calls.get(call));
        let live = live.ok_or_else(|| problems::NO_CALL.with("you are in no call"))?;
        let side = live.call.party_of(person).map(|party| party.side);
        if !side.is_some_and(|side| may(side, live.call.state(), action)) {
            let state = live.call.state();
            return Err(
                problems::NOT_NOW.with(format!("a call that is {state:?} cannot be {}", action.phrase()))
            );
        }
        Ok(live.call.id())
    }

    async fn set_availability(&mut self, agent: UserId, availability: Availability) -> Result<(), Problem> {
        let ready = match availability {
            Availability::Available => true,
            Availability::Away => false,
            Availability::Busy => {
                return Err(problems::FIELD_INVALID
                    .at("availability", "choose available or away; busy comes by itself"));
            }
        };
        if self.is_guest(Person::Staff(agent)) {
            return Err(problems::NOT_NOW.with("leave the call that you follow first"));
        }
        info!(%agent, ready, "availability");
        let now = self.now();
        let decisions = self.desk.set_ready(agent, ready, now);
        self.carry_out(decisions).await;
        Ok(())
    }

    async fn request_help(&mut self, person: Person, consent: Option<ConsentChoice>) -> Result<(), Problem> {
        let (Person::Buyer(visit), Some(session)) = (person, self.sessions.get_mut(&person)) else {
            return Err(problems::NOT_ALLOWED.with("only buyers ask for help"));
        };
        let Identity::Buyer { context, .. } = &session.identity else {
            return Err(problems::NOT_ALLOWED.with("only buyers ask for help"));
        };
        if self.seats.contains_key(&person) {
            return Err(problems::ALREADY_IN_CALL.with("you are in line or in a call already"));
        }
        if self.desk.line().count() >= self.settings.line_max {
            return Err(problems::QUEUE_FULL.with(format!("{} people are waiting", self.settings.line_max)));
        }
        if self.journal.is_pressed() {
            return Err(problems::STORE_BEHIND.with("a call that began now might never be written down"));
        }
        let context = (**context).clone();
        let entry = if std::mem::take(&mut session.goes_first) { Entry::Front } else { Entry::Back };
        let buyer = Call::seat(Side::Buyer, session.identity.name(), &session.sending);
        let now = self.now();
        let queue = self.queues.of(&context).clone();
        let rule = self.regions.of(context.country.as_deref());
        let asked = queue.recording.record != Record::Never && rule != Rule::Never;
        let receipt = match consent {
            Some(consent) => Some(self.receipt(&context, &queue, &consent)?),
            None if asked => {
                let detail = "is missing: calls of this queue are recorded when the buyer agrees, so ask";
                return Err(problems::FIELD_INVALID.at("consent", detail));
            }
            None => None,
        };

        let name = queue.name.clone();
        let call = Call::new(CallId::new(), visit, context.clone(), queue, rule, buyer, receipt.clone(), now);
        let id = call.id();
        info!(call = %id, party = %call.party(Side::Buyer).map(|party| party.id.to_string()).unwrap_or_default(),
            sku = context.product.as_ref().map(|product| product.sku.as_str()), language = context.language,
            queue = name, recording = receipt.as_ref().is_some_and(|receipt| receipt.recording), "help requested");
        let context = Box::new(context);
        self.journal.note(Fact::Requested { call: id, session: visit, queue: name, context, at: now });
        if let Some(receipt) = receipt {
            self.journal.note(Fact::Chose { call: id, receipt });
        }
        self.calls.insert(id, LiveCall::new(call));
        self.seats.insert(person, id);
        self.tell_call(id);
        let decisions = self.desk.join(id, entry, now);
        self.carry_out(decisions).await;
        Ok(())
    }

    async fn accept(&mut self, agent: UserId, call: CallId) -> Result<(), Problem> {
        let theirs = self.seats.get(&Person::Staff(agent)) == Some(&call);
        let connected = |live: &LiveCall| live.call.state() == CallState::Connected;
        if theirs && self.calls.get(&call).is_some_and(connected) {
            // A double click.
            return Ok(());
        }
        let now = self.now();
        let decisions = self.desk.accept(agent, call, now).map_err(|_| {
            problems::NOT_YOUR_CALL.at("call", "this call is not ringing at your console (any more)")
        })?;
        self.carry_out(decisions).await;
        Ok(())
    }

    async fn decline(&mut self, agent: UserId, call: CallId) -> Result<(), Problem> {
        let now = self.now();
        let decisions = self.desk.decline(agent, call, now).map_err(|_| {
            problems::NOT_YOUR_CALL.at("call", "this call is not ringing at your console (any more)")
        })?;
        self.carry_out(decisions).await;
        Ok(())
    }

    async fn sending(&mut self, person: Person, sources: &[Source]) -> Result<(), Problem> {
        if let Some(session) = self.sessions.get_mut(&person) {
            session.sending = distinct(sources);
        }
        self.publish_what_is_sent(person).await;
        // Muting before a call, or while it is wrapped up, is remembered for the next one.
        let Ok(call) = self.seated(person, Action::Sending) else { return Ok(()) };
        let Some(live) = self.calls.get_mut(&call) else { return Ok(()) };
        let before = live.call.party_of(person).map(|party| party.sending.clone()).unwrap_or_default();
        if live.call.set_sending(person, sources) {
            for what in turned(&before, sources) {
                self.happened(call, Some(person), what);
            }
            self.tell_call(call);
        }
        Ok(())
    }

    fn chat(&mut self, person: Person, text: &str) -> Result<(), Problem> {
        let id = self.seated(person, Action::Chat)?;
        let now = self.now();
        let Some(live) = self.calls.get_mut(&id) else { return Ok(()) };
        let line = live
            .call
            .say(person, text, now)
            .map_err(|error: ChatError| problems::FIELD_INVALID.at("text", error.to_string()))?;
        let name = live.call.party_of(person).map(|party| party.name.clone()).unwrap_or_default();
        self.journal.note(Fact::Said { call: id, name, line: line.clone() });
        for person in self.people(id) {
            self.tell(person, ServerMessage::Chat { call: id, line: line.clone() });
        }
        Ok(())
    }

    async fn hang_up(&mut self, person: Person) -> Result<(), Problem> {
        let call = self.seated(person, Action::HangUp)?;
        if self.is_guest(person) {
            self.leave(person).await;
            return Ok(());
        }
        let connected = self.calls.get(&call).is_some_and(|live| live.call.state() == CallState::Connected);
        let reason = match (person, connected) {
            (Person::Buyer(_), true) => EndReason::BuyerHungUp,
            (Person::Buyer(_), false) => EndReason::Abandoned,
            (Person::Staff(_), _) => EndReason::AgentHungUp,
        };
        self.end(call, reason).await;
        Ok(())
    }

    fn first_frame(&mut self, person: Person, after_ms: u32) -> Result<(), Problem> {
        let call = self.seated(person, Action::FirstFrame)?;
        if after_ms > FIRST_FRAME_MAX_MS {
            return Err(problems::FIELD_INVALID.at("after_ms", format!("at most {FIRST_FRAME_MAX_MS}")));
        }
        info!(%call, after_ms, "first frame");
        if self.is_guest(person) {
            return Ok(());
        }
        self.shared.metrics.first_frame.observe(f64::from(after_ms) / 1000.0);
        Ok(())
    }
}
