//! This machine's place in the network.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

/// The address that packets to the rest of the world leave from: that of the default route.
///
/// Connecting a UDP socket sends nothing, it only makes the kernel choose a route. The address connected to is
/// reserved for documentation (RFC 5737), so even a mistake would reach nobody.
pub fn local_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_unspecified() && !address.is_loopback()).then_some(address)
}
