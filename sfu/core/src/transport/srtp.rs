//! SRTP and SRTCP of one transport: one context a direction, and only these two ever hold the keys.
//!
//! A second sealing context under the same key would repeat GCM nonces, so [`SrtpPair`] is neither `Clone` nor
//! rebuilt while a transport lives.

use bytes::BytesMut;
use rtc_crypto::RTCCrypto;
use srtp::context::Context;
use srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use srtp::protection_profile::ProtectionProfile;

/// Packets behind the newest one that are still told apart from replays; covers 2 s of 720p video.
const REPLAY_WINDOW: usize = 1024;

/// DTLS-SRTP profile (RFC 5764 §4.1.2, RFC 7714 §14.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SrtpProfile {
    /// AES-128 in GCM.
    AeadAes128Gcm,
    /// AES-256 in GCM.
    AeadAes256Gcm,
    /// AES-128 counter mode with HMAC-SHA1-80; only for peers without GCM.
    Aes128CmSha1_80,
}

impl SrtpProfile {
    /// The name in the IANA registry.
    pub fn name(self) -> &'static str {
        match self {
            SrtpProfile::AeadAes128Gcm => "SRTP_AEAD_AES_128_GCM",
            SrtpProfile::AeadAes256Gcm => "SRTP_AEAD_AES_256_GCM",
            SrtpProfile::Aes128CmSha1_80 => "SRTP_AES128_CM_HMAC_SHA1_80",
        }
    }

    /// Master key and master salt length in bytes.
    fn lengths(self) -> (usize, usize) {
        match self {
            SrtpProfile::AeadAes128Gcm => (16, 12),
            SrtpProfile::AeadAes256Gcm => (32, 12),
            SrtpProfile::Aes128CmSha1_80 => (16, 14),
        }
    }

    fn protection(self) -> ProtectionProfile {
        match self {
            SrtpProfile::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
            SrtpProfile::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
            SrtpProfile::Aes128CmSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
        }
    }
}

/// Both directions of a transport.
pub struct SrtpPair {
    profile: SrtpProfile,
    inbound: Context,
    outbound: Context,
}

impl std::fmt::Debug for SrtpPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SrtpPair").field("profile", &self.profile).finish_non_exhaustive()
    }
}

impl SrtpPair {
    /// From exported keying material (RFC 5764 §4.2: client key, server key, client salt, server salt), for the
    /// DTLS server's side. `None` when the material has the wrong length.
    pub fn server(profile: SrtpProfile, material: &[u8], crypto: &dyn RTCCrypto) -> Option<Self> {
        let (key, salt) = profile.lengths();
        if material.len() != 2 * (key + salt) {
            return None;
        }
        let (client_key, rest) = material.split_at(key);
        let (server_key, rest) = rest.split_at(key);
        let (client_salt, server_salt) = rest.split_at(salt);
        let context = |key, salt| {
            Context::new(
                key,
                salt,
                profile.protection(),
                Some(srtp_replay_protection(REPLAY_WINDOW)),
                Some(srtcp_replay_protection(REPLAY_WINDOW)),
                crypto,
            )
            .ok()
        };
        Some(Self {
            profile,
            inbound: context(client_key, client_salt)?,
            outbound: context(server_key, server_salt)?,
        })
    }

    /// The profile in use.
    pub fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// Opens an RTP packet; `None` for forged, replayed or malformed ones.
    pub fn open_rtp(&mut self, packet: &[u8]) -> Option<BytesMut> {
        self.inbound.decrypt_rtp(packet).ok()
    }

    /// Opens a compound RTCP packet; `None` for forged, replayed or malformed ones.
    pub fn open_rtcp(&mut self, packet: &[u8]) -> Option<BytesMut> {
        if self.profile == SrtpProfile::Aes128CmSha1_80 {
            // rtc-srtp 0.21 does not authenticate what claims to be unencrypted (E flag 0, RFC 3711 §3.4); WebRTC
            // always encrypts (RFC 8827 §6.5). The flag stands before the 31-bit index and the 80-bit tag.
            let flag = packet.len().checked_sub(14).and_then(|place| packet.get(place))?;
            if flag & 0x80 == 0 {
                return None;
            }
        }
        self.inbound.decrypt_rtcp(packet).ok()
    }

    /// Seals an RTP packet.
    pub fn seal_rtp(&mut self, packet: &[u8]) -> Option<BytesMut> {
        self.outbound.encrypt_rtp(packet).ok()
    }

    /// Seals a compound RTCP packet.
    pub fn seal_rtcp(&mut self, packet: &[u8]) -> Option<BytesMut> {
        self.outbound.encrypt_rtcp(packet).ok()
    }

    /// The peer's side of the same material, for tests that play a client.
    #[cfg(test)]
    pub(crate) fn client(profile: SrtpProfile, material: &[u8], crypto: &dyn RTCCrypto) -> Option<Self> {
        let server = Self::server(profile, material, crypto)?;
        Some(Self { profile, inbound: server.outbound, outbound: server.inbound })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rtp(seq: u16) -> Vec<u8> {
        let mut packet = vec![0x80, 96, (seq >> 8) as u8, seq as u8, 0, 0, 0, 1, 0, 0, 0, 9];
        packet.extend_from_slice(b"payload");
        packet
    }

    #[test]
    fn what_one_side_seals_the_other_opens_once() {
        let crypto = crate::transport::test_crypto();
        for (profile, length) in [
            (SrtpProfile::AeadAes128Gcm, 56),
            (SrtpProfile::AeadAes256Gcm, 88),
            (SrtpProfile::Aes128CmSha1_80, 60),
        ] {
            let material: Vec<u8> = (0..length).collect();
            let mut server = SrtpPair::server(profile, &material, crypto.crypto()).expect("server");
            let mut client = SrtpPair::client(profile, &material, crypto.crypto()).expect("client");
            let sealed = client.seal_rtp(&rtp(5)).expect("sealed");
            assert_eq!(&server.open_rtp(&sealed).expect("opened")[..], &rtp(5)[..]);
            assert!(server.open_rtp(&sealed).is_none(), "a replay is refused");
            let mut forged = client.seal_rtp(&rtp(6)).expect("sealed");
            let last = forged.len() - 1;
            forged[last] ^= 1;
            assert!(server.open_rtp(&forged).is_none(), "a forged packet is refused");
        }
    }

    #[test]
    fn keying_material_of_the_wrong_length_is_refused() {
        let crypto = crate::transport::test_crypto();
        assert!(SrtpPair::server(SrtpProfile::AeadAes128Gcm, &[0; 10], crypto.crypto()).is_none());
    }

    proptest! {
        /// Reached before authentication: whoever knows a peer's address can send this.
        #[test]
        fn forged_bytes_open_to_nothing(
            profile in 0usize..3,
            first in 0x80u8..=0xbf,
            bytes in proptest::collection::vec(any::<u8>(), 0..120),
        ) {
            let crypto = crate::transport::test_crypto();
            let (profile, length) = [
                (SrtpProfile::AeadAes128Gcm, 56u8),
                (SrtpProfile::AeadAes256Gcm, 88),
                (SrtpProfile::Aes128CmSha1_80, 60),
            ][profile];
            let material: Vec<u8> = (0..length).collect();
            let mut server = SrtpPair::server(profile, &material, crypto.crypto()).expect("server");
            let mut packet = vec![first];
            packet.extend_from_slice(&bytes);
            prop_assert!(server.open_rtp(&packet).is_none());
            prop_assert!(server.open_rtcp(&packet).is_none());
        }
    }
}
