//! One person's access network inside a process: the same links as behind a [`Proxy`](super::Proxy), without sockets for
//! datagrams. Whoever owns the person's socket asks what becomes of each datagram; TCP goes through relays.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Result;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::link::Fate;
use super::relay::{Direction, Network};
use super::stream;
use super::{Report, Trace};

/// See the module; clones are the same network. TCP relays end with the last clone.
#[derive(Clone)]
pub struct Access {
    network: Arc<Network>,
    relays: Arc<Mutex<JoinSet<()>>>,
}

/// When a datagram arrives, and when a second copy of it does. Nothing: it is lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Passage {
    /// When it arrives.
    pub at: Option<Instant>,
    /// When it arrives once more.
    pub again: Option<Instant>,
}

impl Access {
    /// With `hold` the trace stays at its first moment until [`Access::begin`].
    pub fn new(trace: Trace, seed: u64, hold: bool) -> Self {
        Self { network: Arc::new(Network::new(trace, seed, hold)), relays: Arc::default() }
    }

    /// The trace begins now.
    pub fn begin(&self) {
        self.network.begin();
    }

    /// A datagram of this length leaves for the server.
    pub fn up(&self, length: usize) -> Passage {
        self.passage(Direction::Up, length)
    }

    /// A datagram of this length has come from the server.
    pub fn down(&self, length: usize) -> Passage {
        self.passage(Direction::Down, length)
    }

    /// How many address changes should have happened by now.
    pub fn rebinds_due(&self) -> usize {
        self.network.rebinds_due()
    }

    /// Where to connect to instead of `to`, so that the bytes go through this network.
    pub async fn tcp(&self, to: SocketAddr) -> Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let relay = stream::accept(listener, to, Arc::clone(&self.network));
        self.relays.lock().unwrap_or_else(PoisonError::into_inner).spawn(relay);
        Ok(address)
    }

    /// What has passed since the trace began.
    pub fn report(&self) -> Report {
        self.network.report()
    }

    fn passage(&self, direction: Direction, length: usize) -> Passage {
        let (origin, fate) = self.network.packet(direction, length);
        let Fate::Arrives { at, again } = fate else { return Passage::default() };
        let origin = origin.into_std();
        Passage { at: Some(origin + at), again: again.map(|again| origin + again) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_networks_of_one_trace_and_seed_lose_the_same_datagrams() {
        let trace = || Trace::parse("about = 'x'\n[both]\nloss = 0.2\nburst = 3").expect("a trace");
        let fates = |seed| -> Vec<_> {
            let access = Access::new(trace(), seed, false);
            (0..500).map(|_| access.up(1000).at.is_some()).collect()
        };
        assert_eq!(fates(1), fates(1));
        assert_ne!(fates(1), fates(2));
    }
}
