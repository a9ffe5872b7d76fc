//! `vitrine check`

use std::process::ExitCode;

use jiff::Timestamp;
use signaling::config::Loaded;
use signaling::config::check::{Verdict, check};

/// Prints every check.
pub(super) fn run(loaded: &Loaded) -> ExitCode {
    let findings = check(loaded, Timestamp::now());
    for finding in &findings {
        println!("{finding}");
    }
    match findings.iter().filter(|finding| finding.verdict == Verdict::Bad).count() {
        0 => ExitCode::SUCCESS,
        count => {
            println!("{count} wrong: `vitrine serve` would not start");
            ExitCode::FAILURE
        }
    }
}
