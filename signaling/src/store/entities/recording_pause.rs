//! A stretch of a recording of which nothing was stored.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "recording_pauses")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub recording: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub since: i64,
    pub reason: String,
    /// Who asked; nobody when it was a rule of the queue.
    pub by: Option<Uuid>,
    pub ended_at: Option<i64>,
    pub timed_out: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
