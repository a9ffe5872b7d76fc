//! Legal holds. They are lifted, never deleted: that there was one is part of the story.

use protocol::audit::AuditEvent;
use protocol::governance::{Hold, SubjectRef};
use protocol::ids::{CallId, HoldId, RecordingId, UserId};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, TransactionTrait};
use serde_json::json;
use uuid::Uuid;

use super::entities::{hold, user};
use super::{Result, Store, audit, convert};
use crate::audit::{Actor, Note, subject_hash};

/// What a hold is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Held {
    /// One recording.
    Recording(RecordingId),
    /// Everything of a buyer, by any of their ids.
    Subject(SubjectRef),
}

impl Store {
    /// Places a hold.
    pub async fn place_hold(&self, held: Held, why: &str, by: Actor) -> Result<Hold> {
        let (recording, subject) = match held {
            Held::Recording(id) => (Some(id), None),
            Held::Subject(subject) => (None, Some(subject)),
        };
        let note = Note::new(by.clone(), AuditEvent::HoldPlaced).why(why);
        let note = recording.into_iter().fold(note, Note::recording);
        let note = subject.iter().fold(note, |note, of| note.subject(&of.shop, &of.subject));
        let row = hold::Model {
            id: HoldId::new().0,
            recording: recording.map(|id| id.0),
            shop: subject.as_ref().map(|subject| subject.shop.clone()),
            subject: subject.map(|subject| subject.subject),
            why: why.to_owned(),
            placed_at: convert::micros(self.now()),
            placed_by: by.to_string(),
            lifted_at: None,
        };
        let transaction = self.audit_db.begin().await?;
        hold::Entity::insert(hold::ActiveModel::from(row.clone()))
            .exec_without_returning(&transaction)
            .await?;
        audit::append(&transaction, self.now(), note.detail(json!({ "hold": row.id }))).await?;
        transaction.commit().await?;
        self.shown(row).await
    }

    /// Lifts a hold; none when there is none of that id that lasts.
    pub async fn lift_hold(&self, id: HoldId, why: &str, by: Actor) -> Result<Option<Hold>> {
        let Some(mut row) = hold::Entity::find_by_id(id.0).one(&self.db).await? else { return Ok(None) };
        let note = Note::new(by, AuditEvent::HoldLifted).why(why).detail(json!({ "hold": id }));
        let note = row.recording.into_iter().fold(note, |note, id| note.recording(RecordingId(id)));
        let note = match (&row.shop, &row.subject) {
            (Some(shop), Some(subject)) => note.subject(shop, subject),
            _ => note,
        };
        let now = convert::micros(self.now());
        let transaction = self.audit_db.begin().await?;
        let changed = hold::Entity::update_many()
            .col_expr(hold::Column::LiftedAt, Expr::value(Some(now)))
            .filter(hold::Column::Id.eq(id.0))
            .filter(hold::Column::LiftedAt.is_null())
            .exec(&transaction)
            .await?;
        if changed.rows_affected == 0 {
            transaction.rollback().await?;
            return Ok(None);
        }
        audit::append(&transaction, self.now(), note).await?;
        transaction.commit().await?;
        row.lifted_at = Some(now);
        self.shown(row).await.map(Some)
    }

    /// Every hold that lasts, newest first.
    pub async fn holds(&self) -> Result<Vec<Hold>> {
        let rows = hold::Entity::find()
            .filter(hold::Column::LiftedAt.is_null())
            .order_by_desc(hold::Column::Id)
            .all(&self.db)
            .await?;
        self.all_shown(rows).await
    }

    /// The holds that keep a recording of a call: on itself, or on its buyer by any of their ids.
    pub async fn holds_on(&self, recording: RecordingId, call: CallId) -> Result<Vec<Hold>> {
        let mut about = Condition::any().add(hold::Column::Recording.eq(recording.0));
        if let Some(subject) = self.subject_of(call).await? {
            let ids = self.ids_of(&subject.shop, &subject.subject).await?;
            about = about.add(about_subject(&subject.shop, &ids));
        }
        let rows = hold::Entity::find()
            .filter(hold::Column::LiftedAt.is_null())
            .filter(about)
            .order_by_asc(hold::Column::Id)
            .all(&self.db)
            .await?;
        self.all_shown(rows).await
    }

    /// The holds on a buyer with these ids.
    pub async fn holds_on_subject(&self, shop: &str, ids: &[String]) -> Result<Vec<Hold>> {
        let rows = hold::Entity::find()
            .filter(hold::Column::LiftedAt.is_null())
            .filter(about_subject(shop, ids))
            .order_by_asc(hold::Column::Id)
            .all(&self.db)
            .await?;
        self.all_shown(rows).await
    }

    async fn all_shown(&self, rows: Vec<hold::Model>) -> Result<Vec<Hold>> {
        let mut shown = Vec::with_capacity(rows.len());
        for row in rows {
            shown.push(self.shown(row).await?);
        }
        Ok(shown)
    }

    async fn shown(&self, row: hold::Model) -> Result<Hold> {
        let placed_by = match row.placed_by.strip_prefix("user:").and_then(|id| id.parse::<Uuid>().ok()) {
            Some(id) => {
                let found = user::Entity::find_by_id(UserId(id).0).one(&self.db).await?;
                found.map_or_else(|| row.placed_by.clone(), |user| user.name)
            }
            None => row.placed_by.clone(),
        };
        Ok(Hold {
            id: HoldId(row.id),
            recording: row.recording.map(RecordingId),
            subject_sha256: row.shop.zip(row.subject).map(|(shop, subject)| subject_hash(&shop, &subject)),
            why: row.why,
            placed_at: convert::time("holds.placed_at", row.placed_at)?,
            placed_by,
            lifted_at: convert::time_opt("holds.lifted_at", row.lifted_at)?,
        })
    }
}

fn about_subject(shop: &str, ids: &[String]) -> Condition {
    Condition::all().add(hold::Column::Shop.eq(shop)).add(hold::Column::Subject.is_in(ids))
}
