//! The key with which this server signs what others should be able to check: certificates of erasure and heads of the
//! audit log. Ed25519 (RFC 8032) in `<data dir>/signing.key`, PKCS #8 in base64. What is signed is the canonical JSON of
//! a statement (RFC 8785: no blanks, members in the order of their names; our statements hold no fractions).

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocol::audit::{Signed, SigningKeyInfo};
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::Serialize;
use serde_json::Value;

use super::master_key::{MasterKeyError, write_secret};

/// The only algorithm.
const ALGORITHM: &str = "Ed25519";

/// Signs; clones are the same key.
#[derive(Clone)]
pub struct SigningKey(Arc<Ed25519KeyPair>);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SigningKey").field(&self.public().to_base64()).finish()
    }
}

/// Checks signatures.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicKey(Vec<u8>);

impl SigningKey {
    /// Reads the key of a file; makes file and key when missing, readable for the owner only.
    pub fn load(file: &Path) -> Result<Self, MasterKeyError> {
        let io = |source| MasterKeyError::Io { file: file.to_owned(), source };
        let mut text = String::new();
        match File::open(file) {
            Ok(opened) => opened.take(1024).read_to_string(&mut text).map_err(io)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                text = STANDARD.encode(new_pair());
                write_secret(file, text.as_bytes()).map_err(io)?;
                text.len()
            }
            Err(error) => return Err(io(error)),
        };
        let pair =
            STANDARD.decode(text.trim()).ok().and_then(|bytes| Ed25519KeyPair::from_pkcs8(&bytes).ok());
        pair.map(|pair| Self(Arc::new(pair))).ok_or_else(|| MasterKeyError::NoSigningKey(file.to_owned()))
    }

    /// A key that is nowhere else, for tests.
    pub fn generate() -> Self {
        Self(Arc::new(Ed25519KeyPair::from_pkcs8(&new_pair()).expect("a key that was just made can be read")))
    }

    /// What its signatures are checked with.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.public_key().as_ref().to_vec())
    }

    /// The same for others.
    pub fn info(&self) -> SigningKeyInfo {
        SigningKeyInfo { algorithm: ALGORITHM.to_owned(), public_key: self.public().to_base64() }
    }

    /// A statement with its signature.
    pub fn sign<T: Serialize>(&self, statement: T) -> Signed<T> {
        let signature = self.0.sign(&canonical(&statement));
        Signed {
            statement,
            algorithm: ALGORITHM.to_owned(),
            public_key: self.public().to_base64(),
            signature: STANDARD.encode(signature),
        }
    }
}

fn new_pair() -> Vec<u8> {
    let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
    made.expect("the operating system has random numbers").as_ref().to_vec()
}

impl PublicKey {
    /// The key that a text is in base64, 32 bytes.
    pub fn from_base64(text: &str) -> Option<Self> {
        STANDARD.decode(text.trim()).ok().filter(|bytes| bytes.len() == 32).map(Self)
    }

    /// In base64.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.0)
    }

    /// Whether this key signed exactly that statement.
    pub fn verifies<T: Serialize>(&self, signed: &Signed<T>) -> bool {
        let Ok(signature) = STANDARD.decode(&signed.signature) else { return false };
        let key = UnparsedPublicKey::new(&ED25519, &self.0);
        signed.algorithm == ALGORITHM
            && signed.public_key == self.to_base64()
            && key.verify(&canonical(&signed.statement), &signature).is_ok()
    }
}

/// The canonical JSON of a statement.
fn canonical<T: Serialize>(statement: &T) -> Vec<u8> {
    let mut out = Vec::new();
    write(&serde_json::to_value(statement).unwrap_or_default(), &mut out);
    out
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.encode_utf16().collect::<Vec<_>>());
            out.push(b'{');
            for (index, (name, value)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(&Value::String(name.clone()), out);
                out.push(b':');
                write(value, out);
            }
            out.push(b'}');
        }
        Value::Array(values) => {
            out.push(b'[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(value, out);
            }
            out.push(b']');
        }
        plain => out.extend_from_slice(plain.to_string().as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::audit::AuditHead;

    fn head() -> AuditHead {
        AuditHead { entries: 7, hash: "ab".into(), at: jiff::Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn canonical_json_has_sorted_names_and_no_blanks() {
        let value = serde_json::json!({ "b": [1, { "z": null, "a": "é\n" }], "a": true, "B": {} });
        let text = String::from_utf8(canonical(&value)).unwrap();
        assert_eq!(text, "{\"B\":{},\"a\":true,\"b\":[1,{\"a\":\"é\\n\",\"z\":null}]}");
    }

    #[test]
    fn a_signature_is_good_for_its_statement_and_its_key_only() {
        let key = SigningKey::generate();
        let signed = key.sign(head());
        let public = PublicKey::from_base64(&key.info().public_key).unwrap();
        assert!(public.verifies(&signed));
        let mut changed = signed.clone();
        changed.statement.entries = 6;
        assert!(!public.verifies(&changed));
        assert!(!SigningKey::generate().public().verifies(&signed));
        let forged = Signed { public_key: SigningKey::generate().info().public_key, ..signed.clone() };
        assert!(!public.verifies(&forged));
        assert!(!public.verifies(&Signed { signature: "x".into(), ..signed }));
    }

    #[test]
    fn the_key_file_is_made_once_and_then_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("signing.key");
        let first = SigningKey::load(&file).unwrap().public();
        assert_eq!(SigningKey::load(&file).unwrap().public(), first);
        std::fs::write(&file, "short").unwrap();
        assert!(matches!(SigningKey::load(&file), Err(MasterKeyError::NoSigningKey(_))));
    }
}
