//! Stretches of a recording of which nothing was stored.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261130_000011_pauses"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let pauses = Table::create()
            .table("recording_pauses")
            .col(ColumnDef::new("recording").uuid().not_null())
            .col(ColumnDef::new("since").big_integer().not_null())
            .col(ColumnDef::new("reason").string().not_null())
            .col(ColumnDef::new("by").uuid().null())
            .col(ColumnDef::new("ended_at").big_integer().null())
            .col(ColumnDef::new("timed_out").boolean().not_null())
            .primary_key(Index::create().col("recording").col("since"))
            .to_owned();
        manager.create_table(pauses).await
    }
}
