//! A blind second score that somebody asked for.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "second_scores")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub recording: Uuid,
    pub first_review: Uuid,
    pub first_reviewer: Uuid,
    pub asked_by: Uuid,
    pub asked_by_name: String,
    pub asked_at: i64,
    pub sampled: bool,
    /// None: whoever comes first.
    pub reviewer: Option<Uuid>,
    pub reviewer_name: Option<String>,
    /// The second review, once begun.
    pub review: Option<Uuid>,
    /// The second is submitted, too.
    pub complete: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
