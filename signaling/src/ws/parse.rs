//! From texts of unknown origin to messages, or to problems that say what is wrong.

use protocol::problem::Problem;
use protocol::ws::{ClientFrame, ClientMessage};

use crate::problem::{MESSAGE_MALFORMED, MESSAGE_TOO_LARGE};

/// Bytes of a WebSocket message that are received at all; more closes the connection.
pub const FRAME_BYTES_MAX: usize = 256 * 1024;

/// Bytes of an offer: a browser's is about 10 kB, 200 kB leaves room for every codec it may come to know.
pub const OFFER_BYTES_MAX: usize = 200_000;

/// Bytes of any other message; the longest honest one is a line of chat.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// Characters of what serde says that are passed on: it quotes the client, at any length.
const DETAIL_CHARS_MAX: usize = 300;

/// The message in a text, or what is wrong with it, with the number it is to be answered under (0 when unknown).
pub fn parse(text: &str) -> (u64, Result<ClientMessage, Problem>) {
    if text.len() > OFFER_BYTES_MAX {
        return (
            0,
            Err(MESSAGE_TOO_LARGE.with(format!("{} bytes; offers may have {OFFER_BYTES_MAX}", text.len()))),
        );
    }
    match serde_json::from_str::<ClientFrame>(text) {
        Ok(ClientFrame { seq, message: offer @ ClientMessage::Offer { .. } }) => (seq, Ok(offer)),
        Ok(ClientFrame { seq, .. }) if text.len() > MESSAGE_BYTES_MAX => {
            let detail =
                format!("{} bytes; messages other than offers may have {MESSAGE_BYTES_MAX}", text.len());
            (seq, Err(MESSAGE_TOO_LARGE.with(detail)))
        }
        Ok(ClientFrame { seq, message }) => (seq, Ok(message)),
        Err(error) => {
            let seq = serde_json::from_str::<serde_json::Value>(text)
                .ok()
                .and_then(|value| value.get("seq")?.as_u64())
                .unwrap_or(0);
            (seq, Err(malformed(&error)))
        }
    }
}

fn malformed(error: &serde_json::Error) -> Problem {
    let text: String = error.to_string().chars().take(DETAIL_CHARS_MAX).collect();
    let field = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    let field = match text.starts_with("unknown variant") {
        true => Some("type"),
        false => field,
    };
    match field {
        Some(field) => MESSAGE_MALFORMED.at(field, &text),
        None => MESSAGE_MALFORMED.with(&text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> (u64, Problem) {
        let (seq, parsed) = parse(text);
        (seq, parsed.expect_err(text))
    }

    #[test]
    fn a_message_is_understood_with_its_number() {
        let (seq, message) = parse(r#"{"seq":7,"type":"chat","text":"hello"}"#);
        assert_eq!((seq, message), (7, Ok(ClientMessage::Chat { text: "hello".into() })));
        let (seq, message) = parse(r#"{"type":"hang_up","seq":8,"something":"newer clients may say"}"#);
        assert_eq!((seq, message), (8, Ok(ClientMessage::HangUp)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let (seq, missing) = problem(r#"{"seq":3,"type":"chat"}"#);
        assert_eq!((seq, missing.field.as_deref()), (3, Some("text")));
        let (_, unknown) = problem(r#"{"seq":3,"type":"dance"}"#);
        assert!(unknown.detail.contains("dance") && unknown.detail.contains("hang_up"), "{}", unknown.detail);
        assert_eq!(unknown.field.as_deref(), Some("type"));
        let (seq, unnumbered) = problem(r#"{"type":"hang_up"}"#);
        assert_eq!((seq, unnumbered.field.as_deref()), (0, Some("seq")));
        let (seq, broken) = problem("{\"seq\":3,");
        assert_eq!(seq, 0);
        assert!(broken.detail.contains("EOF"), "{}", broken.detail);
    }

    #[test]
    fn sizes_are_bounded_and_only_offers_may_be_long() {
        let offer =
            |n: usize| format!(r#"{{"seq":1,"type":"offer","sdp":"{}","sources":[]}}"#, "x".repeat(n));
        assert!(parse(&offer(150_000)).1.is_ok());
        assert_eq!(problem(&offer(250_000)).1.status, 413);
        let chat = format!(r#"{{"seq":5,"type":"chat","text":"{}"}}"#, "x".repeat(70_000));
        assert_eq!(problem(&chat).0, 5);
        assert_eq!(problem(&chat).1.status, 413);
        let variant = format!(r#"{{"seq":5,"type":"{}"}}"#, "x".repeat(70_000));
        assert!(problem(&variant).1.detail.len() <= DETAIL_CHARS_MAX, "no echo of everything");
    }

    #[test]
    fn nothing_a_client_sends_panics() {
        for text in
            ["", "null", "[]", "{}", "[[[[", "\u{0}", "{\"seq\":-1,\"type\":\"hang_up\"}", "{\"seq\":1e99}"]
        {
            assert!(parse(text).1.is_err(), "{text:?}");
        }
        assert!(parse(&"[".repeat(100_000)).1.is_err());
    }
}
