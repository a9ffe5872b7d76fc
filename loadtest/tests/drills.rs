//! Small drills against a `vitrine` of their own. Marks about time are left out: they depend on the machine.
//!
//! The server must have been built (`cargo build -p signaling`, or the whole workspace, as CI does).

use clap::{Parser, ValueEnum};
use loadtest::churn;
use loadtest::drill::marks::Verdict;
use loadtest::drill::{self, Drill};
use loadtest::progress::Progress;

#[derive(Parser)]
struct DrillLine {
    #[command(flatten)]
    options: drill::Options,
}

#[derive(Parser)]
struct ChurnLine {
    #[command(flatten)]
    options: churn::Options,
}

async fn passes(name: &str, line: &str) -> Verdict {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let drill = Drill::from_str(name, true).expect("a drill");
    let DrillLine { options } = DrillLine::parse_from(["drill"].into_iter().chain(line.split_whitespace()));
    let verdict = Box::pin(drill::play(drill, &options, &Progress::silent())).await.expect("played");
    assert!(verdict.passed(false), "{}", verdict.table());
    assert!(!verdict.marks.is_empty());
    verdict
}

/// Where ffmpeg is installed, as it is in CI, recorded pictures were decoded.
fn decoded(verdict: &Verdict) {
    let mark = verdict.marks.iter().find(|it| it.name.contains("decode"));
    assert!(mark.is_some_and(|it| it.got == "4"), "{}", verdict.table());
}

#[tokio::test]
async fn a_sale_serves_everybody_in_order() {
    passes("peak", "--rooms 2 --seconds 4").await;
}

#[tokio::test]
async fn complaints_at_once_are_told_their_place_and_answered_or_let_go() {
    passes("surge", "--rooms 1 --seconds 1").await;
}

#[tokio::test]
async fn a_killed_server_loses_no_ticket_and_two_seconds_of_recording_at_most() {
    decoded(&passes("crash", "--rooms 2 --seconds 4").await);
}

#[tokio::test]
async fn a_server_that_is_asked_to_end_does_so_in_order() {
    decoded(&passes("deploy", "--rooms 2 --seconds 3 --codec h264").await);
}

#[tokio::test]
async fn calls_do_not_notice_that_the_store_takes_no_writes() {
    passes("store-outage", "--rooms 2 --seconds 8").await;
}

#[tokio::test]
async fn after_every_tab_reloaded_everybody_is_in_the_same_call() {
    passes("reload-storm", "--rooms 2 --seconds 4").await;
}

#[tokio::test]
async fn rooms_that_come_and_go_leave_nothing_behind() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ChurnLine { options } =
        ChurnLine::parse_from(["churn", "--cycles", "12", "--warm-up", "6", "--rooms", "2"]);
    let verdict = Box::pin(churn::run(&options, &Progress::silent())).await.expect("made");
    // So few calls do not tell growth from pools that fill.
    let others: Vec<_> = verdict.marks.iter().filter(|it| it.name != "memory" && !it.passed).collect();
    assert!(others.is_empty(), "{}", verdict.table());
}
