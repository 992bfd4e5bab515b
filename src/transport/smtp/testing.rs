//! A relay for the unit tests of this folder: it says and expects what a script tells it to, one
//! script a connection, and keeps every octet it hears. It judges nothing; the tests do.

use super::{Credentials, Proof, Relay, Security, Session, Timeouts, TlsClient};
use crate::address::EmailAddress;
use crate::message::{Chunk, Envelope, Message};
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
    /// Hear BDAT and the octets it promises; another line ends the script.
    HearChunk,
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
            Step::HearChunk => {
                hear_until(stream, heard, |new| new.ends_with(b"\n")).await;
                let Some(octets) = promised(&heard[from..]) else { return Next::Close };
                let from = heard.len();
                heard.resize(from + octets, 0);
                if stream.read_exact(&mut heard[from..]).await.is_err() {
                    return Next::Close;
                }
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

/// The octets that a line `BDAT 21 LAST` promises.
fn promised(line: &[u8]) -> Option<usize> {
    let line = String::from_utf8_lossy(line);
    line.strip_prefix("BDAT ")?.strip_suffix(" LAST\r\n")?.parse().ok()
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
            fresh: wait,
        },
    }
}

/// A small letter.
pub(super) const TEXT: &str = "Subject: x\r\n\r\nhello\r\n";

/// A letter to Ana.
pub(super) fn letter(text: &[u8]) -> Message {
    addressed("answers@forum.example", "ana@town.example", text)
}

/// A letter with this envelope.
pub(super) fn addressed(from: &str, to: &str, text: &[u8]) -> Message {
    let address = |text: &str| EmailAddress::parse(text).unwrap();
    let envelope =
        Envelope { reverse_path: address(from), forward_path: address(to), smtputf8: false };
    let chunks = vec![Chunk::Own(text.to_vec())];
    Message { envelope, message_id: "<1@forum.example>".to_owned(), chunks }
}

/// A message of 16 MB, more than any connection takes unread.
pub(super) fn large() -> Message {
    let line = [vec![b'x'; 62], b"\r\n".to_vec()].concat();
    letter(&line.repeat((16 << 20) / line.len()))
}

/// A permit that takes a moment, so that what the relay has said meanwhile is there.
pub(super) async fn permit() -> Result<(), ()> {
    tokio::time::sleep(Duration::from_millis(100)).await;
    Ok(())
}

/// A session up to the answer to EHLO.
pub(super) fn greeted(offer: &str) -> Vec<Step> {
    vec![say("220 hi"), hear("EHLO"), say(offer)]
}

/// Opens a session.
pub(super) async fn session(settings: &Relay) -> Session {
    Session::open(settings, &TlsClient::for_relay(settings).unwrap()).await.unwrap()
}

/// A session with a relay that plays this script after its answer to EHLO.
pub(super) async fn opened(offer: &str, steps: Vec<Step>) -> (Session, Scripted) {
    opened_with(offer, steps, |_| ()).await
}

/// The same, with other waits than a second for answers.
pub(super) async fn opened_with(
    offer: &str,
    steps: Vec<Step>,
    change: impl FnOnce(&mut Timeouts),
) -> (Session, Scripted) {
    let relay = relay(vec![[greeted(offer), steps].concat()]).await;
    let mut settings = settings(relay.port, Security::Plain);
    let timeouts = &mut settings.timeouts;
    let second = Duration::from_secs(1);
    (timeouts.command, timeouts.data, timeouts.end_of_message) = (second, second, second);
    change(timeouts);
    (session(&settings).await, relay)
}

/// What a relay offers in its answer to EHLO.
pub(super) const CHUNKING: &str = "250-x\r\n250-PIPELINING\r\n250 CHUNKING";
/// The same.
pub(super) const PIPELINING: &str = "250-x\r\n250 PIPELINING";
/// The same.
pub(super) const CHUNKING_ALONE: &str = "250-x\r\n250 CHUNKING";

/// MAIL and RCPT of a letter to Ana.
pub(super) const ENVELOPE: &str =
    "MAIL FROM:<answers@forum.example>\r\nRCPT TO:<ana@town.example>\r\n";

/// A letter of one block.
pub(super) fn small() -> Message {
    letter(TEXT.as_bytes())
}

/// A letter of some blocks, in lines of 64 octets.
pub(super) fn of_octets(octets: usize) -> Message {
    let line = [vec![b'x'; 62], b"\r\n".to_vec()].concat();
    letter(&line.repeat(octets / line.len()))
}

/// The whole flight, heard before anything is answered.
pub(super) fn flight() -> Vec<Step> {
    vec![hear("MAIL"), hear("RCPT"), Step::HearChunk]
}

/// The commands of a flight that asks for an invitation.
pub(super) fn asking() -> Vec<Step> {
    vec![hear("MAIL"), hear("RCPT"), hear("DATA")]
}

/// One script after the other.
pub(super) fn then(before: &[Step], after: &[Step]) -> Vec<Step> {
    [before, after].concat()
}

/// A script, and then these answers.
pub(super) fn answers(before: Vec<Step>, answers: &[&str]) -> Vec<Step> {
    before.into_iter().chain(answers.iter().map(|answer| say(answer))).collect()
}

/// One letter against a script: the outcome, and whether the session goes on.
pub(super) async fn transmitted(
    offer: &str,
    message: &Message,
    steps: Vec<Step>,
) -> (String, bool) {
    let (mut session, _relay) = opened(offer, steps).await;
    let outcome = session.transmit(message, permit).await;
    assert_eq!(outcome.is_accepted(), shown(&outcome).starts_with("EndOfMessage 2"));
    (shown(&outcome), session.is_usable())
}

/// One small letter over a session.
pub(super) async fn transmit_to(session: &mut Session, to: &str) -> String {
    let message = addressed("answers@forum.example", to, TEXT.as_bytes());
    shown(&session.transmit(&message, permit).await)
}

/// What came of a letter, and whether the session goes on.
#[track_caller]
pub(super) fn assert_came(came: (String, bool), outcome: &str, usable: bool) {
    assert_eq!(came, (outcome.to_owned(), usable));
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
    let proof = Proof::Password(Secret::new(CANARY.to_owned()));
    Credentials { name: "ana".to_owned(), proof }
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
