//! DTLS and SRTP of a client. SRTP is that of another implementation than the server's own.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use dimpl::{Config, Dtls, DtlsCertificate, Output, SrtpProfile};
use rtc_srtp::context::Context;
use rtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;

/// One certificate serves every model client of a process: making them is slow, and nothing here depends on it.
static CERTIFICATE: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(certificate);

/// A self-signed certificate and its key.
pub fn certificate() -> (Vec<u8>, Vec<u8>) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
    let params = rcgen::CertificateParams::new(vec!["model".into()]).expect("parameters");
    let certificate = params.self_signed(&key).expect("a certificate");
    (certificate.der().to_vec(), key.serialize_der())
}

/// The value of `a=fingerprint:sha-256` of every model client.
pub fn fingerprint() -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, &CERTIFICATE.0);
    digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

struct Keys {
    seal: Context,
    open: Context,
}

/// See the module.
pub struct SecureClient {
    dtls: Dtls,
    started: bool,
    deadline: Option<Instant>,
    keys: Option<Keys>,
    connected: bool,
    closed: bool,
    outgoing: VecDeque<Vec<u8>>,
    data: VecDeque<Vec<u8>>,
    buffer: Vec<u8>,
}

impl SecureClient {
    /// Opens the handshake once [`Self::start`] is called. The seed decides its timers.
    pub fn new(now: Instant, seed: u64) -> Self {
        // Browsers are quicker still: they begin with 50 ms.
        let config = Config::builder().flight_start_rto(Duration::from_millis(100)).flight_retries(8);
        let config = config.dangerously_set_rng_seed(seed).build().expect("fixed settings are valid");
        let (certificate, private_key) = CERTIFICATE.clone();
        let mut dtls = Dtls::new_12(Arc::new(config), DtlsCertificate { certificate, private_key }, now);
        dtls.set_active(true);
        Self {
            dtls,
            started: false,
            deadline: None,
            keys: None,
            connected: false,
            closed: false,
            outgoing: VecDeque::new(),
            data: VecDeque::new(),
            buffer: vec![0; 4096],
        }
    }

    /// ICE has a path.
    pub fn start(&mut self, now: Instant) {
        if !std::mem::replace(&mut self.started, true) {
            self.handle_timeout(now);
        }
    }

    /// The handshake is done and media can flow.
    pub fn connected(&self) -> bool {
        self.connected && self.keys.is_some() && !self.closed
    }

    /// The server said goodbye.
    pub fn closed(&self) -> bool {
        self.closed
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline.filter(|_| !self.connected)
    }

    /// Retransmits what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.started && self.dtls.handle_timeout(now).is_ok() {
            self.poll();
        }
    }

    /// Takes a record.
    pub fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        if self.dtls.handle_timeout(now).is_ok() && self.dtls.handle_packet(datagram).is_ok() {
            self.poll();
        }
    }

    /// Sends an SCTP packet.
    pub fn send_data(&mut self, packet: &[u8]) {
        if self.dtls.send_application_data(packet).is_ok() {
            self.poll();
        }
    }

    /// The next SCTP packet that came.
    pub fn poll_data(&mut self) -> Option<Vec<u8>> {
        self.data.pop_front()
    }

    /// The next datagram to send.
    pub fn poll_datagram(&mut self) -> Option<Vec<u8>> {
        self.outgoing.pop_front()
    }

    /// Seals an RTP packet.
    pub fn seal_rtp(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        self.keys.as_mut()?.seal.encrypt_rtp(packet).ok().map(|sealed| sealed.to_vec())
    }

    /// Seals a compound RTCP packet.
    pub fn seal_rtcp(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        self.keys.as_mut()?.seal.encrypt_rtcp(packet).ok().map(|sealed| sealed.to_vec())
    }

    /// Opens an RTP packet; a replay or a forgery is `None`.
    pub fn open_rtp(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        self.keys.as_mut()?.open.decrypt_rtp(packet).ok().map(|opened| opened.to_vec())
    }

    /// The handshake is over on this side.
    pub fn has_keys(&self) -> bool {
        self.keys.is_some()
    }

    /// Opens a compound RTCP packet.
    pub fn open_rtcp(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        self.keys.as_mut()?.open.decrypt_rtcp(packet).ok().map(|opened| opened.to_vec())
    }

    fn poll(&mut self) {
        loop {
            match self.dtls.poll_output(&mut self.buffer) {
                Output::Packet(packet) => self.outgoing.push_back(packet.to_vec()),
                Output::BufferTooSmall { needed } => self.buffer.resize(needed, 0),
                Output::Timeout(at) => {
                    self.deadline = Some(at);
                    return;
                }
                Output::KeyingMaterial(material, profile) => {
                    self.keys = self.keys.take().or_else(|| keys(profile, &material));
                }
                Output::Connected => self.connected = true,
                Output::ApplicationData(data) => self.data.push_back(data.to_vec()),
                Output::CloseNotify => self.closed = true,
                _ => {}
            }
        }
    }
}

/// RFC 5764 §4.2: client key, server key, client salt, server salt.
fn keys(profile: SrtpProfile, material: &[u8]) -> Option<Keys> {
    let (protection, key, salt) = match profile {
        SrtpProfile::AEAD_AES_128_GCM => (ProtectionProfile::AeadAes128Gcm, 16, 12),
        SrtpProfile::AEAD_AES_256_GCM => (ProtectionProfile::AeadAes256Gcm, 32, 12),
        _ => (ProtectionProfile::Aes128CmHmacSha1_80, 16, 14),
    };
    let crypto = rtc_crypto::default_provider().ok()?;
    let context = |which: usize| {
        let key_at = which * key;
        let salt_at = 2 * key + which * salt;
        Context::new(
            material.get(key_at..key_at + key)?,
            material.get(salt_at..salt_at + salt)?,
            protection,
            Some(srtp_replay_protection(4096)),
            Some(srtcp_replay_protection(4096)),
            crypto.crypto(),
        )
        .ok()
    };
    Some(Keys { seal: context(0)?, open: context(1)? })
}
