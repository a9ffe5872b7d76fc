//! A worklist of recordings.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "samples")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    /// Of which recordings, as in the address.
    #[sea_orm(column_type = "Text")]
    pub query: String,
    /// `SampleRule` as JSON; none: picked by hand.
    #[sea_orm(column_type = "Text")]
    pub rule: Option<String>,
    pub seed: i64,
    /// Ids of users as JSON.
    #[sea_orm(column_type = "Text")]
    pub reviewers: String,
    pub created_by: Uuid,
    pub created_at: i64,
    pub drawn_at: i64,
    /// Can be brought back for a while.
    pub deleted_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
