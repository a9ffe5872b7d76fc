//! What is granted and denied to single members of staff.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261130_000020_rights"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = ColumnDef::new("rights").text().null().to_owned();
        manager.alter_table(Table::alter().table("users").add_column(column).to_owned()).await
    }
}
