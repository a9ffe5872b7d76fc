//! Evidence of one choice about recording.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "receipts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub call: Uuid,
    /// On which side of the call the subject is.
    pub side: String,
    pub subject: String,
    pub recording: bool,
    pub text_version: String,
    pub text_sha256: String,
    pub language: String,
    pub purpose: String,
    pub at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
