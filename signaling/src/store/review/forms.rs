//! Forms: drafts, published versions, the archive.

use protocol::ids::{FormId, FormVersionId, UserId};
use protocol::review::{FormContent, FormVersion, FormVersionRef, ReviewForm, ReviewState};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    TransactionTrait,
};

use super::super::entities::{review, review_form, review_form_version};
use super::super::{Result, Store, StoreError, convert};
use crate::review::form;

impl Store {
    /// Keeps a new form, as a draft.
    pub async fn add_form(&self, content: &FormContent, queue: Option<String>, by: UserId) -> Result<FormId> {
        let id = FormId::new();
        let row = review_form::ActiveModel {
            id: Set(id.0),
            queue: Set(queue),
            draft: Set(Some(convert::json("review_forms.draft", content)?)),
            revision: Set(1),
            archived_at: Set(None),
            created_at: Set(convert::micros(self.now())),
            created_by: Set(by.0),
        };
        review_form::Entity::insert(row).exec_without_returning(&self.db).await?;
        Ok(id)
    }

    /// Whether there is any form.
    pub async fn has_forms(&self) -> Result<bool> {
        Ok(review_form::Entity::find().one(&self.db).await?.is_some())
    }

    /// Every form, the newest first, archived ones at the end.
    pub async fn forms(&self) -> Result<Vec<ReviewForm>> {
        let rows = review_form::Entity::find()
            .order_by_asc(review_form::Column::ArchivedAt.is_not_null())
            .order_by_desc(review_form::Column::Id)
            .all(&self.db)
            .await?;
        self.whole_forms(rows).await
    }

    /// One form.
    pub async fn form(&self, id: FormId) -> Result<Option<ReviewForm>> {
        let rows = review_form::Entity::find_by_id(id.0).all(&self.db).await?;
        Ok(self.whole_forms(rows).await?.pop())
    }

    /// Changes the draft (none: nothing differs from the newest version) and the queue. False when the form is not at
    /// `revision` any more, or there is no such form.
    pub async fn save_form_draft(
        &self,
        id: FormId,
        content: Option<&FormContent>,
        queue: Option<String>,
        revision: u32,
    ) -> Result<bool> {
        let draft = content.map(|content| convert::json("review_forms.draft", content)).transpose()?;
        let changed = review_form::Entity::update_many()
            .col_expr(review_form::Column::Draft, Expr::value(draft))
            .col_expr(review_form::Column::Queue, Expr::value(queue))
            .col_expr(review_form::Column::Revision, Expr::col(review_form::Column::Revision).add(1))
            .filter(review_form::Column::Id.eq(id.0))
            .filter(review_form::Column::Revision.eq(i64::from(revision)))
            .exec(&self.db)
            .await?;
        Ok(changed.rows_affected > 0)
    }

    /// Forgets the draft; a form that was never published goes with it.
    pub async fn discard_form_draft(&self, id: FormId) -> Result<()> {
        let transaction = self.db.begin().await?;
        review_form::Entity::update_many()
            .col_expr(review_form::Column::Draft, Expr::value(Option::<String>::None))
            .col_expr(review_form::Column::Revision, Expr::col(review_form::Column::Revision).add(1))
            .filter(review_form::Column::Id.eq(id.0))
            .exec(&transaction)
            .await?;
        let versions = review_form_version::Entity::find()
            .filter(review_form_version::Column::Form.eq(id.0))
            .count(&transaction)
            .await?;
        if versions == 0 {
            review_form::Entity::delete_by_id(id.0).exec(&transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Freezes the draft as the next version. None when the draft is not at `revision` any more or there is none.
    pub async fn publish_form(&self, id: FormId, revision: u32, by: UserId) -> Result<Option<FormVersionId>> {
        let transaction = self.db.begin().await?;
        let changed = review_form::Entity::update_many()
            .col_expr(review_form::Column::Revision, Expr::col(review_form::Column::Revision).add(1))
            .filter(review_form::Column::Id.eq(id.0))
            .filter(review_form::Column::Revision.eq(i64::from(revision)))
            .filter(review_form::Column::Draft.is_not_null())
            .exec(&transaction)
            .await?;
        let row = review_form::Entity::find_by_id(id.0).one(&transaction).await?;
        let Some(content) = row.and_then(|row| row.draft).filter(|_| changed.rows_affected > 0) else {
            return Ok(None);
        };
        let newest = review_form_version::Entity::find()
            .filter(review_form_version::Column::Form.eq(id.0))
            .order_by_desc(review_form_version::Column::Number)
            .one(&transaction)
            .await?;
        let version = FormVersionId::new();
        let row = review_form_version::ActiveModel {
            id: Set(version.0),
            form: Set(id.0),
            number: Set(newest.map_or(0, |newest| newest.number) + 1),
            content: Set(content),
            published_at: Set(convert::micros(self.now())),
            published_by: Set(by.0),
        };
        review_form_version::Entity::insert(row).exec_without_returning(&transaction).await?;
        review_form::Entity::update_many()
            .col_expr(review_form::Column::Draft, Expr::value(Option::<String>::None))
            .filter(review_form::Column::Id.eq(id.0))
            .exec(&transaction)
            .await?;
        transaction.commit().await?;
        Ok(Some(version))
    }

    /// Stops offering a form, or offers it again.
    pub async fn archive_form(&self, id: FormId, archived: bool) -> Result<()> {
        let at = archived.then(|| convert::micros(self.now()));
        review_form::Entity::update_many()
            .col_expr(review_form::Column::ArchivedAt, Expr::value(at))
            .filter(review_form::Column::Id.eq(id.0))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// One version.
    pub async fn form_version(&self, id: FormVersionId) -> Result<Option<FormVersion>> {
        review_form_version::Entity::find_by_id(id.0).one(&self.db).await?.map(version).transpose()
    }

    /// The newest versions of the forms that are offered for a call of some queue.
    pub async fn usable_forms(&self, queue: Option<&str>) -> Result<Vec<FormVersion>> {
        let forms = self.forms().await?;
        Ok(forms
            .into_iter()
            .filter(|it| it.archived_at.is_none() && form::is_for(it.queue.as_deref(), queue))
            .filter_map(|it| it.published)
            .collect())
    }

    /// Some versions, in no particular order.
    pub(super) async fn form_versions(
        &self,
        ids: impl IntoIterator<Item = uuid::Uuid>,
    ) -> Result<Vec<FormVersion>> {
        review_form_version::Entity::find()
            .filter(review_form_version::Column::Id.is_in(ids))
            .all(&self.db)
            .await?
            .into_iter()
            .map(version)
            .collect()
    }

    async fn whole_forms(&self, rows: Vec<review_form::Model>) -> Result<Vec<ReviewForm>> {
        let versions = review_form_version::Entity::find()
            .filter(review_form_version::Column::Form.is_in(rows.iter().map(|row| row.id)))
            .order_by_desc(review_form_version::Column::Number)
            .all(&self.db)
            .await?;
        let scores: Vec<(uuid::Uuid, i64)> = review::Entity::find()
            .filter(review::Column::Form.is_in(rows.iter().map(|row| row.id)))
            .filter(review::Column::State.eq(convert::name(&ReviewState::Submitted)))
            .select_only()
            .column(review::Column::FormVersion)
            .column_as(review::Column::Id.count(), "scores")
            .group_by(review::Column::FormVersion)
            .into_tuple()
            .all(&self.db)
            .await?;
        let scores_of = |id| scores.iter().find(|(version, _)| *version == id).map_or(0, |(_, count)| *count);
        rows.into_iter()
            .map(|row| {
                let own = || versions.iter().filter(|version| version.form == row.id);
                let draft: Option<FormContent> = row
                    .draft
                    .as_deref()
                    .map(|text| convert::from_json("review_forms.draft", text))
                    .transpose()?;
                Ok(ReviewForm {
                    id: FormId(row.id),
                    queue: row.queue.clone(),
                    archived_at: convert::time_opt("review_forms.archived_at", row.archived_at)?,
                    flaws: draft.as_ref().map(form::flaws).unwrap_or_default(),
                    draft,
                    revision: count("review_forms.revision", row.revision)?,
                    published: own().next().cloned().map(version).transpose()?,
                    versions: own()
                        .map(|it| {
                            Ok(FormVersionRef {
                                id: FormVersionId(it.id),
                                number: count("review_form_versions.number", it.number)?,
                                published_at: convert::time(
                                    "review_form_versions.published_at",
                                    it.published_at,
                                )?,
                                scores: count("scores of a version", scores_of(it.id))?,
                            })
                        })
                        .collect::<Result<_>>()?,
                })
            })
            .collect()
    }
}

fn version(row: review_form_version::Model) -> Result<FormVersion> {
    Ok(FormVersion {
        id: FormVersionId(row.id),
        form: FormId(row.form),
        number: count("review_form_versions.number", row.number)?,
        published_at: convert::time("review_form_versions.published_at", row.published_at)?,
        content: convert::from_json("review_form_versions.content", &row.content)?,
    })
}

/// A stored number that cannot be negative.
pub(super) fn count(what: &'static str, number: i64) -> Result<u32, StoreError> {
    u32::try_from(number).map_err(|error| convert::unreadable(what, error))
}
