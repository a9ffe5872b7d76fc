//! The proxy: sockets around two [`Link`]s.
//!
//! Both links belong to the proxy, not to a client: it plays one access network, whoever is behind it shares its bottleneck.
//! Every client address gets a socket of its own towards the server, as a NAT would do it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::control::{Command, DirectionReport, Report};
use super::link::{Fate, Link};
use super::stream;
use super::trace::{Schedule, Tables, Trace};

/// More client addresses at a time than one browser ever has; the longest silent one goes.
const CLIENTS_MAX: usize = 64;
/// Packets on their way in one direction; a second of 100 Mbit/s.
const ON_THE_WAY_MAX: usize = 12_000;
const DATAGRAM_MAX: usize = 2048;

/// What to build.
#[derive(Clone, Debug)]
pub struct ProxyConfig {
    /// The network to play.
    pub trace: Trace,
    /// One seed, one run.
    pub seed: u64,
    /// Where clients send UDP to; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where it goes on to.
    pub to: SocketAddr,
    /// The same for TCP.
    pub tcp: Option<(SocketAddr, SocketAddr)>,
    /// The trace stays at its first moment until [`Command::Begin`].
    pub hold: bool,
}

/// A running proxy; dropping it ends it.
pub struct Proxy {
    /// Where clients send UDP to.
    pub udp: SocketAddr,
    /// Where clients connect to.
    pub tcp: Option<SocketAddr>,
    network: Arc<Network>,
    orders: mpsc::UnboundedSender<Order>,
    tasks: JoinSet<()>,
}

/// The two links and their clock, shared by all relays.
pub(super) struct Network {
    state: Mutex<State>,
    seed: u64,
    trace: Trace,
}

struct State {
    /// The zero of the links' clock.
    origin: Instant,
    /// Whether the trace goes on, or its first moment lasts.
    begun: bool,
    tables: Tables,
    up: Link,
    down: Link,
    addresses: u64,
}

/// Which way a packet goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Direction {
    Up,
    Down,
}

enum Order {
    Rebind,
}

impl State {
    fn link(&mut self, direction: Direction) -> &mut Link {
        match direction {
            Direction::Up => &mut self.up,
            Direction::Down => &mut self.down,
        }
    }
}

impl Network {
    pub(super) fn new(trace: Trace, seed: u64, hold: bool) -> Self {
        let first = |schedule: &Schedule| Schedule::constant(*schedule.at(Duration::ZERO).0);
        let (up, down) = if hold {
            (first(&trace.up), first(&trace.down))
        } else {
            (trace.up.clone(), trace.down.clone())
        };
        let (up, down) = links(up, down, seed);
        let state = State {
            origin: Instant::now(),
            begun: !hold,
            tables: trace.start.clone(),
            up,
            down,
            addresses: 0,
        };
        Self { state: Mutex::new(state), seed, trace }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self) {
        let mut state = self.lock();
        (state.up, state.down) = links(self.trace.up.clone(), self.trace.down.clone(), self.seed);
        state.tables = self.trace.start.clone();
        state.origin = Instant::now();
        state.begun = true;
    }

    /// What becomes of a datagram that comes in now; the fate's times count from the instant beside it.
    pub(super) fn packet(&self, direction: Direction, length: usize) -> (Instant, Fate) {
        let mut state = self.lock();
        let now = state.origin.elapsed();
        (state.origin, state.link(direction).packet(now, length))
    }

    /// When a segment that comes in now arrives; `None`: ask again later.
    pub(super) fn segment(&self, direction: Direction, length: usize) -> Option<Instant> {
        let mut state = self.lock();
        let now = state.origin.elapsed();
        let at = state.link(direction).segment(now, length)?;
        Some(state.origin + at)
    }

    /// How many of the trace's address changes should have happened by now.
    pub(super) fn rebinds_due(&self) -> usize {
        if self.trace.rebinds.is_empty() {
            return 0;
        }
        let state = self.lock();
        let now = state.origin.elapsed();
        if state.begun { self.trace.rebinds.partition_point(|at| *at <= now) } else { 0 }
    }

    pub(super) fn report(&self) -> Report {
        let state = self.lock();
        let now = state.origin.elapsed();
        Report {
            at_s: now.as_secs_f64(),
            up: DirectionReport::new(state.up.counts(), state.up.backlog(now)),
            down: DirectionReport::new(state.down.counts(), state.down.backlog(now)),
            addresses: state.addresses,
        }
    }
}

fn links(up: Schedule, down: Schedule, seed: u64) -> (Link, Link) {
    // Different seeds: what is lost on the way there says nothing about the way back.
    (Link::new(up, seed), Link::new(down, seed ^ 0x5bd1_e995_0000_0001))
}

impl Proxy {
    /// Binds and begins to relay.
    pub async fn start(config: ProxyConfig) -> Result<Self> {
        let network = Arc::new(Network::new(config.trace, config.seed, config.hold));
        let mut tasks = JoinSet::new();

        let front = UdpSocket::bind(config.listen).await.with_context(|| format!("UDP {}", config.listen))?;
        let udp = front.local_addr()?;
        let (orders, ordered) = mpsc::unbounded_channel();
        let relay = UdpRelay::new(Arc::new(front), config.to, Arc::clone(&network));
        tasks.spawn(relay.run(ordered));

        let mut tcp = None;
        if let Some((listen, to)) = config.tcp {
            let listener = TcpListener::bind(listen).await.with_context(|| format!("TCP {listen}"))?;
            tcp = Some(listener.local_addr()?);
            tasks.spawn(stream::accept(listener, to, Arc::clone(&network)));
        }

        // Address changes of the trace, once it has begun.
        if !network.trace.rebinds.is_empty() {
            let (network, orders) = (Arc::clone(&network), orders.clone());
            tasks.spawn(async move {
                let mut done = 0;
                while let Some(next) = network.trace.rebinds.get(done).copied() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    let state = network.lock();
                    let due = state.begun && state.origin.elapsed() >= next;
                    drop(state);
                    if due {
                        done += 1;
                        let _ = orders.send(Order::Rebind);
                    }
                }
            });
        }
        Ok(Self { udp, tcp, network, orders, tasks })
    }

    /// Does what a line says.
    pub fn command(&self, command: Command) -> Result<Report> {
        match command {
            Command::Begin => self.network.begin(),
            Command::Set(set) => {
                let mut state = self.network.lock();
                let (up, down) = state.tables.apply(&set.0)?;
                state.up.set(up);
                state.down.set(down);
            }
            Command::Rebind => {
                let _ = self.orders.send(Order::Rebind);
            }
            Command::Report => {}
        }
        Ok(self.network.report())
    }

    /// Waits until a relay fails, which is never in good order.
    pub async fn ended(&mut self) {
        self.tasks.join_next().await;
    }
}

/// A packet on its way. Ordered by when it arrives, then by when it left.
struct Travelling {
    at: Instant,
    number: u64,
    bytes: Vec<u8>,
    journey: Journey,
}

#[derive(Clone, Copy)]
enum Journey {
    /// To the server, from this client.
    Up(SocketAddr),
    /// To this client.
    Down(SocketAddr),
}

impl Ord for Travelling {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}
impl PartialOrd for Travelling {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Travelling {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}
impl Eq for Travelling {}

struct Client {
    socket: Arc<UdpSocket>,
    /// Reads what the server answers; ends with the client.
    reader: JoinSet<()>,
    heard: Instant,
}

struct UdpRelay {
    front: Arc<UdpSocket>,
    to: SocketAddr,
    network: Arc<Network>,
    clients: HashMap<SocketAddr, Client>,
    travelling: BinaryHeap<Reverse<Travelling>>,
    number: u64,
    answers: mpsc::Sender<(SocketAddr, Vec<u8>)>,
    answered: mpsc::Receiver<(SocketAddr, Vec<u8>)>,
}

impl UdpRelay {
    fn new(front: Arc<UdpSocket>, to: SocketAddr, network: Arc<Network>) -> Self {
        let (answers, answered) = mpsc::channel(1024);
        Self {
            front,
            to,
            network,
            clients: HashMap::new(),
            travelling: BinaryHeap::new(),
            number: 0,
            answers,
            answered,
        }
    }

    async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        let mut buffer = vec![0; DATAGRAM_MAX];
        loop {
            let next = self.travelling.peek().map(|Reverse(packet)| packet.at);
            tokio::select! {
                received = self.front.recv_from(&mut buffer) => {
                    // An ICMP error of an earlier send comes out here; the next datagram may be fine.
                    if let Ok((length, client)) = received {
                        self.depart(Journey::Up(client), buffer[..length].to_vec());
                    }
                }
                Some((client, bytes)) = self.answered.recv() => self.depart(Journey::Down(client), bytes),
                Some(Order::Rebind) = orders.recv() => self.rebind().await,
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            }
            let now = Instant::now();
            while self.travelling.peek().is_some_and(|Reverse(packet)| packet.at <= now) {
                let Some(Reverse(packet)) = self.travelling.pop() else { break };
                self.deliver(packet).await;
            }
        }
    }

    fn depart(&mut self, journey: Journey, bytes: Vec<u8>) {
        let direction = match journey {
            Journey::Up(_) => Direction::Up,
            Journey::Down(_) => Direction::Down,
        };
        let (origin, fate) = self.network.packet(direction, bytes.len());
        let Fate::Arrives { at, again } = fate else { return };
        if self.travelling.len() >= ON_THE_WAY_MAX {
            return;
        }
        if let Some(again) = again {
            self.push(origin + again, bytes.clone(), journey);
        }
        self.push(origin + at, bytes, journey);
    }

    fn push(&mut self, at: Instant, bytes: Vec<u8>, journey: Journey) {
        self.number += 1;
        self.travelling.push(Reverse(Travelling { at, number: self.number, bytes, journey }));
    }

    async fn deliver(&mut self, packet: Travelling) {
        match packet.journey {
            Journey::Up(address) => {
                if let Ok(client) = self.client(address).await {
                    client.heard = Instant::now();
                    // A full socket buffer is one more lost packet.
                    let _ = client.socket.send(&packet.bytes).await;
                }
            }
            Journey::Down(client) => {
                let _ = self.front.send_to(&packet.bytes, client).await;
            }
        }
    }

    async fn client(&mut self, address: SocketAddr) -> Result<&mut Client> {
        if !self.clients.contains_key(&address) {
            if self.clients.len() >= CLIENTS_MAX {
                let silent = self.clients.iter().min_by_key(|(_, client)| client.heard).map(|(at, _)| *at);
                silent.and_then(|silent| self.clients.remove(&silent));
            }
            let client = self.connect(address).await?;
            self.clients.insert(address, client);
        }
        self.clients.get_mut(&address).context("the client that was just made")
    }

    async fn connect(&self, address: SocketAddr) -> Result<Client> {
        let any = SocketAddr::new(self.front.local_addr()?.ip(), 0);
        let socket = Arc::new(UdpSocket::bind(any).await?);
        socket.connect(self.to).await?;
        self.network.lock().addresses += 1;
        let mut reader = JoinSet::new();
        let (from, answers) = (Arc::clone(&socket), self.answers.clone());
        reader.spawn(async move {
            let mut buffer = vec![0; DATAGRAM_MAX];
            loop {
                match from.recv(&mut buffer).await {
                    Ok(length) => {
                        if answers.send((address, buffer[..length].to_vec())).await.is_err() {
                            return;
                        }
                    }
                    // Nobody listens there yet (or any more): not worth a busy loop.
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        });
        Ok(Client { socket, reader, heard: Instant::now() })
    }

    async fn rebind(&mut self) {
        let addresses: Vec<_> = self.clients.keys().copied().collect();
        for address in addresses {
            if let Ok(fresh) = self.connect(address).await
                && let Some(mut old) = self.clients.insert(address, fresh)
            {
                old.reader.abort_all();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn here() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }

    async fn proxy(trace: &str, server: SocketAddr, tcp: Option<SocketAddr>) -> Proxy {
        let trace = Trace::parse(&format!("about = 'test'\n{trace}")).expect("a trace");
        let tcp = tcp.map(|to| (here(), to));
        Proxy::start(ProxyConfig { trace, seed: 1, listen: here(), to: server, tcp, hold: false })
            .await
            .expect("free ports")
    }

    async fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
        let mut buffer = [0; DATAGRAM_MAX];
        let (length, from) = timeout(PATIENCE, socket.recv_from(&mut buffer))
            .await
            .expect("a datagram in time")
            .expect("no error");
        (buffer[..length].to_vec(), from)
    }

    #[tokio::test]
    async fn datagrams_go_there_and_back_and_each_client_has_its_own_address() {
        let server = UdpSocket::bind(here()).await.expect("a port");
        let proxy = proxy("[both]\ndelay_ms = 1", server.local_addr().expect("an address"), None).await;
        let clients =
            [UdpSocket::bind(here()).await.expect("a port"), UdpSocket::bind(here()).await.expect("a port")];
        let mut seen = Vec::new();
        for (client, name) in clients.iter().zip([b"one", b"two"]) {
            client.send_to(name, proxy.udp).await.expect("sent");
            let (bytes, from) = receive(&server).await;
            assert_eq!(bytes, name);
            server.send_to(name, from).await.expect("sent");
            assert_eq!(receive(client).await, (name.to_vec(), proxy.udp));
            seen.push(from);
        }
        assert_ne!(seen[0], seen[1]);
        let report = proxy.command(Command::Report).expect("a report");
        assert_eq!((report.up.packets, report.down.packets, report.addresses), (2, 2, 2));
    }

    #[tokio::test]
    async fn after_an_address_change_the_server_sees_another_port_and_answers_still_arrive() {
        let server = UdpSocket::bind(here()).await.expect("a port");
        let proxy = proxy("", server.local_addr().expect("an address"), None).await;
        let client = UdpSocket::bind(here()).await.expect("a port");
        client.send_to(b"before", proxy.udp).await.expect("sent");
        let (_, before) = receive(&server).await;
        proxy.command(Command::Rebind).expect("a report");
        // Orders and datagrams are two queues: the change holds from some later datagram on.
        let after = loop {
            client.send_to(b"after", proxy.udp).await.expect("sent");
            let (_, from) = receive(&server).await;
            if from != before {
                break from;
            }
        };
        server.send_to(b"answer", after).await.expect("sent");
        assert_eq!(receive(&client).await.0, b"answer");
    }

    #[tokio::test]
    async fn where_udp_is_blocked_tcp_gets_through() {
        let listener = TcpListener::bind(here()).await.expect("a port");
        let to = listener.local_addr().expect("an address");
        let proxy = proxy("[both]\nudp_blocked = true", to, Some(to)).await;
        let client = UdpSocket::bind(here()).await.expect("a port");
        client.send_to(b"?", proxy.udp).await.expect("sent");

        let mut near = tokio::net::TcpStream::connect(proxy.tcp.expect("TCP")).await.expect("connected");
        let (mut far, _) = timeout(PATIENCE, listener.accept()).await.expect("in time").expect("accepted");
        let sent: Vec<u8> = (0..100_000u32).map(|n| n as u8).collect();
        let mut received = vec![0; sent.len()];
        let write = async {
            near.write_all(&sent).await.expect("written");
            near.shutdown().await.expect("closed");
        };
        let read = async {
            far.read_exact(&mut received).await.expect("read");
            assert_eq!(far.read(&mut [0]).await.expect("the end"), 0, "closing gets through too");
        };
        timeout(PATIENCE, async { tokio::join!(write, read) }).await.expect("in time");
        assert_eq!(received, sent);
        far.write_all(b"thanks").await.expect("written");
        let mut thanks = [0; 6];
        timeout(PATIENCE, near.read_exact(&mut thanks)).await.expect("in time").expect("read");
        let report = proxy.command(Command::Report).expect("a report");
        assert_eq!(report.up.blocked, 1);
    }

    #[tokio::test]
    async fn a_held_trace_counts_from_its_beginning_and_can_be_changed_by_hand() {
        let server = UdpSocket::bind(here()).await.expect("a port");
        let trace = Trace::parse("about = 'x'").expect("a trace");
        let to = server.local_addr().expect("an address");
        let config = ProxyConfig { trace, seed: 1, listen: here(), to, tcp: None, hold: true };
        let proxy = Proxy::start(config).await.expect("free ports");
        let client = UdpSocket::bind(here()).await.expect("a port");
        client.send_to(b"early", proxy.udp).await.expect("sent");
        receive(&server).await;
        assert_eq!(proxy.command(Command::Report).expect("a report").up.packets, 1);
        assert_eq!(proxy.command(Command::Begin).expect("a report").up.packets, 0);
        client.send_to(b"counted", proxy.udp).await.expect("sent");
        receive(&server).await;
        proxy.command("set up.outage = true".parse().expect("a command")).expect("a report");
        client.send_to(b"lost", proxy.udp).await.expect("sent");
        proxy.command("set up.outage = false".parse().expect("a command")).expect("a report");
        // The lost one has been seen when the next one has, as both came by one socket.
        let report = loop {
            client.send_to(b"again", proxy.udp).await.expect("sent");
            receive(&server).await;
            let report = proxy.command(Command::Report).expect("a report");
            if report.up.packets >= 3 {
                break report;
            }
        };
        assert!(report.up.packets >= 3 && report.at_s > 0.0);
    }
}
