//! The buyer's choice about recording, and the recording that follows from it.

use jiff::Timestamp;
use protocol::call::{BuyerContext, CallState, RecordingPause, RecordingState, Side};
use protocol::ids::{CallId, ReceiptId, RecordingId};
use protocol::problem::Problem;
use protocol::rest::{ConsentReceipt, RecordedSide};
use protocol::ws::ConsentChoice;
use recorder::{Receipt, RecordingSpec, TrackSpec};
use serde_json::json;
use tracing::{info, warn};

use super::actor::{Floor, Routes};
use super::clock::{node_time, timestamp};
use super::ports::Fact;
use super::recording::{Driver, LEFT_ON_DISK, Outcome, Report, WITHDRAWN, Wanted, take_back};
use super::session::{Person, media_source};
use crate::problem as problems;
use crate::queues::QueueSettings;

/// Packets and reports that may wait for the recorder: four seconds of 720p video.
const TAP_CAPACITY: usize = 2_048;

impl Floor {
    /// The evidence of a choice, tied to the words in force.
    pub(super) fn receipt(
        &self,
        buyer: &BuyerContext,
        queue: &QueueSettings,
        choice: &ConsentChoice,
    ) -> Result<ConsentReceipt, Problem> {
        let text = (self.consent_texts)(&choice.language, queue, buyer.country.as_deref());
        if text.version != choice.text_version {
            let detail = format!("version {:?} is not in force, {:?} is", choice.text_version, text.version);
            return Err(problems::UNKNOWN_CONSENT_TEXT.at("consent.text_version", detail));
        }
        Ok(ConsentReceipt {
            id: ReceiptId::new(),
            side: RecordedSide::Buyer,
            subject: buyer.subject.clone(),
            recording: choice.recording,
            text_version: text.version,
            text_sha256: text.sha256,
            language: text.language,
            purpose: self.settings.purpose.clone(),
            at: self.now(),
        })
    }

    /// The buyer changed their mind.
    pub(super) async fn set_consent(&mut self, id: CallId, choice: ConsentChoice) -> Result<(), Problem> {
        let Some(live) = self.calls.get(&id) else { return Ok(()) };
        let receipt = self.receipt(live.call.context(), live.call.queue(), &choice)?;
        info!(call = %id, recording = receipt.recording, "consent");
        self.journal.note(Fact::Chose { call: id, receipt: receipt.clone() });
        let Some(live) = self.calls.get_mut(&id) else { return Ok(()) };
        live.call.choose(receipt.clone());
        if !receipt.recording {
            for recording in std::mem::take(&mut live.completed) {
                take_back(self.recordings.clone(), id, recording, self.reports.clone());
                self.recordings_open += 1;
            }
            if let Some(recording) = live.recording.take() {
                // Evidence that lies with the media: whoever finds both after a crash knows what to do.
                recording.add_receipt(evidence(&receipt));
                recording.take_back();
            } else if live.call.recording() == RecordingState::Failed {
                live.call.set_recording(RecordingState::Off, None);
            }
            // If routes were waiting for this recording to start, they need not any more.
            self.open_routes(id).await;
        } else if let Some(recording) = &live.recording {
            recording.add_receipt(evidence(&receipt));
        } else if live.call.state() == CallState::Connected && live.call.may_be_recorded() {
            self.start_recording(id);
        }
        self.tell_call(id);
        self.ring_again(id);
        Ok(())
    }

    /// Starts to record a connected call.
    pub(super) fn start_recording(&mut self, id: CallId) {
        let started = node_time(self.now());
        let Some(live) = self.calls.get_mut(&id) else { return };
        // No names and nothing the shop signed: labels outlive an erasure.
        let (agent, queue) = (live.call.agent().map(|seat| seat.user), &live.call.queue().name);
        let labels = json!({ "call": id, "agent": agent, "queue": queue });
        let receipts = live.call.receipts().iter().map(evidence).collect();
        let spec = RecordingSpec { id: RecordingId::new().0, started, labels, receipts };
        let wanted = live.call.wanted_pause().map_or(Wanted::Media { timed_out: false }, Wanted::Pause);
        live.recording = Some(Driver::start(self.recordings.clone(), id, spec, wanted, self.reports.clone()));
        self.recordings_open += 1;
    }

    /// Taps everything the buyer or the agent publishes into the running recording, if there is one. Others in the call
    /// are not recorded: nobody asked them.
    pub(super) async fn add_taps(&mut self, id: CallId, person: Person) {
        let Some(live) = self.calls.get(&id) else { return };
        let Some(recording) = live.recording.as_ref().filter(|recording| recording.started) else { return };
        let Some(party) = live.call.party_of(person) else { return };
        let side = match party.side {
            Side::Buyer => recorder::Side::Buyer,
            Side::Agent => recorder::Side::Agent,
            Side::Consultant | Side::Supervisor => return,
        };
        let transport = self.sessions.get(&person).and_then(|session| session.transport.as_ref());
        let Some(transport) = transport else { return };
        for source in transport.sources.iter().copied().map(media_source) {
            let participant = transport.participant;
            let track = TrackSpec { party: party.id.0, side, name: party.name.clone(), source };
            match self.patience.bounded("tap", self.media.tap(participant, source, TAP_CAPACITY)).await {
                Some(Ok(tap)) => recording.add_track(track, tap),
                Some(Err(error)) => warn!(call = %id, %participant, %error, "a track is not recorded"),
                None => {}
            }
        }
    }

    /// News of a recording.
    pub(super) async fn recording_report(&mut self, report: Report) {
        let Report { call: id, recording, outcome, last } = report;
        if last {
            self.recordings_open = self.recordings_open.saturating_sub(1);
        }
        let now = self.now();
        self.shared.metrics.recordings.with_label_values(&[outcome.label()]).inc();
        match outcome {
            Outcome::Started => self.journal.note(Fact::RecordingStarted { call: id, recording, at: now }),
            Outcome::Finished(summary) => {
                let duration_ms = u32::try_from(summary.duration_ms).unwrap_or(u32::MAX);
                info!(call = %id, %recording, started_at = %timestamp(summary.started_at), "recording complete");
                self.journal.note(Fact::RecordingFinished { recording, duration_ms });
            }
            Outcome::Erased => {
                self.journal.note(Fact::RecordingDeleted { recording, at: now, reason: WITHDRAWN });
            }
            Outcome::Withheld => self.journal.note(Fact::RecordingWithheld { recording, at: now }),
            // Nobody may find it any more, whatever the disk says; an operator must see to the rest.
            Outcome::EraseFailed => {
                self.journal.note(Fact::RecordingDeleted { recording, at: now, reason: LEFT_ON_DISK });
            }
            Outcome::Failed | Outcome::Paused(_) | Outcome::Resumed { .. } => {}
        }
        let Some(live) = self.calls.get_mut(&id) else { return };
        let runs = live.recording.as_ref().is_some_and(|driver| driver.id() == recording);
        match outcome {
            Outcome::Started if runs => {
                if let Some(driver) = &mut live.recording {
                    driver.started = true;
                }
                live.call.set_recording(RecordingState::On, Some(recording));
                // Taps before routes: what the other side sees first is recorded too.
                for person in self.people(id) {
                    self.add_taps(id, person).await;
                }
                self.open_routes(id).await;
            }
            Outcome::Paused(wanted) if runs => {
                let before = live.call.set_paused(Some(wanted.pause));
                // The same pause for longer is the same pause.
                if before.is_none_or(|before| before.since != wanted.pause.since) {
                    if let Some(before) = before {
                        self.journal.note(resumed(recording, before, now, false));
                    }
                    let RecordingPause { reason, since, .. } = wanted.pause;
                    self.journal.note(Fact::RecordingPaused { recording, since, reason, by: wanted.by });
                }
            }
            Outcome::Resumed { timed_out } if runs => {
                let Some(before) = live.call.set_paused(None) else { return };
                self.journal.note(resumed(recording, before, now, timed_out));
            }
            Outcome::Failed if runs => {
                if last {
                    live.recording = None;
                }
                let kept = Some(recording).filter(|_| !last);
                live.call.set_recording(RecordingState::Failed, kept);
                self.open_routes(id).await;
            }
            // The buyer may have agreed again meanwhile: then another recording runs and is what they see.
            Outcome::Withheld if live.recording.is_none() => {
                live.call.set_recording(RecordingState::Withheld, None);
            }
            // Not all of it is deleted.
            Outcome::Erased if live.call.recording() == RecordingState::Withheld => return,
            Outcome::Erased if live.recording.is_none() => {
                live.call.set_recording(RecordingState::Deleted, None);
            }
            Outcome::EraseFailed if live.recording.is_none() => {
                live.call.set_recording(RecordingState::Failed, None);
            }
            _ => return,
        }
        self.tell_call(id);
    }

    /// Lets media flow, if it is being held back.
    pub(super) async fn open_routes(&mut self, id: CallId) {
        let Some(live) = self.calls.get_mut(&id).filter(|live| live.routes == Routes::Held) else { return };
        live.routes = Routes::Open;
        let everybody = self.people(id);
        self.route_telling(id, everybody).await;
    }
}

fn resumed(recording: RecordingId, pause: RecordingPause, at: Timestamp, timed_out: bool) -> Fact {
    Fact::RecordingResumed { recording, since: pause.since, at, timed_out }
}

pub(super) fn evidence(receipt: &ConsentReceipt) -> Receipt {
    Receipt {
        side: Some(match receipt.side {
            RecordedSide::Buyer => recorder::Side::Buyer,
            RecordedSide::Agent => recorder::Side::Agent,
        }),
        subject: receipt.subject.clone(),
        recording: receipt.recording,
        text_version: receipt.text_version.clone(),
        text_sha256: receipt.text_sha256.clone(),
        language: receipt.language.clone(),
        purpose: receipt.purpose.clone(),
        at: node_time(receipt.at),
    }
}
