//! A peer for `benches/compare/run`: a mailing with lettre's pooled transport, as documented.
//!
//! `lettre-peer PORT CONNECTIONS LETTERS FOLDER`: FOLDER holds `people.tsv` (address, name,
//! greeting), `text.txt` and `html.html` with `{{greeting}}` in them, `subject.txt`, `from.txt` and
//! the documents in `attachments/`. A thread for each connection, one transport shared by all.
//!
//! # Failure
//! The first letter that is not accepted ends the program with its reason.

use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart};
use lettre::transport::smtp::PoolConfig;
use lettre::{Message, SmtpTransport, Transport};
use std::error::Error;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

type Failure = Box<dyn Error + Send + Sync>;

/// What all letters have in common.
struct Mailing {
    from: Mailbox,
    subject: String,
    text: String,
    html: String,
    attachments: Vec<(String, Vec<u8>)>,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, connections, letters, folder] = arguments.as_slice() else {
        return Err("lettre-peer PORT CONNECTIONS LETTERS FOLDER".into());
    };
    let folder = Path::new(folder);
    let mailing = Mailing::read(folder)?;
    let people = std::fs::read_to_string(folder.join("people.tsv"))?;
    let people: Vec<&str> = people.lines().take(letters.parse()?).collect();
    let connections: u32 = connections.parse()?;
    let transport = SmtpTransport::builder_dangerous("127.0.0.1")
        .port(port.parse()?)
        .pool_config(PoolConfig::new().max_size(connections))
        .build();
    let next = AtomicUsize::new(0);
    let send_some = || -> Result<(), Failure> {
        while let Some(person) = people.get(next.fetch_add(1, Relaxed)) {
            transport.send(&mailing.letter(person)?)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections).map(|_| scope.spawn(send_some)).collect();
        threads.into_iter().try_for_each(|t| t.join().map_err(|_| "a thread broke off")?)
    })
}

impl Mailing {
    fn read(folder: &Path) -> Result<Mailing, Failure> {
        let read = |name: &str| std::fs::read_to_string(folder.join(name));
        let mut attachments = Vec::new();
        for entry in std::fs::read_dir(folder.join("attachments"))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            attachments.push((name, std::fs::read(entry.path())?));
        }
        attachments.sort();
        Ok(Mailing {
            from: read("from.txt")?.trim().parse()?,
            subject: read("subject.txt")?.trim().to_owned(),
            text: read("text.txt")?,
            html: read("html.html")?,
            attachments,
        })
    }

    fn letter(&self, person: &str) -> Result<Message, Failure> {
        let [address, name, greeting] = person.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("not three columns: {person:?}").into());
        };
        let to = Mailbox::new(Some(name.to_owned()), address.parse()?);
        let message = Message::builder().from(self.from.clone()).to(to).subject(&self.subject);
        let merged = |template: &str| template.replace("{{greeting}}", greeting);
        let body = MultiPart::alternative_plain_html(merged(&self.text), merged(&self.html));
        if self.attachments.is_empty() {
            return Ok(message.multipart(body)?);
        }
        let pdf = ContentType::parse("application/pdf")?;
        let mut mixed = MultiPart::mixed().multipart(body);
        for (name, bytes) in &self.attachments {
            let part = Attachment::new(name.clone()).body(bytes.clone(), pdf.clone());
            mixed = mixed.singlepart(part);
        }
        Ok(message.multipart(mixed)?)
    }
}
