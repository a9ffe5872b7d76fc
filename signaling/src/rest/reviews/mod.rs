//! Quality review: the table of what there is stands at [`protocol::review`].

mod access;
mod calibration;
mod comments;
mod disputes;
mod export;
mod forms;
mod lists;
mod scores;
mod seconds;

use axum::Router;
use axum::routing::{delete, get, post, put};

use crate::app::AppState;

/// The routes of quality review, to be merged into those of the API.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/review/forms", get(forms::list).post(forms::add))
        .route("/review/forms/{id}", get(forms::one))
        .route("/review/forms/{id}/draft", put(forms::save).delete(forms::discard))
        .route("/review/forms/{id}/publish", post(forms::publish))
        .route("/review/forms/{id}/archived", put(forms::archive))
        .route("/review/forms/{id}/duplicate", post(forms::duplicate))
        .route("/review/form-versions/{id}", get(forms::version))
        .route("/review/reviewers", get(seconds::reviewers))
        .route("/recordings/{id}/reviews", get(lists::board).post(scores::begin))
        .route("/recordings/{id}/calibration", get(calibration::of_recording))
        .route("/recordings/{id}/comments", get(comments::list).post(comments::add))
        .route("/reviews", get(lists::list))
        .route("/reviews.csv", get(export::csv))
        .route("/my-reviews", get(lists::mine))
        .route("/reviews/{id}", get(scores::one).delete(scores::discard))
        .route("/reviews/{id}/draft", put(scores::save))
        .route("/reviews/{id}/submit", post(scores::submit))
        .route("/reviews/{id}/revisions", post(scores::revise))
        .route("/reviews/{id}/dispute", post(disputes::open))
        .route("/reviews/{id}/second", post(seconds::ask))
        .route("/disputes", get(disputes::list))
        .route("/disputes/{id}/accept", post(disputes::accept))
        .route("/disputes/{id}/reject", post(disputes::reject))
        .route("/disputes/{id}/withdraw", post(disputes::withdraw))
        .route("/second-scores", get(seconds::list))
        .route("/second-scores/sample", post(seconds::sample))
        .route("/second-scores/{id}", delete(seconds::cancel))
        .route("/second-scores/{id}/start", post(seconds::start))
        .route("/comments/{id}", put(comments::edit).delete(comments::delete))
        .route("/comments/{id}/restore", post(comments::restore))
        .route("/comments/{id}/resolved", put(comments::resolve))
}
