//! The one table that says which role may do what, and how one person's rights differ from their role's.

pub use protocol::rights::Action;

use protocol::call::Role;
use protocol::problem::Problem;
use protocol::rights::RightsChanges;

use crate::problem::FIELD_INVALID;

/// What a role may do.
pub fn rights_of(role: Role) -> Vec<Action> {
    [desk(role), review(role)].concat()
}

/// What a role may do with calls and recordings.
fn desk(role: Role) -> &'static [Action] {
    use Action::{
        EraseRecordings, ExportRecordings, HoldRecordings, ManageUsers, MonitorCalls, PlayRecordings,
        PlayUnmasked, ReadAllCalls, ReadAudit, ReadOwnCalls, SeeRecordings, TakeCalls, WrapUpForOthers,
    };
    match role {
        Role::Agent => &[TakeCalls, ReadOwnCalls],
        // They meet buyers on the floor anyway; so they may read who it was, once they have said why, and take a
        // recording to somebody outside. What cannot be undone is the admin's.
        Role::Supervisor => &[
            TakeCalls,
            ReadOwnCalls,
            ReadAllCalls,
            WrapUpForOthers,
            MonitorCalls,
            SeeRecordings,
            PlayRecordings,
            PlayUnmasked,
            ExportRecordings,
        ],
        // They judge how a call went, for which it does not matter who the buyer was.
        Role::Reviewer => &[ReadOwnCalls, ReadAllCalls, SeeRecordings, PlayRecordings],
        Role::Admin => &[
            TakeCalls,
            ReadOwnCalls,
            ReadAllCalls,
            WrapUpForOthers,
            MonitorCalls,
            SeeRecordings,
            PlayRecordings,
            PlayUnmasked,
            ExportRecordings,
            EraseRecordings,
            HoldRecordings,
            ReadAudit,
            ManageUsers,
        ],
    }
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

/// What somebody may do: their role's rights and what was granted to them, without what was denied.
pub fn rights(role: Role, changes: &RightsChanges) -> Vec<Action> {
    let mut rights = [rights_of(role), changes.grants.clone()].concat();
    rights.sort_unstable();
    rights.dedup();
    rights.retain(|action| !changes.denials.contains(action));
    rights
}

/// What an action is called on the wire and at the command line.
pub fn name_of(action: Action) -> String {
    serde_json::to_value(action).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Most queues that somebody can be limited to.
const QUEUES_MAX: usize = 100;

/// Refuses changes that say two things at once, or cannot be kept.
pub fn check_changes(changes: &RightsChanges) -> Result<(), Problem> {
    if let Some(both) = changes.grants.iter().find(|action| changes.denials.contains(action)) {
        let detail = format!("{} is granted as well; leave out one of the two", name_of(*both));
        return Err(FIELD_INVALID.at("denials", detail));
    }
    let queues = changes.queues.as_deref().unwrap_or_default();
    if queues.len() > QUEUES_MAX {
        return Err(FIELD_INVALID.at("queues", format!("at most {QUEUES_MAX} queues can be named")));
    }
    match queues.iter().find(|queue| queue.trim().is_empty() || queue.len() > 64) {
        Some(_) => Err(FIELD_INVALID.at("queues", "the name of a queue has 1 to 64 bytes")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_beats_a_grant_and_a_grant_beats_the_role() {
        let changes = RightsChanges {
            grants: vec![Action::PlayUnmasked, Action::ExportRecordings],
            denials: vec![Action::ExportRecordings, Action::ReadAllCalls],
            queues: None,
        };
        let rights = rights(Role::Reviewer, &changes);
        use Action::{PlayRecordings, PlayUnmasked, ReadOwnCalls, ScoreRecordings, SeeRecordings};
        assert_eq!(rights, [ReadOwnCalls, SeeRecordings, PlayRecordings, PlayUnmasked, ScoreRecordings]);
    }

    #[test]
    fn an_admin_may_do_everything_and_no_other_role_what_cannot_be_undone() {
        for role in [Role::Agent, Role::Supervisor, Role::Reviewer] {
            for action in rights_of(role) {
                assert!(rights_of(Role::Admin).contains(&action), "{action:?}");
            }
            assert!(!rights_of(role).contains(&Action::EraseRecordings), "{role:?}");
        }
    }
}
