//! ICE over TCP (RFC 6544) for networks that let no UDP through: one port for all workers.
//!
//! One thread owns every connection. The first packet on a connection must be a connectivity check; the ufrag in it says
//! which worker made it (`sfu_core::transport::ice::worker_of`), and from then on the connection is that worker's:
//! its packets go to the worker by a ring and come back by another. So a worker knows no streams, and a client that
//! reads slowly stalls nobody: what it does not take waits in a bounded buffer, video is dropped first, and at the end
//! the connection is closed.
//!
//! Nobody is let in here; that is the node's business. But a connection that the node does not answer (a node answers
//! authentic checks only) is closed soon, and there are only so many at a time from one address.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus::{IntCounter, IntCounterVec, IntGauge};
use sfu_core::path::Path;
use sfu_core::rtp::packet::DatagramKind;
use sfu_core::transport::framing::{self, Deframer};
use sfu_core::transport::ice::{Check, worker_of};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::LocalSet;
use tokio::time::sleep_until;

use crate::ring::{RingReceiver, RingSender, ring};

/// Packets that may wait between this thread and a worker, each way.
const CAPACITY: usize = 1024;

/// A connection whose check no node has answered by then is closed.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A connection to which its node has said nothing for so long is closed: checks come every few seconds and are answered.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// Packets taken before the node has answered: checks, and a handshake that runs ahead.
const UNANSWERED_PACKETS_MAX: u32 = 64;

/// Connections at a time, in all and from one address (an office behind one NAT is one address).
const CONNECTIONS_MAX: usize = 4096;
const PER_ADDRESS_MAX: usize = 256;

/// With more than this waiting for a client no more video is added: 200 ms at 2.5 Mbit/s.
const QUEUE_VIDEO: usize = 64 << 10;

/// With more than this waiting the client is not reading at all: the connection is closed.
const QUEUE_MAX: usize = 256 << 10;

/// What the kernel may hold for a client; what waits there cannot be dropped any more.
const KERNEL_BUFFER: usize = 64 << 10;

/// RTP packets shorter than this are taken for audio.
const AUDIO_MAX: usize = 400;

/// Read at once from one connection.
const READ: usize = 16 << 10;

/// What a worker hears of its connections.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FromTcp {
    /// A packet came.
    Packet(Path),
    /// The connection is over.
    Closed(Path),
}

/// A worker's ends of the two rings.
pub(crate) struct TcpLink {
    to: RingSender<Path>,
    from: RingReceiver<FromTcp>,
}

impl TcpLink {
    /// Sends a packet to a client; false when there is no room.
    pub(crate) fn send(&mut self, to: Path, packet: &[u8]) -> bool {
        self.to.push(to, packet, 0).is_ok()
    }

    /// Everything of this batch has been sent.
    pub(crate) fn flush(&mut self) {
        self.to.ring_bell();
    }

    /// Takes what has come, at most one ring full; how many packets that were.
    pub(crate) fn receive(&mut self, mut handle: impl FnMut(FromTcp, &mut [u8])) -> usize {
        (0..CAPACITY).take_while(|_| self.from.pop(&mut handle)).count()
    }
}

/// This thread's ends of the rings, before it runs.
pub(crate) struct TcpRings {
    patience: Patience,
    to_workers: Vec<RingSender<FromTcp>>,
    from_workers: Vec<RingReceiver<Path>>,
    bell: Arc<Notify>,
}

/// How long a connection may be of no use.
#[derive(Clone, Copy)]
struct Patience {
    answer: Duration,
    idle: Duration,
}

/// Makes the rings to the workers with these bells.
pub(crate) fn rings(bells: &[Arc<Notify>]) -> (TcpRings, Vec<TcpLink>) {
    let ours = Arc::new(Notify::new());
    let patience = Patience { answer: ANSWER_WITHIN, idle: IDLE_MAX };
    let mut rings =
        TcpRings { patience, to_workers: Vec::new(), from_workers: Vec::new(), bell: ours.clone() };
    let links = bells.iter().map(|bell| {
        let (to_worker, from_tcp) = ring(CAPACITY, bell.clone());
        let (to_tcp, from_worker) = ring(CAPACITY, ours.clone());
        rings.to_workers.push(to_worker);
        rings.from_workers.push(from_worker);
        TcpLink { to: to_tcp, from: from_tcp }
    });
    let links = links.collect();
    (rings, links)
}

/// What is counted here.
#[derive(Clone, Debug)]
pub(crate) struct TcpMetrics {
    /// Connections now.
    pub(crate) connections: IntGauge,
    /// Connections closed by us, by reason.
    pub(crate) closed: IntCounterVec,
    /// Packets dropped because the client reads too slowly.
    pub(crate) slow: IntCounter,
    /// Packets dropped because a worker does not keep up.
    pub(crate) full: IntCounter,
}

/// Opens the listening socket.
pub(crate) fn bind(addr: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // A restarted server must not wait for the last one's connections to time out.
    socket.set_reuse_address(true)?;
    if addr.is_ipv6() {
        socket.set_only_v6(!addr.ip().is_unspecified())?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(256)?;
    Ok(socket.into())
}

/// Runs the thread's work until told to stop.
pub(crate) fn run(
    runtime: &tokio::runtime::Runtime,
    listener: std::net::TcpListener,
    rings: TcpRings,
    metrics: TcpMetrics,
    mut stop: watch::Receiver<bool>,
) {
    let TcpRings { patience, to_workers, mut from_workers, bell } = rings;
    let hall = Rc::new(Hall {
        patience,
        to_workers: RefCell::new(to_workers),
        connections: RefCell::default(),
        per_address: RefCell::default(),
        read: RefCell::new(vec![0; READ]),
        metrics,
    });
    LocalSet::new().block_on(runtime, async {
        let listener = match TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => return tracing::error!(%error, "the TCP media socket cannot be used"),
        };
        let mut not_before = tokio::time::Instant::now();
        loop {
            let accept = async {
                tokio::time::sleep_until(not_before).await;
                listener.accept().await
            };
            tokio::select! {
                accepted = accept => match accepted {
                    Ok((stream, remote)) => hall.admit(stream, remote),
                    Err(error) => {
                        // Out of file descriptors, most likely: others must close first, and go on until then.
                        tracing::warn!(%error, "a TCP connection could not be accepted");
                        not_before = tokio::time::Instant::now() + Duration::from_millis(100);
                    }
                },
                () = bell.notified() => hall.deliver(&mut from_workers),
                // Told to stop, or nobody is left who could tell.
                _ = stop.changed() => {
                    hall.deliver(&mut from_workers);
                    // Goodbyes are on their way; each connection writes what it has.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    return;
                }
            }
        }
    });
}

/// Every connection, and the ways to the workers.
struct Hall {
    patience: Patience,
    to_workers: RefCell<Vec<RingSender<FromTcp>>>,
    connections: RefCell<HashMap<SocketAddr, Rc<Outgoing>>>,
    per_address: RefCell<HashMap<IpAddr, usize>>,
    /// Where bytes are read into; never borrowed while anybody waits.
    read: RefCell<Vec<u8>>,
    metrics: TcpMetrics,
}

impl Hall {
    fn admit(self: &Rc<Self>, stream: TcpStream, remote: SocketAddr) {
        let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
        let address = counted_as(remote.ip());
        let many = self.per_address.borrow().get(&address).copied().unwrap_or(0);
        let known = self.connections.borrow().contains_key(&remote);
        if known || many >= PER_ADDRESS_MAX || self.connections.borrow().len() >= CONNECTIONS_MAX {
            return self.count_closed("too_many");
        }
        let outgoing = Rc::new(Outgoing::default());
        self.connections.borrow_mut().insert(remote, outgoing.clone());
        *self.per_address.borrow_mut().entry(address).or_default() += 1;
        self.metrics.connections.inc();
        let hall = self.clone();
        tokio::task::spawn_local(async move {
            let mut connection =
                Connection { hall: &hall, remote, outgoing: &outgoing, worker: None, packets: 0 };
            let reason = connection.serve(stream).await;
            tracing::debug!(%remote, reason, "TCP connection closed");
            hall.count_closed(reason);
            if let Some(worker) = connection.worker {
                // Rarely, the ring is full; then the node learns it from the missing checks.
                hall.tell(worker, FromTcp::Closed(Path::tcp(remote)), &[]);
            }
            hall.connections.borrow_mut().remove(&remote);
            hall.metrics.connections.dec();
            let mut per_address = hall.per_address.borrow_mut();
            if let Some(many) = per_address.get_mut(&address) {
                *many -= 1;
                if *many == 0 {
                    per_address.remove(&address);
                }
            }
        });
    }

    /// Carries the workers' packets to their connections.
    fn deliver(&self, from_workers: &mut [RingReceiver<Path>]) {
        let connections = self.connections.borrow();
        for ring in from_workers {
            while ring.pop(|path, packet| {
                if !connections.get(&path.remote).is_some_and(|outgoing| outgoing.push(packet)) {
                    self.metrics.slow.inc();
                }
            }) {}
        }
    }

    fn tell(&self, worker: usize, what: FromTcp, packet: &[u8]) -> bool {
        let mut workers = self.to_workers.borrow_mut();
        let Some(ring) = workers.get_mut(worker) else { return false };
        let told = ring.push(what, packet, 0).is_ok();
        ring.ring_bell();
        told
    }

    fn count_closed(&self, reason: &str) {
        self.metrics.closed.with_label_values(&[reason]).inc();
    }
}

/// What one client has not taken yet.
#[derive(Default)]
struct Outgoing {
    bytes: RefCell<VecDeque<u8>>,
    wake: Notify,
    /// When the node last said something.
    spoken: Cell<Option<Instant>>,
    /// The client does not read.
    stuck: Cell<bool>,
}

impl Outgoing {
    /// Adds a packet; false when it was dropped.
    fn push(&self, packet: &[u8]) -> bool {
        self.spoken.set(Some(Instant::now()));
        self.wake.notify_one();
        let Some(header) = framing::header(packet) else { return false };
        let mut bytes = self.bytes.borrow_mut();
        let waiting = bytes.len();
        if waiting > QUEUE_MAX {
            self.stuck.set(true);
            return false;
        }
        if waiting > QUEUE_VIDEO && DatagramKind::of(packet) == DatagramKind::Rtp && packet.len() > AUDIO_MAX
        {
            return false;
        }
        bytes.extend(header);
        bytes.extend(packet);
        true
    }

    /// Writes as much as the kernel takes.
    fn write(&self, stream: &TcpStream) -> io::Result<()> {
        let mut bytes = self.bytes.borrow_mut();
        while !bytes.is_empty() {
            let (first, second) = bytes.as_slices();
            match stream.try_write_vectored(&[IoSlice::new(first), IoSlice::new(second)]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => drop(bytes.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.bytes.borrow().is_empty()
    }
}

struct Connection<'a> {
    hall: &'a Hall,
    remote: SocketAddr,
    outgoing: &'a Outgoing,
    /// Known from the first check on.
    worker: Option<usize>,
    /// Packets so far.
    packets: u32,
}

impl Connection<'_> {
    /// Carries packets until it is over; returns why.
    async fn serve(&mut self, stream: TcpStream) -> &'static str {
        // Packets go out when they are due, not when there are enough of them.
        if stream.set_nodelay(true).is_err() {
            return "broken";
        }
        let _ = socket2::SockRef::from(&stream).set_send_buffer_size(KERNEL_BUFFER);
        let (opened, mut deframer) = (Instant::now(), Deframer::default());
        loop {
            let deadline = match self.outgoing.spoken.get() {
                Some(at) => at + self.hall.patience.idle,
                None => opened + self.hall.patience.answer,
            };
            let interest = if self.outgoing.is_empty() {
                Interest::READABLE
            } else {
                Interest::READABLE | Interest::WRITABLE
            };
            tokio::select! {
                ready = stream.ready(interest) => match ready {
                    Ok(ready) if ready.is_readable() => {
                        if let Err(reason) = self.read(&stream, &mut deframer) {
                            return reason;
                        }
                    }
                    Ok(_) => {}
                    Err(_) => return "broken",
                },
                () = self.outgoing.wake.notified() => {}
                () = sleep_until(deadline.into()) => {
                    match self.outgoing.spoken.get() {
                        None => return "not_answered",
                        Some(at) if at.elapsed() >= self.hall.patience.idle => return "idle",
                        Some(_) => {}
                    }
                }
            }
            if self.outgoing.stuck.get() {
                return "slow";
            }
            if self.outgoing.write(&stream).is_err() {
                return "broken";
            }
        }
    }

    fn read(&mut self, stream: &TcpStream, deframer: &mut Deframer) -> Result<(), &'static str> {
        let hall = self.hall;
        let mut buffer = hall.read.borrow_mut();
        let read = match stream.try_read(&mut buffer) {
            Ok(0) => return Err("by_peer"),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(_) => return Err("broken"),
        };
        let mut verdict = Ok(());
        let framed = deframer.push(&buffer[..read], |packet| {
            verdict = verdict.and_then(|()| self.take(packet));
        });
        framed.map_err(|_| "not_framed").and(verdict)
    }

    /// Passes a packet on to the worker the connection belongs to.
    fn take(&mut self, packet: &[u8]) -> Result<(), &'static str> {
        self.packets = self.packets.saturating_add(1);
        if self.outgoing.spoken.get().is_none() && self.packets > UNANSWERED_PACKETS_MAX {
            return Err("not_answered");
        }
        let worker = match self.worker {
            Some(worker) => worker,
            None => {
                let check = Check::parse(packet).map_err(|_| "no_check")?;
                let worker = worker_of(check.local_ufrag()).ok_or("no_check")?;
                if usize::from(worker.0) >= self.hall.to_workers.borrow().len() {
                    return Err("no_check");
                }
                *self.worker.insert(usize::from(worker.0))
            }
        };
        if !self.hall.tell(worker, FromTcp::Packet(Path::tcp(self.remote)), packet) {
            self.hall.metrics.full.inc();
        }
        Ok(())
    }
}

/// The address connections are counted under: one IPv6 customer has a whole /64.
fn counted_as(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use stun::attributes::ATTR_USERNAME;
    use stun::fingerprint::FINGERPRINT;
    use stun::message::{BINDING_REQUEST, Message, Setter};

    use super::*;

    /// How long anything may take on a machine that is busy with other tests.
    const PATIENCE: Duration = Duration::from_secs(30);

    #[test]
    fn who_reads_slowly_loses_video_first_and_the_connection_last() {
        let outgoing = Outgoing::default();
        let waiting = || outgoing.bytes.borrow().len();
        let (video, audio) = ([0x80; 1200], [0x80; 120]);
        while outgoing.push(&video) {}
        assert!((QUEUE_VIDEO..QUEUE_VIDEO + 1300).contains(&waiting()));
        assert!(outgoing.push(&audio) && !outgoing.push(&video), "sound still gets through");
        let handshake = [22; 1200];
        assert!(outgoing.push(&handshake), "and so does what the connection lives on");
        while outgoing.push(&audio) {}
        assert!((QUEUE_MAX..QUEUE_MAX + 200).contains(&waiting()));
        assert!(outgoing.stuck.get());
    }

    #[test]
    fn a_customers_ipv6_addresses_are_one() {
        let parse = |text: &str| counted_as(text.parse().expect("an address"));
        assert_eq!(parse("2001:db8:1:2::9"), parse("2001:db8:1:2:ffff:1:2:3"));
        assert_ne!(parse("2001:db8:1:2::9"), parse("2001:db8:1:3::9"));
        assert_ne!(parse("192.0.2.1"), parse("192.0.2.2"));
    }

    /// A framed check for somebody on the first worker.
    fn check() -> Vec<u8> {
        let mut check = Message::new();
        check.set_type(BINDING_REQUEST);
        check.write_header();
        check.add(ATTR_USERNAME, b"Asomebody:else");
        FINGERPRINT.add_to(&mut check).expect("fingerprint");
        [&framing::header(&check.raw).expect("short")[..], &check.raw].concat()
    }

    /// The next thing a worker hears.
    fn hear(link: &mut TcpLink) -> (FromTcp, Vec<u8>) {
        let begun = Instant::now();
        loop {
            let mut heard = None;
            link.from.pop(|what, bytes| heard = Some((what, bytes.to_vec())));
            if let Some(heard) = heard {
                return heard;
            }
            assert!(begun.elapsed() < PATIENCE, "nothing comes");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_connection_lives_as_long_as_its_node_talks_to_it() {
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("bound");
        let door = listener.local_addr().expect("bound");
        let (mut rings, mut links) = rings(&[Arc::default()]);
        rings.patience = Patience { answer: Duration::from_millis(600), idle: Duration::from_millis(200) };
        let metrics = crate::metrics::Metrics::new().expect("metrics").tcp();
        let (stop, stopped) = watch::channel(false);
        let counted = metrics.clone();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
            run(&runtime, listener, rings, counted, stopped);
        });
        let link = &mut links[0];
        let closed = |reason: &str| metrics.closed.with_label_values(&[reason]).get();
        let connect = || {
            let mut stream = std::net::TcpStream::connect(door).expect("connected");
            stream.set_read_timeout(Some(PATIENCE)).expect("set");
            stream.write_all(&check()).expect("written");
            stream
        };

        let mut ignored = connect();
        assert!(
            matches!(hear(link), (FromTcp::Packet(path), bytes) if path.is_tcp() && bytes == check()[2..])
        );
        assert!(matches!(ignored.read(&mut [0; 8]), Ok(0)));
        assert!(matches!(hear(link), (FromTcp::Closed(_), _)));
        assert_eq!((closed("not_answered"), closed("idle")), (1, 0));

        let mut answered = connect();
        let (FromTcp::Packet(path), _) = hear(link) else { panic!("a packet") };
        assert!(link.send(path, b"yes"));
        link.flush();
        let mut answer = [0; 5];
        answered.read_exact(&mut answer).expect("answered");
        assert_eq!(&answer, b"\0\x03yes");
        assert!(matches!(answered.read(&mut [0; 8]), Ok(0)), "then nothing more is said, and it ends");
        assert!(matches!(hear(link), (FromTcp::Closed(_), _)));
        assert_eq!((closed("not_answered"), closed("idle")), (1, 1));
        stop.send(true).expect("runs");
        thread.join().expect("ended");
    }
}
