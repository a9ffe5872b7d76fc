//! Reviews: drafts, what was submitted, corrections.

use jiff::Timestamp;
use protocol::audit::AuditEvent;
use protocol::ids::{CallId, FormId, RecordingId, ReviewId, UserId};
use protocol::review::{Answers, Dispute, FormVersion, Person, ReviewState, ReviewSummary, Revision, Scored};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, SqlErr, TransactionTrait,
};
use serde_json::json;

use super::super::entities::{review, review_revision, second_score};
use super::super::{Result, Store, StoreError, audit, convert, samples};
use super::forms::count;
use super::person;
use crate::audit::Note;

/// A review that begins.
#[derive(Clone, Debug)]
pub struct NewReviewRow {
    /// What is reviewed.
    pub recording: RecordingId,
    /// Its call.
    pub call: CallId,
    /// Whose call it was.
    pub agent: Person,
    /// What it is scored on.
    pub version: FormVersion,
    /// Who scores.
    pub reviewer: Person,
    /// Made as a blind second score.
    pub second: bool,
}

/// What is submitted, or what a score is corrected to.
#[derive(Clone, Debug)]
pub struct SubmittedRevision {
    /// The answers.
    pub answers: Answers,
    /// What they come to.
    pub scored: Scored,
    /// Why it differs from the one before; empty for the first.
    pub reason: String,
    /// Who.
    pub by: Person,
}

/// A review with all there is to it, for whoever decides what of it is shown.
#[derive(Clone, Debug)]
pub struct ReviewRecord {
    /// As in lists.
    pub summary: ReviewSummary,
    /// When the newest revision was made.
    pub revised_at: Option<Timestamp>,
    /// What was asked.
    pub form: FormVersion,
    /// What has been written so far.
    pub draft: Option<Answers>,
    /// Oldest first.
    pub revisions: Vec<Revision>,
    /// Oldest first.
    pub disputes: Vec<Dispute>,
}

impl Store {
    /// Begins a review. None when this reviewer has one of the recording on this form already.
    pub async fn begin_review(&self, new: NewReviewRow) -> Result<Option<ReviewId>> {
        let id = ReviewId::new();
        let row = review::ActiveModel {
            id: Set(id.0),
            recording: Set(new.recording.0),
            call: Set(new.call.0),
            agent: Set(new.agent.id.0),
            agent_name: Set(new.agent.name),
            form: Set(new.version.form.0),
            form_version: Set(new.version.id.0),
            reviewer: Set(new.reviewer.id.0),
            reviewer_name: Set(new.reviewer.name),
            second: Set(new.second),
            state: Set(convert::name(&ReviewState::Draft)),
            draft: Set(Some(convert::json("reviews.draft", &Answers::default())?)),
            created_at: Set(convert::micros(self.now())),
            submitted_at: Set(None),
            revised_at: Set(None),
            revisions: Set(0),
            score: Set(None),
            critical: Set(false),
        };
        match review::Entity::insert(row).exec_without_returning(&self.db).await {
            Ok(_) => Ok(Some(id)),
            Err(error) => match error.sql_err() {
                Some(SqlErr::UniqueConstraintViolation(_)) => Ok(None),
                _ => Err(error.into()),
            },
        }
    }

    /// The review that a reviewer has of a recording on a form.
    pub async fn review_by(
        &self,
        recording: RecordingId,
        reviewer: UserId,
        form: FormId,
    ) -> Result<Option<ReviewId>> {
        let row = review::Entity::find()
            .filter(review::Column::Recording.eq(recording.0))
            .filter(review::Column::Reviewer.eq(reviewer.0))
            .filter(review::Column::Form.eq(form.0))
            .one(&self.db)
            .await?;
        Ok(row.map(|row| ReviewId(row.id)))
    }

    /// Keeps what has been written. False when it is not a draft (any more).
    pub async fn save_review_draft(&self, id: ReviewId, answers: &Answers) -> Result<bool> {
        let changed = review::Entity::update_many()
            .col_expr(review::Column::Draft, Expr::value(Some(convert::json("reviews.draft", answers)?)))
            .filter(review::Column::Id.eq(id.0))
            .filter(review::Column::State.eq(convert::name(&ReviewState::Draft)))
            .exec(&self.db)
            .await?;
        Ok(changed.rows_affected > 0)
    }

    /// Throws a draft away; a second score that it was for can be begun again. False when it is not a draft.
    pub async fn discard_review(&self, id: ReviewId) -> Result<bool> {
        let transaction = self.db.begin().await?;
        let gone = review::Entity::delete_many()
            .filter(review::Column::Id.eq(id.0))
            .filter(review::Column::State.eq(convert::name(&ReviewState::Draft)))
            .exec(&transaction)
            .await?;
        if gone.rows_affected > 0 {
            second_score::Entity::update_many()
                .col_expr(second_score::Column::Review, Expr::value(Option::<uuid::Uuid>::None))
                .filter(second_score::Column::Review.eq(id.0))
                .exec(&transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(gone.rows_affected > 0)
    }

    /// Submits a draft, for good; a second score that it was for is complete with it. False when it is not a draft.
    pub async fn submit_review(&self, id: ReviewId, revision: SubmittedRevision) -> Result<bool> {
        let transaction = self.audit_db.begin().await?;
        let now = convert::micros(self.now());
        let changed = review::Entity::update_many()
            .col_expr(review::Column::State, Expr::value(convert::name(&ReviewState::Submitted)))
            .col_expr(review::Column::SubmittedAt, Expr::value(Some(now)))
            .col_expr(review::Column::Draft, Expr::value(Option::<String>::None))
            .filter(review::Column::Id.eq(id.0))
            .filter(review::Column::State.eq(convert::name(&ReviewState::Draft)))
            .exec(&transaction)
            .await?;
        if changed.rows_affected == 0 {
            return Ok(false);
        }
        let by = revision.by.id;
        write_revision(&transaction, id, 1, now, revision).await?;
        second_score::Entity::update_many()
            .col_expr(second_score::Column::Complete, Expr::value(true))
            .filter(second_score::Column::Review.eq(id.0))
            .exec(&transaction)
            .await?;
        samples::scored(&transaction, id, by, now).await?;
        let note = Note::new(by, AuditEvent::ReviewSubmitted).detail(json!({ "review": id }));
        audit::append(&transaction, self.now(), of_review(&transaction, id, note).await?).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Corrects a submitted score that has so many revisions. False when there are more by now.
    pub async fn revise_review(&self, id: ReviewId, after: u32, revision: SubmittedRevision) -> Result<bool> {
        let note = Note::new(revision.by.id, AuditEvent::ReviewRevised)
            .why(&revision.reason)
            .detail(json!({ "review": id, "revision": after + 1 }));
        let transaction = self.audit_db.begin().await?;
        let done = revise(&transaction, id, after, convert::micros(self.now()), revision).await?;
        if done {
            audit::append(&transaction, self.now(), of_review(&transaction, id, note).await?).await?;
            transaction.commit().await?;
        }
        Ok(done)
    }

    /// A review with all there is to it.
    pub async fn review_record(&self, id: ReviewId) -> Result<Option<ReviewRecord>> {
        let Some(row) = review::Entity::find_by_id(id.0).one(&self.db).await? else { return Ok(None) };
        let draft = row.draft.clone();
        let revised_at = convert::time_opt("reviews.revised_at", row.revised_at)?;
        let version = protocol::ids::FormVersionId(row.form_version);
        let form = self.form_version(version).await?;
        let summary = self.review_summaries(vec![row]).await?.pop();
        let (Some(form), Some(summary)) = (form, summary) else {
            return Err(StoreError::Missing { what: "form version", id: version.to_string() });
        };
        let revisions = review_revision::Entity::find()
            .filter(review_revision::Column::Review.eq(id.0))
            .order_by_asc(review_revision::Column::Number)
            .all(&self.db)
            .await?;
        Ok(Some(ReviewRecord {
            summary,
            revised_at,
            form,
            draft: draft.map(|text| convert::from_json("reviews.draft", &text)).transpose()?,
            revisions: revisions.into_iter().map(shown).collect::<Result<_>>()?,
            disputes: self.disputes_of(id).await?,
        }))
    }
}

/// A note about the recording of a review.
pub(super) async fn of_review(transaction: &DatabaseTransaction, id: ReviewId, note: Note) -> Result<Note> {
    let row = review::Entity::find_by_id(id.0).one(transaction).await?;
    Ok(row.into_iter().fold(note, |note, row| note.recording(RecordingId(row.recording))))
}

/// Adds a revision to a submitted score that has `after` of them; false when that is not so (any more).
pub(super) async fn revise(
    transaction: &DatabaseTransaction,
    id: ReviewId,
    after: u32,
    now: i64,
    revision: SubmittedRevision,
) -> Result<bool> {
    // Writing first takes SQLite's write lock at once; the key of the revisions stops whoever comes second.
    let changed = review::Entity::update_many()
        .col_expr(review::Column::RevisedAt, Expr::value(Some(now)))
        .filter(review::Column::Id.eq(id.0))
        .filter(review::Column::State.eq(convert::name(&ReviewState::Submitted)))
        .filter(review::Column::Revisions.eq(i64::from(after)))
        .exec(transaction)
        .await?;
    if changed.rows_affected == 0 {
        return Ok(false);
    }
    write_revision(transaction, id, after + 1, now, revision).await?;
    Ok(true)
}

async fn write_revision(
    transaction: &DatabaseTransaction,
    id: ReviewId,
    number: u32,
    now: i64,
    revision: SubmittedRevision,
) -> Result<()> {
    let SubmittedRevision { answers, scored, reason, by } = revision;
    let row = review_revision::ActiveModel {
        review: Set(id.0),
        number: Set(i64::from(number)),
        at: Set(now),
        author: Set(by.id.0),
        author_name: Set(by.name),
        reason: Set(reason),
        answers: Set(convert::json("review_revisions.answers", &answers)?),
        scored: Set(convert::json("review_revisions.scored", &scored)?),
    };
    review_revision::Entity::insert(row).exec_without_returning(transaction).await?;
    review::Entity::update_many()
        .col_expr(review::Column::RevisedAt, Expr::value(Some(now)))
        .col_expr(review::Column::Revisions, Expr::value(i64::from(number)))
        .col_expr(review::Column::Score, Expr::value(Some(i64::from(scored.score.0))))
        .col_expr(review::Column::Critical, Expr::value(!scored.failed.is_empty()))
        .filter(review::Column::Id.eq(id.0))
        .exec(transaction)
        .await?;
    Ok(())
}

pub(super) fn shown(row: review_revision::Model) -> Result<Revision> {
    Ok(Revision {
        number: count("review_revisions.number", row.number)?,
        at: convert::time("review_revisions.at", row.at)?,
        by: person(row.author, &row.author_name),
        reason: row.reason,
        answers: convert::from_json("review_revisions.answers", &row.answers)?,
        scored: convert::from_json("review_revisions.scored", &row.scored)?,
    })
}
