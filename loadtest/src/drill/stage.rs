//! What all people of a drill share: where to call, how far the drill has come, and what happened.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use protocol::call::{EndReason, RecordingState};
use protocol::ids::CallId;
use tokio::sync::{OnceCell, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::caller::description::Codec;
use crate::caller::engine::{Engine, EngineSettings};
use crate::caller::leg::LegSettings;
use crate::caller::person::Door;
use crate::caller::rest::{Cookie, Refused, Rest};
use crate::caller::secure::Identity;
use crate::caller::sender::speech::Speech;
use crate::caller::socket::Pass;
use crate::installation::own::OwnServer;
use crate::installation::{Installation, Staff};
use crate::progress::Progress;

/// Errors of one kind that are kept word by word.
const EXAMPLES_MAX: usize = 3;
/// Staff who have not come after this time do not come.
const ARRIVAL_MAX: Duration = Duration::from_secs(60);
/// Everybody has left within this time, or is sent home.
const LEAVING_MAX: Duration = Duration::from_secs(20);

/// How far a drill has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Phase {
    /// Calls are made.
    Open,
    /// Buyers hang up.
    Closing,
    /// Staff go home.
    Leaving,
}

/// A call as the people in it saw it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// It was accepted.
    pub accepted: Option<Instant>,
    /// The agent saw the buyer.
    pub agent: Option<Instant>,
    /// The buyer saw the agent.
    pub buyer: Option<Instant>,
    /// The buyer was told that it is recorded.
    pub recorded: bool,
    /// It is over.
    pub ended: Option<Instant>,
}

impl Seen {
    /// Both see each other.
    pub fn talks(&self) -> bool {
        self.agent.is_some() && self.buyer.is_some() && self.ended.is_none()
    }
}

/// What happened, besides errors.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Calls by id.
    pub calls: HashMap<CallId, Seen>,
    /// Buyers' waits from asking to being connected, in the order they were connected: when they asked, and how long.
    pub waits: Vec<(jiff::Timestamp, Duration)>,
    /// Buyers who asked for help.
    pub asked: usize,
    /// Of those, who left before anybody came.
    pub left: usize,
    /// Who left and was connected all the same.
    pub connected_after_leaving: usize,
    /// Who was told a place in line before they were connected.
    pub told_place: usize,
    /// Calls whose buyer went home content: hung up themselves after seeing the agent.
    pub content: usize,
    /// Rings at agents' consoles.
    pub rings: usize,
    /// How calls ended, as buyers were told.
    pub ends: BTreeMap<String, usize>,
    /// From a reload, or a broken connection, to seeing the other side of the same call again.
    pub back: Vec<Duration>,
    /// People who came back and were in another call, or in none.
    pub lost: usize,
    /// Errors by kind.
    pub errors: BTreeMap<String, (u64, Vec<String>)>,
}

/// See the module.
pub struct Stage {
    /// Where to call.
    pub installation: Installation,
    /// Who moves media.
    pub engine: Engine,
    codec: Codec,
    speech: Arc<Speech>,
    phase: watch::Sender<Phase>,
    reloads: watch::Sender<u64>,
    next_person: AtomicU16,
    next_buyer: AtomicUsize,
    /// Members of staff who are at their desks.
    pub ready: AtomicUsize,
    /// Buyers who are still there.
    pub buyers: AtomicUsize,
    cookies: Vec<OnceCell<Cookie>>,
    ledger: Mutex<Ledger>,
    /// Rest requests of buyers that took longest, µs.
    pub slowest_visit_us: AtomicU64,
}

impl Stage {
    /// Starts a server of our own and gives it and a stage in front of it.
    pub async fn open(
        agents: usize,
        codec: Codec,
        seed: u64,
        progress: &Progress,
    ) -> Result<(Arc<Self>, OwnServer)> {
        let staff = Staff { agents, supervisors: 1 };
        let server = OwnServer::start(staff, false, |text| progress.show(text)).await?;
        let installation = Installation::beside(&server);
        let stage = Self {
            cookies: (0..agents + 1).map(|_| OnceCell::new()).collect(),
            installation,
            engine: Engine::start(EngineSettings::default())?,
            codec,
            speech: Arc::new(Speech::new(seed)?),
            phase: watch::channel(Phase::Open).0,
            reloads: watch::channel(0).0,
            next_person: AtomicU16::new(0),
            next_buyer: AtomicUsize::new(0),
            ready: AtomicUsize::new(0),
            buyers: AtomicUsize::new(0),
            ledger: Mutex::default(),
            slowest_visit_us: AtomicU64::new(0),
        };
        Ok((Arc::new(stage), server))
    }

    /// What the next leg's media is like. Each has a certificate of its own, as each page has: with the same one an offer is an
    /// ICE restart.
    pub fn leg(&self) -> Result<LegSettings> {
        Ok(LegSettings {
            person: self.next_person.fetch_add(1, Ordering::Relaxed),
            codec: self.codec,
            speech: Arc::clone(&self.speech),
            identity: Identity::new()?,
        })
    }

    /// A number for a buyer; it decides which address of ours they come from.
    pub fn next_buyer(&self) -> usize {
        self.cookies.len() + self.next_buyer.fetch_add(1, Ordering::Relaxed)
    }

    /// How a person connects.
    pub fn door(&self, place: usize, pass: Pass) -> Door<'_> {
        Door { base: &self.installation.base, from: self.installation.address_of(place), access: None, pass }
    }

    /// The REST API and the session of a member of staff: agents first, then the supervisor. Who is logged in stays so,
    /// whatever the server goes through.
    pub async fn staff(&self, number: usize) -> Result<(Rest, Cookie)> {
        let rest = self.installation.rest(number)?;
        let (agents, supervisors) = (&self.installation.agents, &self.installation.supervisors);
        let account = agents.get(number).unwrap_or(&supervisors[0]);
        let login = || async { Ok::<_, anyhow::Error>(rest.login(account).await?.1) };
        let cookie = self.cookies[number].get_or_try_init(login).await?.clone();
        Ok((rest, cookie))
    }

    /// The supervisor's.
    pub async fn supervisor(&self) -> Result<(Rest, Cookie)> {
        self.staff(self.installation.agents.len()).await
    }

    /// The next phase.
    pub fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// How far it is now.
    pub fn is_at(&self, phase: Phase) -> bool {
        *self.phase.borrow() >= phase
    }

    /// Waits until the drill has come so far.
    pub async fn reached(&self, phase: Phase) {
        let _ = self.phase.subscribe().wait_for(|it| *it >= phase).await;
    }

    /// Every tab reloads.
    pub fn reload_all(&self) {
        self.reloads.send_modify(|count| *count += 1);
    }

    /// How often tabs were told to reload.
    pub fn reloads(&self) -> watch::Receiver<u64> {
        self.reloads.subscribe()
    }

    /// What happened so far.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Nobody leaves it half changed.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls whose people see each other.
    pub fn talking(&self) -> usize {
        self.ledger().calls.values().filter(|it| it.talks()).count()
    }

    /// Something went wrong; refusals are counted by their code.
    pub fn error(&self, kind: &str, error: &anyhow::Error) {
        let kind = match error.downcast_ref::<Refused>() {
            Some(refused) => format!("{kind}:{}", refused.code()),
            None => kind.to_owned(),
        };
        let mut ledger = self.ledger();
        let (count, examples) = ledger.errors.entry(kind).or_default();
        *count += 1;
        if examples.len() < EXAMPLES_MAX {
            examples.push(format!("{error:#}"));
        }
    }

    /// Waits until something is so, or until it has taken too long. Gives whether it is.
    pub async fn until(&self, most: Duration, so: impl Fn(&Self) -> bool) -> bool {
        let end = Instant::now() + most;
        while !so(self) {
            if Instant::now() >= end {
                return false;
            }
            sleep(Duration::from_millis(20)).await;
        }
        true
    }

    /// The agents come to work.
    pub async fn staff_arrives(
        self: &Arc<Self>,
        people: &mut JoinSet<()>,
        progress: &Progress,
    ) -> Result<()> {
        let agents = self.installation.agents.len();
        for number in 0..agents {
            progress.show(&format!("agents log in: {} of {agents}", self.ready.load(Ordering::Relaxed)));
            people.spawn(super::people::agent(Arc::clone(self), number));
            // A login costs the server a password hash.
            self.until(ARRIVAL_MAX, |it| it.ready.load(Ordering::Relaxed) + 4 > number).await;
        }
        let all = self.until(ARRIVAL_MAX, |it| it.ready.load(Ordering::Relaxed) == agents).await;
        ensure!(all, "not all agents could log in: {:?}", self.ledger().errors);
        Ok(())
    }

    /// Buyers ask for help, one after the other, and talk until the drill closes. Gives whether all of them do.
    pub async fn calls_begin(
        self: &Arc<Self>,
        people: &mut JoinSet<()>,
        count: usize,
        every: Duration,
    ) -> bool {
        let wanted = self.talking() + count;
        for _ in 0..count {
            people.spawn(super::people::buyer(Arc::clone(self), super::people::Plan::recorded()));
            sleep(every).await;
        }
        self.until(ARRIVAL_MAX, |it| it.talking() >= wanted).await
    }

    /// Buyers hang up, agents wrap up, everybody goes home.
    pub async fn close(self: &Arc<Self>, mut people: JoinSet<()>, progress: &Progress) {
        progress.show("hanging up");
        self.enter(Phase::Closing);
        self.until(LEAVING_MAX, |it| it.buyers.load(Ordering::Relaxed) == 0).await;
        // Agents close their tickets.
        sleep(Duration::from_millis(500)).await;
        self.enter(Phase::Leaving);
        let everybody = async { while people.join_next().await.is_some() {} };
        if tokio::time::timeout(LEAVING_MAX, everybody).await.is_err() {
            self.error("hung", &anyhow::anyhow!("somebody did not leave in time"));
            people.shutdown().await;
        }
    }
}

impl Ledger {
    /// Takes note of a call.
    pub fn call(&mut self, id: CallId) -> &mut Seen {
        self.calls.entry(id).or_default()
    }

    /// The buyer of a call was told how recording stands.
    pub fn recording(&mut self, id: CallId, state: RecordingState) {
        self.call(id).recorded |= state == RecordingState::On;
    }

    /// A call ended for its buyer.
    pub fn ended(&mut self, id: CallId, reason: Option<EndReason>) {
        self.call(id).ended.get_or_insert_with(Instant::now);
        let reason =
            reason.and_then(|it| serde_json::to_value(it).ok()).and_then(|it| it.as_str().map(str::to_owned));
        *self.ends.entry(reason.unwrap_or_else(|| "unknown".into())).or_default() += 1;
    }

    /// From accept to the picture, both sides of every call, sorted, milliseconds.
    pub fn first_frames_ms(&self) -> Vec<f64> {
        let seen = self.calls.values().filter_map(|it| Some((it.accepted?, [it.agent, it.buyer])));
        let mut all: Vec<f64> = seen
            .flat_map(|(from, at)| {
                at.into_iter().flatten().map(move |at| ms(at.saturating_duration_since(from)))
            })
            .collect();
        all.sort_by(f64::total_cmp);
        all
    }

    /// All errors in a line.
    pub fn errors_told(&self) -> String {
        let told = self.errors.iter().map(|(kind, (count, examples))| {
            format!("{count} × {kind} ({})", examples.first().map_or("", String::as_str))
        });
        told.collect::<Vec<_>>().join("; ")
    }
}

/// Milliseconds.
pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The value that this share of a sorted list does not exceed; `None` of nothing.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied()
}
