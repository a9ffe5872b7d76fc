//! The choices there are for a viewer, what each costs, and the one that suits the size it is shown at.

use crate::bwe::Target;

/// Everything of every encoding.
pub const EVERYTHING: Target = Target { encoding: u8::MAX, spatial: u8::MAX, temporal: u8::MAX };

/// How large a viewer shows a slot, device pixels; 0 × 0 is not shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct View {
    /// Pixels.
    pub width: u16,
    /// Pixels.
    pub height: u16,
}

impl View {
    /// Before a viewer says anything: as large as it gets.
    pub const FULL: View = View { width: u16::MAX, height: u16::MAX };

    /// Whether anything is to be seen.
    pub fn is_shown(self) -> bool {
        self.width > 0 && self.height > 0
    }
}

/// One choice and what it brings.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Step {
    /// Up to which layers of which encoding.
    pub target: Target,
    /// What it costs, bit/s, headers of RTP not counted: measured over the last two seconds, or what the publisher
    /// announced (or sent last) when it is not being sent now. 0 when nobody knows.
    pub bitrate: u64,
    /// Width and height of the picture in pixels, when known.
    pub size: Option<(u16, u16)>,
}

/// Layers of simulcast whose sizes nobody told, as browsers scale a 720p camera: a quarter, half, whole.
const USUAL_SIZES: [(u16, u16); 3] = [(320, 180), (640, 360), (1280, 720)];

/// What a picture and the smaller ones in the same stream take at most: so much, bit/s, and so much for each pixel. About what
/// libwebrtc's encoders use of VP9.
const LAYERS_FIXED: u64 = 100_000;
const LAYERS_PIXEL: u64 = 2;

/// A picture may be shown this much larger than it is, in percent of its size, before a larger one is worth its cost.
const STRETCH: u32 = 120;

impl Step {
    /// Its size, or what is usual at its place: rank 0 is the smallest of `ranks` sizes.
    fn size_or_usual(&self, rank: usize, ranks: usize) -> (u16, u16) {
        let largest = USUAL_SIZES.len() - 1;
        let usual = (rank + largest).saturating_sub(ranks.saturating_sub(1)).min(largest);
        self.size.unwrap_or(USUAL_SIZES[usual])
    }
}

/// The smallest picture that covers the view, at its full frame rate; everything there is, if none does.
///
/// `ladder` is ascending. Width and height both count, but a viewer that crops (or turns) needs only one of them to fit:
/// the area decides.
pub fn by_view(ladder: &[Step], view: View) -> Option<Target> {
    if !view.is_shown() {
        return None;
    }
    let area = |(width, height): (u16, u16)| u64::from(width) * u64::from(height);
    let shown = area((view.width, view.height));
    let picture = |step: &Step| (step.target.encoding, step.target.spatial);
    let ranks = ladder.chunk_by(|a, b| picture(a) == picture(b)).count();
    let covers = |(rank, steps): &(usize, &[Step])| {
        let size = steps.first().map_or((0, 0), |step| step.size_or_usual(*rank, ranks));
        area(size) * u64::from(STRETCH * STRETCH) / 10_000 >= shown
    };
    let pictures = ladder.chunk_by(|a, b| picture(a) == picture(b)).enumerate();
    let smallest = pictures.into_iter().find(covers).and_then(|(_, steps)| steps.first());
    // The ladder may not show all there is yet: what is not bounded by the view is not bounded at all.
    Some(smallest.map_or(EVERYTHING, |step| Target { temporal: u8::MAX, ..step.target }))
}

/// The most that a viewer of a stream in spatial layers has use for, up to what [`by_view`] chose, bit/s; `None` for any amount.
///
/// Larger layers that nobody shows are not to be sent, and there is no other word for them than a rate: encoders leave out the
/// layers for which it is not enough.
pub fn useful_layers(ladder: &[Step], bound: Target) -> Option<u64> {
    let picture = |target: Target| (target.encoding, target.spatial);
    let (width, height) = ladder.iter().find(|step| picture(step.target) == picture(bound))?.size?;
    Some(LAYERS_FIXED + LAYERS_PIXEL * u64::from(width) * u64::from(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rung(encoding: u8, temporal: u8, size: Option<(u16, u16)>) -> Step {
        Step { target: Target { encoding, spatial: 0, temporal }, bitrate: 1, size }
    }

    fn chosen(ladder: &[Step], width: u16, height: u16) -> Option<u8> {
        by_view(ladder, View { width, height }).map(|target| target.encoding)
    }

    #[test]
    fn the_smallest_picture_that_covers_the_view_is_chosen_at_full_rate() {
        let ladder = [
            rung(0, 0, Some((320, 180))),
            rung(0, 1, Some((320, 180))),
            rung(1, 0, Some((640, 360))),
            rung(2, 0, Some((1280, 720))),
            rung(2, 2, Some((1280, 720))),
        ];
        assert_eq!(chosen(&ladder, 0, 300), None, "not shown");
        assert_eq!(chosen(&ladder, 160, 90), Some(0));
        assert_eq!(chosen(&ladder, 360, 200), Some(0), "a little larger is not worth four times the pixels");
        assert_eq!(chosen(&ladder, 600, 340), Some(1));
        assert_eq!(chosen(&ladder, 200, 355), Some(0), "a portrait window that crops");
        assert_eq!(chosen(&ladder, 1280, 720), Some(2));
        let full_rate = Target { encoding: 0, spatial: 0, temporal: u8::MAX };
        assert_eq!(by_view(&ladder, View { width: 160, height: 90 }), Some(full_rate));
        assert_eq!(by_view(&ladder, View { width: 1920, height: 1080 }), Some(EVERYTHING), "none covers it");
    }

    #[test]
    fn a_small_view_has_use_for_few_layers() {
        let layer =
            |spatial, size| Step { target: Target { encoding: 0, spatial, temporal: 0 }, bitrate: 1, size };
        let ladder = [layer(0, Some((320, 180))), layer(1, Some((640, 360))), layer(2, None)];
        let useful =
            |width, height| useful_layers(&ladder, by_view(&ladder, View { width, height }).unwrap());
        assert_eq!(useful(300, 170), Some(215_200));
        assert_eq!(useful(640, 360), Some(560_800));
        assert_eq!(useful(1280, 720), None, "the largest, or what is not sent now and may be larger still");
    }

    #[test]
    fn without_sizes_the_rank_decides() {
        let ladder = [rung(0, 0, None), rung(1, 0, None), rung(2, 0, None)];
        assert_eq!(chosen(&ladder, 300, 170), Some(0));
        assert_eq!(chosen(&ladder, 640, 360), Some(1));
        assert_eq!(chosen(&ladder, 1000, 600), Some(2));
        assert_eq!(chosen(&ladder[..1], 100, 100), Some(0));
        assert_eq!(by_view(&[], View { width: 9, height: 9 }), Some(EVERYTHING));
    }
}
