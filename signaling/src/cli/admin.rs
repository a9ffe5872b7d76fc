//! `vitrine user` and `vitrine key`: what an operator needs before the first call. Both work while the server
//! runs.

use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use serde_json::json;
use signaling::audit::{Actor, Note};
use signaling::auth::{MasterKey, password, secret};
use signaling::config::{Flags, Settings, make_private_dir};
use signaling::country;
use signaling::protocol::audit::AuditEvent;
use signaling::protocol::call::Role as ProtocolRole;
use signaling::store::{NewApiKey, NewUser, NewUserError, Store};

/// Shortest password taken.
const PASSWORD_MIN: usize = 10;

/// Adds an account, or gives the one of that address a new password.
#[derive(clap::Args)]
pub(super) struct User {
    /// Address that the member of staff logs in with.
    #[arg(long)]
    email: String,
    /// Name shown to buyers and colleagues; needed for a new account.
    #[arg(long)]
    name: Option<String>,
    /// What they may do; needed for a new account.
    #[arg(long)]
    role: Option<Role>,
    /// Where they work (ISO 3166-1 alpha-2, such as DE): decides with the buyer's country whether their calls may be
    /// recorded. For an existing account, only this changes.
    #[arg(long)]
    country: Option<String>,
    /// Read the password from standard input instead of making one up.
    #[arg(long)]
    password_stdin: bool,
    /// Settings file (TOML).
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// data.dir: database, recordings and keys.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Makes a key and prints it with its secret, once.
#[derive(clap::Args)]
pub(super) struct Key {
    /// Shop id, the `iss` of its tokens.
    #[arg(long)]
    shop: String,
    /// Name of the shop for people.
    #[arg(long)]
    name: String,
    /// Who answers, as buyers read it. Default: the shop's name.
    #[arg(long)]
    answered_by: Option<String>,
    /// Settings file (TOML).
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// data.dir: database, recordings and keys.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// What a member of staff may do.
#[derive(Clone, Copy, ValueEnum)]
enum Role {
    /// Takes calls, writes tickets, sees their own.
    Agent,
    /// Everything an agent does, and sees the whole floor.
    Supervisor,
    /// Finds and replays recordings.
    Reviewer,
    /// Everything.
    Admin,
}

impl From<Role> for ProtocolRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Agent => Self::Agent,
            Role::Supervisor => Self::Supervisor,
            Role::Reviewer => Self::Reviewer,
            Role::Admin => Self::Admin,
        }
    }
}

impl User {
    pub(super) fn flags(&self) -> Flags {
        Flags { config: self.config.clone(), data_dir: self.data_dir.clone(), ..Flags::default() }
    }
}

impl Key {
    pub(super) fn flags(&self) -> Flags {
        Flags { config: self.config.clone(), data_dir: self.data_dir.clone(), ..Flags::default() }
    }
}

pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// `vitrine user`
pub(super) fn user(user: &User, settings: &Settings) -> ExitCode {
    finish(super::block_on(put_user(user, settings)))
}

/// `vitrine key`
pub(super) fn key(key: &Key, settings: &Settings) -> ExitCode {
    finish(super::block_on(make_key(key, settings)))
}

pub(super) fn finish(result: std::io::Result<Result<String, Failure>>) -> ExitCode {
    match result {
        Ok(Ok(text)) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Ok(Err(error)) => super::fail(error),
        Err(error) => super::fail(error),
    }
}

pub(super) async fn open(settings: &Settings) -> Result<Store, Failure> {
    let dir = &settings.data.dir;
    make_private_dir(dir).map_err(|error| format!("data.dir: {} cannot be made: {error}", dir.display()))?;
    let master = MasterKey::load(&dir.join("master.key"))?;
    Ok(Store::open(&dir.join("vitrine.sqlite"), master).await?)
}

/// The same for commands that need one that is there: a mistyped folder is not an empty one.
pub(super) async fn open_existing(settings: &Settings) -> Result<Store, Failure> {
    let dir = &settings.data.dir;
    if !dir.join("vitrine.sqlite").exists() {
        return Err(
            format!("data.dir: there is no database in {}: is the folder right?", dir.display()).into()
        );
    }
    open(settings).await
}

async fn put_user(user: &User, settings: &Settings) -> Result<String, Failure> {
    let email = user.email.trim();
    if !email.contains('@') {
        return Err(format!("--email: {email:?} is no address").into());
    }
    if let Some(code) = user.country.as_deref().filter(|code| !country::is_known(code)) {
        return Err(format!("--country: {}", country::advice(code)).into());
    }
    let store = open(settings).await?;
    if let (Some(country), false) = (&user.country, user.password_stdin)
        && store.set_country(email, country).await?
    {
        return Ok(format!("{email} works in {country}; everything else is as before"));
    }
    let (password, was_made_up) = if user.password_stdin {
        (read_password()?, false)
    } else {
        (secret::token().chars().take(20).collect(), true)
    };
    let shown = if was_made_up { format!(", password: {password}") } else { String::new() };
    let password_hash = password::hash(&password);
    if store.set_password(email, password_hash.clone()).await? {
        let account = store.user_by_email(email).await?;
        let note = Note::new(Actor::Operator, AuditEvent::PasswordChanged);
        store.note(account.into_iter().fold(note, |note, account| note.user(account.id))).await?;
        if user.name.is_some() || user.role.is_some() {
            return Ok(format!(
                "{email} has an account already: the password is new, name and role are as before{shown}"
            ));
        }
        return Ok(format!("{email} has a new password{shown}"));
    }
    let (Some(name), Some(role)) = (&user.name, user.role) else {
        return Err(format!("{email} has no account: a new one needs --name and --role").into());
    };
    let new = NewUser { email: email.to_owned(), name: name.clone(), role: role.into(), password_hash };
    let id = store.add_user(new).await.map_err(|error: NewUserError| error.to_string())?;
    if let Some(country) = &user.country {
        store.set_country(email, country).await?;
    }
    let note = Note::new(Actor::Operator, AuditEvent::UserAdded).user(id);
    store.note(note.detail(json!({ "role": ProtocolRole::from(role) }))).await?;
    Ok(format!("{email} can log in{shown}"))
}

fn read_password() -> Result<String, Failure> {
    if std::io::stdin().is_terminal() {
        eprintln!("Type the password and press Enter (it is shown).");
    }
    let mut text = String::new();
    if std::io::stdin().is_terminal() {
        std::io::stdin().read_line(&mut text)?;
    } else {
        std::io::stdin().take(4096).read_to_string(&mut text)?;
    }
    let password = text.trim_end_matches(['\r', '\n']);
    if password.chars().count() < PASSWORD_MIN || password.len() > password::PASSWORD_MAX {
        return Err(format!("a password has {PASSWORD_MIN} to {} characters", password::PASSWORD_MAX).into());
    }
    Ok(password.to_owned())
}

async fn make_key(key: &Key, settings: &Settings) -> Result<String, Failure> {
    for (flag, text) in [("--shop", &key.shop), ("--name", &key.name)] {
        if text.trim().is_empty() || text.chars().count() > 100 {
            return Err(format!("{flag}: 1 to 100 characters").into());
        }
    }
    let store = open(settings).await?;
    let id = format!(
        "key_{}",
        secret::token().chars().filter(char::is_ascii_alphanumeric).take(16).collect::<String>()
    );
    let token = secret::token();
    let new = NewApiKey {
        id: id.clone(),
        shop: key.shop.clone(),
        shop_name: key.name.clone(),
        answered_by: key.answered_by.clone().unwrap_or_else(|| key.name.clone()),
        secret: token.clone().into_bytes(),
    };
    store.put_api_key(new).await?;
    let note = Note::new(Actor::Operator, AuditEvent::ApiKeyMade).about(format!("shop:{}", key.shop));
    store.note(note.detail(json!({ "key": id }))).await?;
    Ok(format!(
        "kid     {id}\nsecret  {token}\niss     {shop}\n\nThe secret is shown this once. It belongs on the shop's server, never into a page.",
        shop = key.shop
    ))
}
