//! A shop's key for minting buyer tokens.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    /// Public name of the key, the `kid` of tokens.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Shop id, the `iss` of tokens.
    pub shop: String,
    /// Name shown to people.
    pub shop_name: String,
    /// Who answers, as the widget says it.
    pub answered_by: String,
    /// The HMAC secret, sealed with the master key.
    pub secret: Vec<u8>,
    pub created_at: i64,
    /// Tokens are refused from then on.
    pub revoked_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
