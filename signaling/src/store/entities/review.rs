//! One reviewer's review of one recording. What it came to stands in its revisions; the columns here are for lists.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reviews")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub recording: Uuid,
    pub call: Uuid,
    /// Whose call it was.
    pub agent: Uuid,
    pub agent_name: String,
    pub form: Uuid,
    /// The version that the score is made on, for ever.
    pub form_version: Uuid,
    pub reviewer: Uuid,
    pub reviewer_name: String,
    /// Made as a blind second score.
    pub second: bool,
    pub state: String,
    /// `Answers` as JSON, until it is submitted.
    #[sea_orm(column_type = "Text", nullable)]
    pub draft: Option<String>,
    pub created_at: i64,
    pub submitted_at: Option<i64>,
    /// Of the newest revision.
    pub revised_at: Option<i64>,
    pub revisions: i64,
    /// Of the newest revision, hundredths of a percent: what searches by score compare.
    pub score: Option<i64>,
    /// Whether the newest revision failed a critical question.
    pub critical: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
