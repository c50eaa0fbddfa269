//! Whom to trust: the operating system's certificate authorities, or those of one file instead.
//!
//! Certificates are always verified; there is no setting that turns it off.

use std::path::Path;
use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

use super::Fault;

/// The TLS settings of every call.
///
/// # Errors
/// When the file cannot be read or holds no certificate.
pub(super) fn settings(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, Fault> {
    let settings = match ca_file {
        Some(path) => trusting(roots_of(path)?)?,
        None => match versions()?.with_native_roots() {
            Ok(settings) => settings.with_no_client_auth(),
            // No reason not to start: plain HTTP needs none, and every TLS call will say what is missing.
            Err(error) => {
                tracing::warn!(%error, "no certificate authority found: calls to https targets will fail");
                trusting(RootCertStore::empty())?
            }
        },
    };
    Ok(Arc::new(settings))
}

fn versions() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, Fault> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    builder.with_safe_default_protocol_versions().map_err(Fault::Tls)
}

fn trusting(roots: RootCertStore) -> Result<ClientConfig, Fault> {
    Ok(versions()?.with_root_certificates(roots).with_no_client_auth())
}

fn roots_of(path: &Path) -> Result<RootCertStore, Fault> {
    let fault = |why: String| Fault::CaFile { path: path.to_owned(), why };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| fault(error.to_string()))? {
        let certificate = certificate.map_err(|error| fault(error.to_string()))?;
        roots.add(certificate).map_err(|error| fault(error.to_string()))?;
    }
    if roots.is_empty() { Err(fault("it holds no certificate".to_owned())) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_a_fault_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let fault = |path: &Path| settings(Some(path)).unwrap_err().to_string();
        assert!(fault(&path).contains("ca.pem"), "{}", fault(&path));
        for text in ["", "not PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            fs::write(&path, text).unwrap();
            assert!(fault(&path).contains("ca.pem"), "{text:?}: {}", fault(&path));
        }
    }
}
