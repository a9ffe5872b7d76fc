//! Exports of recordings.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261130_000030_exports"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let exports = Table::create()
            .table("exports")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("recording").uuid().not_null())
            .col(ColumnDef::new("status").string().not_null())
            .col(ColumnDef::new("by").uuid().not_null())
            .col(ColumnDef::new("by_name").string().not_null())
            .col(ColumnDef::new("reason").text().not_null())
            .col(ColumnDef::new("timestamps").boolean().not_null())
            .col(ColumnDef::new("redactions").text().not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .col(ColumnDef::new("attempts").integer().not_null())
            .col(ColumnDef::new("finished_at").big_integer().null())
            .col(ColumnDef::new("expires_at").big_integer().null())
            .col(ColumnDef::new("error").text().null())
            .col(ColumnDef::new("bytes").big_integer().null())
            .col(ColumnDef::new("duration_ms").big_integer().null())
            .to_owned();
        manager.create_table(exports).await?;
        for (name, column) in [("exports_recording", "recording"), ("exports_status", "status")] {
            let index = Index::create().name(name).table("exports").col(column).to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }
}
