//! A buyer's visit.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "buyer_sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// SHA-256 of the session token.
    pub token_hash: Vec<u8>,
    pub shop: String,
    pub answered_by: String,
    /// What the widget shows.
    pub language: String,
    /// `BuyerContext` as JSON.
    #[sea_orm(column_type = "Text")]
    pub context: String,
    pub created_at: i64,
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
