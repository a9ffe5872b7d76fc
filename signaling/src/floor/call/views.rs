//! What each side is shown of a call.

use jiff::Timestamp;
use protocol::call::{
    CallState, CallView, Consult, ConsultAsk, FloorCall, LinkState, MonitorMode, Party, PauseReason,
    RecordingPause, RecordingState, Ring, Side,
};

use super::Call;
use crate::floor::rules::Standing;
use crate::floor::session::Person;
use crate::recording_policy::Rule;

impl Call {
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

    /// The pause as somebody is shown it: that the agent asks a colleague is not for the buyer.
    fn pause_for(&self, staff: bool) -> Option<RecordingPause> {
        self.paused.filter(|_| self.recording == RecordingState::On).map(|pause| match pause.reason {
            PauseReason::Consult if !staff => RecordingPause { reason: PauseReason::Hold, ..pause },
            _ => pause,
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
}
