//! What happened in a call: holds, mutes, who came and went.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261130_000060_call_events"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let events = Table::create()
            .table("call_events")
            .col(ColumnDef::new("call").uuid().not_null())
            .col(ColumnDef::new("number").integer().not_null())
            .col(ColumnDef::new("event").text().not_null())
            .primary_key(Index::create().col("call").col("number"))
            .to_owned();
        manager.create_table(events).await
    }
}
