//! Something that was noted about a call; see `protocol::search::Flag`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "call_flags")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub call: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub flag: String,
    /// Who set it, when a person did.
    pub by: Option<Uuid>,
    pub at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
