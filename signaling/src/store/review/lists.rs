//! Reviews in lists: of a recording, of everybody, of one's own calls, for searches by score.

use jiff::Timestamp;
use protocol::ids::{FormId, RecordingId, UserId};
use protocol::rest::Page;
use protocol::review::{FormVersion, ReviewState, ReviewSummary, Revision};
use sea_orm::sea_query::{Expr, Func, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::super::entities::{review, review_revision, second_score};
use super::super::{Paging, Result, Scope, Store, StoreError, convert};
use super::reviews::shown;

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

    /// Of these, what somebody who may score sees.
    fn seen_through(&self, scope: &Scope) -> Condition {
        self.condition().add(seen_by(scope.own())).add(scope.on(review::Column::Call))
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
    /// Every review of a recording, newest first.
    pub async fn reviews_of(&self, recording: RecordingId) -> Result<Vec<ReviewSummary>> {
        let rows = review::Entity::find()
            .filter(review::Column::Recording.eq(recording.0))
            .order_by_desc(review::Column::Id)
            .all(&self.db)
            .await?;
        self.review_summaries(rows).await
    }

    /// Submitted reviews of calls within the scope of somebody who may score, newest first.
    pub async fn reviews(
        &self,
        scope: &Scope,
        filter: &ReviewFilter,
        paging: Paging,
    ) -> Result<Page<ReviewSummary>> {
        self.review_page(filter.seen_through(scope), paging).await
    }

    /// Submitted reviews of an agent's own calls, newest first.
    pub async fn reviews_of_agent(&self, agent: UserId, paging: Paging) -> Result<Page<ReviewSummary>> {
        let filter = ReviewFilter { agent: Some(agent), ..ReviewFilter::default() };
        self.review_page(filter.condition(), paging).await
    }

    /// Submitted reviews that somebody sees, with their newest revisions, oldest first. None when there are more than `limit`.
    pub async fn reviews_with_answers(
        &self,
        scope: &Scope,
        filter: &ReviewFilter,
        limit: u64,
    ) -> Result<Option<Vec<(ReviewSummary, FormVersion, Revision)>>> {
        let rows = review::Entity::find()
            .filter(filter.seen_through(scope))
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

#[cfg(test)]
mod tests {
    use protocol::call::{BuyerContext, Role};
    use protocol::ids::{BuyerSessionId, CallId};
    use protocol::review::{Answers, Person, Scored};

    use super::super::super::entities::recording;
    use super::*;
    use crate::review::starter_form;
    use crate::store::{NewCall, NewReviewRow, NewSecond, NewUser, SubmittedRevision};

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
