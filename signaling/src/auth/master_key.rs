//! The key of this server, which seals the secrets in the store.
//!
//! It lives beside the database but in a file of its own (`<data dir>/master.key`), so that a copy of the
//! database alone opens nothing. AES-256-GCM; the owner's id is bound in as associated data, so a sealed secret
//! cannot be moved to another row.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use recorder::{KEY_LEN, KeyFuture, KeyWrap};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use uuid::Uuid;

use super::secret::random;

/// Seals and opens secrets; clones are the same key.
#[derive(Clone)]
pub struct MasterKey(Arc<LessSafeKey>);

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file could not be read or made.
    #[error("the key {file} cannot be read or made: {source}")]
    Io {
        /// Where.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("{0} does not hold a master key: 32 bytes in base64 are expected")]
    Malformed(PathBuf),
    /// The file holds something else.
    #[error("{0} does not hold a signing key: an Ed25519 key of PKCS #8 in base64 is expected")]
    NoSigningKey(PathBuf),
}

impl MasterKey {
    /// Reads the key of a file; makes file and key when missing, readable for the owner only.
    pub fn load(file: &Path) -> Result<Self, MasterKeyError> {
        let io = |source| MasterKeyError::Io { file: file.to_owned(), source };
        let mut text = String::new();
        match File::open(file) {
            // A key is short; whatever is longer is something else and not worth reading whole.
            Ok(opened) => opened.take(1024).read_to_string(&mut text).map_err(io)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                text = STANDARD.encode(random::<32>());
                write_secret(file, text.as_bytes()).map_err(io)?;
                text.len()
            }
            Err(error) => return Err(io(error)),
        };
        let bytes = STANDARD.decode(text.trim()).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        bytes.map(Self::from_bytes).ok_or_else(|| MasterKeyError::Malformed(file.to_owned()))
    }

    /// A key that is nowhere else, for tests.
    pub fn generate() -> Self {
        Self::from_bytes(random())
    }

    fn from_bytes(bytes: [u8; 32]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, &bytes).expect("32 bytes are a key of AES-256");
        Self(Arc::new(LessSafeKey::new(key)))
    }

    /// Nonce, ciphertext and tag of `secret`, bound to `owner`.
    pub(crate) fn seal(&self, owner: &[u8], secret: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = random();
        let mut sealed = secret.to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(owner), &mut sealed)
            .expect("a secret is far shorter than AES-GCM's limit");
        [&nonce[..], &sealed].concat()
    }

    /// What [`seal`](Self::seal) sealed for this owner; none when key, owner or bytes are others.
    pub(crate) fn open(&self, owner: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        self.0.open_in_place(nonce, Aad::from(owner), &mut sealed).ok().map(|secret| secret.to_vec())
    }
}

/// Writes a file that only its owner may read, replacing what was there.
pub(crate) fn write_secret(file: &Path, secret: &[u8]) -> std::io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut made = options.open(file)?;
    made.write_all(secret)?;
    made.sync_all()
}

/// The key file is the default of what wraps the keys of recordings.
impl KeyWrap for MasterKey {
    fn wrap<'a>(&'a self, recording: Uuid, key: &'a [u8; KEY_LEN]) -> KeyFuture<'a, Vec<u8>> {
        let wrapped = self.seal(recording.as_bytes(), key);
        Box::pin(async move { Ok(wrapped) })
    }

    fn unwrap<'a>(&'a self, recording: Uuid, wrapped: &'a [u8]) -> KeyFuture<'a, [u8; KEY_LEN]> {
        let key = self.open(recording.as_bytes(), wrapped).and_then(|key| key.try_into().ok());
        Box::pin(async move { key.ok_or_else(|| io::Error::other("it was wrapped by another master key")) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_for_its_owner_and_nobody_else() {
        let key = MasterKey::generate();
        let sealed = key.seal(b"key_a", b"secret");
        assert_eq!(key.open(b"key_a", &sealed).as_deref(), Some(&b"secret"[..]));
        assert_eq!(key.open(b"key_b", &sealed), None);
        assert_eq!(MasterKey::generate().open(b"key_a", &sealed), None);
        assert_eq!(key.open(b"key_a", &sealed[..5]), None);
    }

    #[test]
    fn the_key_file_is_made_once_and_then_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("master.key");
        let sealed = MasterKey::load(&file).unwrap().seal(b"x", b"secret");
        assert_eq!(MasterKey::load(&file).unwrap().open(b"x", &sealed).as_deref(), Some(&b"secret"[..]));
        std::fs::write(&file, "short").unwrap();
        assert!(matches!(MasterKey::load(&file), Err(MasterKeyError::Malformed(_))));
    }
}
