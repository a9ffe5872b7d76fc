//! Searches as SQL: recordings with their calls, tickets and ratings beside them.

use protocol::rest::{Page, RecordingSummary};
use protocol::search::{Facet, Facets, Flag};
use sea_orm::sea_query::{
    Asterisk, Cond, Expr, ExprTrait, Func, JoinType, LikeExpr, Order, Query, SelectStatement, SimpleExpr,
};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect, Select};

use super::entities::{call, rating, recording, ticket};
use super::flags::is_flagged;
use super::review::{lowest_scores, scored_between};
use super::{Result, Store, convert};
use crate::search::{Bounds, Cursor, Filter, Handler, Scope, Search, Sort, Window};

/// Counting stops here: nobody needs to know whether it is 40,000 or 41,000, and the database does.
const COUNT_MAX: u32 = 10_000;
/// Values of one facet.
const FACET_MAX: u64 = 200;
/// Name of the lowest scores beside the recordings.
const SCORED: &str = "scored";
/// Rows of a page.
const LIMIT_MAX: u32 = 200;

/// A part of a filter, which a facet leaves out of its own count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Agent,
    Queue,
    Market,
    Language,
    Outcome,
    Flag,
}

impl Store {
    /// A page of the recordings that a search finds and whose media exists. `limit` is moved into 1–200.
    pub async fn search_recordings(
        &self,
        search: &Search,
        window: Window,
        scope: &Scope,
        limit: Option<u32>,
        after: Option<Cursor>,
    ) -> Result<Page<RecordingSummary>> {
        let limit = limit.unwrap_or(50).clamp(1, LIMIT_MAX) as usize;
        let key = sort_key(search.sort);
        let mut query = recording::Entity::find();
        join(QuerySelect::query(&mut query));
        if search.sort == Sort::LowestScore {
            join_scores(QuerySelect::query(&mut query), scope);
        }
        query = query.filter(condition(&search.filter, window, scope, None));
        if let Some(after) = after {
            query = query.filter(behind(&key, after));
        }
        let mut rows = ordered(query, &key)
            .expr_as(key.expr.clone(), "sort_key")
            .limit(limit as u64 + 1)
            .into_model::<Keyed>()
            .all(&self.db)
            .await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows
            .last()
            .filter(|_| more)
            .map(|row| Cursor { sort: search.sort, key: row.sort_key, id: row.recording.id }.to_string());
        let items = self.recording_summaries(rows.into_iter().map(|row| row.recording).collect()).await?;
        Ok(Page { items, next })
    }

    /// How many recordings a filter finds, and which values its fields could have.
    pub async fn recording_facets(&self, filter: &Filter, window: Window, scope: &Scope) -> Result<Facets> {
        let count = self.count_where(condition(filter, window, scope, None)).await?;
        let facet =
            |column: SimpleExpr, part: Part| self.facet(condition(filter, window, scope, Some(part)), column);
        let column = |column: call::Column| Expr::col((call::Entity, column));
        let outcome = Expr::col((ticket::Entity, ticket::Column::Outcome));
        let mut flags = Vec::new();
        for flag in Flag::ALL {
            let wanted = condition(filter, window, scope, Some(Part::Flag)).add(is_flagged(flag, scope));
            let count = self.count_where(wanted).await?;
            if count > 0 {
                flags.push(Facet { value: flag.name().to_owned(), label: None, count });
            }
        }
        Ok(Facets {
            count: if count > COUNT_MAX { COUNT_MAX } else { count },
            more: count > COUNT_MAX,
            agents: self.agent_facet(condition(filter, window, scope, Some(Part::Agent))).await?,
            queues: facet(column(call::Column::Queue), Part::Queue).await?,
            markets: facet(column(call::Column::Country), Part::Market).await?,
            languages: facet(column(call::Column::Language), Part::Language).await?,
            outcomes: facet(outcome, Part::Outcome).await?,
            flags,
        })
    }

    /// At most one more than [`COUNT_MAX`].
    async fn count_where(&self, wanted: Cond) -> Result<u32> {
        let mut found = Query::select();
        found.expr(Expr::val(1)).from(recording::Entity).cond_where(wanted).limit(u64::from(COUNT_MAX) + 1);
        join(&mut found);
        let count =
            Query::select().expr(Func::count(Expr::col(Asterisk))).from_subquery(found, "found").to_owned();
        let row = self.db.query_one(&count).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        u32::try_from(count).map_err(|error| convert::unreadable("a count", error))
    }

    async fn facet(&self, wanted: Cond, column: SimpleExpr) -> Result<Vec<Facet>> {
        let rows = self.db.query_all(&grouped(wanted, column, &[])).await?;
        rows.iter()
            .map(|row| {
                let count: i64 = row.try_get_by_index(1)?;
                Ok(Facet { value: row.try_get_by_index(0)?, label: None, count: small(count) })
            })
            .collect()
    }

    async fn agent_facet(&self, wanted: Cond) -> Result<Vec<Facet>> {
        let name = Func::max(Expr::col((ticket::Entity, ticket::Column::AgentName)));
        let id = Expr::col((ticket::Entity, ticket::Column::Agent));
        let rows = self.db.query_all(&grouped(wanted, id, &[name.into()])).await?;
        rows.iter()
            .map(|row| {
                let (id, count): (uuid::Uuid, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
                Ok(Facet {
                    value: id.to_string(),
                    label: Some(row.try_get_by_index(2)?),
                    count: small(count),
                })
            })
            .collect()
    }
}

/// A recording and what the list is ordered by.
struct Keyed {
    recording: recording::Model,
    sort_key: i64,
}

impl sea_orm::FromQueryResult for Keyed {
    fn from_query_result(row: &sea_orm::QueryResult, prefix: &str) -> Result<Self, DbErr> {
        Ok(Self {
            recording: recording::Model::from_query_result(row, prefix)?,
            sort_key: row.try_get(prefix, "sort_key")?,
        })
    }
}

/// What an order compares, and in which direction.
struct SortKey {
    expr: SimpleExpr,
    order: Order,
}

fn sort_key(sort: Sort) -> SortKey {
    let column = |column: recording::Column| Expr::col((recording::Entity, column));
    let stars = Expr::col((rating::Entity, rating::Column::Stars));
    let (expr, order) = match sort {
        Sort::Newest => (column(recording::Column::StartedAt), Order::Desc),
        Sort::Oldest => (column(recording::Column::StartedAt), Order::Asc),
        Sort::Longest => (column(recording::Column::DurationMs), Order::Desc),
        Sort::Shortest => (column(recording::Column::DurationMs), Order::Asc),
        // No rating comes after the best one.
        Sort::LowestCsat => (Func::coalesce([stars.cast_as("bigint"), Expr::val(6_i64)]).into(), Order::Asc),
        // No score comes after the full one.
        Sort::LowestScore => {
            let score = Expr::col((SCORED, "score")).cast_as("bigint");
            (Func::coalesce([score, Expr::val(10_001_i64)]).into(), Order::Asc)
        }
    };
    SortKey { expr, order }
}

fn ordered(query: Select<recording::Entity>, key: &SortKey) -> Select<recording::Entity> {
    let mut query = query;
    QuerySelect::query(&mut query)
        .order_by_expr(key.expr.clone(), key.order.clone())
        .order_by((recording::Entity, recording::Column::Id), Order::Desc);
    query
}

/// Rows behind the last one of a page. Said so that an index is entered at that row, not walked through to it.
fn behind(key: &SortKey, after: Cursor) -> Cond {
    let (here, further) = match key.order {
        Order::Desc => (key.expr.clone().lte(after.key), key.expr.clone().lt(after.key)),
        _ => (key.expr.clone().gte(after.key), key.expr.clone().gt(after.key)),
    };
    let older = Expr::col((recording::Entity, recording::Column::Id)).lt(after.id);
    Cond::all().add(here).add(Cond::any().add(further).add(older))
}

/// Puts call, ticket and rating beside each recording. There is one of each at most.
fn join(query: &mut SelectStatement) {
    let of_call = || Expr::col((recording::Entity, recording::Column::Call));
    query
        .join(JoinType::InnerJoin, call::Entity, of_call().equals((call::Entity, call::Column::Id)))
        .join(JoinType::LeftJoin, ticket::Entity, of_call().equals((ticket::Entity, ticket::Column::Call)))
        .join(JoinType::LeftJoin, rating::Entity, of_call().equals((rating::Entity, rating::Column::Call)));
}

/// Puts the lowest score that the asker may see beside each recording, as [`SCORED`].
fn join_scores(query: &mut SelectStatement, scope: &Scope) {
    let of = Expr::col((recording::Entity, recording::Column::Id)).equals((SCORED, "recording"));
    query.join_subquery(JoinType::LeftJoin, lowest_scores(scope.me), SCORED, of);
}

fn grouped(wanted: Cond, by: SimpleExpr, more: &[SimpleExpr]) -> SelectStatement {
    let mut query = Query::select();
    query
        .expr(by.clone())
        .expr_as(Func::count(Expr::col(Asterisk)), "found")
        .exprs(more.iter().cloned())
        .from(recording::Entity)
        .cond_where(wanted.add(by.clone().is_not_null()))
        .add_group_by([by.clone()])
        .order_by("found", Order::Desc)
        .order_by_expr(by, Order::Asc)
        .limit(FACET_MAX);
    join(&mut query);
    query
}

/// What a filter says as SQL, for recordings that exist.
fn condition(filter: &Filter, window: Window, scope: &Scope, without: Option<Part>) -> Cond {
    let on = |part: Part| without != Some(part);
    let recorded = |column: recording::Column| Expr::col((recording::Entity, column));
    let called = |column: call::Column| Expr::col((call::Entity, column));
    let ticketed = |column: ticket::Column| Expr::col((ticket::Entity, column));
    let started = || recorded(recording::Column::StartedAt);
    let mut all = Cond::all()
        .add(recorded(recording::Column::DeletedAt).is_null())
        .add_option(window.since.map(|at| started().gte(convert::micros(at))))
        .add_option(window.until.map(|at| started().lt(convert::micros(at))))
        .add_option(scope.queues.as_ref().map(|queues| {
            Cond::any()
                .add(called(call::Column::Queue).is_in(queues.clone()))
                .add(called(call::Column::Agent).eq(scope.me.0))
        }));
    for word in &filter.words {
        let like: LikeExpr = convert::contains(word);
        all = all.add(
            Cond::any()
                .add(ticketed(ticket::Column::Search).like(like.clone()))
                .add(ticketed(ticket::Column::NotesMasked).like(like.clone()))
                .add(
                    Cond::all().add(ticketed(ticket::Column::NotesSearch).like(like.clone())).add(
                        Cond::any()
                            .add(called(call::Column::Agent).eq(scope.me.0))
                            .add(called(call::Column::Id).is_in(scope.plain.iter().map(|id| id.0))),
                    ),
                )
                .add(called(call::Column::Search).like(like)),
        );
    }
    if let Some(number) = &filter.ticket {
        // People leave the letter out.
        let digits = number.strip_prefix("v-").or_else(|| number.strip_prefix('v')).unwrap_or(number);
        let start = convert::starts_with(&format!("v-{digits}"));
        all = all.add(ticketed(ticket::Column::Search).like(start));
    }
    if on(Part::Agent) && !filter.agents.is_empty() {
        let any = filter.agents.iter().fold(Cond::any(), |any, agent| match agent {
            Handler::Is(id) => any.add(ticketed(ticket::Column::Agent).eq(id.0)),
            // The column holds the number, a blank and the name.
            Handler::Named(name) => {
                any.add(ticketed(ticket::Column::Search).like(convert::contains_after_blank(name)))
            }
        });
        all = all.add(any);
    }
    if on(Part::Queue) && !filter.queues.is_empty() {
        all = all.add(called(call::Column::Queue).is_in(filter.queues.clone()));
    }
    if on(Part::Market) && !filter.markets.is_empty() {
        all = all.add(called(call::Column::Country).is_in(filter.markets.clone()));
    }
    if on(Part::Language) && !filter.languages.is_empty() {
        let any = filter.languages.iter().fold(Cond::any(), |any, tag| {
            any.add(called(call::Column::Language).eq(tag.clone()))
                .add(called(call::Column::Language).like(convert::starts_with(&format!("{tag}-"))))
        });
        all = all.add(any);
    }
    if let Some(product) = &filter.product {
        all = all.add(called(call::Column::Search).like(convert::contains(product)));
    }
    if on(Part::Outcome) && !filter.outcomes.is_empty() {
        all = all.add(ticketed(ticket::Column::Outcome).is_in(filter.outcomes.clone()));
    }
    let stars = || Expr::col((rating::Entity, rating::Column::Stars));
    all = within(all, stars, filter.csat, 1);
    all = within(all, || recorded(recording::Column::DurationMs), filter.duration_s, 1000);
    if !filter.score.is_open() {
        let hundredths = |percent: u32| u16::try_from(percent * 100).unwrap_or(u16::MAX);
        let scored = scored_between(
            scope.me,
            hundredths(filter.score.min.unwrap_or(0)),
            hundredths(filter.score.max.unwrap_or(100)),
        );
        all = all.add(recorded(recording::Column::Id).in_subquery(scored));
    }
    if on(Part::Flag) {
        for flag in &filter.flags {
            all = all.add(is_flagged(*flag, scope));
        }
    }
    all
}

fn within(all: Cond, column: impl Fn() -> SimpleExpr, bounds: Bounds, unit: i64) -> Cond {
    let value = |bound: u32| i64::from(bound) * unit;
    all.add_option(bounds.min.map(|min| column().gte(value(min))))
        // A second more: what is shown as 1:00 is 60 s.
        .add_option(bounds.max.map(|max| column().lt(value(max) + unit)))
}

fn small(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A recording that a sample may be drawn from.
pub(super) struct Member {
    pub(super) recording: uuid::Uuid,
    pub(super) agent: String,
    pub(super) queue: String,
    pub(super) country: String,
}

impl Store {
    /// Finished recordings that a filter finds, in no order; at most `limit`.
    pub(super) async fn population(
        &self,
        filter: &Filter,
        window: Window,
        scope: &Scope,
        limit: usize,
    ) -> Result<Vec<Member>> {
        let complete = Expr::col((recording::Entity, recording::Column::Complete)).eq(true);
        let mut query = Query::select();
        query
            .column((recording::Entity, recording::Column::Id))
            .column((ticket::Entity, ticket::Column::AgentName))
            .column((call::Entity, call::Column::Country))
            .column((call::Entity, call::Column::Queue))
            .from(recording::Entity)
            // Nobody is given what they could not open.
            .cond_where(
                condition(filter, window, scope, None)
                    .add(complete)
                    .add(is_flagged(Flag::Withheld, scope).not()),
            )
            .limit(limit as u64);
        join(&mut query);
        let rows = self.db.query_all(&query).await?;
        rows.iter()
            .map(|row| {
                let (agent, country): (Option<String>, Option<String>) =
                    (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
                Ok(Member {
                    recording: row.try_get_by_index(0)?,
                    agent: agent.unwrap_or_default(),
                    country: country.unwrap_or_default(),
                    queue: row.try_get_by_index(3)?,
                })
            })
            .collect()
    }
}
