//! Pass marks and verdicts.

use std::fmt::{Display, Write};
use std::path::Path;

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Serialize;

use super::Drill;

/// What was wanted, and what came.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Mark {
    /// What it is about.
    pub name: String,
    /// What was wanted.
    pub wanted: String,
    /// What came.
    pub got: String,
    /// Whether that is as wanted.
    pub passed: bool,
    /// It is about how fast something is, which depends on the machine.
    pub timed: bool,
}

/// How a drill came out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Verdict {
    /// Its name.
    pub drill: String,
    /// All its marks.
    pub marks: Vec<Mark>,
    /// Figures without a mark.
    pub notes: Vec<String>,
}

impl Verdict {
    /// Without marks so far.
    pub fn of(drill: Drill) -> Self {
        let name = drill.to_possible_value().map(|it| it.get_name().to_owned());
        Self { drill: name.unwrap_or_default(), marks: Vec::new(), notes: Vec::new() }
    }

    /// Something has to be so.
    pub fn holds(&mut self, name: &str, wanted: impl Display, got: impl Display, passed: bool) {
        let (wanted, got) = (wanted.to_string(), got.to_string());
        self.marks.push(Mark { name: name.to_owned(), wanted, got, passed, timed: false });
    }

    /// A count has to be another one.
    pub fn equals(&mut self, name: &str, wanted: usize, got: usize) {
        self.holds(name, wanted, got, wanted == got);
    }

    /// Something takes no longer than that, milliseconds.
    pub fn within(&mut self, name: &str, most_ms: f64, got_ms: Option<f64>) {
        let got = got_ms.map_or("never".to_owned(), |it| format!("{it:.0} ms"));
        let passed = got_ms.is_some_and(|it| it <= most_ms);
        self.marks.push(Mark {
            name: name.to_owned(),
            wanted: format!("≤ {most_ms:.0} ms"),
            got,
            passed,
            timed: true,
        });
    }

    /// A share stays below another one.
    pub fn share(&mut self, name: &str, most: f64, got: f64) {
        let (wanted, got_text) = (format!("≤ {:.1} %", most * 100.0), format!("{:.2} %", got * 100.0));
        self.marks.push(Mark {
            name: name.to_owned(),
            wanted,
            got: got_text,
            passed: got <= most,
            timed: true,
        });
    }

    /// A figure worth reading.
    pub fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    /// Whether every mark was reached; `timed`: those about time, too.
    pub fn passed(&self, timed: bool) -> bool {
        self.marks.iter().all(|mark| mark.passed || (mark.timed && !timed))
    }

    /// The verdict as a table.
    pub fn table(&self) -> String {
        let word = if self.passed(true) { "PASSED" } else { "FAILED" };
        let mut text = format!("{}: {word}\n", self.drill);
        let width = self.marks.iter().map(|it| it.name.chars().count()).max().unwrap_or(0);
        for Mark { name, wanted, got, passed, .. } in &self.marks {
            let sign = if *passed { "ok  " } else { "MISS" };
            let _ = writeln!(text, "  {sign} {name:<width$}  wanted {wanted}, got {got}");
        }
        for note in &self.notes {
            let _ = writeln!(text, "       {note}");
        }
        text
    }
}

/// Writes `drills.json`: a list of verdicts.
pub fn save(verdicts: &[Verdict], dir: &Path) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    let path = dir.join("drills.json");
    std::fs::write(&path, serde_json::to_vec_pretty(verdicts)?).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_passes_when_all_its_marks_do_and_says_which_do_not() {
        let mut verdict = Verdict::of(Drill::ReloadStorm);
        verdict.equals("people back in their call", 4, 4);
        assert!(verdict.passed(true));
        verdict.within("back after", 3_000.0, Some(3_001.0));
        assert!(verdict.passed(false) && !verdict.passed(true), "a slow machine is no fault");
        verdict.share("frozen", 0.01, 0.02);
        verdict.holds("tickets", "all", "3 of 4", false);
        assert!(!verdict.passed(false));
        let table = verdict.table();
        assert!(table.starts_with("reload-storm: FAILED") && table.contains("MISS tickets"), "{table}");
        assert!(table.contains("wanted ≤ 1.0 %, got 2.00 %"), "{table}");
        verdict.within("never", 1.0, None);
        assert!(verdict.table().contains("got never"));
    }
}
