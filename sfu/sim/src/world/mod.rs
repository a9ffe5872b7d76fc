//! The whole: nodes, people and the network between them, on one virtual clock.
//!
//! Everything that will happen stands in one queue ordered by time; what happens at the same moment happens in the order
//! it was decided. No clock is read and nothing waits: a minute takes as long as its packets do.

pub mod server;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sfu_core::media::Source;
use sfu_core::node::{EncodingWish, Event};

use self::server::{Relayed, Server};
use crate::clock::ms;
use crate::network::{Conditions, Link};
use crate::peer::{Intent, Peer, Person};

/// Both directions of a person's path.
#[derive(Debug)]
pub struct Paths {
    /// Towards the server.
    pub up: Link,
    /// From the server.
    pub down: Link,
}

enum Delivery {
    ToServer { from: SocketAddr, datagram: Vec<u8> },
    ToPeer { peer: usize, to: SocketAddr, datagram: Vec<u8> },
    ToWorker(Relayed),
    Wish { to: usize, source: Source, encodings: Vec<EncodingWish> },
}

/// A source shown on a slot, for as long as it was.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// Index of the publisher.
    pub from: usize,
    /// What.
    pub source: Source,
    /// Index of the viewer.
    pub to: usize,
    /// The slot among those of its kind.
    pub slot: usize,
    /// Since when.
    pub since: Instant,
    /// Until when; `None` for still.
    pub until: Option<Instant>,
}

/// See the module.
pub struct World {
    /// The time.
    pub now: Instant,
    start: Instant,
    server: Server,
    people: Vec<Person>,
    /// Who has joined.
    pub peers: BTreeMap<usize, Peer>,
    paths: Vec<Paths>,
    queue: BTreeMap<(Instant, u64), Delivery>,
    decided: u64,
    rng: StdRng,
    events: Vec<(Instant, Event)>,
    shown: Vec<Shown>,
    trace: Option<Vec<String>>,
}

impl World {
    /// People who are about to join `workers` nodes, over paths with these conditions (up, down).
    pub fn new(
        seed: u64,
        workers: usize,
        people: Vec<Person>,
        conditions: &[(Conditions, Conditions)],
    ) -> Self {
        let start = Instant::now();
        let mut rng = StdRng::seed_from_u64(seed);
        let server = Server::new(start, workers, rng.random());
        let paths = conditions.iter().map(|(up, down)| Paths {
            up: Link::new(start, *up, StdRng::seed_from_u64(rng.random())),
            down: Link::new(start, *down, StdRng::seed_from_u64(rng.random())),
        });
        Self {
            now: start,
            start,
            server,
            paths: paths.collect(),
            people,
            peers: BTreeMap::new(),
            queue: BTreeMap::new(),
            decided: 0,
            rng,
            events: Vec::new(),
            shown: Vec::new(),
            trace: None,
        }
    }

    /// Writes down what happens.
    pub fn keep_trace(&mut self) {
        self.trace = Some(Vec::new());
    }

    /// What happened, if it was written down.
    pub fn trace(&self) -> &[String] {
        self.trace.as_deref().unwrap_or_default()
    }

    /// Time since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    /// The beginning.
    pub fn start(&self) -> Instant {
        self.start
    }

    /// Everybody who is in the plan.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// A person's path.
    pub fn paths(&mut self, person: usize) -> &mut Paths {
        &mut self.paths[person]
    }

    /// What both directions carried.
    pub fn tallies(&self, person: usize) -> (crate::network::Tally, crate::network::Tally) {
        (self.paths[person].up.tally(), self.paths[person].down.tally())
    }

    /// What the media plane said.
    pub fn events(&self) -> &[(Instant, Event)] {
        &self.events
    }

    /// Who was shown to whom.
    pub fn shown(&self) -> &[Shown] {
        &self.shown
    }

    /// The server.
    pub fn server(&mut self) -> &mut Server {
        &mut self.server
    }

    /// The server, to look at.
    pub fn server_ref(&self) -> &Server {
        &self.server
    }

    /// A person comes.
    pub fn join(&mut self, index: usize) {
        let person = self.people[index].clone();
        let intent = Intent::new(index, &person);
        let joined = self.server.join(self.now, index, person.worker, &intent.request);
        let seed = self.rng.random();
        self.note(|| format!("{} joins", person.name));
        let peer = Peer::new(self.now, self.start, index, person, intent, &joined, seed);
        self.peers.insert(index, peer);
        self.carry();
    }

    /// A person goes, without a word.
    pub fn vanish(&mut self, index: usize) {
        self.note(|| format!("person {index} vanishes"));
        self.peers.remove(&index);
    }

    /// The server ends a person's transport.
    pub fn remove(&mut self, index: usize) {
        self.note(|| format!("person {index} is removed"));
        self.server.leave(self.now, index);
        self.carry();
    }

    /// Shows a source on a slot.
    pub fn show(&mut self, from: usize, source: Source, to: usize, slot: usize) {
        self.note(|| format!("{to} is shown {from}'s {source} on slot {slot}"));
        self.end_showing(to, source, slot);
        self.server.show(self.now, from, source, to, slot);
        self.shown.push(Shown { from, source, to, slot, since: self.now, until: None });
        self.carry();
    }

    /// Empties a slot.
    pub fn hide(&mut self, source: Source, to: usize, slot: usize) {
        self.note(|| format!("{to} is shown nothing on {source} slot {slot}"));
        self.end_showing(to, source, slot);
        self.server.hide(self.now, source, to, slot);
        self.carry();
    }

    fn end_showing(&mut self, to: usize, source: Source, slot: usize) {
        for shown in &mut self.shown {
            if (shown.to, shown.slot, shown.source.kind()) == (to, slot, source.kind()) {
                shown.until.get_or_insert(self.now);
            }
        }
    }

    /// A person's device gets another address and knows it.
    pub fn move_person(&mut self, index: usize, address: SocketAddr) {
        self.note(|| format!("{index} is at {address} now"));
        let now = self.now;
        if let Some(peer) = self.peers.get_mut(&index) {
            peer.move_to(now, address);
        }
        self.carry();
    }

    /// A NAT gives a person another port, and nobody is told.
    pub fn rebind(&mut self, index: usize, address: SocketAddr) {
        self.note(|| format!("a NAT moves {index} to {address}"));
        if let Some(peer) = self.peers.get_mut(&index) {
            peer.address = address;
        }
    }

    /// A person's browser restarts ICE.
    pub fn restart_ice(&mut self, index: usize) {
        self.note(|| format!("{index} restarts ICE"));
        let now = self.now;
        if let Some(peer) = self.peers.get_mut(&index) {
            let (request, ufrag) = peer.restart_offer();
            let joined = self.server.join(now, index, peer.person.worker, &request);
            peer.restarted(now, &joined, ufrag);
        }
        self.carry();
    }

    /// A datagram reaches the server from somewhere, past every network.
    pub fn inject(&mut self, from: SocketAddr, datagram: &mut [u8]) {
        let worker = self.server.worker_of(from);
        self.server.handle_datagram(self.now, worker, from, datagram);
        self.carry();
    }

    /// Lets time pass until `end`; whatever is due on the way happens at its moment.
    pub fn run_until(&mut self, end: Instant) {
        while let Some(at) = self.next().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.deliver();
            if self.server.deadline().is_some_and(|at| at <= self.now) {
                self.server.handle_timeout(self.now);
            }
            for peer in self.peers.values_mut() {
                if peer.deadline() <= self.now {
                    peer.handle_timeout(self.now);
                }
            }
            self.carry();
        }
        self.now = end;
    }

    /// Numbers for a plan's own random choices.
    pub fn rng(&mut self) -> &mut StdRng {
        &mut self.rng
    }

    /// Adds a line to the trace.
    pub fn note(&mut self, text: impl FnOnce() -> String) {
        let at = self.elapsed();
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:9.3} {}", at.as_secs_f64(), text()));
        }
    }

    /// Writes into the trace how everybody is doing.
    pub fn describe(&mut self) {
        if self.trace.is_none() {
            return;
        }
        let second = ms(1000);
        let mut lines = Vec::new();
        for (index, peer) in &self.peers {
            let tally = peer.publisher.tally();
            let mut line = format!(
                "{:>10}: may send {} kbit/s, sent {} packets ({} again), asked for {} keyframes",
                peer.person.name,
                peer.publisher.rate.target_bps() / 1000,
                tally.packets,
                tally.retransmitted,
                tally.keyframe_requests,
            );
            for (slot, video) in
                peer.subscriber.video.iter().enumerate().filter(|(_, it)| it.highest().is_some())
            {
                let recent = video.shown().iter().rev().take_while(|it| it.arrived + second > self.now);
                let (count, bytes) = recent.fold((0, 0), |(count, bytes), it| (count + 1, bytes + it.bytes));
                let (plis, asked, repaired) = video.requests();
                line += &format!(
                    "; sees on {slot}: {count} pictures, {} kbit/s (NACKed {asked}, repaired {repaired}, PLI {plis}, {})",
                    bytes * 8 / 1000,
                    video.state(),
                );
            }
            if let Some(egress) = self.server.stats(*index).map(|stats| stats.egress) {
                line += &format!(
                    "; estimate {}, video {}, sending {} kbit/s, {} B wait, {} ms in the queue, {} probes, {} switches, {} overuses, {} collapses{}",
                    egress.estimate_bps.unwrap_or(0) / 1000,
                    egress.video_bps / 1000,
                    egress.sending_bps / 1000,
                    egress.waiting_bytes,
                    egress.standing.as_millis(),
                    egress.probes,
                    egress.switches,
                    egress.estimator.overuses,
                    egress.estimator.collapses,
                    if egress.video_paused { ", PAUSED" } else { "" },
                );
            }
            let (up, down) = self.tallies(*index);
            line += &format!(
                "; lost {}+{} up, {}+{} of {} kB down",
                up.lost,
                up.overflowed,
                down.lost,
                down.overflowed,
                down.sent_bytes / 1000
            );
            lines.push(line);
        }
        lines.into_iter().for_each(|line| self.note(|| line));
    }

    fn next(&self) -> Option<Instant> {
        let queue = self.queue.first_key_value().map(|((at, _), _)| *at);
        let peers = self.peers.values().map(Peer::deadline).min();
        [queue, peers, self.server.deadline()].into_iter().flatten().min()
    }

    fn deliver(&mut self) {
        while let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 <= self.now) {
            match entry.remove() {
                Delivery::ToServer { from, mut datagram } => {
                    let worker = self.server.worker_of(from);
                    self.server.handle_datagram(self.now, worker, from, &mut datagram);
                }
                Delivery::Wish { to, source, encodings } => {
                    if let Some(peer) = self.peers.get_mut(&to) {
                        peer.wish(source, &encodings);
                    }
                }
                Delivery::ToWorker(relayed) => self.server.handle_relay(self.now, &relayed),
                Delivery::ToPeer { peer, to, datagram } => {
                    // Whoever has moved on does not get what was sent to the old address.
                    if let Some(peer) = self.peers.get_mut(&peer).filter(|peer| peer.address == to) {
                        peer.handle_datagram(self.now, &datagram);
                    }
                }
            }
        }
    }

    /// Puts on the network what a step made somebody say.
    pub fn flush(&mut self) {
        self.carry();
    }

    /// Copies the network made of what was sent to a person.
    pub fn duplicates(&self, person: usize) -> u64 {
        self.paths[person].down.tally().duplicated
    }

    /// Puts on the network what anybody has to say.
    fn carry(&mut self) {
        for (index, peer) in &mut self.peers {
            while let Some(datagram) = peer.poll_datagram() {
                let times = self.paths[*index].up.send(self.now, wire_size(&datagram));
                for at in times.into_iter().flatten() {
                    let (from, datagram) = (peer.address, datagram.clone());
                    self.queue.insert((at, self.decided), Delivery::ToServer { from, datagram });
                    self.decided += 1;
                }
            }
        }
        while let Some((to, datagram)) = self.server.poll_transmit() {
            // A path is known by its host: a NAT's port is looked at on arrival.
            let std::net::IpAddr::V4(ip) = to.ip() else { continue };
            let peer = usize::from(ip.octets()[2]);
            let Some(paths) = self.paths.get_mut(peer) else { continue };
            for at in paths.down.send(self.now, wire_size(&datagram)).into_iter().flatten() {
                let datagram = datagram.clone();
                self.queue.insert((at, self.decided), Delivery::ToPeer { peer, to, datagram });
                self.decided += 1;
            }
        }
        while let Some(relayed) = self.server.poll_relay() {
            self.queue.insert((self.now + BETWEEN_WORKERS, self.decided), Delivery::ToWorker(relayed));
            self.decided += 1;
        }
        while let Some(event) = self.server.poll_event() {
            self.note(|| format!("server: {event:?}"));
            if let Event::SendWish { participant, source, encodings } = &event {
                // Signaling takes a moment to bring it.
                let (to, source, encodings) = (participant.0 as usize - 1, *source, encodings.clone());
                let wish = Delivery::Wish { to, source, encodings };
                self.queue.insert((self.now + SIGNALING, self.decided), wish);
                self.decided += 1;
            }
            self.events.push((self.now, event));
        }
    }
}

/// From the media plane over signaling to a browser.
const SIGNALING: Duration = ms(40);
/// What a ring between two threads takes.
const BETWEEN_WORKERS: Duration = Duration::from_micros(50);

/// Handshake records count as full datagrams: ECDSA signatures differ in length from run to run, a run must not.
fn wire_size(datagram: &[u8]) -> usize {
    match datagram.first() {
        Some(20..=22) => 1200,
        _ => datagram.len(),
    }
}

/// Time for handshakes on a good path; plans look at what comes after.
pub const SETTLED: Duration = ms(2000);
