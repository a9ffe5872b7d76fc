//! The text of an answer.

use ::sdp::description::common::{Address, Attribute, ConnectionInformation};
use ::sdp::description::media::{MediaName, RangedPort};
use ::sdp::description::session::{Origin, TimeDescription, Timing};
use ::sdp::{MediaDescription, SessionDescription};

use super::answer::{AnswerSettings, NegotiatedMedia, Role, SlotSsrcs};
use super::attributes::Direction;
use super::offer::{Offer, OfferedMedia};
use crate::media::{Codec, Kind};
use crate::path::{Candidate, Protocol};

/// Writes the answer to `offer` as agreed in `media`.
pub(super) fn answer(offer: &Offer, settings: &AnswerSettings<'_>, media: &[NegotiatedMedia]) -> String {
    let mut session = SessionDescription {
        origin: Origin {
            username: "-".to_owned(),
            session_id: settings.session_id,
            session_version: settings.session_version,
            network_type: "IN".to_owned(),
            address_type: "IP4".to_owned(),
            unicast_address: "127.0.0.1".to_owned(),
        },
        session_name: "-".to_owned(),
        time_descriptions: vec![TimeDescription {
            timing: Timing { start_time: 0, stop_time: 0 },
            repeat_times: Vec::new(),
        }],
        ..SessionDescription::default()
    };
    // Rejected lines leave the group (RFC 8843 §7.3.3).
    let bundled = media.iter().filter(|line| line.role != Role::Rejected);
    let group = bundled.map(|line| format!(" {}", line.mid)).collect::<String>();
    session.attributes.push(flag("ice-lite"));
    session.attributes.push(with("group", format!("BUNDLE{group}")));
    if offer.extmap_allow_mixed {
        session.attributes.push(flag("extmap-allow-mixed"));
    }
    let mut tagged = true;
    let mut slots = SlotCounter::default();
    for (offered, agreed) in offer.media.iter().zip(media) {
        let line = match agreed.role {
            Role::Rejected => rejected(offered),
            Role::Data { .. } => data(offered, settings, &mut tagged),
            Role::Publish(_) => rtp(offered, agreed, settings, &mut tagged, None),
            Role::Slot(kind, ssrcs) => {
                rtp(offered, agreed, settings, &mut tagged, Some((slots.next(kind), ssrcs)))
            }
        };
        session.media_descriptions.push(line);
    }
    session.marshal()
}

/// Numbers the slots of each kind.
///
/// The nth audio and the nth video slot share a stream id: browsers keep such a pair in lip sync, and signaling shows
/// one person on both.
#[derive(Default)]
struct SlotCounter {
    audio: usize,
    video: usize,
}

impl SlotCounter {
    /// Value of `a=msid`: stream and track.
    fn next(&mut self, kind: Kind) -> String {
        let (count, name) = match kind {
            Kind::Audio => (&mut self.audio, "audio"),
            Kind::Video => (&mut self.video, "video"),
        };
        let msid = format!("slot-{count} slot-{count}-{name}");
        *count += 1;
        msid
    }
}

fn rtp(
    offered: &OfferedMedia,
    agreed: &NegotiatedMedia,
    settings: &AnswerSettings<'_>,
    tagged: &mut bool,
    slot: Option<(String, SlotSsrcs)>,
) -> MediaDescription {
    let numbers = agreed.codecs.iter().flat_map(|codec| {
        let (before, after) = match &codec.red {
            Some(red) if red.preferred => (Some(red.pt), None),
            red => (None, red.as_ref().map(|red| red.pt)),
        };
        [before, Some(codec.pt), after, codec.rtx]
    });
    let mut line = line(offered, 9, numbers.flatten().map(|pt| pt.0.to_string()).collect());
    transport(&mut line.attributes, offered, settings, tagged);
    let attributes = &mut line.attributes;
    for (id, extension) in agreed.extensions.iter() {
        let restricted = offered.extensions.iter().find(|it| it.extension == extension && it.id == id);
        let direction = match restricted.and_then(|it| it.direction) {
            Some(direction) => format!("/{}", direction.reversed().as_str()),
            None => String::new(),
        };
        attributes.push(with("extmap", format!("{id}{direction} {}", extension.uri())));
    }
    match &slot {
        Some((msid, _)) => {
            attributes.push(flag(Direction::SendOnly.as_str()));
            attributes.push(with("msid", msid.clone()));
        }
        None => attributes.push(flag(Direction::RecvOnly.as_str())),
    }
    attributes.push(flag("rtcp-mux"));
    attributes.push(flag("rtcp-rsize"));
    for codec in &agreed.codecs {
        let pt = codec.pt.0;
        let channels = if codec.codec == Codec::Opus { "/2" } else { "" };
        let (name, rate) = (codec.codec.name(), codec.codec.clock_rate());
        attributes.push(with("rtpmap", format!("{pt} {name}/{rate}{channels}")));
        attributes.extend(codec.feedback.values().map(|value| with("rtcp-fb", format!("{pt} {value}"))));
        if !codec.fmtp.is_empty() {
            attributes.push(with("fmtp", format!("{pt} {}", codec.fmtp)));
        }
        if let Some(red) = &codec.red {
            attributes.push(with("rtpmap", format!("{} red/{rate}{channels}", red.pt.0)));
            attributes.push(with("fmtp", format!("{} {}", red.pt.0, red.fmtp)));
        }
        if let Some(rtx) = codec.rtx {
            attributes.push(with("rtpmap", format!("{} rtx/{rate}", rtx.0)));
            attributes.push(with("fmtp", format!("{} apt={pt}", rtx.0)));
        }
    }
    if !agreed.rids.is_empty() {
        // RFC 8853 §5.3.2: the same streams, seen from the other side.
        attributes.extend(agreed.rids.iter().map(|rid| with("rid", format!("{rid} recv"))));
        let list: Vec<_> = agreed.rids.iter().map(|rid| rid.as_str()).collect();
        attributes.push(with("simulcast", format!("recv {}", list.join(";"))));
    }
    if let Some((msid, ssrcs)) = slot {
        let rtx = agreed.codecs.iter().any(|codec| codec.rtx.is_some()).then_some(ssrcs.rtx);
        if let Some(rtx) = rtx {
            attributes.push(with("ssrc-group", format!("FID {} {rtx}", ssrcs.media)));
        }
        for ssrc in [Some(ssrcs.media), rtx].into_iter().flatten() {
            attributes.push(with("ssrc", format!("{ssrc} cname:{}", settings.cname)));
            attributes.push(with("ssrc", format!("{ssrc} msid:{msid}")));
        }
    }
    line
}

fn data(offered: &OfferedMedia, settings: &AnswerSettings<'_>, tagged: &mut bool) -> MediaDescription {
    let mut line = line(offered, 9, vec!["webrtc-datachannel".to_owned()]);
    transport(&mut line.attributes, offered, settings, tagged);
    line.attributes.push(with("sctp-port", "5000".to_owned()));
    line.attributes.push(with("max-message-size", settings.max_message_size.to_string()));
    line
}

fn rejected(offered: &OfferedMedia) -> MediaDescription {
    let mut line = line(offered, 0, vec![offered.first_format.clone()]);
    line.attributes.push(with("mid", offered.mid.to_string()));
    line.attributes.push(flag(Direction::Inactive.as_str()));
    line
}

/// MID and transport attributes. Candidates stand on the first line only: the others share its transport.
fn transport(
    attributes: &mut Vec<Attribute>,
    offered: &OfferedMedia,
    settings: &AnswerSettings<'_>,
    tagged: &mut bool,
) {
    if std::mem::take(tagged) {
        let numbered = (0u16..).zip(settings.candidates);
        attributes.extend(numbered.map(|(place, known)| with("candidate", candidate(place, known))));
        attributes.push(flag("end-of-candidates"));
    }
    attributes.push(with("ice-ufrag", settings.ice.ufrag.clone()));
    attributes.push(with("ice-pwd", settings.ice.pwd.clone()));
    attributes.push(with("fingerprint", format!("sha-256 {}", settings.fingerprint)));
    attributes.push(with("setup", "passive".to_owned()));
    attributes.push(with("mid", offered.mid.to_string()));
}

/// A host candidate (RFC 8839 §5.1), with the priority of RFC 8445 §5.1.2.1 so that earlier ones win.
///
/// TCP ones come after every UDP one by a lower type preference; their local preference says in its upper three bits
/// that we are the passive side (RFC 6544 §4.2).
fn candidate(place: u16, candidate: &Candidate) -> String {
    const HOST: u32 = 126;
    const HOST_TCP: u32 = 90;
    const PASSIVE: u32 = 4;
    let (foundation, addr) = (u32::from(place) + 1, candidate.addr);
    let (name, kind, local, rest) = match candidate.protocol {
        Protocol::Udp => ("udp", HOST, u32::from(u16::MAX - place), ""),
        Protocol::Tcp => {
            ("tcp", HOST_TCP, (PASSIVE << 13) | 8191u32.saturating_sub(u32::from(place)), " tcptype passive")
        }
    };
    let priority = (kind << 24) | (local << 8) | 255;
    format!("{foundation} 1 {name} {priority} {} {} typ host{rest}", addr.ip(), addr.port())
}

fn line(offered: &OfferedMedia, port: isize, formats: Vec<String>) -> MediaDescription {
    MediaDescription {
        media_name: MediaName {
            media: offered.media.clone(),
            port: RangedPort { value: port, range: None },
            protos: offered.protocol.split('/').map(str::to_owned).collect(),
            formats,
        },
        // Where media really goes is the candidates' matter (RFC 8839 §4.2.1.3).
        connection_information: Some(ConnectionInformation {
            network_type: "IN".to_owned(),
            address_type: "IP4".to_owned(),
            address: Some(Address { address: "0.0.0.0".to_owned(), ttl: None, range: None }),
        }),
        ..MediaDescription::default()
    }
}

fn flag(key: &str) -> Attribute {
    Attribute::new(key.to_owned(), None)
}

fn with(key: &str, value: String) -> Attribute {
    Attribute::new(key.to_owned(), Some(value))
}
