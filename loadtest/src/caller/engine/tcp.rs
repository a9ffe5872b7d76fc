//! ICE over TCP (RFC 6544) for callers whose network lets no UDP through: frames of RFC 4571 on a connection.

use std::net::SocketAddr;
use std::sync::mpsc::Sender;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::{Command, SeatId};
use crate::network::Access;

/// Frames that wait for a slow connection; more are lost.
pub(super) const WAITING_MAX: usize = 512;

/// Connects, says so, and carries frames both ways until one side ends.
pub(super) async fn carry(
    seat: SeatId,
    to: SocketAddr,
    access: Option<Access>,
    mut outgoing: mpsc::Receiver<Vec<u8>>,
    commands: Sender<Command>,
) {
    let via = match &access {
        Some(access) => access.tcp(to).await.unwrap_or(to),
        None => to,
    };
    let Ok(stream) = TcpStream::connect(via).await else { return };
    let _ = stream.set_nodelay(true);
    if commands.send(Command::TcpOpen(seat)).is_err() {
        return;
    }
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let reading = async {
        loop {
            let Ok(length) = read.read_u16().await else { return };
            let mut frame = vec![0; length.into()];
            if read.read_exact(&mut frame).await.is_err() || commands.send(Command::Tcp(seat, frame)).is_err()
            {
                return;
            }
        }
    };
    let writing = async {
        let mut frame = Vec::new();
        while let Some(datagram) = outgoing.recv().await {
            frame.clear();
            frame.extend_from_slice(&(datagram.len() as u16).to_be_bytes());
            frame.extend_from_slice(&datagram);
            if write.write_all(&frame).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = reading => {}
        () = writing => {}
    }
}
