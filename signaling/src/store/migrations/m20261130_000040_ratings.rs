//! What buyers thought of their calls.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261130_000040_ratings"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let ratings = Table::create()
            .table("ratings")
            .col(ColumnDef::new("call").uuid().not_null().primary_key())
            .col(ColumnDef::new("stars").integer().not_null())
            .col(ColumnDef::new("comment").text().not_null())
            .col(ColumnDef::new("given_at").big_integer().not_null())
            .col(ColumnDef::new("changed_at").big_integer().not_null())
            .to_owned();
        manager.create_table(ratings).await?;
        let by_stars = Index::create().name("ratings_stars").table("ratings").col("stars").to_owned();
        manager.create_index(by_stars).await
    }
}
