//! Callers: people of a call without a browser, light enough for hundreds of them beside the server on one machine.
//!
//! They speak the public protocol and know nothing of the server's insides: REST ([`rest`]), the WebSocket ([`socket`]), and a media
//! leg ([`leg`]) put together from the sans-IO parts of the `webrtc` family (STUN, SRTP, RTCP, SCTP) and `dimpl` for DTLS. A whole
//! `webrtc` peer connection (see [`crate::peer`]) costs 2.4–4.3 µs and 10–19 allocations a packet before any socket, and a task and a
//! timer of its own wake for each. Here one thread moves everybody's packets ([`engine`]), and a packet that is sent and received
//! costs less than what the server spends on it, sockets included (`docs/performance.md`). [`person`] is all of it together.
//!
//! Every packet (but the first of the largest VP8 keyframes, see [`sender::vp8`]) ends in a [`trailer`] that says which frame it is part of
//! and when that was captured, so receivers measure instead of believing. Sound and pictures decode all the same.

pub mod clock;
pub mod data;
pub mod description;
pub mod engine;
pub mod ice;
pub mod leg;
pub mod person;
pub mod receiver;
pub mod rest;
pub mod rtp;
pub mod secure;
pub mod sender;
pub mod socket;
pub mod trailer;
