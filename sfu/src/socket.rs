//! A worker's UDP socket: many datagrams a system call, both ways.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use sfu_core::transport::outbox::Outbox;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// Kernel buffer asked for each way; 4 MiB hold 200 ms at 160 Mbit/s. The kernel may grant less.
const KERNEL_BUFFER: usize = 4 << 20;

/// Room for one receive buffer: with GRO the kernel joins datagrams of one sender.
const RECEIVE_BUFFER: usize = 64 << 10;

/// Most bytes in one GSO send: what fits a UDP length field.
const SEND_MAX: usize = 65_000;

/// Opens a UDP socket ready for [`BatchSocket`].
pub(crate) fn bind(addr: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
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
    buffers: Vec<Vec<u8>>,
    metas: Vec<RecvMeta>,
    gather: Vec<u8>,
}

impl BatchSocket {
    /// Takes over a socket from [`bind`]. Must be called inside the worker's runtime.
    pub(crate) fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        let socket = UdpSocket::from_std(socket)?;
        let state = UdpSocketState::new((&socket).into())?;
        Ok(Self {
            socket,
            state,
            buffers: vec![vec![0; RECEIVE_BUFFER]; BATCH_SIZE],
            metas: vec![RecvMeta::default(); BATCH_SIZE],
            gather: Vec::with_capacity(SEND_MAX),
        })
    }

    /// Waits until there is something to read.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    /// Reads one batch and hands each datagram over. `Ok(false)` when nothing was there.
    pub(crate) fn receive(&mut self, mut handle: impl FnMut(SocketAddr, &mut [u8])) -> io::Result<bool> {
        let mut slices: Vec<IoSliceMut<'_>> = self.buffers.iter_mut().map(|b| IoSliceMut::new(b)).collect();
        let received = self.socket.try_io(Interest::READABLE, || {
            self.state.recv((&self.socket).into(), &mut slices, &mut self.metas)
        });
        let count = match received {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        };
        for (buffer, meta) in self.buffers.iter_mut().zip(&self.metas).take(count) {
            // A zero-length datagram has stride 0 and says nothing to us.
            for datagram in buffer[..meta.len].chunks_mut(meta.stride.max(1)) {
                handle(meta.addr, datagram);
            }
        }
        Ok(true)
    }

    /// Sends everything, joining runs of equally long datagrams to one destination into one system call (GSO).
    /// Returns how many datagrams the kernel would not take.
    pub(crate) async fn send(&mut self, outbox: &Outbox) -> u64 {
        let mut refused = 0;
        let mut number = 0;
        while let Some(first) = outbox.get(number) {
            let size = first.payload.len();
            let most = self.state.max_gso_segments().min(SEND_MAX / size.max(1)).max(1);
            let mut run = 1;
            self.gather.clear();
            self.gather.extend_from_slice(first.payload);
            // Only the last segment of a run may be shorter.
            while run < most
                && self.gather.len() == run * size
                && let Some(next) = outbox.get(number + run)
                && next.destination == first.destination
                && next.payload.len() <= size
            {
                self.gather.extend_from_slice(next.payload);
                run += 1;
            }
            let transmit = Transmit {
                destination: first.destination.remote,
                ecn: None,
                contents: &self.gather,
                segment_size: (run > 1).then_some(size),
                src_ip: None,
            };
            if !Self::send_one(&self.socket, &self.state, &transmit).await {
                refused += run as u64;
            }
            number += run;
        }
        refused
    }

    async fn send_one(socket: &UdpSocket, state: &UdpSocketState, transmit: &Transmit<'_>) -> bool {
        // Two tries: once as is, once after the kernel said there is room again.
        for _ in 0..2 {
            match socket.try_io(Interest::WRITABLE, || state.try_send(socket.into(), transmit)) {
                Ok(()) => return true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if socket.writable().await.is_err() {
                        return false;
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, to = %transmit.destination, "datagram not sent");
                    return false;
                }
            }
        }
        false
    }
}
