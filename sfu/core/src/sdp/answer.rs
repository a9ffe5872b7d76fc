//! What we take part in, line by line, and the answer that says so.

use super::attributes::{Direction, Fingerprint, IceCredentials};
use super::codecs::{self, NegotiatedCodec};
use super::offer::{LineKind, MAX_ENCODINGS, Offer, OfferedMedia, OfferedStream};
use super::write;
use crate::ids::{Mid, Pt, Rid, Ssrc};
use crate::media::{Codec, Kind, Source};
use crate::path::Candidate;
use crate::rtp::extensions::ExtensionMap;

/// Our side of the transport and the choices an answer needs.
#[derive(Clone, Copy, Debug)]
pub struct AnswerSettings<'a> {
    /// Our ICE credentials.
    pub ice: &'a IceCredentials,
    /// Our certificate.
    pub fingerprint: Fingerprint,
    /// Where we are reached: one host candidate each, best first.
    pub candidates: &'a [Candidate],
    /// `o=` session id, the same for all answers to one participant. Browsers want it below 2⁶³.
    pub session_id: u64,
    /// `o=` session version: one more with every answer to the same participant (ICE restarts).
    pub session_version: u64,
    /// RTCP canonical name of everything we send (RFC 3550 §6.5.1).
    pub cname: &'a str,
    /// What the client's send lines carry.
    pub sources: &'a [(Mid, Source)],
    /// Video codecs in our order, usually [`codecs::DEFAULT_VIDEO_PREFERENCE`]; what is missing is not answered.
    pub video_preference: &'a [Codec],
    /// The largest data channel message we take, in bytes.
    pub max_message_size: u32,
}

/// The streams we send on one slot, for as long as the transport lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotSsrcs {
    /// The media stream.
    pub media: Ssrc,
    /// Its retransmissions; unused (and not announced) where no codec of the slot has RTX, as with audio.
    pub rtx: Ssrc,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The text for the client.
    pub sdp: String,
    /// What was agreed: one entry a line, in the order of the offer.
    pub media: Vec<NegotiatedMedia>,
}

/// What we are on a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The client sends us this source.
    Publish(Source),
    /// We show any track of this kind.
    Slot(Kind, SlotSsrcs),
    /// Data channels.
    Data {
        /// The client's SCTP port.
        sctp_port: u16,
        /// The largest message the client takes, in bytes; 0 for no limit.
        max_message_size: u64,
    },
    /// Nothing: the line is answered with port 0.
    Rejected,
}

/// One line as agreed.
#[derive(Clone, Debug)]
pub struct NegotiatedMedia {
    /// Which line.
    pub mid: Mid,
    /// What it is for.
    pub role: Role,
    /// Codecs, best first, each at most once. Empty on data and rejected lines.
    pub codecs: Vec<NegotiatedCodec>,
    /// Header extension ids.
    pub extensions: ExtensionMap,
    /// Streams the client declared on this line; may be empty (then the MID extension tells).
    pub streams: Vec<OfferedStream>,
    /// The simulcast encodings the client sends on this line, lowest quality first; empty where it sends one stream.
    pub rids: Vec<Rid>,
}

impl NegotiatedMedia {
    /// The codec a payload type stands for: media, plain or in RED, or RTX; the flag says RTX.
    pub fn codec_of(&self, pt: Pt) -> Option<(&NegotiatedCodec, bool)> {
        self.codecs.iter().find_map(|it| {
            let rtx = it.rtx == Some(pt);
            (rtx || it.pt == pt || it.red_pt() == Some(pt)).then_some((it, rtx))
        })
    }

    /// Whether a payload type is RED around one of the line's codecs.
    pub fn is_red(&self, pt: Pt) -> bool {
        self.codecs.iter().any(|it| it.red_pt() == Some(pt))
    }

    /// How a codec is sent on this line.
    pub fn codec(&self, codec: Codec) -> Option<&NegotiatedCodec> {
        self.codecs.iter().find(|it| it.codec == codec)
    }

    /// How many simulcast encodings there are, at least one.
    pub fn encodings(&self) -> u8 {
        self.rids.len().clamp(1, MAX_ENCODINGS) as u8
    }

    /// Which encoding a RID names.
    pub fn encoding_of(&self, rid: Rid) -> Option<u8> {
        (0u8..).zip(&self.rids).find(|(_, it)| **it == rid).map(|(encoding, _)| encoding)
    }

    /// Audio or video, for the lines that carry media.
    pub fn kind(&self) -> Option<Kind> {
        match self.role {
            Role::Publish(source) => Some(source.kind()),
            Role::Slot(kind, _) => Some(kind),
            Role::Data { .. } | Role::Rejected => None,
        }
    }
}

/// Why an offer and its list of sources do not go together.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The list names a line the offer lacks.
    #[error("the {source} is said to be on the m= line {mid}, which the offer does not have", source = .1, mid = .0)]
    NoSuchLine(Mid, Source),
    /// The line does not send, or carries other media.
    #[error("the m= line {mid} cannot carry the {source}: it must be {kind} and sendonly or sendrecv",
        mid = .0, source = .1, kind = kind_name(.1.kind()))]
    WrongLine(Mid, Source),
    /// Two lines for one source, or two sources on one line.
    #[error("the m= line {mid} or the {source} is listed twice", mid = .0, source = .1)]
    ListedTwice(Mid, Source),
    /// A source without a common codec could never be heard or seen.
    #[error("the m= line {mid} ({source}) offers no codec we forward", mid = .0, source = .1)]
    NoCommonCodec(Mid, Source),
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Audio => "audio",
        Kind::Video => "video",
    }
}

/// Answers an offer. `slot_ssrcs` is asked once for every receive slot and must never repeat an SSRC.
///
/// Lines that send and are in the list of sources are published tracks; lines that (also) receive are slots; the
/// first data channel line is taken; everything else is rejected but keeps its place.
pub fn answer(
    offer: &Offer,
    settings: &AnswerSettings<'_>,
    mut slot_ssrcs: impl FnMut(&OfferedMedia) -> SlotSsrcs,
) -> Result<Answer, AnswerError> {
    check_sources(offer, settings.sources)?;
    let mut media = Vec::with_capacity(offer.media.len());
    let mut data_taken = false;
    for line in &offer.media {
        let mut agreed = NegotiatedMedia {
            mid: line.mid,
            role: Role::Rejected,
            codecs: Vec::new(),
            extensions: ExtensionMap::default(),
            streams: Vec::new(),
            rids: Vec::new(),
        };
        match line.kind {
            LineKind::Media(kind) => {
                let source =
                    settings.sources.iter().find(|(mid, _)| *mid == line.mid).map(|(_, source)| *source);
                let mut codecs = codecs::negotiate(line, kind, settings.video_preference);
                match source {
                    Some(source) if codecs.is_empty() => {
                        return Err(AnswerError::NoCommonCodec(line.mid, source));
                    }
                    Some(source) => agreed.role = Role::Publish(source),
                    None if line.direction.receives() && !codecs.is_empty() => {
                        agreed.role = Role::Slot(kind, slot_ssrcs(line));
                        // We retransmit on RTX streams only: sending a packet again under its own number would seal
                        // two texts with one GCM nonce, because its header extensions have changed.
                        for codec in codecs.iter_mut().filter(|codec| codec.rtx.is_none()) {
                            codec.feedback.nack = false;
                        }
                    }
                    None => {}
                }
                if agreed.role != Role::Rejected {
                    let published = matches!(agreed.role, Role::Publish(_));
                    agreed.extensions = extensions(line, published, offer.extmap_allow_mixed);
                    agreed.codecs = codecs;
                    agreed.streams = line.streams.clone();
                    if published && kind == Kind::Video {
                        agreed.rids = line.simulcast_rids();
                    }
                }
            }
            LineKind::Data(data) if !data_taken => {
                data_taken = true;
                agreed.role =
                    Role::Data { sctp_port: data.sctp_port, max_message_size: data.max_message_size };
            }
            LineKind::Data(_) | LineKind::Unused => {}
        }
        media.push(agreed);
    }
    let sdp = write::answer(offer, settings, &media);
    Ok(Answer { sdp, media })
}

fn check_sources(offer: &Offer, sources: &[(Mid, Source)]) -> Result<(), AnswerError> {
    for (place, &(mid, source)) in sources.iter().enumerate() {
        let line = offer.line(mid).ok_or(AnswerError::NoSuchLine(mid, source))?;
        if line.kind != LineKind::Media(source.kind()) || !line.direction.sends() {
            return Err(AnswerError::WrongLine(mid, source));
        }
        if sources[..place].iter().any(|(other, what)| *other == mid || *what == source) {
            return Err(AnswerError::ListedTwice(mid, source));
        }
    }
    Ok(())
}

/// The extensions we answer: those that can flow the way the line flows. Long ones need a peer that takes both forms of
/// header extensions.
fn extensions(line: &OfferedMedia, published: bool, mixed: bool) -> ExtensionMap {
    let mut map = ExtensionMap::default();
    for offered in &line.extensions {
        let direction = offered.direction.unwrap_or(Direction::SendRecv);
        let flows = if published { direction.sends() } else { direction.receives() };
        let fits = mixed || !offered.extension.may_be_long();
        if flows && fits && (published || !offered.extension.is_of_encodings()) {
            // A second id for the same extension, or one beyond the one-byte form, is left out.
            map.insert(offered.id, offered.extension);
        }
    }
    map
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
