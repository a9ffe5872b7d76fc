//! What members of staff choose about being recorded, and where they work.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261130_000012_agent_receipts"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let add = |table: &'static str, column: &mut ColumnDef| {
            Table::alter().table(table).add_column(column.to_owned()).to_owned()
        };
        manager.alter_table(add("users", ColumnDef::new("country").string().null())).await?;
        // Earlier versions asked buyers only.
        let side = &mut ColumnDef::new("side").string().not_null().default("buyer").to_owned();
        manager.alter_table(add("receipts", side)).await?;
        let receipts = Table::create()
            .table("staff_receipts")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("user").uuid().not_null())
            .col(ColumnDef::new("recording").boolean().not_null())
            .col(ColumnDef::new("text_version").string().not_null())
            .col(ColumnDef::new("text_sha256").string().not_null())
            .col(ColumnDef::new("language").string().not_null())
            .col(ColumnDef::new("purpose").string().not_null())
            .col(ColumnDef::new("at").big_integer().not_null())
            .to_owned();
        manager.create_table(receipts).await?;
        let index = Index::create()
            .name("staff_receipts_user")
            .table("staff_receipts")
            .col("user")
            .col("id")
            .to_owned();
        manager.create_index(index).await
    }
}
