//! TCP through a link: segments come late where datagrams would be lost, and a full pipe makes the sender wait.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::relay::{Direction, Network};

/// Connections at a time.
const CONNECTIONS_MAX: usize = 64;
/// What one segment carries on Ethernet. Bytes.
const SEGMENT: usize = 1448;
/// Segments on their way before the sender has to wait: a window of 64 KiB.
const WINDOW: usize = 45;
/// In an outage, how often to look whether it is over.
const RETRY: Duration = Duration::from_millis(50);

/// Relays every connection until the listener goes.
pub(super) async fn accept(listener: TcpListener, to: SocketAddr, network: Arc<Network>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((near, _)) = listener.accept().await else {
            sleep(RETRY).await;
            continue;
        };
        if connections.len() < CONNECTIONS_MAX {
            connections.spawn(relay(near, to, Arc::clone(&network)));
        }
    }
}

async fn relay(near: TcpStream, to: SocketAddr, network: Arc<Network>) {
    let Ok(far) = TcpStream::connect(to).await else { return };
    // The link decides when bytes travel, not Nagle's algorithm.
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    tokio::join!(
        pump(near_read, far_write, Direction::Up, &network),
        pump(far_read, near_write, Direction::Down, &network),
    );
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, direction: Direction, network: &Network) {
    let (segments, mut travelling) = mpsc::channel::<(Instant, Vec<u8>)>(WINDOW);
    let read = async move {
        let mut buffer = [0; SEGMENT];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let at = loop {
                match network.segment(direction, length) {
                    Some(at) => break at,
                    None => sleep(RETRY).await,
                }
            };
            if segments.send((at, buffer[..length].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((at, bytes)) = travelling.recv().await {
            sleep_until(at).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(read, write);
}
