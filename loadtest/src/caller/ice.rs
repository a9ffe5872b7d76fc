//! The full, controlling ICE agent of a client (RFC 8445), as far as it meets a lite server: it checks, nominates, and keeps
//! consent fresh (RFC 7675).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtc_crypto::RTCCryptoProvider;
use stun::attributes::{ATTR_USE_CANDIDATE, ATTR_USERNAME, AttrType};
use stun::fingerprint::FINGERPRINT;
use stun::integrity::MessageIntegrity;
use stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Message, Setter, TransactionId};

/// Between checks while nothing has answered on this path yet.
const EAGER: Duration = Duration::from_millis(100);
/// Between checks on a pair that stopped answering.
const WORRIED: Duration = Duration::from_millis(480);
/// Between checks on a pair that works: what libwebrtc does.
const CALM: Duration = Duration::from_millis(2500);
/// No answer for this long makes a pair doubtful.
const DOUBT: Duration = Duration::from_secs(1);
/// Requests remembered.
const WAITING_MAX: usize = 32;

/// Both sides' credentials.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// Ours.
    pub local_ufrag: String,
    /// The server's.
    pub remote_ufrag: String,
    /// The server's.
    pub remote_password: String,
}

/// See the module.
pub struct IceClient {
    credentials: Credentials,
    crypto: Arc<dyn RTCCryptoProvider>,
    next: Instant,
    /// Requests without an answer, oldest first.
    waiting: VecDeque<([u8; 12], Instant)>,
    answered: bool,
    rtt: Option<Duration>,
    outgoing: VecDeque<Vec<u8>>,
}

impl IceClient {
    /// Starts checking at once.
    pub fn new(now: Instant, credentials: Credentials, crypto: Arc<dyn RTCCryptoProvider>) -> Self {
        Self {
            credentials,
            crypto,
            next: now,
            waiting: VecDeque::new(),
            answered: false,
            rtt: None,
            outgoing: VecDeque::new(),
        }
    }

    /// There is another path now: it is checked eagerly.
    pub fn path_changed(&mut self, now: Instant) {
        self.answered = false;
        self.waiting.clear();
        self.next = now;
    }

    /// Credentials of an ICE restart.
    pub fn restart(&mut self, now: Instant, credentials: Credentials) {
        self.credentials = credentials;
        self.path_changed(now);
    }

    /// The current path has answered.
    pub fn connected(&self) -> bool {
        self.answered
    }

    /// Round trip to the server, smoothed.
    pub fn rtt(&self) -> Option<Duration> {
        self.rtt
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Instant {
        self.next
    }

    /// Sends the next check if it is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if now < self.next {
            return;
        }
        let id: [u8; 12] = rand::random();
        self.outgoing.extend(self.request(id));
        self.waiting.push_back((id, now));
        if self.waiting.len() > WAITING_MAX {
            self.waiting.pop_front();
        }
        let doubtful = self.waiting.front().is_some_and(|(_, sent)| now.duration_since(*sent) >= DOUBT);
        self.next = now
            + match (self.answered, doubtful) {
                (false, _) => EAGER,
                (true, true) => WORRIED,
                (true, false) => CALM,
            };
    }

    /// Takes an answer; anything else is ignored.
    pub fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        let mut message = Message::new();
        if message.unmarshal_binary(datagram).is_err() || message.typ != BINDING_SUCCESS {
            return;
        }
        let password = self.credentials.remote_password.as_bytes();
        if FINGERPRINT.check(&message).is_err()
            || MessageIntegrity::check(&mut message, password, self.crypto.crypto()).is_err()
        {
            return;
        }
        let place = self.waiting.iter().position(|(id, _)| *id == message.transaction_id.0);
        if let Some((_, sent)) = place.and_then(|place| self.waiting.remove(place)) {
            let rtt = now.duration_since(sent);
            self.rtt = Some(self.rtt.map_or(rtt, |before| (before * 3 + rtt) / 4));
            self.waiting.retain(|(_, at)| *at > sent);
            if !self.answered {
                self.answered = true;
                self.next = now + CALM;
            }
        }
    }

    /// The next datagram to send.
    pub fn poll_datagram(&mut self) -> Option<Vec<u8>> {
        self.outgoing.pop_front()
    }

    fn request(&self, id: [u8; 12]) -> Option<Vec<u8>> {
        let Credentials { local_ufrag, remote_ufrag, remote_password } = &self.credentials;
        let mut message = Message::new();
        message.set_type(BINDING_REQUEST);
        message.transaction_id = TransactionId(id);
        message.write_header();
        message.add(ATTR_USERNAME, format!("{remote_ufrag}:{local_ufrag}").as_bytes());
        // PRIORITY and ICE-CONTROLLING (RFC 8445 §7.1).
        message.add(AttrType(0x0024), &0x6e00_1eff_u32.to_be_bytes());
        message.add(AttrType(0x802a), &7u64.to_be_bytes());
        message.add(ATTR_USE_CANDIDATE, &[]);
        let integrity = MessageIntegrity::new_short_term_integrity_with_provider(
            remote_password.clone(),
            self.crypto.crypto(),
        );
        integrity.add_to(&mut message).ok()?;
        FINGERPRINT.add_to(&mut message).ok()?;
        Some(message.raw)
    }
}
