//! Forms, scores, second scores, disputes and comments of quality review.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261130_000050_scorecards"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables() {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn tables() -> Vec<TableCreateStatement> {
    vec![
        Table::create()
            .table("review_forms")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("queue").string().null())
            .col(ColumnDef::new("draft").text().null())
            .col(ColumnDef::new("revision").big_integer().not_null())
            .col(ColumnDef::new("archived_at").big_integer().null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .col(ColumnDef::new("created_by").uuid().not_null())
            .to_owned(),
        Table::create()
            .table("review_form_versions")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("form").uuid().not_null())
            .col(ColumnDef::new("number").big_integer().not_null())
            .col(ColumnDef::new("content").text().not_null())
            .col(ColumnDef::new("published_at").big_integer().not_null())
            .col(ColumnDef::new("published_by").uuid().not_null())
            .to_owned(),
        Table::create()
            .table("reviews")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("recording").uuid().not_null())
            .col(ColumnDef::new("call").uuid().not_null())
            .col(ColumnDef::new("agent").uuid().not_null())
            .col(ColumnDef::new("agent_name").string().not_null())
            .col(ColumnDef::new("form").uuid().not_null())
            .col(ColumnDef::new("form_version").uuid().not_null())
            .col(ColumnDef::new("reviewer").uuid().not_null())
            .col(ColumnDef::new("reviewer_name").string().not_null())
            .col(ColumnDef::new("second").boolean().not_null())
            .col(ColumnDef::new("state").string().not_null())
            .col(ColumnDef::new("draft").text().null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .col(ColumnDef::new("submitted_at").big_integer().null())
            .col(ColumnDef::new("revised_at").big_integer().null())
            .col(ColumnDef::new("revisions").big_integer().not_null())
            .col(ColumnDef::new("score").big_integer().null())
            .col(ColumnDef::new("critical").boolean().not_null())
            .to_owned(),
        Table::create()
            .table("review_revisions")
            .col(ColumnDef::new("review").uuid().not_null())
            .col(ColumnDef::new("number").big_integer().not_null())
            .col(ColumnDef::new("at").big_integer().not_null())
            .col(ColumnDef::new("author").uuid().not_null())
            .col(ColumnDef::new("author_name").string().not_null())
            .col(ColumnDef::new("reason").text().not_null())
            .col(ColumnDef::new("answers").text().not_null())
            .col(ColumnDef::new("scored").text().not_null())
            .primary_key(Index::create().col("review").col("number"))
            .to_owned(),
        Table::create()
            .table("second_scores")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("recording").uuid().not_null())
            .col(ColumnDef::new("first_review").uuid().not_null())
            .col(ColumnDef::new("first_reviewer").uuid().not_null())
            .col(ColumnDef::new("asked_by").uuid().not_null())
            .col(ColumnDef::new("asked_by_name").string().not_null())
            .col(ColumnDef::new("asked_at").big_integer().not_null())
            .col(ColumnDef::new("sampled").boolean().not_null())
            .col(ColumnDef::new("reviewer").uuid().null())
            .col(ColumnDef::new("reviewer_name").string().null())
            .col(ColumnDef::new("review").uuid().null())
            .col(ColumnDef::new("complete").boolean().not_null())
            .to_owned(),
        Table::create()
            .table("disputes")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("review").uuid().not_null())
            .col(ColumnDef::new("revision").big_integer().not_null())
            .col(ColumnDef::new("state").string().not_null())
            .col(ColumnDef::new("reason").text().not_null())
            .col(ColumnDef::new("questions").text().not_null())
            .col(ColumnDef::new("at").big_integer().not_null())
            .col(ColumnDef::new("due_at").big_integer().not_null())
            .col(ColumnDef::new("decided_by").uuid().null())
            .col(ColumnDef::new("decided_by_name").string().null())
            .col(ColumnDef::new("decided_at").big_integer().null())
            .col(ColumnDef::new("answer").text().not_null())
            .to_owned(),
        Table::create()
            .table("timeline_comments")
            .col(ColumnDef::new("id").uuid().not_null().primary_key())
            .col(ColumnDef::new("recording").uuid().not_null())
            .col(ColumnDef::new("kind").string().not_null())
            .col(ColumnDef::new("at_ms").big_integer().not_null())
            .col(ColumnDef::new("end_ms").big_integer().null())
            .col(ColumnDef::new("text").text().not_null())
            .col(ColumnDef::new("author").uuid().not_null())
            .col(ColumnDef::new("author_name").string().not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .col(ColumnDef::new("edited_at").big_integer().null())
            .col(ColumnDef::new("deleted_at").big_integer().null())
            .col(ColumnDef::new("resolved_by").uuid().null())
            .col(ColumnDef::new("resolved_by_name").string().null())
            .to_owned(),
    ]
}

/// `(name, table, columns, unique)`.
const INDEXES: [(&str, &str, &[&str], bool); 9] = [
    ("review_form_versions_number", "review_form_versions", &["form", "number"], true),
    // One reviewer scores a recording once with a form; what changes afterwards is a revision.
    ("reviews_once", "reviews", &["recording", "reviewer", "form"], true),
    ("reviews_agent", "reviews", &["agent", "id"], false),
    ("reviews_score", "reviews", &["score"], false),
    ("second_scores_recording", "second_scores", &["recording"], false),
    ("second_scores_first", "second_scores", &["first_review"], false),
    ("disputes_review", "disputes", &["review"], false),
    ("disputes_state", "disputes", &["state", "due_at"], false),
    ("timeline_comments_recording", "timeline_comments", &["recording", "at_ms"], false),
];

fn indexes() -> Vec<IndexCreateStatement> {
    INDEXES
        .iter()
        .map(|(name, table, columns, unique)| {
            let mut index = Index::create().name(*name).table(*table).to_owned();
            for column in *columns {
                index.col(*column);
            }
            if *unique {
                index.unique();
            }
            index
        })
        .collect()
}
