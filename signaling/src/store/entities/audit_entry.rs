//! An entry of the audit log.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    /// Counts from 1 without gaps.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    pub at: i64,
    pub actor: String,
    pub event: String,
    pub about: String,
    #[sea_orm(column_type = "Text")]
    pub why: String,
    /// JSON text, hashed as it is.
    #[sea_orm(column_type = "Text")]
    pub detail: String,
    /// SHA-256 of the hash before and this entry.
    pub hash: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
