//! When nothing of a recording was stored, and why.

use std::collections::BTreeMap;

use jiff::Timestamp;
use protocol::call::PauseReason;
use protocol::ids::{RecordingId, UserId};
use protocol::rest::PauseSpan;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::entities::recording_pause::{ActiveModel, Column, Entity};
use super::{Result, Store, convert};

impl Store {
    /// Nothing is stored from now on. Saying it again changes nothing.
    pub async fn recording_paused(
        &self,
        recording: RecordingId,
        since: Timestamp,
        reason: PauseReason,
        by: Option<UserId>,
    ) -> Result<()> {
        let row = ActiveModel {
            recording: Set(recording.0),
            since: Set(convert::micros(since)),
            reason: Set(convert::name(&reason)),
            by: Set(by.map(|user| user.0)),
            ended_at: Set(None),
            timed_out: Set(false),
        };
        let again = OnConflict::columns([Column::Recording, Column::Since]).do_nothing().to_owned();
        match Entity::insert(row).on_conflict(again).exec_without_returning(&self.db).await {
            Ok(_) | Err(sea_orm::DbErr::RecordNotInserted) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// A pause is over.
    pub async fn recording_resumed(
        &self,
        recording: RecordingId,
        since: Timestamp,
        at: Timestamp,
        timed_out: bool,
    ) -> Result<()> {
        Entity::update_many()
            .col_expr(Column::EndedAt, Expr::value(Some(convert::micros(at))))
            .col_expr(Column::TimedOut, Expr::value(timed_out))
            .filter(Column::Recording.eq(recording.0))
            .filter(Column::Since.eq(convert::micros(since)))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// The pauses of some recordings, in time order.
    pub(super) async fn pauses_of(&self, recordings: &[Uuid]) -> Result<BTreeMap<Uuid, Vec<PauseSpan>>> {
        let rows = Entity::find()
            .filter(Column::Recording.is_in(recordings.iter().copied()))
            .order_by_asc(Column::Since)
            .all(&self.db)
            .await?;
        let mut found: BTreeMap<Uuid, Vec<PauseSpan>> = BTreeMap::new();
        for row in rows {
            found.entry(row.recording).or_default().push(PauseSpan {
                reason: convert::named("recording_pauses.reason", &row.reason)?,
                since: convert::time("recording_pauses.since", row.since)?,
                ended_at: convert::time_opt("recording_pauses.ended_at", row.ended_at)?,
                timed_out: row.timed_out,
            });
        }
        Ok(found)
    }
}
