//! AES-128 in counter mode with HMAC-SHA1-80, for peers without GCM (RFC 3711 §4.1.1, §4.2.1).
//!
//! Several times the price of GCM: it reads each byte twice, and SHA-1 is slow.

use aes::Aes128Enc;
use aes::cipher::KeyInit;
use ctr::Ctr128BE;
use ctr::cipher::{InnerIvInit, StreamCipher};
use ring::hmac;
use subtle::ConstantTimeEq;

use super::key_derivation::{Label, derive};
use super::{ENCRYPTED, RTCP_HEADER, RTCP_INDEX};

/// Length of the authentication tag: the first 80 bits of the HMAC.
pub(super) const TAG: usize = 10;

const KEY: usize = 16;
const SALT: usize = 14;
/// RFC 3711 §5.2: 160 bits.
const AUTHENTICATION_KEY: usize = 20;

/// The session keys of one direction.
pub(super) struct CounterMode {
    rtp: Keys,
    rtcp: Keys,
}

struct Keys {
    cipher: Aes128Enc,
    salt: [u8; SALT],
    authentication: hmac::Key,
}

impl CounterMode {
    /// From a master key (16 bytes) and salt (14 bytes).
    pub(super) fn derive(key: &[u8], salt: &[u8]) -> Option<Self> {
        let keys = |encryption, authentication, salting| {
            let (mut session, mut session_salt, mut secret) = ([0; KEY], [0; SALT], [0; AUTHENTICATION_KEY]);
            derive(key, salt, encryption, &mut session)?;
            derive(key, salt, salting, &mut session_salt)?;
            derive(key, salt, authentication, &mut secret)?;
            Some(Keys {
                cipher: Aes128Enc::new(&session.into()),
                salt: session_salt,
                authentication: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret),
            })
        };
        Some(Self {
            rtp: keys(Label::RtpEncryption, Label::RtpAuthentication, Label::RtpSalt)?,
            rtcp: keys(Label::RtcpEncryption, Label::RtcpAuthentication, Label::RtcpSalt)?,
        })
    }

    pub(super) fn open_rtp(&self, ssrc: u32, index: u64, header: usize, packet: &mut [u8]) -> Option<usize> {
        let end = packet.len().checked_sub(TAG).filter(|end| *end >= header)?;
        let (plain, tag) = packet.split_at_mut_checked(end)?;
        self.rtp.verify(plain, &rollover(index), tag)?;
        self.rtp.apply(ssrc, index, plain.get_mut(header..)?);
        Some(end)
    }

    pub(super) fn open_rtcp(&self, ssrc: u32, index: u32, packet: &mut [u8]) -> Option<usize> {
        let (authenticated, tag) = packet.split_at_mut_checked(packet.len().checked_sub(TAG)?)?;
        self.rtcp.verify(authenticated, &[], tag)?;
        let end = authenticated.len().checked_sub(RTCP_INDEX)?;
        self.rtcp.apply(ssrc, index.into(), authenticated.get_mut(RTCP_HEADER..end)?);
        Some(end)
    }

    pub(super) fn seal_rtp(
        &self,
        ssrc: u32,
        index: u64,
        header: usize,
        buffer: &mut Vec<u8>,
        start: usize,
    ) -> Option<()> {
        self.rtp.apply(ssrc, index, buffer.get_mut(start + header..)?);
        let tag = self.rtp.tag(buffer.get(start..)?, &rollover(index));
        buffer.extend_from_slice(&tag);
        Some(())
    }

    pub(super) fn seal_rtcp(&self, ssrc: u32, index: u32, buffer: &mut Vec<u8>, start: usize) -> Option<()> {
        self.rtcp.apply(ssrc, index.into(), buffer.get_mut(start + RTCP_HEADER..)?);
        buffer.extend_from_slice(&(ENCRYPTED | index).to_be_bytes());
        let tag = self.rtcp.tag(buffer.get(start..)?, &[]);
        buffer.extend_from_slice(&tag);
        Some(())
    }
}

impl Keys {
    /// Encrypts or decrypts: IV = salt · 2¹⁶ XOR SSRC · 2⁶⁴ XOR index · 2¹⁶ (RFC 3711 §4.1.1).
    fn apply(&self, ssrc: u32, index: u64, bytes: &mut [u8]) {
        let mut iv = [0; 16];
        let (salted, _) = iv.split_at_mut(SALT);
        salted.copy_from_slice(&self.salt);
        let sum = u128::from_be_bytes(iv) ^ (u128::from(ssrc) << 64) ^ (u128::from(index) << 16);
        let cipher = ctr::CtrCore::inner_iv_init(&self.cipher, &sum.to_be_bytes().into());
        Ctr128BE::from_core(cipher).apply_keystream(bytes);
    }

    fn mac(&self, authenticated: &[u8], rollover: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.authentication);
        context.update(authenticated);
        context.update(rollover);
        context.sign()
    }

    fn tag(&self, authenticated: &[u8], rollover: &[u8]) -> [u8; TAG] {
        let mut tag = [0; TAG];
        tag.iter_mut().zip(self.mac(authenticated, rollover).as_ref()).for_each(|(to, from)| *to = *from);
        tag
    }

    fn verify(&self, authenticated: &[u8], rollover: &[u8], tag: &[u8]) -> Option<()> {
        bool::from(self.tag(authenticated, rollover).ct_eq(tag)).then_some(())
    }
}

/// ROC is authenticated with the packet though it is not in it (RFC 3711 §4.2).
fn rollover(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}
