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
mod routes;
mod samples;
mod saved_filters;
mod sight;
mod subjects;
mod tickets;
mod users;

use axum::extract::DefaultBodyLimit;
use axum::http::{Method, header};
use tower_http::compression::CompressionLayer;
use tower_http::cors::{Any, CorsLayer};

use crate::problem::{self, Refusal};
use routes::Routes;

/// Largest body of any request, bytes.
const BODY_MAX: usize = 64 * 1024;

/// All routes, to be nested at `/api/v1`.
pub(crate) fn routes() -> Routes {
    // The widget runs on the pages of shops, so its requests come from other origins. They carry a token and never a
    // cookie.
    let from_anywhere = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::POST, Method::PUT])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .max_age(std::time::Duration::from_secs(3600));
    // With its fallback inside of the layer, or the browser's OPTIONS would not reach the layer.
    let visits = Routes::default()
        .post("/buyer-sessions", buyer_sessions::open)
        .put("/calls/{id}/rating", ratings::rate)
        .around(|router| router.method_not_allowed_fallback(method_not_allowed).layer(from_anywhere));
    // The one answer that is large and shrinks well.
    let timeline = Routes::default()
        .get("/recordings/{id}/timeline", replay::timeline)
        .around(|router| router.layer(CompressionLayer::new()));
    Routes::default()
        .post("/login", login::login)
        .post("/logout", login::logout)
        .get("/me", login::me)
        .get("/calls", calls::list)
        .get("/calls/{id}", calls::one)
        .get("/calls/{id}/quality", calls::quality)
        .put("/calls/{id}/wrap-up", calls::wrap_up)
        .get("/tickets", tickets::list)
        .get("/tickets/{id}", tickets::one)
        .get("/recordings", recordings::list)
        .get("/recordings/facets", recordings::facets)
        .get("/recordings/{id}", recordings::one)
        .merge(timeline)
        .post("/recordings/{id}/plays", recordings::plays)
        .get("/recordings/{id}/tracks/{track}", recordings::track)
        .put("/calls/{id}/flags/{flag}", flags::set)
        .delete("/calls/{id}/flags/{flag}", flags::clear)
        .get("/saved-filters", saved_filters::list)
        .post("/saved-filters", saved_filters::add)
        .put("/saved-filters/{id}", saved_filters::change)
        .delete("/saved-filters/{id}", saved_filters::delete)
        .post("/saved-filters/{id}/restore", saved_filters::restore)
        .put("/saved-filters/{id}/default", saved_filters::set_default)
        .delete("/saved-filters/{id}/default", saved_filters::clear_default)
        .get("/samples", samples::list)
        .post("/samples", samples::add)
        .post("/samples/preview", samples::preview)
        .get("/samples/{id}", samples::one)
        .put("/samples/{id}", samples::change)
        .delete("/samples/{id}", samples::delete)
        .post("/samples/{id}/restore", samples::restore)
        .post("/samples/{id}/resample", samples::resample)
        .get("/samples/{id}/items", samples::items)
        .get("/samples/{id}/items/{recording}", samples::place)
        .put("/samples/{id}/items/{recording}", samples::mark)
        .get("/recordings/{id}/exports", exports::list)
        .post("/recordings/{id}/exports", exports::ask)
        .get("/exports/{id}", exports::one)
        .delete("/exports/{id}", exports::remove)
        .post("/exports/{id}/retry", exports::retry)
        .get("/exports/{id}/file", exports::file)
        .get("/outcomes", outcomes::list)
        .get("/own-consent", own_consent::words)
        .get("/queues", queues::list)
        .merge(reviews::routes())
        .post("/calls/{id}/unmask", sight::unmask)
        .post("/recordings/{id}/erase", erasures::recording)
        .get("/erasures", erasures::list)
        .post("/erasures", erasures::request)
        .get("/erasures/{id}", erasures::one)
        .get("/erasures/{id}/certificate", erasures::certificate)
        .get("/holds", holds::list)
        .post("/holds", holds::place)
        .post("/holds/{id}/lift", holds::lift)
        .put("/subjects/aliases", subjects::aliases)
        .get("/audit", audit::list)
        .get("/audit/head", audit::head)
        .get("/audit/verify", audit::verify)
        .get("/signing-key", audit::signing_key)
        .get("/users", users::list)
        .get("/users/{id}", users::one)
        .put("/users/{id}/rights", users::set_rights)
        .merge(visits)
        .around(|router| {
            router
                .method_not_allowed_fallback(method_not_allowed)
                .fallback(not_found)
                .layer(DefaultBodyLimit::max(BODY_MAX))
        })
}

async fn method_not_allowed(method: Method) -> Refusal {
    problem::METHOD_NOT_ALLOWED.with(format!("{method} does not work at this address")).into()
}

async fn not_found() -> Refusal {
    problem::NOT_FOUND.with("the API has nothing at this address").into()
}
