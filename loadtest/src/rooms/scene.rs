//! What all people of a run share: where to call, who is talking, what went wrong.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::Result;
use protocol::call::MonitorMode;
use protocol::ids::CallId;
use tokio::sync::{mpsc, watch};

use super::options::{Behind, Options};
use crate::caller::engine::Engine;
use crate::caller::leg::LegSettings;
use crate::caller::person::{Door, SetUp};
use crate::caller::rest::Refused;
use crate::caller::secure::Identity;
use crate::caller::sender::speech::Speech;
use crate::caller::socket::Pass;
use crate::installation::Installation;
use crate::network::{Access, Trace};

/// Errors of one kind that are kept word by word.
const EXAMPLES_MAX: usize = 3;

/// Where a run stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Phase {
    /// People come.
    Arriving,
    /// Buyers hang up.
    Ending,
    /// Staff go home.
    Leaving,
}

/// A call to follow, and how.
pub type Follow = (CallId, MonitorMode);

/// What somebody is in a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Asks for help.
    Buyer,
    /// Helps.
    Agent,
    /// Follows.
    Supervisor,
}

/// From accept to what somebody saw then, milliseconds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FirstFrame {
    /// Who saw it.
    pub part: Part,
    /// The first packet.
    pub packet_ms: Option<f64>,
    /// The first picture.
    pub frame_ms: f64,
}

/// Errors by kind.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Errors {
    /// How many.
    pub count: u64,
    /// A few of them, word by word.
    pub examples: Vec<String>,
}

/// See the module.
pub struct Scene {
    /// Where to call.
    pub installation: Installation,
    /// Who moves media.
    pub engine: Engine,
    /// How the run was started.
    pub options: Options,
    speech: Arc<Speech>,
    identity: Identity,
    trace: Option<Trace>,
    phase: watch::Sender<Phase>,
    next_person: AtomicU16,
    /// People whose media is connected.
    pub connected: AtomicUsize,
    /// Agents and supervisors who are ready.
    pub ready: AtomicUsize,
    /// Staff and buyers who have given up.
    pub failed: AtomicUsize,
    /// Rooms in which buyer and agent see each other.
    pub talking: AtomicUsize,
    accepted: Mutex<HashMap<CallId, Instant>>,
    /// Who has seen the other side, by call.
    seen: Mutex<HashMap<CallId, u8>>,
    first_frames: Mutex<Vec<FirstFrame>>,
    set_ups: Mutex<Vec<(Part, SetUp)>>,
    errors: Mutex<BTreeMap<String, Errors>>,
    accesses: Mutex<Vec<Access>>,
    monitored: (mpsc::UnboundedSender<Follow>, tokio::sync::Mutex<mpsc::UnboundedReceiver<Follow>>),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nobody leaves these half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Scene {
    /// A scene nobody has entered.
    pub fn new(
        installation: Installation,
        engine: Engine,
        options: Options,
        trace: Option<Trace>,
    ) -> Result<Self> {
        let (sender, receiver) = mpsc::unbounded_channel();
        Ok(Self {
            installation,
            engine,
            speech: Arc::new(Speech::new(options.seed)?),
            options,
            identity: Identity::new()?,
            trace,
            phase: watch::channel(Phase::Arriving).0,
            next_person: AtomicU16::new(0),
            connected: AtomicUsize::new(0),
            ready: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
            talking: AtomicUsize::new(0),
            accepted: Mutex::default(),
            seen: Mutex::default(),
            first_frames: Mutex::default(),
            set_ups: Mutex::default(),
            errors: Mutex::default(),
            accesses: Mutex::default(),
            monitored: (sender, tokio::sync::Mutex::new(receiver)),
        })
    }

    /// The next phase.
    pub fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// Where the run stands, and how to wait for what comes.
    pub fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// What the next person's media is like.
    pub fn leg(&self) -> LegSettings {
        LegSettings {
            person: self.next_person.fetch_add(1, Ordering::Relaxed),
            codec: self.options.codec.into(),
            speech: Arc::clone(&self.speech),
            identity: self.identity.clone(),
        }
    }

    /// How a person connects: the n-th of the run, with a network of their own if they are behind one.
    pub fn door(&self, person: usize, part: Part, pass: Pass) -> Door<'_> {
        let behind = match self.options.behind {
            Behind::Buyers => part == Part::Buyer,
            Behind::Agents => part == Part::Agent,
            Behind::Everybody => true,
        };
        let access = self.trace.clone().filter(|_| behind).map(|trace| {
            let access = Access::new(trace, self.options.seed.wrapping_add(person as u64), true);
            lock(&self.accesses).push(access.clone());
            access
        });
        Door { base: &self.installation.base, from: self.installation.address_of(person), access, pass }
    }

    /// Every network's trace begins now.
    pub fn begin_traces(&self) {
        lock(&self.accesses).iter().for_each(Access::begin);
    }

    /// What the networks did: packets that came in and those lost to chance, queues and outages, both ways together.
    pub fn network_losses(&self) -> (u64, u64) {
        let reports: Vec<_> = lock(&self.accesses).iter().map(Access::report).collect();
        let ways = reports.iter().flat_map(|it| [it.up, it.down]);
        ways.fold((0, 0), |sum, it| (sum.0 + it.packets, sum.1 + it.lost + it.overflowed + it.blocked))
    }

    /// An agent has accepted a call at this moment.
    pub fn accepted(&self, call: CallId, at: Instant) {
        lock(&self.accepted).insert(call, at);
    }

    /// When a call was accepted; now, where somebody else has accepted it.
    pub fn accepted_at(&self, call: CallId) -> Instant {
        lock(&self.accepted).get(&call).copied().unwrap_or_else(Instant::now)
    }

    /// Somebody of a call sees somebody else for the first time.
    pub fn saw(&self, call: CallId, part: Part, first: FirstFrame) {
        lock(&self.first_frames).push(first);
        let bit = match part {
            Part::Buyer => 1,
            Part::Agent => 2,
            Part::Supervisor => return,
        };
        let mut seen = lock(&self.seen);
        let seen = seen.entry(call).or_default();
        let before = *seen;
        *seen |= bit;
        if before != 3 && *seen == 3 {
            self.talking.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A call is over.
    pub fn over(&self, call: CallId) {
        lock(&self.accepted).remove(&call);
        if lock(&self.seen).remove(&call) == Some(3) {
            self.talking.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// A call that supervisors are to follow.
    pub fn monitor(&self, call: CallId) {
        for mode in self.options.shape.supervisors() {
            let _ = self.monitored.0.send((call, *mode));
        }
    }

    /// The next call to follow, and how.
    pub async fn to_monitor(&self) -> Option<Follow> {
        self.monitored.1.lock().await.recv().await
    }

    /// Somebody's media is connected.
    pub fn arrived(&self, part: Part, set_up: SetUp) {
        self.connected.fetch_add(1, Ordering::Relaxed);
        lock(&self.set_ups).push((part, set_up));
    }

    /// Something went wrong.
    pub fn error(&self, kind: &str, text: String) {
        let mut errors = lock(&self.errors);
        let errors = errors.entry(kind.to_owned()).or_default();
        errors.count += 1;
        if errors.examples.len() < EXAMPLES_MAX {
            errors.examples.push(text);
        }
    }

    /// Something went wrong; a refusal is counted by its code.
    pub fn failure(&self, kind: &str, error: &anyhow::Error) {
        match error.downcast_ref::<Refused>() {
            Some(refused) => self.error(&format!("{kind}:{}", refused.code()), format!("{error:#}")),
            None => self.error(kind, format!("{error:#}")),
        }
    }

    /// Everything that went wrong.
    pub fn errors(&self) -> BTreeMap<String, Errors> {
        lock(&self.errors).clone()
    }

    /// First pictures.
    pub fn first_frames(&self) -> Vec<FirstFrame> {
        lock(&self.first_frames).clone()
    }

    /// How long people took to connect.
    pub fn set_ups(&self) -> Vec<(Part, SetUp)> {
        lock(&self.set_ups).clone()
    }

    /// The scene's parts that have to be ended.
    pub fn into_parts(self) -> (Installation, Engine) {
        (self.installation, self.engine)
    }
}
