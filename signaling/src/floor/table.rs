//! What each side may do in each state of a call, in one table.

use protocol::call::{CallState, Side};

/// Something a person wants to do in a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Take the ringing call.
    Accept,
    /// Let the ringing call go elsewhere.
    Decline,
    /// Say what is muted.
    Sending,
    /// Write a line of chat.
    Chat,
    /// Agree to, or withdraw from, being recorded.
    SetConsent,
    /// Leave the line or the call.
    HangUp,
    /// Report the first frame seen.
    FirstFrame,
    /// Put the buyer on hold or take them back.
    Hold,
    /// Have the server mute somebody.
    Mute,
    /// Ask a colleague, or take the question back.
    Consult,
    /// Have nothing stored for a while, or go on.
    PauseRecording,
}

impl Action {
    /// What the action is called in a problem's text.
    pub fn phrase(self) -> &'static str {
        match self {
            Action::Accept => "accepted",
            Action::Decline => "declined",
            Action::Sending => "muted or unmuted",
            Action::Chat => "written to",
            Action::SetConsent => "agreed to or withdrawn from",
            Action::HangUp => "hung up",
            Action::FirstFrame => "reported on",
            Action::Hold => "put on hold by you",
            Action::Mute => "muted by you",
            Action::Consult => "asked about by you",
            Action::PauseRecording => "paused by you",
        }
    }
}

/// Whether `side` may do `action` while the call is in `state`. Hanging up means leaving for whoever is neither buyer nor
/// agent. Whom one may mute is in [`super::rules::may_mute`].
///
/// | state | buyer | agent | consultant | supervisor |
/// |---|---|---|---|---|
/// | waiting | sending, consent, hang up | – | – | – |
/// | ringing | sending, consent, hang up | accept, decline (only whose console rings) | – | – |
/// | connected | sending, chat, consent, hang up, first frame | sending, chat, hang up, first frame, hold, mute, consult, pause | sending, hang up, first frame, consult | sending, hang up, first frame, mute, pause |
/// | wrap-up | – | – (the wrap-up itself is REST) | – | – |
/// | ended | – | – | – | – |
pub fn may(side: Side, state: CallState, action: Action) -> bool {
    use Action::{
        Accept, Chat, Consult, Decline, FirstFrame, HangUp, Hold, Mute, PauseRecording, Sending, SetConsent,
    };
    let everybody = matches!(action, Sending | HangUp | FirstFrame);
    match (state, side) {
        (CallState::Waiting | CallState::Ringing, Side::Buyer) => {
            matches!(action, Sending | SetConsent | HangUp)
        }
        (CallState::Ringing, Side::Agent) => matches!(action, Accept | Decline),
        (CallState::Connected, Side::Buyer) => everybody || matches!(action, Chat | SetConsent),
        (CallState::Connected, Side::Agent) => {
            everybody || matches!(action, Chat | Hold | Mute | Consult | PauseRecording)
        }
        (CallState::Connected, Side::Consultant) => everybody || action == Consult,
        (CallState::Connected, Side::Supervisor) => everybody || matches!(action, Mute | PauseRecording),
        (CallState::Waiting, _) | (CallState::Ringing, _) | (CallState::WrapUp | CallState::Ended, _) => {
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table in the documentation, cell by cell, so that changing one needs changing the other.
    #[test]
    fn each_side_may_do_what_the_table_says_and_nothing_else() {
        use Action::*;
        const ALL: [Action; 11] = [
            Accept,
            Decline,
            Sending,
            Chat,
            SetConsent,
            HangUp,
            FirstFrame,
            Hold,
            Mute,
            Consult,
            PauseRecording,
        ];
        const NOTHING: &[Action] = &[];
        let waiting: &[Action] = &[Sending, SetConsent, HangUp];
        let table: [(CallState, [&[Action]; 4]); 5] = [
            (CallState::Waiting, [waiting, NOTHING, NOTHING, NOTHING]),
            (CallState::Ringing, [waiting, &[Accept, Decline], NOTHING, NOTHING]),
            (
                CallState::Connected,
                [
                    &[Sending, Chat, SetConsent, HangUp, FirstFrame],
                    &[Sending, Chat, HangUp, FirstFrame, Hold, Mute, Consult, PauseRecording],
                    &[Sending, HangUp, FirstFrame, Consult],
                    &[Sending, HangUp, FirstFrame, Mute, PauseRecording],
                ],
            ),
            (CallState::WrapUp, [NOTHING; 4]),
            (CallState::Ended, [NOTHING; 4]),
        ];
        let sides = [Side::Buyer, Side::Agent, Side::Consultant, Side::Supervisor];
        for (state, rights) in table {
            for (side, allowed) in sides.into_iter().zip(rights) {
                for action in ALL {
                    assert_eq!(
                        may(side, state, action),
                        allowed.contains(&action),
                        "{side:?} {state:?} {action:?}"
                    );
                }
            }
        }
    }
}
