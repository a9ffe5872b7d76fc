//! The commands of an operator, as processes against a data directory: what they do, and how they say no.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use protocol::call::{BuyerContext, EndReason, Role};
use protocol::governance::SubjectRef;
use protocol::ids::{BuyerSessionId, CallId, RecordingId};
use recorder::{Recorder, RecorderConfig};
use sea_orm::{ConnectionTrait, Database};
use signaling::audit::Actor;
use signaling::audit::checkpoint::{Checkpoints, FILE_NAME};
use signaling::auth::{MasterKey, SigningKey, secret};
use signaling::store::{Held, NewBuyerVisit, NewCall, NewUser, Store};

use crate::reconcile::record;

/// Bad arguments, as clap and every other Unix program has it.
const USAGE: i32 = 2;

fn command(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vitrine"));
    command.current_dir(dir).args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("VITRINE_")) {
        command.env_remove(name);
    }
    command
}

/// What a command said and how it ended.
struct Told {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Told {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Told {
    /// It worked; returns what it printed.
    #[track_caller]
    fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        assert_eq!(self.err, "", "nothing is wrong, so nothing is said");
        self.out
    }

    /// It refused with this code, and said why in words that contain these.
    #[track_caller]
    fn refused(self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        assert_eq!(self.out, "", "what is wrong goes to standard error");
        for word in words {
            assert!(self.err.contains(word), "{word:?} is missing in: {}", self.err);
        }
        assert!(!self.err.contains("panicked"), "{}", self.err);
    }
}

fn vitrine(dir: &Path, arguments: &[&str]) -> Told {
    command(dir, arguments).output().unwrap().into()
}

fn add(dir: &Path, email: &str, role: &str) {
    vitrine(dir, &["user", "--email", email, "--name", "Somebody", "--role", role]).good();
}

/// Changes the database behind the server's back.
async fn tamper(dir: &Path, statement: &str) {
    let url = format!("sqlite://{}", dir.join("data/vitrine.sqlite").display());
    let sql = Database::connect(url).await.unwrap();
    sql.execute_unprepared(statement).await.unwrap();
    sql.close().await.unwrap();
}

async fn store(dir: &Path) -> Store {
    let data = dir.join("data");
    let master = MasterKey::load(&data.join("master.key")).unwrap();
    Store::open(&data.join("vitrine.sqlite"), master).await.unwrap()
}

#[tokio::test]
async fn the_audit_log_is_verified_and_a_change_of_it_is_found_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    add(dir, "ana@example.com", "agent");
    add(dir, "bob@example.com", "admin");
    vitrine(dir, &["key", "--shop", "lumen", "--name", "Lumen"]).good();
    assert_eq!(vitrine(dir, &["audit", "verify"]).good(), "good: 3 entries, 0 signed heads\n");
    let list = vitrine(dir, &["audit", "list"]).good();
    let lines: Vec<&str> = list.lines().collect();
    assert!(
        lines.len() == 3 && lines[0].contains("api_key_made") && lines[2].contains("user_added"),
        "{list}"
    );
    let json = vitrine(dir, &["audit", "list", "--event", "api_key_made", "--json"]).good();
    let entry: serde_json::Value = serde_json::from_str(json.trim()).unwrap();
    assert_eq!((&entry["actor"], &entry["about"]), (&"operator".into(), &"shop:lumen".into()));

    // A head that somebody kept elsewhere proves that the end was cut off, even if everything here was put right.
    let key = SigningKey::load(&dir.join("data/signing.key")).unwrap();
    let checkpoints = Checkpoints::new(&dir.join("data"), key);
    let head = checkpoints.sign(&store(dir).await).await.unwrap().unwrap();
    let kept = dir.join("kept.json");
    std::fs::write(&kept, serde_json::to_string(&head).unwrap()).unwrap();
    let kept = kept.to_str().unwrap();
    assert!(vitrine(dir, &["audit", "verify", "--checkpoint", kept]).good().contains("3 entries, 2 signed"));
    std::fs::remove_file(dir.join("data").join(FILE_NAME)).unwrap();
    tamper(dir, "DELETE FROM audit WHERE number = 3").await;
    vitrine(dir, &["audit", "verify"]).refused(1, &["BROKEN at entry"]);
    tamper(dir, "UPDATE counters SET value = 2 WHERE name = 'audit'").await;
    vitrine(dir, &["audit", "verify", "--checkpoint", kept]).refused(1, &["BROKEN at entry"]);

    tamper(dir, "UPDATE audit SET actor = 'server' WHERE number = 1").await;
    vitrine(dir, &["audit", "verify"]).refused(1, &["BROKEN at entry 1"]);
}

#[test]
fn wrong_arguments_of_audit_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    vitrine(dir, &["audit"]).refused(USAGE, &["verify", "list"]);
    vitrine(dir, &["audit", "list", "--event", "flown"]).refused(USAGE, &["flown", "recording_played"]);
    vitrine(dir, &["audit", "list", "--from", "yesterday"]).refused(USAGE, &["--from", "yesterday"]);
    add(dir, "ana@example.com", "agent");
    let verify = |file: &str| vitrine(dir, &["audit", "verify", "--checkpoint", file]);
    verify("missing.json").refused(1, &["missing.json", "No such file"]);
    std::fs::write(dir.join("spoilt.json"), "{ \"statement\": 7 }").unwrap();
    verify("spoilt.json").refused(1, &["spoilt.json", "no signed head"]);
    // A typing mistake must not look like an empty log that is in order.
    for arguments in [
        &["audit", "verify", "--data-dir", "dta"][..],
        &["audit", "list", "--data-dir", "dta"],
        &["rights", "--email", "ana@example.com", "--data-dir", "dta"],
        &["erase", "--shop", "lumen", "--subject", "jana", "--why", "asked", "--data-dir", "dta"],
    ] {
        vitrine(dir, arguments).refused(1, &["data.dir", "dta", "there is no database"]);
    }
    assert!(!dir.join("dta").exists(), "and leaves nothing behind");
}

#[test]
fn rights_are_shown_changed_and_taken_back_and_mistakes_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    add(dir, "rita@example.com", "reviewer");
    let rights = |more: &[&str]| vitrine(dir, &[&["rights", "--email", "rita@example.com"], more].concat());
    let shown = rights(&[]).good();
    assert!(
        shown.contains("reviewer") && shown.contains("granted  -") && shown.contains("queues   all"),
        "{shown}"
    );
    let changed =
        rights(&["--grant", "export_recordings", "--deny", "play_recordings", "--queues", "lamps, chairs"])
            .good();
    for line in ["granted  export_recordings", "denied   play_recordings", "queues   lamps, chairs"] {
        assert!(changed.lines().any(|shown| shown == line), "{line} is missing in: {changed}");
    }
    rights(&["--grant", "fly"]).refused(USAGE, &["fly", "export_recordings"]);
    rights(&["--grant", "read_audit", "--deny", "read_audit"]).refused(1, &["read_audit"]);
    assert_eq!(rights(&[]).good(), changed);
    let reset = ["--reset", "export_recordings", "--reset", "play_recordings", "--queues", "all"];
    assert_eq!(rights(&reset).good(), shown);
    vitrine(dir, &["rights", "--email", "nobody@example.com"])
        .refused(1, &["nobody@example.com", "vitrine user"]);
    vitrine(dir, &["rights"]).refused(USAGE, &["--email"]);
    let log = vitrine(dir, &["audit", "list", "--event", "rights_changed"]).good();
    assert_eq!(log.lines().count(), 2, "what was refused changed nothing: {log}");
}

/// A finished call of Jana's with a recording, in a data directory of its own.
async fn janas_call(dir: &Path) -> RecordingId {
    let data = dir.join("data");
    std::fs::create_dir_all(&data).unwrap();
    let store = store(dir).await;
    let (email, name) = ("mina@example.com".to_owned(), "Mina".to_owned());
    let new = NewUser { email, name, role: Role::Agent, password_hash: "unused".into() };
    let agent = store.add_user(new).await.unwrap();
    let (id, session) = (CallId::new(), BuyerSessionId::new());
    let context = BuyerContext { subject: "jana".into(), language: "de".into(), ..BuyerContext::default() };
    let visit = NewBuyerVisit {
        id: session,
        token: secret::token(),
        shop: "lumen".into(),
        answered_by: "Lumen".into(),
        language: "de".into(),
        context: context.clone(),
        expires_at: store.now() + jiff::SignedDuration::from_hours(8),
    };
    store.insert_buyer_session(visit).await.unwrap();
    let at = store.now();
    store
        .insert_call(NewCall { id, session, queue: "support".into(), context, requested_at: at })
        .await
        .unwrap();
    store.call_accepted(id, agent, at).await.unwrap();
    store.call_ended(id, at, EndReason::BuyerHungUp).await.unwrap();
    store.call_closed(id).await.unwrap();
    let keys = Arc::new(MasterKey::load(&data.join("master.key")).unwrap());
    let (recorder, _) = Recorder::open(RecorderConfig::new(data.join("recordings"), keys)).await.unwrap();
    let (recording, handle) = record(&recorder, id, at, 1).await;
    store.recording_started(recording, id, at).await.unwrap();
    let duration_ms = handle.stop().await.duration_ms as u32;
    store.recording_finished(recording, duration_ms).await.unwrap();
    store.close().await.unwrap();
    recording
}

fn has_media(dir: &Path, recording: RecordingId) -> bool {
    let files = std::fs::read_dir(dir.join("data/recordings").join(recording.to_string())).unwrap();
    files.into_iter().any(|file| file.unwrap().path().extension().is_some_and(|extension| extension == "mp4"))
}

const ERASE: [&str; 7] =
    ["erase", "--shop", "lumen", "--subject", "jana", "--why", "art. 17, letter of Monday"];

#[tokio::test]
async fn a_buyer_is_erased_and_the_certificate_proves_it_to_whoever_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let recording = janas_call(dir).await;
    assert!(has_media(dir, recording));
    vitrine(dir, &ERASE[..5]).refused(USAGE, &["--why"]);
    let empty = [&ERASE[..6], &[" "]].concat();
    vitrine(dir, &empty).refused(1, &["--why must not be empty"]);
    assert!(has_media(dir, recording));

    let erased = vitrine(dir, &[&ERASE[..], &["--certificate", "jana.json"]].concat()).good();
    assert!(erased.contains("1 recordings, 1 calls") && erased.contains("kept         nothing"), "{erased}");
    assert!(erased.contains("certificate  jana.json"), "{erased}");
    assert!(!has_media(dir, recording));
    let verify = |more: &[&str]| vitrine(dir, &[&["erasure", "verify"], more].concat());
    assert!(verify(&["jana.json"]).good().starts_with("good: signed by this server"));
    verify(&["jana.json", "--subject", "jana"]).good();
    verify(&["jana.json", "--subject", "omar"]).refused(1, &["NOT GOOD", "another buyer"]);
    let public = SigningKey::load(&dir.join("data/signing.key")).unwrap().public().to_base64();
    verify(&["jana.json", "--public-key", &public, "--data-dir", "elsewhere"]).good();
    let other = SigningKey::generate().public().to_base64();
    verify(&["jana.json", "--public-key", &other]).refused(1, &["NOT GOOD", "another key"]);
    verify(&["jana.json", "--public-key", "AAAA"]).refused(1, &["--public-key", "base64"]);
    verify(&["jana.json", "--data-dir", "elsewhere"]).refused(1, &["signing.key", "--public-key"]);
    let text = std::fs::read_to_string(dir.join("jana.json")).unwrap();
    std::fs::write(dir.join("changed.json"), text.replace("\"lumen\"", "\"lumex\"")).unwrap();
    verify(&["changed.json"]).refused(1, &["NOT GOOD", "was changed"]);
    std::fs::write(dir.join("letter.json"), "Dear Jana").unwrap();
    verify(&["letter.json"]).refused(1, &["letter.json is no certificate"]);
    verify(&["missing.json"]).refused(1, &["missing.json"]);
    vitrine(dir, &["audit", "verify"]).good();
}

#[tokio::test]
async fn an_erasure_names_the_hold_that_stands_against_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let recording = janas_call(dir).await;
    let jana = SubjectRef { shop: "lumen".into(), subject: "jana".into() };
    store(dir).await.place_hold(Held::Subject(jana), "file 7 of 2026", Actor::Operator).await.unwrap();
    vitrine(dir, &ERASE).refused(1, &["hold", "operator", "file 7 of 2026"]);
    assert!(has_media(dir, recording));
}

/// A server that runs in the folder until it is dropped.
struct Serving(Child);

impl Serving {
    fn new(dir: &Path) -> Self {
        let mut child = command(dir, &["serve", "--listen", "127.0.0.1:0"])
            .env("VITRINE_MEDIA__PORT", "0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.into_iter().any(|line| line.contains("Ctrl-C")), "the server says that it runs");
        Self(child)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_server_runs_it_is_the_server_that_erases() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let recording = janas_call(dir).await;
    let _serving = Serving::new(dir);
    let told = vitrine(dir, &[&ERASE[..], &["--certificate", "jana.json"]].concat());
    assert_eq!(told.code, Some(0), "{}{}", told.out, told.err);
    assert!(told.err.contains("The server runs and does it"), "{}", told.err);
    assert!(told.out.contains("1 recordings, 1 calls"), "{}", told.out);
    assert!(!has_media(dir, recording));
    vitrine(dir, &["erasure", "verify", "jana.json", "--subject", "jana"]).good();
    vitrine(dir, &["audit", "verify"]).good();
}

#[test]
fn accounts_and_keys_refuse_what_could_not_be_used() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let user = |more: &[&str]| vitrine(dir, &[&["user", "--email", "ana@example.com"], more].concat());
    vitrine(dir, &["user", "--email", "ana", "--name", "Ana", "--role", "agent"])
        .refused(1, &["--email", "\"ana\""]);
    user(&["--name", "Ana", "--role", "boss"]).refused(USAGE, &["boss", "supervisor"]);
    user(&["--name", "Ana", "--role", "agent", "--country", "UK"]).refused(1, &["--country", "GB"]);
    let with_password = |password: &str| -> Told {
        let arguments =
            ["user", "--email", "ana@example.com", "--name", "Ana", "--role", "agent", "--password-stdin"];
        let mut child = command(dir, &arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
        child.wait_with_output().unwrap().into()
    };
    with_password("short\n").refused(1, &["a password has 10 to"]);
    vitrine(dir, &["rights", "--email", "ana@example.com"]).refused(1, &["has no account"]);
    let said = with_password("correct horse battery\n").good();
    assert_eq!(said, "ana@example.com can log in\n", "a password that was given is not shown");
    assert!(user(&["--country", "DE"]).good().contains("works in DE"));

    vitrine(dir, &["key", "--shop", " ", "--name", "Lumen"]).refused(1, &["--shop", "1 to 100"]);
    vitrine(dir, &["key", "--shop", "lumen"]).refused(USAGE, &["--name"]);
    vitrine(dir, &["fly"]).refused(USAGE, &["fly"]);
}

#[test]
fn check_ends_with_0_exactly_when_nothing_is_wrong_and_names_a_file_that_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    vitrine(dir, &["check", "--config", "missing.toml"]).refused(1, &["missing.toml", "cannot be read"]);
    vitrine(dir, &["check", "--listen", "everywhere"]).refused(USAGE, &["--listen", "everywhere"]);
    std::fs::write(dir.join("vitrine.toml"), "[http]\nlisten = \"127.0.0.1:0\"\n[media]\nport = 0\n")
        .unwrap();
    let told = vitrine(dir, &["check"]);
    let is_wrong = told.out.lines().any(|line| line.starts_with("WRONG"));
    assert_eq!(told.code, Some(i32::from(is_wrong)), "{}", told.out);
    std::fs::write(
        dir.join("vitrine.toml"),
        "[recording]\nkeep_days = 0\n[http]\nlisten = \"127.0.0.1:0\"\n",
    )
    .unwrap();
    let told = vitrine(dir, &["check"]);
    assert_eq!(told.code, Some(1), "{}", told.out);
    assert!(told.out.contains("recording.keep_days"), "{}", told.out);
}
