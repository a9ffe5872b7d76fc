//! For those who watch the server.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::degraded::{Degraded, NAMES, degraded};
use crate::app::AppState;
use crate::floor::journal::PRESSED;
use crate::problem::{self, Refusal};

/// Longest wait for the store's sign of life.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /healthz`: the process runs. Says nothing about the store: restarting us does not repair that.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// The answer of `/readyz`.
#[derive(Serialize)]
pub(super) struct Ready {
    status: &'static str,
    /// What does not work although calls do.
    degraded: Vec<Degraded>,
}

/// `GET /readyz`: new calls are taken. What concerns recordings only does not end that, and is named.
pub(super) async fn ready(State(app): State<AppState>) -> Result<Json<Ready>, Refusal> {
    if !app.floor.is_taking_calls() {
        return Err(problem::UNAVAILABLE
            .at("floor", "no new calls are taken: the server is stopping")
            .into());
    }
    if app.floor.facts_waiting() >= PRESSED {
        let detail = "no new calls are taken until the store has taken what waits for it";
        return Err(problem::UNAVAILABLE.at("store", detail).into());
    }
    match tokio::time::timeout(PATIENCE, app.store.ping()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(%error, "the store does not answer");
            return Err(problem::UNAVAILABLE.at("store", "the store does not answer").into());
        }
        Err(_) => return Err(problem::UNAVAILABLE.at("store", "the store does not answer in time").into()),
    }
    Ok(Json(Ready { status: "ready", degraded: degraded(&app.archive.condition().await) }))
}

/// `GET /metrics`: figures in the text format of Prometheus.
pub(super) async fn metrics(State(app): State<AppState>) -> Result<Response, Refusal> {
    let condition = app.archive.condition().await;
    let found = degraded(&condition);
    app.metrics.stands(&condition, NAMES.map(|name| (name, found.iter().any(|one| one.name == name))));
    let text = app.metrics.text().map_err(|error| {
        tracing::error!(%error, "the metrics cannot be written");
        Refusal::from(problem::INTERNAL.with("the metrics cannot be written"))
    })?;
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
