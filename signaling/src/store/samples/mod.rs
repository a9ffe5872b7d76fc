//! Samples: worklists of recordings. Everybody sees of them what they see of recordings.

mod drawing;
mod items;
mod lists;

use protocol::ids::UserId;
use protocol::samples::{ITEMS_MAX, SampleRule};

use super::StoreError;
use drawing::POPULATION_MAX;

pub(super) use items::scored;

/// A sample to keep.
#[derive(Clone, Debug)]
pub struct NewSampleRow {
    /// What people call it.
    pub name: String,
    /// Of which recordings; the period is fixed.
    pub query: String,
    /// How to draw; none: `picked`.
    pub rule: Option<SampleRule>,
    /// Seed of the drawing.
    pub seed: u32,
    /// Who reviews.
    pub reviewers: Vec<UserId>,
    /// Who makes it.
    pub by: UserId,
}

/// Why a sample was not drawn.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The filter finds no recording (any more).
    #[error("no recording fits")]
    Nothing,
    /// More than a worklist holds.
    #[error("{0} recordings would be drawn, a sample has at most {ITEMS_MAX}")]
    TooMany(usize),
    /// More calls than can be drawn from.
    #[error("more than {POPULATION_MAX} recordings fit; choose a shorter period")]
    TooLarge,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
