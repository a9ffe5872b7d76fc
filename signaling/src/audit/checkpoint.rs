//! Signed heads of the log. A chain whose end was cut off is a good chain; only who remembers how long it was notices.
//! So the server signs the head at start, every hour in which something happened, and at the end, into
//! `audit-checkpoints.jsonl` in the data directory and into its own log. Copies of a line, or of `GET /audit/head`, that
//! are kept elsewhere prove the same about that moment, whatever happens to this machine.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};

use protocol::audit::{AuditBreak, AuditHead, AuditReport, Signed};

use crate::auth::{PublicKey, SigningKey};
use crate::store::{Store, StoreError};

/// Name of the file in the data directory.
pub const FILE_NAME: &str = "audit-checkpoints.jsonl";

/// The file of signed heads, and the key they are signed with.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    file: PathBuf,
    key: SigningKey,
}

/// Why a head could not be signed or read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file cannot be read or written.
    #[error("{file}: {source}")]
    Io {
        /// Which.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Checkpoints {
    /// The file in a data directory. Nothing is read or written yet.
    pub fn new(data_dir: &Path, key: SigningKey) -> Self {
        Self { file: data_dir.join(FILE_NAME), key }
    }

    /// The key that signs.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The head of the log now, signed; none while it is empty.
    pub async fn head(&self, store: &Store) -> Result<Option<Signed<AuditHead>>, CheckpointError> {
        Ok(store.audit_head().await?.map(|head| self.key.sign(head)))
    }

    /// Signs the head into the file and the log, unless the last line says the same already.
    pub async fn sign(&self, store: &Store) -> Result<Option<Signed<AuditHead>>, CheckpointError> {
        let Some(signed) = self.head(store).await? else { return Ok(None) };
        let is_known = self.read()?.last().is_some_and(|last| match last {
            Ok(last) => last.statement.hash == signed.statement.hash,
            Err(_) => false,
        });
        if is_known {
            return Ok(None);
        }
        let line = serde_json::to_string(&signed).unwrap_or_default();
        let append = || {
            let mut options = OpenOptions::new();
            options.create(true).append(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&self.file)?;
            file.write_all(format!("{line}\n").as_bytes())?;
            file.sync_all()
        };
        append().map_err(|source| self.failed(source))?;
        tracing::info!(
            entries = signed.statement.entries,
            head = signed.statement.hash,
            signature = signed.signature,
            "the audit log's head was signed"
        );
        Ok(Some(signed))
    }

    /// Every signed head of the file, or why a line is none.
    pub fn read(&self) -> Result<Vec<Result<Signed<AuditHead>, String>>, CheckpointError> {
        let file = match std::fs::File::open(&self.file) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(self.failed(source)),
        };
        let lines = BufReader::new(file).lines().enumerate();
        lines
            .map(|(index, line)| {
                let line = line.map_err(|source| self.failed(source))?;
                let read = serde_json::from_str(&line);
                Ok(read.map_err(|error| format!("line {} of {}: {error}", index + 1, self.file.display())))
            })
            .collect()
    }

    /// Walks the whole log, and compares it with every signed head of the file and with `more`, which was kept elsewhere.
    pub async fn verify(
        &self,
        store: &Store,
        more: &[Signed<AuditHead>],
    ) -> Result<AuditReport, CheckpointError> {
        let mut heads = Vec::new();
        let mut unreadable = None;
        for line in self.read()? {
            match line {
                Ok(head) => heads.push(head),
                Err(what) => unreadable = unreadable.or(Some(what)),
            }
        }
        heads.extend_from_slice(more);
        let forged = heads.iter().find(|head| !self.key.public().verifies(head));
        let wanted = heads.iter().map(|head| (head.statement.entries, head.statement.hash.clone())).collect();
        let mut report = store.verify_audit(wanted).await?;
        report.checkpoints = u32::try_from(heads.len()).unwrap_or(u32::MAX);
        if report.broken.is_none() {
            let what = unreadable.or_else(|| {
                forged.map(|head| {
                    format!("the signed head of {} was changed, or signed by another key", head.statement.at)
                })
            });
            let number = forged.map_or(report.good, |head| head.statement.entries);
            report.broken = what.map(|what| AuditBreak { number, what });
        }
        Ok(report)
    }

    fn failed(&self, source: std::io::Error) -> CheckpointError {
        CheckpointError::Io { file: self.file.clone(), source }
    }
}

/// Whether a head that was kept elsewhere is one that this key signed.
pub fn is_ours(head: &Signed<AuditHead>, key: &PublicKey) -> bool {
    key.verifies(head)
}
