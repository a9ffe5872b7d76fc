//! What was recorded of a call.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "recordings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub call: Uuid,
    pub started_at: i64,
    /// 0 until it is finished.
    pub duration_ms: i64,
    pub complete: bool,
    /// The media is gone; the row stays as proof.
    pub deleted_at: Option<i64>,
    pub deleted_reason: Option<String>,
    /// The buyer took back their consent while a legal hold kept it.
    pub withheld_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
