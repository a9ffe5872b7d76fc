//! Checks the tokens that shops mint for buyers.
