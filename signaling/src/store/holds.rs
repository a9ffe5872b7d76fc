//! Legal holds. They are lifted, never deleted: that there was one is part of the story.

use std::collections::HashSet;

use protocol::audit::AuditEvent;
use protocol::governance::{Hold, SubjectRef};
use protocol::ids::{CallId, HoldId, RecordingId, UserId};
use sea_orm::sea_query::{Expr, ExprTrait, Func, JoinType, Query, SimpleExpr};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, TransactionTrait,
};
use serde_json::json;
use uuid::Uuid;

use super::entities::{call_subject, hold, recording, subject_alias, user};
use super::erasures::PSEUDONYM;
use super::{Result, Store, audit, convert};
use crate::audit::{Actor, Note, subject_hash};
use crate::auth::mask::Known;

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
        let why = &self.known_of_held(&held).await?.hide_known(why);
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

    /// What is known of the buyer a hold is about: it does not stand in the reasons for it.
    async fn known_of_held(&self, held: &Held) -> Result<Known> {
        let subject = match held {
            Held::Recording(id) => self.buyer_of(*id).await?,
            Held::Subject(subject) => Some(subject.clone()),
        };
        let Some(SubjectRef { shop, subject }) = subject else { return Ok(Known::default()) };
        let ids = self.ids_of(&shop, &subject).await?;
        self.known_of_buyer(&shop, &ids).await
    }

    /// Lifts a hold; none when there is none of that id that lasts.
    pub async fn lift_hold(&self, id: HoldId, why: &str, by: Actor) -> Result<Option<Hold>> {
        let Some(mut row) = hold::Entity::find_by_id(id.0).one(&self.db).await? else { return Ok(None) };
        let on_buyer = row.shop.clone().zip(row.subject.clone());
        let why = match on_buyer {
            Some((shop, subject)) => {
                self.known_of_held(&Held::Subject(SubjectRef { shop, subject })).await?.hide_known(why)
            }
            None => why.to_owned(),
        };
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

    /// Which of some recordings a hold keeps.
    pub async fn held_among(&self, recordings: &[RecordingId]) -> Result<HashSet<RecordingId>> {
        let held = Query::select()
            .column((recording::Entity, recording::Column::Id))
            .from(recording::Entity)
            .and_where(recording::Column::Id.is_in(recordings.iter().map(|id| id.0)))
            .and_where(is_held())
            .to_owned();
        let rows = self.db.query_all(&held).await?;
        rows.iter().map(|row| Ok(RecordingId(row.try_get_by_index(0)?))).collect()
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
            subject_sha256: row.shop.zip(row.subject).map(|(shop, subject)| {
                // Once the buyer is erased, nothing else is left of who it was.
                let erased = subject.strip_prefix(PSEUDONYM).map(str::to_owned);
                erased.unwrap_or_else(|| subject_hash(&shop, &subject))
            }),
            why: row.why,
            placed_at: convert::time("holds.placed_at", row.placed_at)?,
            placed_by,
            lifted_at: convert::time_opt("holds.lifted_at", row.lifted_at)?,
        })
    }
}

/// Whether a hold that lasts keeps a recording of the query: one on itself, or on its buyer by any of their ids.
pub(super) fn is_held() -> SimpleExpr {
    /// The aliases of a call's subject, and of a hold's.
    const THEIRS: &str = "theirs";
    const MEANT: &str = "meant";
    let lasts = || Expr::col((hold::Entity, hold::Column::LiftedAt)).is_null();
    let itself = Query::select()
        .column((hold::Entity, hold::Column::Recording))
        .from(hold::Entity)
        .and_where(lasts())
        .and_where(hold::Column::Recording.is_not_null())
        .to_owned();
    // Of a call's subject and of a hold's, each by the id that all its aliases lead to.
    let root = |table: &'static str, own: SimpleExpr| {
        Func::coalesce([Expr::col((table, subject_alias::Column::Subject)), own])
    };
    let called = |column: call_subject::Column| Expr::col((call_subject::Entity, column));
    let held = |column: hold::Column| Expr::col((hold::Entity, column));
    let alias = |table: &'static str, shop: SimpleExpr, id: SimpleExpr| {
        Condition::all()
            .add(Expr::col((table, subject_alias::Column::Shop)).eq(shop))
            .add(Expr::col((table, subject_alias::Column::Alias)).eq(id))
    };
    let buyer = Query::select()
        .column((call_subject::Entity, call_subject::Column::Call))
        .from(call_subject::Entity)
        .join(
            JoinType::InnerJoin,
            hold::Entity,
            held(hold::Column::Shop).equals((call_subject::Entity, call_subject::Column::Shop)),
        )
        .join_as(
            JoinType::LeftJoin,
            subject_alias::Entity,
            THEIRS,
            alias(THEIRS, called(call_subject::Column::Shop), called(call_subject::Column::Subject)),
        )
        .join_as(
            JoinType::LeftJoin,
            subject_alias::Entity,
            MEANT,
            alias(MEANT, held(hold::Column::Shop), held(hold::Column::Subject)),
        )
        .and_where(lasts())
        .and_where(
            Expr::expr(root(THEIRS, called(call_subject::Column::Subject)))
                .eq(root(MEANT, held(hold::Column::Subject))),
        )
        .to_owned();
    let recorded = |column: recording::Column| Expr::col((recording::Entity, column));
    recorded(recording::Column::Id)
        .in_subquery(itself)
        .or(recorded(recording::Column::Call).in_subquery(buyer))
}

fn about_subject(shop: &str, ids: &[String]) -> Condition {
    Condition::all().add(hold::Column::Shop.eq(shop)).add(hold::Column::Subject.is_in(ids))
}
