//! The handle to the media server: what signaling and the recorder may ask of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use sfu_core::ids::{Mid, ParticipantId, WorkerId};
use sfu_core::media::Source;
use sfu_core::node::{
    Epoch, Event, JoinError, JoinRequest, Joined, LeaveReason, Node, NodeConfig, ParticipantStats,
    QualitySample, RouteError, View,
};
use sfu_core::path::Candidate;
use sfu_core::transport::dtls::Identity;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::alarm::Alarm;
use crate::config::{Config, ConfigError};
use crate::metrics::Metrics;
use crate::peers::Peers;
use crate::placement::{Load, Placement};
use crate::socket::BatchSocket;
use crate::tap::TapReceiver;
use crate::tcp::{self, TcpLink};
use crate::worker::{Command, Worker, WorkerParts};

/// How many commands may wait for one worker.
const COMMANDS_MAX: usize = 256;

/// How many events may wait for the layer above.
const EVENTS_MAX: usize = 1024;

/// A cheap, cloneable handle to a running media server.
#[derive(Clone, Debug)]
pub struct Sfu {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    workers: Vec<WorkerHandle>,
    tcp: Vec<SocketAddr>,
    placement: Arc<Placement>,
    metrics: Metrics,
    /// Ends the TCP thread, also when it is dropped.
    stop: watch::Sender<bool>,
}

#[derive(Debug)]
struct WorkerHandle {
    commands: mpsc::Sender<Command>,
    candidates: Vec<SocketAddr>,
}

impl Sfu {
    /// Binds the sockets and starts the workers. Events arrive on the receiver, which must be read.
    pub fn start(config: Config) -> Result<(Sfu, mpsc::Receiver<Event>), ConfigError> {
        config.check()?;
        let identity = certificate().map_err(ConfigError::Prepare)?;
        let crypto = rtc_crypto_provider().map_err(ConfigError::Prepare)?;
        let metrics = Metrics::new().map_err(|error| ConfigError::Prepare(error.to_string()))?;
        let (events_tx, events_rx) = mpsc::channel(EVENTS_MAX);
        let announced =
            if config.announced.is_empty() { vec![config.bind] } else { config.announced.clone() };
        let bells: Vec<_> = (0..config.workers).map(|_| Arc::new(Notify::new())).collect();
        let loads: Vec<Arc<Load>> = bells.iter().map(|_| Arc::default()).collect();
        let placement = Arc::new(Placement::new(loads.clone(), config.fill_permille));
        let (stop, stopped) = watch::channel(false);
        let (tcp_port, mut links) = match config.tcp_port {
            Some(port) => {
                let (port, links) = start_tcp(SocketAddr::new(config.bind, port), &bells, &metrics, stopped)?;
                (Some(port), links.into_iter().map(Some).collect())
            }
            None => (None, Vec::new()),
        };
        let tcp: Vec<_> =
            tcp_port.iter().flat_map(|port| announced.iter().map(|ip| SocketAddr::new(*ip, *port))).collect();
        // One clock for all: times of packets and reports go from one worker to another.
        let epoch = Epoch::new(Instant::now(), unix_now());
        let mut workers = Vec::new();
        for (index, peers) in Peers::mesh(&bells).into_iter().enumerate() {
            let port = if config.udp_port == 0 { 0 } else { config.udp_port + index as u16 };
            let addr = SocketAddr::new(config.bind, port);
            let bound = |source| ConfigError::Bind { protocol: "UDP", addr, source };
            let socket = crate::socket::bind(addr).map_err(bound)?;
            let port = socket.local_addr().map_err(bound)?.port();
            let udp: Vec<_> = announced.iter().map(|ip| SocketAddr::new(*ip, port)).collect();
            let by_udp = udp.iter().copied().map(Candidate::udp);
            let node = Node::new(NodeConfig {
                identity: identity.clone(),
                worker: WorkerId(index as u8),
                candidates: by_udp.chain(tcp.iter().copied().map(Candidate::tcp)).collect(),
                seed: rand::random(),
                epoch,
                crypto: crypto.clone(),
            })
            .with_limits(config.limits);
            let (commands_tx, commands_rx) = mpsc::channel(COMMANDS_MAX);
            let on_left = {
                let placement = placement.clone();
                Arc::new(move |who| placement.forget(who))
            };
            let parts = WorkerParts {
                node,
                commands: commands_rx,
                events: events_tx.clone(),
                on_left,
                metrics: metrics.worker(index, loads[index].clone()),
                bell: bells[index].clone(),
                peers,
                tcp: links.get_mut(index).and_then(Option::take),
                load: loads[index].clone(),
            };
            let runtime = runtime().map_err(bound)?;
            let watch = FaultWatch { index, placement: placement.clone(), events: events_tx.clone() };
            let work = move || {
                let _watch = watch;
                runtime.block_on(async move {
                    match BatchSocket::new(socket).and_then(|socket| Ok((socket, Alarm::new()?))) {
                        Ok((socket, alarm)) => Worker::new(socket, alarm, parts).run().await,
                        Err(error) => tracing::error!(%error, "the media socket cannot be used"),
                    }
                });
            };
            std::thread::Builder::new().name(format!("media-{index}")).spawn(work).map_err(bound)?;
            workers.push(WorkerHandle { commands: commands_tx, candidates: udp });
        }
        Ok((Sfu { shared: Arc::new(Shared { workers, tcp, placement, metrics, stop }) }, events_rx))
    }

    /// The addresses in the TCP candidates; empty when ICE over TCP is off.
    pub fn tcp_candidates(&self) -> Vec<SocketAddr> {
        self.shared.tcp.clone()
    }

    /// The addresses in the UDP candidates (announced addresses with the workers' ports).
    pub fn candidates(&self) -> Vec<SocketAddr> {
        self.shared.workers.iter().flat_map(|worker| worker.candidates.iter().copied()).collect()
    }

    /// Answers an offer and makes a transport for it. Offering again for the same participant with the same
    /// DTLS fingerprint is an ICE restart.
    pub async fn join(&self, who: ParticipantId, request: JoinRequest) -> Result<Joined, JoinError> {
        self.join_near(who, request, None).await
    }

    /// Like [`Self::join`], preferably on the worker of `near`, who will be shown to and see the new participant: a packet
    /// that need not cross workers costs less.
    pub async fn join_near(
        &self,
        who: ParticipantId,
        request: JoinRequest,
        near: Option<ParticipantId>,
    ) -> Result<Joined, JoinError> {
        let known = self.shared.placement.of(who).is_some();
        let worker = self.shared.placement.place(who, near);
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
        let (publisher, subscriber) = (self.worker_of(from)?, self.worker_of(to)?);
        if publisher == subscriber {
            let attach = |reply| Command::Attach { from, source, to, slot, reply };
            return self.ask(publisher, attach).await.unwrap_or(Err(RouteError::Stopping));
        }
        let exported = self.ask(publisher, |reply| Command::Export { who: from, source, reply }).await;
        let export = Box::new(exported.unwrap_or(Err(RouteError::Stopping))?);
        self.ask(subscriber, |reply| Command::Import { export, to, slot, reply })
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
        let _ = self.shared.stop.send(true);
    }

    fn worker_of(&self, who: ParticipantId) -> Result<usize, RouteError> {
        self.shared.placement.of(who).ok_or(RouteError::NoSuchParticipant(who))
    }

    /// `None` when the worker is gone.
    async fn ask<T>(&self, worker: usize, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.shared.workers[worker].commands.send(command(reply)).await.ok()?;
        answer.await.ok()
    }
}

/// Tells the layer above whom a worker takes along if it panics: a fault in one call must not end the others' calls, nor
/// leave people waiting on a thread that is gone.
struct FaultWatch {
    index: usize,
    placement: Arc<Placement>,
    events: mpsc::Sender<Event>,
}

impl Drop for FaultWatch {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let lost = self.placement.bury(self.index);
        tracing::error!(worker = self.index, participants = lost.len(), "a media worker has failed");
        let events = self.events.clone();
        // Not on this thread: whoever listens may be slow, and a second panic would end the process.
        std::thread::spawn(move || {
            for participant in lost {
                let left = Event::Left { participant, reason: LeaveReason::WorkerFailed };
                if events.blocking_send(left).is_err() {
                    return;
                }
            }
        });
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Starts the thread of ICE over TCP; returns its port and the workers' links to it.
fn start_tcp(
    addr: SocketAddr,
    bells: &[Arc<Notify>],
    metrics: &Metrics,
    stop: watch::Receiver<bool>,
) -> Result<(u16, Vec<TcpLink>), ConfigError> {
    let bound = |source| ConfigError::Bind { protocol: "TCP", addr, source };
    let listener = tcp::bind(addr).map_err(bound)?;
    let port = listener.local_addr().map_err(bound)?.port();
    let runtime = runtime().map_err(bound)?;
    let (rings, links) = tcp::rings(bells);
    let metrics = metrics.tcp();
    let work = move || tcp::run(&runtime, listener, rings, metrics, stop);
    std::thread::Builder::new().name("media-tcp".into()).spawn(work).map_err(bound)?;
    Ok((port, links))
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use sfu_core::media::Kind;
    use sfu_core::node::Limits;
    use sfu_core::testing::{Caller, CallerIdentity};

    use super::*;

    #[tokio::test]
    async fn a_worker_that_fails_takes_only_its_own_people_along_and_they_can_come_back() {
        let config = Config {
            bind: Ipv4Addr::LOCALHOST.into(),
            udp_port: 0,
            workers: 2,
            tcp_port: None,
            announced: Vec::new(),
            fill_permille: 0,
            limits: Limits::default(),
        };
        let (sfu, mut events) = Sfu::start(config).expect("started");
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("key");
        let params = rcgen::CertificateParams::new(vec!["test".into()]).expect("params");
        let certificate = params.self_signed(&key).expect("certificate");
        let identity = CallerIdentity::new(certificate.der().to_vec(), key.serialize_der());
        let people: Vec<_> =
            (1..=4).map(|number| Caller::new(Instant::now(), number, &identity, &[Kind::Audio])).collect();
        for person in &people {
            sfu.join(person.id(), person.request()).await.expect("joined");
        }
        sfu.shared.workers[0].commands.send(Command::Panic).await.expect("sent");
        let mut lost = Vec::new();
        while lost.len() < 2 {
            match events.recv().await {
                Some(Event::Left { participant, reason: LeaveReason::WorkerFailed }) => {
                    lost.push(participant)
                }
                Some(_) => {}
                None => panic!("nobody is told"),
            }
        }
        lost.sort();
        assert_eq!(lost, [people[0].id(), people[2].id()]);
        for person in &people {
            sfu.join(person.id(), person.request()).await.expect("joined, anew or as an ICE restart");
            assert!(sfu.stats(person.id()).await.is_some());
        }
        sfu.shutdown().await;
    }
}
