//! What callers ask of the REST API, and the token a shop would sign for a buyer.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::call::{BuyerContext, Product};
use protocol::ids::CallId;
use protocol::problem::Problem;
use protocol::rest::{BuyerSession, Login, Me, NewBuyerSession, Ticket, WrapUp};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Requests are given up after this time.
const PATIENCE: Duration = Duration::from_secs(30);
/// A buyer token is good for this long, seconds.
const TOKEN_LIFETIME_S: i64 = 300;
/// A login that is told to wait does so at most this often.
const WAITS_MAX: u32 = 60;

/// What makes tokens: an API key of `vitrine key`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiKey {
    /// Its id.
    pub kid: String,
    /// Its secret.
    pub secret: String,
    /// Shop id.
    pub issuer: String,
}

/// A member of staff.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// Address.
    pub email: String,
    /// Password.
    pub password: String,
}

/// A session of a member of staff: the cookie, as it is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cookie(pub String);

/// A refusal with its problem's code, so that reports can count by it.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {} {} ({})", .problem.status, .problem.detail, .problem.kind)]
pub struct Refused {
    /// What was asked for.
    pub what: String,
    /// The answer.
    pub problem: Problem,
}

impl Refused {
    /// The last part of the problem's type.
    pub fn code(&self) -> &str {
        self.problem.kind.rsplit('/').next().unwrap_or_default()
    }
}

/// The REST API of an installation.
#[derive(Clone, Debug)]
pub struct Rest {
    /// Where it is, without a slash at the end.
    base: String,
    client: reqwest::Client,
}

impl Rest {
    /// `base` is the installation's address, e.g. `https://help.example.com`. `from`: the address of ours to connect from.
    pub fn new(base: &str, from: Option<IpAddr>) -> Result<Self> {
        let client = reqwest::Client::builder().timeout(PATIENCE).local_address(from).build()?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), client })
    }

    /// Where the installation is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Logs in; waits where the server says that there were too many logins.
    pub async fn login(&self, account: &Account) -> Result<(Me, Cookie)> {
        let body =
            serde_json::to_vec(&Login { email: account.email.clone(), password: account.password.clone() })?;
        for _ in 0..WAITS_MAX {
            let request = self.client.post(self.url("/login")).header("content-type", "application/json");
            let response = request.body(body.clone()).send().await.context("logging in")?;
            let seconds = response.headers().get("retry-after").and_then(|it| it.to_str().ok()?.parse().ok());
            if let (429, Some(seconds)) = (response.status().as_u16(), seconds) {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                continue;
            }
            let cookie = response.headers().get("set-cookie").and_then(|it| it.to_str().ok());
            let cookie = cookie.and_then(|it| it.split(';').next()).map(|it| Cookie(it.to_owned()));
            let me = read(&format!("logging in as {}", account.email), response).await?;
            return Ok((me, cookie.context("the login was answered without a cookie")?));
        }
        bail!("logging in as {}: told to wait again and again", account.email)
    }

    /// Exchanges a shop's token for a visit.
    pub async fn buyer_session(&self, token: &str, language: &str) -> Result<BuyerSession> {
        let body = serde_json::to_vec(&NewBuyerSession { language: language.to_owned() })?;
        let request = self.client.post(self.url("/buyer-sessions")).bearer_auth(token);
        let request = request.header("content-type", "application/json").body(body);
        read("opening a visit", request.send().await.context("opening a visit")?).await
    }

    /// Closes a call's ticket.
    pub async fn wrap_up(&self, cookie: &Cookie, call: CallId, wrap_up: &WrapUp) -> Result<Ticket> {
        let request = self.client.put(self.url(&format!("/calls/{call}/wrap-up")));
        let request = request.header("cookie", &cookie.0).header("content-type", "application/json");
        let response = request.body(serde_json::to_vec(wrap_up)?).send().await.context("closing a ticket")?;
        read("closing a ticket", response).await
    }

    /// Reads something as a member of staff, e.g. `/tickets?limit=100`.
    pub async fn get<T: DeserializeOwned>(&self, cookie: &Cookie, path: &str) -> Result<T> {
        let request = self.client.get(self.url(path)).header("cookie", &cookie.0);
        read(path, request.send().await.with_context(|| path.to_owned())?).await
    }

    /// Reads media as a member of staff, by a path that the API gave, e.g. `/api/v1/recordings/…/tracks/…`.
    pub async fn bytes(&self, cookie: &Cookie, path: &str) -> Result<Vec<u8>> {
        let request = self.client.get(format!("{}{path}", self.base)).header("cookie", &cookie.0);
        let response = request.send().await.with_context(|| path.to_owned())?;
        Ok(response.error_for_status()?.bytes().await.with_context(|| path.to_owned())?.into())
    }

    /// Reads a text at the installation's root, e.g. `/metrics`.
    pub async fn text(&self, path: &str) -> Result<String> {
        let response = self.client.get(format!("{}{path}", self.base)).send().await?;
        Ok(response.error_for_status()?.text().await?)
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.base)
    }
}

async fn read<T: DeserializeOwned>(what: &str, response: reqwest::Response) -> Result<T> {
    let status = response.status();
    let body = response.bytes().await.with_context(|| what.to_owned())?;
    if status.is_success() {
        return serde_json::from_slice(&body).with_context(|| format!("{what}: the answer cannot be read"));
    }
    match serde_json::from_slice(&body) {
        Ok(problem) => Err(Refused { what: what.to_owned(), problem }.into()),
        Err(_) => bail!("{what}: {status}"),
    }
}

impl ApiKey {
    /// A token for one visit of a buyer with this name.
    pub fn token(&self, name: &str, language: &str) -> Result<String> {
        #[derive(Serialize)]
        struct Head<'a> {
            alg: &'a str,
            typ: &'a str,
            kid: &'a str,
        }
        #[derive(Serialize)]
        struct Claims<'a> {
            iss: &'a str,
            aud: &'a str,
            iat: i64,
            exp: i64,
            jti: String,
            context: BuyerContext,
        }
        let now = jiff::Timestamp::now().as_second();
        let context = BuyerContext {
            subject: format!("loadtest-{}", uuid::Uuid::now_v7()),
            name: Some(name.to_owned()),
            language: language.to_owned(),
            product: Some(Product {
                sku: "LAMP-01".into(),
                name: "Aurora lamp".into(),
                ..Product::default()
            }),
            ..BuyerContext::default()
        };
        let head = serde_json::to_vec(&Head { alg: "HS256", typ: "JWT", kid: &self.kid })?;
        let claims = serde_json::to_vec(&Claims {
            iss: &self.issuer,
            aud: "vitrine",
            iat: now,
            exp: now + TOKEN_LIFETIME_S,
            jti: uuid::Uuid::new_v4().to_string(),
            context,
        })?;
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(claims));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, self.secret.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, text.as_bytes()));
        Ok(format!("{text}.{signature}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_signed_and_says_who_the_buyer_is() {
        let key = ApiKey { kid: "key_1".into(), secret: "secret".into(), issuer: "shop".into() };
        let token = key.token("Mia", "de").expect("a token");
        let parts: Vec<_> = token.split('.').collect();
        let verify = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"secret");
        let signature = URL_SAFE_NO_PAD.decode(parts[2]).expect("base64");
        let signed = format!("{}.{}", parts[0], parts[1]);
        ring::hmac::verify(&verify, signed.as_bytes(), &signature).expect("the signature is right");
        let claims: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).expect("base64")).expect("JSON");
        assert_eq!(claims["context"]["name"], "Mia");
        assert_eq!((&claims["iss"], &claims["aud"]), (&"shop".into(), &"vitrine".into()));
    }
}
