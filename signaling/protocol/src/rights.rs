//! What members of staff may do: their role's defaults, with what was granted and denied to each of them.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::call::Role;
use crate::ids::UserId;
use crate::rest::Me;

/// Something that not everybody may do. The defaults of each role stand in the server's table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Be rung, accept calls, wrap them up.
    TakeCalls,
    /// See one's own calls and tickets.
    ReadOwnCalls,
    /// See everybody's calls and tickets.
    ReadAllCalls,
    /// Wrap up somebody else's call.
    WrapUpForOthers,
    /// See every call on the floor, and listen, whisper or barge in.
    MonitorCalls,
    /// Find recordings, with the buyer's personal fields masked.
    SeeRecordings,
    /// Play them, with the buyer's personal fields masked.
    PlayRecordings,
    /// Say why, and read a buyer's personal fields in calls of others.
    PlayUnmasked,
    /// Take recordings, or reports about them, out of the server.
    ExportRecordings,
    /// Erase a buyer's recordings and personal data for good.
    EraseRecordings,
    /// Place legal holds and lift them.
    HoldRecordings,
    /// Read and verify the audit log.
    ReadAudit,
    /// Change what others may do.
    ManageUsers,
    /// Score recordings, comment on them, see scores and comments of others.
    ScoreRecordings,
    /// Make forms, publish and archive them; have second scores sampled.
    ManageForms,
    /// See the scores of one's own calls and dispute them.
    DisputeScores,
    /// Decide about disputes of scores that somebody else gave.
    DecideDisputes,
}

/// `GET /users`, `GET /users/{id}`: a member of staff and what they may do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct UserRights {
    /// Account.
    pub id: UserId,
    /// Address.
    pub email: String,
    /// Name.
    pub name: String,
    /// Their role.
    pub role: Role,
    /// What was changed for them.
    pub changes: RightsChanges,
    /// What they may do in the end.
    pub rights: Vec<Action>,
}

/// `PUT /users/{id}/rights`: how somebody's rights differ from those of their role. What is denied beats what is
/// granted. All empty: as their role.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct RightsChanges {
    /// Beyond their role.
    #[serde(default)]
    pub grants: Vec<Action>,
    /// Despite their role.
    #[serde(default)]
    pub denials: Vec<Action>,
    /// They see, play and export only calls of these queues, and their own; absent: of all queues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub queues: Option<Vec<String>>,
}

impl Me {
    /// Whether they may do something.
    pub fn may(&self, action: Action) -> bool {
        self.rights.contains(&action)
    }
}
