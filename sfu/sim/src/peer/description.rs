//! A client's one offer, and what it reads in the answer.

use sfu_core::ids::Mid;
use sfu_core::media::Source;

use super::secure;

/// Payload types of every model client.
pub mod pt {
    #![allow(missing_docs)]
    pub const OPUS: u8 = 111;
    pub const RED: u8 = 63;
    pub const VP8: u8 = 96;
    pub const VP8_RTX: u8 = 97;
    pub const VP9: u8 = 98;
    pub const VP9_RTX: u8 = 99;
    pub const AV1: u8 = 45;
    pub const AV1_RTX: u8 = 46;
}

/// Send lines: microphone, camera, screen.
pub const SEND_LINES: [(&str, Source); 3] =
    [("0", Source::Microphone), ("1", Source::Camera), ("2", Source::Screen)];
/// Receive slots for sound.
pub const AUDIO_SLOTS: [&str; 3] = ["3", "4", "5"];
/// Receive slots for pictures.
pub const VIDEO_SLOTS: [&str; 4] = ["6", "7", "8", "9"];
/// The events channel.
const DATA_LINE: &str = "10";
/// RIDs of the simulcast encodings, lowest first.
pub const RIDS: [&str; 3] = ["q", "h", "f"];

/// What the camera sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VideoCodec {
    /// RFC 7741.
    Vp8,
    /// RFC 9628.
    Vp9,
    /// AV1 RTP specification.
    Av1,
}

impl VideoCodec {
    /// Media and RTX payload type.
    pub fn payload_types(self) -> (u8, u8) {
        match self {
            VideoCodec::Vp8 => (pt::VP8, pt::VP8_RTX),
            VideoCodec::Vp9 => (pt::VP9, pt::VP9_RTX),
            VideoCodec::Av1 => (pt::AV1, pt::AV1_RTX),
        }
    }

    /// Which one a payload type is; the flag says RTX.
    pub fn of(payload_type: u8) -> Option<(Self, bool)> {
        [VideoCodec::Vp8, VideoCodec::Vp9, VideoCodec::Av1].into_iter().find_map(|codec| {
            let (media, rtx) = codec.payload_types();
            (payload_type == media || payload_type == rtx).then_some((codec, payload_type == rtx))
        })
    }
}

/// Header extensions of the model.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Ext {
    Mid,
    Rid,
    RepairedRid,
    TransportCc,
    AbsSendTime,
    AudioLevel,
    Orientation,
    Dependency,
    PlayoutDelay,
}

impl Ext {
    const ALL: [(Ext, &str); 9] = [
        (Ext::Mid, "urn:ietf:params:rtp-hdrext:sdes:mid"),
        (Ext::Rid, "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"),
        (Ext::RepairedRid, "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"),
        (Ext::TransportCc, "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"),
        (Ext::AbsSendTime, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"),
        (Ext::AudioLevel, "urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
        (Ext::Orientation, "urn:3gpp:video-orientation"),
        (Ext::PlayoutDelay, "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"),
        (
            Ext::Dependency,
            "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
        ),
    ];
}

/// Ids differ from client to client, so that a server that passes them on unchanged is found out.
pub fn extension_id(person: usize, extension: Ext) -> u8 {
    let place = Ext::ALL.iter().position(|(it, _)| *it == extension).unwrap_or(0);
    1 + ((place + 3 * person) % 12) as u8
}

/// What a client can and wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Abilities {
    /// The codec its camera and screen send; it receives all of them.
    pub codec: VideoCodec,
    /// Sends the camera as three simulcast encodings.
    pub simulcast: bool,
    /// Speaks RED.
    pub red: bool,
    /// Speaks RTX.
    pub rtx: bool,
    /// Answers TWCC; without it REMB is all there is.
    pub transport_cc: bool,
}

impl Default for Abilities {
    fn default() -> Self {
        Self { codec: VideoCodec::Vp8, simulcast: false, red: true, rtx: true, transport_cc: true }
    }
}

/// SSRCs a client announces.
#[derive(Clone, Copy, Debug)]
pub struct SendSsrcs {
    /// Of the microphone.
    pub microphone: u32,
    /// Camera and screen: media and RTX. Simulcast encodings are not announced, as in Chromium.
    pub video: [(u32, u32); 2],
}

/// The offer.
pub fn offer(person: usize, ufrag: &str, abilities: &Abilities, ssrcs: &SendSsrcs) -> String {
    let mids =
        SEND_LINES.iter().map(|(mid, _)| *mid).chain(AUDIO_SLOTS).chain(VIDEO_SLOTS).chain([DATA_LINE]);
    let mut offer = format!(
        "v=0\r\no=- {} 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\na=extmap-allow-mixed\r\n",
        person + 1,
        mids.collect::<Vec<_>>().join(" ")
    );
    let transport = format!(
        "c=IN IP4 0.0.0.0\r\na=ice-ufrag:{ufrag}\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa\r\n\
         a=fingerprint:sha-256 {}\r\na=setup:actpass\r\n",
        secure::fingerprint()
    );
    let mut line = |mid: &str, direction: &str, video: bool, streams: &str| {
        let (formats, codecs) =
            if video { video_codecs(abilities, direction) } else { audio_codecs(abilities) };
        let kind = if video { "video" } else { "audio" };
        offer += &format!("m={kind} 9 UDP/TLS/RTP/SAVPF {formats}\r\n{transport}a=mid:{mid}\r\n");
        for (extension, uri) in Ext::ALL {
            let fits = match extension {
                Ext::AudioLevel => !video,
                Ext::Rid | Ext::RepairedRid | Ext::Orientation | Ext::PlayoutDelay | Ext::Dependency => video,
                Ext::TransportCc => abilities.transport_cc,
                _ => true,
            };
            if fits {
                offer += &format!("a=extmap:{} {uri}\r\n", extension_id(person, extension));
            }
        }
        offer += &format!("a={direction}\r\na=rtcp-mux\r\na=rtcp-rsize\r\n{codecs}{streams}");
    };
    for (mid, source) in SEND_LINES {
        let streams = match source {
            Source::Microphone => format!("a=ssrc:{} cname:x\r\n", ssrcs.microphone),
            Source::Camera if abilities.simulcast => {
                let rids: String = RIDS.iter().map(|rid| format!("a=rid:{rid} send\r\n")).collect();
                format!("{rids}a=simulcast:send {}\r\n", RIDS.join(";"))
            }
            Source::Camera | Source::Screen => {
                let (media, rtx) = ssrcs.video[usize::from(source == Source::Screen)];
                format!(
                    "a=ssrc-group:FID {media} {rtx}\r\na=ssrc:{media} cname:x\r\na=ssrc:{rtx} cname:x\r\n"
                )
            }
        };
        line(mid, "sendonly", source != Source::Microphone, &streams);
    }
    AUDIO_SLOTS.into_iter().for_each(|mid| line(mid, "recvonly", false, ""));
    VIDEO_SLOTS.into_iter().for_each(|mid| line(mid, "recvonly", true, ""));
    offer += &format!(
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n{transport}a=mid:{DATA_LINE}\r\na=sctp-port:5000\r\n"
    );
    offer
}

fn audio_codecs(abilities: &Abilities) -> (String, String) {
    let mut formats = format!("{}", pt::OPUS);
    let mut lines = format!(
        "a=rtpmap:{0} opus/48000/2\r\na=rtcp-fb:{0} transport-cc\r\na=rtcp-fb:{0} nack\r\na=fmtp:{0} minptime=10;useinbandfec=1;usedtx=1\r\n",
        pt::OPUS
    );
    if abilities.red {
        formats += &format!(" {}", pt::RED);
        lines += &format!("a=rtpmap:{0} red/48000/2\r\na=fmtp:{0} {1}/{1}\r\n", pt::RED, pt::OPUS);
    }
    (formats, lines)
}

fn video_codecs(abilities: &Abilities, direction: &str) -> (String, String) {
    let all = [(VideoCodec::Vp8, "VP8"), (VideoCodec::Vp9, "VP9"), (VideoCodec::Av1, "AV1")];
    let (mut formats, mut lines) = (Vec::new(), String::new());
    for (codec, name) in all {
        if direction == "sendonly" && codec != abilities.codec {
            continue;
        }
        let (media, rtx) = codec.payload_types();
        formats.push(media.to_string());
        lines += &format!("a=rtpmap:{media} {name}/90000\r\n");
        let feedback = ["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"];
        for value in feedback.into_iter().filter(|value| abilities.transport_cc || *value != "transport-cc") {
            lines += &format!("a=rtcp-fb:{media} {value}\r\n");
        }
        if codec == VideoCodec::Vp9 {
            lines += &format!("a=fmtp:{media} profile-id=0\r\n");
        }
        if abilities.rtx {
            formats.push(rtx.to_string());
            lines += &format!("a=rtpmap:{rtx} rtx/90000\r\na=fmtp:{rtx} apt={media}\r\n");
        }
    }
    (formats.join(" "), lines)
}

/// What a client's send lines carry.
pub fn sources() -> Vec<(Mid, Source)> {
    SEND_LINES.iter().map(|(mid, source)| (Mid::new(mid).expect("a token"), *source)).collect()
}

/// One line of an answer.
#[derive(Clone, Debug, Default)]
pub struct AnsweredLine {
    /// Its MID.
    pub mid: String,
    /// Payload types taken.
    pub payload_types: Vec<u8>,
    /// Ids of the extensions taken.
    pub extensions: Vec<u8>,
    /// Media SSRC and its RTX, on slots.
    pub ssrcs: Vec<u32>,
}

/// What a client keeps of an answer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The server's ICE credentials.
    pub ufrag: String,
    /// The server's ICE credentials.
    pub password: String,
    /// The lines, in order.
    pub lines: Vec<AnsweredLine>,
}

impl Answer {
    /// Reads an answer.
    pub fn read(sdp: &str) -> Self {
        let mut answer = Answer::default();
        for line in sdp.lines() {
            if let Some(media) = line.strip_prefix("m=") {
                let payload_types = media.split(' ').skip(3).filter_map(|pt| pt.parse().ok()).collect();
                answer.lines.push(AnsweredLine { payload_types, ..AnsweredLine::default() });
            }
            let Some((key, value)) = line.strip_prefix("a=").and_then(|line| line.split_once(':')) else {
                continue;
            };
            match (key, answer.lines.last_mut()) {
                ("ice-ufrag", _) => answer.ufrag = value.to_owned(),
                ("ice-pwd", _) => answer.password = value.to_owned(),
                ("mid", Some(line)) => line.mid = value.to_owned(),
                ("extmap", Some(line)) => {
                    let id: Option<u8> = value.split([' ', '/']).next().and_then(|id| id.parse().ok());
                    line.extensions.extend(id);
                }
                ("ssrc", Some(line)) => {
                    let ssrc: Option<u32> = value.split(' ').next().and_then(|ssrc| ssrc.parse().ok());
                    line.ssrcs.extend(ssrc.filter(|ssrc| !line.ssrcs.contains(ssrc)));
                }
                _ => {}
            }
        }
        answer
    }

    /// The line with a MID.
    pub fn line(&self, mid: &str) -> Option<&AnsweredLine> {
        self.lines.iter().find(|line| line.mid == mid)
    }
}
