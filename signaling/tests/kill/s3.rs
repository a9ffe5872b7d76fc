//! An S3 server that takes its time, so that there is a middle of an upload to be killed in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Bytes a connection takes or gives before it pauses: a fragment and a bit.
const STEP: usize = 16 * 1024;
const PAUSE: Duration = Duration::from_millis(15);

/// One that serves until the test ends.
pub(crate) struct S3 {
    pub(crate) port: u16,
    away: Arc<AtomicBool>,
}

impl S3 {
    /// While it is away, connections are refused, and those that stand end with their next byte.
    pub(crate) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
    }
}

/// Starts one over a folder.
pub(crate) async fn serve(folder: &std::path::Path) -> S3 {
    let away = Arc::<AtomicBool>::default();
    let refuses = away.clone();
    std::fs::create_dir_all(folder.join("calls")).unwrap();
    let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder).unwrap());
    builder.set_auth(SimpleAuth::from_single("key", "secret"));
    let service = builder.build();
    let inner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let inner_port = inner.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = inner.accept().await else { continue };
            let service = service.clone();
            tokio::spawn(async move {
                let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = door.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let Ok((client, _)) = door.accept().await else { continue };
            if refuses.load(Ordering::Relaxed) {
                continue;
            }
            let refuses = refuses.clone();
            tokio::spawn(async move {
                let Ok(server) = TcpStream::connect(("127.0.0.1", inner_port)).await else { return };
                let (mut from_client, to_client) = client.into_split();
                let (from_server, mut to_server) = server.into_split();
                let up = async { slowly(&mut from_client, &mut to_server, &refuses).await };
                let down = tokio::spawn(async move {
                    let (mut from_server, mut to_client) = (from_server, to_client);
                    let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
                });
                up.await;
                down.abort();
            });
        }
    });
    S3 { port, away }
}

async fn slowly(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    away: &AtomicBool,
) {
    let mut bytes = vec![0; STEP];
    loop {
        match from.read(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(length) => {
                tokio::time::sleep(PAUSE).await;
                if away.load(Ordering::Relaxed) {
                    return;
                }
                if to.write_all(&bytes[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}
