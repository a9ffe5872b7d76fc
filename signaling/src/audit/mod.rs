//! The audit log: every play, export, erasure, hold, deletion, change of rights, login and choice about recording, in
//! a chain of hashes, so that nothing can be changed or taken out of it without [`chain`] telling.
//!
//! Anybody with a store adds to it with [`crate::store::Store::note`]; what changes the store itself writes its entry
//! in the same transaction. Nothing is ever changed or deleted. So entries hold no personal data of buyers: they name
//! calls and recordings, and subjects by a hash ([`subject_hash`]); what is known of the buyer is taken out of the reasons
//! that people give.
//!
//! A chain alone cannot tell that its end was cut off. [`checkpoint`] signs how long it is, now and then, into a file
//! and the server's log; a copy of one that is kept elsewhere is all that is needed to notice.

pub mod chain;
pub mod checkpoint;

use protocol::audit::AuditEvent;
use protocol::ids::{CallId, RecordingId, UserId};
use ring::digest::{Context, SHA256};
use serde_json::{Value, json};

use crate::auth::secret::hex;

/// Who did something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Actor {
    /// A member of staff.
    User(UserId),
    /// A shop's server, by its id.
    Shop(String),
    /// Somebody at the server's command line.
    Operator,
    /// The server by itself.
    Server,
    /// Somebody who is not known.
    Nobody,
}

impl From<UserId> for Actor {
    fn from(user: UserId) -> Self {
        Self::User(user)
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Shop(id) => write!(f, "shop:{id}"),
            Self::Operator => f.write_str("operator"),
            Self::Server => f.write_str("server"),
            Self::Nobody => f.write_str("nobody"),
        }
    }
}

/// Something to write down.
#[derive(Clone, PartialEq, Debug)]
pub struct Note {
    pub(crate) actor: Actor,
    pub(crate) event: AuditEvent,
    pub(crate) about: String,
    pub(crate) why: String,
    pub(crate) detail: Value,
}

impl Note {
    /// Somebody did something.
    pub fn new(actor: impl Into<Actor>, event: AuditEvent) -> Self {
        Self { actor: actor.into(), event, about: String::new(), why: String::new(), detail: json!({}) }
    }

    /// To this recording.
    pub fn recording(self, id: RecordingId) -> Self {
        Self { about: format!("recording:{id}"), ..self }
    }

    /// To this call.
    pub fn call(self, id: CallId) -> Self {
        Self { about: format!("call:{id}"), ..self }
    }

    /// To this member of staff.
    pub fn user(self, id: UserId) -> Self {
        Self { about: format!("user:{id}"), ..self }
    }

    /// To a buyer, who is named by a hash.
    pub fn subject(self, shop: &str, subject: &str) -> Self {
        Self { about: format!("subject:{}", subject_hash(shop, subject)), ..self }
    }

    /// To something else, e.g. `export:<id>`.
    pub fn about(self, about: impl Into<String>) -> Self {
        Self { about: about.into(), ..self }
    }

    /// The reason given, or the rule.
    pub fn why(self, why: impl Into<String>) -> Self {
        Self { why: why.into(), ..self }
    }

    /// More about it: an object, without personal data of buyers.
    pub fn detail(self, detail: Value) -> Self {
        Self { detail, ..self }
    }
}

/// SHA-256 of a shop's buyer, hex: `shop`, a zero byte, `subject`. Tells two buyers apart without naming them; whoever
/// knows the subject can check that it was meant.
pub fn subject_hash(shop: &str, subject: &str) -> String {
    let mut hash = Context::new(&SHA256);
    for part in [shop.as_bytes(), &[0], subject.as_bytes()] {
        hash.update(part);
    }
    hex(hash.finish().as_ref())
}
