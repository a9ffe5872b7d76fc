//! Disputes of scores.

use jiff::Timestamp;
use protocol::audit::AuditEvent;
use protocol::ids::{DisputeId, ReviewId, UserId};
use protocol::review::{Dispute, DisputeState, Person, ReviewSummary};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    TransactionTrait,
};
use serde_json::json;

use super::super::entities::{dispute, review};
use super::super::{Result, Scope, Store, audit, convert};
use super::forms::count;
use super::person;
use super::reviews::{SubmittedRevision, of_review, revise};
use crate::audit::Note;

/// Most rows of the list; the rest comes up when these are done.
const OPEN_MAX: u64 = 500;

/// What decides about a dispute.
#[derive(Clone, Copy, Debug)]
pub struct DisputeFacts {
    /// Which.
    pub id: DisputeId,
    /// The review it is about.
    pub review: ReviewId,
    /// The revision it is about.
    pub revision: u32,
    /// Where it stands.
    pub state: DisputeState,
}

/// How a dispute ends.
#[derive(Clone, Debug)]
pub struct DisputeAnswer {
    /// Where it stands then.
    pub state: DisputeState,
    /// Who decided.
    pub by: Person,
    /// What they answer.
    pub answer: String,
    /// The correction, when it was accepted.
    pub correction: Option<SubmittedRevision>,
}

impl Store {
    /// Opens a dispute of a revision. The rules have been asked; false when one is open by now.
    pub async fn open_dispute(
        &self,
        id: ReviewId,
        revision: u32,
        reason: String,
        questions: &[String],
        due_at: Timestamp,
        by: UserId,
    ) -> Result<bool> {
        let transaction = self.audit_db.begin().await?;
        // Takes SQLite's write lock before the look; without it two disputes could both see none.
        review::Entity::update_many()
            .col_expr(review::Column::Revisions, Expr::col(review::Column::Revisions))
            .filter(review::Column::Id.eq(id.0))
            .exec(&transaction)
            .await?;
        let open = dispute::Entity::find()
            .filter(dispute::Column::Review.eq(id.0))
            .filter(dispute::Column::State.eq(convert::name(&DisputeState::Open)))
            .one(&transaction)
            .await?;
        if open.is_some() {
            return Ok(false);
        }
        let dispute = DisputeId::new();
        let note = Note::new(by, AuditEvent::DisputeOpened)
            .why(&reason)
            .detail(json!({ "review": id, "revision": revision, "dispute": dispute }));
        let row = dispute::ActiveModel {
            id: Set(dispute.0),
            review: Set(id.0),
            revision: Set(i64::from(revision)),
            state: Set(convert::name(&DisputeState::Open)),
            reason: Set(reason),
            questions: Set(convert::json("disputes.questions", &questions)?),
            at: Set(convert::micros(self.now())),
            due_at: Set(convert::micros(due_at)),
            decided_by: Set(None),
            decided_by_name: Set(None),
            decided_at: Set(None),
            answer: Set(String::new()),
        };
        dispute::Entity::insert(row).exec_without_returning(&transaction).await?;
        audit::append(&transaction, self.now(), of_review(&transaction, id, note).await?).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// What decides about a dispute.
    pub async fn dispute_facts(&self, id: DisputeId) -> Result<Option<DisputeFacts>> {
        let Some(row) = dispute::Entity::find_by_id(id.0).one(&self.db).await? else { return Ok(None) };
        Ok(Some(DisputeFacts {
            id,
            review: ReviewId(row.review),
            revision: count("disputes.revision", row.revision)?,
            state: convert::named("disputes.state", &row.state)?,
        }))
    }

    /// Ends an open dispute, with the correction if there is one: both or neither. False when it is not open any more, or
    /// the score has another revision by now.
    pub async fn answer_dispute(&self, facts: DisputeFacts, answer: DisputeAnswer) -> Result<bool> {
        let note = Note::new(answer.by.id, AuditEvent::DisputeDecided)
            .why(&answer.answer)
            .detail(json!({ "review": facts.review, "dispute": facts.id, "state": answer.state }));
        let transaction = self.audit_db.begin().await?;
        let now = convert::micros(self.now());
        let done = close(&transaction, facts.id, now, &answer).await?
            && match answer.correction {
                Some(correction) => {
                    revise(&transaction, facts.review, facts.revision, now, correction).await?
                }
                None => true,
            };
        if done {
            let note = of_review(&transaction, facts.review, note).await?;
            audit::append(&transaction, self.now(), note).await?;
            transaction.commit().await?;
        }
        Ok(done)
    }

    /// Every dispute of a review, oldest first.
    pub(super) async fn disputes_of(&self, review: ReviewId) -> Result<Vec<Dispute>> {
        dispute::Entity::find()
            .filter(dispute::Column::Review.eq(review.0))
            .order_by_asc(dispute::Column::Id)
            .all(&self.db)
            .await?
            .into_iter()
            .map(shown)
            .collect()
    }

    /// Open disputes of scores of calls that somebody sees, with their reviews, the most urgent first; only those of one
    /// reviewer's scores when one is given.
    pub async fn open_disputes(
        &self,
        scope: &Scope,
        reviewer: Option<UserId>,
    ) -> Result<Vec<(Dispute, ReviewSummary)>> {
        let theirs = Query::select()
            .column(review::Column::Id)
            .from(review::Entity)
            .cond_where(scope.on(review::Column::Call))
            .cond_where(
                Condition::all().add_option(reviewer.map(|reviewer| review::Column::Reviewer.eq(reviewer.0))),
            )
            .to_owned();
        let rows = dispute::Entity::find()
            .filter(dispute::Column::State.eq(convert::name(&DisputeState::Open)))
            .filter(dispute::Column::Review.in_subquery(theirs))
            .order_by_asc(dispute::Column::DueAt)
            .limit(OPEN_MAX)
            .all(&self.db)
            .await?;
        let reviews = review::Entity::find()
            .filter(review::Column::Id.is_in(rows.iter().map(|row| row.review)))
            .all(&self.db)
            .await?;
        let summaries = self.review_summaries(reviews).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let summary = summaries.iter().find(|summary| summary.id.0 == row.review).cloned();
            if let Some(summary) = summary {
                found.push((shown(row)?, summary));
            }
        }
        Ok(found)
    }
}

async fn close(
    transaction: &DatabaseTransaction,
    id: DisputeId,
    now: i64,
    answer: &DisputeAnswer,
) -> Result<bool> {
    let changed = dispute::Entity::update_many()
        .col_expr(dispute::Column::State, Expr::value(convert::name(&answer.state)))
        .col_expr(dispute::Column::DecidedBy, Expr::value(Some(answer.by.id.0)))
        .col_expr(dispute::Column::DecidedByName, Expr::value(Some(answer.by.name.clone())))
        .col_expr(dispute::Column::DecidedAt, Expr::value(Some(now)))
        .col_expr(dispute::Column::Answer, Expr::value(answer.answer.clone()))
        .filter(dispute::Column::Id.eq(id.0))
        .filter(dispute::Column::State.eq(convert::name(&DisputeState::Open)))
        .exec(transaction)
        .await?;
    Ok(changed.rows_affected > 0)
}

fn shown(row: dispute::Model) -> Result<Dispute> {
    Ok(Dispute {
        id: DisputeId(row.id),
        state: convert::named("disputes.state", &row.state)?,
        revision: count("disputes.revision", row.revision)?,
        reason: row.reason,
        questions: convert::from_json("disputes.questions", &row.questions)?,
        at: convert::time("disputes.at", row.at)?,
        due_at: convert::time("disputes.due_at", row.due_at)?,
        decided_by: row.decided_by.map(|id| person(id, row.decided_by_name.as_deref().unwrap_or_default())),
        decided_at: convert::time_opt("disputes.decided_at", row.decided_at)?,
        answer: row.answer,
    })
}
