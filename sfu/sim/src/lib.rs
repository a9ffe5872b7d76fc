//! Whole nodes with model senders and receivers on virtual time over a seeded network.
//!
//! A [`plan`](plan::plan) tells a story: who is there, what their networks are like, what happens, and what everybody must
//! experience. [`plan::run`] plays it in a [`world`] under a seed; one seed is one run, bit by bit. What arrives is judged
//! as a decoder would judge it ([`receiver`]), against the truth that [`format::marker`] carries inside the media.

pub mod clock;
pub mod format;
pub mod memory;
pub mod network;
pub mod peer;
pub mod plan;
pub mod plans;
pub mod receiver;
pub mod sender;
pub mod world;
