//! Recordings that their buyer took back and a legal hold keeps.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261130_000080_withheld"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = ColumnDef::new("withheld_at").big_integer().null().to_owned();
        manager.alter_table(Table::alter().table("recordings").add_column(column).to_owned()).await
    }
}
