//! TLS as the clients of these benchmarks speak it: the server's certificate is checked, and all of them offer the same.
//!
//! One cipher is offered in TLS 1.3, AES-128-GCM, so that contestants are not compared by their taste in ciphers; the
//! groups are X25519MLKEM768 and what rustls has besides, so that who knows the hybrid one may take it.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CipherSuite, ClientConfig, ClientConnection, RootCertStore};

/// What every client offers, and whom it trusts.
pub struct Terms {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Terms {
    /// `authority` is a PEM file; `host` is what certificates have to be for.
    pub fn read(authority: &str, host: &str) -> Result<Terms, String> {
        let said = |error: &dyn std::fmt::Display| format!("--tls {authority}: {error}");
        let mut roots = RootCertStore::empty();
        for found in CertificateDer::pem_file_iter(authority).map_err(|error| said(&error))? {
            let certificate = found.map_err(|error| said(&error))?;
            roots.add(certificate).map_err(|error| said(&error))?;
        }
        let mut provider = aws_lc_rs::default_provider();
        provider.cipher_suites.retain(|suite| suite.suite() == CipherSuite::TLS13_AES_128_GCM_SHA256);
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| said(&error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned()).map_err(|error| said(&error))?;
        Ok(Terms { config: Arc::new(config), name })
    }

    pub fn begin(&self) -> Result<ClientConnection, String> {
        let mut session = ClientConnection::new(Arc::clone(&self.config), self.name.clone())
            .map_err(|error| format!("TLS: {error}"))?;
        // What is written at once is bounded by who writes it.
        session.set_buffer_limit(None);
        Ok(session)
    }
}

/// Version, group and cipher that were agreed, for people.
pub fn agreed(session: &ClientConnection) -> String {
    let version = session.protocol_version().and_then(|version| version.as_str().map(str::to_owned));
    let group = session.negotiated_key_exchange_group().map(|group| format!("{:?}", group.name()));
    let cipher = session.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
    [version, group, cipher].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
