//! `vitrine audit`: list the log, verify it. Works while the server runs.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use jiff::Timestamp;
use signaling::audit::checkpoint::Checkpoints;
use signaling::auth::SigningKey;
use signaling::config::{Flags, Settings};
use signaling::protocol::audit::{AuditEntry, AuditEvent, AuditHead, Signed};
use signaling::store::AuditFilter;

use super::admin::{self, Failure};

/// The log of who played, exported, held, erased and changed what.
#[derive(clap::Args)]
pub(super) struct Audit {
    #[command(subcommand)]
    what: What,
    /// Settings file (TOML).
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// data.dir: database, recordings and keys.
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,
}

#[derive(Subcommand)]
enum What {
    /// Say whether the log is what was written: every entry, and every signed head. Ends with 1 if it is not.
    Verify {
        /// A signed head that was kept elsewhere (`GET /api/v1/audit/head`, or a line of audit-checkpoints.jsonl); may be
        /// repeated.
        #[arg(long, value_name = "FILE")]
        checkpoint: Vec<PathBuf>,
    },
    /// Print entries, newest first.
    List {
        /// Only this kind, e.g. recording_played.
        #[arg(long, value_parser = event)]
        event: Option<AuditEvent>,
        /// Only of this actor, e.g. user:<id>, operator, server.
        #[arg(long)]
        actor: Option<String>,
        /// Only about this, e.g. recording:<id>.
        #[arg(long)]
        about: Option<String>,
        /// Not earlier than, e.g. 2026-11-30T00:00:00Z.
        #[arg(long)]
        from: Option<Timestamp>,
        /// Earlier than.
        #[arg(long)]
        to: Option<Timestamp>,
        /// How many, 1 to 200.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// One JSON object a line, with everything.
        #[arg(long)]
        json: bool,
    },
}

fn event(name: &str) -> Result<AuditEvent, String> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).map_err(|error| error.to_string())
}

impl Audit {
    pub(super) fn flags(&self) -> Flags {
        Flags { config: self.config.clone(), data_dir: self.data_dir.clone(), ..Flags::default() }
    }
}

/// `vitrine audit`
pub(super) fn run(audit: &Audit, settings: &Settings) -> ExitCode {
    admin::finish(super::block_on(async {
        match &audit.what {
            What::Verify { checkpoint } => verify(settings, checkpoint).await,
            What::List { event, actor, about, from, to, limit, json } => {
                let filter = AuditFilter {
                    event: *event,
                    actor: actor.clone(),
                    about: about.clone(),
                    from: *from,
                    to: *to,
                };
                list(settings, &filter, *limit, *json).await
            }
        }
    }))
}

async fn verify(settings: &Settings, files: &[PathBuf]) -> Result<String, Failure> {
    let store = admin::open_existing(settings).await?;
    let key = SigningKey::load(&settings.data.dir.join("signing.key"))?;
    let mut kept: Vec<Signed<AuditHead>> = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        // One object, or one a line.
        for head in serde_json::Deserializer::from_str(&text).into_iter() {
            kept.push(head.map_err(|error| format!("{}: no signed head: {error}", file.display()))?);
        }
    }
    let report = Checkpoints::new(&settings.data.dir, key).verify(&store, &kept).await?;
    match report.broken {
        None => Ok(format!("good: {} entries, {} signed heads", report.good, report.checkpoints)),
        Some(broken) => Err(format!("BROKEN at entry {}: {}", broken.number, broken.what).into()),
    }
}

async fn list(settings: &Settings, filter: &AuditFilter, limit: u32, json: bool) -> Result<String, Failure> {
    let store = admin::open_existing(settings).await?;
    let page = store.audit(filter, Some(limit), None).await?;
    if json {
        let lines: Result<Vec<String>, _> = page.items.iter().map(serde_json::to_string).collect();
        return Ok(lines?.join("\n"));
    }
    if page.items.is_empty() {
        return Ok("nothing that matches has been logged".to_owned());
    }
    Ok(page.items.iter().map(line).collect::<Vec<_>>().join("\n"))
}

fn line(entry: &AuditEntry) -> String {
    let event = serde_json::to_value(entry.event).ok();
    let event = event.as_ref().and_then(|value| value.as_str()).unwrap_or_default();
    let who = entry.actor_name.as_deref().unwrap_or(&entry.actor);
    let mut line = format!("{:>6}  {}  {event:<18} {who}", entry.number, entry.at);
    for part in [&entry.about, &entry.why] {
        if !part.is_empty() {
            line.push_str("  ");
            line.push_str(part);
        }
    }
    if entry.detail.as_object().is_some_and(|detail| !detail.is_empty()) {
        line.push_str(&format!("  {}", entry.detail));
    }
    line
}
