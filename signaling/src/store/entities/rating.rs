//! What a buyer thought of a call.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ratings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub call: Uuid,
    /// 1–5.
    pub stars: i32,
    /// Empty: none.
    #[sea_orm(column_type = "Text")]
    pub comment: String,
    /// First time; the rating can be changed for a while from then on.
    pub given_at: i64,
    pub changed_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
