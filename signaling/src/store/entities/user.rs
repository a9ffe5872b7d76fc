//! A member of staff.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// In lower case.
    pub email: String,
    pub name: String,
    pub role: String,
    /// Where they work, ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// argon2id, PHC string.
    pub password_hash: String,
    pub created_at: i64,
    /// No login from then on.
    pub disabled_at: Option<i64>,
    /// `RightsChanges` as JSON, if anything differs from the role's.
    #[sea_orm(column_type = "Text", nullable)]
    pub rights: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
