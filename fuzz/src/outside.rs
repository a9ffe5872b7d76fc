//! Texts of clients, and what the recorder makes of media.

use bytes::Bytes;
use protocol::ws::ClientFrame;
use sfu_core::ids::{Mid, Ssrc};
use sfu_core::media::{Codec, Kind, Source};
use sfu_core::sdp::{self, AnswerSettings, Fingerprint, LineKind, Offer, SlotSsrcs};

use crate::input::Input;

/// An offer. What can be answered is answered line for line, and the answer is a description too.
pub(crate) fn sdp(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(offer) = Offer::parse(text) else { return };
    let mut sources: Vec<(Mid, Source)> = Vec::new();
    for line in &offer.media {
        let source = match line.kind {
            LineKind::Media(Kind::Audio) => Source::Microphone,
            LineKind::Media(Kind::Video) => Source::Camera,
            _ => continue,
        };
        if line.direction.sends() && !sources.iter().any(|(_, known)| *known == source) {
            sources.push((line.mid, source));
        }
    }
    let credentials = sdp::IceCredentials::new("serverUfrag", "serverPasswordOf24Chars+").expect("valid");
    let settings = AnswerSettings {
        ice: &credentials,
        fingerprint: Fingerprint([0xab; 32]),
        candidates: &[],
        session_id: 1,
        session_version: 1,
        cname: "vitrine",
        sources: &sources,
        video_preference: &sdp::DEFAULT_VIDEO_PREFERENCE,
        max_message_size: 16_384,
    };
    let mut next = 0;
    let answer = sdp::answer(&offer, &settings, |_| {
        next += 2;
        SlotSsrcs { media: Ssrc(next), rtx: Ssrc(next + 1) }
    });
    if let Ok(answer) = answer {
        assert_eq!(answer.media.len(), offer.media.len());
        assert_eq!(answer.sdp.matches("\r\nm=").count(), offer.media.len());
    }
}

/// A WebSocket message of a client.
pub(crate) fn websocket(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(frame) = serde_json::from_str::<ClientFrame>(text) {
        let written = serde_json::to_string(&frame).expect("what was read can be written");
        let again: ClientFrame = serde_json::from_str(&written).expect("and read again");
        assert_eq!(written, serde_json::to_string(&again).expect("the same"));
    }
}

/// Packets of one track as a tap delivers them: codec, then for each packet how numbers and time go on, and a payload.
pub(crate) fn recorder(data: &[u8]) {
    const CODECS: [Codec; 5] = [Codec::Opus, Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1];
    let mut input = Input::new(data);
    let mut track = recorder::testing::Frames::default();
    let (mut sequence, mut timestamp) = (65_536u64, 0u32);
    let codec = CODECS[usize::from(input.byte()) % CODECS.len()];
    while !input.is_empty() {
        let step = input.byte();
        sequence = sequence.saturating_add_signed(i64::from((step >> 3) as i8 % 8) - 1);
        timestamp = timestamp.wrapping_add(if step & 1 == 1 { 3000 } else { 0 });
        let marker = step & 2 == 2;
        let payload = Bytes::copy_from_slice(input.bytes());
        track.packet(codec, sequence, timestamp, marker, payload);
    }
    track.end();
}
