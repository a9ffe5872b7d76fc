//! What forwarding one packet costs, beside what its cryptography and its system calls alone cost.
//!
//! A publisher and N viewers have real ICE, DTLS and SRTP and everything is on: cache, TWCC both ways, statistics, timers,
//! feedback of the viewers. Packets have 1200 bytes of VP8.
//!
//! *In the process* is `handle_datagram` until the last copy is sealed in the outbox, with the timers that become due and
//! the feedback that arrives. Its floor is ring's AES-256-GCM on the same bytes: once open, N times copy and seal.
//!
//! *With sockets* is the CPU time of the worker's thread over loopback, with 48 publishers of 2.5 Mbit/s, each with N viewers of
//! its own: 12,000 packets a second come in, 12 at a time. Its floor is a thread that reads and sends with the same system
//! calls, opens, copies and seals, and does nothing else. Like the worker it either waits for its socket or rests for the
//! remainder of 200 µs; the cheaper of both counts.
//!
//! Ours and the floor take turns in one process, so that a noisy machine hits both; the median turn counts.
//!
//! `cargo bench -p sfu --bench forward`, or a part of it: `-- process`, `-- sockets`, with a fan-out: `-- sockets 1`.

mod support;

use std::collections::HashMap;
use std::io::IoSliceMut;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, Nonce, UnboundKey};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::{ClockId, clock_gettime};
use sfu::{Config, Kind, Limits, Sfu, Source};
use sfu_core::rtp::rtcp::{self, Item};
use sfu_core::testing::{Caller, Media, Received};
use support::{address, attach, caller_identity, median, node};

const PAYLOAD: usize = 1200;
const FAN_OUTS: [usize; 4] = [1, 2, 3, 8];
/// Packets of one turn in the process, the time between them (2 Mbit/s), and turns.
const PACKETS: usize = 2_000;
const EVERY: Duration = Duration::from_millis(5);
const TURNS: usize = 15;
/// One turn with sockets, and turns.
const SOCKET_TURN: Duration = Duration::from_millis(700);
const SOCKET_TURNS: usize = 5;

fn main() {
    // Cargo adds `--bench`.
    let asked: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    let part = |name: &str| {
        let parts = asked.iter().any(|it| it.parse::<usize>().is_err());
        !parts || asked.iter().any(|it| it == name)
    };
    let fan_outs: Vec<usize> = {
        let named: Vec<usize> = asked.iter().filter_map(|it| it.parse().ok()).collect();
        FAN_OUTS.into_iter().filter(|it| named.is_empty() || named.contains(it)).collect()
    };
    println!("{PAYLOAD}-byte packets, ns a forwarded packet");
    println!(
        "AEAD alone, ns a packet: AES-128-GCM {:.0}, AES-256-GCM {:.0}",
        median((0..TURNS).map(|_| seal_cost(&AES_128_GCM)).collect()),
        median((0..TURNS).map(|_| seal_cost(&AES_256_GCM)).collect())
    );
    println!("in the process   viewers   forwarding     floor     ratio");
    for viewers in fan_outs.iter().copied().filter(|_| part("process")) {
        let mut call = Call::new(viewers);
        let (mut ours, mut floors) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            ours.push(call.turn());
            floors.push(floor(viewers));
        }
        report(viewers, median(ours), median(floors));
    }
    println!("with sockets     viewers   forwarding     floor     ratio");
    for viewers in fan_outs.iter().copied().filter(|_| part("sockets")) {
        let mut served = Served::start(viewers);
        let (mut ours, mut floors) = (Vec::new(), [Vec::new(), Vec::new()]);
        for _ in 0..SOCKET_TURNS {
            ours.push(served.turn());
            for (floors, wait) in floors.iter_mut().zip([Wait::ForPackets, Wait::InRhythm]) {
                floors.push(floor_with_sockets(viewers, wait));
            }
        }
        served.stop();
        let [waiting, resting] = floors.map(median);
        report(viewers, median(ours), waiting.min(resting));
    }
}

fn report(viewers: usize, ours: f64, floor: f64) {
    println!("{viewers:>24} {ours:>12.0} {floor:>9.0} {:>9.2}", ours / floor);
}

/// A VP8 payload: the first packet of everything is a keyframe, the rest are frames of their own.
fn payload(number: u16, keyframe: bool) -> [u8; PAYLOAD] {
    let mut payload = [0; PAYLOAD];
    let [high, low] = (number | 0x8000).to_be_bytes();
    payload[..5].copy_from_slice(&[0x90, 0x80, high, low, u8::from(!keyframe)]);
    payload
}

fn sealed(publisher: &mut Caller, number: u16, keyframe: bool) -> Vec<u8> {
    let payload = payload(number, keyframe);
    let timestamp = u32::from(number) * 450;
    let mut packet = Vec::new();
    publisher.write(&Media { kind: Kind::Video, marker: true, timestamp, payload: &payload }, &mut packet);
    packet
}

// ---- in the process ----

struct Call {
    now: Instant,
    node: sfu_core::node::Node,
    callers: Vec<Caller>,
    number: u16,
    keyframe_wanted: bool,
    spent: Duration,
}

impl Call {
    fn new(viewers: usize) -> Self {
        let now = Instant::now();
        let identity = caller_identity();
        let slots = [Kind::Audio, Kind::Video];
        let callers =
            (0..=viewers).map(|number| Caller::new(now, number as u32, &identity, &slots)).collect();
        let spent = Duration::ZERO;
        let mut call = Self { now, node: node(now), callers, number: 0, keyframe_wanted: true, spent };
        for index in 0..call.callers.len() {
            let joined = call.node.join(now, call.callers[index].id(), &call.callers[index].request());
            call.callers[index].joined(now, &joined.expect("joined"));
            for _ in 0..20 {
                call.carry();
            }
            assert!(call.callers[index].is_connected());
            if index > 0 {
                attach(&mut call.node, now, &call.callers[0], &call.callers[index]);
            }
        }
        // Estimates grow, buffers fill.
        for _ in 0..10 {
            call.turn();
        }
        let before = call.node.counters().forwarded;
        call.turn();
        let forwarded = (call.node.counters().forwarded - before) as usize;
        assert!(forwarded >= PACKETS * viewers * 9 / 10, "only {forwarded} packets are forwarded");
        call
    }

    /// Carries what waits on both sides; what the node does is measured.
    fn carry(&mut self) {
        for transmit in self.node.outbox().iter() {
            let Some(index) = (0..self.callers.len()).find(|it| address(*it) == transmit.destination.remote)
            else {
                continue;
            };
            let mut datagram = transmit.payload.to_vec();
            if let Received::Rtcp(length) = self.callers[index].handle(self.now, &mut datagram) {
                let mut items = rtcp::packets(&datagram[..length]).flat_map(|packet| packet.items());
                self.keyframe_wanted |= items.any(|item| matches!(item, Item::KeyframeRequest { .. }));
            }
        }
        self.node.outbox().clear();
        while self.node.poll_event().is_some() {}
        for index in 0..self.callers.len() {
            let mut datagrams = Vec::new();
            while let Some(datagram) = self.callers[index].poll_datagram() {
                datagrams.push(datagram);
            }
            let mut feedback = Vec::new();
            if self.callers[index].write_feedback(self.now, &mut feedback) {
                datagrams.push(feedback);
            }
            for mut datagram in datagrams {
                let begin = Instant::now();
                self.node.handle_datagram(self.now, address(index), &mut datagram);
                self.spent += begin.elapsed();
            }
        }
    }

    /// Packets at [`EVERY`]; ns a forwarded packet.
    fn turn(&mut self) -> f64 {
        // Consent for longer than the turn lasts.
        self.callers.iter_mut().for_each(Caller::check);
        self.carry();
        self.spent = Duration::ZERO;
        let before = self.node.counters().forwarded;
        for _ in 0..PACKETS {
            let next = self.now + EVERY;
            while let Some(at) = self.node.deadline().filter(|at| *at <= next) {
                self.now = self.now.max(at);
                let begin = Instant::now();
                self.node.handle_timeout(self.now);
                self.spent += begin.elapsed();
                self.carry();
            }
            self.now = next;
            self.number = self.number.wrapping_add(1);
            let keyframe = std::mem::take(&mut self.keyframe_wanted);
            let mut packet = sealed(&mut self.callers[0], self.number, keyframe);
            let begin = Instant::now();
            self.node.handle_datagram(self.now, address(0), &mut packet);
            self.spent += begin.elapsed();
            self.carry();
        }
        self.spent.as_nanos() as f64 / (self.node.counters().forwarded - before).max(1) as f64
    }
}

fn key(algorithm: &'static Algorithm) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(algorithm, &[7; 32][..algorithm.key_len()]).expect("key"))
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([9; 12])
}

fn seal_cost(algorithm: &'static Algorithm) -> f64 {
    let (key, mut buffer) = (key(algorithm), [1; PAYLOAD]);
    let begin = Instant::now();
    for _ in 0..PACKETS {
        let tag = key.seal_in_place_separate_tag(nonce(), Aad::from([0; 20]), &mut buffer).expect("seals");
        let _ = std::hint::black_box(tag);
    }
    begin.elapsed().as_nanos() as f64 / PACKETS as f64
}

/// One open and `viewers` times copy and seal of the same bytes, ns a forwarded packet.
fn floor(viewers: usize) -> f64 {
    let key = key(&AES_256_GCM);
    let mut packets = vec![sealed_for_floor(&key); 10];
    let mut out = Vec::with_capacity(2 * PAYLOAD * viewers * packets.len());
    let mut spent = Duration::ZERO;
    for _ in 0..PACKETS / 10 {
        packets.fill_with(|| sealed_for_floor(&key));
        out.clear();
        let begin = Instant::now();
        for packet in &mut packets {
            forward_for_floor(&key, packet, viewers, |_, packet| out.extend_from_slice(packet));
        }
        spent += begin.elapsed();
        std::hint::black_box(&out);
    }
    spent.as_nanos() as f64 / (PACKETS * viewers) as f64
}

fn sealed_for_floor(key: &LessSafeKey) -> Vec<u8> {
    let mut packet = vec![0x80; 20 + PAYLOAD];
    let (header, payload) = packet.split_at_mut(20);
    let tag = key.seal_in_place_separate_tag(nonce(), Aad::from(&*header), payload).expect("seals");
    packet.extend_from_slice(tag.as_ref());
    packet
}

fn forward_for_floor(
    key: &LessSafeKey,
    packet: &mut [u8],
    viewers: usize,
    mut send: impl FnMut(usize, &[u8]),
) {
    let (header, sealed) = packet.split_at_mut(20);
    key.open_in_place(nonce(), Aad::from(&*header), sealed).expect("opens");
    let plain = packet.len() - 16;
    let mut copy = [0; 2 * PAYLOAD];
    for viewer in 0..viewers {
        copy[..plain].copy_from_slice(&packet[..plain]);
        let (header, payload) = copy[..plain].split_at_mut(20);
        let tag = key.seal_in_place_separate_tag(nonce(), Aad::from(&*header), payload).expect("seals");
        copy[plain..plain + 16].copy_from_slice(tag.as_ref());
        send(viewer, &copy[..plain + 16]);
    }
}

// ---- with sockets ----

fn socket() -> UdpSocket {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).expect("socket");
    let _ = socket.set_recv_buffer_size(1 << 20);
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("bound");
    socket.into()
}

/// CPU time of a thread of this process, by name.
fn cpu_of(thread: &str) -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    for task in tasks.filter_map(Result::ok) {
        let read = |file| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
        if read("comm").trim() == thread {
            let nanoseconds = read("schedstat").split(' ').next().and_then(|it| it.parse().ok());
            return Duration::from_nanos(nanoseconds.expect("a number"));
        }
    }
    panic!("no thread {thread}")
}

/// Publishers, each with viewers of its own and a packet every 4 ms; so many that packets gather.
const PUBLISHERS: usize = 48;
const SPACING: usize = 4;

/// People who take what comes, on a thread of their own; callers answer with feedback, the others with nothing.
struct Audience {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Audience {
    fn start(mut people: Vec<(Option<Caller>, UdpSocket)>, server: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        for (_, socket) in &people {
            socket.set_nonblocking(true).expect("nonblocking");
        }
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 2048];
            while !stopped.load(Ordering::Relaxed) {
                for (caller, socket) in &mut people {
                    while let Ok(length) = socket.recv(&mut buffer) {
                        let Some(caller) = caller else { continue };
                        caller.handle(Instant::now(), &mut buffer[..length]);
                        let mut feedback = Vec::new();
                        if caller.write_feedback(Instant::now(), &mut feedback) {
                            let _ = socket.send_to(&feedback, server);
                        }
                    }
                }
                std::thread::sleep(Duration::from_micros(500));
            }
        });
        Self { stop, thread }
    }

    fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("ended");
    }
}

struct Publisher {
    caller: Caller,
    socket: UdpSocket,
    number: u16,
    keyframe_wanted: bool,
}

struct Served {
    runtime: tokio::runtime::Runtime,
    sfu: Sfu,
    server: SocketAddr,
    publishers: Vec<Publisher>,
    audience: Audience,
    registry: prometheus::Registry,
}

impl Served {
    fn start(viewers: usize) -> Self {
        let config = Config {
            bind: Ipv4Addr::LOCALHOST.into(),
            udp_port: 0,
            workers: 1,
            announced: Vec::new(),
            tcp_port: None,
            fill_permille: sfu::FILL_PERMILLE,
            limits: Limits::default(),
        };
        let (sfu, mut events) = Sfu::start(config).expect("starts");
        std::thread::spawn(move || while events.blocking_recv().is_some() {});
        let registry = prometheus::Registry::new();
        sfu.register_metrics(&registry).expect("metrics");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        let server = sfu.candidates()[0];
        let identity = caller_identity();
        let mut publishers: Vec<Publisher> = Vec::new();
        let mut people = Vec::new();
        for number in 0..PUBLISHERS * (viewers + 1) {
            let (now, socket) = (Instant::now(), socket());
            let mut caller = Caller::new(now, number as u32, &identity, &[Kind::Audio, Kind::Video]);
            let joined = runtime.block_on(sfu.join(caller.id(), caller.request())).expect("joined");
            caller.joined(now, &joined);
            socket.set_read_timeout(Some(Duration::from_millis(20))).expect("timeout");
            let mut buffer = [0; 2048];
            while !caller.is_connected() {
                while let Some(datagram) = caller.poll_datagram() {
                    socket.send_to(&datagram, server).expect("sent");
                }
                if let Ok(length) = socket.recv(&mut buffer) {
                    caller.handle(Instant::now(), &mut buffer[..length]);
                }
            }
            while let Some(datagram) = caller.poll_datagram() {
                socket.send_to(&datagram, server).expect("sent");
            }
            if number % (viewers + 1) == 0 {
                socket.set_nonblocking(true).expect("nonblocking");
                publishers.push(Publisher { caller, socket, number: 0, keyframe_wanted: true });
            } else {
                let from = publishers.last().expect("a publisher comes first").caller.id();
                let attach = sfu.attach(from, Source::Camera, caller.id(), caller.slot(1));
                runtime.block_on(attach).expect("attached");
                people.push((Some(caller), socket));
            }
        }
        let audience = Audience::start(people, server);
        let mut served = Self { runtime, sfu, server, publishers, audience, registry };
        for _ in 0..3 {
            served.turn();
        }
        served
    }

    fn forwarded(&self) -> u64 {
        let families = self.registry.gather();
        let family = families.iter().find(|it| it.name() == "vitrine_sfu_forwarded_packets_total");
        let metrics = family.map(|it| it.get_metric()).unwrap_or_default();
        metrics.iter().map(|metric| metric.get_counter().get_value() as u64).sum()
    }

    /// CPU ns of the worker a forwarded packet.
    fn turn(&mut self) -> f64 {
        let (cpu, forwarded) = (cpu_of("media-0"), self.forwarded());
        let mut buffer = [0; 2048];
        each_millisecond(|tick| {
            // Sealed first, so that they come as close together as those of the floor.
            let mut packets = Vec::new();
            for publisher in self.publishers.iter_mut().skip(tick % SPACING).step_by(SPACING) {
                while let Ok(length) = publisher.socket.recv(&mut buffer) {
                    let received = publisher.caller.handle(Instant::now(), &mut buffer[..length]);
                    if let Received::Rtcp(length) = received {
                        let mut items = rtcp::packets(&buffer[..length]).flat_map(|packet| packet.items());
                        publisher.keyframe_wanted |=
                            items.any(|item| matches!(item, Item::KeyframeRequest { .. }));
                    }
                }
                publisher.number = publisher.number.wrapping_add(1);
                let keyframe = std::mem::take(&mut publisher.keyframe_wanted);
                packets.push(sealed(&mut publisher.caller, publisher.number, keyframe));
            }
            for (publisher, packet) in
                self.publishers.iter().skip(tick % SPACING).step_by(SPACING).zip(packets)
            {
                let _ = publisher.socket.send_to(&packet, self.server);
            }
        });
        let forwarded = self.forwarded() - forwarded;
        (cpu_of("media-0") - cpu).as_nanos() as f64 / forwarded.max(1) as f64
    }

    fn stop(self) {
        self.runtime.block_on(self.sfu.shutdown());
        self.audience.end();
    }
}

/// Does something every millisecond of a turn, and then waits for what is under way.
fn each_millisecond(mut work: impl FnMut(usize)) {
    let begin = Instant::now();
    for tick in 0.. {
        let at = begin + Duration::from_millis(tick);
        if at > begin + SOCKET_TURN {
            break;
        }
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        work(tick as usize);
    }
    std::thread::sleep(Duration::from_millis(20));
}

/// What the floor does between two reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    ForPackets,
    InRhythm,
}

/// The same traffic through a thread that only reads, opens, copies, seals and sends.
fn floor_with_sockets(viewers: usize, wait: Wait) -> f64 {
    let sources: Vec<_> = (0..PUBLISHERS).map(|_| socket()).collect();
    let receivers: Vec<_> = (0..PUBLISHERS * viewers).map(|_| socket()).collect();
    let addr = |socket: &UdpSocket| socket.local_addr().expect("bound");
    let destinations: Vec<_> = receivers.iter().map(addr).collect();
    let routes = sources.iter().map(addr).zip(destinations.chunks(viewers).map(<[_]>::to_vec)).collect();
    let inlet = socket();
    let server = addr(&inlet);
    let audience = Audience::start(receivers.into_iter().map(|socket| (None, socket)).collect(), server);
    let stop = Arc::new(AtomicBool::new(false));
    let forwarder = {
        let stopped = stop.clone();
        std::thread::spawn(move || forward_with_sockets(&inlet, &routes, &stopped, wait))
    };
    let packet = sealed_for_floor(&key(&AES_256_GCM));
    each_millisecond(|tick| {
        for source in sources.iter().skip(tick % SPACING).step_by(SPACING) {
            let _ = source.send_to(&packet, server);
        }
    });
    stop.store(true, Ordering::Relaxed);
    // For a forwarder that waits.
    let _ = sources[0].send_to(&packet, server);
    audience.end();
    forwarder.join().expect("ended")
}

/// CPU ns of this thread a forwarded packet.
fn forward_with_sockets(
    socket: &UdpSocket,
    routes: &HashMap<SocketAddr, Vec<SocketAddr>>,
    stop: &AtomicBool,
    wait: Wait,
) -> f64 {
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1000));
    let state = UdpSocketState::new(socket.into()).expect("socket options");
    let key = key(&AES_256_GCM);
    let mut buffers = vec![vec![0; 66 << 10]; BATCH_SIZE];
    let mut metas = [RecvMeta::default(); BATCH_SIZE];
    let mut forwarded = 0;
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        if wait == Wait::ForPackets {
            let _ = poll(&mut [PollFd::new(socket, PollFlags::IN)], None);
        }
        let mut slices = buffers.iter_mut().map(|buffer| IoSliceMut::new(buffer));
        let mut slices: [_; BATCH_SIZE] = std::array::from_fn(|_| slices.next().expect("as many"));
        let count = state.recv(socket.into(), &mut slices, &mut metas).unwrap_or(0);
        for (buffer, meta) in slices.iter_mut().zip(&metas).take(count) {
            let Some(to) = routes.get(&meta.addr) else { continue };
            for datagram in buffer[..meta.len].chunks_mut(meta.stride.max(1)) {
                forward_for_floor(&key, datagram, to.len(), |viewer, contents| {
                    let destination = to[viewer];
                    let transmit =
                        Transmit { destination, ecn: None, contents, segment_size: None, src_ip: None };
                    let _ = state.try_send(socket.into(), &transmit);
                    forwarded += 1;
                });
            }
        }
        let rest = Duration::from_micros(200).checked_sub(begun.elapsed());
        if let Some(rest) = rest.filter(|_| wait == Wait::InRhythm) {
            std::thread::sleep(rest);
        }
    }
    let cpu = clock_gettime(ClockId::ThreadCPUTime);
    (cpu.tv_sec as f64 * 1e9 + cpu.tv_nsec as f64) / f64::from(forwarded.max(1))
}
