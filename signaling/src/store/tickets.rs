//! Tickets: what stays of a call.

use protocol::call::CallState;
use protocol::ids::{CallId, TicketId, UserId};
use protocol::rest::{Page, Ticket, WrapUp};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, TransactionTrait};

use super::calls::{known, ticket_ref};
use super::entities::{call, ticket};
use super::{Paging, Result, Scope, Store, StoreError, convert};

/// Longest notes, characters.
pub const NOTES_MAX: usize = 10_000;

/// Why a call could not be wrapped up.
#[derive(Debug, thiserror::Error)]
pub enum WrapUpError {
    /// Nobody accepted this call, or there is none.
    #[error("call {0} has no ticket")]
    NoTicket(CallId),
    /// Not one of the outcomes.
    #[error("there is no outcome {0:?}")]
    UnknownOutcome(String),
    /// The notes are too long.
    #[error("the notes have {0} characters, at most {NOTES_MAX} are kept")]
    NotesTooLong(usize),
    /// The buyer was erased: nothing is written about them any more.
    #[error("the buyer was erased, and notes about them with it: leave the notes empty")]
    Erased,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Writes outcome and notes into the ticket and closes it. May be done again to correct them.
    pub async fn wrap_up(&self, id: CallId, written: WrapUp, by: UserId) -> Result<Ticket, WrapUpError> {
        if !crate::outcomes::is_known(&written.outcome) {
            return Err(WrapUpError::UnknownOutcome(written.outcome));
        }
        let characters = written.notes.chars().count();
        if characters > NOTES_MAX {
            return Err(WrapUpError::NotesTooLong(characters));
        }
        if !written.notes.trim().is_empty() && self.is_erased(id).await? {
            return Err(WrapUpError::Erased);
        }
        self.write_wrap_up(id, written, by).await?;
        let ticket = self.tickets_where(ticket::Column::Call.eq(id.0).into(), Paging::default()).await?;
        ticket.items.into_iter().next().ok_or(WrapUpError::NoTicket(id))
    }

    async fn write_wrap_up(&self, id: CallId, written: WrapUp, by: UserId) -> Result<()> {
        let Some(about) = call::Entity::find_by_id(id.0).one(&self.db).await? else { return Ok(()) };
        let masked = known(&about)?.hide(&written.notes).to_lowercase();
        let transaction = self.db.begin().await.map_err(StoreError::from)?;
        let now = convert::micros(self.now());
        ticket::Entity::update_many()
            .col_expr(ticket::Column::Outcome, Expr::value(Some(written.outcome)))
            .col_expr(ticket::Column::NotesSearch, Expr::value(written.notes.to_lowercase()))
            .col_expr(ticket::Column::NotesMasked, Expr::value(masked))
            .col_expr(ticket::Column::Notes, Expr::value(written.notes))
            .col_expr(ticket::Column::ClosedAt, Expr::value(Some(now)))
            .col_expr(ticket::Column::ClosedBy, Expr::value(Some(by.0)))
            .filter(ticket::Column::Call.eq(id.0))
            .exec(&transaction)
            .await?;
        // A call whose end is not written yet becomes `ended` when that happens, see `call_ended`.
        call::Entity::update_many()
            .col_expr(call::Column::State, Expr::value(convert::name(&CallState::Ended)))
            .filter(call::Column::Id.eq(id.0))
            .filter(call::Column::State.eq(convert::name(&CallState::WrapUp)))
            .exec(&transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Tickets that somebody sees, newest first. `q`: number, agent, product name or SKU contains this.
    pub async fn tickets(&self, scope: &Scope, q: Option<&str>, paging: Paging) -> Result<Page<Ticket>> {
        let mut condition = scope.on(ticket::Column::Call);
        if let Some(q) = q.map(str::trim).filter(|q| !q.is_empty()) {
            let needle = convert::contains(&q.to_lowercase());
            let calls = Query::select()
                .column(call::Column::Id)
                .from(call::Entity)
                .and_where(call::Column::Search.like(needle.clone()))
                .to_owned();
            condition = condition.add(
                Condition::any()
                    .add(ticket::Column::Search.like(needle))
                    .add(ticket::Column::Call.in_subquery(calls)),
            );
        }
        self.tickets_where(condition, paging).await
    }

    /// One ticket, and whose it is.
    pub async fn ticket(&self, id: TicketId) -> Result<Option<(Ticket, UserId)>> {
        let Some(row) = ticket::Entity::find_by_id(id.0).one(&self.db).await? else { return Ok(None) };
        let agent = UserId(row.agent);
        Ok(self.whole_tickets(vec![row]).await?.pop().map(|ticket| (ticket, agent)))
    }

    async fn tickets_where(&self, condition: Condition, paging: Paging) -> Result<Page<Ticket>> {
        let mut query =
            ticket::Entity::find().filter(condition).order_by_desc(ticket::Column::Id).limit(paging.fetch());
        if let Some(before) = paging.before() {
            query = query.filter(ticket::Column::Id.lt(before));
        }
        let (rows, next) = paging.cut(query.all(&self.db).await?, |row| row.id);
        Ok(Page { items: self.whole_tickets(rows).await?, next })
    }

    async fn whole_tickets(&self, rows: Vec<ticket::Model>) -> Result<Vec<Ticket>> {
        let calls: Vec<CallId> = rows.iter().map(|row| CallId(row.call)).collect();
        let call_rows = call::Entity::find()
            .filter(call::Column::Id.is_in(calls.iter().map(|id| id.0)))
            .all(&self.db)
            .await?;
        let summaries = self.summaries(call_rows).await?;
        let receipts = self.receipts_of(&calls).await?;
        let ratings = self.ratings_of(calls.iter().map(|id| id.0)).await?;
        let recordings = self.recordings_of(&calls).await?;
        rows.into_iter()
            .map(|row| {
                let call = CallId(row.call);
                let name = ticket_ref(row.id, row.number);
                Ok(Ticket {
                    id: name.id,
                    number: name.number,
                    call: summaries
                        .iter()
                        .find(|summary| summary.id == call)
                        .cloned()
                        .ok_or_else(|| StoreError::Missing { what: "call", id: call.to_string() })?,
                    agent: row.agent_name,
                    outcome: row.outcome,
                    notes: row.notes,
                    closed_at: convert::time_opt("tickets.closed_at", row.closed_at)?,
                    receipts: receipts
                        .iter()
                        .filter(|(of, _)| *of == call)
                        .map(|(_, receipt)| receipt.clone())
                        .collect(),
                    rating: ratings.get(&call.0).cloned(),
                    recording: recordings.iter().find(|summary| summary.call == call).cloned(),
                })
            })
            .collect()
    }
}
