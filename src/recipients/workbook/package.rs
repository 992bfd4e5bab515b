//! The parts of a workbook that is a zip of XML, read piece by piece.
//!
//! Owns unpacking and its limits. What the parts mean is known in `xlsx.rs` and `ods.rs`.
//!
//! # Standards
//! ISO/IEC 21320-1 (zip as documents use it), XML 1.0 without document types: no program writes one
//! into a workbook, and entities that refer to each other are an attack.
//!
//! # Invariants
//! What is unpacked is counted as it comes out, whatever the zip declares: all parts together at
//! most [`WORKBOOK_INFLATED_BYTES_MAX`], one tag or text at most [`WORKBOOK_PIECE_BYTES_MAX`]
//! (security S20).
//!
//! # Failure
//! [`Damage`].

use super::damage::Damage;
use crate::limits::{WORKBOOK_INFLATED_BYTES_MAX, WORKBOOK_PIECE_BYTES_MAX};
use quick_xml::Reader;
use quick_xml::events::{BytesEnd, BytesStart, Event};
use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use zip::ZipArchive;
use zip::read::ZipFile;

type Bytes<'a> = Cursor<&'a [u8]>;

/// A zip with XML in it.
pub(super) struct Package<'a> {
    zip: ZipArchive<Bytes<'a>>,
    /// Bytes that may still be unpacked.
    left: u64,
}

impl<'a> Package<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Package<'a>, Damage> {
        let broken = |_| Damage::Broken("it is no whole zip file");
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
        Ok(Package { zip, left: WORKBOOK_INFLATED_BYTES_MAX })
    }

    /// The name of a part as it is spelt in the zip, whatever its capitals.
    pub(super) fn find(&self, name: &str) -> Option<String> {
        let name = name.trim_start_matches('/');
        if self.zip.index_for_name(name).is_some() {
            return Some(name.to_owned());
        }
        let mut names = self.zip.file_names().filter_map(Result::ok);
        names.find(|known| known.eq_ignore_ascii_case(name)).map(Cow::into_owned)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Begins to read a part; `None` where there is none of that name.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<Part<'_, 'a>>, Damage> {
        let Some(name) = self.find(name) else { return Ok(None) };
        let file =
            self.zip.by_name(&name).map_err(|_| Damage::Broken("a part of it is missing"))?;
        let metered = Metered {
            inner: BufReader::with_capacity(64 << 10, file),
            left: &mut self.left,
            piece: 0,
        };
        let mut xml = Reader::from_reader(metered);
        xml.config_mut().expand_empty_elements = true;
        Ok(Some(Part { xml, buffer: Vec::new() }))
    }

    /// A small part as text.
    pub(super) fn text(&mut self, name: &str) -> Result<String, Damage> {
        let Some(name) = self.find(name) else { return Ok(String::new()) };
        let file =
            self.zip.by_name(&name).map_err(|_| Damage::Broken("a part of it is missing"))?;
        let mut text = Vec::new();
        let read = file.take(WORKBOOK_PIECE_BYTES_MAX as u64).read_to_end(&mut text);
        read.map_err(|_| Damage::Broken("it cannot be unpacked"))?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// Counts what comes out of a zip.
struct Metered<'p, 'a> {
    inner: BufReader<ZipFile<'p, Bytes<'a>>>,
    left: &'p mut u64,
    /// Octets of the piece that is being read.
    piece: usize,
}

/// That a limit was reached, on its way through the reader of XML.
#[derive(Debug, thiserror::Error)]
#[error("too large")]
struct TooLarge;

impl Read for Metered<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Metered<'_, '_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if *self.left == 0 || self.piece > WORKBOOK_PIECE_BYTES_MAX {
            return Err(io::Error::other(TooLarge));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, read: usize) {
        *self.left = self.left.saturating_sub(read as u64);
        self.piece += read;
        self.inner.consume(read);
    }
}

/// A part that is being read.
pub(super) struct Part<'p, 'a> {
    xml: Reader<Metered<'p, 'a>>,
    buffer: Vec<u8>,
}

/// A piece of a part. An empty element is opened and closed; comments are empty texts.
pub(super) enum Piece<'b> {
    Open(Element<'b>),
    Close(Closing<'b>),
    /// Entities and line ends are resolved.
    Text(Cow<'b, str>),
    End,
}

/// The end of an element.
pub(super) struct Closing<'b>(BytesEnd<'b>);

impl Closing<'_> {
    /// Its name without the prefix.
    pub(super) fn name(&self) -> &str {
        local(self.0.name().0)
    }
}

/// A name without its prefix: programs choose prefixes as they like.
fn local(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, local)| local)
}

/// A tag with its attributes.
pub(super) struct Element<'b>(BytesStart<'b>);

impl Element<'_> {
    /// Its name without the prefix.
    pub(super) fn name(&self) -> &str {
        local(self.0.name().0)
    }

    /// The values of these attributes, in one pass: by their names without prefix (the first of
    /// that name), or by their whole names where a prefix is asked for.
    pub(super) fn attributes<const N: usize>(
        &self,
        names: [&str; N],
    ) -> Result<[Option<Cow<'_, str>>; N], Damage> {
        let mut values = [const { None }; N];
        for attribute in self.0.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| Damage::Broken("its XML is damaged"))?;
            let whole = attribute.key.0;
            let first = |n: &usize| values[*n].is_none();
            let by_local = || names.iter().position(|name| *name == local(whole)).filter(first);
            if let Some(n) = names.iter().position(|name| *name == whole).or_else(by_local) {
                values[n] = Some(match &attribute.value {
                    Cow::Borrowed(raw) if !raw.contains('&') => Cow::Borrowed(*raw),
                    raw => Cow::Owned(unescaped(raw)?),
                });
            }
        }
        Ok(values)
    }

    pub(super) fn attribute(&self, name: &str) -> Result<Option<Cow<'_, str>>, Damage> {
        self.attributes([name]).map(|[value]| value)
    }
}

fn unescaped(raw: &str) -> Result<String, Damage> {
    let text = quick_xml::escape::unescape(raw);
    text.map(Cow::into_owned).map_err(|_| Damage::Broken("its XML refers to an entity"))
}

impl Part<'_, '_> {
    /// The next piece.
    pub(super) fn next(&mut self) -> Result<Piece<'_>, Damage> {
        self.buffer.clear();
        self.xml.get_mut().piece = 0;
        let event = self.xml.read_event_into(&mut self.buffer).map_err(|e| damage(&e))?;
        Ok(match event {
            Event::Start(tag) | Event::Empty(tag) => Piece::Open(Element(tag)),
            Event::End(tag) => Piece::Close(Closing(tag)),
            Event::Text(text) => Piece::Text(text.xml10_content()),
            Event::CData(text) => Piece::Text(text.xml10_content()),
            Event::GeneralRef(reference) => {
                Piece::Text(Cow::Owned(unescaped(&format!("&{};", reference.into_inner()))?))
            }
            Event::Eof => Piece::End,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => Piece::Text(Cow::Borrowed("")),
            Event::DocType(_) => return Err(Damage::Broken("its XML has a document type")),
        })
    }
}

fn damage(error: &quick_xml::Error) -> Damage {
    match error {
        quick_xml::Error::Io(error) if error.get_ref().is_some_and(|e| e.is::<TooLarge>()) => {
            Damage::TooLarge
        }
        quick_xml::Error::Io(_) => Damage::Broken("it cannot be unpacked"),
        _ => Damage::Broken("its XML is damaged"),
    }
}
