//! The lasting record of an accepted call.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tickets")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Shown as `V-<number>`.
    pub number: i64,
    pub call: Uuid,
    pub agent: Uuid,
    /// As it was when the call was accepted.
    pub agent_name: String,
    /// Number and agent in lower case, for search.
    #[sea_orm(column_type = "Text")]
    pub search: String,
    pub outcome: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub notes: String,
    /// The notes in lower case.
    #[sea_orm(column_type = "Text")]
    pub notes_search: String,
    /// The same, masked: what everybody else finds them by.
    #[sea_orm(column_type = "Text")]
    pub notes_masked: String,
    pub created_at: i64,
    pub closed_at: Option<i64>,
    pub closed_by: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
