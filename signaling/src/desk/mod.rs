//! The desk: who waits, who is free, and whose console rings.
//!
//! Pure logic: events go in through methods, [`Decision`]s come out, `now` is an argument. The desk knows nothing
//! of sockets, media or the store; the floor tells it what happened and carries out what it decides.
//!
//! The rules, in the order they are applied:
//!
//! 1. The buyer who has waited longest is served first. A place in line is kept through rings that nobody answers:
//!    whoever was ahead is ahead again.
//! 2. Of the agents who may take the call, the one who has been idle longest is rung.
//! 3. A ring that is not answered in time (RONA, redirection on no answer) sets the agent to away.
//! 4. An agent who declined is not rung for the same call again for a while; a short while if nobody else is on duty.
//! 5. A buyer whose connection is gone keeps the place but rings nobody until they are back.
//!
//! There is one line. Several queues mean several lines over the same agents; matching (`Desk::matched`) is the one
//! place that would choose between them.

mod agent;
mod wait;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod stories;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use protocol::call::{Availability, QueuePlace, RingEnd};
use protocol::ids::{CallId, UserId};

use agent::{Agent, Duty};
use wait::HandlingTimes;

/// Times the desk works with.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long one console rings before the call goes to the next agent.
    pub ring_time: Duration,
    /// How long an agent who declined a call is not rung for it while others are on duty.
    pub decline_rest: Duration,
    /// The same when nobody else is on duty.
    pub decline_rest_alone: Duration,
}

impl Default for Settings {
    /// 20 s of ringing is about four rings of a telephone: long enough to put down a cup, short enough that the
    /// buyer does not notice one missed agent. A decline holds for 2 min; someone working alone gets 15 s.
    fn default() -> Self {
        Self {
            ring_time: Duration::from_secs(20),
            decline_rest: Duration::from_secs(120),
            decline_rest_alone: Duration::from_secs(15),
        }
    }
}

/// What the desk wants done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Ring this agent's console.
    Ring {
        /// For which call.
        call: CallId,
        /// Whose.
        agent: UserId,
        /// When the ring goes elsewhere.
        expires_at: Timestamp,
        /// Why this call and this agent, for the log.
        why: String,
    },
    /// Stop ringing. Unless the reason is [`RingEnd::Accepted`] or [`RingEnd::BuyerLeft`], the call is back in line.
    RingEnded {
        /// Which call.
        call: CallId,
        /// Whose console.
        agent: UserId,
        /// Why.
        reason: RingEnd,
    },
    /// The agent took the call: connect them.
    Connect {
        /// Which call.
        call: CallId,
        /// Who took it.
        agent: UserId,
    },
    /// The agent's availability changed.
    Availability {
        /// Whose.
        agent: UserId,
        /// To what.
        availability: Availability,
    },
}

/// Where a call enters the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// Behind everybody.
    Back,
    /// Before everybody: the buyer was in a call that broke through no fault of theirs.
    Front,
}

/// An answer to a ring that is not going on at this agent's console (any more).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the call is not ringing at this agent")]
pub struct NotRinging;

/// A buyer in line or being offered to an agent.
#[derive(Debug)]
struct Caller {
    place: i64,
    since: Timestamp,
    present: bool,
    ringing: Option<UserId>,
    declined: BTreeMap<UserId, Timestamp>,
}

/// See the [module](self).
#[derive(Debug)]
pub struct Desk {
    settings: Settings,
    agents: BTreeMap<UserId, Agent>,
    callers: BTreeMap<CallId, Caller>,
    /// Waiting calls by place; a ringing call is not in it.
    line: BTreeMap<i64, CallId>,
    next_place: i64,
    front_place: i64,
    handling: HandlingTimes,
}

impl Desk {
    /// An empty desk.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            agents: BTreeMap::new(),
            callers: BTreeMap::new(),
            line: BTreeMap::new(),
            next_place: 1,
            front_place: 0,
            handling: HandlingTimes::default(),
        }
    }

    /// An agent's console is connected. Somebody new starts as away.
    pub fn agent_online(&mut self, agent: UserId, now: Timestamp) -> Vec<Decision> {
        self.agents.entry(agent).or_insert_with(|| Agent::new(now)).connected = true;
        self.settle(now, Vec::new())
    }

    /// The console's connection is gone and may come back: it cannot ring, but keeps what the agent chose.
    pub fn agent_lost(&mut self, agent: UserId, now: Timestamp) -> Vec<Decision> {
        let mut out = Vec::new();
        if let Some(known) = self.agents.get_mut(&agent) {
            known.connected = false;
            self.stop_ring_at(agent, RingEnd::Declined, now, &mut out);
        }
        self.settle(now, out)
    }

    /// The agent left for good. One who still owes a wrap-up stays known, and busy, until it is written.
    pub fn agent_offline(&mut self, agent: UserId, now: Timestamp) -> Vec<Decision> {
        let mut out = Vec::new();
        if let Some(known) = self.agents.get_mut(&agent) {
            known.connected = false;
            known.ready = false;
            self.stop_ring_at(agent, RingEnd::Declined, now, &mut out);
            if self.agents.get(&agent).is_some_and(|a| matches!(a.duty, Duty::Free { .. })) {
                self.agents.remove(&agent);
            }
        }
        self.settle(now, out)
    }

    /// The agent chose whether calls may ring. During a call and its wrap-up this takes effect afterwards.
    pub fn set_ready(&mut self, agent: UserId, ready: bool, now: Timestamp) -> Vec<Decision> {
        let mut out = Vec::new();
        if let Some(known) = self.agents.get_mut(&agent) {
            if ready && !known.ready {
                known.begin_idle(now);
            }
            known.ready = ready;
            if !ready {
                self.stop_ring_at(agent, RingEnd::Declined, now, &mut out);
            }
        }
        self.settle(now, out)
    }

    /// A buyer asks for help. A call that is already known keeps its place.
    pub fn join(&mut self, call: CallId, entry: Entry, now: Timestamp) -> Vec<Decision> {
        if self.callers.contains_key(&call) {
            return Vec::new();
        }
        let place = match entry {
            Entry::Back => {
                self.next_place += 1;
                self.next_place
            }
            Entry::Front => {
                self.front_place -= 1;
                self.front_place
            }
        };
        let caller = Caller { place, since: now, present: true, ringing: None, declined: BTreeMap::new() };
        self.callers.insert(call, caller);
        self.line.insert(place, call);
        self.settle(now, Vec::new())
    }

    /// The buyer left the line; a ring for them stops.
    pub fn leave(&mut self, call: CallId, now: Timestamp) -> Vec<Decision> {
        let mut out = Vec::new();
        if let Some(caller) = self.callers.remove(&call) {
            self.line.remove(&caller.place);
            if let Some(agent) = caller.ringing {
                self.free(agent);
                out.push(Decision::RingEnded { call, agent, reason: RingEnd::BuyerLeft });
            }
        }
        self.settle(now, out)
    }

    /// The buyer's connection is gone, or back. While it is gone the place is kept and nobody new is rung.
    pub fn set_present(&mut self, call: CallId, present: bool, now: Timestamp) -> Vec<Decision> {
        if let Some(caller) = self.callers.get_mut(&call) {
            caller.present = present;
        }
        self.settle(now, Vec::new())
    }

    /// The agent takes the ringing call.
    pub fn accept(
        &mut self,
        agent: UserId,
        call: CallId,
        now: Timestamp,
    ) -> Result<Vec<Decision>, NotRinging> {
        self.rings_at(agent, call)?;
        self.callers.remove(&call);
        if let Some(known) = self.agents.get_mut(&agent) {
            known.duty = Duty::InCall { call, since: now };
        }
        let out = vec![
            Decision::RingEnded { call, agent, reason: RingEnd::Accepted },
            Decision::Connect { call, agent },
        ];
        Ok(self.settle(now, out))
    }

    /// The agent does not take the ringing call.
    pub fn decline(
        &mut self,
        agent: UserId,
        call: CallId,
        now: Timestamp,
    ) -> Result<Vec<Decision>, NotRinging> {
        self.rings_at(agent, call)?;
        if let Some(caller) = self.callers.get_mut(&call) {
            caller.declined.insert(agent, now);
        }
        let mut out = Vec::new();
        self.stop_ring_at(agent, RingEnd::Declined, now, &mut out);
        Ok(self.settle(now, out))
    }

    /// The media of a call is over: its agent writes outcome and notes.
    pub fn call_over(&mut self, call: CallId, now: Timestamp) -> Vec<Decision> {
        for agent in self.agents.values_mut() {
            if let Duty::InCall { call: theirs, since } = agent.duty
                && theirs == call
            {
                agent.duty = Duty::WrapUp { call, since };
            }
        }
        self.settle(now, Vec::new())
    }

    /// The wrap-up of a call is written: its agent is free again, or away if they chose so, or gone.
    pub fn wrapped_up(&mut self, call: CallId, now: Timestamp) -> Vec<Decision> {
        let owing = self.agents.iter().find_map(|(id, agent)| match agent.duty {
            Duty::WrapUp { call: theirs, since } if theirs == call => Some((*id, since)),
            _ => None,
        });
        if let Some((id, since)) = owing {
            self.handling.add(now.duration_since(since).try_into().unwrap_or_default());
            if let Some(agent) = self.agents.get_mut(&id) {
                agent.duty = Duty::Free { idle_since: now };
                if !agent.connected && !agent.ready {
                    self.agents.remove(&id);
                }
            }
        }
        self.settle(now, Vec::new())
    }

    /// Time has passed; call it no later than [`Desk::next_deadline`].
    pub fn tick(&mut self, now: Timestamp) -> Vec<Decision> {
        let mut out = Vec::new();
        let missed: Vec<UserId> = self
            .agents
            .iter()
            .filter(|(_, agent)| matches!(agent.duty, Duty::Ringing { expires_at, .. } if expires_at <= now))
            .map(|(id, _)| *id)
            .collect();
        for agent in missed {
            if let Some(known) = self.agents.get_mut(&agent) {
                known.ready = false;
            }
            self.stop_ring_at(agent, RingEnd::NoAnswer, now, &mut out);
        }
        self.settle(now, out)
    }

    /// When [`Desk::tick`] has something to do next.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let rings = self.agents.values().filter_map(|agent| match agent.duty {
            Duty::Ringing { expires_at, .. } => Some(expires_at),
            _ => None,
        });
        let present = self.line.values().filter_map(|call| self.callers.get(call)).filter(|c| c.present);
        let rests = present.flat_map(|caller| {
            caller
                .declined
                .iter()
                .filter(|(agent, _)| self.agents.get(agent).is_some_and(Agent::may_ring))
                .map(|(agent, at)| *at + self.rest(*agent))
        });
        rings.chain(rests).min()
    }

    /// Where a waiting call stands; `None` when it is not in line (ringing, or unknown).
    pub fn place(&self, call: CallId) -> Option<QueuePlace> {
        let place = self.callers.get(&call).filter(|caller| caller.ringing.is_none())?.place;
        let position = self.line.range(..=place).count();
        Some(self.place_at(position, self.on_duty()))
    }

    /// The waiting calls in order, with their places.
    pub fn line(&self) -> impl Iterator<Item = (CallId, QueuePlace)> + '_ {
        let on_duty = self.on_duty();
        self.line.values().enumerate().map(move |(index, call)| (*call, self.place_at(index + 1, on_duty)))
    }

    fn place_at(&self, position: usize, on_duty: u32) -> QueuePlace {
        QueuePlace {
            position: u32::try_from(position).unwrap_or(u32::MAX),
            agents_on_duty: on_duty,
            expected_wait_s: self.handling.expected_wait(position, on_duty),
        }
    }

    /// Agents who take calls: available, ringing, in a call or wrapping up.
    pub fn on_duty(&self) -> u32 {
        u32::try_from(self.agents.values().filter(|agent| agent.on_duty()).count()).unwrap_or(u32::MAX)
    }

    /// How the desk sees an agent; `None` when it does not know them.
    pub fn availability(&self, agent: UserId) -> Option<Availability> {
        self.agents.get(&agent).map(Agent::availability)
    }

    /// Every known agent's availability.
    pub fn agents(&self) -> impl Iterator<Item = (UserId, Availability)> + '_ {
        self.agents.iter().map(|(id, agent)| (*id, agent.availability()))
    }

    /// The call ringing at an agent, and until when.
    pub fn ring_at(&self, agent: UserId) -> Option<(CallId, Timestamp)> {
        match self.agents.get(&agent)?.duty {
            Duty::Ringing { call, expires_at } => Some((call, expires_at)),
            _ => None,
        }
    }

    fn rings_at(&self, agent: UserId, call: CallId) -> Result<(), NotRinging> {
        match self.ring_at(agent) {
            Some((theirs, _)) if theirs == call => Ok(()),
            _ => Err(NotRinging),
        }
    }

    fn free(&mut self, agent: UserId) {
        if let Some(agent) = self.agents.get_mut(&agent) {
            agent.end_ring();
        }
    }

    /// Ends whatever rings at an agent and puts the call back on its place.
    fn stop_ring_at(&mut self, agent: UserId, reason: RingEnd, now: Timestamp, out: &mut Vec<Decision>) {
        let Some((call, _)) = self.ring_at(agent) else { return };
        self.free(agent);
        if reason == RingEnd::NoAnswer
            && let Some(agent) = self.agents.get_mut(&agent)
        {
            agent.begin_idle(now);
        }
        if let Some(caller) = self.callers.get_mut(&call) {
            caller.ringing = None;
            self.line.insert(caller.place, call);
        }
        out.push(Decision::RingEnded { call, agent, reason });
    }

    /// Rings whoever can be rung and reports changed availabilities: the end of every event.
    fn settle(&mut self, now: Timestamp, mut out: Vec<Decision>) -> Vec<Decision> {
        while let Some((call, agent, why)) = self.matched(now) {
            let expires_at = now + self.settings.ring_time;
            if let Some(caller) = self.callers.get_mut(&call) {
                self.line.remove(&caller.place);
                caller.ringing = Some(agent);
            }
            if let Some(agent) = self.agents.get_mut(&agent) {
                agent.ring(call, expires_at);
            }
            out.push(Decision::Ring { call, agent, expires_at, why });
        }
        for (id, agent) in &mut self.agents {
            if let Some(availability) = agent.changed_availability() {
                out.push(Decision::Availability { agent: *id, availability });
            }
        }
        out
    }

    /// The next pair to bring together, and why.
    fn matched(&self, now: Timestamp) -> Option<(CallId, UserId, String)> {
        let free: Vec<(Timestamp, UserId)> =
            self.agents.iter().filter_map(|(id, agent)| Some((agent.idle_since()?, *id))).collect();
        if free.is_empty() {
            return None;
        }
        self.line.values().enumerate().find_map(|(ahead, call)| {
            let caller = self.callers.get(call).filter(|caller| caller.present)?;
            let (idle_since, agent) =
                free.iter().filter(|(_, agent)| !self.rests(caller, *agent, now)).min()?;
            let why = format!(
                "number {} of {} in line, waiting {} s; agent idle {} s, longest of {} free",
                ahead + 1,
                self.line.len(),
                now.duration_since(caller.since).as_secs(),
                now.duration_since(*idle_since).as_secs(),
                free.len(),
            );
            Some((*call, *agent, why))
        })
    }

    /// Whether an agent has declined a call so recently that it should not ring there again.
    fn rests(&self, caller: &Caller, agent: UserId, now: Timestamp) -> bool {
        caller.declined.get(&agent).is_some_and(|at| now < *at + self.rest(agent))
    }

    /// How long a decline of this agent holds right now.
    fn rest(&self, agent: UserId) -> Duration {
        let others = self.agents.iter().any(|(id, other)| *id != agent && other.on_duty());
        if others { self.settings.decline_rest } else { self.settings.decline_rest_alone }
    }
}
