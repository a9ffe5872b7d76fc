//! The wire protocol: what goes over the WebSocket and REST, in one place both sides read.
//!
//! The TypeScript in `web-client/src/protocol.ts` is generated from these types by [`typescript()`]; a test fails
//! when the two differ.

pub mod audit;
pub mod call;
pub mod exports;
pub mod governance;
pub mod ids;
pub mod problem;
pub mod rating;
pub mod replay;
pub mod rest;
pub mod review;
pub mod rights;
pub mod samples;
pub mod saved_filters;
pub mod search;
mod typescript;
pub mod ws;

pub use typescript::typescript;
