//! Packets on a TCP connection (RFC 4571 §2): each behind its length in two bytes, network order.
//!
//! ```text
//!  0                   1
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
//! +-------------------------------+-----------------
//! | length of the packet          | the packet ...
//! +-------------------------------+-----------------
//! ```

/// The longest packet taken: what the largest DTLS record needs (RFC 6347 §4.1, with 13 bytes of header and 256 of
/// expansion) is far more than an RTP packet, but a frame that says more than this is no packet of ours.
pub const FRAME_MAX: usize = 4096;

/// A connection said something that cannot be a packet of ours; nothing after it can be found again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a frame of {0} bytes")]
pub struct BadFrame(pub usize);

/// Length bytes in front of a packet; `None` for one that is too long for us ourselves to read.
pub fn header(packet: &[u8]) -> Option<[u8; 2]> {
    (packet.len() <= FRAME_MAX).then(|| (packet.len() as u16).to_be_bytes())
}

/// Cuts a byte stream into packets. Holds at most one unfinished frame, so [`FRAME_MAX`] bytes and two.
#[derive(Debug, Default)]
pub struct Deframer {
    unfinished: Vec<u8>,
}

impl Deframer {
    /// Takes the next bytes and hands each packet over that they complete. Empty frames (keep-alives of some clients)
    /// are passed over. After an error the connection is of no more use.
    pub fn push(&mut self, mut bytes: &[u8], mut packet: impl FnMut(&[u8])) -> Result<(), BadFrame> {
        loop {
            if self.unfinished.is_empty() {
                // The usual case: whole packets, handed over where they lie.
                let Some(whole) = first(bytes)? else {
                    self.unfinished.extend_from_slice(bytes);
                    return Ok(());
                };
                bytes = &bytes[2 + whole.len()..];
                if !whole.is_empty() {
                    packet(whole);
                }
                continue;
            }
            let (now, later) = bytes.split_at(self.missing()?.min(bytes.len()));
            self.unfinished.extend_from_slice(now);
            bytes = later;
            if self.missing()? == 0 {
                if self.unfinished.len() > 2 {
                    packet(&self.unfinished[2..]);
                }
                self.unfinished.clear();
            } else if bytes.is_empty() {
                return Ok(());
            }
        }
    }

    /// Bytes until the unfinished frame, or at least its header, is whole.
    fn missing(&self) -> Result<usize, BadFrame> {
        let have = self.unfinished.len();
        match self.unfinished.first_chunk() {
            Some(header) => Ok(2 + length(*header)? - have),
            None => Ok(2 - have),
        }
    }
}

fn length(header: [u8; 2]) -> Result<usize, BadFrame> {
    let length = usize::from(u16::from_be_bytes(header));
    if length > FRAME_MAX { Err(BadFrame(length)) } else { Ok(length) }
}

/// The first packet, if it is all there.
fn first(bytes: &[u8]) -> Result<Option<&[u8]>, BadFrame> {
    let Some((header, rest)) = bytes.split_first_chunk() else { return Ok(None) };
    Ok(rest.get(..length(*header)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn framed(packets: &[Vec<u8>]) -> Vec<u8> {
        packets.iter().flat_map(|it| [&header(it).expect("short")[..], it].concat()).collect()
    }

    #[test]
    fn a_frame_that_is_no_packet_of_ours_is_an_error_as_soon_as_it_is_announced() {
        let mut deframer = Deframer::default();
        assert_eq!(deframer.push(b"G", |_| panic!("no packet")), Ok(()));
        assert_eq!(deframer.push(b"ET / HTTP/1.1", |_| panic!("no packet")), Err(BadFrame(0x4745)));
        assert_eq!(
            Deframer::default().push(&[0x16, 0x03, 0x01], |_| ()),
            Err(BadFrame(0x1603)),
            "a TLS client"
        );
        assert_eq!(header(&[0; FRAME_MAX + 1]), None, "we do not say what we would not take");
    }

    proptest! {
        #[test]
        fn packets_come_out_as_they_went_in_however_the_stream_is_cut(
            packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..12),
            cuts in proptest::collection::vec(1usize..400, 1..40),
        ) {
            let stream = framed(&packets);
            let (mut deframer, mut out) = (Deframer::default(), Vec::new());
            let (mut rest, mut cuts) = (&stream[..], cuts.iter().cycle());
            while !rest.is_empty() {
                let (now, later) = rest.split_at((*cuts.next().expect("endless")).min(rest.len()));
                deframer.push(now, |packet| out.push(packet.to_vec())).expect("well framed");
                rest = later;
            }
            prop_assert_eq!(out, packets.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>());
            prop_assert!(deframer.unfinished.is_empty());
        }

        #[test]
        fn whatever_comes_memory_stays_bounded(chunks in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..6000), 0..12,
        )) {
            let mut deframer = Deframer::default();
            for chunk in chunks {
                let taken = deframer.push(&chunk, |packet| assert!((1..=FRAME_MAX).contains(&packet.len())));
                prop_assert!(deframer.unfinished.len() <= FRAME_MAX + 2);
                if taken.is_err() {
                    break;
                }
            }
        }
    }
}
