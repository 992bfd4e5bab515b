//! TLS for the sink: an authority made for this run, and a certificate by it for 127.0.0.1.
//!
//! # Standards
//! RFC 8314 3 (TLS from the first byte).

use crate::Failure;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// Unless buffered, rustls reads a few kilobytes at a time, and the sink would be what is measured.
const READ_OCTETS: usize = 256 * 1024;

/// The server's side; the authority's certificate is written to `authority_file` as PEM.
pub(crate) fn server(authority_file: &str) -> Result<Arc<ServerConfig>, Failure> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "Measuring authority");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(names)?.signed_by(&key, &authority)?;
    std::fs::write(authority_file, authority.pem())?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    Ok(Arc::new(config))
}

/// A TLS connection; the handshake happens with the first bytes.
pub(crate) fn accept(
    config: &Arc<ServerConfig>,
    stream: TcpStream,
) -> Result<impl Read + Write, Failure> {
    let connection = ServerConnection::new(Arc::clone(config))?;
    let stream = Buffered(BufReader::with_capacity(READ_OCTETS, stream));
    Ok(StreamOwned::new(connection, stream))
}

/// Read in large pieces, written as it comes.
struct Buffered(BufReader<TcpStream>);

impl Read for Buffered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Buffered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.get_ref().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.get_ref().flush()
    }
}
