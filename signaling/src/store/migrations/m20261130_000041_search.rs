//! Columns and indexes for finding recordings; what older calls and tickets say is taken over.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr};

/// Rows at once.
const BATCH: u64 = 500;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261130_000041_search"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in [("calls", "language"), ("calls", "country"), ("calls", "sku")] {
            let mut column = ColumnDef::new(column);
            column.string().null();
            manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await?;
        }
        let mut notes = ColumnDef::new("notes_search");
        notes.text().not_null().default("");
        manager.alter_table(Table::alter().table("tickets").add_column(notes).to_owned()).await?;
        let flags = Table::create()
            .table("call_flags")
            .col(ColumnDef::new("call").uuid().not_null())
            .col(ColumnDef::new("flag").string().not_null())
            .col(ColumnDef::new("by").uuid().null())
            .col(ColumnDef::new("at").big_integer().not_null())
            .primary_key(Index::create().col("call").col("flag"))
            .to_owned();
        manager.create_table(flags).await?;
        for (name, table, columns) in INDEXES {
            let mut index = Index::create().name(name).table(table).to_owned();
            for column in columns {
                index.col(*column);
            }
            manager.create_index(index).await?;
        }
        take_over_contexts(manager).await?;
        take_over_notes(manager).await
    }
}

const INDEXES: [(&str, &str, &[&str]); 7] = [
    ("recordings_started", "recordings", &["started_at", "id"]),
    ("recordings_duration", "recordings", &["duration_ms", "id"]),
    ("calls_language", "calls", &["language"]),
    ("calls_country", "calls", &["country"]),
    ("calls_sku", "calls", &["sku"]),
    ("tickets_outcome", "tickets", &["outcome"]),
    ("call_flags_flag", "call_flags", &["flag", "call"]),
];

/// The language, country and SKU that stand in the contexts of calls.
async fn take_over_contexts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let mut last = uuid::Uuid::nil();
    loop {
        let batch = Query::select()
            .columns(["id", "context"])
            .from("calls")
            .and_where(Expr::col("id").gt(last))
            .order_by("id", Order::Asc)
            .limit(BATCH)
            .to_owned();
        let rows = db.query_all(&batch).await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            last = row.try_get_by_index(0)?;
            let context: String = row.try_get_by_index(1)?;
            // A context that cannot be read is found without these filters, as before.
            let Ok(context) = serde_json::from_str::<serde_json::Value>(&context) else { continue };
            let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
            let update = Query::update()
                .table("calls")
                .value("language", text(&context["language"]).map(|tag| tag.to_lowercase()))
                .value("country", text(&context["country"]).map(|code| code.to_uppercase()))
                .value("sku", text(&context["product"]["sku"]))
                .and_where(Expr::col("id").eq(last))
                .to_owned();
            db.execute(&update).await?;
        }
    }
}

/// Notes in lower case: not every database finds `Ä` with `ä`.
async fn take_over_notes(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let mut last = uuid::Uuid::nil();
    loop {
        let batch = Query::select()
            .columns(["id", "notes"])
            .from("tickets")
            .and_where(Expr::col("id").gt(last))
            .order_by("id", Order::Asc)
            .limit(BATCH)
            .to_owned();
        let rows = db.query_all(&batch).await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            last = row.try_get_by_index(0)?;
            let notes: String = row.try_get_by_index(1)?;
            let update = Query::update()
                .table("tickets")
                .value("notes_search", notes.to_lowercase())
                .and_where(Expr::col("id").eq(last))
                .to_owned();
            db.execute(&update).await?;
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
    async fn calls_and_notes_of_an_older_version_are_found_by_the_new_filters() {
        let mut options = ConnectOptions::new("sqlite::memory:");
        options.min_connections(1).max_connections(1).sqlx_logging(false);
        let db = Database::connect(options).await.unwrap();
        let before = Migrator::migrations().iter().position(|one| one.name() == Migration.name()).unwrap();
        Migrator::up(&db, Some(before as u32)).await.unwrap();
        let contexts = [
            r#"{"subject":"b","language":"de-AT","country":"at","product":{"sku":"AUR-3","name":"Aurora"}}"#,
            r#"{"subject":"b","language":"fr"}"#,
            "not JSON any more",
        ];
        // More than one batch.
        for n in 0..2 * BATCH as usize {
            let (id, other) = (Uuid::now_v7(), Uuid::now_v7());
            let call = Query::insert()
                .into_table("calls")
                .columns(["id", "session", "state", "requested_at", "context", "search"])
                .values_panic([
                    id.into(),
                    other.into(),
                    "ended".into(),
                    0_i64.into(),
                    contexts[n % 3].into(),
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
                    "ÄRGER".into(),
                    0_i64.into(),
                ])
                .to_owned();
            db.execute(&ticket).await.unwrap();
        }
        Migrator::up(&db, None).await.unwrap();
        let read = Query::select()
            .columns(["language", "country", "sku"])
            .from("calls")
            .order_by("id", Order::Asc)
            .to_owned();
        let calls: Vec<[Option<String>; 3]> = db
            .query_all(&read)
            .await
            .unwrap()
            .iter()
            .map(|row| [0, 1, 2].map(|at| row.try_get_by_index(at).unwrap()))
            .collect();
        let text = |text: &str| Some(text.to_owned());
        for (n, call) in calls.iter().enumerate() {
            let wanted = match n % 3 {
                0 => [text("de-at"), text("AT"), text("AUR-3")],
                1 => [text("fr"), None, None],
                _ => [None, None, None],
            };
            assert_eq!(*call, wanted, "call {n}");
        }
        let notes = Query::select().column("notes_search").from("tickets").to_owned();
        let rows = db.query_all(&notes).await.unwrap();
        assert_eq!(rows.len(), 2 * BATCH as usize);
        for row in rows {
            assert_eq!(row.try_get_by_index::<String>(0).unwrap(), "ärger");
        }
    }
}
