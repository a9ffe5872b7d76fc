//! A person of a call: the WebSocket and the media leg together, and the chores every page does by itself.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use protocol::call::{CallView, Ring, Source};
use protocol::ids::CallId;
use protocol::problem::Problem;
use protocol::ws::{ClientMessage, Resume, ServerMessage, SlotSize, SlotView};

use super::engine::{Engine, LegHandle};
use super::leg::{LegEvent, LegSettings};
use super::socket::{Pass, Socket};
use crate::network::Access;

/// Media that does not connect within this time never will: two tries of TCP fit into it.
const PATIENCE: Duration = Duration::from_secs(20);

/// How to connect.
#[derive(Clone)]
pub struct Door<'a> {
    /// The installation's address.
    pub base: &'a str,
    /// The address of ours to connect from.
    pub from: Option<IpAddr>,
    /// The network in between, if any.
    pub access: Option<Access>,
    /// Who it is.
    pub pass: Pass,
}

/// How long each step took, milliseconds.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct SetUp {
    /// TCP, TLS, upgrade, hello and welcome.
    pub websocket_ms: f64,
    /// Offer and answer.
    pub answer_ms: f64,
    /// From the answer to the first answered check.
    pub ice_ms: f64,
    /// From there to the keys.
    pub dtls_ms: f64,
}

/// What happens to a person.
#[derive(Clone, Debug)]
pub enum Happening {
    /// The call changed.
    Call(Box<CallView>),
    /// An agent's console rings.
    Ring(Box<Ring>),
    /// It stops ringing.
    RingEnded(CallId),
    /// Place in line.
    Queue,
    /// A picture of somebody is on the screen for the first time.
    FirstFrame(u16, Instant),
    /// The first media packet came.
    FirstPacket(Instant),
    /// A request was refused.
    Problem(Box<Problem>),
    /// The WebSocket is broken.
    SocketGone,
    /// The media transport is gone.
    LegGone,
    /// Anything else the server said.
    Other(Box<ServerMessage>),
}

/// See the module.
pub struct Person {
    /// The connection.
    pub socket: Option<Socket>,
    /// Media.
    pub leg: Option<LegHandle>,
    /// How long it took to get here.
    pub set_up: SetUp,
    /// How large each picture is shown, pixels.
    view: (u16, u16),
    views: Vec<SlotView>,
    told: Vec<SlotSize>,
}

impl Person {
    /// Connects, offers, and waits until media could flow. `view` is how large pictures are shown.
    pub async fn arrive(
        door: &Door<'_>,
        engine: &Engine,
        settings: LegSettings,
        view: (u16, u16),
    ) -> Result<Self> {
        let begun = Instant::now();
        let socket = Socket::connect(door.base, door.from, door.access.as_ref(), &door.pass, None).await?;
        let mut person = Self {
            socket: Some(socket),
            leg: None,
            set_up: SetUp::default(),
            view,
            views: Vec::new(),
            told: Vec::new(),
        };
        person.set_up.websocket_ms = ms(begun.elapsed());
        person.connect_media(engine, settings, door.access.clone()).await?;
        Ok(person)
    }

    /// Makes a media leg, a new one if there was one before.
    pub async fn connect_media(
        &mut self,
        engine: &Engine,
        settings: LegSettings,
        access: Option<Access>,
    ) -> Result<()> {
        let begun = Instant::now();
        self.leg = Some(engine.join(settings, access));
        self.told.clear();
        let leg = self.leg.as_ref().context("the leg that was just made")?;
        let (sdp, sources) = leg.offer.clone();
        self.say(ClientMessage::Offer { sdp, sources }).await?;
        let connecting = async {
            let (mut answered, mut checked) = (None, None);
            loop {
                match self.next_raw().await {
                    Raw::Said(message) => match *message {
                        ServerMessage::Answer { sdp } => {
                            answered = Some(Instant::now());
                            self.set_up.answer_ms = ms(begun.elapsed());
                            self.leg()?.answer(sdp);
                        }
                        ServerMessage::Problem { problem, .. } => {
                            return Err(super::rest::Refused { what: "offer".into(), problem }.into());
                        }
                        message => {
                            self.chore(message).await?;
                        }
                    },
                    Raw::Leg(LegEvent::IceConnected(at)) => {
                        checked = Some(at);
                        self.set_up.ice_ms =
                            answered.map_or(0.0, |from| ms(at.saturating_duration_since(from)));
                    }
                    Raw::Leg(LegEvent::Connected(at)) => {
                        self.set_up.dtls_ms =
                            checked.map_or(0.0, |from| ms(at.saturating_duration_since(from)));
                        return Ok(());
                    }
                    Raw::Leg(_) => {}
                    Raw::SocketGone => bail!("the WebSocket broke while media was being connected"),
                    Raw::LegGone => bail!("the answer could not be used"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, connecting).await.context("media did not connect in time")?
    }

    /// Sends these sources from now on, and tells the server so.
    pub async fn send(&mut self, sources: &[Source]) -> Result<()> {
        self.leg()?.publish(sources.to_vec());
        self.say(ClientMessage::Sending { sources: sources.to_vec() }).await
    }

    /// The call is over: a page takes its pictures away, whatever else is still to be done.
    pub fn look_away(&mut self) {
        if let Some(leg) = &self.leg {
            leg.slots(Vec::new());
        }
        self.views.clear();
    }

    /// Says something.
    pub async fn say(&mut self, message: ClientMessage) -> Result<()> {
        self.socket.as_mut().context("there is no WebSocket")?.say(message).await
    }

    /// What happens next; chores are done on the way.
    pub async fn next(&mut self) -> Result<Happening> {
        loop {
            match self.next_raw().await {
                Raw::Said(message) => {
                    if let Some(happening) = self.chore(*message).await? {
                        return Ok(happening);
                    }
                }
                Raw::Leg(LegEvent::FirstFrame(first)) => {
                    return Ok(Happening::FirstFrame(first.person, first.at));
                }
                Raw::Leg(LegEvent::FirstPacket(at)) => return Ok(Happening::FirstPacket(at)),
                Raw::Leg(LegEvent::Closed(_)) | Raw::LegGone => {
                    self.leg = None;
                    return Ok(Happening::LegGone);
                }
                Raw::Leg(_) => {}
                Raw::SocketGone => {
                    self.socket = None;
                    return Ok(Happening::SocketGone);
                }
            }
        }
    }

    /// Breaks the WebSocket and takes the session up again on another one, as a page does that lost its network. Gives
    /// whether the server knew it.
    pub async fn reconnect(&mut self, door: &Door<'_>, resume: Option<Resume>) -> Result<bool> {
        self.socket = None;
        let socket = Socket::connect(door.base, door.from, door.access.as_ref(), &door.pass, resume).await?;
        let resumed = socket.welcome.resumed;
        self.socket = Some(socket);
        Ok(resumed)
    }

    /// How to take up this session.
    pub fn resume(&self) -> Option<Resume> {
        self.socket.as_ref().map(Socket::resume)
    }

    /// Says goodbye in good order.
    pub async fn leave(mut self) {
        if let Some(leg) = &self.leg {
            leg.close();
        }
        if let Some(socket) = self.socket.take() {
            socket.close().await;
        }
    }

    fn leg(&self) -> Result<&LegHandle> {
        self.leg.as_ref().context("there is no media transport")
    }

    async fn next_raw(&mut self) -> Raw {
        let (socket, leg) = (&mut self.socket, &mut self.leg);
        let heard = async {
            match socket {
                Some(socket) => socket.hear().await.map_or(Raw::SocketGone, |it| Raw::Said(Box::new(it))),
                None => std::future::pending().await,
            }
        };
        let happened = async {
            match leg {
                Some(leg) => leg.event().await.map_or(Raw::LegGone, Raw::Leg),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            raw = heard => raw,
            raw = happened => raw,
        }
    }

    /// Does what a page does by itself; gives what is left for whoever plays the person.
    async fn chore(&mut self, message: ServerMessage) -> Result<Option<Happening>> {
        Ok(match message {
            ServerMessage::SendWish { source, encodings } => {
                if let Some(leg) = &self.leg {
                    leg.wish(source, encodings);
                }
                None
            }
            ServerMessage::Slots { slots } => {
                if let Some(leg) = &self.leg {
                    leg.slots(slots.clone());
                }
                self.views = slots;
                self.tell_views().await?;
                None
            }
            ServerMessage::Call { call } => Some(Happening::Call(call)),
            ServerMessage::Ring { ring } => Some(Happening::Ring(ring)),
            ServerMessage::RingEnded { call, .. } => Some(Happening::RingEnded(call)),
            ServerMessage::Queue { .. } => Some(Happening::Queue),
            ServerMessage::Problem { problem, .. } => Some(Happening::Problem(Box::new(problem))),
            ServerMessage::Speaking { .. } | ServerMessage::Quality { .. } | ServerMessage::Floor { .. } => {
                None
            }
            other => Some(Happening::Other(Box::new(other))),
        })
    }

    async fn tell_views(&mut self) -> Result<()> {
        let (width, height) = self.view;
        let shown = self
            .views
            .iter()
            .filter(|view| view.shows.as_ref().is_some_and(|track| track.source != Source::Microphone));
        let slots: Vec<_> = shown.map(|view| SlotSize { mid: view.mid.clone(), width, height }).collect();
        // Pages tell sizes when there is something to see.
        if slots.is_empty() || slots == self.told {
            return Ok(());
        }
        self.told = slots.clone();
        self.say(ClientMessage::Views { slots }).await
    }
}

enum Raw {
    Said(Box<ServerMessage>),
    Leg(LegEvent),
    SocketGone,
    LegGone,
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
