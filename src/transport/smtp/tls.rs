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

use super::shown::Shown;
use super::wire::{Wire, lost, within};
use super::{Relay, Security};
use crate::time::Timestamp;
use crate::transport::{Loss, Outcome, Stage};
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, PeerIncompatible,
};
use rustls_platform_verifier::Verifier;
use std::io;
use std::sync::Arc;
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
        TlsClient::verifying(relay, |verifier| verifier)
    }

    /// The same, with a note of the certificate that the relay shows, trusted or not.
    ///
    /// # Errors
    /// As [`TlsClient::for_relay`].
    pub(super) fn noting(relay: &Relay, shown: &Shown) -> Result<TlsClient, Outcome> {
        match relay.security {
            Security::Plain => Ok(TlsClient(None)),
            _ => TlsClient::verifying(relay, |verifier| shown.before(verifier)),
        }
    }

    fn verifying(
        relay: &Relay,
        around: impl FnOnce(Arc<dyn ServerCertVerifier>) -> Arc<dyn ServerCertVerifier>,
    ) -> Result<TlsClient, Outcome> {
        let config = config(relay.extra_ca_pem.as_deref(), around)
            .map_err(|words| Outcome::lost(Stage::StartTls, Loss::Tls(words)))?;
        Ok(TlsClient(Some(TlsConnector::from(Arc::new(config)))))
    }

    /// The handshake over a plain connection, verified for the relay's host.
    pub(super) async fn encrypt(&self, wire: Wire, relay: &Relay) -> Result<Wire, Loss> {
        let Some(connector) = &self.0 else {
            return Err(Loss::Tls("TLS was not set up for this relay".to_owned()));
        };
        let host = relay.bare_host();
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Loss::Tls(format!("{host:?} is no name a certificate can be for")))?;
        let stream = wire.into_bare()?;
        let failed = |error: io::Error| match failure_in(&error) {
            // A relay that begins in plain greets us with something that is no TLS.
            Some(rustls::Error::InvalidMessage(_)) if relay.security == Security::Tls => {
                Loss::Tls(BEGINS_IN_PLAIN.to_owned())
            }
            _ => lost(&error),
        };
        let handshake = async { connector.connect(name, stream).await.map_err(failed) };
        Ok(Wire::encrypted(within(relay.timeouts.command, handshake).await?))
    }
}

/// RFC 8314 3.3 keeps TLS from the first byte to a port of its own; the others begin in plain.
const BEGINS_IN_PLAIN: &str = "what answers on this port does not speak TLS from the first byte: \
                               a mail server that begins in plain needs smtp+starttls:// for it";

/// The settings, or why there are none.
fn config(
    extra_ca_pem: Option<&[u8]>,
    around: impl FnOnce(Arc<dyn ServerCertVerifier>) -> Arc<dyn ServerCertVerifier>,
) -> Result<ClientConfig, String> {
    let extra_roots = extra_ca_pem.map(authorities).transpose()?.unwrap_or_default();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        Verifier::new_with_extra_roots(extra_roots, Arc::clone(&provider)).map_err(|error| {
            format!("the certificates of authorities cannot be used: {}", in_words(&error))
        })?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| in_words(&error))?;
    // "Dangerous" is rustls' word for any verifier that is not its own; this one verifies
    // certificate and name with what the operating system trusts.
    let verifier = around(Arc::new(verifier));
    let verified = builder.dangerous().with_custom_certificate_verifier(verifier);
    Ok(verified.with_no_client_auth())
}

/// The certificates of a PEM file; a key or anything else in it is passed over.
fn authorities(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = read.map_err(|_| "ca_file is damaged: it cannot be read as PEM".to_owned())?;
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

/// A failure of TLS in an officer's words; never the names of its types.
pub(super) fn in_words(error: &rustls::Error) -> String {
    use PeerIncompatible as Peer;
    use rustls::Error as Tls;
    let words = match error {
        Tls::InvalidCertificate(why) => return untrusted(why),
        Tls::AlertReceived(alert) => return broken_off(*alert),
        Tls::General(words) => return in_plain(words, "TLS failed"),
        Tls::Other(other) => return in_plain(&other.to_string(), "TLS failed"),
        Tls::InvalidMessage(_) => "what answers on this port does not speak TLS",
        Tls::PeerIncompatible(
            Peer::ServerDoesNotSupportTls12Or13 | Peer::ServerTlsVersionIsDisabledByOurConfig,
        ) => "the mail server offers no TLS 1.2 or later",
        Tls::PeerIncompatible(_) => NOTHING_IN_COMMON,
        Tls::NoCertificatesPresented => "the mail server shows no certificate",
        Tls::InappropriateMessage { .. }
        | Tls::InappropriateHandshakeMessage { .. }
        | Tls::PeerMisbehaved(_)
        | Tls::PeerSentOversizedRecord
        | Tls::DecryptError => "the mail server breaks the rules of TLS",
        Tls::InvalidCertRevocationList(_) => "the list of revoked certificates cannot be used",
        Tls::FailedToGetCurrentTime => "this computer's clock cannot be read",
        _ => "TLS failed",
    };
    words.to_owned()
}

const NOTHING_IN_COMMON: &str =
    "the mail server and this program have no way of encrypting in common";

/// How the relay took leave (RFC 8446 6.2). The number is for those who look after the relay.
fn broken_off(alert: AlertDescription) -> String {
    use AlertDescription as Alert;
    let words = match alert {
        Alert::HandshakeFailure | Alert::InsufficientSecurity => NOTHING_IN_COMMON,
        Alert::ProtocolVersion => "the mail server offers no TLS 1.2 or later",
        Alert::UnrecognisedName => "the mail server does not know itself by the name in the URL",
        Alert::CertificateRequired | Alert::NoCertificate => {
            "the mail server asks for a certificate of ours, which this program has not"
        }
        Alert::AccessDenied => "the mail server does not let this computer in",
        Alert::InternalError => "the mail server broke TLS off because of a fault of its own",
        other => return format!("the mail server broke TLS off (alert {})", u8::from(other)),
    };
    words.to_owned()
}

/// Why a certificate was not trusted.
fn untrusted(why: &CertificateError) -> String {
    use CertificateError as Why;
    let words = match why {
        Why::NotValidForNameContext { expected, presented } => {
            let names = names(presented);
            return format!("the certificate is for {names}, not for {}", expected.to_str());
        }
        Why::ExpiredContext { not_after, .. } => {
            return format!("the certificate expired on {}", date(*not_after));
        }
        Why::NotValidYetContext { not_before, .. } => {
            let day = date(*not_before);
            return format!(
                "the certificate is valid only from {day}: is this computer's clock right?"
            );
        }
        Why::Other(other) => return peculiar(&other.to_string()),
        Why::NotValidForName => "the certificate is for another name",
        Why::Expired => "the certificate has expired",
        Why::NotValidYet => "the certificate is not valid yet: is this computer's clock right?",
        Why::UnknownIssuer => "the certificate was issued by nobody this computer knows",
        Why::BadSignature => "the certificate is not signed by whom it names",
        Why::Revoked => "the certificate was revoked by its issuer",
        Why::BadEncoding => "the certificate is damaged",
        Why::UnhandledCriticalExtension => UNKNOWN_CONDITIONS,
        Why::UnknownRevocationStatus => {
            "it cannot be found out whether the certificate was revoked"
        }
        Why::ExpiredRevocationList | Why::ExpiredRevocationListContext { .. } => {
            "the list of revoked certificates is out of date"
        }
        Why::UnsupportedSignatureAlgorithmContext { .. }
        | Why::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "the certificate is signed in a way that is outdated or not known here"
        }
        Why::InvalidPurpose | Why::InvalidPurposeContext { .. } => NOT_FOR_SERVERS,
        Why::InvalidOcspResponse => {
            "the mail server's proof that its certificate was not revoked is wrong"
        }
        _ => UNTRUSTED,
    };
    words.to_owned()
}

const UNTRUSTED: &str = "the certificate cannot be trusted";
const NOT_FOR_SERVERS: &str = "the certificate is not one for servers";
const UNKNOWN_CONDITIONS: &str = "the certificate makes conditions that are not known here";

/// What rustls has no word of its own for: names of `webpki::Error`, or the operating system's
/// sentence.
fn peculiar(words: &str) -> String {
    let plain = match words {
        // What `openssl req -x509` makes unless told otherwise.
        "CaUsedAsEndEntity" => {
            "the certificate is self-signed: it is an authority's, not a server's certificate"
        }
        "EndEntityUsedAsCa" => "the certificate was issued by one that may issue none",
        "NameConstraintViolation" => "the certificate's issuer may not issue one for this name",
        "PathLenConstraintViolated" | "MaximumPathDepthExceeded" => {
            "there are too many issuers between the certificate and an authority"
        }
        "UnsupportedCertVersion" => "the certificate is of an outdated version",
        "UnsupportedCriticalExtension" => UNKNOWN_CONDITIONS,
        "EmptyEkuExtension" | "certificate had invalid extensions" => NOT_FOR_SERVERS,
        _ => return in_plain(words, UNTRUSTED),
    };
    plain.to_owned()
}

/// What was to be said, with another's sentence behind it; a bare name of an error is none.
fn in_plain(words: &str, begin: &str) -> String {
    let is_sentence = words.contains(' ') && !words.contains(['{', '}', '_']);
    if is_sentence { format!("{begin}: {words}") } else { begin.to_owned() }
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

    /// `Other(OtherError(CaUsedAsEndEntity))` stood on the screen.
    #[test]
    fn no_failure_is_shown_by_the_names_of_its_types() {
        use rustls::{CertRevocationListError, Error as Tls, OtherError};
        use rustls::{InvalidMessage, PeerMisbehaved};
        let other = |words: &str| OtherError(Arc::from(Box::from(words.to_owned())));
        let certificate = |words| Tls::InvalidCertificate(CertificateError::Other(other(words)));
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1));
        let context = CertificateError::ExpiredRevocationListContext { time, next_update: time };
        for (error, words) in [
            (certificate("CaUsedAsEndEntity"), "the certificate is self-signed: it is an authori"),
            (certificate("UnsupportedCertVersion"), "the certificate is of an outdated version"),
            (certificate("MalformedExtensions"), UNTRUSTED),
            (certificate("not trusted here"), "the certificate cannot be trusted: not trusted h"),
            (certificate("certificate had invalid extensions"), NOT_FOR_SERVERS),
            (Tls::InvalidCertificate(CertificateError::BadEncoding), "the certificate is damaged"),
            (Tls::InvalidCertificate(CertificateError::InvalidPurpose), NOT_FOR_SERVERS),
            (Tls::InvalidCertificate(CertificateError::ApplicationVerificationFailure), UNTRUSTED),
            (Tls::InvalidCertificate(context), "the list of revoked certificates is out of date"),
            (Tls::AlertReceived(AlertDescription::HandshakeFailure), NOTHING_IN_COMMON),
            (
                Tls::AlertReceived(AlertDescription::DecodeError),
                "the mail server broke TLS off (alert 50)",
            ),
            (Tls::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon), NOTHING_IN_COMMON),
            (
                Tls::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13),
                "the mail server offers no TLS 1.2 or later",
            ),
            (
                Tls::PeerMisbehaved(PeerMisbehaved::InvalidMaxEarlyDataSize),
                "the mail server breaks the rules of TLS",
            ),
            (
                Tls::InvalidMessage(InvalidMessage::InvalidContentType),
                "what answers on this port does not speak TLS",
            ),
            (
                Tls::InvalidCertRevocationList(CertRevocationListError::BadSignature),
                "the list of revoked certificates cannot be used",
            ),
            (Tls::General("no certificates found".into()), "TLS failed: no certificates found"),
            (Tls::Other(other("BadDer")), "TLS failed"),
            (Tls::EncryptError, "TLS failed"),
        ] {
            let shown = in_words(&error);
            assert!(shown.starts_with(words), "{error:?}: {shown}");
            assert!(!shown.contains(['(', '{']) || shown.contains("(alert "), "{shown}");
        }
    }

    #[test]
    fn a_ca_file_without_certificates_is_refused() {
        for pem in [
            &b""[..],
            b"not pem",
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ] {
            assert!(config(Some(pem), |it| it).is_err_and(|words| words.contains("ca_file")));
        }
        assert!(
            config(Some(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), |it| {
                it
            })
            .is_err()
        );
    }
}
