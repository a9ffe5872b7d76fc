//! Which calls somebody sees: their own, and everybody's, or of the latter only those of some queues.

use protocol::ids::UserId;
use protocol::rest::Me;
use protocol::rights::Action;
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, Condition};
use uuid::Uuid;

use super::entities::call;

/// What a member of staff sees of calls, and so of tickets and recordings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scope {
    own: UserId,
    others: Others,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Others {
    None,
    Of(Vec<String>),
    All,
}

impl Scope {
    /// What somebody sees; none when they see no calls at all.
    pub fn of(me: &Me) -> Option<Self> {
        let others = match (me.may(Action::ReadAllCalls), &me.queues) {
            (true, None) => Others::All,
            (true, Some(queues)) => Others::Of(queues.clone()),
            (false, _) if me.may(Action::ReadOwnCalls) => Others::None,
            (false, _) => return None,
        };
        Some(Self { own: me.id, others })
    }

    /// What somebody sees who may see recordings: of those, not only the ones of their own calls.
    pub fn of_recordings(me: &Me) -> Self {
        let others = me.queues.clone().map_or(Others::All, Others::Of);
        Self { own: me.id, others }
    }

    /// Who sees.
    pub fn own(&self) -> UserId {
        self.own
    }

    /// Whether something was made by whoever sees.
    pub fn is_own(&self, by: Uuid) -> bool {
        self.own.0 == by
    }

    /// Whether it is less than everybody's calls.
    pub fn is_limited(&self) -> bool {
        self.others != Others::All
    }

    /// Whether a call of this agent and this queue is among it.
    pub fn includes(&self, agent: Option<UserId>, queue: &str) -> bool {
        agent == Some(self.own)
            || match &self.others {
                Others::None => false,
                Others::Of(queues) => queues.iter().any(|known| known == queue),
                Others::All => true,
            }
    }

    /// The same as a condition on calls.
    pub fn condition(&self) -> Condition {
        let own = || call::Column::Agent.eq(self.own.0);
        match &self.others {
            Others::None => Condition::all().add(own()),
            Others::Of(queues) => {
                Condition::any().add(own()).add(call::Column::Queue.is_in(queues.iter().cloned()))
            }
            Others::All => Condition::all(),
        }
    }

    /// The same as a condition on a column that holds ids of calls.
    pub fn on(&self, column: impl ColumnTrait) -> Condition {
        if self.others == Others::All {
            return Condition::all();
        }
        let calls = Query::select()
            .column(call::Column::Id)
            .from(call::Entity)
            .cond_where(self.condition())
            .to_owned();
        Condition::all().add(column.in_subquery(calls))
    }
}
