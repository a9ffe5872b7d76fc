//! What a run has left behind, and what is wrong with it whatever the plan was.

use std::time::{Duration, Instant};

use sfu_core::media::{Kind, Source};
use sfu_core::node::{Event, LeaveReason};

use crate::clock::ms;
use crate::receiver::Stream;
use crate::receiver::audio::Heard;
use crate::receiver::video::Shown;
use crate::world::World;

/// Media that was on its way when a route ended may still arrive for so long (RTX included).
const ON_ITS_WAY: Duration = ms(1000);
/// What a sender report may be off; nobody sees lips that are a frame early.
const SYNC_OFF_US: i64 = 15_000;

/// What a viewer got on a slot, in a few numbers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Service {
    /// Whose.
    pub viewer: &'static str,
    /// Sound and pictures of the slots with this number.
    pub slot: usize,
    /// Pictures shown.
    pub pictures: usize,
    /// Longest time between two of them after the first seconds.
    pub longest_gap_ms: f64,
    /// Share of the sound that was made up, 0–1.
    pub concealed: f64,
}

/// See the module.
pub struct Outcome {
    /// As it stood at the end.
    pub world: World,
    /// Memory in use, each second.
    pub weights: Vec<(Duration, Option<usize>)>,
    /// Bytes everybody has sent, each second.
    pub sent: Vec<(Duration, Vec<u64>)>,
    /// How long it went on.
    pub length: Duration,
    heard: Vec<Vec<Vec<Heard>>>,
}

impl Outcome {
    pub(super) fn new(
        world: World,
        weights: Vec<(Duration, Option<usize>)>,
        sent: Vec<(Duration, Vec<u64>)>,
        length: Duration,
    ) -> Self {
        let end = world.now;
        let count = world.people().len();
        let of = |index| world.peers.get(&index).map(|peer: &crate::peer::Peer| &peer.subscriber.audio);
        let heard = (0..count)
            .map(|index| of(index).into_iter().flatten().map(|slot| slot.playout(end)).collect())
            .collect();
        Self { world, weights, sent, length, heard }
    }

    /// What happened, and after it what people noticed of it.
    pub(super) fn into_trace(self) -> Vec<String> {
        let mut trace = self.world.trace().to_vec();
        if trace.is_empty() {
            return trace;
        }
        let since = |at: Instant| at.duration_since(self.world.start()).as_secs_f64();
        let during = self.at(crate::world::SETTLED)..self.at(self.length);
        for (index, peer) in &self.world.peers {
            let name = peer.person.name;
            for (slot, video) in peer.subscriber.video.iter().enumerate() {
                if video.shown().is_empty() {
                    continue;
                }
                for (at, freeze) in super::expect::freezes(video.shown(), &during) {
                    trace.push(format!(
                        "{:9.3} {name}'s picture {slot} stands still for {freeze:?}",
                        since(at)
                    ));
                }
            }
            for (slot, heard) in self.heard[*index].iter().enumerate() {
                let made_up = |it: &&Heard| it.concealed && during.contains(&it.at);
                for part in heard.chunk_by(|a, b| b.at.duration_since(a.at) < ms(1000)) {
                    let count = part.iter().filter(made_up).count();
                    if let (Some(first), true) = (part.iter().find(made_up), count > 0) {
                        let text = format!("{name}'s sound {slot}: {} ms made up from here on", 20 * count);
                        trace.push(format!("{:9.3} {text}", since(first.at)));
                    }
                }
            }
        }
        trace
    }

    /// Index of a person.
    pub fn index(&self, name: &str) -> usize {
        let place = self.world.people().iter().position(|person| person.name == name);
        place.unwrap_or_else(|| panic!("nobody is called {name}"))
    }

    /// Bytes a person has put on the network up to a full second.
    pub fn sent_bytes(&self, name: &str, moment: Duration) -> u64 {
        let index = self.index(name);
        self.sent.iter().find(|(at, _)| *at >= moment).map_or(0, |(_, bytes)| bytes[index])
    }

    /// What each viewer got on each slot that was used.
    pub(super) fn service(&self) -> Vec<Service> {
        let settled = self.at(crate::world::SETTLED);
        let mut out = Vec::new();
        for (index, peer) in &self.world.peers {
            for (slot, video) in peer.subscriber.video.iter().enumerate() {
                let shown: Vec<Instant> = video.shown().iter().map(|it| it.shown).collect();
                let heard = self.heard[*index].get(slot).map_or(&[][..], Vec::as_slice);
                if shown.is_empty() && heard.is_empty() {
                    continue;
                }
                let gaps = shown.windows(2).filter(|pair| pair[0] >= settled).map(|pair| pair[1] - pair[0]);
                let concealed = heard.iter().filter(|it| it.concealed).count();
                out.push(Service {
                    viewer: peer.person.name,
                    slot,
                    pictures: shown.len(),
                    longest_gap_ms: gaps.max().unwrap_or_default().as_secs_f64() * 1e3,
                    concealed: concealed as f64 / heard.len().max(1) as f64,
                });
            }
        }
        out
    }

    /// A moment of the plan.
    pub fn at(&self, moment: Duration) -> Instant {
        self.world.start() + moment
    }

    /// Pictures a viewer saw on a slot.
    pub fn pictures(&self, viewer: &str, slot: usize) -> &[Shown] {
        let peer = self.world.peers.get(&self.index(viewer));
        peer.map_or(&[], |peer| peer.subscriber.video[slot].shown())
    }

    /// Sound a listener heard, or should have heard, on a slot.
    pub fn sounds(&self, listener: &str, slot: usize) -> &[Heard] {
        &self.heard[self.index(listener)][slot]
    }

    /// Why and when a person's transport ended.
    pub fn left(&self, name: &str) -> Option<(Duration, LeaveReason)> {
        let id = sfu_core::ids::ParticipantId(self.index(name) as u64 + 1);
        self.world.events().iter().find_map(|(at, event)| match event {
            Event::Left { participant, reason } if *participant == id => {
                Some((*at - self.world.start(), *reason))
            }
            _ => None,
        })
    }

    /// What no plan may lead to.
    pub(super) fn complaints(&self) -> Vec<String> {
        let mut out = Vec::new();
        for (index, peer) in &self.world.peers {
            let name = peer.person.name;
            let mut add = |at: Instant, text: &str| {
                let at = at.duration_since(self.world.start()).as_secs_f64();
                out.push(format!("{name} at {at:.3} s: {text}"));
            };
            for (slot, video) in peer.subscriber.video.iter().enumerate() {
                for (at, text) in video.violations() {
                    add(*at, text);
                }
                for shown in video.shown() {
                    if !self.allowed(*index, Kind::Video, slot, shown.stream, shown.arrived) {
                        add(shown.arrived, &format!("sees {}, which nobody shows", shown.stream));
                        break;
                    }
                }
                let sync = video
                    .shown()
                    .iter()
                    .filter_map(|it| Some((it.arrived, it.stream, it.ntp?, it.marker.captured_us)));
                if let Some((at, off)) = self.out_of_sync(sync) {
                    add(at, &format!("pictures are {off} µs off their sender reports"));
                }
            }
            for (slot, audio) in peer.subscriber.audio.iter().enumerate() {
                for (at, text) in audio.violations() {
                    add(*at, text);
                }
                let mut sources = audio.sources();
                if let Some((at, stream)) =
                    sources.find(|(at, stream)| !self.allowed(*index, Kind::Audio, slot, *stream, *at))
                {
                    add(at, &format!("hears {stream}, which nobody lets it hear"));
                }
                if let Some((at, off)) = self.out_of_sync(audio.sync().iter().copied()) {
                    add(at, &format!("sound is {off} µs off its sender reports"));
                }
            }
            if peer.subscriber.strangers() > 0 {
                add(
                    self.world.now,
                    &format!("{} packets of streams unheard of", peer.subscriber.strangers()),
                );
            }
            // Copies made by the network are replays to SRTP.
            let copies = self.world.duplicates(*index);
            if peer.undecryptable() > copies {
                add(self.world.now, &format!("{} packets cannot be opened", peer.undecryptable() - copies));
            }
            let (_, down) = self.world.tallies(*index);
            if peer.early() > 0 && down.lost + down.overflowed == 0 {
                add(
                    self.world.now,
                    &format!("{} packets came before their keys, and nothing was lost", peer.early()),
                );
            }
        }
        out
    }

    fn allowed(&self, viewer: usize, kind: Kind, slot: usize, stream: Stream, at: Instant) -> bool {
        let source = [Source::Microphone, Source::Camera, Source::Screen][usize::from(stream.source.min(2))];
        self.world.shown().iter().any(|shown| {
            (shown.from, shown.source, shown.to, shown.slot)
                == (usize::from(stream.person), source, viewer, slot)
                && source.kind() == kind
                && shown.since <= at
                && shown.until.is_none_or(|until| at <= until + ON_ITS_WAY)
        })
    }

    /// The first capture time that is told too wrongly.
    fn out_of_sync(&self, told: impl Iterator<Item = (Instant, Stream, u64, u64)>) -> Option<(Instant, i64)> {
        let mut told = told.filter_map(|(at, stream, ntp, captured_us)| {
            let clock = self.world.peers.get(&usize::from(stream.person))?.clock();
            Some((at, clock.elapsed_of_ntp(ntp) - captured_us as i64))
        });
        told.find(|(_, off)| off.abs() > SYNC_OFF_US)
    }
}
