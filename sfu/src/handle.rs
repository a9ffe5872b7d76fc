//! The handle to the media server: what signaling and the recorder may ask of it.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use sfu_core::ids::{Mid, ParticipantId, WorkerId};
use sfu_core::media::Source;
use sfu_core::node::{
    Epoch, Event, JoinError, JoinRequest, Joined, Limits, Node, NodeConfig, ParticipantStats, QualitySample,
    RouteError, View,
};
use sfu_core::path::Candidate;
use sfu_core::transport::dtls::Identity;
use tokio::sync::{mpsc, oneshot};

use crate::metrics::Metrics;
use crate::socket::BatchSocket;
use crate::tap::TapReceiver;
use crate::worker::{Command, Worker};

/// Settings of the media server, checked by [`Sfu::start`].
#[derive(Clone, Debug)]
pub struct Config {
    /// Address the UDP sockets bind to; worker `i` takes `udp_port + i`.
    pub bind: IpAddr,
    /// First UDP port; 0 picks a free one (tests).
    pub udp_port: u16,
    /// Worker threads. Participants are spread over them.
    pub workers: usize,
    /// Addresses written into ICE candidates: what clients reach us at. Empty means `bind`, which must then be a
    /// specific address.
    pub announced: Vec<IpAddr>,
    /// What every participant may cost.
    pub limits: Limits,
}

/// Why the media server did not start. The field names the setting.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The socket could not be bound.
    #[error("cannot bind UDP {addr}: {source}")]
    Bind {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// Clients would be told an address nobody can reach.
    #[error("the bind address {0} is a wildcard and no announced address is set")]
    NoAnnouncedAddress(IpAddr),
    /// The process cannot make keys or counters.
    #[error("cannot prepare the media server: {0}")]
    Prepare(String),
    /// Out of range.
    #[error("workers must be 1 to {max}, not {given}")]
    Workers {
        /// What was asked for.
        given: usize,
        /// The most that makes sense here.
        max: usize,
    },
}

/// How many commands may wait for one worker.
const COMMANDS_MAX: usize = 256;

/// How many events may wait for the layer above.
const EVENTS_MAX: usize = 1024;

/// Routes do not cross workers yet, so one worker holds everybody.
pub const WORKERS_MAX: usize = 1;

/// A cheap, cloneable handle to a running media server.
#[derive(Clone, Debug)]
pub struct Sfu {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    workers: Vec<WorkerHandle>,
    /// Which worker each participant is on. Never touched on the packet path.
    placement: Arc<Placement>,
    metrics: Metrics,
}

#[derive(Debug)]
struct WorkerHandle {
    commands: mpsc::Sender<Command>,
    candidates: Vec<SocketAddr>,
}

#[derive(Debug, Default)]
struct Placement(Mutex<HashMap<ParticipantId, usize>>);

impl Placement {
    fn table(&self) -> std::sync::MutexGuard<'_, HashMap<ParticipantId, usize>> {
        // A panic while holding the lock cannot leave the map half changed.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn of(&self, who: ParticipantId) -> Option<usize> {
        self.table().get(&who).copied()
    }

    /// The worker of a participant, chosen by load for a new one.
    fn place(&self, who: ParticipantId, workers: usize) -> usize {
        let mut table = self.table();
        if let Some(worker) = table.get(&who) {
            return *worker;
        }
        let mut load = vec![0usize; workers];
        for worker in table.values() {
            load[*worker] += 1;
        }
        let least = load.iter().enumerate().min_by_key(|(_, n)| **n).map_or(0, |(worker, _)| worker);
        table.insert(who, least);
        least
    }

    fn forget(&self, who: ParticipantId) {
        self.table().remove(&who);
    }
}

impl Sfu {
    /// Binds the sockets and starts the workers. Events arrive on the receiver, which must be read.
    pub fn start(config: Config) -> Result<(Sfu, mpsc::Receiver<Event>), ConfigError> {
        if !(1..=WORKERS_MAX).contains(&config.workers) {
            return Err(ConfigError::Workers { given: config.workers, max: WORKERS_MAX });
        }
        if config.announced.is_empty() && config.bind.is_unspecified() {
            return Err(ConfigError::NoAnnouncedAddress(config.bind));
        }
        let identity = certificate().map_err(ConfigError::Prepare)?;
        let crypto = rtc_crypto_provider().map_err(ConfigError::Prepare)?;
        let metrics = Metrics::new().map_err(|error| ConfigError::Prepare(error.to_string()))?;
        let (events_tx, events_rx) = mpsc::channel(EVENTS_MAX);
        let placement = Arc::new(Placement::default());
        let mut workers = Vec::new();
        for index in 0..config.workers {
            let port = if config.udp_port == 0 { 0 } else { config.udp_port + index as u16 };
            let addr = SocketAddr::new(config.bind, port);
            let bound = |source| ConfigError::Bind { addr, source };
            let socket = crate::socket::bind(addr).map_err(bound)?;
            let port = socket.local_addr().map_err(bound)?.port();
            let announced =
                if config.announced.is_empty() { vec![config.bind] } else { config.announced.clone() };
            let candidates: Vec<_> = announced.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
            let node = Node::new(NodeConfig {
                identity: identity.clone(),
                worker: WorkerId(index as u8),
                candidates: candidates.iter().copied().map(Candidate::udp).collect(),
                seed: rand::random(),
                epoch: Epoch::new(Instant::now(), unix_now()),
                crypto: crypto.clone(),
            })
            .with_limits(config.limits);
            let (commands_tx, commands_rx) = mpsc::channel(COMMANDS_MAX);
            let on_left = {
                let placement = placement.clone();
                Arc::new(move |who| placement.forget(who))
            };
            let (events, worker_metrics) = (events_tx.clone(), metrics.worker(index));
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(bound)?;
            std::thread::Builder::new()
                .name(format!("media-{index}"))
                .spawn(move || {
                    runtime.block_on(async move {
                        match BatchSocket::new(socket) {
                            Ok(socket) => {
                                Worker::new(node, socket, commands_rx, events, on_left, worker_metrics)
                                    .run()
                                    .await;
                            }
                            Err(error) => tracing::error!(%error, "the media socket cannot be used"),
                        }
                    });
                })
                .map_err(bound)?;
            workers.push(WorkerHandle { commands: commands_tx, candidates });
        }
        Ok((Sfu { shared: Arc::new(Shared { workers, placement, metrics }) }, events_rx))
    }

    /// The addresses in the candidates (announced addresses with the workers' ports).
    pub fn candidates(&self) -> Vec<SocketAddr> {
        self.shared.workers.iter().flat_map(|worker| worker.candidates.iter().copied()).collect()
    }

    /// Answers an offer and makes a transport for it. Offering again for the same participant with the same
    /// DTLS fingerprint is an ICE restart.
    pub async fn join(&self, who: ParticipantId, request: JoinRequest) -> Result<Joined, JoinError> {
        let known = self.shared.placement.of(who).is_some();
        let worker = self.shared.placement.place(who, self.shared.workers.len());
        let result = self
            .ask(worker, |reply| Command::Join { who, request, reply })
            .await
            .unwrap_or(Err(JoinError::Stopping));
        if result.is_err() && !known {
            self.shared.placement.forget(who);
        }
        result
    }

    /// Ends a transport; routes from and to it and its taps end too. Unknown ids are ignored.
    pub async fn leave(&self, who: ParticipantId) {
        if let Some(worker) = self.shared.placement.of(who) {
            self.ask(worker, |reply| Command::Leave { who, reply }).await;
        }
    }

    /// Shows `from`'s source on `to`'s slot, replacing what was there, and asks for a keyframe.
    pub async fn attach(
        &self,
        from: ParticipantId,
        source: Source,
        to: ParticipantId,
        slot: Mid,
    ) -> Result<(), RouteError> {
        let worker = self.common_worker(from, to)?;
        self.ask(worker, |reply| Command::Attach { from, source, to, slot, reply })
            .await
            .unwrap_or(Err(RouteError::Stopping))
    }

    /// Empties `to`'s slot.
    pub async fn detach(&self, to: ParticipantId, slot: Mid) -> Result<(), RouteError> {
        let worker = self.worker_of(to)?;
        self.ask(worker, |reply| Command::Detach { to, slot, reply })
            .await
            .unwrap_or(Err(RouteError::Stopping))
    }

    /// Lets what `from` sends on its `events` data channel reach `to`, or no longer. One way only, and at most eight
    /// people hear one.
    pub async fn pass_data(
        &self,
        from: ParticipantId,
        to: ParticipantId,
        on: bool,
    ) -> Result<(), RouteError> {
        let there = match self.worker_of(to) {
            Ok(worker) => WorkerId(worker as u8),
            // Who is gone hears nothing anyway; their worker does not matter.
            Err(_) if !on => WorkerId(0),
            Err(gone) => return Err(gone),
        };
        self.ask(self.worker_of(from)?, |reply| Command::PassData { from, to, worker: there, on, reply })
            .await
            .unwrap_or(Err(RouteError::Stopping))
    }

    /// Lets a source in, or drops it as soon as it is authenticated: no viewer and no tap gets anything of it. Sources are
    /// let in when they join.
    pub async fn set_publishing(
        &self,
        who: ParticipantId,
        source: Source,
        on: bool,
    ) -> Result<(), RouteError> {
        let worker = self.worker_of(who)?;
        self.ask(worker, |reply| Command::SetPublishing { who, source, on, reply })
            .await
            .unwrap_or(Err(RouteError::Stopping))
    }

    /// How large `who` shows a video slot; 0 × 0 sends nothing.
    pub async fn set_view(&self, who: ParticipantId, slot: Mid, view: View) -> Result<(), RouteError> {
        let worker = self.worker_of(who)?;
        self.ask(worker, |reply| Command::SetView { who, slot, view, reply })
            .await
            .unwrap_or(Err(RouteError::Stopping))
    }

    /// The last second of a participant's connection; [`Event::Quality`] tells every one of them.
    pub async fn quality(&self, who: ParticipantId) -> Option<QualitySample> {
        let worker = self.shared.placement.of(who)?;
        self.ask(worker, |reply| Command::Quality { who, reply }).await.flatten()
    }

    /// Opens a tap on a published source; for video a keyframe is asked for.
    pub async fn tap(
        &self,
        who: ParticipantId,
        source: Source,
        capacity: usize,
    ) -> Result<TapReceiver, RouteError> {
        let worker = self.worker_of(who)?;
        self.ask(worker, |reply| Command::Tap { who, source, capacity, reply })
            .await
            .unwrap_or(Err(RouteError::Stopping))
    }

    /// Figures of one transport.
    pub async fn stats(&self, who: ParticipantId) -> Option<ParticipantStats> {
        let worker = self.shared.placement.of(who)?;
        self.ask(worker, |reply| Command::Stats { who, reply }).await.flatten()
    }

    /// Counters of the whole media plane (`vitrine_sfu_…`), for `/metrics`.
    pub fn register_metrics(&self, registry: &prometheus::Registry) -> prometheus::Result<()> {
        self.shared.metrics.register(registry)
    }

    /// Closes every transport (DTLS close_notify) and ends the workers.
    pub async fn shutdown(&self) {
        for worker in 0..self.shared.workers.len() {
            self.ask(worker, |reply| Command::Shutdown { reply }).await;
        }
    }

    fn worker_of(&self, who: ParticipantId) -> Result<usize, RouteError> {
        self.shared.placement.of(who).ok_or(RouteError::NoSuchParticipant(who))
    }

    fn common_worker(&self, a: ParticipantId, b: ParticipantId) -> Result<usize, RouteError> {
        let (on_a, on_b) = (self.worker_of(a)?, self.worker_of(b)?);
        if on_a == on_b { Ok(on_a) } else { Err(RouteError::AcrossWorkers(a, b)) }
    }

    /// `None` when the worker is gone.
    async fn ask<T>(&self, worker: usize, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.shared.workers[worker].commands.send(command(reply)).await.ok()?;
        answer.await.ok()
    }
}

fn unix_now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// A fresh self-signed certificate: its fingerprint travels in every answer, so it need not outlive the process.
fn certificate() -> Result<Identity, String> {
    let key =
        rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(|error| error.to_string())?;
    let params =
        rcgen::CertificateParams::new(vec!["vitrine".to_string()]).map_err(|error| error.to_string())?;
    let certificate = params.self_signed(&key).map_err(|error| error.to_string())?;
    Ok(Identity::new(certificate.der().to_vec(), key.serialize_der()))
}

fn rtc_crypto_provider() -> Result<Arc<dyn rtc_crypto::RTCCryptoProvider>, String> {
    rtc_crypto::default_provider().map_err(|error| format!("{error:?}"))
}
