//! What two-person rooms cost the server under real pacing: CPU a forwarded packet, and the delay it adds.
//!
//! The server runs in a process of its own on one core, lean callers in this process on another. A room is two people with a
//! microphone (50 packets a second) and a 720p camera (30 frames of 5 or 6 packets, paced 2 ms apart, 1.5 Mbit/s): 440
//! forwarded packets a second. Everybody answers with TWCC feedback as a browser does. The delay is from just before a
//! caller's send to the kernel's receive timestamp at the other, so it contains two passes through the loopback device.
//!
//! `cargo bench -p sfu --bench rooms`, with other numbers of rooms: `ROOMS=100,250 SECONDS=20 cargo bench …`. On a machine
//! that does other things, `chrt -f 20` in front keeps them out of the figures.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, IoSliceMut, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use prometheus::Registry;
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use rustix::thread::CpuSet;
use rustix::time::{ClockId, clock_gettime};
use sfu::{Config, JoinRequest, Joined, Kind, Limits, Mid, ParticipantId, Sfu, Source};
use sfu_core::rtp::packet::RtpPacket;
use sfu_core::rtp::rtcp::{self, Item};
use sfu_core::testing::{Caller, CallerIdentity, Media, Received, VIDEO};

/// Left out at the beginning.
const WARM_UP: Duration = Duration::from_secs(3);
const AUDIO_EVERY: Duration = Duration::from_millis(20);
const FRAME_EVERY: Duration = Duration::from_micros(33_333);
/// Between the packets of a frame.
const PACING: Duration = Duration::from_millis(2);
const FEEDBACK_EVERY: Duration = Duration::from_millis(50);
const CHECK_EVERY: Duration = Duration::from_secs(10);
const VIDEO_PAYLOAD: usize = 1080;
const AUDIO_PAYLOAD: usize = 120;

fn main() {
    if std::env::args().any(|argument| argument == "--server") {
        return serve();
    }
    let number = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let rooms: Vec<usize> =
        number("ROOMS", "5,20,40,80").split(',').filter_map(|it| it.parse().ok()).collect();
    let seconds = number("SECONDS", "10").parse().unwrap_or(10);
    pin(1);
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1000));
    println!("two-person 720p rooms, server on one core; {seconds} s each");
    println!("rooms  forwarded/s   lost  µs CPU/packet  core   delay p50    p90    p99   max (µs)");
    for rooms in rooms {
        let result = Callers::connect(2 * rooms).measure(Duration::from_secs(seconds));
        let Measured { forwarded, received, cpu, elapsed, mut delays } = result;
        delays.sort_unstable();
        let quantile = |share: f64| delays.get((delays.len() as f64 * share) as usize).copied().unwrap_or(0);
        println!(
            "{rooms:>5} {:>12.0} {:>5.2}% {:>14.1} {:>4.0}% {:>11} {:>6} {:>6} {:>5}",
            forwarded as f64 / elapsed.as_secs_f64(),
            100.0 - 100.0 * received as f64 / forwarded as f64,
            cpu.as_secs_f64() * 1e6 / forwarded as f64,
            100.0 * cpu.as_secs_f64() / elapsed.as_secs_f64(),
            quantile(0.5),
            quantile(0.9),
            quantile(0.99),
            delays.last().copied().unwrap_or(0),
        );
    }
}

fn pin(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    if let Err(error) = rustix::thread::sched_setaffinity(None, &set) {
        eprintln!("not pinned to core {core}: {error}");
    }
}

fn certificate() -> (Vec<u8>, Vec<u8>) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("key");
    let params = rcgen::CertificateParams::new(vec!["bench".into()]).expect("params");
    let certificate = params.self_signed(&key).expect("certificate");
    (certificate.der().to_vec(), key.serialize_der())
}

// ---- the server's process: one question a frame on standard input, one answer on standard output ----

fn write_frame(out: &mut impl Write, frame: &[u8]) {
    out.write_all(&(frame.len() as u32).to_be_bytes()).and_then(|()| out.write_all(frame)).expect("pipe");
    out.flush().expect("pipe");
}

fn read_frame(input: &mut impl Read) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    input.read_exact(&mut length).ok()?;
    let mut frame = vec![0; u32::from_be_bytes(length) as usize];
    input.read_exact(&mut frame).ok()?;
    Some(frame)
}

fn serve() {
    pin(0);
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
    let registry = Registry::new();
    sfu.register_metrics(&registry).expect("metrics");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    let (mut input, mut output) = (io::stdin(), io::stdout());
    while let Some(frame) = read_frame(&mut input) {
        let (what, rest) = frame.split_first().expect("a question");
        let number = |place: usize| {
            u64::from(u32::from_be_bytes(rest[place..place + 4].try_into().expect("four bytes")))
        };
        let answer = match what {
            b'A' => sfu.candidates()[0].to_string().into_bytes(),
            b'J' => {
                let mid = |text| Mid::new(text).expect("mid");
                let sources = vec![(mid("0"), Source::Microphone), (mid("1"), Source::Camera)];
                let offer = String::from_utf8(rest[4..].to_vec()).expect("an offer");
                let join = sfu.join(ParticipantId(number(0)), JoinRequest { offer, sources });
                runtime.block_on(join).expect("joins").answer.into_bytes()
            }
            b'R' => {
                let (from, to) = (ParticipantId(number(0)), ParticipantId(number(4)));
                for (source, slot) in [(Source::Microphone, "2"), (Source::Camera, "3")] {
                    let slot = Mid::new(slot).expect("mid");
                    runtime.block_on(sfu.attach(from, source, to, slot)).expect("attached");
                }
                Vec::new()
            }
            _ => {
                let cpu = clock_gettime(ClockId::ProcessCPUTime);
                let cpu = cpu.tv_sec as u64 * 1_000_000_000 + cpu.tv_nsec as u64;
                [cpu.to_be_bytes(), forwarded(&registry).to_be_bytes()].concat()
            }
        };
        write_frame(&mut output, &answer);
    }
}

fn forwarded(registry: &Registry) -> u64 {
    let families = registry.gather();
    let family = families.iter().find(|it| it.name() == "vitrine_sfu_forwarded_packets_total");
    family.map_or(0, |it| it.get_metric().iter().map(|metric| metric.get_counter().get_value() as u64).sum())
}

struct Server {
    child: Child,
    questions: ChildStdin,
    answers: ChildStdout,
}

impl Server {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().expect("our own path"))
            .arg("--server")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let questions = child.stdin.take().expect("piped");
        let answers = child.stdout.take().expect("piped");
        Self { child, questions, answers }
    }

    fn ask(&mut self, what: u8, numbers: &[u32], text: &str) -> Vec<u8> {
        let mut frame = vec![what];
        for number in numbers {
            frame.extend_from_slice(&number.to_be_bytes());
        }
        frame.extend_from_slice(text.as_bytes());
        write_frame(&mut self.questions, &frame);
        read_frame(&mut self.answers).expect("an answer")
    }

    /// CPU time and forwarded packets so far.
    fn figures(&mut self) -> (Duration, u64) {
        let answer = self.ask(b'F', &[], "");
        let number =
            |place: usize| u64::from_be_bytes(answer[place..place + 8].try_into().expect("eight bytes"));
        (Duration::from_nanos(number(0)), number(8))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// ---- the callers ----

struct Measured {
    forwarded: u64,
    received: u64,
    cpu: Duration,
    elapsed: Duration,
    /// Microseconds.
    delays: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Audio,
    Video,
    Feedback,
    Check,
}

struct Person {
    caller: Caller,
    frame: u16,
    /// Packet of the frame.
    part: u8,
    /// The other has asked for a keyframe.
    keyframe_wanted: bool,
    keyframe: bool,
    audio: u32,
}

/// All callers share one socket and tell each other apart by loopback addresses: 127.1.x.y.
struct Callers {
    server: Server,
    to: SocketAddr,
    socket: std::net::UdpSocket,
    state: UdpSocketState,
    people: Vec<Person>,
    turns: BinaryHeap<Reverse<(Instant, Turn, usize)>>,
    buffers: Vec<Vec<u8>>,
    measuring: bool,
    received: u64,
    delays: Vec<u32>,
}

fn address(index: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 1, (index / 250) as u8, (index % 250 + 1) as u8)
}

fn unix_nanos() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos() as u64
}

impl Callers {
    fn connect(people: usize) -> Self {
        let mut server = Server::start();
        let to = String::from_utf8(server.ask(b'A', &[], "")).expect("text").parse().expect("an address");
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).expect("socket");
        let _ = socket.set_recv_buffer_size(8 << 20);
        socket.set_nonblocking(true).expect("nonblocking");
        socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into()).expect("bound");
        let socket: std::net::UdpSocket = socket.into();
        let state = UdpSocketState::new((&socket).into()).expect("socket options");
        let (der, key) = certificate();
        let identity = CallerIdentity::new(der, key);
        let now = Instant::now();
        let people = (0..people).map(|index| Person {
            caller: Caller::new(now, index as u32, &identity, &[Kind::Audio, Kind::Video]),
            frame: 0,
            part: 0,
            keyframe_wanted: true,
            keyframe: false,
            audio: 0,
        });
        let mut callers = Self {
            server,
            to,
            socket,
            state,
            people: people.collect(),
            turns: BinaryHeap::new(),
            buffers: vec![vec![0; 64 << 10]; BATCH_SIZE],
            measuring: false,
            received: 0,
            delays: Vec::new(),
        };
        for index in 0..callers.people.len() {
            let caller = &mut callers.people[index].caller;
            let answer = callers.server.ask(b'J', &[index as u32], &caller.request().offer);
            let answer = String::from_utf8(answer).expect("text");
            caller.joined(Instant::now(), &Joined { answer, slots: Vec::new() });
            let deadline = Instant::now() + Duration::from_secs(5);
            while !callers.people[index].caller.is_connected() {
                assert!(Instant::now() < deadline, "caller {index} does not connect");
                callers.flush(index);
                callers.receive();
            }
            callers.flush(index);
            if index % 2 == 1 {
                let (a, b) = (index as u32 - 1, index as u32);
                callers.server.ask(b'R', &[a, b], "");
                callers.server.ask(b'R', &[b, a], "");
            }
        }
        callers
    }

    fn measure(mut self, duration: Duration) -> Measured {
        let now = Instant::now();
        for index in 0..self.people.len() {
            // Everybody has a phase of their own, the same in every run.
            let phase = |every: Duration, salt: usize| every.mul_f64((index * salt % 997) as f64 / 997.0);
            for (turn, at) in [
                (Turn::Audio, phase(AUDIO_EVERY, 619)),
                (Turn::Video, phase(FRAME_EVERY, 433)),
                (Turn::Feedback, phase(FEEDBACK_EVERY, 271)),
                (Turn::Check, phase(CHECK_EVERY, 757)),
            ] {
                self.turns.push(Reverse((now + at, turn, index)));
            }
        }
        self.run(now + WARM_UP);
        let begin = Instant::now();
        let (cpu_before, forwarded_before) = self.server.figures();
        self.measuring = true;
        self.run(begin + duration);
        self.measuring = false;
        let elapsed = begin.elapsed();
        let (cpu, forwarded) = self.server.figures();
        Measured {
            forwarded: forwarded - forwarded_before,
            received: self.received,
            cpu: cpu - cpu_before,
            elapsed,
            delays: std::mem::take(&mut self.delays),
        }
    }

    fn run(&mut self, until: Instant) {
        loop {
            let now = Instant::now();
            if now >= until {
                return;
            }
            while let Some(Reverse((at, turn, index))) = self.turns.peek().copied() {
                if at > now {
                    break;
                }
                self.turns.pop();
                let next = self.take_turn(turn, index);
                self.turns.push(Reverse((at + next, turn, index)));
            }
            self.receive();
            let next = self.turns.peek().map_or(until, |Reverse((at, ..))| *at);
            // A little at least: a thread that never sleeps is put aside now and then, and its packets come in a heap.
            let rest = next.saturating_duration_since(Instant::now());
            std::thread::sleep(rest.clamp(Duration::from_micros(20), Duration::from_millis(1)));
        }
    }

    /// Does what is due; when it is due again.
    fn take_turn(&mut self, turn: Turn, index: usize) -> Duration {
        let person = &mut self.people[index];
        let mut packet = Vec::with_capacity(1500);
        let next = match turn {
            Turn::Audio => {
                person.audio += 1;
                let payload = [0x78; AUDIO_PAYLOAD];
                let timestamp = person.audio * 960;
                person.caller.write(
                    &Media { kind: Kind::Audio, marker: false, timestamp, payload: &payload },
                    &mut packet,
                );
                AUDIO_EVERY
            }
            Turn::Video => {
                let parts = if person.frame.is_multiple_of(3) { 5 } else { 6 };
                if person.part == 0 {
                    person.keyframe = std::mem::take(&mut person.keyframe_wanted);
                }
                let mut payload = [0; VIDEO_PAYLOAD];
                let [high, low] = (person.frame | 0x8000).to_be_bytes();
                let first = if person.part == 0 { 0x90 } else { 0x80 };
                payload[..5].copy_from_slice(&[first, 0x80, high, low, u8::from(!person.keyframe)]);
                payload[16..24].copy_from_slice(&unix_nanos().to_be_bytes());
                let marker = person.part + 1 == parts;
                let timestamp = u32::from(person.frame) * 3000;
                person
                    .caller
                    .write(&Media { kind: Kind::Video, marker, timestamp, payload: &payload }, &mut packet);
                if marker {
                    person.part = 0;
                    person.frame = person.frame.wrapping_add(1);
                    FRAME_EVERY - PACING * u32::from(parts - 1)
                } else {
                    person.part += 1;
                    PACING
                }
            }
            Turn::Feedback => {
                person.caller.write_feedback(Instant::now(), &mut packet);
                FEEDBACK_EVERY
            }
            Turn::Check => {
                person.caller.check();
                CHECK_EVERY
            }
        };
        if !packet.is_empty() {
            self.send(index, &packet);
        }
        self.flush(index);
        next
    }

    fn flush(&mut self, index: usize) {
        while let Some(datagram) = self.people[index].caller.poll_datagram() {
            self.send(index, &datagram);
        }
    }

    fn send(&self, index: usize, contents: &[u8]) {
        let src_ip = Some(IpAddr::V4(address(index)));
        let transmit = Transmit { destination: self.to, ecn: None, contents, segment_size: None, src_ip };
        let _ = self.state.try_send((&self.socket).into(), &transmit);
    }

    fn receive(&mut self) {
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        loop {
            let mut slices: Vec<_> = self.buffers.iter_mut().map(|buffer| IoSliceMut::new(buffer)).collect();
            let Ok(count) = self.state.recv((&self.socket).into(), &mut slices, &mut metas) else { return };
            let now = Instant::now();
            for (buffer, meta) in self.buffers.iter_mut().zip(&metas).take(count) {
                let Some(IpAddr::V4(to)) = meta.dst_ip else { continue };
                let [_, _, high, low] = to.octets();
                let index = usize::from(high) * 250 + usize::from(low) - 1;
                let Some(person) = self.people.get_mut(index) else { continue };
                for datagram in buffer[..meta.len].chunks_mut(meta.stride.max(1)) {
                    match person.caller.handle(now, datagram) {
                        Received::Rtp(length) if self.measuring => {
                            self.received += 1;
                            let Ok(packet) = RtpPacket::parse(&datagram[..length]) else { continue };
                            let stamp = packet.payload().get(16..24).and_then(|stamp| stamp.try_into().ok());
                            if let (VIDEO, Some(stamp), Some(at)) =
                                (packet.payload_type(), stamp, meta.timestamp)
                            {
                                let delay = (at.as_nanos() as u64).saturating_sub(u64::from_be_bytes(stamp));
                                self.delays.push((delay / 1000) as u32);
                            }
                        }
                        Received::Rtcp(length) => {
                            let items = rtcp::packets(&datagram[..length]).flat_map(|packet| packet.items());
                            for item in items {
                                person.keyframe_wanted |= matches!(item, Item::KeyframeRequest { .. });
                            }
                        }
                        _ => {}
                    }
                }
            }
            if count < BATCH_SIZE {
                return;
            }
        }
    }
}
