//! Whose calls are whose: buyers by their shops' ids, and which ids are the same buyer's.

use std::collections::HashSet;

use protocol::call::BuyerContext;
use protocol::governance::{Aliases, SubjectRef};
use protocol::ids::{CallId, RecordingId};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, TransactionTrait};
use serde_json::json;

use super::entities::{call, call_subject, recording, subject_alias};
use super::{Result, Store, audit, convert};
use crate::audit::{Actor, Note};
use crate::auth::mask::Known;

impl Store {
    /// Says that some ids of a shop mean the same buyer; both may be known by other ids already.
    pub async fn add_aliases(&self, shop: &str, subject: &str, aliases: &[String]) -> Result<Aliases> {
        let transaction = self.audit_db.begin().await?;
        let note = Note::new(Actor::Shop(shop.to_owned()), protocol::audit::AuditEvent::AliasesChanged)
            .subject(shop, subject)
            .detail(json!({ "aliases": aliases.len() }));
        // First, for it takes the write lock.
        audit::append(&transaction, self.now(), note).await?;
        let root = root_of(&transaction, shop, subject).await?;
        for alias in aliases {
            let other = root_of(&transaction, shop, alias).await?;
            if other == root {
                continue;
            }
            // Who was known by the other id is known by this one now.
            subject_alias::Entity::update_many()
                .col_expr(subject_alias::Column::Subject, Expr::value(root.clone()))
                .filter(subject_alias::Column::Shop.eq(shop))
                .filter(subject_alias::Column::Subject.eq(&other))
                .exec(&transaction)
                .await?;
            let row = subject_alias::ActiveModel {
                shop: Set(shop.to_owned()),
                alias: Set(other),
                subject: Set(root.clone()),
            };
            let key = [subject_alias::Column::Shop, subject_alias::Column::Alias];
            subject_alias::Entity::insert(row)
                .on_conflict(
                    OnConflict::columns(key).update_column(subject_alias::Column::Subject).to_owned(),
                )
                .exec_without_returning(&transaction)
                .await?;
        }
        let mut ids = ids_of(&transaction, shop, &root).await?;
        transaction.commit().await?;
        let aliases = ids.split_off(1);
        Ok(Aliases { subject: ids.pop().unwrap_or(root), aliases })
    }

    /// Every id of a buyer, the one that all lead to first; at least the one given.
    pub async fn ids_of(&self, shop: &str, subject: &str) -> Result<Vec<String>> {
        ids_of(&self.db, shop, subject).await
    }

    /// Calls of some ids of one shop's buyers, oldest first.
    pub async fn calls_of(&self, shop: &str, ids: &[String]) -> Result<Vec<CallId>> {
        let rows = call_subject::Entity::find()
            .filter(call_subject::Column::Shop.eq(shop))
            .filter(call_subject::Column::Subject.is_in(ids))
            .order_by_asc(call_subject::Column::Call)
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().map(|row| CallId(row.call)).collect())
    }

    /// Whose a call is.
    pub async fn subject_of(&self, call: CallId) -> Result<Option<SubjectRef>> {
        let row = call_subject::Entity::find_by_id(call.0).one(&self.db).await?;
        Ok(row.map(|row| SubjectRef { shop: row.shop, subject: row.subject }))
    }

    /// Whose a recording is, whether or not its media exists.
    pub async fn buyer_of(&self, recording: RecordingId) -> Result<Option<SubjectRef>> {
        match recording::Entity::find_by_id(recording.0).one(&self.db).await? {
            Some(row) => self.subject_of(CallId(row.call)).await,
            None => Ok(None),
        }
    }

    /// What is known of a buyer, by every id and from every call.
    pub async fn known_of_buyer(&self, shop: &str, ids: &[String]) -> Result<Known> {
        let mut known = Known::default();
        ids.iter().for_each(|id| known.add(id));
        for context in self.contexts_of(shop, ids).await? {
            known.learn(&context);
        }
        Ok(known)
    }

    /// What the shop signed at every call of some ids of its buyers.
    pub(super) async fn contexts_of(&self, shop: &str, ids: &[String]) -> Result<Vec<BuyerContext>> {
        let theirs = Query::select()
            .column(call_subject::Column::Call)
            .from(call_subject::Entity)
            .and_where(call_subject::Column::Shop.eq(shop))
            .and_where(call_subject::Column::Subject.is_in(ids))
            .to_owned();
        let rows = call::Entity::find().filter(call::Column::Id.in_subquery(theirs)).all(&self.db).await?;
        rows.iter().map(|row| convert::from_json("calls.context", &row.context)).collect()
    }

    pub(super) async fn forget_aliases(&self, shop: &str, ids: &[String]) -> Result<()> {
        subject_alias::Entity::delete_many()
            .filter(subject_alias::Column::Shop.eq(shop))
            .filter(subject_alias::Column::Alias.is_in(ids))
            .exec(&self.db)
            .await?;
        Ok(())
    }
}

/// The id that a buyer's ids lead to.
async fn root_of(db: &impl ConnectionTrait, shop: &str, id: &str) -> Result<String> {
    let row = subject_alias::Entity::find_by_id((shop.to_owned(), id.to_owned())).one(db).await?;
    Ok(row.map_or_else(|| id.to_owned(), |row| row.subject))
}

async fn ids_of(db: &impl ConnectionTrait, shop: &str, subject: &str) -> Result<Vec<String>> {
    let root = root_of(db, shop, subject).await?;
    let rows = subject_alias::Entity::find()
        .filter(subject_alias::Column::Shop.eq(shop))
        .filter(subject_alias::Column::Subject.eq(&root))
        .order_by_asc(subject_alias::Column::Alias)
        .all(db)
        .await?;
    let mut seen = HashSet::from([root.clone()]);
    let others = rows.into_iter().map(|row| row.alias).filter(|alias| seen.insert(alias.clone()));
    let mut ids: Vec<String> = others.collect();
    ids.insert(0, root);
    Ok(ids)
}
