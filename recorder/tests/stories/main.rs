//! Stories of recordings: real media, made by ffmpeg, goes through taps on virtual time, and what is on the disk
//! afterwards is judged by ffprobe and ffmpeg, as a stranger's player would.

#![allow(clippy::unwrap_used, reason = "a panic in a test is the report")]

mod archive;
mod consent;
mod crash;
mod formats;
mod media;
mod network;
mod pause;
mod stage;
mod sync;
mod talk;
