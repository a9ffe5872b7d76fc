//! The audit log in the store: added to in one place, read, verified. There is no way to change or delete an entry.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use protocol::audit::{AuditBreak, AuditEntry, AuditEvent, AuditHead, AuditReport};
use protocol::ids::{CallId, UserId};
use protocol::rest::Page;
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    TransactionTrait,
};
use uuid::Uuid;

use super::calls::{known, next_number};
use super::entities::{audit_entry, call, export, recording, user};
use super::{Result, Store, convert};
use crate::audit::chain::{self, Link, Walk};
use crate::audit::{Actor, Note};
use crate::auth::secret::hex;

/// The counter of entries. That it is ahead of the last entry shows that the end of the log was cut off.
const COUNTER: &str = "audit";
/// Longest reason kept, characters.
const WHY_MAX: usize = 500;
/// Entries read at once.
const CHUNK: u64 = 1_000;
/// Entries on a page.
const PAGE_MAX: u32 = 200;

/// Which entries; every part that is there must match.
#[derive(Clone, Default, Debug)]
pub struct AuditFilter {
    /// What happened.
    pub event: Option<AuditEvent>,
    /// Who did it, as [`AuditEntry::actor`] has it.
    pub actor: Option<String>,
    /// To what, as [`AuditEntry::about`] has it.
    pub about: Option<String>,
    /// Not earlier than.
    pub from: Option<Timestamp>,
    /// Earlier than.
    pub to: Option<Timestamp>,
}

impl Store {
    /// Adds an entry to the audit log. When this returns, it is on the disk.
    pub async fn note(&self, note: Note) -> Result<()> {
        let transaction = self.audit_db.begin().await?;
        append(&transaction, self.now(), note).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Adds an entry unless the same person did the same to the same thing within the time before. Says whether it did.
    pub async fn note_once_in(&self, time: SignedDuration, note: Note) -> Result<bool> {
        let since = convert::micros(self.now().saturating_sub(time).unwrap_or(Timestamp::MIN));
        if was_noted(&self.db, &note, since).await? {
            return Ok(false);
        }
        let transaction = self.audit_db.begin().await?;
        // Looked at again where nobody else writes: two requests at the same moment are one playing.
        let number = next_number(&transaction, COUNTER, 1).await?;
        if was_noted(&transaction, &note, since).await? {
            transaction.rollback().await?;
            return Ok(false);
        }
        insert(&transaction, number, self.now(), note).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Entries, newest first. `before`: the number that the page before ended with.
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        limit: Option<u32>,
        before: Option<i64>,
    ) -> Result<Page<AuditEntry>> {
        use audit_entry::Column;
        let limit = limit.unwrap_or(50).clamp(1, PAGE_MAX);
        let mut query = audit_entry::Entity::find().order_by_desc(Column::Number).limit(u64::from(limit) + 1);
        if let Some(event) = filter.event {
            query = query.filter(Column::Event.eq(convert::name(&event)));
        }
        if let Some(actor) = &filter.actor {
            query = query.filter(Column::Actor.eq(actor));
        }
        if let Some(about) = &filter.about {
            query = query.filter(Column::About.eq(about));
        }
        if let Some(from) = filter.from {
            query = query.filter(Column::At.gte(convert::micros(from)));
        }
        if let Some(to) = filter.to {
            query = query.filter(Column::At.lt(convert::micros(to)));
        }
        if let Some(before) = before {
            query = query.filter(Column::Number.lt(before));
        }
        let mut rows = query.all(&self.db).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = if more { rows.last().map(|row| row.number.to_string()) } else { None };
        let names = self.actors_of(&rows).await?;
        let items = rows.into_iter().map(|row| entry(row, &names)).collect::<Result<_>>()?;
        Ok(Page { items, next })
    }

    /// Calls of which somebody has asked to read the personal fields, within the time before.
    pub async fn calls_unmasked_by(&self, who: UserId, time: SignedDuration) -> Result<HashSet<CallId>> {
        use audit_entry::Column;
        let since = convert::micros(self.now().saturating_sub(time).unwrap_or(Timestamp::MIN));
        let rows = audit_entry::Entity::find()
            .filter(Column::Actor.eq(Actor::User(who).to_string()))
            .filter(Column::Event.eq(convert::name(&AuditEvent::Unmasked)))
            .filter(Column::At.gte(since))
            .all(&self.db)
            .await?;
        Ok(rows.iter().filter_map(|row| row.about.strip_prefix("call:")?.parse().ok()).collect())
    }

    async fn actors_of(&self, rows: &[audit_entry::Model]) -> Result<HashMap<String, String>> {
        let ids = rows.iter().filter_map(|row| row.actor.strip_prefix("user:")?.parse::<Uuid>().ok());
        let users = user::Entity::find().filter(user::Column::Id.is_in(ids)).all(&self.db).await?;
        Ok(users.into_iter().map(|user| (format!("user:{}", user.id), user.name)).collect())
    }

    /// How long the log is, and its last hash; none while it is empty.
    pub async fn audit_head(&self) -> Result<Option<AuditHead>> {
        let at = self.now();
        let last = last(&self.db).await?;
        Ok(last.map(|row| AuditHead { entries: row.number, hash: hex(&row.hash), at }))
    }

    /// Walks the whole log from its first entry, and compares it with what its head was at other times: how many entries,
    /// and the hash of the last.
    pub async fn verify_audit(&self, mut heads: Vec<(i64, String)>) -> Result<AuditReport> {
        heads.sort_unstable();
        let mut heads = heads.into_iter().peekable();
        let mut walk = Walk::default();
        let report = |walk: &Walk, broken: Option<String>| AuditReport {
            good: walk.good,
            checkpoints: 0,
            broken: broken.map(|what| AuditBreak { number: walk.good + 1, what }),
        };
        loop {
            let rows = audit_entry::Entity::find()
                .filter(audit_entry::Column::Number.gt(walk.good))
                .order_by_asc(audit_entry::Column::Number)
                .limit(CHUNK)
                .all(&self.db)
                .await?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                let (link, hash) = link(row);
                if let Err(what) = walk.step(&link, &hash) {
                    return Ok(report(&walk, Some(what)));
                }
                while let Some((_, hash)) = heads.next_if(|(entries, _)| *entries <= walk.good) {
                    if hash != hex(&walk.head) {
                        let what = "a signed head of an earlier time has another hash here: the log was written anew";
                        return Ok(AuditReport {
                            good: walk.good - 1,
                            checkpoints: 0,
                            broken: Some(AuditBreak { number: walk.good, what: what.to_owned() }),
                        });
                    }
                }
            }
        }
        let counted = counted(&self.db).await?;
        let longest = heads.map(|(entries, _)| entries).next_back().unwrap_or(0).max(counted);
        let cut = (longest > walk.good).then(|| {
            format!("the log once had {longest} entries: everything after {} was cut off", walk.good)
        });
        Ok(report(&walk, cut))
    }
}

/// Adds an entry within a transaction of the connection for the log.
pub(super) async fn append(transaction: &DatabaseTransaction, at: Timestamp, note: Note) -> Result<()> {
    // Counting takes the write lock: from here on no other process adds an entry.
    let number = next_number(transaction, COUNTER, 1).await?;
    insert(transaction, number, at, note).await
}

async fn insert(transaction: &DatabaseTransaction, number: i64, at: Timestamp, note: Note) -> Result<()> {
    let why = without_buyer(transaction, &note).await?;
    let before = last(transaction).await?.and_then(|row| row.hash.try_into().ok()).unwrap_or(chain::START);
    let link = Link {
        number,
        at: convert::micros(at),
        actor: note.actor.to_string(),
        event: convert::name(&note.event),
        about: note.about,
        why: why.trim().chars().take(WHY_MAX).collect(),
        detail: convert::json("audit.detail", &note.detail)?,
    };
    let row = audit_entry::ActiveModel {
        hash: Set(link.hash(&before).to_vec()),
        number: Set(link.number),
        at: Set(link.at),
        actor: Set(link.actor),
        event: Set(link.event),
        about: Set(link.about),
        why: Set(link.why),
        detail: Set(link.detail),
    };
    audit_entry::Entity::insert(row).exec_without_returning(transaction).await?;
    Ok(())
}

/// The reason of a note without what is known of the buyer of the call it is about: nothing in the log can be erased later.
async fn without_buyer(transaction: &DatabaseTransaction, note: &Note) -> Result<String> {
    let about = |kind: &str| note.about.strip_prefix(kind).and_then(|id| id.parse::<Uuid>().ok());
    let of_export = match about("export:") {
        Some(id) => export::Entity::find_by_id(id).one(transaction).await?.map(|row| row.recording),
        None => None,
    };
    let of_recording = match of_export.or_else(|| about("recording:")) {
        Some(id) => recording::Entity::find_by_id(id).one(transaction).await?.map(|row| row.call),
        None => None,
    };
    let call = match of_recording.or_else(|| about("call:")) {
        Some(id) => call::Entity::find_by_id(id).one(transaction).await?,
        None => None,
    };
    // What cannot be read is no reason not to log.
    let known = call.and_then(|row| known(&row).ok());
    Ok(known.map_or_else(|| note.why.clone(), |known| known.hide_known(&note.why)))
}

async fn last(db: &impl ConnectionTrait) -> Result<Option<audit_entry::Model>> {
    Ok(audit_entry::Entity::find().order_by_desc(audit_entry::Column::Number).one(db).await?)
}

async fn counted(db: &impl ConnectionTrait) -> Result<i64> {
    use super::entities::counter;
    let row = counter::Entity::find_by_id(COUNTER).one(db).await?;
    Ok(row.map_or(0, |row| row.value))
}

async fn was_noted(db: &impl ConnectionTrait, note: &Note, since: i64) -> Result<bool> {
    use audit_entry::Column;
    let found = audit_entry::Entity::find()
        .filter(Column::About.eq(&note.about))
        .filter(Column::Actor.eq(note.actor.to_string()))
        .filter(Column::Event.eq(convert::name(&note.event)))
        .filter(Column::At.gte(since))
        .one(db)
        .await?;
    Ok(found.is_some())
}

fn link(row: audit_entry::Model) -> (Link, Vec<u8>) {
    let link = Link {
        number: row.number,
        at: row.at,
        actor: row.actor,
        event: row.event,
        about: row.about,
        why: row.why,
        detail: row.detail,
    };
    (link, row.hash)
}

fn entry(row: audit_entry::Model, names: &HashMap<String, String>) -> Result<AuditEntry> {
    Ok(AuditEntry {
        number: row.number,
        at: convert::time("audit.at", row.at)?,
        actor_name: names.get(&row.actor).cloned(),
        event: convert::named("audit.event", &row.event)?,
        actor: row.actor,
        about: row.about,
        why: row.why,
        detail: convert::from_json("audit.detail", &row.detail)?,
        hash: hex(&row.hash),
    })
}
