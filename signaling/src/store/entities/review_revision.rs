//! A state of a submitted score. Rows never change.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "review_revisions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub review: Uuid,
    /// 1 for what was submitted first.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    pub at: i64,
    pub author: Uuid,
    pub author_name: String,
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    /// `Answers` as JSON.
    #[sea_orm(column_type = "Text")]
    pub answers: String,
    /// `Scored` as JSON.
    #[sea_orm(column_type = "Text")]
    pub scored: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
