//! A call as both sides see it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ids::{CallId, PartyId, RecordingId, TicketId, UserId};

/// What a member of staff may do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Takes calls, writes tickets, sees their own.
    Agent,
    /// Everything an agent does, and sees the whole floor.
    Supervisor,
    /// Finds and replays recordings.
    Reviewer,
    /// Everything.
    Admin,
}

/// What somebody is in a call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Who asked for help.
    Buyer,
    /// Who helps.
    Agent,
    /// A colleague whom the agent asks; the buyer neither hears nor sees them.
    Consultant,
    /// Follows the call, see [`MonitorMode`].
    Supervisor,
}

/// How a supervisor follows a call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum MonitorMode {
    /// Hears and sees everybody; nobody hears or sees the supervisor.
    Listen,
    /// The agent hears the supervisor, nobody else does.
    Whisper,
    /// Everybody hears and sees the supervisor.
    Barge,
}

/// What a person publishes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Voice.
    Microphone,
    /// Front or rear camera.
    Camera,
    /// Shared screen.
    Screen,
}

/// The named states of a call. It only ever moves downwards in this list, except `ringing` → `waiting` when an
/// agent does not answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// The buyer is in the queue.
    Waiting,
    /// One agent's console rings.
    Ringing,
    /// Both are in the call.
    Connected,
    /// The media is over; the agent writes outcome and notes.
    WrapUp,
    /// Done; the ticket is closed.
    Ended,
}

/// Why a call is over.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The buyer hung up during the call.
    BuyerHungUp,
    /// The agent hung up.
    AgentHungUp,
    /// The buyer left the queue before an agent came.
    Abandoned,
    /// The buyer's connection was gone for longer than the grace time.
    BuyerLost,
    /// The agent's connection was gone for longer than the grace time.
    AgentLost,
    /// The server stopped.
    ServerStopped,
}

/// What is being recorded, as both sides must see it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    /// The buyer has not agreed: nothing is written.
    Off,
    /// Both sides are being recorded.
    On,
    /// It goes on, but nothing is stored right now; see [`RecordingPause`].
    Paused,
    /// It was recorded for a while and is not any more, because the agent took their consent back; what there is stays
    /// unless the buyer withdraws.
    Stopped,
    /// The buyer withdrew: what was recorded has been deleted.
    Deleted,
    /// The buyer withdrew, and a legal hold keeps what was recorded: it is locked, and deleted when the hold is lifted.
    Withheld,
    /// The buyer agreed but the recorder cannot write (disk full, for one); the call goes on.
    Failed,
}

/// What stands against recording a call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// The buyer has not agreed.
    Buyer,
    /// The agent has not agreed.
    Agent,
    /// The rules of a side's country forbid it.
    Region,
    /// The queue is never recorded.
    Queue,
}

/// Why nothing is stored for a while.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// Card data is read out or shown.
    CardData,
    /// A password or an identity document.
    Credentials,
    /// Something else that must not be stored.
    Other,
    /// The buyer is on hold, and the queue's rules leave that out.
    Hold,
    /// The agent asks a colleague, and the queue's rules leave that out.
    Consult,
}

/// A pause of the recording that lasts: nothing that anybody says or shows is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct RecordingPause {
    /// Why.
    pub reason: PauseReason,
    /// From this moment on.
    pub since: Timestamp,
    /// It ends by itself at this time; absent when the call has to go on first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub until: Option<Timestamp>,
}

/// The product page the buyer came from, as signed by the shop.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, TS)]
pub struct Product {
    /// The shop's stock keeping unit; at most 64 characters.
    pub sku: String,
    /// Name in the buyer's language; at most 200 characters.
    pub name: String,
    /// Page of the product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub url: Option<String>,
    /// Picture of the product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub image_url: Option<String>,
    /// Price as the shop shows it, with currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub price: Option<String>,
}

/// An order of the buyer, as signed by the shop.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, TS)]
pub struct Order {
    /// The shop's order number; at most 64 characters.
    pub number: String,
    /// E.g. "delivered", in the shop's words.
    pub status: String,
    /// When it was placed, as the shop shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub placed: Option<String>,
    /// Total with currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub total: Option<String>,
    /// Lines such as "2 × Aurora lamp".
    #[serde(default)]
    pub items: Vec<String>,
}

/// Everything the shop vouches for about the buyer and why they call.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, TS)]
pub struct BuyerContext {
    /// The shop's id of the buyer; opaque to us.
    pub subject: String,
    /// How to address the buyer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    /// BCP 47 tag, e.g. `de-AT`.
    pub language: String,
    /// Country of the buyer, ISO 3166-1 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub country: Option<String>,
    /// The page the buyer tapped on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub product: Option<Product>,
    /// The order it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub order: Option<Order>,
    /// What a first-line bot or form has found out; plain text, at most 2,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub summary: Option<String>,
    /// Name of the queue the call belongs in; without it, country and language decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub queue: Option<String>,
}

/// A line that buyers stand in.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, TS)]
pub struct QueueInfo {
    /// What programs call it, e.g. `support`; it stays with the call.
    pub name: String,
    /// What people read.
    pub title: String,
}

/// One person in a call, as shown to the others. The buyer is shown the agent and supervisors who barge; staff are shown
/// everybody.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Party {
    /// Stays the same across reloads.
    pub id: PartyId,
    /// What they are in it.
    pub side: Side,
    /// Name to show.
    pub name: String,
    /// False while the person's connection is gone and the grace time runs.
    pub present: bool,
    /// What the person sends right now; a muted microphone or a camera that is off is not in the list.
    pub sending: Vec<Source>,
    /// What the server lets nobody have, whatever the person sends: muted by the agent or a supervisor.
    pub muted: Vec<Source>,
    /// Supervisors: how they follow the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub monitor: Option<MonitorMode>,
}

/// An agent's question to a colleague while the buyer waits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Consult {
    /// Who is asked.
    pub colleague: UserId,
    /// Their name.
    pub name: String,
    /// False while the colleague has not answered; from then on they are one of the parties.
    pub talking: bool,
}

/// What a colleague sees when an agent asks them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct ConsultAsk {
    /// Which call it is about.
    pub call: CallId,
    /// The agent's name.
    pub from: String,
    /// What the shop signed.
    pub context: BuyerContext,
    /// The question goes away at this time.
    pub expires_at: Timestamp,
}

/// How well a person's connection carries the call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Nobody notices anything.
    Good,
    /// Somebody may notice: pictures are coarser, sound may crackle.
    Fair,
    /// Everybody notices.
    Poor,
}

/// One person's connection, as the consoles and the widget show it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct PartyLink {
    /// Whose.
    pub party: PartyId,
    /// In one word.
    pub link: LinkState,
    /// The connection is too weak for moving pictures: this person is sent sound only for the time being.
    pub video_paused: bool,
    /// Round trip, milliseconds. Staff only, as the figures after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub rtt_ms: Option<u32>,
    /// Packets lost on the worse of the two directions, in thousandths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub loss_permille: Option<u16>,
    /// What the person sends, kbit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub up_kbps: Option<u32>,
    /// What the person is sent, kbit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub down_kbps: Option<u32>,
}

/// The floor as a member of staff may see it: colleagues, and for supervisors every call.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, TS)]
pub struct FloorView {
    /// Staff who are connected, by name, without whoever is told.
    pub staff: Vec<Colleague>,
    /// Supervisors: calls that are connected, oldest first. Empty for others.
    pub calls: Vec<FloorCall>,
    /// Buyers in line.
    pub waiting: u32,
}

/// A member of staff who is connected.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Colleague {
    /// Who.
    pub id: UserId,
    /// Name to show.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// As the desk sees them.
    pub availability: Availability,
}

/// A connected call on the floor.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct FloorCall {
    /// Which.
    pub id: CallId,
    /// The agent's name.
    pub agent: String,
    /// The buyer's name.
    pub buyer: String,
    /// The buyer's language, BCP 47.
    pub language: String,
    /// The queue it came from.
    pub queue: QueueInfo,
    /// The agent accepted at this time.
    pub since: Timestamp,
    /// The buyer is on hold.
    pub held: bool,
    /// The worst connection of the parties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub link: Option<LinkState>,
    /// Names of supervisors who follow it.
    pub monitors: Vec<String>,
}

/// A call, whole, after every change: clients render it and never patch it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct CallView {
    /// Which call.
    pub id: CallId,
    /// Where it stands.
    pub state: CallState,
    /// The buyer asked for help at this time.
    pub requested_at: Timestamp,
    /// The agent accepted at this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub accepted_at: Option<Timestamp>,
    /// The media ended at this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ended_at: Option<Timestamp>,
    /// Why it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub end_reason: Option<EndReason>,
    /// Who you are in it.
    pub you: PartyId,
    /// Everybody in it, you included.
    pub parties: Vec<Party>,
    /// Recording, as the banner shows it.
    pub recording: RecordingState,
    /// Only in staff's views: what stands against recording; empty when it may be recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<Obstacle>>", optional)]
    pub obstacles: Vec<Obstacle>,
    /// While it is paused: why and for how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub paused: Option<RecordingPause>,
    /// The buyer is on hold since: buyer and staff neither hear nor see each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub held_since: Option<Timestamp>,
    /// Only in staff's views: a colleague is being asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub consult: Option<Consult>,
    /// The chat so far, oldest first; at most the last 200.
    pub chat: Vec<ChatLine>,
    /// Only in the agent's view: what the shop signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub context: Option<BuyerContext>,
    /// Only in staff's views: the queue it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub queue: Option<QueueInfo>,
    /// Only in the agent's view: the ticket, which exists from accept on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ticket: Option<TicketRef>,
    /// Only in the agent's view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub recording_id: Option<RecordingId>,
}

/// Enough of a ticket to name and link it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct TicketRef {
    /// Its id.
    pub id: TicketId,
    /// What people call it, e.g. `V-1042`.
    pub number: String,
}

/// One line of chat.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct ChatLine {
    /// Counts from 1 in each call.
    pub number: u32,
    /// Who wrote it.
    pub from: PartyId,
    /// Plain text, at most 2,000 characters.
    pub text: String,
    /// When the server got it.
    pub at: Timestamp,
}

/// Place in line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct QueuePlace {
    /// 1 is next.
    pub position: u32,
    /// Agents logged in and available or in a call.
    pub agents_on_duty: u32,
    /// Expected wait, seconds, as a range; absent when nobody is on duty or nothing is known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub expected_wait_s: Option<(u32, u32)>,
}

/// What an agent sees while the console rings.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Ring {
    /// Which call.
    pub call: CallId,
    /// What the shop signed: product, order, language.
    pub context: BuyerContext,
    /// The queue the buyer stands in.
    pub queue: QueueInfo,
    /// The buyer has been waiting since.
    pub requested_at: Timestamp,
    /// The ring goes to somebody else at this time (RONA: redirection on no answer).
    pub expires_at: Timestamp,
    /// Whether it would be recorded if this agent took it.
    pub recording: bool,
    /// What stands against recording then.
    pub obstacles: Vec<Obstacle>,
}

/// Why a ring stopped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RingEnd {
    /// This agent answered.
    Accepted,
    /// This agent declined.
    Declined,
    /// Nobody answered in time; the agent is set to away.
    NoAnswer,
    /// The buyer gave up.
    BuyerLeft,
}

/// Whether calls may ring at an agent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// May ring.
    Available,
    /// Logged in, must not ring.
    Away,
    /// Ringing, in a call, or in wrap-up.
    Busy,
}
