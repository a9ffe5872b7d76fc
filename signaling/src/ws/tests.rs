//! The WebSocket over real sockets, with the real store at the door.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use protocol::call::{Availability, BuyerContext, Role};
use protocol::ids::BuyerSessionId;
use protocol::problem::Problem;
use protocol::ws::{ServerFrame, ServerMessage};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::door::StoreDoor;
use super::{PATH, Pace, routes_at};
use crate::auth::cookie::CookieStyle;
use crate::floor::tests::World;
use crate::store::{NewBuyerVisit, NewUser, Store};

const STAFF_TOKEN: &str = "staff-token";
const BUYER_TOKEN: &str = "buyer-token";

/// What is not there after this long on loopback is not coming.
const PATIENCE: Duration = Duration::from_secs(10);

struct Server {
    world: World,
    at: SocketAddr,
}

impl Server {
    /// A server that knows one agent and one buyer.
    async fn start() -> Self {
        Self::at_pace(Pace::default()).await
    }

    async fn at_pace(pace: Pace) -> Self {
        let store = Store::in_memory().await.unwrap();
        let expires_at = store.now() + Duration::from_secs(3600);
        let anna = NewUser {
            email: "anna@shop.example".into(),
            name: "Anna".into(),
            role: Role::Agent,
            password_hash: String::new(),
        };
        let anna = store.add_user(anna).await.unwrap();
        store.open_staff_session(STAFF_TOKEN, anna, expires_at).await.unwrap();
        let visit = NewBuyerVisit {
            id: BuyerSessionId::new(),
            token: BUYER_TOKEN.into(),
            shop: "lumen".into(),
            answered_by: "Lumen".into(),
            language: "de".into(),
            context: BuyerContext { name: Some("Mara".into()), ..BuyerContext::default() },
            expires_at,
        };
        store.insert_buyer_session(visit).await.unwrap();
        let world = World::new();
        let door = StoreDoor { store, cookie: CookieStyle { tls: false } };
        let app = routes_at(world.floor.clone(), Arc::new(door), pace);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { world, at }
    }

    async fn connect(&self, headers: &[(&'static str, String)]) -> Browser {
        let mut request = format!("ws://{}{PATH}", self.at).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        Browser { socket: connect_async(request).await.unwrap().0 }
    }

    /// The agent's console, from this server's own page.
    async fn console(&self) -> Browser {
        self.connect(&[("cookie", cookie()), ("origin", format!("http://{}", self.at))]).await
    }

    /// The shop's page: another site, no cookie.
    async fn widget(&self) -> Browser {
        self.connect(&[("origin", "https://shop.example".into())]).await
    }
}

fn cookie() -> String {
    format!("vitrine_session={STAFF_TOKEN}")
}

struct Browser {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Browser {
    async fn say(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn hello(&mut self, token: Option<&str>) -> ServerMessage {
        self.say(json!({ "seq": 1, "type": "hello", "version": 1, "session_token": token })).await;
        self.next().await.message
    }

    async fn next(&mut self) -> ServerFrame {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("silence").unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn problem(&mut self) -> (u64, Problem) {
        loop {
            if let ServerMessage::Problem { reply_to, problem } = self.next().await.message {
                return (reply_to, problem);
            }
        }
    }

    /// Reads until the server closes: the code, and the problem if it refused.
    async fn closed(&mut self) -> (u16, Option<String>) {
        let mut refused = None;
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("still open") {
                Some(Ok(Message::Text(text))) => {
                    if let Ok(ServerMessage::Refused { problem }) =
                        serde_json::from_str::<ServerFrame>(&text).map(|frame| frame.message)
                    {
                        refused = problem.kind.strip_prefix("/problems/").map(str::to_owned);
                    }
                }
                Some(Ok(Message::Close(Some(frame)))) => return (frame.code.into(), refused),
                Some(Ok(Message::Ping(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn staff_are_known_by_their_cookie_and_buyers_by_their_token() {
    let server = Server::start().await;
    let mut console = server.console().await;
    let ServerMessage::Welcome { staff, version, grace_s, resumed, .. } = console.hello(None).await else {
        panic!("no welcome");
    };
    let staff = staff.unwrap();
    assert_eq!(
        (staff.name.as_str(), staff.role, staff.availability),
        ("Anna", Role::Agent, Availability::Away)
    );
    assert_eq!((version, grace_s, resumed), (1, 30, false));
    let mut widget = server.widget().await;
    let welcome = widget.hello(Some(BUYER_TOKEN)).await;
    assert!(matches!(welcome, ServerMessage::Welcome { staff: None, .. }), "{welcome:?}");
}

#[tokio::test]
async fn who_cannot_be_known_is_refused_and_told_why() {
    let server = Server::start().await;
    let hello =
        |token: Option<&str>| json!({ "seq": 1, "type": "hello", "version": 1, "session_token": token });
    let own = || format!("http://{}", server.at);
    let elsewhere = || "https://shop.example".to_owned();
    let cases = [
        ("no cookie, no token", vec![("origin", own())], hello(None), "not_logged_in"),
        ("a stale cookie", vec![("cookie", "vitrine_session=old".into())], hello(None), "not_logged_in"),
        (
            "a cookie from elsewhere",
            vec![("cookie", cookie()), ("origin", elsewhere())],
            hello(None),
            "cross_origin",
        ),
        ("a wrong token", vec![], hello(Some("guess")), "session_unknown"),
        (
            "another version",
            vec![("cookie", cookie())],
            json!({"seq":1,"type":"hello","version":9}),
            "version_mismatch",
        ),
        ("no hello", vec![("cookie", cookie())], json!({"seq":1,"type":"hang_up"}), "hello_expected"),
        ("nonsense", vec![("cookie", cookie())], json!({"seq":1}), "message_malformed"),
    ];
    for (what, headers, first, code) in cases {
        let mut browser = server.connect(&headers).await;
        browser.say(first).await;
        assert_eq!(browser.closed().await, (4003, Some(code.to_owned())), "{what}");
    }
}

#[tokio::test]
async fn a_bad_message_is_explained_and_the_connection_goes_on() {
    let server = Server::start().await;
    let mut console = server.console().await;
    console.hello(None).await;
    console.say(json!({ "seq": 2, "type": "accept" })).await;
    let (reply_to, problem) = console.problem().await;
    assert_eq!((reply_to, problem.field.as_deref()), (2, Some("call")));
    console.socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(console.problem().await.0, 0);
    console.say(json!({ "seq": 3, "type": "set_availability", "availability": "available" })).await;
    let frame = console.next().await;
    assert!(matches!(frame.message, ServerMessage::Availability { availability: Availability::Available }));
    assert_eq!(server.world.floor.agents_on_duty(), 1);
}

#[tokio::test]
async fn endless_nonsense_ends_the_connection() {
    let server = Server::start().await;
    let mut console = server.console().await;
    console.hello(None).await;
    for _ in 0..21 {
        console.socket.send(Message::text("{")).await.unwrap();
    }
    assert_eq!(console.closed().await.0, 4004);
}

#[tokio::test]
async fn a_flood_is_held_off_before_it_reaches_the_floor() {
    let server = Server::start().await;
    let mut console = server.console().await;
    console.hello(None).await;
    for seq in 2..200 {
        // The server may have hung up in the middle of it.
        let message = json!({ "seq": seq, "type": "sending", "sources": [] });
        if console.socket.send(Message::text(message.to_string())).await.is_err() {
            break;
        }
    }
    let (_, problem) = console.problem().await;
    assert_eq!(problem.kind, "/problems/too_many_messages");
}

#[tokio::test]
async fn a_broken_connection_is_taken_up_where_it_broke() {
    let server = Server::start().await;
    let mut console = server.console().await;
    let ServerMessage::Welcome { resume_token, .. } = console.hello(None).await else { panic!("no welcome") };
    console.say(json!({ "seq": 2, "type": "set_availability", "availability": "available" })).await;
    let missed = console.next().await;
    drop(console);

    let mut console = server.console().await;
    let resume = json!({ "token": resume_token, "last_seq": missed.seq - 1 });
    console.say(json!({ "seq": 1, "type": "hello", "version": 1, "resume": resume })).await;
    let welcome = console.next().await;
    assert!(matches!(welcome.message, ServerMessage::Welcome { resumed: true, .. }), "{welcome:?}");
    assert_eq!(welcome.seq, missed.seq - 1);
    assert_eq!(console.next().await, missed);
}

#[tokio::test]
async fn a_second_tab_replaces_the_first_and_a_stop_says_goodbye() {
    let server = Server::start().await;
    let mut first = server.console().await;
    first.hello(None).await;
    let mut second = server.console().await;
    second.hello(None).await;
    assert_eq!(first.closed().await.0, 4001);
    server.world.floor.shutdown().await;
    assert_eq!(second.closed().await.0, 1001);
    let mut late = server.console().await;
    assert!(matches!(late.hello(None).await, ServerMessage::Refused { .. }));
}

#[tokio::test]
async fn who_says_nothing_is_shown_out_and_a_dead_connection_is_noticed() {
    let pace = Pace {
        hello_within: Duration::from_millis(100),
        ping_every: Duration::from_millis(50),
        dead_after: Duration::from_millis(200),
    };
    let server = Server::at_pace(pace).await;
    let mut silent = server.console().await;
    assert_eq!(silent.closed().await.0, 4002);

    // A client that reads answers pings by itself and stays; one that does not read is dead.
    let mut alive = server.widget().await;
    alive.hello(Some(BUYER_TOKEN)).await;
    let mut dead = server.console().await;
    dead.hello(None).await;
    let mut pings = 0;
    while pings < 10 {
        match timeout(PATIENCE, alive.socket.next()).await.expect("silence").unwrap().unwrap() {
            Message::Ping(_) => pings += 1,
            other => panic!("{other:?}"),
        }
    }
    // Its late answers to pings may break the pipe before the close is read.
    let ended = async { while let Some(Ok(_)) = dead.socket.next().await {} };
    timeout(PATIENCE, ended).await.expect("still open");
    while server.world.floor.metrics().connections.get() != 1 {
        tokio::task::yield_now().await;
    }
}
