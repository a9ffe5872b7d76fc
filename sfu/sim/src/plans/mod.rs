//! Every plan, by chapter.

mod bandwidth;
mod basics;
mod hostile;
mod layers;
mod loss;
mod paths;
mod rooms;

use crate::plan::Plan;

/// The seed of a run for which nobody names another.
pub const SEED: u64 = 1;

/// A chapter: the plans of one file, by the names of their functions.
type Chapter = &'static [(&'static str, fn() -> Plan)];

/// Lists the plans of a file.
macro_rules! chapter {
    ($($name:ident),* $(,)?) => {
        /// The plans of this chapter.
        pub(super) const CHAPTER: super::Chapter = &[$((stringify!($name), $name)),*];
    };
}
pub(crate) use chapter;

/// All plans with their names, in order.
pub fn all() -> impl Iterator<Item = (&'static str, fn() -> Plan)> {
    [
        basics::CHAPTER,
        bandwidth::CHAPTER,
        layers::CHAPTER,
        loss::CHAPTER,
        paths::CHAPTER,
        rooms::CHAPTER,
        hostile::CHAPTER,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// Plans whose expectations the server does not meet yet. They are played by name and as ignored tests; whoever makes one
/// true moves it to its chapter.
pub fn open() -> impl Iterator<Item = (&'static str, fn() -> Plan)> {
    layers::OPEN.iter().copied()
}
