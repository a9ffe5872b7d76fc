//! What the recorder must know of each codec: how RTP payloads become a frame, where a frame begins, and what a key
//! frame says about the stream.
//!
//! Why not the depacketizers of the `rtp` crate? They index hostile bytes without looking (a STAP-A that ends after
//! one length byte, a four-byte VP8 descriptor with every extension bit set, a one-byte OBU with an extension flag
//! panic), and a panic here would end a recording. Ours return [`Malformed`]; the crate's payloaders check them in the
//! tests.

pub(crate) mod av1;
pub(crate) mod h264;
pub(crate) mod opus;
pub(crate) mod vp8;
pub(crate) mod vp9;

use bytes::Bytes;
use sfu::Codec;

/// A payload or frame that does not follow its format; the frame is treated as lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Malformed;

/// What a key frame tells about the stream that follows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct KeyFrame {
    /// Picture width in pixels.
    pub(crate) width: u16,
    /// Picture height in pixels.
    pub(crate) height: u16,
    /// What goes into the init segment.
    pub(crate) config: Config,
}

/// Codec configuration for the init segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Config {
    /// VP8 needs none.
    Vp8,
    /// The first parameter sets; later ones stay in band (`avc3`).
    H264 { sps: Vec<u8>, pps: Vec<u8> },
    /// For `vpcC`.
    Vp9(vp9::Header),
    /// For `av1C`.
    Av1(av1::SequenceHeader),
}

/// Whether `payload` can be the first packet of a frame: asked when what came before it is unknown.
pub(crate) fn begins_frame(codec: Codec, payload: &[u8]) -> bool {
    match codec {
        Codec::Opus => true,
        Codec::Vp8 => vp8::begins_frame(payload),
        Codec::H264 => h264::begins_frame(payload),
        Codec::Vp9 => vp9::begins_frame(payload),
        Codec::Av1 => av1::begins_frame(payload),
    }
}

/// Turns the payloads of one frame, all of them and in order, into what the container stores.
#[derive(Default, Debug)]
pub(crate) struct Depacketizer {
    parameter_sets: h264::ParameterSets,
}

impl Depacketizer {
    /// The frame's bytes and, if decoding can begin at it, what it says about the stream.
    pub(crate) fn frame(
        &mut self,
        codec: Codec,
        payloads: &[Bytes],
    ) -> Result<(Vec<u8>, Option<KeyFrame>), Malformed> {
        let (data, key) = match codec {
            Codec::Opus => (payloads.first().ok_or(Malformed)?.to_vec(), None),
            Codec::Vp8 => {
                let data = vp8::frame(payloads)?;
                let key = vp8::key_frame(&data)?;
                (data, key)
            }
            Codec::H264 => self.parameter_sets.frame(payloads)?,
            Codec::Vp9 => {
                let data = vp9::frame(payloads)?;
                let key = vp9::key_frame(&data)?;
                (data, key)
            }
            Codec::Av1 => av1::frame(payloads)?,
        };
        if data.is_empty() { Err(Malformed) } else { Ok((data, key)) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_from_the_network_make_a_depacketizer_panic(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..5),
        ) {
            let payloads: Vec<Bytes> = payloads.into_iter().map(Bytes::from).collect();
            for codec in [Codec::Opus, Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1] {
                let _ = Depacketizer::default().frame(codec, &payloads);
                for payload in &payloads {
                    let _ = begins_frame(codec, payload);
                }
            }
        }
    }
}
