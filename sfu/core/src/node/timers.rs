//! One deadline a participant, ordered.

use std::collections::BTreeSet;
use std::time::Instant;

/// See the module. Each participant remembers its own entry (`armed`), so changing it needs no search.
#[derive(Debug, Default)]
pub(super) struct Timers(BTreeSet<(Instant, usize)>);

impl Timers {
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.first().map(|(at, _)| *at)
    }

    pub(super) fn arm(&mut self, key: usize, armed: &mut Option<Instant>, at: Instant) {
        if *armed != Some(at) {
            self.disarm(key, armed);
            self.0.insert((at, key));
            *armed = Some(at);
        }
    }

    pub(super) fn disarm(&mut self, key: usize, armed: &mut Option<Instant>) {
        if let Some(before) = armed.take() {
            self.0.remove(&(before, key));
        }
    }

    /// A participant whose deadline has come; its entry is gone.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<usize> {
        let (at, _) = self.0.first()?;
        if *at > now {
            return None;
        }
        self.0.pop_first().map(|(_, key)| key)
    }
}
