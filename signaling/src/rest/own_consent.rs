//! The words that members of staff read before they choose about being recorded.

use axum::Json;
use axum::extract::State;
use protocol::rest::ConsentText;
use serde::Deserialize;

use super::extract::{Params, Staff};
use crate::app::AppState;
use crate::auth::{Action, is_language};
use crate::consent;
use crate::problem::{self, Refusal};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    language: String,
}

/// `GET /own-consent`
pub(super) async fn words(
    State(app): State<AppState>,
    staff: Staff,
    Params(asked): Params<Asked>,
) -> Result<Json<ConsentText>, Refusal> {
    staff.must(Action::TakeCalls, "choosing about being recorded")?;
    if !is_language(&asked.language) {
        return Err(problem::QUERY_INVALID.at("language", "must be a BCP 47 tag such as de-AT").into());
    }
    Ok(Json(consent::staff_text(&asked.language, app.retention.most())))
}
