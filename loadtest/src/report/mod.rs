//! The report of a run: `report.json`, whose keys are stable, and a page for people.
//!
//! Keys are only ever added; a change of meaning would be another [`VERSION`]. `docs/performance.md` explains them. Figures
//! that a run could not find out (the CPU of somebody else's server) are `null`.

pub mod compare;
pub mod goals;
mod keys;
mod make;
mod page;
mod svg;

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

pub use keys::*;

/// Of the keys.
pub const VERSION: u32 = 1;

impl Report {
    /// Reads a report: the file, or the folder it is in.
    pub fn load(path: &Path) -> Result<Self> {
        let file = if path.is_dir() { path.join("report.json") } else { path.to_owned() };
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let report: Self =
            serde_json::from_str(&text).with_context(|| format!("{} is no report", file.display()))?;
        anyhow::ensure!(
            report.version == VERSION,
            "{}: version {} of reports, this program reads {VERSION}",
            file.display(),
            report.version
        );
        Ok(report)
    }

    /// Writes `report.json` and `report.html` into a folder.
    pub fn save(&self, dir: &Path) -> Result<()> {
        write(dir, "report.json", &(serde_json::to_string_pretty(self)? + "\n"))?;
        write(dir, "report.html", &page::run(self))
    }
}

/// Runs over several networks.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TracesReport {
    /// [`VERSION`]
    pub version: u32,
    /// The command line.
    pub command: String,
    /// One a network; `trace` names it.
    pub runs: Vec<Report>,
}

impl TracesReport {
    /// Writes `report.json` and `report.html` into a folder.
    pub fn save(&self, dir: &Path) -> Result<()> {
        write(dir, "report.json", &(serde_json::to_string_pretty(self)? + "\n"))?;
        write(dir, "report.html", &page::traces(self))
    }
}

fn write(dir: &Path, name: &str, text: &str) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    let path = dir.join(name);
    std::fs::write(&path, text).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_another_version_is_refused_by_name() {
        let dir = tempfile::tempdir().expect("a folder");
        let report = Report { version: VERSION + 1, ..Report::default() };
        report.save(dir.path()).expect("saved");
        let error = Report::load(dir.path()).expect_err("another version").to_string();
        assert!(error.contains("report.json") && error.contains("version 2"), "{error}");
        assert!(Report::load(Path::new("/nowhere")).is_err());
    }

    #[test]
    fn the_page_says_what_is_missed_and_escapes_what_came_from_outside() {
        let mut report = Report { rooms: 1, rooms_wanted: 2, command: "<b>".into(), ..Report::default() };
        let error = ErrorReport { count: 3, examples: vec!["<script>".into()] };
        report.errors.insert("buyer".into(), error);
        let page = page::run(&report);
        assert!(
            page.contains(
                "2 goals are missed: rooms (1 of 2, good is all); errors (3 errors, good is none)."
            )
        );
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script>") && !page.contains("<b>\""));
        let traces = TracesReport { version: VERSION, command: "<i>".into(), runs: vec![report] };
        assert!(page::traces(&traces).contains("&lt;i&gt;"));
    }
}
