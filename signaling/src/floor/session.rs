//! A person on the floor: who they are, their connection, their transport, and what they have been sent.

use std::collections::BTreeMap;

use jiff::Timestamp;
use protocol::call::{BuyerContext, FloorView, Source};
use protocol::ids::{BuyerSessionId, UserId};
use protocol::rest::Me;
use protocol::ws::{EncodingWish, ServerMessage, SlotTrack, SlotView};
use sfu::{AnswerSlot, Kind, Mid, ParticipantId, View};
use tokio::sync::{mpsc, oneshot};

use super::outbox::{Outbox, WireText};
use super::rules::{Leg, Occupancy, Standing};

/// Messages that may wait for one connection to take them: a whole replay and as much again. A client that is this
/// far behind is not listening.
pub const OUTLET_MAX: usize = 2 * super::outbox::KEPT_MAX;

/// Who somebody is, across reloads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Person {
    /// A buyer, for one visit.
    Buyer(BuyerSessionId),
    /// A member of staff.
    Staff(UserId),
}

impl std::fmt::Display for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Person::Buyer(session) => write!(f, "buyer:{session}"),
            Person::Staff(user) => write!(f, "staff:{user}"),
        }
    }
}

/// Who opened a connection, as the WebSocket has proved it.
#[derive(Clone, Debug)]
pub enum Identity {
    /// A buyer with a good session token.
    Buyer {
        /// The visit.
        session: BuyerSessionId,
        /// What the shop signed.
        context: Box<BuyerContext>,
    },
    /// A member of staff with a good cookie.
    Staff(Me),
}

impl Identity {
    /// Who that is.
    pub fn person(&self) -> Person {
        match self {
            Identity::Buyer { session, .. } => Person::Buyer(*session),
            Identity::Staff(me) => Person::Staff(me.id),
        }
    }

    /// The name the other side is shown.
    pub fn name(&self) -> &str {
        match self {
            Identity::Buyer { context, .. } => context.name.as_deref().unwrap_or("Guest"),
            Identity::Staff(me) => &me.name,
        }
    }
}

/// Names one WebSocket connection for the life of the process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConnectionId(pub u64);

/// Why the floor closes a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Farewell {
    /// The same person opened another one.
    Replaced,
    /// The client reads too slowly.
    TooSlow,
    /// The person logged out.
    LoggedOut,
    /// The server stops.
    Stopping,
}

/// The floor's end of a connection.
#[derive(Debug)]
pub struct Outlet {
    /// Messages on their way out.
    pub frames: mpsc::Sender<WireText>,
    /// Says goodbye; what is queued is sent before.
    pub farewell: oneshot::Sender<Farewell>,
}

/// The connection's end of an [`Outlet`].
#[derive(Debug)]
pub struct Inlet {
    /// Messages to send.
    pub frames: mpsc::Receiver<WireText>,
    /// Resolves when the floor closes the connection.
    pub farewell: oneshot::Receiver<Farewell>,
}

/// Makes the two ends of what the floor tells a connection.
pub fn outlet() -> (Outlet, Inlet) {
    let (frames, frames_rx) = mpsc::channel(OUTLET_MAX);
    let (farewell, farewell_rx) = oneshot::channel();
    (Outlet { frames, farewell }, Inlet { frames: frames_rx, farewell: farewell_rx })
}

/// A receive slot and what is known of it.
#[derive(Clone, Debug)]
struct SlotState {
    slot: AnswerSlot,
    is: Occupancy,
    /// What the client is told.
    track: Option<SlotTrack>,
}

/// A person's media transport.
#[derive(Clone, Debug)]
pub(super) struct Transport {
    pub(super) participant: ParticipantId,
    /// The certificate's fingerprint as the offer gave it: the same one again means an ICE restart.
    pub(super) fingerprint: String,
    /// What the send lines carry.
    pub(super) sources: Vec<Source>,
    /// What the media plane last wished of each.
    pub(super) wishes: BTreeMap<Source, Vec<EncodingWish>>,
    /// How large video slots are shown, as far as the media plane was told.
    pub(super) sizes: BTreeMap<Mid, View>,
    /// Which sources the media plane lets in; `None` when it did not answer.
    let_in: BTreeMap<Source, Option<bool>>,
    slots: Vec<SlotState>,
}

impl Transport {
    pub(super) fn new(
        participant: ParticipantId,
        fingerprint: String,
        sources: Vec<Source>,
        slots: &[AnswerSlot],
    ) -> Self {
        let empty = |slot: &AnswerSlot| SlotState { slot: *slot, is: Occupancy::Known(None), track: None };
        Self {
            participant,
            fingerprint,
            // The media plane lets everything in until it is told otherwise.
            let_in: sources.iter().map(|source| (*source, Some(true))).collect(),
            sources,
            wishes: BTreeMap::new(),
            sizes: BTreeMap::new(),
            slots: slots.iter().map(empty).collect(),
        }
    }

    /// What the rules have to know of it.
    pub(super) fn leg(&self, standing: Standing) -> Leg {
        Leg {
            who: self.participant,
            standing,
            publishes: self.sources.clone(),
            slots: self.slots.iter().map(|state| (state.slot, state.is)).collect(),
        }
    }

    /// Whether the media plane lets a source in, as far as is known.
    pub(super) fn lets_in(&self, source: Source) -> Option<bool> {
        self.let_in.get(&source).copied().flatten()
    }

    pub(super) fn let_in(&mut self, source: Source, on: Option<bool>) {
        self.let_in.insert(source, on);
    }

    /// Video slots whose size is another one now.
    pub(super) fn resized(&self, size_of: impl Fn(Mid) -> View) -> Vec<(Mid, View)> {
        let video = self.slots.iter().map(|state| state.slot).filter(|slot| slot.kind == Kind::Video);
        video
            .map(|slot| (slot.mid, size_of(slot.mid)))
            .filter(|(mid, view)| self.sizes.get(mid) != Some(view))
            .collect()
    }

    pub(super) fn show(&mut self, mid: Mid, is: Occupancy, track: Option<SlotTrack>) {
        if let Some(state) = self.slots.iter_mut().find(|state| state.slot.mid == mid) {
            *state = SlotState { is, track, ..*state };
        }
    }

    /// Slots that show something, or may.
    pub(super) fn occupied(&self) -> Vec<Mid> {
        let occupied = self.slots.iter().filter(|state| state.is != Occupancy::Known(None));
        occupied.map(|state| state.slot.mid).collect()
    }

    /// All slots, as the client is told.
    pub(super) fn views(&self) -> Vec<SlotView> {
        let view =
            |state: &SlotState| SlotView { mid: state.slot.mid.to_string(), shows: state.track.clone() };
        self.slots.iter().map(view).collect()
    }
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Session {
    pub(super) identity: Identity,
    pub(super) outbox: Outbox,
    pub(super) connection: Option<(ConnectionId, Outlet)>,
    /// Set while there is no connection.
    pub(super) lost_at: Option<Timestamp>,
    pub(super) transport: Option<Transport>,
    pub(super) sending: Vec<Source>,
    /// The last call broke for want of an agent: the next one goes to the head of the line.
    pub(super) goes_first: bool,
    /// Staff: is told of the floor at every change, and what it was told last.
    pub(super) watches: Option<Box<FloorView>>,
}

impl Session {
    pub(super) fn new(identity: Identity) -> Self {
        let token: [u8; 16] = rand::random();
        let token = token.iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            identity,
            outbox: Outbox::new(token),
            connection: None,
            lost_at: None,
            transport: None,
            sending: Vec::new(),
            goes_first: false,
            watches: None,
        }
    }

    /// Numbers, keeps and sends a message. False when the client is too far behind: it must be closed.
    pub(super) fn tell(&mut self, message: ServerMessage) -> bool {
        let text = self.outbox.push(message);
        self.send(text)
    }

    /// Sends a text as it is. False when the client is too far behind.
    pub(super) fn send(&self, text: WireText) -> bool {
        let Some((_, outlet)) = &self.connection else { return true };
        // A closed channel is a connection on its way out; the floor will hear of it.
        !matches!(outlet.frames.try_send(text), Err(mpsc::error::TrySendError::Full(_)))
    }

    /// Closes the connection, if there is one.
    pub(super) fn hang_up(&mut self, why: Farewell) -> Option<ConnectionId> {
        let (id, outlet) = self.connection.take()?;
        let _ = outlet.farewell.send(why);
        Some(id)
    }
}

/// The first `a=fingerprint` of an SDP, which names the client's certificate (RFC 8122 §5).
pub(super) fn fingerprint(sdp: &str) -> Option<&str> {
    sdp.lines().find_map(|line| line.trim_end().strip_prefix("a=fingerprint:"))
}

/// A source as the media plane names it.
pub(super) fn media_source(source: Source) -> sfu::Source {
    match source {
        Source::Microphone => sfu::Source::Microphone,
        Source::Camera => sfu::Source::Camera,
        Source::Screen => sfu::Source::Screen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::ids::PartyId;

    use super::super::rules::Shown;

    fn slot(mid: &str, kind: Kind) -> AnswerSlot {
        AnswerSlot { mid: Mid::new(mid).unwrap(), kind }
    }

    #[test]
    fn a_client_is_told_what_is_known_and_a_slot_that_may_show_something_is_not_empty() {
        let slots = [slot("3", Kind::Audio), slot("6", Kind::Video), slot("7", Kind::Video)];
        let sources = vec![Source::Microphone];
        let mut transport = Transport::new(ParticipantId(1), String::new(), sources, &slots);
        let (six, seven) = (Mid::new("6").unwrap(), Mid::new("7").unwrap());
        let track = SlotTrack { party: PartyId::new(), source: Source::Camera };
        let shown = Shown { from: ParticipantId(2), source: Source::Camera };
        transport.show(six, Occupancy::Known(Some(shown)), Some(track.clone()));
        transport.show(seven, Occupancy::Unsure, None);
        assert_eq!(transport.occupied(), [six, seven]);
        let views = transport.views();
        assert_eq!(views.iter().map(|view| view.mid.as_str()).collect::<Vec<_>>(), ["3", "6", "7"]);
        assert_eq!((&views[1].shows, &views[2].shows), (&Some(track), &None));
        assert_eq!(
            (transport.lets_in(Source::Microphone), transport.lets_in(Source::Camera)),
            (Some(true), None)
        );
    }

    #[test]
    fn only_video_slots_have_sizes_and_only_new_ones_are_news() {
        let slots = [slot("3", Kind::Audio), slot("6", Kind::Video)];
        let mut transport = Transport::new(ParticipantId(1), String::new(), vec![], &slots);
        let view = View { width: 640, height: 360 };
        let six = Mid::new("6").unwrap();
        assert_eq!(transport.resized(|_| view), [(six, view)]);
        transport.sizes.insert(six, view);
        assert_eq!(transport.resized(|_| view), []);
    }

    #[test]
    fn the_certificate_is_named_by_the_first_fingerprint() {
        let sdp = "v=0\r\na=group:BUNDLE 0\r\na=fingerprint:sha-256 AB:CD\r\nm=audio 9\r\na=fingerprint:sha-256 EF\r\n";
        assert_eq!(fingerprint(sdp), Some("sha-256 AB:CD"));
        assert_eq!(fingerprint("v=0\r\n"), None);
    }

    #[test]
    fn a_client_that_does_not_read_is_noticed() {
        let identity = Identity::Buyer { session: BuyerSessionId::new(), context: Box::default() };
        let mut session = Session::new(identity);
        let (outlet, mut inlet) = outlet();
        session.connection = Some((ConnectionId(1), outlet));
        let message = || ServerMessage::Answer { sdp: String::new() };
        assert!((0..OUTLET_MAX).all(|_| session.tell(message())));
        assert!(!session.tell(message()));
        assert_eq!(session.hang_up(Farewell::TooSlow), Some(ConnectionId(1)));
        assert_eq!(inlet.farewell.try_recv(), Ok(Farewell::TooSlow));
        assert!(session.tell(message()), "nobody to be slow");
    }
}
