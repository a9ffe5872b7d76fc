//! Flags of recordings: those that are noted of calls, and those that follow from what is stored.

use std::collections::HashSet;

use jiff::Timestamp;
use protocol::ids::{CallId, UserId};
use protocol::search::Flag;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query, SimpleExpr};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};

use super::entities::{call_flag, rating, recording, recording_pause, timeline_comment};
use super::holds::is_held;
use super::{Result, Store, convert};
use crate::search::Scope;

impl Store {
    /// Sets a flag of a call. Setting it again changes nothing.
    pub async fn set_flag(&self, call: CallId, flag: Flag, by: Option<UserId>, at: Timestamp) -> Result<()> {
        let row = call_flag::ActiveModel {
            call: Set(call.0),
            flag: Set(flag.name().to_owned()),
            by: Set(by.map(|id| id.0)),
            at: Set(convert::micros(at)),
        };
        let inserted = call_flag::Entity::insert(row)
            .on_conflict(
                OnConflict::columns([call_flag::Column::Call, call_flag::Column::Flag])
                    .do_nothing()
                    .to_owned(),
            )
            .exec_without_returning(&self.db)
            .await;
        match inserted {
            Ok(_) | Err(DbErr::RecordNotInserted) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes a flag of a call away.
    pub async fn clear_flag(&self, call: CallId, flag: Flag) -> Result<()> {
        call_flag::Entity::delete_many()
            .filter(call_flag::Column::Call.eq(call.0))
            .filter(call_flag::Column::Flag.eq(flag.name()))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Which of some recordings have a reviewer's comment or bookmark.
    pub(super) async fn noted_of(
        &self,
        recordings: impl IntoIterator<Item = uuid::Uuid>,
    ) -> Result<HashSet<uuid::Uuid>> {
        let query = Query::select()
            .distinct()
            .column(timeline_comment::Column::Recording)
            .from(timeline_comment::Entity)
            .and_where(timeline_comment::Column::DeletedAt.is_null())
            .and_where(timeline_comment::Column::Recording.is_in(recordings))
            .to_owned();
        let rows = self.db.query_all(&query).await?;
        rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }

    /// The flags of some calls that are stored as such.
    pub(super) async fn flags_of(
        &self,
        calls: impl IntoIterator<Item = uuid::Uuid>,
    ) -> Result<Vec<(uuid::Uuid, Flag)>> {
        let rows =
            call_flag::Entity::find().filter(call_flag::Column::Call.is_in(calls)).all(&self.db).await?;
        // A flag of a newer version is not an error: it only cannot be shown.
        let known = |name: &str| Flag::ALL.into_iter().find(|flag| flag.name() == name);
        Ok(rows.into_iter().filter_map(|row| known(&row.flag).map(|flag| (row.call, flag))).collect())
    }
}

/// What a flag says as SQL, over recordings with call and rating beside them.
pub(super) fn is_flagged(flag: Flag, scope: &Scope) -> SimpleExpr {
    match flag {
        Flag::Comment => Expr::col((rating::Entity, rating::Column::Comment)).ne(""),
        Flag::Paused => {
            let paused = Query::select()
                .column(recording_pause::Column::Recording)
                .from(recording_pause::Entity)
                .to_owned();
            Expr::col((recording::Entity, recording::Column::Id)).in_subquery(paused)
        }
        Flag::Withheld => Expr::col((recording::Entity, recording::Column::WithheldAt)).is_not_null(),
        Flag::Noted => {
            let noted = Query::select()
                .column(timeline_comment::Column::Recording)
                .from(timeline_comment::Entity)
                .and_where(timeline_comment::Column::DeletedAt.is_null())
                .to_owned();
            Expr::col((recording::Entity, recording::Column::Id)).in_subquery(noted)
        }
        Flag::Complaint => {
            let flagged = Query::select()
                .column(call_flag::Column::Call)
                .from(call_flag::Entity)
                .and_where(call_flag::Column::Flag.eq(flag.name()))
                .to_owned();
            Expr::col((recording::Entity, recording::Column::Call)).in_subquery(flagged)
        }
        Flag::LegalHold if scope.holds => is_held(),
        Flag::LegalHold => Expr::val(false).eq(true),
    }
}
