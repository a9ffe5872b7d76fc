//! A worker: one thread, one socket, one node. It gives the state machines a clock and carries their bytes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sfu_core::ids::{Mid, ParticipantId, WorkerId};
use sfu_core::media::Source;
use sfu_core::node::{
    Event, Export, JoinError, JoinRequest, Joined, Node, ParticipantStats, QualitySample, RouteError, TapId,
    TapOutput, View,
};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::alarm::Alarm;
use crate::metrics::{Gauges, WorkerMetrics};
use crate::peers::Peers;
use crate::placement::{Load, Meter};
use crate::rhythm::{self, Rhythm};
use crate::socket::BatchSocket;
use crate::tap::{TapReceiver, TapSender, tap_channel};
use crate::tcp::{FromTcp, TcpLink};

/// Batches read before the worker looks at commands and timers again.
const BATCHES_IN_A_ROW: usize = 16;

/// What found no room in a ring is tried again after this.
const AGAIN_AFTER: Duration = Duration::from_micros(500);

/// Under load the runtime has its turn every so many of ours: 3 ms.
const TURNS_ALONE: u32 = 16;

/// Metrics are brought up to date no more often than this while there is more to come.
const UPDATE_EVERY: Duration = Duration::from_millis(3);

/// What the handle asks of a worker. Each carries the way back.
pub(crate) enum Command {
    Join {
        who: ParticipantId,
        request: JoinRequest,
        reply: oneshot::Sender<Result<Joined, JoinError>>,
    },
    Leave {
        who: ParticipantId,
        reply: oneshot::Sender<()>,
    },
    /// Describes a source published here to another worker.
    Export {
        who: ParticipantId,
        source: Source,
        reply: oneshot::Sender<Result<Export, RouteError>>,
    },
    /// Shows a source, wherever it is published.
    Import {
        export: Box<Export>,
        to: ParticipantId,
        slot: Mid,
        reply: oneshot::Sender<Result<(), RouteError>>,
    },
    Attach {
        from: ParticipantId,
        source: Source,
        to: ParticipantId,
        slot: Mid,
        reply: oneshot::Sender<Result<(), RouteError>>,
    },
    Detach {
        to: ParticipantId,
        slot: Mid,
        reply: oneshot::Sender<Result<(), RouteError>>,
    },
    PassData {
        from: ParticipantId,
        to: ParticipantId,
        worker: WorkerId,
        on: bool,
        reply: oneshot::Sender<Result<(), RouteError>>,
    },
    SetPublishing {
        who: ParticipantId,
        source: Source,
        on: bool,
        reply: oneshot::Sender<Result<(), RouteError>>,
    },
    SetView {
        who: ParticipantId,
        slot: Mid,
        view: View,
        reply: oneshot::Sender<Result<(), RouteError>>,
    },
    Quality {
        who: ParticipantId,
        reply: oneshot::Sender<Option<QualitySample>>,
    },
    Tap {
        who: ParticipantId,
        source: Source,
        capacity: usize,
        reply: oneshot::Sender<Result<TapReceiver, RouteError>>,
    },
    Stats {
        who: ParticipantId,
        reply: oneshot::Sender<Option<ParticipantStats>>,
    },
    Shutdown {
        reply: oneshot::Sender<()>,
    },
    /// As a fault of ours would.
    #[cfg(test)]
    Panic,
}

/// A worker before it runs.
pub(crate) struct Worker {
    node: Node,
    socket: BatchSocket,
    alarm: Alarm,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    on_left: Arc<dyn Fn(ParticipantId) + Send + Sync>,
    taps: HashMap<TapId, TapSender>,
    metrics: WorkerMetrics,
    /// Datagrams the kernel did not take, since the beginning.
    refused: u64,
    /// Rung when another thread has put something into one of our rings.
    bell: Arc<Notify>,
    peers: Peers,
    tcp: Option<TcpLink>,
    meter: Meter,
    /// Something has to be tried again soon.
    again: bool,
}

/// What a worker is made of.
pub(crate) struct WorkerParts {
    pub(crate) node: Node,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) events: mpsc::Sender<Event>,
    pub(crate) on_left: Arc<dyn Fn(ParticipantId) + Send + Sync>,
    pub(crate) metrics: WorkerMetrics,
    pub(crate) bell: Arc<Notify>,
    pub(crate) peers: Peers,
    pub(crate) tcp: Option<TcpLink>,
    pub(crate) load: Arc<Load>,
}

impl Worker {
    pub(crate) fn new(socket: BatchSocket, alarm: Alarm, parts: WorkerParts) -> Self {
        let WorkerParts { node, commands, events, on_left, metrics, bell, peers, tcp, load } = parts;
        Self {
            node,
            socket,
            alarm,
            commands,
            events,
            on_left,
            taps: HashMap::new(),
            metrics,
            refused: 0,
            bell,
            peers,
            tcp,
            meter: Meter::new(load, Instant::now()),
            again: false,
        }
    }

    /// Runs until a shutdown command, or until every handle is gone.
    pub(crate) async fn run(mut self) {
        rhythm::sleep_precisely();
        let mut rhythm = Rhythm::new(Instant::now());
        let mut turns = 0u32;
        let mut looked = Instant::now();
        let mut updated = looked;
        loop {
            let now = Instant::now();
            self.meter.sleep(now, self.node.participants());
            let rest = rhythm.rest(now);
            let command = match rest {
                Some(rest) => {
                    // Nothing else lives on this thread that a few hundred microseconds would matter to.
                    std::thread::sleep(rest);
                    turns = turns.wrapping_add(1);
                    if turns.is_multiple_of(TURNS_ALONE) {
                        tokio::task::yield_now().await;
                    }
                    self.commands.try_recv().ok()
                }
                None => match self.wait(rhythm.slack()).await {
                    Ok(command) => command,
                    Err(()) => return,
                },
            };
            let woke = Instant::now();
            self.meter.wake(woke);
            let commanded = command.is_some();
            match command {
                Some(Command::Shutdown { reply }) => {
                    self.node.close_all(Instant::now());
                    self.flush().await;
                    let _ = reply.send(());
                    return;
                }
                Some(command) => self.obey(command),
                None => {}
            }
            let now = Instant::now();
            // The oldest packet has come just after the last look, or it is what woke us.
            let oldest = if rest.is_some() { looked } else { woke };
            looked = now;
            let datagrams = self.receive() + self.hear_others();
            rhythm.turn(now, datagrams);
            let now = Instant::now();
            if self.node.deadline().is_some_and(|at| at <= now) {
                self.node.handle_timeout(now);
            }
            self.hear_taps(now);
            self.flush().await;
            if datagrams > 0 {
                self.metrics.delayed(oldest.elapsed());
            }
            if commanded || now >= updated + UPDATE_EVERY || self.node.participants() == 0 {
                updated = now;
                let gauges = Gauges {
                    refused: self.refused,
                    participants: self.node.participants(),
                    mirrors: self.node.mirrors(),
                };
                self.metrics.update(self.node.counters(), gauges);
                self.metrics.sample(looked, self.node.estimates());
            }
        }
    }

    /// Waits until there is something to do; a command is handed over, everything else is there to be found. `Err` when
    /// nothing will come any more.
    async fn wait(&mut self, slack: Duration) -> Result<Option<Command>, ()> {
        let now = Instant::now();
        let soon = self.again.then(|| now + AGAIN_AFTER);
        if let Some(deadline) = self.node.deadline().into_iter().chain(soon).min() {
            self.alarm.set(now, deadline, slack);
        }
        tokio::select! {
            readable = self.socket.readable() => match readable {
                Ok(()) => Ok(None),
                Err(error) => {
                    tracing::error!(%error, "the media socket is broken");
                    Err(())
                }
            },
            command = self.commands.recv() => command.map(Some).ok_or(()),
            () = self.bell.notified() => Ok(None),
            () = self.alarm.rings() => Ok(None),
        }
    }

    /// Takes what the socket has; how many datagrams that were.
    fn receive(&mut self) -> usize {
        let mut datagrams = 0;
        for _ in 0..BATCHES_IN_A_ROW {
            let now = Instant::now();
            let node = &mut self.node;
            match self.socket.receive(|source, datagram| node.handle_datagram(now, source, datagram)) {
                Ok(received) => {
                    datagrams += received.datagrams;
                    if !received.more {
                        break;
                    }
                }
                Err(error) => {
                    // ICMP errors of an earlier send surface here; they concern one peer, whose consent will expire.
                    tracing::debug!(%error, "receive");
                    break;
                }
            }
        }
        datagrams
    }

    /// Takes what other workers and the TCP thread have put into our rings; how many packets that were.
    fn hear_others(&mut self) -> usize {
        let now = Instant::now();
        let node = &mut self.node;
        let mut packets = self.peers.receive(node, now);
        if let Some(tcp) = &mut self.tcp {
            packets += tcp.receive(|what, packet| match what {
                FromTcp::Packet(path) => node.handle_datagram(now, path, packet),
                FromTcp::Closed(path) => node.path_closed(now, path),
            });
        }
        packets
    }

    fn obey(&mut self, command: Command) {
        let now = Instant::now();
        // Whoever asked may have gone away meanwhile; then nobody needs the reply.
        match command {
            Command::Join { who, request, reply } => {
                let _ = reply.send(self.node.join(now, who, &request));
            }
            Command::Leave { who, reply } => {
                self.node.leave(now, who);
                let _ = reply.send(());
            }
            Command::Export { who, source, reply } => {
                let _ = reply.send(self.node.export(who, source));
            }
            Command::Import { export, to, slot, reply } => {
                let _ = reply.send(self.node.import(now, &export, to, slot));
            }
            Command::Attach { from, source, to, slot, reply } => {
                let _ = reply.send(self.node.attach(now, from, source, to, slot));
            }
            Command::Detach { to, slot, reply } => {
                let _ = reply.send(self.node.detach(to, slot));
            }
            Command::PassData { from, to, worker, on, reply } => {
                let _ = reply.send(self.node.pass_data(from, to, worker, on));
            }
            Command::SetPublishing { who, source, on, reply } => {
                let _ = reply.send(self.node.set_publishing(now, who, source, on));
            }
            Command::SetView { who, slot, view, reply } => {
                let _ = reply.send(self.node.set_view(now, who, slot, view));
            }
            Command::Quality { who, reply } => {
                let _ = reply.send(self.node.quality(who));
            }
            Command::Tap { who, source, capacity, reply } => {
                let result = self.node.add_tap(now, who, source).map(|id| {
                    let (sender, receiver) = tap_channel(capacity.max(1));
                    self.taps.insert(id, sender);
                    receiver
                });
                let _ = reply.send(result);
            }
            Command::Stats { who, reply } => {
                let _ = reply.send(self.node.stats(who));
            }
            Command::Shutdown { reply } => {
                let _ = reply.send(());
            }
            #[cfg(test)]
            Command::Panic => panic!("asked to"),
        }
    }

    fn hear_taps(&mut self, now: Instant) {
        for (id, tap) in &mut self.taps {
            if tap.take_keyframe_wish() {
                self.node.request_keyframe(now, *id);
            }
        }
    }

    async fn flush(&mut self) {
        while let Some((id, output)) = self.node.poll_tap() {
            match output {
                TapOutput::Event(event) => {
                    if self.taps.get(&id).is_some_and(|tap| !tap.send(event)) {
                        self.taps.remove(&id);
                        self.node.remove_tap(id);
                    }
                }
                TapOutput::Ended => {
                    self.taps.remove(&id);
                }
            }
        }
        // Other workers first: they have a way to go before they can send.
        self.again = self.peers.send(&mut self.node, Instant::now());
        let tcp = &mut self.tcp;
        let mut by_tcp = |to, packet: &[u8]| tcp.as_mut().is_some_and(|tcp| tcp.send(to, packet));
        self.refused += self.socket.send(self.node.outbox(), &mut by_tcp).await;
        if let Some(tcp) = tcp {
            tcp.flush();
        }
        self.node.outbox().clear();
        while let Some(event) = self.node.poll_event() {
            if let Event::Left { participant, .. } = &event {
                (self.on_left)(*participant);
            }
            // The layer above must read; if it is far behind, events wait here rather than in memory without bound.
            if self.events.send(event).await.is_err() {
                tracing::debug!("nobody listens to media events any more");
            }
        }
    }
}
