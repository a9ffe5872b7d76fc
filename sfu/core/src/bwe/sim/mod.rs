//! The estimator, pacer and allocator against a model link on virtual time. One seed is one run.

mod model;
mod stories;
