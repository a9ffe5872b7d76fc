//! The client's offer as a model: everything the answerer and the transport need, checked.

use std::collections::HashSet;
use std::io::Cursor;

use ::sdp::description::common::Attribute;
use ::sdp::{MediaDescription, SessionDescription};

use super::attributes::{Direction, Fingerprint, Fmtp, IceCredentials, Setup};
use super::codecs;
use crate::ids::{Mid, Pt, Rid, Ssrc};
use crate::media::{Codec, Kind};
use crate::rtp::extensions::HeaderExtension;

/// The longest offer we read. Chromium's for all slots and all codecs is 32 kB.
pub const MAX_OFFER_BYTES: usize = 200_000;

/// The most `m=` lines an offer may have; ours has eleven.
pub const MAX_LINES: usize = 32;

/// The most streams and simulcast layers we keep of one line.
const MAX_STREAMS: usize = 32;

/// The most simulcast encodings we take part in; a client that offers more does not send the rest.
pub const MAX_ENCODINGS: usize = 3;

/// A client's offer.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Credentials of the bundled transport.
    pub ice: IceCredentials,
    /// What the client's certificate must hash to.
    pub fingerprint: Fingerprint,
    /// The client's DTLS role: `actpass` or `active`, never `passive`.
    pub setup: Setup,
    /// One-byte and two-byte header extensions may be mixed (RFC 8285 §6).
    pub extmap_allow_mixed: bool,
    /// The `m=` lines in order; an answer has one line for each.
    pub media: Vec<OfferedMedia>,
}

/// What an `m=` line is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineKind {
    /// RTP media.
    Media(Kind),
    /// SCTP data channels over DTLS (RFC 8841).
    Data(DataOffer),
    /// Something we do not take part in, or a line the client itself has switched off (port 0).
    Unused,
}

/// What the client says of its SCTP end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataOffer {
    /// SCTP port; 5000 unless told.
    pub sctp_port: u16,
    /// The largest message the client takes, in bytes; 64 KiB unless told, 0 for no limit (RFC 8841 §6).
    pub max_message_size: u64,
}

/// One `m=` line.
#[derive(Clone, Debug)]
pub struct OfferedMedia {
    /// Its identification, unique in the offer.
    pub mid: Mid,
    /// What it is for.
    pub kind: LineKind,
    /// As written: the client's view.
    pub direction: Direction,
    /// `audio`, `video`, … as written, to echo in the answer.
    pub media: String,
    /// Transport protocol as written, to echo in the answer.
    pub protocol: String,
    /// The first format as written, to echo when the line is rejected.
    pub first_format: String,
    /// Payload types in the client's order of preference, RTX and FEC included.
    pub payloads: Vec<OfferedPayload>,
    /// Those header extensions we know.
    pub extensions: Vec<OfferedExtension>,
    /// Streams declared by `a=ssrc`, paired with their RTX stream by `a=ssrc-group:FID`.
    pub streams: Vec<OfferedStream>,
    /// Simulcast layers the client will send (`a=rid … send`), in order.
    pub send_rids: Vec<Rid>,
    /// Value of `a=simulcast` as written (RFC 8853 §5.1).
    pub simulcast: Option<String>,
}

/// One payload type of a line.
#[derive(Clone, Debug)]
pub struct OfferedPayload {
    /// Its number.
    pub pt: Pt,
    /// Encoding name as written (`VP8`, `rtx`, `red`, …).
    pub encoding: String,
    /// RTP clock rate in Hz.
    pub clock_rate: u32,
    /// Audio channels, when written.
    pub channels: Option<u8>,
    /// Format parameters.
    pub fmtp: Fmtp,
    /// `a=rtcp-fb` values of this payload type and of the wildcard.
    pub feedback: Vec<String>,
    /// Which of our codecs it is, if it is one in a profile that we forward.
    pub codec: Option<Codec>,
}

impl OfferedPayload {
    /// For an RTX payload type: whose retransmissions it carries (RFC 4588 §8.1).
    pub fn apt(&self) -> Option<Pt> {
        if !self.encoding.eq_ignore_ascii_case("rtx") {
            return None;
        }
        self.fmtp.get("apt").and_then(|value| value.parse().ok()).filter(|pt| *pt < 128).map(Pt)
    }
}

/// One header extension of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OfferedExtension {
    /// Its local id.
    pub id: u8,
    /// Which one.
    pub extension: HeaderExtension,
    /// Restricted to one way, when written (RFC 8285 §5).
    pub direction: Option<Direction>,
}

/// A stream declared by SSRC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OfferedStream {
    /// The media stream.
    pub media: Ssrc,
    /// Its retransmissions.
    pub rtx: Option<Ssrc>,
}

/// Why an offer cannot be answered. The texts name what is missing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// Larger than [`MAX_OFFER_BYTES`].
    #[error("the offer has {0} bytes, more than {MAX_OFFER_BYTES}")]
    TooLong(usize),
    /// More than [`MAX_LINES`].
    #[error("the offer has {0} m= lines, more than {MAX_LINES}")]
    TooManyLines(usize),
    /// Not SDP.
    #[error("not a session description: {0}")]
    Syntax(String),
    /// Nothing to answer.
    #[error("the offer has no live m= line")]
    NoMedia,
    /// A line lacks `a=mid`, or it is no RFC 5888 token of at most 16 bytes.
    #[error("m= line {0} has no usable a=mid")]
    NoMid(usize),
    /// Two lines share a MID.
    #[error("two m= lines have the mid {0}")]
    DuplicateMid(Mid),
    /// All live lines must share one transport.
    #[error("m= line {0} is not in the BUNDLE group (a=group:BUNDLE); everything must be bundled")]
    NotBundled(Mid),
    /// RTP and RTCP must share one transport (RFC 5761).
    #[error("m= line {0} lacks a=rtcp-mux")]
    NoRtcpMux(Mid),
    /// No `a=ice-ufrag`/`a=ice-pwd`, or they break RFC 8839 §5.4.
    #[error("a=ice-ufrag and a=ice-pwd are missing or malformed")]
    NoIceCredentials,
    /// Two lite agents never connect: nobody would send checks.
    #[error("the client is ICE-lite (a=ice-lite), but we are: one side must be a full agent")]
    IceLite,
    /// No `a=fingerprint:sha-256`.
    #[error("a=fingerprint with sha-256 is missing or malformed")]
    NoFingerprint,
    /// No `a=setup`, or one we do not know.
    #[error("a=setup is missing or malformed")]
    NoSetup,
    /// We are always the DTLS server.
    #[error("the client offers a=setup:passive, but it must open the DTLS handshake (actpass or active)")]
    PassiveClient,
    /// A payload type of an RTP line is not a number below 128.
    #[error("m= line {0} has the payload type {1:?}")]
    BadPayloadType(Mid, String),
    /// An RTP payload type means different things on two bundled lines (RFC 8843 §9.1).
    #[error("payload type {} means different codecs on bundled m= lines", .0.0)]
    AmbiguousPayloadType(Pt),
}

impl OfferedMedia {
    /// The encodings the client sends, in its order, which is ours of quality: `send q;h;f` with `a=rid` for each
    /// (RFC 8853 §5.1). Of alternatives the first is taken; `~` (paused at the start) changes nothing. Empty when there
    /// are fewer than two: then it is one stream like any other.
    pub(super) fn simulcast_rids(&self) -> Vec<Rid> {
        let mut words = self.simulcast.iter().flat_map(|text| text.split_ascii_whitespace());
        let list = words.position(|word| word == "send").and_then(|_| words.next()).unwrap_or_default();
        let mut rids = Vec::new();
        for stream in list.split(';') {
            let first = stream.split(',').next().unwrap_or_default();
            let rid = Rid::new(first.trim_start_matches('~'));
            if let Some(rid) = rid.filter(|rid| self.send_rids.contains(rid) && !rids.contains(rid))
                && rids.len() < MAX_ENCODINGS
            {
                rids.push(rid);
            }
        }
        if rids.len() < 2 { Vec::new() } else { rids }
    }
}

impl Offer {
    /// Reads an offer.
    pub fn parse(text: &str) -> Result<Offer, OfferError> {
        if text.len() > MAX_OFFER_BYTES {
            return Err(OfferError::TooLong(text.len()));
        }
        let session = SessionDescription::unmarshal(&mut Cursor::new(text))
            .map_err(|error| OfferError::Syntax(shorten(&error.to_string())))?;
        if session.media_descriptions.len() > MAX_LINES {
            return Err(OfferError::TooManyLines(session.media_descriptions.len()));
        }
        if has(&session.attributes, "ice-lite") {
            return Err(OfferError::IceLite);
        }
        let mut media = Vec::with_capacity(session.media_descriptions.len());
        let mut mids = HashSet::new();
        for (place, line) in session.media_descriptions.iter().enumerate() {
            let mid = value(&line.attributes, "mid").and_then(Mid::new).ok_or(OfferError::NoMid(place))?;
            if !mids.insert(mid) {
                return Err(OfferError::DuplicateMid(mid));
            }
            media.push(parse_line(mid, line, &session)?);
        }
        let bundle = bundle_group(&session);
        let live =
            || media.iter().zip(&session.media_descriptions).filter(|(it, _)| it.kind != LineKind::Unused);
        for (line, description) in live() {
            if !bundle.contains(&line.mid) {
                return Err(OfferError::NotBundled(line.mid));
            }
            // A bundle-only line leaves transport attributes to the first one (RFC 8843 §7.1.3).
            let own_transport = !has(&description.attributes, "bundle-only");
            if matches!(line.kind, LineKind::Media(_))
                && own_transport
                && !has(&description.attributes, "rtcp-mux")
            {
                return Err(OfferError::NoRtcpMux(line.mid));
            }
        }
        unambiguous_payload_types(&media)?;
        // The transport is that of the group's first line (the "offerer tagged" one, RFC 8843 §7.2.1).
        let (_, tagged) = bundle
            .iter()
            .find_map(|mid| live().find(|(line, _)| line.mid == *mid))
            .ok_or(OfferError::NoMedia)?;
        let transport = |key| value(&tagged.attributes, key).or_else(|| value(&session.attributes, key));
        let ice = transport("ice-ufrag")
            .zip(transport("ice-pwd"))
            .and_then(|(ufrag, pwd)| IceCredentials::new(ufrag.trim(), pwd.trim()))
            .ok_or(OfferError::NoIceCredentials)?;
        let fingerprint = sha256_fingerprint(&tagged.attributes)
            .or_else(|| sha256_fingerprint(&session.attributes))
            .ok_or(OfferError::NoFingerprint)?;
        let setup =
            transport("setup").and_then(|text| Setup::parse(text.trim())).ok_or(OfferError::NoSetup)?;
        if setup == Setup::Passive {
            return Err(OfferError::PassiveClient);
        }
        let extmap_allow_mixed = has(&session.attributes, "extmap-allow-mixed");
        Ok(Offer { ice, fingerprint, setup, extmap_allow_mixed, media })
    }

    /// The line with a MID.
    pub fn line(&self, mid: Mid) -> Option<&OfferedMedia> {
        self.media.iter().find(|line| line.mid == mid)
    }
}

fn parse_line(
    mid: Mid,
    line: &MediaDescription,
    session: &SessionDescription,
) -> Result<OfferedMedia, OfferError> {
    let attributes = &line.attributes;
    let protocol = line.media_name.protos.join("/");
    // Port 0 means "switched off", except on a line that merely waits to be bundled (RFC 8843 §6).
    let live = line.media_name.port.value != 0 || has(attributes, "bundle-only");
    let rtp = matches!(protocol.as_str(), "UDP/TLS/RTP/SAVPF" | "TCP/DTLS/RTP/SAVPF" | "RTP/SAVPF");
    let sctp = matches!(protocol.as_str(), "UDP/DTLS/SCTP" | "TCP/DTLS/SCTP");
    let kind = match line.media_name.media.as_str() {
        "audio" if live && rtp => LineKind::Media(Kind::Audio),
        "video" if live && rtp => LineKind::Media(Kind::Video),
        "application"
            if live && sctp && line.media_name.formats.iter().any(|it| it == "webrtc-datachannel") =>
        {
            LineKind::Data(DataOffer {
                sctp_port: number(attributes, "sctp-port").unwrap_or(5000),
                max_message_size: number(attributes, "max-message-size").unwrap_or(65_536),
            })
        }
        _ => LineKind::Unused,
    };
    let direction =
        direction(attributes).or_else(|| direction(&session.attributes)).unwrap_or(Direction::SendRecv);
    let mut offered = OfferedMedia {
        mid,
        kind,
        direction,
        media: line.media_name.media.clone(),
        protocol,
        first_format: line.media_name.formats.first().cloned().unwrap_or_else(|| "0".to_owned()),
        payloads: Vec::new(),
        extensions: Vec::new(),
        streams: Vec::new(),
        send_rids: Vec::new(),
        simulcast: value(attributes, "simulcast").map(str::to_owned),
    };
    if let LineKind::Media(kind) = kind {
        offered.payloads = payloads(mid, kind, line)?;
        offered.extensions =
            attributes.iter().chain(&session.attributes).filter_map(extension).take(64).collect();
        offered.streams = streams(attributes);
        offered.send_rids = values(attributes, "rid")
            .filter_map(|text| {
                let mut words = text.split_ascii_whitespace();
                let rid = words.next().and_then(Rid::new)?;
                (words.next() == Some("send")).then_some(rid)
            })
            .take(MAX_STREAMS)
            .collect();
    }
    Ok(offered)
}

/// Payload types with what `a=rtpmap`, `a=fmtp` and `a=rtcp-fb` say of each.
fn payloads(mid: Mid, kind: Kind, line: &MediaDescription) -> Result<Vec<OfferedPayload>, OfferError> {
    let mut payloads: Vec<OfferedPayload> = Vec::new();
    // Where each payload type stands in `payloads`; keeps long attribute lists linear.
    let mut places = [None; 128];
    for format in &line.media_name.formats {
        let pt = format.parse::<u8>().ok().filter(|pt| *pt < 128);
        let pt = pt.ok_or_else(|| OfferError::BadPayloadType(mid, shorten(format)))?;
        if let place @ None = &mut places[usize::from(pt)] {
            *place = Some(payloads.len());
            payloads.push(OfferedPayload {
                pt: Pt(pt),
                encoding: String::new(),
                clock_rate: 0,
                channels: None,
                fmtp: Fmtp::default(),
                feedback: Vec::new(),
                codec: None,
            });
        }
    }
    let place = |pt: &str| pt.parse::<usize>().ok().and_then(|pt| places.get(pt).copied().flatten());
    for attribute in &line.attributes {
        let Some((pt, rest)) = attribute.value.as_deref().and_then(|text| text.trim().split_once(' ')) else {
            continue;
        };
        let rest = rest.trim();
        if attribute.key == "rtcp-fb" && pt == "*" {
            payloads.iter_mut().for_each(|payload| add_feedback(payload, rest));
            continue;
        }
        let Some(payload) = place(pt).and_then(|place| payloads.get_mut(place)) else { continue };
        match attribute.key.as_str() {
            "rtpmap" => {
                let mut parts = rest.split('/');
                payload.encoding = parts.next().unwrap_or_default().to_owned();
                payload.clock_rate = parts.next().and_then(|rate| rate.parse().ok()).unwrap_or(0);
                payload.channels = parts.next().and_then(|channels| channels.parse().ok());
            }
            "fmtp" => payload.fmtp = Fmtp::parse(rest),
            "rtcp-fb" => add_feedback(payload, rest),
            _ => {}
        }
    }
    for payload in &mut payloads {
        payload.codec = codecs::recognise(payload).filter(|codec| codec.kind() == kind);
    }
    Ok(payloads)
}

fn add_feedback(payload: &mut OfferedPayload, text: &str) {
    // The kinds in use are fewer than ten; the bound keeps a hostile list short.
    if payload.feedback.len() < 32 {
        payload.feedback.push(text.to_owned());
    }
}

/// Bundled lines share one payload type space: a packet's meaning must not depend on knowing its line first.
fn unambiguous_payload_types(media: &[OfferedMedia]) -> Result<(), OfferError> {
    let mut meanings: [Option<Codec>; 128] = [None; 128];
    for payload in media.iter().flat_map(|line| &line.payloads) {
        let Some(codec) = payload.codec else { continue };
        let meaning = &mut meanings[usize::from(payload.pt.0 & 0x7f)];
        if meaning.is_some_and(|known| known != codec) {
            return Err(OfferError::AmbiguousPayloadType(payload.pt));
        }
        *meaning = Some(codec);
    }
    Ok(())
}

/// `extmap:<id>[/<direction>] <uri>`; extensions we do not know are not kept.
fn extension(attribute: &Attribute) -> Option<OfferedExtension> {
    let text = attribute.value.as_deref().filter(|_| attribute.key == "extmap")?;
    let mut words = text.split_ascii_whitespace();
    let (id, direction) = match words.next()?.split_once('/') {
        Some((id, direction)) => (id, Some(Direction::parse(direction)?)),
        None => (text.split_ascii_whitespace().next()?, None),
    };
    Some(OfferedExtension {
        id: id.parse().ok()?,
        extension: HeaderExtension::from_uri(words.next()?)?,
        direction,
    })
}

/// Streams by `a=ssrc`, with FID pairs joined (RFC 5576 §4.2, RFC 4588 §8.3).
fn streams(attributes: &[Attribute]) -> Vec<OfferedStream> {
    let ssrc = |text: &str| text.parse().ok().map(Ssrc);
    let mut streams: Vec<OfferedStream> = Vec::new();
    for group in values(attributes, "ssrc-group").take(MAX_STREAMS) {
        let mut words = group.split_ascii_whitespace();
        if words.next() == Some("FID")
            && let (Some(media), Some(rtx)) = (words.next().and_then(ssrc), words.next().and_then(ssrc))
            && media != rtx
        {
            streams.push(OfferedStream { media, rtx: Some(rtx) });
        }
    }
    for line in values(attributes, "ssrc") {
        if streams.len() >= MAX_STREAMS {
            break;
        }
        let declared = line.split_ascii_whitespace().next().and_then(ssrc);
        let known = |ssrc| streams.iter().any(|it| it.media == ssrc || it.rtx == Some(ssrc));
        if let Some(media) = declared.filter(|ssrc| !known(*ssrc)) {
            streams.push(OfferedStream { media, rtx: None });
        }
    }
    streams
}

fn bundle_group(session: &SessionDescription) -> Vec<Mid> {
    let group = values(&session.attributes, "group").find_map(|text| text.strip_prefix("BUNDLE"));
    group.into_iter().flat_map(str::split_ascii_whitespace).filter_map(Mid::new).take(MAX_LINES).collect()
}

fn sha256_fingerprint(attributes: &[Attribute]) -> Option<Fingerprint> {
    values(attributes, "fingerprint").find_map(|text| {
        let (hash, hex) = text.trim().split_once(' ')?;
        Fingerprint::from_hex(hex.trim()).filter(|_| hash.eq_ignore_ascii_case("sha-256"))
    })
}

fn direction(attributes: &[Attribute]) -> Option<Direction> {
    attributes.iter().filter(|it| it.value.is_none()).find_map(|it| Direction::parse(&it.key))
}

fn has(attributes: &[Attribute], key: &str) -> bool {
    attributes.iter().any(|attribute| attribute.key == key)
}

fn values<'a>(attributes: &'a [Attribute], key: &'a str) -> impl Iterator<Item = &'a str> {
    attributes.iter().filter(move |it| it.key == key).filter_map(|it| it.value.as_deref())
}

fn value<'a>(attributes: &'a [Attribute], key: &'a str) -> Option<&'a str> {
    values(attributes, key).next()
}

fn number<T: std::str::FromStr>(attributes: &[Attribute], key: &str) -> Option<T> {
    value(attributes, key).and_then(|text| text.trim().parse().ok())
}

/// Foreign text in our error messages is kept short.
fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
#[path = "offer_tests.rs"]
mod tests;
