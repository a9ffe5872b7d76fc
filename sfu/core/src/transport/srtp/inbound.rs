//! Opening: what the peer sends, and what of it is new.

use super::window::Window;
use super::{Cipher, ENCRYPTED, OpenError, PACKET_MAX, RtpParts, rtcp_sender};

/// SSRCs whose windows are kept, each for RTP and RTCP. A browser that sends three simulcast lines with RTX has 18.
const STREAMS_MAX: usize = 64;

/// The opening context of a transport.
pub(super) struct Inbound {
    cipher: Cipher,
    rtp: Windows,
    rtcp: Windows,
}

impl Inbound {
    pub(super) fn new(cipher: Cipher) -> Self {
        Self { cipher, rtp: Windows::default(), rtcp: Windows::default() }
    }

    pub(super) fn open_rtp(&mut self, packet: &mut [u8]) -> Result<usize, OpenError> {
        if packet.len() > PACKET_MAX {
            return Err(OpenError::Malformed);
        }
        let RtpParts { ssrc, sequence, header } = RtpParts::read(packet).ok_or(OpenError::Malformed)?;
        let place = self.rtp.find(ssrc);
        let index = match place {
            // The rollover counter is 0 at the start (RFC 3711 §3.3.1).
            None => u64::from(sequence),
            Some(place) => {
                let window = self.rtp.window(place);
                let index = window.estimate(sequence).ok_or(OpenError::Replayed)?;
                if !window.is_new(index) {
                    return Err(OpenError::Replayed);
                }
                index
            }
        };
        let length = self.cipher.open_rtp(ssrc, index, header, packet).ok_or(OpenError::Forged)?;
        self.rtp.mark(place, ssrc, index);
        Ok(length)
    }

    pub(super) fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, OpenError> {
        if packet.len() > PACKET_MAX {
            return Err(OpenError::Malformed);
        }
        let ssrc = rtcp_sender(packet).ok_or(OpenError::Malformed)?;
        let word = self.cipher.rtcp_index_place(packet.len()).and_then(|place| packet.get(place..));
        let word = word.and_then(<[u8]>::first_chunk).ok_or(OpenError::Malformed)?;
        let word = u32::from_be_bytes(*word);
        if word & ENCRYPTED == 0 {
            return Err(OpenError::NotEncrypted);
        }
        let index = word & !ENCRYPTED;
        let place = self.rtcp.find(ssrc);
        if place.is_some_and(|place| !self.rtcp.window(place).is_new(index.into())) {
            return Err(OpenError::Replayed);
        }
        let length = self.cipher.open_rtcp(ssrc, index, packet).ok_or(OpenError::Forged)?;
        self.rtcp.mark(place, ssrc, index.into());
        Ok(length)
    }
}

/// The windows of the SSRCs that were authenticated.
///
/// A peer that uses more than [`STREAMS_MAX`] loses the one it has not used for longest. Whoever recorded packets of that
/// one could then replay them: the peer does that to itself alone.
#[derive(Default)]
struct Windows {
    /// Apart from the windows, so that a search reads few cache lines.
    ssrcs: Vec<u32>,
    windows: Vec<(Window, u64)>,
    /// Counts packets: the time of last use.
    clock: u64,
}

impl Windows {
    fn find(&self, ssrc: u32) -> Option<usize> {
        self.ssrcs.iter().position(|known| *known == ssrc)
    }

    fn window(&self, place: usize) -> &Window {
        &self.windows[place].0
    }

    /// An authenticated packet used that index; `place` is where its SSRC was found before.
    fn mark(&mut self, place: Option<usize>, ssrc: u32, index: u64) {
        self.clock += 1;
        if let Some((window, used)) = place.and_then(|place| self.windows.get_mut(place)) {
            window.mark(index);
            *used = self.clock;
            return;
        }
        if self.ssrcs.len() >= STREAMS_MAX {
            let oldest = self.windows.iter().enumerate().min_by_key(|(_, (_, used))| *used);
            if let Some((place, _)) = oldest {
                self.ssrcs.swap_remove(place);
                self.windows.swap_remove(place);
            }
        }
        self.ssrcs.push(ssrc);
        self.windows.push((Window::begin(index), self.clock));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{SrtpPair, SrtpProfile};
    use super::*;

    fn pair(profile: SrtpProfile) -> (SrtpPair, SrtpPair) {
        let material: Vec<u8> = (0..profile.material_length() as u8).collect();
        let server = SrtpPair::server(profile, &material).expect("keys");
        (server, SrtpPair::client(profile, &material).expect("keys"))
    }

    fn rtp(sequence: u16, ssrc: u32) -> Vec<u8> {
        let mut packet = vec![0x80, 96, (sequence >> 8) as u8, sequence as u8, 0, 0, 0, 1];
        packet.extend_from_slice(&ssrc.to_be_bytes());
        packet.extend_from_slice(b"payload");
        packet
    }

    fn sealed(client: &mut SrtpPair, plain: &[u8]) -> Vec<u8> {
        let mut packet = plain.to_vec();
        client.seal_rtp(&mut packet, 0).expect("seals");
        packet
    }

    fn opened(server: &mut SrtpPair, packet: &[u8]) -> Result<Vec<u8>, OpenError> {
        let mut packet = packet.to_vec();
        server.open_rtp(&mut packet).map(|length| packet[..length].to_vec())
    }

    #[test]
    fn what_one_side_seals_the_other_opens_once() {
        for profile in SrtpProfile::ALL {
            let (mut server, mut client) = pair(profile);
            let packet = sealed(&mut client, &rtp(5, 9));
            assert_eq!(opened(&mut server, &packet), Ok(rtp(5, 9)));
            assert_eq!(opened(&mut server, &packet), Err(OpenError::Replayed));
            let report = [0x80, 201, 0, 1, 0, 0, 0, 9, 1, 2, 3, 4];
            let mut packet = report.to_vec();
            client.seal_rtcp(&mut packet, 0).expect("seals");
            let mut copy = packet.clone();
            let length = server.open_rtcp(&mut copy).expect("opens");
            assert_eq!(copy[..length], report);
            assert_eq!(server.open_rtcp(&mut packet.clone()), Err(OpenError::Replayed));
        }
    }

    #[test]
    fn a_change_of_any_byte_is_noticed() {
        for profile in SrtpProfile::ALL {
            let (mut server, mut client) = pair(profile);
            let packet = sealed(&mut client, &rtp(5, 9));
            let mut report = vec![0x80, 201, 0, 1, 0, 0, 0, 9, 1, 2, 3, 4];
            client.seal_rtcp(&mut report, 0).expect("seals");
            for place in 0..packet.len() {
                let mut forged = packet.clone();
                forged[place] ^= 0x04;
                assert!(opened(&mut server, &forged).is_err(), "byte {place} of RTP");
            }
            for place in 0..report.len() {
                let mut forged = report.clone();
                forged[place] ^= 0x80;
                assert!(server.open_rtcp(&mut forged).is_err(), "byte {place} of RTCP");
            }
            assert!(opened(&mut server, &packet).is_ok(), "none of them used the index up");
            assert!(server.open_rtcp(&mut report).is_ok());
        }
    }

    #[test]
    fn rtcp_that_claims_to_be_plain_is_refused() {
        for profile in SrtpProfile::ALL {
            let (mut server, mut client) = pair(profile);
            let mut packet = vec![0x80, 201, 0, 1, 0, 0, 0, 9];
            client.seal_rtcp(&mut packet, 0).expect("seals");
            let place = server.inbound.cipher.rtcp_index_place(packet.len()).expect("an index");
            packet[place] &= 0x7f;
            assert_eq!(server.open_rtcp(&mut packet), Err(OpenError::NotEncrypted));
        }
    }

    #[test]
    fn forged_ssrcs_leave_nothing_behind() {
        for profile in SrtpProfile::ALL {
            let (mut server, mut client) = pair(profile);
            for ssrc in 0..200 {
                let mut forged = sealed(&mut client, &rtp(1, ssrc));
                *forged.last_mut().expect("a tag") ^= 1;
                assert_eq!(opened(&mut server, &forged), Err(OpenError::Forged));
            }
            assert!(server.inbound.rtp.ssrcs.is_empty());
        }
    }

    #[test]
    fn true_ssrcs_are_bounded_and_the_one_in_use_is_kept() {
        let (mut server, mut client) = pair(SrtpProfile::AeadAes128Gcm);
        let first = sealed(&mut client, &rtp(1, 0));
        assert!(opened(&mut server, &first).is_ok());
        for ssrc in 1..=200 {
            let packet = sealed(&mut client, &rtp(1, ssrc));
            assert!(opened(&mut server, &packet).is_ok());
            let used = sealed(&mut client, &rtp(1 + ssrc as u16, 0));
            assert!(opened(&mut server, &used).is_ok());
            assert!(server.inbound.rtp.ssrcs.len() <= STREAMS_MAX);
        }
        assert_eq!(server.inbound.rtp.ssrcs.len(), STREAMS_MAX);
        assert_eq!(opened(&mut server, &first), Err(OpenError::Replayed));
    }

    #[test]
    fn oversized_packets_are_not_decrypted() {
        let (mut server, mut client) = pair(SrtpProfile::AeadAes256Gcm);
        let mut packet = rtp(1, 1);
        packet.resize(PACKET_MAX, 0);
        client.seal_rtp(&mut packet, 0).expect("seals");
        assert_eq!(server.open_rtp(&mut packet), Err(OpenError::Malformed));
    }

    proptest! {
        /// Reached before authentication: whoever knows a peer's address can send this.
        #[test]
        fn forged_bytes_open_to_nothing(
            profile in prop::sample::select(&SrtpProfile::ALL[..]),
            first in 0x80u8..=0xbf,
            bytes in proptest::collection::vec(any::<u8>(), 0..120),
        ) {
            let (mut server, _) = pair(profile);
            let mut packet = vec![first];
            packet.extend_from_slice(&bytes);
            prop_assert!(server.open_rtp(&mut packet.clone()).is_err());
            prop_assert!(server.open_rtcp(&mut packet).is_err());
            prop_assert!(server.inbound.rtp.ssrcs.is_empty() && server.inbound.rtcp.ssrcs.is_empty());
        }

        /// True packets, in any order, some twice, with noise between them: each is opened exactly once.
        #[test]
        fn order_does_not_matter_within_the_window(
            profile in prop::sample::select(&SrtpProfile::ALL[..]),
            start in 1u16..=0x7fff,
            order in Just((0..300usize).collect::<Vec<_>>()).prop_shuffle(),
            flips in prop::collection::vec(any::<u16>(), 300),
        ) {
            let (mut server, mut client) = pair(profile);
            let packets: Vec<_> =
                (0..300).map(|step| sealed(&mut client, &rtp(start.wrapping_add(step), 7))).collect();
            prop_assert!(opened(&mut server, &packets[0]).is_ok());
            for place in order {
                let mut forged = packets[place].clone();
                let at = usize::from(flips[place]) % forged.len();
                forged[at] ^= 1;
                prop_assert!(opened(&mut server, &forged).is_err());
                prop_assert_eq!(opened(&mut server, &packets[place]).is_ok(), place != 0);
                prop_assert_eq!(opened(&mut server, &packets[place]), Err(OpenError::Replayed));
            }
        }
    }
}
