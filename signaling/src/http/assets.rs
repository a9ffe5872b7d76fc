//! The built web client: the widget for shops' pages and the pages of staff.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use rust_embed::{EmbeddedFile, RustEmbed};

use super::headers;
use crate::auth::secret;
use crate::problem::{self, Refusal};

/// What `make web` builds. Optimised builds carry it in the binary, others read the folder.
#[derive(RustEmbed)]
#[folder = "../web-client/dist"]
struct Dist;

pub(super) fn router() -> Router {
    Router::new()
        .route("/widget.js", get(|headers: HeaderMap| async move { shared("widget.js", &headers) }))
        .route("/favicon.ico", get(favicon))
        .route("/assets/{*path}", get(asset))
        .route("/console", get(|| async { Redirect::permanent("/console/") }))
        .route("/console/", get(|headers: HeaderMap| async move { staff("console/index.html", &headers) }))
        .route("/replay", get(|| async { Redirect::permanent("/replay/") }))
        .route("/replay/", get(|headers: HeaderMap| async move { staff("replay/index.html", &headers) }))
}

/// Browsers ask for it whatever a page says; they know SVG by its type, not by the name.
async fn favicon() -> Response {
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "max-age=86400")];
    (headers, include_str!("favicon.svg")).into_response()
}

/// Names of files here carry a hash of their content.
async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    shared(&format!("assets/{path}"), &headers)
}

/// A file that pages of other origins load: shops' pages load the widget and the parts it fetches later.
fn shared(path: &str, headers: &HeaderMap) -> Response {
    let Some(file) = Dist::get(path) else { return missing(path) };
    let mut response = file_response(path, &file, headers);
    let answer = response.headers_mut();
    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    answer.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    );
    response
}

fn staff(path: &str, headers: &HeaderMap) -> Response {
    let Some(file) = Dist::get(path) else { return not_built() };
    let mut response = file_response(path, &file, headers);
    response.headers_mut().extend(headers::staff_page());
    response
}

fn file_response(path: &str, file: &EmbeddedFile, headers: &HeaderMap) -> Response {
    let etag = format!("\"{}\"", secret::hex(&file.metadata.sha256_hash()[..16]));
    let is_known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        // Compression makes the tag a weak one (`W/"…"`) on its way.
        .is_some_and(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag));
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = HeaderValue::from_static(media_type(path));
        ([(header::CONTENT_TYPE, kind)], file.data.clone().into_owned()).into_response()
    };
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let answer = response.headers_mut();
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        answer.insert(header::ETAG, etag);
    }
    response
}

/// What Vite writes is of few kinds.
fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        _ => "application/octet-stream",
    }
}

fn missing(path: &str) -> Response {
    if Dist::iter().next().is_none() {
        return not_built();
    }
    Refusal::from(problem::NOT_FOUND.with(format!("the web client has no file {path}"))).into_response()
}

fn not_built() -> Response {
    let page = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Vitrine</title>\
        <h1>The web client is not built</h1>\
        <p>The server runs, but its pages are missing. Run <code>make web</code> and load this page again.</p>";
    (StatusCode::SERVICE_UNAVAILABLE, Html(page)).into_response()
}
