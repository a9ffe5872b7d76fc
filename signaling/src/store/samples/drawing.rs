//! Drawing samples, and picking them by hand.

use std::collections::HashSet;

use protocol::ids::{RecordingId, SampleId, UserId};
use protocol::samples::{ITEMS_MAX, SampleDraw, SampleRule, Stratum, StratumDraw};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, TransactionTrait,
};
use uuid::Uuid;

use super::super::entities::{recording, review, sample, sample_item};
use super::super::{Result, Scope as Seen, Store, StoreError, convert};
use super::items::dealt;
use super::{NewSampleRow, SampleError, small};
use crate::sampling::{Candidate, draw};
use crate::search::{Filter, Scope, Window};

/// Rows written with one statement: databases bound the values of one.
const INSERT_MAX: usize = 100;
/// Most calls that are drawn from.
pub(super) const POPULATION_MAX: usize = 50_000;

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

    /// Keeps a worklist of recordings picked by hand. What does not exist (any more), or is not for the
    /// one who picks, is left out.
    pub async fn pick_sample(
        &self,
        new: NewSampleRow,
        picked: &[RecordingId],
        scope: &Seen,
    ) -> Result<SampleId, SampleError> {
        let rows = recording::Entity::find()
            .filter(recording::Column::Id.is_in(picked.iter().map(|id| id.0)))
            .filter(recording::Column::DeletedAt.is_null())
            .filter(recording::Column::WithheldAt.is_null())
            .filter(scope.on(recording::Column::Call))
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
