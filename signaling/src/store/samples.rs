//! Samples: worklists of recordings, what became of them, and going through them.

use std::collections::HashSet;

use jiff::Timestamp;
use protocol::ids::{RecordingId, ReviewId, SampleId, UserId};
use protocol::samples::{
    ITEMS_MAX, Reviewer, Sample, SampleDraw, SampleItem, SamplePlace, SampleRule, Stratum, StratumDraw,
};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Func, JoinType, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, TransactionTrait,
};
use uuid::Uuid;

use super::entities::{recording, review, sample, sample_item, user};
use super::saved_filters::UNDO;
use super::{Result, Store, StoreError, convert};
use crate::sampling::{Candidate, draw};
use crate::search::{Filter, Scope, Window};

/// Most samples in the list.
const LIST_MAX: u64 = 500;
/// Rows written with one statement: databases bound the values of one.
const INSERT_MAX: usize = 100;

/// A sample to keep.
#[derive(Clone, Debug)]
pub struct NewSampleRow {
    /// What people call it.
    pub name: String,
    /// Of which recordings; the period is fixed.
    pub query: String,
    /// How to draw; none: `picked`.
    pub rule: Option<SampleRule>,
    /// Seed of the drawing.
    pub seed: u32,
    /// Who reviews.
    pub reviewers: Vec<UserId>,
    /// Who makes it.
    pub by: UserId,
}

/// Why a sample was not drawn.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The filter finds no recording (any more).
    #[error("no recording fits")]
    Nothing,
    /// More than a worklist holds.
    #[error("{0} recordings would be drawn, a sample has at most {ITEMS_MAX}")]
    TooMany(usize),
    /// More calls than can be drawn from.
    #[error("more than {POPULATION_MAX} recordings fit; choose a shorter period")]
    TooLarge,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Most calls that are drawn from.
const POPULATION_MAX: usize = 50_000;

impl Store {
    /// What a rule would draw.
    pub async fn preview_sample(
        &self,
        rule: SampleRule,
        seed: u32,
        filter: &Filter,
        window: Window,
        scope: &Scope,
    ) -> Result<SampleDraw, SampleError> {
        let candidates = self.candidates(rule, filter, window, scope, None).await?;
        let drawn = draw(&candidates, rule.amount, seed, &HashSet::new());
        let mut strata: Vec<StratumDraw> = Vec::new();
        let mut sorted: Vec<&Candidate> = candidates.iter().collect();
        sorted.sort_by_key(|candidate| &candidate.stratum);
        for candidate in sorted {
            match strata.last_mut() {
                Some(last) if last.name == candidate.stratum => last.population += 1,
                _ => strata.push(StratumDraw { name: candidate.stratum.clone(), drawn: 0, population: 1 }),
            }
        }
        for index in &drawn {
            let found = strata.binary_search_by(|stratum| stratum.name.cmp(&candidates[*index].stratum));
            if let Ok(at) = found {
                strata[at].drawn += 1;
            }
        }
        Ok(SampleDraw { drawn: small(drawn.len()), population: small(candidates.len()), strata })
    }

    /// Draws a sample and keeps it.
    pub async fn draw_sample(
        &self,
        new: NewSampleRow,
        rule: SampleRule,
        filter: &Filter,
        window: Window,
        scope: &Scope,
    ) -> Result<SampleId, SampleError> {
        let candidates = self.candidates(rule, filter, window, scope, None).await?;
        let drawn = draw(&candidates, rule.amount, new.seed, &HashSet::new());
        let items = drawn.into_iter().map(|index| candidates[index].clone()).collect();
        self.keep_sample(new, items).await
    }

    /// Keeps a worklist of recordings picked by hand. What does not exist (any more) is left out.
    pub async fn pick_sample(
        &self,
        new: NewSampleRow,
        picked: &[RecordingId],
    ) -> Result<SampleId, SampleError> {
        let rows = recording::Entity::find()
            .filter(recording::Column::Id.is_in(picked.iter().map(|id| id.0)))
            .filter(recording::Column::DeletedAt.is_null())
            .all(&self.db)
            .await
            .map_err(StoreError::from)?;
        let there: HashSet<Uuid> = rows.into_iter().map(|row| row.id).collect();
        let mut seen = HashSet::new();
        let items = picked
            .iter()
            .filter(|id| there.contains(&id.0) && seen.insert(id.0))
            .map(|id| Candidate { id: id.0, stratum: String::new() })
            .collect();
        self.keep_sample(new, items).await
    }

    async fn keep_sample(&self, new: NewSampleRow, items: Vec<Candidate>) -> Result<SampleId, SampleError> {
        if items.is_empty() {
            return Err(SampleError::Nothing);
        }
        if items.len() > ITEMS_MAX {
            return Err(SampleError::TooMany(items.len()));
        }
        let id = SampleId::new();
        let now = convert::micros(self.now());
        let row = sample::ActiveModel {
            id: Set(id.0),
            name: Set(new.name),
            query: Set(new.query),
            rule: Set(new.rule.map(|rule| convert::json("samples.rule", &rule)).transpose()?),
            seed: Set(new.seed.into()),
            reviewers: Set(convert::json("samples.reviewers", &new.reviewers)?),
            created_by: Set(new.by.0),
            created_at: Set(now),
            drawn_at: Set(now),
            deleted_at: Set(None),
        };
        let transaction = self.db.begin().await.map_err(StoreError::from)?;
        sample::Entity::insert(row).exec_without_returning(&transaction).await.map_err(StoreError::from)?;
        insert_items(&transaction, id, &items, &new.reviewers, 0).await?;
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(id)
    }

    /// Adds what the rule of a sample now asks for; answers how many, or nothing when there is no such sample.
    pub async fn resample(
        &self,
        id: SampleId,
        rule: SampleRule,
        filter: &Filter,
        window: Window,
        scope: &Scope,
    ) -> Result<Option<usize>, SampleError> {
        let Some(row) = self.sample_row(id).await? else { return Ok(None) };
        let candidates = self.candidates(rule, filter, window, scope, Some(id)).await?;
        let transaction = self.db.begin().await.map_err(StoreError::from)?;
        // Writing first takes SQLite's write lock at once, so that two who draw at the same moment do not both add.
        sample::Entity::update_many()
            .col_expr(sample::Column::DrawnAt, Expr::value(convert::micros(self.now())))
            .filter(sample::Column::Id.eq(id.0))
            .exec(&transaction)
            .await
            .map_err(StoreError::from)?;
        let held = sample_item::Entity::find()
            .filter(sample_item::Column::Sample.eq(id.0))
            .all(&transaction)
            .await
            .map_err(StoreError::from)?;
        let taken: HashSet<Uuid> = held.iter().map(|item| item.recording).collect();
        let seed = u32::try_from(row.seed).map_err(|error| convert::unreadable("samples.seed", error))?;
        let added: Vec<Candidate> = draw(&candidates, rule.amount, seed, &taken)
            .into_iter()
            .map(|index| candidates[index].clone())
            .collect();
        if held.len() + added.len() > ITEMS_MAX {
            return Err(SampleError::TooMany(held.len() + added.len()));
        }
        let reviewers: Vec<UserId> = convert::from_json("samples.reviewers", &row.reviewers)?;
        let last = held.iter().map(|item| item.position).max().unwrap_or(0);
        insert_items(&transaction, id, &added, &reviewers, last).await?;
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(Some(added.len()))
    }

    /// The calls that a rule draws from: finished recordings, and with `exclude_reviewed` only those that nobody has
    /// reviewed, in this sample apart.
    async fn candidates(
        &self,
        rule: SampleRule,
        filter: &Filter,
        window: Window,
        scope: &Scope,
        sample: Option<SampleId>,
    ) -> Result<Vec<Candidate>, SampleError> {
        let population = self.population(filter, window, scope, POPULATION_MAX + 1).await?;
        if population.len() > POPULATION_MAX {
            return Err(SampleError::TooLarge);
        }
        let reviewed =
            if rule.exclude_reviewed { self.reviewed_elsewhere(sample).await? } else { HashSet::new() };
        Ok(population
            .into_iter()
            .filter(|member| !reviewed.contains(&member.recording))
            .map(|member| Candidate {
                id: member.recording,
                stratum: match rule.per {
                    Stratum::All => String::new(),
                    Stratum::Agent => member.agent,
                    Stratum::Queue => member.queue,
                    Stratum::Market => member.country,
                },
            })
            .collect())
    }

    /// What has been reviewed, scored or marked as such in a worklist, but for the recordings of one sample.
    async fn reviewed_elsewhere(&self, than: Option<SampleId>) -> Result<HashSet<Uuid>> {
        let marked = Query::select()
            .distinct()
            .column(sample_item::Column::Recording)
            .from(sample_item::Entity)
            .and_where(sample_item::Column::ReviewedAt.is_not_null())
            .to_owned();
        let scored = Query::select()
            .distinct()
            .column(review::Column::Recording)
            .from(review::Entity)
            .and_where(review::Column::SubmittedAt.is_not_null())
            .to_owned();
        let mut reviewed = HashSet::new();
        for query in [marked, scored] {
            for row in self.db.query_all(&query).await? {
                reviewed.insert(row.try_get_by_index(0)?);
            }
        }
        if let Some(than) = than {
            let own = sample_item::Entity::find().filter(sample_item::Column::Sample.eq(than.0));
            for item in own.all(&self.db).await? {
                reviewed.remove(&item.recording);
            }
        }
        Ok(reviewed)
    }

    async fn sample_row(&self, id: SampleId) -> Result<Option<sample::Model>> {
        Ok(sample::Entity::find_by_id(id.0).filter(sample::Column::DeletedAt.is_null()).one(&self.db).await?)
    }

    /// Every sample, newest first.
    pub async fn samples(&self) -> Result<Vec<Sample>> {
        let rows = sample::Entity::find()
            .filter(sample::Column::DeletedAt.is_null())
            .order_by_desc(sample::Column::Id)
            .limit(LIST_MAX)
            .all(&self.db)
            .await?;
        self.whole_samples(rows).await
    }

    /// One sample.
    pub async fn sample(&self, id: SampleId) -> Result<Option<Sample>> {
        let row = self.sample_row(id).await?;
        Ok(self.whole_samples(row.into_iter().collect()).await?.pop())
    }

    async fn whole_samples(&self, rows: Vec<sample::Model>) -> Result<Vec<Sample>> {
        let counts = self.item_counts(rows.iter().map(|row| row.id)).await?;
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
                    .collect(),
                total,
                reviewed,
                name: row.name.clone(),
                query: row.query.clone(),
            })
        };
        rows.into_iter().map(whole).collect()
    }

    /// How many recordings that exist are in some samples, by reviewer.
    async fn item_counts(&self, samples: impl IntoIterator<Item = Uuid>) -> Result<Vec<ItemCount>> {
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

    /// The items of a sample whose recordings exist, in order.
    async fn item_rows(&self, id: SampleId) -> Result<Vec<sample_item::Model>> {
        let there = Query::select()
            .column(recording::Column::Id)
            .from(recording::Entity)
            .and_where(recording::Column::DeletedAt.is_null())
            .to_owned();
        Ok(sample_item::Entity::find()
            .filter(sample_item::Column::Sample.eq(id.0))
            .filter(sample_item::Column::Recording.in_subquery(there))
            .order_by_asc(sample_item::Column::Position)
            .all(&self.db)
            .await?)
    }

    /// The recordings of a sample in order; nothing when there is no such sample.
    pub async fn sample_items(&self, id: SampleId) -> Result<Option<Vec<SampleItem>>> {
        if self.sample_row(id).await?.is_none() {
            return Ok(None);
        }
        let items = self.item_rows(id).await?;
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

    /// Where a recording stands in a sample, as `me` goes through it; nothing when it is not in it.
    pub async fn sample_place(
        &self,
        id: SampleId,
        recording: RecordingId,
        me: UserId,
    ) -> Result<Option<SamplePlace>> {
        let Some(row) = self.sample_row(id).await? else { return Ok(None) };
        let items = self.item_rows(id).await?;
        let Some(at) = items.iter().position(|item| item.recording == recording.0) else { return Ok(None) };
        let neighbour = |index: Option<usize>| {
            index.and_then(|index| items.get(index)).map(|item| RecordingId(item.recording))
        };
        let mine = |item: &&sample_item::Model| {
            item.reviewed_at.is_none() && item.reviewer.is_none_or(|reviewer| reviewer == me.0)
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
    pub(super) async fn sweep_worklists(&self) -> Result<u64> {
        use super::entities::saved_filter;
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

/// Recordings of one reviewer (or nobody) in one sample.
struct ItemCount {
    sample: Uuid,
    reviewer: Option<Uuid>,
    total: u32,
    reviewed: u32,
}

/// A score is submitted: in the worklists where the recording is the reviewer's, or nobody's, it is reviewed.
pub(super) async fn scored(
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
fn dealt(reviewers: &[UserId]) -> impl Iterator<Item = Option<Uuid>> {
    let nobody = reviewers.is_empty().then_some(None);
    reviewers.iter().map(|id| Some(id.0)).chain(nobody).collect::<Vec<_>>().into_iter().cycle()
}

/// Puts recordings behind position `last` of a sample.
async fn insert_items(
    transaction: &DatabaseTransaction,
    sample: SampleId,
    items: &[Candidate],
    reviewers: &[UserId],
    last: i32,
) -> Result<()> {
    // Going on dealing where the last drawing stopped.
    let turns = dealt(reviewers).skip(usize::try_from(last).unwrap_or(0));
    let rows: Vec<sample_item::ActiveModel> = items
        .iter()
        .zip(turns)
        .zip(last + 1..)
        .map(|((item, reviewer), position)| sample_item::ActiveModel {
            sample: Set(sample.0),
            recording: Set(item.id),
            position: Set(position),
            stratum: Set(item.stratum.clone()),
            reviewer: Set(reviewer),
            reviewed_at: Set(None),
            reviewed_by: Set(None),
        })
        .collect();
    for batch in rows.chunks(INSERT_MAX) {
        sample_item::Entity::insert_many(batch.to_vec()).exec_without_returning(transaction).await?;
    }
    Ok(())
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
