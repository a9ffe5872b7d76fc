//! Replays plans under a seed, or hunts for seeds that break one.

use std::process::ExitCode;

use clap::Parser;
use sfu_sim::plan::{Report, run};
use sfu_sim::plans;

/// Whole calls on virtual time over a seeded network.
#[derive(Parser)]
struct Arguments {
    /// The seed to replay.
    #[arg(long, default_value_t = plans::SEED)]
    seed: u64,
    /// Only plans whose name contains this.
    #[arg(long, default_value = "")]
    plan: String,
    /// Write down what happens.
    #[arg(long)]
    trace: bool,
    /// Try seeds from the given one on, until this many have been tried (0: for ever), and name those that fail.
    #[arg(long)]
    search: Option<u64>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let failed = match arguments.search {
        None => replay(&arguments),
        Some(count) => search(&arguments, count),
    };
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn replay(arguments: &Arguments) -> usize {
    let mut failed = 0;
    let open = plans::open().filter(|_| !arguments.plan.is_empty());
    for (name, plan) in plans::all().chain(open).filter(|(name, _)| name.contains(&arguments.plan)) {
        let begin = std::time::Instant::now();
        let report = run(plan(), arguments.seed, arguments.trace);
        let took = begin.elapsed().as_secs_f64();
        report.trace.iter().for_each(|line| println!("    {line}"));
        println!("{} {name}: {}", if report.passed() { "ok  " } else { "FAIL" }, report.plan);
        println!("       everything delivered: {:016x}, {took:.1} s", report.hash);
        report.held.iter().for_each(|line| println!("       {line}"));
        report.failed.iter().for_each(|line| println!("     ! {line}"));
        failed += usize::from(!report.passed());
    }
    println!("seed {}: {failed} failed", arguments.seed);
    failed
}

fn search(arguments: &Arguments, count: u64) -> usize {
    let mut failed = 0;
    let seeds = (arguments.seed..).take(if count == 0 { usize::MAX } else { count as usize });
    for seed in seeds {
        for (name, plan) in plans::all().filter(|(name, _)| name.contains(&arguments.plan)) {
            let Report { failed: wrong, .. } = run(plan(), seed, false);
            if !wrong.is_empty() {
                failed += 1;
                println!("make sim SEED={seed} PLAN={name}");
                wrong.iter().for_each(|line| println!("     ! {line}"));
            }
        }
        if seed % 10 == 0 {
            eprintln!("up to seed {seed}: {failed} failed");
        }
    }
    failed
}
