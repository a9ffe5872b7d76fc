//! What a good run looks like, and how this one compares.

use super::Report;
use super::svg::number;

/// How a figure compares with its goal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is met.
    Met,
    /// It is missed.
    Missed,
    /// There is nothing to compare.
    Unknown,
}

impl Verdict {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Met => "good",
            Verdict::Missed => "missed",
            Verdict::Unknown => "–",
        }
    }
}

/// A figure with its goal.
#[derive(Clone, PartialEq, Debug)]
pub struct Goal {
    /// What it is about, in a word or two.
    pub name: &'static str,
    /// For people who run a shop.
    pub question: &'static str,
    /// For people who run the server: its key in `report.json`.
    pub key: &'static str,
    /// What was measured.
    pub measured: String,
    /// What is good.
    pub good: String,
    /// How they compare.
    pub verdict: Verdict,
}

fn at_most(
    (name, question): (&'static str, &'static str),
    key: &'static str,
    value: Option<f64>,
    limit: f64,
    factor: f64,
    unit: &str,
) -> Goal {
    let shown = |value: f64| format!("{}{unit}", number(value * factor));
    Goal {
        name,
        question,
        key,
        measured: value.map_or("–".to_owned(), shown),
        good: format!("≤ {}", shown(limit)),
        verdict: match value {
            Some(value) if value <= limit => Verdict::Met,
            Some(_) => Verdict::Missed,
            None => Verdict::Unknown,
        },
    }
}

/// Every goal of a run. On a bad network those about the picture are what people can expect at best there, not promises.
pub fn goals(report: &Report) -> Vec<Goal> {
    let first = &report.accept_to_first_frame_ms;
    let rooms = (report.rooms, report.rooms_wanted);
    let errors: u64 = report.errors.values().map(|it| it.count).sum();
    let mos = report.audio_mos.p5;
    let watched = report.video.watched_s > 0.0;
    vec![
        Goal {
            name: "rooms",
            question: "Did every room come together?",
            key: "rooms",
            measured: format!("{} of {}", rooms.0, rooms.1),
            good: "all".to_owned(),
            verdict: if rooms.0 >= rooms.1 { Verdict::Met } else { Verdict::Missed },
        },
        Goal {
            name: "errors",
            question: "Did anything fail?",
            key: "errors",
            measured: format!("{errors} errors"),
            good: "none".to_owned(),
            verdict: if errors == 0 { Verdict::Met } else { Verdict::Missed },
        },
        at_most(
            ("first picture", "How long until they see each other, usually?"),
            "accept_to_first_frame_ms.p50",
            first.p50,
            600.0,
            1.0,
            " ms",
        ),
        at_most(
            ("first picture, worst of twenty", "… and in the worst of twenty calls?"),
            "accept_to_first_frame_ms.p95",
            first.p95,
            1_500.0,
            1.0,
            " ms",
        ),
        at_most(
            ("added delay", "How much delay does the server add, 99 of 100 packets?"),
            "added_delay_ms.p99",
            report.added_delay_ms.p99,
            1.0,
            1.0,
            " ms",
        ),
        at_most(
            ("frozen pictures", "How long did pictures stand still?"),
            "freeze_ratio",
            watched.then_some(report.freeze_ratio),
            0.01,
            100.0,
            " % of the time",
        ),
        Goal {
            name: "voices",
            question: "How good would voices be judged (estimate, 1 to 4.5), the worst of twenty?",
            key: "audio_mos.p5",
            measured: mos.map_or("–".to_owned(), number),
            good: "≥ 4".to_owned(),
            verdict: match mos {
                Some(mos) if mos >= 4.0 => Verdict::Met,
                Some(_) => Verdict::Missed,
                None => Verdict::Unknown,
            },
        },
        at_most(
            ("cost", "How far is the server from what is possible on this machine?"),
            "ratio",
            report.ratio,
            1.3,
            1.0,
            " × the floor",
        ),
        Goal {
            name: "rooms a core",
            question: "How many such rooms does a core carry, busy to 70 %?",
            key: "rooms_per_core_at_70pct",
            measured: report.rooms_per_core_at_70pct.map_or("–".to_owned(), number),
            good: if report.shape == "pair" { "≥ 175".to_owned() } else { "–".to_owned() },
            verdict: match report.rooms_per_core_at_70pct {
                // 250 rooms a full core, the aim for rooms of two.
                Some(rooms) if report.shape == "pair" && rooms >= 175.0 => Verdict::Met,
                Some(_) if report.shape == "pair" => Verdict::Missed,
                _ => Verdict::Unknown,
            },
        },
    ]
}

/// The goals as lines of text.
pub fn lines(report: &Report) -> Vec<String> {
    let lines = goals(report)
        .into_iter()
        .map(|it| format!("{:<72} {:>18}   {:<14} {}", it.question, it.measured, it.good, it.verdict.word()));
    lines.collect()
}
