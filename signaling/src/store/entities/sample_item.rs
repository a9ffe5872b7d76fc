//! A recording in a worklist.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sample_items")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub sample: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub recording: Uuid,
    /// Counts from 1; a recording that was erased leaves a gap.
    pub position: i32,
    /// As people read it.
    pub stratum: String,
    pub reviewer: Option<Uuid>,
    pub reviewed_at: Option<i64>,
    pub reviewed_by: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
