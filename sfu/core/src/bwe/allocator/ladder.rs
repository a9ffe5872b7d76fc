//! What a slot can show, step by step, and what each step costs.

use crate::bwe::bitrate::Bitrate;

/// An elastic step is gone up to with this many times the least it can be kept with.
const ENOUGH: f64 = 1.8;

/// What a slot forwards: everything up to these layers of one encoding.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Target {
    /// Index of the simulcast encoding, 0 the lowest.
    pub encoding: u8,
    /// Highest spatial layer (SVC).
    pub spatial: u8,
    /// Highest temporal layer.
    pub temporal: u8,
}

/// One step of a slot's ladder: what it shows and what that costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rung {
    /// What is forwarded.
    pub target: Target,
    /// Measured, or expected of a layer that is paused at the publisher; without retransmissions.
    pub bitrate: Bitrate,
    /// What there must be to go up to it.
    pub enough: Bitrate,
    /// The publisher follows this viewer: told to, it sends this step with as little …
    pub least: Bitrate,
    /// … or as much.
    pub most: Bitrate,
}

impl Rung {
    /// A step that costs what it costs.
    pub fn fixed(target: Target, bitrate: Bitrate) -> Self {
        Self { target, bitrate, enough: bitrate, least: bitrate, most: bitrate }
    }

    /// A step that costs as much as there is, from `least` on: the publisher is told what there is. To change the picture
    /// costs a keyframe, so there must be more to go up to it than to stay.
    pub fn elastic(target: Target, bitrate: Bitrate, least: Bitrate, most: Bitrate) -> Self {
        Self { target, bitrate, enough: least.scale(ENOUGH).min(most), least, most }
    }

    pub(super) fn is_elastic(&self) -> bool {
        self.least < self.most
    }

    pub(super) fn is_picture_of(&self, other: &Rung) -> bool {
        (self.target.encoding, self.target.spatial) == (other.target.encoding, other.target.spatial)
    }
}

/// What a video slot asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct SlotRequest<'a> {
    /// Shared screen: text before motion.
    pub screen: bool,
    /// Size of the view, width × height.
    pub pixels: u32,
    /// From the lowest quality to the highest that the view can use; empty when nothing is shown.
    pub ladder: &'a [Rung],
}

impl SlotRequest<'_> {
    /// The most this slot would use.
    pub fn most(&self) -> Bitrate {
        self.ladder.last().map(|rung| rung.most).unwrap_or_default()
    }

    pub(super) fn cost(&self, rung: usize) -> Bitrate {
        self.ladder.get(rung).map_or(Bitrate::MAX, |rung| rung.least)
    }

    /// The lowest rung with the resolution of the highest.
    pub(super) fn sharp(&self) -> Option<usize> {
        let top = self.ladder.last()?;
        self.ladder.iter().position(|rung| rung.is_picture_of(top))
    }

    pub(super) fn top(&self) -> Option<usize> {
        self.ladder.len().checked_sub(1)
    }

    /// The cheapest rung; with elastic ones that need not be the lowest.
    pub(super) fn cheapest(&self) -> Option<usize> {
        (0..self.ladder.len()).rev().min_by_key(|rung| self.cost(*rung))
    }
}
