//! `vitrine serve`

use std::process::ExitCode;

use jiff::Timestamp;
use signaling::Running;
use signaling::config::check::{Verdict, check};
use signaling::config::{Loaded, LogFormat, LogSettings};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Runs until a signal ends it.
pub(super) fn run(loaded: Loaded) -> ExitCode {
    let mut is_wrong = false;
    for finding in check(&loaded, Timestamp::now()).iter().filter(|finding| finding.verdict != Verdict::Good)
    {
        eprintln!("{finding}");
        is_wrong |= finding.verdict == Verdict::Bad;
    }
    if is_wrong {
        return super::fail("the settings above cannot work; `vitrine check` shows all of them");
    }
    if let Err(error) = log(&loaded.settings.log) {
        return super::fail(format!("log.filter: {error}"));
    }
    match super::block_on(serve(loaded)) {
        Ok(code) => code,
        Err(error) => super::fail(error),
    }
}

async fn serve(loaded: Loaded) -> ExitCode {
    let (mut terminate, mut interrupt) =
        match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
            (Ok(terminate), Ok(interrupt)) => (terminate, interrupt),
            (Err(error), _) | (_, Err(error)) => {
                return super::fail(format!("signals cannot be heard: {error}"));
            }
        };
    let mut running = match Box::pin(signaling::start(loaded.settings)).await {
        Ok(running) => running,
        Err(error) => return super::fail(error),
    };
    println!("{}", banner(&running).await);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        error = running.failed() => return super::fail(error),
    }
    // A second signal does not wait.
    tokio::select! {
        in_time = running.shutdown() => if in_time { ExitCode::SUCCESS } else { ExitCode::FAILURE },
        _ = terminate.recv() => ExitCode::FAILURE,
        _ = interrupt.recv() => ExitCode::FAILURE,
    }
}

/// Where everything is, for whoever has started it by hand.
async fn banner(running: &Running) -> String {
    let url = &running.url;
    let media: Vec<String> = running.media_addresses.iter().map(|address| format!("udp {address}")).collect();
    let mut lines =
        vec![String::new(), format!("  Vitrine {} is running", env!("CARGO_PKG_VERSION")), String::new()];
    let mut row = |name: &str, value: &str| lines.push(format!("    {name:<16} {value}"));
    if running.demo.is_some() {
        row("Demo shop", &format!("{url}/demo/"));
    }
    row("Agent console", &format!("{url}/console/"));
    row("Replay", &format!("{url}/replay/"));
    row("Media", &media.join(", "));
    if let Ok(Some(head)) = running.store.audit_head().await {
        row("Audit log", &format!("{} entries, head {}", head.entries, head.hash));
    }
    match &running.demo {
        Some(demo) => {
            lines.push(String::new());
            lines.push(format!("    Demo logins, all with the password  {}", demo.password()));
            for (email, role) in demo.logins() {
                lines.push(format!("      {email:<26} {role}"));
            }
        }
        None if !running.store.has_users().await.unwrap_or(true) => {
            lines.push(String::new());
            lines.push("    Nobody can log in yet. Add the first account: vitrine user --help".to_owned());
        }
        None => {}
    }
    if running.self_signed {
        lines.push(String::new());
        lines.push(
            "    The server made its certificate itself, so browsers warn: accept it once on each device."
                .to_owned(),
        );
    }
    lines.push(String::new());
    lines.push("  Ctrl-C ends it.".to_owned());
    lines.join("\n")
}

fn log(settings: &LogSettings) -> Result<(), tracing_subscriber::filter::ParseError> {
    let filter = EnvFilter::try_new(&settings.filter)?;
    // The log goes to standard error, so that the banner on standard output stays whole.
    // A line that cannot be written (a full disk behind standard error) is lost; by default the complaint about it would go the same way,
    // and panic in the middle of a call.
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    match settings.format {
        LogFormat::Json => log.json().init(),
        LogFormat::Text => {
            use std::io::IsTerminal;
            log.with_ansi(std::io::stderr().is_terminal()).init();
        }
    }
    Ok(())
}
