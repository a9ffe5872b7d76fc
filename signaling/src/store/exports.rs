//! Exports of recordings, from the request to the day their file goes.

use jiff::Timestamp;
use protocol::exports::{Export, ExportStatus, NewExport, Redaction};
use protocol::ids::{ExportId, RecordingId, UserId};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder, UpdateMany};

use super::entities::export;
use super::{Result, Store, convert};

/// Exports that a restart of the server interrupts as often as this are given up.
pub(crate) const ATTEMPTS_MAX: i32 = 3;

impl Store {
    /// Somebody asks for an export; it is queued.
    pub async fn add_export(
        &self,
        recording: RecordingId,
        new: NewExport,
        by: UserId,
        by_name: &str,
    ) -> Result<ExportId> {
        let id = ExportId::new();
        let row = export::ActiveModel {
            id: Set(id.0),
            recording: Set(recording.0),
            status: Set(convert::name(&ExportStatus::Queued)),
            by: Set(by.0),
            by_name: Set(by_name.to_owned()),
            reason: Set(new.reason),
            timestamps: Set(new.timestamps),
            redactions: Set(convert::json("exports.redactions", &new.redactions)?),
            created_at: Set(convert::micros(self.now())),
            attempts: Set(0),
            finished_at: Set(None),
            expires_at: Set(None),
            error: Set(None),
            bytes: Set(None),
            duration_ms: Set(None),
        };
        export::Entity::insert(row).exec_without_returning(&self.db).await?;
        Ok(id)
    }

    /// One export.
    pub async fn export(&self, id: ExportId) -> Result<Option<Export>> {
        export::Entity::find_by_id(id.0).one(&self.db).await?.map(shown).transpose()
    }

    /// The exports of a recording, newest first.
    pub async fn exports_of(&self, recording: RecordingId) -> Result<Vec<Export>> {
        let rows = export::Entity::find()
            .filter(export::Column::Recording.eq(recording.0))
            .order_by_desc(export::Column::Id)
            .all(&self.db)
            .await?;
        rows.into_iter().map(shown).collect()
    }

    /// Every export that stands so, oldest first.
    pub async fn exports_that_are(&self, status: ExportStatus) -> Result<Vec<Export>> {
        let rows = export::Entity::find()
            .filter(export::Column::Status.eq(convert::name(&status)))
            .order_by_asc(export::Column::Id)
            .all(&self.db)
            .await?;
        rows.into_iter().map(shown).collect()
    }

    /// How many are queued or being made.
    pub async fn exports_open(&self) -> Result<u64> {
        let open = [ExportStatus::Queued, ExportStatus::Running].map(|status| convert::name(&status));
        Ok(export::Entity::find().filter(export::Column::Status.is_in(open)).count(&self.db).await?)
    }

    /// It is being made from now on; false if it is no longer queued.
    pub async fn export_begun(&self, id: ExportId) -> Result<bool> {
        let update = becomes(ExportStatus::Running)
            .col_expr(export::Column::Attempts, Expr::col(export::Column::Attempts).add(1))
            .filter(export::Column::Id.eq(id.0))
            .filter(export::Column::Status.eq(convert::name(&ExportStatus::Queued)));
        Ok(update.exec(&self.db).await?.rows_affected > 0)
    }

    /// Its file is there; nothing changes if it was cancelled meanwhile.
    pub async fn export_done(
        &self,
        id: ExportId,
        bytes: u64,
        duration_ms: u64,
        expires_at: Timestamp,
    ) -> Result<()> {
        let signed = |value: u64| Some(i64::try_from(value).unwrap_or(i64::MAX));
        becomes(ExportStatus::Done)
            .col_expr(export::Column::FinishedAt, Expr::value(Some(convert::micros(self.now()))))
            .col_expr(export::Column::ExpiresAt, Expr::value(Some(convert::micros(expires_at))))
            .col_expr(export::Column::Bytes, Expr::value(signed(bytes)))
            .col_expr(export::Column::DurationMs, Expr::value(signed(duration_ms)))
            .filter(export::Column::Id.eq(id.0))
            .filter(export::Column::Status.eq(convert::name(&ExportStatus::Running)))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// It ended in another way: failed, cancelled, deleted. What was cancelled cannot fail any more.
    pub async fn export_ended(&self, id: ExportId, status: ExportStatus, error: Option<&str>) -> Result<()> {
        let from = match status {
            ExportStatus::Failed => export::Column::Status.eq(convert::name(&ExportStatus::Running)),
            _ => export::Column::Status.is_not_null(),
        };
        becomes(status)
            .col_expr(export::Column::FinishedAt, Expr::value(Some(convert::micros(self.now()))))
            .col_expr(export::Column::ExpiresAt, Expr::value(None::<i64>))
            .col_expr(export::Column::Error, Expr::value(error.map(str::to_owned)))
            .filter(export::Column::Id.eq(id.0))
            .filter(from)
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// It is to be made again; false unless it has ended without a file.
    pub async fn export_requeued(&self, id: ExportId) -> Result<bool> {
        let ended = [ExportStatus::Failed, ExportStatus::Cancelled, ExportStatus::Deleted];
        let update = becomes(ExportStatus::Queued)
            .col_expr(export::Column::Attempts, Expr::value(0))
            .col_expr(export::Column::FinishedAt, Expr::value(None::<i64>))
            .col_expr(export::Column::Error, Expr::value(None::<String>))
            .col_expr(export::Column::Bytes, Expr::value(None::<i64>))
            .col_expr(export::Column::DurationMs, Expr::value(None::<i64>))
            .filter(export::Column::Id.eq(id.0))
            .filter(export::Column::Status.is_in(ended.map(|status| convert::name(&status))));
        Ok(update.exec(&self.db).await?.rows_affected > 0)
    }

    /// What an earlier run of the server was making is queued again, or given up after [`ATTEMPTS_MAX`]: how many.
    pub async fn exports_interrupted(&self) -> Result<(u64, u64)> {
        let running = || export::Column::Status.eq(convert::name(&ExportStatus::Running));
        let error = format!("the server was stopped {ATTEMPTS_MAX} times while this export was made");
        let given_up = becomes(ExportStatus::Failed)
            .col_expr(export::Column::FinishedAt, Expr::value(Some(convert::micros(self.now()))))
            .col_expr(export::Column::Error, Expr::value(Some(error)))
            .filter(running())
            .filter(export::Column::Attempts.gte(ATTEMPTS_MAX))
            .exec(&self.db)
            .await?;
        let again = becomes(ExportStatus::Queued).filter(running()).exec(&self.db).await?;
        Ok((again.rows_affected, given_up.rows_affected))
    }
}

fn becomes(status: ExportStatus) -> UpdateMany<export::Entity> {
    export::Entity::update_many().col_expr(export::Column::Status, Expr::value(convert::name(&status)))
}

fn shown(row: export::Model) -> Result<Export> {
    let status: ExportStatus = convert::named("exports.status", &row.status)?;
    let redactions: Vec<Redaction> = convert::from_json("exports.redactions", &row.redactions)?;
    Ok(Export {
        id: ExportId(row.id),
        recording: RecordingId(row.recording),
        status,
        progress: if status == ExportStatus::Done { 100 } else { 0 },
        by: UserId(row.by),
        by_name: row.by_name,
        reason: row.reason,
        timestamps: row.timestamps,
        redactions,
        created_at: convert::time("exports.created_at", row.created_at)?,
        finished_at: convert::time_opt("exports.finished_at", row.finished_at)?,
        expires_at: convert::time_opt("exports.expires_at", row.expires_at)?,
        error: row.error,
        bytes: row.bytes.and_then(|bytes| u64::try_from(bytes).ok()),
        duration_ms: row.duration_ms.and_then(|ms| u32::try_from(ms).ok()),
        url: (status == ExportStatus::Done).then(|| format!("/api/v1/exports/{}/file", row.id)),
    })
}
