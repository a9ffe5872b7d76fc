//! The report as one page for people: no script, no request to anywhere.

use std::fmt::Write;

use super::goals::{Goal, Verdict, goals};
use super::svg::{Line, Plot, escape, number, waterfall};
use super::{Quantiles, Report, SecondReport, TracesReport};

/// Other programs that take more than this share of a core are worth a word.
const BUSY: f64 = 0.2;

const STYLE: &str = include_str!("page.css");

/// The page of one run.
pub(super) fn run(report: &Report) -> String {
    let mut body = headline(report);
    body += &verdict(&goals(report));
    body += &goals_table(&goals(report));
    if let Some(cores) = report.callers.other_cores.filter(|it| *it > BUSY) {
        let _ = write!(
            body,
            "<p class=\"soft\">Other programs kept {} cores of this machine busy meanwhile: delays are worse than they would be \
             without them.</p>",
            number(cores)
        );
    }
    body += &sections(report);
    document(&title(report), &body)
}

/// The page of runs over several networks.
pub(super) fn traces(report: &TracesReport) -> String {
    let mut body = "<h1>Calls over bad networks</h1>".to_owned();
    if let Some(first) = report.runs.first() {
        let _ = write!(
            body,
            "<p class=\"soft\">{} rooms each, {} s measured, {}. <code>{}</code></p>",
            first.rooms_wanted,
            number(first.measured_s),
            machine(first),
            escape(&report.command)
        );
    }
    body += "<p>One row a network: what the people behind it and those they talk to see and hear. Delay is from the camera to \
             the complete picture; a browser adds its jitter buffer to that.</p>";
    body += &traces_table(report);
    for run in &report.runs {
        let name = run.trace.as_deref().unwrap_or("no bad network");
        let _ = write!(body, "<details><summary>{}</summary>{}</details>", escape(name), sections(run));
    }
    document("Calls over bad networks", &body)
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{}</title>\
         <style>{STYLE}</style></head><body><main>{body}</main></body></html>\n",
        escape(title)
    )
}

fn title(report: &Report) -> String {
    format!("{} rooms for {} s", report.rooms, number(report.measured_s))
}

fn machine(report: &Report) -> String {
    let machine = &report.machine;
    escape(&format!("{} cores of {}, Linux {}", machine.cores, machine.processor, machine.kernel))
}

fn headline(report: &Report) -> String {
    let who = match report.shape.as_str() {
        "supervised" => "a buyer, an agent and a supervisor who listens in each",
        "four" => "a buyer, an agent, a supervisor who has joined and one who listens in each",
        _ => "a buyer and an agent in each",
    };
    let network = match &report.trace {
        Some(trace) => format!(", over the network <b>{}</b>", escape(trace)),
        None => String::new(),
    };
    let place = match &report.installation {
        Some(base) => escape(base),
        None => format!("a server of its own on this machine ({})", machine(report)),
    };
    let early = if report.interrupted { " The run was ended before its time." } else { "" };
    format!(
        "<h1>{}</h1><p>{} people, {who}{network}, on {place}.{early}</p>\
         <p class=\"soft\">{} · <code>{}</code></p>",
        title(report),
        report.participants,
        escape(&report.made_at),
        escape(&report.command)
    )
}

fn verdict(goals: &[Goal]) -> String {
    let missed: Vec<_> = goals.iter().filter(|it| it.verdict == Verdict::Missed).collect();
    if missed.is_empty() {
        return "<p class=\"verdict\">Everything that was measured is as it should be.</p>".to_owned();
    }
    let what: Vec<_> =
        missed.iter().map(|it| format!("{} ({}, good is {})", it.name, it.measured, it.good)).collect();
    let goals = if missed.len() == 1 {
        "One goal is missed".to_owned()
    } else {
        format!("{} goals are missed", missed.len())
    };
    format!("<p class=\"verdict bad\">{goals}: {}.</p>", escape(&what.join("; ")))
}

fn goals_table(goals: &[Goal]) -> String {
    let mut table = "<div class=\"scroll\"><table class=\"goals\"><thead><tr><th>Question</th><th class=\"n\">Measured</th>\
                     <th class=\"n\">Good is</th><th>So it is</th></tr></thead><tbody>"
        .to_owned();
    for goal in goals {
        let class = match goal.verdict {
            Verdict::Met => "met",
            Verdict::Missed => "missed",
            Verdict::Unknown => "soft",
        };
        let _ = write!(
            table,
            "<tr><td>{}<small>{}</small></td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"{class}\">{}</td></tr>",
            escape(goal.question),
            goal.key,
            escape(&goal.measured),
            escape(&goal.good),
            goal.verdict.word()
        );
    }
    table + "</tbody></table></div>"
}

fn sections(report: &Report) -> String {
    let mut body = String::new();
    body += "<h2>From “accept” to the first picture</h2><p>Everybody is connected before a call begins, so an accepted call \
             needs only the last two steps. Medians.</p>";
    body += &set_up(report);
    body += "<h2>Delay</h2><p>How much of all packets or pictures took at most so long.</p>";
    body += &delays(report);
    body += "<h2>Rooms and processor</h2><p>What the server takes while rooms come, stay and go. Callers have a process of \
             their own, which is not in the server's figures.</p>";
    body += &load(report);
    body += "<h2>Quality over time</h2><p>The shaded time is what the figures above are about.</p>";
    body += &quality(report);
    if !report.errors.is_empty() {
        body += "<h2>What went wrong</h2>";
        body += &errors(report);
    }
    body += "<details><summary>All figures</summary>";
    body += &figures(report);
    body + "</details>"
}

fn set_up(report: &Report) -> String {
    let it = &report.set_up_ms;
    let mut at = 0.0;
    let mut steps = Vec::new();
    for (name, step) in [
        ("Connect (WebSocket)", it.websocket.p50),
        ("Offer and answer", it.answer.p50),
        ("Find a way (ICE)", it.ice.p50),
        ("Agree on keys (DTLS)", it.dtls.p50),
    ] {
        if let Some(step) = step {
            steps.push((name, at, at + step));
            at += step;
        }
    }
    let begin = at;
    for (name, until) in
        [("Accept → first packet", it.first_packet.p50), ("Accept → first picture", it.first_frame.p50)]
    {
        if let Some(until) = until {
            steps.push((name, begin, begin + until));
        }
    }
    waterfall("Steps until the first picture", &steps, "ms")
}

fn delays(report: &Report) -> String {
    let curve = |name: &str, points: &[(f64, f64)]| Line {
        name: name.to_owned(),
        points: points.iter().map(|(ms, share)| (*ms, Some(share * 100.0))).collect(),
    };
    let it = &report.distributions;
    Plot {
        title: "Distribution of delays",
        x: "milliseconds or less",
        y: "% of all",
        lines: vec![
            curve("added by the server", &it.added_delay),
            curve("camera → picture", &it.video_delay),
            curve("microphone → arrival", &it.audio_delay),
        ],
        shaded: None,
        log_x: true,
        y_least: 100.0,
    }
    .draw()
}

/// A name and what it is in a second.
type Series<'a> = (&'a str, fn(&SecondReport) -> Option<f64>);

fn over_time(report: &Report, title: &str, y: &str, y_least: f64, lines: &[Series<'_>]) -> String {
    let seconds = &report.timeline;
    let measured: Vec<f64> = seconds.iter().filter(|it| it.measured).map(|it| it.at_s).collect();
    let lines = lines.iter().map(|(name, of)| Line {
        name: (*name).to_owned(),
        points: seconds.iter().map(|second| (second.at_s, of(second))).collect(),
    });
    Plot {
        title,
        x: "seconds",
        y,
        lines: lines.collect(),
        shaded: measured.first().copied().zip(measured.last().copied()),
        log_x: false,
        y_least,
    }
    .draw()
}

fn load(report: &Report) -> String {
    let mut all = over_time(
        report,
        "Rooms and processor over time",
        "rooms; % of a core",
        1.0,
        &[
            ("rooms", |it| Some(it.rooms as f64)),
            ("server, % of a core", |it| it.server_cores.map(|cores| cores * 100.0)),
            ("callers, % of a core", |it| Some(it.caller_cores * 100.0)),
            ("other programs, % of a core", |it| it.other_cores.map(|cores| cores * 100.0)),
        ],
    );
    let mut by_rooms: Vec<(f64, f64)> = report
        .timeline
        .iter()
        .filter_map(|it| Some((it.rooms as f64, it.server_cores? * 100.0)))
        .filter(|(rooms, _)| *rooms > 0.0)
        .collect();
    by_rooms.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut means: Vec<(f64, Option<f64>)> = Vec::new();
    for group in by_rooms.chunk_by(|a, b| a.0 == b.0) {
        let mean = group.iter().map(|(_, cpu)| cpu).sum::<f64>() / group.len() as f64;
        means.push((group[0].0, Some(mean)));
    }
    if means.len() > 2 {
        let line = Line { name: "server".to_owned(), points: means };
        all += &Plot {
            title: "Processor by number of rooms",
            x: "rooms",
            y: "% of a core",
            lines: vec![line],
            shaded: None,
            log_x: false,
            y_least: 1.0,
        }
        .draw();
    }
    all
}

fn quality(report: &Report) -> String {
    let mut all = over_time(
        report,
        "Delay over time",
        "ms",
        1.0,
        &[
            ("added by the server, p95", |it| it.added_p95_ms),
            ("camera → picture, p50", |it| it.video_delay_p50_ms),
            ("camera → picture, p95", |it| it.video_delay_p95_ms),
        ],
    );
    all += &over_time(
        report,
        "Frozen pictures and made-up sound over time",
        "%",
        5.0,
        &[
            ("pictures frozen", |it| Some(it.freeze_ratio * 100.0)),
            ("sound made up", |it| Some(it.concealed_ratio * 100.0)),
        ],
    );
    all
}

fn errors(report: &Report) -> String {
    let mut table =
        "<table><thead><tr><th>Kind</th><th class=\"n\">Count</th><th>For example</th></tr></thead><tbody>"
            .to_owned();
    for (kind, error) in &report.errors {
        let example = error.examples.first().map(String::as_str).unwrap_or_default();
        let _ = write!(
            table,
            "<tr><td><code>{}</code></td><td class=\"n\">{}</td><td>{}</td></tr>",
            escape(kind),
            error.count,
            escape(example)
        );
    }
    table + "</tbody></table>"
}

fn figures(report: &Report) -> String {
    let mut table = "<div class=\"scroll\"><table><thead><tr><th>Key</th><th class=\"n\">p50</th><th class=\"n\">p95</th>\
                     <th class=\"n\">p99</th><th class=\"n\">max</th></tr></thead><tbody>"
        .to_owned();
    let cell = |value: Option<f64>| value.map_or("–".to_owned(), number);
    for (key, it) in [
        ("added_delay_ms", &report.added_delay_ms),
        ("video_delay_ms", &report.video_delay_ms),
        ("audio_delay_ms", &report.audio_delay_ms),
        ("mouth_to_ear_ms", &report.mouth_to_ear_ms),
        ("accept_to_first_frame_ms", &report.accept_to_first_frame_ms),
        ("set_up_ms.websocket", &report.set_up_ms.websocket),
        ("set_up_ms.answer", &report.set_up_ms.answer),
        ("set_up_ms.ice", &report.set_up_ms.ice),
        ("set_up_ms.dtls", &report.set_up_ms.dtls),
        ("jitter_ms", &report.jitter_ms),
        ("recovery_ms", &report.recovery_ms),
    ] {
        let Quantiles { p50, p95, p99, max, .. } = *it;
        let _ = write!(
            table,
            "<tr><td><code>{key}</code></td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td></tr>",
            cell(p50),
            cell(p95),
            cell(p99),
            cell(max)
        );
    }
    table += "</tbody></table></div><div class=\"scroll\"><table><tbody>";
    let percent = |share: f64| format!("{} %", number(share * 100.0));
    let opt =
        |value: Option<f64>, unit: &str| value.map_or("–".to_owned(), |it| format!("{}{unit}", number(it)));
    let video = &report.video;
    for (key, value) in [
        ("server.cpu_ns_per_forwarded_packet", opt(report.server.cpu_ns_per_forwarded_packet, " ns")),
        (
            "floor.ns_per_forwarded_packet",
            opt(report.floor.as_ref().map(|it| it.ns_per_forwarded_packet), " ns"),
        ),
        ("server.cores", opt(report.server.cores, "")),
        ("server.forwarded_per_second", opt(report.server.forwarded_per_second, "")),
        ("server.rss_bytes", opt(report.server.rss_bytes.map(|it| it as f64 / 1e6), " MB")),
        (
            "server.rss_bytes_per_participant",
            opt(report.server.rss_bytes_per_participant.map(|it| it / 1e6), " MB"),
        ),
        ("callers.cores", number(report.callers.cores)),
        ("callers.cpu_ns_per_packet", opt(report.callers.cpu_ns_per_packet, " ns")),
        ("callers.other_cores", opt(report.callers.other_cores, "")),
        ("added_share_of_delay", report.added_share_of_delay.map_or("–".to_owned(), percent)),
        ("freeze_ratio", percent(report.freeze_ratio)),
        ("video.frames_per_second", number(video.frames_per_second)),
        ("video.shown / captured", format!("{} / {}", video.shown, video.captured)),
        ("video.layer_switches", video.layer_switches.to_string()),
        ("video.keyframe_requests", video.keyframe_requests.to_string()),
        ("audio_mos.p50", opt(report.audio_mos.p50, "")),
        ("audio_concealed_ratio", percent(report.audio_concealed_ratio)),
        ("packets.missing_ratio", percent(report.packets.missing_ratio)),
        ("packets.lost_ratio", percent(report.packets.lost_ratio)),
        ("packets.kbps_per_participant", number(report.packets.kbps_per_participant)),
    ] {
        let _ = write!(table, "<tr><td><code>{key}</code></td><td class=\"n\">{}</td></tr>", escape(&value));
    }
    table + "</tbody></table></div>"
}

fn traces_table(report: &TracesReport) -> String {
    let mut table =
        "<div class=\"scroll\"><table><thead><tr><th>Network</th><th class=\"n\">First picture p95</th>\
         <th class=\"n\">Delay p50 / p95</th><th class=\"n\">Frozen</th><th class=\"n\">Pictures/s</th>\
         <th class=\"n\">Sound made up</th><th class=\"n\">Voice p5 / p50</th><th class=\"n\">kbit/s</th>\
         <th class=\"n\">Longest stall</th><th class=\"n\">Errors</th></tr></thead><tbody>"
            .to_owned();
    let ms = |value: Option<f64>| value.map_or("–".to_owned(), |it| format!("{it:.0}"));
    for run in &report.runs {
        let errors: u64 = run.errors.values().map(|it| it.count).sum();
        let _ = write!(
            table,
            "<tr><td>{}</td><td class=\"n\">{} ms</td><td class=\"n\">{} / {} ms</td><td class=\"n\">{:.1} %</td>\
             <td class=\"n\">{:.1}</td><td class=\"n\">{:.1} %</td><td class=\"n\">{} / {}</td><td class=\"n\">{:.0}</td>\
             <td class=\"n\">{} ms</td><td class=\"n\">{errors}</td></tr>",
            escape(run.trace.as_deref().unwrap_or("none")),
            ms(run.accept_to_first_frame_ms.p95),
            ms(run.video_delay_ms.p50),
            ms(run.video_delay_ms.p95),
            run.freeze_ratio * 100.0,
            run.video.frames_per_second,
            run.audio_concealed_ratio * 100.0,
            run.audio_mos.p5.map_or("–".to_owned(), |it| format!("{it:.1}")),
            run.audio_mos.p50.map_or("–".to_owned(), |it| format!("{it:.1}")),
            run.packets.kbps_per_participant,
            ms(run.recovery_ms.max),
        );
    }
    table + "</tbody></table></div>"
}
