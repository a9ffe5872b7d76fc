//! The media server's rim: worker threads, UDP sockets and the handle that the layers above talk to.
//!
//! All protocol work is in [`sfu_core`]; this crate adds clocks, sockets, threads and counters.

mod handle;
mod metrics;
mod socket;
mod tap;
mod worker;

pub use handle::{Config, ConfigError, Sfu, WORKERS_MAX};
pub use sfu_core::{
    ids::{Mid, ParticipantId, Ssrc},
    media::{Codec, Kind, Source},
    node::{AnswerSlot, Event, JoinError, JoinRequest, Joined, LeaveReason, ParticipantStats, RouteError},
    tap::{NodeTime, SenderReport, TapEvent, TapPacket},
};
pub use tap::{TapReceiver, TapSender, tap_channel};
