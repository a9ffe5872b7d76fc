//! The program as an operator meets it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn vitrine(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vitrine"));
    command.current_dir(dir).args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("VITRINE_")) {
        command.env_remove(name);
    }
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn check_says_line_by_line_what_is_wrong_and_ends_with_1() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("vitrine.toml");
    std::fs::write(&file, "[http]\nlisten = \"127.0.0.1:0\"\n[media]\nbind = \"0.0.0.0\"\nport = 0\n")
        .unwrap();
    let output = vitrine(dir.path(), &["check"]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("settings file") && shown.contains("vitrine.toml is read"), "{shown}");
    assert!(
        shown.lines().any(|line| line.starts_with("WRONG") && line.contains("media.announced")),
        "{shown}"
    );

    let output = vitrine(dir.path(), &["check", "--announced", "192.0.2.7"]);
    let shown = text(&output.stdout);
    assert!(shown.contains("browsers send media to 192.0.2.7"), "{shown}");
    assert!(!shown.lines().any(|line| line.starts_with("WRONG") && !line.contains("MiB")), "{shown}");
}

#[test]
fn an_unknown_setting_stops_every_command_by_name() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("vitrine.toml"), "[desk]\nring_second = 3\n").unwrap();
    for command in ["check", "serve"] {
        let output = vitrine(dir.path(), &[command]);
        let shown = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{shown}");
        assert!(shown.contains("desk.ring_second") && shown.contains("ring_seconds"), "{shown}");
    }
}

#[test]
fn an_operator_adds_an_account_changes_its_password_and_makes_a_key() {
    let dir = tempfile::tempdir().unwrap();
    let add = ["user", "--email", "ana@example.com", "--name", "Ana", "--role", "agent"];
    let output = vitrine(dir.path(), &add);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("ana@example.com can log in, password: "));
    let output = vitrine(dir.path(), &["user", "--email", "ana@example.com"]);
    assert!(text(&output.stdout).contains("new password"), "{}", text(&output.stdout));
    let output = vitrine(dir.path(), &["user", "--email", "bob@example.com"]);
    assert!(!output.status.success() && text(&output.stderr).contains("--name and --role"));

    let output = vitrine(dir.path(), &["key", "--shop", "lumen", "--name", "Lumen & Co."]);
    let shown = text(&output.stdout);
    assert!(
        shown.contains("kid     key_") && shown.contains("secret  ") && shown.contains("iss     lumen"),
        "{shown}"
    );
    let output = vitrine(dir.path(), &["version"]);
    assert_eq!(text(&output.stdout).trim(), format!("vitrine {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn serve_prints_where_everything_is_and_ends_in_order_on_sigterm() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_vitrine"))
        .current_dir(dir.path())
        .args(["serve", "--demo", "--listen", "127.0.0.1:0"])
        .env("VITRINE_MEDIA__PORT", "0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut shown = Vec::new();
    for line in lines.by_ref() {
        let is_last = line.contains("Ctrl-C");
        shown.push(line);
        if is_last {
            break;
        }
    }
    let shown = shown.join("\n");
    for wanted in ["/demo/", "/console/", "/replay/", "agent@demo.example", "vitrine-demo", "udp 127.0.0.1:"]
    {
        assert!(shown.contains(wanted), "{wanted} is missing in:\n{shown}");
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
}
