//! Whose calls are whose, holds, and erasures.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::ConnectionTrait;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261130_000022_governance"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables() {
            manager.create_table(table).await?;
        }
        for (name, table, columns) in [
            ("call_subjects_subject", "call_subjects", ["shop", "subject"]),
            ("subject_aliases_subject", "subject_aliases", ["shop", "subject"]),
            ("holds_recording", "holds", ["recording", "lifted_at"]),
            ("holds_subject", "holds", ["shop", "subject"]),
        ] {
            let index = Index::create().name(name).table(table).col(columns[0]).col(columns[1]).to_owned();
            manager.create_index(index).await?;
        }
        subjects_of_calls(manager).await
    }
}

fn tables() -> Vec<TableCreateStatement> {
    vec![
        Table::create()
            .table("call_subjects")
            .col(ColumnDef::new("call").uuid().not_null().primary_key())
            .col(ColumnDef::new("shop").string().not_null())
            .col(ColumnDef::new("subject").string().not_null())
            .to_owned(),
        Table::create()
            .table("subject_aliases")
            .col(ColumnDef::new("shop").string().not_null())
            .col(ColumnDef::new("alias").string().not_null())
            .col(ColumnDef::new("subject").string().not_null())
            .primary_key(Index::create().col("shop").col("alias"))
            .to_owned(),
        Table::create()
            .table("holds")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("recording").uuid().null())
            .col(ColumnDef::new("shop").string().null())
            .col(ColumnDef::new("subject").string().null())
            .col(ColumnDef::new("why").text().not_null())
            .col(ColumnDef::new("placed_at").big_integer().not_null())
            .col(ColumnDef::new("placed_by").string().not_null())
            .col(ColumnDef::new("lifted_at").big_integer().null())
            .to_owned(),
        Table::create()
            .table("erasures")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("shop").string().not_null())
            .col(ColumnDef::new("subject").string().null())
            .col(ColumnDef::new("subject_sha256").string().not_null())
            .col(ColumnDef::new("why").text().not_null())
            .col(ColumnDef::new("requested_at").big_integer().not_null())
            .col(ColumnDef::new("trouble").text().null())
            .col(ColumnDef::new("certificate").text().null())
            .to_owned(),
    ]
}

/// Fills the table of whose calls are whose from what the calls have kept.
async fn subjects_of_calls(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let select = Query::select()
        .column(("calls", "id"))
        .column(("calls", "context"))
        .column(("buyer_sessions", "shop"))
        .from("calls")
        .left_join("buyer_sessions", Expr::col(("buyer_sessions", "id")).equals(("calls", "session")))
        .to_owned();
    for row in db.query_all(&select).await? {
        let id: uuid::Uuid = row.try_get_by_index(0)?;
        let context: String = row.try_get_by_index(1)?;
        let shop: Option<String> = row.try_get_by_index(2)?;
        let context: serde_json::Value = serde_json::from_str(&context).unwrap_or_default();
        let subject = context["subject"].as_str().unwrap_or_default().to_owned();
        let insert = Query::insert()
            .into_table("call_subjects")
            .columns(["call", "shop", "subject"])
            .values_panic([id.into(), shop.unwrap_or_default().into(), subject.into()])
            .to_owned();
        db.execute(&insert).await?;
    }
    Ok(())
}
