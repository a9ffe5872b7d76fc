//! The WebSocket client: typed messages both ways, numbered as the protocol wants it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use protocol::problem::Problem;
use protocol::ws::{ClientFrame, ClientMessage, PROTOCOL_VERSION, Resume, ServerFrame, ServerMessage};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use super::rest::Cookie;
use crate::network::Access;

/// Opening is given up after this time.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who connects.
#[derive(Clone, Debug)]
pub enum Pass {
    /// A member of staff.
    Staff(Cookie),
    /// A buyer, by the token of the visit.
    Buyer(String),
}

/// How the server greets.
#[derive(Clone, Debug)]
pub struct Welcome {
    /// Takes up this session after a broken connection.
    pub resume_token: String,
    /// Whether `resume` worked.
    pub resumed: bool,
    /// The whole message.
    pub message: ServerMessage,
}

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// An open connection. Dropping it breaks it without a goodbye.
pub struct Socket {
    outgoing: SplitSink<Stream, Message>,
    incoming: mpsc::UnboundedReceiver<ServerMessage>,
    reader: JoinHandle<()>,
    seq: u64,
    /// Number of the last message of the server.
    last_seq: Arc<AtomicU64>,
    /// The greeting.
    pub welcome: Welcome,
}

impl Socket {
    /// Connects to an installation (`https://…`) from an address of ours, through a network if there is one, and says hello.
    pub async fn connect(
        base: &str,
        from: Option<IpAddr>,
        access: Option<&Access>,
        pass: &Pass,
        resume: Option<Resume>,
    ) -> Result<Self> {
        let opening = Self::open(base, from, access, pass, resume);
        tokio::time::timeout(PATIENCE, opening).await.context("the WebSocket did not open in time")?
    }

    async fn open(
        base: &str,
        from: Option<IpAddr>,
        access: Option<&Access>,
        pass: &Pass,
        resume: Option<Resume>,
    ) -> Result<Self> {
        let mut url = url::Url::parse(base).context("the installation's address")?;
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        url.set_scheme(scheme).ok().context("the installation's address")?;
        url.set_path("/api/v1/ws");
        let host = url.host_str().context("the address has no host")?.trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default().context("the address has no port")?;
        let to = lookup_host((host, port)).await?.next().context("the host has no address")?;
        let stream = match access {
            Some(access) => TcpStream::connect(access.tcp(to).await?).await,
            None => connect(to, from).await,
        };
        let stream = stream.with_context(|| format!("connecting to {to}"))?;
        stream.set_nodelay(true)?;
        let mut request = url.as_str().into_client_request()?;
        if let Pass::Staff(cookie) = pass {
            request.headers_mut().insert("cookie", cookie.0.parse()?);
        }
        let (stream, _) =
            client_async_tls_with_config(request, stream, None, None).await.context("upgrading")?;
        let (outgoing, mut read) = stream.split();
        let (sender, incoming) = mpsc::unbounded_channel();
        let last_seq = Arc::new(AtomicU64::new(resume.as_ref().map_or(0, |it| it.last_seq)));
        let seen = Arc::clone(&last_seq);
        let reader = tokio::spawn(async move {
            while let Some(Ok(message)) = read.next().await {
                let Message::Text(text) = message else { continue };
                // A message this build does not know is not for it.
                let Ok(frame) = serde_json::from_str::<ServerFrame>(&text) else { continue };
                seen.store(frame.seq, Ordering::Relaxed);
                if sender.send(frame.message).is_err() {
                    return;
                }
            }
        });
        let welcome = Welcome {
            resume_token: String::new(),
            resumed: false,
            message: ServerMessage::Slots { slots: Vec::new() },
        };
        let mut socket = Self { outgoing, incoming, reader, seq: 0, last_seq, welcome };
        let session_token = match pass {
            Pass::Staff(_) => None,
            Pass::Buyer(token) => Some(token.clone()),
        };
        socket.say(ClientMessage::Hello { version: PROTOCOL_VERSION, session_token, resume }).await?;
        match socket.hear().await {
            Some(message @ ServerMessage::Welcome { .. }) => {
                if let ServerMessage::Welcome { resume_token, resumed, .. } = &message {
                    let (resume_token, resumed) = (resume_token.clone(), *resumed);
                    socket.welcome = Welcome { resume_token, resumed, message };
                }
                Ok(socket)
            }
            Some(ServerMessage::Refused { problem }) => {
                Err(super::rest::Refused { what: "hello".into(), problem }.into())
            }
            _ => bail!("hello was not answered"),
        }
    }

    /// Says something.
    pub async fn say(&mut self, message: ClientMessage) -> Result<()> {
        self.seq += 1;
        let text = serde_json::to_string(&ClientFrame { seq: self.seq, message })?;
        self.outgoing.send(Message::text(text)).await.context("the WebSocket is broken")
    }

    /// What the server says next; `None` once the connection is gone.
    pub async fn hear(&mut self) -> Option<ServerMessage> {
        self.incoming.recv().await
    }

    /// How to take up this session on another connection.
    pub fn resume(&self) -> Resume {
        Resume { token: self.welcome.resume_token.clone(), last_seq: self.last_seq.load(Ordering::Relaxed) }
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        let _ = tokio::time::timeout(Duration::from_secs(2), self.outgoing.close()).await;
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn connect(to: SocketAddr, from: Option<IpAddr>) -> std::io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(from) = from.filter(|from| from.is_ipv4() == to.is_ipv4()) {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    socket.connect(to).await
}

/// The last part of a problem's type.
pub fn code(problem: &Problem) -> String {
    problem.kind.rsplit('/').next().unwrap_or_default().to_owned()
}
