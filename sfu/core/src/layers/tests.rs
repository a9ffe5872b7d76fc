//! A model encoder, a network that loses and delays, a viewer that changes its mind, and a model decoder that judges.

use std::collections::HashSet;

use proptest::prelude::*;

use super::selector::{Frame, Selector, Verdict};
use crate::rtp::dependency::{Dependencies, Layer, Structure};

/// How spatial layers depend on each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    /// In every picture (L3T3).
    Full,
    /// In keyframes only (L3T3_KEY).
    Key,
    /// There is one (L1T3).
    Single,
}

/// Makes frames in decode order, with the indications of libwebrtc's scalability structures, over a grid of targets.
struct Encoder {
    mode: Mode,
    number: u64,
    picture: u32,
    /// Pictures since the keyframe.
    phase: u32,
    /// Last frame of each layer: by spatial, then temporal id.
    last: [[Option<u64>; 3]; 3],
}

impl Encoder {
    fn picture(&mut self, key: bool) -> Vec<Frame> {
        if key {
            self.phase = 0;
            self.last = Default::default();
        }
        // T0 T2 T1 T2.
        let temporal = [0u8, 2, 1, 2][self.phase as usize % 4];
        let layers = if self.mode == Mode::Single { 1 } else { 3 };
        let mut frames = Vec::new();
        for spatial in 0..layers {
            frames.push(self.frame(key, spatial, temporal));
        }
        self.phase += 1;
        self.picture += 3000;
        frames
    }

    fn frame(&mut self, key: bool, spatial: u8, temporal: u8) -> Frame {
        let number = self.number;
        self.number += 1;
        let mut dependencies = Dependencies::of(Layer { spatial, temporal });
        let between = key || self.mode == Mode::Full;
        for target in Structure::grid().targets().iter().filter(|it| it.temporal >= temporal) {
            let bit = 1 << Structure::grid_target(*target);
            if target.spatial == spatial {
                dependencies.present |= bit;
                match temporal {
                    0 => dependencies.switch |= bit,
                    _ if target.temporal == temporal => dependencies.discardable |= bit,
                    _ => dependencies.switch |= bit,
                }
            } else if target.spatial > spatial && between {
                dependencies.present |= bit;
                if key {
                    dependencies.switch |= bit;
                }
            }
        }
        let active = self.active();
        dependencies.present &= active;
        dependencies.switch &= active;
        dependencies.discardable &= active;
        if between && spatial > 0 {
            dependencies.refer(1).expect("room");
        }
        if !key {
            // The newest frame of its own or a lower temporal layer; the upper T2 of a group leans on its T1.
            let own = &self.last[usize::from(spatial)];
            let below = own.iter().take(usize::from(temporal).max(1)).flatten().max();
            if let Some(last) = below {
                dependencies.refer((number - last) as u16).expect("room");
            }
        }
        self.last[usize::from(spatial)][usize::from(temporal)] = Some(number);
        Frame { number, dependencies, key: key && spatial == 0, ends: true, active }
    }

    /// Targets of up to three by three layers.
    fn active(&self) -> u32 {
        let spatial = if self.mode == Mode::Single { 0 } else { 2 };
        let all = Structure::grid();
        let within = all.targets().iter().filter(|it| it.spatial <= spatial && it.temporal <= 2);
        within.fold(0, |mask, it| mask | 1 << Structure::grid_target(*it))
    }
}

/// What happens to a frame on its way to us.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Arrives,
    /// Repaired after this many later frames.
    Late(usize),
    Lost,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![12 => Just(Fate::Arrives), 2 => (1..9usize).prop_map(Fate::Late), 1 => Just(Fate::Lost)]
}

/// Everything that arrived and was forwarded, and whether it can be decoded with what else was.
struct Viewer {
    selector: Selector,
    grid: Structure,
    forwarded: Vec<Frame>,
    left_out: HashSet<u64>,
    /// Spatial layer of the last packet marked as the end of each picture.
    ends: Vec<(u32, u8)>,
}

impl Viewer {
    fn take(&mut self, frame: &Frame, picture: u32) {
        match self.selector.decide(frame, picture, &self.grid) {
            Verdict::Forward { ends_picture } => {
                self.forwarded.push(*frame);
                if ends_picture {
                    self.ends.push((picture, frame.dependencies.layer.spatial));
                }
            }
            Verdict::LeaveOut => {
                self.left_out.insert(frame.number);
            }
        }
    }

    /// No frame went out that needs one which was left out.
    fn judge(&self) -> Result<(), TestCaseError> {
        for frame in &self.forwarded {
            for back in frame.dependencies.references() {
                let needed = frame.number - u64::from(*back);
                prop_assert!(!self.left_out.contains(&needed), "{} needs {needed}: {frame:?}", frame.number);
            }
        }
        Ok(())
    }
}

fn viewer() -> Viewer {
    let grid = Structure::grid();
    let (forwarded, left_out) = (Vec::new(), HashSet::new());
    Viewer { selector: Selector::default(), grid, forwarded, left_out, ends: Vec::new() }
}

fn encoder(mode: Mode) -> Encoder {
    Encoder { mode, number: 70_000, picture: 0, phase: 0, last: Default::default() }
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Full), Just(Mode::Key), Just(Mode::Single)]
}

fn goal() -> impl Strategy<Value = Layer> {
    (0..3u8, 0..3u8).prop_map(|(spatial, temporal)| Layer { spatial, temporal })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_is_wished_for_and_lost_nothing_goes_out_that_needs_what_was_left_out(
        mode in mode(),
        pictures in prop::collection::vec(
            (prop::option::weighted(0.15, goal()), prop::bool::weighted(0.03), prop::collection::vec(fate(), 3)), 2..150),
    ) {
        let (mut encoder, mut viewer) = (encoder(mode), viewer());
        let mut delayed: Vec<(usize, Frame, u32)> = Vec::new();
        for (index, (goal, key, fates)) in pictures.into_iter().enumerate() {
            if let Some(goal) = goal {
                viewer.selector.aim(goal);
            }
            let picture = encoder.picture;
            let frames = encoder.picture(key || index == 0);
            for (frame, fate) in frames.into_iter().zip(fates) {
                for waiting in &mut delayed {
                    waiting.0 -= 1;
                }
                // The first keyframe arrives; a lost keyframe is asked for again, which is another story.
                match if frame.key { Fate::Arrives } else { fate } {
                    Fate::Arrives => viewer.take(&frame, picture),
                    Fate::Late(after) => delayed.push((after, frame, picture)),
                    Fate::Lost => {}
                }
                for (_, late, picture) in delayed.extract_if(.., |it| it.0 == 0) {
                    viewer.take(&late, picture);
                }
            }
        }
        viewer.judge()?;
    }

    #[test]
    fn without_loss_every_picture_is_shown_whatever_is_wished_for(
        mode in mode(),
        pictures in prop::collection::vec((prop::option::weighted(0.15, goal()), prop::bool::weighted(0.05)), 2..150),
    ) {
        let (mut encoder, mut viewer) = (encoder(mode), viewer());
        let mut base = Vec::new();
        for (index, (goal, key)) in pictures.into_iter().enumerate() {
            if let Some(goal) = goal {
                viewer.selector.aim(goal);
            }
            // Asked for, a keyframe comes.
            let key = key || index == 0 || (viewer.selector.wants_keyframe() && index % 5 == 0);
            let picture = encoder.picture;
            let frames = encoder.picture(key);
            if frames.iter().any(|frame| frame.dependencies.layer.temporal == 0) {
                base.push(picture);
            }
            for frame in &frames {
                viewer.take(frame, picture);
            }
        }
        viewer.judge()?;
        // No freeze: of every picture of the base rate something went out, and its end was marked, once.
        for picture in base {
            let ends = viewer.ends.iter().filter(|(at, _)| *at == picture).count();
            prop_assert_eq!(ends, 1, "picture at {}", picture);
        }
        let mut last = None;
        for (picture, _) in &viewer.ends {
            prop_assert!(last < Some(*picture));
            last = Some(*picture);
        }
    }
}

#[test]
fn temporal_layers_follow_the_wish_without_a_keyframe_and_spatial_ones_with_one() {
    let (mut encoder, mut viewer) = (encoder(Mode::Key), viewer());
    let layer = |spatial, temporal| Layer { spatial, temporal };
    let mut run = |viewer: &mut Viewer, key: bool, pictures: usize| {
        for index in 0..pictures {
            let picture = encoder.picture;
            for frame in encoder.picture(key && index == 0) {
                viewer.take(&frame, picture);
            }
        }
    };
    let now = |viewer: &Viewer| viewer.selector.current(&viewer.grid);
    viewer.selector.aim(layer(2, 2));
    run(&mut viewer, true, 8);
    assert_eq!(now(&viewer), Some(layer(2, 2)));
    viewer.selector.aim(layer(2, 0));
    run(&mut viewer, false, 4);
    assert_eq!(now(&viewer), Some(layer(2, 0)), "down at once");
    viewer.selector.aim(layer(2, 2));
    run(&mut viewer, false, 8);
    assert_eq!(now(&viewer), Some(layer(2, 2)), "up at a switching point");
    assert!(!viewer.selector.wants_keyframe());
    viewer.selector.aim(layer(1, 2));
    run(&mut viewer, false, 8);
    assert_eq!(
        now(&viewer),
        Some(layer(2, 0)),
        "the smaller picture was not sent: meanwhile less of the larger"
    );
    assert!(viewer.selector.wants_keyframe());
    run(&mut viewer, true, 4);
    assert_eq!(now(&viewer), Some(layer(1, 2)));
    assert!(!viewer.selector.wants_keyframe());
}
