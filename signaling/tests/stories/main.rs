//! Stories told to the server's router: each request is one that a browser or a shop would make.
#![allow(clippy::unwrap_used, reason = "a panic in a test is the report, in its helpers too")]

mod audit;
mod buyers;
mod commands;
mod erased;
mod erasure;
mod exports;
mod keeping;
mod masking;
mod pages;
mod partners;
mod privacy;
mod process;
mod ratings;
mod reconcile;
mod recordings;
mod replay;
mod retention;
mod review;
mod rights;
mod search;
mod server;
mod staff;
mod store;
mod studio;
mod tickets;
mod withdrawal;
mod worklists;
mod world;
