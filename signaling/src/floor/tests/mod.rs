//! The floor's stories, on virtual time with models of what is around it.

mod calls;
mod chaos;
mod connections;
mod faults;
mod models;
mod outage;
mod pause;
mod policy;
mod recording;
mod rings;
mod rules;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use protocol::call::{
    Availability, BuyerContext, CallState, CallView, Product, QueuePlace, Ring, RingEnd, Role, Source,
};
use protocol::ids::{BuyerSessionId, CallId, UserId};
use protocol::problem::Problem;
use protocol::rest::{ConsentText, Me};
use protocol::ws::{ClientMessage, ConsentChoice, Resume, ServerFrame, ServerMessage, SlotView, SourceLine};
use sfu::ParticipantId;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::ports::{Ledger, Recordings};
use super::session::{ConnectionId, Farewell, Identity, Inlet, outlet};
use super::{FloorHandle, Parts, Settings};
use crate::queues::{QueueSettings, Queues, RecordingRules};
use crate::recording_policy::Regions;
use models::{Deed, Model, ModelMedia, ModelRecorder, ModelStore};

/// Longer than any time the floor works with: what has not come by then will not come.
const LONG: Duration = Duration::from_secs(600);

pub(crate) struct World {
    pub(crate) floor: FloorHandle,
    model: Arc<Model>,
    media_events: mpsc::Sender<sfu::Event>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        let model = Arc::new(Model::default());
        let store = Arc::new(ModelStore(model.clone()));
        Self::with_ledger(settings, model, store)
    }

    /// A shop with one queue that has these rules.
    fn with_rules(recording: RecordingRules) -> Self {
        let queue = QueueSettings { recording, ..QueueSettings::new("support", "Support") };
        let model = Arc::new(Model::default());
        let recorder = Arc::new(ModelRecorder(model.clone()));
        Self::with_recorder(model, recorder, queue)
    }

    /// A shop with one queue and a recorder of its own.
    fn with_recorder(model: Arc<Model>, recorder: Arc<dyn Recordings>, queue: QueueSettings) -> Self {
        let store = Arc::new(ModelStore(model.clone()));
        Self::with_parts(Settings::default(), model, store, recorder, &[queue], Regions::default())
    }

    /// A shop in which these countries have rules of their own.
    fn with_regions(regions: Regions) -> Self {
        Self::with_policy(QueueSettings::new("support", "Support"), regions)
    }

    fn with_policy(queue: QueueSettings, regions: Regions) -> Self {
        let model = Arc::new(Model::default());
        let (store, recorder) = (Arc::new(ModelStore(model.clone())), Arc::new(ModelRecorder(model.clone())));
        Self::with_parts(Settings::default(), model, store, recorder, &[queue], regions)
    }

    fn with_ledger(settings: Settings, model: Arc<Model>, ledger: Arc<dyn Ledger>) -> Self {
        let recorder = Arc::new(ModelRecorder(model.clone()));
        Self::with_parts(settings, model, ledger, recorder, &[], Regions::default())
    }

    fn with_parts(
        settings: Settings,
        model: Arc<Model>,
        ledger: Arc<dyn Ledger>,
        recordings: Arc<dyn Recordings>,
        queues: &[QueueSettings],
        regions: Regions,
    ) -> Self {
        let (media_events, events) = mpsc::channel(16);
        let parts = Parts {
            media: Arc::new(ModelMedia(model.clone())),
            media_events: events,
            recordings,
            ledger,
            queues: Arc::new(Queues::new(queues)),
            regions: Arc::new(regions),
            staff_texts: Arc::new(|language: &str| ConsentText {
                version: "staff 3".into(),
                language: language.to_owned(),
                text: "May your calls be recorded?".into(),
                sha256: "5ha".into(),
            }),
            staff_choices: BTreeMap::new(),
            consent_texts: Arc::new(|language: &str, _: &QueueSettings, from: Option<&str>| ConsentText {
                // Swedes are promised something else.
                version: if from == Some("SE") { "7/SE".into() } else { "7".into() },
                language: language.split('-').next().unwrap().to_owned(),
                text: "May we record?".into(),
                sha256: "5ha".into(),
            }),
        };
        let start: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let floor = FloorHandle::start(parts, settings, start).unwrap();
        Self { floor, model, media_events }
    }

    async fn connect(&self, identity: Identity) -> Client {
        let mut client = Client::connect(&self.floor, identity, None).await;
        client.welcomed().await;
        client
    }

    /// A buyer with a warm transport.
    async fn buyer(&self) -> Client {
        let mut buyer = self.connect(buyer()).await;
        buyer.offer().await;
        buyer
    }

    /// An agent with a warm transport who takes calls.
    async fn agent(&self, name: &str) -> Client {
        let mut agent = self.connect(staff(name, Role::Agent)).await;
        agent.offer().await;
        agent.be(Availability::Available).await;
        agent
    }

    /// A supervisor with a warm transport.
    async fn supervisor(&self, name: &str) -> Client {
        let mut supervisor = self.connect(staff(name, Role::Supervisor)).await;
        supervisor.offer().await;
        supervisor
    }

    /// A call between a new buyer and a new agent, just accepted.
    async fn call(&self, recording: bool) -> (Client, Client, CallId) {
        let mut buyer = self.buyer().await;
        let mut agent = self.agent("Anna").await;
        buyer.ask(recording).await;
        let call = agent.rung().await.call;
        agent.say(ClientMessage::Accept { call }).await;
        buyer.sees(CallState::Connected).await;
        agent.sees(CallState::Connected).await;
        settle().await;
        (buyer, agent, call)
    }
}

fn buyer() -> Identity {
    buyer_from(None)
}

fn buyer_from(country: Option<&str>) -> Identity {
    let context = BuyerContext {
        subject: "b-17".into(),
        name: Some("Mara".into()),
        language: "de-AT".into(),
        country: country.map(str::to_owned),
        product: Some(Product { sku: "LAMP-1".into(), name: "Aurora".into(), ..Default::default() }),
        ..Default::default()
    };
    Identity::Buyer { session: BuyerSessionId::new(), context: Box::new(context) }
}

fn staff(name: &str, role: Role) -> Identity {
    staff_in(name, role, None)
}

fn staff_in(name: &str, role: Role, country: Option<&str>) -> Identity {
    let email = format!("{}@shop.example", name.to_lowercase());
    Identity::Staff(Me {
        id: UserId::new(),
        email,
        name: name.into(),
        role,
        country: country.map(str::to_owned),
        rights: crate::auth::rights_of(role),
        queues: None,
    })
}

fn choice(recording: bool) -> ConsentChoice {
    ConsentChoice { recording, text_version: "7".into(), language: "de-AT".into() }
}

/// Lets the floor finish what it is doing, at hardly any (virtual) time.
async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

fn code(problem: &Problem) -> &str {
    problem.kind.strip_prefix("/problems/").unwrap()
}

/// A browser, as far as the floor can tell.
struct Client {
    floor: FloorHandle,
    identity: Identity,
    id: ConnectionId,
    inlet: Inlet,
    seq: u64,
    last_seq: u64,
    token: String,
    participant: Option<ParticipantId>,
    certificates: u32,
}

impl Client {
    async fn connect(floor: &FloorHandle, identity: Identity, resume: Option<Resume>) -> Client {
        let (outlet, inlet) = outlet();
        let id = floor.opened(identity.clone(), resume, outlet).await.unwrap();
        Client {
            floor: floor.clone(),
            identity,
            id,
            inlet,
            seq: 0,
            last_seq: 0,
            token: String::new(),
            participant: None,
            certificates: 0,
        }
    }

    /// The network fails under the client.
    async fn lose(&mut self) {
        self.floor.closed(self.id).await;
        settle().await;
    }

    /// Another connection of the same page, which knows what it saw last.
    async fn resume(&mut self) -> ServerMessage {
        let resume = Resume { token: self.token.clone(), last_seq: self.last_seq };
        let (outlet, inlet) = outlet();
        self.id = self.floor.opened(self.identity.clone(), Some(resume), outlet).await.unwrap();
        self.inlet = inlet;
        self.next().await
    }

    /// The same person after a reload: everything the page knew is gone.
    async fn reload(&mut self) -> ServerMessage {
        self.lose().await;
        let certificates = self.certificates;
        *self = Client::connect(&self.floor, self.identity.clone(), None).await;
        self.certificates = certificates;
        self.welcomed().await
    }

    async fn say(&mut self, message: ClientMessage) {
        self.seq += 1;
        self.floor.said(self.id, self.seq, Ok(message)).await.unwrap();
    }

    /// The next message, whenever it comes.
    async fn next(&mut self) -> ServerMessage {
        let text = timeout(LONG, self.inlet.frames.recv()).await.expect("silence").expect("closed");
        let frame: ServerFrame = serde_json::from_str(&text).unwrap();
        self.last_seq = frame.seq;
        frame.message
    }

    /// The next message of a kind; others are passed over.
    async fn hear<T>(&mut self, what: &str, pick: impl Fn(ServerMessage) -> Option<T>) -> T {
        let search = async {
            loop {
                if let Some(found) = pick(self.next().await) {
                    return found;
                }
            }
        };
        timeout(LONG, search).await.unwrap_or_else(|_| panic!("never heard {what}"))
    }

    /// Everything that has been sent up to now.
    async fn drain(&mut self) -> Vec<ServerMessage> {
        settle().await;
        let mut heard = Vec::new();
        while let Ok(text) = self.inlet.frames.try_recv() {
            let frame: ServerFrame = serde_json::from_str(&text).unwrap();
            self.last_seq = frame.seq;
            heard.push(frame.message);
        }
        heard
    }

    async fn welcomed(&mut self) -> ServerMessage {
        let welcome = self.next().await;
        let ServerMessage::Welcome { resume_token, .. } = &welcome else { panic!("{welcome:?}") };
        self.token = resume_token.clone();
        welcome
    }

    /// Offers a transport with a new certificate, and waits for the answer.
    async fn offer(&mut self) -> Vec<SlotView> {
        self.certificates += 1;
        self.offer_again().await
    }

    /// Offers a transport with the certificate of the last one.
    async fn offer_again(&mut self) -> Vec<SlotView> {
        let line = |mid: &str, source| SourceLine { mid: mid.into(), source };
        let sources =
            vec![line("0", Source::Microphone), line("1", Source::Camera), line("2", Source::Screen)];
        let sdp =
            format!("v=0\r\na=fingerprint:sha-256 {}:{}\r\n", self.identity.person(), self.certificates);
        self.say(ClientMessage::Offer { sdp, sources }).await;
        let answer = self
            .hear("an answer", |message| match message {
                ServerMessage::Answer { sdp } => Some(sdp),
                _ => None,
            })
            .await;
        let id = answer.strip_prefix("answer for p").unwrap();
        self.participant = Some(ParticipantId(u64::from_str_radix(id, 16).unwrap()));
        self.slots().await
    }

    fn participant(&self) -> ParticipantId {
        self.participant.unwrap()
    }

    fn user(&self) -> UserId {
        let Identity::Staff(me) = &self.identity else { panic!("a buyer has no account") };
        me.id
    }

    /// Says something that is not refused.
    async fn does(&mut self, message: ClientMessage) {
        self.say(message).await;
        let heard = self.drain().await;
        let refused = heard.iter().find(|message| matches!(message, ServerMessage::Problem { .. }));
        assert!(refused.is_none(), "{refused:?}");
    }

    async fn slots(&mut self) -> Vec<SlotView> {
        self.hear("slots", |message| match message {
            ServerMessage::Slots { slots } => Some(slots),
            _ => None,
        })
        .await
    }

    /// The sources shown, by line.
    async fn shown(&mut self) -> Vec<(String, Source)> {
        let slots = self.slots().await;
        slots.into_iter().filter_map(|slot| Some((slot.mid, slot.shows?.source))).collect()
    }

    /// Chooses. Somebody who becomes available while a buyer waits is busy at once.
    async fn be(&mut self, availability: Availability) {
        self.say(ClientMessage::SetAvailability { availability }).await;
        settle().await;
    }

    async fn is(&mut self, wanted: Availability) {
        self.hear(&format!("{wanted:?}"), |message| match message {
            ServerMessage::Availability { availability } => (availability == wanted).then_some(()),
            _ => None,
        })
        .await;
    }

    async fn ask(&mut self, recording: bool) -> CallId {
        self.say(ClientMessage::RequestHelp { consent: Some(choice(recording)) }).await;
        self.sees(CallState::Waiting).await.id
    }

    async fn rung(&mut self) -> Ring {
        self.hear("a ring", |message| match message {
            ServerMessage::Ring { ring } => Some(*ring),
            _ => None,
        })
        .await
    }

    async fn ring_ended(&mut self) -> (CallId, RingEnd) {
        self.hear("the end of a ring", |message| match message {
            ServerMessage::RingEnded { call, reason } => Some((call, reason)),
            _ => None,
        })
        .await
    }

    async fn place(&mut self) -> QueuePlace {
        self.hear("a place in line", |message| match message {
            ServerMessage::Queue { place } => Some(place),
            _ => None,
        })
        .await
    }

    async fn problem(&mut self) -> Problem {
        let seq = self.seq;
        self.hear("a problem", |message| match message {
            ServerMessage::Problem { reply_to, problem } if reply_to == seq => Some(problem),
            _ => None,
        })
        .await
    }

    /// The call the next time it is in this state.
    async fn sees(&mut self, state: CallState) -> CallView {
        self.sees_when(&format!("a call that is {state:?}"), |call| call.state == state).await
    }

    async fn sees_when(&mut self, what: &str, wanted: impl Fn(&CallView) -> bool) -> CallView {
        self.hear(what, |message| match message {
            ServerMessage::Call { call } => Some(*call).filter(&wanted),
            _ => None,
        })
        .await
    }

    async fn dismissed(&mut self) -> Farewell {
        timeout(LONG, &mut self.inlet.farewell).await.expect("not dismissed").unwrap()
    }
}
