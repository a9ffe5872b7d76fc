//! The audit log, for those who may read it.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use jiff::Timestamp;
use protocol::audit::{AuditEntry, AuditEvent, AuditReport};
use protocol::rest::Page;
use serde::Deserialize;

use super::extract::{Params, Staff};
use crate::app::AppState;
use crate::audit::checkpoint::CheckpointError;
use crate::auth::Action;
use crate::problem::{self, Refusal};
use crate::store::AuditFilter;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    event: Option<AuditEvent>,
    actor: Option<String>,
    about: Option<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    limit: Option<u32>,
    before: Option<i64>,
}

/// `GET /audit`
pub(super) async fn list(
    State(app): State<AppState>,
    staff: Staff,
    Params(search): Params<Search>,
) -> Result<Json<Page<AuditEntry>>, Refusal> {
    staff.must(Action::ReadAudit, "reading the audit log")?;
    let given =
        |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let filter = AuditFilter {
        event: search.event,
        actor: given(search.actor),
        about: given(search.about),
        from: search.from,
        to: search.to,
    };
    Ok(Json(app.store.audit(&filter, search.limit, search.before).await?))
}

/// `GET /audit/head`: to be kept elsewhere.
pub(super) async fn head(State(app): State<AppState>, staff: Staff) -> Result<impl IntoResponse, Refusal> {
    staff.must(Action::ReadAudit, "reading the audit log")?;
    let head = app.checkpoints.head(&app.store).await?;
    let head = head.ok_or_else(|| problem::NOT_FOUND.with("nothing has been logged yet"))?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(head)))
}

/// `GET /audit/verify`: walks the whole log.
pub(super) async fn verify(State(app): State<AppState>, staff: Staff) -> Result<Json<AuditReport>, Refusal> {
    staff.must(Action::ReadAudit, "reading the audit log")?;
    let report = app.checkpoints.verify(&app.store, &[]).await?;
    if let Some(broken) = &report.broken {
        tracing::error!(number = broken.number, what = broken.what, "the audit log is not what was written");
    }
    Ok(Json(report))
}

/// `GET /signing-key`: public, so that a certificate can be checked by whoever holds it.
pub(super) async fn signing_key(State(app): State<AppState>) -> impl IntoResponse {
    Json(app.checkpoints.key().info())
}

impl From<CheckpointError> for Refusal {
    fn from(error: CheckpointError) -> Self {
        match error {
            CheckpointError::Store(error) => error.into(),
            CheckpointError::Io { .. } => {
                tracing::error!(%error, "the signed heads of the audit log cannot be read");
                problem::INTERNAL.with("the signed heads of the audit log cannot be read").into()
            }
        }
    }
}
