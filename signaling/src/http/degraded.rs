//! What does not work although calls do. Pure: from the recorder's condition to words for whoever is woken by them.

use std::time::Duration;

use recorder::Condition;
use serde::Serialize;

/// An archive that refuses for less is a hiccup.
const ARCHIVE_PATIENCE: Duration = Duration::from_secs(10 * 60);
/// More recordings than this do not wait for a healthy archive.
const BACKLOG_MAX: u32 = 200;

/// Something that does not work.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Degraded {
    /// What programs call it; stays the same.
    pub(super) name: &'static str,
    /// How it is.
    pub(super) detail: String,
    /// What to do.
    pub(super) advice: &'static str,
}

/// Names of everything that can be degraded.
pub(super) const NAMES: [&str; 3] = [DISK, UNREACHABLE, BACKLOG];
const DISK: &str = "recordings_refused";
const UNREACHABLE: &str = "archive_unreachable";
const BACKLOG: &str = "archive_backlog";

/// What is degraded now, the gravest first.
pub(super) fn degraded(condition: &Condition) -> Vec<Degraded> {
    let mut found = Vec::new();
    if condition.is_full() {
        let free = condition.free.unwrap_or_default() / 1_000_000;
        let needed = condition.min_free / 1_000_000;
        found.push(Degraded {
            name: DISK,
            detail: format!(
                "{free} MB are free in data.dir and recording.min_free_mb asks for {needed}: calls go on, and no \
                 recording begins"
            ),
            advice: "free some space or give data.dir a larger disk; recordings begin again by themselves",
        });
    }
    let Some(archive) = &condition.archive else { return found };
    let (waiting, trouble) = (archive.waiting, archive.trouble.as_deref().unwrap_or("no answer"));
    match archive.failing_for {
        Some(time) if time >= ARCHIVE_PATIENCE => found.push(Degraded {
            name: UNREACHABLE,
            detail: format!(
                "recording.archive has taken nothing for {} minutes, {waiting} recordings wait on the local disk: {trouble}",
                time.as_secs() / 60
            ),
            advice: "see to the object store, its address and its keys; nothing is lost, and what waits is sent when it is back",
        }),
        _ if waiting > BACKLOG_MAX => found.push(Degraded {
            name: BACKLOG,
            detail: format!("{waiting} recordings wait for recording.archive"),
            advice: "the object store or the line to it is slower than calls are recorded; watch the free space of data.dir",
        }),
        _ => {}
    }
    found
}

#[cfg(test)]
mod tests {
    use recorder::ArchiveCondition;

    use super::*;

    fn names(condition: &Condition) -> Vec<&'static str> {
        degraded(condition).iter().map(|one| one.name).collect()
    }

    fn archive(waiting: u32, failing_min: Option<u64>) -> Option<ArchiveCondition> {
        let failing_for = failing_min.map(|minutes| Duration::from_secs(60 * minutes));
        Some(ArchiveCondition { waiting, failing_for, trouble: Some("connection refused".into()) })
    }

    #[test]
    fn only_what_lasts_and_only_what_somebody_can_do_something_about_is_named() {
        let well =
            Condition { free: Some(2_000_000_000), min_free: 1_000_000_000, archive: archive(3, Some(9)) };
        assert_eq!(names(&well), [""; 0], "a hiccup");
        assert_eq!(
            names(&Condition { free: None, ..well.clone() }),
            [""; 0],
            "who does not know does not alarm"
        );
        let full = Condition { free: Some(999_999_999), ..well.clone() };
        assert_eq!(names(&full), [DISK]);
        assert!(degraded(&full)[0].detail.starts_with("999 MB are free"), "{full:?}");
        assert_eq!(names(&Condition { archive: archive(3, Some(10)), ..full }), [DISK, UNREACHABLE]);
        assert_eq!(names(&Condition { archive: archive(201, None), ..well.clone() }), [BACKLOG]);
        let away = Condition { archive: archive(201, Some(75)), ..well };
        assert_eq!(names(&away), [UNREACHABLE], "the backlog is its consequence");
        let detail = &degraded(&away)[0].detail;
        assert!(detail.contains("75 minutes") && detail.contains("connection refused"), "{detail}");
    }

    #[test]
    fn the_readme_lists_every_name() {
        let readme = include_str!("../../../README.md");
        for name in NAMES {
            assert!(readme.contains(&format!("`{name}`")), "{name} is not in the README");
        }
    }
}
