//! What may be done about a dispute, and when.
//!
//! ```text
//!          open ──accept──▶ accepted   (the score gets a revision)
//!  (agent)  │ ├───reject──▶ rejected   (the score stays, with a reason)
//!           └─withdraw────▶ withdrawn  (the agent took it back)
//! ```
//!
//! The agent may object to a revision of a score once it is submitted, for [`WINDOW_DAYS`]. A rejected objection is final
//! for that revision; a withdrawn one may be raised again in time; a correction begins a new window. An answer is due
//! after [`ANSWER_DAYS`]: later it is overdue and stands first in everybody's list, but time alone decides nothing.

use jiff::{SignedDuration, Timestamp};
use protocol::ids::UserId;
use protocol::review::DisputeState;

/// How long an agent may object to a revision, days.
pub const WINDOW_DAYS: i64 = 14;
/// When an answer is due, days.
pub const ANSWER_DAYS: i64 = 7;

/// What somebody does about an open dispute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The agent is right: the score is corrected.
    Accept,
    /// The score stays.
    Reject,
    /// The agent takes it back.
    Withdraw,
}

/// Who does something, in relation to the review.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Who {
    /// Who.
    pub user: UserId,
    /// Whose call it was.
    pub agent: UserId,
    /// Who gave the score.
    pub reviewer: UserId,
    /// Whether their role decides about disputes of others' scores.
    pub decides: bool,
}

impl Who {
    /// Whether they may answer a dispute: who gave the score, or somebody whose role it is. Never the agent.
    pub fn may_answer(&self) -> bool {
        self.user != self.agent && (self.user == self.reviewer || self.decides)
    }
}

/// Why something cannot be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DisputeError {
    /// Not their call.
    #[error("only the agent whose call it was may do this")]
    NotTheAgent,
    /// Not their decision.
    #[error(
        "whoever gave the score, a supervisor or an admin decides, but never the agent whose call it was"
    )]
    NotTheirs,
    /// Decided or taken back already.
    #[error("the dispute is closed already")]
    Closed,
    /// One is open.
    #[error("a dispute is open already")]
    OpenAlready,
    /// A rejection is final.
    #[error("a dispute of this score was rejected, which is final")]
    Final,
    /// Too late.
    #[error("scores can be disputed for {WINDOW_DAYS} days, which are over")]
    TooLate,
}

/// Where a dispute stands after a step.
pub fn step(state: DisputeState, step: Step, who: Who) -> Result<DisputeState, DisputeError> {
    match step {
        Step::Withdraw if who.user != who.agent => return Err(DisputeError::NotTheAgent),
        Step::Accept | Step::Reject if !who.may_answer() => return Err(DisputeError::NotTheirs),
        Step::Accept | Step::Reject | Step::Withdraw => {}
    }
    if state != DisputeState::Open {
        return Err(DisputeError::Closed);
    }
    Ok(match step {
        Step::Accept => DisputeState::Accepted,
        Step::Reject => DisputeState::Rejected,
        Step::Withdraw => DisputeState::Withdrawn,
    })
}

/// Until when a revision of this time can be disputed.
pub fn window_end(revised_at: Timestamp) -> Timestamp {
    later(revised_at, WINDOW_DAYS)
}

/// When the answer to a dispute of this time is due.
pub fn due(disputed_at: Timestamp) -> Timestamp {
    later(disputed_at, ANSWER_DAYS)
}

/// Whether the agent may dispute the newest revision. `earlier`: the disputes of that revision there were.
pub fn may_open(
    who: Who,
    revised_at: Timestamp,
    earlier: &[DisputeState],
    now: Timestamp,
) -> Result<(), DisputeError> {
    if who.user != who.agent {
        return Err(DisputeError::NotTheAgent);
    }
    if earlier.contains(&DisputeState::Open) {
        return Err(DisputeError::OpenAlready);
    }
    if earlier.contains(&DisputeState::Rejected) {
        return Err(DisputeError::Final);
    }
    if now > window_end(revised_at) {
        return Err(DisputeError::TooLate);
    }
    Ok(())
}

fn later(at: Timestamp, days: i64) -> Timestamp {
    at.saturating_add(SignedDuration::from_hours(24 * days)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use DisputeState::{Accepted, Open, Rejected, Withdrawn};

    use super::*;

    fn who(user: usize) -> Who {
        let [agent, reviewer, supervisor, other] = [1, 2, 3, 4].map(|n| UserId(uuid::Uuid::from_u128(n)));
        let user = [agent, reviewer, supervisor, other][user];
        Who { user, agent, reviewer, decides: user == supervisor }
    }
    const AGENT: usize = 0;
    const REVIEWER: usize = 1;
    const SUPERVISOR: usize = 2;
    const OTHER: usize = 3;

    #[test]
    fn an_open_dispute_is_answered_by_the_reviewer_or_a_supervisor_and_withdrawn_by_the_agent() {
        for by in [REVIEWER, SUPERVISOR] {
            assert_eq!(step(Open, Step::Accept, who(by)), Ok(Accepted));
            assert_eq!(step(Open, Step::Reject, who(by)), Ok(Rejected));
            assert_eq!(step(Open, Step::Withdraw, who(by)), Err(DisputeError::NotTheAgent));
        }
        assert_eq!(step(Open, Step::Withdraw, who(AGENT)), Ok(Withdrawn));
        for by in [AGENT, OTHER] {
            assert_eq!(step(Open, Step::Accept, who(by)), Err(DisputeError::NotTheirs));
        }
    }

    #[test]
    fn nobody_decides_about_a_dispute_of_their_own_call() {
        let own = Who { decides: true, ..who(AGENT) };
        assert_eq!(step(Open, Step::Accept, own), Err(DisputeError::NotTheirs));
    }

    #[test]
    fn what_is_closed_stays_closed() {
        for state in [Accepted, Rejected, Withdrawn] {
            for (way, by) in [(Step::Accept, REVIEWER), (Step::Reject, SUPERVISOR), (Step::Withdraw, AGENT)] {
                assert_eq!(step(state, way, who(by)), Err(DisputeError::Closed));
            }
        }
    }

    #[test]
    fn a_revision_can_be_disputed_once_and_in_time() {
        let at: Timestamp = "2026-11-21T20:00:00Z".parse().unwrap();
        let day = |n: i64| at + SignedDuration::from_hours(24 * n);
        assert_eq!(may_open(who(AGENT), at, &[], day(14)), Ok(()));
        assert_eq!(
            may_open(who(AGENT), at, &[], day(14) + SignedDuration::from_secs(1)),
            Err(DisputeError::TooLate)
        );
        assert_eq!(may_open(who(AGENT), at, &[Withdrawn], day(1)), Ok(()));
        assert_eq!(may_open(who(AGENT), at, &[Withdrawn, Open], day(1)), Err(DisputeError::OpenAlready));
        assert_eq!(may_open(who(AGENT), at, &[Rejected], day(1)), Err(DisputeError::Final));
        assert_eq!(may_open(who(REVIEWER), at, &[], day(1)), Err(DisputeError::NotTheAgent));
    }
}
