//! Certificates: read from files, checked, or made for a local network.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

/// Days that a certificate of our own is good. iPhones refuse more than 825.
const SELF_SIGNED_DAYS: i64 = 365;

/// A certificate that fits its key.
#[derive(Debug)]
pub struct Loaded {
    /// Last moment it is good.
    pub not_after: Timestamp,
    config: Arc<ServerConfig>,
}

impl Loaded {
    /// For the HTTP server.
    pub fn config(&self) -> Arc<ServerConfig> {
        self.config.clone()
    }
}

/// Why certificate and key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// No certificate could be read from the file.
    #[error("no certificate can be read from {file}: {why}")]
    Certificate {
        /// Which.
        file: PathBuf,
        /// Why not.
        why: String,
    },
    /// No private key could be read from the file.
    #[error("no private key can be read from {file}: {why}")]
    Key {
        /// Which.
        file: PathBuf,
        /// Why not.
        why: String,
    },
    /// They do not belong together, or are of a kind that is not supported.
    #[error("the key {key} and the certificate {certificate} cannot be used together: {why}")]
    Mismatch {
        /// File of the certificate.
        certificate: PathBuf,
        /// File of the key.
        key: PathBuf,
        /// Why not.
        why: String,
    },
    /// A certificate of our own could not be made.
    #[error("a certificate of our own cannot be made: {0}")]
    SelfSigned(String),
}

impl TlsError {
    /// The setting to change.
    pub fn setting(&self) -> &'static str {
        match self {
            Self::Certificate { .. } => "http.tls_certificate",
            Self::Key { .. } | Self::Mismatch { .. } => "http.tls_key",
            Self::SelfSigned(_) => "http.self_signed",
        }
    }
}

fn provider() -> CryptoProvider {
    ring::default_provider()
}

/// Reads a chain and its key from PEM files and checks that they belong together.
pub fn load(certificate: &Path, key: &Path) -> Result<Loaded, TlsError> {
    let no_certificate = |why: String| TlsError::Certificate { file: certificate.to_owned(), why };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| no_certificate(error.to_string()))?;
    let first = chain.first().ok_or_else(|| no_certificate("there is none in it".to_owned()))?;
    let not_after = read(first).map(|read| read.not_after).map_err(no_certificate)?;
    let secret = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| TlsError::Key { file: key.to_owned(), why: error.to_string() })?;
    let mismatch = |error: rustls::Error| TlsError::Mismatch {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        why: error.to_string(),
    };
    CertifiedKey::from_der(chain.clone(), secret.clone_key(), &provider()).map_err(mismatch)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .map_err(mismatch)?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(mismatch)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Loaded { not_after, config: Arc::new(config) })
}

struct Read {
    not_after: Timestamp,
    addresses: Vec<IpAddr>,
}

fn read(certificate: &CertificateDer<'_>) -> Result<Read, String> {
    use x509_parser::extensions::GeneralName;
    let (_, parsed) =
        x509_parser::parse_x509_certificate(certificate).map_err(|error| format!("not X.509: {error}"))?;
    let not_after = Timestamp::from_second(parsed.validity().not_after.timestamp())
        .map_err(|_| "it ends at a time beyond all calendars".to_owned())?;
    let names = parsed.subject_alternative_name().ok().flatten();
    let addresses = names
        .iter()
        .flat_map(|names| &names.value.general_names)
        .filter_map(|name| match name {
            GeneralName::IPAddress(bytes) => <[u8; 4]>::try_from(*bytes)
                .map(IpAddr::from)
                .or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from))
                .ok(),
            _ => None,
        })
        .collect();
    Ok(Read { not_after, addresses })
}

/// A certificate of our own for `localhost` and some addresses, kept in `dir` so that a browser that was told to
/// trust it keeps doing so. It is made anew when it ends within a week or lacks an address.
pub fn self_signed(dir: &Path, addresses: &[IpAddr], now: Timestamp) -> Result<Loaded, TlsError> {
    let (certificate, key) = (dir.join("self-signed.crt"), dir.join("self-signed.key"));
    if let Ok(loaded) = load(&certificate, &key)
        && loaded.not_after.duration_since(now) > SignedDuration::from_hours(7 * 24)
        && CertificateDer::from_pem_file(&certificate)
            .ok()
            .and_then(|first| read(&first).ok())
            .is_some_and(|read| addresses.iter().all(|address| read.addresses.contains(address)))
    {
        return Ok(loaded);
    }
    make(&certificate, &key, addresses, now)?;
    load(&certificate, &key)
}

fn make(certificate: &Path, key: &Path, addresses: &[IpAddr], now: Timestamp) -> Result<(), TlsError> {
    let failed = |error: &dyn std::fmt::Display| TlsError::SelfSigned(error.to_string());
    let names = addresses.iter().map(ToString::to_string).chain(["localhost".to_owned()]).collect::<Vec<_>>();
    let mut params = rcgen::CertificateParams::new(names).map_err(|error| failed(&error))?;
    params.distinguished_name.push(rcgen::DnType::CommonName, "Vitrine, made for this network");
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    // A day earlier, for phones whose clocks are behind.
    params.not_before = date(now - SignedDuration::from_hours(24));
    params.not_after = date(now + SignedDuration::from_hours(24 * SELF_SIGNED_DAYS));
    let pair = rcgen::KeyPair::generate().map_err(|error| failed(&error))?;
    let made = params.self_signed(&pair).map_err(|error| failed(&error))?;
    std::fs::write(certificate, made.pem()).map_err(|error| failed(&error))?;
    crate::auth::write_secret(key, pair.serialize_pem().as_bytes()).map_err(|error| failed(&error))
}

/// Midnight of a day, in the type that rcgen takes.
fn date(at: Timestamp) -> time::OffsetDateTime {
    let day = at.to_zoned(jiff::tz::TimeZone::UTC).date();
    let month = u8::try_from(day.month()).unwrap_or(1);
    let in_month = u8::try_from(day.day()).unwrap_or(1);
    rcgen::date_time_ymd(day.year().into(), month, in_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_of_our_own_is_kept_until_it_no_longer_serves() {
        let dir = tempfile::tempdir().unwrap();
        let here = [IpAddr::from([192, 168, 1, 5])];
        let now = Timestamp::now();
        let pem = || std::fs::read(dir.path().join("self-signed.crt")).unwrap();
        let made = self_signed(dir.path(), &here, now).unwrap();
        assert!(made.not_after > now + SignedDuration::from_hours(24 * 300));
        let first = pem();
        self_signed(dir.path(), &here, now).unwrap();
        assert_eq!(pem(), first, "the same again");
        self_signed(dir.path(), &[IpAddr::from([10, 0, 0, 1])], now).unwrap();
        let second = pem();
        assert_ne!(second, first, "the address has changed");
        let later = now + SignedDuration::from_hours(24 * 361);
        self_signed(dir.path(), &[IpAddr::from([10, 0, 0, 1])], later).unwrap();
        assert_ne!(pem(), second, "it would have ended");
    }
}
