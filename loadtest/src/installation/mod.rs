//! What is called: an installation of Vitrine, our own for this run or somebody else's.

pub mod metrics;
pub mod own;
pub mod process;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::caller::rest::{Account, ApiKey, Rest};
use own::OwnServer;

/// See the module.
pub struct Installation {
    /// Where it is, without a slash at the end.
    pub base: String,
    /// What makes buyers' tokens.
    pub key: ApiKey,
    /// Agents that may be played.
    pub agents: Vec<Account>,
    /// Supervisors that may be played.
    pub supervisors: Vec<Account>,
    /// Its process, where it is ours.
    pub own: Option<OwnServer>,
    /// It runs on this machine, for this run.
    local: bool,
}

/// What is needed to call somebody else's installation.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Remote {
    /// Address of an installation, e.g. https://help.example.com. Without it one is started in a temporary folder.
    #[arg(long, requires_all = ["key", "secret", "issuer", "accounts"])]
    pub server: Option<String>,
    /// Id of an API key (`vitrine key`)
    #[arg(long)]
    pub key: Option<String>,
    /// Its secret; better given as LOADTEST_SECRET in the environment
    #[arg(long, env = "LOADTEST_SECRET", hide_env_values = true)]
    pub secret: Option<String>,
    /// Shop id of the key
    #[arg(long)]
    pub issuer: Option<String>,
    /// File with an account a line: role,address,password; roles are agent and supervisor. They are logged in and take calls:
    /// use accounts made for this
    #[arg(long)]
    pub accounts: Option<PathBuf>,
}

/// How many people of staff a run needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Staff {
    /// Agents.
    pub agents: usize,
    /// Supervisors.
    pub supervisors: usize,
}

impl Installation {
    /// Our own in a temporary folder, or the one that was named.
    /// `pin`: see [`OwnServer::start`].
    pub async fn open(remote: &Remote, staff: Staff, pin: bool, progress: impl Fn(&str)) -> Result<Self> {
        match &remote.server {
            Some(base) => Self::remote(base, remote, staff),
            None => Ok(Self::own(OwnServer::start(staff, pin, progress).await?)),
        }
    }

    fn own(server: OwnServer) -> Self {
        let installation = Self::beside(&server);
        Self { own: Some(server), ..installation }
    }

    /// A server of our own that somebody else holds, to end and to start it.
    pub fn beside(server: &OwnServer) -> Self {
        Self {
            base: server.base.clone(),
            key: server.key.clone(),
            agents: server.agents.clone(),
            supervisors: server.supervisors.clone(),
            own: None,
            local: true,
        }
    }

    fn remote(base: &str, remote: &Remote, staff: Staff) -> Result<Self> {
        let url = url::Url::parse(base).with_context(|| format!("--server: {base} is no address"))?;
        ensure!(
            matches!(url.scheme(), "http" | "https"),
            "--server: {base} begins neither with http nor https"
        );
        let word = |value: &Option<String>, flag| value.clone().with_context(|| format!("{flag} is missing"));
        let key = ApiKey {
            kid: word(&remote.key, "--key")?,
            secret: word(&remote.secret, "--secret")?,
            issuer: word(&remote.issuer, "--issuer")?,
        };
        let (agents, supervisors) = accounts(remote.accounts.as_deref().context("--accounts is missing")?)?;
        for (role, there, needed) in
            [("agent", agents.len(), staff.agents), ("supervisor", supervisors.len(), staff.supervisors)]
        {
            ensure!(
                there >= needed,
                "--accounts: {needed} with the role {role} are needed, {there} are there"
            );
        }
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            key,
            agents,
            supervisors,
            own: None,
            local: false,
        })
    }

    /// The address of ours that the n-th person connects from. Servers slow down many logins from one address; on our own
    /// machine everybody has another one, as people do.
    pub fn address_of(&self, person: usize) -> Option<IpAddr> {
        self.local.then(|| {
            let [_, high, low] = [0, (person / 250) as u8, (person % 250 + 1) as u8];
            IpAddr::V4(Ipv4Addr::new(127, 7, high, low))
        })
    }

    /// Its REST API, for the n-th person.
    pub fn rest(&self, person: usize) -> Result<Rest> {
        Rest::new(&self.base, self.address_of(person))
    }
}

fn accounts(path: &Path) -> Result<(Vec<Account>, Vec<Account>)> {
    let text = std::fs::read_to_string(path).with_context(|| format!("--accounts: {}", path.display()))?;
    let (mut agents, mut supervisors) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let parts: Vec<_> = line.splitn(3, ',').map(str::trim).collect();
        let &[role, email, password] = &parts[..] else {
            bail!("{} line {number}: not role,address,password", path.display());
        };
        let account = Account { email: email.to_owned(), password: password.to_owned() };
        match role {
            "agent" => agents.push(account),
            "supervisor" => supervisors.push(account),
            _ => bail!("{} line {number}: {role} is neither agent nor supervisor", path.display()),
        }
    }
    Ok((agents, supervisors))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read_line_by_line_and_mistakes_are_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("accounts.csv");
        std::fs::write(&path, "# made for this\nagent, a@example.com, pass,word\n\nsupervisor,s@x,y\n")
            .expect("written");
        let (agents, supervisors) = accounts(&path).expect("read");
        assert_eq!(agents, [Account { email: "a@example.com".into(), password: "pass,word".into() }]);
        assert_eq!(supervisors.len(), 1);
        std::fs::write(&path, "agent,a@example.com,p\nboss,b,c\n").expect("written");
        let error = accounts(&path).expect_err("a role nobody has").to_string();
        assert!(error.contains("line 2") && error.contains("boss"), "{error}");
    }

    #[test]
    fn a_remote_installation_needs_enough_accounts() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("accounts.csv");
        std::fs::write(&path, "agent,a@example.com,p\n").expect("written");
        let remote = Remote {
            server: Some("https://help.example.com".into()),
            key: Some("key_1".into()),
            secret: Some("s".into()),
            issuer: Some("shop".into()),
            accounts: Some(path),
        };
        let open = |agents| {
            let staff = Staff { agents, supervisors: 0 };
            Installation::remote("https://help.example.com", &remote, staff).map(|it| it.base)
        };
        assert_eq!(open(1).expect("enough"), "https://help.example.com");
        assert!(open(2).expect_err("too few").to_string().contains("2 with the role agent"));
    }
}
