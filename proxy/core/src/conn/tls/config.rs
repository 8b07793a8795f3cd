//! What the two ends of TLS are told: certificates, keys, authorities, and how far to trust.
//!
//! Owns the reading of PEM and the rules of `require`, `verify-ca` and `verify-full`. It must not know
//! sessions. No error and no Debug here shows a byte of a key.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{
    ClientConfig, Resumption, verify_server_cert_signed_by_trust_anchor, verify_server_name,
};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, IpAddr, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{NoServerSessionStorage, ParsedCertificate, ServerConfig, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme, SupportedProtocolVersion,
};

const ALPN: &[u8] = b"postgresql";

/// TLS as a listener offers it. A client that names application protocols has to name `postgresql`.
#[derive(Clone)]
pub struct ServerTls {
    pub(super) config: Arc<ServerConfig>,
    /// Refuse clients that do not ask for TLS. For whoever answers SSLRequest; a session does not look at
    /// it.
    pub required: bool,
}

impl ServerTls {
    /// `client_ca`: clients are asked for a certificate; one that is shown has to be of that authority,
    /// none at all is no error here.
    pub fn from_pem(
        cert: &[u8],
        key: &[u8],
        client_ca: Option<&[u8]>,
        required: bool,
    ) -> Result<ServerTls, String> {
        let (chain, key) = (certificates(cert, "certificate")?, private_key(key)?);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(text)?;
        let builder = match client_ca {
            None => builder.with_no_client_auth(),
            Some(ca) => {
                let roots = Arc::new(roots(&certificates(ca, "client authority")?, "client authority")?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider)
                    .allow_unauthenticated()
                    .build()
                    .map_err(|error| format!("the client authority is not usable: {error}"))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(pair)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(ServerTls { config: Arc::new(config), required })
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").field("required", &self.required).finish_non_exhaustive()
    }
}

/// TLS towards servers.
#[derive(Clone)]
pub struct ClientTls {
    pub(super) config: Arc<ClientConfig>,
    pub(super) checks_name: bool,
}

impl ClientTls {
    /// `mode` is libpq's: `require` takes any certificate, or where `ca` is given those of that authority;
    /// `verify-ca` wants the authority, `verify-full` the name or IP address too. `cert` and `key` go
    /// together.
    pub fn from_pem(
        mode: &str,
        ca: Option<&[u8]>,
        cert: Option<&[u8]>,
        key: Option<&[u8]>,
    ) -> Result<ClientTls, String> {
        ClientTls::in_versions(rustls::DEFAULT_VERSIONS, mode, ca, cert, key)
    }

    pub(super) fn in_versions(
        versions: &[&'static SupportedProtocolVersion],
        mode: &str,
        ca: Option<&[u8]>,
        cert: Option<&[u8]>,
        key: Option<&[u8]>,
    ) -> Result<ClientTls, String> {
        let checks_name = match (mode, ca) {
            ("require", _) | ("verify-ca", Some(_)) => false,
            ("verify-full", Some(_)) => true,
            ("verify-ca" | "verify-full", None) => {
                return Err(format!("TLS mode {mode} needs an authority (ca) to verify servers against"));
            }
            _ => {
                return Err(format!("TLS mode {mode:?} is unknown: use require, verify-ca or verify-full"));
            }
        };
        let trust = match ca {
            Some(ca) => {
                let pinned = certificates(ca, "authority")?;
                Some(Trust { roots: roots(&pinned, "authority")?, pinned })
            }
            None => None,
        };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = Verifier { trust, checks_name, provider: provider.clone() };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(text)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match (cert, key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(cert), Some(key)) => builder
                .with_client_auth_cert(certificates(cert, "certificate")?, private_key(key)?)
                .map_err(pair)?,
            _ => {
                return Err("a TLS client certificate and its key go together: give both or neither".into());
            }
        };
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        Ok(ClientTls { config: Arc::new(config), checks_name })
    }

    /// The name to ask for and, in `verify-full`, to insist on. Where it is not checked, what is no host
    /// name (a socket's path) is no obstacle: no name is sent then.
    pub(super) fn name(&self, server_name: &str) -> Result<ServerName<'static>, String> {
        match ServerName::try_from(server_name.to_owned()) {
            Ok(name) => Ok(name),
            Err(_) if !self.checks_name => Ok(ServerName::IpAddress(IpAddr::V4([0; 4].into()))),
            Err(_) => Err(format!("verify-full: {server_name:?} is no host name or IP address to check for")),
        }
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls").field("checks_name", &self.checks_name).finish_non_exhaustive()
    }
}

/// Whom to believe: the authorities, and the same certificates as they are, since people give a self-signed
/// server certificate as its own authority, and libpq takes that.
#[derive(Debug)]
struct Trust {
    roots: RootCertStore,
    pinned: Vec<CertificateDer<'static>>,
}

/// Servers' certificates as libpq's modes want them looked at. Whatever the mode, the server has to prove
/// that it holds the certificate's key.
#[derive(Debug)]
struct Verifier {
    trust: Option<Trust>,
    checks_name: bool,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn chain(
        &self,
        trust: &Trust,
        certificate: &CertificateDer<'_>,
        parsed: &ParsedCertificate<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let algorithms = self.provider.signature_verification_algorithms.all;
        let chain =
            verify_server_cert_signed_by_trust_anchor(parsed, &trust.roots, intermediates, now, algorithms);
        match chain {
            // "An authority as a server's own certificate": the one objection with no name of its own. The
            // dates are checked before it.
            Err(Error::InvalidCertificate(CertificateError::Other(_)))
                if trust.pinned.iter().any(|pinned| pinned == certificate) =>
            {
                Ok(())
            }
            other => other,
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(trust) = &self.trust {
            let parsed = ParsedCertificate::try_from(end_entity)?;
            self.chain(trust, end_entity, &parsed, intermediates, now)?;
            if self.checks_name {
                verify_server_name(&parsed, server_name)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(list) if !list.is_empty() => Ok(list),
        _ => Err(format!("the TLS {what} holds no readable PEM certificate")),
    }
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    // The reader's own error may quote the line it stumbled on.
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
        "the TLS key holds no readable PEM private key (an encrypted one has to be decrypted first)".into()
    })
}

fn roots(list: &[CertificateDer<'static>], what: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in list {
        roots
            .add(certificate.clone())
            .map_err(|error| format!("the TLS {what} holds an unusable certificate: {error}"))?;
    }
    Ok(roots)
}

fn pair(error: Error) -> String {
    format!("the TLS certificate and key are not usable together: {error}")
}

fn text(error: Error) -> String {
    error.to_string()
}
