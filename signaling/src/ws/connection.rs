//! One connection, from its upgrade to its close.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use axum::http::HeaderMap;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use protocol::problem::Problem;
use protocol::ws::{ClientMessage, PROTOCOL_VERSION, Resume, ServerMessage};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tracing::{debug, info};

use super::door::Door;
use super::parse::parse;
use super::{Gateway, Pace};
use crate::floor::FloorHandle;
use crate::floor::outbox::wire;
use crate::floor::session::{ConnectionId, Farewell, Identity, Inlet, outlet};
use crate::problem::{
    HELLO_EXPECTED, MESSAGE_MALFORMED, SERVER_STOPPING, TOO_MANY_MESSAGES, VERSION_MISMATCH,
};

/// A message that the network does not take for this long will not be taken.
const SEND_WITHIN: Duration = Duration::from_secs(10);

/// What a connection may say at once, and then every second. A person clicks less; a reload sends about five.
const MESSAGES_BURST: u32 = 60;
const MESSAGES_PER_SECOND: u32 = 20;

/// An offer makes a transport; it counts as this many messages.
const OFFER_COST: u32 = 10;

/// Messages without sense, or above the rate, after which the connection is closed.
const STRIKES_MAX: u32 = 20;

/// Pause after each of those: slows down whoever sends them, and lets the answer go out first.
const STRIKE_PAUSE: Duration = Duration::from_millis(50);

/// Why a connection ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Goodbye {
    Stopping,
    TooSlow,
    Replaced,
    HelloTimeout,
    Refused,
    Misbehaved,
    Silent,
    LoggedOut,
    /// The client left, or the network did.
    Gone,
}

impl Goodbye {
    fn frame(self) -> Option<CloseFrame> {
        let (code, reason) = match self {
            Goodbye::Stopping => (1001, "the server stops"),
            Goodbye::TooSlow => (4000, "the client reads too slowly"),
            Goodbye::Replaced => (4001, "connected elsewhere"),
            Goodbye::HelloTimeout => (4002, "no hello"),
            Goodbye::Refused => (4003, "refused"),
            Goodbye::Misbehaved => (4004, "too many messages without sense"),
            Goodbye::Silent => (4005, "nothing heard"),
            Goodbye::LoggedOut => (4006, "logged out"),
            Goodbye::Gone => return None,
        };
        Some(CloseFrame { code, reason: Utf8Bytes::from_static(reason) })
    }
}

/// Tells the floor that a connection is gone, however it went.
struct Presence {
    floor: FloorHandle,
    id: ConnectionId,
}

impl Drop for Presence {
    fn drop(&mut self) {
        let (floor, id) = (self.floor.clone(), self.id);
        tokio::spawn(async move { floor.closed(id).await });
    }
}

/// Serves a connection to its end.
pub(super) async fn serve(mut socket: WebSocket, headers: HeaderMap, gateway: Gateway) {
    let Gateway { floor, door, pace } = gateway;
    let goodbye = match hello(&mut socket, &headers, &*door, pace).await {
        Ok((identity, resume)) => converse(&mut socket, floor, identity, resume, pace).await,
        Err(NoHello::Silence) => Goodbye::HelloTimeout,
        Err(NoHello::Gone) => Goodbye::Gone,
        Err(NoHello::Problem(problem)) => refuse(&mut socket, &floor, *problem).await,
    };
    debug!(?goodbye, "connection ends");
    if let Some(frame) = goodbye.frame() {
        // The client may be gone already; then there is nobody to tell.
        let _ = timeout(SEND_WITHIN, socket.send(Message::Close(Some(frame)))).await;
    }
}

enum NoHello {
    Silence,
    Gone,
    Problem(Box<Problem>),
}

impl From<Problem> for NoHello {
    fn from(problem: Problem) -> Self {
        NoHello::Problem(Box::new(problem))
    }
}

/// Waits for the first message and finds out who sent it.
async fn hello(
    socket: &mut WebSocket,
    headers: &HeaderMap,
    door: &dyn Door,
    pace: Pace,
) -> Result<(Identity, Option<Resume>), NoHello> {
    let first = async {
        loop {
            match socket.recv().await {
                Some(Ok(Message::Text(text))) => return Ok(text),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_))) => {
                    return Err(NoHello::from(HELLO_EXPECTED.with("messages are texts, not binary")));
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(NoHello::Gone),
            }
        }
    };
    let text = timeout(pace.hello_within, first).await.map_err(|_| NoHello::Silence)??;
    let (version, session_token, resume) = match parse(&text).1? {
        ClientMessage::Hello { version, session_token, resume } => (version, session_token, resume),
        _ => return Err(HELLO_EXPECTED.with("the first message was another one").into()),
    };
    if version != PROTOCOL_VERSION {
        let detail =
            format!("this server speaks version {PROTOCOL_VERSION}, the page speaks {version}: reload it");
        return Err(VERSION_MISMATCH.at("version", detail).into());
    }
    let identity = match session_token {
        Some(token) => door.buyer(&token).await?,
        None => Identity::Staff(door.staff(headers).await?),
    };
    Ok((identity, resume))
}

async fn refuse(socket: &mut WebSocket, floor: &FloorHandle, problem: Problem) -> Goodbye {
    let code = problem.kind.rsplit('/').next().unwrap_or_default();
    info!(code, detail = problem.detail, "hello refused");
    floor.metrics().problems.with_label_values(&[code]).inc();
    let text = wire(1, ServerMessage::Refused { problem });
    send(socket, Message::Text(Utf8Bytes::from(&*text))).await.err().unwrap_or(Goodbye::Refused)
}

/// Carries messages both ways until one side has had enough.
async fn converse(
    socket: &mut WebSocket,
    floor: FloorHandle,
    identity: Identity,
    resume: Option<Resume>,
    pace: Pace,
) -> Goodbye {
    let (outlet, mut inlet) = outlet();
    let Ok(id) = floor.opened(identity, resume, outlet).await else {
        return refuse(socket, &floor, SERVER_STOPPING.with("try again in a few seconds")).await;
    };
    let presence = Presence { floor, id };
    let mut ears = Ears::new(presence.floor.clone(), id);
    let mut ping = interval(pace.ping_every);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let step = tokio::select! {
            farewell = &mut inlet.farewell => return last_words(socket, inlet, farewell.ok()).await,
            Some(text) = inlet.frames.recv() => send(socket, Message::Text(Utf8Bytes::from(&*text))).await,
            message = socket.recv() => match message {
                Some(Ok(message)) => ears.hear(message).await,
                Some(Err(error)) => {
                    debug!(%error, "connection broken");
                    Err(Goodbye::Gone)
                }
                None => Err(Goodbye::Gone),
            },
            _ = ping.tick() => match ears.last_heard.elapsed() > pace.dead_after {
                true => Err(Goodbye::Silent),
                false => send(socket, Message::Ping(Default::default())).await,
            },
        };
        if let Err(goodbye) = step {
            return goodbye;
        }
    }
}

async fn send(socket: &mut WebSocket, message: Message) -> Result<(), Goodbye> {
    match timeout(SEND_WITHIN, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            debug!(%error, "connection broken");
            Err(Goodbye::Gone)
        }
        Err(_) => Err(Goodbye::TooSlow),
    }
}

/// The floor closes the connection: what it said before still goes out.
async fn last_words(socket: &mut WebSocket, mut inlet: Inlet, farewell: Option<Farewell>) -> Goodbye {
    let goodbye = match farewell {
        Some(Farewell::Replaced) => Goodbye::Replaced,
        Some(Farewell::TooSlow) => return Goodbye::TooSlow,
        Some(Farewell::LoggedOut) => Goodbye::LoggedOut,
        // A floor that is gone without a word has stopped too.
        Some(Farewell::Stopping) | None => Goodbye::Stopping,
    };
    while let Ok(text) = inlet.frames.try_recv() {
        if let Err(broken) = send(socket, Message::Text(Utf8Bytes::from(&*text))).await {
            return broken;
        }
    }
    goodbye
}

/// What is heard from the client.
struct Ears {
    floor: FloorHandle,
    id: ConnectionId,
    last_heard: Instant,
    rate: DefaultDirectRateLimiter,
    strikes: u32,
}

impl Ears {
    fn new(floor: FloorHandle, id: ConnectionId) -> Self {
        let per_second = NonZeroU32::new(MESSAGES_PER_SECOND).expect("not zero");
        let burst = NonZeroU32::new(MESSAGES_BURST).expect("not zero");
        let rate = RateLimiter::direct(Quota::per_second(per_second).allow_burst(burst));
        Self { floor, id, last_heard: Instant::now(), rate, strikes: 0 }
    }

    async fn hear(&mut self, message: Message) -> Result<(), Goodbye> {
        self.last_heard = Instant::now();
        let (seq, said) = match message {
            Message::Text(text) => parse(&text),
            Message::Binary(_) => (0, Err(MESSAGE_MALFORMED.with("messages are texts, not binary"))),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(Goodbye::Gone),
        };
        let cost = match said {
            Ok(ClientMessage::Offer { .. }) => OFFER_COST,
            _ => 1,
        };
        let cost = NonZeroU32::new(cost).expect("not zero");
        let said = match self.rate.check_n(cost) {
            Ok(Ok(())) => said,
            _ => Err(TOO_MANY_MESSAGES.with(format!("at most {MESSAGES_PER_SECOND} a second"))),
        };
        let strike = said.is_err();
        self.floor.said(self.id, seq, said).await.map_err(|_| Goodbye::Stopping)?;
        if strike {
            self.strikes += 1;
            sleep(STRIKE_PAUSE).await;
        }
        if self.strikes > STRIKES_MAX { Err(Goodbye::Misbehaved) } else { Ok(()) }
    }
}
