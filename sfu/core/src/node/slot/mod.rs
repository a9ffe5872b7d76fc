//! A receive slot: the sending end of one receive line of a client. Any track of its kind can be shown on it, without
//! SDP: switching is an RTP rewrite.

mod writing;

use std::time::{Duration, Instant};

use rand::Rng;

use super::descriptors::FrameNumbers;
use super::egress::Stamps;
use super::feed::Feed;
use super::feedback::{Sent, SentReports};
use super::parting::Parting;
use super::repair::{Playout, Redundancy};
use super::track::MediaPacket;
use super::types::View;
use crate::bwe::{Bitrate, Target};
use crate::ids::{Mid, Pt};
use crate::layers::selection::{Selection, wanted};
use crate::layers::wish::LINGER;
use crate::layers::{EVERYTHING, Step, by_view, useful_layers};
use crate::media::Kind;
use crate::rtp::dependency::MAX_DESCRIPTOR_BYTES;
use crate::rtp::extensions::HeaderExtension;
use crate::rtp::picture::PictureRewriter;
use crate::rtp::resend::Resent;
use crate::rtp::rewrite::StreamRewriter;
use crate::sdp::{NegotiatedMedia, SlotSsrcs};

/// The source packet behind a sequence number we sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Wanted {
    pub(super) feed: usize,
    pub(super) encoding: u8,
    pub(super) sequence: u64,
}

/// See the module.
pub(super) struct Slot {
    kind: Kind,
    ssrcs: SlotSsrcs,
    line: NegotiatedMedia,
    /// Key of the feed that is shown.
    shows: Option<usize>,
    /// How large the viewer shows it; `None` before they said.
    view: Option<View>,
    /// What suits the size it is shown at; `None` is nothing.
    bound: Option<Target>,
    /// The most it has use for of what it shows; nothing while it is not to be seen. And since when that is too much.
    useful: Bitrate,
    too_much: Option<Instant>,
    /// What its leg carries.
    granted: Target,
    /// Which encoding and layers of it are forwarded.
    selection: Selection,
    rewriter: StreamRewriter,
    pictures: PictureRewriter,
    frames: FrameNumbers,
    /// The dependency descriptor of the packet that is being written.
    descriptor: [u8; MAX_DESCRIPTOR_BYTES],
    rtx_sequence: u16,
    packets: u32,
    octets: u32,
    pub(super) reports: SentReports,
    /// What is repeated in each audio packet.
    red: Redundancy,
    playout: Playout,
    rtx_packets: u32,
    stamps: Stamps,
    /// What was sent again lately.
    pub(super) resent: Resent,
    /// What may still be asked for of the time before the last switch.
    parting: Parting,
}

impl Slot {
    pub(super) fn new(
        now: Instant,
        kind: Kind,
        ssrcs: SlotSsrcs,
        line: NegotiatedMedia,
        rng: &mut impl Rng,
    ) -> Self {
        let id = |extension| line.extensions.id(extension).unwrap_or(0);
        let stamps = Stamps {
            transport_cc: id(HeaderExtension::TransportCc),
            abs_send_time: id(HeaderExtension::AbsSendTime),
        };
        Self {
            kind,
            ssrcs,
            line,
            stamps,
            shows: None,
            view: None,
            bound: Some(EVERYTHING),
            useful: Bitrate::MAX,
            too_much: None,
            granted: EVERYTHING,
            selection: Selection::new(kind == Kind::Video),
            rewriter: StreamRewriter::new(first_sequence(rng), rng.random()),
            pictures: PictureRewriter::default(),
            frames: FrameNumbers::default(),
            descriptor: [0; MAX_DESCRIPTOR_BYTES],
            rtx_sequence: first_sequence(rng),
            packets: 0,
            octets: 0,
            reports: SentReports::default(),
            red: Redundancy::default(),
            playout: Playout::default(),
            rtx_packets: 0,
            resent: Resent::new(now),
            parting: Parting::default(),
        }
    }

    pub(super) fn mid(&self) -> Mid {
        self.line.mid
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn ssrcs(&self) -> SlotSsrcs {
        self.ssrcs
    }

    /// What is written into each packet when it leaves.
    pub(super) fn stamps(&self) -> Stamps {
        self.stamps
    }

    /// Whether video is to be sent at all: something is shown, and in a size that can be seen.
    pub(super) fn is_wanted(&self) -> bool {
        self.kind == Kind::Video && self.shows.is_some() && self.view().is_shown()
    }

    /// Size of the view, width × height; a viewer that says nothing shows it as large as can be.
    pub(super) fn pixels(&self) -> u32 {
        self.view.map_or(u32::MAX, |view| u32::from(view.width) * u32::from(view.height))
    }

    /// Whether padding can go out on the RTX stream of this slot.
    pub(super) fn can_pad(&self) -> bool {
        self.kind == Kind::Video && self.stamps.transport_cc != 0 && self.rtx_type().is_some()
    }

    fn rtx_type(&self) -> Option<Pt> {
        self.line.codecs.iter().find_map(|codec| codec.rtx)
    }

    /// Key of the feed that is shown.
    pub(super) fn shows(&self) -> Option<usize> {
        self.shows
    }

    /// The simulcast encoding that is forwarded; `None` while there is nothing a decoder could start with.
    pub(super) fn encoding(&self) -> Option<u8> {
        self.selection.current()
    }

    /// The encoding this viewer should get now, out of those in the mask `sent` (see [`Feed::sent`]).
    pub(super) fn wanted(&self, feed: &Feed, sent: u8) -> Option<u8> {
        wanted(self.selection.target(), sent, feed.encodings())
    }

    /// The encoding whose keyframe this viewer waits for, if any.
    pub(super) fn awaited(&self, feed: &Feed, sent: u8) -> Option<u8> {
        self.wanted(feed, sent).filter(|it| self.selection.wants_keyframe(Some(*it)))
    }

    /// Encodings this viewer needs, a bit each: what it should get, and what it gets `until_then`.
    pub(super) fn needs(&self, feed: &Feed, until_then: bool) -> u8 {
        let Some(target) = self.selection.target() else { return 0 };
        let ideal = target.encoding.min(feed.encodings() - 1);
        1 << ideal | self.selection.current().filter(|_| until_then).map_or(0, |current| 1 << current)
    }

    /// Shows another feed from its next keyframe on.
    pub(super) fn show(&mut self, feed: usize) {
        self.shows = Some(feed);
        self.granted = EVERYTHING;
        self.restart();
    }

    /// The stream behind the slot starts anew, with unrelated numbers.
    pub(super) fn restart(&mut self) {
        self.selection.restart();
        self.rewriter.switch();
    }

    /// Shows nothing.
    pub(super) fn clear(&mut self) {
        self.shows = None;
        self.restart();
    }

    /// The viewer shows it in this size from now on.
    pub(super) fn set_view(&mut self, view: View) {
        self.view = Some(view);
    }

    /// How large it is shown; as large as it gets before the viewer said.
    pub(super) fn view(&self) -> View {
        self.view.unwrap_or(View::FULL)
    }

    /// Takes note of what there is to choose from: what suits the view may be something else now. True if that changes
    /// what is to be forwarded.
    pub(super) fn suit(&mut self, now: Instant, feed: &Feed, ladder: &[Step]) -> bool {
        self.bound = by_view(ladder, self.view());
        let useful = match self.bound {
            None => Bitrate::ZERO,
            Some(bound) if feed.is_layered() => {
                useful_layers(ladder, bound).map_or(Bitrate::MAX, Bitrate::bps)
            }
            Some(_) => Bitrate::MAX,
        };
        // Less only after a while: a decoder goes down with a keyframe, and until then needs what it had.
        let too_much = self.too_much.filter(|_| useful < self.useful);
        if useful >= self.useful || too_much.is_some_and(|since| now >= since + LINGER) {
            (self.useful, self.too_much) = (useful, None);
        } else {
            self.too_much = too_much.or(Some(now));
        }
        self.aim()
    }

    /// The most it has use for; nothing while it is not to be seen.
    pub(super) fn useful(&self) -> Bitrate {
        self.useful
    }

    /// What suits the size it is shown at; nothing above it is of use.
    pub(super) fn bound(&self) -> Option<Target> {
        self.bound
    }

    /// What the leg carries from now on. True if that changes what is to be forwarded.
    pub(super) fn grant(&mut self, granted: Target) -> bool {
        self.granted = granted;
        self.aim()
    }

    fn aim(&mut self) -> bool {
        let target = self.bound.map(|bound| bound.min(self.granted));
        let changed = target != self.selection.target();
        if changed {
            self.selection.aim(target);
        }
        changed
    }

    /// What is forwarded now.
    pub(super) fn layers(&self, feed: &Feed) -> Option<Target> {
        self.selection.layers(feed.structure(self.selection.current()?))
    }

    /// How this leg is repaired from now on: what is repeated, and how long pictures are to be held.
    pub(super) fn set_repair(&mut self, now: Instant, red: Redundancy, playout: Duration) {
        self.red = red;
        self.playout.set(now, playout);
        self.parting.expire(now);
    }

    /// Which packet of what is shown went out under a sequence number.
    pub(super) fn source_of(&self, sequence: u16) -> Option<Wanted> {
        let sequence = self.rewriter.source_sequence(sequence)?;
        Some(Wanted { feed: self.shows?, encoding: self.selection.current()?, sequence })
    }

    /// Whether a packet of the forwarded encoding, which came before, was sent or left out; `None` if neither.
    pub(super) fn recall(&self, packet: &MediaPacket<'_>) -> Option<bool> {
        self.selection.recall(&packet.reading)
    }

    /// The publisher's sender report in the numbers of this slot. `None` before the first packet.
    pub(super) fn sender_report(&mut self, now: Instant, ntp: u64, rtp_timestamp: u32) -> Option<Sent> {
        let sent = Sent {
            ssrc: self.ssrcs.media,
            ntp,
            rtp_timestamp: self.rewriter.timestamp(rtp_timestamp)?,
            packets: self.packets,
            octets: self.octets,
        };
        self.reports.sent(now, ntp);
        Some(sent)
    }
}

/// In the lower half: a receiver that misses the first packets of a stream close to the wrap would guess the rollover
/// counter of SRTP wrong for ever (RFC 3711 §3.3.1).
fn first_sequence(rng: &mut impl Rng) -> u16 {
    rng.random_range(0..1 << 15)
}
