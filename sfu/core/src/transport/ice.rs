//! An ICE-lite agent (RFC 8445 §2.5): it never asks, it only answers connectivity checks.
//!
//! The peer is the controlling full agent. An address counts as validated once a Binding request with our password
//! came from it; the address of the last request with USE-CANDIDATE is where we send. Requests on the selected
//! address double as consent (RFC 7675 §5.1): 30 s without one and the transport is over.

use std::time::{Duration, Instant};

use rand::Rng;
use rtc_crypto::RTCCrypto;
use stun::attributes::{ATTR_USE_CANDIDATE, ATTR_USERNAME};
use stun::fingerprint::FINGERPRINT;
use stun::integrity::MessageIntegrity;
use stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Message, Setter};
use stun::xoraddr::XorMappedAddress;

use crate::ids::WorkerId;
use crate::path::Path;
use crate::sdp::IceCredentials;

/// RFC 7675 §5.1: consent expires after 30 s without a valid check.
pub const CONSENT_TIMEOUT: Duration = Duration::from_secs(30);

/// A peer has a handful of candidate pairs; more addresses than this are not remembered (oldest go first).
const VALIDATED_MAX: usize = 8;

/// What credentials are written in: the part of `ice-char` (RFC 8839 §5.4) that nothing needs to escape.
const ALPHABET: &[u8; WorkerId::MAX] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Fresh credentials: 8 random characters (47 bits) of ufrag, 24 (142 bits) of password; RFC 8445 §5.3 asks for 24 and
/// 128 bits.
///
/// In front of the ufrag stands one character for the worker. All workers share one TCP port, and the ufrag in the first
/// check of a connection says whose it is ([`worker_of`]).
pub fn generate_credentials(rng: &mut impl Rng, worker: WorkerId) -> IceCredentials {
    let worker = ALPHABET[usize::from(worker.0) % ALPHABET.len()] as char;
    IceCredentials { ufrag: format!("{worker}{}", random_token(rng, 8)), pwd: random_token(rng, 24) }
}

/// The worker that made a ufrag. It may not exist: the ufrag comes from a stranger.
pub fn worker_of(ufrag: &str) -> Option<WorkerId> {
    let first = *ufrag.as_bytes().first()?;
    ALPHABET.iter().position(|letter| *letter == first).map(|place| WorkerId(place as u8))
}

fn random_token(rng: &mut impl Rng, length: usize) -> String {
    (0..length).map(|_| ALPHABET[rng.random_range(0..ALPHABET.len())] as char).collect()
}

/// Why a STUN message was not answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StunDrop {
    /// Does not parse, has no or a wrong FINGERPRINT, or is no Binding request.
    Malformed,
    /// The username is not this agent's pair.
    WrongUsername,
    /// MESSAGE-INTEGRITY is missing or wrong.
    WrongPassword,
}

/// A Binding request that parses, with the local ufrag it names; not authenticated yet.
#[derive(Debug)]
pub struct Check {
    message: Message,
    username: String,
}

impl Check {
    /// Reads a Binding request and its FINGERPRINT (RFC 8489 §14.7).
    pub fn parse(datagram: &[u8]) -> Result<Self, StunDrop> {
        let mut message = Message::new();
        message.unmarshal_binary(datagram).map_err(|_| StunDrop::Malformed)?;
        if message.typ != BINDING_REQUEST || message.raw.len() < 28 {
            return Err(StunDrop::Malformed);
        }
        FINGERPRINT.check(&message).map_err(|_| StunDrop::Malformed)?;
        let username = message.get(ATTR_USERNAME).map_err(|_| StunDrop::WrongUsername)?;
        let username = String::from_utf8(username).map_err(|_| StunDrop::WrongUsername)?;
        Ok(Self { message, username })
    }

    /// The part of USERNAME before the colon: our own ufrag (RFC 8445 §7.2.2).
    pub fn local_ufrag(&self) -> &str {
        self.username.split(':').next().unwrap_or_default()
    }
}

/// What an accepted check changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// The Binding response to send back to where the check came from.
    pub response: Vec<u8>,
    /// The address was not validated before.
    pub newly_validated: bool,
    /// A path that fell out of the bounded list and must be forgotten.
    pub evicted: Option<Path>,
}

/// The agent of one transport.
#[derive(Debug)]
pub struct IceLite {
    local: IceCredentials,
    remote_ufrag: String,
    validated: Vec<Path>,
    selected: Option<Path>,
    consent_at: Instant,
}

impl IceLite {
    /// An agent that has heard nothing yet; the consent timer runs from `now`.
    pub fn new(now: Instant, local: IceCredentials, remote_ufrag: String) -> Self {
        Self { local, remote_ufrag, validated: Vec::new(), selected: None, consent_at: now }
    }

    /// Our credentials, as they stand in the answer.
    pub fn local(&self) -> &IceCredentials {
        &self.local
    }

    /// ICE restart (RFC 8445 §9): new credentials; media keeps flowing on the old address until a new one is
    /// validated.
    pub fn restart(&mut self, now: Instant, local: IceCredentials, remote_ufrag: String) {
        self.local = local;
        self.remote_ufrag = remote_ufrag;
        self.consent_at = now;
    }

    /// Where to send; `None` before the first accepted check.
    pub fn selected(&self) -> Option<Path> {
        self.selected
    }

    /// Every address that has been validated and not been evicted.
    pub fn validated(&self) -> &[Path] {
        &self.validated
    }

    /// Another transport has validated this address since: it is not ours any more.
    pub fn forget(&mut self, path: Path) {
        self.validated.retain(|known| *known != path);
        if self.selected == Some(path) {
            self.selected = self.validated.last().copied();
        }
    }

    /// When the transport ends unless a check comes before.
    pub fn consent_deadline(&self) -> Instant {
        self.consent_at + CONSENT_TIMEOUT
    }

    /// Authenticates a check from `source` and makes the response to it.
    pub fn accept(
        &mut self,
        now: Instant,
        source: Path,
        mut check: Check,
        crypto: &dyn RTCCrypto,
    ) -> Result<Accepted, StunDrop> {
        let ours = check
            .username
            .split_once(':')
            .is_some_and(|(local, remote)| local == self.local.ufrag && remote == self.remote_ufrag);
        if !ours {
            return Err(StunDrop::WrongUsername);
        }
        MessageIntegrity::check(&mut check.message, self.local.pwd.as_bytes(), crypto)
            .map_err(|_| StunDrop::WrongPassword)?;

        let newly_validated = !self.validated.contains(&source);
        let mut evicted = None;
        if newly_validated {
            if self.validated.len() == VALIDATED_MAX {
                let oldest = self.validated.iter().position(|addr| Some(*addr) != self.selected).unwrap_or(0);
                evicted = Some(self.validated.remove(oldest));
            }
            self.validated.push(source);
        }
        // A controlling agent marks the pair it has chosen; until it has, answer where we were heard.
        if check.message.contains(ATTR_USE_CANDIDATE) || self.selected.is_none() {
            self.selected = Some(source);
        }
        if self.selected == Some(source) {
            self.consent_at = now;
        }
        let response = self.response(source, &check.message, crypto).ok_or(StunDrop::Malformed)?;
        Ok(Accepted { response, newly_validated, evicted })
    }

    /// Takes a path as validated and selected, without a check.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn take_for_valid(&mut self, now: Instant, path: Path) {
        self.validated.push(path);
        self.selected = Some(path);
        self.consent_at = now;
    }

    fn response(&self, source: Path, request: &Message, crypto: &dyn RTCCrypto) -> Option<Vec<u8>> {
        let mut response = Message::new();
        response.set_type(BINDING_SUCCESS);
        response.transaction_id = request.transaction_id;
        response.write_header();
        XorMappedAddress { ip: source.remote.ip(), port: source.remote.port() }.add_to(&mut response).ok()?;
        MessageIntegrity::new_short_term_integrity_with_provider(self.local.pwd.clone(), crypto)
            .add_to(&mut response)
            .ok()?;
        FINGERPRINT.add_to(&mut response).ok()?;
        Some(response.raw)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::net::SocketAddr;

    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use stun::attributes::AttrType;
    use stun::message::TransactionId;

    use super::*;

    /// A Binding request as a browser would send it.
    pub(crate) fn binding_request(username: &str, password: &str, nominate: bool) -> Vec<u8> {
        let crypto = crate::transport::test_crypto();
        let mut message = Message::new();
        message.set_type(BINDING_REQUEST);
        message.transaction_id = TransactionId([7; 12]);
        message.write_header();
        message.add(ATTR_USERNAME, username.as_bytes());
        message.add(AttrType(0x0024), &1u32.to_be_bytes());
        if nominate {
            message.add(ATTR_USE_CANDIDATE, &[]);
        }
        MessageIntegrity::new_short_term_integrity_with_provider(password.into(), crypto.crypto())
            .add_to(&mut message)
            .expect("integrity");
        FINGERPRINT.add_to(&mut message).expect("fingerprint");
        message.raw
    }

    fn addr(port: u16) -> Path {
        SocketAddr::from(([127, 0, 0, 1], port)).into()
    }

    fn agent(now: Instant) -> IceLite {
        let local = generate_credentials(&mut StdRng::seed_from_u64(1), WorkerId(3));
        IceLite::new(now, local, "them".into())
    }

    fn check(agent: &IceLite, nominate: bool) -> Check {
        let username = format!("{}:them", agent.local.ufrag);
        Check::parse(&binding_request(&username, &agent.local.pwd, nominate)).expect("parses")
    }

    #[test]
    fn a_ufrag_names_its_worker() {
        for worker in 0..WorkerId::MAX as u8 {
            let made = generate_credentials(&mut StdRng::seed_from_u64(9), WorkerId(worker));
            assert_eq!(worker_of(&made.ufrag), Some(WorkerId(worker)));
        }
        assert_eq!(worker_of(""), None);
        assert_eq!(worker_of("é"), None);
    }

    #[test]
    fn a_check_with_our_password_validates_its_address_and_is_answered() {
        let (now, crypto) = (Instant::now(), crate::transport::test_crypto());
        let mut agent = agent(now);
        let first = check(&agent, false);
        let accepted = agent.accept(now, addr(1000), first, crypto.crypto()).expect("accepted");
        assert!(accepted.newly_validated);
        assert_eq!(agent.selected(), Some(addr(1000)));
        let mut response = Message::new();
        response.unmarshal_binary(&accepted.response).expect("a STUN message");
        assert_eq!(response.typ, BINDING_SUCCESS);
        assert_eq!(response.transaction_id, TransactionId([7; 12]));
        FINGERPRINT.check(&response).expect("fingerprint");
        MessageIntegrity::check(&mut response, agent.local.pwd.as_bytes(), crypto.crypto())
            .expect("integrity");
    }

    #[test]
    fn media_moves_only_when_the_peer_nominates() {
        let (now, crypto) = (Instant::now(), crate::transport::test_crypto());
        let mut agent = agent(now);
        for (port, nominate, selected) in [(1, false, 1), (2, false, 1), (2, true, 2), (1, false, 2)] {
            let next = check(&agent, nominate);
            agent.accept(now, addr(port), next, crypto.crypto()).expect("accepted");
            assert_eq!(agent.selected(), Some(addr(selected)));
        }
    }

    #[test]
    fn wrong_password_and_wrong_username_change_nothing() {
        let (now, crypto) = (Instant::now(), crate::transport::test_crypto());
        let mut agent = agent(now);
        let username = format!("{}:them", agent.local.ufrag);
        let bad = Check::parse(&binding_request(&username, "guess", true)).expect("parses");
        assert_eq!(agent.accept(now, addr(1), bad, crypto.crypto()), Err(StunDrop::WrongPassword));
        let bad = Check::parse(&binding_request("x:y", &agent.local.pwd, true)).expect("parses");
        assert_eq!(agent.accept(now, addr(1), bad, crypto.crypto()), Err(StunDrop::WrongUsername));
        assert_eq!(agent.selected(), None);
        assert!(agent.validated().is_empty());
    }

    #[test]
    fn the_list_of_addresses_stays_bounded_and_keeps_the_selected_one() {
        let (now, crypto) = (Instant::now(), crate::transport::test_crypto());
        let mut agent = agent(now);
        for port in 1..100 {
            let next = check(&agent, port == 1);
            agent.accept(now, addr(port), next, crypto.crypto()).expect("accepted");
        }
        assert_eq!(agent.validated().len(), VALIDATED_MAX);
        assert!(agent.validated().contains(&addr(1)));
    }

    #[test]
    fn only_checks_on_the_selected_address_renew_consent() {
        let (now, crypto) = (Instant::now(), crate::transport::test_crypto());
        let mut agent = agent(now);
        let first = check(&agent, true);
        agent.accept(now, addr(1), first, crypto.crypto()).expect("accepted");
        let later = now + Duration::from_secs(10);
        let other = check(&agent, false);
        agent.accept(later, addr(2), other, crypto.crypto()).expect("accepted");
        assert_eq!(agent.consent_deadline(), now + CONSENT_TIMEOUT);
        let again = check(&agent, false);
        agent.accept(later, addr(1), again, crypto.crypto()).expect("accepted");
        assert_eq!(agent.consent_deadline(), later + CONSENT_TIMEOUT);
    }

    #[test]
    fn mutilated_messages_are_refused_without_panic() {
        let whole = binding_request("a:b", "secret", true);
        for cut in 0..whole.len() {
            assert!(Check::parse(&whole[..cut]).is_err());
        }
        for at in 0..whole.len() {
            let mut bad = whole.clone();
            bad[at] ^= 0x55;
            let _ = Check::parse(&bad);
        }
    }

    /// Any attributes under a true header and fingerprint: what a stranger can send before anything is known of them.
    fn message() -> impl Strategy<Value = Vec<u8>> {
        let kind = prop_oneof![Just(0x0006u16), Just(0x0008), Just(0x0025), Just(0x8028), any::<u16>()];
        let attribute = (kind, proptest::collection::vec(any::<u8>(), 0..40));
        proptest::collection::vec(attribute, 0..8).prop_map(|attributes| {
            let mut message = Message::new();
            message.set_type(BINDING_REQUEST);
            message.write_header();
            for (kind, value) in attributes {
                message.add(AttrType(kind), &value);
            }
            FINGERPRINT.add_to(&mut message).expect("fingerprint");
            message.raw
        })
    }

    proptest! {
        #[test]
        fn whatever_a_stranger_sends_is_refused(
            raw in message(),
            change in proptest::option::of((any::<prop::sample::Index>(), any::<u8>())),
        ) {
            let (now, crypto) = (Instant::now(), crate::transport::test_crypto());
            let mut agent = agent(now);
            let mut raw = raw;
            if let Some((place, value)) = change {
                let at = place.index(raw.len());
                raw[at] = value;
            }
            if let Ok(mut check) = Check::parse(&raw) {
                check.username = format!("{}:them", agent.local.ufrag);
                prop_assert!(agent.accept(now, addr(1), check, crypto.crypto()).is_err());
            }
            prop_assert!(agent.validated().is_empty());
        }
    }
}
