//! What one more participant costs: CPU until media can flow, and memory.
//!
//! Participants with the lines of our own client's offer (two send lines, seven slots, a data channel) join one after the
//! other, each with real ICE, DTLS and SRTP. Measured is what the node does: answering the offer, the connectivity check,
//! the handshake, the keys. Memory is what it has allocated since and not freed, read from a counting allocator.
//!
//! `cargo bench -p sfu --bench setup`

// An allocator cannot be written without: it forwards to the system's, and counts.
#![allow(unsafe_code)]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use sfu_core::media::Kind;
use sfu_core::testing::Caller;
use support::{address, caller_identity, median, node};

const PARTICIPANTS: usize = 200;

static COUNTING: AtomicBool = AtomicBool::new(false);
static LIVE: AtomicI64 = AtomicI64::new(0);

struct Counting;

fn count(bytes: i64) {
    if COUNTING.load(Ordering::Relaxed) {
        LIVE.fetch_add(bytes, Ordering::Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator as it is; the counters are atomics and allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: as for this function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: as for this function.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs what the node does; counts its memory and adds its time.
fn measured<T>(spent: &mut Duration, work: impl FnOnce() -> T) -> T {
    COUNTING.store(true, Ordering::Relaxed);
    let begin = Instant::now();
    let result = work();
    *spent += begin.elapsed();
    COUNTING.store(false, Ordering::Relaxed);
    result
}

fn main() {
    let now = Instant::now();
    let mut node = node(now);
    let identity = caller_identity();
    let slots = [Kind::Audio, Kind::Audio, Kind::Audio, Kind::Video, Kind::Video, Kind::Video, Kind::Video];
    let mut times = Vec::new();
    let mut joins = Vec::new();
    for index in 0..PARTICIPANTS {
        let mut spent = Duration::ZERO;
        let mut caller = Caller::new(now, index as u32, &identity, &slots);
        let request = caller.request();
        let joined = measured(&mut spent, || node.join(now, caller.id(), &request)).expect("joined");
        joins.push(spent.as_secs_f64());
        caller.joined(now, &joined);
        drop(joined);
        for _ in 0..20 {
            while let Some(mut datagram) = caller.poll_datagram() {
                measured(&mut spent, || node.handle_datagram(now, address(index), &mut datagram));
            }
            for transmit in node.outbox().iter() {
                caller.handle(now, &mut transmit.payload.to_vec());
            }
            measured(&mut spent, || {
                node.outbox().clear();
                while node.poll_event().is_some() {}
            });
        }
        assert!(caller.is_connected());
        times.push(spent.as_secs_f64());
    }
    let (total, join) = (median(times), median(joins));
    println!("set-up of a participant: {:.2} ms CPU, of it {:.2} ms for the offer", total * 1e3, join * 1e3);
    println!("set-ups a second a core: {:.0}", 1.0 / total);
    println!(
        "memory a participant:    {:.3} MB",
        LIVE.load(Ordering::Relaxed) as f64 / PARTICIPANTS as f64 / 1e6
    );
}
