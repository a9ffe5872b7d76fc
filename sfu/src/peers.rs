//! A worker's connections to the other workers: what its node says to theirs.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use sfu_core::ids::WorkerId;
use sfu_core::node::{Node, RelayMessage};
use tokio::sync::Notify;

use crate::ring::{RingReceiver, RingSender, ring};

/// Messages that may wait for a worker: 80 ms of 50 streams of 720p. Warm, it holds as many packets of memory.
const CAPACITY: usize = 2048;

/// Places that media leaves free for the messages that must not be lost.
const RESERVE: usize = 256;

/// See the module.
pub(crate) struct Peers {
    /// By worker; `None` for ourselves, and for those that have failed.
    to: Vec<Option<Peer>>,
    from: Vec<(WorkerId, RingReceiver<RelayMessage<'static>>)>,
    /// Messages that a ring had no room for, and that may be lost.
    refused: Vec<RelayMessage<'static>>,
}

struct Peer {
    ring: RingSender<RelayMessage<'static>>,
    /// Messages that must not be lost but found no room; they are as few as what the layer above asks for.
    late: VecDeque<RelayMessage<'static>>,
}

impl Peers {
    /// Connects workers with each other. `bells` wake them.
    pub(crate) fn mesh(bells: &[Arc<Notify>]) -> Vec<Peers> {
        let mut all: Vec<_> = bells
            .iter()
            .map(|_| Peers { to: Vec::with_capacity(bells.len()), from: Vec::new(), refused: Vec::new() })
            .collect();
        for from in 0..bells.len() {
            for (to, bell) in bells.iter().enumerate() {
                if from == to {
                    all[from].to.push(None);
                    continue;
                }
                let (sender, receiver) = ring(CAPACITY, bell.clone());
                all[from].to.push(Some(Peer { ring: sender, late: VecDeque::new() }));
                all[to].from.push((WorkerId(from as u8), receiver));
            }
        }
        all
    }

    /// Hands the node what the others have said; how many messages that were.
    pub(crate) fn receive(&mut self, node: &mut Node, now: Instant) -> usize {
        let mut all = 0;
        for (from, ring) in &mut self.from {
            // No more than fits: somebody who never stops must not keep us here.
            let taken = (0..CAPACITY).take_while(|_| {
                ring.pop(|message, bytes| node.handle_relay(now, *from, message.with_bytes(bytes)))
            });
            all += taken.count();
        }
        all
    }

    /// A worker that has failed since, if there is one.
    fn bury(&mut self) -> Option<WorkerId> {
        let mut all = (0..).map(WorkerId).zip(&mut self.to);
        all.find_map(|(worker, place)| place.take_if(|peer| peer.ring.is_abandoned()).map(|_| worker))
    }

    /// Carries off what the node has to say. True when something has to be tried again soon.
    pub(crate) fn send(&mut self, node: &mut Node, now: Instant) -> bool {
        while let Some(gone) = self.bury() {
            node.worker_gone(now, gone);
        }
        for peer in self.to.iter_mut().flatten() {
            while let Some(message) = peer.late.front() {
                if peer.ring.push(*message, &[], 0).is_err() {
                    break;
                }
                peer.late.pop_front();
            }
        }
        while let Some((to, message)) = node.poll_relay() {
            let Some(Some(peer)) = self.to.get_mut(usize::from(to.0)) else { continue };
            let (bare, lossy) = (message.with_bytes(&[]), message.may_be_lost());
            if lossy {
                if peer.ring.push(bare, message.bytes(), RESERVE).is_err() {
                    self.refused.push(bare);
                }
            } else if !peer.late.is_empty() || peer.ring.push(bare, &[], 0).is_err() {
                peer.late.push_back(bare);
            }
        }
        for message in self.refused.drain(..) {
            node.relay_refused(now, &message);
        }
        let mut late = false;
        for peer in self.to.iter_mut().flatten() {
            peer.ring.ring_bell();
            late |= !peer.late.is_empty();
        }
        late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_has_failed_is_buried_once() {
        let bells: Vec<Arc<Notify>> = (0..3).map(|_| Arc::default()).collect();
        let mut all = Peers::mesh(&bells);
        let mut last = all.pop().expect("three");
        assert_eq!(last.bury(), None);
        all.remove(0);
        assert_eq!(last.bury(), Some(WorkerId(0)));
        assert_eq!(last.bury(), None, "the other one is there");
    }
}
