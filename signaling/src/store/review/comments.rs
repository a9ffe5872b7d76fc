//! Comments and bookmarks on the timeline.

use protocol::ids::{CommentId, RecordingId, UserId};
use protocol::review::{NewComment, Person, TimelineComment};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::super::entities::timeline_comment as comment;
use super::super::{Result, Store, convert};
use super::forms::count;
use super::person;

impl Store {
    /// Keeps a comment.
    pub async fn add_comment(
        &self,
        recording: RecordingId,
        new: NewComment,
        author: &Person,
    ) -> Result<CommentId> {
        let id = CommentId::new();
        let row = comment::ActiveModel {
            id: Set(id.0),
            recording: Set(recording.0),
            kind: Set(convert::name(&new.kind)),
            at_ms: Set(i64::from(new.at_ms)),
            end_ms: Set(new.end_ms.map(i64::from)),
            text: Set(new.text),
            author: Set(author.id.0),
            author_name: Set(author.name.clone()),
            created_at: Set(convert::micros(self.now())),
            edited_at: Set(None),
            deleted_at: Set(None),
            resolved_by: Set(None),
            resolved_by_name: Set(None),
        };
        comment::Entity::insert(row).exec_without_returning(&self.db).await?;
        Ok(id)
    }

    /// The comments on a recording in order of time, as a viewer sees them; only their own when `blinded`.
    pub async fn comments(
        &self,
        recording: RecordingId,
        viewer: UserId,
        blinded: bool,
    ) -> Result<Vec<TimelineComment>> {
        let mut query = comment::Entity::find()
            .filter(comment::Column::Recording.eq(recording.0))
            .filter(comment::Column::DeletedAt.is_null())
            .order_by_asc(comment::Column::AtMs)
            .order_by_asc(comment::Column::Id);
        if blinded {
            query = query.filter(comment::Column::Author.eq(viewer.0));
        }
        query.all(&self.db).await?.into_iter().map(|row| shown(row, viewer)).collect()
    }

    /// A comment that was not deleted, and its recording.
    pub async fn comment(
        &self,
        id: CommentId,
        viewer: UserId,
    ) -> Result<Option<(RecordingId, TimelineComment)>> {
        let row = comment::Entity::find_by_id(id.0)
            .filter(comment::Column::DeletedAt.is_null())
            .one(&self.db)
            .await?;
        row.map(|row| Ok((RecordingId(row.recording), shown(row, viewer)?))).transpose()
    }

    /// The recording of a comment, also of a deleted one.
    pub async fn recording_of_comment(&self, id: CommentId) -> Result<Option<RecordingId>> {
        let row = comment::Entity::find_by_id(id.0).one(&self.db).await?;
        Ok(row.map(|row| RecordingId(row.recording)))
    }

    /// Changes a comment of somebody's own. False when it is not theirs or was deleted.
    pub async fn edit_comment(&self, id: CommentId, author: UserId, new: NewComment) -> Result<bool> {
        let changed = comment::Entity::update_many()
            .col_expr(comment::Column::Kind, Expr::value(convert::name(&new.kind)))
            .col_expr(comment::Column::AtMs, Expr::value(i64::from(new.at_ms)))
            .col_expr(comment::Column::EndMs, Expr::value(new.end_ms.map(i64::from)))
            .col_expr(comment::Column::Text, Expr::value(new.text))
            .col_expr(comment::Column::EditedAt, Expr::value(Some(convert::micros(self.now()))))
            .filter(comment::Column::Id.eq(id.0))
            .filter(comment::Column::Author.eq(author.0))
            .filter(comment::Column::DeletedAt.is_null())
            .exec(&self.db)
            .await?;
        Ok(changed.rows_affected > 0)
    }

    /// Deletes a comment of somebody's own, or takes that back. False when it is not theirs.
    pub async fn delete_comment(&self, id: CommentId, author: UserId, deleted: bool) -> Result<bool> {
        let at = deleted.then(|| convert::micros(self.now()));
        let changed = comment::Entity::update_many()
            .col_expr(comment::Column::DeletedAt, Expr::value(at))
            .filter(comment::Column::Id.eq(id.0))
            .filter(comment::Column::Author.eq(author.0))
            .exec(&self.db)
            .await?;
        Ok(changed.rows_affected > 0)
    }

    /// Settles a comment, or opens it again (none).
    pub async fn resolve_comment(&self, id: CommentId, by: Option<&Person>) -> Result<()> {
        comment::Entity::update_many()
            .col_expr(comment::Column::ResolvedBy, Expr::value(by.map(|person| person.id.0)))
            .col_expr(comment::Column::ResolvedByName, Expr::value(by.map(|person| person.name.clone())))
            .filter(comment::Column::Id.eq(id.0))
            .exec(&self.db)
            .await?;
        Ok(())
    }
}

/// Deletes the comments on a recording for good.
pub(in crate::store) async fn forget_comments(
    db: &impl ConnectionTrait,
    recording: RecordingId,
) -> Result<()> {
    comment::Entity::delete_many().filter(comment::Column::Recording.eq(recording.0)).exec(db).await?;
    Ok(())
}

fn shown(row: comment::Model, viewer: UserId) -> Result<TimelineComment> {
    Ok(TimelineComment {
        id: CommentId(row.id),
        kind: convert::named("timeline_comments.kind", &row.kind)?,
        at_ms: count("timeline_comments.at_ms", row.at_ms)?,
        end_ms: row.end_ms.map(|ms| count("timeline_comments.end_ms", ms)).transpose()?,
        text: row.text,
        author: person(row.author, &row.author_name),
        created_at: convert::time("timeline_comments.created_at", row.created_at)?,
        edited_at: convert::time_opt("timeline_comments.edited_at", row.edited_at)?,
        resolved_by: row
            .resolved_by
            .map(|id| person(id, row.resolved_by_name.as_deref().unwrap_or_default())),
        own: row.author == viewer.0,
    })
}
