//! The vitrine server as a library.

pub use protocol;

pub mod app;
pub mod auth;
pub mod config;
pub mod consent;
pub mod desk;
pub mod floor;
pub mod http;
pub mod metrics;
pub mod outcomes;
pub mod problem;
mod rest;
pub mod store;
pub mod ws;
