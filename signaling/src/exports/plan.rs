//! What an export is to show and when, out of a recording's index and what was asked for. Pure.

use recorder::{IndexTrack, RecordingIndex};
use sfu::{Kind, Source};

/// Pictures a second of an export.
pub const FPS: u64 = 25;
/// How long a picture is shown, milliseconds; cuts lie on borders of pictures, so sound and picture are cut alike.
pub const FRAME_MS: u64 = 1000 / FPS;
/// A gap that is shorter needs no words, milliseconds.
const GAP_MS: u64 = 500;
/// Captions of one side beyond this are left out: nobody reads them, and command lines end somewhere.
const CAPTIONS_MAX: usize = 400;

/// A stretch of session time, milliseconds; the end is not in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Stretch {
    /// From.
    pub start_ms: u64,
    /// To.
    pub end_ms: u64,
}

/// What to show.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// Length of the session timeline, a whole number of pictures, milliseconds.
    pub duration_ms: u64,
    /// What is left out: apart, in order, each a whole number of pictures.
    pub cuts: Vec<Stretch>,
    /// Files to read, by the track's id; pictures and voices point into it.
    pub tracks: Vec<String>,
    /// The agent's, left.
    pub agent: SidePlan,
    /// The buyer's, right.
    pub buyer: SidePlan,
}

/// What to show and play of one side.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct SidePlan {
    /// Whose.
    pub name: String,
    /// Later ones cover earlier ones.
    pub pictures: Vec<Picture>,
    /// Numbers of tracks.
    pub voices: Vec<usize>,
    /// Words about what is missing, in order of time.
    pub captions: Vec<Caption>,
}

/// A video track, from its first to its last picture; where it has gaps the last picture stays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Picture {
    /// Number of the track.
    pub track: usize,
    /// When it is there.
    pub shown: Stretch,
    /// How it is turned, clockwise degrees, without a hole over `shown`.
    pub turns: Vec<(Stretch, u16)>,
}

/// Words over a side's picture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caption {
    /// When.
    pub shown: Stretch,
    /// What.
    pub text: String,
}

impl Plan {
    /// Plans the export of a recording without the stretches in `redactions`, which may be in any order and overlap.
    pub fn of(index: &RecordingIndex, redactions: &[Stretch]) -> Self {
        let duration_ms = index.duration_ms.div_ceil(FRAME_MS) * FRAME_MS;
        let mut plan = Self {
            duration_ms,
            cuts: cuts(redactions, duration_ms),
            tracks: index.tracks.iter().map(|track| track.id.clone()).collect(),
            agent: SidePlan::default(),
            buyer: SidePlan::default(),
        };
        plan.agent = side(index, recorder::Side::Agent, "Agent", duration_ms);
        plan.buyer = side(index, recorder::Side::Buyer, "Buyer", duration_ms);
        plan
    }

    /// Length of what comes out, milliseconds.
    pub fn output_ms(&self) -> u64 {
        self.duration_ms - self.cuts.iter().map(|cut| cut.end_ms - cut.start_ms).sum::<u64>()
    }
}

/// Cuts on borders of pictures, never shorter than asked for, those that touch as one.
fn cuts(redactions: &[Stretch], duration_ms: u64) -> Vec<Stretch> {
    let mut asked: Vec<Stretch> = redactions
        .iter()
        .map(|asked| Stretch {
            start_ms: asked.start_ms / FRAME_MS * FRAME_MS,
            end_ms: (asked.end_ms.div_ceil(FRAME_MS) * FRAME_MS).min(duration_ms),
        })
        .filter(|cut| cut.start_ms < cut.end_ms)
        .collect();
    asked.sort_unstable();
    let mut cuts: Vec<Stretch> = Vec::new();
    for cut in asked {
        match cuts.last_mut() {
            Some(last) if cut.start_ms <= last.end_ms => last.end_ms = last.end_ms.max(cut.end_ms),
            _ => cuts.push(cut),
        }
    }
    cuts
}

fn side(index: &RecordingIndex, side: recorder::Side, nobody: &str, duration_ms: u64) -> SidePlan {
    let tracks = || index.tracks.iter().enumerate().filter(move |(_, track)| track.side == side);
    let name = tracks().map(|(_, track)| track.name.trim()).find(|name| !name.is_empty());
    let mut pictures: Vec<Picture> = tracks()
        .filter(|(_, track)| track.source.kind() == Kind::Video)
        .filter_map(|(number, track)| picture(number, track))
        .collect();
    // What is on the screen is what they talk about: it covers the camera.
    pictures.sort_by_key(|picture| index.tracks[picture.track].source == Source::Screen);
    let voices = tracks().filter(|(_, track)| track.source.kind() == Kind::Audio).map(|(number, _)| number);
    SidePlan {
        name: name.unwrap_or(nobody).to_owned(),
        voices: voices.collect(),
        captions: captions(index, &pictures, duration_ms),
        pictures,
    }
}

fn picture(number: usize, track: &IndexTrack) -> Option<Picture> {
    let shown =
        Stretch { start_ms: track.fragments.first()?.start_ms, end_ms: track.fragments.last()?.end_ms };
    let mut turns = Vec::new();
    let mut from = (shown.start_ms, track.rotation);
    for rotation in track.rotations.iter().skip(1) {
        let at = rotation.at_ms.clamp(from.0, shown.end_ms);
        if at > from.0 {
            turns.push((Stretch { start_ms: from.0, end_ms: at }, from.1));
        }
        from = (at, rotation.degrees);
    }
    if shown.end_ms > from.0 {
        turns.push((Stretch { start_ms: from.0, end_ms: shown.end_ms }, from.1));
    }
    Some(Picture { track: number, shown, turns })
}

/// Says why nothing moves: pauses first, then gaps of the pictures, then that there is no picture at all.
fn captions(index: &RecordingIndex, pictures: &[Picture], duration_ms: u64) -> Vec<Caption> {
    let mut told: Vec<Caption> = Vec::new();
    for pause in &index.pauses {
        let end_ms = pause.end_ms.unwrap_or(duration_ms).min(duration_ms);
        let shown = Stretch { start_ms: pause.start_ms.min(end_ms), end_ms };
        told.push(Caption { shown, text: format!("Recording paused: {}", pause.reason.replace('_', " ")) });
    }
    let moving = |stretch: Stretch| {
        let tracks = pictures.iter().map(|picture| &index.tracks[picture.track]);
        let fragments = tracks.flat_map(|track| &track.fragments);
        fragments
            .map(|fragment| Stretch { start_ms: fragment.start_ms, end_ms: fragment.end_ms })
            .filter(move |fragment| fragment.start_ms < stretch.end_ms && stretch.start_ms < fragment.end_ms)
            .collect::<Vec<_>>()
    };
    let whole = Stretch { start_ms: 0, end_ms: duration_ms };
    let seen: Vec<Stretch> = pictures.iter().map(|picture| picture.shown).collect();
    for still in without(whole, moving(whole)) {
        let paused = told.iter().filter(|caption| caption.text.starts_with("Recording")).map(|c| c.shown);
        for rest in without(still, paused.collect()) {
            if rest.end_ms - rest.start_ms < GAP_MS {
                continue;
            }
            // Where no track is open the name stands there and needs no explanation.
            for open in within(rest, &seen) {
                let text = if is_lost(index, pictures, open) { "Picture lost" } else { "Camera off" };
                told.push(Caption { shown: open, text: text.to_owned() });
            }
        }
    }
    told.retain(|caption| caption.shown.start_ms < caption.shown.end_ms);
    told.sort_by_key(|caption| caption.shown);
    told.truncate(CAPTIONS_MAX);
    told
}

fn is_lost(index: &RecordingIndex, pictures: &[Picture], stretch: Stretch) -> bool {
    let gaps = pictures.iter().flat_map(|picture| &index.tracks[picture.track].gaps);
    let mut over = gaps.filter(|gap| gap.start_ms < stretch.end_ms && stretch.start_ms < gap.end_ms);
    over.any(|gap| gap.reason == recorder::GapReason::Lost)
}

/// `whole` without the others.
fn without(whole: Stretch, mut others: Vec<Stretch>) -> Vec<Stretch> {
    others.sort_unstable();
    let (mut rest, mut at) = (Vec::new(), whole.start_ms);
    for other in others {
        if other.start_ms > at {
            rest.push(Stretch { start_ms: at, end_ms: other.start_ms.min(whole.end_ms) });
        }
        at = at.max(other.end_ms);
        if at >= whole.end_ms {
            return rest;
        }
    }
    rest.push(Stretch { start_ms: at, end_ms: whole.end_ms });
    rest
}

/// The parts of `whole` that lie in one of the others.
fn within(whole: Stretch, others: &[Stretch]) -> Vec<Stretch> {
    let outside = without(whole, others.to_vec());
    without(whole, outside).into_iter().filter(|part| part.start_ms < part.end_ms).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::exports::tests::{index, track};

    fn stretch(start_ms: u64, end_ms: u64) -> Stretch {
        Stretch { start_ms, end_ms }
    }

    #[test]
    fn cuts_grow_to_the_borders_of_pictures_and_join_where_they_touch() {
        let asked =
            [stretch(3_010, 3_050), stretch(1_000, 2_000), stretch(2_000, 2_001), stretch(9_000, 99_000)];
        let cuts = cuts(&asked, 10_000);
        assert_eq!(cuts, [stretch(1_000, 2_040), stretch(3_000, 3_080), stretch(9_000, 10_000)]);
    }

    #[test]
    fn a_side_without_a_camera_has_its_name_and_no_captions() {
        let plan = Plan::of(&index(10_000, vec![track("agent-microphone-1", 0, 10_000)]), &[]);
        assert_eq!((plan.agent.name.as_str(), plan.buyer.name.as_str()), ("Grace", "Buyer"));
        assert!(plan.agent.pictures.is_empty() && plan.agent.captions.is_empty());
        assert_eq!((plan.agent.voices.as_slice(), plan.buyer.voices.len()), (&[0][..], 0));
    }

    #[test]
    fn a_gap_in_a_track_is_told_with_its_reason_and_a_pause_goes_first() {
        let mut camera = track("buyer-camera-1", 0, 20_000);
        // Nothing from 4 to 6 (off), from 10 to 12 (lost), from 15 to 18 (paused, of which 15 to 17.5).
        camera.fragments.retain(|fragment| {
            ![4_000..6_000, 10_000..12_000, 15_000..18_000].iter().any(|gap| gap.contains(&fragment.start_ms))
        });
        let reason = recorder::GapReason::Lost;
        camera.gaps.push(recorder::Gap { start_ms: 10_000, end_ms: 12_000, reason });
        let mut index = index(20_000, vec![camera]);
        index.pauses.push(recorder::Pause {
            start_ms: 15_000,
            end_ms: Some(17_500),
            reason: "card_data".into(),
            by: "u".into(),
            timed_out: false,
        });
        let told: Vec<_> = Plan::of(&index, &[])
            .buyer
            .captions
            .into_iter()
            .map(|caption| (caption.shown.start_ms, caption.shown.end_ms, caption.text))
            .collect();
        assert_eq!(
            told,
            [
                (4_000, 6_000, "Camera off".to_owned()),
                (10_000, 12_000, "Picture lost".to_owned()),
                (15_000, 17_500, "Recording paused: card data".to_owned()),
                (17_500, 18_000, "Camera off".to_owned()),
            ]
        );
    }

    #[test]
    fn turns_cover_a_picture_without_a_hole() {
        let mut camera = track("buyer-camera-1", 1_000, 9_000);
        camera.rotation = 90;
        camera.rotations = [(1_000, 90), (4_000, 0), (4_000, 180), (20_000, 270)]
            .map(|(at_ms, degrees)| recorder::Rotation { at_ms, degrees })
            .to_vec();
        let plan = Plan::of(&index(9_000, vec![camera]), &[]);
        assert_eq!(plan.buyer.pictures[0].turns, [(stretch(1_000, 4_000), 90), (stretch(4_000, 9_000), 180)]);
    }

    proptest! {
        #[test]
        fn nothing_of_what_is_to_go_stays_and_no_more_than_a_picture_at_each_end_goes_with_it(
            asked in prop::collection::vec((0..20_000u64, 1..5_000u64), 0..20),
        ) {
            let asked: Vec<Stretch> =
                asked.into_iter().map(|(start, length)| stretch(start, start + length)).collect();
            let duration = 15_000;
            let cuts = cuts(&asked, duration);
            let has = |list: &[Stretch], ms: u64| list.iter().any(|s| (s.start_ms..s.end_ms).contains(&ms));
            for ms in 0..duration {
                prop_assert!(!has(&asked, ms) || has(&cuts, ms), "{ms} ms stays");
                let near = (ms.saturating_sub(FRAME_MS)..=ms + FRAME_MS).any(|ms| has(&asked, ms));
                prop_assert!(!has(&cuts, ms) || near, "{ms} ms goes for nothing");
            }
            prop_assert!(cuts.iter().all(|cut| cut.start_ms % FRAME_MS == 0 && cut.end_ms % FRAME_MS == 0));
            prop_assert!(cuts.windows(2).all(|pair| pair[0].end_ms < pair[1].start_ms));
        }
    }
}
