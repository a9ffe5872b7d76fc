//! The durable facts: calls, tickets, consents, recordings, staff, keys.
//!
//! SQLite in WAL mode through sea-orm; nothing here needs that one database. Every method is one operation that
//! is whole or did not happen. Secrets are never stored readable: session tokens as SHA-256 (they are 256 random
//! bits, so a plain hash cannot be guessed back), passwords as argon2id, and the shops' API secrets sealed with
//! the server's master key, because checking an HMAC needs the secret itself.

mod audit;
mod buyers;
mod calls;
mod chat;
mod consents;
mod convert;
mod entities;
mod erasures;
mod events;
mod exports;
mod flags;
mod holds;
mod migrations;
mod paging;
mod pauses;
mod quality;
mod ratings;
mod recordings;
mod review;
mod rights;
mod samples;
mod saved_filters;
mod scope;
mod scrub;
mod search;
mod staff;
mod subjects;
mod tickets;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr};
use sea_orm_migration::MigratorTrait;

use crate::auth::MasterKey;

pub use audit::AuditFilter;
pub use buyers::{ApiKey, BuyerSessionRecord, NewApiKey, NewBuyerVisit};
pub use calls::{NewCall, OpenCall};
pub use erasures::{ErasureToDo, RecordingState, pseudonym};
pub use holds::Held;
pub use paging::{BadCursor, Paging};
pub use ratings::RateError;
pub use recordings::{KeptRecording, RecordingRow, RowState};
pub use review::{
    DisputeAnswer, DisputeFacts, NewReviewRow, NewSecond, ReviewFilter, ReviewRecord, SecondRow,
    SubmittedRevision, scored_between,
};
pub use samples::{NewSampleRow, SampleError};
pub use saved_filters::{FILTERS_MAX, SaveFilterError};
pub use scope::Scope;
pub use staff::{LoginRecord, NewUser, NewUserError};
pub use tickets::{NOTES_MAX, WrapUpError};

/// Why an operation on the store failed. None of these is the caller's fault.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or is gone.
    #[error("the database failed: {0}")]
    Database(#[from] DbErr),
    /// A row holds what this version cannot read.
    #[error("{what} in the database cannot be read: {why}")]
    Unreadable {
        /// Which column.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A row that another one points to is not there.
    #[error("{what} {id} is not in the database")]
    Missing {
        /// What kind of row.
        what: &'static str,
        /// Which.
        id: String,
    },
    /// A secret does not open with this server's master key.
    #[error("the secret of API key {0} does not open with this server's master key")]
    WrongMasterKey(String),
}

/// What the operations answer.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Where the store gets the time from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The store; clones share one connection pool.
#[derive(Clone)]
pub struct Store {
    db: DatabaseConnection,
    /// What goes into the audit log goes over this one connection, and is on the disk when it is committed.
    audit_db: DatabaseConnection,
    master: MasterKey,
    clock: Clock,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("backend", &self.db.get_database_backend()).finish_non_exhaustive()
    }
}

/// How the SQLite file is opened. The name goes in beside the address, where no character of it has a meaning of its own.
fn options(file: &Path, connections: u32, synchronous: SqliteSynchronous) -> ConnectOptions {
    let file = file.to_owned();
    let mut options = ConnectOptions::new("sqlite://vitrine.sqlite");
    options
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(10))
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            sqlite
                .filename(&file)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(synchronous)
                .busy_timeout(Duration::from_secs(5))
                .foreign_keys(true)
                // What is deleted is overwritten, not only forgotten: an erased name stands in no free page.
                .pragma("secure_delete", "ON")
        });
    options
}

impl Store {
    /// Opens the SQLite file, which is made when missing, and brings it up to date.
    pub async fn open(file: &Path, master: MasterKey) -> Result<Self> {
        // With WAL, `Normal` may lose the last transactions when the power fails, never the database.
        let db = Database::connect(options(file, 8, SqliteSynchronous::Normal)).await?;
        migrations::Migrator::up(&db, None).await?;
        let audit_db = Database::connect(options(file, 1, SqliteSynchronous::Full)).await?;
        Ok(Self::of(db, audit_db, master))
    }

    /// A store that lives in memory only, for tests.
    pub async fn in_memory() -> Result<Self> {
        let mut options = ConnectOptions::new("sqlite::memory:");
        // Every connection would be a database of its own, and one that is closed takes the data along: idle, old, or
        // dropped by the pool because whoever asked for it was aborted while the pool tested it (sqlx issue 1869).
        options.min_connections(1).max_connections(1).sqlx_logging(false);
        options.idle_timeout(None).max_lifetime(None).test_before_acquire(false);
        let db = Database::connect(options).await?;
        migrations::Migrator::up(&db, None).await?;
        Ok(Self::of(db.clone(), db, MasterKey::generate()))
    }

    fn of(db: DatabaseConnection, audit_db: DatabaseConnection, master: MasterKey) -> Self {
        Self { db, audit_db, master, clock: Arc::new(Timestamp::now) }
    }

    /// The same store with another idea of the time, for tests.
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The time, as this store sees it.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        Ok(self.db.ping().await?)
    }

    /// Closes the pool: writes the WAL back and frees the file.
    pub async fn close(self) -> Result<()> {
        self.audit_db.close().await?;
        Ok(self.db.close().await?)
    }

    /// Forgets sessions and used tokens that have expired, and worklists that were deleted. Cheap; run it now and then.
    pub async fn sweep(&self) -> Result<u64> {
        use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
        let now = convert::micros(self.now());
        let tokens = entities::used_token::Entity::delete_many()
            .filter(entities::used_token::Column::ExpiresAt.lt(now))
            .exec(&self.db)
            .await?;
        let sessions = entities::staff_session::Entity::delete_many()
            .filter(entities::staff_session::Column::ExpiresAt.lt(now))
            .exec(&self.db)
            .await?;
        // Buyer sessions that led to a call are part of that call's story; the others are nobody's business.
        let called = sea_orm::sea_query::Query::select()
            .column(entities::call::Column::Session)
            .from(entities::call::Entity)
            .to_owned();
        let visits = entities::buyer_session::Entity::delete_many()
            .filter(entities::buyer_session::Column::ExpiresAt.lt(now))
            .filter(entities::buyer_session::Column::Id.not_in_subquery(called))
            .exec(&self.db)
            .await?;
        let worklists = self.sweep_worklists().await?;
        Ok(tokens.rows_affected + sessions.rows_affected + visits.rows_affected + worklists)
    }
}
