//! `loadtest drill`: what a support floor fears, played against a server of its own, with pass marks and a verdict.
//!
//! | drill | what happens |
//! |---|---|
//! | `peak` | a sale: three times as many buyers as agents come in a wave |
//! | `surge` | complaints: eight buyers an agent at once, and half of them lose patience |
//! | `crash` | the server is killed during recorded calls, and started again |
//! | `deploy` | it is asked to end during recorded calls, and started again |
//! | `store-outage` | the database takes no writes for a while |
//! | `reload-storm` | every tab reloads at the same moment |
//!
//! A mark says what was wanted and what came. Marks about time are goals: they depend on the machine, so tests look at the
//! others only.

pub mod marks;
mod outage;
pub mod people;
mod restart;
pub mod stage;
mod storm;
mod waves;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::ValueEnum;
use tokio::task::JoinSet;

use self::marks::Verdict;
use self::stage::{Ledger, Stage};
use crate::installation::own::OwnServer;
use crate::measure::Measures;
use crate::progress::Progress;
use crate::rooms::options::CameraCodec;

/// What happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Drill {
    /// A sale: three times as many buyers as agents come in a wave
    Peak,
    /// Complaints: eight buyers an agent at once, half of whom lose patience
    Surge,
    /// The server is killed during recorded calls
    Crash,
    /// The server is asked to end during recorded calls, and a new one starts
    Deploy,
    /// The database takes no writes for a while
    StoreOutage,
    /// Every tab reloads at the same moment
    ReloadStorm,
}

/// How a drill is played.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// Which; all of them, one after the other, where none is named
    #[arg(value_enum)]
    pub drills: Vec<Drill>,
    /// Agents, and calls at the same time
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub rooms: u16,
    /// How long the calls, the wave or the outage last
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub seconds: u32,
    /// What cameras send
    #[arg(long, value_enum, default_value_t = CameraCodec::Vp8)]
    pub codec: CameraCodec,
    /// One seed, one order of events
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Folder for drills.json
    #[arg(long)]
    pub report: Option<PathBuf>,
}

impl Options {
    fn rooms(&self) -> usize {
        self.rooms.into()
    }

    fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }
}

/// Plays a drill.
pub async fn play(drill: Drill, options: &Options, progress: &Progress) -> Result<Verdict> {
    let (stage, server) = Stage::open(options.rooms(), options.codec.into(), options.seed, progress).await?;
    let mut people = JoinSet::new();
    stage.staff_arrives(&mut people, progress).await?;
    let mut cast = Cast { stage, server, people, options, progress };
    let mut verdict = Verdict::of(drill);
    let played = match drill {
        Drill::Peak => cast.peak(&mut verdict).await,
        Drill::Surge => cast.surge(&mut verdict).await,
        Drill::Crash => cast.restart(&mut verdict, true).await,
        Drill::Deploy => cast.restart(&mut verdict, false).await,
        Drill::StoreOutage => cast.store_outage(&mut verdict).await,
        Drill::ReloadStorm => cast.reload_storm(&mut verdict).await,
    };
    let log = cast.server.log_tail();
    progress.clear();
    played.with_context(|| format!("the server's last words:\n{log}"))?;
    Ok(verdict)
}

/// Everybody and everything a drill has.
struct Cast<'a> {
    stage: Arc<Stage>,
    server: OwnServer,
    people: JoinSet<()>,
    options: &'a Options,
    progress: &'a Progress,
}

impl Cast<'_> {
    /// Everybody goes home; gives what was measured and what happened.
    async fn close(&mut self) -> Result<(Measures, Ledger)> {
        self.stage.close(std::mem::take(&mut self.people), self.progress).await;
        let ledger = self.stage.ledger().clone();
        Ok((self.stage.engine.stop().await?, ledger))
    }

    /// Lets so much time pass, and says what for.
    async fn pass(&self, time: Duration, what: &str) {
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let talking = self.stage.talking();
            self.progress.show(&format!("{what}: {talking} calls, {} s left", left.as_secs()));
            tokio::time::sleep(left.min(Duration::from_millis(250))).await;
        }
    }
}
