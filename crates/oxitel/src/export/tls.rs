//! TLS: whom to trust, who we are, and what a failed handshake means.
//!
//! Flow: config -> **tls** (files, read by `init`) -> `dial` -> receiver. The provider of
//! cryptography is `ring` by name: nothing is set for the whole process.

use crate::config::TlsError;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore, SignatureScheme};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The files that were named for TLS.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Files<'a> {
    pub(crate) certificate: Option<&'a Path>,
    pub(crate) client_key: Option<&'a Path>,
    pub(crate) client_certificate: Option<&'a Path>,
}

/// Whom to trust, and who we are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trust {
    /// `None`: whom the system trusts.
    roots: Option<Arc<RootCertStore>>,
    identity: Option<Arc<SingleCertAndKey>>,
}

const CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE (tls.certificate)";
const CLIENT_KEY: &str = "OTEL_EXPORTER_OTLP_CLIENT_KEY (tls.client_key)";
const CLIENT_CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE (tls.client_certificate)";

impl Files<'_> {
    /// Whether there is any.
    pub(crate) fn are_named(&self) -> bool {
        self.certificate.is_some() || self.client_key.is_some() || self.client_certificate.is_some()
    }
}

impl Trust {
    /// Reads what was named, and says at once what cannot work.
    pub(crate) fn read(files: Files<'_>) -> Result<Self, TlsError> {
        let roots = files.certificate.map(roots).transpose()?.map(Arc::new);
        let identity = match (files.client_certificate, files.client_key) {
            (Some(certificate), Some(key)) => Some(Arc::new(identity(certificate, key)?)),
            (None, None) => None,
            (Some(_), None) => {
                return Err(TlsError::Alone { one: CLIENT_CERTIFICATE, other: CLIENT_KEY });
            }
            (None, Some(_)) => {
                return Err(TlsError::Alone { one: CLIENT_KEY, other: CLIENT_CERTIFICATE });
            }
        };
        Ok(Self { roots, identity })
    }

    /// What a connection needs; may read the system's certificates from disk.
    pub(super) fn settings(&self, protocol: &[u8], asked: &Asked) -> Result<ClientConfig, String> {
        let roots = match &self.roots {
            Some(roots) => Arc::clone(roots),
            None => Arc::new(roots_of_the_system()?),
        };
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots);
        let mut settings = match &self.identity {
            Some(identity) => {
                let identity: Arc<dyn ResolvesClientCert> = Arc::clone(identity) as _;
                builder.with_client_cert_resolver(identity)
            }
            None => builder.with_client_cert_resolver(Arc::new(asked.clone())),
        };
        settings.alpn_protocols = vec![protocol.to_vec()];
        Ok(settings)
    }
}

/// Whether a receiver asked who we are, and there was nothing to show. It may go on all the same;
/// over TLS 1.3 it breaks off later, and what it says then is often lost.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked(Arc<AtomicBool>);

impl Asked {
    /// It answered all the same.
    pub(super) fn forget(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// What a failure may come from.
    pub(super) fn hint(&self) -> Option<&'static str> {
        // Relaxed: nothing is ordered by it.
        self.0.load(Ordering::Relaxed).then_some(ASKED)
    }
}

impl ResolvesClientCert for Asked {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

const ASKED: &str = "the receiver asks for a client certificate: \
    OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY";

/// The name that a receiver's certificate must have.
pub(super) fn name_of(host: &str) -> Result<ServerName<'static>, String> {
    // A URL has an IPv6 address in brackets.
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare.to_owned());
    name.map_err(|_| format!("{host:?} is no name that a certificate can have"))
}

/// What a reason begins with that is about TLS.
pub(super) const TLS: &str = "TLS: ";

/// The error of a stream under TLS, told for people: the cause, and what can be done.
pub(super) fn told(error: io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner.map(in_words) {
        Some(words) => io::Error::new(error.kind(), format!("{TLS}{words}")),
        None => error,
    }
}

/// The error of a handshake, told for people.
pub(super) fn handshake_told(error: io::Error) -> String {
    let broken_off = error.kind() == io::ErrorKind::UnexpectedEof;
    let words = told(error).to_string();
    match words.strip_prefix(TLS) {
        Some(_) => words,
        None if broken_off => format!("{TLS}the handshake was broken off; {PLAIN_ADVICE}"),
        None => format!("{TLS}{words}"),
    }
}

const PLAIN_ADVICE: &str = "where the receiver is plain on purpose, write \"http://\"";

fn in_words(error: &rustls::Error) -> String {
    let advice = match error {
        rustls::Error::InvalidCertificate(error) => return certificate_in_words(error),
        rustls::Error::InvalidMessage(_) => {
            return format!("what answers there does not speak TLS ({error}); {PLAIN_ADVICE}");
        }
        rustls::Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired => ASKED,
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired => {
                "the receiver does not take our client certificate"
            }
            AlertDescription::NoApplicationProtocol => {
                "the receiver does not speak this protocol over TLS"
            }
            _ => "the receiver broke off the handshake",
        },
        _ => "the handshake failed",
    };
    format!("{error}: {advice}")
}

/// In seconds.
const DAY: u64 = 86_400;

fn certificate_in_words(error: &CertificateError) -> String {
    match error {
        CertificateError::ExpiredContext { time, not_after } => {
            let days = time.as_secs().saturating_sub(not_after.as_secs()) / DAY;
            format!("the receiver's certificate has expired {days} days ago")
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            let days = not_before.as_secs().saturating_sub(time.as_secs()) / DAY;
            format!("the receiver's certificate is valid in {days} days only; is the clock right?")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("the receiver's certificate is for another name ({error})")
        }
        CertificateError::UnknownIssuer => {
            "the receiver's certificate comes from an issuer that is not trusted here \
             (UnknownIssuer); OTEL_EXPORTER_OTLP_CERTIFICATE names a file with those that are"
                .to_owned()
        }
        CertificateError::BadSignature => {
            "the receiver's certificate is signed by another key than that of the issuer of this \
             name that is trusted here (BadSignature); the issuer may have a new certificate"
                .to_owned()
        }
        _ => format!("the receiver's certificate is not accepted ({error})"),
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(default_provider())
}

fn roots(file: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(CERTIFICATE, file)? {
        roots.add(certificate).map_err(|error| TlsError::Certificate {
            setting: CERTIFICATE,
            file: file.to_owned(),
            reason: error.to_string(),
        })?;
    }
    Ok(roots)
}

/// What the system trusts. A few certificates that are none do not matter.
fn roots_of_the_system() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if !roots.is_empty() {
        return Ok(roots);
    }
    let why = found.errors.first().map_or(String::new(), |error| format!(" ({error})"));
    Err(format!(
        "{TLS}this system has no certificates to trust{why}; install its package of CA \
         certificates, or name a file in OTEL_EXPORTER_OTLP_CERTIFICATE"
    ))
}

fn identity(certificate: &Path, key: &Path) -> Result<SingleCertAndKey, TlsError> {
    let chain = certificates(CLIENT_CERTIFICATE, certificate)?;
    let pem = contents(CLIENT_KEY, key)?;
    let secret = PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|_| TlsError::NoKey { setting: CLIENT_KEY, file: key.to_owned() })?;
    let identity = CertifiedKey::from_der(chain, secret, &default_provider());
    identity.map(SingleCertAndKey::from).map_err(|error| TlsError::Mismatch {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        reason: error.to_string(),
    })
}

/// All certificates of a file, of which there is at least one.
fn certificates(
    setting: &'static str,
    file: &Path,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = contents(setting, file)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(|error| TlsError::Certificate {
        setting,
        file: file.to_owned(),
        reason: error.to_string(),
    })?;
    if found.is_empty() {
        return Err(TlsError::NoCertificate { setting, file: file.to_owned() });
    }
    Ok(found)
}

fn contents(setting: &'static str, file: &Path) -> Result<Vec<u8>, TlsError> {
    read(file).map_err(|error| TlsError::Unreadable {
        setting,
        file: file.to_owned(),
        reason: error.to_string(),
    })
}

/// A bundle of all authorities there are is a quarter of a megabyte.
const LARGEST: u64 = 16 << 20;

fn read(path: &Path) -> io::Result<Vec<u8>> {
    // A pipe would keep `init` waiting.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}
