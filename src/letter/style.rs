//! Reads the layout's `<style data-inline>` block and prepares the styles of a letter's elements.
//!
//! Mail readers drop style sheets, so what a letter's elements look like must stand in each of
//! them. Owns the few rules that can be written so: an element or a class of ours, no more. They
//! are read once per language; writing a letter only copies them.
//!
//! # Standards
//! CSS 2.2 4.1.7-8 (rule sets, declarations). No at-rules, no combinators.
//!
//! # Invariants
//! A prepared style cannot leave its attribute and loads nothing.

/// Declares the elements of letters with what a rule may call them.
macro_rules! elements {
    ($($(#[$doc:meta])* $name:ident = $selector:literal),* $(,)?) => {
        /// An element of a letter.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Element { $($(#[$doc])* $name),* }
        /// Their selectors, in order.
        const SELECTORS: &[&str] = &[$($selector),*];
    };
}

elements! {
    /// Paragraph.
    P = "p",
    /// Heading.
    H1 = "h1",
    /// Heading.
    H2 = "h2",
    /// Heading.
    H3 = "h3",
    /// Heading.
    H4 = "h4",
    /// List with dots.
    Ul = "ul",
    /// List with numbers.
    Ol = "ol",
    /// Item of a list.
    Li = "li",
    /// Link.
    A = "a",
    /// Table.
    Table = "table",
    /// Cell of a table's first row.
    Th = "th",
    /// Cell of a table.
    Td = "td",
    /// Quotation.
    Blockquote = "blockquote",
    /// Rule.
    Hr = "hr",
    /// Strong emphasis.
    Strong = "strong",
    /// Emphasis.
    Em = "em",
    /// Image.
    Img = "img",
    /// Code.
    Code = "code",
    /// Block of code.
    Pre = "pre",
    /// The table of attachments: `table` and this.
    Attachments = ".attachments",
    /// Its cell with the number: `td` and this.
    AttachmentNumber = ".attachment-number",
    /// Its cell with the title: `td` and this.
    AttachmentTitle = ".attachment-title",
    /// The file name within.
    AttachmentFile = ".attachment-file",
    /// Its cell with the size: `td` and this.
    AttachmentSize = ".attachment-size",
}

/// The element whose style a class of ours adds to.
const BASES: &[(Element, Element)] = &[
    (Element::Attachments, Element::Table),
    (Element::AttachmentNumber, Element::Td),
    (Element::AttachmentTitle, Element::Td),
    (Element::AttachmentSize, Element::Td),
];

/// The prepared styles: for each element ` style="..."`, or nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Styles {
    attributes: Vec<String>,
}

/// A rule that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadRule {
    /// What is wrong.
    pub message: String,
    /// Where, in bytes of the block.
    pub at: usize,
}

impl Styles {
    /// The style attribute of an element, with a blank before it; empty where it has none.
    pub(super) fn of(&self, element: Element) -> &str {
        self.attributes.get(element as usize).map_or("", String::as_str)
    }

    /// Reads a style block for letters of one direction.
    ///
    /// Rules are written for letters from left to right and turned around for the others.
    pub(super) fn read(css: &str, right_to_left: bool) -> (Styles, Vec<BadRule>) {
        let mut declared = vec![String::new(); SELECTORS.len()];
        let mut bad = Vec::new();
        let css = without_comments(css);
        let mut at = 0;
        while let Some(open) = css[at..].find('{').map(|i| at + i) {
            let Some(close) = css[open..].find('}').map(|i| open + i) else {
                bad.push(BadRule { message: "the rule is not closed by `}`".to_owned(), at: open });
                at = css.len();
                break;
            };
            let declarations = declarations(&css, open + 1..close, right_to_left, &mut bad);
            let mut start = at;
            for selector in css[at..open].split(',') {
                let name = selector.trim();
                let place = start + selector.len() - selector.trim_start().len();
                match SELECTORS.iter().position(|s| *s == name) {
                    Some(index) => declared[index].push_str(&declarations),
                    None => bad.push(BadRule { message: not_a_selector(name), at: place }),
                }
                start += selector.len() + 1;
            }
            at = close + 1;
        }
        let rest = css[at..].trim_start();
        if !rest.is_empty() {
            let at = css.len() - rest.len();
            bad.push(BadRule { message: "this is no rule".to_owned(), at });
        }
        (Styles::from_declared(&declared), bad)
    }

    fn from_declared(declared: &[String]) -> Styles {
        let mut whole = declared.to_vec();
        for (class, base) in BASES {
            whole[*class as usize].insert_str(0, &declared[*base as usize]);
        }
        let attribute = |d: &String| match d.trim_end_matches(';') {
            "" => String::new(),
            d => format!(" style=\"{}\"", d.replace('&', "&amp;").replace('"', "'")),
        };
        Styles { attributes: whole.iter().map(attribute).collect() }
    }
}

fn not_a_selector(name: &str) -> String {
    if name.starts_with('@') {
        return format!("`{name}` cannot stand in this block; a second `<style>` may hold it");
    }
    format!("`{name}` is no element of a letter; there are {}", SELECTORS.join(", "))
}

/// The text with comments blanked, so that places stay.
fn without_comments(css: &str) -> String {
    let mut out = String::with_capacity(css.len());
    let mut rest = css;
    while let Some(start) = rest.find("/*") {
        let end = rest[start + 2..].find("*/").map_or(rest.len(), |i| start + i + 4);
        out.push_str(&rest[..start]);
        out.extend(rest[start..end].bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }));
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

fn declarations(
    css: &str,
    range: std::ops::Range<usize>,
    right_to_left: bool,
    bad: &mut Vec<BadRule>,
) -> String {
    let mut out = String::new();
    let mut start = range.start;
    for declaration in css[range].split(';') {
        let at = start + declaration.len() - declaration.trim_start().len();
        start += declaration.len() + 1;
        if declaration.trim().is_empty() {
            continue;
        }
        let Some((property, value)) = declaration.split_once(':') else {
            bad.push(BadRule { message: "a style is written `property: value`".to_owned(), at });
            continue;
        };
        let (property, value) = (property.trim().to_ascii_lowercase(), value.trim());
        let plain = property.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        let lower = value.to_ascii_lowercase();
        let loads = ["url(", "expression(", "@import", "javascript:", "image-set("];
        if !plain || loads.iter().any(|l| lower.contains(l)) || lower.contains(['<', '\\']) {
            let message = "this cannot stand in a letter: nothing may be loaded".to_owned();
            bad.push(BadRule { message, at });
            continue;
        }
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        let (property, value) =
            if right_to_left { turned_around(&property, &value) } else { (property, value) };
        out.push_str(&format!("{property}:{value};"));
    }
    out
}

/// A style of a letter from left to right as it reads from right to left.
fn turned_around(property: &str, value: &str) -> (String, String) {
    let swapped = |text: &str| match text {
        t if t.contains("left") => t.replace("left", "right"),
        t => t.replace("right", "left"),
    };
    let sides: Vec<&str> = value.split(' ').collect();
    match (property, &sides[..]) {
        ("padding" | "margin" | "border-width", [top, right, bottom, left]) => {
            (property.to_owned(), format!("{top} {left} {bottom} {right}"))
        }
        ("text-align" | "float", _) => (property.to_owned(), swapped(value)),
        _ => (swapped(property), value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(css: &str, element: Element, right_to_left: bool, expected: &str) {
        let (styles, bad) = Styles::read(css, right_to_left);
        assert_eq!(bad, [], "{css}");
        assert_eq!(styles.of(element), expected, "{css}");
    }

    #[test]
    fn rules_become_attributes() {
        let css = "p, li { margin: 0 0 8px 16px; color: #222 }\n/* p {} */\np{font-family:\"A B\"}";
        check(
            css,
            Element::P,
            false,
            " style=\"margin:0 0 8px 16px;color:#222;font-family:'A B'\"",
        );
        check(css, Element::Li, true, " style=\"margin:0 16px 8px 0;color:#222\"");
        check(css, Element::A, false, "");
        let css = "td { padding-left: 4px; text-align: left } .attachment-size { color: red }";
        let rtl = " style=\"padding-right:4px;text-align:right;color:red\"";
        check(css, Element::AttachmentSize, true, rtl);
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_place() {
        for (css, at) in [
            ("p { color: red } div { color: red }", 17),
            ("p > a { color: red }", 0),
            ("p { color red }", 4),
            ("p { color: red", 2),
            ("p { background: url(http://x) }", 4),
            ("p { color: red } x", 17),
            ("p { color: \\75rl(x) }", 4),
        ] {
            let (_, bad) = Styles::read(css, false);
            assert_eq!(bad.iter().map(|b| b.at).collect::<Vec<_>>(), [at], "{css}");
        }
    }
}
