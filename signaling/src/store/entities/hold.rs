//! A legal hold, on a recording or on a buyer.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "holds")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub recording: Option<Uuid>,
    pub shop: Option<String>,
    pub subject: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub why: String,
    pub placed_at: i64,
    /// As the audit log names them.
    pub placed_by: String,
    pub lifted_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
