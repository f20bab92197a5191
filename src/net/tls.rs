//! TLS for both wires: certificates from files, renewed when the files change.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::SystemTime;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::Config;

/// A certificate and its key on disk, read again when either file changes.
#[derive(Debug)]
pub struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<(Arc<CertifiedKey>, Stamp)>,
}

/// When the two files were last written.
type Stamp = [Option<SystemTime>; 2];

impl Certificate {
    /// Reads both files.
    ///
    /// # Errors
    /// Which file cannot be used, and why.
    pub fn load(certificate: &Path, key: &Path) -> io::Result<Arc<Self>> {
        let stamp = stamp(certificate, key);
        let current = RwLock::new((Arc::new(read(certificate, key)?), stamp));
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        Ok(Arc::new(Self {
            certificate,
            key,
            current,
        }))
    }

    /// Reads the files again where they have changed. The old certificate stays in use where the
    /// new one cannot be read. Returns whether a new one is in use.
    ///
    /// # Errors
    /// Why the changed files cannot be used.
    pub fn renew(&self) -> io::Result<bool> {
        let stamp = stamp(&self.certificate, &self.key);
        if self.current.read().is_ok_and(|current| current.1 == stamp) {
            return Ok(false);
        }
        let fresh = Arc::new(read(&self.certificate, &self.key)?);
        if let Ok(mut current) = self.current.write() {
            *current = (fresh, stamp);
        }
        Ok(true)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current
            .read()
            .ok()
            .map(|current| Arc::clone(&current.0))
    }
}

/// The TLS of a listener with this certificate.
#[must_use]
pub fn server(certificate: &Arc<Certificate>) -> Arc<ServerConfig> {
    let resolver: Arc<dyn ResolvesServerCert> = Arc::<Certificate>::clone(certificate);
    Arc::new(
        ServerConfig::builder()
            .with_no_client_auth()
            .with_cert_resolver(resolver),
    )
}

/// TLS for SIP, both ways.
#[derive(Clone)]
pub struct Sip {
    /// For listeners; there is none without a certificate.
    pub acceptor: Option<TlsAcceptor>,
    /// For connections of ours.
    pub client: Arc<ClientConfig>,
}

impl fmt::Debug for Sip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accepts = self.acceptor.is_some();
        f.debug_struct("Sip")
            .field("accepts", &accepts)
            .finish_non_exhaustive()
    }
}

/// The TLS of SIP, as the configuration has it; certificates to renew are put to `certificates`.
///
/// # Errors
/// Which file cannot be used, and why.
pub fn sip(config: &Config, certificates: &mut Vec<Arc<Certificate>>) -> io::Result<Sip> {
    let files = &config.sip.tls;
    let client = client(files.ca.as_deref())?;
    let acceptor = match (&files.certificate, &files.key) {
        (Some(certificate), Some(key)) => Some(acceptor(certificate, key, certificates)?),
        (Some(_) | None, _) => None,
    };
    Ok(Sip { acceptor, client })
}

/// The TLS of pages and WebSockets, as the configuration has it; `None` where they are plain.
///
/// # Errors
/// Which file cannot be used, and why.
pub fn https(
    config: &Config,
    certificates: &mut Vec<Arc<Certificate>>,
) -> io::Result<Option<TlsAcceptor>> {
    let files = config.server.tls.as_ref();
    files
        .map(|files| acceptor(&files.certificate, &files.key, certificates))
        .transpose()
}

fn acceptor(
    certificate: &Path,
    key: &Path,
    certificates: &mut Vec<Arc<Certificate>>,
) -> io::Result<TlsAcceptor> {
    let certificate = Certificate::load(certificate, key)?;
    certificates.push(Arc::clone(&certificate));
    Ok(TlsAcceptor::from(server(&certificate)))
}

/// The TLS of outgoing connections: what is trusted are the given authorities or, without any, the
/// system's.
///
/// # Errors
/// Where the file of authorities cannot be used.
pub fn client(authorities: Option<&Path>) -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    let file = authorities.map_or_else(|| PathBuf::from(SYSTEM_AUTHORITIES), Path::to_owned);
    match CertificateDer::pem_file_iter(&file) {
        Ok(found) => {
            roots.add_parsable_certificates(found.filter_map(Result::ok));
        }
        Err(error) if authorities.is_some() => {
            return Err(io::Error::other(format!("{}: {error}", file.display())));
        }
        // A machine without the system's file can still talk plain; a TLS hand-shake will say so.
        Err(error) => tracing::debug!(%error, "the system's list of authorities cannot be read"),
    }
    Ok(Arc::new(
        ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth(),
    ))
}

const SYSTEM_AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

fn read(certificate: &Path, key: &Path) -> io::Result<CertifiedKey> {
    let of = |path: &Path| {
        let path = path.display().to_string();
        move |error: &dyn std::fmt::Display| io::Error::other(format!("{path}: {error}"))
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| of(certificate)(&error))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| of(key)(&error))?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    CertifiedKey::from_der(chain, secret, &provider).map_err(|error| of(certificate)(&error))
}

fn stamp(certificate: &Path, key: &Path) -> Stamp {
    [certificate, key].map(|path| fs::metadata(path).and_then(|data| data.modified()).ok())
}
