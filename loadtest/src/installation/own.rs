//! A `vitrine` of our own: started in a temporary folder with accounts and an API key, gone with the run.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use super::Staff;
use super::process::Process;
use crate::caller::rest::{Account, ApiKey, Rest};

/// Every account's password.
const PASSWORD: &str = "loadtest-password";
/// A server that is not ready after this time never will be.
const PATIENCE: Duration = Duration::from_secs(30);
/// Accounts that are made at the same time; each takes a password hash.
const AT_ONCE: usize = 4;

/// See the module.
pub struct OwnServer {
    /// Where it is.
    pub base: String,
    /// What makes buyers' tokens.
    pub key: ApiKey,
    /// Its agents.
    pub agents: Vec<Account>,
    /// Its supervisors.
    pub supervisors: Vec<Account>,
    binary: PathBuf,
    dir: TempDir,
    pin: bool,
    child: Option<Child>,
}

impl OwnServer {
    /// Makes folder, key and accounts, starts it, and waits until it takes calls. `pin`: it gets the first core and one worker,
    /// and we keep off that core.
    pub async fn start(staff: Staff, pin: bool, progress: impl Fn(&str)) -> Result<Self> {
        let binary = binary()?;
        let dir = tempfile::Builder::new().prefix("vitrine-loadtest-").tempdir()?;
        std::fs::write(dir.path().join("vitrine.toml"), settings(pin)?)?;
        progress("making an API key and accounts");
        let key = make_key(&binary, dir.path()).await?;
        let mut server = Self {
            base: String::new(),
            key,
            agents: numbered("agent", staff.agents),
            supervisors: numbered("supervisor", staff.supervisors),
            binary,
            dir,
            pin,
            child: None,
        };
        let all = server.agents.iter().map(|it| ("agent", it));
        let all: Vec<_> = all.chain(server.supervisors.iter().map(|it| ("supervisor", it))).collect();
        for (done, some) in all.chunks(AT_ONCE).enumerate() {
            let making = some.iter().map(|(role, account)| server.make_account(role, account));
            futures_util::future::try_join_all(making).await?;
            progress(&format!("made {} of {} accounts", done * AT_ONCE + some.len(), all.len()));
        }
        progress("starting the server");
        server.launch().await?;
        Ok(server)
    }

    /// Starts the process, again if there was one before, and waits until it takes calls.
    pub async fn launch(&mut self) -> Result<()> {
        let log = std::fs::File::options().create(true).append(true).open(self.log())?;
        // A process runs where the thread was that began it.
        if self.pin {
            run_on(|core| core == 0)?;
        }
        let child = command(&self.binary, self.dir.path())
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            // Ctrl-C in a terminal is for us; the server ends when the people have left.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started", self.binary.display()))?;
        if self.pin {
            run_on(|core| core != 0)?;
        }
        self.child = Some(child);
        let text = std::fs::read_to_string(self.dir.path().join("vitrine.toml"))?;
        let table: toml::Table = toml::from_str(&text)?;
        let listen = table.get("http").and_then(|it| it.get("listen")).and_then(|it| it.as_str());
        self.base = format!("http://{}", listen.context("http.listen")?);
        let rest = Rest::new(&self.base, None)?;
        let until = Instant::now() + PATIENCE;
        while rest.text("/readyz").await.is_err() {
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait()?
            {
                bail!("the server ended at once ({status}):\n{}", self.log_tail());
            }
            ensure!(Instant::now() < until, "the server is not ready:\n{}", self.log_tail());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Its process; `None` when it is not running.
    pub fn process(&self) -> Option<Process> {
        self.child.as_ref().and_then(Child::id).map(Process::new)
    }

    /// Kills it (SIGKILL), as a crash would.
    pub async fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill().await?;
        }
        Ok(())
    }

    /// Asks it to end in order (SIGTERM) and waits. Gives whether it ended with success.
    pub async fn terminate(&mut self) -> Result<bool> {
        let Some(mut child) = self.child.take() else { return Ok(true) };
        let pid = child.id().and_then(|id| rustix::process::Pid::from_raw(id as i32));
        if let Some(pid) = pid {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        }
        Ok(child.wait().await?.success())
    }

    /// Its folder: settings, database, recordings, log.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What it has logged.
    pub fn log(&self) -> PathBuf {
        self.dir.path().join("vitrine.log")
    }

    /// Lines at the end of the log.
    pub fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    async fn make_account(&self, role: &str, account: &Account) -> Result<()> {
        let name = account.email.split('@').next().unwrap_or_default();
        let mut child = command(&self.binary, self.dir.path())
            .args(["user", "--email", &account.email, "--name", name, "--role", role, "--password-stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(account.password.as_bytes()).await?;
        }
        let output = child.wait_with_output().await?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the account {} cannot be made: {error}", account.email);
        Ok(())
    }
}

fn numbered(role: &str, count: usize) -> Vec<Account> {
    let account =
        |number| Account { email: format!("{role}{number}@loadtest.example"), password: PASSWORD.into() };
    (1..=count).map(account).collect()
}

/// Ports that are free now. Somebody else may take them before the server does; then it says so and ends.
fn settings(pin: bool) -> Result<String> {
    let free = || -> Result<u16> { Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port()) };
    Ok(format!(
        "[http]\nlisten = \"127.0.0.1:{}\"\n[media]\nbind = \"127.0.0.1\"\nport = 0\ntcp_port = {}\nworkers = {}\n\
         [recording]\nmin_free_mb = 100\n[log]\nfilter = \"warn\"\n",
        free()?,
        free()?,
        u8::from(pin)
    ))
}

/// This thread, and what it begins from now on, runs on these cores only.
fn run_on(wanted: impl Fn(usize) -> bool) -> Result<()> {
    let cores = std::fs::read_to_string("/proc/cpuinfo")?.matches("\nprocessor").count() + 1;
    let mut set = rustix::thread::CpuSet::new();
    (0..cores).filter(|core| wanted(*core)).for_each(|core| set.set(core));
    rustix::thread::sched_setaffinity(None, &set).context("--pin: needs at least two cores")
}

fn command(binary: &Path, dir: &Path) -> Command {
    let mut command = Command::new(binary);
    command.current_dir(dir);
    // Settings of whoever runs this are for their own server.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("VITRINE_")) {
        command.env_remove(name);
    }
    command
}

async fn make_key(binary: &Path, dir: &Path) -> Result<ApiKey> {
    let output = command(binary, dir)
        .args(["key", "--shop", "loadtest", "--name", "Loadtest"])
        .stdin(Stdio::null())
        .output()
        .await
        .with_context(|| format!("{} cannot be started", binary.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "no API key was made: {error}");
    let word = |name: &str| -> Result<String> {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        Ok(line.with_context(|| format!("no {name} in what `vitrine key` prints"))?.trim().to_owned())
    };
    Ok(ApiKey { kid: word("kid")?, secret: word("secret")?, issuer: word("iss")? })
}

/// `VITRINE_BIN`, or the program beside this one.
fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("VITRINE_BIN") {
        let path = std::path::absolute(PathBuf::from(path))?;
        ensure!(path.is_file(), "VITRINE_BIN: {} is not there", path.display());
        return Ok(path);
    }
    let own = std::env::current_exe()?;
    // Tests live in a folder below.
    let beside = own.ancestors().skip(1).take(2).map(|dir| dir.join("vitrine"));
    let found = beside.into_iter().find(|path| path.is_file());
    found.context("there is no vitrine beside this program: build it, or name it in VITRINE_BIN")
}
