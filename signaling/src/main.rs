//! The `vitrine` binary.

fn main() {}
