//! The real parts behind [`super::ports`].

mod ledger;
mod media;
mod recordings;
mod recovery;

pub use recovery::{Recovered, recover};
