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
        }
    }
}

/// Whether `side` may do `action` while the call is in `state`.
///
/// | state | buyer | agent |
/// |---|---|---|
/// | waiting | sending, consent, hang up | – |
/// | ringing | sending, consent, hang up | accept, decline (only whose console rings) |
/// | connected | sending, chat, consent, hang up, first frame | sending, chat, hang up, first frame |
/// | wrap-up | – | – (the wrap-up itself is REST) |
/// | ended | – | – |
pub fn may(side: Side, state: CallState, action: Action) -> bool {
    use Action::{Accept, Chat, Decline, FirstFrame, HangUp, Sending, SetConsent};
    match (state, side) {
        (CallState::Waiting | CallState::Ringing, Side::Buyer) => {
            matches!(action, Sending | SetConsent | HangUp)
        }
        (CallState::Ringing, Side::Agent) => matches!(action, Accept | Decline),
        (CallState::Connected, Side::Buyer) => {
            matches!(action, Sending | Chat | SetConsent | HangUp | FirstFrame)
        }
        (CallState::Connected, Side::Agent) => matches!(action, Sending | Chat | HangUp | FirstFrame),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table in the documentation, cell by cell, so that changing one needs changing the other.
    #[test]
    fn each_side_may_do_what_the_table_says_and_nothing_else() {
        use Action::*;
        const ALL: [Action; 7] = [Accept, Decline, Sending, Chat, SetConsent, HangUp, FirstFrame];
        let table: [(CallState, &[Action], &[Action]); 5] = [
            (CallState::Waiting, &[Sending, SetConsent, HangUp], &[]),
            (CallState::Ringing, &[Sending, SetConsent, HangUp], &[Accept, Decline]),
            (
                CallState::Connected,
                &[Sending, Chat, SetConsent, HangUp, FirstFrame],
                &[Sending, Chat, HangUp, FirstFrame],
            ),
            (CallState::WrapUp, &[], &[]),
            (CallState::Ended, &[], &[]),
        ];
        for (state, buyer, agent) in table {
            for action in ALL {
                assert_eq!(may(Side::Buyer, state, action), buyer.contains(&action), "{state:?} {action:?}");
                assert_eq!(may(Side::Agent, state, action), agent.contains(&action), "{state:?} {action:?}");
            }
        }
    }
}
