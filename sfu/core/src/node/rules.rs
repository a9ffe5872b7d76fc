//! What the layer above decides of what flows: who is muted, how large a slot is shown, whom data messages reach. Routes
//! themselves are attached and detached in `mod.rs`; whatever is not attached does not flow.

use std::time::Instant;

use super::Node;
use super::counters::DropReason;
use super::feed::Place;
use super::limits::{Limiter, Limits};
use super::participant::StreamOf;
use super::quality::QualitySample;
use super::types::{RouteError, View};
use crate::ids::{Mid, ParticipantId, WorkerId};
use crate::media::{Kind, Source};

/// People whom one participant's data messages reach: everybody in a large call.
const AUDIENCE_MAX: usize = 8;

/// Somebody whom another one's data messages reach.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Listener {
    pub(super) who: ParticipantId,
    pub(super) worker: WorkerId,
}

impl Node {
    /// Sets what participants may cost from now on; those who are here are held to it too.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        for (_, participant) in &mut self.participants {
            participant.limiter = Limiter::new(limits);
        }
        self
    }

    /// Lets a source in, or drops it at the door: no subscriber, tap or cache sees it. Sources are let in when they join.
    /// What comes after a pause is handled as a new stream, since subscribers must not take the gap for a loss.
    pub fn set_publishing(
        &mut self,
        now: Instant,
        who: ParticipantId,
        source: Source,
        on: bool,
    ) -> Result<(), RouteError> {
        let key = self.find(who)?;
        let participant = &mut self.participants[key];
        let track = participant.tracks.iter_mut().find(|track| track.source() == source);
        let track = track.ok_or(RouteError::NoSuchSource(who, source))?;
        if !track.set_publishing(on) {
            return Ok(());
        }
        let feed = track.feed;
        if !on && source == Source::Microphone && participant.speaker.be_silent() {
            let event = participant.speaker.news(participant.id);
            self.events.push_back(event);
        }
        if on {
            for index in 0..self.feeds[feed].subscribers.len() {
                let place = self.feeds[feed].subscribers[index];
                self.participants[place.participant].slots[place.slot].restart();
                self.want_awaited(now, place);
            }
        }
        Ok(())
    }

    /// How large a viewer shows a slot. What is not shown is not sent.
    pub fn set_view(
        &mut self,
        now: Instant,
        who: ParticipantId,
        slot: Mid,
        view: View,
    ) -> Result<(), RouteError> {
        let key = self.find(who)?;
        let slots = &mut self.participants[key].slots;
        let index = slots
            .iter()
            .position(|candidate| candidate.mid() == slot && candidate.kind() == Kind::Video)
            .ok_or(RouteError::NoSuchSlot(who, slot))?;
        slots[index].set_view(view);
        let shows = slots[index].shows();
        self.participants[key].egress.refresh(index);
        if let Some(feed) = shows {
            self.review_layers(now, feed);
            self.want_awaited(now, Place { participant: key, slot: index });
        }
        Ok(())
    }

    /// Lets what `from` sends on its events channel reach `to`, who is on `worker`, or no longer. One way; `from` must be
    /// here. Messages for somebody who is gone are dropped where they arrive.
    pub fn pass_data(
        &mut self,
        from: ParticipantId,
        to: ParticipantId,
        worker: WorkerId,
        on: bool,
    ) -> Result<(), RouteError> {
        let key = self.find(from)?;
        if from == to || (on && worker == self.config.worker && !self.by_id.contains_key(&to)) {
            return Err(RouteError::NoSuchParticipant(to));
        }
        let audience = &mut self.participants[key].audience;
        audience.retain(|listener| {
            let gone = listener.worker == self.config.worker && !self.by_id.contains_key(&listener.who);
            listener.who != to && !gone
        });
        if on {
            if audience.len() >= AUDIENCE_MAX {
                // Of those on other workers nobody here knows who is gone: the oldest makes room.
                let elsewhere = audience.iter().position(|listener| listener.worker != self.config.worker);
                audience.remove(elsewhere.ok_or(RouteError::AudienceFull(from))?);
            }
            audience.push(Listener { who: to, worker });
        }
        Ok(())
    }

    /// The last second of a participant's connection; `None` in its first one.
    pub fn quality(&self, who: ParticipantId) -> Option<QualitySample> {
        self.participants[*self.by_id.get(&who)?].quality.last()
    }

    /// The door: what a participant's line has received enters its feed, unless it is muted.
    pub(super) fn let_in(
        &mut self,
        now: Instant,
        key: usize,
        stream: StreamOf,
        sequence: u64,
        bytes: &[u8],
        restarted: bool,
    ) {
        let track = &mut self.participants[key].tracks[stream.track];
        let feed = track.feed;
        match track.admit(stream.encoding) {
            Some(resumed) => {
                self.publish(now, feed, stream.encoding, sequence, bytes, restarted || resumed);
            }
            None => self.counters.dropped.count(DropReason::Muted),
        }
    }
}
