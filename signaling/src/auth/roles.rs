//! The one table that says which role may do what.

use protocol::call::Role;

/// Something that not everybody may do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// Be rung, accept calls, wrap them up.
    TakeCalls,
    /// See one's own calls and tickets.
    ReadOwnCalls,
    /// See everybody's calls and tickets.
    ReadAllCalls,
    /// Wrap up somebody else's call.
    WrapUpForOthers,
    /// Find and replay recordings.
    ReplayRecordings,
    /// See every call on the floor, and listen, whisper or barge in.
    MonitorCalls,
    /// Score recordings, comment on them, see scores and comments of others.
    ScoreRecordings,
    /// Make forms, publish and archive them; have second scores sampled.
    ManageForms,
    /// See the scores of one's own calls and dispute them.
    DisputeScores,
    /// Decide about disputes of scores that somebody else gave.
    DecideDisputes,
}

/// Whether a role may do something.
pub fn may(role: Role, action: Action) -> bool {
    use Action::{MonitorCalls, ReadAllCalls, ReadOwnCalls, ReplayRecordings, TakeCalls, WrapUpForOthers};
    let allowed: &[Action] = match role {
        Role::Agent => &[TakeCalls, ReadOwnCalls],
        Role::Supervisor => {
            &[TakeCalls, ReadOwnCalls, ReadAllCalls, WrapUpForOthers, ReplayRecordings, MonitorCalls]
        }
        Role::Reviewer => &[ReadOwnCalls, ReadAllCalls, ReplayRecordings],
        Role::Admin => {
            &[TakeCalls, ReadOwnCalls, ReadAllCalls, WrapUpForOthers, ReplayRecordings, MonitorCalls]
        }
    };
    allowed.contains(&action) || review(role).contains(&action)
}

/// What a role may do about scores.
fn review(role: Role) -> &'static [Action] {
    use Action::{DecideDisputes, DisputeScores, ManageForms, ScoreRecordings};
    match role {
        Role::Agent => &[DisputeScores],
        Role::Reviewer => &[ScoreRecordings],
        Role::Supervisor | Role::Admin => &[ScoreRecordings, ManageForms, DisputeScores, DecideDisputes],
    }
}
