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
    allowed.contains(&action)
}
