//! AES-GCM for SRTP and SRTCP (RFC 7714).
//!
//! ```text
//!  nonce of SRTP                             nonce of SRTCP
//!  | 0 0 | SSRC (4) | ROC (4) | SEQ (2) |    | 0 0 | SSRC (4) | 0 0 | index (4) |    each XOR salt (12)
//! ```

use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::key_derivation::{Label, derive};
use super::{ENCRYPTED, RTCP_HEADER, RTCP_INDEX};

/// The session keys of one direction.
pub(super) struct Gcm {
    rtp: LessSafeKey,
    rtp_salt: [u8; NONCE_LEN],
    rtcp: LessSafeKey,
    rtcp_salt: [u8; NONCE_LEN],
}

impl Gcm {
    /// From a master key (16 or 32 bytes) and salt (12 bytes).
    pub(super) fn derive(key: &[u8], salt: &[u8]) -> Option<Self> {
        let derived_key = |label| {
            let mut room = [0; 32];
            let session = room.get_mut(..key.len())?;
            derive(key, salt, label, session)?;
            Self::key(session)
        };
        let derived_salt = |label| {
            let mut session = [0; NONCE_LEN];
            derive(key, salt, label, &mut session).map(|()| session)
        };
        Some(Self {
            rtp: derived_key(Label::RtpEncryption)?,
            rtp_salt: derived_salt(Label::RtpSalt)?,
            rtcp: derived_key(Label::RtcpEncryption)?,
            rtcp_salt: derived_salt(Label::RtcpSalt)?,
        })
    }

    fn key(session: &[u8]) -> Option<LessSafeKey> {
        let algorithm = if session.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
        UnboundKey::new(algorithm, session).ok().map(LessSafeKey::new)
    }

    pub(super) fn open_rtp(&self, ssrc: u32, index: u64, header: usize, packet: &mut [u8]) -> Option<usize> {
        let (header, sealed) = packet.split_at_mut_checked(header)?;
        let plain = self.rtp.open_in_place(self.rtp_nonce(ssrc, index), Aad::from(&*header), sealed).ok()?;
        Some(header.len() + plain.len())
    }

    pub(super) fn open_rtcp(&self, ssrc: u32, index: u32, packet: &mut [u8]) -> Option<usize> {
        let end = packet.len().checked_sub(RTCP_INDEX)?;
        let (header, sealed) = packet.get_mut(..end)?.split_at_mut_checked(RTCP_HEADER)?;
        let associated = rtcp_associated(header, index)?;
        let plain =
            self.rtcp.open_in_place(self.rtcp_nonce(ssrc, index), Aad::from(associated), sealed).ok()?;
        Some(RTCP_HEADER + plain.len())
    }

    pub(super) fn seal_rtp(
        &self,
        ssrc: u32,
        index: u64,
        header: usize,
        buffer: &mut Vec<u8>,
        start: usize,
    ) -> Option<()> {
        let (header, payload) = buffer.get_mut(start..)?.split_at_mut_checked(header)?;
        let nonce = self.rtp_nonce(ssrc, index);
        let tag = self.rtp.seal_in_place_separate_tag(nonce, Aad::from(&*header), payload).ok()?;
        buffer.extend_from_slice(tag.as_ref());
        Some(())
    }

    pub(super) fn seal_rtcp(&self, ssrc: u32, index: u32, buffer: &mut Vec<u8>, start: usize) -> Option<()> {
        let (header, body) = buffer.get_mut(start..)?.split_at_mut_checked(RTCP_HEADER)?;
        let associated = rtcp_associated(header, index)?;
        let nonce = self.rtcp_nonce(ssrc, index);
        let tag = self.rtcp.seal_in_place_separate_tag(nonce, Aad::from(associated), body).ok()?;
        buffer.extend_from_slice(tag.as_ref());
        buffer.extend_from_slice(&(ENCRYPTED | index).to_be_bytes());
        Some(())
    }

    /// RFC 7714 §8.1.
    fn rtp_nonce(&self, ssrc: u32, index: u64) -> Nonce {
        let [s0, s1, s2, s3] = ssrc.to_be_bytes();
        let [_, _, r0, r1, r2, r3, q0, q1] = index.to_be_bytes();
        xor([0, 0, s0, s1, s2, s3, r0, r1, r2, r3, q0, q1], &self.rtp_salt)
    }

    /// RFC 7714 §9.1.
    fn rtcp_nonce(&self, ssrc: u32, index: u32) -> Nonce {
        let [s0, s1, s2, s3] = ssrc.to_be_bytes();
        let [i0, i1, i2, i3] = index.to_be_bytes();
        xor([0, 0, s0, s1, s2, s3, 0, 0, i0, i1, i2, i3], &self.rtcp_salt)
    }
}

fn xor(mut nonce: [u8; NONCE_LEN], salt: &[u8; NONCE_LEN]) -> Nonce {
    for (byte, salt) in nonce.iter_mut().zip(salt) {
        *byte ^= salt;
    }
    Nonce::assume_unique_for_key(nonce)
}

/// The first header, then the word of E flag and index (RFC 7714 §9.2).
fn rtcp_associated(header: &[u8], index: u32) -> Option<[u8; RTCP_HEADER + RTCP_INDEX]> {
    let mut associated = [0; RTCP_HEADER + RTCP_INDEX];
    associated.first_chunk_mut::<RTCP_HEADER>()?.copy_from_slice(header.get(..RTCP_HEADER)?);
    *associated.last_chunk_mut()? = (ENCRYPTED | index).to_be_bytes();
    Some(associated)
}

#[cfg(test)]
mod tests {
    use super::super::key_derivation::tests::hex;
    use super::*;

    /// RFC 7714 §16 and §17 give session keys, not master keys.
    fn session(key: &[u8]) -> Gcm {
        let salt = *b"Quid pro quo";
        let key = || Gcm::key(key).expect("a key");
        Gcm { rtp: key(), rtp_salt: salt, rtcp: key(), rtcp_salt: salt }
    }

    fn key(length: u8) -> Vec<u8> {
        (0..length).collect()
    }

    #[test]
    fn rfc_7714_section_16_is_met() {
        let plain =
            [&hex("8040f17b 8041f8d3 5501a0b2")[..], b"Gallia est omnis divisa in partes tres"].concat();
        let cases = [
            (
                key(16),
                "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b \
                 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
            ),
            (
                key(32),
                "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f \
                 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
            ),
        ];
        for (key, sealed) in cases {
            let cipher = session(&key);
            let mut buffer = plain.clone();
            cipher.seal_rtp(0x5501_a0b2, 0xf17b, 12, &mut buffer, 0).expect("seals");
            assert_eq!(buffer, hex(sealed));
            let length = cipher.open_rtp(0x5501_a0b2, 0xf17b, 12, &mut buffer).expect("opens");
            assert_eq!(buffer[..length], plain);
        }
    }

    #[test]
    fn rfc_7714_section_17_is_met() {
        let plain = hex(
            "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef \
             deadbeef deadbeef",
        );
        let cases = [
            (
                key(16),
                "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda 4ce09b46 \
                 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4",
            ),
            (
                key(32),
                "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be 8415f658 \
                 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4",
            ),
        ];
        for (key, sealed) in cases {
            let cipher = session(&key);
            let mut buffer = plain.clone();
            cipher.seal_rtcp(0x4d61_7273, 0x5d4, &mut buffer, 0).expect("seals");
            assert_eq!(buffer, hex(sealed));
            let length = cipher.open_rtcp(0x4d61_7273, 0x5d4, &mut buffer).expect("opens");
            assert_eq!(buffer[..length], plain);
        }
    }
}
