//! A worker's UDP socket: many datagrams a system call, both ways.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use sfu_core::path::{Path, Via};
use sfu_core::transport::outbox::Outbox;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// Kernel buffer asked for each way; 4 MiB hold 200 ms at 160 Mbit/s. The kernel may grant less.
const KERNEL_BUFFER: usize = 4 << 20;

/// Room for one receive buffer: with GRO the kernel joins datagrams of one sender.
const RECEIVE_BUFFER: usize = 64 << 10;

/// Buffers begin this much further apart: at multiples of 64 kB the beginnings of all would share few cache lines.
const STAGGER: usize = 2048 + 64;

/// Most bytes in one GSO send: what fits a UDP length field.
const SEND_MAX: usize = 65_000;

/// How long datagrams are sent one by one after the kernel has refused a run of them.
const WITHOUT_GSO: Duration = Duration::from_secs(5);

/// Opens a UDP socket ready for [`BatchSocket`].
pub(crate) fn bind(addr: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    if addr.is_ipv6() {
        // `::` means both families, by one socket.
        socket.set_only_v6(!addr.ip().is_unspecified())?;
    }
    socket.set_nonblocking(true)?;
    // A smaller buffer than asked for is the administrator's choice, not an error.
    let _ = socket.set_recv_buffer_size(KERNEL_BUFFER);
    let _ = socket.set_send_buffer_size(KERNEL_BUFFER);
    socket.bind(&addr.into())?;
    Ok(socket.into())
}

/// See the module.
pub(crate) struct BatchSocket {
    socket: UdpSocket,
    state: UdpSocketState,
    /// [`BATCH_SIZE`] receive buffers.
    buffers: Vec<u8>,
    metas: [RecvMeta; BATCH_SIZE],
    order: SendOrder,
    gather: Vec<u8>,
    locals: Locals,
    /// Segments of a GSO send in the beginning, and since when there are fewer.
    segments: usize,
    fewer: Option<Instant>,
    /// An IPv6 socket for both families: IPv4 addresses are written as `::ffff:a.b.c.d` there.
    mapped: bool,
}

/// The addresses of this machine that a wildcard socket was reached at, by number: [`Via::Udp`]. Number 0 leaves the
/// choice to the kernel.
#[derive(Default)]
struct Locals {
    known: Vec<IpAddr>,
    /// The socket is bound to all addresses.
    wildcard: bool,
}

impl Locals {
    fn number(&mut self, local: Option<IpAddr>) -> Via {
        let Some(local) = local.filter(|_| self.wildcard) else { return Via::Udp(0) };
        let place = self.known.iter().position(|known| *known == local).or_else(|| {
            // Addresses may come and go for years; beyond this the kernel chooses.
            (self.known.len() < usize::from(u8::MAX)).then(|| {
                self.known.push(local);
                self.known.len() - 1
            })
        });
        Via::Udp(place.map_or(0, |place| place as u8 + 1))
    }

    fn address(&self, via: Via) -> Option<IpAddr> {
        match via {
            Via::Udp(number) => self.known.get(usize::from(number).checked_sub(1)?).copied(),
            Via::Tcp => None,
        }
    }
}

impl BatchSocket {
    /// Takes over a socket from [`bind`]. Must be called inside the worker's runtime.
    pub(crate) fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        let socket = UdpSocket::from_std(socket)?;
        let state = UdpSocketState::new((&socket).into())?;
        let local = socket.local_addr()?.ip();
        let segments = state.max_gso_segments();
        let locals = Locals { known: Vec::new(), wildcard: local.is_unspecified() };
        Ok(Self {
            locals,
            segments,
            fewer: None,
            mapped: local.is_ipv6() && local.is_unspecified(),
            socket,
            state,
            buffers: vec![0; (RECEIVE_BUFFER + STAGGER) * BATCH_SIZE],
            metas: [RecvMeta::default(); BATCH_SIZE],
            order: SendOrder::default(),
            gather: Vec::with_capacity(SEND_MAX),
        })
    }

    /// Waits until there is something to read.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    /// Reads one batch, whether or not [`Self::readable`] has said so, and hands each datagram over.
    pub(crate) fn receive(&mut self, mut handle: impl FnMut(Path, &mut [u8])) -> io::Result<Received> {
        let mut buffers = self.buffers.chunks_exact_mut(RECEIVE_BUFFER + STAGGER);
        let mut slices: [IoSliceMut<'_>; BATCH_SIZE] = std::array::from_fn(|_| {
            IoSliceMut::new(buffers.next().and_then(|it| it.get_mut(..RECEIVE_BUFFER)).unwrap_or_default())
        });
        let count = match self.state.recv((&self.socket).into(), &mut slices, &mut self.metas) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        if count < BATCH_SIZE {
            // The socket was empty: the next datagram makes it readable again, and no second read has to find that out.
            let _ = self.socket.try_io(Interest::READABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
        }
        let mut datagrams = 0;
        // Nobody can be answered at port 0, and to try makes quinn-udp give up GSO.
        let metas = self.metas.iter().take(count);
        for (buffer, meta) in slices.iter_mut().zip(metas).filter(|(_, meta)| meta.addr.port() != 0) {
            let remote = match meta.addr.ip().to_canonical() {
                IpAddr::V4(v4) => SocketAddr::new(v4.into(), meta.addr.port()),
                IpAddr::V6(_) => meta.addr,
            };
            let source = Path { via: self.locals.number(meta.dst_ip), remote };
            // A zero-length datagram has stride 0 and says nothing to us.
            for datagram in buffer[..meta.len].chunks_mut(meta.stride.max(1)) {
                datagrams += 1;
                handle(source, datagram);
            }
        }
        Ok(Received { datagrams, more: count == BATCH_SIZE })
    }

    /// Sends everything, what goes to one destination together: runs of equally long datagrams are one system call (GSO).
    /// Returns how many datagrams the kernel would not take.
    /// Those that go by TCP are handed to `by_tcp`, which says whether it took them.
    pub(crate) async fn send(
        &mut self,
        outbox: &Outbox,
        by_tcp: &mut impl FnMut(Path, &[u8]) -> bool,
    ) -> u64 {
        let mut refused = 0;
        self.keep_gso(Instant::now);
        let mut rest = self.order.sort(outbox);
        while let Some((&number, others)) = rest.split_first() {
            let Some(first) = outbox.get(number as usize) else { break };
            if first.destination.is_tcp() {
                refused += u64::from(!by_tcp(first.destination, first.payload));
                rest = others;
                continue;
            }
            let size = first.payload.len();
            let most = self.state.max_gso_segments().min(SEND_MAX / size.max(1)).max(1);
            let (mut run, mut length) = (1, size);
            // Only the last segment of a run may be shorter, and none may be empty.
            while run < most
                && length == run * size
                && let Some(next) = rest.get(run).and_then(|next| outbox.get(*next as usize))
                && next.destination == first.destination
                && (1..=size).contains(&next.payload.len())
            {
                length += next.payload.len();
                run += 1;
            }
            let (these, others) = rest.split_at(run);
            rest = others;
            let in_a_row = these.last().is_some_and(|last| (last - number) as usize == run - 1);
            let contents = if in_a_row {
                outbox.span(number as usize..number as usize + run).unwrap_or_default()
            } else {
                self.gather.clear();
                for datagram in these.iter().filter_map(|number| outbox.get(*number as usize)) {
                    self.gather.extend_from_slice(datagram.payload);
                }
                &self.gather
            };
            let transmit = Transmit {
                destination: match first.destination.remote {
                    SocketAddr::V4(v4) if self.mapped => {
                        SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port())
                    }
                    remote => remote,
                },
                ecn: None,
                contents,
                segment_size: (run > 1).then_some(size),
                src_ip: self.locals.address(first.destination.via),
            };
            // Two tries: once as is, once after the kernel said there is room again.
            let mut sent = Self::send_one(&self.socket, &self.state, &transmit);
            if sent == Sent::NoRoom && self.socket.writable().await.is_ok() {
                sent = Self::send_one(&self.socket, &self.state, &transmit);
            }
            if sent != Sent::Yes {
                refused += run as u64;
            }
        }
        refused
    }

    /// After an error quinn-udp sends without GSO for good. An address that is gone is such an error, too: it is tried again.
    fn keep_gso(&mut self, now: impl FnOnce() -> Instant) {
        if self.state.max_gso_segments() >= self.segments {
            return;
        }
        let now = now();
        if now >= *self.fewer.get_or_insert(now) + WITHOUT_GSO {
            self.fewer = None;
            match UdpSocketState::new((&self.socket).into()) {
                Ok(state) => self.state = state,
                Err(error) => tracing::debug!(%error, "socket options"),
            }
        }
    }

    fn send_one(socket: &UdpSocket, state: &UdpSocketState, transmit: &Transmit<'_>) -> Sent {
        match socket.try_io(Interest::WRITABLE, || state.try_send(socket.into(), transmit)) {
            Ok(()) => Sent::Yes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Sent::NoRoom,
            Err(error) => {
                tracing::debug!(%error, to = %transmit.destination, "datagram not sent");
                Sent::No
            }
        }
    }
}

/// What one read brought.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    /// Datagrams.
    pub(crate) datagrams: usize,
    /// Every buffer was used, so there may be more.
    pub(crate) more: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    Yes,
    NoRoom,
    No,
}

/// Puts together what goes to one destination, in the order it was written.
#[derive(Default)]
struct SendOrder {
    hasher: RandomState,
    /// Hash of the destination and number of the datagram: sorting these needs no comparison of addresses.
    keys: Vec<(u32, u32)>,
    numbers: Vec<u32>,
}

impl SendOrder {
    /// The numbers of all datagrams. Two destinations of one hash may be mixed, which costs a system call and no more.
    fn sort(&mut self, outbox: &Outbox) -> &[u32] {
        self.numbers.clear();
        if outbox.len() < 3 {
            // Nothing to gain.
            self.numbers.extend(0..outbox.len() as u32);
            return &self.numbers;
        }
        self.keys.clear();
        for (number, datagram) in outbox.iter().enumerate() {
            self.keys.push((self.hasher.hash_one(datagram.destination) as u32, number as u32));
        }
        self.keys.sort_unstable();
        self.numbers.extend(self.keys.iter().map(|(_, number)| *number));
        &self.numbers
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn addr(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    #[test]
    fn what_goes_to_one_destination_is_together_and_in_order() {
        let mut outbox = Outbox::default();
        for number in 0..30u16 {
            outbox.push(addr(1 + number * 7 % 3).into(), &number.to_be_bytes());
        }
        let mut order = SendOrder::default();
        let numbers = order.sort(&outbox).to_vec();
        let destinations: Vec<_> =
            numbers.iter().map(|number| outbox.get(*number as usize).unwrap().destination).collect();
        let changes = destinations.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert_eq!(changes, 2);
        for pair in numbers.windows(2).zip(destinations.windows(2)) {
            assert!(pair.1[0] != pair.1[1] || pair.0[0] < pair.0[1]);
        }
        assert_eq!(numbers.len(), 30);
    }

    #[tokio::test]
    async fn datagrams_arrive_whole_whatever_their_lengths() {
        let receiver = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut socket = BatchSocket::new(bind("127.0.0.1:0".parse().unwrap()).unwrap()).unwrap();
        let to = receiver.local_addr().unwrap();
        let elsewhere = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let lengths = [1000, 1000, 700, 1000, 1000, 1200, 3, 3, 3, 0, 5];
        let mut outbox = Outbox::default();
        for (number, length) in lengths.into_iter().enumerate() {
            outbox.push(to.into(), &vec![number as u8; length]);
            outbox.push(elsewhere.local_addr().unwrap().into(), b"x");
        }
        assert_eq!(socket.send(&outbox, &mut |_, _: &[u8]| false).await, 0);
        let mut buffer = [0; 2000];
        for (number, length) in lengths.into_iter().enumerate() {
            assert_eq!(receiver.recv(&mut buffer).unwrap(), length);
            assert!(buffer[..length].iter().all(|byte| *byte == number as u8));
        }
    }

    #[tokio::test]
    async fn what_cannot_be_sent_to_one_does_not_end_gso_for_all() {
        let mut socket = BatchSocket::new(bind("127.0.0.1:0".parse().unwrap()).unwrap()).unwrap();
        let before = socket.state.max_gso_segments();
        let mut outbox = Outbox::default();
        for _ in 0..3 {
            outbox.push(addr(0).into(), &[7; 100]);
        }
        assert_eq!(socket.send(&outbox, &mut |_, _: &[u8]| false).await, 3, "nobody is at port 0");
        assert!(before == 1 || socket.state.max_gso_segments() < before, "the library gives it up");
        let now = Instant::now();
        socket.keep_gso(|| now);
        socket.keep_gso(|| now + WITHOUT_GSO);
        assert_eq!(socket.state.max_gso_segments(), before);
    }

    /// Says something to a wildcard socket at several of its addresses, and checks where the answers come from.
    async fn answers_come_from_where_was_asked(wildcard: IpAddr, asked: &[IpAddr]) {
        let mut server =
            BatchSocket::new(bind(SocketAddr::new(wildcard, 0)).expect("bound")).expect("socket");
        let port = server.socket.local_addr().expect("bound").port();
        for target in asked {
            let from: IpAddr = match target {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            };
            let client = UdpSocket::bind((from, 0)).await.expect("bound");
            client.send_to(b"hello", (*target, port)).await.expect("sent");
            let mut outbox = Outbox::default();
            while outbox.is_empty() {
                server.readable().await.expect("readable");
                server
                    .receive(|source, datagram| {
                        assert_eq!(
                            (source.remote, &*datagram),
                            (client.local_addr().expect("bound"), &b"hello"[..])
                        );
                        outbox.push(source, b"one");
                        outbox.push(source, b"two");
                        outbox.push(Path::tcp(source.remote), b"three");
                    })
                    .expect("received");
            }
            let mut by_tcp = Vec::new();
            let mut take = |to, bytes: &[u8]| {
                by_tcp.push((to, bytes.to_vec()));
                true
            };
            assert_eq!(server.send(&outbox, &mut take).await, 0);
            assert_eq!(by_tcp, [(Path::tcp(client.local_addr().expect("bound")), b"three".to_vec())]);
            for expected in [b"one", b"two"] {
                let mut buffer = [0; 16];
                let (length, source) = client.recv_from(&mut buffer).await.expect("answered");
                assert_eq!((&buffer[..length], source), (&expected[..], SocketAddr::new(*target, port)));
            }
        }
    }

    #[tokio::test]
    async fn a_machine_with_several_addresses_answers_from_the_one_that_was_asked() {
        let both = [Ipv4Addr::new(127, 0, 0, 2).into(), Ipv4Addr::new(127, 0, 0, 3).into()];
        answers_come_from_where_was_asked(Ipv4Addr::UNSPECIFIED.into(), &both).await;
    }

    #[tokio::test]
    async fn one_socket_serves_both_families() {
        if std::net::UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
            eprintln!("this machine has no IPv6: nothing to check");
            return;
        }
        let both = [Ipv4Addr::new(127, 0, 0, 2).into(), Ipv6Addr::LOCALHOST.into()];
        answers_come_from_where_was_asked(Ipv6Addr::UNSPECIFIED.into(), &both).await;
    }
}
