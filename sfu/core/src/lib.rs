//! The media plane as state machines: bytes, events and a time in; bytes, events and a deadline out. No clock, no socket,
//! no task of its own, and no tokio in the manifest to bring one in.
//!
//! [`node`] is the whole of it: participants and the routes between them. A participant is a [`transport`] (ICE, DTLS,
//! SRTP, SCTP) and what its offer agreed on ([`sdp`]); media is repaired, rewritten and counted by the blocks in [`rtp`].

pub mod bwe;
pub mod ids;
pub mod layers;
pub mod media;
pub mod node;
pub mod path;
pub mod rtp;
pub mod sdp;
pub mod tap;
#[cfg(feature = "testing")]
pub mod testing;
pub mod transport;
