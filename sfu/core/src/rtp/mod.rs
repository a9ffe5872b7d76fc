//! The building blocks of forwarding: packets, header extensions, loss repair, feedback and rewriting.
//!
//! Every block is pure: bytes, sequence numbers and a `now` in; bytes, decisions and a next deadline out. None of
//! them allocates per packet once warm, and none panics on what the network brings.
//!
//! Sequence numbers inside the node are extended to 64 bits on arrival ([`sequence`]) and cut to 16 on departure, so
//! that nothing in between has to think about wrapping.

pub mod allocation;
pub mod bits;
pub mod cache;
pub mod closed;
pub mod dependency;
pub mod extensions;
pub mod keyframe;
pub mod limit;
pub mod loss;
pub mod nack;
pub mod packet;
pub mod picture;
pub mod reception;
pub mod red;
pub mod repair;
pub mod resend;
pub mod resolution;
pub mod rewrite;
pub mod rtcp;
pub mod rtx;
pub mod sequence;
pub mod twcc;
pub mod vp8;
pub mod vp9;
