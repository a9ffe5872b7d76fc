//! The history of the database's shape, oldest first. A migration that has been released is never edited.

use sea_orm_migration::{MigrationTrait, MigratorTrait, async_trait};

mod m20261121_000001_initial;
mod m20261122_000002_quality;
mod m20261130_000010_queues;
mod m20261130_000011_pauses;
mod m20261130_000012_agent_receipts;
mod m20261130_000020_rights;
mod m20261130_000021_audit;
mod m20261130_000022_governance;
mod m20261130_000030_exports;
mod m20261130_000040_ratings;
mod m20261130_000041_search;
mod m20261130_000042_worklists;
mod m20261130_000050_scorecards;
mod m20261130_000060_call_events;
mod m20261130_000070_masked_notes;
mod m20261130_000080_withheld;

/// Brings any older database up to this version's shape.
pub(crate) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_initial::Migration),
            Box::new(m20261122_000002_quality::Migration),
            Box::new(m20261130_000010_queues::Migration),
            Box::new(m20261130_000011_pauses::Migration),
            Box::new(m20261130_000012_agent_receipts::Migration),
            Box::new(m20261130_000020_rights::Migration),
            Box::new(m20261130_000021_audit::Migration),
            Box::new(m20261130_000022_governance::Migration),
            Box::new(m20261130_000030_exports::Migration),
            Box::new(m20261130_000040_ratings::Migration),
            Box::new(m20261130_000041_search::Migration),
            Box::new(m20261130_000042_worklists::Migration),
            Box::new(m20261130_000050_scorecards::Migration),
            Box::new(m20261130_000060_call_events::Migration),
            Box::new(m20261130_000070_masked_notes::Migration),
            Box::new(m20261130_000080_withheld::Migration),
        ]
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectOptions, ConnectionTrait, Database, Statement};

    use super::*;

    #[tokio::test]
    async fn what_the_first_release_stored_is_still_there_and_has_what_came_since() {
        let mut options = ConnectOptions::new("sqlite::memory:");
        options.min_connections(1).max_connections(1);
        let db = Database::connect(options).await.unwrap();
        Migrator::up(&db, Some(1)).await.unwrap();
        let old = "INSERT INTO calls (id, session, state, requested_at, context, search)
            VALUES (x'00000000000000000000000000000001', x'00000000000000000000000000000002', 'ended', 7, '{}', '');
            INSERT INTO receipts (id, call, subject, recording, text_version, text_sha256, language, purpose, at)
            VALUES (x'00000000000000000000000000000003', x'00000000000000000000000000000001', 'buyer-7', 1, '1', 'ab',
            'de', 'quality_review', 7)";
        db.execute_unprepared(old).await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        let value = async |column: &str, table: &str| {
            let query = format!("SELECT {column} AS found FROM {table}");
            let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), query)).await;
            row.unwrap().unwrap().try_get::<String>("", "found").unwrap()
        };
        assert_eq!(value("queue", "calls").await, "support", "the one line there was");
        assert_eq!(value("side", "receipts").await, "buyer", "nobody else was asked");
    }
}
