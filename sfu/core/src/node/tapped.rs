//! What the taps of a feed are given: of simulcast, one continuous stream of the best encoding there is.

use std::time::Instant;

use super::feed::Feed;
use super::track::MediaPacket;
use crate::media::Kind;
use crate::rtp::rewrite::{Rewritten, StreamRewriter};
use crate::tap::SenderReport;

/// See the module. A feed with one encoding goes through as it is.
pub(super) struct Tapped {
    /// The encoding the taps are given, once one of several began.
    current: Option<u8>,
    rewriter: StreamRewriter,
}

impl Default for Tapped {
    fn default() -> Self {
        // Taps see extended numbers, so where they begin matters to nobody.
        Self { current: None, rewriter: StreamRewriter::new(0, 0) }
    }
}

/// The numbers of a packet for taps.
pub(super) struct TappedNumbers {
    pub(super) sequence: u64,
    pub(super) timestamp: u32,
    /// They have nothing to do with the numbers before.
    pub(super) restarted: bool,
}

impl Tapped {
    /// Nobody listens any more.
    pub(super) fn stop(&mut self) {
        self.current = None;
        self.rewriter.switch();
    }

    /// The encoding the taps are given.
    pub(super) fn current(&self) -> Option<u8> {
        self.current
    }

    /// The encoding to ask keyframes of: the one given, or else the best there is.
    pub(super) fn encoding(&self, sent: u8, count: u8) -> u8 {
        self.current.unwrap_or(best(sent).unwrap_or(count.saturating_sub(1)))
    }

    /// A better encoding is there than the taps are given: it switches with its next keyframe.
    pub(super) fn wants_keyframe(&self, sent: u8) -> Option<u8> {
        best(sent).filter(|best| self.current != Some(*best))
    }

    /// Numbers for a packet, or `None` if taps do not get it. `restarted` as in [`super::Node::publish`].
    pub(super) fn pass(
        &mut self,
        now: Instant,
        feed: &Feed,
        packet: &MediaPacket<'_>,
        restarted: bool,
        sent: u8,
    ) -> Option<TappedNumbers> {
        if feed.encodings() == 1 {
            return Some(TappedNumbers { sequence: packet.sequence, timestamp: packet.timestamp, restarted });
        }
        let rate = packet.codec.clock_rate();
        if restarted && self.current == Some(packet.encoding) {
            self.stop();
        }
        let mut begins = false;
        if self.current != Some(packet.encoding) {
            let video = packet.codec.kind() == Kind::Video;
            let better = best(sent) == Some(packet.encoding);
            if !better || (video && !packet.reading.keyframe) {
                return None;
            }
            begins = self.current.is_none();
            match self.current.and_then(|current| feed.ahead(current, packet.encoding, rate)) {
                Some(ahead) => {
                    self.rewriter.switch_aligned(packet.sequence, packet.timestamp, ahead, rate, now);
                }
                None => self.rewriter.switch(),
            }
            self.current = Some(packet.encoding);
        }
        let Rewritten { sequence, timestamp } =
            self.rewriter.rewrite(packet.sequence, packet.timestamp, rate, now)?;
        Some(TappedNumbers { sequence: self.rewriter.extend(sequence), timestamp, restarted: begins })
    }

    /// A sender report in the taps' numbers, or `None` if it is about what they do not get.
    pub(super) fn report(&self, count: u8, encoding: u8, report: SenderReport) -> Option<SenderReport> {
        if count == 1 {
            return Some(report);
        }
        let timestamp = self.rewriter.timestamp(report.rtp_timestamp)?;
        (self.current == Some(encoding)).then_some(SenderReport { rtp_timestamp: timestamp, ..report })
    }
}

fn best(sent: u8) -> Option<u8> {
    sent.checked_ilog2().map(|best| best as u8)
}
