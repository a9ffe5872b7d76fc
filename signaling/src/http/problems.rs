//! The pages behind the `type` of problems.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::headers::PLAIN_PAGE;
use crate::problem::{ALL, Kind};

const STYLE: &str = "body{font:1rem/1.6 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem;\
    color-scheme:light dark}code{font-size:.95em}dt{margin-top:1rem;font-weight:600}dd{margin:0}";

/// `GET /problems`: all of them.
pub(super) async fn all() -> Response {
    let mut list =
        String::from("<h1>Problems</h1><p>Everything the server may answer when it refuses.</p><dl>");
    for kind in ALL {
        list.push_str(&format!(
            "<dt><a href=\"/problems/{code}\"><code>{code}</code></a> ({status})</dt><dd>{title}</dd>",
            code = kind.code,
            status = kind.status,
            title = escape(kind.title),
        ));
    }
    list.push_str("</dl>");
    page(StatusCode::OK, "Problems", &list)
}

/// `GET /problems/{code}`: one of them.
pub(super) async fn one(Path(code): Path<String>) -> Response {
    match ALL.iter().find(|kind| kind.code == code) {
        Some(kind) => page(StatusCode::OK, kind.title, &body(kind)),
        None => page(
            StatusCode::NOT_FOUND,
            "No such problem",
            "<h1>No such problem</h1><p>This server never answers with this code. \
             <a href=\"/problems\">All problems</a></p>",
        ),
    }
}

fn body(kind: &Kind) -> String {
    format!(
        "<h1>{}</h1><p>{}</p><p>Code <code>{}</code>, HTTP status {}. <a href=\"/problems\">All problems</a></p>",
        escape(kind.title),
        escape(kind.help),
        kind.code,
        kind.status
    )
}

fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{} – Vitrine</title><style>{STYLE}</style><main>{body}</main>",
        escape(title)
    );
    (status, [(header::CONTENT_SECURITY_POLICY, PLAIN_PAGE)], Html(html)).into_response()
}

/// The table's texts are ours, but they are texts and not HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
