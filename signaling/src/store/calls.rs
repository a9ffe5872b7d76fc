//! Calls, from the request for help to their end.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use protocol::call::{BuyerContext, CallState, EndReason, TicketRef};
use protocol::ids::{BuyerSessionId, CallId, TicketId, UserId};
use protocol::rest::{CallSummary, Page};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    TransactionTrait,
};

use super::entities::{buyer_session, call, call_subject, counter, recording, ticket, user};
use super::{Paging, Result, Scope, Store, StoreError, convert};
use crate::auth::mask::Known;

/// The first ticket of a store gets the number after this one.
const TICKETS_START: i64 = 1000;

/// A request for help.
#[derive(Clone, Debug)]
pub struct NewCall {
    /// Its id.
    pub id: CallId,
    /// The buyer's visit.
    pub session: BuyerSessionId,
    /// The queue it stands in.
    pub queue: String,
    /// What the shop signed.
    pub context: BuyerContext,
    /// When.
    pub requested_at: Timestamp,
}

/// A call that is not over, as an earlier run of the server may have left it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenCall {
    /// Its id.
    pub id: CallId,
    /// Where it stands: anything but `ended`.
    pub state: CallState,
    /// Who accepted it.
    pub agent: Option<UserId>,
}

impl Store {
    /// A buyer asks for help: the call is `waiting`.
    pub async fn insert_call(&self, new: NewCall) -> Result<()> {
        let product = new.context.product.as_ref();
        let search = product.map(|product| format!("{} {}", product.sku, product.name).to_lowercase());
        let row = call::ActiveModel {
            id: Set(new.id.0),
            session: Set(new.session.0),
            state: Set(convert::name(&CallState::Waiting)),
            requested_at: Set(convert::micros(new.requested_at)),
            accepted_at: Set(None),
            ended_at: Set(None),
            end_reason: Set(None),
            agent: Set(None),
            queue: Set(new.queue),
            context: Set(convert::json("calls.context", &new.context)?),
            search: Set(search.unwrap_or_default()),
            language: Set(Some(new.context.language.to_lowercase())),
            country: Set(new.context.country.as_ref().map(|code| code.to_uppercase())),
            sku: Set(product.map(|product| product.sku.clone())),
        };
        let transaction = self.db.begin().await?;
        call::Entity::insert(row).exec_without_returning(&transaction).await?;
        let visit = buyer_session::Entity::find_by_id(new.session.0).one(&transaction).await?;
        let whose = call_subject::ActiveModel {
            call: Set(new.id.0),
            shop: Set(visit.map(|visit| visit.shop).unwrap_or_default()),
            subject: Set(new.context.subject),
        };
        call_subject::Entity::insert(whose).exec_without_returning(&transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// An agent accepted: the call is `connected` and has a ticket. Doing it again gives the same ticket.
    pub async fn call_accepted(&self, id: CallId, agent: UserId, at: Timestamp) -> Result<TicketRef> {
        let transaction = self.db.begin().await?;
        // Writing first takes SQLite's write lock at once, so that no other writer gets between look and change.
        let changed = call::Entity::update_many()
            .col_expr(call::Column::State, Expr::value(convert::name(&CallState::Connected)))
            .col_expr(call::Column::Agent, Expr::value(Some(agent.0)))
            .col_expr(call::Column::AcceptedAt, Expr::value(Some(convert::micros(at))))
            .filter(call::Column::Id.eq(id.0))
            .filter(call::Column::AcceptedAt.is_null())
            .exec(&transaction)
            .await?;
        let existing = ticket::Entity::find().filter(ticket::Column::Call.eq(id.0)).one(&transaction).await?;
        if let Some(row) = existing {
            transaction.commit().await?;
            return Ok(ticket_ref(row.id, row.number));
        }
        if changed.rows_affected == 0 {
            return Err(StoreError::Missing { what: "call", id: id.to_string() });
        }
        let name = user::Entity::find_by_id(agent.0)
            .one(&transaction)
            .await?
            .ok_or_else(|| StoreError::Missing { what: "user", id: agent.to_string() })?
            .name;
        let number = next_number(&transaction, "ticket", TICKETS_START + 1).await?;
        let ticket = TicketId::new();
        let row = ticket::ActiveModel {
            id: Set(ticket.0),
            number: Set(number),
            call: Set(id.0),
            agent: Set(agent.0),
            search: Set(format!("v-{number} {}", name.to_lowercase())),
            agent_name: Set(name),
            outcome: Set(None),
            notes: Set(String::new()),
            notes_search: Set(String::new()),
            notes_masked: Set(String::new()),
            created_at: Set(convert::micros(at)),
            closed_at: Set(None),
            closed_by: Set(None),
        };
        ticket::Entity::insert(row).exec_without_returning(&transaction).await?;
        transaction.commit().await?;
        Ok(ticket_ref(ticket.0, number))
    }

    /// A ring was not answered, or the agent was lost before the call began: the call is `waiting` again.
    pub async fn call_requeued(&self, id: CallId) -> Result<()> {
        self.set_state(id, CallState::Waiting).await
    }

    /// The media is over. The call is in `wrap_up` when somebody has accepted it, `ended` otherwise (and when the
    /// agent was quick and has wrapped up already). Ending it again changes nothing.
    pub async fn call_ended(&self, id: CallId, at: Timestamp, reason: EndReason) -> Result<()> {
        let transaction = self.db.begin().await?;
        let changed = call::Entity::update_many()
            .col_expr(call::Column::EndedAt, Expr::value(Some(convert::micros(at))))
            .col_expr(call::Column::EndReason, Expr::value(Some(convert::name(&reason))))
            .col_expr(call::Column::State, Expr::value(convert::name(&CallState::Ended)))
            .filter(call::Column::Id.eq(id.0))
            .filter(call::Column::EndedAt.is_null())
            .exec(&transaction)
            .await?;
        let ticket = ticket::Entity::find().filter(ticket::Column::Call.eq(id.0)).one(&transaction).await?;
        if changed.rows_affected > 0 && ticket.is_some_and(|ticket| ticket.closed_at.is_none()) {
            call::Entity::update_many()
                .col_expr(call::Column::State, Expr::value(convert::name(&CallState::WrapUp)))
                .filter(call::Column::Id.eq(id.0))
                .exec(&transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Nobody will wrap this call up any more: it is `ended`; its ticket stays open.
    pub async fn call_closed(&self, id: CallId) -> Result<()> {
        self.set_state(id, CallState::Ended).await
    }

    async fn set_state(&self, id: CallId, state: CallState) -> Result<()> {
        call::Entity::update_many()
            .col_expr(call::Column::State, Expr::value(convert::name(&state)))
            .filter(call::Column::Id.eq(id.0))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Every call that is not `ended`, oldest first: what a crash has left.
    pub async fn open_calls(&self) -> Result<Vec<OpenCall>> {
        call::Entity::find()
            .filter(call::Column::State.ne(convert::name(&CallState::Ended)))
            .order_by_asc(call::Column::Id)
            .all(&self.db)
            .await?
            .into_iter()
            .map(|row| {
                Ok(OpenCall {
                    id: CallId(row.id),
                    state: convert::named("calls.state", &row.state)?,
                    agent: row.agent.map(UserId),
                })
            })
            .collect()
    }

    /// Calls that somebody sees, newest first.
    pub async fn calls(&self, scope: &Scope, paging: Paging) -> Result<Page<CallSummary>> {
        let mut query = call::Entity::find()
            .filter(scope.condition())
            .order_by_desc(call::Column::Id)
            .limit(paging.fetch());
        if let Some(before) = paging.before() {
            query = query.filter(call::Column::Id.lt(before));
        }
        let (rows, next) = paging.cut(query.all(&self.db).await?, |row| row.id);
        Ok(Page { items: self.summaries(rows).await?, next })
    }

    /// One call, and who accepted it.
    pub async fn call(&self, id: CallId) -> Result<Option<(CallSummary, Option<UserId>)>> {
        let Some(row) = call::Entity::find_by_id(id.0).one(&self.db).await? else { return Ok(None) };
        let agent = row.agent.map(UserId);
        Ok(self.summaries(vec![row]).await?.pop().map(|summary| (summary, agent)))
    }

    /// Which of some calls an agent has accepted.
    pub async fn own_calls(&self, agent: UserId, calls: &[CallId]) -> Result<HashSet<CallId>> {
        let rows = call::Entity::find()
            .filter(call::Column::Id.is_in(calls.iter().map(|id| id.0)))
            .filter(call::Column::Agent.eq(agent.0))
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().map(|row| CallId(row.id)).collect())
    }

    /// What is known of the buyers of some calls.
    pub async fn known_of(&self, calls: &[CallId]) -> Result<HashMap<CallId, Known>> {
        let rows = call::Entity::find()
            .filter(call::Column::Id.is_in(calls.iter().map(|id| id.0)))
            .all(&self.db)
            .await?;
        rows.iter().map(|row| Ok((CallId(row.id), known(row)?))).collect()
    }

    /// Some calls as the API shows them, in the same order.
    pub(super) async fn summaries(&self, rows: Vec<call::Model>) -> Result<Vec<CallSummary>> {
        let ids = || rows.iter().map(|row| row.id);
        let tickets = ticket::Entity::find().filter(ticket::Column::Call.is_in(ids())).all(&self.db).await?;
        let recordings = recording::Entity::find()
            .filter(recording::Column::Call.is_in(ids()))
            .filter(recording::Column::DeletedAt.is_null())
            .order_by_asc(recording::Column::Id)
            .all(&self.db)
            .await?;
        rows.iter()
            .map(|row| {
                let ticket = tickets.iter().find(|ticket| ticket.call == row.id);
                let recording = recordings.iter().rfind(|recording| recording.call == row.id);
                Ok(CallSummary {
                    id: CallId(row.id),
                    state: convert::named("calls.state", &row.state)?,
                    requested_at: convert::time("calls.requested_at", row.requested_at)?,
                    accepted_at: convert::time_opt("calls.accepted_at", row.accepted_at)?,
                    ended_at: convert::time_opt("calls.ended_at", row.ended_at)?,
                    end_reason: row
                        .end_reason
                        .as_deref()
                        .map(|reason| convert::named("calls.end_reason", reason))
                        .transpose()?,
                    agent: ticket.map(|ticket| ticket.agent_name.clone()),
                    queue: row.queue.clone(),
                    context: convert::from_json("calls.context", &row.context)?,
                    ticket: ticket.map(|ticket| TicketId(ticket.id)),
                    recording: recording.map(|recording| protocol::ids::RecordingId(recording.id)),
                    masked: false,
                })
            })
            .collect()
    }
}

/// What is known of the buyer of a call.
pub(super) fn known(row: &call::Model) -> Result<Known> {
    let context: BuyerContext = convert::from_json("calls.context", &row.context)?;
    Ok(Known::of(&context))
}

/// Counts one up, beginning with `first`. Numbers have no gaps unless a transaction fails after this.
pub(super) async fn next_number(transaction: &DatabaseTransaction, name: &str, first: i64) -> Result<i64> {
    let changed = counter::Entity::update_many()
        .col_expr(counter::Column::Value, Expr::col(counter::Column::Value).add(1))
        .filter(counter::Column::Name.eq(name))
        .exec(transaction)
        .await?;
    if changed.rows_affected == 0 {
        let row = counter::ActiveModel { name: Set(name.to_owned()), value: Set(first) };
        counter::Entity::insert(row).exec_without_returning(transaction).await?;
    }
    let row = counter::Entity::find_by_id(name).one(transaction).await?;
    row.map(|row| row.value).ok_or_else(|| StoreError::Missing { what: "counter", id: name.to_owned() })
}

/// A ticket as people call it.
pub(super) fn ticket_ref(id: uuid::Uuid, number: i64) -> TicketRef {
    TicketRef { id: TicketId(id), number: format!("V-{number}") }
}
