//! Sealing: what we send, each index once.

use super::window::Window;
use super::{Cipher, ENCRYPTED, RtpParts, SealError, rtcp_sender};

/// SSRCs one transport may send. Their rollover counters are never forgotten: starting one again would repeat nonces.
/// An offer of twenty slots with RTX needs forty.
const STREAMS_MAX: usize = 256;

/// The sealing context of a transport.
pub(super) struct Outbound {
    cipher: Cipher,
    /// Apart from the windows, so that a search reads few cache lines.
    ssrcs: Vec<u32>,
    windows: Vec<Window>,
    /// Index of the last SRTCP packet. One for all SSRCs: it only has to grow (RFC 3711 §3.2.1).
    rtcp: u32,
}

impl Outbound {
    pub(super) fn new(cipher: Cipher) -> Self {
        Self { cipher, ssrcs: Vec::new(), windows: Vec::new(), rtcp: 0 }
    }

    pub(super) fn seal_rtp(&mut self, buffer: &mut Vec<u8>, start: usize) -> Result<(), SealError> {
        let packet = buffer.get(start..).ok_or(SealError::Malformed)?;
        let RtpParts { ssrc, sequence, header } = RtpParts::read(packet).ok_or(SealError::Malformed)?;
        let place = self.ssrcs.iter().position(|known| *known == ssrc);
        let index = match place.and_then(|place| self.windows.get_mut(place)) {
            None if self.ssrcs.len() >= STREAMS_MAX => return Err(SealError::Exhausted),
            None => {
                let index = u64::from(sequence);
                self.ssrcs.push(ssrc);
                self.windows.push(Window::begin(index));
                index
            }
            Some(window) => {
                let index = window.estimate(sequence).ok_or(SealError::Exhausted)?;
                if !window.is_new(index) {
                    return Err(SealError::Repeated);
                }
                // Before the work: an index is used up even if something goes wrong from here on.
                window.mark(index);
                index
            }
        };
        self.cipher.seal_rtp(ssrc, index, header, buffer, start).ok_or(SealError::Malformed)
    }

    pub(super) fn seal_rtcp(&mut self, buffer: &mut Vec<u8>, start: usize) -> Result<(), SealError> {
        let ssrc = buffer.get(start..).and_then(rtcp_sender).ok_or(SealError::Malformed)?;
        let index = self.rtcp + 1;
        if index >= ENCRYPTED {
            return Err(SealError::Exhausted);
        }
        self.rtcp = index;
        self.cipher.seal_rtcp(ssrc, index, buffer, start).ok_or(SealError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SrtpPair, SrtpProfile};
    use super::*;

    fn rtp(sequence: u16, ssrc: u32) -> Vec<u8> {
        let [high, low] = sequence.to_be_bytes();
        let mut packet = vec![0x80, 96, high, low, 0, 0, 0, 1];
        packet.extend_from_slice(&ssrc.to_be_bytes());
        packet.extend_from_slice(b"payload");
        packet
    }

    fn server() -> SrtpPair {
        SrtpPair::server(SrtpProfile::AeadAes128Gcm, &[7; 56]).expect("keys")
    }

    #[test]
    fn no_index_is_sealed_twice() {
        let mut server = server();
        let mut seal = |sequence| server.seal_rtp(&mut rtp(sequence, 1), 0);
        assert_eq!(seal(100), Ok(()));
        assert_eq!(seal(103), Ok(()));
        assert_eq!(seal(101), Ok(()), "late is not twice");
        for sequence in [100, 101, 103] {
            assert_eq!(seal(sequence), Err(SealError::Repeated));
        }
        assert_eq!(seal(2000), Ok(()));
        assert_eq!(seal(102), Err(SealError::Repeated), "too old to be sure");
    }

    #[test]
    fn a_refused_packet_is_left_as_it_was() {
        let mut server = server();
        server.seal_rtp(&mut rtp(1, 1), 0).expect("seals");
        let mut again = rtp(1, 1);
        assert!(server.seal_rtp(&mut again, 0).is_err());
        assert_eq!(again, rtp(1, 1));
    }

    #[test]
    fn streams_are_bounded_and_never_forgotten() {
        let mut server = server();
        for ssrc in 0..STREAMS_MAX as u32 {
            server.seal_rtp(&mut rtp(1, ssrc), 0).expect("seals");
        }
        assert_eq!(server.seal_rtp(&mut rtp(1, 9999), 0), Err(SealError::Exhausted));
        assert_eq!(server.seal_rtp(&mut rtp(1, 0), 0), Err(SealError::Repeated));
    }

    #[test]
    fn a_packet_is_sealed_at_the_end_of_a_longer_buffer() {
        for profile in SrtpProfile::ALL {
            let material: Vec<u8> = (0..profile.material_length() as u8).collect();
            let mut server = SrtpPair::server(profile, &material).expect("keys");
            let mut client = SrtpPair::client(profile, &material).expect("keys");
            let mut buffer = b"before".to_vec();
            buffer.extend_from_slice(&rtp(1, 1));
            server.seal_rtp(&mut buffer, 6).expect("seals");
            assert_eq!(&buffer[..6], b"before");
            let length = client.open_rtp(&mut buffer[6..]).expect("opens");
            assert_eq!(buffer[6..6 + length], rtp(1, 1));
        }
    }
}
