//! Checks the tokens that shops mint for buyers.
//!
//! A token is a JWT (RFC 7519) signed with HS256 and the secret of one of the shop's API keys. The header's `kid`
//! names the key. Claims: `iss` (the key's shop id), `aud` (`vitrine`), `iat`, `exp` (at most 10 minutes after
//! `iat`), `jti` (any text, used once) and `context` (a [`BuyerContext`]).

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use protocol::call::BuyerContext;
use protocol::problem::Problem;
use serde::Deserialize;

use super::{context, jwt_crypto};
use crate::problem::{self, Refusal};
use crate::queues::Queues;
use crate::store::{ApiKey, Store};

/// The `aud` of every buyer token.
pub const AUDIENCE: &str = "vitrine";
/// The `aud` of tokens with which a shop's server speaks to ours itself: a token that a buyer's browser holds is not one.
pub const SERVER_AUDIENCE: &str = "vitrine-server";
/// Longest time between `iat` and `exp`.
pub const LIFETIME_MAX: SignedDuration = SignedDuration::from_mins(10);
/// How far the clocks of shop and server may be apart.
const LEEWAY: SignedDuration = SignedDuration::from_secs(60);
/// Longest token read, bytes. A full context is about 15 kB.
const TOKEN_MAX: usize = 32 * 1024;
/// Longest `jti`, bytes.
const JTI_MAX: usize = 128;

/// What a good token says.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The key that signed it.
    pub api_key: String,
    /// Shop id.
    pub shop: String,
    /// Who answers.
    pub answered_by: String,
    /// What the shop signed.
    pub context: BuyerContext,
}

/// The parts of the header that count.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    iat: i64,
    exp: i64,
    jti: String,
    #[serde(default)]
    context: serde_json::Value,
}

/// RFC 7519 §4.1.3: one text or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Checks a token and uses it up: the second request with the same token is refused.
pub async fn redeem(store: &Store, queues: &Queues, token: &str) -> Result<Visit, Refusal> {
    let (key, claims) = claimed(store, token, AUDIENCE).await?;
    let context = read_context(claims.context)?;
    queues.check(&context)?;
    use_up(store, &key, &claims.jti, claims.exp).await?;
    Ok(Visit { api_key: key.id, shop: key.shop, answered_by: key.answered_by, context })
}

/// Checks a token of a shop's server, which has no context, and uses it up. Says whose server it is.
pub async fn redeem_for_server(store: &Store, token: &str) -> Result<String, Refusal> {
    let (key, claims) = claimed(store, token, SERVER_AUDIENCE).await?;
    use_up(store, &key, &claims.jti, claims.exp).await?;
    Ok(key.shop)
}

async fn claimed(store: &Store, token: &str, audience: &str) -> Result<(ApiKey, Claims), Refusal> {
    if token.len() > TOKEN_MAX {
        return Err(problem::TOKEN_MALFORMED.with(format!("tokens may have {TOKEN_MAX} bytes")).into());
    }
    let kid = key_id(token)?;
    let key = store.api_key(&kid).await?.ok_or_else(|| {
        Refusal::from(
            problem::UNKNOWN_KEY.at("kid", "the token names an API key that this server does not have"),
        )
    })?;
    let claims = verify(token, &key, audience, store.now())?;
    Ok((key, claims))
}

async fn use_up(store: &Store, key: &ApiKey, jti: &str, exp: i64) -> Result<(), Refusal> {
    let expires_at = Timestamp::from_second(exp).unwrap_or(Timestamp::MAX);
    // Remembered a little longer than the token is good, because of the leeway.
    let forget_at = expires_at.saturating_add(LEEWAY * 2).unwrap_or(Timestamp::MAX);
    if !store.use_token(&key.id, jti, forget_at).await? {
        return Err(problem::TOKEN_REPLAYED.at("jti", "this token was used already").into());
    }
    Ok(())
}

/// The key that a token names. Nothing is trusted yet; this only says which secret to check with.
fn key_id(token: &str) -> Result<String, Problem> {
    use base64::Engine;
    let malformed = |detail: &str| problem::TOKEN_MALFORMED.with(detail);
    let mut parts = token.split('.');
    let (Some(header), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed("a JWT has three parts with a dot between them"));
    };
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(header)
        .map_err(|_| malformed("the header is not URL-safe base64"))?;
    let header: Header = serde_json::from_slice(&bytes)
        .map_err(|error| malformed(&format!("the header cannot be read: {error}")))?;
    if header.alg != "HS256" {
        let detail = format!("alg is {:?}, only HS256 is accepted", shortened(&header.alg));
        return Err(problem::TOKEN_ALGORITHM.at("alg", detail));
    }
    header
        .kid
        .filter(|kid| (1..=64).contains(&kid.len()))
        .ok_or_else(|| problem::TOKEN_MALFORMED.at("kid", "the header must name the API key in kid"))
}

/// Signature first, then everything else.
fn verify(token: &str, key: &ApiKey, audience: &str, now: Timestamp) -> Result<Claims, Problem> {
    jwt_crypto::install();
    let mut validation = Validation::new(Algorithm::HS256);
    // Times and audience are checked below, each with its own answer and with our clock.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let secret = DecodingKey::from_secret(&key.secret);
    let claims = jsonwebtoken::decode::<Claims>(token, &secret, &validation)
        .map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => {
                problem::BAD_SIGNATURE.with("the signature does not belong to this token and API key")
            }
            _ => problem::TOKEN_MALFORMED.with(format!("the claims cannot be read: {error}")),
        })?
        .claims;

    if claims.iss != key.shop {
        let detail = format!("iss is {:?}, the API key belongs to {:?}", shortened(&claims.iss), key.shop);
        return Err(problem::WRONG_ISSUER.at("iss", detail));
    }
    let is_for_us = match &claims.aud {
        Audience::One(one) => one == audience,
        Audience::Many(many) => many.iter().any(|one| one == audience),
    };
    if !is_for_us {
        return Err(problem::WRONG_AUDIENCE.at("aud", format!("aud must be {audience:?}")));
    }
    check_times(&claims, now)?;
    if claims.jti.is_empty() || claims.jti.len() > JTI_MAX {
        return Err(problem::TOKEN_MALFORMED.at("jti", format!("jti must have 1 to {JTI_MAX} bytes")));
    }
    Ok(claims)
}

fn check_times(claims: &Claims, now: Timestamp) -> Result<(), Problem> {
    let time = |name: &str, seconds: i64| {
        Timestamp::from_second(seconds)
            .map_err(|_| problem::TOKEN_MALFORMED.at(name, format!("{name} must be seconds since 1970")))
    };
    let (issued, expires) = (time("iat", claims.iat)?, time("exp", claims.exp)?);
    let lifetime = expires.duration_since(issued);
    if lifetime > LIFETIME_MAX || lifetime <= SignedDuration::ZERO {
        let detail = format!(
            "exp is {} s after iat, it must be 1 to {} s",
            lifetime.as_secs(),
            LIFETIME_MAX.as_secs()
        );
        return Err(problem::TOKEN_TOO_LONG_LIVED.at("exp", detail));
    }
    if issued.duration_since(now) > LEEWAY {
        return Err(problem::TOKEN_NOT_YET_VALID.at("iat", format!("issued at {issued}, it is {now} here")));
    }
    if now.duration_since(expires) > LEEWAY {
        return Err(problem::TOKEN_EXPIRED.at("exp", format!("expired at {expires}, it is {now} here")));
    }
    Ok(())
}

fn read_context(value: serde_json::Value) -> Result<BuyerContext, Problem> {
    let context: BuyerContext = serde_path_to_error::deserialize(value).map_err(|error| {
        let path = match error.path().to_string() {
            root if root == "." => "context".to_owned(),
            path => format!("context.{path}"),
        };
        problem::CONTEXT_INVALID.at(path, error.inner().to_string())
    })?;
    context::check(&context)?;
    Ok(context)
}

/// The beginning of somebody else's text, for an error message.
fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> ApiKey {
        ApiKey { id: "k".into(), shop: "s".into(), answered_by: "S".into(), secret: b"secret".to_vec() }
    }

    proptest! {
        #[test]
        fn whatever_is_sent_as_a_token_is_refused_and_nothing_breaks(text in "\\PC{0,200}", a in "[\\w-]{0,60}") {
            for token in [text.clone(), format!("{a}.{text}.{a}"), format!("{a}.{a}.{a}")] {
                prop_assert!(key_id(&token).is_err());
                prop_assert!(verify(&token, &key(), AUDIENCE, Timestamp::UNIX_EPOCH).is_err());
            }
        }

        #[test]
        fn signed_claims_of_any_times_are_judged_without_overflow(iat in any::<i64>(), exp in any::<i64>()) {
            let claims = Claims {
                iss: "s".into(),
                aud: Audience::One(AUDIENCE.into()),
                iat,
                exp,
                jti: "j".into(),
                context: serde_json::Value::Null,
            };
            let now = "2026-11-21T20:00:00Z".parse().unwrap();
            let near = |seconds: i64| seconds.abs_diff(Timestamp::as_second(now)) <= 700;
            if check_times(&claims, now).is_ok() {
                prop_assert!(near(iat) && near(exp));
            }
        }
    }
}
