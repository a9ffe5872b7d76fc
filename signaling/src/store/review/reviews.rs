//! Reviews: drafts, what was submitted, corrections; lists of them.

use jiff::Timestamp;
use protocol::ids::{CallId, FormId, RecordingId, ReviewId, UserId};
use protocol::rest::Page;
use protocol::review::{Answers, Dispute, FormVersion, Person, ReviewState, ReviewSummary, Revision, Scored};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, Func, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect, SqlErr,
    TransactionTrait,
};

use super::super::entities::{review, review_revision, second_score};
use super::super::{Paging, Result, Store, StoreError, convert, samples};
use super::forms::count;
use super::person;

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

/// Which reviews; every part that is there must match.
#[derive(Clone, Copy, Default, Debug)]
pub struct ReviewFilter {
    /// Of this agent's calls.
    pub agent: Option<UserId>,
    /// On this form, whatever version.
    pub form: Option<FormId>,
    /// By this reviewer.
    pub reviewer: Option<UserId>,
    /// Submitted at this time or later.
    pub from: Option<Timestamp>,
    /// Submitted before.
    pub to: Option<Timestamp>,
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

impl ReviewFilter {
    fn condition(&self) -> Condition {
        Condition::all()
            .add(review::Column::State.eq(convert::name(&ReviewState::Submitted)))
            .add_option(self.agent.map(|id| review::Column::Agent.eq(id.0)))
            .add_option(self.form.map(|id| review::Column::Form.eq(id.0)))
            .add_option(self.reviewer.map(|id| review::Column::Reviewer.eq(id.0)))
            .add_option(self.from.map(|at| review::Column::SubmittedAt.gte(convert::micros(at))))
            .add_option(self.to.map(|at| review::Column::SubmittedAt.lt(convert::micros(at))))
    }
}

/// What [`crate::review::blind::sees`] lets a viewer see of what is submitted, as SQL.
fn seen_by(viewer: UserId) -> Condition {
    let blinded = Query::select()
        .column(second_score::Column::Recording)
        .from(second_score::Entity)
        .and_where(second_score::Column::Complete.eq(false))
        .cond_where(
            Condition::any().add(second_score::Column::Reviewer.eq(viewer.0)).add(
                Condition::all()
                    .add(second_score::Column::Reviewer.is_null())
                    .add(second_score::Column::AskedBy.ne(viewer.0))
                    .add(second_score::Column::FirstReviewer.ne(viewer.0)),
            ),
        )
        .to_owned();
    Condition::any()
        .add(review::Column::Reviewer.eq(viewer.0))
        .add(review::Column::Recording.not_in_subquery(blinded))
}

/// For searches for recordings by score: the ids of recordings that have a submitted score between two values
/// (hundredths of a percent, both included), as far as the viewer may see it. Give it to `is_in` of the recording's id:
///
/// `recording::Column::Id.in_subquery(scored_between(viewer, 0, 6_000))`
pub fn scored_between(viewer: UserId, lowest: u16, highest: u16) -> SelectStatement {
    Query::select()
        .distinct()
        .column(review::Column::Recording)
        .from(review::Entity)
        .and_where(review::Column::Score.between(i64::from(lowest), i64::from(highest)))
        .cond_where(ReviewFilter::default().condition())
        .cond_where(seen_by(viewer))
        .to_owned()
}

/// For lists in order of score: recordings with the lowest of their submitted scores (hundredths of a percent), as far as
/// the viewer may see them; the columns are `recording` and `score`.
pub(in crate::store) fn lowest_scores(viewer: UserId) -> SelectStatement {
    Query::select()
        .column(review::Column::Recording)
        .expr_as(Func::min(Expr::col(review::Column::Score)), "score")
        .from(review::Entity)
        .and_where(review::Column::Score.is_not_null())
        .cond_where(ReviewFilter::default().condition())
        .cond_where(seen_by(viewer))
        .add_group_by([Expr::col(review::Column::Recording)])
        .to_owned()
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
        let transaction = self.db.begin().await?;
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
        transaction.commit().await?;
        Ok(true)
    }

    /// Corrects a submitted score that has so many revisions. False when there are more by now.
    pub async fn revise_review(&self, id: ReviewId, after: u32, revision: SubmittedRevision) -> Result<bool> {
        let transaction = self.db.begin().await?;
        let done = revise(&transaction, id, after, convert::micros(self.now()), revision).await?;
        if done {
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

    /// Every review of a recording, newest first.
    pub async fn reviews_of(&self, recording: RecordingId) -> Result<Vec<ReviewSummary>> {
        let rows = review::Entity::find()
            .filter(review::Column::Recording.eq(recording.0))
            .order_by_desc(review::Column::Id)
            .all(&self.db)
            .await?;
        self.review_summaries(rows).await
    }

    /// Submitted reviews that somebody who may score sees, newest first.
    pub async fn reviews(
        &self,
        viewer: UserId,
        filter: &ReviewFilter,
        paging: Paging,
    ) -> Result<Page<ReviewSummary>> {
        self.review_page(filter.condition().add(seen_by(viewer)), paging).await
    }

    /// Submitted reviews of an agent's own calls, newest first.
    pub async fn reviews_of_agent(&self, agent: UserId, paging: Paging) -> Result<Page<ReviewSummary>> {
        let filter = ReviewFilter { agent: Some(agent), ..ReviewFilter::default() };
        self.review_page(filter.condition(), paging).await
    }

    /// Submitted reviews that somebody sees, with their newest revisions, oldest first. None when there are more than `limit`.
    pub async fn reviews_with_answers(
        &self,
        viewer: UserId,
        filter: &ReviewFilter,
        limit: u64,
    ) -> Result<Option<Vec<(ReviewSummary, FormVersion, Revision)>>> {
        let rows = review::Entity::find()
            .filter(filter.condition().add(seen_by(viewer)))
            .order_by_asc(review::Column::Id)
            .limit(limit + 1)
            .all(&self.db)
            .await?;
        if rows.len() as u64 > limit {
            return Ok(None);
        }
        let mut all = Vec::with_capacity(rows.len());
        // In pieces: databases take only so many parameters.
        for rows in rows.chunks(200) {
            let ids = rows.iter().map(|row| row.id);
            let revisions = review_revision::Entity::find()
                .filter(review_revision::Column::Review.is_in(ids))
                .order_by_asc(review_revision::Column::Number)
                .all(&self.db)
                .await?;
            let versions = self.form_versions(rows.iter().map(|row| row.form_version)).await?;
            for summary in self.review_summaries(rows.to_vec()).await? {
                let newest = revisions.iter().rfind(|revision| revision.review == summary.id.0).cloned();
                let version = versions.iter().find(|version| version.id == summary.form_version).cloned();
                let (Some(newest), Some(version)) = (newest, version) else {
                    return Err(StoreError::Missing {
                        what: "revision of review",
                        id: summary.id.to_string(),
                    });
                };
                all.push((summary, version, shown(newest)?));
            }
        }
        Ok(Some(all))
    }

    async fn review_page(&self, condition: Condition, paging: Paging) -> Result<Page<ReviewSummary>> {
        let mut query =
            review::Entity::find().filter(condition).order_by_desc(review::Column::Id).limit(paging.fetch());
        if let Some(before) = paging.before() {
            query = query.filter(review::Column::Id.lt(before));
        }
        let (rows, next) = paging.cut(query.all(&self.db).await?, |row| row.id);
        Ok(Page { items: self.review_summaries(rows).await?, next })
    }
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

fn shown(row: review_revision::Model) -> Result<Revision> {
    Ok(Revision {
        number: count("review_revisions.number", row.number)?,
        at: convert::time("review_revisions.at", row.at)?,
        by: person(row.author, &row.author_name),
        reason: row.reason,
        answers: convert::from_json("review_revisions.answers", &row.answers)?,
        scored: convert::from_json("review_revisions.scored", &row.scored)?,
    })
}

#[cfg(test)]
mod tests {
    use protocol::call::{BuyerContext, Role};
    use protocol::ids::BuyerSessionId;

    use super::super::super::entities::recording;
    use super::*;
    use crate::review::starter_form;
    use crate::store::{NewCall, NewSecond, NewUser};

    async fn reviewer(store: &Store, name: &str) -> Person {
        let new = NewUser {
            email: format!("{name}@lumen.example"),
            name: name.into(),
            role: Role::Reviewer,
            password_hash: String::new(),
        };
        Person { id: store.add_user(new).await.unwrap(), name: name.into() }
    }

    #[tokio::test]
    async fn a_search_by_score_does_not_tell_it_to_whoever_is_to_score_blind() {
        let store = Store::in_memory().await.unwrap();
        let (agent, first, second) =
            (reviewer(&store, "a").await, reviewer(&store, "f").await, reviewer(&store, "s").await);
        let (call, recording) = (CallId::new(), RecordingId::new());
        let new = NewCall {
            id: call,
            session: BuyerSessionId::new(),
            queue: "main".into(),
            context: BuyerContext::default(),
            requested_at: store.now(),
        };
        store.insert_call(new).await.unwrap();
        store.recording_started(recording, call, store.now()).await.unwrap();
        let form = store.add_form(&starter_form(), None, first.id).await.unwrap();
        let version = store.publish_form(form, 1, first.id).await.unwrap().unwrap();
        let new = NewReviewRow {
            recording,
            call,
            agent,
            version: store.form_version(version).await.unwrap().unwrap(),
            reviewer: first.clone(),
            second: false,
        };
        let review = store.begin_review(new).await.unwrap().unwrap();
        let found = async |viewer: &Person, lowest, highest| {
            recording::Entity::find()
                .filter(recording::Column::Id.in_subquery(scored_between(viewer.id, lowest, highest)))
                .all(&store.db)
                .await
                .unwrap()
                .len()
        };
        assert_eq!(found(&second, 0, 10_000).await, 0);
        let scored = Scored {
            score: protocol::review::Score(4_200),
            earned: protocol::review::Score(4_200),
            failed: Vec::new(),
            sections: Vec::new(),
        };
        let revision = SubmittedRevision {
            answers: Answers::default(),
            scored,
            reason: String::new(),
            by: first.clone(),
        };
        assert!(store.submit_review(review, revision).await.unwrap());
        assert_eq!((found(&second, 4_200, 4_200).await, found(&second, 4_201, 10_000).await), (1, 0));
        let new = NewSecond {
            recording,
            first: review,
            first_reviewer: first.id,
            asked_by: first.clone(),
            sampled: false,
            reviewer: Some(second.clone()),
        };
        store.ask_second(new).await.unwrap();
        assert_eq!((found(&second, 0, 10_000).await, found(&first, 0, 10_000).await), (0, 1));
    }
}
