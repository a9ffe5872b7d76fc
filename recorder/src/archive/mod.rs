//! Where finished recordings are kept: any object store, in pieces.
//!
//! A track's file is stored as objects of [`PIECE`] bytes, `<recording>/<file>/<number>`. So an upload that was cut off
//! goes on at the piece it was at, a reader fetches the pieces it plays, and all stores are used in the same four ways:
//! put, get, list, delete. A local file goes only after every piece was read back and compared, and the manifest says so.

mod round;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use url::Url;
use uuid::Uuid;

pub use self::round::ArchiveRound;

/// Length of an object in bytes, but for the last one of a file.
const PIECE: u64 = 8 << 20;

/// A place for finished recordings. Clones are the same place.
#[derive(Clone, Debug)]
pub struct Archive {
    store: Arc<dyn ObjectStore>,
    prefix: Key,
    pub(crate) piece: u64,
}

/// Why a place cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Not a URL.
    #[error("{url:?} is no URL: {source}")]
    Url {
        /// As given.
        url: String,
        /// What is wrong.
        source: url::ParseError,
    },
    /// No store of ours, or options that do not fit it.
    #[error("{url} cannot be used: {source}")]
    Store {
        /// As given.
        url: String,
        /// What the store says.
        source: object_store::Error,
    },
}

impl Archive {
    /// `s3://bucket/prefix` or `file:///folder`. Options are the store's own, e.g. `aws_region`, `aws_endpoint`,
    /// `aws_access_key_id`; nothing is connected yet.
    ///
    /// # Errors
    /// When the URL names no store we know, or an option is wrong.
    pub fn open(
        url: &str,
        options: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ArchiveError> {
        let parsed = Url::parse(url).map_err(|source| ArchiveError::Url { url: url.to_owned(), source })?;
        // The TLS under it takes whatever crypto the process has chosen; a second choice is refused and harmless.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (store, prefix) = object_store::parse_url_opts(&parsed, options)
            .map_err(|source| ArchiveError::Store { url: url.to_owned(), source })?;
        Ok(Self { store: Arc::from(store), prefix, piece: PIECE })
    }

    /// An object store that is at hand already.
    pub fn of(store: Arc<dyn ObjectStore>, prefix: Key) -> Self {
        Self { store, prefix, piece: PIECE }
    }

    /// The same place, read and written in pieces of so many bytes.
    pub fn with_pieces_of(self, piece: u64) -> Self {
        Self { piece, ..self }
    }

    fn folder(&self, recording: Uuid) -> Key {
        self.prefix.clone().join(recording.to_string())
    }

    fn key(&self, recording: Uuid, file: &str, number: u64) -> Key {
        self.folder(recording).join(file).join(format!("{number:06}"))
    }

    /// Stores a file and compares what is stored with it. Pieces that are there already, from an upload that was cut
    /// off, are compared and not sent again. Memory: two pieces.
    async fn store(&self, recording: Uuid, path: &Path, file: &str) -> std::io::Result<Stored> {
        let mut local = File::open(path).await?;
        let size = local.metadata().await?.len();
        let mut sent = 0;
        for number in 0..size.div_ceil(self.piece) {
            let mut bytes = BytesMut::zeroed(self.piece.min(size - number * self.piece) as usize);
            local.read_exact(&mut bytes).await?;
            let bytes = bytes.freeze();
            let key = self.key(recording, file, number);
            if self.holds(&key, &bytes).await? {
                continue;
            }
            self.store
                .put(&key, PutPayload::from_bytes(bytes.clone()))
                .await
                .map_err(std::io::Error::other)?;
            sent += 1;
            if !self.holds(&key, &bytes).await? {
                return Err(std::io::Error::other(format!("{key} is not what was stored there")));
            }
        }
        Ok(Stored { size, sent })
    }

    async fn holds(&self, key: &Key, bytes: &Bytes) -> std::io::Result<bool> {
        match self.store.head(key).await {
            Ok(meta) if meta.size != bytes.len() as u64 => return Ok(false),
            Ok(_) => {}
            Err(object_store::Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(std::io::Error::other(error)),
        }
        let stored = self.store.get(key).await.map_err(std::io::Error::other)?;
        Ok(stored.bytes().await.map_err(std::io::Error::other)? == *bytes)
    }

    /// Reads a stretch of a stored file.
    async fn read(&self, recording: Uuid, file: &str, stretch: Range<u64>) -> std::io::Result<Bytes> {
        let mut out = BytesMut::with_capacity((stretch.end - stretch.start) as usize);
        let mut at = stretch.start;
        while at < stretch.end {
            let number = at / self.piece;
            let end = stretch.end.min((number + 1) * self.piece);
            let within = at - number * self.piece..end - number * self.piece;
            let key = self.key(recording, file, number);
            let bytes = self.store.get_range(&key, within.clone()).await.map_err(std::io::Error::other)?;
            if bytes.len() as u64 != within.end - within.start {
                return Err(std::io::Error::other(format!("{key} is shorter than it was")));
            }
            out.extend_from_slice(&bytes);
            at = end;
        }
        Ok(out.freeze())
    }

    /// Bytes the store has of a file.
    pub(crate) async fn size(&self, recording: Uuid, file: &str) -> std::io::Result<u64> {
        let folder = self.folder(recording).join(file);
        let objects = self.store.list(Some(&folder));
        objects
            .try_fold(0, |sum, object| std::future::ready(Ok(sum + object.size)))
            .await
            .map_err(std::io::Error::other)
    }

    /// Deletes everything of a recording; how many objects went.
    async fn purge(&self, recording: Uuid) -> std::io::Result<u64> {
        let folder = self.folder(recording);
        let objects: Vec<_> =
            self.store.list(Some(&folder)).try_collect().await.map_err(std::io::Error::other)?;
        for object in &objects {
            match self.store.delete(&object.location).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(std::io::Error::other(error)),
            }
        }
        Ok(objects.len() as u64)
    }
}

/// What storing a file took.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stored {
    size: u64,
    /// Objects that had to be sent.
    sent: u64,
}

/// A track's sealed file, wherever it is.
#[derive(Debug)]
pub(crate) enum SealedFile {
    Local(File),
    Stored { archive: Archive, recording: Uuid, file: String },
}

impl SealedFile {
    /// Reads exactly that stretch.
    pub(crate) async fn read(&mut self, stretch: Range<u64>) -> std::io::Result<Vec<u8>> {
        match self {
            SealedFile::Local(file) => {
                file.seek(std::io::SeekFrom::Start(stretch.start)).await?;
                let mut bytes = vec![0; (stretch.end - stretch.start) as usize];
                file.read_exact(&mut bytes).await?;
                Ok(bytes)
            }
            SealedFile::Stored { archive, recording, file } => {
                archive.read(*recording, file, stretch).await.map(Vec::from)
            }
        }
    }
}
