//! What happened in calls, kept with them.

use std::collections::BTreeMap;

use protocol::ids::{CallId, UserId};
use protocol::replay::CallEvent;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::entities::{call_event, user};
use super::{Result, Store, convert, convert::unreadable};

impl Store {
    /// Keeps an event, numbered in each call. Telling it again changes nothing.
    pub async fn add_event(&self, call: CallId, number: u32, event: &CallEvent) -> Result<()> {
        let row = call_event::ActiveModel {
            call: Set(call.0),
            number: Set(i32::try_from(number).map_err(|error| unreadable("call_events.number", error))?),
            event: Set(convert::json("call_events.event", event)?),
        };
        let key = [call_event::Column::Call, call_event::Column::Number];
        call_event::Entity::insert(row)
            .on_conflict(OnConflict::columns(key).do_nothing().to_owned())
            .exec_without_returning(&self.db)
            .await?;
        Ok(())
    }

    /// What happened in a call, oldest first.
    pub async fn events_of(&self, call: CallId) -> Result<Vec<CallEvent>> {
        call_event::Entity::find()
            .filter(call_event::Column::Call.eq(call.0))
            .order_by_asc(call_event::Column::Number)
            .all(&self.db)
            .await?
            .into_iter()
            .map(|row| convert::from_json("call_events.event", &row.event))
            .collect()
    }

    /// The names of some members of staff, those without an account left out.
    pub async fn names_of(&self, users: &[UserId]) -> Result<BTreeMap<UserId, String>> {
        let rows = user::Entity::find()
            .filter(user::Column::Id.is_in(users.iter().map(|user| user.0)))
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().map(|row| (UserId(row.id), row.name)).collect())
    }
}
