//! `vitrine erase` and `vitrine erasure verify`. Erasing works while the server runs, which then does it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Subcommand;
use recorder::{OpenError, Recorder, RecorderConfig};
use signaling::audit::{Actor, subject_hash};
use signaling::auth::{MasterKey, PublicKey, SigningKey};
use signaling::config::{Flags, Settings};
use signaling::erasure::{self, Eraser, Exports};
use signaling::exports::EXPORTS_DIR;
use signaling::protocol::audit::Signed;
use signaling::protocol::governance::{ErasureCertificate, SubjectRef};
use signaling::protocol::ids::ErasureId;
use signaling::store::Store;

use super::admin::{self, Failure};

/// How long a running server may take before the command leaves it to it.
const PATIENCE: Duration = Duration::from_secs(120);

/// Erases a buyer for good: every recording of every alias, and what calls and tickets know of them.
#[derive(clap::Args)]
pub(super) struct Erase {
    /// Shop id, the `iss` of its tokens.
    #[arg(long)]
    shop: String,
    /// The shop's id of the buyer, or one of their aliases.
    #[arg(long)]
    subject: String,
    /// Why; it is kept in the audit log.
    #[arg(long)]
    why: String,
    /// Where the signed certificate goes. Default: erasure-<id>.json in this folder.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Settings file (TOML).
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// data.dir: database, recordings and keys.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Certificates of erasures.
#[derive(clap::Args)]
pub(super) struct ErasureCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Say whether a certificate is what the server signed. Ends with 1 if it is not.
    Verify {
        /// The certificate.
        file: PathBuf,
        /// The server's public key in base64 (`GET /api/v1/signing-key`). Default: that of data.dir.
        #[arg(long)]
        public_key: Option<String>,
        /// The buyer's id: check that the certificate is about them.
        #[arg(long)]
        subject: Option<String>,
        /// Settings file (TOML).
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// data.dir: database, recordings and keys.
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
    },
}

impl Erase {
    pub(super) fn flags(&self) -> Flags {
        Flags { config: self.config.clone(), data_dir: self.data_dir.clone(), ..Flags::default() }
    }
}

impl ErasureCommand {
    pub(super) fn flags(&self) -> Flags {
        let What::Verify { config, data_dir, .. } = &self.what;
        Flags { config: config.clone(), data_dir: data_dir.clone(), ..Flags::default() }
    }
}

/// `vitrine erase`
pub(super) fn erase(erase: &Erase, settings: &Settings) -> ExitCode {
    admin::finish(super::block_on(run(erase, settings)))
}

/// `vitrine erasure`
pub(super) fn erasure(command: &ErasureCommand, settings: &Settings) -> ExitCode {
    let What::Verify { file, public_key, subject, .. } = &command.what;
    admin::finish(Ok(verify(file, public_key.as_deref(), subject.as_deref(), &settings.data.dir)))
}

async fn run(asked: &Erase, settings: &Settings) -> Result<String, Failure> {
    for (flag, text) in [("--shop", &asked.shop), ("--subject", &asked.subject), ("--why", &asked.why)] {
        if text.trim().is_empty() {
            return Err(format!("{flag} must not be empty").into());
        }
    }
    let store = admin::open_existing(settings).await?;
    let buyer = SubjectRef { shop: asked.shop.clone(), subject: asked.subject.clone() };
    let ids = store.ids_of(&buyer.shop, &buyer.subject).await?;
    if let Some(hold) = store.holds_on_subject(&buyer.shop, &ids).await?.first() {
        let (id, by, since) = (hold.id, &hold.placed_by, hold.placed_at);
        return Err(format!("hold {id}, placed by {by} at {since}: {}", hold.why).into());
    }
    let id = store.request_erasure(&buyer, asked.why.trim(), Actor::Operator).await?;
    let certificate = match open_recorder(settings).await? {
        Some(recorder) => {
            let key = SigningKey::load(&settings.data.dir.join("signing.key"))?;
            let exports = Exports::Left(settings.data.dir.join(EXPORTS_DIR));
            erasure::run_all(&store, &Eraser { recorder, exports }, &key).await;
            certificate(&store, id).await?
        }
        None => wait_for_server(&store, id).await?,
    };
    let certificate =
        certificate.ok_or("it is not done yet; the server goes on with it, see GET /api/v1/erasures")?;
    let file = asked.certificate.clone().unwrap_or_else(|| PathBuf::from(format!("erasure-{id}.json")));
    let text = serde_json::to_string_pretty(&certificate)?;
    std::fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(format!("{}\ncertificate  {}", told(&certificate.statement), file.display()))
}

/// The recorder, unless a server has it.
async fn open_recorder(settings: &Settings) -> Result<Option<Recorder>, Failure> {
    let keys = Arc::new(MasterKey::load(&settings.data.dir.join("master.key"))?);
    let mut config = RecorderConfig::new(settings.data.dir.join("recordings"), keys);
    config.archive = settings.recording.archive().transpose()?;
    match Recorder::open(config).await {
        Ok((recorder, _)) => Ok(Some(recorder)),
        Err(OpenError::InUse { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn certificate(store: &Store, id: ErasureId) -> Result<Option<Signed<ErasureCertificate>>, Failure> {
    let erasure = store.erasure(id).await?.ok_or("the erasure is not in the store")?;
    match (erasure.certificate, erasure.trouble) {
        (None, Some(trouble)) => Err(trouble.into()),
        (certificate, _) => Ok(certificate),
    }
}

async fn wait_for_server(
    store: &Store,
    id: ErasureId,
) -> Result<Option<Signed<ErasureCertificate>>, Failure> {
    eprintln!("The server runs and does it …");
    let waiting = async {
        loop {
            if let Some(done) = certificate(store, id).await? {
                return Ok(Some(done));
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or(Ok(None))
}

fn told(said: &ErasureCertificate) -> String {
    format!(
        "erased       {} recordings, {} calls, by {} ids\nkept         {}",
        said.recordings.len(),
        said.calls.len(),
        said.ids,
        match said.kept.len() {
            0 => "nothing".to_owned(),
            more => format!("{more} calls under hold or in progress: erase again when they are not"),
        }
    )
}

fn verify(
    file: &Path,
    public_key: Option<&str>,
    subject: Option<&str>,
    data_dir: &Path,
) -> Result<String, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let signed: Signed<ErasureCertificate> = serde_json::from_str(&text)
        .map_err(|error| format!("{} is no certificate of erasure: {error}", file.display()))?;
    let key = match public_key {
        Some(text) => PublicKey::from_base64(text).ok_or("--public-key: 32 bytes in base64 are expected")?,
        None => {
            let file = data_dir.join("signing.key");
            if !file.exists() {
                return Err(format!("{} is not there: give --public-key", file.display()).into());
            }
            SigningKey::load(&file)?.public()
        }
    };
    if !key.verifies(&signed) {
        return Err("NOT GOOD: it was changed, or signed by another key".into());
    }
    let said = &signed.statement;
    if let Some(subject) = subject
        && subject_hash(&said.shop, subject) != said.subject_sha256
    {
        return Err("NOT GOOD: it is about another buyer".into());
    }
    Ok(format!("good: signed by this server at {}\n{}", said.finished_at, told(said)))
}
