//! Headless callers: real WebRTC peers with real Opus and real video, without a browser.
//!
//! A [`peer::Peer`] makes the one offer a browser would make, sends a tone and pre-encoded pictures, and keeps what it
//! receives for whoever wants to judge it. It knows WebRTC and nothing of the server; whoever drives it carries its offer
//! there and the answer back. [`network`] is the bad network such a peer, or a browser, can be put behind.

pub mod ivf;
pub mod network;
pub mod peer;
pub mod tone;
