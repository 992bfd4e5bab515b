//! Mail addresses: one address of one person, and a name beside it.
//!
//! Owns the grammar of what may stand after `RCPT TO:<`, the key by which two spellings are the
//! same address, and which domains nobody may be written to. Whether a mailbox exists is the
//! relay's to say.
//!
//! # Standards
//! RFC 5321 4.1.2 (mailbox), RFC 6531 3.3 (letters beyond ASCII), RFC 5890 (A-labels),
//! RFC 5322 3.4 (a name with an address), RFC 2606 and 6761 (reserved domains), UTS 39 3.3 and 5.1
//! (letters that pass for others).
//!
//! # Departures
//! Quoted local parts, comments, groups, encoded words and address literals are refused although
//! mail has a grammar for them: in a participant list they are slips or attacks (security S11), and
//! relays disagree on them. All differences are in docs/addresses.md.
//!
//! # Invariants
//! An [`EmailAddress`] holds no blank, control, bracket or quotation mark: it cannot end an SMTP
//! command or start another (security S3).

use crate::limits::{
    ADDRESS_DOMAIN_OCTETS_MAX, ADDRESS_LOCAL_OCTETS_MAX, ADDRESS_OCTETS_MAX,
    DOMAIN_LABEL_OCTETS_MAX,
};
use std::borrow::Cow;
use std::fmt;
use unicode_normalization::UnicodeNormalization;
use unicode_script::{Script, UnicodeScript};

/// One address, parsed: `local@domain`, the domain as A-label in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress {
    /// As it is sent: local part as written (NFC), `@`, domain as A-label.
    sent: String,
    /// Octets of the local part within `sent`.
    local_octets: usize,
}

/// Why a text is not an address. Its words complete "the address ...".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing but blanks.
    #[error("is empty")]
    Empty,
    /// No `@`.
    #[error("has no @")]
    NoAt,
    /// More than one address, or a list separator.
    #[error("holds more than one address")]
    Several,
    /// `a@@b.example`.
    #[error("has two @ in a row")]
    TwoAts,
    /// `ana (at) x.example`: as web pages write it, so that programs do not find it.
    #[error("has {0:?} where the @ should stand")]
    AtInWords(String),
    /// A link copied out of a web page.
    #[error("holds mailto: before the address")]
    Mailto,
    /// A name with an address, where a bare address belongs.
    #[error("holds a name or brackets besides the address")]
    NameOrBrackets,
    /// A quoted local part, a comment or an address literal.
    #[error(
        "uses quotation marks, comments or a numeric host, which mail servers treat differently"
    )]
    Exotic,
    /// A character that has no place in an address.
    #[error("holds {0}, which does not belong in an address")]
    Character(String),
    /// Dots at the ends of the local part or next to each other.
    #[error("has a dot at the start or end, or two in a row, before the @")]
    Dots,
    /// Nothing before the `@`.
    #[error("has nothing before the @")]
    NoLocalPart,
    /// A domain no mail can go to.
    #[error("has the domain {0:?}, which cannot exist")]
    Domain(String),
    /// A domain of one label.
    #[error("has the domain {0:?} without a dot")]
    NoDot(String),
    /// Letters of two scripts in one word, such as Cyrillic `а` among Latin ones.
    #[error("mixes letters of different scripts in {word:?}: {letter:?} is {script}")]
    MixedScripts {
        /// The word.
        word: String,
        /// The first letter that is of another script than most.
        letter: char,
        /// The name of its script in Unicode.
        script: &'static str,
    },
    /// A letter in another form, such as a full-width one, before the `@`.
    #[error("holds {0:?}, which is a variant of an ordinary letter")]
    Variant(char),
    /// `ana%0d%0aRCPT`: a control character or blank, as links write it.
    #[error("holds %{0}, which stands for a line break or another control character")]
    EncodedControl(String),
    /// `=?utf-8?q?ana?=`: mail programs would read it as other text than relays do.
    #[error("holds an encoded word (=?...?=), which mail programs take for other text")]
    EncodedWord,
    /// Too many octets.
    #[error("is longer than mail servers accept")]
    TooLong,
}

impl EmailAddress {
    /// Reads a bare address; blanks around it are ignored.
    ///
    /// # Errors
    /// [`AddressError`] when the text is anything but one plain address.
    pub fn parse(text: &str) -> Result<EmailAddress, AddressError> {
        let text = text.trim();
        if let Some(local_octets) = plain_local_octets(text) {
            let mut sent = text.to_owned();
            sent[local_octets + 1..].make_ascii_lowercase();
            return Ok(EmailAddress { sent, local_octets });
        }
        EmailAddress::parse_slowly(text)
    }

    /// Every text that [`plain_local_octets`] cannot vouch for.
    fn parse_slowly(text: &str) -> Result<EmailAddress, AddressError> {
        let text = composed(text);
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        refuse_foreign_marks(&text)?;
        let (local, domain) = text.split_once('@').ok_or(AddressError::NoAt)?;
        check_local(local)?;
        let domain = check_domain(domain)?;
        if local.len() + 1 + domain.len() > ADDRESS_OCTETS_MAX {
            return Err(AddressError::TooLong);
        }
        Ok(EmailAddress { sent: format!("{local}@{domain}"), local_octets: local.len() })
    }

    /// The address as it is sent: local part as written, domain as A-label.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.sent
    }

    /// What stands before the `@`.
    #[must_use]
    pub fn local_part(&self) -> &str {
        &self.sent[..self.local_octets]
    }

    /// What stands after the `@`, as A-label in lower case.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.sent[self.local_octets + 1..]
    }

    /// The domain in its own letters, for people.
    #[must_use]
    pub fn domain_for_people(&self) -> String {
        idna::domain_to_unicode(self.domain()).0
    }

    /// The address in its own letters; where the domain has others than ASCII, its A-label stands
    /// behind, so that `bücher` and a look-alike of it can be told apart (security S12).
    #[must_use]
    pub fn for_people(&self) -> Cow<'_, str> {
        match self.has_a_label() {
            false => Cow::Borrowed(&self.sent),
            true => Cow::Owned(format!(
                "{}@{} ({})",
                self.local_part(),
                self.domain_for_people(),
                self.domain()
            )),
        }
    }

    /// Whether the domain has letters beyond ASCII.
    #[must_use]
    pub fn has_a_label(&self) -> bool {
        self.domain().split('.').any(|label| label.starts_with("xn--"))
    }

    /// Whether the local part needs SMTPUTF8 (RFC 6531 3.2).
    #[must_use]
    pub fn needs_smtputf8(&self) -> bool {
        !self.local_part().is_ascii()
    }

    /// What makes two spellings the same address: NFC, local part case-folded, domain as A-label.
    ///
    /// RFC 5321 2.4 lets a local part be case-sensitive; no provider in use makes two people of
    /// `Ana@` and `ana@`, and a letter twice to one person is the graver mistake.
    #[must_use]
    pub fn compare_key(&self) -> String {
        format!("{}@{}", case_folded(self.local_part()), self.domain())
    }

    /// Whether no mail can ever arrive there: RFC 2606 2 and 3, RFC 6761 6.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        let domain = self.domain();
        let ends = |suffix: &str| {
            domain.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        ["example", "test", "invalid", "localhost", "example.com", "example.net", "example.org"]
            .into_iter()
            .any(ends)
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sent)
    }
}

/// The simple case folding of a text, then NFC. Upper case first joins letters that have two
/// small forms (Greek final sigma).
#[must_use]
pub fn case_folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfc().collect()
}

/// NFC. Nearly all addresses are ASCII, which is composed already.
fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

/// How long the local part of a plain ASCII address is; `None` for any text that needs a closer
/// look, also where nothing is wrong with it. Nearly all addresses end here, a million of them in
/// a moment.
fn plain_local_octets(text: &str) -> Option<usize> {
    let at = memchr::memchr(b'@', text.as_bytes())?;
    let (local, domain) = (&text.as_bytes()[..at], &text.as_bytes()[at + 1..]);
    // What the slow way refuses, or what it knows better: `|` separates, `=?` begins an encoded
    // word, `%0A` is a line break to whoever decodes it.
    let is_plain = |b: &u8| is_atext(*b) && !matches!(b, b'|' | b'?' | b'%');
    let local_fits = local.len() <= ADDRESS_LOCAL_OCTETS_MAX
        && local.split(|b| *b == b'.').all(|atom| !atom.is_empty() && atom.iter().all(is_plain));
    let mut labels = domain.split(|b| *b == b'.');
    let domain_fits = text.len() <= ADDRESS_OCTETS_MAX
        && domain.len() < ADDRESS_DOMAIN_OCTETS_MAX - 1
        && domain.contains(&b'.')
        && labels.all(is_plain_label)
        && domain.last().is_some_and(u8::is_ascii_alphabetic);
    (local_fits && domain_fits).then_some(at)
}

/// Letters, digits and hyphens, none at the ends (RFC 1123 2.1); no A-label, nor what IDNA keeps
/// for the like (RFC 5891 4.2.3.1).
fn is_plain_label(label: &[u8]) -> bool {
    let ends_fit = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    label.len() <= DOMAIN_LABEL_OCTETS_MAX
        && ends_fit(label.first())
        && ends_fit(label.last())
        && label.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
        && label.get(2..4) != Some(b"--")
}

/// RFC 5322 3.2.3.
fn is_atext(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b)
}

/// What links to an address begin with (RFC 6068 2).
pub(crate) const MAILTO: &str = "mailto:";

/// Marks that show that a cell holds something other than one plain address.
fn refuse_foreign_marks(text: &str) -> Result<(), AddressError> {
    let separator = text.chars().find(|c| matches!(c, ',' | ';' | '|'));
    match text.matches('@').count() {
        2 if separator.is_none() && text.contains("@@") => return Err(AddressError::TwoAts),
        0 => refuse_at_in_words(text)?,
        1 => {}
        _ => return Err(AddressError::Several),
    }
    if text.get(..MAILTO.len()).is_some_and(|start| start.eq_ignore_ascii_case(MAILTO)) {
        return Err(AddressError::Mailto);
    }
    if text.contains(['<', '>']) || text.contains(' ') && text.contains('@') {
        return Err(AddressError::NameOrBrackets);
    }
    if text.contains(['"', '(', ')', '[', ']', '\\', ':']) {
        return Err(AddressError::Exotic);
    }
    let hidden = text.chars().find(|c| is_invisible(*c) || c.is_control() || c.is_whitespace());
    match hidden.or(separator) {
        Some(c) => Err(AddressError::Character(described(c))),
        None => Ok(()),
    }
}

/// How people write the `@` where programs should not see an address, in small letters.
pub(crate) const AT_IN_WORDS: [&str; 5] = ["(at)", "[at]", "{at}", "(arroba)", "(a)"];

fn refuse_at_in_words(text: &str) -> Result<(), AddressError> {
    let folded = text.to_lowercase();
    match AT_IN_WORDS.iter().find(|words| folded.contains(**words)) {
        Some(words) => Err(AddressError::AtInWords((*words).to_owned())),
        None => Ok(()),
    }
}

/// Characters that cannot be seen or that turn the writing round (security S12).
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffd}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Characters that end a line, control a terminal or turn the writing round: nothing that is shown
/// on one line may have them (security S2, S13).
#[must_use]
pub fn breaks_or_turns_a_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A character as a person can recognise it, also where it cannot be seen.
fn described(c: char) -> String {
    match c {
        '\r' | '\n' => "a line break".to_owned(),
        '\t' => "a tab".to_owned(),
        c if c.is_control() || is_invisible(c) => {
            format!("an invisible character (U+{:04X})", u32::from(c))
        }
        c if c.is_whitespace() => format!("a blank (U+{:04X})", u32::from(c)),
        c => format!("{c:?}"),
    }
}

/// Dot-string of RFC 5321 4.1.2 with the letters of RFC 6531 3.3.
fn check_local(local: &str) -> Result<(), AddressError> {
    if local.is_empty() {
        return Err(AddressError::NoLocalPart);
    }
    if local.len() > ADDRESS_LOCAL_OCTETS_MAX {
        return Err(AddressError::TooLong);
    }
    if local.split('.').any(str::is_empty) {
        return Err(AddressError::Dots);
    }
    let belongs = |c: &char| !c.is_ascii() || *c == '.' || is_atext(*c as u8);
    if let Some(c) = local.chars().find(|c| !belongs(c)) {
        return Err(AddressError::Character(described(c)));
    }
    // RFC 2047 5 has no encoded words in addresses; not all who read mail know.
    if local.contains("=?") {
        return Err(AddressError::EncodedWord);
    }
    if let Some(code) = local.split('%').skip(1).find_map(encoded_control) {
        return Err(AddressError::EncodedControl(code.to_owned()));
    }
    if let Some(c) = local.chars().find(|c| is_variant(*c)) {
        return Err(AddressError::Variant(c));
    }
    check_scripts(local)
}

/// The two hexadecimal digits behind a `%` that stand for a control character or a blank: whoever
/// decodes them on the way would end the command there (security S3).
fn encoded_control(behind: &str) -> Option<&str> {
    let digits = behind.get(..2).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let octet = u8::from_str_radix(digits, 16).ok()?;
    (octet <= b' ' || octet == 0x7f).then_some(digits)
}

/// Whether a letter is another form of one that everybody writes: full-width, mathematical, a
/// ligature, or a letter as Arabic type has it at the end of a word. UTS 39 3.3 wants NFKC; letters
/// that a language is written with although NFKC takes them apart (Thai `ำ`) stay.
fn is_variant(c: char) -> bool {
    if c.is_ascii() {
        return false;
    }
    let composed = std::iter::once(c).nfkc();
    let differs = !composed.clone().eq([c]);
    differs && (matches!(c, '\u{fb00}'..='\u{ffef}') || { composed }.any(|c| c.is_ascii()))
}

/// The domain as A-label, checked by IDNA (UTS 46, STD3 rules) and against mixed scripts.
fn check_domain(domain: &str) -> Result<String, AddressError> {
    let cannot_exist = || AddressError::Domain(domain.to_owned());
    let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| cannot_exist())?;
    if ascii.len() > ADDRESS_DOMAIN_OCTETS_MAX {
        return Err(AddressError::TooLong);
    }
    let Some((_, last)) = ascii.rsplit_once('.') else {
        return Err(AddressError::NoDot(domain.to_owned()));
    };
    // RFC 3696 2: a top-level domain is not all digits; `user@10.0.0.1` is a host, not a domain.
    if ascii.split('.').any(str::is_empty) || last.bytes().all(|b| b.is_ascii_digit()) {
        return Err(cannot_exist());
    }
    let (unicode, valid) = idna::domain_to_unicode(&ascii);
    valid.map_err(|_| cannot_exist())?;
    unicode.split('.').try_for_each(check_scripts)?;
    Ok(ascii)
}

/// One script in a word; Japanese and Korean write with several, as UTS 39 5.1 allows.
fn check_scripts(word: &str) -> Result<(), AddressError> {
    if word.is_ascii() {
        return Ok(());
    }
    let mut seen: Option<unicode_script::ScriptExtension> = None;
    for c in word.chars().filter(|c| c.is_alphabetic()) {
        let of_c = c.script_extension();
        let joined = seen.map_or(of_c, |s| s.intersection(of_c));
        if joined.is_empty() && !east_asian(word) {
            return Err(mixed_scripts(word));
        }
        seen = Some(joined);
    }
    Ok(())
}

/// The error that names the letter of the rarer script: the one that does not belong.
fn mixed_scripts(word: &str) -> AddressError {
    let letters = || word.chars().filter(|c| c.is_alphabetic());
    let count = |script: Script| letters().filter(|c| c.script() == script).count();
    let letter = letters().min_by_key(|c| count(c.script())).unwrap_or_default();
    AddressError::MixedScripts {
        word: word.to_owned(),
        letter,
        script: letter.script().full_name(),
    }
}

/// Whether all letters are of the scripts that Chinese, Japanese and Korean mix, with Latin.
fn east_asian(word: &str) -> bool {
    word.chars().filter(|c| c.is_alphabetic()).all(|c| {
        matches!(
            c.script(),
            Script::Han
                | Script::Hiragana
                | Script::Katakana
                | Script::Hangul
                | Script::Bopomofo
                | Script::Latin
                | Script::Common
                | Script::Inherited
        )
    })
}

/// An address with the name of whom it belongs to (RFC 5322 3.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The name to show, without quotation marks; never empty, no control character.
    pub name: Option<String>,
    /// The address.
    pub address: EmailAddress,
}

/// Why a text is not a name with an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailboxError {
    /// The address within is none.
    #[error("the address {0}")]
    Address(#[from] AddressError),
    /// A name that could be taken for an address, or that breaks a header (security S2, S13).
    #[error("the name {0:?} holds a character that does not belong in a name")]
    Name(String),
}

impl Mailbox {
    /// Reads `Name <address>`, `"Name" <address>` or a bare address.
    ///
    /// # Errors
    /// [`MailboxError`] when the address is none or the name has a control character or an `@`.
    pub fn parse(text: &str) -> Result<Mailbox, MailboxError> {
        let text = text.trim();
        let Some((name, rest)) = text.rsplit_once('<') else {
            return Ok(Mailbox { name: None, address: EmailAddress::parse(text)? });
        };
        let address = rest.strip_suffix('>').ok_or(AddressError::NameOrBrackets)?;
        let name = name.trim();
        let unquoted = name.strip_prefix('"').and_then(|n| n.strip_suffix('"')).unwrap_or(name);
        Mailbox::new(unquoted, EmailAddress::parse(address)?)
    }

    /// A name with an address; an empty name is none.
    ///
    /// # Errors
    /// [`MailboxError::Name`] when the name has a control or bidirectional-control character, an
    /// `@`, or characters that cannot be seen. Zero-width joiners stay: Persian and Indic names
    /// are written with them (security S12).
    pub fn new(name: &str, address: EmailAddress) -> Result<Mailbox, MailboxError> {
        let name = name.trim();
        let joiner = |c: char| matches!(c, '\u{200c}' | '\u{200d}' | '\u{200e}' | '\u{200f}');
        let breaks = |c: char| c.is_control() || c == '@' || is_invisible(c) && !joiner(c);
        if name.contains(breaks) {
            return Err(MailboxError::Name(name.to_owned()));
        }
        let name = Some(name.to_owned()).filter(|n| !n.is_empty());
        Ok(Mailbox { name, address })
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => write!(f, "{}", self.address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(text: &str) -> Result<String, AddressError> {
        EmailAddress::parse(text).map(|a| a.as_str().to_owned())
    }

    #[test]
    fn plain_addresses_are_kept_as_written_with_the_domain_as_a_label() {
        for (text, expected) in [
            (" Ana.Perez+forum@Mail.Example ", "Ana.Perez+forum@mail.example"),
            ("o'brien@town.example", "o'brien@town.example"),
            ("x@educación.example", "x@xn--educacin-13a.example"),
            ("用户@例子.test", "用户@xn--fsqu00a.test"),
            ("почта@пример.test", "почта@xn--e1afmkfd.test"),
        ] {
            assert_eq!(sent(text).as_deref(), Ok(expected), "{text}");
        }
    }

    /// Security S3 and S11: none of these becomes a recipient.
    #[test]
    fn address_confusion_is_refused() {
        for text in [
            "",
            "  ",
            "ana",
            "a@x.example,b@y.example",
            "a@x.example; b@y.example",
            "a@@x.example",
            "Ana <ana@x.example>",
            "<ana@x.example>",
            "\"a b\"@x.example",
            "ana(home)@x.example",
            "ana@[192.0.2.1]",
            "ana@192.0.2.1",
            "team: a@x.example;",
            "mailto:a@x.example",
            "a@x.example> SIZE=1",
            "a@x.example\r\nRCPT TO:<b@y.example",
            "a b@x.example",
            ".a@x.example",
            "a..b@x.example",
            "a.@x.example",
            "@x.example",
            "a@",
            "a@x",
            "a@-x.example",
            "a@x_y.example",
            "a@x..example",
            "a@x.example.",
            "a@.example",
            "=?utf-8?q?a?=@x.example@y",
            "a@example.org\u{200b}",
            "a\u{202e}b@x.example",
            "аna@x.example",
            "ana@exаmple.org",
            "a\u{0}@x.example",
            "a@x.exa\tmple",
            "=?utf-8?q?ana?=@x.example",
            "=?x?q?=41=42?=+tag@x.example",
            "@a.example,@b.example:ana@x.example",
            "ａｎａ@x.example",
            "\u{1d41a}na@x.example",
            "ana@xn--\u{7f}.example",
            "ana@xn--a.example",
            "ana@x.example/b",
            "ana%0d%0arcpt@x.example",
            "ana%20b@x.example",
            "ana|bo@x.example",
        ] {
            assert!(sent(text).is_err(), "{text:?} was taken");
        }
        assert!(sent(&format!("{}@x.example", "a".repeat(65))).is_err());
        assert!(sent(&format!("a@{}example", "abcdefghi.".repeat(25))).is_err());
    }

    /// What the quick way takes, the slow way takes as well and in the same words.
    #[test]
    fn the_quick_way_is_only_quicker() {
        use proptest::prelude::*;
        let texts =
            ["[aZ09.@|?=_'+\\- -]{1,12}", "[a-c.]{1,4}@[a-cXN0-9.-]{1,9}", "a@[a.-]{250,256}"];
        let texts = texts.map(|t| proptest::string::string_regex(t).unwrap().boxed());
        let all = proptest::strategy::Union::new(texts);
        let mut quick = 0;
        proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(4_000))
            .run(&all, |text| {
                let slow = EmailAddress::parse_slowly(text.trim());
                prop_assert_eq!(EmailAddress::parse(&text), slow);
                Ok(())
            })
            .unwrap();
        for text in ["ana@x.example", "A.B+c'd@Mail.X-y.example", "r&d@1.example"] {
            quick += usize::from(plain_local_octets(text).is_some());
        }
        assert_eq!(quick, 3);
    }

    /// Security S12: where the domain has other letters, its A-label stands beside it.
    #[test]
    fn an_a_label_stands_beside_the_domain_it_is_of() {
        let shown = |t: &str| EmailAddress::parse(t).unwrap().for_people().into_owned();
        assert_eq!(shown("Ana@Town.example"), "Ana@town.example");
        let expected = "ana@bücher.example (xn--bcher-kva.example)";
        assert_eq!(shown("ana@BÜCHER.example"), expected);
        assert_eq!(shown("ana@xn--bcher-kva.example"), expected);
        assert_eq!(shown("ana@пример.рф"), "ana@пример.рф (xn--e1afmkfd.xn--p1ai)");
    }

    /// Security S12: the letter that does not belong is named.
    #[test]
    fn the_letter_of_another_script_is_named() {
        for (text, words) in [
            ("an\u{430}@x.example", "in \"an\u{430}\": '\u{430}' is Cyrillic"),
            ("ana@ex\u{3b1}mple.org", "in \"ex\u{3b1}mple\": '\u{3b1}' is Greek"),
            ("пoчта@x.example", "in \"пoчта\": 'o' is Latin"),
        ] {
            let error = sent(text).unwrap_err().to_string();
            assert!(error.ends_with(words), "{error}");
        }
        for right in ["почта@пример.рф", "田中taro@例え.example", "ไทยำ@x.example"]
        {
            assert!(sent(right).is_ok(), "{right}");
        }
    }

    /// Both were told as "holds more than one address" or as an exotic form of one.
    #[test]
    fn slips_of_the_keyboard_are_called_what_they_are() {
        for (text, words) in [
            ("mailto:ana@x.example", "holds mailto: before the address"),
            ("MailTo: ana@x.example", "holds mailto: before the address"),
            ("a@@b.example", "has two @ in a row"),
            ("a@@b.example, c@d.example", "holds more than one address"),
            ("a@@b@c.example", "holds more than one address"),
            ("a@b@c.example", "holds more than one address"),
            // Was told as "holds more than one address".
            ("a@b,example", "holds ',', which does not belong in an address"),
        ] {
            assert_eq!(sent(text).map_err(|e| e.to_string()), Err(words.to_owned()), "{text}");
        }
    }

    #[test]
    fn two_spellings_of_one_address_have_one_key() {
        let key = |t: &str| EmailAddress::parse(t).unwrap().compare_key();
        assert_eq!(key("Ana@Town.EXAMPLE"), key("ana@town.example"));
        assert_eq!(key("x@educación.example"), key("X@xn--educacin-13a.example"));
        assert_eq!(key("jose\u{301}@x.example"), key("JOSÉ@x.example"));
        assert_ne!(key("ana+a@x.example"), key("ana@x.example"));
    }

    #[test]
    fn reserved_domains_are_known() {
        let reserved = |t: &str| EmailAddress::parse(t).unwrap().is_reserved();
        assert!(reserved("a@forum.example") && reserved("a@x.test") && reserved("a@example.org"));
        assert!(reserved("a@mail.example.com"));
        assert!(
            !reserved("a@myexample.org")
                && !reserved("a@example.info")
                && !reserved("a@latest.int")
        );
    }

    #[test]
    fn only_a_local_part_beyond_ascii_needs_smtputf8() {
        assert!(EmailAddress::parse("用户@x.example").unwrap().needs_smtputf8());
        assert!(!EmailAddress::parse("x@例子.example").unwrap().needs_smtputf8());
    }

    #[test]
    fn a_mailbox_is_a_name_and_an_address() {
        let read = |t: &str| Mailbox::parse(t).map(|m| m.to_string());
        assert_eq!(read("Secretariat <s@f.example>").as_deref(), Ok("Secretariat <s@f.example>"));
        assert_eq!(read("\"Forum, the\" <s@f.example>").as_deref(), Ok("Forum, the <s@f.example>"));
        assert_eq!(read("s@f.example").as_deref(), Ok("s@f.example"));
        for bad in
            ["a@b.example <s@f.example>", "x\r\nBcc: y <s@f.example>", "S <s@f.example", "S <>"]
        {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
