//! An export of a recording.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "exports")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub recording: Uuid,
    pub status: String,
    pub by: Uuid,
    /// As it was when they asked.
    pub by_name: String,
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    pub timestamps: bool,
    /// JSON: a list of stretches.
    #[sea_orm(column_type = "Text")]
    pub redactions: String,
    pub created_at: i64,
    /// How often it was begun.
    pub attempts: i32,
    pub finished_at: Option<i64>,
    pub expires_at: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub error: Option<String>,
    pub bytes: Option<i64>,
    pub duration_ms: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
