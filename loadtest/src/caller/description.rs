//! A client's one offer, and what it reads in the answer. The shape is that of a browser page of Vitrine: three send lines,
//! three slots for sound, four for pictures, one data channel.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use protocol::call::Source;
use protocol::ws::SourceLine;

/// Payload types.
pub(super) mod pt {
    pub(in super::super) const OPUS: u8 = 111;
    pub(in super::super) const RED: u8 = 63;
    pub(in super::super) const VP8: u8 = 96;
    pub(in super::super) const VP8_RTX: u8 = 97;
    pub(in super::super) const H264: u8 = 102;
    pub(in super::super) const H264_RTX: u8 = 103;
}

/// Header extension ids.
pub(super) mod ext {
    pub(in super::super) const MID: u8 = 1;
    pub(in super::super) const RID: u8 = 2;
    pub(in super::super) const REPAIRED_RID: u8 = 3;
    pub(in super::super) const TRANSPORT_CC: u8 = 4;
    pub(in super::super) const AUDIO_LEVEL: u8 = 5;
    pub(in super::super) const PLAYOUT_DELAY: u8 = 6;
}

/// Ids, names, and whether an extension is for sound, for pictures or for both.
const EXTENSIONS: [(u8, &str, bool, bool); 6] = [
    (ext::MID, "urn:ietf:params:rtp-hdrext:sdes:mid", true, true),
    (ext::RID, "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", false, true),
    (ext::REPAIRED_RID, "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id", false, true),
    (
        ext::TRANSPORT_CC,
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
        true,
        true,
    ),
    (ext::AUDIO_LEVEL, "urn:ietf:params:rtp-hdrext:ssrc-audio-level", true, false),
    (ext::PLAYOUT_DELAY, "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay", false, true),
];

/// MIDs of the send lines.
pub(super) const MICROPHONE: &str = "0";
/// See [`MICROPHONE`].
pub(super) const CAMERA: &str = "1";
const SCREEN: &str = "2";
const AUDIO_SLOTS: [&str; 3] = ["3", "4", "5"];
const VIDEO_SLOTS: [&str; 4] = ["6", "7", "8", "9"];
const DATA: &str = "10";
/// RIDs of the simulcast encodings, smallest first.
pub(super) const RIDS: [&str; 3] = ["q", "h", "f"];

/// What a camera sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Codec {
    /// VP8 (RFC 7741), three temporal layers.
    #[default]
    Vp8,
    /// H.264, constrained baseline (RFC 6184).
    H264,
}

impl Codec {
    /// Media and RTX payload type.
    pub(super) fn payload_types(self) -> (u8, u8) {
        match self {
            Codec::Vp8 => (pt::VP8, pt::VP8_RTX),
            Codec::H264 => (pt::H264, pt::H264_RTX),
        }
    }
}

/// Our side of the transport.
#[derive(Clone, Debug)]
pub(super) struct LocalSide {
    pub(super) ufrag: String,
    pub(super) password: String,
    pub(super) fingerprint: String,
    pub(super) codec: Codec,
    /// Of the microphone; encodings take the numbers after it.
    pub(super) ssrc: u32,
}

/// The offer.
pub(super) fn offer(local: &LocalSide) -> String {
    let mids = [MICROPHONE, CAMERA, SCREEN].into_iter().chain(AUDIO_SLOTS).chain(VIDEO_SLOTS).chain([DATA]);
    let mut offer = format!(
        "v=0\r\no=- {} 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\na=extmap-allow-mixed\r\n",
        local.ssrc,
        mids.collect::<Vec<_>>().join(" ")
    );
    let transport = format!(
        "c=IN IP4 0.0.0.0\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=fingerprint:sha-256 {}\r\na=setup:actpass\r\n",
        local.ufrag, local.password, local.fingerprint
    );
    let mut line = |mid: &str, direction: &str, video: bool, streams: &str| {
        let (kind, formats, codecs) = match (video, direction) {
            (false, _) => ("audio", format!("{} {}", pt::RED, pt::OPUS), audio_codecs()),
            (true, "sendonly") => video_codecs(&[local.codec]),
            (true, _) => video_codecs(&[Codec::Vp8, Codec::H264]),
        };
        offer += &format!("m={kind} 9 UDP/TLS/RTP/SAVPF {formats}\r\n{transport}a=mid:{mid}\r\n");
        for (id, uri, _, _) in EXTENSIONS.iter().filter(|it| if video { it.3 } else { it.2 }) {
            offer += &format!("a=extmap:{id} {uri}\r\n");
        }
        offer += &format!("a={direction}\r\na=rtcp-mux\r\na=rtcp-rsize\r\n{codecs}{streams}");
    };
    line(MICROPHONE, "sendonly", false, &format!("a=ssrc:{} cname:caller\r\n", local.ssrc));
    let rids: String = RIDS.iter().map(|rid| format!("a=rid:{rid} send\r\n")).collect();
    line(CAMERA, "sendonly", true, &format!("{rids}a=simulcast:send {}\r\n", RIDS.join(";")));
    line(SCREEN, "sendonly", true, "");
    AUDIO_SLOTS.into_iter().for_each(|mid| line(mid, "recvonly", false, ""));
    VIDEO_SLOTS.into_iter().for_each(|mid| line(mid, "recvonly", true, ""));
    offer += &format!(
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n{transport}a=mid:{DATA}\r\na=sctp-port:5000\r\n"
    );
    offer
}

/// What the send lines carry.
pub(super) fn sources() -> Vec<SourceLine> {
    [(MICROPHONE, Source::Microphone), (CAMERA, Source::Camera), (SCREEN, Source::Screen)]
        .map(|(mid, source)| SourceLine { mid: mid.to_owned(), source })
        .to_vec()
}

/// RED first, as our web client does it: then it is what is sent.
fn audio_codecs() -> String {
    format!(
        "a=rtpmap:{red} red/48000/2\r\na=fmtp:{red} {opus}/{opus}\r\na=rtpmap:{opus} opus/48000/2\r\n\
         a=rtcp-fb:{opus} transport-cc\r\na=fmtp:{opus} minptime=10;useinbandfec=1;usedtx=1\r\n",
        red = pt::RED,
        opus = pt::OPUS
    )
}

fn video_codecs(codecs: &[Codec]) -> (&'static str, String, String) {
    let (mut formats, mut lines) = (Vec::new(), String::new());
    for codec in codecs {
        let (media, rtx) = codec.payload_types();
        formats.extend([media.to_string(), rtx.to_string()]);
        lines += &match codec {
            Codec::Vp8 => format!("a=rtpmap:{media} VP8/90000\r\n"),
            Codec::H264 => format!(
                "a=rtpmap:{media} H264/90000\r\n\
                 a=fmtp:{media} level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"
            ),
        };
        for value in ["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"] {
            lines += &format!("a=rtcp-fb:{media} {value}\r\n");
        }
        lines += &format!("a=rtpmap:{rtx} rtx/90000\r\na=fmtp:{rtx} apt={media}\r\n");
    }
    ("video", formats.join(" "), lines)
}

/// One line of an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct AnsweredLine {
    pub(super) mid: String,
    pub(super) video: bool,
    pub(super) payload_types: Vec<u8>,
    pub(super) extensions: Vec<u8>,
    /// Media SSRC and its RTX, on slots.
    pub(super) ssrcs: Vec<u32>,
    /// RIDs taken.
    pub(super) rids: Vec<String>,
}

impl AnsweredLine {
    /// The id, if the extension was agreed on.
    pub(super) fn agreed(&self, id: u8) -> bool {
        self.extensions.contains(&id)
    }
}

/// What a client keeps of an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) ufrag: String,
    pub(super) password: String,
    /// Where the server is reached by UDP, best first.
    pub(super) udp: Vec<SocketAddr>,
    /// The same by TCP.
    pub(super) tcp: Vec<SocketAddr>,
    pub(super) lines: Vec<AnsweredLine>,
}

impl Answer {
    /// Reads an answer.
    pub(super) fn read(sdp: &str) -> Result<Self> {
        let mut answer = Answer::default();
        for line in sdp.lines() {
            if let Some(media) = line.strip_prefix("m=") {
                let payload_types = media.split(' ').skip(3).filter_map(|pt| pt.parse().ok()).collect();
                let video = media.starts_with("video");
                answer.lines.push(AnsweredLine { video, payload_types, ..AnsweredLine::default() });
            }
            let Some((key, value)) = line.strip_prefix("a=").and_then(|line| line.split_once(':')) else {
                continue;
            };
            match (key, answer.lines.last_mut()) {
                ("ice-ufrag", _) => answer.ufrag = value.to_owned(),
                ("ice-pwd", _) => answer.password = value.to_owned(),
                ("candidate", _) => answer.candidate(value),
                ("mid", Some(line)) => line.mid = value.to_owned(),
                ("extmap", Some(line)) => {
                    line.extensions
                        .extend(value.split([' ', '/']).next().and_then(|id| id.parse::<u8>().ok()));
                }
                ("rid", Some(line)) => line.rids.extend(value.split(' ').next().map(str::to_owned)),
                ("ssrc", Some(line)) => {
                    let ssrc = value.split(' ').next().and_then(|ssrc| ssrc.parse::<u32>().ok());
                    line.ssrcs.extend(ssrc.filter(|ssrc| !line.ssrcs.contains(ssrc)));
                }
                _ => {}
            }
        }
        anyhow::ensure!(!answer.ufrag.is_empty() && !answer.password.is_empty(), "no ICE credentials");
        anyhow::ensure!(!answer.udp.is_empty() || !answer.tcp.is_empty(), "no candidates");
        Ok(answer)
    }

    /// `foundation component transport priority address port typ host …` (RFC 8839 §5.1).
    fn candidate(&mut self, value: &str) {
        let words: Vec<_> = value.split(' ').collect();
        let &[_, "1", transport, _, address, port, ..] = &words[..] else { return };
        let (Ok(address), Ok(port)) = (address.parse::<std::net::IpAddr>(), port.parse()) else { return };
        match transport.to_ascii_lowercase().as_str() {
            "udp" => self.udp.push(SocketAddr::new(address, port)),
            "tcp" => self.tcp.push(SocketAddr::new(address, port)),
            _ => {}
        }
    }

    /// The line with a MID.
    pub(super) fn line(&self, mid: &str) -> Result<&AnsweredLine> {
        self.lines.iter().find(|line| line.mid == mid).with_context(|| format!("no line {mid} in the answer"))
    }

    /// The slots, sound first.
    pub(super) fn slots(&self) -> impl Iterator<Item = &AnsweredLine> {
        self.lines.iter().filter(|line| {
            AUDIO_SLOTS.contains(&line.mid.as_str()) || VIDEO_SLOTS.contains(&line.mid.as_str())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_has_every_line_and_an_answer_is_read() {
        let local = LocalSide {
            ufrag: "abcd".into(),
            password: "p".repeat(24),
            fingerprint: "AA".into(),
            codec: Codec::Vp8,
            ssrc: 1000,
        };
        let offer = offer(&local);
        assert_eq!(offer.matches("\r\nm=").count(), 11);
        assert!(offer.contains("a=simulcast:send q;h;f\r\n"));
        let answer = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n\
            a=candidate:1 1 udp 2130706431 127.0.0.1 7800 typ host\r\n\
            a=candidate:2 1 tcp 1 127.0.0.1 7801 typ host tcptype passive\r\n\
            a=ice-ufrag:x\r\na=ice-pwd:y\r\na=mid:6\r\na=extmap:4 some\r\na=rid:q recv\r\n\
            a=ssrc:7 cname:s\r\na=ssrc:7 msid:m\r\na=ssrc:8 cname:s\r\n";
        let answer = Answer::read(answer).expect("an answer");
        assert_eq!(answer.udp, [SocketAddr::from(([127, 0, 0, 1], 7800))]);
        assert_eq!(answer.tcp.len(), 1);
        let line = answer.line("6").expect("the line");
        assert!(line.video && line.agreed(4) && !line.agreed(1));
        assert_eq!((&line.ssrcs[..], &line.rids[..]), (&[7, 8][..], &["q".to_owned()][..]));
        assert_eq!(answer.slots().count(), 1);
        assert!(Answer::read("v=0").is_err());
    }
}
