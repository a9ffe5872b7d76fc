//! What the media server is told before it starts, and what can be wrong with that.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use sfu_core::node::Limits;

/// Half a core: about 60 rooms of two with video, far from where delays begin.
pub const FILL_PERMILLE: u32 = 500;

/// More workers than this are a mistake: each has its own socket, and rings to all others.
pub const WORKERS_MAX: usize = 32;

/// Settings of the media server, checked by [`Sfu::start`].
#[derive(Clone, Debug)]
pub struct Config {
    /// Address the UDP sockets bind to; worker `i` takes `udp_port + i`.
    pub bind: IpAddr,
    /// First UDP port; 0 picks a free one (tests).
    pub udp_port: u16,
    /// Worker threads. Participants are spread over them.
    pub workers: usize,
    /// TCP port of all workers, for clients whose network lets no UDP through (ICE over TCP, RFC 6544). `None` turns it
    /// off, 0 picks a free one (tests).
    pub tcp_port: Option<u16>,
    /// Addresses written into ICE candidates, best first: what clients reach us at, of either family. Empty means
    /// `bind`, which must then be a specific address.
    pub announced: Vec<IpAddr>,
    /// How loaded a worker may be for newcomers to join the others there, per mille of a core, usually
    /// [`FILL_PERMILLE`]. Who will talk to whom is not known yet when they connect; while they are on one worker, no packet
    /// of their calls has to cross to another. 0 spreads people from the first on.
    pub fill_permille: u32,
    /// What every participant may cost.
    pub limits: Limits,
}

impl Config {
    /// What can be said without touching the system.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if !(1..=WORKERS_MAX).contains(&self.workers) {
            return Err(ConfigError::Workers { given: self.workers, max: WORKERS_MAX });
        }
        if self.udp_port != 0 && usize::from(self.udp_port) + self.workers - 1 > usize::from(u16::MAX) {
            return Err(ConfigError::Ports { first: self.udp_port, workers: self.workers });
        }
        if self.announced.is_empty() && self.bind.is_unspecified() {
            return Err(ConfigError::NoAnnouncedAddress(self.bind));
        }
        match unreachable_address(self.bind, &self.announced) {
            Some(address) => Err(ConfigError::OtherFamily { address, bind: self.bind }),
            None => Ok(()),
        }
    }
}

/// An announced address at which a socket bound like this gets nothing: one of the other family. Only `::` takes both.
pub fn unreachable_address(bind: IpAddr, announced: &[IpAddr]) -> Option<IpAddr> {
    let both = bind == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    announced.iter().copied().find(|address| !both && address.is_ipv4() != bind.is_ipv4())
}

/// Why the media server did not start. The field names the setting.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A socket could not be bound.
    #[error("cannot bind {protocol} {addr}: {source}")]
    Bind {
        /// `UDP` (the bind address or the first port) or `TCP` (the TCP port).
        protocol: &'static str,
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// Clients would be told an address nobody can reach.
    #[error("the bind address {0} is a wildcard and no announced address is set")]
    NoAnnouncedAddress(IpAddr),
    /// Clients would be told an address where our sockets do not listen.
    #[error(
        "the announced address {address} is of another family than the bind address {bind}; bind to :: for both"
    )]
    OtherFamily {
        /// The announced address.
        address: IpAddr,
        /// The bind address.
        bind: IpAddr,
    },
    /// A worker would have no port.
    #[error("the UDP port {first} and those of {workers} workers after it go beyond 65535")]
    Ports {
        /// The first port.
        first: u16,
        /// How many.
        workers: usize,
    },
    /// The process cannot make keys or counters.
    #[error("cannot prepare the media server: {0}")]
    Prepare(String),
    /// Out of range.
    #[error("workers must be 1 to {max}, not {given}")]
    Workers {
        /// What was asked for.
        given: usize,
        /// The most that makes sense here.
        max: usize,
    },
}
