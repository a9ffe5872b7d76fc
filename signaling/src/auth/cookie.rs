//! The cookie that says which member of staff a request comes from.

use axum::http::{HeaderMap, HeaderValue, header};
use jiff::SignedDuration;

/// How long a login lasts.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(12);

/// Name over TLS. The prefix makes browsers insist on `Secure`, no `Domain` and `Path=/`.
const NAME_TLS: &str = "__Host-vitrine";
/// Name over plain HTTP, where browsers refuse the prefix.
const NAME_PLAIN: &str = "vitrine_session";

/// How cookies are written: depends on whether browsers reach us over TLS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CookieStyle {
    /// Browsers reach us over TLS, here or at a proxy in front.
    pub tls: bool,
}

impl CookieStyle {
    /// Name of the cookie.
    pub fn name(self) -> &'static str {
        if self.tls { NAME_TLS } else { NAME_PLAIN }
    }

    /// `Set-Cookie` that logs in.
    pub fn set(self, token: &str) -> HeaderValue {
        self.header(token, LIFETIME.as_secs())
    }

    /// `Set-Cookie` that logs out.
    pub fn clear(self) -> HeaderValue {
        self.header("", 0)
    }

    /// The session token of a request, for [`crate::store::Store::staff_by_session`].
    pub fn read(self, headers: &HeaderMap) -> Option<&str> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, value)| *name == self.name() && !value.is_empty())
            .map(|(_, value)| value)
    }

    fn header(self, token: &str, max_age_s: i64) -> HeaderValue {
        let name = self.name();
        let secure = if self.tls { "; Secure" } else { "" };
        let text = format!("{name}={token}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}");
        HeaderValue::try_from(text).expect("tokens are URL-safe base64")
    }
}

/// Whether a request that came with a cookie was made by our own page: `Sec-Fetch-Site` when the browser sends
/// it, else `Origin` against the host asked for. A request with neither is no browser's and carries no cookie
/// that somebody else's page could have misused.
pub fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let (Ok(origin), Some(host)) = (origin.to_str(), text(header::HOST)) else { return false };
    origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_cookie_is_found_among_others_and_only_under_its_own_name() {
        let plain = CookieStyle { tls: false };
        let found = headers(&[("cookie", "a=b; vitrine_session=t0ken; c=d")]);
        assert_eq!(plain.read(&found), Some("t0ken"));
        assert_eq!(CookieStyle { tls: true }.read(&found), None);
        assert_eq!(plain.read(&headers(&[("cookie", "vitrine_session=")])), None);
    }

    #[test]
    fn only_our_own_pages_and_programs_are_the_same_origin() {
        assert!(is_same_origin(&headers(&[])));
        assert!(is_same_origin(&headers(&[("sec-fetch-site", "same-origin")])));
        assert!(!is_same_origin(&headers(&[("sec-fetch-site", "same-site")])));
        assert!(!is_same_origin(&headers(&[("sec-fetch-site", "cross-site")])));
        assert!(is_same_origin(&headers(&[("origin", "https://desk.example"), ("host", "desk.example")])));
        assert!(!is_same_origin(&headers(&[("origin", "https://evil.example"), ("host", "desk.example")])));
        assert!(!is_same_origin(&headers(&[("origin", "null"), ("host", "desk.example")])));
    }
}
