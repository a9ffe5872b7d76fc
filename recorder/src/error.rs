//! What can go wrong, one enum an operation.

use std::path::PathBuf;

use uuid::Uuid;

/// Why the folder of recordings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder is missing and cannot be made, or cannot be read or written.
    #[error("recordings folder {dir}: cannot {action}: {source}")]
    Folder {
        /// The folder.
        dir: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another process records into it.
    #[error("recordings folder {dir} is in use by another process")]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// A setting is out of its range.
    #[error("recorder setting {setting}: {problem}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Why a recording did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is one of that id already.
    #[error("recording {0} exists already")]
    Exists(Uuid),
    /// There is hardly any room left: a recording that begins now would end half.
    #[error("recording {id}: only {free_mb} MB are free in the recordings folder, {needed_mb} MB are needed")]
    DiskFull {
        /// Which.
        id: Uuid,
        /// Free, megabytes.
        free_mb: u64,
        /// The least that must be, megabytes.
        needed_mb: u64,
    },
    /// Its key cannot be made or wrapped: media that cannot be sealed is not written.
    #[error("recording {id}: no key for it: {source}")]
    Key {
        /// Which.
        id: Uuid,
        /// What went wrong.
        source: std::io::Error,
    },
    /// It was erased, perhaps while it started: consent withdrawn early wins.
    #[error("recording {0} was erased")]
    Erased(Uuid),
    /// The disk refused.
    #[error("recording {id}: cannot {action}: {source}")]
    Io {
        /// Which.
        id: Uuid,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// No such recording.
    #[error("there is no recording {0}")]
    NotFound(Uuid),
    /// No such track in it.
    #[error("recording {id} has no track {track:?}")]
    NoTrack {
        /// Which recording.
        id: Uuid,
        /// The track asked for.
        track: String,
    },
    /// Its media is in a store, and none is set.
    #[error("recording {0}: its media is in a store, but no archive is configured")]
    NoArchive(Uuid),
    /// Its manifest does not begin as one.
    #[error("recording {0}: the manifest is damaged")]
    Damaged(Uuid),
    /// The disk refused.
    #[error("recording {id}: cannot {action}: {source}")]
    Io {
        /// Which.
        id: Uuid,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Why media could not be erased. It may still be on disk: try again, and tell an operator.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The disk refused.
    #[error("erasing recording {id}: cannot {action}: {source}")]
    Io {
        /// Which.
        id: Uuid,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}
