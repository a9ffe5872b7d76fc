//! A comment or bookmark on the timeline of a recording.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "timeline_comments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub recording: Uuid,
    pub kind: String,
    pub at_ms: i64,
    pub end_ms: Option<i64>,
    #[sea_orm(column_type = "Text")]
    pub text: String,
    pub author: Uuid,
    pub author_name: String,
    pub created_at: i64,
    pub edited_at: Option<i64>,
    /// Can be restored by its author.
    pub deleted_at: Option<i64>,
    pub resolved_by: Option<Uuid>,
    pub resolved_by_name: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
