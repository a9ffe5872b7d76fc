//! What the benchmarks share.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sfu_core::ids::WorkerId;
use sfu_core::media::{Kind, Source};
use sfu_core::node::{Epoch, Node, NodeConfig};
use sfu_core::path::Candidate;
use sfu_core::testing::{Caller, CallerIdentity};
use sfu_core::transport::dtls::Identity;

/// A self-signed certificate and its key, DER.
pub(crate) fn certificate() -> (Vec<u8>, Vec<u8>) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("key");
    let params = rcgen::CertificateParams::new(vec!["bench".into()]).expect("params");
    let certificate = params.self_signed(&key).expect("certificate");
    (certificate.der().to_vec(), key.serialize_der())
}

/// A certificate for callers.
pub(crate) fn caller_identity() -> CallerIdentity {
    let (certificate, key) = certificate();
    CallerIdentity::new(certificate, key)
}

/// A node with nobody on it.
pub(crate) fn node(now: Instant) -> Node {
    let (certificate, key) = certificate();
    Node::new(NodeConfig {
        worker: WorkerId(0),
        identity: Identity::new(certificate, key),
        candidates: vec![Candidate::udp(SocketAddr::from(([192, 0, 2, 1], 7800)))],
        seed: 1,
        epoch: Epoch::new(now, Duration::from_secs(1_800_000_000)),
        crypto: rtc_crypto::default_provider().expect("ring"),
    })
}

/// The address of a caller.
#[allow(dead_code, reason = "not every benchmark has addresses")]
pub(crate) fn address(index: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, (index / 250) as u8, (index % 250 + 1) as u8], 4000))
}

/// Shows the first caller's microphone and camera on the first slots of another.
#[allow(dead_code, reason = "not every benchmark has viewers")]
pub(crate) fn attach(node: &mut Node, now: Instant, from: &Caller, to: &Caller) {
    for (kind, source) in [(Kind::Audio, Source::Microphone), (Kind::Video, Source::Camera)] {
        let slot = to.slot(usize::from(kind == Kind::Video));
        node.attach(now, from.id(), source, to.id(), slot).expect("attached");
    }
}

/// The middle one.
#[allow(dead_code, reason = "not every benchmark takes turns")]
pub(crate) fn median(mut turns: Vec<f64>) -> f64 {
    turns.sort_by(f64::total_cmp);
    turns.get(turns.len() / 2).copied().unwrap_or(f64::NAN)
}
