//! The WebSocket at `/api/v1/ws`: one a person, typed JSON messages (see [`protocol::ws`]).
//!
//! A connection does four things: it proves who somebody is ([`door`]), turns texts into messages or problems
//! ([`parse`]), hands them to the floor, and sends what the floor says. It never decides anything about calls.
//!
//! | close code | meaning | what a client does |
//! |---|---|---|
//! | 1001 | the server stops | connects again after some seconds |
//! | 4000 | the client read too slowly | connects again, with `resume` |
//! | 4001 | the same person connected elsewhere | stays away until the person asks |
//! | 4002 | no `hello` within 5 s | connects again |
//! | 4003 | `refused`; the message before says why | follows the problem |
//! | 4004 | too many messages that made no sense or came too fast | nothing; it is broken |
//! | 4005 | nothing was heard of the client for 40 s | connects again, with `resume` |
//! | 4006 | the person logged out | connects again, which is refused unless this tab has a login of its own |
//! | 4006 | the person logged out | connects again, which is refused unless this tab has a login of its own |

mod connection;
pub mod door;
pub mod parse;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{State, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::any;

use crate::floor::FloorHandle;
use door::Door;

/// Where it is.
pub const PATH: &str = "/api/v1/ws";

/// How patient connections are.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// A client that connects speaks at once; five seconds allow for a slow phone.
    pub hello_within: Duration,
    /// Pings keep proxies from closing a quiet connection; most do so after 30 to 60 s.
    pub ping_every: Duration,
    /// A connection on which nothing was heard for this long, two pings and some, is dead.
    pub dead_after: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            hello_within: Duration::from_secs(5),
            ping_every: Duration::from_secs(15),
            dead_after: Duration::from_secs(40),
        }
    }
}

/// What a connection needs.
#[derive(Clone)]
struct Gateway {
    floor: FloorHandle,
    door: Arc<dyn Door>,
    pace: Pace,
}

/// The route of the WebSocket.
pub fn routes(floor: FloorHandle, door: Arc<dyn Door>) -> Router {
    routes_at(floor, door, Pace::default())
}

/// The same at another pace, for tests.
fn routes_at(floor: FloorHandle, door: Arc<dyn Door>, pace: Pace) -> Router {
    Router::new().route(PATH, any(upgrade)).with_state(Gateway { floor, door, pace })
}

async fn upgrade(State(gateway): State<Gateway>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    upgrade
        .max_message_size(parse::FRAME_BYTES_MAX)
        .max_frame_size(parse::FRAME_BYTES_MAX)
        .on_upgrade(move |socket| connection::serve(socket, headers, gateway))
}
