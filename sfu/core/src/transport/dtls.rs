//! DTLS, always as the passive side (`a=setup:passive`): handshake, fingerprint check, SRTP keys, and the records
//! that carry SCTP.
//!
//! DTLS 1.2 only, on purpose: the 1.3 server of `dimpl` 0.9 takes the first SRTP profile of the client's list, and
//! Chromium lists AES-CM with SHA-1 first; its 1.2 server prefers GCM. See ARCHITECTURE.md, "Choices".

use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::{Config, Dtls, DtlsCertificate, Output};

use super::srtp::SrtpProfile;
use crate::sdp::Fingerprint;

/// What has not been answered is sent again after this long, then after twice as long, and so on for half a minute. RFC 9147 §5.8.2 says
/// a second, and less where people wait: a burst of loss at the wrong moment cost seven.
const FLIGHT_AGAIN: Duration = Duration::from_millis(250);
const FLIGHT_RETRIES: usize = 7;

fn fingerprint_of(der: &[u8]) -> Fingerprint {
    let digest = ring::digest::digest(&ring::digest::SHA256, der);
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest.as_ref());
    Fingerprint(bytes)
}

/// The server's certificate, made once a process.
#[derive(Clone)]
pub struct Identity {
    certificate: DtlsCertificate,
    fingerprint: Fingerprint,
    config: Arc<Config>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

impl Identity {
    /// From a self-signed ECDSA P-256 certificate (DER) and its PKCS #8 key.
    ///
    /// # Panics
    /// Never with the fixed settings in here; they are checked by a test.
    pub fn new(certificate: Vec<u8>, private_key: Vec<u8>) -> Self {
        // ICE has validated the address before any record is read, so the cookie's extra round trip buys nothing.
        let config = Config::builder().use_server_cookie(false);
        let config = config.flight_start_rto(FLIGHT_AGAIN).flight_retries(FLIGHT_RETRIES);
        let config = config.build().expect("fixed settings are valid");
        Self {
            fingerprint: fingerprint_of(&certificate),
            certificate: DtlsCertificate { certificate, private_key },
            config: Arc::new(config),
        }
    }

    /// What stands in the answer's `a=fingerprint`.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

/// What came out of the DTLS engine.
#[derive(Debug)]
pub enum DtlsOutput {
    /// A record to send.
    Record(Vec<u8>),
    /// Keys for SRTP; the peer's certificate matched.
    Keys(SrtpProfile, Vec<u8>),
    /// The handshake is complete.
    Connected,
    /// A decrypted application record (an SCTP packet).
    Data(Vec<u8>),
    /// The peer said goodbye.
    Closed,
}

/// Why a DTLS connection cannot go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DtlsError {
    /// The certificate is not the one whose fingerprint was signalled.
    WrongFingerprint,
    /// Handshake or record failure; the engine gives up.
    Failed,
}

/// One DTLS server connection.
pub struct DtlsServer {
    engine: Dtls,
    expected: Fingerprint,
    verified: bool,
    deadline: Option<Instant>,
    started: bool,
}

impl std::fmt::Debug for DtlsServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DtlsServer").field("verified", &self.verified).finish_non_exhaustive()
    }
}

impl DtlsServer {
    /// Waits for a ClientHello of the peer whose certificate has this fingerprint.
    pub fn new(now: Instant, identity: &Identity, expected: Fingerprint) -> Self {
        let engine = Dtls::new_12(identity.config.clone(), identity.certificate.clone(), now);
        Self { engine, expected, verified: false, deadline: None, started: false }
    }

    /// The fingerprint this connection insists on.
    pub fn expected(&self) -> Fingerprint {
        self.expected
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Takes a datagram whose first byte is 20–63 (RFC 7983).
    pub fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) -> Result<Vec<DtlsOutput>, DtlsError> {
        // The engine takes its clock from timeouts only.
        self.engine.handle_timeout(now).map_err(|_| DtlsError::Failed)?;
        self.started = true;
        self.engine.handle_packet(datagram).map_err(|error| {
            tracing::debug!(%error, "DTLS gave up");
            DtlsError::Failed
        })?;
        self.drain()
    }

    /// Retransmissions.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<Vec<DtlsOutput>, DtlsError> {
        if !self.started {
            return Ok(Vec::new());
        }
        self.engine.handle_timeout(now).map_err(|_| DtlsError::Failed)?;
        self.drain()
    }

    /// Sends an SCTP packet.
    pub fn send(&mut self, data: &[u8]) -> Result<Vec<DtlsOutput>, DtlsError> {
        self.engine.send_application_data(data).map_err(|_| DtlsError::Failed)?;
        self.drain()
    }

    /// Says goodbye (close_notify).
    pub fn close(&mut self) -> Vec<DtlsOutput> {
        if !self.started || self.engine.close().is_err() {
            return Vec::new();
        }
        self.drain().unwrap_or_default()
    }

    fn drain(&mut self) -> Result<Vec<DtlsOutput>, DtlsError> {
        let mut buffer = vec![0; 2048];
        let mut out = Vec::new();
        loop {
            match self.engine.poll_output(&mut buffer) {
                Output::Packet(record) => out.push(DtlsOutput::Record(record.to_vec())),
                Output::BufferTooSmall { needed } => buffer.resize(needed, 0),
                Output::Timeout(at) => {
                    self.deadline = Some(at);
                    return Ok(out);
                }
                Output::PeerCert(der) => {
                    if fingerprint_of(der) != self.expected {
                        return Err(DtlsError::WrongFingerprint);
                    }
                    self.verified = true;
                }
                // The engine proves possession of the key before it reports the certificate; nothing is handed out
                // for a peer whose certificate we have not compared.
                Output::KeyingMaterial(material, profile) if self.verified => {
                    let profile = match profile {
                        dimpl::SrtpProfile::AEAD_AES_128_GCM => SrtpProfile::AeadAes128Gcm,
                        dimpl::SrtpProfile::AEAD_AES_256_GCM => SrtpProfile::AeadAes256Gcm,
                        _ => SrtpProfile::Aes128CmSha1_80,
                    };
                    out.push(DtlsOutput::Keys(profile, material.to_vec()));
                }
                Output::KeyingMaterial(..) => return Err(DtlsError::WrongFingerprint),
                Output::Connected => {
                    out.push(DtlsOutput::Connected);
                }
                Output::ApplicationData(data) if self.verified => out.push(DtlsOutput::Data(data.to_vec())),
                Output::CloseNotify => out.push(DtlsOutput::Closed),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn identity() -> Identity {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("key");
        let params = rcgen::CertificateParams::new(vec!["test".into()]).expect("params");
        let certificate = params.self_signed(&key).expect("certificate");
        Identity::new(certificate.der().to_vec(), key.serialize_der())
    }

    /// The first flight of a client.
    fn client_hello(now: Instant) -> Vec<Vec<u8>> {
        let Identity { certificate, config, .. } = identity();
        let mut client = Dtls::new_12(config, certificate, now);
        client.set_active(true);
        client.handle_timeout(now).expect("starts");
        let (mut buffer, mut flight) = (vec![0; 2048], Vec::new());
        while let Output::Packet(packet) = client.poll_output(&mut buffer) {
            flight.push(packet.to_vec());
        }
        flight
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// Whoever has the ICE password may begin a handshake in any way they like.
        #[test]
        fn a_hostile_handshake_ends_or_waits_but_never_panics(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 0..12),
            noise in proptest::collection::vec((20u8..=26, proptest::collection::vec(any::<u8>(), 0..80)), 0..6),
        ) {
            let now = Instant::now();
            let mut server = DtlsServer::new(now, &identity(), Fingerprint([0; 32]));
            let mut hello = client_hello(now).swap_remove(0);
            for (place, value, how) in changes {
                let at = place.index(hello.len());
                match how {
                    0 => hello.truncate(at.max(13)),
                    1 => hello.insert(at, value),
                    _ => hello[at] = value,
                }
            }
            let _ = server.handle_datagram(now, &hello);
            for (kind, body) in noise {
                let mut record = vec![kind, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1];
                record.extend_from_slice(&(body.len() as u16).to_be_bytes());
                record.extend_from_slice(&body);
                if server.handle_datagram(now, &record).is_err() {
                    break;
                }
            }
        }
    }
}
