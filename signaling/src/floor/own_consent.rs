//! What members of staff choose about being recorded themselves. It holds for every call they take, until they choose
//! again; a yes also ends when the words change that were agreed to. Who refuses is not recorded, whatever the rule.

use protocol::call::{CallState, RecordingState};
use protocol::ids::{CallId, ReceiptId, UserId};
use protocol::problem::Problem;
use protocol::rest::{ConsentReceipt, RecordedSide};
use protocol::ws::{ConsentChoice, ServerMessage};
use tracing::info;

use super::actor::Floor;
use super::consent::evidence;
use super::ports::Fact;
use super::session::{Identity, Person};
use crate::problem as problems;
use crate::recording_policy::Rule;

impl Floor {
    /// What an agent chose last: a refusal, or a yes to words that are in force.
    pub(super) fn own_choice(&self, agent: UserId) -> Option<&ConsentReceipt> {
        let receipt = self.staff_choices.get(&agent)?;
        let in_force = (self.staff_texts)(&receipt.language);
        (!receipt.recording || in_force.version == receipt.text_version).then_some(receipt)
    }

    /// What the countries of a call's buyer and of an agent ask for together.
    pub(super) fn rule_with(&self, id: CallId, agent: UserId) -> Rule {
        let buyer = self.calls.get(&id).and_then(|live| live.call.context().country.as_deref());
        let country = match self.sessions.get(&Person::Staff(agent)).map(|session| &session.identity) {
            Some(Identity::Staff(me)) => me.country.as_deref(),
            _ => None,
        };
        self.regions.of_both(buyer, country)
    }

    /// The agent's choice becomes part of the call they have taken.
    pub(super) fn bring_own_choice(&mut self, id: CallId, agent: UserId) {
        let rule = self.rule_with(id, agent);
        let receipt = self.own_choice(agent).map(of_call);
        let Some(live) = self.calls.get_mut(&id) else { return };
        live.call.set_rule(rule);
        if let Some(receipt) = receipt {
            live.call.choose(receipt.clone());
            self.journal.note(Fact::Chose { call: id, receipt });
        }
    }

    /// An agent agrees to be recorded, or does not any more.
    pub(super) async fn set_own_consent(
        &mut self,
        agent: UserId,
        choice: &ConsentChoice,
    ) -> Result<(), Problem> {
        let text = (self.staff_texts)(&choice.language);
        if text.version != choice.text_version {
            let detail = format!("version {:?} is not in force, {:?} is", choice.text_version, text.version);
            return Err(problems::UNKNOWN_CONSENT_TEXT.at("consent.text_version", detail));
        }
        let receipt = ConsentReceipt {
            id: ReceiptId::new(),
            side: RecordedSide::Agent,
            subject: agent.to_string(),
            recording: choice.recording,
            text_version: text.version,
            text_sha256: text.sha256,
            language: text.language,
            purpose: self.settings.purpose.clone(),
            at: self.now(),
        };
        info!(%agent, recording = receipt.recording, "own consent");
        self.journal.note(Fact::StaffChose { agent, receipt: receipt.clone() });
        self.staff_choices.insert(agent, receipt.clone());
        let person = Person::Staff(agent);
        self.tell(person, ServerMessage::OwnConsent { receipt: receipt.clone() });
        let call = self.seats.get(&person).copied().filter(|_| !self.is_guest(person));
        if let Some(id) = call {
            self.own_choice_in_call(id, of_call(&receipt)).await;
        } else if let Some((id, _)) = self.desk.ring_at(agent) {
            self.ring_again(id);
        }
        Ok(())
    }

    async fn own_choice_in_call(&mut self, id: CallId, receipt: ConsentReceipt) {
        let Some(live) = self.calls.get_mut(&id) else { return };
        if live.call.state() != CallState::Connected {
            return;
        }
        self.journal.note(Fact::Chose { call: id, receipt: receipt.clone() });
        live.call.choose(receipt.clone());
        if let Some(recording) = &live.recording {
            recording.add_receipt(evidence(&receipt));
        }
        if !receipt.recording {
            // What was recorded was agreed to then: it stays as long as the buyer lets it, but nothing is added.
            if let Some(recording) = live.recording.take() {
                let was_on = live.call.recording() == RecordingState::On;
                live.completed.push(recording.id());
                recording.stop();
                let state = if was_on { RecordingState::Stopped } else { RecordingState::Off };
                live.call.set_recording(state, None);
            }
            self.open_routes(id).await;
        } else if live.recording.is_none() && live.call.may_be_recorded() {
            self.start_recording(id);
        }
        self.tell_call(id);
    }
}

/// The same choice as evidence in a call of its own.
fn of_call(receipt: &ConsentReceipt) -> ConsentReceipt {
    ConsentReceipt { id: ReceiptId::new(), ..receipt.clone() }
}
