//! The choices there are for a viewer, what each costs, and the one that suits the size it is shown at.

/// Up to which layers of which encoding: the address of one choice. Greater is better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Layers {
    /// Simulcast encoding, 0 the lowest quality; 0 where there is one only.
    pub encoding: u8,
    /// Highest spatial layer, 0–7.
    pub spatial: u8,
    /// Highest temporal layer, 0–7.
    pub temporal: u8,
}

impl Layers {
    /// Everything of every encoding.
    pub const ALL: Layers = Layers { encoding: u8::MAX, spatial: u8::MAX, temporal: u8::MAX };
}

/// What a viewer is to get.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Target {
    /// Nothing: it is not shown, or does not fit.
    Paused,
    /// The best there is up to these layers.
    Layers(Layers),
}

/// How large a viewer shows something, in device pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct View {
    /// Width, 0 when not shown.
    pub width: u16,
    /// Height, 0 when not shown.
    pub height: u16,
}

impl View {
    /// Before a viewer says anything: as large as it gets.
    pub const FULL: View = View { width: u16::MAX, height: u16::MAX };

    /// Not shown at all.
    pub fn is_hidden(self) -> bool {
        self.width == 0 || self.height == 0
    }
}

/// One choice and what it brings.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Rung {
    /// Which.
    pub layers: Layers,
    /// What it costs, bit/s, headers of RTP not counted: measured over the last two seconds, or what the publisher
    /// announced (or sent last) when it is not being sent now.
    pub bitrate: u64,
    /// Width and height of the picture in pixels, when known.
    pub size: Option<(u16, u16)>,
    /// It is being sent now. If not, the publisher has to be asked first, which takes a round trip and a keyframe.
    pub active: bool,
}

/// Layers of simulcast whose sizes nobody told, as browsers scale a 720p camera: a quarter, half, whole.
const USUAL_SIZES: [(u16, u16); 3] = [(320, 180), (640, 360), (1280, 720)];

/// A picture may be shown this much larger than it is, in percent of its size, before a larger one is worth its cost.
const STRETCH: u32 = 120;

impl Rung {
    /// Its size, or what is usual at its place: rank 0 is the smallest of `ranks` sizes.
    fn size_or_usual(&self, rank: usize, ranks: usize) -> (u16, u16) {
        let largest = USUAL_SIZES.len() - 1;
        let usual = (rank + largest).saturating_sub(ranks.saturating_sub(1)).min(largest);
        self.size.unwrap_or(USUAL_SIZES[usual])
    }
}

/// The smallest picture that covers the view, at its full frame rate; the largest if none does.
///
/// `ladder` is ascending. Width and height both count, but a viewer that crops (or turns) needs only one of them to fit:
/// the area decides.
pub fn by_view(ladder: &[Rung], view: View) -> Target {
    if view.is_hidden() {
        return Target::Paused;
    }
    let area = |(width, height): (u16, u16)| u64::from(width) * u64::from(height);
    let shown = area((view.width, view.height));
    let picture = |rung: &Rung| (rung.layers.encoding, rung.layers.spatial);
    let ranks = ladder.chunk_by(|a, b| picture(a) == picture(b)).count();
    let mut best = None;
    for (rank, rungs) in ladder.chunk_by(|a, b| picture(a) == picture(b)).enumerate() {
        let Some(highest) = rungs.last() else { continue };
        best = Some(highest.layers);
        let covered = area(highest.size_or_usual(rank, ranks)) * u64::from(STRETCH * STRETCH) / 10_000;
        if covered >= shown {
            break;
        }
    }
    // Nothing has arrived yet: whatever comes.
    Target::Layers(best.unwrap_or(Layers::ALL))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rung(encoding: u8, temporal: u8, size: Option<(u16, u16)>) -> Rung {
        Rung { layers: Layers { encoding, spatial: 0, temporal }, bitrate: 1, size, active: true }
    }

    fn chosen(ladder: &[Rung], width: u16, height: u16) -> Option<u8> {
        match by_view(ladder, View { width, height }) {
            Target::Paused => None,
            Target::Layers(layers) => Some(layers.encoding),
        }
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
        assert_eq!(chosen(&ladder, 1920, 1080), Some(2), "the largest when none covers");
        let all = Layers { encoding: 2, spatial: 0, temporal: 2 };
        assert_eq!(by_view(&ladder, View::FULL), Target::Layers(all));
    }

    #[test]
    fn without_sizes_the_rank_decides() {
        let ladder = [rung(0, 0, None), rung(1, 0, None), rung(2, 0, None)];
        assert_eq!(chosen(&ladder, 300, 170), Some(0));
        assert_eq!(chosen(&ladder, 640, 360), Some(1));
        assert_eq!(chosen(&ladder, 1000, 600), Some(2));
        assert_eq!(chosen(&ladder[..1], 100, 100), Some(0));
        assert_eq!(by_view(&[], View { width: 9, height: 9 }), Target::Layers(Layers::ALL));
    }
}
