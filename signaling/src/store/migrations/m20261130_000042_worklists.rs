//! Saved filters and samples.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261130_000042_worklists"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables() {
            manager.create_table(table).await?;
        }
        let of_recording =
            Index::create().name("sample_items_recording").table("sample_items").col("recording").to_owned();
        manager.create_index(of_recording).await
    }
}

fn tables() -> Vec<TableCreateStatement> {
    vec![
        Table::create()
            .table("saved_filters")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("owner").uuid().not_null())
            .col(ColumnDef::new("name").string().not_null())
            .col(ColumnDef::new("query").text().not_null())
            .col(ColumnDef::new("shared").boolean().not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .col(ColumnDef::new("deleted_at").big_integer().null())
            .to_owned(),
        Table::create()
            .table("default_filters")
            .col(ColumnDef::new("user").uuid().not_null().primary_key())
            .col(ColumnDef::new("filter").uuid().not_null())
            .to_owned(),
        Table::create()
            .table("samples")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("name").string().not_null())
            .col(ColumnDef::new("query").text().not_null())
            .col(ColumnDef::new("rule").text().null())
            .col(ColumnDef::new("seed").big_integer().not_null())
            .col(ColumnDef::new("reviewers").text().not_null())
            .col(ColumnDef::new("created_by").uuid().not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .col(ColumnDef::new("drawn_at").big_integer().not_null())
            .col(ColumnDef::new("deleted_at").big_integer().null())
            .to_owned(),
        Table::create()
            .table("sample_items")
            .col(ColumnDef::new("sample").uuid().not_null())
            .col(ColumnDef::new("recording").uuid().not_null())
            .col(ColumnDef::new("position").integer().not_null())
            .col(ColumnDef::new("stratum").string().not_null())
            .col(ColumnDef::new("reviewer").uuid().null())
            .col(ColumnDef::new("reviewed_at").big_integer().null())
            .col(ColumnDef::new("reviewed_by").uuid().null())
            .primary_key(Index::create().col("sample").col("recording"))
            .to_owned(),
    ]
}
