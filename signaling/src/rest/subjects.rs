//! What a shop's server says about its buyers.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use protocol::governance::{Aliases, NewAliases};

use super::buyer_sessions::bearer;
use super::extract::Body;
use crate::app::AppState;
use crate::auth::buyer_token;
use crate::problem::{self, Refusal};

/// Most aliases in one request, and of one buyer.
const ALIASES_MAX: usize = 100;

/// `PUT /subjects/aliases`
pub(super) async fn aliases(
    State(app): State<AppState>,
    headers: HeaderMap,
    Body(new): Body<NewAliases>,
) -> Result<Json<Aliases>, Refusal> {
    let shop = buyer_token::redeem_for_server(&app.store, bearer(&headers)?).await?;
    if new.aliases.is_empty() || new.aliases.len() > ALIASES_MAX {
        return Err(problem::FIELD_INVALID.at("aliases", format!("1 to {ALIASES_MAX} are taken")).into());
    }
    let ids = std::iter::once(("subject".to_owned(), &new.subject));
    let ids = ids.chain(new.aliases.iter().enumerate().map(|(index, id)| (format!("aliases[{index}]"), id)));
    for (field, id) in ids {
        if id.trim().is_empty() || id.chars().count() > 128 || id.chars().any(char::is_control) {
            return Err(problem::FIELD_INVALID.at(field, "an id has 1 to 128 characters on one line").into());
        }
    }
    let known = app.store.ids_of(&shop, &new.subject).await?.len();
    if known + new.aliases.len() > ALIASES_MAX * 2 {
        let detail = format!("the buyer has {known} ids already, which is more than one person has");
        return Err(problem::FIELD_INVALID.at("aliases", detail).into());
    }
    let aliases = app.store.add_aliases(&shop, &new.subject, &new.aliases).await?;
    tracing::info!(shop, ids = aliases.aliases.len() + 1, "a shop told the ids of a buyer");
    Ok(Json(aliases))
}
