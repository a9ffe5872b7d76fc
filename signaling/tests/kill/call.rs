//! A call as two clients make it: REST, WebSocket and WebRTC, with real sound and real pictures, told apart by nothing
//! from what browsers do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use loadtest::peer::{Peer, Shape, VideoCodec};
use loadtest::tone::ToneSource;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::server::{Server, now_us};

/// What is not there after this long is not coming, on a busy machine either.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pictures a second, and what that is in RTP time.
pub(crate) const FPS: u32 = 15;
const FRAME_RTP: u32 = 90_000 / FPS;

/// Pictures to send, over and over: they begin with a keyframe.
pub(crate) struct Film {
    pub(crate) codec: VideoCodec,
    pub(crate) frames: Vec<Bytes>,
}

/// When media left, microseconds since 1970.
#[derive(Default)]
pub(crate) struct Sent {
    pub(crate) sound: Vec<u64>,
    pub(crate) pictures: Vec<u64>,
    /// Of those, the keyframes.
    pub(crate) keyframes: Vec<u64>,
}

/// One person in a call.
pub(crate) struct Person {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    seq: u64,
    peer: Option<Peer>,
    pub(crate) sent: Arc<Mutex<Sent>>,
    pub(crate) received: Arc<AtomicUsize>,
    playing: Option<JoinHandle<()>>,
}

impl Drop for Person {
    fn drop(&mut self) {
        if let Some(task) = self.playing.take() {
            task.abort();
        }
    }
}

impl Person {
    /// Connects, says hello and has their transport answered.
    pub(crate) async fn arrive(
        server: &Server,
        token: Option<&str>,
        cookie: &str,
        codec: VideoCodec,
    ) -> Self {
        let mut request =
            format!("{}/api/v1/ws", server.url.replace("http", "ws")).into_client_request().unwrap();
        request.headers_mut().insert("origin", server.url.parse().unwrap());
        if !cookie.is_empty() {
            request.headers_mut().insert("cookie", cookie.parse().unwrap());
        }
        let (socket, _) = connect_async(request).await.unwrap();
        let mut peer = Peer::new(Shape { sends: Some(codec), slots: (1, 1) }).await.unwrap();
        let (sent, received) = (Arc::default(), Arc::default());
        let mut person = Self { socket, seq: 0, peer: None, sent, received, playing: None };
        person.say("hello", json!({ "version": 1, "session_token": token })).await;
        person.hears("welcome", |_| true).await;
        let offer = peer.offer().await.unwrap();
        let sources: Vec<Value> = Peer::send_mids(&offer)
            .into_iter()
            .zip(["microphone", "camera"])
            .map(|(mid, source)| json!({ "mid": mid, "source": source }))
            .collect();
        person.say("offer", json!({ "sdp": offer, "sources": sources })).await;
        let answer = person.hears("answer", |_| true).await;
        peer.accept(answer["sdp"].as_str().unwrap()).await.unwrap();
        peer.connected(PATIENCE).await.unwrap();
        person.say("sending", json!({ "sources": ["microphone", "camera"] })).await;
        person.peer = Some(peer);
        person
    }

    pub(crate) async fn say(&mut self, kind: &str, mut message: Value) {
        self.seq += 1;
        message["type"] = kind.into();
        message["seq"] = self.seq.into();
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The first message of a kind that is as wanted.
    pub(crate) async fn hears(&mut self, kind: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let all = async {
            loop {
                let message = self.socket.next().await.expect("the connection lives").unwrap();
                let Message::Text(text) = message else { continue };
                let value: Value = serde_json::from_str(&text).unwrap();
                assert!(value["type"] != "refused" && value["type"] != "problem", "{value}");
                if value["type"] == kind && wanted(&value) {
                    return value;
                }
            }
        };
        timeout(PATIENCE, all).await.unwrap_or_else(|_| panic!("no {kind} in time"))
    }

    /// Sends the film and a tone in real time until this person is dropped.
    pub(crate) fn play(&mut self, film: Arc<Film>, frequency: f64) {
        let mut peer = self.peer.take().unwrap();
        let (sent, received) = (self.sent.clone(), self.received.clone());
        let task = tokio::spawn(async move {
            let mut tone = ToneSource::new(frequency).unwrap();
            let mut sound = interval(Duration::from_millis(20));
            let mut pictures = interval(Duration::from_micros(1_000_000 / u64::from(FPS)));
            // Late is late, as in a real encoder; what is due is sent, nothing is left out.
            sound.set_missed_tick_behavior(MissedTickBehavior::Burst);
            pictures.set_missed_tick_behavior(MissedTickBehavior::Burst);
            let mut frames = film.frames.iter().cycle().zip(0u32..);
            loop {
                tokio::select! {
                    _ = sound.tick() => {
                        let packet = tone.next_packet().unwrap();
                        if peer.send_audio(packet).await.is_ok() {
                            sent.lock().unwrap().sound.push(now_us());
                        }
                    }
                    _ = pictures.tick() => {
                        let Some((frame, number)) = frames.next() else { return };
                        if peer.send_frame(number * FRAME_RTP, frame).await.is_ok() {
                            let (mut sent, now) = (sent.lock().unwrap(), now_us());
                            sent.pictures.push(now);
                            if (number as usize % film.frames.len()).is_multiple_of(FPS as usize) {
                                sent.keyframes.push(now);
                            }
                        }
                    }
                    Some(_) = peer.receive() => {
                        received.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        });
        self.playing = Some(task);
    }
}

/// A call that is being recorded.
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) recording: String,
    /// When both were told that it is, microseconds since 1970.
    pub(crate) recorded_since: u64,
    pub(crate) buyer: Person,
    pub(crate) agent: Person,
}

/// A buyer and an agent with transports that are up, before the call.
pub(crate) struct Pair {
    buyer: Person,
    agent: Person,
    consent: Value,
}

impl Pair {
    /// Both arrive and send.
    pub(crate) async fn arrive(server: &Server, cookie: &str, films: &[Arc<Film>; 2]) -> Self {
        let mut agent = Person::arrive(server, None, cookie, films[1].codec).await;
        let visit = server.visit().await;
        let token = visit["session_token"].as_str().unwrap().to_owned();
        let mut buyer = Person::arrive(server, Some(&token), "", films[0].codec).await;
        buyer.play(films[0].clone(), 440.0);
        agent.play(films[1].clone(), 880.0);
        let consent =
            json!({ "recording": true, "text_version": visit["consent"]["version"], "language": "en" });
        Self { buyer, agent, consent }
    }

    /// The buyer asks, the agent takes the call, and it is recorded. The agent must be the only one who is free.
    pub(crate) async fn begin(mut self) -> Call {
        self.agent.say("set_availability", json!({ "availability": "available" })).await;
        self.buyer.say("request_help", json!({ "consent": self.consent })).await;
        let ring = self.agent.hears("ring", |_| true).await;
        self.agent.say("accept", json!({ "call": ring["ring"]["call"] })).await;
        let is_recorded = |message: &Value| message["call"]["recording"] == "on";
        let view = self.agent.hears("call", is_recorded).await["call"].clone();
        let recorded_since = now_us();
        let text =
            |field: &str| view[field].as_str().unwrap_or_else(|| panic!("no {field}: {view}")).to_owned();
        let (id, recording) = (text("id"), text("recording_id"));
        Call { id, recording, recorded_since, buyer: self.buyer, agent: self.agent }
    }
}
