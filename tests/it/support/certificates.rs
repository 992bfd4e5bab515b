//! Certificates made for one test: an office's own authority and what it issues.
//!
//! Owns how a good, a misnamed and an expired certificate are made. Who trusts the authority is
//! the workspace's `ca_file`.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::ServerConfig;
use std::sync::Arc;

/// An authority nobody's operating system knows.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// When a certificate is good.
#[derive(Clone, Copy, PartialEq)]
pub enum Validity {
    /// Now and for years.
    Current,
    /// It ended years ago.
    Expired,
}

impl Authority {
    pub fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are valid names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Forum office authority");
        set_span(&mut params, Validity::Current);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority");
        Authority { issuer }
    }

    /// What goes into `office-ca.pem`.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for these names or addresses and its key, PEM, for servers of others.
    pub fn certified(&self, names: &[&str]) -> (String, String) {
        let names: Vec<String> = names.iter().map(|&n| n.to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names of a server");
        set_span(&mut params, Validity::Current);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }

    /// A server's TLS side with a certificate for these names or addresses.
    pub fn server(&self, names: &[&str], validity: Validity) -> Arc<ServerConfig> {
        let names: Vec<String> = names.iter().map(|&n| n.to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names of a server");
        set_span(&mut params, validity);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        server_config(vec![certificate.der().clone()], &key)
    }
}

/// A server's TLS side with a certificate that nobody but itself vouches for.
pub fn self_signed(names: &[&str]) -> Arc<ServerConfig> {
    let names: Vec<String> = names.iter().map(|&n| n.to_owned()).collect();
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(names).expect("names of a server");
    let certificate = params.self_signed(&key).expect("a certificate");
    server_config(vec![certificate.der().clone()], &key)
}

fn server_config(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has the default versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("the key fits the certificate");
    Arc::new(config)
}

/// Writes the first and last day of a certificate.
fn set_span(params: &mut CertificateParams, validity: Validity) {
    let last_year = if validity == Validity::Expired { 2021 } else { 2090 };
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(last_year, 1, 1);
}
