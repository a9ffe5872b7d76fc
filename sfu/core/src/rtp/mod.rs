//! The building blocks of forwarding: packets, header extensions, loss repair, feedback and rewriting.
//!
//! Every block is pure: bytes, sequence numbers and a `now` in; bytes, decisions and a next deadline out. None of
//! them allocates per packet once warm, and none panics on what the network brings.

pub mod extensions;
