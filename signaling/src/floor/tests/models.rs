//! Models of the media plane, the recorder and the store: they keep account of what they were asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use protocol::call::TicketRef;
use protocol::ids::{CallId, RecordingId, TicketId};
use recorder::{PauseSpec, Receipt, RecordingSpec, RecordingSummary, TrackSpec};
use sfu::{
    AnswerSlot, JoinError, JoinRequest, Joined, Kind, Mid, NodeTime, ParticipantId, RouteError, Source,
    TapEvent, TapReceiver, TapSender, View, tap_channel,
};
use tokio::sync::{mpsc, watch};

use crate::floor::ports::{Fact, Ledger, LedgerError, MediaPlane, Recording, Recordings, TakenBack};

/// What happened in media plane and recorder, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Deed {
    Joined(ParticipantId),
    Left(ParticipantId),
    Attached {
        from: ParticipantId,
        source: Source,
        to: ParticipantId,
    },
    Linked,
    Tapped(ParticipantId, Source),
    RecordingStarted,
    TrackAdded {
        side: recorder::Side,
        source: Source,
    },
    QualityNoted(usize),
    RecordingStopped,
    RecordingErased,
    /// Why.
    Paused(String),
    /// Nobody ended the pause.
    Resumed(bool),
}

#[derive(Default)]
struct MediaState {
    here: BTreeMap<ParticipantId, Vec<Source>>,
    slots: BTreeMap<(ParticipantId, String), (ParticipantId, Source)>,
    /// From, to.
    links: BTreeSet<(ParticipantId, ParticipantId)>,
    muted: BTreeSet<(ParticipantId, Source)>,
    views: BTreeMap<(ParticipantId, String), View>,
    taps: Vec<(Source, TapSender)>,
}

#[derive(Default)]
pub(super) struct Model {
    pub(super) deeds: Mutex<Vec<Deed>>,
    media: Mutex<MediaState>,
    /// The media plane does not answer.
    pub(super) media_hangs: AtomicBool,
    /// The media plane has more to tell than fits into the queue of its events, and answers only afterwards.
    pub(super) chatter: Mutex<Option<mpsc::Sender<sfu::Event>>>,
    /// The recorder refuses to start.
    pub(super) disk_full: AtomicBool,
    /// The recorder takes this long to start.
    pub(super) disk_delay: Mutex<Duration>,
    /// A legal hold keeps what was recorded.
    pub(super) held: AtomicBool,
    /// Attempts to erase that fail.
    pub(super) erase_failures: Mutex<u32>,
    /// The disk fails while recording.
    pub(super) disk_fails: watch::Sender<Option<String>>,
    pub(super) receipts: Mutex<Vec<bool>>,
    pub(super) facts: Mutex<Vec<Fact>>,
    /// The store is away.
    pub(super) store_away: AtomicBool,
}

impl Model {
    fn did(&self, deed: Deed) {
        self.deeds.lock().unwrap().push(deed);
    }

    pub(super) fn deeds(&self) -> Vec<Deed> {
        self.deeds.lock().unwrap().clone()
    }

    pub(super) fn facts(&self) -> Vec<Fact> {
        self.facts.lock().unwrap().clone()
    }

    /// Everybody says this into the microphone.
    pub(super) fn speak(&self, event: &TapEvent) {
        let media = self.media.lock().unwrap();
        for (_, tap) in media.taps.iter().filter(|(source, _)| *source == Source::Microphone) {
            tap.send(event.clone());
        }
    }

    /// Whether media is stored right now, and if not, why.
    pub(super) fn stores(&self) -> Result<(), String> {
        let mut stores = Err("not recorded".to_owned());
        for deed in self.deeds() {
            match deed {
                Deed::RecordingStarted | Deed::Resumed(_) => stores = Ok(()),
                Deed::Paused(why) => stores = Err(why),
                Deed::RecordingStopped | Deed::RecordingErased => stores = Err("not recorded".to_owned()),
                _ => {}
            }
        }
        stores
    }

    /// Who is shown to `to`, by source.
    pub(super) fn shown_to(&self, to: ParticipantId) -> BTreeMap<Source, ParticipantId> {
        let media = self.media.lock().unwrap();
        media
            .slots
            .iter()
            .filter(|((who, _), _)| *who == to)
            .map(|(_, (from, source))| (*source, *from))
            .collect()
    }

    /// Everything shown to `to`.
    pub(super) fn everything_shown_to(&self, to: ParticipantId) -> BTreeSet<(ParticipantId, Source)> {
        let media = self.media.lock().unwrap();
        media.slots.iter().filter(|((who, _), _)| *who == to).map(|(_, shown)| *shown).collect()
    }

    /// Whose messages reach `to`.
    pub(super) fn heard_by(&self, to: ParticipantId) -> BTreeSet<ParticipantId> {
        let media = self.media.lock().unwrap();
        media.links.iter().filter(|(_, hears)| *hears == to).map(|(from, _)| *from).collect()
    }

    /// What the media plane drops at its door of what `who` sends.
    pub(super) fn kept_out(&self, who: ParticipantId) -> BTreeSet<Source> {
        let media = self.media.lock().unwrap();
        media.muted.iter().filter(|(theirs, _)| *theirs == who).map(|(_, source)| *source).collect()
    }

    pub(super) fn size_of(&self, who: ParticipantId, slot: &str) -> Option<View> {
        self.media.lock().unwrap().views.get(&(who, slot.to_owned())).copied()
    }

    pub(super) fn is_here(&self, who: ParticipantId) -> bool {
        self.media.lock().unwrap().here.contains_key(&who)
    }

    pub(super) fn are_linked(&self, a: ParticipantId, b: ParticipantId) -> bool {
        let media = self.media.lock().unwrap();
        media.links.contains(&(a, b)) && media.links.contains(&(b, a))
    }

    async fn answer(&self) {
        if self.media_hangs.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        let chatter = self.chatter.lock().unwrap().clone();
        if let Some(events) = chatter {
            for n in 0..100 {
                let _ = events.send(sfu::Event::Connected { participant: ParticipantId(n) }).await;
            }
        }
    }
}

pub(super) struct ModelMedia(pub(super) Arc<Model>);

impl MediaPlane for ModelMedia {
    fn join(&self, who: ParticipantId, request: JoinRequest) -> BoxFuture<'_, Result<Joined, JoinError>> {
        Box::pin(async move {
            self.0.answer().await;
            if !request.offer.starts_with("v=0") {
                return Err(JoinError::BadOffer("no v=0 line".into()));
            }
            let sources = request.sources.iter().map(|(_, source)| *source).collect();
            self.0.media.lock().unwrap().here.insert(who, sources);
            self.0.did(Deed::Joined(who));
            let slot = |n: u8| AnswerSlot {
                mid: Mid::new(&n.to_string()).unwrap(),
                kind: if n < 6 { Kind::Audio } else { Kind::Video },
            };
            Ok(Joined { answer: format!("answer for {who}"), slots: (3..10).map(slot).collect() })
        })
    }

    fn leave(&self, who: ParticipantId) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.0.answer().await;
            let mut media = self.0.media.lock().unwrap();
            media.here.remove(&who);
            media.slots.retain(|(to, _), (from, _)| *to != who && *from != who);
            media.links.retain(|(a, b)| *a != who && *b != who);
            drop(media);
            self.0.did(Deed::Left(who));
        })
    }

    fn attach(
        &self,
        from: ParticipantId,
        source: Source,
        to: ParticipantId,
        slot: Mid,
    ) -> BoxFuture<'_, Result<(), RouteError>> {
        Box::pin(async move {
            self.0.answer().await;
            let mut media = self.0.media.lock().unwrap();
            if !media.here.contains_key(&to) {
                return Err(RouteError::NoSuchParticipant(to));
            }
            let published = media.here.get(&from).ok_or(RouteError::NoSuchParticipant(from))?;
            if !published.contains(&source) {
                return Err(RouteError::NoSuchSource(from, source));
            }
            media.slots.insert((to, slot.to_string()), (from, source));
            drop(media);
            self.0.did(Deed::Attached { from, source, to });
            Ok(())
        })
    }

    fn detach(&self, to: ParticipantId, slot: Mid) -> BoxFuture<'_, Result<(), RouteError>> {
        Box::pin(async move {
            self.0.answer().await;
            self.0.media.lock().unwrap().slots.remove(&(to, slot.to_string()));
            Ok(())
        })
    }

    fn pass_data(
        &self,
        from: ParticipantId,
        to: ParticipantId,
        on: bool,
    ) -> BoxFuture<'_, Result<(), RouteError>> {
        Box::pin(async move {
            self.0.answer().await;
            let mut media = self.0.media.lock().unwrap();
            let _ = if on { media.links.insert((from, to)) } else { media.links.remove(&(from, to)) };
            drop(media);
            self.0.did(Deed::Linked);
            Ok(())
        })
    }

    fn set_publishing(
        &self,
        who: ParticipantId,
        source: Source,
        on: bool,
    ) -> BoxFuture<'_, Result<(), RouteError>> {
        Box::pin(async move {
            self.0.answer().await;
            let mut media = self.0.media.lock().unwrap();
            let _ = if on { media.muted.remove(&(who, source)) } else { media.muted.insert((who, source)) };
            Ok(())
        })
    }

    fn set_view(&self, who: ParticipantId, slot: Mid, view: View) -> BoxFuture<'_, Result<(), RouteError>> {
        Box::pin(async move {
            self.0.answer().await;
            self.0.media.lock().unwrap().views.insert((who, slot.to_string()), view);
            Ok(())
        })
    }

    fn tap(
        &self,
        who: ParticipantId,
        source: Source,
        capacity: usize,
    ) -> BoxFuture<'_, Result<TapReceiver, RouteError>> {
        Box::pin(async move {
            self.0.answer().await;
            if !self.0.is_here(who) {
                return Err(RouteError::NoSuchParticipant(who));
            }
            let (sender, receiver) = tap_channel(capacity);
            self.0.media.lock().unwrap().taps.push((source, sender));
            self.0.did(Deed::Tapped(who, source));
            Ok(receiver)
        })
    }
}

pub(super) struct ModelRecorder(pub(super) Arc<Model>);

impl Recordings for ModelRecorder {
    fn start(&self, spec: RecordingSpec) -> BoxFuture<'_, Result<Box<dyn Recording>, String>> {
        Box::pin(async move {
            let delay = *self.0.disk_delay.lock().unwrap();
            tokio::time::sleep(delay).await;
            if self.0.disk_full.load(Ordering::Relaxed) {
                return Err("no space left".into());
            }
            assert!(spec.receipts.iter().any(|receipt| receipt.recording), "without consent");
            self.0.receipts.lock().unwrap().extend(spec.receipts.iter().map(|receipt| receipt.recording));
            self.0.did(Deed::RecordingStarted);
            Ok(Box::new(ModelRecording(self.0.clone())) as Box<dyn Recording>)
        })
    }

    fn take_back(
        &self,
        _: CallId,
        _: RecordingId,
        _: &'static str,
    ) -> BoxFuture<'_, Result<TakenBack, String>> {
        Box::pin(async move {
            if self.0.held.load(Ordering::Relaxed) {
                return Ok(TakenBack::Held);
            }
            let mut failures = self.0.erase_failures.lock().unwrap();
            if *failures > 0 {
                *failures -= 1;
                return Err("read-only file system".into());
            }
            drop(failures);
            self.0.did(Deed::RecordingErased);
            Ok(TakenBack::Erased)
        })
    }
}

struct ModelRecording(Arc<Model>);

impl Recording for ModelRecording {
    fn add_track(&self, track: TrackSpec, _tap: TapReceiver) {
        self.0.did(Deed::TrackAdded { side: track.side, source: track.source });
    }

    fn add_receipt(&self, receipt: Receipt) -> BoxFuture<'_, ()> {
        self.0.receipts.lock().unwrap().push(receipt.recording);
        Box::pin(async {})
    }

    fn add_quality(&self, points: serde_json::Value) -> BoxFuture<'_, ()> {
        let points = points.as_array().map_or(0, Vec::len);
        self.0.did(Deed::QualityNoted(points));
        Box::pin(async {})
    }

    fn pause(&self, pause: PauseSpec) -> BoxFuture<'_, ()> {
        self.0.did(Deed::Paused(pause.reason));
        Box::pin(async {})
    }

    fn resume(&self, timed_out: bool) -> BoxFuture<'_, ()> {
        self.0.did(Deed::Resumed(timed_out));
        Box::pin(async {})
    }

    fn failed(&self) -> watch::Receiver<Option<String>> {
        self.0.disk_fails.subscribe()
    }

    fn stop(&self) -> BoxFuture<'_, RecordingSummary> {
        self.0.did(Deed::RecordingStopped);
        Box::pin(async {
            RecordingSummary { started_at: NodeTime(0), duration_ms: 4_200, bytes: 1, tracks: 1 }
        })
    }
}

pub(super) struct ModelStore(pub(super) Arc<Model>);

impl Ledger for ModelStore {
    fn write(&self, fact: Fact) -> BoxFuture<'_, Result<Option<TicketRef>, LedgerError>> {
        Box::pin(async move {
            if self.0.store_away.load(Ordering::Relaxed) {
                return Err(LedgerError::Later("database is locked".into()));
            }
            let ticket = matches!(fact, Fact::Accepted { .. })
                .then(|| TicketRef { id: TicketId::new(), number: "V-1001".into() });
            self.0.facts.lock().unwrap().push(fact);
            Ok(ticket)
        })
    }
}
