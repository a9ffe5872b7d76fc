//! Deleting media for good: the key and all files but the manifest, which then says only that, when and why.

use std::io::ErrorKind;
use std::path::Path;

use sfu::NodeTime;
use uuid::Uuid;

use crate::manifest::{self, Entry, Line, ManifestFile};
use crate::model::Erased;

/// Erases the recording in `folder`, which need not exist. The intent is on the disk before the first file goes, so an
/// erasure that is interrupted is finished at the next start. Errors name what was tried.
pub(crate) fn erase_folder(
    folder: &Path,
    id: Uuid,
    reason: &str,
    at: NodeTime,
) -> Result<Erased, (&'static str, std::io::Error)> {
    std::fs::create_dir_all(folder).map_err(|error| ("make the folder", error))?;
    let (mut lines, good) = match manifest::read(folder) {
        Ok(read) => read,
        Err(error) if error.kind() == ErrorKind::NotFound => Default::default(),
        Err(error) => return Err(("read the manifest", error)),
    };
    if !lines.iter().any(|line| matches!(line.entry, Entry::Erase { .. })) {
        let entry = Entry::Erase { id, reason: reason.to_owned() };
        lines.push(Line { at, entry: entry.clone() });
        if good == 0 {
            manifest::replace(folder, &lines).map_err(|error| ("write the manifest", error))?;
        } else {
            cut(&folder.join(manifest::FILE_NAME), good as u64)
                .and_then(|_| ManifestFile::append_to(folder)?.append(at, entry))
                .map_err(|error| ("write the manifest", error))?;
        }
    }
    let mut erased = Erased::default();
    let entries = std::fs::read_dir(folder).map_err(|error| ("list the folder", error))?;
    for entry in entries {
        let entry = entry.map_err(|error| ("list the folder", error))?;
        if entry.file_name() == manifest::FILE_NAME {
            continue;
        }
        erased.bytes += entry.metadata().map_err(|error| ("read a file's size", error))?.len();
        erased.files += 1;
        std::fs::remove_file(entry.path()).map_err(|error| ("delete a file", error))?;
    }
    manifest::sync_folder(folder).map_err(|error| ("sync the folder", error))?;
    lines.retain(|line| {
        matches!(
            line.entry,
            Entry::Start { .. }
                | Entry::Receipt { .. }
                | Entry::Erase { .. }
                | Entry::Stored { .. }
                | Entry::Purged
        )
    });
    for line in &mut lines {
        if let Entry::Start { key, .. } = &mut line.entry {
            *key = None;
        }
    }
    manifest::replace(folder, &lines).map_err(|error| ("write the manifest", error))?;
    Ok(erased)
}

/// Replaces ids of a buyer in the receipts of an erased recording.
pub(crate) fn forget_ids(
    folder: &Path,
    ids: &[String],
    instead: &str,
) -> Result<(), (&'static str, std::io::Error)> {
    let (mut lines, _) = match manifest::read(folder) {
        Ok(read) => read,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(("read the manifest", error)),
    };
    if !lines.iter().any(|line| matches!(line.entry, Entry::Erase { .. })) {
        return Ok(());
    }
    let mut changed = false;
    for line in &mut lines {
        if let Entry::Receipt { receipt } = &mut line.entry
            && ids.contains(&receipt.subject)
        {
            instead.clone_into(&mut receipt.subject);
            changed = true;
        }
    }
    if changed {
        manifest::replace(folder, &lines).map_err(|error| ("write the manifest", error))?;
    }
    Ok(())
}

/// Shortens a file to `length` if it is longer; says how many bytes went.
pub(crate) fn cut(path: &Path, length: u64) -> std::io::Result<u64> {
    let file = std::fs::File::options().write(true).open(path)?;
    let excess = file.metadata()?.len().saturating_sub(length);
    if excess > 0 {
        file.set_len(length)?;
        file.sync_all()?;
    }
    Ok(excess)
}
