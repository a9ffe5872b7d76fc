//! Receipts of what buyers chose about recording.

use protocol::ids::{CallId, ReceiptId};
use protocol::rest::ConsentReceipt;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::entities::receipt;
use super::{Result, Store, convert};

impl Store {
    /// Keeps a receipt. Receipts are only ever added.
    pub async fn add_receipt(&self, call: CallId, new: ConsentReceipt) -> Result<()> {
        let row = receipt::ActiveModel {
            id: Set(new.id.0),
            call: Set(call.0),
            subject: Set(new.subject),
            recording: Set(new.recording),
            text_version: Set(new.text_version),
            text_sha256: Set(new.text_sha256),
            language: Set(new.language),
            purpose: Set(new.purpose),
            at: Set(convert::micros(new.at)),
        };
        receipt::Entity::insert(row).exec_without_returning(&self.db).await?;
        Ok(())
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
