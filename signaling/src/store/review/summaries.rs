//! Reviews as lists show them.

use protocol::ids::{CallId, FormVersionId, RecordingId, ReviewId};
use protocol::review::{ReviewSummary, Score};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::super::calls::ticket_ref;
use super::super::entities::{dispute, recording, review, ticket};
use super::super::{Result, Store, StoreError, convert};
use super::forms::count;
use super::person;

impl Store {
    /// Some reviews, in the same order.
    pub(super) async fn review_summaries(&self, rows: Vec<review::Model>) -> Result<Vec<ReviewSummary>> {
        let versions = self.form_versions(rows.iter().map(|row| row.form_version)).await?;
        let tickets = ticket::Entity::find()
            .filter(ticket::Column::Call.is_in(rows.iter().map(|row| row.call)))
            .all(&self.db)
            .await?;
        // Of deleted recordings, too: a score outlives the media it was made of.
        let recordings = recording::Entity::find()
            .filter(recording::Column::Id.is_in(rows.iter().map(|row| row.recording)))
            .all(&self.db)
            .await?;
        let disputes = dispute::Entity::find()
            .filter(dispute::Column::Review.is_in(rows.iter().map(|row| row.id)))
            .order_by_asc(dispute::Column::Id)
            .all(&self.db)
            .await?;
        rows.iter()
            .map(|row| {
                let missing = |what, id: uuid::Uuid| StoreError::Missing { what, id: id.to_string() };
                let version = versions
                    .iter()
                    .find(|version| version.id.0 == row.form_version)
                    .ok_or_else(|| missing("form version", row.form_version))?;
                let recording = recordings
                    .iter()
                    .find(|recording| recording.id == row.recording)
                    .ok_or_else(|| missing("recording", row.recording))?;
                let ticket = tickets.iter().find(|ticket| ticket.call == row.call);
                let dispute = disputes.iter().rfind(|dispute| dispute.review == row.id);
                Ok(ReviewSummary {
                    id: ReviewId(row.id),
                    recording: RecordingId(row.recording),
                    call: CallId(row.call),
                    ticket_number: ticket.map(|ticket| ticket_ref(ticket.id, ticket.number).number),
                    call_at: convert::time("recordings.started_at", recording.started_at)?,
                    agent: person(row.agent, &row.agent_name),
                    reviewer: person(row.reviewer, &row.reviewer_name),
                    form: version.content.title.clone(),
                    form_version: FormVersionId(row.form_version),
                    form_version_number: version.number,
                    state: convert::named("reviews.state", &row.state)?,
                    second: row.second,
                    submitted_at: convert::time_opt("reviews.submitted_at", row.submitted_at)?,
                    score: row
                        .score
                        .map(|score| u16::try_from(score).map(Score))
                        .transpose()
                        .map_err(|error| convert::unreadable("reviews.score", error))?,
                    critical: row.critical,
                    revisions: count("reviews.revisions", row.revisions)?,
                    dispute: dispute
                        .map(|dispute| convert::named("disputes.state", &dispute.state))
                        .transpose()?,
                })
            })
            .collect()
    }
}
