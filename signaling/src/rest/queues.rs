//! The list of queues.

use axum::Json;
use axum::extract::State;
use protocol::call::QueueInfo;

use super::extract::Staff;
use crate::app::AppState;
use crate::queues::QueueSettings;

/// `GET /queues`
pub(super) async fn list(State(app): State<AppState>, _: Staff) -> Json<Vec<QueueInfo>> {
    Json(app.queues.all().map(QueueSettings::info).collect())
}
