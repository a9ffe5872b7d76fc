//! Going through a sample.

use protocol::ids::{RecordingId, ReviewId, SampleId, UserId};
use protocol::samples::{SampleItem, SamplePlace};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::super::entities::{recording, review, sample_item};
use super::super::{Result, Scope, Store, convert};
use super::small;

impl Store {
    /// The items of a sample whose recordings exist and are seen by somebody, in order.
    async fn item_rows(&self, id: SampleId, scope: &Scope) -> Result<Vec<sample_item::Model>> {
        let there = Query::select()
            .column(recording::Column::Id)
            .from(recording::Entity)
            .and_where(recording::Column::DeletedAt.is_null())
            .cond_where(scope.on(recording::Column::Call))
            .to_owned();
        Ok(sample_item::Entity::find()
            .filter(sample_item::Column::Sample.eq(id.0))
            .filter(sample_item::Column::Recording.in_subquery(there))
            .order_by_asc(sample_item::Column::Position)
            .all(&self.db)
            .await?)
    }

    /// The recordings of a sample that somebody sees, in order; nothing when there is no such sample.
    pub async fn sample_items(&self, id: SampleId, scope: &Scope) -> Result<Option<Vec<SampleItem>>> {
        if self.sample_row(id).await?.is_none() {
            return Ok(None);
        }
        let items = self.item_rows(id, scope).await?;
        let rows = recording::Entity::find()
            .filter(recording::Column::Id.is_in(items.iter().map(|item| item.recording)))
            .all(&self.db)
            .await?;
        let mut summaries: std::collections::HashMap<_, _> = self
            .recording_summaries(rows)
            .await?
            .into_iter()
            .map(|summary| (summary.id.0, summary))
            .collect();
        let mut shown = Vec::with_capacity(items.len());
        for (position, item) in (1..).zip(items) {
            let Some(recording) = summaries.remove(&item.recording) else { continue };
            shown.push(SampleItem {
                recording,
                position,
                stratum: item.stratum,
                reviewer: item.reviewer.map(UserId),
                reviewed_at: convert::time_opt("sample_items.reviewed_at", item.reviewed_at)?,
            });
        }
        Ok(Some(shown))
    }

    /// Where a recording stands in a sample, as somebody goes through what they see of it; nothing when it is not in it.
    pub async fn sample_place(
        &self,
        id: SampleId,
        recording: RecordingId,
        scope: &Scope,
    ) -> Result<Option<SamplePlace>> {
        let Some(row) = self.sample_row(id).await? else { return Ok(None) };
        let items = self.item_rows(id, scope).await?;
        let Some(at) = items.iter().position(|item| item.recording == recording.0) else { return Ok(None) };
        let neighbour = |index: Option<usize>| {
            index.and_then(|index| items.get(index)).map(|item| RecordingId(item.recording))
        };
        let mine = |item: &&sample_item::Model| {
            item.reviewed_at.is_none() && item.reviewer.is_none_or(|reviewer| reviewer == scope.own().0)
        };
        let next_open = items[at + 1..].iter().chain(&items[..at]).find(mine);
        Ok(Some(SamplePlace {
            name: row.name,
            position: small(at + 1),
            total: small(items.len()),
            reviewed: small(items.iter().filter(|item| item.reviewed_at.is_some()).count()),
            reviewed_at: convert::time_opt("sample_items.reviewed_at", items[at].reviewed_at)?,
            previous: neighbour(at.checked_sub(1)),
            next: neighbour(Some(at + 1)),
            next_open: next_open.map(|item| RecordingId(item.recording)),
        }))
    }

    /// Somebody is done with a recording of a sample, or is not after all; false when it is not in the sample.
    pub async fn set_reviewed(
        &self,
        id: SampleId,
        recording: RecordingId,
        by: UserId,
        reviewed: bool,
    ) -> Result<bool> {
        let now = convert::micros(self.now());
        let changed = sample_item::Entity::update_many()
            .col_expr(sample_item::Column::ReviewedAt, Expr::value(reviewed.then_some(now)))
            .col_expr(sample_item::Column::ReviewedBy, Expr::value(reviewed.then_some(by.0)))
            .filter(sample_item::Column::Sample.eq(id.0))
            .filter(sample_item::Column::Recording.eq(recording.0))
            .exec(&self.db)
            .await?;
        Ok(changed.rows_affected > 0)
    }
}

/// A score is submitted: in the worklists where the recording is the reviewer's, or nobody's, it is reviewed.
pub(in crate::store) async fn scored(
    transaction: &DatabaseTransaction,
    id: ReviewId,
    by: UserId,
    now: i64,
) -> Result<()> {
    let of = Query::select()
        .column(review::Column::Recording)
        .from(review::Entity)
        .and_where(review::Column::Id.eq(id.0))
        .to_owned();
    sample_item::Entity::update_many()
        .col_expr(sample_item::Column::ReviewedAt, Expr::value(Some(now)))
        .col_expr(sample_item::Column::ReviewedBy, Expr::value(Some(by.0)))
        .filter(sample_item::Column::Recording.in_subquery(of))
        .filter(sample_item::Column::ReviewedAt.is_null())
        .filter(
            Condition::any()
                .add(sample_item::Column::Reviewer.is_null())
                .add(sample_item::Column::Reviewer.eq(by.0)),
        )
        .exec(transaction)
        .await?;
    Ok(())
}

/// Whose turn it is, over and over.
pub(super) fn dealt(reviewers: &[UserId]) -> impl Iterator<Item = Option<Uuid>> {
    let nobody = reviewers.is_empty().then_some(None);
    reviewers.iter().map(|id| Some(id.0)).chain(nobody).collect::<Vec<_>>().into_iter().cycle()
}
