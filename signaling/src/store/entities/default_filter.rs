//! What somebody's list of recordings begins with.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "default_filters")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user: Uuid,
    pub filter: Uuid,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
