//! One participant on a node: a transport, the tracks it publishes and the slots it is shown others on.

use std::time::{Duration, Instant};

use rand::Rng;

use super::egress::Egress;
use super::limits::{Limiter, Limits};
use super::quality::Quality;
use super::repair::LegRepair;
use super::rules::Listener;
use super::slot::Slot;
use super::speaker::Speaker;
use super::track::Track;
use super::types::{AnswerSlot, JoinError, ParticipantStats};
use super::upstream::Upstream;
use crate::ids::{Mid, ParticipantId, Ssrc};
use crate::media::Kind;
use crate::rtp::extensions::{HeaderExtension, read_mid, read_rid};
use crate::rtp::packet::RtpPacket;
use crate::rtp::twcc::TwccReceiver;
use crate::sdp::{Answer, MAX_ENCODINGS, Role, SlotSsrcs};
use crate::transport::Transport;

/// Receiver reports go out this often (RFC 3550 §6.2 allows less than its 5 s for small sessions).
pub(super) const REPORT_EVERY: Duration = Duration::from_secs(1);

/// SSRCs of a line: media and retransmissions of each encoding.
const STREAMS_A_LINE: usize = 2 * MAX_ENCODINGS;

/// SSRCs nobody announced that are remembered beside those.
const STRANGERS_MAX: usize = 32;

/// Which stream of the participant an SSRC is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct StreamOf {
    pub(super) ssrc: Ssrc,
    /// Index into the participant's tracks.
    pub(super) track: usize,
    /// Simulcast encoding, lowest quality first.
    pub(super) encoding: u8,
    /// Carries retransmissions.
    pub(super) rtx: bool,
}

/// See the module.
pub(super) struct Participant {
    pub(super) id: ParticipantId,
    pub(super) transport: Transport,
    pub(super) tracks: Vec<Track>,
    pub(super) slots: Vec<Slot>,
    pub(super) streams: Vec<StreamOf>,
    pub(super) twcc: TwccReceiver,
    /// Our SSRC in feedback that belongs to no slot.
    pub(super) feedback_ssrc: Ssrc,
    pub(super) rtt: Option<Duration>,
    pub(super) repair: LegRepair,
    pub(super) egress: Egress,
    pub(super) upstream: Upstream,
    pub(super) next_report: Option<Instant>,
    /// Whom this participant's data messages reach.
    pub(super) audience: Vec<Listener>,
    pub(super) limiter: Limiter,
    pub(super) speaker: Speaker,
    pub(super) quality: Quality,
    pub(super) stats: ParticipantStats,
    pub(super) session_id: u64,
    pub(super) session_version: u64,
}

impl Participant {
    /// From what was negotiated.
    pub(super) fn new(
        now: Instant,
        id: ParticipantId,
        transport: Transport,
        answer: &Answer,
        session_id: u64,
        rng: &mut impl Rng,
    ) -> Result<Self, JoinError> {
        let mut tracks = Vec::new();
        let mut slots = Vec::new();
        let mut streams = Vec::new();
        for media in &answer.media {
            match media.role {
                Role::Publish(source) => {
                    // Which encoding an SSRC is, only its RID tells.
                    for stream in media.streams.iter().filter(|_| media.rids.is_empty()) {
                        streams.push(StreamOf {
                            ssrc: stream.media,
                            track: tracks.len(),
                            encoding: 0,
                            rtx: false,
                        });
                        if let Some(rtx) = stream.rtx {
                            streams.push(StreamOf { ssrc: rtx, track: tracks.len(), encoding: 0, rtx: true });
                        }
                    }
                    tracks.push(Track::new(source, media.clone()));
                }
                Role::Slot(kind, ssrcs) => slots.push(Slot::new(now, kind, ssrcs, media.clone(), rng)),
                Role::Data { .. } | Role::Rejected => {}
            }
        }
        if tracks.is_empty() && slots.is_empty() {
            return Err(JoinError::BadOffer("it neither sends nor receives anything".into()));
        }
        let feedback_ssrc = Ssrc(rng.random());
        let egress = Egress::new(now, &slots);
        Ok(Self {
            id,
            transport,
            tracks,
            slots,
            streams,
            twcc: TwccReceiver::default(),
            feedback_ssrc,
            rtt: None,
            repair: LegRepair::new(now),
            egress,
            upstream: Upstream::default(),
            next_report: None,
            audience: Vec::new(),
            limiter: Limiter::new(Limits::default()),
            speaker: Speaker::default(),
            quality: Quality::default(),
            stats: ParticipantStats::default(),
            session_id,
            session_version: 1,
        })
    }

    /// The receive slots in order, for whoever shows tracks on them.
    pub(super) fn answer_slots(&self) -> Vec<AnswerSlot> {
        self.slots.iter().map(|slot| AnswerSlot { mid: slot.mid(), kind: slot.kind() }).collect()
    }

    pub(super) fn slot_at(&self, mid: Mid, kind: Kind) -> Option<usize> {
        self.slots.iter().position(|slot| slot.mid() == mid && slot.kind() == kind)
    }

    pub(super) fn slot_ssrcs(&self, mid: Mid, kind: Kind) -> Option<SlotSsrcs> {
        self.slot_at(mid, kind).map(|slot| self.slots[slot].ssrcs())
    }

    pub(super) fn stream(&self, ssrc: Ssrc) -> Option<StreamOf> {
        self.streams.iter().copied().find(|stream| stream.ssrc == ssrc)
    }

    /// Learns what an authenticated stranger is, from its MID (RFC 9143 §9.2), its payload type and, on a line with
    /// simulcast, its RID or the RID it repairs (RFC 8852 §3).
    pub(super) fn learn(&mut self, packet: &RtpPacket<'_>) -> Option<StreamOf> {
        let mid = self.mid_extension().and_then(|id| packet.extension(id)).and_then(read_mid)?;
        let track = self.tracks.iter().position(|track| track.mid() == mid)?;
        let line = self.tracks[track].line();
        let rtx = line.codec_of(packet.payload_type()).is_some_and(|(_, rtx)| rtx);
        let encoding = if line.rids.is_empty() {
            0
        } else {
            let names = if rtx { HeaderExtension::RepairedRid } else { HeaderExtension::Rid };
            let rid = line.extensions.id(names).and_then(|id| packet.extension(id)).and_then(read_rid)?;
            line.encoding_of(rid)?
        };
        if line.codec_of(packet.payload_type()).is_none() && !line.is_red(packet.payload_type()) {
            return None;
        }
        let stream = StreamOf { ssrc: packet.ssrc(), track, encoding, rtx };
        // A line whose stream restarts keeps only its newest SSRCs, so the table stays small.
        if self.streams.len() >= STREAMS_A_LINE * self.tracks.len().max(1) + STRANGERS_MAX {
            self.streams.remove(0);
        }
        self.streams.push(stream);
        Some(stream)
    }

    /// The id under which a line carries an extension; lines of a bundle agree on the id of MID.
    pub(super) fn mid_extension(&self) -> Option<u8> {
        self.tracks.iter().find_map(|track| track.extensions().id(HeaderExtension::Mid))
    }

    /// When anything of this participant wants attention.
    pub(super) fn deadline(&mut self, now: Instant) -> Instant {
        let mut at = self.transport.deadline();
        for candidate in [self.egress.deadline(now), self.upstream.deadline()].into_iter().flatten() {
            at = at.min(candidate);
        }
        for candidate in
            [self.next_report, self.twcc.deadline(), self.repair.deadline(), self.speaker.deadline()]
                .into_iter()
                .flatten()
        {
            at = at.min(candidate);
        }
        for candidate in self.tracks.iter().filter_map(Track::deadline) {
            at = at.min(candidate);
        }
        at
    }
}
