//! `vitrine rights`: what somebody may do beyond, or despite, their role. Works while the server runs.

use std::path::PathBuf;
use std::process::ExitCode;

use signaling::audit::Actor;
use signaling::auth::{Action, check_changes, name_of};
use signaling::config::{Flags, Settings};
use signaling::protocol::rights::{RightsChanges, UserRights};

use super::admin::{self, Failure};

/// Shows what a member of staff may do, or changes it. What is denied beats what is granted.
#[derive(clap::Args)]
pub(super) struct Rights {
    /// Address that the member of staff logs in with.
    #[arg(long)]
    email: String,
    /// Allow this beyond their role; may be repeated. Names as `vitrine rights` shows them.
    #[arg(long, value_name = "RIGHT", value_parser = action)]
    grant: Vec<Action>,
    /// Deny this despite their role; may be repeated.
    #[arg(long, value_name = "RIGHT", value_parser = action)]
    deny: Vec<Action>,
    /// Take back what was granted or denied before; may be repeated.
    #[arg(long, value_name = "RIGHT", value_parser = action)]
    reset: Vec<Action>,
    /// They see only calls of these queues, and their own; with commas between them, or `all`.
    #[arg(long, value_name = "QUEUES")]
    queues: Option<String>,
    /// Settings file (TOML).
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// data.dir: database, recordings and keys.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

fn action(name: &str) -> Result<Action, String> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).map_err(|error| error.to_string())
}

impl Rights {
    pub(super) fn flags(&self) -> Flags {
        Flags { config: self.config.clone(), data_dir: self.data_dir.clone(), ..Flags::default() }
    }

    /// What is to differ from the role, given what differs now.
    fn changed(&self, now: &RightsChanges) -> RightsChanges {
        let named = |action: &Action| {
            self.reset.contains(action) || self.grant.contains(action) || self.deny.contains(action)
        };
        let merged = |kept: &[Action], new: &[Action]| {
            let mut all: Vec<Action> = kept.iter().copied().filter(|action| !named(action)).collect();
            all.extend_from_slice(new);
            all.sort_unstable();
            all.dedup();
            all
        };
        RightsChanges {
            grants: merged(&now.grants, &self.grant),
            denials: merged(&now.denials, &self.deny),
            queues: match self.queues.as_deref().map(str::trim) {
                None => now.queues.clone(),
                Some("all") => None,
                Some(list) => Some(
                    list.split(',').map(|queue| queue.trim().to_owned()).filter(|q| !q.is_empty()).collect(),
                ),
            },
        }
    }
}

/// `vitrine rights`
pub(super) fn run(rights: &Rights, settings: &Settings) -> ExitCode {
    admin::finish(super::block_on(show_or_set(rights, settings)))
}

async fn show_or_set(rights: &Rights, settings: &Settings) -> Result<String, Failure> {
    let store = admin::open_existing(settings).await?;
    let nobody = || format!("{} has no account: add one with `vitrine user`", rights.email.trim());
    let user = store.user_by_email(rights.email.trim()).await?.ok_or_else(nobody)?;
    let changes = rights.changed(&user.changes);
    if changes == user.changes {
        return Ok(shown(&user));
    }
    check_changes(&changes).map_err(|problem| problem.detail)?;
    let after = store.set_rights(user.id, &changes, Actor::Operator).await?.ok_or_else(nobody)?;
    Ok(shown(&after))
}

fn shown(user: &UserRights) -> String {
    let list = |actions: &[Action]| match actions {
        [] => "-".to_owned(),
        some => some.iter().copied().map(name_of).collect::<Vec<_>>().join(", "),
    };
    let queues = user.changes.queues.as_ref().map_or("all".to_owned(), |queues| match queues.as_slice() {
        [] => "none, only their own calls".to_owned(),
        some => some.join(", "),
    });
    format!(
        "{} <{}>, {}\nmay      {}\ngranted  {}\ndenied   {}\nqueues   {queues}",
        user.name,
        user.email,
        format!("{:?}", user.role).to_lowercase(),
        list(&user.rights),
        list(&user.changes.grants),
        list(&user.changes.denials),
    )
}
