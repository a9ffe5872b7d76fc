//! The media of a track or a stretch of it (RFC 9110 §14).

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use crate::app::Media;
use crate::problem::{self, Refusal};

/// Answers with the media of a track, or with the one range of it that was asked for. Several ranges in one request
/// are answered with the whole, which a server may always do.
pub(super) fn serve(media: Box<dyn Media>, etag: &str, headers: &HeaderMap) -> Response {
    let length = media.length();
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let wanted = match (text(header::RANGE), text(header::IF_RANGE)) {
        // The file has changed since the client's other parts: it needs the whole again.
        (_, Some(condition)) if condition != etag => None,
        (range, _) => range,
    };
    let (status, start, end) = match wanted.map(|range| parse(range, length)) {
        None | Some(Asked::Whole) => (StatusCode::OK, 0, length),
        Some(Asked::Part(start, end)) => (StatusCode::PARTIAL_CONTENT, start, end),
        Some(Asked::Outside) => return outside(length),
    };
    let body = Body::from_stream(stream::try_unfold((media, start), move |(mut media, at)| async move {
        if at >= end {
            return Ok(None);
        }
        let mut piece =
            media.read(at).await.inspect_err(|error| tracing::error!(%error, "a track cannot be read"))?;
        piece.truncate((end - at) as usize);
        let next = at + piece.len() as u64;
        // Fewer bytes than promised: the connection ends early, which tells the player.
        Ok::<_, std::io::Error>((!piece.is_empty()).then_some((piece, (media, next))))
    }));
    let mut response = (status, body).into_response();
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    answer.insert(header::CONTENT_LENGTH, (end - start).into());
    answer.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // Recordings must not stay in the caches of shared machines.
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        answer.insert(header::ETAG, etag);
    }
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(range) = HeaderValue::try_from(format!("bytes {start}-{}/{length}", end - 1))
    {
        answer.insert(header::CONTENT_RANGE, range);
    }
    response
}

fn outside(length: u64) -> Response {
    let refusal =
        Refusal::from(problem::RANGE_NOT_SATISFIABLE.at("Range", format!("the file has {length} bytes")));
    let mut response = refusal.into_response();
    if let Ok(range) = HeaderValue::try_from(format!("bytes */{length}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    response
}

/// What a `Range` header asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Asked {
    /// Nothing that we answer in parts.
    Whole,
    /// From the first up to but not including the second.
    Part(u64, u64),
    /// Something behind the end.
    Outside,
}

fn parse(range: &str, length: u64) -> Asked {
    let Ok(parsed) = http_range_header::parse_range_header(range) else { return Asked::Whole };
    match parsed.validate(length) {
        Ok(ranges) => match ranges.as_slice() {
            [one] => Asked::Part(*one.start(), *one.end() + 1),
            _ => Asked::Whole,
        },
        Err(_) => Asked::Outside,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_a_part_and_strange_ones_are_the_whole() {
        for (range, asked) in [
            ("bytes=0-9", Asked::Part(0, 10)),
            ("bytes=90-", Asked::Part(90, 100)),
            ("bytes=-10", Asked::Part(90, 100)),
            ("bytes=90-500", Asked::Part(90, 100)),
            ("bytes=100-", Asked::Outside),
            ("bytes=0-1,5-6", Asked::Whole),
            ("lines=1-2", Asked::Whole),
            ("bytes=x", Asked::Whole),
        ] {
            assert_eq!(parse(range, 100), asked, "for {range}");
        }
    }
}
