//! An erasure that was asked for.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "erasures")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub shop: String,
    /// None once it is done.
    pub subject: Option<String>,
    pub subject_sha256: String,
    #[sea_orm(column_type = "Text")]
    pub why: String,
    pub requested_at: i64,
    #[sea_orm(column_type = "Text", nullable)]
    pub trouble: Option<String>,
    /// JSON, once it is done.
    #[sea_orm(column_type = "Text", nullable)]
    pub certificate: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
