//! Choosing among the layers of one encoding, frame by frame, so that a decoder can decode all it gets.
//!
//! The choice is a decode target. Three rules keep the forwarded stream decodable whatever is wished for and lost:
//! a frame that needs a frame we left out is left out; a target counts as *intact* only while nothing of it was left
//! out, and becomes intact again at a switch indication; and a number nobody has seen yet is promised to the target of
//! its time, so that a repaired packet is treated as its neighbours were.

use crate::rtp::dependency::{Dependencies, Layer, Structure};

/// A frame as far as choosing goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame {
    /// Number in decode order, growing by one from frame to frame of the encoding.
    pub number: u64,
    /// Layer, targets and references.
    pub dependencies: Dependencies,
    /// A decoder can start here: a coded video sequence begins.
    pub key: bool,
    /// The packet is the last of the frame.
    pub ends: bool,
    /// Targets the sender produces at present.
    pub active: u32,
}

/// Numbers remembered: 11 s of three layers at 30 frames a second.
const REMEMBERED: usize = 1024;

/// What became of a frame number, or will.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Forwarded,
    LeftOut,
    /// Not seen yet; to be forwarded if it is part of this target.
    Promised(u8),
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Selector {
    fates: Box<[Fate; REMEMBERED]>,
    /// First and highest number of the stream, and the number its running sequence begins with.
    first: u64,
    highest: u64,
    begin: Option<u64>,
    intact: u32,
    current: Option<u8>,
    /// What is wished for, and what holds until the next picture begins.
    goal: Layer,
    picture_goal: Layer,
    picture: u32,
    wants_keyframe: bool,
}

/// What to do with a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Send it; the flag says that it is the last of its picture for this viewer.
    Forward {
        /// The marker bit.
        ends_picture: bool,
    },
    /// Leave it out.
    LeaveOut,
}

impl Default for Selector {
    fn default() -> Self {
        let highest = Layer { spatial: u8::MAX, temporal: u8::MAX };
        Self {
            fates: Box::new([Fate::LeftOut; REMEMBERED]),
            first: 0,
            highest: 0,
            begin: None,
            intact: 0,
            current: None,
            goal: highest,
            picture_goal: highest,
            picture: 0,
            wants_keyframe: false,
        }
    }
}

impl Selector {
    /// Another stream begins, with a keyframe.
    pub fn restart(&mut self) {
        self.begin = None;
        self.current = None;
        self.picture_goal = self.goal;
        self.wants_keyframe = false;
    }

    /// Wishes for layers up to these, as soon as a decoder can go there.
    pub fn aim(&mut self, goal: Layer) {
        self.goal = goal;
        if self.begin.is_none() {
            self.picture_goal = goal;
        }
    }

    /// The layers being forwarded; `None` while there is nothing a decoder could use.
    pub fn current(&self, structure: &Structure) -> Option<Layer> {
        structure.targets().get(usize::from(self.current?)).copied()
    }

    /// The wish can only come true with a keyframe.
    pub fn wants_keyframe(&self) -> bool {
        self.wants_keyframe
    }

    /// The decode targets that a decoder may now be given: all within the current one.
    pub fn deliverable(&self, structure: &Structure) -> u32 {
        self.current.map_or(0, |target| structure.within(target))
    }

    /// What became of a frame that has been decided on; `None` if it was not.
    pub fn recall(&self, number: u64) -> Option<bool> {
        match self.fate(number)? {
            Fate::Forwarded => Some(true),
            Fate::LeftOut => Some(false),
            Fate::Promised(_) => None,
        }
    }

    /// Decides on a packet of a frame. All packets of a frame fare alike. `picture` is the RTP timestamp, which all
    /// layers of one picture share.
    pub fn decide(&mut self, frame: &Frame, picture: u32, structure: &Structure) -> Verdict {
        let forwarded = match self.recall(frame.number) {
            Some(forwarded) => forwarded,
            None => self.decide_anew(frame, picture, structure),
        };
        if !forwarded {
            return Verdict::LeaveOut;
        }
        let top = self.current(structure).map_or(0, |layer| layer.spatial);
        Verdict::Forward { ends_picture: frame.ends && frame.dependencies.layer.spatial == top }
    }

    fn decide_anew(&mut self, frame: &Frame, picture: u32, structure: &Structure) -> bool {
        let number = frame.number;
        let newest = self.begin.is_none() || number > self.highest;
        if frame.key && newest {
            self.begin_sequence(number);
        }
        let Some(begin) = self.begin else { return false };
        if number < self.first || number + REMEMBERED as u64 <= self.highest {
            return false;
        }
        let target = if newest {
            if picture != self.picture || frame.key {
                self.picture = picture;
                self.picture_goal = self.goal;
            }
            self.reach(number, structure);
            self.choose(frame, structure)
        } else {
            match self.fate(number) {
                Some(Fate::Promised(target)) => Some(target),
                _ => None,
            }
        };
        let dependencies = &frame.dependencies;
        let present = target.is_some_and(|target| dependencies.present >> target & 1 == 1);
        let forwarded = present && self.references(frame) != References::Broken;
        if number < begin {
            // Late, from before the last keyframe: of no matter to what came since.
        } else if forwarded {
            // Not a late one: what came after it was left out, or promised, for the target of that time.
            if newest && self.references(frame) == References::Whole {
                self.intact |= dependencies.switch;
            }
        } else {
            self.intact &= !(dependencies.present & !dependencies.discardable);
        }
        self.set(number, if forwarded { Fate::Forwarded } else { Fate::LeftOut });
        forwarded
    }

    fn begin_sequence(&mut self, number: u64) {
        if self.begin.is_none() {
            self.fates.fill(Fate::LeftOut);
            self.first = number;
            self.highest = number;
        }
        self.promise_until(number);
        self.highest = number;
        self.set(number, Fate::LeftOut);
        self.begin = Some(number);
        self.intact = u32::MAX;
        self.current = None;
    }

    /// What lies between the highest number and this one has not arrived, and may still.
    fn promise_until(&mut self, number: u64) {
        let from = (self.highest + 1).max(number.saturating_sub(REMEMBERED as u64 - 1));
        for missing in from..number {
            self.set(missing, self.current.map_or(Fate::LeftOut, Fate::Promised));
        }
    }

    /// Moves on to a number; what lies between has not arrived, and may still.
    fn reach(&mut self, number: u64, structure: &Structure) {
        let first = self.highest + 1;
        if number > first
            && let Some(current) = self.current
        {
            // The missing frames are promised to the current target only.
            self.intact &= structure.within(current);
        }
        self.promise_until(number);
        self.highest = self.highest.max(number);
    }

    /// The target from this frame on, which is the newest.
    fn choose(&mut self, frame: &Frame, structure: &Structure) -> Option<u8> {
        let mut candidates = self.intact & frame.active;
        if self.references(frame) == References::Whole {
            candidates |= frame.dependencies.switch & frame.active;
        }
        let layer = |target: u8| structure.targets().get(usize::from(target)).copied().unwrap_or_default();
        let ideal = best(structure.targets(), frame.active, self.picture_goal);
        let chosen = best(structure.targets(), candidates, self.picture_goal);
        self.wants_keyframe =
            ideal.is_some() && ideal.map(|it| layer(it).spatial) != chosen.map(|it| layer(it).spatial);
        self.current = chosen;
        chosen
    }

    fn references(&self, frame: &Frame) -> References {
        let mut whole = References::Whole;
        for back in frame.dependencies.references() {
            let number = frame.number.wrapping_sub(u64::from(*back));
            // Nothing reaches behind a keyframe.
            let barred = self.begin.is_some_and(|begin| number < begin && frame.number >= begin);
            match self.fate(number).filter(|_| !barred) {
                Some(Fate::Forwarded) => {}
                Some(Fate::Promised(_)) => whole = References::Awaited,
                // Forgotten, or from before the keyframe: nothing to build on.
                Some(Fate::LeftOut) | None => return References::Broken,
            }
        }
        whole
    }

    fn fate(&self, number: u64) -> Option<Fate> {
        let known = self.begin.is_some()
            && (self.first..=self.highest).contains(&number)
            && number + REMEMBERED as u64 > self.highest;
        known.then(|| self.fates[number as usize % REMEMBERED])
    }

    fn set(&mut self, number: u64, fate: Fate) {
        self.fates[number as usize % REMEMBERED] = fate;
    }
}

/// The state of what a frame refers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum References {
    /// All of it was forwarded.
    Whole,
    /// Some of it has not arrived yet.
    Awaited,
    /// Some of it was left out.
    Broken,
}

/// The best of the candidates that does not exceed the goal; if all exceed it, the cheapest, the smallest picture first.
fn best(targets: &[Layer], candidates: u32, goal: Layer) -> Option<u8> {
    let all = || (0u8..).zip(targets).filter(|(place, _)| candidates >> place & 1 == 1);
    let fitting = all().filter(|(_, it)| it.spatial <= goal.spatial && it.temporal <= goal.temporal);
    let best = fitting.max_by_key(|(_, it)| **it);
    best.or_else(|| all().min_by_key(|(_, it)| **it)).map(|(place, _)| place)
}
