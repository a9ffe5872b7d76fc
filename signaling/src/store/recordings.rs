//! What is known about recordings besides their media, which the recorder keeps on disk.

use jiff::Timestamp;
use protocol::audit::AuditEvent;
use protocol::call::BuyerContext;
use protocol::ids::{CallId, RecordingId, TicketId};
use protocol::rest::RecordingSummary;
use protocol::search::Flag;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, TransactionTrait,
};

use super::calls::ticket_ref;
use super::entities::{call, recording, ticket};
use super::review::forget_comments;
use super::{Result, Store, StoreError, audit, convert};
use crate::audit::{Actor, Note};

/// What the store says of a recording.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordingRow {
    /// Its id.
    pub id: RecordingId,
    /// Its call.
    pub call: CallId,
    /// How it stands.
    pub state: RowState,
}

/// How a recording stands, by its row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RowState {
    /// It runs.
    Open,
    /// It has ended.
    Complete {
        /// Length of its timeline, milliseconds.
        duration_ms: u32,
    },
    /// It has ended, its buyer took back their consent, and a legal hold keeps it.
    Withheld {
        /// Length of its timeline, milliseconds.
        duration_ms: u32,
    },
    /// Its media is gone.
    Deleted {
        /// Why.
        reason: String,
    },
}

/// What decides how long a recording is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptRecording {
    /// Which.
    pub id: RecordingId,
    /// Its call.
    pub call: CallId,
    /// From here the days count.
    pub started_at: Timestamp,
    /// The call's queue.
    pub queue: String,
    /// The buyer's country.
    pub country: Option<String>,
}

fn kept(row: &recording::Model, call: Option<&call::Model>) -> Result<KeptRecording> {
    let call = call.ok_or_else(|| StoreError::Missing { what: "call", id: row.call.to_string() })?;
    let context: BuyerContext = convert::from_json("calls.context", &call.context)?;
    Ok(KeptRecording {
        id: RecordingId(row.id),
        call: CallId(row.call),
        started_at: convert::time("recordings.started_at", row.started_at)?,
        queue: call.queue.clone(),
        country: context.country,
    })
}

impl Store {
    /// The recorder has its first packet.
    pub async fn recording_started(
        &self,
        id: RecordingId,
        call: CallId,
        started_at: Timestamp,
    ) -> Result<()> {
        let row = recording::ActiveModel {
            id: Set(id.0),
            call: Set(call.0),
            started_at: Set(convert::micros(started_at)),
            duration_ms: Set(0),
            complete: Set(false),
            deleted_at: Set(None),
            deleted_reason: Set(None),
            withheld_at: Set(None),
        };
        // Whoever reconciles may have been quicker.
        recording::Entity::insert(row)
            .on_conflict_do_nothing_on([recording::Column::Id])
            .exec_without_returning(&self.db)
            .await?;
        Ok(())
    }

    /// There is media that the store did not know of, and this is how it stands. A row that has come meanwhile stays.
    pub async fn recording_linked(
        &self,
        id: RecordingId,
        call: CallId,
        started_at: Timestamp,
        state: &RowState,
    ) -> Result<()> {
        self.recording_started(id, call, started_at).await?;
        match state {
            RowState::Open => Ok(()),
            RowState::Complete { duration_ms } => self.recording_finished(id, *duration_ms).await,
            RowState::Withheld { duration_ms } => {
                self.recording_finished(id, *duration_ms).await?;
                self.recording_withheld(id, self.now()).await
            }
            RowState::Deleted { reason } => self.recording_deleted(id, self.now(), reason).await,
        }
    }

    /// The recording is complete, whatever its row said before.
    pub async fn recording_found(&self, id: RecordingId, duration_ms: u32) -> Result<()> {
        recording::Entity::update_many()
            .col_expr(recording::Column::Complete, Expr::value(true))
            .col_expr(recording::Column::DurationMs, Expr::value(i64::from(duration_ms)))
            .col_expr(recording::Column::DeletedAt, Expr::value(None::<i64>))
            .col_expr(recording::Column::DeletedReason, Expr::value(None::<String>))
            .filter(recording::Column::Id.eq(id.0))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// The recording is complete.
    pub async fn recording_finished(&self, id: RecordingId, duration_ms: u32) -> Result<()> {
        recording::Entity::update_many()
            .col_expr(recording::Column::Complete, Expr::value(true))
            .col_expr(recording::Column::DurationMs, Expr::value(i64::from(duration_ms)))
            .filter(recording::Column::Id.eq(id.0))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// The media is gone, and why (e.g. `consent_withdrawn`). The row stays and proves it, and the audit log tells; comments
    /// on what was seen and said go along.
    pub async fn recording_deleted(&self, id: RecordingId, at: Timestamp, reason: &str) -> Result<()> {
        let transaction = self.audit_db.begin().await?;
        let changed = recording::Entity::update_many()
            .col_expr(recording::Column::DeletedAt, Expr::value(Some(convert::micros(at))))
            .col_expr(recording::Column::DeletedReason, Expr::value(Some(reason.to_owned())))
            .filter(recording::Column::Id.eq(id.0))
            .filter(recording::Column::DeletedAt.is_null())
            .exec(&transaction)
            .await?;
        if changed.rows_affected > 0 {
            let note = Note::new(Actor::Server, AuditEvent::RecordingDeleted).recording(id).why(reason);
            forget_comments(&transaction, id).await?;
            audit::append(&transaction, self.now(), note).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// The buyer took back their consent, and a legal hold keeps the media: from now on it is locked. The audit log tells.
    pub async fn recording_withheld(&self, id: RecordingId, at: Timestamp) -> Result<()> {
        let transaction = self.audit_db.begin().await?;
        let changed = recording::Entity::update_many()
            .col_expr(recording::Column::WithheldAt, Expr::value(Some(convert::micros(at))))
            .col_expr(recording::Column::Complete, Expr::value(true))
            .col_expr(recording::Column::DeletedAt, Expr::value(None::<i64>))
            .col_expr(recording::Column::DeletedReason, Expr::value(None::<String>))
            .filter(recording::Column::Id.eq(id.0))
            .filter(recording::Column::WithheldAt.is_null().or(recording::Column::DeletedAt.is_not_null()))
            .exec(&transaction)
            .await?;
        if changed.rows_affected > 0 {
            let note = Note::new(Actor::Server, AuditEvent::RecordingWithheld).recording(id);
            audit::append(&transaction, self.now(), note).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// A row that said already that the media is gone says why in other words now.
    pub async fn recording_gone_because(&self, id: RecordingId, reason: &str) -> Result<()> {
        let transaction = self.audit_db.begin().await?;
        let changed = recording::Entity::update_many()
            .col_expr(recording::Column::DeletedReason, Expr::value(Some(reason.to_owned())))
            .filter(recording::Column::Id.eq(id.0))
            .filter(recording::Column::DeletedAt.is_not_null())
            .filter(recording::Column::DeletedReason.ne(reason))
            .exec(&transaction)
            .await?;
        if changed.rows_affected > 0 {
            let note = Note::new(Actor::Server, AuditEvent::RecordingDeleted).recording(id).why(reason);
            audit::append(&transaction, self.now(), note).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Every recording, in order of id.
    pub async fn recording_rows(&self) -> Result<Vec<RecordingRow>> {
        let rows = recording::Entity::find().order_by_asc(recording::Column::Id).all(&self.db).await?;
        rows.into_iter()
            .map(|row| {
                let duration_ms = u32::try_from(row.duration_ms)
                    .map_err(|error| convert::unreadable("recordings.duration_ms", error))?;
                let state = match (row.deleted_at, row.withheld_at, row.complete) {
                    (Some(_), ..) => RowState::Deleted { reason: row.deleted_reason.unwrap_or_default() },
                    (None, Some(_), _) => RowState::Withheld { duration_ms },
                    (None, None, true) => RowState::Complete { duration_ms },
                    (None, None, false) => RowState::Open,
                };
                Ok(RecordingRow { id: RecordingId(row.id), call: CallId(row.call), state })
            })
            .collect()
    }

    /// Complete recordings that began before a time and whose media exists, oldest first, those after `from`.
    pub async fn recordings_before(
        &self,
        at: Timestamp,
        from: Option<&KeptRecording>,
        limit: u64,
    ) -> Result<Vec<KeptRecording>> {
        let mut query = recording::Entity::find()
            .filter(recording::Column::StartedAt.lt(convert::micros(at)))
            .filter(recording::Column::Complete.eq(true))
            .filter(recording::Column::DeletedAt.is_null())
            .order_by_asc(recording::Column::StartedAt)
            .order_by_asc(recording::Column::Id)
            .limit(limit);
        if let Some(from) = from {
            let at = convert::micros(from.started_at);
            let same = recording::Column::StartedAt.eq(at).and(recording::Column::Id.gt(from.id.0));
            query = query.filter(Condition::any().add(recording::Column::StartedAt.gt(at)).add(same));
        }
        let rows = query.all(&self.db).await?;
        let ids = rows.iter().map(|row| row.call);
        let calls = call::Entity::find().filter(call::Column::Id.is_in(ids)).all(&self.db).await?;
        rows.iter().map(|row| kept(row, calls.iter().find(|call| call.id == row.call))).collect()
    }

    /// What decides how long a recording is kept.
    pub async fn kept_recording(&self, id: RecordingId) -> Result<Option<KeptRecording>> {
        let Some(row) = recording::Entity::find_by_id(id.0).one(&self.db).await? else { return Ok(None) };
        let call = call::Entity::find_by_id(row.call).one(&self.db).await?;
        kept(&row, call.as_ref()).map(Some)
    }

    /// One recording whose media exists.
    pub async fn recording(&self, id: RecordingId) -> Result<Option<RecordingSummary>> {
        let row = recording::Entity::find_by_id(id.0)
            .filter(recording::Column::DeletedAt.is_null())
            .one(&self.db)
            .await?;
        Ok(self.recording_summaries(row.into_iter().collect()).await?.pop())
    }

    /// The recordings of some calls whose media exists, newest first.
    pub(super) async fn recordings_of(&self, calls: &[CallId]) -> Result<Vec<RecordingSummary>> {
        let rows = recording::Entity::find()
            .filter(recording::Column::Call.is_in(calls.iter().map(|id| id.0)))
            .filter(recording::Column::DeletedAt.is_null())
            .order_by_desc(recording::Column::Id)
            .all(&self.db)
            .await?;
        self.recording_summaries(rows).await
    }

    /// Recordings as the API shows them, in the same order.
    pub(super) async fn recording_summaries(
        &self,
        rows: Vec<recording::Model>,
    ) -> Result<Vec<RecordingSummary>> {
        let ids = || rows.iter().map(|row| row.call);
        let calls = call::Entity::find().filter(call::Column::Id.is_in(ids())).all(&self.db).await?;
        let tickets = ticket::Entity::find().filter(ticket::Column::Call.is_in(ids())).all(&self.db).await?;
        let ratings = self.ratings_of(ids()).await?;
        let mut pauses = self.pauses_of(&rows.iter().map(|row| row.id).collect::<Vec<_>>()).await?;
        let flags = self.flags_of(ids()).await?;
        let noted = self.noted_of(rows.iter().map(|row| row.id)).await?;
        rows.iter()
            .map(|row| {
                let call = calls
                    .iter()
                    .find(|call| call.id == row.call)
                    .ok_or_else(|| StoreError::Missing { what: "call", id: row.call.to_string() })?;
                let context: BuyerContext = convert::from_json("calls.context", &call.context)?;
                let ticket = tickets.iter().find(|ticket| ticket.call == row.call);
                let rating = ratings.get(&row.call).cloned();
                let comment =
                    rating.as_ref().and_then(|rating| rating.comment.as_ref()).map(|_| Flag::Comment);
                let pauses = pauses.remove(&row.id).unwrap_or_default();
                let paused = (!pauses.is_empty()).then_some(Flag::Paused);
                let noted = noted.contains(&row.id).then_some(Flag::Noted);
                let withheld = row.withheld_at.map(|_| Flag::Withheld);
                let stored = flags.iter().filter(|(call, _)| *call == row.call).map(|(_, flag)| *flag);
                Ok(RecordingSummary {
                    id: RecordingId(row.id),
                    call: CallId(row.call),
                    ticket: ticket.map(|ticket| TicketId(ticket.id)),
                    ticket_number: ticket.map(|ticket| ticket_ref(ticket.id, ticket.number).number),
                    agent: ticket.map(|ticket| ticket.agent_name.clone()).unwrap_or_default(),
                    queue: call.queue.clone(),
                    sku: context.product.as_ref().map(|product| product.sku.clone()),
                    product: context.product.map(|product| product.name),
                    language: context.language,
                    outcome: ticket.and_then(|ticket| ticket.outcome.clone()),
                    country: call.country.clone(),
                    flags: stored.chain(comment).chain(paused).chain(noted).chain(withheld).collect(),
                    rating,
                    started_at: convert::time("recordings.started_at", row.started_at)?,
                    duration_ms: u32::try_from(row.duration_ms)
                        .map_err(|error| convert::unreadable("recordings.duration_ms", error))?,
                    complete: row.complete,
                    pauses,
                })
            })
            .collect()
    }
}
