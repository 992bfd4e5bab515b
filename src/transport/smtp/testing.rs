//! A relay for the unit tests of this folder: it says and expects what a script tells it to, one
//! script a connection, and keeps every octet it hears. It judges nothing; the tests do.

use super::{Credentials, Relay, Security, Timeouts};
use crate::secret::Secret;
use crate::transport::{Ending, Loss, Outcome};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// One step of a script.
#[derive(Clone)]
pub(super) enum Step {
    /// Say these octets.
    Say(Vec<u8>),
    /// Hear a line that begins with this; another line ends the script.
    Hear(&'static str),
    /// Hear up to the final dot.
    HearBody,
    /// Hear this many octets.
    HearOctets(usize),
    /// Do nothing for so many milliseconds.
    Wait(u64),
    /// The handshake.
    Tls(Arc<ServerConfig>),
    /// Close in good order.
    Fin,
    /// Break the connection (RST).
    Reset,
    /// Neither read nor write nor close, for longer than any test waits.
    Stay,
}

/// A line the relay says.
pub(super) fn say(line: &str) -> Step {
    Step::Say(format!("{line}\r\n").into_bytes())
}

/// The beginning of a line the relay expects.
pub(super) fn hear(line: &'static str) -> Step {
    Step::Hear(line)
}

/// A running script.
pub(super) struct Scripted {
    pub(super) port: u16,
    task: tokio::task::JoinHandle<Vec<u8>>,
}

impl Scripted {
    /// Everything heard on all connections, once their other ends are closed.
    pub(super) async fn heard(self) -> String {
        let heard = tokio::time::timeout(Duration::from_secs(30), self.task).await;
        String::from_utf8_lossy(&heard.expect("a connection is still open").unwrap()).into_owned()
    }
}

/// Starts a relay that plays one script on each connection, in order.
pub(super) async fn relay(scripts: Vec<Vec<Step>>) -> Scripted {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let mut heard = Vec::new();
        for script in scripts {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            play(stream, script, &mut heard).await;
        }
        heard
    });
    Scripted { port, task }
}

/// Plays a script up to its handshake in plain, then encrypted.
async fn play(mut stream: TcpStream, script: Vec<Step>, heard: &mut Vec<u8>) {
    let handshake = script.iter().position(|step| matches!(step, Step::Tls(_)));
    let (before, after) = script.split_at(handshake.unwrap_or(script.len()));
    match perform(&mut stream, before, heard).await {
        Next::Reset => stream.set_zero_linger().unwrap(),
        Next::Close => {}
        Next::Script => match after.split_first() {
            Some((Step::Tls(config), rest)) => {
                let handshake = TlsAcceptor::from(Arc::clone(config)).accept(stream).await;
                let Ok(mut stream) = handshake else { return };
                if let Next::Script = perform(&mut stream, rest, heard).await {
                    listen(&mut stream, heard).await;
                }
            }
            _ => listen(&mut stream, heard).await,
        },
    }
}

/// How a part of a script ended.
enum Next {
    /// All steps done.
    Script,
    /// Close in good order.
    Close,
    /// Break off.
    Reset,
}

async fn perform<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    steps: &[Step],
    heard: &mut Vec<u8>,
) -> Next {
    for step in steps {
        let from = heard.len();
        match step {
            Step::Say(octets) => {
                if stream.write_all(octets).await.is_err() || stream.flush().await.is_err() {
                    return Next::Close;
                }
            }
            Step::Hear(line) => {
                hear_until(stream, heard, |new| new.ends_with(b"\n")).await;
                if !heard[from..].starts_with(line.as_bytes()) {
                    return Next::Close;
                }
            }
            Step::HearBody => {
                hear_until(stream, heard, |b| b.ends_with(b"\r\n.\r\n") || b == b".\r\n").await;
            }
            Step::HearOctets(n) => hear_until(stream, heard, |new| new.len() >= *n).await,
            Step::Wait(milliseconds) => {
                tokio::time::sleep(Duration::from_millis(*milliseconds)).await;
            }
            Step::Stay => tokio::time::sleep(Duration::from_secs(3_600)).await,
            Step::Fin | Step::Tls(_) => return Next::Close,
            Step::Reset => return Next::Reset,
        }
    }
    Next::Script
}

/// Hears octet by octet, so that nothing of the next step is heard in this one.
async fn hear_until<S: AsyncRead + Unpin>(
    stream: &mut S,
    heard: &mut Vec<u8>,
    is_complete: impl Fn(&[u8]) -> bool,
) {
    let from = heard.len();
    while !is_complete(&heard[from..]) {
        match stream.read_u8().await {
            Ok(octet) => heard.push(octet),
            Err(_) => return,
        }
    }
}

/// Hears the rest.
async fn listen<S: AsyncRead + Unpin>(stream: &mut S, heard: &mut Vec<u8>) {
    let _ = stream.read_to_end(heard).await;
}

/// Settings for a relay on this port. Waits are long enough for a busy machine.
pub(super) fn settings(port: u16, security: Security) -> Relay {
    let wait = Duration::from_secs(10);
    Relay {
        host: "127.0.0.1".to_owned(),
        port,
        security,
        hello: None,
        credentials: None,
        extra_ca_pem: None,
        disable: Vec::new(),
        timeouts: Timeouts {
            connect: wait,
            command: wait,
            data: wait,
            block: wait,
            end_of_message: wait,
            quit: wait,
        },
    }
}

/// An outcome on one line; of what is no SMTP, only that it is none.
pub(super) fn shown(outcome: &Outcome) -> String {
    let ending = match &outcome.ending {
        Ending::Answered(response) => response.to_string(),
        Ending::Lost(Loss::NotSmtp(_)) => "NotSmtp".to_owned(),
        Ending::Lost(loss) => format!("{loss:?}"),
        ending => format!("{ending:?}"),
    };
    format!("{:?} {ending}", outcome.stage)
}

/// The password that must show up nowhere but on an encrypted wire (security S16).
pub(super) const CANARY: &str = "canary-7f3a";

/// Somebody to sign in.
pub(super) fn credentials() -> Credentials {
    Credentials { name: "ana".to_owned(), password: Secret::new(CANARY.to_owned()) }
}

/// An authority of our own, in PEM, and a relay's settings with its certificate for `name`, which
/// is valid to the last day of `year`.
pub(super) fn certified(name: &str, year: i32) -> (Vec<u8>, Arc<ServerConfig>) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, format!("authority {name} {year}"));
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2000, 1, 1);
    // Noon, which is the same day in almost every time zone.
    params.not_after = date_time_ymd(year, 12, 31) + Duration::from_secs(12 * 60 * 60);
    let certificate = params.signed_by(&key, &issuer).unwrap();
    (pem.into_bytes(), served(&certificate, &key))
}

/// A relay's settings with a certificate that it has issued to itself as an authority.
pub(super) fn self_signed(name: &str) -> Arc<ServerConfig> {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    served(&params.self_signed(&key).unwrap(), &key)
}

fn served(certificate: &Certificate, key: &KeyPair) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let private_key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private_key)
        .unwrap();
    Arc::new(config)
}
