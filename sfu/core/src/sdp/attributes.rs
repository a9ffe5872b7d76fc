//! The small values inside SDP attributes, each parsed once and trusted from then on.

use std::fmt;

/// ICE user fragment and password of one side (RFC 8839 §5.4).
#[derive(Clone, PartialEq, Eq)]
pub struct IceCredentials {
    /// User fragment, 4–256 ICE characters.
    pub ufrag: String,
    /// Password, 22–256 ICE characters.
    pub pwd: String,
}

impl IceCredentials {
    /// Takes what an offer says; `None` if a length or a character is outside RFC 8839 §5.4.
    pub fn new(ufrag: &str, pwd: &str) -> Option<Self> {
        let allowed =
            |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'));
        let valid = (4..=256).contains(&ufrag.len())
            && (22..=256).contains(&pwd.len())
            && allowed(ufrag)
            && allowed(pwd);
        valid.then(|| Self { ufrag: ufrag.to_owned(), pwd: pwd.to_owned() })
    }
}

impl fmt::Debug for IceCredentials {
    /// The password is a secret and stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceCredentials").field("ufrag", &self.ufrag).finish_non_exhaustive()
    }
}

/// SHA-256 of a DTLS certificate (RFC 8122 §5).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// Parses `C0:DD:…`, 32 pairs of hexadecimal digits of either case.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        let mut pairs = text.split(':');
        for byte in &mut bytes {
            let pair =
                pairs.next().filter(|pair| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit()))?;
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        pairs.next().is_none().then_some(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    /// As in SDP: upper-case pairs with colons.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            let colon = if place == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// Who opens the DTLS handshake (RFC 8842 §5.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Setup {
    /// Either; the answerer chooses.
    ActPass,
    /// The offerer is the DTLS client.
    Active,
    /// The offerer waits for the handshake.
    Passive,
}

impl Setup {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "actpass" => Some(Setup::ActPass),
            "active" => Some(Setup::Active),
            "passive" => Some(Setup::Passive),
            _ => None,
        }
    }
}

/// Which way media flows on a line, seen from the side that wrote it (RFC 8866 §6.7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// Both ways.
    SendRecv,
    /// The writer sends.
    SendOnly,
    /// The writer receives.
    RecvOnly,
    /// Nothing flows.
    Inactive,
}

impl Direction {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "sendrecv" => Some(Direction::SendRecv),
            "sendonly" => Some(Direction::SendOnly),
            "recvonly" => Some(Direction::RecvOnly),
            "inactive" => Some(Direction::Inactive),
            _ => None,
        }
    }

    /// The attribute's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }

    /// The same flow, seen from the other side.
    pub fn reversed(self) -> Self {
        match self {
            Direction::SendOnly => Direction::RecvOnly,
            Direction::RecvOnly => Direction::SendOnly,
            both_or_none => both_or_none,
        }
    }

    /// The writer may send.
    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    /// The writer may receive.
    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }
}

/// Format parameters of one payload type (`a=fmtp`), in the order given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fmtp(Vec<(String, Option<String>)>);

impl Fmtp {
    /// Parses `key=value;key=value`; a parameter may lack a value. Empty pieces are skipped.
    pub fn parse(text: &str) -> Self {
        let pieces = text.split(';').map(str::trim).filter(|piece| !piece.is_empty());
        Self(
            pieces
                .map(|piece| match piece.split_once('=') {
                    Some((key, value)) => (key.trim().to_owned(), Some(value.trim().to_owned())),
                    None => (piece.to_owned(), None),
                })
                .collect(),
        )
    }

    /// The value of a parameter; names are case-insensitive (RFC 4855 §3).
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).and_then(|(_, value)| value.as_deref())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Fmtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (key, value)) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { ";" };
            match value {
                Some(value) => write!(f, "{separator}{key}={value}")?,
                None => write!(f, "{separator}{key}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_exactly_32_pairs() {
        let text = (0..32).map(|n| format!("{n:02X}")).collect::<Vec<_>>().join(":");
        assert_eq!(Fingerprint::from_hex(&text).map(|it| it.to_string()), Some(text.clone()));
        assert!(Fingerprint::from_hex(&text.to_lowercase()).is_some());
        assert_eq!(Fingerprint::from_hex(&text[3..]), None);
        assert_eq!(Fingerprint::from_hex(&format!("{text}:00")), None);
        assert_eq!(Fingerprint::from_hex(&text.replacen("00", "+0", 1)), None);
    }

    #[test]
    fn ice_credentials_keep_to_their_alphabet_and_lengths() {
        let pwd = "CZcApam+5NKYLjzfqWXLlQz+";
        assert!(IceCredentials::new("zYlI", pwd).is_some());
        assert!(IceCredentials::new("zYl", pwd).is_none());
        assert!(IceCredentials::new("zYlI", &pwd[..21]).is_none());
        assert!(IceCredentials::new("zY I", pwd).is_none());
        assert!(!format!("{:?}", IceCredentials::new("zYlI", pwd)).contains(pwd));
    }

    #[test]
    fn format_parameters_are_found_by_name_and_printed_in_order() {
        let fmtp = Fmtp::parse("level-asymmetry-allowed=1; Packetization-Mode=1;;profile-level-id=42e01f;x");
        assert_eq!(fmtp.get("packetization-mode"), Some("1"));
        assert_eq!(fmtp.get("apt"), None);
        assert_eq!(
            fmtp.to_string(),
            "level-asymmetry-allowed=1;Packetization-Mode=1;profile-level-id=42e01f;x"
        );
    }
}
