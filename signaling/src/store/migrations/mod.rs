//! The history of the database's shape, oldest first. A migration that has been released is never edited.

use sea_orm_migration::{MigrationTrait, MigratorTrait, async_trait};

mod m20261121_000001_initial;
mod m20261122_000002_quality;
mod m20261130_000010_queues;
mod m20261130_000011_pauses;
mod m20261130_000012_agent_receipts;
mod m20261130_000020_rights;
mod m20261130_000021_audit;
mod m20261130_000040_ratings;
mod m20261130_000050_scorecards;
mod m20261130_000060_call_events;

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
            Box::new(m20261130_000040_ratings::Migration),
            Box::new(m20261130_000050_scorecards::Migration),
            Box::new(m20261130_000060_call_events::Migration),
        ]
    }
}
