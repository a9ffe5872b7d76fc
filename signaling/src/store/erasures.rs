//! Erasures in the store: what was asked for, what a call loses, what was certified.

use jiff::Timestamp;
use protocol::audit::{AuditEvent, Signed};
use protocol::call::CallState;
use protocol::governance::{Erasure, ErasureCertificate, SubjectRef};
use protocol::ids::{CallId, ErasureId, RecordingId};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, TransactionTrait,
};
use serde_json::json;

use super::entities::{call, erasure, hold, recording};
use super::{Result, Store, audit, convert};
use crate::audit::{Actor, Note, subject_hash};

/// How the reason of what an erasure took begins.
pub(super) const ERASURE: &str = "erasure:";
/// How a buyer's pseudonym begins.
pub(super) const PSEUDONYM: &str = "sha256:";
/// Erasures listed.
const LISTED_MAX: u64 = 200;

/// An erasure that is not done yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ErasureToDo {
    /// Which.
    pub id: ErasureId,
    /// Whose.
    pub buyer: SubjectRef,
    /// Asked for at.
    pub requested_at: Timestamp,
}

impl ErasureToDo {
    /// Why its recordings are deleted, as their rows and manifests say it.
    pub fn reason(&self) -> String {
        reason(self.id)
    }
}

fn reason(id: ErasureId) -> String {
    format!("{ERASURE}{id}")
}

/// A recording of a call, as an erasure needs to know it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordingState {
    /// Which.
    pub id: RecordingId,
    /// Its media is gone since.
    pub deleted_at: Option<Timestamp>,
}

impl Store {
    /// Writes down that a buyer is to be erased. From here on it will happen, whatever stops the server.
    pub async fn request_erasure(&self, buyer: &SubjectRef, why: &str, by: Actor) -> Result<ErasureId> {
        let ids = self.ids_of(&buyer.shop, &buyer.subject).await?;
        let why = &self.known_of_buyer(&buyer.shop, &ids).await?.hide_known(why);
        let id = ErasureId::new();
        let row = erasure::ActiveModel {
            id: Set(id.0),
            shop: Set(buyer.shop.clone()),
            subject: Set(Some(buyer.subject.clone())),
            subject_sha256: Set(subject_hash(&buyer.shop, &buyer.subject)),
            why: Set(why.to_owned()),
            requested_at: Set(convert::micros(self.now())),
            trouble: Set(None),
            certificate: Set(None),
        };
        let note = Note::new(by, AuditEvent::ErasureRequested)
            .subject(&buyer.shop, &buyer.subject)
            .why(why)
            .detail(json!({ "erasure": id }));
        let transaction = self.audit_db.begin().await?;
        erasure::Entity::insert(row).exec_without_returning(&transaction).await?;
        audit::append(&transaction, self.now(), note).await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// What is asked for and not done, oldest first.
    pub async fn erasures_to_do(&self) -> Result<Vec<ErasureToDo>> {
        let rows = erasure::Entity::find()
            .filter(erasure::Column::Certificate.is_null())
            .order_by_asc(erasure::Column::Id)
            .all(&self.db)
            .await?;
        rows.into_iter()
            .filter_map(|row| {
                let subject = row.subject?;
                let requested_at = convert::time("erasures.requested_at", row.requested_at);
                Some(requested_at.map(|requested_at| ErasureToDo {
                    id: ErasureId(row.id),
                    buyer: SubjectRef { shop: row.shop, subject },
                    requested_at,
                }))
            })
            .collect()
    }

    /// The newest erasures.
    pub async fn erasures(&self) -> Result<Vec<Erasure>> {
        let rows = erasure::Entity::find()
            .order_by_desc(erasure::Column::Id)
            .limit(LISTED_MAX)
            .all(&self.db)
            .await?;
        let mut shown = Vec::with_capacity(rows.len());
        for row in rows {
            shown.push(self.erasure_shown(row).await?);
        }
        Ok(shown)
    }

    /// One erasure.
    pub async fn erasure(&self, id: ErasureId) -> Result<Option<Erasure>> {
        match erasure::Entity::find_by_id(id.0).one(&self.db).await? {
            Some(row) => self.erasure_shown(row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn erasure_shown(&self, row: erasure::Model) -> Result<Erasure> {
        let id = ErasureId(row.id);
        let erased = recording::Entity::find()
            .filter(recording::Column::DeletedReason.eq(reason(id)))
            .count(&self.db)
            .await?;
        Ok(Erasure {
            id,
            subject_sha256: row.subject_sha256,
            why: row.why,
            requested_at: convert::time("erasures.requested_at", row.requested_at)?,
            erased: u32::try_from(erased).unwrap_or(u32::MAX),
            trouble: row.trouble,
            certificate: row
                .certificate
                .map(|text| convert::from_json("erasures.certificate", &text))
                .transpose()?,
        })
    }

    /// Notes what stopped an erasure for now.
    pub async fn erasure_troubled(&self, id: ErasureId, trouble: &str) -> Result<()> {
        erasure::Entity::update_many()
            .col_expr(erasure::Column::Trouble, Expr::value(Some(trouble.to_owned())))
            .filter(erasure::Column::Id.eq(id.0))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Whether a call is not over yet, or still to be written about by its agent.
    pub async fn is_in_progress(&self, call: CallId) -> Result<bool> {
        let row = call::Entity::find_by_id(call.0).one(&self.db).await?;
        Ok(row.is_some_and(|row| row.state != convert::name(&CallState::Ended)))
    }

    /// Every recording there ever was of a call.
    pub async fn recordings_ever(&self, call: CallId) -> Result<Vec<RecordingState>> {
        let rows = recording::Entity::find()
            .filter(recording::Column::Call.eq(call.0))
            .order_by_asc(recording::Column::Id)
            .all(&self.db)
            .await?;
        rows.into_iter()
            .map(|row| {
                Ok(RecordingState {
                    id: RecordingId(row.id),
                    deleted_at: convert::time_opt("recordings.deleted_at", row.deleted_at)?,
                })
            })
            .collect()
    }

    /// What an erasure has erased so far: recordings and when, and calls.
    pub async fn erased_by(
        &self,
        erasure: &ErasureToDo,
    ) -> Result<(Vec<(RecordingId, Timestamp)>, Vec<CallId>)> {
        let rows = recording::Entity::find()
            .filter(recording::Column::DeletedReason.eq(erasure.reason()))
            .order_by_asc(recording::Column::Id)
            .all(&self.db)
            .await?;
        let recordings = rows
            .into_iter()
            .map(|row| {
                let at = convert::time("recordings.deleted_at", row.deleted_at.unwrap_or_default())?;
                Ok((RecordingId(row.id), at))
            })
            .collect::<Result<_>>()?;
        let calls = self.calls_of(&erasure.buyer.shop, &[erasure.reason()]).await?;
        Ok((recordings, calls))
    }

    /// Keeps the certificate: the erasure is done. The buyer's id goes, and their aliases, unless something was kept.
    pub async fn finish_erasure(
        &self,
        erasure: &ErasureToDo,
        ids: &[String],
        certificate: &Signed<ErasureCertificate>,
    ) -> Result<()> {
        let said = &certificate.statement;
        if said.kept.is_empty() {
            self.forget_aliases(&erasure.buyer.shop, ids).await?;
        }
        let text = convert::json("erasures.certificate", certificate)?;
        let note = Note::new(Actor::Server, AuditEvent::ErasureFinished)
            .subject(&erasure.buyer.shop, &erasure.buyer.subject)
            .detail(json!({
                "erasure": erasure.id,
                "recordings": said.recordings.len(),
                "calls": said.calls.len(),
                "kept": said.kept.len(),
                "signature": certificate.signature,
            }));
        let transaction = self.audit_db.begin().await?;
        let changed = erasure::Entity::update_many()
            .col_expr(erasure::Column::Certificate, Expr::value(Some(text)))
            .col_expr(erasure::Column::Subject, Expr::value(Option::<String>::None))
            .col_expr(erasure::Column::Trouble, Expr::value(Option::<String>::None))
            .filter(erasure::Column::Id.eq(erasure.id.0))
            .filter(erasure::Column::Certificate.is_null())
            .exec(&transaction)
            .await?;
        hold::Entity::update_many()
            .col_expr(hold::Column::Subject, Expr::value(Some(pseudonym(&erasure.buyer))))
            .filter(hold::Column::Shop.eq(&erasure.buyer.shop))
            .filter(hold::Column::Subject.is_in(ids))
            .filter(hold::Column::LiftedAt.is_not_null())
            .exec(&transaction)
            .await?;
        if changed.rows_affected > 0 {
            audit::append(&transaction, self.now(), note).await?;
        }
        transaction.commit().await?;
        self.forget_pages().await
    }

    /// Has the database forget what was overwritten: with SQLite, pages of the write-ahead log that hold older versions.
    async fn forget_pages(&self) -> Result<()> {
        if self.db.get_database_backend() == DbBackend::Sqlite {
            self.db.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        }
        Ok(())
    }
}

/// What stands in evidence instead of a buyer's id.
pub fn pseudonym(buyer: &SubjectRef) -> String {
    format!("{PSEUDONYM}{}", subject_hash(&buyer.shop, &buyer.subject))
}
