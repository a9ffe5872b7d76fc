//! A demo shop, "Lumen & Co.", on the same port: three lamps, a page for each, and the two lines of HTML that a
//! real shop would add. Its accounts have a password that everybody knows, so it is off unless asked for.

mod backend;
mod pages;
mod products;
mod queues;
mod words;

use std::path::Path;

use axum::Router;
use protocol::call::Role;

use crate::auth::{password, secret, write_secret};
use crate::review::starter_form;
use crate::store::{NewApiKey, NewUser, NewUserError, Store, StoreError};

use backend::ShopKey;

/// Everybody may know it: it is printed at every start.
const PASSWORD: &str = "vitrine-demo";
/// Address, name and role of the demo accounts.
const ACCOUNTS: [(&str, &str, Role, &str); 5] = [
    ("agent@demo.example", "Mina Berg", Role::Agent, "agent"),
    ("agent2@demo.example", "Omar Haddad", Role::Agent, "agent"),
    ("supervisor@demo.example", "Sofia Rossi", Role::Supervisor, "supervisor"),
    ("reviewer@demo.example", "Jonas Weber", Role::Reviewer, "reviewer"),
    ("admin@demo.example", "Ada Lindqvist", Role::Admin, "admin"),
];
/// The shop's API key.
const KEY_ID: &str = "key_demo_lumen";
/// The shop's id.
const SHOP: &str = "lumen";

/// The lines that the shop's buyers stand in.
pub fn queues() -> Vec<crate::queues::QueueSettings> {
    queues::queues()
}

/// Why there is no demo shop.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The file with the shop's secret cannot be read or made.
    #[error("{file}: {source}")]
    Secret {
        /// Which.
        file: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The passwords could not be hashed.
    #[error("the demo accounts cannot be made: {0}")]
    Password(#[from] tokio::task::JoinError),
}

/// The demo shop.
#[derive(Clone, Debug)]
pub struct Demo {
    key: ShopKey,
}

impl Demo {
    /// The password of all demo accounts.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// Address and role of the demo accounts.
    pub fn logins(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        ACCOUNTS.into_iter().map(|(email, _, _, role)| (email, role))
    }

    /// The pages under `/demo/`.
    pub(crate) fn router(&self) -> Router {
        pages::router(self.key.clone())
    }
}

/// Makes the shop's key and the demo accounts, as far as they are missing.
pub async fn prepare(store: &Store, dir: &Path) -> Result<Demo, DemoError> {
    let secret = shop_secret(&dir.join("demo-shop.secret"))?;
    store
        .put_api_key(NewApiKey {
            id: KEY_ID.into(),
            shop: SHOP.into(),
            shop_name: "Lumen & Co.".into(),
            answered_by: "Lumen & Co.".into(),
            secret: secret.clone().into_bytes(),
        })
        .await?;
    let mut password_hash = None;
    for (email, name, role, _) in ACCOUNTS {
        if store.login_record(email).await?.is_some() {
            continue;
        }
        // One hash for all five: they share the password anyway, and hashing is slow on purpose.
        let hash = match &password_hash {
            Some(hash) => String::clone(hash),
            None => {
                let hash = tokio::task::spawn_blocking(|| password::hash(PASSWORD)).await?;
                password_hash.insert(hash).clone()
            }
        };
        let new = NewUser { email: email.into(), name: name.into(), role, password_hash: hash };
        match store.add_user(new).await {
            // Somebody has disabled it, and it shall stay so.
            Ok(_) | Err(NewUserError::EmailTaken(_)) => {}
            Err(NewUserError::Store(error)) => return Err(error.into()),
        }
    }
    put_starter_form(store).await?;
    Ok(Demo { key: ShopKey { id: KEY_ID, shop: SHOP, secret } })
}

/// A form to score on, unless there is one already.
async fn put_starter_form(store: &Store) -> Result<(), DemoError> {
    let (email, ..) = ACCOUNTS[4];
    let Some(admin) = store.login_record(email).await? else { return Ok(()) };
    if !store.has_forms().await? {
        let form = store.add_form(&starter_form(), None, admin.me.id).await?;
        store.publish_form(form, 1, admin.me.id).await?;
    }
    Ok(())
}

/// The secret that the shop was given with its key; it lives in a file, as it would on the shop's server.
fn shop_secret(file: &Path) -> Result<String, DemoError> {
    let failed = |source| DemoError::Secret { file: file.to_owned(), source };
    match std::fs::read_to_string(file) {
        Ok(text) if text.trim().len() >= 32 => Ok(text.trim().to_owned()),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error)),
        _ => {
            let secret = secret::token();
            write_secret(file, secret.as_bytes()).map_err(failed)?;
            Ok(secret)
        }
    }
}
