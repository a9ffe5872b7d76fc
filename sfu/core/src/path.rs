//! How a client is reached: over which of our sockets, and where it is.

use std::fmt;
use std::net::SocketAddr;

/// Which of a worker's sockets a packet came in by, and so must go out by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Via {
    /// The UDP socket. The number stands for the local address the client sent to: a machine with several must
    /// answer from the same one, or the client's ICE agent does not take the answer (RFC 8445 §7.2.5.2.1).
    Udp(u8),
    /// A TCP connection (RFC 6544), which the client opened.
    Tcp,
}

/// A way to one client; what ICE validates and selects.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Path {
    /// Our end.
    pub via: Via,
    /// The client's end.
    pub remote: SocketAddr,
}

impl Path {
    /// The TCP connection from this address.
    pub fn tcp(remote: SocketAddr) -> Self {
        Self { via: Via::Tcp, remote }
    }

    /// Whether this is a TCP connection.
    pub fn is_tcp(self) -> bool {
        self.via == Via::Tcp
    }
}

impl From<SocketAddr> for Path {
    /// Over UDP, by the first local address.
    fn from(remote: SocketAddr) -> Self {
        Self { via: Via::Udp(0), remote }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = if self.is_tcp() { "tcp" } else { "udp" };
        write!(f, "{protocol} {}", self.remote)
    }
}

/// Transport protocol of a candidate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// `udp`
    Udp,
    /// `tcp`, and we only wait for connections: `tcptype passive` (RFC 6544 §4.5).
    Tcp,
}

/// An address that clients are told to try: a host candidate of the answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// UDP or passive TCP.
    pub protocol: Protocol,
    /// As the client reaches it; behind a NAT 1:1 that is the public address.
    pub addr: SocketAddr,
}

impl Candidate {
    /// A UDP candidate.
    pub fn udp(addr: SocketAddr) -> Self {
        Self { protocol: Protocol::Udp, addr }
    }

    /// A passive TCP candidate.
    pub fn tcp(addr: SocketAddr) -> Self {
        Self { protocol: Protocol::Tcp, addr }
    }
}
