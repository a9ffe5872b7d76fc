//! The vitrine server as a library.
pub use protocol;
