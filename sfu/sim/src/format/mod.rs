//! The bytes of the model's media. Nothing in here comes from the server's own parsers and writers: what both sides
//! believe of a format is checked against each other in every run.

pub mod dependency;
pub mod marker;
pub mod red;
pub mod rtp;
pub mod svc;
pub mod vp8;
