//! A published version of a form. Rows never change.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "review_form_versions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub form: Uuid,
    /// 1 for the first.
    pub number: i64,
    /// `FormContent` as JSON.
    #[sea_orm(column_type = "Text")]
    pub content: String,
    pub published_at: i64,
    pub published_by: Uuid,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
