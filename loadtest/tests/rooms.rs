//! Small runs of rooms against a `vitrine` of their own: is everything there, and does each figure see what it is about?
//!
//! Nothing here asks how fast anything is. The server must have been built (`cargo build -p signaling`, or the whole
//! workspace, as CI does).

use clap::Parser;
use loadtest::progress::Progress;
use loadtest::report::Report;
use loadtest::rooms::{self, options::Options};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

async fn run(line: &str) -> Report {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let words = std::iter::once("rooms").chain(line.split_whitespace());
    let Line { options } = Line::parse_from(words);
    let outcome = Box::pin(rooms::run(&options, &Progress::silent(), std::future::pending())).await;
    Report::new(&outcome.expect("a run"), None, line.to_owned())
}

fn is_clean(report: &Report) {
    assert_eq!(report.errors.len(), 0, "{:?}", report.errors);
    assert_eq!((report.rooms, report.packets.undecryptable), (report.rooms_wanted, 0));
}

#[tokio::test]
async fn two_rooms_of_two_see_and_hear_each_other_and_the_report_has_every_key() {
    let report = run("--rooms 2 --seconds 3 --settle 1 --record").await;
    is_clean(&report);
    assert_eq!((report.rooms, report.participants), (2, 4));
    assert_eq!(report.accept_to_first_frame_ms.count, 4, "both sides of both rooms");
    assert!(report.video.shown > 0 && report.audio_delay_ms.count > 0);
    assert_eq!(report.video.broken, 0, "nothing is lost on this network");
    let json = serde_json::to_value(&report).expect("JSON");
    for key in [
        "/rooms",
        "/participants",
        "/server/cpu_ns_per_forwarded_packet",
        "/floor",
        "/ratio",
        "/added_delay_ms/p50",
        "/added_delay_ms/p95",
        "/added_delay_ms/p99",
        "/accept_to_first_frame_ms/p50",
        "/accept_to_first_frame_ms/p95",
        "/freeze_ratio",
        "/audio_mos/p5",
        "/audio_mos/p50",
        "/server/rss_bytes_per_participant",
        "/rooms_per_core_at_70pct",
        "/errors",
    ] {
        assert!(json.pointer(key).is_some(), "{key} is missing");
    }
    assert!(report.server.cpu_ns_per_forwarded_packet.is_some_and(|it| it > 0.0));
    let dir = tempfile::tempdir().expect("a folder");
    report.save(dir.path()).expect("saved");
    let read = Report::load(dir.path()).expect("read");
    assert_eq!((read.rooms, read.video.shown), (2, report.video.shown));
    let page = std::fs::read_to_string(dir.path().join("report.html")).expect("a page");
    assert!(page.contains("<svg") && !page.contains("http://") && !page.contains("<script"));
}

#[tokio::test]
async fn supervisors_listen_and_join() {
    let report = run("--rooms 1 --seconds 2 --settle 1 --shape supervised --codec h264").await;
    is_clean(&report);
    assert_eq!(report.participants, 3);
    let report = run("--rooms 1 --seconds 2 --settle 1 --shape four").await;
    is_clean(&report);
    assert_eq!(report.participants, 4);
}

#[tokio::test]
async fn a_slow_server_is_seen_in_the_delay_it_adds() {
    let report = run("--rooms 1 --seconds 2 --settle 1 --handicap-ms 70").await;
    is_clean(&report);
    assert!(report.added_delay_ms.p50.is_some_and(|it| it >= 69.0), "{:?}", report.added_delay_ms);
    assert!(report.video_delay_ms.p50.is_some_and(|it| it >= 69.0), "{:?}", report.video_delay_ms);
}

#[tokio::test]
async fn losses_of_a_network_are_seen_by_those_behind_it() {
    let report = run("--rooms 1 --seconds 4 --settle 1 --trace wifi-lossy --behind everybody").await;
    is_clean(&report);
    assert!(report.network.is_some_and(|it| it.lost > 0), "{:?}", report.network);
    assert!(report.packets.missing_ratio > 0.0 && report.packets.nacks > 0, "{:?}", report.packets);
}

#[tokio::test]
async fn where_udp_is_blocked_people_talk_over_tcp() {
    let report = run("--rooms 1 --seconds 2 --settle 1 --trace udp-blocked --behind everybody").await;
    is_clean(&report);
    assert!(report.video.shown > 0 && report.audio_delay_ms.count > 0, "{:?}", report.video);
    // What was lost before anybody talked is not counted; what passes now is the connections' segments.
    assert!(report.network.is_some_and(|it| it.packets > 0), "{:?}", report.network);
}
