//! Rust source as text: what is code, what is a string, what is neither.
//!
//! Owns just enough of the language's surface for the rules in `mod.rs`: comments and strings are
//! told from code, identifiers are taken apart into words. No parser: what a rule needs can be
//! seen in the text, and the compiler has looked at the rest.

/// A source file taken apart.
pub struct Source {
    /// The text with comments and the insides of strings blanked; lines stay lines.
    pub code: String,
    /// The insides of strings, with their lines from 1.
    pub strings: Vec<(usize, String)>,
}

impl Source {
    pub fn of(text: &str) -> Source {
        let chars: Vec<char> = text.chars().collect();
        let mut source = Source { code: String::new(), strings: Vec::new() };
        let mut at = 0;
        while at < chars.len() {
            at = source.take(&chars, at);
        }
        source
    }

    /// The file without its unit tests, which stand at its end (house style).
    pub fn without_tests(text: &str) -> Source {
        let end = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
        Source::of(&text[..end])
    }

    /// Takes one piece and says where the next begins.
    fn take(&mut self, chars: &[char], at: usize) -> usize {
        let rest = &chars[at..];
        match rest {
            ['/', '/', ..] => self.blank(chars, at, at + line_length(rest)),
            ['/', '*', ..] => self.blank(chars, at, at + block_length(rest)),
            ['"', ..] => self.string(chars, at, at + 1, at + 1 + quoted_length(&rest[1..])),
            ['r', '"' | '#', ..] if starts_word(chars, at) => match raw_string(rest) {
                Some((open, close)) => self.string(chars, at, at + open, at + close),
                None => self.keep(chars[at], at),
            },
            ['\'', '\\', ..] => self.blank(chars, at, at + char_length(rest)),
            ['\'', _, '\'', ..] => self.blank(chars, at, at + 3),
            _ => self.keep(chars[at], at),
        }
    }

    fn keep(&mut self, c: char, at: usize) -> usize {
        self.code.push(c);
        at + 1
    }

    fn blank(&mut self, chars: &[char], from: usize, to: usize) -> usize {
        let to = to.min(chars.len());
        self.code.extend(chars[from..to].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
        to
    }

    /// A string whose inside is `inner..end`; what closes it is blanked by the caller's next step.
    fn string(&mut self, chars: &[char], from: usize, inner: usize, end: usize) -> usize {
        let end = end.min(chars.len());
        let line = self.code.matches('\n').count() + 1;
        self.strings.push((line, chars[inner..end].iter().collect()));
        let hashes = inner - from - 1;
        let closing = if chars[from] == 'r' { hashes } else { 1 };
        self.blank(chars, from, end + closing)
    }
}

fn line_length(rest: &[char]) -> usize {
    rest.iter().position(|&c| c == '\n').unwrap_or(rest.len())
}

/// Block comments nest.
fn block_length(rest: &[char]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] if depth == 1 => return at + 2,
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

fn quoted_length(inside: &[char]) -> usize {
    let mut at = 0;
    while at < inside.len() && inside[at] != '"' {
        at += if inside[at] == '\\' { 2 } else { 1 };
    }
    at
}

fn char_length(rest: &[char]) -> usize {
    rest.iter().skip(2).position(|&c| c == '\'').map_or(rest.len(), |n| n + 3)
}

/// Where the inside of `r##"..."##` begins and ends.
fn raw_string(rest: &[char]) -> Option<(usize, usize)> {
    let hashes = rest[1..].iter().take_while(|&&c| c == '#').count();
    (rest.get(1 + hashes) == Some(&'"')).then_some(())?;
    let open = hashes + 2;
    let closing: Vec<char> = std::iter::once('"').chain(vec!['#'; hashes]).collect();
    let end = rest[open..].windows(closing.len()).position(|w| w == closing)?;
    Some((open, open + end))
}

fn starts_word(chars: &[char], at: usize) -> bool {
    at == 0 || !(chars[at - 1].is_alphanumeric() && chars[at - 1] != 'b' || chars[at - 1] == '_')
}

/// Identifiers and keywords of code, with their lines from 1.
pub fn identifiers(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (line, text) in code.lines().enumerate() {
        let pieces = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        found.extend(pieces.filter(|p| is_identifier(p)).map(|p| (line + 1, p)));
    }
    found
}

/// Whether a text has the form of a name in Rust.
pub fn is_identifier(text: &str) -> bool {
    let first = text.chars().next();
    first.is_some_and(|c| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// `mailFrom`, `MAIL_FROM` and `MailFrom` are `mail from`.
pub fn words(identifier: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_is_lower = false;
    for c in identifier.chars() {
        if c == '_' || c.is_uppercase() && before_is_lower {
            words.push(String::new());
        }
        if c != '_' {
            words.last_mut().expect("one word at least").extend(c.to_lowercase());
        }
        before_is_lower = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The line, from 1, of a place in a text.
pub fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}
