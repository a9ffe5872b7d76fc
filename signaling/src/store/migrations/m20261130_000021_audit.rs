//! The audit log.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261130_000021_audit"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let audit = Table::create()
            .table("audit")
            .col(ColumnDef::new("number").big_integer().not_null().primary_key())
            .col(ColumnDef::new("at").big_integer().not_null())
            .col(ColumnDef::new("actor").string().not_null())
            .col(ColumnDef::new("event").string().not_null())
            .col(ColumnDef::new("about").string().not_null())
            .col(ColumnDef::new("why").text().not_null())
            .col(ColumnDef::new("detail").text().not_null())
            .col(ColumnDef::new("hash").blob().not_null())
            .to_owned();
        manager.create_table(audit).await?;
        for (name, column) in
            [("audit_about", "about"), ("audit_actor", "actor"), ("audit_event", "event"), ("audit_at", "at")]
        {
            let index = Index::create().name(name).table("audit").col(column).col("number").to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }
}
