//! What a node owes: feedback that is due, datagrams and events that wait, timers, and tidying up after who has left.

use std::time::{Duration, Instant};

use super::counters::DropReason;
use super::feed::{ENCODINGS_MAX, Place};
use super::participant::{Participant, REPORT_EVERY};
use super::quality::Observed;
use super::rules::Listener;
use super::types::{Event, LeaveReason};
use super::upstream::Wisher;
use super::{Node, TIMER_STEP};
use crate::bwe::messages;
use crate::ids::ParticipantId;
use crate::media::Kind;
use crate::rtp::rtcp;
use crate::transport::data::DataMessage;
use crate::transport::{Ended, TransportOutput};

/// On an uplink that is known to be narrow, what is missing is worth so much of its time. A new picture is smaller than more.
const REPAIR_TAKES: Duration = Duration::from_millis(300);
/// So many are asked for even while it drains.
const FEW: usize = 2;
/// A packet of video.
const PACKET: u64 = 1_200;
/// Between two keyframes that are asked of an uplink that has just collapsed.
const PATIENCE_DRAINING: Duration = Duration::from_millis(600);

impl Node {
    /// NACKs, PLIs, TWCC feedback and reports that are due towards one participant.
    pub(super) fn give_feedback(&mut self, now: Instant, key: usize) {
        self.update_repair(now, key);
        self.run_egress(now, key);
        self.tell_publisher(now, key);
        let ntp = self.config.epoch.ntp(now);
        let Participant { transport, tracks, twcc, feedback_ssrc, rtt, next_report, stats, upstream, .. } =
            &mut self.participants[key];
        let outbox = &mut self.outbox;
        let missing = &mut self.missing;
        // What an uplink is asked for while it is busy with too much only makes it worse.
        let draining = upstream.is_draining(now);
        let patience = if draining { rtt.map(|rtt| rtt.max(PATIENCE_DRAINING)) } else { *rtt };
        let narrow = upstream.narrow();
        let most = narrow.map_or(u64::MAX, |rate| (rate.bytes_in(REPAIR_TAKES) / PACKET).max(1)) as usize;
        for track in tracks.iter_mut() {
            let voice = track.source().kind() == Kind::Audio;
            let most = if voice { usize::MAX } else { most };
            for encoding in 0..ENCODINGS_MAX as u8 {
                let Some(ssrc) = track.ssrc(encoding) else { continue };
                missing.clear();
                track.missing(now, encoding, *rtt, most, missing);
                // A gap in the small picture it has been told to send is worth it.
                let ask = !draining || voice || (encoding == 0 && missing.len() <= FEW);
                if !missing.is_empty() && ask {
                    rtcp::write_nack(*feedback_ssrc, ssrc, missing, outbox.begin());
                    if transport.send_rtcp(outbox) {
                        stats.nacks_sent += missing.len() as u64;
                        self.counters.nacks += missing.len() as u64;
                    }
                }
                if track.take_keyframe_request(now, encoding, patience) {
                    rtcp::write_pli(*feedback_ssrc, ssrc, outbox.begin());
                    if transport.send_rtcp(outbox) {
                        stats.plis_sent += 1;
                        self.counters.plis += 1;
                    }
                }
            }
        }
        // The draft wants some SSRC of the transport there; browsers only look at the numbers.
        let media = tracks
            .iter()
            .find_map(|track| (0..ENCODINGS_MAX as u8).find_map(|encoding| track.ssrc(encoding)))
            .unwrap_or(*feedback_ssrc);
        while twcc.write(now, *feedback_ssrc, media, outbox.begin()) {
            if transport.send_rtcp(outbox) {
                stats.twcc_sent += 1;
                self.counters.twcc += 1;
            }
        }
        if next_report.is_some_and(|at| at <= now) {
            *next_report = Some(now + REPORT_EVERY);
            let blocks = tracks.iter_mut().flat_map(|track| track.reports(now));
            if rtcp::write_receiver_report(*feedback_ssrc, blocks, outbox.begin()) > 0 {
                // Whoever only sends is asked for the round trip this way.
                messages::write_reference_time(*feedback_ssrc, ntp, outbox.buffer());
                upstream.references.sent(now, ntp);
                transport.send_rtcp(outbox);
            }
            self.take_quality(now, key);
            for track in 0..self.participants[key].tracks.len() {
                let feed = self.participants[key].tracks[track].feed;
                self.review_layers(now, feed);
                // Whoever had a wish may have gone.
                self.follow_wishes(now, feed);
            }
        }
    }

    /// Ends a second of a participant's quality.
    fn take_quality(&mut self, now: Instant, key: usize) {
        let participant = &mut self.participants[key];
        let mut observed = Observed {
            rtt: participant.rtt,
            estimate_bps: participant.egress.estimate_bps(),
            video_paused: participant.egress.is_video_paused(),
            ..Observed::default()
        };
        for track in &participant.tracks {
            let (expected, received, jitter) = track.reception();
            observed.expected += expected;
            observed.received += received;
            observed.jitter = observed.jitter.max(jitter);
        }
        let sample = participant.quality.sample(now, &participant.stats, observed);
        self.events.push_back(Event::Quality { participant: participant.id, sample });
    }

    /// After anything happened to a participant: send what is due, tell what is new, set its timer.
    pub(super) fn settle(&mut self, now: Instant, key: usize) {
        let Some(participant) = self.participants.get_mut(key) else { return };
        if participant.transport.has_ended() {
            // Before anything is done for it, which may come back here by way of others.
            self.drain(now, key);
            return;
        }
        let deadline = participant.deadline(now);
        let due = deadline <= now;
        if due {
            self.give_feedback(now, key);
        }
        // Of nearly every packet nothing comes but the packet.
        if self.drain(now, key) || due {
            self.rearm(now, key);
        } else {
            self.timers.arm(key, deadline.max(now + TIMER_STEP));
        }
    }

    /// Passes on what a transport has for its peer and for the layer above. True if there was anything.
    pub(super) fn drain(&mut self, now: Instant, key: usize) -> bool {
        let Some(participant) = self.participants.get_mut(key) else { return false };
        if participant.transport.is_drained() {
            return false;
        }
        let mut ended = None;
        let mut messages = Vec::new();
        while let Some(output) = participant.transport.poll_output() {
            match output {
                TransportOutput::Connected => {
                    participant.next_report.get_or_insert(now + REPORT_EVERY);
                    self.events.push_back(Event::Connected { participant: participant.id });
                }
                TransportOutput::Data(message) => messages.push(message),
                TransportOutput::Ended(reason) => ended = Some(reason),
            }
        }
        participant.transport.flush(&mut self.outbox);
        for message in messages {
            self.pass_message(now, key, &message);
        }
        if let Some(reason) = ended {
            self.remove(
                key,
                match reason {
                    Ended::Closed => LeaveReason::Closed,
                    Ended::Timeout => LeaveReason::Timeout,
                    Ended::WrongFingerprint => LeaveReason::WrongFingerprint,
                    Ended::DtlsFailed => LeaveReason::DtlsFailed,
                },
            );
        }
        true
    }

    /// Hands a data message to everybody it may reach.
    pub(super) fn pass_message(&mut self, now: Instant, from: usize, message: &DataMessage) {
        if self.participants[from].audience.is_empty() {
            return self.counters.dropped.count(DropReason::Data);
        }
        for index in 0..self.participants[from].audience.len() {
            let Listener { who, worker } = self.participants[from].audience[index];
            if worker == self.config.worker {
                self.deliver(now, who, message);
            } else if !self.relay_message(worker, who, message) {
                self.counters.dropped.count(DropReason::Data);
            }
        }
    }

    /// Hands a data message to somebody here.
    pub(super) fn deliver(&mut self, now: Instant, to: ParticipantId, message: &DataMessage) {
        let key = self.by_id.get(&to).copied();
        let key = key.filter(|key| self.participants[*key].transport.send_data(now, message));
        let Some(key) = key else { return self.counters.dropped.count(DropReason::Data) };
        self.participants[key].transport.flush(&mut self.outbox);
        self.rearm(now, key);
    }

    pub(super) fn rearm(&mut self, now: Instant, key: usize) {
        if let Some(participant) = self.participants.get_mut(key) {
            // What could not be done just now is tried again soon, never in a busy loop.
            let deadline = participant.deadline(now).max(now + TIMER_STEP);
            self.timers.arm(key, deadline);
        }
    }

    pub(super) fn remove(&mut self, key: usize, reason: LeaveReason) {
        for slot in 0..self.participants[key].slots.len() {
            self.unsubscribe(key, slot);
        }
        let participant = self.participants.remove(key);
        self.timers.disarm(key);
        self.by_id.remove(&participant.id);
        self.by_ufrag.remove(&participant.transport.ice().local().ufrag);
        for path in participant.transport.ice().validated() {
            self.disown_path(path, key);
        }
        for track in &participant.tracks {
            self.end_feed(track.feed);
        }
        tracing::debug!(participant = %participant.id, ?reason, "left");
        self.events.push_back(Event::Left { participant: participant.id, reason });
    }

    pub(super) fn unsubscribe(&mut self, subscriber: usize, slot: usize) {
        let place = Place { participant: subscriber, slot };
        if let Some(feed) = self.participants[subscriber].slots[slot].shows() {
            self.feeds[feed].subscribers.retain(|other| *other != place);
            self.participants[subscriber].slots[slot].clear();
            self.participants[subscriber].egress.restart(slot);
            self.feeds[feed].wishes.retain(|(who, _)| *who != Wisher::Slot(place));
            self.tell_origin(feed);
            self.release_if_unused(feed);
        }
    }
}
