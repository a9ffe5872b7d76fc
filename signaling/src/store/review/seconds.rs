//! Second scores that were asked for.

use jiff::Timestamp;
use protocol::ids::{RecordingId, ReviewId, SecondScoreId, UserId};
use protocol::review::{Person, ReviewState};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, TransactionTrait};

use super::super::entities::{recording, review, second_score};
use super::super::{Result, Scope, Store, convert};
use super::person;
use crate::auth::Action;
use crate::review::blind::SecondAsked;

/// Most rows of a list; the rest comes up when these are done.
const OPEN_MAX: u64 = 500;

/// A second score to ask for.
#[derive(Clone, Debug)]
pub struct NewSecond {
    /// The recording.
    pub recording: RecordingId,
    /// The first review.
    pub first: ReviewId,
    /// Who gave it.
    pub first_reviewer: UserId,
    /// Who asks.
    pub asked_by: Person,
    /// Whether chance chose it.
    pub sampled: bool,
    /// Of whom; none: of whoever comes first.
    pub reviewer: Option<Person>,
}

/// A second score as kept.
#[derive(Clone, Debug)]
pub struct SecondRow {
    /// Id.
    pub id: SecondScoreId,
    /// The recording.
    pub recording: RecordingId,
    /// The first review.
    pub first: ReviewId,
    /// Who asked.
    pub asked_by: Person,
    /// When.
    pub asked_at: Timestamp,
    /// Whether chance chose it.
    pub sampled: bool,
    /// Who is to give it.
    pub reviewer: Option<Person>,
    /// The second review, once begun.
    pub review: Option<ReviewId>,
    /// What decides who sees what.
    pub asked: SecondAsked,
}

impl Store {
    /// Everybody with an account who may score, by name.
    pub async fn reviewers(&self) -> Result<Vec<Person>> {
        let users = self.users().await?.into_iter();
        let people = users.filter(|user| user.rights.contains(&Action::ScoreRecordings));
        Ok(people.map(|user| person(user.id.0, &user.name)).collect())
    }

    /// Asks for a second score.
    pub async fn ask_second(&self, new: NewSecond) -> Result<SecondScoreId> {
        let id = SecondScoreId::new();
        let row = second_score::ActiveModel {
            id: Set(id.0),
            recording: Set(new.recording.0),
            first_review: Set(new.first.0),
            first_reviewer: Set(new.first_reviewer.0),
            asked_by: Set(new.asked_by.id.0),
            asked_by_name: Set(new.asked_by.name),
            asked_at: Set(convert::micros(self.now())),
            sampled: Set(new.sampled),
            reviewer: Set(new.reviewer.as_ref().map(|person| person.id.0)),
            reviewer_name: Set(new.reviewer.map(|person| person.name)),
            review: Set(None),
            complete: Set(false),
        };
        second_score::Entity::insert(row).exec_without_returning(&self.db).await?;
        Ok(id)
    }

    /// Second scores asked for of a recording, complete ones too.
    pub async fn seconds_of(&self, recording: RecordingId) -> Result<Vec<SecondRow>> {
        self.seconds_where(second_score::Column::Recording.eq(recording.0).into()).await
    }

    /// Second scores that are open, of recordings that somebody sees, oldest first.
    pub async fn open_seconds(&self, scope: &Scope) -> Result<Vec<SecondRow>> {
        let seen = Query::select()
            .column(recording::Column::Id)
            .from(recording::Entity)
            .cond_where(scope.on(recording::Column::Call))
            .to_owned();
        let open = Condition::all()
            .add(second_score::Column::Complete.eq(false))
            .add(second_score::Column::Recording.in_subquery(seen));
        self.seconds_where(open).await
    }

    /// One of them.
    pub async fn second(&self, id: SecondScoreId) -> Result<Option<SecondRow>> {
        Ok(self.seconds_where(second_score::Column::Id.eq(id.0).into()).await?.pop())
    }

    /// The review becomes the second score, whose giver is settled with it. False when somebody else was quicker.
    pub async fn claim_second(&self, id: SecondScoreId, by: &Person, review: ReviewId) -> Result<bool> {
        let changed = second_score::Entity::update_many()
            .col_expr(second_score::Column::Reviewer, Expr::value(Some(by.id.0)))
            .col_expr(second_score::Column::ReviewerName, Expr::value(Some(by.name.clone())))
            .col_expr(second_score::Column::Review, Expr::value(Some(review.0)))
            .filter(second_score::Column::Id.eq(id.0))
            .filter(second_score::Column::Review.is_null())
            .filter(
                Condition::any()
                    .add(second_score::Column::Reviewer.is_null())
                    .add(second_score::Column::Reviewer.eq(by.id.0)),
            )
            .exec(&self.db)
            .await?;
        Ok(changed.rows_affected > 0)
    }

    /// Calls a second score off. A draft that was begun for it becomes an ordinary one. False when it is complete.
    pub async fn cancel_second(&self, id: SecondScoreId) -> Result<bool> {
        let transaction = self.db.begin().await?;
        let row = second_score::Entity::find_by_id(id.0).one(&transaction).await?;
        let gone = second_score::Entity::delete_many()
            .filter(second_score::Column::Id.eq(id.0))
            .filter(second_score::Column::Complete.eq(false))
            .exec(&transaction)
            .await?;
        if let Some(second) = row.and_then(|row| row.review).filter(|_| gone.rows_affected > 0) {
            review::Entity::update_many()
                .col_expr(review::Column::Second, Expr::value(false))
                .filter(review::Column::Id.eq(second))
                .exec(&transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(gone.rows_affected > 0)
    }

    /// Submitted first scores since a time, of calls that somebody sees, that nobody was asked to score again: their review,
    /// recording and reviewer.
    pub async fn first_scores_since(
        &self,
        since: Timestamp,
        scope: &Scope,
    ) -> Result<Vec<(ReviewId, RecordingId, UserId)>> {
        let asked =
            Query::select().column(second_score::Column::FirstReview).from(second_score::Entity).to_owned();
        let rows = review::Entity::find()
            .filter(review::Column::State.eq(convert::name(&ReviewState::Submitted)))
            .filter(review::Column::SubmittedAt.gte(convert::micros(since)))
            .filter(review::Column::Second.eq(false))
            .filter(scope.on(review::Column::Call))
            .filter(review::Column::Id.not_in_subquery(asked))
            .order_by_asc(review::Column::Id)
            .all(&self.db)
            .await?;
        Ok(rows
            .iter()
            .map(|row| (ReviewId(row.id), RecordingId(row.recording), UserId(row.reviewer)))
            .collect())
    }

    async fn seconds_where(&self, condition: Condition) -> Result<Vec<SecondRow>> {
        let rows = second_score::Entity::find()
            .filter(condition)
            .order_by_asc(second_score::Column::Id)
            .limit(OPEN_MAX)
            .all(&self.db)
            .await?;
        rows.into_iter()
            .map(|row| {
                Ok(SecondRow {
                    id: SecondScoreId(row.id),
                    recording: RecordingId(row.recording),
                    first: ReviewId(row.first_review),
                    asked_by: person(row.asked_by, &row.asked_by_name),
                    asked_at: convert::time("second_scores.asked_at", row.asked_at)?,
                    sampled: row.sampled,
                    reviewer: row
                        .reviewer
                        .map(|id| person(id, row.reviewer_name.as_deref().unwrap_or_default())),
                    review: row.review.map(ReviewId),
                    asked: SecondAsked {
                        asked_by: UserId(row.asked_by),
                        first: UserId(row.first_reviewer),
                        second: row.reviewer.map(UserId),
                        complete: row.complete,
                    },
                })
            })
            .collect()
    }
}
