//! What is told while something runs: one line that changes on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Where nobody watches a line change, this often a new one.
const EVERY: Duration = Duration::from_secs(5);

/// See the module. It writes to standard error, so that standard output stays the result's.
#[derive(Debug)]
pub struct Progress {
    terminal: bool,
    quiet: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    told: Option<Instant>,
    /// The line on the terminal has this many characters.
    shown: usize,
}

impl Progress {
    /// On standard error.
    pub fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal(), quiet: false, state: Mutex::default() }
    }

    /// Says nothing.
    pub fn silent() -> Self {
        Self { terminal: false, quiet: true, state: Mutex::default() }
    }

    /// How things stand.
    pub fn show(&self, text: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.quiet {
            return;
        }
        if self.terminal {
            let width = text.chars().count();
            eprint!("\r{text}{}", " ".repeat(state.shown.saturating_sub(width)));
            let _ = std::io::stderr().flush();
            state.shown = width;
        } else if state.told.is_none_or(|at| at.elapsed() >= EVERY) {
            state.told = Some(Instant::now());
            eprintln!("{text}");
        }
    }

    /// Something that stays to be read.
    pub fn say(&self, text: &str) {
        if self.quiet {
            return;
        }
        self.clear();
        eprintln!("{text}");
    }

    /// The changing line goes.
    pub fn clear(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.shown > 0 {
            eprint!("\r{}\r", " ".repeat(state.shown));
            state.shown = 0;
        }
        state.told = None;
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}
