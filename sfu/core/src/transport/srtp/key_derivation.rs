//! Session keys out of a master key and salt (RFC 3711 §4.3, with AES-256 RFC 6188).
//!
//! The key derivation rate is 0 (RFC 5764 §4.1.2), so each is derived once.

use aes::{Aes128Enc, Aes256Enc};
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};

/// What a session key is for (RFC 3711 §4.3.1, §4.3.2).
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Label {
    RtpEncryption = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpEncryption = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// Fills `out` with the key of that name. `None` for a master key that is neither 16 nor 32 bytes, or a salt over 14.
///
/// The pseudo-random function is the AES-CM keystream (RFC 3711 §4.3.3) of `x · 2¹⁶` with `x = label · 2⁴⁸ XOR salt`.
/// GCM's 12-byte salt stands at the front of the 14 bytes (RFC 7714 §11).
pub(super) fn derive(key: &[u8], salt: &[u8], label: Label, out: &mut [u8]) -> Option<()> {
    let mut block = [0; 16];
    block.get_mut(..salt.len().min(14))?.copy_from_slice(salt.get(..14).unwrap_or(salt));
    block[7] ^= label as u8;
    out.fill(0);
    match key.len() {
        16 => Ctr128BE::<Aes128Enc>::new_from_slices(key, &block).ok()?.apply_keystream(out),
        32 => Ctr128BE::<Aes256Enc>::new_from_slices(key, &block).ok()?.apply_keystream(out),
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Bytes of hexadecimal digits; anything else between them is for the reader.
    pub(in super::super) fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    fn derived(label: Label, length: usize) -> Vec<u8> {
        let mut out = vec![0; length];
        let key = hex("E1F97A0D3E018BE0D64FA32C06DE4139");
        derive(&key, &hex("0EC675AD498AFEEBB6960B3AABE6"), label, &mut out).expect("lengths are right");
        out
    }

    #[test]
    fn rfc_3711_appendix_b_3_is_met() {
        assert_eq!(derived(Label::RtpEncryption, 16), hex("C61E7A93744F39EE10734AFE3FF7A087"));
        assert_eq!(derived(Label::RtpSalt, 14), hex("30CBBC08863D8C85D49DB34A9AE1"));
        assert_eq!(
            derived(Label::RtpAuthentication, 94),
            hex("CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE \
                 E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25 \
                 6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2")
        );
    }

    #[test]
    fn rfc_3711_appendix_b_2_keystream_is_met() {
        let (key, iv) = (hex("2B7E151628AED2A6ABF7158809CF4F3C"), hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000"));
        let mut cipher = Ctr128BE::<Aes128Enc>::new_from_slices(&key, &iv).expect("lengths are right");
        let mut stream = vec![0; 16 * 0xff02];
        cipher.apply_keystream(&mut stream);
        assert_eq!(
            stream[..48],
            hex("E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB \
                                      41E95B3BB0A2E8DD477901E4FCA894C0")
        );
        assert_eq!(
            stream[16 * 0xfeff..],
            hex("EC8CDF7398607CB0F2D21675EA9EA1E4 362B7C3C6773516318A077D7FC5073AE \
                                               6A2CC3787889374FBEB4C81B17BA6C44")
        );
    }

    #[test]
    fn keys_of_other_lengths_are_refused() {
        assert!(derive(&[0; 24], &[0; 14], Label::RtpSalt, &mut [0; 14]).is_none());
        assert!(derive(&[0; 16], &[0; 12], Label::RtpSalt, &mut [0; 12]).is_some());
    }
}
