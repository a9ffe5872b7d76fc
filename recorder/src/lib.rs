//! Recordings: taps to files.
