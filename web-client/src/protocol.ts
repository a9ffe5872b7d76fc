// Generated from signaling/protocol by `make protocol`. Do not edit: change the Rust types.

export const PROTOCOL_VERSION = 1;

export type CallId = string;

export type TicketId = string;

export type RecordingId = string;

export type UserId = string;

export type BuyerSessionId = string;

export type PartyId = string;

export type ReceiptId = string;

export type HoldId = string;

export type ErasureId = string;

export type FormId = string;

export type FormVersionId = string;

export type ReviewId = string;

export type SecondScoreId = string;

export type DisputeId = string;

export type CommentId = string;

export type SavedFilterId = string;

export type SampleId = string;

export type ExportId = string;

export type Problem = { 
/**
 * `/problems/<code>`: stable, for programs. A page at that address explains it.
 */
type: string, 
/**
 * Short, the same for every occurrence.
 */
title: string, 
/**
 * HTTP status.
 */
status: number, 
/**
 * What went wrong this time and what to change.
 */
detail: string, 
/**
 * The field, setting or header to change, when there is one.
 */
field?: string, };

export type Role = "agent" | "supervisor" | "reviewer" | "admin";

export type Side = "buyer" | "agent" | "consultant" | "supervisor";

export type Source = "microphone" | "camera" | "screen";

export type CallState = "waiting" | "ringing" | "connected" | "wrap_up" | "ended";

export type EndReason = "buyer_hung_up" | "agent_hung_up" | "abandoned" | "buyer_lost" | "agent_lost" | "server_stopped";

export type RecordingState = "off" | "on" | "paused" | "stopped" | "deleted" | "withheld" | "failed";

export type Obstacle = "buyer" | "agent" | "region" | "queue";

export type PauseReason = "card_data" | "credentials" | "other" | "hold" | "consult";

export type RecordingPause = { 
/**
 * Why.
 */
reason: PauseReason, 
/**
 * From this moment on.
 */
since: string, 
/**
 * It ends by itself at this time; absent when the call has to go on first.
 */
until?: string, };

export type Product = { 
/**
 * The shop's stock keeping unit; at most 64 characters.
 */
sku: string, 
/**
 * Name in the buyer's language; at most 200 characters.
 */
name: string, 
/**
 * Page of the product.
 */
url?: string, 
/**
 * Picture of the product.
 */
image_url?: string, 
/**
 * Price as the shop shows it, with currency.
 */
price?: string, };

export type Order = { 
/**
 * The shop's order number; at most 64 characters.
 */
number: string, 
/**
 * E.g. "delivered", in the shop's words.
 */
status: string, 
/**
 * When it was placed, as the shop shows it.
 */
placed?: string, 
/**
 * Total with currency.
 */
total?: string, 
/**
 * Lines such as "2 × Aurora lamp".
 */
items: Array<string>, };

export type BuyerContext = { 
/**
 * The shop's id of the buyer; opaque to us.
 */
subject: string, 
/**
 * How to address the buyer.
 */
name?: string, 
/**
 * BCP 47 tag, e.g. `de-AT`.
 */
language: string, 
/**
 * Country of the buyer, ISO 3166-1 alpha-2.
 */
country?: string, 
/**
 * The page the buyer tapped on.
 */
product?: Product, 
/**
 * The order it is about.
 */
order?: Order, 
/**
 * What a first-line bot or form has found out; plain text, at most 2,000 characters.
 */
summary?: string, 
/**
 * Name of the queue the call belongs in; without it, country and language decide.
 */
queue?: string, };

export type QueueInfo = { 
/**
 * What programs call it, e.g. `support`; it stays with the call.
 */
name: string, 
/**
 * What people read.
 */
title: string, };

export type Party = { 
/**
 * Stays the same across reloads.
 */
id: PartyId, 
/**
 * What they are in it.
 */
side: Side, 
/**
 * Name to show.
 */
name: string, 
/**
 * False while the person's connection is gone and the grace time runs.
 */
present: boolean, 
/**
 * What the person sends right now; a muted microphone or a camera that is off is not in the list.
 */
sending: Array<Source>, 
/**
 * What the server lets nobody have, whatever the person sends: muted by the agent or a supervisor.
 */
muted: Array<Source>, 
/**
 * Supervisors: how they follow the call.
 */
monitor?: MonitorMode, };

export type CallView = { 
/**
 * Which call.
 */
id: CallId, 
/**
 * Where it stands.
 */
state: CallState, 
/**
 * The buyer asked for help at this time.
 */
requested_at: string, 
/**
 * The agent accepted at this time.
 */
accepted_at?: string, 
/**
 * The media ended at this time.
 */
ended_at?: string, 
/**
 * Why it ended.
 */
end_reason?: EndReason, 
/**
 * Who you are in it.
 */
you: PartyId, 
/**
 * Everybody in it, you included.
 */
parties: Array<Party>, 
/**
 * Recording, as the banner shows it.
 */
recording: RecordingState, 
/**
 * Only in staff's views: what stands against recording; empty when it may be recorded.
 */
obstacles?: Array<Obstacle>, 
/**
 * While it is paused: why and for how long.
 */
paused?: RecordingPause, 
/**
 * The buyer is on hold since: buyer and staff neither hear nor see each other.
 */
held_since?: string, 
/**
 * Only in staff's views: a colleague is being asked.
 */
consult?: Consult, 
/**
 * The chat so far, oldest first; at most the last 200.
 */
chat: Array<ChatLine>, 
/**
 * Only in the agent's view: what the shop signed.
 */
context?: BuyerContext, 
/**
 * Only in staff's views: the queue it came from.
 */
queue?: QueueInfo, 
/**
 * Only in the agent's view: the ticket, which exists from accept on.
 */
ticket?: TicketRef, 
/**
 * Only in the agent's view.
 */
recording_id?: RecordingId, };

export type TicketRef = { 
/**
 * Its id.
 */
id: TicketId, 
/**
 * What people call it, e.g. `V-1042`.
 */
number: string, };

export type ChatLine = { 
/**
 * Counts from 1 in each call.
 */
number: number, 
/**
 * Who wrote it.
 */
from: PartyId, 
/**
 * Plain text, at most 2,000 characters.
 */
text: string, 
/**
 * When the server got it.
 */
at: string, };

export type QueuePlace = { 
/**
 * 1 is next.
 */
position: number, 
/**
 * Agents logged in and available or in a call.
 */
agents_on_duty: number, 
/**
 * Expected wait, seconds, as a range; absent when nobody is on duty or nothing is known yet.
 */
expected_wait_s?: [number, number], };

export type Ring = { 
/**
 * Which call.
 */
call: CallId, 
/**
 * What the shop signed: product, order, language.
 */
context: BuyerContext, 
/**
 * The queue the buyer stands in.
 */
queue: QueueInfo, 
/**
 * The buyer has been waiting since.
 */
requested_at: string, 
/**
 * The ring goes to somebody else at this time (RONA: redirection on no answer).
 */
expires_at: string, 
/**
 * Whether it would be recorded if this agent took it.
 */
recording: boolean, 
/**
 * What stands against recording then.
 */
obstacles: Array<Obstacle>, };

export type RingEnd = "accepted" | "declined" | "no_answer" | "buyer_left";

export type Availability = "available" | "away" | "busy";

export type MonitorMode = "listen" | "whisper" | "barge";

export type Consult = { 
/**
 * Who is asked.
 */
colleague: UserId, 
/**
 * Their name.
 */
name: string, 
/**
 * False while the colleague has not answered; from then on they are one of the parties.
 */
talking: boolean, };

export type ConsultAsk = { 
/**
 * Which call it is about.
 */
call: CallId, 
/**
 * The agent's name.
 */
from: string, 
/**
 * What the shop signed.
 */
context: BuyerContext, 
/**
 * The question goes away at this time.
 */
expires_at: string, };

export type LinkState = "good" | "fair" | "poor";

export type PartyLink = { 
/**
 * Whose.
 */
party: PartyId, 
/**
 * In one word.
 */
link: LinkState, 
/**
 * The connection is too weak for moving pictures: this person is sent sound only for the time being.
 */
video_paused: boolean, 
/**
 * Round trip, milliseconds. Staff only, as the figures after it.
 */
rtt_ms?: number, 
/**
 * Packets lost on the worse of the two directions, in thousandths.
 */
loss_permille?: number, 
/**
 * What the person sends, kbit/s.
 */
up_kbps?: number, 
/**
 * What the person is sent, kbit/s.
 */
down_kbps?: number, };

export type FloorView = { 
/**
 * Staff who are connected, by name, without whoever is told.
 */
staff: Array<Colleague>, 
/**
 * Supervisors: calls that are connected, oldest first. Empty for others.
 */
calls: Array<FloorCall>, 
/**
 * Buyers in line.
 */
waiting: number, };

export type Colleague = { 
/**
 * Who.
 */
id: UserId, 
/**
 * Name to show.
 */
name: string, 
/**
 * What they may do.
 */
role: Role, 
/**
 * As the desk sees them.
 */
availability: Availability, };

export type FloorCall = { 
/**
 * Which.
 */
id: CallId, 
/**
 * The agent's name.
 */
agent: string, 
/**
 * The buyer's name.
 */
buyer: string, 
/**
 * The buyer's language, BCP 47.
 */
language: string, 
/**
 * The queue it came from.
 */
queue: QueueInfo, 
/**
 * The agent accepted at this time.
 */
since: string, 
/**
 * The buyer is on hold.
 */
held: boolean, 
/**
 * The worst connection of the parties.
 */
link?: LinkState, 
/**
 * Names of supervisors who follow it.
 */
monitors: Array<string>, };

export type ClientFrame = { 
/**
 * Counts from 1 on each connection.
 */
seq: number, } & ({ "type": "hello", 
/**
 * [`PROTOCOL_VERSION`]
 */
version: number, 
/**
 * Buyers: the token of the buyer session. Staff: absent, the cookie says who they are.
 */
session_token?: string, 
/**
 * After a broken connection.
 */
resume?: Resume, } | { "type": "offer", 
/**
 * SDP: send lines, receive slots (3 audio, 4 video), one data channel line.
 */
sdp: string, 
/**
 * Which send line carries what.
 */
sources: Array<SourceLine>, } | { "type": "set_availability", 
/**
 * `available` or `away`.
 */
availability: Availability, } | { "type": "request_help", 
/**
 * The buyer's choice about recording; absent only when they were not asked.
 */
consent?: ConsentChoice, } | { "type": "accept", 
/**
 * Which.
 */
call: CallId, } | { "type": "decline", 
/**
 * Which.
 */
call: CallId, } | { "type": "sending", 
/**
 * Sources that are live.
 */
sources: Array<Source>, } | { "type": "chat", 
/**
 * 1–2,000 characters.
 */
text: string, } | { "type": "set_consent", 
/**
 * The new choice. The buyer's withdrawal stops the recording at once and deletes what there is; an agent's stops
 * it.
 */
consent: ConsentChoice, } | { "type": "hang_up" } | { "type": "views", 
/**
 * Sizes by slot; a slot that is not in the list is not shown.
 */
slots: Array<SlotSize>, } | { "type": "client_stats", 
/**
 * See [`ClientStats`].
 */
stats: ClientStats, } | { "type": "set_hold", 
/**
 * True: on hold.
 */
on: boolean, } | { "type": "pause_recording", 
/**
 * `card_data`, `credentials` or `other`; the others come by themselves.
 */
reason: PauseReason, 
/**
 * The recording goes on by itself after so many seconds, 10 to 600.
 */
at_most_s: number, } | { "type": "resume_recording" } | { "type": "mute", 
/**
 * Whose.
 */
party: PartyId, 
/**
 * Which.
 */
source: Source, 
/**
 * True: nobody gets it.
 */
muted: boolean, } | { "type": "monitor", 
/**
 * Which.
 */
call: CallId, 
/**
 * How.
 */
mode: MonitorMode, } | { "type": "monitor_end" } | { "type": "consult_start", 
/**
 * Whom.
 */
colleague: UserId, } | { "type": "consult_answer", 
/**
 * Which call it is about.
 */
call: CallId, 
/**
 * False: not now.
 */
accept: boolean, } | { "type": "consult_end" } | { "type": "watch_floor", 
/**
 * True: be told.
 */
on: boolean, } | { "type": "first_frame", 
/**
 * Milliseconds from `call` turning `connected` on this client to the first frame shown.
 */
after_ms: number, });

export type ServerFrame = { 
/**
 * Counts from 1 over the life of the session, across reconnects.
 */
seq: number, } & ({ "type": "welcome", 
/**
 * [`PROTOCOL_VERSION`]
 */
version: number, 
/**
 * Proves who takes up this session after a broken connection; good for the grace time.
 */
resume_token: string, 
/**
 * Whether `resume` worked and what follows is only what was missed.
 */
resumed: boolean, 
/**
 * Seconds a lost connection may take to come back before the call ends.
 */
grace_s: number, 
/**
 * Staff: role and availability.
 */
staff?: StaffWelcome, 
/**
 * The call this person is in, if any (after a reload, for one).
 */
call?: CallView, 
/**
 * Agent: a ring that was already going on.
 */
ring?: Ring, 
/**
 * Staff: a colleague's question that has no answer yet.
 */
consult?: ConsultAsk, } | { "type": "refused", 
/**
 * Why, and what to change.
 */
problem: Problem, } | { "type": "problem", 
/**
 * `seq` of the client message it answers.
 */
reply_to: number, 
/**
 * Why, and what to change.
 */
problem: Problem, } | { "type": "answer", 
/**
 * SDP.
 */
sdp: string, } | { "type": "slots", 
/**
 * In the order of the offer's receive lines.
 */
slots: Array<SlotView>, } | { "type": "availability", 
/**
 * See [`Availability`].
 */
availability: Availability, } | { "type": "queue", 
/**
 * The place.
 */
place: QueuePlace, } | { "type": "ring", 
/**
 * All there is to see before accepting.
 */
ring: Ring, } | { "type": "ring_ended", 
/**
 * Which.
 */
call: CallId, 
/**
 * Why.
 */
reason: RingEnd, } | { "type": "call", 
/**
 * See [`CallView`].
 */
call: CallView, } | { "type": "own_consent", 
/**
 * What proves it.
 */
receipt: ConsentReceipt, } | { "type": "chat", 
/**
 * Which call.
 */
call: CallId, 
/**
 * The line.
 */
line: ChatLine, } | { "type": "send_wish", 
/**
 * Which send line.
 */
source: Source, 
/**
 * Every encoding of it, lowest first.
 */
encodings: Array<EncodingWish>, } | { "type": "speaking", 
/**
 * Which call.
 */
call: CallId, 
/**
 * The one to look at: stays when somebody coughs, and when everybody is silent.
 */
speaker?: PartyId, 
/**
 * Everybody who speaks right now, of those you can hear, and you.
 */
speaking: Array<PartyId>, } | { "type": "quality", 
/**
 * Which call.
 */
call: CallId, 
/**
 * Everybody you see in it, you included.
 */
links: Array<PartyLink>, } | { "type": "floor", 
/**
 * The whole of it.
 */
floor: FloorView, } | { "type": "consult_asked", 
/**
 * All there is to see before answering.
 */
ask: ConsultAsk, } | { "type": "consult_ask_ended", 
/**
 * Which call it was about.
 */
call: CallId, });

export type ClientMessage = { "type": "hello", 
/**
 * [`PROTOCOL_VERSION`]
 */
version: number, 
/**
 * Buyers: the token of the buyer session. Staff: absent, the cookie says who they are.
 */
session_token?: string, 
/**
 * After a broken connection.
 */
resume?: Resume, } | { "type": "offer", 
/**
 * SDP: send lines, receive slots (3 audio, 4 video), one data channel line.
 */
sdp: string, 
/**
 * Which send line carries what.
 */
sources: Array<SourceLine>, } | { "type": "set_availability", 
/**
 * `available` or `away`.
 */
availability: Availability, } | { "type": "request_help", 
/**
 * The buyer's choice about recording; absent only when they were not asked.
 */
consent?: ConsentChoice, } | { "type": "accept", 
/**
 * Which.
 */
call: CallId, } | { "type": "decline", 
/**
 * Which.
 */
call: CallId, } | { "type": "sending", 
/**
 * Sources that are live.
 */
sources: Array<Source>, } | { "type": "chat", 
/**
 * 1–2,000 characters.
 */
text: string, } | { "type": "set_consent", 
/**
 * The new choice. The buyer's withdrawal stops the recording at once and deletes what there is; an agent's stops
 * it.
 */
consent: ConsentChoice, } | { "type": "hang_up" } | { "type": "views", 
/**
 * Sizes by slot; a slot that is not in the list is not shown.
 */
slots: Array<SlotSize>, } | { "type": "client_stats", 
/**
 * See [`ClientStats`].
 */
stats: ClientStats, } | { "type": "set_hold", 
/**
 * True: on hold.
 */
on: boolean, } | { "type": "pause_recording", 
/**
 * `card_data`, `credentials` or `other`; the others come by themselves.
 */
reason: PauseReason, 
/**
 * The recording goes on by itself after so many seconds, 10 to 600.
 */
at_most_s: number, } | { "type": "resume_recording" } | { "type": "mute", 
/**
 * Whose.
 */
party: PartyId, 
/**
 * Which.
 */
source: Source, 
/**
 * True: nobody gets it.
 */
muted: boolean, } | { "type": "monitor", 
/**
 * Which.
 */
call: CallId, 
/**
 * How.
 */
mode: MonitorMode, } | { "type": "monitor_end" } | { "type": "consult_start", 
/**
 * Whom.
 */
colleague: UserId, } | { "type": "consult_answer", 
/**
 * Which call it is about.
 */
call: CallId, 
/**
 * False: not now.
 */
accept: boolean, } | { "type": "consult_end" } | { "type": "watch_floor", 
/**
 * True: be told.
 */
on: boolean, } | { "type": "first_frame", 
/**
 * Milliseconds from `call` turning `connected` on this client to the first frame shown.
 */
after_ms: number, };

export type ServerMessage = { "type": "welcome", 
/**
 * [`PROTOCOL_VERSION`]
 */
version: number, 
/**
 * Proves who takes up this session after a broken connection; good for the grace time.
 */
resume_token: string, 
/**
 * Whether `resume` worked and what follows is only what was missed.
 */
resumed: boolean, 
/**
 * Seconds a lost connection may take to come back before the call ends.
 */
grace_s: number, 
/**
 * Staff: role and availability.
 */
staff?: StaffWelcome, 
/**
 * The call this person is in, if any (after a reload, for one).
 */
call?: CallView, 
/**
 * Agent: a ring that was already going on.
 */
ring?: Ring, 
/**
 * Staff: a colleague's question that has no answer yet.
 */
consult?: ConsultAsk, } | { "type": "refused", 
/**
 * Why, and what to change.
 */
problem: Problem, } | { "type": "problem", 
/**
 * `seq` of the client message it answers.
 */
reply_to: number, 
/**
 * Why, and what to change.
 */
problem: Problem, } | { "type": "answer", 
/**
 * SDP.
 */
sdp: string, } | { "type": "slots", 
/**
 * In the order of the offer's receive lines.
 */
slots: Array<SlotView>, } | { "type": "availability", 
/**
 * See [`Availability`].
 */
availability: Availability, } | { "type": "queue", 
/**
 * The place.
 */
place: QueuePlace, } | { "type": "ring", 
/**
 * All there is to see before accepting.
 */
ring: Ring, } | { "type": "ring_ended", 
/**
 * Which.
 */
call: CallId, 
/**
 * Why.
 */
reason: RingEnd, } | { "type": "call", 
/**
 * See [`CallView`].
 */
call: CallView, } | { "type": "own_consent", 
/**
 * What proves it.
 */
receipt: ConsentReceipt, } | { "type": "chat", 
/**
 * Which call.
 */
call: CallId, 
/**
 * The line.
 */
line: ChatLine, } | { "type": "send_wish", 
/**
 * Which send line.
 */
source: Source, 
/**
 * Every encoding of it, lowest first.
 */
encodings: Array<EncodingWish>, } | { "type": "speaking", 
/**
 * Which call.
 */
call: CallId, 
/**
 * The one to look at: stays when somebody coughs, and when everybody is silent.
 */
speaker?: PartyId, 
/**
 * Everybody who speaks right now, of those you can hear, and you.
 */
speaking: Array<PartyId>, } | { "type": "quality", 
/**
 * Which call.
 */
call: CallId, 
/**
 * Everybody you see in it, you included.
 */
links: Array<PartyLink>, } | { "type": "floor", 
/**
 * The whole of it.
 */
floor: FloorView, } | { "type": "consult_asked", 
/**
 * All there is to see before answering.
 */
ask: ConsultAsk, } | { "type": "consult_ask_ended", 
/**
 * Which call it was about.
 */
call: CallId, };

export type Resume = { 
/**
 * From the last `welcome`.
 */
token: string, 
/**
 * The last server message number seen.
 */
last_seq: number, };

export type SourceLine = { 
/**
 * MID of the line.
 */
mid: string, 
/**
 * What it carries.
 */
source: Source, };

export type ConsentChoice = { 
/**
 * True: may record.
 */
recording: boolean, 
/**
 * The text they were shown, from [`crate::rest::ConsentText::version`].
 */
text_version: string, 
/**
 * The language it was shown in, BCP 47.
 */
language: string, };

export type StaffWelcome = { 
/**
 * Name to show.
 */
name: string, 
/**
 * What they may do.
 */
role: Role, 
/**
 * How the desk sees them.
 */
availability: Availability, 
/**
 * What they chose about being recorded, of the words in force; absent when they have not been asked.
 */
consent?: ConsentReceipt, };

export type SlotView = { 
/**
 * MID of the line.
 */
mid: string, 
/**
 * What it shows; absent when empty.
 */
shows?: SlotTrack, };

export type SlotTrack = { 
/**
 * Whose.
 */
party: PartyId, 
/**
 * Which.
 */
source: Source, };

export type SlotSize = { 
/**
 * MID of the line.
 */
mid: string, 
/**
 * Device pixels, 0–16,384; 0 × 0 is not shown.
 */
width: number, 
/**
 * Device pixels.
 */
height: number, };

export type ClientStats = { 
/**
 * Length of the report, 100–60,000 ms.
 */
period_ms: number, 
/**
 * Freezes of any video (`freezeCount`) that ended in it.
 */
freezes: number, 
/**
 * Time frozen (`totalFreezesDuration`), ms, at most `period_ms` a video.
 */
frozen_ms: number, 
/**
 * Video frames decoded (`framesDecoded`).
 */
frames_decoded: number, 
/**
 * Audio samples that were made up (`concealedSamples` without `silentConcealedSamples`).
 */
concealed_samples: number, 
/**
 * All audio samples played (`totalSamplesReceived`).
 */
audio_samples: number, 
/**
 * Packets that came.
 */
packets_received: number, 
/**
 * Packets that never came, as the client counts.
 */
packets_lost: number, 
/**
 * Greatest jitter of a stream, ms.
 */
jitter_ms: number, 
/**
 * Round trip of the selected candidate pair, ms.
 */
rtt_ms?: number, 
/**
 * What came, kbit/s.
 */
down_kbps: number, 
/**
 * What was sent, kbit/s.
 */
up_kbps: number, };

export type EncodingWish = { 
/**
 * Its RID; absent on a line with one encoding only.
 */
rid?: string, 
/**
 * Whether anybody needs it.
 */
active: boolean, 
/**
 * Send no more than this, bit/s; absent: as the client likes.
 */
max_bitrate?: number, };

export type Stars = number;

export type NewRating = { 
/**
 * 1–5.
 */
stars: Stars, 
/**
 * In the buyer's words, at most 500 characters; absent or empty: none.
 */
comment?: string, };

export type Rating = { 
/**
 * 1–5.
 */
stars: Stars, 
/**
 * In the buyer's words.
 */
comment?: string, 
/**
 * When it was given, or changed last.
 */
at: string, };

export type RatingKept = { 
/**
 * As it is now.
 */
rating: Rating, 
/**
 * Until then another `PUT` replaces it.
 */
changeable_until: string, };

export type Flag = "complaint" | "comment" | "paused" | "noted" | "legal_hold" | "withheld";

export type Facets = { 
/**
 * Recordings found; counting stops at 10,000.
 */
count: number, 
/**
 * There are more than that.
 */
more: boolean, 
/**
 * Agents by id. Each list counts what the search would find without its own field; the most frequent first, at
 * most 200.
 */
agents: Array<Facet>, 
/**
 * Queues, with their titles.
 */
queues: Array<Facet>, 
/**
 * Countries.
 */
markets: Array<Facet>, 
/**
 * Languages.
 */
languages: Array<Facet>, 
/**
 * Outcomes.
 */
outcomes: Array<Facet>, 
/**
 * Flags.
 */
flags: Array<Facet>, };

export type Facet = { 
/**
 * What to write into the field.
 */
value: string, 
/**
 * What people read, where it is something else.
 */
label?: string, 
/**
 * How many recordings have it.
 */
count: number, };

export type NewSavedFilter = { 
/**
 * What its owner calls it, 1–80 characters.
 */
name: string, 
/**
 * The search as in the address, e.g. `period=last_week&csat_max=2` (see [`crate::search`]).
 */
query: string, 
/**
 * Whether everybody who may see recordings finds it in their list.
 */
shared: boolean, };

export type SavedFilter = { 
/**
 * Which.
 */
id: SavedFilterId, 
/**
 * What its owner calls it.
 */
name: string, 
/**
 * The search.
 */
query: string, 
/**
 * Whether others find it.
 */
shared: boolean, 
/**
 * Whether you may change it.
 */
mine: boolean, 
/**
 * The owner's name.
 */
owner: string, 
/**
 * Whether your list begins with it.
 */
is_default: boolean, };

export type Amount = { "kind": "share", 
/**
 * 1–100.
 */
percent: number, } | { "kind": "count", 
/**
 * 1–1,000.
 */
count: number, };

export type Stratum = "all" | "agent" | "queue" | "market";

export type SampleRule = { 
/**
 * How much of each stratum.
 */
amount: Amount, 
/**
 * Of what each.
 */
per: Stratum, 
/**
 * Leave out what was reviewed already.
 */
exclude_reviewed: boolean, };

export type NewSample = { 
/**
 * 1–80 characters.
 */
name: string, 
/**
 * Of which recordings: a search as in the address (see [`crate::search`]). Its period is fixed when the sample is
 * drawn. Empty: of all.
 */
query: string, 
/**
 * Where days begin for who asks, e.g. `Europe/Vienna`; UTC unless said.
 */
zone?: string, 
/**
 * How to draw. Absent: `recordings` it is.
 */
rule?: SampleRule, 
/**
 * Without a rule: which recordings, in order; 1–1,000.
 */
recordings?: Array<RecordingId>, 
/**
 * Who reviews; the recordings are dealt out among them. Nobody: whoever comes.
 */
reviewers: Array<UserId>, 
/**
 * Makes the drawing repeatable; one is chosen when absent.
 */
seed?: number, };

export type SampleChange = { 
/**
 * 1–80 characters.
 */
name: string, 
/**
 * Who reviews; what is not reviewed yet is dealt out anew.
 */
reviewers: Array<UserId>, };

export type Sample = { 
/**
 * Which.
 */
id: SampleId, 
/**
 * What people call it.
 */
name: string, 
/**
 * Of which recordings; its period is a stretch of time by now.
 */
query: string, 
/**
 * How it was drawn; absent when picked by hand.
 */
rule?: SampleRule, 
/**
 * The seed of the drawing.
 */
seed: number, 
/**
 * Who made it.
 */
created_by: string, 
/**
 * When.
 */
created_at: string, 
/**
 * When it was drawn last.
 */
drawn_at: string, 
/**
 * Who reviews.
 */
reviewers: Array<Reviewer>, 
/**
 * Recordings in it.
 */
total: number, 
/**
 * Of them reviewed.
 */
reviewed: number, };

export type Reviewer = { 
/**
 * Who.
 */
id: UserId, 
/**
 * Name to show.
 */
name: string, 
/**
 * Recordings of the sample that are theirs.
 */
total: number, 
/**
 * Of them reviewed.
 */
reviewed: number, };

export type SampleDraw = { 
/**
 * Recordings drawn.
 */
drawn: number, 
/**
 * Recordings there are.
 */
population: number, 
/**
 * By stratum, in order of name.
 */
strata: Array<StratumDraw>, };

export type StratumDraw = { 
/**
 * An agent's name, a country; empty: not known, or all.
 */
name: string, 
/**
 * Recordings drawn.
 */
drawn: number, 
/**
 * Recordings there are.
 */
population: number, };

export type SampleItem = { 
/**
 * As in the list of recordings.
 */
recording: RecordingSummary, 
/**
 * Counts from 1.
 */
position: number, 
/**
 * Which stratum it stands for.
 */
stratum: string, 
/**
 * Whose it is.
 */
reviewer?: UserId, 
/**
 * Reviewed at.
 */
reviewed_at?: string, };

export type SamplePlace = { 
/**
 * The worklist's name.
 */
name: string, 
/**
 * Counts from 1.
 */
position: number, 
/**
 * Recordings in the worklist.
 */
total: number, 
/**
 * Of them reviewed.
 */
reviewed: number, 
/**
 * Whether this one is.
 */
reviewed_at?: string, 
/**
 * The one before.
 */
previous?: RecordingId, 
/**
 * The one after.
 */
next?: RecordingId, 
/**
 * The next one (from the beginning again, after the end) that is not reviewed and is yours or nobody's.
 */
next_open?: RecordingId, };

export type ItemChange = { 
/**
 * True: reviewed.
 */
reviewed: boolean, };

export type NewBuyerSession = { 
/**
 * Language the widget shows, BCP 47.
 */
language: string, };

export type BuyerSession = { 
/**
 * Names the visit.
 */
id: BuyerSessionId, 
/**
 * Opens the WebSocket; kept in memory or `sessionStorage`, never in a cookie.
 */
session_token: string, 
/**
 * The token is good until.
 */
expires_at: string, 
/**
 * Who will answer, e.g. "Lumen & Co. support".
 */
answered_by: string, 
/**
 * Agents logged in and available or in a call.
 */
agents_on_duty: number, 
/**
 * The words about recording; absent when the call is not recorded whatever anybody says.
 */
consent?: ConsentText, 
/**
 * What the shop signed, so that the widget can show the product.
 */
context: BuyerContext, };

export type ConsentText = { 
/**
 * Changes whenever the words change.
 */
version: string, 
/**
 * BCP 47 tag of these words (may be a fallback).
 */
language: string, 
/**
 * What is recorded, why, for how long, and how to withdraw.
 */
text: string, 
/**
 * SHA-256 of `text`, hex: what the receipt will hold.
 */
sha256: string, };

export type Login = { 
/**
 * Address of the account.
 */
email: string, 
/**
 * Password.
 */
password: string, };

export type Action = "take_calls" | "read_own_calls" | "read_all_calls" | "wrap_up_for_others" | "monitor_calls" | "see_recordings" | "play_recordings" | "play_unmasked" | "export_recordings" | "erase_recordings" | "hold_recordings" | "read_audit" | "manage_users" | "score_recordings" | "manage_forms" | "dispute_scores" | "decide_disputes";

export type UserRights = { 
/**
 * Account.
 */
id: UserId, 
/**
 * Address.
 */
email: string, 
/**
 * Name.
 */
name: string, 
/**
 * Their role.
 */
role: Role, 
/**
 * What was changed for them.
 */
changes: RightsChanges, 
/**
 * What they may do in the end.
 */
rights: Array<Action>, };

export type RightsChanges = { 
/**
 * Beyond their role.
 */
grants: Array<Action>, 
/**
 * Despite their role.
 */
denials: Array<Action>, 
/**
 * They see, play and export only calls of these queues, and their own; absent: of all queues.
 */
queues?: Array<string>, };

export type Me = { 
/**
 * Account.
 */
id: UserId, 
/**
 * Address.
 */
email: string, 
/**
 * Name shown to buyers and colleagues.
 */
name: string, 
/**
 * What they are.
 */
role: Role, 
/**
 * Where they work, ISO 3166-1 alpha-2, if anybody has said so.
 */
country?: string, 
/**
 * What they may do.
 */
rights: Array<Action>, 
/**
 * The queues whose calls they see, their own calls aside; absent: all.
 */
queues?: Array<string>, };

export type Page<T> = { 
/**
 * The rows.
 */
items: Array<T>, 
/**
 * Give it as `before` to get the next page; absent on the last one.
 */
next?: string, };

export type CallSummary = { 
/**
 * Which.
 */
id: CallId, 
/**
 * Where it stands.
 */
state: CallState, 
/**
 * Asked for help.
 */
requested_at: string, 
/**
 * Accepted.
 */
accepted_at?: string, 
/**
 * Over.
 */
ended_at?: string, 
/**
 * Why it is over.
 */
end_reason?: EndReason, 
/**
 * Name of the agent.
 */
agent?: string, 
/**
 * Name of the queue it came from.
 */
queue: string, 
/**
 * What the shop signed.
 */
context: BuyerContext, 
/**
 * Its ticket.
 */
ticket?: TicketId, 
/**
 * Its recording.
 */
recording?: RecordingId, 
/**
 * Whether the buyer's personal fields are masked for whoever asked.
 */
masked: boolean, };

export type Outcome = { 
/**
 * Stable code, e.g. `transport_damage`.
 */
code: string, 
/**
 * What agents read.
 */
label: string, };

export type WrapUp = { 
/**
 * One of `GET /outcomes`.
 */
outcome: string, 
/**
 * Free text, at most 10,000 characters.
 */
notes: string, };

export type Ticket = { 
/**
 * Id.
 */
id: TicketId, 
/**
 * What people call it, e.g. `V-1042`.
 */
number: string, 
/**
 * Its call.
 */
call: CallSummary, 
/**
 * Who handled it.
 */
agent: string, 
/**
 * Outcome code, once wrapped up.
 */
outcome?: string, 
/**
 * Notes, once wrapped up.
 */
notes: string, 
/**
 * Wrapped up at.
 */
closed_at?: string, 
/**
 * What buyer and agent chose, every time they chose, oldest first.
 */
receipts: Array<ConsentReceipt>, 
/**
 * What the buyer thought of it.
 */
rating?: Rating, 
/**
 * The recording, unless there is none or it was deleted.
 */
recording?: RecordingSummary, };

export type ConsentReceipt = { 
/**
 * Id.
 */
id: ReceiptId, 
/**
 * On which side of the call they are.
 */
side: RecordedSide, 
/**
 * Who chose: the shop's id of the buyer, or the account of the agent.
 */
subject: string, 
/**
 * True: may record.
 */
recording: boolean, 
/**
 * Version of the text shown.
 */
text_version: string, 
/**
 * SHA-256 of the text shown, hex.
 */
text_sha256: string, 
/**
 * Language of the text shown.
 */
language: string, 
/**
 * What for, e.g. `quality_review`.
 */
purpose: string, 
/**
 * When.
 */
at: string, };

export type RecordingSummary = { 
/**
 * Id.
 */
id: RecordingId, 
/**
 * Its call.
 */
call: CallId, 
/**
 * Its ticket.
 */
ticket?: TicketId, 
/**
 * The ticket's number.
 */
ticket_number?: string, 
/**
 * Who handled it.
 */
agent: string, 
/**
 * Name of the queue the call came from.
 */
queue: string, 
/**
 * SKU the call was about.
 */
sku?: string, 
/**
 * Product the call was about.
 */
product?: string, 
/**
 * Language of the buyer.
 */
language: string, 
/**
 * Country of the buyer, ISO 3166-1 alpha-2.
 */
country?: string, 
/**
 * What is to know at first sight.
 */
flags: Array<Flag>, 
/**
 * Outcome code.
 */
outcome?: string, 
/**
 * What the buyer thought of the call.
 */
rating?: Rating, 
/**
 * First recorded packet.
 */
started_at: string, 
/**
 * Length of the session timeline, milliseconds.
 */
duration_ms: number, 
/**
 * Whether it is finished (false while the call goes on).
 */
complete: boolean, 
/**
 * Stretches of which nothing was stored, in time order.
 */
pauses: Array<PauseSpan>, };

export type PauseSpan = { 
/**
 * Why.
 */
reason: PauseReason, 
/**
 * From.
 */
since: string, 
/**
 * To; absent while it lasts, and when the recording ended in it.
 */
ended_at?: string, 
/**
 * Nobody ended it: its time was over.
 */
timed_out: boolean, };

export type Why = { 
/**
 * In their words, 1 to 500 characters. It stays in the audit log for ever, so it should name no buyer.
 */
why: string, };

export type Recording = { 
/**
 * As in the list.
 */
summary: RecordingSummary, 
/**
 * Every track, in order of first media.
 */
tracks: Array<RecordingTrack>, 
/**
 * Until when it is kept, and why.
 */
kept: Kept, 
/**
 * Whether the buyer's personal fields are masked for whoever asked.
 */
masked: boolean, };

export type RecordedSide = "buyer" | "agent";

export type RecordingTrack = { 
/**
 * Name within the recording; the last part of `url`.
 */
id: string, 
/**
 * Whose.
 */
side: RecordedSide, 
/**
 * Name of the person.
 */
name: string, 
/**
 * Which source.
 */
source: Source, 
/**
 * For `MediaSource.addSourceBuffer`, e.g. `video/webm; codecs="vp8"`.
 */
mime: string, 
/**
 * Path of the bytes.
 */
url: string, 
/**
 * The init segment (WebM header, or `ftyp`+`moov`): offset and length in bytes.
 */
init: ByteRange, 
/**
 * Fragments (WebM clusters, or `moof`+`mdat`). Timestamps inside the file count from the start of the
 * session timeline, so fragments of all tracks line up without offsets.
 */
fragments: Array<Fragment>, 
/**
 * How the picture must be turned from which moment on, in order; at least one entry for video. Phones turn in the
 * middle of a call, and nothing in the file says so.
 */
turns: Array<Turn>, };

export type ByteRange = { 
/**
 * First byte.
 */
offset: number, 
/**
 * How many.
 */
length: number, };

export type Fragment = { 
/**
 * Where in the file.
 */
bytes: ByteRange, 
/**
 * Start, milliseconds of session time.
 */
start_ms: number, 
/**
 * End of its last sample, milliseconds of session time.
 */
end_ms: number, 
/**
 * Whether decoding can begin here (always true for audio).
 */
keyframe: boolean, };

export type Turn = { 
/**
 * From this moment on, milliseconds of session time.
 */
at_ms: number, 
/**
 * Clockwise: 0, 90, 180 or 270.
 */
degrees: number, };

export type QualityTimeline = { 
/**
 * In order of time; about one every 2 s a person. A very long call ends with `truncated`.
 */
points: Array<QualityPoint>, 
/**
 * The call went on for longer than the timeline is kept.
 */
truncated: boolean, };

export type QualityPoint = { 
/**
 * End of the stretch.
 */
at: string, 
/**
 * Whose.
 */
party: PartyId, 
/**
 * What they are in the call.
 */
side: Side, 
/**
 * In one word.
 */
link: LinkState, 
/**
 * Round trip between the person and the server, ms.
 */
rtt_ms?: number, 
/**
 * Packets lost on the way from the person, in thousandths.
 */
up_loss_permille: number, 
/**
 * Packets lost on the way to the person, in thousandths.
 */
down_loss_permille: number, 
/**
 * Jitter of what the person sends, ms.
 */
jitter_ms: number, 
/**
 * What the person sent, kbit/s.
 */
up_kbps: number, 
/**
 * What the person was sent, kbit/s.
 */
down_kbps: number, 
/**
 * What the way to the person carries, as estimated, kbit/s.
 */
estimate_kbps?: number, 
/**
 * Packets asked of the person again.
 */
nacks: number, 
/**
 * Packets sent to the person again.
 */
retransmitted: number, 
/**
 * Keyframes asked of the person.
 */
plis: number, 
/**
 * The connection was too weak for moving pictures.
 */
video_paused: boolean, 
/**
 * What the client reported about what it shows and plays; absent when it said nothing.
 */
seen?: QualitySeen, };

export type QualitySeen = { 
/**
 * Freezes of video that ended in the stretch.
 */
freezes: number, 
/**
 * Time frozen, ms.
 */
frozen_ms: number, 
/**
 * Frames decoded a second, all videos together.
 */
frames_per_second: number, 
/**
 * Audio made up, in thousandths of what was played.
 */
concealed_permille: number, };

export type Score = number;

export type Person = { 
/**
 * Account.
 */
id: UserId, 
/**
 * Name.
 */
name: string, };

export type FormContent = { 
/**
 * What it is called.
 */
title: string, 
/**
 * What reviewers read before they begin.
 */
intro: string, 
/**
 * In the order they are asked.
 */
sections: Array<FormSection>, };

export type FormSection = { 
/**
 * What it is about.
 */
title: string, 
/**
 * Percent of the whole score, 1 to 100; all sections together are 100.
 */
weight: number, 
/**
 * In the order they are asked.
 */
questions: Array<FormQuestion>, };

export type FormQuestion = { 
/**
 * Names the question within the form, in all its versions: `a-z`, `0-9`, `-` and `_`, at most 40.
 */
key: string, 
/**
 * What is asked.
 */
text: string, 
/**
 * How to judge it, with examples.
 */
help: string, 
/**
 * What can be answered.
 */
kind: QuestionKind, 
/**
 * Its part of the section beside the section's other questions, 1 to 100.
 */
points: number, 
/**
 * Whether it can be said that the question does not apply.
 */
na_allowed: boolean, 
/**
 * Failing it (no, or the lowest value) makes the whole score 0.
 */
critical: boolean, };

export type QuestionKind = { "kind": "yes_no" } | { "kind": "scale", 
/**
 * Lowest value, 0 to 9.
 */
min: number, 
/**
 * Highest value, above the lowest, at most 10.
 */
max: number, 
/**
 * What the lowest value means.
 */
low: string, 
/**
 * What the highest value means.
 */
high: string, };

export type ReviewForm = { 
/**
 * Id.
 */
id: FormId, 
/**
 * The queue whose calls it is for; absent: all calls.
 */
queue?: string, 
/**
 * Not offered any more since.
 */
archived_at?: string, 
/**
 * What is being worked on; absent when nothing differs from the newest version.
 */
draft?: FormContent, 
/**
 * What keeps the draft from being published; empty when nothing does.
 */
flaws: Array<FormFlaw>, 
/**
 * Counts the changes of the draft, so that two editors do not overwrite each other.
 */
revision: number, 
/**
 * What new scores are made on.
 */
published?: FormVersion, 
/**
 * Every version there was, newest first, without what it asks.
 */
versions: Array<FormVersionRef>, };

export type FormFlaw = { 
/**
 * Where, e.g. `sections[0].questions[2].text`.
 */
field: string, 
/**
 * What is wrong and what to change.
 */
detail: string, };

export type FormVersion = { 
/**
 * Id.
 */
id: FormVersionId, 
/**
 * Its form.
 */
form: FormId, 
/**
 * 1 for the first.
 */
number: number, 
/**
 * When it was published.
 */
published_at: string, 
/**
 * What it asks.
 */
content: FormContent, };

export type FormVersionRef = { 
/**
 * Id.
 */
id: FormVersionId, 
/**
 * 1 for the first.
 */
number: number, 
/**
 * When it was published.
 */
published_at: string, 
/**
 * Scores made on it.
 */
scores: number, };

export type NewForm = { 
/**
 * What it asks. May be unfinished.
 */
content: FormContent, 
/**
 * The queue whose calls it is for; absent: all calls.
 */
queue?: string, };

export type FormDraft = { 
/**
 * What it asks now. May be unfinished.
 */
content: FormContent, 
/**
 * The queue whose calls it is for; absent: all calls. Takes effect at once.
 */
queue?: string, 
/**
 * [`ReviewForm::revision`] of what was changed.
 */
revision: number, };

export type PublishForm = { 
/**
 * [`ReviewForm::revision`] of what is to be published.
 */
revision: number, };

export type ArchiveForm = { 
/**
 * True: not offered any more.
 */
archived: boolean, };

export type Answer = { "kind": "yes" } | { "kind": "no" } | { "kind": "scale", 
/**
 * Which.
 */
value: number, } | { "kind": "not_applicable" };

export type Answered = { 
/**
 * Key of the question.
 */
question: string, 
/**
 * The answer; absent while only a comment was written.
 */
answer?: Answer, 
/**
 * Why, at most 1,000 characters.
 */
comment: string, 
/**
 * The moment that shows it, milliseconds of session time.
 */
at_ms?: number, };

export type Answers = { 
/**
 * One a question, in any order.
 */
answers: Array<Answered>, 
/**
 * About the whole call, at most 4,000 characters.
 */
comment: string, };

export type NewReview = { 
/**
 * The published version to score on.
 */
form_version: FormVersionId, };

export type DraftSaved = { 
/**
 * Since when.
 */
saved_at: string, };

export type NewRevision = { 
/**
 * The answers as they should have been.
 */
answers: Answers, 
/**
 * Why, 1 to 2,000 characters. The agent reads it.
 */
reason: string, };

export type ReviewState = "draft" | "submitted";

export type Scored = { 
/**
 * What counts: 0 when a critical question was failed.
 */
score: Score, 
/**
 * What it would be if no question were critical.
 */
earned: Score, 
/**
 * Keys of the critical questions that were failed.
 */
failed: Array<string>, 
/**
 * Of each section, in order; absent where nothing applied.
 */
sections: Array<Score | null>, };

export type Revision = { 
/**
 * 1 for what was submitted first.
 */
number: number, 
/**
 * When.
 */
at: string, 
/**
 * By whom.
 */
by: Person, 
/**
 * Why it differs from the one before; empty for the first.
 */
reason: string, 
/**
 * The answers.
 */
answers: Answers, 
/**
 * What they come to.
 */
scored: Scored, };

export type ReviewSummary = { 
/**
 * Id.
 */
id: ReviewId, 
/**
 * What was reviewed.
 */
recording: RecordingId, 
/**
 * Its call.
 */
call: CallId, 
/**
 * Number of the call's ticket.
 */
ticket_number?: string, 
/**
 * When the call was recorded.
 */
call_at: string, 
/**
 * Whose call it was.
 */
agent: Person, 
/**
 * Who reviews.
 */
reviewer: Person, 
/**
 * Title of the form.
 */
form: string, 
/**
 * The version of the form.
 */
form_version: FormVersionId, 
/**
 * Its number.
 */
form_version_number: number, 
/**
 * Where it stands.
 */
state: ReviewState, 
/**
 * Whether it was made as a blind second score.
 */
second: boolean, 
/**
 * Submitted first at.
 */
submitted_at?: string, 
/**
 * The score that counts now, once submitted.
 */
score?: Score, 
/**
 * Whether a critical question was failed.
 */
critical: boolean, 
/**
 * How many revisions there are.
 */
revisions: number, 
/**
 * The newest dispute, if there was one.
 */
dispute?: DisputeState, };

export type Review = { 
/**
 * As in the list.
 */
summary: ReviewSummary, 
/**
 * What was asked.
 */
form: FormVersion, 
/**
 * What has been written so far, while it is a draft.
 */
draft?: Answers, 
/**
 * Every state it was in since it was submitted, oldest first.
 */
revisions: Array<Revision>, 
/**
 * Every dispute, oldest first.
 */
disputes: Array<Dispute>, 
/**
 * What the person who asks may do with it.
 */
may: ReviewRights, };

export type ReviewRights = { 
/**
 * Go on writing it, submit it.
 */
write: boolean, 
/**
 * Correct it.
 */
revise: boolean, 
/**
 * Dispute it.
 */
dispute: boolean, 
/**
 * Until when.
 */
dispute_until?: string, 
/**
 * Decide about the open dispute.
 */
decide: boolean, 
/**
 * Withdraw the open dispute.
 */
withdraw: boolean, 
/**
 * Ask somebody for a second score.
 */
ask_second: boolean, };

export type ReviewBoard = { 
/**
 * Own ones and those that may be seen, newest first.
 */
reviews: Array<ReviewSummary>, 
/**
 * Whether others are kept from the one who asks, who may give a blind second score.
 */
blinded: boolean, 
/**
 * Forms that new scores can be made on.
 */
forms: Array<FormVersion>, 
/**
 * Second scores that are open and concern the one who asks.
 */
seconds: Array<SecondScore>, 
/**
 * Whose call it was.
 */
agent: Person, 
/**
 * Whether the one who asks may begin a review: nobody scores their own call.
 */
may_score: boolean, };

export type DisputeState = "open" | "accepted" | "rejected" | "withdrawn";

export type Dispute = { 
/**
 * Id.
 */
id: DisputeId, 
/**
 * Where it stands.
 */
state: DisputeState, 
/**
 * The revision it is about.
 */
revision: number, 
/**
 * Why.
 */
reason: string, 
/**
 * Keys of the questions it is about; empty: the whole score.
 */
questions: Array<string>, 
/**
 * When.
 */
at: string, 
/**
 * An answer is due at. Nothing is decided by time alone; later it counts as overdue.
 */
due_at: string, 
/**
 * Who decided.
 */
decided_by?: Person, 
/**
 * When.
 */
decided_at?: string, 
/**
 * What was answered.
 */
answer: string, };

export type DisputeRow = { 
/**
 * The dispute.
 */
dispute: Dispute, 
/**
 * The review it is about.
 */
review: ReviewSummary, 
/**
 * Whether its answer is late.
 */
overdue: boolean, };

export type NewDispute = { 
/**
 * Why, 1 to 2,000 characters.
 */
reason: string, 
/**
 * Keys of the questions it is about; empty: the whole score.
 */
questions: Array<string>, };

export type Reason = { 
/**
 * 1 to 2,000 characters.
 */
reason: string, };

export type SecondScore = { 
/**
 * Id.
 */
id: SecondScoreId, 
/**
 * The recording to score.
 */
recording: RecordingId, 
/**
 * Number of the call's ticket.
 */
ticket_number?: string, 
/**
 * Whose call it was.
 */
agent: Person, 
/**
 * Title of the form.
 */
form: string, 
/**
 * Who asked.
 */
asked_by: Person, 
/**
 * When.
 */
asked_at: string, 
/**
 * Whether chance chose it.
 */
sampled: boolean, 
/**
 * Who is to score; absent: whoever comes first.
 */
reviewer?: Person, 
/**
 * Their review, once begun and if the one who asks may know.
 */
review?: ReviewId, 
/**
 * Whether the one who asks may begin (or go on with) it.
 */
may_start: boolean, 
/**
 * Whether the one who asks may call it off.
 */
may_cancel: boolean, };

export type AskSecond = { 
/**
 * Of whom; absent: of whoever comes first.
 */
reviewer?: UserId, };

export type SampleSecond = { 
/**
 * How many in a hundred, 1 to 100; at least one of what there is.
 */
percent: number, 
/**
 * Of the scores submitted in so many days until now, 1 to 365.
 */
days: number, };

export type Calibration = { 
/**
 * The version.
 */
form: FormVersion, 
/**
 * One a score that may be seen, in order of submission.
 */
scores: Array<CalibrationScore>, 
/**
 * One a question, in the form's order.
 */
questions: Array<QuestionDifference>, 
/**
 * How far the scores are apart; absent with fewer than two.
 */
agreement?: Agreement, };

export type CalibrationScore = { 
/**
 * The review.
 */
review: ReviewId, 
/**
 * By whom.
 */
reviewer: Person, 
/**
 * What it comes to.
 */
scored: Scored, };

export type QuestionDifference = { 
/**
 * Key of the question.
 */
question: string, 
/**
 * One a score, in their order.
 */
answers: Array<Answered>, 
/**
 * Largest difference between two answers as a share of the scale, 0 to 1. An answer and "does not apply" are 1
 * apart.
 */
spread: number, };

export type Agreement = { 
/**
 * Mean absolute difference of the scores, percentage points.
 */
score_difference: number, 
/**
 * The same of what was earned, without critical questions.
 */
earned_difference: number, 
/**
 * Mean absolute difference of the answers as a share of their scales, 0 to 1.
 */
answer_difference: number, 
/**
 * Share of the answers that are the same, 0 to 1.
 */
same: number, 
/**
 * Whether all agree about which critical questions were failed.
 */
same_critical: boolean, };

export type CommentKind = "comment" | "bookmark";

export type TimelineComment = { 
/**
 * Id.
 */
id: CommentId, 
/**
 * Which.
 */
kind: CommentKind, 
/**
 * Where it is or begins, milliseconds of session time.
 */
at_ms: number, 
/**
 * Where it ends, when it is about a stretch.
 */
end_ms?: number, 
/**
 * Words.
 */
text: string, 
/**
 * Who wrote it.
 */
author: Person, 
/**
 * When.
 */
created_at: string, 
/**
 * Changed since.
 */
edited_at?: string, 
/**
 * Who settled it.
 */
resolved_by?: Person, 
/**
 * Whether the one who asks wrote it.
 */
own: boolean, };

export type NewComment = { 
/**
 * Which.
 */
kind: CommentKind, 
/**
 * Where it is or begins, milliseconds of session time.
 */
at_ms: number, 
/**
 * Where it ends, when it is about a stretch.
 */
end_ms?: number, 
/**
 * At most 2,000 characters; only a bookmark may go without.
 */
text: string, };

export type ResolveComment = { 
/**
 * True: settled.
 */
resolved: boolean, };

export type ReplayTimeline = { 
/**
 * Length of the session timeline, milliseconds.
 */
duration_ms: number, 
/**
 * Nothing will be added any more.
 */
complete: boolean, 
/**
 * The voices.
 */
talk: ReplayTalk, 
/**
 * Where nothing was recorded, on purpose; in time order.
 */
pauses: Array<ReplayPause>, 
/**
 * Where the buyer was on hold; in time order.
 */
holds: Array<[number, number]>, 
/**
 * Where tracks have no media; only tracks that have such places.
 */
gaps: Array<ReplayGaps>, 
/**
 * Every choice about being recorded, oldest first.
 */
receipts: Array<ReplayReceipt>, 
/**
 * How the connections were; at most one entry a side.
 */
quality: Array<ReplayQuality>, 
/**
 * The call went on for longer than the figures of connections are kept.
 */
quality_truncated: boolean, 
/**
 * The chat, oldest first.
 */
chat: Array<ReplayChatLine>, 
/**
 * What happened in the call, oldest first.
 */
events: Array<ReplayEvent>, };

export type ReplayTalk = { 
/**
 * Length of one cell of a waveform, milliseconds.
 */
cell_ms: number, 
/**
 * Buyer, then agent; only sides with a voice.
 */
sides: Array<ReplayVoice>, 
/**
 * Where both speak.
 */
talk_over: Array<[number, number]>, 
/**
 * Where nobody speaks for three seconds and longer, pauses of the recording left out.
 */
silence: Array<[number, number]>, };

export type ReplayVoice = { 
/**
 * Whose.
 */
side: RecordedSide, 
/**
 * One byte a cell from the start of the session, base64: 255 times the square root of the largest sample.
 */
peaks: string, 
/**
 * Where it speaks.
 */
speech: Array<[number, number]>, 
/**
 * How long it speaks, milliseconds.
 */
talk_ms: number, 
/**
 * Integrated loudness (EBU R128), LUFS; absent when nothing was loud enough to measure.
 */
loudness_lufs?: number, };

export type ReplayPause = { 
/**
 * From, milliseconds of session time.
 */
start_ms: number, 
/**
 * To; absent while it lasts, or when the recording ended in it.
 */
end_ms?: number, 
/**
 * Why, e.g. `card_data`.
 */
reason: string, 
/**
 * Name of who asked; empty when the account is not known any more.
 */
by: string, 
/**
 * Nobody ended it: its time was over.
 */
resumed_by_itself: boolean, };

export type ReplayGaps = { 
/**
 * [`crate::rest::RecordingTrack::id`].
 */
track: string, 
/**
 * In time order.
 */
gaps: Array<ReplayGap>, };

export type ReplayGap = { 
/**
 * From, milliseconds of session time.
 */
start_ms: number, 
/**
 * To, milliseconds of session time.
 */
end_ms: number, 
/**
 * Why.
 */
reason: ReplayGapReason, };

export type ReplayGapReason = "silent" | "lost" | "restart" | "paused";

export type ReplayReceipt = { 
/**
 * When; negative before the recording began.
 */
at_ms: number, 
/**
 * Whose choice.
 */
side: RecordedSide, 
/**
 * True: may record. False: declined or withdrawn.
 */
recording: boolean, 
/**
 * Version of the text shown.
 */
text_version: string, 
/**
 * Language of the text shown.
 */
language: string, 
/**
 * What for, e.g. `quality_review`.
 */
purpose: string, };

export type ReplayQuality = { 
/**
 * Whose.
 */
side: RecordedSide, 
/**
 * End of the stretch, milliseconds of session time.
 */
at_ms: Array<number>, 
/**
 * In one word.
 */
link: Array<LinkState>, 
/**
 * Round trip between the person and the server, ms.
 */
rtt_ms: Array<number | null>, 
/**
 * Packets lost on the way from the person, in thousandths.
 */
up_loss_permille: Array<number>, 
/**
 * Packets lost on the way to the person, in thousandths.
 */
down_loss_permille: Array<number>, 
/**
 * What the person sent, kbit/s.
 */
up_kbps: Array<number>, 
/**
 * What the person was sent, kbit/s.
 */
down_kbps: Array<number>, 
/**
 * How long pictures stood still at the person, ms; 0 also when their client said nothing.
 */
frozen_ms: Array<number>, 
/**
 * Sound made up at the person, in thousandths; 0 also when their client said nothing.
 */
concealed_permille: Array<number>, };

export type ReplayChatLine = { 
/**
 * When; negative before the recording began.
 */
at_ms: number, 
/**
 * Whose; absent when nothing tells it any more.
 */
side?: RecordedSide, 
/**
 * The writer's name at the time.
 */
name: string, 
/**
 * Plain text.
 */
text: string, };

export type ReplayEvent = { 
/**
 * When; negative before the recording began.
 */
at_ms: number, 
/**
 * Who did it; absent when it happened by itself.
 */
by?: EventPerson, 
/**
 * What.
 */
what: CallEventKind, };

export type EventPerson = { 
/**
 * What they are in the call.
 */
side: Side, 
/**
 * Their name; never the buyer's, so that events need no erasing.
 */
name?: string, };

export type CallEventKind = { "kind": "connected" } | { "kind": "ended", 
/**
 * Why.
 */
reason: EndReason, } | { "kind": "held" } | { "kind": "taken_back" } | { "kind": "sending", 
/**
 * Which.
 */
source: Source, 
/**
 * On or off.
 */
on: boolean, } | { "kind": "muted", 
/**
 * Whose.
 */
whom: EventPerson, 
/**
 * Which.
 */
source: Source, 
/**
 * Muted, or let again.
 */
on: boolean, } | { "kind": "consult_asked", 
/**
 * Who.
 */
colleague: string, } | { "kind": "consult_began" } | { "kind": "consult_ended" } | { "kind": "following", 
/**
 * How.
 */
mode: MonitorMode, } | { "kind": "following_ended" } | { "kind": "connection_lost" } | { "kind": "connection_back" };

export type AuditEvent = "login_succeeded" | "login_failed" | "user_added" | "password_changed" | "rights_changed" | "api_key_made" | "consent_chosen" | "recording_played" | "unmasked" | "exported" | "export_downloaded" | "hold_placed" | "hold_lifted" | "recording_deleted" | "recording_withheld" | "aliases_changed" | "erasure_requested" | "erasure_finished" | "review_submitted" | "review_revised" | "dispute_opened" | "dispute_decided";

export type AuditEntry = { 
/**
 * Counts from 1 without gaps.
 */
number: number, 
/**
 * When.
 */
at: string, 
/**
 * Who: `user:<id>`, `shop:<id>`, `operator` (at the server's command line), `server`, or `nobody`.
 */
actor: string, 
/**
 * Their name, if they have one. Not part of what is hashed.
 */
actor_name?: string, 
/**
 * What.
 */
event: AuditEvent, 
/**
 * What it was done to, e.g. `recording:<id>`; may be empty.
 */
about: string, 
/**
 * The reason that was given, or the rule; may be empty.
 */
why: string, 
/**
 * More about it.
 */
detail: Record<string, unknown>, 
/**
 * SHA-256 of the hash before and this entry, hex.
 */
hash: string, };

export type AuditHead = { 
/**
 * Entries.
 */
entries: number, 
/**
 * Hash of the last one, hex.
 */
hash: string, 
/**
 * When that was so.
 */
at: string, };

export type AuditReport = { 
/**
 * Entries that are in order, from the first on.
 */
good: number, 
/**
 * Signed heads of earlier times that were compared.
 */
checkpoints: number, 
/**
 * The first thing that is wrong.
 */
broken?: AuditBreak, };

export type AuditBreak = { 
/**
 * The first entry that is not right.
 */
number: number, 
/**
 * What is wrong with it.
 */
what: string, };

export type Signed<T> = { 
/**
 * What is said.
 */
statement: T, 
/**
 * Ed25519 (RFC 8032).
 */
algorithm: string, 
/**
 * The server's public key, base64.
 */
public_key: string, 
/**
 * Signature, base64.
 */
signature: string, };

export type SubjectRef = { 
/**
 * Shop id, the `iss` of its tokens.
 */
shop: string, 
/**
 * The shop's id of the buyer, or one of their aliases.
 */
subject: string, };

export type NewHold = { 
/**
 * This recording.
 */
recording?: RecordingId, 
/**
 * This buyer.
 */
subject?: SubjectRef, 
/**
 * The buyer of this recording, for those who see the recording but not who it is.
 */
buyer_of?: RecordingId, 
/**
 * Why, 1 to 500 characters.
 */
why: string, };

export type Hold = { 
/**
 * Which.
 */
id: HoldId, 
/**
 * The recording it is about; absent when it is about a buyer.
 */
recording?: RecordingId, 
/**
 * Hash of the buyer it is about, see the audit log.
 */
subject_sha256?: string, 
/**
 * Why.
 */
why: string, 
/**
 * Since when.
 */
placed_at: string, 
/**
 * Name of who placed it.
 */
placed_by: string, 
/**
 * Lifted at.
 */
lifted_at?: string, };

export type Kept = { 
/**
 * Deleted soon after; whatever it says, not while a hold lasts.
 */
until: string, 
/**
 * Days after its start.
 */
days: number, 
/**
 * The rule that says so: of all that apply the one with the fewest days.
 */
rule: KeepRule, 
/**
 * What keeps it beyond that; empty for those who may not place holds.
 */
holds: Array<Hold>, };

export type KeepRule = "everywhere" | "queue" | "country";

export type NewAliases = { 
/**
 * The buyer.
 */
subject: string, 
/**
 * Other ids of the same buyer: from before they had an account, a hash of their address, … 1 to 100.
 */
aliases: Array<string>, };

export type Aliases = { 
/**
 * The first of them.
 */
subject: string, 
/**
 * The others.
 */
aliases: Array<string>, };

export type NewErasure = { 
/**
 * The buyer.
 */
subject?: SubjectRef, 
/**
 * The buyer of this recording.
 */
buyer_of?: RecordingId, 
/**
 * Why, 1 to 500 characters.
 */
why: string, };

export type Erasure = { 
/**
 * Which.
 */
id: ErasureId, 
/**
 * Hash of the buyer.
 */
subject_sha256: string, 
/**
 * Why.
 */
why: string, 
/**
 * Asked for at.
 */
requested_at: string, 
/**
 * Recordings erased so far.
 */
erased: number, 
/**
 * What went wrong last; it is tried again.
 */
trouble?: string, 
/**
 * The certificate, once it is done.
 */
certificate?: Signed<ErasureCertificate>, };

export type ErasureCertificate = { 
/**
 * Which erasure.
 */
erasure: ErasureId, 
/**
 * The shop.
 */
shop: string, 
/**
 * SHA-256 of `shop`, a zero byte and the subject, hex: whoever knows the subject can check that they are meant.
 */
subject_sha256: string, 
/**
 * Asked for at.
 */
requested_at: string, 
/**
 * Done at.
 */
finished_at: string, 
/**
 * Ids of the buyer that were looked for, the subject's own included.
 */
ids: number, 
/**
 * Recordings whose keys and media were destroyed.
 */
recordings: Array<ErasedRecording>, 
/**
 * Calls that lost what was known of the buyer: name, order, summary, chat, notes, comments.
 */
calls: Array<CallId>, 
/**
 * What was not erased, and why.
 */
kept: Array<NotErased>, };

export type ErasedRecording = { 
/**
 * Which.
 */
recording: RecordingId, 
/**
 * Its key was destroyed at.
 */
erased_at: string, 
/**
 * Whether copies in the archive are deleted, too. Without the key they are noise; while the archive cannot be reached
 * they stay until it can.
 */
archive: ArchiveErasure, };

export type ArchiveErasure = "gone" | "pending";

export type NotErased = { 
/**
 * The call with all that is known of it.
 */
call: CallId, 
/**
 * Why.
 */
because: KeptBecause, 
/**
 * The hold, if that is why.
 */
hold?: HoldId, };

export type KeptBecause = "hold" | "call_in_progress";

export type SigningKeyInfo = { 
/**
 * Ed25519.
 */
algorithm: string, 
/**
 * The public key, 32 bytes in base64.
 */
public_key: string, };

export type Redaction = { 
/**
 * From.
 */
start_ms: number, 
/**
 * To; later than the start.
 */
end_ms: number, };

export type NewExport = { 
/**
 * What for: 1 to 500 characters; goes into the audit log.
 */
reason: string, 
/**
 * Burns the time in.
 */
timestamps: boolean, 
/**
 * What to leave out: at most 100 stretches, in any order. They grow to whole pictures of 40 ms.
 */
redactions: Array<Redaction>, };

export type ExportStatus = "queued" | "running" | "done" | "failed" | "cancelled" | "deleted";

export type Export = { 
/**
 * Which.
 */
id: ExportId, 
/**
 * Of which recording.
 */
recording: RecordingId, 
/**
 * How it stands.
 */
status: ExportStatus, 
/**
 * While it runs: percent done.
 */
progress: number, 
/**
 * Who asked for it.
 */
by: UserId, 
/**
 * Their name.
 */
by_name: string, 
/**
 * What for.
 */
reason: string, 
/**
 * Whether the time is burnt in.
 */
timestamps: boolean, 
/**
 * What is left out, as asked for.
 */
redactions: Array<Redaction>, 
/**
 * Asked for.
 */
created_at: string, 
/**
 * Done, failed or cancelled.
 */
finished_at?: string, 
/**
 * The file is kept until then.
 */
expires_at?: string, 
/**
 * Why it failed.
 */
error?: string, 
/**
 * Length of the file, bytes.
 */
bytes?: number, 
/**
 * Length of what it shows, milliseconds.
 */
duration_ms?: number, 
/**
 * Where the file is, while there is one.
 */
url?: string, };
