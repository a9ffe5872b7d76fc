//! Which queue a call stood in.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261130_000010_queues"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Calls of earlier versions stood in the one line there was.
        let column = ColumnDef::new("queue").string().not_null().default("support").to_owned();
        manager.alter_table(Table::alter().table("calls").add_column(column).to_owned()).await?;
        let index = Index::create().name("calls_queue").table("calls").col("queue").col("id").to_owned();
        manager.create_index(index).await
    }
}
