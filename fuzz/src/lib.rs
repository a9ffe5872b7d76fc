//! Fuzz targets: every parser of network bytes as a function of bytes that must return, whatever they are.
//!
//! The targets are plain functions, so that stable Rust builds them and CI runs them over the kept inputs
//! (`tests/kept.rs`: seeds in `corpus/`, everything that ever broke one in `regressions/`). `make fuzz T=name` runs
//! libFuzzer on one (`driver/`).
//!
//! A target asserts what must hold of the output as well, where there is something to say: an assertion is a finding.

mod input;
mod media;
mod node;
mod outside;
mod transport;

/// A parser under test.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its folders.
    pub name: &'static str,
    /// Must return.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "stun", run: transport::stun },
    Target { name: "dtls", run: transport::dtls },
    Target { name: "srtp", run: transport::srtp },
    Target { name: "sctp", run: transport::sctp },
    Target { name: "tcp_frames", run: transport::tcp_frames },
    Target { name: "rtp", run: media::rtp },
    Target { name: "red", run: media::red },
    Target { name: "descriptors", run: media::descriptors },
    Target { name: "layers", run: media::layers },
    Target { name: "rtcp", run: media::rtcp },
    Target { name: "twcc", run: media::twcc },
    Target { name: "sdp", run: outside::sdp },
    Target { name: "websocket", run: outside::websocket },
    Target { name: "recorder", run: outside::recorder },
    Target { name: "node", run: node::node },
];

/// A target by name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().copied().find(|target| target.name == name)
}
