//! A caller's socket: reading with the kernel's arrival times, sending runs of equally long datagrams at once.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};

/// Room for one read with GRO.
const BUFFER: usize = 64 << 10;

/// A bound socket; another one is another address to the server.
pub(super) struct Wire {
    pub(super) socket: UdpSocket,
    state: UdpSocketState,
}

impl Wire {
    /// A socket on a free port that can reach `to`.
    pub(super) fn new(to: SocketAddr) -> io::Result<Self> {
        let any: IpAddr = match to.ip() {
            ip if ip.is_loopback() => ip,
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
        socket.set_nonblocking(true)?;
        let state = UdpSocketState::new((&socket).into())?;
        Ok(Self { socket, state })
    }

    /// Sends datagrams in order; what the kernel does not take is lost, as on any full link.
    pub(super) fn send(&self, to: SocketAddr, datagrams: &[Vec<u8>], scratch: &mut Vec<u8>) {
        let mut rest = datagrams;
        while let [first, ..] = rest {
            let size = first.len();
            let most = self.state.max_gso_segments().min(60_000 / size.max(1)).max(1);
            let mut run = rest.iter().take(most).take_while(|it| it.len() == size).count().max(1);
            // The last one of a run may be shorter.
            if run < most && rest.get(run).is_some_and(|it| it.len() < size) {
                run += 1;
            }
            let (now, later) = rest.split_at(run);
            rest = later;
            let contents = if let [one] = now {
                &one[..]
            } else {
                scratch.clear();
                now.iter().for_each(|it| scratch.extend_from_slice(it));
                &scratch[..]
            };
            let segment_size = (run > 1).then_some(size);
            let transmit = Transmit { destination: to, ecn: None, contents, segment_size, src_ip: None };
            let _ = self.state.try_send((&self.socket).into(), &transmit);
        }
    }
}

/// Buffers for reading, shared by all sockets of a thread.
pub(super) struct Inbox {
    buffers: Vec<Vec<u8>>,
    metas: [RecvMeta; BATCH_SIZE],
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self { buffers: vec![vec![0; BUFFER]; BATCH_SIZE], metas: [RecvMeta::default(); BATCH_SIZE] }
    }

    /// Reads everything that waits. Gives each datagram with the kernel's time of its arrival, ns since 1970.
    pub(super) fn drain(&mut self, wire: &Wire, mut take: impl FnMut(Option<u64>, &[u8])) {
        loop {
            let mut slices = self.buffers.iter_mut().map(|buffer| IoSliceMut::new(buffer));
            let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
                std::array::from_fn(|_| slices.next().unwrap_or_else(|| IoSliceMut::new(&mut [])));
            let Ok(count) = wire.state.recv((&wire.socket).into(), &mut slices, &mut self.metas) else {
                return;
            };
            for (buffer, meta) in self.buffers.iter().zip(&self.metas).take(count) {
                let kernel_ns = meta.timestamp.map(|at| at.as_nanos() as u64);
                for datagram in buffer[..meta.len].chunks(meta.stride.max(1)) {
                    take(kernel_ns, datagram);
                }
            }
            if count < BATCH_SIZE {
                return;
            }
        }
    }
}
