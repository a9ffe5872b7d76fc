//! How the connections of a call were, in chunks of about half a minute.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000002_quality"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let chunks = Table::create()
            .table("quality_chunks")
            .col(ColumnDef::new("call").uuid().not_null())
            .col(ColumnDef::new("number").integer().not_null())
            .col(ColumnDef::new("points").text().not_null())
            .col(ColumnDef::new("last").boolean().not_null())
            .primary_key(Index::create().col("call").col("number"))
            .to_owned();
        manager.create_table(chunks).await
    }
}
