//! Consent to record a call, what stands against it, and what is left out of the recording.

use jiff::Timestamp;
use protocol::call::{Obstacle, PauseReason, RecordingPause, RecordingState};
use protocol::ids::RecordingId;
use protocol::rest::{ConsentReceipt, RecordedSide};

use super::Call;
use crate::floor::pause::WantedPause;
use crate::queues::Meanwhile;
use crate::recording_policy::{self, Rule};

impl Call {
    /// Every choice about recording, oldest first.
    pub fn receipts(&self) -> &[ConsentReceipt] {
        &self.receipts
    }

    /// Recording, as both sides see it.
    pub fn recording(&self) -> RecordingState {
        self.recording
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

    pub(super) fn obstacles_with(&self, rule: Rule, agent: Option<bool>) -> Vec<Obstacle> {
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
}
