//! A request for help and what became of it.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "calls")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub session: Uuid,
    pub state: String,
    pub requested_at: i64,
    pub accepted_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub end_reason: Option<String>,
    /// Who accepted it.
    pub agent: Option<Uuid>,
    /// Name of the queue it stood in.
    pub queue: String,
    /// `BuyerContext` as JSON.
    #[sea_orm(column_type = "Text")]
    pub context: String,
    /// SKU and name of the product in lower case, for search.
    #[sea_orm(column_type = "Text")]
    pub search: String,
    /// The context's, BCP 47 in lower case.
    pub language: Option<String>,
    /// The context's, ISO 3166-1 alpha-2 in upper case.
    pub country: Option<String>,
    /// The context's.
    pub sku: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
