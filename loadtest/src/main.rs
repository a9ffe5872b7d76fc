//! `loadtest`: proves what an installation carries, on which networks, and how far it is from the floor.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand, ValueEnum};
use loadtest::drill::marks::Verdict;
use loadtest::network::{Command, Named, Proxy, ProxyConfig, Trace};
use loadtest::progress::Progress;
use loadtest::report::{self, Report, TracesReport, compare, goals};
use loadtest::{churn, drill, floor, rooms};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// Proves what an installation of Vitrine carries, on which networks, and how far it is from the floor.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Subcommand)]
enum Tool {
    /// Lets rooms of callers talk, and measures what they hear and see
    Rooms(rooms::options::Options),
    /// Measures what forwarding costs here with nothing but cryptography and system calls
    Floor(floor::Options),
    /// Lets callers talk over networks, and shows what became of each; or lists the networks that have a name
    Traces(Traces),
    /// Plays what a support floor fears (peak, surge, crash, deploy, store-outage, reload-storm) and says whether it passed
    Drill(drill::Options),
    /// Makes room after room, and looks whether the server is as it was before
    Churn(churn::Options),
    /// Shows two reports side by side
    Compare {
        /// A report: its folder or its report.json
        a: PathBuf,
        /// Another one
        b: PathBuf,
    },
    /// Plays a bad network between a client and a server
    Proxy {
        /// Name of a network (see `loadtest traces --list`) or path of a trace file
        #[arg(long)]
        trace: String,
        /// One seed, one run
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Where the client sends UDP to; port 0 takes a free one
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
        /// Where it goes on to
        #[arg(long)]
        to: SocketAddr,
        /// Where the client connects with TCP to
        #[arg(long, requires = "tcp_to")]
        tcp_listen: Option<SocketAddr>,
        /// Where that goes on to
        #[arg(long, requires = "tcp_listen")]
        tcp_to: Option<SocketAddr>,
        /// Takes commands on standard input (`begin`, `set both.rate_kbps = 300`, `rebind`, `report`), answers in JSON, and
        /// ends with it. The trace stays at its first moment until `begin`.
        #[arg(long)]
        control: bool,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Box::pin(run()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("loadtest: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    // Libraries that speak TLS ask for it; an error says that somebody was faster, with the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match Arguments::parse().tool {
        Tool::Rooms(options) => rooms(&options).await,
        Tool::Floor(options) => {
            let floor = floor::measure(&options)?;
            println!("{}", serde_json::to_string_pretty(&floor)?);
            Ok(())
        }
        Tool::Traces(options) if options.list => {
            for named in Named::all() {
                println!("{:<16} {}", named.name, named.trace().about);
            }
            Ok(())
        }
        Tool::Traces(options) => traces(&options).await,
        Tool::Drill(options) => drills(&options).await,
        Tool::Churn(options) => {
            let verdict = Box::pin(churn::run(&options, &Progress::new())).await?;
            print!("{}", verdict.table());
            judge(&[verdict], options.report.as_deref())
        }
        Tool::Compare { a, b } => {
            let names = (a.display().to_string(), b.display().to_string());
            print!("{}", compare::table((&names.0, &names.1), &Report::load(&a)?, &Report::load(&b)?));
            Ok(())
        }
        Tool::Proxy { trace, seed, listen, to, tcp_listen, tcp_to, control } => {
            let trace = Trace::load(&trace)?;
            let tcp = tcp_listen.zip(tcp_to);
            let config = ProxyConfig { trace, seed, listen, to, tcp, hold: control };
            let proxy = Proxy::start(config).await?;
            println!("{}", serde_json::json!({ "udp": proxy.udp, "tcp": proxy.tcp }));
            if control { obey(&proxy).await } else { until_stopped(proxy).await }
        }
    }
}

/// `loadtest traces`
#[derive(clap::Args, Clone, Debug)]
struct Traces {
    /// Only list the networks
    #[arg(long)]
    list: bool,
    /// Only these: names or trace files, with commas between them
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// How the rooms of each are; `--seconds` should be longer than the trace's steps
    #[command(flatten)]
    rooms: rooms::options::Options,
}

async fn rooms(options: &rooms::options::Options) -> Result<()> {
    let progress = Progress::new();
    let mut interrupts = signal(SignalKind::interrupt())?;
    let report = Box::pin(one_run(options, &progress, &mut interrupts)).await?;
    match &options.report {
        Some(dir) => {
            report.save(dir)?;
            print!("{}", summary(&report));
            println!("report: {}", dir.join("report.html").display());
        }
        None => println!("{}", serde_json::to_string_pretty(&report)?),
    }
    Ok(())
}

async fn one_run(
    options: &rooms::options::Options,
    progress: &Progress,
    interrupts: &mut Signal,
) -> Result<Report> {
    let floor = if options.no_floor {
        None
    } else {
        progress.show("measuring the floor");
        let workers = if options.pin { 1 } else { std::thread::available_parallelism()?.get().min(64) };
        let people = options.participants().div_ceil(workers).min(100) as u16;
        let (fan_out, workers) = (options.shape.fan_out() as u16, workers as u16);
        Some(floor::measure(&floor::Options { fan_out, workers, people, seconds: 3 })?)
    };
    let stop = async {
        interrupts.recv().await;
    };
    let outcome = Box::pin(rooms::run(options, progress, stop)).await?;
    Ok(Report::new(&outcome, floor, command()))
}

fn summary(report: &Report) -> String {
    let mut text = String::new();
    for line in goals::lines(report) {
        text += &line;
        text.push('\n');
    }
    for (kind, error) in &report.errors {
        let example = error.examples.first().map(String::as_str).unwrap_or_default();
        text += &format!("  {} × {kind}: {example}\n", error.count);
    }
    text
}

async fn traces(options: &Traces) -> Result<()> {
    let progress = Progress::new();
    let all = Named::all().iter().map(|named| named.name.to_owned());
    let names: Vec<String> = if options.only.is_empty() { all.collect() } else { options.only.clone() };
    // A name with a mistake in it is found before minutes have passed.
    names.iter().try_for_each(|name| Trace::load(name).map(drop))?;
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut runs = Vec::new();
    println!(
        "{:<18} {:>11} {:>9} {:>9} {:>8} {:>6} {:>8} {:>10} {:>7}",
        "network", "first p95", "delay p50", "p95", "frozen", "fps", "concealed", "MOS p5/p50", "errors"
    );
    for name in names {
        let rooms = rooms::options::Options { trace: Some(name), no_floor: true, ..options.rooms.clone() };
        let run = Box::pin(one_run(&rooms, &progress, &mut interrupts)).await?;
        println!("{}", trace_line(&run));
        let interrupted = run.interrupted;
        runs.push(run);
        if interrupted {
            break;
        }
    }
    if let Some(dir) = &options.rooms.report {
        TracesReport { version: report::VERSION, command: command(), runs }.save(dir)?;
        println!("report: {}", dir.join("report.html").display());
    }
    Ok(())
}

async fn drills(options: &drill::Options) -> Result<()> {
    let progress = Progress::new();
    let all = if options.drills.is_empty() { drill::Drill::value_variants() } else { &options.drills };
    let mut verdicts = Vec::new();
    for drill in all {
        let verdict = Box::pin(drill::play(*drill, options, &progress)).await?;
        print!("{}", verdict.table());
        verdicts.push(verdict);
    }
    judge(&verdicts, options.report.as_deref())
}

/// Saves verdicts; one that is not passed is a failure of the whole command.
fn judge(verdicts: &[Verdict], dir: Option<&Path>) -> Result<()> {
    if let Some(dir) = dir {
        drill::marks::save(verdicts, dir)?;
        println!("report: {}", dir.join("drills.json").display());
    }
    let missed = verdicts.iter().filter(|it| !it.passed(true)).count();
    ensure!(missed == 0, "{missed} of {} did not pass", verdicts.len());
    Ok(())
}

fn trace_line(run: &Report) -> String {
    let ms = |value: Option<f64>| value.map_or("–".to_owned(), |it| format!("{it:.0} ms"));
    let mos = |value: Option<f64>| value.map_or("–".to_owned(), |it| format!("{it:.1}"));
    let errors: u64 = run.errors.values().map(|it| it.count).sum();
    format!(
        "{:<18} {:>11} {:>9} {:>9} {:>7.1}% {:>6.1} {:>8.1}% {:>10} {errors:>7}",
        run.trace.as_deref().unwrap_or_default(),
        ms(run.accept_to_first_frame_ms.p95),
        ms(run.video_delay_ms.p50),
        ms(run.video_delay_ms.p95),
        run.freeze_ratio * 100.0,
        run.video.frames_per_second,
        run.audio_concealed_ratio * 100.0,
        format!("{}/{}", mos(run.audio_mos.p5), mos(run.audio_mos.p50)),
    )
}

/// The command line, for whoever wants to do it again.
fn command() -> String {
    let words = std::env::args().skip(1);
    std::iter::once("loadtest".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// Does what standard input says, until it ends.
async fn obey(proxy: &Proxy) -> Result<()> {
    let (lines, mut commands) = mpsc::channel(16);
    // Reading standard input blocks; the process ends with it, whatever this thread waits for.
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if lines.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = commands.recv().await {
        let answer = match line.parse::<Command>().and_then(|command| proxy.command(command)) {
            Ok(report) => serde_json::to_string(&report)?,
            Err(error) => serde_json::json!({ "error": format!("{error:#}") }).to_string(),
        };
        println!("{answer}");
    }
    Ok(())
}

async fn until_stopped(mut proxy: Proxy) -> Result<()> {
    tokio::select! {
        () = proxy.ended() => Ok(()),
        stopped = tokio::signal::ctrl_c() => stopped.context("waiting for the signal to stop"),
    }
}
