//! The list of outcomes.

use axum::Json;
use protocol::rest::Outcome;

use super::extract::Staff;

/// `GET /outcomes`
pub(super) async fn list(_: Staff) -> Json<Vec<Outcome>> {
    Json(crate::outcomes::all())
}
