//! `loadtest churn`: room after room, and then the server has to be as it was: memory, threads, files, sockets, transports.
//!
//! A cycle is a whole call with real media: visit, WebSocket, ICE, DTLS, the desk's match, a picture on both sides, hanging up,
//! the ticket. What a server keeps for ever after a call is the store's business, not its memory's.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::caller::description::Codec;
use crate::caller::rest::Rest;
use crate::drill::marks::Verdict;
use crate::drill::people::{self, Plan};
use crate::drill::stage::Stage;
use crate::installation::metrics::Metrics;
use crate::installation::own::OwnServer;
use crate::installation::process::Usage;
use crate::progress::Progress;

/// What is forgotten only after a while is forgotten by then.
const SETTLE: Duration = Duration::from_secs(5);
/// Memory that may be there afterwards: allocators keep some of what they once had.
const RSS_MORE: u64 = 8 << 20;
/// The same, as a share of what there was.
const RSS_SHARE: f64 = 0.1;
/// Threads, files and sockets more than before: the store opens and closes connections as it needs them, each with a thread of
/// its own, and the pool for work that blocks keeps its threads for a while.
const POOLED_MORE: u64 = 8;
/// A cycle that takes longer has failed.
const STUCK: Duration = Duration::from_secs(60);

/// How rooms come and go.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// Calls in all
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub cycles: u32,
    /// Calls before the first look: pools fill, buffers grow; a tenth of all where it is not told
    #[arg(long)]
    pub warm_up: Option<u32>,
    /// Calls at the same time
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub rooms: u16,
    /// Folder for drills.json
    #[arg(long)]
    pub report: Option<PathBuf>,
}

/// The server at a quiet moment.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
struct Look {
    usage: Usage,
    transports: f64,
    mirrors: f64,
}

/// Makes the rooms, and judges.
pub async fn run(options: &Options, progress: &Progress) -> Result<Verdict> {
    let (stage, server) = Stage::open(options.rooms.into(), Codec::Vp8, 1, progress).await?;
    let mut staff = JoinSet::new();
    stage.staff_arrives(&mut staff, progress).await?;
    let rest = stage.installation.rest(0)?;
    let warm_up = options.warm_up.unwrap_or(options.cycles / 10).max(1);
    cycle(&stage, warm_up, options.rooms.into(), progress, "warming up").await?;
    let before = look(&server, &rest).await?;
    let begun = Instant::now();
    cycle(&stage, options.cycles, options.rooms.into(), progress, "rooms come and go").await?;
    let took = begun.elapsed();
    let after = look(&server, &rest).await?;
    stage.close(staff, progress).await;
    progress.clear();
    let ledger = stage.ledger().clone();
    let mut verdict = judge(&before, &after);
    verdict.equals("calls that were as they should be", (warm_up + options.cycles) as usize, ledger.content);
    let errors = ledger.errors_told();
    verdict.holds("errors", "none", if errors.is_empty() { "none" } else { &errors }, errors.is_empty());
    let grown = after.usage.rss_bytes as f64 - before.usage.rss_bytes as f64;
    verdict.note(format!(
        "{} calls in {:.0} s ({:.1} a second), memory {:+.0} bytes a call",
        options.cycles,
        took.as_secs_f64(),
        f64::from(options.cycles) / took.as_secs_f64(),
        grown / f64::from(options.cycles)
    ));
    Ok(verdict)
}

/// So many calls, so many at the same time.
async fn cycle(
    stage: &Arc<Stage>,
    count: u32,
    at_once: usize,
    progress: &Progress,
    what: &str,
) -> Result<()> {
    let mut calls = JoinSet::new();
    let plan = Plan { talk: Some(Duration::ZERO), ..Plan::default() };
    let mut moved = Instant::now();
    for done in 0..count {
        if calls.len() >= at_once {
            while tokio::time::timeout(STUCK, calls.join_next()).await.is_err() {
                ensure!(moved.elapsed() < STUCK, "nothing moves: {}", stage.ledger().errors_told());
            }
        }
        moved = Instant::now();
        calls.spawn(people::buyer(Arc::clone(stage), plan));
        progress.show(&format!("{what}: {done} of {count}"));
    }
    while calls.join_next().await.is_some() {}
    // Agents close their tickets.
    let quiet = |stage: &Stage| stage.buyers.load(Ordering::Relaxed) == 0;
    stage.until(STUCK, quiet).await;
    Ok(())
}

async fn look(server: &OwnServer, rest: &Rest) -> Result<Look> {
    sleep(SETTLE).await;
    let metrics = Metrics::parse(&rest.text("/metrics").await?);
    let usage = server.process().and_then(|it| it.usage());
    ensure!(usage.is_some(), "the server is gone:\n{}", server.log_tail());
    Ok(Look {
        usage: usage.unwrap_or_default(),
        transports: metrics.sum("vitrine_sfu_participants"),
        mirrors: metrics.sum("vitrine_sfu_mirrors"),
    })
}

fn judge(before: &Look, after: &Look) -> Verdict {
    let mut verdict = Verdict { drill: "churn".into(), marks: Vec::new(), notes: Vec::new() };
    let most = before.usage.rss_bytes + RSS_MORE.max((before.usage.rss_bytes as f64 * RSS_SHARE) as u64);
    let mb = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    verdict.holds(
        "memory",
        format!("≤ {} ({} before)", mb(most), mb(before.usage.rss_bytes)),
        mb(after.usage.rss_bytes),
        after.usage.rss_bytes <= most,
    );
    for (name, before, after) in [
        ("threads", before.usage.threads, after.usage.threads),
        ("sockets", before.usage.sockets, after.usage.sockets),
        ("open files", before.usage.files, after.usage.files),
    ] {
        let most = before + POOLED_MORE;
        verdict.holds(name, format!("≤ {most} ({before} before)"), after, after <= most);
    }
    for (name, before, after) in [
        ("media transports", before.transports, after.transports),
        ("mirrors between workers", before.mirrors, after.mirrors),
    ] {
        verdict.holds(name, before, after, before == after);
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_behind_is_seen() {
        let usage = Usage { rss_bytes: 50 << 20, threads: 8, files: 40, sockets: 20, ..Usage::default() };
        let before = Look { usage, transports: 4.0, mirrors: 0.0 };
        assert!(judge(&before, &before).passed(true));
        let spoil: [fn(&mut Look); 5] = [
            |it| it.usage.rss_bytes += 9 << 20,
            |it| it.usage.threads += 9,
            |it| it.usage.sockets += 9,
            |it| it.usage.files += 9,
            |it| it.transports += 1.0,
        ];
        for spoil in spoil {
            let mut after = before;
            spoil(&mut after);
            assert!(!judge(&before, &after).passed(true), "{after:?}");
        }
    }
}
