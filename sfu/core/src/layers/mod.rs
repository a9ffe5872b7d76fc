//! Layers: which parts of a stream somebody needs, and forwarding those so that a decoder never notices the rest.
//!
//! A source comes as up to three simulcast *encodings* (separate streams, by RID), each with spatial and temporal
//! layers. [`reader`] tells from payload descriptors or the dependency descriptor what each packet's frame is part of,
//! [`rates`] measures what each choice costs, [`ladder`] lists the choices, [`selection`] carries a choice out for one
//! viewer, and [`wish`] is what the publisher is asked to send at all.
//!
//! Everything is pure and of fixed size.

pub mod ladder;
pub mod rates;
pub mod reader;
pub mod selection;
pub mod selector;
#[cfg(test)]
mod tests;
pub mod wish;

pub use ladder::{EVERYTHING, Step, View, by_view, useful_layers};
