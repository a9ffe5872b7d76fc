//! The erasure of a buyer: every recording of every one of their ids, what was made of it, and what is known and was written
//! of them. `docs/erasure.md` goes through it table by table.
//!
//! What is asked for is in the store before anything happens, and each step leaves a trace that the next run begins from:
//! a recording's row says which erasure deleted it, a call's subject says which erasure scrubbed it. So a crash at any
//! point costs nothing but time. The certificate is made at the end from these traces, and lists what a legal hold kept.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use protocol::audit::Signed;
use protocol::governance::{
    ArchiveErasure, ErasedRecording, ErasureCertificate, KeptBecause, NotErased, SubjectRef,
};
use protocol::ids::{ExportId, RecordingId};
use recorder::Recorder;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::audit::subject_hash;
use crate::auth::SigningKey;
use crate::exports::Exporter;
use crate::store::{ErasureToDo, Store, StoreError, pseudonym};

/// Between two looks for what was asked for.
const EVERY: Duration = Duration::from_secs(2);
/// After trouble.
const AFTER_TROUBLE: Duration = Duration::from_secs(60);

/// Where media is destroyed: the recorder, for all but tests.
pub trait Destroyer: Send + Sync {
    /// Destroys the key and the media of a recording, running or not. Doing it again is fine.
    fn erase<'a>(&'a self, id: RecordingId, reason: &'a str) -> BoxFuture<'a, Result<(), String>>;

    /// Deletes the file of an export, and stops making it.
    fn unexport(&self, id: ExportId) -> BoxFuture<'_, Result<(), String>>;

    /// Puts something else in the place of a buyer's ids where the remains of an erased recording name them.
    fn forget<'a>(
        &'a self,
        id: RecordingId,
        ids: &'a [String],
        instead: &'a str,
    ) -> BoxFuture<'a, Result<(), String>>;

    /// Deletes what the archive has of an erased recording.
    fn purge(&self, id: RecordingId) -> BoxFuture<'_, Result<(), String>>;
}

/// Where exports of recordings lie.
#[derive(Clone, Debug)]
pub enum Exports {
    /// With the exporter of this server, which may be making some.
    Made(Exporter),
    /// In the folder of a server that does not run.
    Left(PathBuf),
}

/// The recorder, and the exports of what it recorded.
#[derive(Clone, Debug)]
pub struct Eraser {
    /// Has the media.
    pub recorder: Recorder,
    /// Made of it.
    pub exports: Exports,
}

impl Destroyer for Eraser {
    fn erase<'a>(&'a self, id: RecordingId, reason: &'a str) -> BoxFuture<'a, Result<(), String>> {
        async move { self.recorder.erase(id.0, reason).await.map(drop).map_err(|error| error.to_string()) }
            .boxed()
    }

    fn unexport(&self, id: ExportId) -> BoxFuture<'_, Result<(), String>> {
        async move {
            match &self.exports {
                Exports::Made(exporter) => exporter.destroy(id).await.map_err(|error| error.to_string()),
                Exports::Left(folder) => {
                    crate::exports::delete_files(folder, id).map_err(|error| error.to_string())
                }
            }
        }
        .boxed()
    }

    fn forget<'a>(
        &'a self,
        id: RecordingId,
        ids: &'a [String],
        instead: &'a str,
    ) -> BoxFuture<'a, Result<(), String>> {
        async move { self.recorder.forget(id.0, ids, instead).await.map_err(|error| error.to_string()) }
            .boxed()
    }

    fn purge(&self, id: RecordingId) -> BoxFuture<'_, Result<(), String>> {
        async move { self.recorder.purge(id.0).await.map_err(|error| error.to_string()) }.boxed()
    }
}

/// Why an erasure stopped. It goes on from there at the next run.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The recorder failed.
    #[error("recording {id}: {why}")]
    Media {
        /// Which.
        id: RecordingId,
        /// What it said.
        why: String,
    },
}

/// Runs what is asked for, from now on, beginning with what an earlier run of the server left half done.
pub(crate) fn spawn(store: Store, media: Eraser, key: SigningKey) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut looks = tokio::time::interval(EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            if !run_all(&store, &media, &key).await {
                tokio::time::sleep(AFTER_TROUBLE).await;
            }
        }
    })
}

/// Runs everything that is asked for; false when something went wrong.
pub async fn run_all(store: &Store, media: &dyn Destroyer, key: &SigningKey) -> bool {
    let to_do = match store.erasures_to_do().await {
        Ok(to_do) => to_do,
        Err(error) => {
            tracing::error!(%error, "it is not known what is to be erased");
            return false;
        }
    };
    let mut all_well = true;
    for erasure in to_do {
        match run(store, media, key, &erasure).await {
            Ok(certificate) => {
                let said = &certificate.statement;
                tracing::info!(
                    erasure = %erasure.id,
                    recordings = said.recordings.len(),
                    calls = said.calls.len(),
                    kept = said.kept.len(),
                    "a buyer was erased"
                );
            }
            Err(error) => {
                all_well = false;
                tracing::error!(erasure = %erasure.id, %error, "an erasure stopped; it goes on in a minute");
                if let Err(error) = store.erasure_troubled(erasure.id, &error.to_string()).await {
                    tracing::error!(erasure = %erasure.id, %error, "and that was not kept");
                }
            }
        }
    }
    all_well
}

/// Runs one erasure to its end, whatever part of it is done already.
pub async fn run(
    store: &Store,
    media: &dyn Destroyer,
    key: &SigningKey,
    erasure: &ErasureToDo,
) -> Result<Signed<ErasureCertificate>, ErasureError> {
    let SubjectRef { shop, subject } = &erasure.buyer;
    let ids = store.ids_of(shop, subject).await?;
    let on_buyer = store.holds_on_subject(shop, &ids).await?;
    let mut kept = Vec::new();
    // Before the calls, which tell what is looked for.
    store.scrub_saved(erasure, &ids).await?;
    for call in store.calls_of(shop, &ids).await? {
        if store.is_in_progress(call).await? {
            kept.push(NotErased { call, because: KeptBecause::CallInProgress, hold: None });
            continue;
        }
        let mut hold = on_buyer.first().map(|hold| hold.id);
        for recording in store.recordings_ever(call).await? {
            let id = recording.id;
            let failed = |why| ErasureError::Media { id, why };
            if recording.deleted_at.is_none() {
                // Looked for again before each: somebody may have placed one meanwhile.
                if let Some(found) = store.holds_on(id, call).await?.first() {
                    hold = Some(found.id);
                    continue;
                }
                media.erase(id, &erasure.reason()).await.map_err(failed)?;
                store.recording_deleted(id, store.now(), &erasure.reason()).await?;
            }
            for export in store.exports_of(id).await? {
                media.unexport(export.id).await.map_err(failed)?;
            }
            if hold.is_none() {
                media.forget(id, &ids, &pseudonym(&erasure.buyer)).await.map_err(failed)?;
            }
        }
        match hold {
            Some(_) => kept.push(NotErased { call, because: KeptBecause::Hold, hold }),
            None => store.scrub_call(call, erasure).await?,
        }
    }
    let (erased, calls) = store.erased_by(erasure).await?;
    let mut recordings = Vec::with_capacity(erased.len());
    for (recording, erased_at) in erased {
        let archive = match media.purge(recording).await {
            Ok(()) => ArchiveErasure::Gone,
            Err(error) => {
                tracing::warn!(%recording, error, "the archive still has objects of an erased recording");
                ArchiveErasure::Pending
            }
        };
        recordings.push(ErasedRecording { recording, erased_at, archive });
    }
    let certificate = key.sign(ErasureCertificate {
        erasure: erasure.id,
        shop: shop.clone(),
        subject_sha256: subject_hash(shop, subject),
        requested_at: erasure.requested_at,
        finished_at: store.now(),
        ids: u32::try_from(ids.len()).unwrap_or(u32::MAX),
        recordings,
        calls,
        kept,
    });
    store.finish_erasure(erasure, &ids, &certificate).await?;
    Ok(certificate)
}
