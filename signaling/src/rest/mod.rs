//! The REST API under `/api/v1`; the table of what there is stands at [`protocol::rest`].

mod audit;
mod buyer_sessions;
mod calls;
mod erasures;
mod exports;
mod extract;
mod flags;
mod holds;
mod login;
mod outcomes;
mod own_consent;
mod queues;
mod range;
mod ratings;
mod recordings;
mod replay;
mod reviews;
mod samples;
mod saved_filters;
mod sight;
mod subjects;
mod tickets;
mod users;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, header};
use axum::routing::{get, post, put};
use tower_http::compression::CompressionLayer;
use tower_http::cors::{Any, CorsLayer};

use crate::app::AppState;
use crate::problem::{self, Refusal};

/// Largest body of any request, bytes.
const BODY_MAX: usize = 64 * 1024;

/// All routes, to be nested at `/api/v1`.
pub(crate) fn router() -> Router<AppState> {
    // The widget runs on the pages of shops, so its requests come from other origins. They carry a token and never a
    // cookie.
    let from_anywhere = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::POST, Method::PUT])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .max_age(std::time::Duration::from_secs(3600));
    // With its fallback inside of the layer, or the browser's OPTIONS would not reach the layer.
    let visits = Router::new()
        .route("/buyer-sessions", post(buyer_sessions::open))
        .route("/calls/{id}/rating", put(ratings::rate))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_anywhere);
    Router::new()
        .route("/login", post(login::login))
        .route("/logout", post(login::logout))
        .route("/me", get(login::me))
        .route("/calls", get(calls::list))
        .route("/calls/{id}", get(calls::one))
        .route("/calls/{id}/quality", get(calls::quality))
        .route("/calls/{id}/wrap-up", put(calls::wrap_up))
        .route("/tickets", get(tickets::list))
        .route("/tickets/{id}", get(tickets::one))
        .route("/recordings", get(recordings::list))
        .route("/recordings/facets", get(recordings::facets))
        .route("/recordings/{id}", get(recordings::one))
        // The one answer that is large and shrinks well.
        .route("/recordings/{id}/timeline", get(replay::timeline).layer(CompressionLayer::new()))
        .route("/recordings/{id}/plays", post(recordings::plays))
        .route("/recordings/{id}/tracks/{track}", get(recordings::track))
        .route("/calls/{id}/flags/{flag}", put(flags::set).delete(flags::clear))
        .route("/saved-filters", get(saved_filters::list).post(saved_filters::add))
        .route("/saved-filters/{id}", put(saved_filters::change).delete(saved_filters::delete))
        .route("/saved-filters/{id}/restore", post(saved_filters::restore))
        .route(
            "/saved-filters/{id}/default",
            put(saved_filters::set_default).delete(saved_filters::clear_default),
        )
        .route("/samples", get(samples::list).post(samples::add))
        .route("/samples/preview", post(samples::preview))
        .route("/samples/{id}", get(samples::one).put(samples::change).delete(samples::delete))
        .route("/samples/{id}/restore", post(samples::restore))
        .route("/samples/{id}/resample", post(samples::resample))
        .route("/samples/{id}/items", get(samples::items))
        .route("/samples/{id}/items/{recording}", get(samples::place).put(samples::mark))
        .route("/recordings/{id}/exports", get(exports::list).post(exports::ask))
        .route("/exports/{id}", get(exports::one).delete(exports::remove))
        .route("/exports/{id}/retry", post(exports::retry))
        .route("/exports/{id}/file", get(exports::file))
        .route("/outcomes", get(outcomes::list))
        .route("/own-consent", get(own_consent::words))
        .route("/queues", get(queues::list))
        .merge(reviews::routes())
        .route("/calls/{id}/unmask", post(sight::unmask))
        .route("/recordings/{id}/erase", post(erasures::recording))
        .route("/erasures", get(erasures::list).post(erasures::request))
        .route("/erasures/{id}", get(erasures::one))
        .route("/erasures/{id}/certificate", get(erasures::certificate))
        .route("/holds", get(holds::list).post(holds::place))
        .route("/holds/{id}/lift", post(holds::lift))
        .route("/subjects/aliases", put(subjects::aliases))
        .route("/audit", get(audit::list))
        .route("/audit/head", get(audit::head))
        .route("/audit/verify", get(audit::verify))
        .route("/signing-key", get(audit::signing_key))
        .route("/users", get(users::list))
        .route("/users/{id}", get(users::one))
        .route("/users/{id}/rights", put(users::set_rights))
        .merge(visits)
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(DefaultBodyLimit::max(BODY_MAX))
}

async fn method_not_allowed(method: Method) -> Refusal {
    problem::METHOD_NOT_ALLOWED.with(format!("{method} does not work at this address")).into()
}

async fn not_found() -> Refusal {
    problem::NOT_FOUND.with("the API has nothing at this address").into()
}
