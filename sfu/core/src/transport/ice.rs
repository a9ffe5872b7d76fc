//! An ICE-lite agent (RFC 8445 §2.5): it never asks, it only answers connectivity checks.
//!
//! The peer is the controlling full agent. An address counts as validated once a Binding request with our password
//! came from it; the address of the last request with USE-CANDIDATE is where we send. Requests double as consent
//! (RFC 7675 §5.1): 30 s without one on the selected path and nothing more is sent there. If another path has been heard
//! of since, the peer lives there; if none has, the transport is over.

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
    validated: Vec<Validated>,
    selected: Option<Path>,
    /// Without a selected path: since when the peer has not been heard.
    silent_since: Instant,
}

/// A path that checks have come by.
#[derive(Clone, Copy, Debug)]
struct Validated {
    path: Path,
    /// When the last one came.
    heard: Instant,
}

impl IceLite {
    /// An agent that has heard nothing yet; the consent timer runs from `now`.
    pub fn new(now: Instant, local: IceCredentials, remote_ufrag: String) -> Self {
        Self { local, remote_ufrag, validated: Vec::new(), selected: None, silent_since: now }
    }

    /// When the last check came by a path, if any did.
    pub fn heard(&self, path: Path) -> Option<Instant> {
        self.validated.iter().find(|it| it.path == path).map(|it| it.heard)
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
        self.silent_since = now;
        // Checks under the old credentials end now, those under the new ones begin when the answer has arrived.
        if let Some(known) = self.validated.iter_mut().find(|known| Some(known.path) == self.selected) {
            known.heard = now;
        }
    }

    /// Where to send; `None` before the first accepted check.
    pub fn selected(&self) -> Option<Path> {
        self.selected
    }

    /// Every path that has been validated and not been evicted.
    pub fn validated(&self) -> impl Iterator<Item = Path> + '_ {
        self.validated.iter().map(|known| known.path)
    }

    /// Another transport has validated this path since, or it is closed: it is not ours any more.
    pub fn forget(&mut self, path: Path) {
        let Some(place) = self.validated.iter().position(|known| known.path == path) else { return };
        let forgotten = self.validated.remove(place);
        if self.selected == Some(path) {
            self.silent_since = forgotten.heard;
            self.select_freshest();
        }
    }

    /// When [`Self::expire`] wants to be called.
    pub fn consent_deadline(&self) -> Instant {
        let selected = self.validated.iter().find(|known| Some(known.path) == self.selected);
        selected.map_or(self.silent_since, |known| known.heard) + CONSENT_TIMEOUT
    }

    /// Without consent on the selected path, moves to the one heard of last. False when there is no consent anywhere.
    pub fn expire(&mut self, now: Instant) -> bool {
        if now >= self.consent_deadline() {
            self.select_freshest();
        }
        now < self.consent_deadline()
    }

    fn select_freshest(&mut self) {
        self.selected = self.validated.iter().max_by_key(|known| known.heard).map(|known| known.path);
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

        let mut evicted = None;
        let known = self.validated.iter_mut().find(|known| known.path == source);
        let newly_validated = known.is_none();
        match known {
            Some(known) => known.heard = now,
            None => {
                if self.validated.len() == VALIDATED_MAX {
                    evicted = self.evict();
                }
                self.validated.push(Validated { path: source, heard: now });
            }
        }
        // A controlling agent marks the pair it has chosen; until it has, answer where we were heard.
        if check.message.contains(ATTR_USE_CANDIDATE) || self.selected.is_none() {
            self.selected = Some(source);
        }
        let response = self.response(source, &check.message, crypto).ok_or(StunDrop::Malformed)?;
        Ok(Accepted { response, newly_validated, evicted })
    }

    /// Makes room by what has not been heard of for longest; what is selected stays.
    fn evict(&mut self) -> Option<Path> {
        let others = self.validated.iter().enumerate().filter(|(_, known)| Some(known.path) != self.selected);
        let (oldest, _) = others.min_by_key(|(_, known)| known.heard)?;
        Some(self.validated.remove(oldest).path)
    }

    /// Takes a path as validated and selected, without a check.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn take_for_valid(&mut self, now: Instant, path: Path) {
        self.validated.push(Validated { path, heard: now });
        self.selected = Some(path);
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
        assert_eq!(agent.validated().count(), 0);
    }

    #[test]
    fn the_list_of_addresses_stays_bounded_and_keeps_the_selected_one() {
        let (now, crypto) = (Instant::now(), crate::transport::test_crypto());
        let mut agent = agent(now);
        for port in 1..100 {
            let next = check(&agent, port == 1);
            agent.accept(now, addr(port), next, crypto.crypto()).expect("accepted");
        }
        assert_eq!(agent.validated().count(), VALIDATED_MAX);
        assert!(agent.validated().any(|path| path == addr(1)));
    }

    #[test]
    fn without_consent_on_the_selected_path_the_peer_is_where_it_was_heard_last() {
        let (start, crypto) = (Instant::now(), crate::transport::test_crypto());
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut agent = agent(start);
        let hear = |agent: &mut IceLite, seconds, port, nominate| {
            let next = check(agent, nominate);
            agent.accept(at(seconds), addr(port), next, crypto.crypto()).expect("accepted");
        };
        hear(&mut agent, 0, 1, true);
        hear(&mut agent, 5, 2, false);
        hear(&mut agent, 20, 3, false);
        assert_eq!(agent.consent_deadline(), at(30), "checks elsewhere do not renew it");
        assert!(agent.expire(at(29)) && agent.selected() == Some(addr(1)));
        assert!(agent.expire(at(30)) && agent.selected() == Some(addr(3)));
        assert_eq!(agent.consent_deadline(), at(50));
        hear(&mut agent, 40, 3, false);
        assert!(agent.expire(at(69)));
        assert!(!agent.expire(at(70)), "nobody is anywhere");
    }

    #[test]
    fn a_path_that_is_taken_away_leaves_the_freshest_of_the_others() {
        let (start, crypto) = (Instant::now(), crate::transport::test_crypto());
        let mut agent = agent(start);
        for (seconds, port, nominate) in [(1, 2, false), (2, 3, false), (3, 1, true), (4, 2, false)] {
            let next = check(&agent, nominate);
            let now = start + Duration::from_secs(seconds);
            agent.accept(now, addr(port), next, crypto.crypto()).expect("accepted");
        }
        agent.forget(addr(9));
        assert_eq!(agent.selected(), Some(addr(1)));
        agent.forget(addr(1));
        assert_eq!(agent.selected(), Some(addr(2)));
        agent.forget(addr(2));
        agent.forget(addr(3));
        assert_eq!(agent.selected(), None);
        assert_eq!(agent.consent_deadline(), start + Duration::from_secs(2) + CONSENT_TIMEOUT);
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
            prop_assert_eq!(agent.validated().count(), 0);
        }
    }
}
