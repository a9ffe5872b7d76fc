//! What a run of rooms is told.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use protocol::call::MonitorMode;

use crate::caller::description::Codec;
use crate::installation::{Remote, Staff};

/// Who is in a room.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Shape {
    /// A buyer and an agent
    Pair,
    /// The same, and a supervisor who listens
    Supervised,
    /// A buyer, an agent, a supervisor who has joined them, and one who listens
    Four,
}

impl Shape {
    /// The supervisors of a room.
    pub fn supervisors(self) -> &'static [MonitorMode] {
        match self {
            Shape::Pair => &[],
            Shape::Supervised => &[MonitorMode::Listen],
            Shape::Four => &[MonitorMode::Barge, MonitorMode::Listen],
        }
    }

    /// People in a room.
    pub fn people(self) -> usize {
        2 + self.supervisors().len()
    }

    /// How many viewers a forwarded stream has on average.
    pub fn fan_out(self) -> usize {
        match self {
            Shape::Pair => 1,
            Shape::Supervised => 2,
            Shape::Four => 3,
        }
    }

    /// How large people show pictures, pixels: the other side fills the page, more than one share it.
    pub fn view(self) -> (u16, u16) {
        match self {
            Shape::Pair | Shape::Supervised => (1280, 720),
            Shape::Four => (640, 360),
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Pair => "pair",
            Shape::Supervised => "supervised",
            Shape::Four => "four",
        }
    }
}

/// Who is behind the bad network.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Behind {
    /// Buyers, with their phones
    #[default]
    Buyers,
    /// Agents
    Agents,
    /// Everybody
    Everybody,
}

/// What cameras send.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum CameraCodec {
    /// VP8 in three sizes with three temporal layers
    #[default]
    Vp8,
    /// H.264, constrained baseline, in three sizes
    H264,
}

impl From<CameraCodec> for Codec {
    fn from(codec: CameraCodec) -> Self {
        match codec {
            CameraCodec::Vp8 => Codec::Vp8,
            CameraCodec::H264 => Codec::H264,
        }
    }
}

/// Rooms of callers talk, and what they hear and see is measured.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// How many rooms
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=5000))]
    pub rooms: u16,
    /// Who is in each
    #[arg(long, value_enum, default_value_t = Shape::Pair)]
    pub shape: Shape,
    /// How long to measure once everybody talks
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub seconds: u32,
    /// A network between people and the server: a name (see `loadtest traces --list`) or a trace file
    #[arg(long)]
    pub trace: Option<String>,
    /// Who is behind that network, each person behind one of their own
    #[arg(long, value_enum, default_value_t = Behind::Buyers)]
    pub behind: Behind,
    /// One seed, one fate of every packet
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Buyers who ask for help, a second
    #[arg(long, default_value_t = 4.0)]
    pub ramp: f64,
    /// What cameras send
    #[arg(long, value_enum, default_value_t = CameraCodec::Vp8)]
    pub codec: CameraCodec,
    /// Buyers agree to be recorded
    #[arg(long)]
    pub record: bool,
    /// Folder for report.json and report.html
    #[arg(long)]
    pub report: Option<PathBuf>,
    /// Our own server gets the first core and one worker, the callers the other cores: figures are those of a core then
    #[arg(long, conflicts_with = "server")]
    pub pin: bool,
    /// Do not measure the floor first, which takes three seconds
    #[arg(long)]
    pub no_floor: bool,
    /// How long rates settle between the last arrival and the measuring, seconds
    #[arg(long, default_value_t = 5)]
    pub settle: u32,
    /// Test switch: holds every packet back for so many milliseconds behind its stamp, as a slow server would
    #[arg(long, default_value_t = 0.0, hide = true)]
    pub handicap_ms: f64,
    /// Whose installation
    #[command(flatten)]
    pub remote: Remote,
}

impl Options {
    /// Whom a run needs.
    pub fn staff(&self) -> Staff {
        let rooms = usize::from(self.rooms);
        Staff { agents: rooms, supervisors: rooms * self.shape.supervisors().len() }
    }

    /// See [`Options::seconds`].
    pub fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }

    /// Everybody, staff and buyers.
    pub fn participants(&self) -> usize {
        usize::from(self.rooms) * self.shape.people()
    }
}
