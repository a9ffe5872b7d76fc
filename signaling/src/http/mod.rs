//! One router for everything on the HTTP port.

mod assets;
mod degraded;
mod headers;
mod health;
mod observe;
mod problems;

use axum::Router;
use axum::http::Method;
use axum::middleware;
use axum::response::Redirect;
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::app::AppState;
use crate::problem::{self, Refusal};
use crate::rest;

/// What is served besides REST and the pages.
#[derive(Default)]
pub struct Extra {
    /// The WebSocket, to be mounted at `/api/v1/ws`.
    pub realtime: Option<Router>,
    /// The demo shop, to be mounted at `/demo`.
    pub demo: Option<Router>,
    /// Whether browsers may be told to come over TLS only.
    pub strict_transport: bool,
}

/// Everything that the HTTP port serves.
pub fn router(state: AppState, extra: Extra) -> Router {
    let is_demo = extra.demo.is_some();
    let api = rest::routes().router();
    let mut router = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .nest("/api/v1", api)
        .with_state(state.clone());
    if let Some(realtime) = extra.realtime {
        router = router.merge(realtime);
    }
    let mut pages = Router::new()
        .route(
            "/",
            get(move || async move { Redirect::temporary(if is_demo { "/demo/" } else { "/console/" }) }),
        )
        .route("/problems", get(problems::all))
        .route("/problems/{code}", get(problems::one))
        .merge(assets::router());
    if let Some(demo) = extra.demo {
        pages = pages.merge(demo);
    }
    router
        .merge(pages.layer(CompressionLayer::new()))
        .fallback(nothing_here)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(headers::add))
        .layer(middleware::from_fn_with_state(headers::Strict(extra.strict_transport), headers::strict))
        .layer(middleware::from_fn_with_state(state.metrics, observe::request))
}

/// Method and address, under `/api/v1`, of every route of the REST API.
pub fn api_routes() -> Vec<(Method, &'static str)> {
    rest::routes().noted()
}

async fn nothing_here() -> Refusal {
    problem::NOT_FOUND.with("the server has nothing at this address").into()
}

/// A handler has a bug: the request fails, the server goes on.
fn panicked(cause: Box<dyn std::any::Any + Send>) -> axum::response::Response {
    use axum::response::IntoResponse;
    let text = cause.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or("no message");
    tracing::error!(panic = text, "a request handler panicked");
    Refusal::from(problem::INTERNAL.with("the request could not be answered")).into_response()
}
