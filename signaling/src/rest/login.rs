//! Staff come and go.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use protocol::audit::AuditEvent;
use protocol::rest::{Login, Me};
use serde_json::json;

use super::extract::{Body, Staff, must_be_same_origin};
use crate::app::AppState;
use crate::audit::{Actor, Note};
use crate::auth::password::PASSWORD_MAX;
use crate::auth::{cookie, password, secret};
use crate::problem::{self, Refusal};

/// `POST /login`
pub(super) async fn login(
    State(app): State<AppState>,
    from: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    Body(login): Body<Login>,
) -> Result<impl IntoResponse, Refusal> {
    must_be_same_origin(&headers)?;
    if login.email.trim().is_empty() {
        return Err(problem::FIELD_INVALID.at("email", "must not be empty").into());
    }
    if login.email.len() > 254 {
        return Err(problem::FIELD_INVALID.at("email", "no address is longer than 254 characters").into());
    }
    if login.password.len() > PASSWORD_MAX {
        return Err(problem::FIELD_INVALID
            .at("password", format!("has more than {PASSWORD_MAX} bytes"))
            .into());
    }
    let email = login.email.trim();
    let from = from.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(ConnectInfo(address))| address.ip());
    app.logins.check(from, email).map_err(|seconds| {
        tracing::warn!(%from, "too many login attempts");
        Refusal::from(problem::TOO_MANY_LOGINS.with(format!("try again in {seconds} s"))).retry_after(seconds)
    })?;

    let record = app.store.login_record(email).await?;
    let phc = record.as_ref().map(|record| record.password_hash.clone());
    let is_right = tokio::task::spawn_blocking(move || password::verify(&login.password, phc.as_deref()))
        .await
        .map_err(|error| {
            tracing::error!(%error, "checking a password failed");
            Refusal::from(problem::INTERNAL.with("the password could not be checked"))
        })?;
    let account = record.as_ref().map(|record| record.me.id);
    let Some(me) = record.filter(|_| is_right).map(|record| record.me) else {
        tracing::info!(%from, "a login failed");
        // What was typed is not kept: people type passwords into the wrong field.
        let note = Note::new(Actor::Nobody, AuditEvent::LoginFailed).detail(json!({ "from": from }));
        app.store.note(account.into_iter().fold(note, Note::user)).await?;
        return Err(problem::BAD_LOGIN.with("check the address and the password").into());
    };

    let token = secret::token();
    let expires_at = app.store.now().saturating_add(cookie::LIFETIME).unwrap_or(jiff::Timestamp::MAX);
    let note = Note::new(me.id, AuditEvent::LoginSucceeded).detail(json!({ "from": from }));
    app.store.note(note).await?;
    app.store.open_staff_session(&token, me.id, expires_at).await?;
    tracing::info!(user = %me.id, role = ?me.role, "logged in");
    Ok(([(header::SET_COOKIE, app.cookie.set(&token))], private(me)))
}

/// `POST /logout`
pub(super) async fn logout(
    State(app): State<AppState>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Refusal> {
    must_be_same_origin(&headers)?;
    // Logging out works whatever the cookie is worth.
    if let Some(token) = app.cookie.read(&headers) {
        let who = app.store.staff_by_session(token).await?;
        app.store.close_staff_session(token).await?;
        if let Some(me) = who {
            app.floor.logged_out(me.id).await;
        }
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, app.cookie.clear())]))
}

/// `GET /me`
pub(super) async fn me(Staff(me): Staff) -> impl IntoResponse {
    private(me)
}

fn private(me: Me) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], Json(me))
}
