//! A scorecard form, over all its versions.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "review_forms")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Only for calls of this queue.
    pub queue: Option<String>,
    /// `FormContent` as JSON: what differs from the newest version.
    #[sea_orm(column_type = "Text", nullable)]
    pub draft: Option<String>,
    /// Changes of the draft so far.
    pub revision: i64,
    pub archived_at: Option<i64>,
    pub created_at: i64,
    pub created_by: Uuid,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
