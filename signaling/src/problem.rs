//! Every way a request can be refused, in one table: the only place that decides code, HTTP status and title
//! (RFC 9457). REST and WebSocket answer with the same problems, and `GET /problems/<code>` explains them.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::problem::Problem;

/// One kind of problem.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kind {
    /// Stable name, last part of the problem's `type`.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Short, the same for every occurrence.
    pub title: &'static str,
    /// For the page that explains it: what it means and what to do.
    pub help: &'static str,
}

macro_rules! kinds {
    ($($name:ident = $code:literal $status:literal $title:literal $help:literal;)*) => {
        $(#[doc = $title] pub const $name: Kind = Kind { code: $code, status: $status, title: $title, help: $help };)*

        /// Every kind there is.
        pub const ALL: &[Kind] = &[$($name),*];
    };
}

kinds! {
    // Buyer tokens.
    TOKEN_MISSING = "token_missing" 401 "No token"
        "The request needs `Authorization: Bearer <token>`, where the token is the JWT that the shop's server minted for this buyer.";
    TOKEN_MALFORMED = "token_malformed" 401 "The token is not a JWT of the expected form"
        "A buyer token is a JWT with the header fields alg HS256 and kid (the id of the API key) and the claims iss, aud, iat, exp, jti and context.";
    TOKEN_ALGORITHM = "token_algorithm" 401 "The token is signed with an algorithm that is not accepted"
        "Sign with HS256 and the secret of the API key. No other algorithm, and never none, is accepted.";
    UNKNOWN_KEY = "unknown_key" 401 "No such API key"
        "The kid in the token's header names no API key of this server, or one that was revoked.";
    BAD_SIGNATURE = "bad_signature" 401 "The token's signature is wrong"
        "The token was not signed with the secret of the API key it names, or it was changed afterwards. Check that the shop's server uses the secret as it was given, without encoding it again.";
    WRONG_ISSUER = "wrong_issuer" 401 "The token is from another shop"
        "The iss claim must be the shop id of the API key that the token names.";
    WRONG_AUDIENCE = "wrong_audience" 401 "The token is for somebody else"
        "The aud claim must be \"vitrine\".";
    TOKEN_NOT_YET_VALID = "token_not_yet_valid" 401 "The token is from the future"
        "The iat claim lies more than a minute ahead of this server's clock. Check the clock of the shop's server.";
    TOKEN_EXPIRED = "token_expired" 401 "The token has expired"
        "Mint a token when the buyer taps, not when the page is made, and check the clock of the shop's server.";
    TOKEN_TOO_LONG_LIVED = "token_too_long_lived" 401 "The token lives too long"
        "exp may be at most 10 minutes after iat, and must come after it.";
    TOKEN_REPLAYED = "token_replayed" 401 "The token was used before"
        "Every token opens one visit. Mint a new one, with its own jti, for every tap.";
    CONTEXT_INVALID = "context_invalid" 422 "The signed context cannot be used"
        "The token is genuine but something in its context claim is missing, too long or not of the expected form. The field says what.";
    SESSION_UNKNOWN = "session_unknown" 401 "The visit has expired or never was"
        "The session token of the visit is wrong or too old. Ask for a new visit with a new token of the shop.";

    // Staff.
    NOT_LOGGED_IN = "not_logged_in" 401 "Not logged in"
        "Log in first: the session cookie is missing, has expired, or was logged out.";
    BAD_LOGIN = "bad_login" 401 "Address or password is wrong"
        "There is no account with this address and password. Which of the two is wrong is not told on purpose.";
    TOO_MANY_LOGINS = "too_many_logins" 429 "Too many login attempts"
        "Wait for as long as the Retry-After header says, then try again.";
    NOT_ALLOWED = "not_allowed" 403 "Your rights do not include this"
        "The account is known, but neither its role nor what was granted to it includes this. Ask an administrator.";
    CROSS_ORIGIN = "cross_origin" 403 "The request comes from another site"
        "Requests that carry the session cookie must come from this server's own pages.";

    // WebSocket and the floor.
    HELLO_EXPECTED = "hello_expected" 400 "The first message must be hello"
        "A connection to the WebSocket starts with a hello message within 5 s; it comes once.";
    VERSION_MISMATCH = "version_mismatch" 400 "This version of the protocol is not spoken here"
        "The page is older or newer than the server. Reloading it fetches the one that fits.";
    MESSAGE_MALFORMED = "message_malformed" 400 "The message cannot be understood"
        "WebSocket messages are JSON texts of the documented form. The detail says what is wrong; the connection stays open unless it happens again and again.";
    MESSAGE_TOO_LARGE = "message_too_large" 413 "The message is too large"
        "WebSocket messages may have 64 kB, offers 200 kB.";
    TOO_MANY_MESSAGES = "too_many_messages" 429 "Too many messages"
        "Messages came faster than a person can send them; this one was not looked at. Slow down.";
    NO_CALL = "no_call" 409 "There is no call"
        "The message needs a call, and this person is in none.";
    ALREADY_IN_CALL = "already_in_call" 409 "There is a call already"
        "A person is in one call at a time. Hang up first.";
    NOT_YOUR_CALL = "not_your_call" 403 "The call is not ringing at your console"
        "Only the agent whose console rings can accept or decline a call, and only while it rings. Perhaps the time was up, the buyer left, or a colleague has it now.";
    COLLEAGUE_UNAVAILABLE = "colleague_unavailable" 409 "The colleague cannot be asked just now"
        "Colleagues can be asked while they are connected, take calls, and are neither in a call nor being asked. Perhaps somebody else was quicker.";
    NOT_NOW = "not_now" 409 "The call's state does not allow that"
        "What may be done in which state of a call is listed with the call's states.";
    UNKNOWN_CONSENT_TEXT = "unknown_consent_text" 409 "The words about recording have changed"
        "The choice names a version of the words about recording that is not the one in force. Show the present words and ask again.";
    OFFER_UNUSABLE = "offer_unusable" 422 "The offer cannot be answered"
        "The SDP offer lacks something the server needs. The detail says what.";
    MEDIA_UNAVAILABLE = "media_unavailable" 503 "Media is not available just now"
        "The media plane does not answer. Try again in a few seconds.";
    QUEUE_FULL = "queue_full" 503 "The line is full"
        "As many people wait as this server takes. Try again in a while.";
    STORE_BEHIND = "store_behind" 503 "The database is behind"
        "Calls go on, but what happens in them waits to be written down. Try again in a few seconds; where it lasts, the database is away or too slow.";
    SERVER_STOPPING = "server_stopping" 503 "The server is stopping"
        "The server is being stopped or replaced. Connect again in a few seconds.";

    // Requests.
    BODY_MALFORMED = "body_malformed" 400 "The body cannot be read"
        "The body must be JSON of the documented form, with Content-Type application/json. The detail says where reading failed.";
    BODY_TOO_LARGE = "body_too_large" 413 "The body is too large"
        "No request of this API needs a body of more than 64 kB.";
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type" 415 "The body is not JSON"
        "Send Content-Type: application/json.";
    QUERY_INVALID = "query_invalid" 400 "The query string cannot be read"
        "A parameter is unknown or not of the expected form. The field says which.";
    ID_MALFORMED = "id_malformed" 400 "Not an id"
        "Ids are UUIDs, as the API has given them out.";
    FIELD_INVALID = "field_invalid" 422 "A field has a value that cannot be used"
        "The field says which, the detail what is wrong with it.";
    UNKNOWN_OUTCOME = "unknown_outcome" 422 "No such outcome"
        "The outcome must be one of the codes of GET /api/v1/outcomes.";
    NO_TICKET = "no_ticket" 409 "The call has no ticket"
        "Only a call that an agent has accepted has a ticket and can be wrapped up.";
    RATING_CLOSED = "rating_closed" 409 "The rating can no longer be changed"
        "A buyer can change the rating of a call for some minutes after first giving it. The detail says until when that was.";
    FORM_UNPUBLISHABLE = "form_unpublishable" 422 "The form cannot be published"
        "A form can be published when it has a title, sections whose weights add up to 100 %, and words in every question. The field says what is in the way first; GET /api/v1/review/forms/{id} lists everything.";
    FORM_CHANGED = "form_changed" 409 "Somebody else changed the form"
        "The form was changed since it was loaded, so nothing was written. Load it again and repeat the change.";
    ANSWERS_INCOMPLETE = "answers_incomplete" 422 "The answers are not complete"
        "A score can be submitted when every question is answered and at least one of them applies.";
    REVIEW_STATE = "review_state" 409 "The review's state does not allow that"
        "Drafts can be written on, submitted and discarded. What is submitted stays as it is and is corrected by revisions with a reason.";
    REVIEW_SEALED = "review_sealed" 403 "The score is sealed"
        "Whoever may give a blind second score of a recording sees no other score of it until theirs is submitted.";
    OWN_CALL = "own_call" 403 "Nobody scores their own call"
        "The call was the reviewer's own. Somebody else has to score it.";
    DISPUTE_STATE = "dispute_state" 409 "The dispute's state does not allow that"
        "A score can be disputed once for each of its revisions, within 14 days; an open dispute is accepted, rejected or withdrawn, and then closed.";
    RECORDING_WITHHELD = "recording_withheld" 403 "The recording is locked"
        "The buyer took back their consent, and the recording cannot be deleted yet. It will be as soon as that is allowed; until then only who may place legal holds can play or export it.";
    RECORDING_RUNS = "recording_runs" 409 "The recording still runs"
        "Only a recording that has ended can be exported. Wait until the call is over.";
    EXPORT_NOT_READY = "export_not_ready" 409 "The export stands in another way"
        "Only an export that is done has a file, and only one that has ended without a file can be made again.";
    TOO_MANY_EXPORTS = "too_many_exports" 429 "Too many exports wait"
        "Exports are made one after another. Ask again when some are done.";
    UNDER_HOLD = "under_hold" 409 "A legal hold keeps it"
        "Nothing under a legal hold is deleted or erased. The detail says which hold; whoever may hold recordings can lift it.";
    RANGE_NOT_SATISFIABLE = "range_not_satisfiable" 416 "The range lies outside of the file"
        "Content-Range says how long the file is.";
    NOT_FOUND = "not_found" 404 "Not found"
        "There is nothing at this address, or nothing that you may see.";
    METHOD_NOT_ALLOWED = "method_not_allowed" 405 "The method does not work here"
        "The Allow header lists the methods that do.";
    INTERNAL = "internal" 500 "The server failed"
        "This is our mistake, not yours. The server's log says more; trying again may help.";
    UNAVAILABLE = "unavailable" 503 "Not available just now"
        "A part of the server that is needed for this does not work at the moment. Try again in a while.";
}

impl Kind {
    /// An occurrence: what went wrong this time and what to change.
    pub fn with(self, detail: impl Into<String>) -> Problem {
        Problem {
            kind: format!("/problems/{}", self.code),
            title: self.title.to_owned(),
            status: self.status,
            detail: detail.into(),
            field: None,
        }
    }

    /// An occurrence that is about one field, setting or header.
    pub fn at(self, field: impl Into<String>, detail: impl Into<String>) -> Problem {
        Problem { field: Some(field.into()), ..self.with(detail) }
    }
}

/// A problem as an HTTP answer; what handlers return as their error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    problem: Box<Problem>,
    retry_after_s: Option<u64>,
}

impl Refusal {
    /// The same refusal with a `Retry-After`.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// What is said.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem: Box::new(problem), retry_after_s: None }
    }
}

impl From<crate::store::StoreError> for Refusal {
    fn from(error: crate::store::StoreError) -> Self {
        // What the database says is for our log; the client learns that it is not to blame.
        tracing::error!(%error, "the store failed");
        INTERNAL.with("the store failed").into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&*self.problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110 §11.6.1 asks for a challenge with every 401.
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"vitrine\""));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_there_once_and_has_a_status_of_an_error() {
        for (index, kind) in ALL.iter().enumerate() {
            assert!((400..600).contains(&kind.status), "{}", kind.code);
            assert!(kind.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", kind.code);
            assert!(ALL[..index].iter().all(|other| other.code != kind.code), "{} is there twice", kind.code);
        }
    }
}
