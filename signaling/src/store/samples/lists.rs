//! Samples as people see them; renaming, deleting.

use jiff::Timestamp;
use protocol::ids::{SampleId, UserId};
use protocol::samples::{Reviewer, Sample};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Func, JoinType, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    TransactionTrait,
};
use uuid::Uuid;

use super::super::entities::{recording, sample, sample_item, saved_filter, user};
use super::super::saved_filters::UNDO;
use super::super::{Result, Scope, Store, convert};
use super::items::dealt;

/// Most samples in the list.
const LIST_MAX: u64 = 500;

impl Store {
    pub(super) async fn sample_row(&self, id: SampleId) -> Result<Option<sample::Model>> {
        Ok(sample::Entity::find_by_id(id.0).filter(sample::Column::DeletedAt.is_null()).one(&self.db).await?)
    }

    /// Every sample, newest first, as somebody sees it: who is limited to some queues sees those with recordings of these,
    /// and counts them only.
    pub async fn samples(&self, scope: &Scope) -> Result<Vec<Sample>> {
        let rows = sample::Entity::find()
            .filter(sample::Column::DeletedAt.is_null())
            .filter(seen(scope))
            .order_by_desc(sample::Column::Id)
            .limit(LIST_MAX)
            .all(&self.db)
            .await?;
        self.whole_samples(rows, scope).await
    }

    /// One sample, as somebody sees it.
    pub async fn sample(&self, id: SampleId, scope: &Scope) -> Result<Option<Sample>> {
        let row = sample::Entity::find_by_id(id.0)
            .filter(sample::Column::DeletedAt.is_null())
            .filter(seen(scope))
            .one(&self.db)
            .await?;
        Ok(self.whole_samples(row.into_iter().collect(), scope).await?.pop())
    }

    /// Who made a sample, also one that can still be brought back.
    pub async fn sample_maker(&self, id: SampleId) -> Result<Option<UserId>> {
        let row = sample::Entity::find_by_id(id.0).one(&self.db).await?;
        Ok(row.map(|row| UserId(row.created_by)))
    }

    async fn whole_samples(&self, rows: Vec<sample::Model>, scope: &Scope) -> Result<Vec<Sample>> {
        let counts = self.item_counts(rows.iter().map(|row| row.id), scope).await?;
        let users = user::Entity::find().all(&self.db).await?;
        let name = |id: Uuid| {
            users.iter().find(|user| user.id == id).map_or_else(String::new, |user| user.name.clone())
        };
        let whole = |row: sample::Model| {
            let of = |of: &dyn Fn(&ItemCount) -> bool| {
                let counts = || counts.iter().filter(|count| count.sample == row.id && of(count));
                (counts().map(|count| count.total).sum(), counts().map(|count| count.reviewed).sum())
            };
            let (total, reviewed) = of(&|_| true);
            let reviewers: Vec<UserId> = convert::from_json("samples.reviewers", &row.reviewers)?;
            Ok(Sample {
                id: SampleId(row.id),
                rule: row.rule.as_deref().map(|rule| convert::from_json("samples.rule", rule)).transpose()?,
                seed: u32::try_from(row.seed).map_err(|error| convert::unreadable("samples.seed", error))?,
                created_by: name(row.created_by),
                created_at: convert::time("samples.created_at", row.created_at)?,
                drawn_at: convert::time("samples.drawn_at", row.drawn_at)?,
                reviewers: reviewers
                    .into_iter()
                    .map(|id| {
                        let (total, reviewed) = of(&|count| count.reviewer == Some(id.0));
                        Reviewer { id, name: name(id.0), total, reviewed }
                    })
                    .filter(|reviewer| {
                        reviewer.total > 0 || scope.is_own(row.created_by) || !scope.is_limited()
                    })
                    .collect(),
                total,
                reviewed,
                name: row.name.clone(),
                query: row.query.clone(),
            })
        };
        rows.into_iter().map(whole).collect()
    }

    /// How many recordings that exist, and that somebody sees, are in some samples, by reviewer.
    async fn item_counts(
        &self,
        samples: impl IntoIterator<Item = Uuid>,
        scope: &Scope,
    ) -> Result<Vec<ItemCount>> {
        let item = |column: sample_item::Column| Expr::col((sample_item::Entity, column));
        let query = Query::select()
            .column((sample_item::Entity, sample_item::Column::Sample))
            .column((sample_item::Entity, sample_item::Column::Reviewer))
            .expr(Func::count(Expr::col(Asterisk)))
            .expr(Func::count(item(sample_item::Column::ReviewedAt)))
            .from(sample_item::Entity)
            .join(
                JoinType::InnerJoin,
                recording::Entity,
                item(sample_item::Column::Recording).equals((recording::Entity, recording::Column::Id)),
            )
            .and_where(sample_item::Column::Sample.is_in(samples))
            .and_where(recording::Column::DeletedAt.is_null())
            .cond_where(scope.on(recording::Column::Call))
            .add_group_by([item(sample_item::Column::Sample), item(sample_item::Column::Reviewer)])
            .to_owned();
        let rows = self.db.query_all(&query).await?;
        rows.iter()
            .map(|row| {
                let (total, reviewed): (i64, i64) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
                Ok(ItemCount {
                    sample: row.try_get_by_index(0)?,
                    reviewer: row.try_get_by_index(1)?,
                    total: u32::try_from(total).unwrap_or(u32::MAX),
                    reviewed: u32::try_from(reviewed).unwrap_or(u32::MAX),
                })
            })
            .collect()
    }

    /// Renames a sample and deals what is not reviewed out among other people; false when there is none.
    pub async fn change_sample(&self, id: SampleId, name: String, reviewers: &[UserId]) -> Result<bool> {
        let transaction = self.db.begin().await?;
        let changed = sample::Entity::update_many()
            .col_expr(sample::Column::Name, Expr::value(name))
            .col_expr(sample::Column::Reviewers, Expr::value(convert::json("samples.reviewers", &reviewers)?))
            .filter(sample::Column::Id.eq(id.0))
            .filter(sample::Column::DeletedAt.is_null())
            .exec(&transaction)
            .await?;
        if changed.rows_affected == 0 {
            return Ok(false);
        }
        let open = sample_item::Entity::find()
            .filter(sample_item::Column::Sample.eq(id.0))
            .filter(sample_item::Column::ReviewedAt.is_null())
            .order_by_asc(sample_item::Column::Position)
            .all(&transaction)
            .await?;
        for (item, reviewer) in open.iter().zip(dealt(reviewers)) {
            if item.reviewer == reviewer {
                continue;
            }
            sample_item::Entity::update_many()
                .col_expr(sample_item::Column::Reviewer, Expr::value(reviewer))
                .filter(sample_item::Column::Sample.eq(id.0))
                .filter(sample_item::Column::Recording.eq(item.recording))
                .exec(&transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Deletes a sample, or brings it back; false when there is none.
    pub async fn delete_sample(&self, id: SampleId, delete: bool) -> Result<bool> {
        let now = self.now();
        let since = now.saturating_sub(UNDO).unwrap_or(Timestamp::MIN);
        let state = if delete {
            sample::Column::DeletedAt.is_null()
        } else {
            sample::Column::DeletedAt.gte(convert::micros(since))
        };
        let changed = sample::Entity::update_many()
            .col_expr(sample::Column::DeletedAt, Expr::value(delete.then(|| convert::micros(now))))
            .filter(sample::Column::Id.eq(id.0))
            .filter(state)
            .exec(&self.db)
            .await?;
        Ok(changed.rows_affected > 0)
    }

    /// Forgets for good what was deleted long enough ago.
    pub(in crate::store) async fn sweep_worklists(&self) -> Result<u64> {
        let until = convert::micros(self.now().saturating_sub(UNDO).unwrap_or(Timestamp::MIN));
        let gone = Query::select()
            .column(sample::Column::Id)
            .from(sample::Entity)
            .and_where(sample::Column::DeletedAt.lt(until))
            .to_owned();
        sample_item::Entity::delete_many()
            .filter(sample_item::Column::Sample.in_subquery(gone))
            .exec(&self.db)
            .await?;
        let samples =
            sample::Entity::delete_many().filter(sample::Column::DeletedAt.lt(until)).exec(&self.db).await?;
        let filters = saved_filter::Entity::delete_many()
            .filter(saved_filter::Column::DeletedAt.lt(until))
            .exec(&self.db)
            .await?;
        Ok(samples.rows_affected + filters.rows_affected)
    }
}

/// Samples that somebody sees: all, or those they made and those with recordings that they see.
fn seen(scope: &Scope) -> Condition {
    if !scope.is_limited() {
        return Condition::all();
    }
    let recordings = Query::select()
        .column(recording::Column::Id)
        .from(recording::Entity)
        .and_where(recording::Column::DeletedAt.is_null())
        .cond_where(scope.on(recording::Column::Call))
        .to_owned();
    let items = Query::select()
        .column(sample_item::Column::Sample)
        .from(sample_item::Entity)
        .and_where(sample_item::Column::Recording.in_subquery(recordings))
        .to_owned();
    Condition::any()
        .add(sample::Column::CreatedBy.eq(scope.own().0))
        .add(sample::Column::Id.in_subquery(items))
}

/// Recordings of one reviewer (or nobody) in one sample.
struct ItemCount {
    sample: Uuid,
    reviewer: Option<Uuid>,
    total: u32,
    reviewed: u32,
}
