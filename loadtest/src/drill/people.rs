//! People of a drill. Unlike those of `rooms` they come back: a tab that is reloaded, or whose connection broke, connects
//! anew, and its call should still be there.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use protocol::call::{Availability, CallState, CallView, Source};
use protocol::ids::CallId;
use protocol::rest::{ConsentText, Outcome, WrapUp};
use protocol::ws::{ClientMessage, ConsentChoice, ServerMessage};
use tokio::time::{Instant as Deadline, sleep, sleep_until};

use super::stage::{Phase, Stage};
use crate::caller::person::{Happening, Person};
use crate::caller::rest::{Cookie, Refused, Rest};
use crate::caller::socket::Pass;

const BOTH: [Source; 2] = [Source::Microphone, Source::Camera];
/// How large pictures are shown.
const VIEW: (u16, u16) = (640, 360);
/// A page whose connection broke tries again after this time, as ours does at first.
const AGAIN: Duration = Duration::from_millis(500);
/// How long a buyer's page keeps trying.
const TRIES_FOR: Duration = Duration::from_secs(30);
/// Between two tries to close a ticket.
const WRAP_UP_AGAIN: Duration = Duration::from_secs(1);

/// Why somebody's page is over.
enum Over {
    /// They are done.
    Done,
    /// The page was reloaded.
    Reloaded,
}

/// A call that somebody was in when their page went away, and since when.
type Missing = Option<(CallId, Instant)>;

/// An agent: comes to work, takes calls, wraps up, and comes back until the drill sends everybody home.
pub async fn agent(stage: Arc<Stage>, number: usize) {
    let (mut missing, mut seated) = (None, false);
    while !stage.is_at(Phase::Leaving) {
        match shift(&stage, number, &mut missing, &mut seated).await {
            Ok(Over::Done) => return,
            Ok(Over::Reloaded) => {}
            Err(error) => {
                if error.downcast_ref::<Refused>().is_some() {
                    stage.error("agent", &error);
                }
                sleep(AGAIN).await;
            }
        }
    }
}

async fn shift(stage: &Stage, number: usize, missing: &mut Missing, seated: &mut bool) -> Result<Over> {
    let (rest, cookie) = stage.staff(number).await?;
    let door = stage.door(number, Pass::Staff(cookie.clone()));
    let mut reloads = stage.reloads();
    let mut person = Person::arrive(&door, &stage.engine, stage.leg()?, VIEW).await?;
    let mut call = None;
    if let Some(view) = greeted(&person)
        && view.state == CallState::Connected
    {
        person.send(&BOTH).await?;
        call = Some(view.id);
    }
    settle(stage, missing, call);
    if call.is_none() {
        agree(&rest, &cookie, &mut person).await?;
        let availability = Availability::Available;
        person.say(ClientMessage::SetAvailability { availability }).await?;
    }
    if !std::mem::replace(seated, true) {
        stage.ready.fetch_add(1, Ordering::Relaxed);
    }
    let mut picture = None;
    loop {
        tokio::select! {
            () = stage.reached(Phase::Leaving) => break,
            _ = reloads.changed() => {
                *missing = call.map(|it| (it, Instant::now()));
                return Ok(Over::Reloaded);
            }
            happening = person.next() => match happening? {
                Happening::Ring(ring) => {
                    rung(stage, ring.call);
                    person.say(ClientMessage::Accept { call: ring.call }).await?;
                    person.send(&BOTH).await?;
                }
                Happening::Call(view) => match view.state {
                    CallState::Connected => {
                        call = Some(view.id);
                        // Media may be faster than the message that says so.
                        if let Some(at) = picture {
                            stage.ledger().call(view.id).agent.get_or_insert(at);
                        }
                    }
                    CallState::WrapUp => {
                        (call, picture) = (None, None);
                        person.look_away();
                        person.send(&[]).await?;
                        wrap_up(stage, &rest, &cookie, view.id).await;
                        let availability = Availability::Available;
                        person.say(ClientMessage::SetAvailability { availability }).await?;
                    }
                    _ => {}
                },
                Happening::FirstFrame(_, at) => {
                    picture = Some(at);
                    if let Some(id) = call {
                        stage.ledger().call(id).agent.get_or_insert(at);
                    }
                    back(stage, missing, at);
                }
                Happening::Problem(problem) => {
                    stage.error("agent", &Refused { what: "agent".into(), problem: *problem }.into());
                }
                Happening::SocketGone | Happening::LegGone => {
                    *missing = call.map(|it| (it, Instant::now()));
                    anyhow::bail!("the connection broke");
                }
                _ => {}
            }
        }
    }
    person.leave().await;
    Ok(Over::Done)
}

fn rung(stage: &Stage, call: CallId) {
    let mut ledger = stage.ledger();
    ledger.rings += 1;
    ledger.call(call).accepted = Some(Instant::now());
}

async fn agree(rest: &Rest, cookie: &Cookie, person: &mut Person) -> Result<()> {
    let words: ConsentText = rest.get(cookie, "/own-consent?language=en").await?;
    let consent = ConsentChoice { recording: true, text_version: words.version, language: words.language };
    person.say(ClientMessage::SetConsent { consent }).await
}

/// Closes a ticket, and tries again while the server cannot.
async fn wrap_up(stage: &Stage, rest: &Rest, cookie: &Cookie, call: CallId) {
    loop {
        let closed = async {
            let outcomes: Vec<Outcome> = rest.get(cookie, "/outcomes").await?;
            let outcome = outcomes.first().context("there are no outcomes")?.code.clone();
            rest.wrap_up(cookie, call, &WrapUp { outcome, notes: "Played by a drill.".into() }).await
        };
        match closed.await {
            Ok(_) => return,
            Err(error) => {
                // The server cannot now: that is what some drills are about.
                let passing = error.downcast_ref::<Refused>().is_none_or(|it| it.problem.status >= 500);
                if !passing || stage.is_at(Phase::Leaving) {
                    return stage.error("wrap_up", &error);
                }
                sleep(WRAP_UP_AGAIN).await;
            }
        }
    }
}

/// What a buyer has in mind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// Agrees to be recorded.
    pub record: bool,
    /// Hangs up so long after seeing the agent; else when the drill closes.
    pub talk: Option<Duration>,
    /// Waits no longer than this for an agent.
    pub patience: Option<Duration>,
}

impl Plan {
    /// Talks until the drill closes, and may be recorded.
    pub fn recorded() -> Self {
        Self { record: true, ..Self::default() }
    }
}

/// A buyer: asks for help, talks, hangs up.
pub async fn buyer(stage: Arc<Stage>, plan: Plan) {
    stage.buyers.fetch_add(1, Ordering::Relaxed);
    let mut visit = Visit { place: stage.next_buyer(), plan, stage, token: None, call: None, until: None };
    let mut missing = None;
    let mut broken: Option<Instant> = None;
    loop {
        match visit.page(&mut missing).await {
            Ok(Over::Done) => break,
            Ok(Over::Reloaded) => broken = None,
            Err(error) => {
                let since = *broken.get_or_insert_with(Instant::now);
                let refused = error.downcast_ref::<Refused>().is_some_and(|it| it.problem.status < 500);
                if refused || since.elapsed() > TRIES_FOR || visit.stage.is_at(Phase::Closing) {
                    visit.stage.error("buyer", &error);
                    break;
                }
                sleep(AGAIN).await;
            }
        }
    }
    visit.stage.buyers.fetch_sub(1, Ordering::Relaxed);
}

struct Visit {
    stage: Arc<Stage>,
    place: usize,
    plan: Plan,
    token: Option<(String, Option<ConsentChoice>)>,
    call: Option<CallId>,
    /// Hangs up then.
    until: Option<Deadline>,
}

impl Visit {
    async fn token(&mut self) -> Result<(String, Option<ConsentChoice>)> {
        if let Some(known) = &self.token {
            return Ok(known.clone());
        }
        let rest = self.stage.installation.rest(self.place)?;
        let begun = Instant::now();
        let token = self.stage.installation.key.token(&format!("Buyer {}", self.place), "en")?;
        let visit = rest.buyer_session(&token, "en").await?;
        self.stage.slowest_visit_us.fetch_max(begun.elapsed().as_micros() as u64, Ordering::Relaxed);
        let consent = visit.consent.map(|text| ConsentChoice {
            recording: self.plan.record,
            text_version: text.version,
            language: text.language,
        });
        Ok(self.token.insert((visit.session_token, consent)).clone())
    }

    /// One page, until it is closed, reloaded or broken.
    async fn page(&mut self, missing: &mut Missing) -> Result<Over> {
        let (token, consent) = self.token().await?;
        let stage = Arc::clone(&self.stage);
        let door = stage.door(self.place, Pass::Buyer(token));
        let mut reloads = stage.reloads();
        let mut person = Person::arrive(&door, &stage.engine, stage.leg()?, VIEW).await?;
        let here = greeted(&person);
        settle(&stage, missing, here.as_ref().filter(|it| it.state == CallState::Connected).map(|it| it.id));
        match (&here, self.call) {
            (Some(view), _) if over(view) => return Ok(self.ended(view)),
            (Some(_), _) => person.send(&BOTH).await?,
            (None, Some(call)) => {
                // The call went while this page was away.
                stage.ledger().ended(call, None);
                return Ok(Over::Done);
            }
            (None, None) => {
                person.send(&BOTH).await?;
                person.say(ClientMessage::RequestHelp { consent }).await?;
                stage.ledger().asked += 1;
            }
        }
        let patience = self.plan.patience.map(|it| Deadline::now() + it);
        let (mut told, mut connected, mut picture) = (false, false, None);
        let hangs_up = loop {
            let waits_until = patience.filter(|_| self.call.is_none());
            tokio::select! {
                () = stage.reached(Phase::Closing) => break true,
                () = at(self.until) => {
                    stage.ledger().content += 1;
                    break true;
                }
                () = at(waits_until) => {
                    stage.ledger().left += 1;
                    person.say(ClientMessage::HangUp).await?;
                    // Nobody may come any more.
                    let connected = async {
                        loop {
                            match person.next().await {
                                Ok(Happening::Call(view)) if view.state == CallState::Connected => return true,
                                Ok(Happening::Call(view)) if over(&view) => return false,
                                Ok(_) => {}
                                Err(_) => return false,
                            }
                        }
                    };
                    let most = Duration::from_secs(3);
                    if tokio::time::timeout(most, connected).await.unwrap_or(false) {
                        stage.ledger().connected_after_leaving += 1;
                    }
                    break false;
                }
                _ = reloads.changed() => {
                    *missing = self.call.map(|it| (it, Instant::now()));
                    return Ok(Over::Reloaded);
                }
                happening = person.next() => match happening? {
                    Happening::Queue => told = true,
                    Happening::Call(view) if over(&view) => {
                        let over = self.ended(&view);
                        person.leave().await;
                        return Ok(over);
                    }
                    Happening::Call(view) => {
                        if view.state == CallState::Connected
                            && let Some(seen) = picture
                        {
                            self.sees(view.id, seen);
                        }
                        let mut ledger = stage.ledger();
                        ledger.recording(view.id, view.recording);
                        if view.state == CallState::Connected && !connected {
                            connected = true;
                            if self.call.replace(view.id).is_none() {
                                ledger.told_place += usize::from(told);
                                let now = jiff::Timestamp::now();
                                let waited = now.duration_since(view.requested_at).unsigned_abs();
                                ledger.waits.push((view.requested_at, waited));
                            }
                        }
                    }
                    Happening::FirstFrame(_, seen) => {
                        back(&stage, missing, seen);
                        picture = Some(seen);
                        if let Some(id) = self.call {
                            self.sees(id, seen);
                        }
                    }
                    Happening::Problem(problem) => {
                        stage.error("buyer", &Refused { what: "buyer".into(), problem: *problem }.into());
                    }
                    Happening::SocketGone | Happening::LegGone => {
                        *missing = self.call.map(|it| (it, Instant::now()));
                        anyhow::bail!("the connection broke");
                    }
                    _ => {}
                }
            }
        };
        if hangs_up {
            person.say(ClientMessage::HangUp).await?;
            if let Some(call) = self.call {
                stage.ledger().ended(call, Some(protocol::call::EndReason::BuyerHungUp));
            }
        }
        person.leave().await;
        Ok(Over::Done)
    }

    /// The buyer sees the agent.
    fn sees(&mut self, call: CallId, at: Instant) {
        self.stage.ledger().call(call).buyer.get_or_insert(at);
        self.until = self.until.or(self.plan.talk.map(|it| Deadline::now() + it));
    }

    fn ended(&self, view: &CallView) -> Over {
        self.stage.ledger().ended(view.id, view.end_reason);
        Over::Done
    }
}

fn over(view: &CallView) -> bool {
    matches!(view.state, CallState::WrapUp | CallState::Ended)
}

/// The call the server says this person is in.
fn greeted(person: &Person) -> Option<CallView> {
    match &person.socket.as_ref()?.welcome.message {
        ServerMessage::Welcome { call, .. } => call.as_deref().cloned(),
        _ => None,
    }
}

/// Somebody whose page was gone is back: is their call still the same?
fn settle(stage: &Stage, missing: &mut Missing, here: Option<CallId>) {
    if let Some((call, _)) = *missing
        && here != Some(call)
    {
        stage.ledger().lost += 1;
        *missing = None;
    }
}

/// Somebody whose page was gone sees the other side again.
fn back(stage: &Stage, missing: &mut Missing, at: Instant) {
    if let Some((_, since)) = missing.take() {
        stage.ledger().back.push(at.saturating_duration_since(since));
    }
}

async fn at(deadline: Option<Deadline>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
