//! The media server's rim: worker threads, UDP sockets and the handle that the layers above talk to.
//!
//! All protocol work is in [`sfu_core`]; this crate adds clocks, sockets, threads and counters.

mod alarm;
mod config;
mod handle;
mod metrics;
mod peers;
mod placement;
mod rhythm;
mod ring;
mod socket;
mod tap;
mod tcp;
mod worker;

pub use config::{Config, ConfigError, FILL_PERMILLE, WORKERS_MAX, unreachable_address};
pub use handle::Sfu;
pub use sfu_core::{
    ids::{Mid, ParticipantId, Rid, Ssrc},
    media::{Codec, Kind, Source},
    node::{
        AnswerSlot, EncodingWish, Event, JoinError, JoinRequest, Joined, LeaveReason, Limits,
        ParticipantStats, QualitySample, RouteError, View,
    },
    tap::{NodeTime, SenderReport, TapEvent, TapPacket},
};
pub use tap::{TapReceiver, TapSender, tap_channel};
