//! Counts and logs every request.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use crate::metrics::Metrics;

/// Runs a request inside a span and counts its answer.
pub(super) async fn request(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let span = tracing::info_span!("http", %method, path);
    // Paths that no route knows are one label together: strangers must not be able to make up labels.
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).instrument(span.clone()).await;
    let route = response.extensions().get::<MatchedPath>().cloned().or(matched);
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let status = response.status().as_u16();
    let took = began.elapsed();
    metrics.answered(known_method(method.as_str()), route, status, took);
    span.in_scope(|| {
        if status >= 500 {
            tracing::warn!(status, took_ms = took.as_millis(), "answered");
        } else {
            tracing::debug!(status, took_ms = took.as_millis(), "answered");
        }
    });
    response
}

/// Methods are free text in HTTP; labels are not.
fn known_method(method: &str) -> &'static str {
    ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}
