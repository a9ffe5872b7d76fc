//! The server under test: one node or several, as the rim of `sfu` would drive them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sfu_core::ids::{Mid, ParticipantId, WorkerId};
use sfu_core::media::{Kind, Source};
use sfu_core::node::{
    Counters, Epoch, Event, JoinRequest, Joined, Node, NodeConfig, ParticipantStats, RelayMessage, View,
};
use sfu_core::path::Candidate;
use sfu_core::transport::dtls::Identity;

use crate::peer::description::{AUDIO_SLOTS, VIDEO_SLOTS};
use crate::peer::secure;

/// See the module.
pub struct Server {
    nodes: Vec<Node>,
    /// Worker of each person.
    homes: BTreeMap<usize, usize>,
}

/// A message on its way between two workers.
pub struct Relayed {
    from: usize,
    to: usize,
    message: RelayMessage<'static>,
    bytes: Vec<u8>,
}

fn id(person: usize) -> ParticipantId {
    ParticipantId(person as u64 + 1)
}

/// The line of a slot.
fn slot_mid(kind: Kind, slot: usize) -> Mid {
    let mid = match kind {
        Kind::Audio => AUDIO_SLOTS[slot],
        Kind::Video => VIDEO_SLOTS[slot],
    };
    Mid::new(mid).expect("a token")
}

impl Server {
    /// Nodes with nobody on them.
    pub fn new(now: Instant, workers: usize, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let (certificate, key) = secure::certificate();
        let identity = Identity::new(certificate, key);
        let node = |worker: usize| {
            Node::new(NodeConfig {
                identity: identity.clone(),
                worker: WorkerId(worker as u8),
                candidates: vec![Candidate::udp(address(worker))],
                seed: rng.random(),
                epoch: Epoch::new(now, Duration::from_secs(1_800_000_000)),
                crypto: rtc_crypto::default_provider().expect("ring is compiled in"),
            })
        };
        Self { nodes: (0..workers).map(node).collect(), homes: BTreeMap::new() }
    }

    /// Answers an offer, on the person's worker.
    pub fn join(&mut self, now: Instant, person: usize, worker: usize, request: &JoinRequest) -> Joined {
        let worker = worker % self.nodes.len();
        self.homes.insert(person, worker);
        self.nodes[worker].join(now, id(person), request).expect("the model's offers can be answered")
    }

    /// Ends a transport.
    pub fn leave(&mut self, now: Instant, person: usize) {
        if let Some(worker) = self.homes.get(&person) {
            self.nodes[*worker].leave(now, id(person));
        }
    }

    /// Shows a source on a slot, over the relay where the two are on different workers.
    pub fn show(&mut self, now: Instant, from: usize, source: Source, to: usize, slot: usize) {
        let (origin, here) = (self.homes[&from], self.homes[&to]);
        let mid = slot_mid(source.kind(), slot);
        let done = if origin == here {
            self.nodes[here].attach(now, id(from), source, id(to), mid)
        } else {
            let export = self.nodes[origin].export(id(from), source).expect("the publisher is here");
            self.nodes[here].import(now, &export, id(to), mid)
        };
        done.expect("both are here");
    }

    /// Empties a slot.
    pub fn hide(&mut self, _now: Instant, source: Source, to: usize, slot: usize) {
        let worker = self.homes[&to];
        self.nodes[worker].detach(id(to), slot_mid(source.kind(), slot)).expect("the slot is there");
    }

    /// Joins two people's events channels.
    pub fn link_data(&mut self, a: usize, b: usize) {
        for (from, to) in [(a, b), (b, a)] {
            let worker = WorkerId(self.homes[&to] as u8);
            self.nodes[self.homes[&from]].pass_data(id(from), id(to), worker, true).expect("both are here");
        }
    }

    /// Lets a source in or drops it at the door.
    pub fn set_publishing(&mut self, now: Instant, person: usize, source: Source, on: bool) {
        let node = &mut self.nodes[self.homes[&person]];
        node.set_publishing(now, id(person), source, on).expect("the source is there");
    }

    /// How large a viewer shows a slot.
    pub fn set_view(&mut self, now: Instant, person: usize, slot: usize, width: u16, height: u16) {
        let node = &mut self.nodes[self.homes[&person]];
        let mid = slot_mid(Kind::Video, slot);
        node.set_view(now, id(person), mid, View { width, height }).expect("the slot is there");
    }

    /// The next thing one worker says to another: from, to, and the message with its bytes.
    pub fn poll_relay(&mut self) -> Option<Relayed> {
        self.nodes.iter_mut().enumerate().find_map(|(from, node)| {
            let (to, message) = node.poll_relay()?;
            Some(Relayed {
                from,
                to: to.0.into(),
                bytes: message.bytes().to_vec(),
                message: message.with_bytes(&[]),
            })
        })
    }

    /// Takes what another worker said.
    pub fn handle_relay(&mut self, now: Instant, relayed: &Relayed) {
        let message = relayed.message.with_bytes(&relayed.bytes);
        self.nodes[relayed.to].handle_relay(now, WorkerId(relayed.from as u8), message);
    }

    /// Which worker's socket a datagram of this sender comes to: hosts are numbered by person.
    pub fn worker_of(&self, from: SocketAddr) -> usize {
        let std::net::IpAddr::V4(ip) = from.ip() else { return 0 };
        self.homes.get(&usize::from(ip.octets()[2])).copied().unwrap_or(0)
    }

    /// Takes a datagram on a worker's socket.
    pub fn handle_datagram(&mut self, now: Instant, worker: usize, from: SocketAddr, datagram: &mut [u8]) {
        self.nodes[worker].handle_datagram(now, from, datagram);
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        self.nodes.iter().filter_map(Node::deadline).min()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        for node in &mut self.nodes {
            if node.deadline().is_some_and(|at| at <= now) {
                node.handle_timeout(now);
            }
        }
    }

    /// The next datagram for somebody.
    pub fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.nodes.iter_mut().find_map(|node| {
            let transmit = node.poll_transmit()?;
            Some((transmit.destination.remote, transmit.payload.to_vec()))
        })
    }

    /// The next thing the media plane says.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.nodes.iter_mut().find_map(Node::poll_event)
    }

    /// How many are here.
    pub fn participants(&self) -> usize {
        self.nodes.iter().map(Node::participants).sum()
    }

    /// Counters of a worker.
    pub fn counters(&self, worker: usize) -> &Counters {
        self.nodes[worker].counters()
    }

    /// Figures of one transport.
    pub fn stats(&self, person: usize) -> Option<ParticipantStats> {
        let worker = self.homes.get(&person)?;
        self.nodes[*worker].stats(id(person))
    }
}

fn address(worker: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 7800 + worker as u16))
}
