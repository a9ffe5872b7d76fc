//! An agent's objection to a revision of a score.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "disputes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub review: Uuid,
    pub revision: i64,
    pub state: String,
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    /// Keys of questions as a JSON list.
    #[sea_orm(column_type = "Text")]
    pub questions: String,
    pub at: i64,
    pub due_at: i64,
    pub decided_by: Option<Uuid>,
    pub decided_by_name: Option<String>,
    pub decided_at: Option<i64>,
    #[sea_orm(column_type = "Text")]
    pub answer: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
