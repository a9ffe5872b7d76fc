//! Everything the first release stores.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261121_000001_initial"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables() {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn tables() -> Vec<TableCreateStatement> {
    vec![
        Table::create()
            .table("api_keys")
            .col(ColumnDef::new("id").string().not_null().primary_key())
            .col(ColumnDef::new("shop").string().not_null())
            .col(ColumnDef::new("shop_name").string().not_null())
            .col(ColumnDef::new("answered_by").string().not_null())
            .col(ColumnDef::new("secret").blob().not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .col(ColumnDef::new("revoked_at").big_integer().null())
            .to_owned(),
        Table::create()
            .table("used_tokens")
            .col(ColumnDef::new("api_key").string().not_null())
            .col(ColumnDef::new("jti").string().not_null())
            .col(ColumnDef::new("expires_at").big_integer().not_null())
            .primary_key(Index::create().col("api_key").col("jti"))
            .to_owned(),
        Table::create()
            .table("buyer_sessions")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("token_hash").blob().not_null().unique_key())
            .col(ColumnDef::new("shop").string().not_null())
            .col(ColumnDef::new("answered_by").string().not_null())
            .col(ColumnDef::new("language").string().not_null())
            .col(ColumnDef::new("context").text().not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .col(ColumnDef::new("expires_at").big_integer().not_null())
            .to_owned(),
        Table::create()
            .table("users")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("email").string().not_null().unique_key())
            .col(ColumnDef::new("name").string().not_null())
            .col(ColumnDef::new("role").string().not_null())
            .col(ColumnDef::new("password_hash").string().not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .col(ColumnDef::new("disabled_at").big_integer().null())
            .to_owned(),
        Table::create()
            .table("staff_sessions")
            .col(ColumnDef::new("token_hash").blob().not_null().primary_key())
            .col(ColumnDef::new("user").uuid().not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .col(ColumnDef::new("expires_at").big_integer().not_null())
            .to_owned(),
        Table::create()
            .table("calls")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("session").uuid().not_null())
            .col(ColumnDef::new("state").string().not_null())
            .col(ColumnDef::new("requested_at").big_integer().not_null())
            .col(ColumnDef::new("accepted_at").big_integer().null())
            .col(ColumnDef::new("ended_at").big_integer().null())
            .col(ColumnDef::new("end_reason").string().null())
            .col(ColumnDef::new("agent").uuid().null())
            .col(ColumnDef::new("context").text().not_null())
            .col(ColumnDef::new("search").text().not_null())
            .to_owned(),
        Table::create()
            .table("tickets")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("number").big_integer().not_null().unique_key())
            .col(ColumnDef::new("call").uuid().not_null().unique_key())
            .col(ColumnDef::new("agent").uuid().not_null())
            .col(ColumnDef::new("agent_name").string().not_null())
            .col(ColumnDef::new("search").text().not_null())
            .col(ColumnDef::new("outcome").string().null())
            .col(ColumnDef::new("notes").text().not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .col(ColumnDef::new("closed_at").big_integer().null())
            .col(ColumnDef::new("closed_by").uuid().null())
            .to_owned(),
        Table::create()
            .table("receipts")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("call").uuid().not_null())
            .col(ColumnDef::new("subject").string().not_null())
            .col(ColumnDef::new("recording").boolean().not_null())
            .col(ColumnDef::new("text_version").string().not_null())
            .col(ColumnDef::new("text_sha256").string().not_null())
            .col(ColumnDef::new("language").string().not_null())
            .col(ColumnDef::new("purpose").string().not_null())
            .col(ColumnDef::new("at").big_integer().not_null())
            .to_owned(),
        Table::create()
            .table("recordings")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("call").uuid().not_null())
            .col(ColumnDef::new("started_at").big_integer().not_null())
            .col(ColumnDef::new("duration_ms").big_integer().not_null())
            .col(ColumnDef::new("complete").boolean().not_null())
            .col(ColumnDef::new("deleted_at").big_integer().null())
            .col(ColumnDef::new("deleted_reason").string().null())
            .to_owned(),
        Table::create()
            .table("chat_lines")
            .col(ColumnDef::new("call").uuid().not_null())
            .col(ColumnDef::new("number").integer().not_null())
            .col(ColumnDef::new("party").uuid().not_null())
            .col(ColumnDef::new("name").string().not_null())
            .col(ColumnDef::new("text").text().not_null())
            .col(ColumnDef::new("at").big_integer().not_null())
            .primary_key(Index::create().col("call").col("number"))
            .to_owned(),
        Table::create()
            .table("counters")
            .col(ColumnDef::new("name").string().not_null().primary_key())
            .col(ColumnDef::new("value").big_integer().not_null())
            .to_owned(),
    ]
}

/// `(name, table, columns)` of what lists and look-ups search by.
const INDEXES: [(&str, &str, &[&str]); 8] = [
    ("used_tokens_expiry", "used_tokens", &["expires_at"]),
    ("buyer_sessions_expiry", "buyer_sessions", &["expires_at"]),
    ("staff_sessions_expiry", "staff_sessions", &["expires_at"]),
    ("calls_agent", "calls", &["agent", "id"]),
    ("calls_state", "calls", &["state"]),
    ("tickets_agent", "tickets", &["agent", "id"]),
    ("receipts_call", "receipts", &["call"]),
    ("recordings_call", "recordings", &["call"]),
];

fn indexes() -> Vec<IndexCreateStatement> {
    INDEXES
        .iter()
        .map(|(name, table, columns)| {
            let mut index = Index::create().name(*name).table(*table).to_owned();
            for column in *columns {
                index.col(*column);
            }
            index
        })
        .collect()
}
