//! One agent as the desk sees them.

use jiff::Timestamp;
use protocol::call::Availability;
use protocol::ids::CallId;

/// What an agent is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Duty {
    /// Nothing, since then.
    Free { idle_since: Timestamp },
    /// The console rings.
    Ringing { call: CallId, expires_at: Timestamp },
    /// Talking, since then.
    InCall { call: CallId, since: Timestamp },
    /// Writing outcome and notes; `since` is when the call was accepted.
    WrapUp { call: CallId, since: Timestamp },
}

#[derive(Debug)]
pub(super) struct Agent {
    /// The console has a connection.
    pub(super) connected: bool,
    /// The agent wants calls.
    pub(super) ready: bool,
    pub(super) duty: Duty,
    /// Kept while ringing: a ring that comes to nothing does not cost the agent their turn.
    idle_since: Timestamp,
    told: Availability,
}

impl Agent {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            connected: false,
            ready: false,
            duty: Duty::Free { idle_since: now },
            idle_since: now,
            told: Availability::Away,
        }
    }

    /// Starts counting idle time anew, if the agent is free.
    pub(super) fn begin_idle(&mut self, now: Timestamp) {
        if let Duty::Free { idle_since } = &mut self.duty {
            *idle_since = now;
        }
    }

    pub(super) fn ring(&mut self, call: CallId, expires_at: Timestamp) {
        if let Duty::Free { idle_since } = self.duty {
            self.idle_since = idle_since;
        }
        self.duty = Duty::Ringing { call, expires_at };
    }

    pub(super) fn end_ring(&mut self) {
        if matches!(self.duty, Duty::Ringing { .. }) {
            self.duty = Duty::Free { idle_since: self.idle_since };
        }
    }

    /// Since when the agent could have been rung; `None` when they cannot be.
    pub(super) fn idle_since(&self) -> Option<Timestamp> {
        match self.duty {
            Duty::Free { idle_since } if self.ready && self.connected => Some(idle_since),
            _ => None,
        }
    }

    pub(super) fn may_ring(&self) -> bool {
        self.idle_since().is_some()
    }

    pub(super) fn on_duty(&self) -> bool {
        match self.duty {
            Duty::Free { .. } => self.ready && self.connected,
            // Someone who left without wrapping up does not help anybody.
            Duty::WrapUp { .. } => self.connected,
            Duty::Ringing { .. } | Duty::InCall { .. } => true,
        }
    }

    pub(super) fn availability(&self) -> Availability {
        match self.duty {
            Duty::Free { .. } if self.ready => Availability::Available,
            Duty::Free { .. } => Availability::Away,
            _ => Availability::Busy,
        }
    }

    /// The availability, if it differs from what this method said last.
    pub(super) fn changed_availability(&mut self) -> Option<Availability> {
        let current = self.availability();
        (current != self.told).then(|| {
            self.told = current;
            current
        })
    }
}
