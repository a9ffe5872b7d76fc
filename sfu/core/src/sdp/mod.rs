//! Session descriptions: one offer of the client in, one answer out (RFC 8829, RFC 3264).
//!
//! The syntax is `rtc-sdp`'s; this module holds the meaning. [`Offer::parse`] turns the text into a model that can be
//! trusted (bundled, multiplexed, with ICE credentials and a SHA-256 fingerprint), [`answer()`] decides line by line what
//! we take part in and writes the answer. There is no renegotiation: who is shown on a receive slot later is a matter
//! of signaling and RTP rewriting.

mod answer;
mod attributes;
mod codecs;
mod offer;
mod write;

pub use answer::{Answer, AnswerError, AnswerSettings, NegotiatedMedia, Role, SlotSsrcs, answer};
pub use attributes::{Direction, Fingerprint, Fmtp, IceCredentials, Setup};
pub use codecs::{DEFAULT_VIDEO_PREFERENCE, Feedback, NegotiatedCodec};
pub use offer::{
    DataOffer, LineKind, MAX_ENCODINGS, MAX_LINES, MAX_OFFER_BYTES, Offer, OfferError, OfferedExtension,
    OfferedMedia, OfferedPayload, OfferedStream,
};
