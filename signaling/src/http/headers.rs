//! Headers that every answer has, and the stricter ones of the staff pages.

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

/// What the console and the replay page may load: their own files, pictures that shops link to, media from
/// memory. Nobody may frame them. Styles may stand in attributes, which Lit's templates use.
pub(super) const STAFF_PAGE: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data: blob: https: http:; media-src 'self' blob:; worker-src 'self' blob:; connect-src 'self'; \
    object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// For pages of the server itself, without scripts.
pub(super) const PLAIN_PAGE: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Whether browsers are told to come over TLS only.
#[derive(Clone, Copy)]
pub(super) struct Strict(pub(super) bool);

/// Adds what every answer has.
pub(super) async fn add(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let referrer = headers.entry(header::REFERRER_POLICY);
    referrer.or_insert(HeaderValue::from_static("strict-origin-when-cross-origin"));
    response
}

/// `Strict-Transport-Security` (RFC 6797), with a real certificate only.
pub(super) async fn strict(State(Strict(on)): State<Strict>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if on {
        let year = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

/// Headers of the staff pages.
pub(super) fn staff_page() -> [(HeaderName, HeaderValue); 4] {
    [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(STAFF_PAGE)),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (
            HeaderName::from_static("permissions-policy"),
            HeaderValue::from_static(
                "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
            ),
        ),
    ]
}
