//! The established packet path allocates nothing: a counting allocator watches a node forward real SRTP on virtual time.
//!
//! Counted is everything the node does once a call has warmed up: opening, repair bookkeeping, TWCC, cache, rewriting,
//! sealing, retransmissions, and the feedback and reports that become due.

// An allocator cannot be written without: it forwards to the system's, and counts.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sfu_core::ids::{Ssrc, WorkerId};
use sfu_core::media::{Kind, Source};
use sfu_core::node::{Epoch, Node, NodeConfig};
use sfu_core::path::Candidate;
use sfu_core::rtp::packet::RtpPacket;
use sfu_core::rtp::rtcp;
use sfu_core::testing::{Caller, CallerIdentity, Media, Received, VIDEO, VIDEO_RTX};
use sfu_core::transport::dtls::Identity;

thread_local! {
    static COUNTING: Cell<bool> = const { Cell::new(false) };
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

fn count() {
    // The thread's memory may be gone already when its last values are dropped.
    let _ = COUNTING.try_with(|counting| {
        if counting.get() {
            ALLOCATIONS.with(|allocations| allocations.set(allocations.get() + 1));
        }
    });
}

// SAFETY: every call goes to the system's allocator as it is; the counters are plain cells and allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as for this function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as for this function.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as for this function.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Carries what the nodes have to say to each other, as the rings between workers do: into a buffer that is there already.
fn relay(nodes: &mut [Node], carried: &mut Vec<u8>, now: Instant) {
    for from in 0..nodes.len() {
        while let Some((to, message)) = nodes[from].poll_relay() {
            carried.clear();
            carried.extend_from_slice(message.bytes());
            let message = message.with_bytes(&[]);
            nodes[usize::from(to.0)].handle_relay(now, WorkerId(from as u8), message.with_bytes(carried));
        }
    }
}

/// Runs something and counts what it allocates.
fn counted<T>(counting: bool, work: impl FnOnce() -> T) -> T {
    COUNTING.set(counting);
    let result = work();
    COUNTING.set(false);
    result
}

fn certificate() -> (Vec<u8>, Vec<u8>) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("key");
    let params = rcgen::CertificateParams::new(vec!["test".into()]).expect("params");
    let certificate = params.self_signed(&key).expect("certificate");
    (certificate.der().to_vec(), key.serialize_der())
}

/// One person sends a microphone and a camera, the others receive both.
struct Call {
    now: Instant,
    counting: bool,
    /// The publisher is on the first worker's node, the viewers are on the last one's.
    nodes: Vec<Node>,
    /// A message on its way between two nodes.
    carried: Vec<u8>,
    callers: Vec<Caller>,
    /// SSRC of the camera at each viewer, and the last sequence number there.
    seen: Vec<Option<(Ssrc, u16)>>,
    retransmitted: u64,
    frame: u16,
}

impl Call {
    fn new(workers: u8, viewers: u32) -> Self {
        let now = Instant::now();
        let (certificate_der, key) = certificate();
        let server = Identity::new(certificate_der, key);
        let node = |worker| {
            Node::new(NodeConfig {
                worker: WorkerId(worker),
                identity: server.clone(),
                candidates: vec![Candidate::udp(SocketAddr::from(([192, 0, 2, 1], 7800)))],
                seed: 1,
                epoch: Epoch::new(now, Duration::from_secs(1_800_000_000)),
                crypto: rtc_crypto::default_provider().expect("ring"),
            })
        };
        let (certificate_der, key) = certificate();
        let identity = CallerIdentity::new(certificate_der, key);
        let slots = [Kind::Audio, Kind::Video];
        let callers = (0..=viewers).map(|number| Caller::new(now, number, &identity, &slots)).collect();
        let seen = vec![None; viewers as usize + 1];
        let nodes = (0..workers).map(node).collect();
        let carried = Vec::with_capacity(2048);
        let mut call =
            Self { now, counting: false, nodes, carried, callers, seen, retransmitted: 0, frame: 0 };
        for index in 0..call.callers.len() {
            let (home, caller) = (call.home(index), &call.callers[index]);
            let joined = call.nodes[home].join(now, caller.id(), &caller.request());
            call.callers[index].joined(now, &joined.expect("joined"));
            call.pump();
            assert!(call.callers[index].is_connected());
            if index > 0 {
                let (from, to) = (call.callers[0].id(), call.callers[index].id());
                let (audio, video) = (call.callers[index].slot(0), call.callers[index].slot(1));
                for (source, slot) in [(Source::Microphone, audio), (Source::Camera, video)] {
                    let export = call.nodes[0].export(from, source).expect("published");
                    call.nodes[home].import(now, &export, to, slot).expect("attached");
                }
                call.pump();
            }
        }
        call
    }

    fn addr(index: usize) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1 + index as u8], 4000))
    }

    fn home(&self, caller: usize) -> usize {
        if caller == 0 { 0 } else { self.nodes.len() - 1 }
    }

    fn deliver(&mut self, from: usize, datagram: &mut [u8]) {
        let home = self.home(from);
        let (node, now) = (&mut self.nodes[home], self.now);
        counted(self.counting, || node.handle_datagram(now, Self::addr(from), datagram));
        self.pump();
    }

    /// Carries what waits on both sides.
    fn pump(&mut self) {
        loop {
            let mut feedback = Vec::new();
            counted(self.counting, || relay(&mut self.nodes, &mut self.carried, self.now));
            let mut outbox = Vec::new();
            for node in &mut self.nodes {
                outbox.extend(node.outbox().iter().map(|it| (it.destination.remote, it.payload.to_vec())));
                counted(self.counting, || node.outbox().clear());
                while node.poll_event().is_some() {}
            }
            for (to, mut datagram) in outbox {
                let index = (0..self.callers.len()).find(|index| Self::addr(*index) == to).expect("known");
                if let Received::Rtp(length) = self.callers[index].handle(self.now, &mut datagram) {
                    let packet = RtpPacket::parse(&datagram[..length]).expect("RTP");
                    if packet.payload_type() == VIDEO {
                        self.seen[index] = Some((packet.ssrc(), packet.sequence()));
                    } else if packet.payload_type() == VIDEO_RTX {
                        self.retransmitted += 1;
                    }
                }
            }
            for index in 0..self.callers.len() {
                while let Some(datagram) = self.callers[index].poll_datagram() {
                    feedback.push((index, datagram));
                }
                let mut report = Vec::new();
                if self.callers[index].write_feedback(self.now, &mut report) {
                    feedback.push((index, report));
                }
            }
            if feedback.is_empty() {
                return;
            }
            for (index, mut datagram) in feedback {
                let home = self.home(index);
                let (node, now) = (&mut self.nodes[home], self.now);
                counted(self.counting, || node.handle_datagram(now, Self::addr(index), &mut datagram));
            }
        }
    }

    /// Ten milliseconds, with everything that is due on the way.
    fn pass(&mut self) {
        let end = self.now + Duration::from_millis(10);
        let due = |nodes: &[Node]| nodes.iter().filter_map(Node::deadline).min();
        while let Some(at) = due(&self.nodes).filter(|at| *at <= end) {
            self.now = self.now.max(at);
            let now = self.now;
            for node in &mut self.nodes {
                counted(self.counting, || node.handle_timeout(now));
            }
            self.pump();
        }
        self.now = end;
    }

    fn send(&mut self, media: &Media<'_>) {
        let mut packet = Vec::new();
        assert!(self.callers[0].write(media, &mut packet));
        self.deliver(0, &mut packet);
    }

    /// A second of Opus at 20 ms and of VP8 at 30 frames of six packets, a keyframe first; each viewer reports a loss now
    /// and then.
    fn second(&mut self) {
        for step in 0..100u32 {
            if step.is_multiple_of(2) {
                let payload = [0x78; 120];
                let timestamp = (self.frame as u32 * 100 + step) * 480;
                self.send(&Media { kind: Kind::Audio, marker: false, timestamp, payload: &payload });
            }
            if step.is_multiple_of(3) {
                self.frame += 1;
                for part in 0..6 {
                    let mut payload = vec![0x55; 900 + usize::from(self.frame % 7) * 40];
                    let [high, low] = (self.frame | 0x8000).to_be_bytes();
                    let first = if part == 0 { 0x90 } else { 0x80 };
                    payload[..5].copy_from_slice(&[first, 0x80, high, low, u8::from(step > 0)]);
                    let timestamp = u32::from(self.frame) * 3000;
                    self.send(&Media { kind: Kind::Video, marker: part == 5, timestamp, payload: &payload });
                }
            }
            if step % 20 == 19 {
                for viewer in 1..self.callers.len() {
                    let Some((ssrc, last)) = self.seen[viewer] else { continue };
                    let (mut nack, mut sealed) = (Vec::new(), Vec::new());
                    let missing = [last.wrapping_sub(5), last.wrapping_sub(3), last.wrapping_sub(2)];
                    rtcp::write_nack(Ssrc(1), ssrc, &missing, &mut nack);
                    assert!(self.callers[viewer].write_rtcp(&nack, &mut sealed));
                    self.deliver(viewer, &mut sealed);
                }
            }
            self.pass();
        }
    }
}

/// What a call of so many viewers allocates in ten seconds after the first ten, and how many packets that was.
fn check(workers: u8, viewers: u32) {
    let mut call = Call::new(workers, viewers);
    for _ in 0..10 {
        call.second();
    }
    let last = call.nodes.len() - 1;
    let counters = |call: &Call| (call.nodes[0].counters().clone(), call.nodes[last].counters().clone());
    let (before, retransmitted) = (counters(&call), call.retransmitted);
    ALLOCATIONS.set(0);
    call.counting = true;
    for _ in 0..10 {
        call.second();
    }
    let after = counters(&call);
    let forwarded = after.1.forwarded - before.1.forwarded;
    assert_eq!(forwarded, u64::from(viewers) * 10 * (50 + 34 * 6), "everything is forwarded");
    assert!(after.0.twcc - before.0.twcc > 150, "the publisher gets feedback");
    assert_eq!(call.retransmitted - retransmitted, u64::from(viewers) * 10 * 5 * 3, "NACKs are answered");
    assert_eq!(ALLOCATIONS.get(), 0, "allocations for {forwarded} forwarded packets");
}

#[test]
fn forwarding_to_one_viewer_allocates_nothing() {
    check(1, 1);
}

#[test]
fn forwarding_to_three_viewers_allocates_nothing() {
    check(1, 3);
}

#[test]
fn forwarding_to_viewers_on_another_worker_allocates_nothing() {
    check(2, 2);
}

#[test]
fn the_counter_counts() {
    ALLOCATIONS.set(0);
    let boxed = counted(true, || Box::new(7));
    assert_eq!((*boxed, ALLOCATIONS.get()), (7, 1));
}
