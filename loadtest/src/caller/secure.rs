//! DTLS 1.2 and SRTP of a client. SRTP is that of `rtc-srtp`, another implementation than the server's own.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use dimpl::{Config, Dtls, DtlsCertificate, Output, SrtpProfile};
use rtc_crypto::RTCCryptoProvider;
use rtc_srtp::context::Context;
use rtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;

/// Packets that may come late and are no replay.
const REPLAY_WINDOW: usize = 4096;
/// Application data (SCTP) kept until it is taken.
const DATA_MAX: usize = 64;

/// A certificate with its key. Making one is slow, so many callers share it: to the server each is a person of their own
/// anyway, told apart by ICE credentials.
#[derive(Clone)]
pub struct Identity {
    certificate: Vec<u8>,
    private_key: Vec<u8>,
    /// Value of `a=fingerprint:sha-256`.
    pub fingerprint: String,
    config: Arc<Config>,
    /// What STUN and SRTP compute with.
    pub crypto: Arc<dyn RTCCryptoProvider>,
}

impl Identity {
    /// A new self-signed certificate.
    pub fn new() -> Result<Self> {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let certificate = rcgen::CertificateParams::new(vec!["caller".into()])?.self_signed(&key)?;
        let certificate = certificate.der().to_vec();
        let digest = ring::digest::digest(&ring::digest::SHA256, &certificate);
        let fingerprint: Vec<_> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
        // Browsers are quicker still: they begin with 50 ms.
        let config = Config::builder().flight_start_rto(Duration::from_millis(100)).flight_retries(8);
        let config = config.build().context("DTLS settings")?;
        Ok(Self {
            certificate,
            private_key: key.serialize_der(),
            fingerprint: fingerprint.join(":"),
            config: Arc::new(config),
            crypto: rtc_crypto::default_provider().context("no cryptography is compiled in")?,
        })
    }
}

struct Keys {
    seal: Context,
    open: Context,
}

/// See the module.
pub struct SecureClient {
    dtls: Dtls,
    crypto: Arc<dyn RTCCryptoProvider>,
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
    /// Opens the handshake once [`Self::start`] is called.
    pub fn new(now: Instant, identity: &Identity) -> Self {
        let certificate = DtlsCertificate {
            certificate: identity.certificate.clone(),
            private_key: identity.private_key.clone(),
        };
        let mut dtls = Dtls::new_12(Arc::clone(&identity.config), certificate, now);
        dtls.set_active(true);
        Self {
            dtls,
            crypto: Arc::clone(&identity.crypto),
            started: false,
            deadline: None,
            keys: None,
            connected: false,
            closed: false,
            outgoing: VecDeque::new(),
            data: VecDeque::new(),
            buffer: vec![0; 2048],
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
        self.deadline.filter(|_| self.started && !self.connected)
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

    /// Says goodbye.
    pub fn close(&mut self) {
        if self.connected && self.dtls.close().is_ok() {
            self.poll();
        }
    }

    /// The next datagram to send.
    pub fn poll_datagram(&mut self) -> Option<Vec<u8>> {
        self.outgoing.pop_front()
    }

    /// Seals an RTP packet.
    pub fn seal_rtp(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        self.keys.as_mut()?.seal.encrypt_rtp(packet).ok().map(Into::into)
    }

    /// Seals a compound RTCP packet.
    pub fn seal_rtcp(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        self.keys.as_mut()?.seal.encrypt_rtcp(packet).ok().map(Into::into)
    }

    /// Opens an RTP packet; a replay or a forgery is `None`.
    pub fn open_rtp(&mut self, packet: &[u8]) -> Option<bytes::BytesMut> {
        self.keys.as_mut()?.open.decrypt_rtp(packet).ok()
    }

    /// Opens a compound RTCP packet.
    pub fn open_rtcp(&mut self, packet: &[u8]) -> Option<bytes::BytesMut> {
        self.keys.as_mut()?.open.decrypt_rtcp(packet).ok()
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
                    self.keys = self.keys.take().or_else(|| keys(profile, &material, &*self.crypto));
                }
                Output::Connected => self.connected = true,
                Output::ApplicationData(data) if self.data.len() < DATA_MAX => {
                    self.data.push_back(data.to_vec());
                }
                Output::CloseNotify => self.closed = true,
                _ => {}
            }
        }
    }
}

/// RFC 5764 §4.2: client key, server key, client salt, server salt.
fn keys(profile: SrtpProfile, material: &[u8], crypto: &dyn RTCCryptoProvider) -> Option<Keys> {
    let (protection, key, salt) = match profile {
        SrtpProfile::AEAD_AES_128_GCM => (ProtectionProfile::AeadAes128Gcm, 16, 12),
        SrtpProfile::AEAD_AES_256_GCM => (ProtectionProfile::AeadAes256Gcm, 32, 12),
        _ => (ProtectionProfile::Aes128CmHmacSha1_80, 16, 14),
    };
    let context = |which: usize| {
        let key_at = which * key;
        let salt_at = 2 * key + which * salt;
        Context::new(
            material.get(key_at..key_at + key)?,
            material.get(salt_at..salt_at + salt)?,
            protection,
            Some(srtp_replay_protection(REPLAY_WINDOW)),
            Some(srtcp_replay_protection(REPLAY_WINDOW)),
            crypto.crypto(),
        )
        .ok()
    };
    Some(Keys { seal: context(0)?, open: context(1)? })
}
