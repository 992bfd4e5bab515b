//! The template engine, closed to the host and bounded.
//!
//! Owns the engine's settings: every template escapes, with our function; filters and tests that
//! take an absent value for absent; an output that ends at a limit. What a template may say is
//! checked before, in `names.rs`.
//!
//! # Failure
//! [`Refusal`]: what the engine says about a template, with the byte where. It never panics and
//! never runs on: loops are bounded by `names.rs`, output by [`LETTER_BYTES_MAX`].

use super::branch::{self, Branches};
use super::stand_in;
use crate::limits::{LETTER_BYTES_MAX, TEMPLATE_PARTS_MAX};
use std::io::Write;
use tera::{Context, Error, ErrorKind, Kwargs, State, Tera, TeraResult, Value};

/// Why the engine refuses a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// In the engine's words, made ours: lower case, no full stop.
    pub message: String,
    /// Where, in bytes of the template; 0 where the engine does not say.
    pub at: usize,
}

/// The templates of a campaign's letters, or of a layout.
#[derive(Clone)]
pub(super) struct Engine {
    tera: Tera,
    /// Whether values become stand-ins and `<` is hidden from Markdown.
    for_markdown: bool,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("for_markdown", &self.for_markdown).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine for letters: values become stand-ins.
    pub(super) fn for_markdown() -> Engine {
        let mut tera = closed();
        tera.set_escape_fn(stand_in::escape);
        Engine { tera, for_markdown: true }
    }

    /// An engine for the layout: values are escaped for HTML.
    pub(super) fn for_html() -> Engine {
        Engine { tera: closed(), for_markdown: false }
    }

    /// Sets names that every template sees.
    pub(super) fn know(&mut self, base: &Context) {
        *self.tera.global_context() = base.clone();
    }

    /// Adds a template whose tags have been checked.
    ///
    /// # Errors
    /// [`Refusal`] when it cannot be parsed.
    pub(super) fn add(&mut self, name: &str, source: &str) -> Result<(), Refusal> {
        self.tera.add_raw_template(name, source).map_err(|e| refusal(&e))
    }

    /// Renders a template.
    ///
    /// # Errors
    /// [`Refusal`] when a value is missing or does not fit, or the output becomes too large.
    pub(super) fn render(&self, name: &str, context: &Context) -> Result<String, Refusal> {
        self.render_with_branches(name, context).map(|(text, _)| text)
    }

    /// Renders a template, and says which of its branches were taken.
    ///
    /// # Errors
    /// As [`render`](Self::render).
    pub(super) fn render_with_branches(
        &self,
        name: &str,
        context: &Context,
    ) -> Result<(String, Branches), Refusal> {
        let mut output = Bounded {
            bytes: Vec::with_capacity(8 << 10),
            hide: self.for_markdown,
            taken: Branches::default(),
        };
        self.tera.render_to(name, context, &mut output).map_err(|e| refusal(&e))?;
        let text = String::from_utf8(output.bytes)
            .map_err(|_| Refusal { message: "the letter is not text".to_owned(), at: 0 })?;
        Ok((text, output.taken))
    }
}

fn closed() -> Tera {
    let mut tera = Tera::new();
    tera.autoescape_on([""]);
    tera.register_filter("upper", upper);
    tera.register_filter("lower", lower);
    tera.register_filter("capitalize", capitalize);
    tera.register_filter("title", title);
    tera.register_filter("trim", trim);
    tera.register_filter("replace", replace);
    tera.register_filter("truncate", truncate);
    tera.register_filter("length", length);
    tera.register_filter("split", split);
    tera.register_test("starting_with", |v: Value, a: Kwargs, _: &State<'_>| {
        holds(&v, &a, |text, part| text.starts_with(part))
    });
    tera.register_test("ending_with", |v: Value, a: Kwargs, _: &State<'_>| {
        holds(&v, &a, |text, part| text.ends_with(part))
    });
    tera.register_test("containing", |v: Value, a: Kwargs, _: &State<'_>| {
        holds(&v, &a, |text, part| text.contains(part))
    });
    tera
}

/// An output that ends with an error at the limit, hides the template's `<` from Markdown and takes
/// the marks of branches out.
struct Bounded {
    bytes: Vec<u8>,
    hide: bool,
    taken: Branches,
}

impl Write for Bounded {
    fn write(&mut self, part: &[u8]) -> std::io::Result<usize> {
        self.write_all(part).map(|()| part.len())
    }

    fn write_all(&mut self, part: &[u8]) -> std::io::Result<()> {
        if self.bytes.len() + part.len() > LETTER_BYTES_MAX {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        if !self.hide {
            self.bytes.extend_from_slice(part);
            return Ok(());
        }
        let (bytes, taken) = (&mut self.bytes, &mut self.taken);
        branch::take_marks(part, taken, |text| hide_less_than(text, bytes));
        Ok(())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Appends a text of the template with its `<` hidden.
fn hide_less_than(text: &[u8], bytes: &mut Vec<u8>) {
    if !text.contains(&b'<') {
        return bytes.extend_from_slice(text);
    }
    let mut buffer = [0; 4];
    let hidden = stand_in::TEMPLATE_LESS_THAN.encode_utf8(&mut buffer).as_bytes();
    for (i, piece) in text.split(|b| *b == b'<').enumerate() {
        if i > 0 {
            bytes.extend_from_slice(hidden);
        }
        bytes.extend_from_slice(piece);
    }
}

fn refusal(error: &Error) -> Refusal {
    match error.kind() {
        ErrorKind::SyntaxError(report) => {
            Refusal { message: unreadable(report.message()), at: report.span().range.start }
        }
        ErrorKind::RenderingError(report) => {
            Refusal { message: plain(report.message()), at: report.span().range.start }
        }
        ErrorKind::Io(_) => Refusal {
            message: format!("the letter becomes larger than {} MB", LETTER_BYTES_MAX >> 20),
            at: 0,
        },
        other => Refusal { message: plain(&other.to_string()), at: 0 },
    }
}

/// The engine's first sentence as a message of ours.
fn plain(message: &str) -> String {
    let sentence = message.lines().next().unwrap_or_default();
    let sentence = sentence.split(". ").next().unwrap_or_default().trim_end_matches('.');
    let mut letters = sentence.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => "the template cannot be read".to_owned(),
    }
}

/// What the engine's parser says, in words for people who write letters.
fn unreadable(message: &str) -> String {
    let message = plain(message);
    let parts = message.strip_prefix("found ").and_then(|rest| rest.split_once(" but "));
    let reason = match parts.map(|(found, rest)| (found, rest.strip_prefix("expected "))) {
        Some((found, Some(expected))) => {
            format!("{} stands where {} should", in_words(found), in_words(expected))
        }
        Some((found, None)) => format!("{} cannot stand here", in_words(found)),
        None => message,
    };
    format!("this tag cannot be read: {reason}")
}

/// What the engine calls a token; a sign is shown as it is.
fn in_words(token: &str) -> String {
    match token {
        "identifier" | "attribute name" => "a name".to_owned(),
        "string" => "a text in quotation marks".to_owned(),
        "integer" | "float" => "a number".to_owned(),
        "bool" => "`true` or `false`".to_owned(),
        "content" | "raw content" => "text".to_owned(),
        sign if sign.contains(['`', ' ']) => sign.to_owned(),
        sign => format!("`{sign}`"),
    }
}

/// Applies a function to a text; an absent value stays absent, so that a condition takes it for
/// false (contract, A letter).
fn on_text(value: &Value, f: impl FnOnce(&str) -> String) -> TeraResult<Value> {
    if value.is_undefined() {
        return Ok(Value::undefined());
    }
    match value.as_str() {
        Some(text) => Ok(Value::from(f(text))),
        None => Err(Error::message(format!("this works on a text, not on a {}", value.name()))),
    }
}

fn upper(value: Value, _: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    on_text(&value, str::to_uppercase)
}

fn lower(value: Value, _: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    on_text(&value, str::to_lowercase)
}

fn trim(value: Value, _: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    on_text(&value, |text| text.trim().to_owned())
}

fn capitalize(value: Value, _: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    on_text(&value, |text| {
        let mut letters = text.chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        first.chain(letters.as_str().to_lowercase().chars()).collect()
    })
}

fn title(value: Value, _: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    on_text(&value, |text| {
        let mut inside = false;
        let mut titled = String::with_capacity(text.len());
        for c in text.chars() {
            match inside {
                true => titled.extend(c.to_lowercase()),
                false => titled.extend(c.to_uppercase()),
            }
            inside = c.is_alphanumeric() || inside && matches!(c, '\'' | '’');
        }
        titled
    })
}

fn replace(value: Value, arguments: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    let from = arguments.must_get::<String>("from")?;
    let to = arguments.must_get::<String>("to")?;
    let text = value.as_str().unwrap_or_default();
    // An empty text is found between any two characters: the result could become very large.
    if from.is_empty() || text.len().saturating_mul(to.len()) > LETTER_BYTES_MAX {
        return Err(Error::message("`replace` would make the text too long"));
    }
    on_text(&value, |text| text.replace(&from, &to))
}

fn truncate(value: Value, arguments: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    let length = arguments.must_get::<usize>("length")?;
    let end = arguments.get::<String>("end")?.unwrap_or_else(|| "…".to_owned());
    on_text(&value, |text| match text.char_indices().nth(length) {
        Some((at, _)) => format!("{}{end}", &text[..at]),
        None => text.to_owned(),
    })
}

fn length(value: Value, _: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    if value.is_undefined() {
        return Ok(Value::undefined());
    }
    let length = value.as_str().map(|text| text.chars().count()).or_else(|| value.len());
    length.map(Value::from).ok_or_else(|| Error::message("this has no length"))
}

fn split(value: Value, arguments: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    let pattern = arguments.must_get::<String>("pat")?;
    if value.is_undefined() {
        return Ok(Value::undefined());
    }
    let text = value.as_str().ok_or_else(|| Error::message("`split` works on a text"))?;
    if pattern.is_empty() || text.matches(&pattern).count() >= TEMPLATE_PARTS_MAX {
        return Err(Error::message(format!("more than {TEMPLATE_PARTS_MAX} parts")));
    }
    Ok(Value::from(text.split(&pattern).map(Value::from).collect::<Vec<_>>()))
}

/// Whether a test on a text holds; an absent value passes none.
fn holds(value: &Value, arguments: &Kwargs, test: fn(&str, &str) -> bool) -> TeraResult<bool> {
    let part = arguments.must_get::<String>("pat")?;
    Ok(value.as_str().is_some_and(|text| test(text, &part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(source: &str) -> Result<String, Refusal> {
        let mut engine = Engine::for_html();
        engine.add("t", source)?;
        let mut context = Context::new();
        let recipient = Value::from(vec![("city", "são paulo")].into_iter().fold(
            tera::Map::new(),
            |mut map, (k, v)| {
                map.insert(k.into(), v.into());
                map
            },
        ));
        context.insert_value("recipient", recipient);
        engine.render("t", &context)
    }

    #[test]
    fn an_absent_value_is_false_in_a_condition() {
        for condition in [
            "recipient.x",
            "recipient.x == \"a\"",
            "recipient.x | lower == \"a\"",
            "recipient.x and recipient.city",
            "recipient.x is starting_with(pat=\"a\")",
            "recipient.x is containing(pat=\"a\")",
            "recipient.x is defined",
            "recipient.x | trim | upper",
            "recipient.x | split(pat=\";\")",
            "not recipient.city",
        ] {
            let source = format!("{{% if {condition} %}}yes{{% else %}}no{{% endif %}}");
            assert_eq!(rendered(&source).unwrap(), "no", "{condition}");
        }
        assert_eq!(rendered("{{ recipient.x | upper | default(value=\"-\") }}").unwrap(), "-");
        assert!(rendered("{{ recipient.x }}").is_err());
        assert!(rendered("{{ recipient.x | upper }}").is_err());
    }

    #[test]
    fn filters_do_as_their_names_say() {
        for (source, expected) in [
            ("{{ recipient.city | title }}", "São Paulo"),
            ("{{ recipient.city | capitalize }}", "São paulo"),
            ("{{ recipient.city | upper }}", "SÃO PAULO"),
            ("{{ \"o'neill d’arc\" | title }}", "O&#39;neill D’arc"),
            ("{{ recipient.city | truncate(length=3) }}", "são…"),
            ("{{ recipient.city | length }}", "9"),
            (
                "{% for p in recipient.city | split(pat=\" \") %}[{{ p }}]{% endfor %}",
                "[são][paulo]",
            ),
            ("{{ recipient.city | replace(from=\"ã\", to=\"a\") }}", "sao paulo"),
            ("{{ recipient.city | split(pat=\" \") | last }}", "paulo"),
        ] {
            assert_eq!(rendered(source).unwrap(), expected, "{source}");
        }
    }

    #[test]
    fn s6_output_ends_at_the_limit() {
        let long = "x".repeat(900);
        let source = format!("{{% for c in \"{}\" %}}{long}{{% endfor %}}", "y".repeat(10_000));
        assert!(rendered(&source).unwrap_err().message.contains("larger than"));
        assert!(rendered("{{ recipient.city | replace(from=\"\", to=\"xx\") }}").is_err());
    }

    #[test]
    fn what_the_parser_refuses_is_said_in_plain_words() {
        for (source, expected) in [
            ("{{ recipient.given name }}", "a name stands where `}}` should"),
            ("{% for 1 in a %}{% endfor %}", "a number stands where a name should"),
            ("{% for a of b %}{% endfor %}", "a name stands where `in` should"),
            ("{{ a | default(\"x\") }}", "a text in quotation marks stands where a name should"),
        ] {
            let message = rendered(source).unwrap_err().message;
            assert_eq!(message, format!("this tag cannot be read: {expected}"), "{source}");
        }
    }

    #[test]
    fn a_refusal_says_where() {
        let refusal = rendered("ab {{ recipient.city + 1 }}").unwrap_err();
        assert_eq!(refusal.at, 6, "{refusal:?}");
        assert!(
            refusal.message.starts_with(char::is_lowercase) || refusal.message.starts_with('`')
        );
    }
}
