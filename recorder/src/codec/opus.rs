//! Opus: the TOC byte of RFC 6716 §3.1.
//!
//! ```text
//!  0 1 2 3 4 5 6 7
//! +-+-+-+-+-+-+-+-+
//! | config  |s| c |   c: 0 = one frame, 1 and 2 = two, 3 = as many as the next byte says
//! +-+-+-+-+-+-+-+-+
//! ```

/// Samples a second of the Opus clock; all durations here are in these.
pub(crate) const RATE: u32 = 48_000;

/// Samples of one 10 ms frame: the length of our fillers.
pub(crate) const FILLER_SAMPLES: u32 = RATE / 100;

/// Longest packet: 120 ms.
const PACKET_SAMPLES_MAX: u32 = RATE * 120 / 1000;

/// Samples the packet lasts; `None` if it breaks the rules of RFC 6716 §3.4.
pub(crate) fn samples(packet: &[u8]) -> Option<u32> {
    let toc = *packet.first()?;
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(*packet.get(1)? & 0x3f),
    };
    let total = frames * frame_samples(toc);
    (1..=PACKET_SAMPLES_MAX).contains(&total).then_some(total)
}

/// Samples of one frame.
fn frame_samples(toc: u8) -> u32 {
    let config = toc >> 3;
    match config {
        0..12 => [480, 960, 1920, 2880][usize::from(config & 3)],
        12..16 => [480, 960][usize::from(config & 1)],
        _ => [120, 240, 480, 960][usize::from(config & 3)],
    }
}

/// A packet of one empty 10 ms frame in the mode, bandwidth and channels of `toc`. An empty frame is how Opus says
/// "nothing sent" (DTX or loss, RFC 6716 §3.1): the decoder conceals it.
pub(crate) fn filler(toc: u8) -> u8 {
    let config = toc >> 3;
    let ten_ms = match config {
        0..12 => config & !3,
        12..16 => config & !1,
        _ => config & !3 | 2,
    };
    ten_ms << 3 | toc & 4
}

/// Whether the packet carries no more than a frame of silence (DTX, comfort noise).
pub(crate) fn is_quiet(packet: &[u8]) -> bool {
    packet.len() <= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_follow_the_table_of_rfc_6716() {
        // SILK 60 ms, hybrid 20 ms, CELT 2.5 ms, two CELT frames of 20 ms, three of 20 ms.
        for (packet, ms_tenths) in [
            (&[3 << 3][..], 600),
            (&[15 << 3], 200),
            (&[16 << 3], 25),
            (&[31 << 3 | 1], 400),
            (&[31 << 3 | 3, 3], 600),
        ] {
            assert_eq!(samples(packet), Some(ms_tenths * 48 / 10), "{packet:x?}");
        }
        assert_eq!(samples(&[31 << 3 | 3, 7]), None, "140 ms are too long");
        assert_eq!(samples(&[31 << 3 | 3, 0]), None, "no frame at all");
        assert_eq!(samples(&[]), None);
    }

    #[test]
    fn a_filler_lasts_ten_milliseconds_in_every_mode() {
        for toc in 0..=255 {
            assert_eq!(samples(&[filler(toc)]), Some(FILLER_SAMPLES), "{toc:x}");
            assert_eq!(filler(toc) & 4, toc & 4, "same channels");
        }
    }
}
