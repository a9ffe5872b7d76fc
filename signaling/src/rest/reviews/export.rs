//! Scores as a file for spreadsheets.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use protocol::audit::AuditEvent;
use protocol::ids::{FormId, UserId};
use serde::Deserialize;
use serde_json::json;

use super::super::extract::{Params, Staff};
use super::super::sight::{hidden_among, said};
use super::access::{must_score, seen};
use crate::app::AppState;
use crate::audit::Note;
use crate::auth::mask;
use crate::problem::{self, Refusal};
use crate::review::csv::{Row, write};
use crate::store::ReviewFilter;

/// Most scores in one file.
const ROWS_MAX: u64 = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Search {
    agent: Option<UserId>,
    form: Option<FormId>,
    /// First day of submission, UTC.
    from: Option<Date>,
    /// Last day of submission, UTC.
    to: Option<Date>,
    /// What for; it goes into the audit log.
    why: Option<String>,
}

/// `GET /reviews.csv`
pub(in super::super) async fn csv(
    State(app): State<AppState>,
    staff: Staff,
    Params(search): Params<Search>,
) -> Result<Response, Refusal> {
    must_score(&staff)?;
    let why = search.why.as_deref().filter(|why| !why.trim().is_empty()).map(said).transpose()?;
    let to = search.to.map(|day| day.checked_add(1.day())).transpose();
    let to = to.map_err(|error| problem::QUERY_INVALID.at("to", error.to_string()))?;
    let filter = ReviewFilter {
        agent: search.agent,
        form: search.form,
        reviewer: None,
        from: search.from.map(|day| midnight("from", day)).transpose()?,
        to: to.map(|day| midnight("to", day)).transpose()?,
    };
    let Some(mut found) = app.store.reviews_with_answers(&seen(&staff), &filter, ROWS_MAX).await? else {
        let detail =
            format!("a file holds at most {ROWS_MAX} scores, and more were found: choose a shorter time");
        return Err(problem::QUERY_INVALID.at("from", detail).into());
    };
    let calls: Vec<_> = found.iter().map(|(summary, ..)| summary.call).collect();
    let hidden = hidden_among(&app, &staff, &calls).await?;
    for (summary, _, newest) in &mut found {
        if let Some(known) = hidden.get(&summary.call) {
            mask::revision(newest, known, staff.0.id);
        }
    }
    let rows: Vec<Row> = found
        .into_iter()
        .map(|(summary, form, newest)| Row { summary, form, answers: newest.answers, scored: newest.scored })
        .collect();
    // What cannot be logged is not exported.
    let detail = json!({
        "rows": rows.len(),
        "agent": search.agent,
        "form": search.form,
        "from": search.from,
        "to": search.to,
    });
    let note = Note::new(staff.0.id, AuditEvent::Exported).about("scores.csv").why(why.unwrap_or_default());
    app.store.note(note.detail(detail)).await?;
    tracing::info!(rows = rows.len(), user = %staff.0.id, "scores were exported");
    let mut response = write(&rows).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers
        .insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"scores.csv\""));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn midnight(field: &str, day: Date) -> Result<Timestamp, Refusal> {
    let start = day.to_zoned(TimeZone::UTC);
    Ok(start.map_err(|error| problem::QUERY_INVALID.at(field, error.to_string()))?.timestamp())
}
