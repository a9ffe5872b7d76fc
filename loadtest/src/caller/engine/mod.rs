//! The thread that moves all callers' media.
//!
//! Every millisecond it does what has become due, reads what has arrived and sends what there is to send; the kernel's arrival
//! times keep that rhythm out of the figures. So a caller costs little more than its cryptography and its system calls, and a
//! hundred of them cost hardly more to wait for than one.

mod tcp;
mod wire;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use protocol::call::Source;
use protocol::ws::{EncodingWish, SlotView, SourceLine};
use rustix::event::epoll;
use rustix::fd::OwnedFd;
use tokio::sync::{mpsc as channel, oneshot};

use self::wire::{Inbox, Wire};
use super::clock::unix_ns;
use super::leg::{Leg, LegEvent, LegSettings, Outgoing};
use crate::measure::{Measures, Second};
use crate::network::Access;

/// The rhythm.
const TICK: Duration = Duration::from_millis(1);
/// The shortest rest: a thread that never sleeps is put aside now and then, and its packets come in a heap.
const REST_MIN: Duration = Duration::from_micros(50);
/// How often a thread without callers looks for some.
const IDLE: Duration = Duration::from_millis(20);
/// UDP that stays silent this long is taken for blocked, and TCP is tried.
const TCP_AFTER: Duration = Duration::from_millis(700);
/// Sockets told of at once.
const READY_MAX: usize = 256;

/// Names a leg.
pub type SeatId = u64;

/// What the thread is told.
pub(super) enum Command {
    Join(SeatId, Box<Seat>),
    Answer(SeatId, String),
    Publish(SeatId, Vec<Source>),
    Wish(SeatId, Source, Vec<EncodingWish>),
    Slots(SeatId, Vec<SlotView>),
    Restart(SeatId, oneshot::Sender<(String, Vec<SourceLine>)>),
    Close(SeatId, bool),
    TcpOpen(SeatId),
    Tcp(SeatId, Vec<u8>),
    Measure(bool),
    Finish(oneshot::Sender<Measures>),
}

/// What an engine is told at its beginning.
#[derive(Clone, Copy, Debug, Default)]
pub struct EngineSettings {
    /// Test switch: every packet waits this long behind the caller's stamp, as if the server were slower by it.
    pub handicap: Duration,
}

/// See the module. Dropping it ends the thread.
pub struct Engine {
    commands: mpsc::Sender<Command>,
    next: AtomicU64,
    last: Arc<Mutex<Option<Second>>>,
    thread: Option<JoinHandle<()>>,
}

/// A leg in the engine; dropping it ends the leg without a goodbye, as a closed laptop does.
pub struct LegHandle {
    id: SeatId,
    commands: mpsc::Sender<Command>,
    events: channel::UnboundedReceiver<LegEvent>,
    /// The offer, and what its lines carry.
    pub offer: (String, Vec<SourceLine>),
    /// When the leg was made.
    pub started: Instant,
}

pub(super) struct Seat {
    leg: Leg,
    access: Option<Access>,
    wire: Option<Wire>,
    to: Option<SocketAddr>,
    tcp_to: Vec<SocketAddr>,
    tcp: Option<channel::Sender<Vec<u8>>>,
    /// TCP is open and has taken over.
    on_tcp: bool,
    answered: Option<Instant>,
    rebinds: usize,
    events: channel::UnboundedSender<LegEvent>,
    next: Option<Instant>,
}

impl Engine {
    /// Starts the thread. Callers' TCP connections run on the runtime this is called in.
    pub fn start(settings: EngineSettings) -> Result<Self> {
        let (commands, orders) = mpsc::channel();
        let last = Arc::new(Mutex::new(None));
        let worker = Worker {
            settings,
            orders,
            commands: commands.clone(),
            runtime: tokio::runtime::Handle::current(),
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC).context("epoll")?,
            seats: BTreeMap::new(),
            travelling: BinaryHeap::new(),
            number: 0,
            inbox: Inbox::new(),
            batch: Vec::new(),
            scratch: Vec::new(),
            measures: Measures::default(),
            next_roll: Instant::now() + Duration::from_secs(1),
            last: Arc::clone(&last),
        };
        let thread = std::thread::Builder::new().name("callers".into()).spawn(move || worker.run())?;
        Ok(Self { commands, next: AtomicU64::new(1), last, thread: Some(thread) })
    }

    /// A new leg, behind a network of its own if there is one.
    pub fn join(&self, settings: LegSettings, access: Option<Access>) -> LegHandle {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let leg = Leg::new(Instant::now(), settings);
        let (offer, started) = (leg.offer(), leg.started());
        let (sender, events) = channel::unbounded_channel();
        let seat = Seat {
            leg,
            access,
            wire: None,
            to: None,
            tcp_to: Vec::new(),
            tcp: None,
            on_tcp: false,
            answered: None,
            rebinds: 0,
            events: sender,
            next: None,
        };
        // A thread that has ended answers nothing; whoever waits for events is told by their end.
        let _ = self.commands.send(Command::Join(id, Box::new(seat)));
        LegHandle { id, commands: self.commands.clone(), events, offer, started }
    }

    /// What comes from now on counts, or no longer.
    pub fn measure(&self, on: bool) {
        let _ = self.commands.send(Command::Measure(on));
    }

    /// The last whole second.
    pub fn last_second(&self) -> Option<Second> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends everything, while others still hold it, and gives what was measured.
    pub async fn stop(&self) -> Result<Measures> {
        let (reply, measures) = oneshot::channel();
        let _ = self.commands.send(Command::Finish(reply));
        measures.await.context("the callers' thread has ended before")
    }

    /// Ends everything and gives what was measured.
    pub async fn finish(mut self) -> Result<Measures> {
        let measures = self.stop().await?;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        Ok(measures)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let (reply, _) = oneshot::channel();
        let _ = self.commands.send(Command::Finish(reply));
    }
}

impl LegHandle {
    /// Takes the server's answer.
    pub fn answer(&self, sdp: String) {
        let _ = self.commands.send(Command::Answer(self.id, sdp));
    }

    /// Switches sources on and off.
    pub fn publish(&self, sources: Vec<Source>) {
        let _ = self.commands.send(Command::Publish(self.id, sources));
    }

    /// What the server wants to get.
    pub fn wish(&self, source: Source, encodings: Vec<EncodingWish>) {
        let _ = self.commands.send(Command::Wish(self.id, source, encodings));
    }

    /// What the server says that the slots show.
    pub fn slots(&self, views: Vec<SlotView>) {
        let _ = self.commands.send(Command::Slots(self.id, views));
    }

    /// A new offer for an ICE restart.
    pub async fn restart(&self) -> Result<(String, Vec<SourceLine>)> {
        let (reply, offer) = oneshot::channel();
        let _ = self.commands.send(Command::Restart(self.id, reply));
        offer.await.context("the leg is gone")
    }

    /// Ends the leg with a goodbye.
    pub fn close(&self) {
        let _ = self.commands.send(Command::Close(self.id, true));
    }

    /// What happens next; `None` once the leg is gone.
    pub async fn event(&mut self) -> Option<LegEvent> {
        self.events.recv().await
    }
}

impl Drop for LegHandle {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Close(self.id, false));
    }
}

/// Something under way in a caller's network.
struct Travelling {
    at: Instant,
    number: u64,
    seat: SeatId,
    what: Cargo,
}

enum Cargo {
    /// On its way to the server; sealed when it gets there, and sent twice where the network makes a copy.
    Plain(Outgoing, bool),
    /// On its way to the server, sealed already.
    Sealed(Vec<u8>),
    /// On its way to the caller, with the kernel's time of its arrival here and that at the caller, ns since 1970.
    Arriving(Vec<u8>, u64, u64),
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

struct Worker {
    settings: EngineSettings,
    orders: mpsc::Receiver<Command>,
    /// For TCP connections, which tell what they get by commands.
    commands: mpsc::Sender<Command>,
    runtime: tokio::runtime::Handle,
    epoll: OwnedFd,
    seats: BTreeMap<SeatId, Box<Seat>>,
    travelling: BinaryHeap<Reverse<Travelling>>,
    number: u64,
    inbox: Inbox,
    batch: Vec<Vec<u8>>,
    scratch: Vec<u8>,
    measures: Measures,
    next_roll: Instant,
    last: Arc<Mutex<Option<Second>>>,
}

impl Worker {
    fn run(mut self) {
        // A microsecond; the usual 50 would be a twentieth of the rhythm.
        let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1_000));
        let mut ready = Vec::with_capacity(READY_MAX);
        loop {
            let begun = Instant::now();
            if let Some(reply) = self.obey() {
                self.roll(Instant::now());
                let _ = reply.send(std::mem::take(&mut self.measures));
                return;
            }
            self.travel(Instant::now());
            self.timeouts(Instant::now());
            self.receive(&mut ready);
            if begun >= self.next_roll {
                self.next_roll += Duration::from_secs(1);
                self.roll(begun);
            }
            if self.seats.is_empty() {
                continue;
            }
            std::thread::sleep(TICK.saturating_sub(begun.elapsed()).max(REST_MIN));
        }
    }

    fn roll(&mut self, now: Instant) {
        if self.next_roll < now {
            self.next_roll = now + Duration::from_secs(1);
        }
        let second = self.measures.roll(now);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(second);
    }

    /// Does what it is told; gives who wants the measures at the end.
    fn obey(&mut self) -> Option<oneshot::Sender<Measures>> {
        loop {
            let command = if self.seats.is_empty() {
                match self.orders.recv_timeout(IDLE) {
                    Ok(command) => command,
                    Err(RecvTimeoutError::Timeout) => return None,
                    Err(RecvTimeoutError::Disconnected) => return Some(oneshot::channel().0),
                }
            } else {
                match self.orders.try_recv() {
                    Ok(command) => command,
                    Err(TryRecvError::Empty) => return None,
                    Err(TryRecvError::Disconnected) => return Some(oneshot::channel().0),
                }
            };
            match command {
                Command::Finish(reply) => return Some(reply),
                Command::Measure(on) => self.measures.measuring = on,
                Command::Join(id, seat) => drop(self.seats.insert(id, seat)),
                Command::Close(id, goodbye) => self.close(id, goodbye),
                Command::TcpOpen(id) => self.tcp_open(id),
                Command::Tcp(id, frame) => {
                    let (now, ns) = (Instant::now(), unix_ns());
                    self.deliver(now, id, &frame, ns, ns / 1000);
                    self.flush(now, id);
                }
                Command::Answer(id, sdp) => self.answer(id, &sdp),
                Command::Publish(id, sources) => {
                    if let Some(seat) = self.seats.get_mut(&id) {
                        seat.leg.publish(&sources);
                        seat.next = seat.leg.deadline();
                    }
                }
                Command::Wish(id, source, encodings) => {
                    if let Some(seat) = self.seats.get_mut(&id) {
                        seat.leg.wish(source, &encodings);
                    }
                }
                Command::Slots(id, views) => {
                    if let Some(seat) = self.seats.get_mut(&id) {
                        seat.leg.slots(Instant::now(), &views, &mut self.measures);
                    }
                }
                Command::Restart(id, reply) => {
                    if let Some(seat) = self.seats.get_mut(&id) {
                        seat.leg.restart();
                        let _ = reply.send(seat.leg.offer());
                    }
                }
            }
        }
    }

    fn answer(&mut self, id: SeatId, sdp: &str) {
        let now = Instant::now();
        let Some(seat) = self.seats.get_mut(&id) else { return };
        let Ok((udp, tcp)) = seat.leg.answer(now, sdp) else {
            // Whoever waits for it to connect sees the leg end.
            self.seats.remove(&id);
            return;
        };
        seat.tcp_to = tcp;
        seat.answered = Some(now);
        if seat.to.is_none()
            && let Some(to) = udp.first()
        {
            seat.to = Some(*to);
            seat.wire = open(&self.epoll, id, *to);
        }
        self.flush_due(now, id);
    }

    fn close(&mut self, id: SeatId, goodbye: bool) {
        if goodbye && let Some(seat) = self.seats.get_mut(&id) {
            seat.leg.slots(Instant::now(), &[], &mut self.measures);
            seat.leg.close();
            self.flush(Instant::now(), id);
        }
        if let Some(mut seat) = self.seats.remove(&id) {
            seat.leg.slots(Instant::now(), &[], &mut self.measures);
        }
    }

    fn tcp_open(&mut self, id: SeatId) {
        let now = Instant::now();
        if let Some(seat) = self.seats.get_mut(&id)
            && !seat.leg.has_path()
        {
            seat.on_tcp = true;
            seat.leg.path_changed(now);
        }
        self.flush_due(now, id);
    }

    /// What is due in the callers' networks.
    fn travel(&mut self, now: Instant) {
        while self.travelling.peek().is_some_and(|Reverse(it)| it.at <= now) {
            let Some(Reverse(Travelling { seat, what, .. })) = self.travelling.pop() else { return };
            match what {
                Cargo::Plain(outgoing, twice) => self.depart(now, seat, outgoing, twice),
                Cargo::Sealed(datagram) => self.put(seat, &[datagram]),
                Cargo::Arriving(datagram, kernel_ns, arrived_ns) => {
                    self.deliver(now, seat, &datagram, kernel_ns, arrived_ns / 1000);
                    self.flush(now, seat);
                }
            }
        }
    }

    fn timeouts(&mut self, now: Instant) {
        let due: Vec<SeatId> = self
            .seats
            .iter()
            .filter(|(_, seat)| seat.next.is_some_and(|at| at <= now))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            self.flush_due(now, id);
        }
    }

    fn flush_due(&mut self, now: Instant, id: SeatId) {
        let Some(seat) = self.seats.get_mut(&id) else { return };
        seat.leg.handle_timeout(now, unix_ns(), &mut self.measures);
        self.look_after_path(now, id);
        self.flush(now, id);
    }

    /// An address that changed, a network that lets no UDP through.
    fn look_after_path(&mut self, now: Instant, id: SeatId) {
        let Some(seat) = self.seats.get_mut(&id) else { return };
        let due = seat.access.as_ref().map_or(0, Access::rebinds_due);
        if due > seat.rebinds {
            seat.rebinds = due;
            if let Some(to) = seat.to {
                seat.wire = open(&self.epoll, id, to);
            }
        }
        let blocked = seat.answered.is_some_and(|at| now.duration_since(at) >= TCP_AFTER);
        if seat.tcp.is_none()
            && blocked
            && !seat.leg.has_path()
            && let Some(to) = seat.tcp_to.first()
        {
            let (sender, outgoing) = channel::channel(tcp::WAITING_MAX);
            seat.tcp = Some(sender);
            self.runtime.spawn(tcp::carry(id, *to, seat.access.clone(), outgoing, self.commands.clone()));
        }
    }

    fn receive(&mut self, ready: &mut Vec<epoll::Event>) {
        loop {
            ready.clear();
            let at_once = rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 };
            if epoll::wait(&self.epoll, rustix::buffer::spare_capacity(ready), Some(&at_once)).is_err() {
                return;
            }
            for event in ready.iter() {
                self.read(event.data.u64());
            }
            if ready.len() < READY_MAX {
                return;
            }
        }
    }

    fn read(&mut self, id: SeatId) {
        let Some(seat) = self.seats.get_mut(&id) else { return };
        let Seat { leg, access, wire: Some(wire), .. } = &mut **seat else { return };
        let (now, unix) = (Instant::now(), unix_ns());
        let (travelling, number, measures) = (&mut self.travelling, &mut self.number, &mut self.measures);
        self.inbox.drain(wire, |kernel_ns, datagram| {
            let kernel_ns = kernel_ns.filter(|at| *at <= unix).unwrap_or(unix);
            // When it came, not when we looked.
            let arrived = now.checked_sub(Duration::from_nanos(unix - kernel_ns)).unwrap_or(now);
            let Some(access) = access else {
                return leg.handle_datagram(arrived, kernel_ns, kernel_ns / 1000, datagram, measures);
            };
            let passage = access.down(datagram.len());
            for at in [passage.at, passage.again].into_iter().flatten() {
                let travels = at.saturating_duration_since(now).as_nanos() as u64;
                *number += 1;
                let what = Cargo::Arriving(datagram.to_vec(), kernel_ns, unix + travels);
                travelling.push(Reverse(Travelling { at, number: *number, seat: id, what }));
            }
        });
        self.flush(now, id);
    }

    fn deliver(&mut self, now: Instant, id: SeatId, datagram: &[u8], kernel_ns: u64, arrived_us: u64) {
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.leg.handle_datagram(now, kernel_ns, arrived_us, datagram, &mut self.measures);
        }
    }

    /// Sends what a leg has to send, tells what happened, and looks when it wants to be called next.
    fn flush(&mut self, now: Instant, id: SeatId) {
        let Some(seat) = self.seats.get_mut(&id) else { return };
        let mut batch = std::mem::take(&mut self.batch);
        let handicap = self.settings.handicap;
        while let Some(outgoing) = seat.leg.poll() {
            let passage = match (&seat.access, seat.on_tcp) {
                (Some(access), false) => access.up(outgoing.length()),
                _ => crate::network::Passage { at: Some(now), again: None },
            };
            match passage.at {
                None => continue,
                Some(at) if at > now => {
                    self.number += 1;
                    let what = Cargo::Plain(outgoing, passage.again.is_some());
                    self.travelling.push(Reverse(Travelling { at, number: self.number, seat: id, what }));
                }
                Some(_) => {
                    if let Some(sealed) = seat.leg.seal(outgoing, unix_ns()) {
                        if handicap.is_zero() {
                            batch.push(sealed);
                        } else {
                            self.number += 1;
                            let (at, what) = (now + handicap, Cargo::Sealed(sealed));
                            self.travelling.push(Reverse(Travelling {
                                at,
                                number: self.number,
                                seat: id,
                                what,
                            }));
                        }
                    }
                }
            }
        }
        while let Some(event) = seat.leg.poll_event() {
            let _ = seat.events.send(event);
        }
        seat.next = seat.leg.deadline();
        if !batch.is_empty() {
            self.put(id, &batch);
            batch.clear();
        }
        self.batch = batch;
    }

    /// Something has come through the caller's network and leaves for the server.
    fn depart(&mut self, now: Instant, id: SeatId, outgoing: Outgoing, twice: bool) {
        let Some(seat) = self.seats.get_mut(&id) else { return };
        let Some(sealed) = seat.leg.seal(outgoing, unix_ns()) else { return };
        if self.settings.handicap.is_zero() {
            return if twice { self.put(id, &[sealed.clone(), sealed]) } else { self.put(id, &[sealed]) };
        }
        self.number += 1;
        let (at, what) = (now + self.settings.handicap, Cargo::Sealed(sealed));
        self.travelling.push(Reverse(Travelling { at, number: self.number, seat: id, what }));
    }

    /// Hands datagrams to the socket or the connection.
    fn put(&mut self, id: SeatId, datagrams: &[Vec<u8>]) {
        let Some(seat) = self.seats.get(&id) else { return };
        match (&seat.tcp, &seat.wire, seat.to) {
            (Some(tcp), ..) if seat.on_tcp => {
                for datagram in datagrams {
                    let _ = tcp.try_send(datagram.clone());
                }
            }
            (_, Some(wire), Some(to)) => wire.send(to, datagrams, &mut self.scratch),
            _ => {}
        }
    }
}

fn open(epoll: &OwnedFd, id: SeatId, to: SocketAddr) -> Option<Wire> {
    let wire = Wire::new(to).ok()?;
    epoll::add(epoll, &wire.socket, epoll::EventData::new_u64(id), epoll::EventFlags::IN).ok()?;
    Some(wire)
}
