//! The vitrine server as a library.

pub use protocol;

pub mod app;
pub mod audit;
pub mod auth;
pub mod config;
pub mod consent;
pub mod country;
pub mod demo;
pub mod desk;
pub mod erasure;
pub mod exports;
pub mod floor;
pub mod housekeeping;
pub mod http;
pub mod metrics;
pub mod outcomes;
pub mod problem;
pub mod queues;
pub mod reconcile;
pub mod recording_policy;
mod rest;
pub mod retention;
pub mod review;
pub mod sampling;
pub mod search;
mod server;
pub mod store;
pub mod tls;
pub mod ws;

pub use server::{Running, SHUTDOWN_MAX, StartError, start};
