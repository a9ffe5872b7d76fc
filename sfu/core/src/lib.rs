#![doc = "The media plane as state machines: no clock, no socket, no task of its own."]

pub mod ids;
pub mod media;
pub mod node;
pub mod rtp;
pub mod sdp;
pub mod tap;
pub mod transport;
