//! Encrypts a connection, and says in words why one was not trusted.
//!
//! Owns the TLS settings: TLS 1.2 or later, the operating system's certificates and those of
//! `ca_file`, certificate and name always verified. When to encrypt is `session`'s.
//!
//! # Standards
//! RFC 8446, 5246 (TLS 1.3, 1.2), RFC 6125 (names), RFC 8314 5 (what a mail client must verify).
//!
//! # Failure
//! [`Loss::Tls`] with words an officer can act on.

use super::wire::{Wire, lost, within};
use super::{Relay, Security};
use crate::time::Timestamp;
use crate::transport::{Loss, Outcome, Stage};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, ClientConnection};
use rustls_platform_verifier::Verifier;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::TlsConnector;

/// The TLS settings for one relay, made once a run: reading the system's certificates takes time.
#[derive(Clone)]
pub struct TlsClient(Option<TlsConnector>);

impl std::fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "TlsClient" } else { "TlsClient (plain)" })
    }
}

impl TlsClient {
    /// The settings a relay asks for; none are read for [`Security::Plain`].
    ///
    /// # Errors
    /// [`Stage::StartTls`] with [`Loss::Tls`] when `ca_file` holds no certificate, or neither it
    /// nor the operating system does.
    pub fn for_relay(relay: &Relay) -> Result<TlsClient, Outcome> {
        if relay.security == Security::Plain {
            return Ok(TlsClient(None));
        }
        let config = config(relay.extra_ca_pem.as_deref())
            .map_err(|words| Outcome::lost(Stage::StartTls, Loss::Tls(words)))?;
        Ok(TlsClient(Some(TlsConnector::from(Arc::new(config)))))
    }

    /// The handshake over a plain connection, verified for `host`.
    pub(super) async fn encrypt(
        &self,
        wire: Wire,
        host: &str,
        limit: Duration,
    ) -> Result<Wire, Loss> {
        let Some(connector) = &self.0 else {
            return Err(Loss::Tls("TLS was not set up for this relay".to_owned()));
        };
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Loss::Tls(format!("{host:?} is no name a certificate can be for")))?;
        let stream = wire.into_bare()?;
        let handshake = async { connector.connect(name, stream).await.map_err(|e| lost(&e)) };
        Ok(Wire::encrypted(within(limit, handshake).await?))
    }
}

/// The settings, or why there are none.
fn config(extra_ca_pem: Option<&[u8]>) -> Result<ClientConfig, String> {
    let extra_roots = extra_ca_pem.map(authorities).transpose()?.unwrap_or_default();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(extra_roots, Arc::clone(&provider))
        .map_err(|error| format!("the certificates of authorities cannot be used: {error}"))?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| error.to_string())?;
    // "Dangerous" is rustls' word for any verifier that is not its own; this one verifies
    // certificate and name with what the operating system trusts.
    let verified = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    Ok(verified.with_no_client_auth())
}

/// The certificates of a PEM file; a key or anything else in it is passed over.
fn authorities(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = read.map_err(|error| format!("ca_file cannot be read as PEM: {error}"))?;
    match found.is_empty() {
        true => Err("ca_file holds no certificate in PEM form".to_owned()),
        false => Ok(found),
    }
}

/// Version and cipher suite, for the ledger: `TLS 1.3, TLS13_AES_256_GCM_SHA384`.
pub(super) fn described(connection: &ClientConnection) -> String {
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS",
    };
    match connection.negotiated_cipher_suite() {
        Some(suite) => format!("{version}, {:?}", suite.suite()),
        None => version.to_owned(),
    }
}

/// The failure of TLS inside a failure of reading or writing.
pub(super) fn failure_in(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>())
}

/// A failure of TLS in an officer's words.
pub(super) fn in_words(error: &rustls::Error) -> String {
    use rustls::Error as Tls;
    match error {
        Tls::InvalidCertificate(why) => untrusted(why),
        Tls::InvalidMessage(_) => "what answers on this port does not speak TLS".to_owned(),
        Tls::PeerIncompatible(_) => "the mail server offers no TLS 1.2 or later".to_owned(),
        Tls::AlertReceived(alert) => format!("the mail server broke TLS off: {alert:?}"),
        other => format!("TLS failed: {other}"),
    }
}

/// Why a certificate was not trusted.
fn untrusted(why: &CertificateError) -> String {
    use CertificateError as Why;
    match why {
        Why::NotValidForNameContext { expected, presented } => {
            format!("the certificate is for {}, not for {}", names(presented), expected.to_str())
        }
        Why::NotValidForName => "the certificate is for another name".to_owned(),
        Why::ExpiredContext { not_after, .. } => {
            format!("the certificate expired on {}", date(*not_after))
        }
        Why::Expired => "the certificate has expired".to_owned(),
        Why::NotValidYetContext { not_before, .. } => format!(
            "the certificate is valid only from {}: is this computer's clock right?",
            date(*not_before)
        ),
        Why::NotValidYet => {
            "the certificate is not valid yet: is this computer's clock right?".to_owned()
        }
        Why::UnknownIssuer => "the certificate was issued by nobody this computer knows".to_owned(),
        Why::BadSignature => "the certificate is not signed by whom it names".to_owned(),
        Why::Revoked => "the certificate was revoked by its issuer".to_owned(),
        other => format!("the certificate cannot be trusted: {other}"),
    }
}

/// The names of a certificate, from rustls' `DnsName("mail.example")`.
fn names(presented: &[String]) -> String {
    let inner = |name: &String| {
        let start = name.find('(').map_or(0, |at| at + 1);
        name[start..].trim_matches([')', '"']).to_owned()
    };
    match presented {
        [] => "no name at all".to_owned(),
        [first, rest @ ..] => {
            let more = if rest.len() > 2 { " and others" } else { "" };
            let shown: Vec<_> = [first].into_iter().chain(rest.iter().take(2)).map(inner).collect();
            format!("{}{more}", shown.join(", "))
        }
    }
}

/// A certificate's date as an officer's calendar shows it.
fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_unix_seconds(seconds).local_date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_certificate_are_shown_plainly() {
        let shown =
            |list: &[&str]| names(&list.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
        assert_eq!(shown(&["DnsName(\"mail.example\")"]), "mail.example");
        assert_eq!(shown(&[]), "no name at all");
        assert_eq!(
            shown(&["DnsName(\"a.example\")", "IpAddress(192.0.2.1)", "c", "d"]),
            "a.example, 192.0.2.1, c and others"
        );
    }

    #[test]
    fn a_ca_file_without_certificates_is_refused() {
        for pem in [
            &b""[..],
            b"not pem",
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ] {
            assert!(config(Some(pem)).is_err_and(|words| words.contains("ca_file")));
        }
        assert!(
            config(Some(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
                .is_err()
        );
    }
}
