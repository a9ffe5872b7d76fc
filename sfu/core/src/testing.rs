//! A client for tests and benchmarks: real ICE, DTLS and SRTP, lean enough for hundreds of them in one thread.
//!
//! Not part of the media server: the module is there with the feature `testing` only.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use dimpl::{Config, Dtls, DtlsCertificate, Output};
use stun::attributes::{ATTR_USE_CANDIDATE, ATTR_USERNAME};
use stun::fingerprint::FINGERPRINT;
use stun::integrity::MessageIntegrity;
use stun::message::{BINDING_REQUEST, Message, Setter, TransactionId};

use crate::ids::{Mid, ParticipantId, Pt, Ssrc};
use crate::media::{Kind, Source};
use crate::node::{JoinRequest, Joined};
use crate::rtp::extensions::read_transport_cc;
use crate::rtp::packet::{DatagramKind, RtpHeader, RtpPacket};
use crate::rtp::twcc::TwccReceiver;
use crate::transport::srtp::{SrtpPair, SrtpProfile};

/// Opus.
pub const AUDIO: Pt = Pt(111);
/// VP8.
pub const VIDEO: Pt = Pt(96);
/// Retransmissions of VP8.
pub const VIDEO_RTX: Pt = Pt(97);

/// Header extension ids in every offer.
const AUDIO_LEVEL_ID: u8 = 1;
const TRANSPORT_CC_ID: u8 = 3;
const MID_ID: u8 = 4;

/// A certificate and its key, both DER; many callers may share one.
#[derive(Clone, Debug)]
pub struct CallerIdentity {
    certificate: Vec<u8>,
    private_key: Vec<u8>,
    fingerprint: String,
    config: Arc<Config>,
}

impl CallerIdentity {
    /// From a self-signed ECDSA P-256 certificate (DER) and its PKCS #8 key.
    ///
    /// # Panics
    /// Never: the DTLS settings are fixed.
    pub fn new(certificate: Vec<u8>, private_key: Vec<u8>) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, &certificate);
        let fingerprint: Vec<_> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
        let config = Arc::new(Config::builder().build().expect("fixed settings are valid"));
        Self { certificate, private_key, fingerprint: fingerprint.join(":"), config }
    }
}

/// What a datagram for a caller was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Received {
    /// An RTP packet, decrypted in place; that many bytes.
    Rtp(usize),
    /// A compound RTCP packet, decrypted in place; that many bytes.
    Rtcp(usize),
    /// Something of the transport's own.
    Other,
    /// It did not open.
    Broken,
}

/// What a caller sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Media<'a> {
    /// Microphone or camera.
    pub kind: Kind,
    /// Marker bit.
    pub marker: bool,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Payload.
    pub payload: &'a [u8],
}

/// See the module. It sends a microphone (mid 0) and a camera (mid 1), and has audio and video slots from mid 2 on.
pub struct Caller {
    number: u32,
    identity: CallerIdentity,
    slots: Vec<Kind>,
    dtls: Dtls,
    /// Ufrag and password of the server.
    server: (String, String),
    srtp: Option<Box<SrtpPair>>,
    outgoing: VecDeque<Vec<u8>>,
    /// Next sequence number of the microphone, of the camera and of the transport.
    sequences: [u16; 3],
    twcc: TwccReceiver,
    scratch: Vec<u8>,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Caller {
    /// A caller that has not offered yet. Numbers must differ.
    pub fn new(now: Instant, number: u32, identity: &CallerIdentity, slots: &[Kind]) -> Self {
        let certificate = DtlsCertificate {
            certificate: identity.certificate.clone(),
            private_key: identity.private_key.clone(),
        };
        let mut dtls = Dtls::new_12(identity.config.clone(), certificate, now);
        dtls.set_active(true);
        Self {
            number,
            identity: identity.clone(),
            slots: slots.to_vec(),
            dtls,
            server: Default::default(),
            srtp: None,
            outgoing: VecDeque::new(),
            sequences: [1; 3],
            twcc: TwccReceiver::default(),
            scratch: Vec::new(),
        }
    }

    /// Who it is to the server.
    pub fn id(&self) -> ParticipantId {
        ParticipantId(self.number.into())
    }

    /// SSRC of the microphone or the camera.
    pub fn ssrc(&self, kind: Kind) -> Ssrc {
        Ssrc(match kind {
            Kind::Audio => 0x1000_0000 | self.number,
            Kind::Video => 0x2000_0000 | self.number,
        })
    }

    /// The mid of a slot, counted over both kinds.
    pub fn slot(&self, index: usize) -> Mid {
        mid(2 + index)
    }

    fn ufrag(&self) -> String {
        format!("u{:07}", self.number)
    }

    /// The offer.
    pub fn request(&self) -> JoinRequest {
        let sent = [(Kind::Audio, "sendonly"), (Kind::Video, "sendonly")];
        let lines: Vec<_> =
            sent.into_iter().chain(self.slots.iter().map(|kind| (*kind, "recvonly"))).collect();
        let mids: Vec<_> = (0..=lines.len()).map(|number| number.to_string()).collect();
        let mut offer = format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\n",
            mids.join(" ")
        );
        let transport = format!(
            "c=IN IP4 0.0.0.0\r\na=ice-ufrag:{}\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa\r\n\
             a=fingerprint:sha-256 {}\r\na=setup:actpass\r\n",
            self.ufrag(),
            self.identity.fingerprint
        );
        for (number, (kind, direction)) in lines.iter().enumerate() {
            let (line, codec) = match kind {
                Kind::Audio => (
                    "audio 9 UDP/TLS/RTP/SAVPF 111",
                    "a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n\
                     a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
                ),
                Kind::Video => (
                    "video 9 UDP/TLS/RTP/SAVPF 96 97",
                    "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n\
                     a=rtcp-fb:96 transport-cc\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n",
                ),
            };
            offer += &format!(
                "m={line}\r\n{transport}a=mid:{number}\r\n\
                 a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
                 a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
                 a={direction}\r\na=rtcp-mux\r\na=rtcp-rsize\r\n{codec}"
            );
            if *direction == "sendonly" {
                offer += &format!("a=ssrc:{} cname:x\r\n", self.ssrc(*kind));
            }
        }
        offer += &format!(
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n{transport}a=mid:{}\r\na=sctp-port:5000\r\n",
            lines.len()
        );
        JoinRequest { offer, sources: vec![(mid(0), Source::Microphone), (mid(1), Source::Camera)] }
    }

    /// Takes the answer and begins: a connectivity check, then the handshake.
    pub fn joined(&mut self, now: Instant, joined: &Joined) {
        let value = |name: &str| {
            joined.answer.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned()
        };
        self.server = (value("a=ice-ufrag:"), value("a=ice-pwd:"));
        self.check();
        let _ = self.dtls.handle_timeout(now);
        self.poll_dtls();
    }

    /// Asks for consent again (RFC 7675).
    pub fn check(&mut self) {
        let Ok(crypto) = rtc_crypto::default_provider() else { return };
        let mut check = Message::new();
        check.set_type(BINDING_REQUEST);
        check.transaction_id = TransactionId([1; 12]);
        check.write_header();
        check.add(ATTR_USERNAME, format!("{}:{}", self.server.0, self.ufrag()).as_bytes());
        check.add(ATTR_USE_CANDIDATE, &[]);
        let integrity =
            MessageIntegrity::new_short_term_integrity_with_provider(self.server.1.clone(), crypto.crypto());
        if integrity.add_to(&mut check).and_then(|()| FINGERPRINT.add_to(&mut check)).is_ok() {
            self.outgoing.push_back(check.raw);
        }
    }

    /// Whether media can flow.
    pub fn is_connected(&self) -> bool {
        self.srtp.is_some()
    }

    /// The next datagram of the transport's own for the server; media goes out by [`Self::write`].
    pub fn poll_datagram(&mut self) -> Option<Vec<u8>> {
        self.outgoing.pop_front()
    }

    /// Takes a datagram of the server.
    pub fn handle(&mut self, now: Instant, datagram: &mut [u8]) -> Received {
        match DatagramKind::of(datagram) {
            DatagramKind::Dtls => {
                let _ = self.dtls.handle_timeout(now);
                let _ = self.dtls.handle_packet(datagram);
                self.poll_dtls();
                Received::Other
            }
            DatagramKind::Rtp => match self.srtp.as_mut().and_then(|srtp| srtp.open_rtp(datagram).ok()) {
                Some(length) => {
                    let packet = datagram.get(..length).and_then(|bytes| RtpPacket::parse(bytes).ok());
                    let number =
                        packet.and_then(|it| it.extension(TRANSPORT_CC_ID)).and_then(read_transport_cc);
                    if let Some(number) = number {
                        self.twcc.on_packet(number, now);
                    }
                    Received::Rtp(length)
                }
                None => Received::Broken,
            },
            DatagramKind::Rtcp => match self.srtp.as_mut().and_then(|srtp| srtp.open_rtcp(datagram).ok()) {
                Some(length) => Received::Rtcp(length),
                None => Received::Broken,
            },
            DatagramKind::Stun | DatagramKind::Other => Received::Other,
        }
    }

    /// When [`Self::write_feedback`] has something to say.
    pub fn feedback_deadline(&self) -> Option<Instant> {
        self.twcc.deadline()
    }

    /// Appends a sealed report about what has arrived; false when there is none or no key.
    pub fn write_feedback(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        let media = self.ssrc(Kind::Video);
        let Some(srtp) = &mut self.srtp else { return false };
        let start = out.len();
        self.twcc.write(now, media, media, out) && srtp.seal_rtcp(out, start).is_ok()
    }

    /// Appends a sealed RTCP packet; false when there is no key.
    pub fn write_rtcp(&mut self, packet: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(srtp) = &mut self.srtp else { return false };
        let start = out.len();
        out.extend_from_slice(packet);
        srtp.seal_rtcp(out, start).is_ok()
    }

    /// Appends a sealed media packet; false when there is no key.
    pub fn write(&mut self, media: &Media<'_>, out: &mut Vec<u8>) -> bool {
        let ssrc = self.ssrc(media.kind);
        let Some(srtp) = &mut self.srtp else { return false };
        let (payload_type, line) = match media.kind {
            Kind::Audio => (AUDIO, 0),
            Kind::Video => (VIDEO, 1),
        };
        let [.., transport] = self.sequences;
        let header = RtpHeader {
            marker: media.marker,
            payload_type,
            sequence: self.sequences[line],
            timestamp: media.timestamp,
            ssrc,
        };
        self.sequences[line] = self.sequences[line].wrapping_add(1);
        self.sequences[2] = transport.wrapping_add(1);
        let transport = transport.to_be_bytes();
        let level = (AUDIO_LEVEL_ID, &[0x9e][..]);
        let number = (TRANSPORT_CC_ID, &transport[..]);
        let line_mid = (MID_ID, if line == 0 { &b"0"[..] } else { &b"1"[..] });
        self.scratch.clear();
        match media.kind {
            Kind::Audio => {
                header.write_packet(&[level, number, line_mid], media.payload, &mut self.scratch);
            }
            Kind::Video => header.write_packet(&[number, line_mid], media.payload, &mut self.scratch),
        }
        let start = out.len();
        out.extend_from_slice(&self.scratch);
        srtp.seal_rtp(out, start).is_ok()
    }

    fn poll_dtls(&mut self) {
        let mut buffer = vec![0; 4096];
        loop {
            match self.dtls.poll_output(&mut buffer) {
                Output::Packet(packet) => self.outgoing.push_back(packet.to_vec()),
                Output::KeyingMaterial(material, profile) => {
                    let profile = match profile {
                        dimpl::SrtpProfile::AEAD_AES_128_GCM => SrtpProfile::AeadAes128Gcm,
                        dimpl::SrtpProfile::AEAD_AES_256_GCM => SrtpProfile::AeadAes256Gcm,
                        _ => SrtpProfile::Aes128CmSha1_80,
                    };
                    self.srtp = SrtpPair::client(profile, &material).map(Box::new);
                }
                Output::Timeout(_) => return,
                _ => {}
            }
        }
    }
}

/// A mid of an offer of ours.
fn mid(number: usize) -> Mid {
    Mid::new(&number.to_string()).expect("a short number is a mid")
}
