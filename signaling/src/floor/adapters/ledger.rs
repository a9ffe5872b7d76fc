//! The store as the floor's ledger.

use futures_util::future::BoxFuture;
use protocol::call::TicketRef;
use sea_orm::SqlErr;

use crate::floor::ports::{Fact, Ledger, LedgerError};
use crate::store::{NewCall, Store, StoreError};

impl Ledger for Store {
    fn write(&self, fact: Fact) -> BoxFuture<'_, Result<Option<TicketRef>, LedgerError>> {
        Box::pin(async move { write(self, fact).await.map_err(judged) })
    }
}

async fn write(store: &Store, fact: Fact) -> Result<Option<TicketRef>, StoreError> {
    match fact {
        Fact::Requested { call, session, queue, context, at } => {
            let new = NewCall { id: call, session, queue, context: *context, requested_at: at };
            store.insert_call(new).await?;
        }
        Fact::Accepted { call, agent, at } => return store.call_accepted(call, agent, at).await.map(Some),
        Fact::Ended { call, at, reason } => store.call_ended(call, at, reason).await?,
        Fact::StaffChose { agent, receipt } => store.add_staff_receipt(agent, receipt).await?,
        Fact::Chose { call, receipt } => store.add_receipt(call, receipt).await?,
        Fact::Said { call, name, line } => store.add_chat(call, line.from, &name, &line).await?,
        Fact::Happened { call, number, event } => store.add_event(call, number, &event).await?,
        Fact::Quality { call, chunk } => {
            store.add_quality(call, chunk.number, &chunk.points, chunk.last).await?
        }
        Fact::RecordingStarted { call, recording, at } => {
            store.recording_started(recording, call, at).await?
        }
        Fact::RecordingPaused { recording, since, reason, by } => {
            store.recording_paused(recording, since, reason, by).await?;
        }
        Fact::RecordingResumed { recording, since, at, timed_out } => {
            store.recording_resumed(recording, since, at, timed_out).await?;
        }
        Fact::RecordingFinished { recording, duration_ms } => {
            store.recording_finished(recording, duration_ms).await?;
        }
        Fact::RecordingWithheld { recording, at } => store.recording_withheld(recording, at).await?,
        Fact::RecordingDeleted { recording, at, reason } => {
            store.recording_deleted(recording, at, reason).await?;
        }
    }
    Ok(None)
}

/// A fact that breaks a rule of the schema will break it next time too; anything else is the database's mood.
fn judged(error: StoreError) -> LedgerError {
    let text = error.to_string();
    match error {
        StoreError::Database(error) => match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_) | SqlErr::ForeignKeyConstraintViolation(_)) => {
                LedgerError::Never(text)
            }
            _ => LedgerError::Later(text),
        },
        StoreError::Unreadable { .. } | StoreError::Missing { .. } | StoreError::WrongMasterKey(_) => {
            LedgerError::Never(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use protocol::ids::{CallId, UserId};

    #[tokio::test]
    async fn a_fact_about_an_unknown_call_is_refused_for_good() {
        let store = Store::in_memory().await.unwrap();
        let fact = Fact::Accepted { call: CallId::new(), agent: UserId::new(), at: Timestamp::UNIX_EPOCH };
        let answer = Ledger::write(&store, fact).await;
        assert!(matches!(answer, Err(LedgerError::Never(_))), "{answer:?}");
    }

    #[tokio::test]
    async fn a_database_that_is_gone_may_come_back() {
        let store = Store::in_memory().await.unwrap();
        store.clone().close().await.unwrap();
        let fact = Fact::RecordingFinished { recording: protocol::ids::RecordingId::new(), duration_ms: 1 };
        let answer = Ledger::write(&store, fact).await;
        assert!(matches!(answer, Err(LedgerError::Later(_))), "{answer:?}");
    }
}
