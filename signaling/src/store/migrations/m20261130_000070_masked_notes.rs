//! Notes as they are shown to those who may not know who the buyer was, so that they find them by nothing else.

use protocol::call::BuyerContext;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr};

use crate::auth::mask::Known;

/// Rows at once.
const BATCH: u64 = 500;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261130_000070_masked_notes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut notes = ColumnDef::new("notes_masked");
        notes.text().not_null().default("");
        manager.alter_table(Table::alter().table("tickets").add_column(notes).to_owned()).await?;
        let db = manager.get_connection();
        let mut last = uuid::Uuid::nil();
        loop {
            let batch = Query::select()
                .columns([("tickets", "id"), ("tickets", "notes"), ("calls", "context")])
                .from("tickets")
                .join(JoinType::InnerJoin, "calls", Expr::col(("tickets", "call")).equals(("calls", "id")))
                .and_where(Expr::col(("tickets", "id")).gt(last))
                .order_by(("tickets", "id"), Order::Asc)
                .limit(BATCH)
                .to_owned();
            let rows = db.query_all(&batch).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                last = row.try_get_by_index(0)?;
                let (notes, context): (String, String) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
                // Who the buyer was is not known without a context: these notes are found by their words no longer.
                let Ok(context) = serde_json::from_str::<BuyerContext>(&context) else { continue };
                let update = Query::update()
                    .table("tickets")
                    .value("notes_masked", Known::of(&context).hide(&notes).to_lowercase())
                    .and_where(Expr::col("id").eq(last))
                    .to_owned();
                db.execute(&update).await?;
            }
        }
    }
}
