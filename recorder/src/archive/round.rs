//! Rounds over the folder of recordings: what is complete and not stored yet is stored, what was erased is purged.
//!
//! A round begins from what the manifests say, so it does not matter what interrupted the one before: a crash, an
//! outage of the store, a full disk. It never touches a recording that runs. When a few recordings in a row cannot be
//! stored, the store is taken to be away and left alone until the next round, however many are waiting.

use std::path::Path;

use uuid::Uuid;

use super::Archive;
use crate::index::fold;
use crate::manifest::{self, Entry, ManifestFile};
use crate::recorder::{Inner, wall_clock};
use crate::session::lock;

/// After so many failures in a row a round ends: it is not this recording or that, it is the store.
const FAILURES_MAX: u32 = 3;

/// What a round did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ArchiveRound {
    /// Track files that are in the store now and no longer here.
    pub stored: u32,
    /// Objects that had to be sent for that.
    pub objects_sent: u64,
    /// Erased recordings of which the store holds nothing any more.
    pub purged: u32,
    /// What did not work, with the recording; it is tried again in the next round.
    pub failed: Vec<(Uuid, String)>,
}

/// What the manifest of one recording leaves to do.
enum Todo {
    Nothing,
    /// Files still here, by name.
    Store(Vec<String>),
    Purge,
}

impl Todo {
    fn of(folder: &Path, id: Uuid) -> std::io::Result<Self> {
        let (lines, _) = manifest::read(folder)?;
        let Some(index) = fold(id, &lines) else { return Ok(Todo::Nothing) };
        let is_purged = lines.iter().any(|line| matches!(line.entry, Entry::Purged));
        Ok(match (&index.erased, index.complete) {
            (Some(_), _) if is_purged => Todo::Nothing,
            (Some(_), _) => Todo::Purge,
            (None, false) => Todo::Nothing,
            (None, true) => {
                let files = lines.iter().filter_map(|line| match &line.entry {
                    Entry::Track { file, .. } if folder.join(file).exists() => Some(file.clone()),
                    _ => None,
                });
                let files: Vec<String> = files.collect();
                if files.is_empty() { Todo::Nothing } else { Todo::Store(files) }
            }
        })
    }
}

impl Inner {
    /// One round over everything.
    pub(crate) async fn archive_round(&self, archive: &Archive) -> ArchiveRound {
        let _one = self.archiving().await;
        let mut round = ArchiveRound::default();
        let dir = self.config.dir.clone();
        let listed = tokio::task::spawn_blocking(move || crate::recorder::list(&dir)).await;
        let recordings = match listed.map_err(std::io::Error::other).and_then(|listed| listed) {
            Ok(recordings) => recordings,
            Err(error) => {
                round.failed.push((Uuid::nil(), format!("cannot list the recordings: {error}")));
                return round;
            }
        };
        let mut waiting = Vec::new();
        for id in recordings {
            // Said before it is true: an erasure meanwhile takes it back, and the next round purges.
            if self.is_live(id) || !lock(&self.settled).insert(id) {
                continue;
            }
            match Todo::of(&self.folder(id), id) {
                Ok(Todo::Nothing) => {}
                _ => waiting.push(id),
            }
        }
        {
            let mut progress = lock(&self.progress);
            progress.waiting = u32::try_from(waiting.len()).unwrap_or(u32::MAX);
            let failed = std::mem::take(&mut progress.failed);
            // One that can never be stored does not hold up the others for ever.
            waiting.sort_by_key(|id| failed.contains(id));
        }
        let mut in_a_row = 0;
        for id in waiting {
            if in_a_row == FAILURES_MAX {
                lock(&self.settled).remove(&id);
                continue;
            }
            match self.archive_one(archive, id, &mut round).await {
                Ok(()) => {
                    in_a_row = 0;
                    lock(&self.progress).worked(id);
                }
                Err(error) => {
                    in_a_row += 1;
                    lock(&self.settled).remove(&id);
                    let why = error.to_string();
                    lock(&self.progress).failed(id, &why);
                    round.failed.push((id, why));
                }
            }
        }
        round
    }

    /// Deletes what the archive has of an erased recording.
    pub(crate) async fn purge_now(&self, id: Uuid) -> std::io::Result<()> {
        let folder = self.folder(id);
        let (lines, _) = match manifest::read(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            read => read?,
        };
        let Some(archive) = &self.config.archive else {
            let is_purged = lines.iter().any(|line| matches!(line.entry, Entry::Purged));
            return match lines.iter().any(|line| matches!(line.entry, Entry::Stored { .. })) && !is_purged {
                true => Err(std::io::Error::other("its media is in an archive, but none is set")),
                false => Ok(()),
            };
        };
        let _one = self.archiving().await;
        match Todo::of(&folder, id)? {
            Todo::Purge => self.archive_one(archive, id, &mut ArchiveRound::default()).await,
            Todo::Nothing | Todo::Store(_) => Ok(()),
        }
    }

    async fn archive_one(
        &self,
        archive: &Archive,
        id: Uuid,
        round: &mut ArchiveRound,
    ) -> std::io::Result<()> {
        let folder = self.folder(id);
        match Todo::of(&folder, id)? {
            Todo::Nothing => {}
            Todo::Purge => {
                archive.purge(id).await?;
                let _turn = self.turn(id).await;
                ManifestFile::append_to(&folder)?.append(wall_clock(), Entry::Purged)?;
                round.purged += 1;
            }
            Todo::Store(files) => {
                for file in files {
                    let stored = archive.store(id, &folder.join(&file), &file).await?;
                    // Erased meanwhile? Starting, erasing and this take turns.
                    let _turn = self.turn(id).await;
                    if !matches!(Todo::of(&folder, id)?, Todo::Store(_)) {
                        return Ok(());
                    }
                    let entry = Entry::Stored { file: file.clone(), size: stored.size, piece: archive.piece };
                    ManifestFile::append_to(&folder)?.append(wall_clock(), entry)?;
                    std::fs::remove_file(folder.join(&file))?;
                    round.stored += 1;
                    round.objects_sent += stored.sent;
                }
                tracing::info!(recording = %id, "recording is in the store");
            }
        }
        Ok(())
    }
}
