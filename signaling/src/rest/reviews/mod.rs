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

use super::routes::Routes;

/// The routes of quality review, to be merged into those of the API.
pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/review/forms", forms::list)
        .post("/review/forms", forms::add)
        .get("/review/forms/{id}", forms::one)
        .put("/review/forms/{id}/draft", forms::save)
        .delete("/review/forms/{id}/draft", forms::discard)
        .post("/review/forms/{id}/publish", forms::publish)
        .put("/review/forms/{id}/archived", forms::archive)
        .post("/review/forms/{id}/duplicate", forms::duplicate)
        .get("/review/form-versions/{id}", forms::version)
        .get("/review/reviewers", seconds::reviewers)
        .get("/recordings/{id}/reviews", lists::board)
        .post("/recordings/{id}/reviews", scores::begin)
        .get("/recordings/{id}/calibration", calibration::of_recording)
        .get("/recordings/{id}/comments", comments::list)
        .post("/recordings/{id}/comments", comments::add)
        .get("/reviews", lists::list)
        .get("/reviews.csv", export::csv)
        .get("/my-reviews", lists::mine)
        .get("/reviews/{id}", scores::one)
        .delete("/reviews/{id}", scores::discard)
        .put("/reviews/{id}/draft", scores::save)
        .post("/reviews/{id}/submit", scores::submit)
        .post("/reviews/{id}/revisions", scores::revise)
        .post("/reviews/{id}/dispute", disputes::open)
        .post("/reviews/{id}/second", seconds::ask)
        .get("/disputes", disputes::list)
        .post("/disputes/{id}/accept", disputes::accept)
        .post("/disputes/{id}/reject", disputes::reject)
        .post("/disputes/{id}/withdraw", disputes::withdraw)
        .get("/second-scores", seconds::list)
        .post("/second-scores/sample", seconds::sample)
        .delete("/second-scores/{id}", seconds::cancel)
        .post("/second-scores/{id}/start", seconds::start)
        .put("/comments/{id}", comments::edit)
        .delete("/comments/{id}", comments::delete)
        .post("/comments/{id}/restore", comments::restore)
        .put("/comments/{id}/resolved", comments::resolve)
}
