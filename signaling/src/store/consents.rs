//! Receipts of what buyers and agents chose about recording.

use std::collections::BTreeMap;

use jiff::Timestamp;
use protocol::audit::AuditEvent;
use protocol::ids::{CallId, ReceiptId, UserId};
use protocol::rest::{ConsentReceipt, RecordedSide};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, TransactionTrait};
use serde_json::json;

use super::entities::{receipt, recording, staff_receipt};
use super::{Result, Store, audit, convert};
use crate::audit::{Actor, Note};

impl Store {
    /// Keeps a receipt. Receipts are only ever added, and the audit log tells of each.
    pub async fn add_receipt(&self, call: CallId, new: ConsentReceipt) -> Result<()> {
        let note = chosen(Actor::Nobody, &new).call(call);
        let row = receipt::ActiveModel {
            id: Set(new.id.0),
            call: Set(call.0),
            side: Set(convert::name(&new.side)),
            subject: Set(new.subject),
            recording: Set(new.recording),
            text_version: Set(new.text_version),
            text_sha256: Set(new.text_sha256),
            language: Set(new.language),
            purpose: Set(new.purpose),
            at: Set(convert::micros(new.at)),
        };
        let transaction = self.audit_db.begin().await?;
        receipt::Entity::insert(row).exec_without_returning(&transaction).await?;
        audit::append(&transaction, self.now(), note).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Keeps a receipt of a member of staff, which holds for all calls to come.
    pub async fn add_staff_receipt(&self, user: UserId, new: ConsentReceipt) -> Result<()> {
        let note = chosen(user.into(), &new).user(user);
        let row = staff_receipt::ActiveModel {
            id: Set(new.id.0),
            user: Set(user.0),
            recording: Set(new.recording),
            text_version: Set(new.text_version),
            text_sha256: Set(new.text_sha256),
            language: Set(new.language),
            purpose: Set(new.purpose),
            at: Set(convert::micros(new.at)),
        };
        let transaction = self.audit_db.begin().await?;
        staff_receipt::Entity::insert(row).exec_without_returning(&transaction).await?;
        audit::append(&transaction, self.now(), note).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// What every member of staff chose last.
    pub async fn staff_choices(&self) -> Result<BTreeMap<UserId, ConsentReceipt>> {
        // Ids are in order of time, so the last one of each stays.
        let rows =
            staff_receipt::Entity::find().order_by_asc(staff_receipt::Column::Id).all(&self.db).await?;
        rows.into_iter()
            .map(|row| {
                let receipt = ConsentReceipt {
                    id: ReceiptId(row.id),
                    side: RecordedSide::Agent,
                    subject: UserId(row.user).to_string(),
                    recording: row.recording,
                    text_version: row.text_version,
                    text_sha256: row.text_sha256,
                    language: row.language,
                    purpose: row.purpose,
                    at: convert::time("staff_receipts.at", row.at)?,
                };
                Ok((UserId(row.user), receipt))
            })
            .collect()
    }

    /// When buyers said no to being recorded, the last time in each call: of one call, or of all that were recorded.
    pub async fn refusals(&self, of: Option<CallId>) -> Result<BTreeMap<CallId, Timestamp>> {
        let which = match of {
            Some(call) => receipt::Column::Call.eq(call.0),
            None => {
                let recorded =
                    Query::select().column(recording::Column::Call).from(recording::Entity).to_owned();
                receipt::Column::Call.in_subquery(recorded)
            }
        };
        receipt::Entity::find()
            .filter(which)
            .filter(receipt::Column::Side.eq(convert::name(&RecordedSide::Buyer)))
            .filter(receipt::Column::Recording.eq(false))
            .order_by_asc(receipt::Column::At)
            .all(&self.db)
            .await?
            .into_iter()
            .map(|row| Ok((CallId(row.call), convert::time("receipts.at", row.at)?)))
            .collect()
    }

    /// The receipts of some calls, oldest first, each with its call.
    pub(super) async fn receipts_of(&self, calls: &[CallId]) -> Result<Vec<(CallId, ConsentReceipt)>> {
        receipt::Entity::find()
            .filter(receipt::Column::Call.is_in(calls.iter().map(|call| call.0)))
            .order_by_asc(receipt::Column::At)
            .order_by_asc(receipt::Column::Id)
            .all(&self.db)
            .await?
            .into_iter()
            .map(|row| {
                let receipt = ConsentReceipt {
                    id: ReceiptId(row.id),
                    side: convert::named("receipts.side", &row.side)?,
                    subject: row.subject,
                    recording: row.recording,
                    text_version: row.text_version,
                    text_sha256: row.text_sha256,
                    language: row.language,
                    purpose: row.purpose,
                    at: convert::time("receipts.at", row.at)?,
                };
                Ok((CallId(row.call), receipt))
            })
            .collect()
    }
}

/// What the audit log says of a receipt: nothing of who the buyer is.
fn chosen(who: Actor, receipt: &ConsentReceipt) -> Note {
    Note::new(who, AuditEvent::ConsentChosen).detail(json!({
        "receipt": receipt.id,
        "side": receipt.side,
        "recording": receipt.recording,
        "text_sha256": receipt.text_sha256,
        "text_version": receipt.text_version,
    }))
}
