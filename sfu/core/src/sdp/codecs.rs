//! Which payload types of an offer are codecs we forward, and what we answer for them.

use super::attributes::Fmtp;
use super::offer::{OfferedMedia, OfferedPayload};
use crate::ids::Pt;
use crate::media::{Codec, Kind};

/// The order in which an answer lists video codecs; a browser sends the first one.
///
/// VP8 first: every browser encodes it well in software and decodes it, and it needs no profile match.
pub const DEFAULT_VIDEO_PREFERENCE: [Codec; 4] = [Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1];

/// One codec agreed on a line. A line has each codec at most once.
#[derive(Clone, Debug)]
pub struct NegotiatedCodec {
    /// Which.
    pub codec: Codec,
    /// The offer's number for it.
    pub pt: Pt,
    /// The offer's number for its retransmissions (RFC 4588).
    pub rtx: Option<Pt>,
    /// Format parameters as answered.
    pub fmtp: Fmtp,
    /// Feedback both sides speak.
    pub feedback: Feedback,
    /// How earlier packets of it are repeated in later ones (RFC 2198); Opus only.
    pub red: Option<NegotiatedRed>,
}

impl NegotiatedCodec {
    /// The payload type of RED, where it was agreed on.
    pub fn red_pt(&self) -> Option<Pt> {
        self.red.as_ref().map(|red| red.pt)
    }
}

/// RED for a codec.
#[derive(Clone, Debug)]
pub struct NegotiatedRed {
    /// The offer's number for it.
    pub pt: Pt,
    /// The client lists it before the codec itself. The first number of an answer is what a browser sends, so this
    /// decides whether it sends RED or plain packets; it takes both.
    pub preferred: bool,
    /// The payload types inside, as offered: `111/111`.
    pub fmtp: Fmtp,
}

/// RTCP feedback agreed for a codec: what we know and the offer listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Feedback {
    /// Generic NACK (RFC 4585 §6.2.1).
    pub nack: bool,
    /// Picture loss indication (RFC 4585 §6.3.1).
    pub pli: bool,
    /// Full intra request (RFC 5104 §4.3.1).
    pub fir: bool,
    /// Transport-wide congestion control.
    pub transport_cc: bool,
    /// Receiver estimated maximum bitrate.
    pub remb: bool,
}

impl Feedback {
    /// What we answer to an offer's list.
    fn agree(kind: Kind, offered: &[String]) -> Self {
        let lists = |value: &str| offered.iter().any(|it| it.split_ascii_whitespace().eq(value.split(' ')));
        let video = kind == Kind::Video;
        Self {
            nack: lists("nack"),
            pli: video && lists("nack pli"),
            fir: video && lists("ccm fir"),
            transport_cc: lists("transport-cc"),
            remb: video && lists("goog-remb"),
        }
    }

    /// The values of `a=rtcp-fb` that say this.
    pub(super) fn values(self) -> impl Iterator<Item = &'static str> {
        [
            (self.remb, "goog-remb"),
            (self.transport_cc, "transport-cc"),
            (self.fir, "ccm fir"),
            (self.nack, "nack"),
            (self.pli, "nack pli"),
        ]
        .into_iter()
        .filter_map(|(agreed, value)| agreed.then_some(value))
    }
}

/// Which of our codecs an offered payload type is, in a profile that we forward.
pub(super) fn recognise(payload: &OfferedPayload) -> Option<Codec> {
    let codecs = [Codec::Opus, Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1];
    let codec = codecs.into_iter().find(|codec| payload.encoding.eq_ignore_ascii_case(codec.name()))?;
    let parameter = |key, default| payload.fmtp.get(key).unwrap_or(default);
    let fits = match codec {
        // RFC 7587 §7: always 48 kHz and two channels, whatever is sent.
        Codec::Opus => payload.channels == Some(2),
        Codec::Vp8 => true,
        Codec::H264 => h264_rank(&payload.fmtp).is_some(),
        // RFC 9628 §6: profile-id, 0 when absent.
        Codec::Vp9 => parameter("profile-id", "0") == "0",
        // AV1 RTP specification §7.2.3: profile, 0 (Main) when absent.
        Codec::Av1 => parameter("profile", "0") == "0",
    };
    (fits && payload.clock_rate == codec.clock_rate()).then_some(codec)
}

/// How well an H.264 payload type suits us: 2 constrained baseline, 1 baseline, `None` for anything else.
///
/// Profiles by RFC 6184 table 5, packetization-mode 1 only (FU-A and STAP-A).
fn h264_rank(fmtp: &Fmtp) -> Option<u8> {
    if fmtp.get("packetization-mode") != Some("1") {
        return None;
    }
    // RFC 6184 §8.1: without profile-level-id the stream is baseline, level 1.
    let text = fmtp.get("profile-level-id").unwrap_or("42000a");
    if text.len() != 6 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let [_, profile, constraints, _level] = u32::from_str_radix(text, 16).ok()?.to_be_bytes();
    match (profile, constraints) {
        (0x42, c) if c & 0x4f == 0x40 => Some(2),
        (0x4d, c) if c & 0x8f == 0x80 => Some(2),
        (0x58, c) if c & 0xcf == 0xc0 => Some(2),
        (0x42, c) if c & 0x4f == 0 => Some(1),
        (0x58, c) if c & 0xcf == 0x80 => Some(1),
        _ => None,
    }
}

/// The codecs we take of a line, best first; empty when there is none.
pub(super) fn negotiate(line: &OfferedMedia, kind: Kind, video_preference: &[Codec]) -> Vec<NegotiatedCodec> {
    let preference = match kind {
        Kind::Audio => &[Codec::Opus],
        Kind::Video => video_preference,
    };
    let mut agreed: Vec<NegotiatedCodec> = Vec::with_capacity(preference.len());
    for &codec in preference {
        let candidates = line.payloads.iter().filter(|payload| payload.codec == Some(codec));
        // One payload type a codec: the one nearest to what every decoder plays, the client's first among equals.
        let best = candidates.rev().max_by_key(|payload| match codec {
            Codec::H264 => h264_rank(&payload.fmtp),
            _ => None,
        });
        let repeated = agreed.iter().any(|it| it.codec == codec);
        if let Some(payload) = best.filter(|_| !repeated && codec.kind() == kind) {
            agreed.push(NegotiatedCodec {
                codec,
                pt: payload.pt,
                rtx: line.payloads.iter().find(|it| it.apt() == Some(payload.pt)).map(|it| it.pt),
                fmtp: answer_parameters(codec, &payload.fmtp),
                feedback: Feedback::agree(kind, &payload.feedback),
                red: (codec == Codec::Opus).then(|| red(line, payload)).flatten(),
            });
        }
    }
    agreed
}

/// RED that carries nothing but this payload type, at the same clock (RFC 2198 §5, as browsers write it).
fn red(line: &OfferedMedia, codec: &OfferedPayload) -> Option<NegotiatedRed> {
    let place = |pt| line.payloads.iter().position(|it| it.pt == pt);
    let own = codec.pt.0.to_string();
    let found = line.payloads.iter().find(|it| {
        it.encoding.eq_ignore_ascii_case("red")
            && (it.clock_rate, it.channels) == (codec.clock_rate, codec.channels)
            && it.fmtp.to_string().split('/').all(|inside| inside == own)
    })?;
    let preferred = place(found.pt) < place(codec.pt);
    Some(NegotiatedRed { pt: found.pt, preferred, fmtp: found.fmtp.clone() })
}

/// Format parameters of the answer: what we ask of the client's encoder.
fn answer_parameters(codec: Codec, offered: &Fmtp) -> Fmtp {
    match codec {
        Codec::Opus => {
            let dtx = if offered.get("usedtx") == Some("1") { ";usedtx=1" } else { "" };
            Fmtp::parse(&format!("minptime=10;useinbandfec=1{dtx}"))
        }
        Codec::H264 => {
            let profile = offered.get("profile-level-id").unwrap_or("42000a");
            Fmtp::parse(&format!("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={profile}"))
        }
        // Profile (and for AV1 level and tier) are the client's own; a forwarder sets no tighter bound.
        Codec::Vp8 | Codec::Vp9 | Codec::Av1 => offered.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(profile_level_id: &str) -> Option<u8> {
        h264_rank(&Fmtp::parse(&format!("packetization-mode=1;profile-level-id={profile_level_id}")))
    }

    #[test]
    fn h264_profiles_are_told_apart_by_their_constraint_flags() {
        assert_eq!(rank("42e01f"), Some(2), "constrained baseline, as browsers write it");
        assert_eq!(rank("42C02A"), Some(2), "upper case, other level");
        assert_eq!(rank("4d801f"), Some(2), "main with constraint_set0 is constrained baseline");
        assert_eq!(rank("42001f"), Some(1), "baseline");
        assert_eq!(rank("4d001f"), None, "main");
        assert_eq!(rank("640c1f"), None, "constrained high");
        assert_eq!(rank("42e0"), None, "too short");
        assert_eq!(rank("+2e01f"), None, "a sign is no digit");
        assert_eq!(h264_rank(&Fmtp::parse("profile-level-id=42e01f")), None, "packetization-mode 0");
    }

    #[test]
    fn opus_keeps_dtx_only_when_the_client_offers_it() {
        let answered = |offered| answer_parameters(Codec::Opus, &Fmtp::parse(offered)).to_string();
        assert_eq!(answered("minptime=10;useinbandfec=1"), "minptime=10;useinbandfec=1");
        assert_eq!(answered("usedtx=1;stereo=1"), "minptime=10;useinbandfec=1;usedtx=1");
    }
}
