//! The real program in a folder of its own: started, asked, killed and started again.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use reqwest::header::{COOKIE, SET_COOKIE};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};

/// Where the server lives between its lives.
pub(crate) struct Home {
    pub(crate) dir: tempfile::TempDir,
    lives: u32,
}

/// A member of staff who can log in.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) email: String,
    pub(crate) password: String,
}

impl Home {
    /// A folder with settings; finished recordings go to this S3 server.
    pub(crate) fn new(s3_port: u16) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = format!(
            "[http]\nlisten = \"127.0.0.1:0\"\n[media]\nport = 0\n[demo]\nenabled = true\n[log]\nfilter = \"info\"\n\
             [recording]\nmin_free_mb = 100\narchive = \"s3://calls/recordings\"\n[recording.archive_options]\n\
             aws_endpoint = \"http://127.0.0.1:{s3_port}\"\naws_allow_http = \"true\"\naws_region = \"eu-central-1\"\n\
             aws_access_key_id = \"key\"\naws_secret_access_key = \"secret\"\n\
             aws_virtual_hosted_style_request = \"false\"\n"
        );
        std::fs::write(dir.path().join("vitrine.toml"), settings).unwrap();
        Self { dir, lives: 0 }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.dir.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("VITRINE_")) {
            command.env_remove(name);
        }
        command
    }

    /// Adds an agent.
    pub(crate) fn agent(&self, number: usize) -> Account {
        let email = format!("agent-{number}@kill.example");
        let output = self
            .command(env!("CARGO_BIN_EXE_vitrine"))
            .args(["user", "--email", &email, "--name", &format!("Agent {number}"), "--role", "agent"])
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let password = said.split("password: ").nth(1).and_then(|rest| rest.split_whitespace().next());
        Account { email, password: password.unwrap_or_else(|| panic!("no account: {said}")).to_owned() }
    }

    /// Where media of recordings lies that is not in the archive yet.
    pub(crate) fn local_media(&self) -> Vec<PathBuf> {
        let folders = std::fs::read_dir(self.dir.path().join("data/recordings")).into_iter().flatten();
        let folders = folders.filter_map(Result::ok).filter(|entry| entry.path().is_dir());
        let files = folders.flat_map(|folder| std::fs::read_dir(folder.path()).into_iter().flatten());
        let media = files.filter_map(Result::ok).map(|file| file.path());
        media.filter(|path| path.extension().is_some_and(|kind| kind == "webm" || kind == "mp4")).collect()
    }

    /// Starts the server and waits until it takes calls.
    pub(crate) fn start(&mut self) -> Server {
        self.lives += 1;
        let log = self.dir.path().join(format!("life-{}.log", self.lives));
        // A disk that is full answers with an error, it sends no signal: what stands in for it must not either.
        let mut child = self
            .command("sh")
            .args(["-c", "trap '' XFSZ; exec \"$0\" serve", env!("CARGO_BIN_EXE_vitrine")])
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let url = lines.find_map(|line| {
            let (_, address) = line.split_once("Agent console")?;
            Some(address.trim().trim_end_matches("/console/").to_owned())
        });
        let Some(url) = url else {
            panic!("the server did not start:\n{}", std::fs::read_to_string(&log).unwrap_or_default())
        };
        // Nobody reads on, and a closed pipe would be an error to whoever writes.
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, url, client: reqwest::Client::new(), log }
    }
}

/// One life of the server.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    client: reqwest::Client,
    log: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// SIGKILL. When that was, microseconds since 1970.
    pub(crate) fn kill(mut self) -> u64 {
        assert!(self.child.try_wait().unwrap().is_none(), "it died by itself:\n{}", self.log());
        let at = now_us();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        at
    }

    /// From now on no file of the server grows. When that began, microseconds since 1970.
    pub(crate) fn fill_disk(&self) -> u64 {
        let at = now_us();
        let limit = Rlimit { current: Some(1), maximum: Some(1) };
        prlimit(Some(Pid::from_child(&self.child)), Resource::Fsize, limit).unwrap();
        at
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Logs in; the cookie is good for later lives too.
    pub(crate) async fn login(&self, email: &str, password: &str) -> String {
        let body = json!({ "email": email, "password": password }).to_string();
        let request = self.client.post(format!("{}/api/v1/login", self.url));
        let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        let cookie = answer.headers()[SET_COOKIE].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    /// A buyer's visit: what `POST /buyer-sessions` answers.
    pub(crate) async fn visit(&self) -> Value {
        let token = self.text("/demo/token?sku=LAMP-01", "").await;
        let request = self.client.post(format!("{}/api/v1/buyer-sessions", self.url));
        let request = request.bearer_auth(token).header("content-type", "application/json");
        let answer = request.body(r#"{"language":"en"}"#).send().await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    pub(crate) async fn text(&self, path: &str, cookie: &str) -> String {
        String::from_utf8(self.bytes(path, cookie).await).unwrap()
    }

    pub(crate) async fn json(&self, path: &str, cookie: &str) -> Value {
        serde_json::from_slice(&self.bytes(path, cookie).await).unwrap()
    }

    /// What is at an address; anything but success is a failure of the test.
    pub(crate) async fn bytes(&self, path: &str, cookie: &str) -> Vec<u8> {
        let request = self.client.get(format!("{}{path}", self.url)).header(COOKIE, cookie);
        let answer = request.timeout(Duration::from_secs(30)).send().await.unwrap();
        let status = answer.status();
        let bytes = answer.bytes().await.unwrap_or_else(|error| panic!("{path}: {error}\n{}", self.log()));
        assert!(status.is_success(), "{path}: {status} {}", String::from_utf8_lossy(&bytes));
        bytes.to_vec()
    }
}

/// Microseconds since 1970, as the server on this machine counts them.
pub(crate) fn now_us() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros() as u64
}
