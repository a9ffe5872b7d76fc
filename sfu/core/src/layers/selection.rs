//! One viewer's way to its target: which encoding it gets, and of that which layers.
//!
//! A switch of encodings happens at a keyframe of the new one; until it arrives the old one goes on. On the way down the
//! old one's upper temporal layers are dropped meanwhile.

use super::ladder::EVERYTHING;
use super::reader::{LayerInfo, Reading};
use super::selector::{Selector, Verdict};
use crate::bwe::Target;
use crate::rtp::dependency::{Layer, Structure};

/// What to do with a packet of the source for this viewer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    /// Send it.
    Forward {
        /// It is the first of another encoding than before, or the first of all.
        begins: bool,
        /// Whether it is the last packet of its picture for this viewer; `None`: as the sender marked it.
        ends_picture: Option<bool>,
    },
    /// It is of the forwarded encoding, but not of a layer that is wanted: close its number up.
    LeaveOut,
    /// It is of the forwarded encoding, but cannot be understood yet: it may be sent later.
    Hold,
    /// A keyframe of this encoding is waited for.
    Wait,
    /// It is of an encoding that is not shown.
    Elsewhere,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Selection {
    /// `None`: nothing is forwarded.
    target: Option<Target>,
    /// The encoding being forwarded.
    current: Option<u8>,
    /// Video has layers; audio does without.
    selector: Option<Selector>,
}

impl Selection {
    /// Shows all there is; `layered` for video.
    pub fn new(layered: bool) -> Self {
        Self { target: Some(EVERYTHING), current: None, selector: layered.then(Selector::default) }
    }

    /// What is wished for; `None` is nothing.
    pub fn target(&self) -> Option<Target> {
        self.target
    }

    /// The encoding being forwarded.
    pub fn current(&self) -> Option<u8> {
        self.current
    }

    /// The layers being forwarded.
    pub fn layers(&self, structure: &Structure) -> Option<Target> {
        let encoding = self.current?;
        let layer = self.selector.as_ref().and_then(|it| it.current(structure)).unwrap_or_default();
        Some(Target { encoding, spatial: layer.spatial, temporal: layer.temporal })
    }

    /// Decode targets that this viewer can be told of.
    pub fn deliverable(&self, structure: &Structure) -> u32 {
        self.selector.as_ref().map_or(u32::MAX, |selector| selector.deliverable(structure))
    }

    /// Changes the wish.
    pub fn aim(&mut self, target: Option<Target>) {
        self.target = target;
        if target.is_none() {
            self.current = None;
        }
        self.aim_selector();
    }

    /// Another source, or the same one anew: nothing is forwarded until a keyframe.
    pub fn restart(&mut self) {
        self.current = None;
    }

    fn aim_selector(&mut self) {
        let (Some(target), Some(selector)) = (self.target, &mut self.selector) else { return };
        let goal = match self.current {
            // On the way up to another encoding, all of this one is better than less.
            Some(current) if current < target.encoding => Layer { spatial: u8::MAX, temporal: u8::MAX },
            Some(current) if current > target.encoding => Layer::default(),
            _ => Layer { spatial: target.spatial, temporal: target.temporal },
        };
        selector.aim(goal);
    }

    /// Decides on a packet. `wanted` is the encoding this viewer should get now, given what is being sent (see
    /// [`wanted`]); `picture` is the RTP timestamp.
    pub fn decide(
        &mut self,
        encoding: u8,
        reading: &Reading<'_>,
        picture: u32,
        structure: &Structure,
        wanted: Option<u8>,
    ) -> Choice {
        let begins = self.current != Some(encoding);
        if begins {
            if wanted != Some(encoding) {
                return Choice::Elsewhere;
            }
            if !reading.keyframe {
                return Choice::Wait;
            }
            self.current = Some(encoding);
            if let Some(selector) = &mut self.selector {
                selector.restart();
            }
            self.aim_selector();
        }
        match (reading.layers, &mut self.selector) {
            (LayerInfo::Plain, _) | (_, None) => Choice::Forward { begins, ends_picture: None },
            (LayerInfo::Unknown, _) => Choice::Hold,
            (LayerInfo::Frame(frame), Some(selector)) => match selector.decide(&frame, picture, structure) {
                Verdict::LeaveOut => Choice::LeaveOut,
                Verdict::Forward { ends_picture } => {
                    // VP8 has no spatial layers, and its descriptor does not say where frames end.
                    let told = reading.descriptor.is_some() || frame.ends;
                    Choice::Forward { begins, ends_picture: told.then_some(ends_picture) }
                }
            },
        }
    }

    /// Whether a packet of the current encoding that came before was sent; `None` if it was not decided on.
    pub fn recall(&self, reading: &Reading<'_>) -> Option<bool> {
        match (reading.layers, &self.selector) {
            (LayerInfo::Plain, _) | (_, None) => Some(true),
            (LayerInfo::Unknown, _) => None,
            (LayerInfo::Frame(frame), Some(selector)) => selector.recall(frame.number),
        }
    }

    /// The wish can only come true with a keyframe of the encoding `wanted`.
    pub fn wants_keyframe(&self, wanted: Option<u8>) -> bool {
        match (wanted, self.current) {
            (None, _) => false,
            (Some(wanted), Some(current)) if wanted == current => {
                self.selector.as_ref().is_some_and(Selector::wants_keyframe)
            }
            _ => true,
        }
    }
}

/// The encoding a viewer with this target should get, when only those in the mask `sent` are being sent, out of `count`.
///
/// If the target's own is not (yet, or any more), the nearest below it, or else above it.
pub fn wanted(target: Option<Target>, sent: u8, count: u8) -> Option<u8> {
    let ideal = target?.encoding.min(count.saturating_sub(1));
    let is_sent = |encoding: &u8| sent >> encoding & 1 == 1;
    let lower = (0..=ideal).rev().find(is_sent);
    Some(lower.or_else(|| (ideal..8).find(is_sent)).unwrap_or(ideal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::picture::PictureFields;

    fn target(encoding: u8) -> Option<Target> {
        Some(Target { encoding, spatial: 9, temporal: 9 })
    }

    fn packet(keyframe: bool) -> Reading<'static> {
        Reading { layers: LayerInfo::Plain, keyframe, descriptor: None, fields: PictureFields::default() }
    }

    #[test]
    fn a_switch_keeps_the_old_encoding_until_the_new_one_has_a_keyframe() {
        let grid = Structure::grid();
        let mut it = Selection::new(true);
        let sent = Choice::Forward { begins: false, ends_picture: None };
        let begun = Choice::Forward { begins: true, ends_picture: None };
        it.aim(target(0));
        assert_eq!(it.decide(0, &packet(false), 1, &grid, Some(0)), Choice::Wait);
        assert_eq!(it.decide(0, &packet(true), 1, &grid, Some(0)), begun);
        it.aim(target(2));
        assert!(it.wants_keyframe(Some(2)));
        assert_eq!(it.decide(2, &packet(false), 1, &grid, Some(2)), Choice::Wait);
        assert_eq!(it.decide(0, &packet(false), 2, &grid, Some(2)), sent, "meanwhile the old one goes on");
        assert_eq!(it.decide(1, &packet(true), 2, &grid, Some(2)), Choice::Elsewhere);
        assert_eq!(it.decide(2, &packet(true), 2, &grid, Some(2)), begun);
        assert_eq!(it.decide(0, &packet(true), 2, &grid, Some(2)), Choice::Elsewhere);
        assert!(!it.wants_keyframe(Some(2)));
        it.aim(None);
        assert_eq!(it.decide(2, &packet(true), 3, &grid, None), Choice::Elsewhere);
    }

    #[test]
    fn what_is_not_sent_is_replaced_by_its_neighbour() {
        assert_eq!(wanted(target(2), 0b111, 3), Some(2));
        assert_eq!(wanted(target(2), 0b011, 3), Some(1), "the next lower one");
        assert_eq!(wanted(target(0), 0b100, 3), Some(2), "or the next higher one");
        assert_eq!(wanted(target(2), 0, 3), Some(2), "nothing is sent yet: ask for the right one");
        assert_eq!(wanted(target(2), 0b001, 1), Some(0));
        assert_eq!(wanted(None, 0b111, 3), None);
    }
}
