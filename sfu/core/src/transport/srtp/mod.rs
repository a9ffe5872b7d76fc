//! SRTP and SRTCP of one transport (RFC 3711, RFC 7714), in place and without allocation.
//!
//! A packet is opened where it was received and sealed where it was written; the only memory beside the keys is a replay
//! window for each SSRC that has been authenticated, and there is a bound on those.
//!
//! One context a direction, and only these two ever hold the keys: a second sealing context under the same key would
//! repeat GCM nonces. So [`SrtpPair`] is neither `Clone` nor rebuilt while a transport lives, and the sealing side
//! refuses a packet index it has used before.
//!
//! ```text
//!          +-----------------------------+-----------------------+---------------------------+
//!  SRTP    | header, CSRCs, extension    | payload (encrypted)   | tag: 16 (GCM) or 10 bytes |
//!          +-----------------------------+-----------------------+---------------------------+
//!          +-----------------------------+-----------------------+-------------+-------------+
//!  SRTCP   | first header: 8 bytes       | the rest (encrypted)  | tag (GCM)   | E, index: 4 | tag (CM)
//!          +-----------------------------+-----------------------+-------------+-------------+
//! ```

mod counter_mode;
mod gcm;
mod inbound;
#[cfg(test)]
mod interop_tests;
mod key_derivation;
mod outbound;
mod window;

use self::counter_mode::CounterMode;
use self::gcm::Gcm;
use self::inbound::Inbound;
use self::outbound::Outbound;
use crate::rtp::packet::FIXED_HEADER;

/// Longer datagrams are no media of ours and are not decrypted: an Ethernet frame carries 1500 bytes, and nothing is
/// taken that the packet cache would not keep.
pub const PACKET_MAX: usize = crate::rtp::cache::MAX_PACKET_BYTES;

/// Bytes that sealing adds to a packet at most: GCM's tag and SRTCP's index.
pub const OVERHEAD_MAX: usize = 16 + 4;

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
    /// All profiles.
    pub const ALL: [SrtpProfile; 3] =
        [SrtpProfile::AeadAes128Gcm, SrtpProfile::AeadAes256Gcm, SrtpProfile::Aes128CmSha1_80];

    /// The name in the IANA registry.
    pub fn name(self) -> &'static str {
        match self {
            SrtpProfile::AeadAes128Gcm => "SRTP_AEAD_AES_128_GCM",
            SrtpProfile::AeadAes256Gcm => "SRTP_AEAD_AES_256_GCM",
            SrtpProfile::Aes128CmSha1_80 => "SRTP_AES128_CM_HMAC_SHA1_80",
        }
    }

    /// Bytes of keying material both directions need: two master keys and two master salts.
    pub fn material_length(self) -> usize {
        let (key, salt) = self.lengths();
        2 * (key + salt)
    }

    /// Master key and master salt length in bytes.
    fn lengths(self) -> (usize, usize) {
        match self {
            SrtpProfile::AeadAes128Gcm => (16, 12),
            SrtpProfile::AeadAes256Gcm => (32, 12),
            SrtpProfile::Aes128CmSha1_80 => (16, 14),
        }
    }
}

/// Why a packet was not opened. Nothing is remembered of such a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OpenError {
    /// The handshake is not done.
    #[error("there are no keys yet")]
    NoKeys,
    /// Too short, too long, or its lengths contradict each other.
    #[error("the packet is malformed")]
    Malformed,
    /// Authentication failed.
    #[error("the packet is forged")]
    Forged,
    /// It was here before, or is too old to tell.
    #[error("the packet is a replay")]
    Replayed,
    /// SRTCP that claims not to be encrypted (E flag 0, RFC 3711 §3.4); WebRTC always encrypts (RFC 8827 §6.5).
    #[error("the packet is not encrypted")]
    NotEncrypted,
}

/// Why a packet was not sealed. Each of them is a mistake on our side.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SealError {
    /// It has no header of its kind.
    #[error("the packet is malformed")]
    Malformed,
    /// Its index was used already, or is so old that nobody knows: sealing it could repeat a nonce (RFC 7714 §8.2).
    #[error("the packet index was used before")]
    Repeated,
    /// More SSRCs than the context keeps apart, or more packets than one key may seal (RFC 3711 §9.2).
    #[error("the key is used up")]
    Exhausted,
}

/// Both directions of a transport.
pub struct SrtpPair {
    profile: SrtpProfile,
    inbound: Inbound,
    outbound: Outbound,
}

impl std::fmt::Debug for SrtpPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SrtpPair").field("profile", &self.profile).finish_non_exhaustive()
    }
}

impl SrtpPair {
    /// From exported keying material (RFC 5764 §4.2: client key, server key, client salt, server salt), for the
    /// DTLS server's side. `None` when the material has the wrong length.
    pub fn server(profile: SrtpProfile, material: &[u8]) -> Option<Self> {
        let [client, server] = Self::ciphers(profile, material)?;
        Some(Self { profile, inbound: Inbound::new(client), outbound: Outbound::new(server) })
    }

    /// The peer's side of the same material, for programs that play a client.
    #[cfg(any(test, feature = "testing"))]
    pub fn client(profile: SrtpProfile, material: &[u8]) -> Option<Self> {
        let [client, server] = Self::ciphers(profile, material)?;
        Some(Self { profile, inbound: Inbound::new(server), outbound: Outbound::new(client) })
    }

    fn ciphers(profile: SrtpProfile, material: &[u8]) -> Option<[Cipher; 2]> {
        let (key, salt) = profile.lengths();
        if material.len() != profile.material_length() {
            return None;
        }
        let (client_key, rest) = material.split_at(key);
        let (server_key, rest) = rest.split_at(key);
        let (client_salt, server_salt) = rest.split_at(salt);
        let cipher = |key, salt| match profile {
            SrtpProfile::Aes128CmSha1_80 => CounterMode::derive(key, salt).map(Cipher::CounterMode),
            SrtpProfile::AeadAes128Gcm | SrtpProfile::AeadAes256Gcm => {
                Gcm::derive(key, salt).map(Cipher::Gcm)
            }
        };
        Some([cipher(client_key, client_salt)?, cipher(server_key, server_salt)?])
    }

    /// The profile in use.
    pub fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// Opens an RTP packet where it is; the plain packet is that many bytes from the start.
    ///
    /// After an error the bytes are of no use.
    pub fn open_rtp(&mut self, packet: &mut [u8]) -> Result<usize, OpenError> {
        self.inbound.open_rtp(packet)
    }

    /// Opens a compound RTCP packet where it is; the plain packet is that many bytes from the start.
    ///
    /// After an error the bytes are of no use.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, OpenError> {
        self.inbound.open_rtcp(packet)
    }

    /// Seals the RTP packet that begins at `start` and is the end of `buffer`; the tag is appended.
    ///
    /// With [`OVERHEAD_MAX`] bytes to spare nothing is allocated. After an error the packet is as it was.
    pub fn seal_rtp(&mut self, buffer: &mut Vec<u8>, start: usize) -> Result<(), SealError> {
        self.outbound.seal_rtp(buffer, start)
    }

    /// Seals the compound RTCP packet that begins at `start` and is the end of `buffer`; tag and index are appended.
    ///
    /// With [`OVERHEAD_MAX`] bytes to spare nothing is allocated. After an error the packet is as it was.
    pub fn seal_rtcp(&mut self, buffer: &mut Vec<u8>, start: usize) -> Result<(), SealError> {
        self.outbound.seal_rtcp(buffer, start)
    }
}

/// The session keys of one direction.
// The few transports of AES-CM waste some bytes; a box would cost everybody else a cache line a packet.
#[allow(clippy::large_enum_variant)]
enum Cipher {
    Gcm(Gcm),
    CounterMode(CounterMode),
}

impl Cipher {
    /// `packet[header..]` is the payload and its tag. The length of the plain packet.
    fn open_rtp(&self, ssrc: u32, index: u64, header: usize, packet: &mut [u8]) -> Option<usize> {
        match self {
            Cipher::Gcm(cipher) => cipher.open_rtp(ssrc, index, header, packet),
            Cipher::CounterMode(cipher) => cipher.open_rtp(ssrc, index, header, packet),
        }
    }

    /// The index has the E flag taken off. The length of the plain packet.
    fn open_rtcp(&self, ssrc: u32, index: u32, packet: &mut [u8]) -> Option<usize> {
        match self {
            Cipher::Gcm(cipher) => cipher.open_rtcp(ssrc, index, packet),
            Cipher::CounterMode(cipher) => cipher.open_rtcp(ssrc, index, packet),
        }
    }

    /// The packet's payload begins `header` bytes after `start`.
    fn seal_rtp(
        &self,
        ssrc: u32,
        index: u64,
        header: usize,
        buffer: &mut Vec<u8>,
        start: usize,
    ) -> Option<()> {
        match self {
            Cipher::Gcm(cipher) => cipher.seal_rtp(ssrc, index, header, buffer, start),
            Cipher::CounterMode(cipher) => cipher.seal_rtp(ssrc, index, header, buffer, start),
        }
    }

    fn seal_rtcp(&self, ssrc: u32, index: u32, buffer: &mut Vec<u8>, start: usize) -> Option<()> {
        match self {
            Cipher::Gcm(cipher) => cipher.seal_rtcp(ssrc, index, buffer, start),
            Cipher::CounterMode(cipher) => cipher.seal_rtcp(ssrc, index, buffer, start),
        }
    }

    /// Where the E flag and the index stand in a sealed SRTCP packet of this length (RFC 3711 §3.4, RFC 7714 §9.2).
    fn rtcp_index_place(&self, length: usize) -> Option<usize> {
        match self {
            Cipher::Gcm(_) => length.checked_sub(RTCP_INDEX),
            Cipher::CounterMode(_) => length.checked_sub(RTCP_INDEX + counter_mode::TAG),
        }
    }
}

/// The SRTCP word of E flag and index.
const RTCP_INDEX: usize = 4;

/// The E flag in that word.
const ENCRYPTED: u32 = 1 << 31;

/// The part of an RTCP packet that stays in the clear: first header word and sender SSRC.
const RTCP_HEADER: usize = 8;

/// What has to be known of an RTP header to open or seal the packet.
#[derive(Clone, Copy)]
struct RtpParts {
    ssrc: u32,
    sequence: u16,
    /// Length of what stays in the clear: fixed header, CSRCs, extension.
    header: usize,
}

impl RtpParts {
    fn read(packet: &[u8]) -> Option<Self> {
        let fixed: &[u8; FIXED_HEADER] = packet.first_chunk()?;
        let [first, _, s0, s1, _, _, _, _, ssrc @ ..] = *fixed;
        if first >> 6 != 2 {
            return None;
        }
        let mut header = FIXED_HEADER + 4 * usize::from(first & 0x0f);
        if first & 0x10 != 0 {
            let [.., l0, l1] = *packet.get(header..)?.first_chunk::<4>()?;
            header += 4 + 4 * usize::from(u16::from_be_bytes([l0, l1]));
        }
        (header <= packet.len()).then_some(Self {
            ssrc: u32::from_be_bytes(ssrc),
            sequence: u16::from_be_bytes([s0, s1]),
            header,
        })
    }
}

/// The sender of a compound RTCP packet.
fn rtcp_sender(packet: &[u8]) -> Option<u32> {
    let [first, _, _, _, ssrc @ ..] = *packet.first_chunk::<RTCP_HEADER>()?;
    (first >> 6 == 2).then(|| u32::from_be_bytes(ssrc))
}
