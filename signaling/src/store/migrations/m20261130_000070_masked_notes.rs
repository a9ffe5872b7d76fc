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

#[cfg(test)]
mod tests {
    use sea_orm_migration::MigratorTrait;
    use sea_orm_migration::sea_orm::{ConnectOptions, Database};
    use uuid::Uuid;

    use super::super::Migrator;
    use super::*;

    #[tokio::test]
    async fn notes_of_an_older_version_are_found_by_what_is_shown_of_them() {
        let mut options = ConnectOptions::new("sqlite::memory:");
        options.min_connections(1).max_connections(1).sqlx_logging(false);
        let db = Database::connect(options).await.unwrap();
        let before = Migrator::migrations().iter().position(|one| one.name() == Migration.name()).unwrap();
        Migrator::up(&db, Some(before as u32)).await.unwrap();
        let contexts = [r#"{"subject":"b-77","name":"Jana Novak","language":"de-AT"}"#, "not JSON any more"];
        // More than one batch.
        for n in 0..BATCH as usize + 2 {
            let (id, other) = (Uuid::now_v7(), Uuid::now_v7());
            let call = Query::insert()
                .into_table("calls")
                .columns(["id", "session", "state", "requested_at", "context", "search"])
                .values_panic([
                    id.into(),
                    other.into(),
                    "ended".into(),
                    0_i64.into(),
                    contexts[n % 2].into(),
                    "".into(),
                ])
                .to_owned();
            db.execute(&call).await.unwrap();
            let ticket = Query::insert()
                .into_table("tickets")
                .columns(["id", "number", "call", "agent", "agent_name", "search", "notes", "created_at"])
                .values_panic([
                    other.into(),
                    (n as i64).into(),
                    id.into(),
                    other.into(),
                    "Mina".into(),
                    "".into(),
                    "Novak: ÄRGER".into(),
                    0_i64.into(),
                ])
                .to_owned();
            db.execute(&ticket).await.unwrap();
        }
        Migrator::up(&db, None).await.unwrap();
        let notes =
            Query::select().column("notes_masked").from("tickets").order_by("number", Order::Asc).to_owned();
        let rows = db.query_all(&notes).await.unwrap();
        assert_eq!(rows.len(), BATCH as usize + 2);
        for (n, row) in rows.iter().enumerate() {
            let masked: String = row.try_get_by_index(0).unwrap();
            assert_eq!(masked, ["*** ärger", ""][n % 2], "ticket {n}");
        }
    }
}
