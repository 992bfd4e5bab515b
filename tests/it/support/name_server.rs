//! A name server on this computer that says what a test's zone says.
//!
//! Owns the wire format of answers, written by hand so that it shares nothing with the program's
//! resolver. UDP and TCP on one port; what does not fit into 1,232 octets is asked for by TCP.
//!
//! A zone has a line for each record: `a.example A 192.0.2.1`, `a.example MX 10 mx.a.example`,
//! `a.example TXT v=spf1 -all`, `a.example CNAME b.example`; `a.example FAILS` is SERVFAIL and
//! `a.example MUTE` silence. What the zone does not name does not exist (NXDOMAIN).
//!
//! # Standards
//! RFC 1035 4 (messages), RFC 6891 (sizes over UDP).

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Octets of an answer over UDP.
const UDP_OCTETS_MAX: usize = 1_232;
const TYPES: [(u16, &str); 5] = [(1, "A"), (5, "CNAME"), (15, "MX"), (16, "TXT"), (28, "AAAA")];

/// A running name server; it ends with the test's process.
pub struct NameServer {
    at: SocketAddr,
    zone: Arc<Mutex<Vec<String>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl NameServer {
    pub fn start(zone: &str) -> NameServer {
        let (udp, tcp) = both();
        let at = udp.local_addr().expect("an address");
        let lines = zone.lines().map(|line| line.trim().to_owned()).collect();
        let zone = Arc::new(Mutex::new(lines));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let server = NameServer { at, zone, asked };
        let (by_udp, by_tcp) = (server.answering(), server.answering());
        thread::spawn(move || {
            let mut buffer = [0; 4_096];
            while let Ok((length, whom)) = udp.recv_from(&mut buffer) {
                let Some(mut answer) = by_udp(&buffer[..length]) else { continue };
                if answer.len() > UDP_OCTETS_MAX {
                    answer = cut(&answer, &buffer[..length]);
                }
                let _ = udp.send_to(&answer, whom);
            }
        });
        let by_tcp = Arc::new(by_tcp);
        thread::spawn(move || {
            for stream in tcp.incoming().flatten() {
                let by_tcp = Arc::clone(&by_tcp);
                thread::spawn(move || serve(stream, &*by_tcp));
            }
        });
        server
    }

    /// What `--name-server` is given.
    pub fn at(&self) -> String {
        self.at.to_string()
    }

    /// Another zone from now on.
    pub fn change(&self, zone: &str) {
        let lines = zone.lines().map(|line| line.trim().to_owned()).collect();
        *self.zone.lock().expect("the zone") = lines;
    }

    /// Names and types asked for: `_dmarc.a.example TXT`.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("what was asked").clone()
    }

    fn answering(&self) -> impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static {
        let (zone, asked) = (Arc::clone(&self.zone), Arc::clone(&self.asked));
        move |query| {
            let (name, kind, question) = question(query)?;
            asked.lock().expect("what was asked").push(format!("{name} {kind}"));
            answer(query, &question, &name, kind, &zone.lock().expect("the zone"))
        }
    }
}

/// A UDP and a TCP port of one number.
fn both() -> (UdpSocket, TcpListener) {
    for _ in 0..100 {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let at = tcp.local_addr().expect("an address");
        if let Ok(udp) = UdpSocket::bind(at) {
            return (udp, tcp);
        }
    }
    panic!("no port is free for UDP and TCP");
}

fn serve(mut stream: TcpStream, answer: &dyn Fn(&[u8]) -> Option<Vec<u8>>) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
    let mut length = [0; 2];
    while stream.read_exact(&mut length).is_ok() {
        let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
        if stream.read_exact(&mut query).is_err() {
            return;
        }
        let Some(answer) = answer(&query) else { return };
        let length = u16::try_from(answer.len()).expect("an answer's length").to_be_bytes();
        if stream.write_all(&[&length[..], &answer].concat()).is_err() {
            return;
        }
    }
}

/// Name, type and the question as it was asked.
fn question(query: &[u8]) -> Option<(String, &'static str, Vec<u8>)> {
    let (mut at, mut labels) = (12, Vec::new());
    while let Some(length) = query.get(at).copied().filter(|length| *length > 0) {
        let label = query.get(at + 1..at + 1 + usize::from(length))?;
        labels.push(String::from_utf8_lossy(label).to_lowercase());
        at += 1 + usize::from(length);
    }
    let question = query.get(12..at + 5)?.to_vec();
    let number = u16::from_be_bytes([query[at + 1], query[at + 2]]);
    let kind = TYPES.iter().find(|(n, _)| *n == number).map_or("OTHER", |(_, kind)| kind);
    Some((labels.join("."), kind, question))
}

fn answer(
    query: &[u8],
    question: &[u8],
    name: &str,
    kind: &str,
    zone: &[String],
) -> Option<Vec<u8>> {
    let of = |name: &str| -> Vec<Vec<String>> {
        let words = zone.iter().map(|line| line.splitn(3, ' ').map(str::to_owned).collect());
        words.filter(|words: &Vec<String>| words.first().is_some_and(|n| n == name)).collect()
    };
    let is = |name: &str, what: &str| of(name).iter().any(|words| words[1] == what);
    if is(name, "MUTE") {
        return None;
    }
    let mut records = Vec::new();
    let mut owner = name.to_owned();
    while let Some(target) = of(&owner).iter().find(|words| words[1] == "CNAME") {
        records.push(record(&owner, "CNAME", &target[2]));
        owner = target[2].clone();
    }
    let found = of(&owner);
    records.extend(found.iter().filter(|w| w[1] == kind).map(|w| record(&owner, kind, &w[2])));
    let code: u8 = match (is(name, "FAILS"), found.is_empty()) {
        (true, _) => 2,
        (_, true) => 3,
        _ => 0,
    };
    let count = u16::try_from(records.len()).expect("few records").to_be_bytes();
    // An answer, recursion wanted and there; one question, no authority, nothing more.
    let head = [&query[..2], &[0x81, 0x80 | code, 0, 1], &count, &[0, 0, 0, 0]].concat();
    Some([head, question.to_vec(), records.concat()].concat())
}

/// The head of an answer that does not fit, with the bit that says so.
fn cut(answer: &[u8], query: &[u8]) -> Vec<u8> {
    let (_, _, question) = question(query).expect("it was answered");
    let head = [&answer[..2], &[answer[2] | 0x02, answer[3], 0, 1, 0, 0, 0, 0, 0, 0]].concat();
    [head, question].concat()
}

fn record(owner: &str, kind: &str, text: &str) -> Vec<u8> {
    let number = TYPES.iter().find(|(_, name)| *name == kind).expect("a type").0;
    let data = match kind {
        "A" | "AAAA" => match text.parse().expect("an address") {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        },
        "CNAME" => wire_name(text),
        "MX" => {
            let (preference, host) = text.split_once(' ').expect("a preference and a host");
            let preference: u16 = preference.parse().expect("a number");
            [preference.to_be_bytes().to_vec(), wire_name(host)].concat()
        }
        // Longer texts are several strings without anything between.
        _ => text
            .as_bytes()
            .chunks(255)
            .flat_map(|part| {
                let length = u8::try_from(part.len()).expect("255 at most");
                [&[length][..], part].concat()
            })
            .collect(),
    };
    let length = u16::try_from(data.len()).expect("short data").to_be_bytes();
    [
        wire_name(owner),
        number.to_be_bytes().to_vec(),
        vec![0, 1, 0, 0, 0, 60],
        length.to_vec(),
        data,
    ]
    .concat()
}

fn wire_name(name: &str) -> Vec<u8> {
    let labels = name.split('.').filter(|label| !label.is_empty());
    let parts = labels.flat_map(|label| {
        let length = u8::try_from(label.len()).expect("63 at most");
        [&[length][..], label.as_bytes()].concat()
    });
    parts.chain([0]).collect()
}
