//! What people of a run do: buyers ask for help and hang up, agents take calls and wrap up, supervisors follow.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use protocol::call::{Availability, CallState, MonitorMode, Source};
use protocol::ids::CallId;
use protocol::rest::{ConsentText, WrapUp};
use protocol::ws::{ClientMessage, ConsentChoice};
use tokio::sync::watch;

use super::scene::{FirstFrame, Part, Phase, Scene};
use crate::caller::person::{Happening, Person};
use crate::caller::rest::{Account, Cookie, Rest};
use crate::caller::socket::{self, Pass};

/// What everybody sends.
const BOTH: [Source; 2] = [Source::Microphone, Source::Camera];
/// Somebody in a call sees nobody for this long: that is an error worth a line.
const FIRST_FRAME_MAX: Duration = Duration::from_secs(15);

/// A buyer: comes, waits, talks until the run ends, hangs up.
pub async fn buyer(scene: Arc<Scene>, number: usize) {
    if let Err(error) = try_buyer(&scene, number).await {
        scene.failed.fetch_add(1, Ordering::Relaxed);
        scene.failure("buyer", &error);
    }
}

async fn try_buyer(scene: &Scene, number: usize) -> Result<()> {
    let place = scene.options.staff().agents + scene.options.staff().supervisors + number;
    let rest = scene.installation.rest(place)?;
    let token = scene.installation.key.token(&format!("Buyer {number}"), "en")?;
    let visit = rest.buyer_session(&token, "en").await?;
    let door = scene.door(place, Part::Buyer, Pass::Buyer(visit.session_token));
    let leg = scene.leg();
    let mut person = Person::arrive(&door, &scene.engine, leg, scene.options.shape.view()).await?;
    scene.arrived(Part::Buyer, person.set_up);
    person.send(&BOTH).await?;
    // Where nobody is asked, there is nothing to choose.
    let consent = visit.consent.map(|text| ConsentChoice {
        recording: scene.options.record,
        text_version: text.version,
        language: text.language,
    });
    person.say(ClientMessage::RequestHelp { consent }).await?;
    let mut talk = Talk::new(Part::Buyer);
    let mut phase = scene.phase();
    let result = loop {
        tokio::select! {
            () = reached(&mut phase, Phase::Ending) => {
                person.say(ClientMessage::HangUp).await?;
                break Ok(());
            }
            happening = person.next() => match happening? {
                Happening::Call(view) => match view.state {
                    CallState::WrapUp | CallState::Ended => {
                        break Err(anyhow::anyhow!("the call ended: {:?}", view.end_reason));
                    }
                    CallState::Connected => {
                        let since = scene.accepted_at(view.id);
                        talk.connected(scene, &mut person, view.id, since).await?;
                    }
                    _ => {}
                },
                other => talk.happened(scene, &mut person, other).await?,
            },
            () = talk.overdue() => talk.complain(scene),
        }
    };
    talk.end(scene);
    person.leave().await;
    result
}

/// An agent: logs in, becomes available, takes calls until the run ends.
pub async fn agent(scene: Arc<Scene>, number: usize) {
    if let Err(error) = try_agent(&scene, number).await {
        scene.failed.fetch_add(1, Ordering::Relaxed);
        scene.failure("agent", &error);
    }
}

async fn log_in(scene: &Scene, place: usize, account: &Account) -> Result<(Rest, Cookie)> {
    let rest = scene.installation.rest(place)?;
    let (_, cookie) = rest.login(account).await?;
    Ok((rest, cookie))
}

async fn try_agent(scene: &Scene, number: usize) -> Result<()> {
    let account = scene.installation.agents.get(number).context("no account for this agent")?;
    let (rest, cookie) = log_in(scene, number, account).await?;
    let door = scene.door(number, Part::Agent, Pass::Staff(cookie.clone()));
    let leg = scene.leg();
    let mut person = Person::arrive(&door, &scene.engine, leg, scene.options.shape.view()).await?;
    scene.arrived(Part::Agent, person.set_up);
    if scene.options.record {
        let words: ConsentText = rest.get(&cookie, "/own-consent?language=en").await?;
        let consent =
            ConsentChoice { recording: true, text_version: words.version, language: words.language };
        person.say(ClientMessage::SetConsent { consent }).await?;
    }
    person.say(ClientMessage::SetAvailability { availability: Availability::Available }).await?;
    scene.ready.fetch_add(1, Ordering::Relaxed);
    let mut talk = Talk::new(Part::Agent);
    let mut phase = scene.phase();
    loop {
        tokio::select! {
            () = reached(&mut phase, Phase::Leaving) => break,
            happening = person.next() => match happening? {
                Happening::Ring(ring) => {
                    scene.accepted(ring.call, Instant::now());
                    person.say(ClientMessage::Accept { call: ring.call }).await?;
                    person.send(&BOTH).await?;
                }
                Happening::Call(view) => match view.state {
                    CallState::Connected => {
                        if talk.call != Some(view.id) {
                            scene.monitor(view.id);
                        }
                        let since = scene.accepted_at(view.id);
                        talk.connected(scene, &mut person, view.id, since).await?;
                    }
                    CallState::WrapUp if talk.call == Some(view.id) => {
                        talk.end(scene);
                        person.send(&[]).await?;
                        wrap_up(scene, &rest, &cookie, view.id).await;
                        let availability = Availability::Available;
                        person.say(ClientMessage::SetAvailability { availability }).await?;
                    }
                    _ => {}
                },
                other => talk.happened(scene, &mut person, other).await?,
            },
            () = talk.overdue() => talk.complain(scene),
        }
    }
    talk.end(scene);
    person.leave().await;
    Ok(())
}

async fn wrap_up(scene: &Scene, rest: &Rest, cookie: &Cookie, call: CallId) {
    let closed = async {
        let outcomes: Vec<protocol::rest::Outcome> = rest.get(cookie, "/outcomes").await?;
        let outcome = outcomes.first().context("there are no outcomes")?.code.clone();
        let notes = "Played by loadtest.".to_owned();
        rest.wrap_up(cookie, call, &WrapUp { outcome, notes }).await
    };
    if let Err(error) = closed.await {
        scene.failure("wrap_up", &error);
    }
}

/// A supervisor: logs in, follows one call until the run ends.
pub async fn supervisor(scene: Arc<Scene>, number: usize) {
    if let Err(error) = try_supervisor(&scene, number).await {
        scene.failed.fetch_add(1, Ordering::Relaxed);
        scene.failure("supervisor", &error);
    }
}

async fn try_supervisor(scene: &Scene, number: usize) -> Result<()> {
    let place = scene.options.staff().agents + number;
    let account = scene.installation.supervisors.get(number).context("no account for this supervisor")?;
    let (_, cookie) = log_in(scene, place, account).await?;
    let door = scene.door(place, Part::Supervisor, Pass::Staff(cookie));
    let leg = scene.leg();
    let mut person = Person::arrive(&door, &scene.engine, leg, scene.options.shape.view()).await?;
    scene.arrived(Part::Supervisor, person.set_up);
    scene.ready.fetch_add(1, Ordering::Relaxed);
    let mut talk = Talk::new(Part::Supervisor);
    let mut phase = scene.phase();
    loop {
        tokio::select! {
            () = reached(&mut phase, Phase::Leaving) => break,
            follow = scene.to_monitor(), if talk.call.is_none() => {
                let (call, mode) = follow.context("no more calls")?;
                talk.connected(scene, &mut person, call, Instant::now()).await?;
                person.say(ClientMessage::Monitor { call, mode }).await?;
                if mode == MonitorMode::Barge {
                    person.send(&BOTH).await?;
                }
            }
            happening = person.next() => match happening? {
                Happening::Call(view) if matches!(view.state, CallState::WrapUp | CallState::Ended) => {
                    talk.forget();
                    person.send(&[]).await?;
                }
                Happening::Call(_) => {}
                other => talk.happened(scene, &mut person, other).await?,
            },
            () = talk.overdue() => talk.complain(scene),
        }
    }
    person.leave().await;
    Ok(())
}

/// Waits until a run has come so far.
async fn reached(phase: &mut watch::Receiver<Phase>, wanted: Phase) {
    // A run that is gone has come to its end.
    let _ = phase.wait_for(|it| *it >= wanted).await;
}

/// What somebody sees of the call they are in.
struct Talk {
    part: Part,
    call: Option<CallId>,
    since: Option<Instant>,
    packet: Option<Instant>,
    /// The last first picture of anybody.
    picture: Option<Instant>,
    seen: bool,
    complained: bool,
}

impl Talk {
    fn new(part: Part) -> Self {
        Self { part, call: None, since: None, packet: None, picture: None, seen: false, complained: false }
    }

    /// The person is in this call since then. Its media may have been faster than the message that says so.
    async fn connected(
        &mut self,
        scene: &Scene,
        person: &mut Person,
        call: CallId,
        since: Instant,
    ) -> Result<()> {
        if self.call == Some(call) {
            return Ok(());
        }
        let Self { packet, picture, .. } = *self;
        *self = Self { call: Some(call), since: Some(since), packet, picture, ..Self::new(self.part) };
        self.look(scene, person).await
    }

    /// Tells of the first picture of the call, once.
    async fn look(&mut self, scene: &Scene, person: &mut Person) -> Result<()> {
        let (Some(call), Some(since), Some(at), false) = (self.call, self.since, self.picture, self.seen)
        else {
            return Ok(());
        };
        if at < since {
            return Ok(());
        }
        self.seen = true;
        let after = |at: Instant| at.saturating_duration_since(since).as_secs_f64() * 1000.0;
        let packet_ms = self.packet.filter(|at| *at >= since).map(after);
        let first = FirstFrame { part: self.part, packet_ms, frame_ms: after(at) };
        scene.saw(call, self.part, first);
        person.say(ClientMessage::FirstFrame { after_ms: first.frame_ms as u32 }).await
    }

    async fn happened(&mut self, scene: &Scene, person: &mut Person, happening: Happening) -> Result<()> {
        match happening {
            Happening::FirstPacket(at) => self.packet = Some(at),
            Happening::FirstFrame(_, at) => {
                self.picture = Some(at);
                self.look(scene, person).await?;
            }
            Happening::Problem(problem) => {
                scene.error(&format!("refused:{}", socket::code(&problem)), problem.detail.clone());
            }
            Happening::SocketGone => bail!("the WebSocket broke"),
            Happening::LegGone => bail!("the media transport ended"),
            _ => {}
        }
        Ok(())
    }

    /// Waits until a first picture is long overdue.
    async fn overdue(&self) {
        match self.since {
            Some(since) if !self.seen && !self.complained => {
                tokio::time::sleep_until((since + FIRST_FRAME_MAX).into()).await;
            }
            _ => std::future::pending().await,
        }
    }

    fn complain(&mut self, scene: &Scene) {
        self.complained = true;
        scene.error("no_first_frame", format!("{:?} of {:?}", self.part, self.call));
    }

    /// The call is over for this person, and for the room.
    fn end(&mut self, scene: &Scene) {
        if let (Some(call), true) = (self.call, self.part == Part::Agent) {
            scene.over(call);
        }
        self.forget();
    }

    fn forget(&mut self) {
        *self = Self::new(self.part);
    }
}
