//! The text of a page, line by line, with its size and slant.
//!
//! Owns following a page's drawing as far as text needs it: where each shown string stands, how
//! large and how slanted it is, and whether it is marked as a watermark. What the lines mean is
//! decided in `draft.rs` and `tongue.rs`.
//!
//! # Standards
//! ISO 32000-1 8.4 (graphics state), 9.4 (text objects), 8.10 (form XObjects), 14.8.2.2
//! (artifacts), 12.5.6 (annotations).

use super::file::PdfFile;
use super::font::Font;
use super::lexer::{Lexer, Table, Token, Value};
use crate::limits::{PDF_FORMS_MAX, PDF_FORMS_NESTED_MAX, PDF_PAGE_CHARS_MAX};
use std::collections::HashMap;
use std::rc::Rc;

/// What stands on one line.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Line {
    pub(super) text: String,
    /// Height of the letters in points.
    pub(super) height: f64,
    /// Neither level nor upright.
    pub(super) is_slanted: bool,
    /// The file says that it is a watermark.
    pub(super) is_watermark: bool,
}

/// What stands on one page.
#[derive(Clone, Debug, Default)]
pub(super) struct PageText {
    pub(super) lines: Vec<Line>,
    /// Whether an image is drawn.
    pub(super) has_image: bool,
}

/// A matrix of 8.3.3: a b c d e f.
type Matrix = [f64; 6];

const LEVEL: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

/// First `one`, then `other`.
fn times(one: Matrix, other: Matrix) -> Matrix {
    let [a, b, c, d, e, f] = one;
    let [g, h, i, j, k, l] = other;
    [
        a * g + b * i,
        a * h + b * j,
        c * g + d * i,
        c * h + d * j,
        e * g + f * i + k,
        e * h + f * j + l,
    ]
}

/// Fonts by the number of their object: most pages share theirs.
pub(super) type Fonts = HashMap<u32, Rc<Font>>;

/// Fonts kept for the next page.
const FONTS_KEPT: usize = 64;

/// Reads the text of a page with this content and these resources.
pub(super) fn read(
    file: &PdfFile<'_>,
    content: &[u8],
    resources: &Table,
    fonts: &mut Fonts,
) -> PageText {
    let mut reader = Reader {
        file,
        fonts,
        page: PageText::default(),
        chars: 0,
        forms: 0,
        baseline: None,
        expected: 0.0,
    };
    reader.follow(content, resources, &State { matrix: LEVEL, ..State::default() }, 0);
    reader.page
}

/// The part of the graphics state that text needs.
#[derive(Clone, Debug, Default)]
struct State {
    matrix: Matrix,
    font: Option<Rc<Font>>,
    size: f64,
    leading: f64,
    is_watermark: bool,
}

struct Reader<'f, 'a> {
    file: &'f PdfFile<'a>,
    fonts: &'f mut Fonts,
    page: PageText,
    chars: usize,
    forms: usize,
    /// Where the line at hand runs: its origin's distance, direction and height.
    baseline: Option<(f64, f64, f64)>,
    /// Where along it the next letter is expected.
    expected: f64,
}

/// Positions of 9.4.2.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    text: Matrix,
    line: Matrix,
}

impl Reader<'_, '_> {
    /// Follows a content stream: of a page, or of a form drawn on it.
    fn follow(&mut self, content: &[u8], resources: &Table, from: &State, depth: usize) {
        let mut lexer = Lexer::new(content, 0, self.file.budget);
        let mut operands: Vec<Value> = Vec::new();
        let (mut state, mut saved) = (from.clone(), Vec::new());
        let mut cursor = Cursor { text: LEVEL, line: LEVEL };
        let mut marks = Vec::new();
        loop {
            let before = lexer.at;
            let Some(token) = lexer.token() else { break };
            let Token::Word(word) = token else {
                lexer.at = before;
                match lexer.value() {
                    Some(value) if operands.len() < 64 => operands.push(value),
                    Some(_) => {}
                    // A bracket that closes nothing.
                    None if lexer.at == before => break,
                    None => {}
                }
                continue;
            };
            match word.as_slice() {
                b"q" if saved.len() < 256 => saved.push(state.clone()),
                b"Q" => state = saved.pop().unwrap_or(state),
                b"BDC" | b"BMC" if marks.len() < 256 => {
                    marks.push(state.is_watermark);
                    state.is_watermark |= self.is_watermark(&operands, resources);
                }
                b"EMC" => state.is_watermark = marks.pop().unwrap_or(from.is_watermark),
                b"Do" => self.draw(&operands, resources, &state, depth),
                b"BI" => skip_inline_image(&mut lexer, content),
                word => self.text_operator(word, &operands, resources, &mut state, &mut cursor),
            }
            operands.clear();
        }
    }

    fn text_operator(
        &mut self,
        word: &[u8],
        operands: &[Value],
        resources: &Table,
        state: &mut State,
        cursor: &mut Cursor,
    ) {
        let number = |n: usize| operands.get(n).and_then(Value::number).unwrap_or(0.0);
        let matrix = || [number(0), number(1), number(2), number(3), number(4), number(5)];
        let next_line = |cursor: &mut Cursor, x, y| {
            cursor.line = times([1.0, 0.0, 0.0, 1.0, x, y], cursor.line);
            cursor.text = cursor.line;
        };
        match word {
            b"cm" => state.matrix = times(matrix(), state.matrix),
            b"BT" => *cursor = Cursor { text: LEVEL, line: LEVEL },
            b"Tf" => {
                state.font = self.font(operands.first(), resources);
                state.size = number(1);
            }
            b"TL" => state.leading = number(0),
            b"Tm" => *cursor = Cursor { text: matrix(), line: matrix() },
            b"Td" => next_line(cursor, number(0), number(1)),
            b"TD" => {
                state.leading = -number(1);
                next_line(cursor, number(0), number(1));
            }
            b"T*" => next_line(cursor, 0.0, -state.leading),
            b"Tj" => self.show(operands, state, cursor),
            b"TJ" => {
                let parts = operands.first().map(Value::members).unwrap_or_default();
                self.show(parts, state, cursor);
            }
            b"'" => {
                next_line(cursor, 0.0, -state.leading);
                self.show(operands, state, cursor);
            }
            b"\"" => {
                next_line(cursor, 0.0, -state.leading);
                self.show(operands.get(2..).unwrap_or_default(), state, cursor);
            }
            _ => {}
        }
    }

    /// Shows strings one after the other; a number between two moves back by its thousandths.
    fn show(&mut self, parts: &[Value], state: &State, cursor: &mut Cursor) {
        let Some(font) = state.font.clone().filter(|_| self.chars <= PDF_PAGE_CHARS_MAX) else {
            return;
        };
        let mut text = String::new();
        let mut width = 0.0;
        for part in parts {
            match part {
                Value::Text(codes) if text.len() < PDF_PAGE_CHARS_MAX => {
                    let before = text.len();
                    font.decode(&codes[..codes.len().min(PDF_PAGE_CHARS_MAX)], &mut text);
                    width += text[before..].chars().map(usual_width).sum::<f64>();
                }
                Value::Number(back) => {
                    // A gap as wide as a blank is one.
                    if *back < -180.0 && !text.ends_with(' ') && !text.is_empty() {
                        text.push(' ');
                    }
                    width -= back / 1000.0;
                }
                _ => {}
            }
        }
        let whole = times(cursor.text, state.matrix);
        self.place(&text, whole, state, width);
        cursor.text = times([1.0, 0.0, 0.0, 1.0, width * state.size, 0.0], cursor.text);
    }

    /// Puts shown text on the line it stands on.
    fn place(&mut self, text: &str, whole: Matrix, state: &State, width: f64) {
        let [a, b, c, d, e, f] = whole;
        let height = state.size.abs() * c.hypot(d);
        let angle = b.atan2(a);
        // How far along the line it stands, and how far beside it.
        let (along, beside) =
            (e * angle.cos() + f * angle.sin(), f * angle.cos() - e * angle.sin());
        if text.is_empty() || !(height.is_finite() && along.is_finite()) {
            return;
        }
        self.chars += text.len();
        let is_same = self.baseline.is_some_and(|(was_beside, was_angle, was_height)| {
            (was_beside - beside).abs() < 0.4 * height.max(was_height)
                && (was_angle - angle).abs() < 0.02
                && (was_height - height).abs() < 0.3 * height.max(was_height)
        });
        let is_new = !is_same || self.page.lines.is_empty();
        if is_new {
            let turned = angle.to_degrees().rem_euclid(90.0);
            self.page.lines.push(Line {
                height,
                is_slanted: (8.0..82.0).contains(&turned),
                is_watermark: state.is_watermark,
                ..Line::default()
            });
        }
        let Some(line) = self.page.lines.last_mut() else { return };
        let gap = (along - self.expected).abs();
        if !is_new && gap > 0.25 * height && !line.text.ends_with(' ') && !text.starts_with(' ') {
            line.text.push(' ');
        }
        line.text.push_str(text);
        self.baseline = Some((beside, angle, height));
        self.expected = along + width * state.size.abs() * a.hypot(b);
    }

    fn font(&mut self, name: Option<&Value>, resources: &Table) -> Option<Rc<Font>> {
        let fonts = self.file.table(resources.get("Font")?)?;
        let font = fonts.get(name?.name()?)?;
        let number = match font {
            Value::Reference(number) => Some(*number),
            _ => None,
        };
        if let Some(known) = number.and_then(|n| self.fonts.get(&n)) {
            return Some(Rc::clone(known));
        }
        let made = Rc::new(Font::read(self.file, &self.file.table(font)?));
        if let Some(number) = number {
            if self.fonts.len() >= FONTS_KEPT {
                self.fonts.clear();
            }
            self.fonts.insert(number, Rc::clone(&made));
        }
        Some(made)
    }

    /// Draws an image or a form.
    fn draw(&mut self, operands: &[Value], resources: &Table, state: &State, depth: usize) {
        let named = || {
            let drawings = self.file.table(resources.get("XObject")?)?;
            self.file.object_of(drawings.get(operands.first()?.name()?)?)
        };
        let Some(drawing) = named() else { return };
        let Some(table) = drawing.value.table() else { return };
        if table.get("Subtype").and_then(Value::name) != Some("Form") {
            self.page.has_image = true;
            return;
        }
        self.forms += 1;
        if depth >= PDF_FORMS_NESTED_MAX || self.forms > PDF_FORMS_MAX {
            return;
        }
        let Some(content) = self.file.unpack(&drawing) else { return };
        let own = table.get("Resources").and_then(|r| self.file.table(r));
        let mut within = state.clone();
        within.matrix = times(form_matrix(self.file, table), state.matrix);
        within.is_watermark |= is_watermark_form(self.file, table);
        self.follow(&content, own.as_ref().unwrap_or(resources), &within, depth + 1);
    }

    /// `/Artifact <</Subtype /Watermark>> BDC`, or a property list of that kind by its name.
    fn is_watermark(&self, operands: &[Value], resources: &Table) -> bool {
        let listed = || {
            let properties = self.file.table(resources.get("Properties")?)?;
            self.file.table(properties.get(operands.get(1)?.name()?)?)
        };
        let table = operands.get(1).and_then(Value::table).cloned().or_else(listed);
        table.is_some_and(|table| {
            let said =
                ["Subtype", "Name", "Title"].into_iter().filter_map(|k| self.file.get(&table, k));
            said.into_iter().any(|value| match &value {
                Value::Name(name) => name.eq_ignore_ascii_case("watermark"),
                Value::Text(text) => text.eq_ignore_ascii_case(b"watermark"),
                _ => false,
            })
        })
    }
}

fn form_matrix(file: &PdfFile<'_>, form: &Table) -> Matrix {
    let written = file.get(form, "Matrix");
    let numbers: Vec<f64> =
        written.iter().flat_map(Value::members).filter_map(Value::number).collect();
    numbers.try_into().unwrap_or(LEVEL)
}

/// Acrobat marks the form of its watermarks: `/PieceInfo <</ADBE_CompoundType <</Private
/// /Watermark>>>>`.
fn is_watermark_form(file: &PdfFile<'_>, form: &Table) -> bool {
    let private = || {
        let pieces = file.table(form.get("PieceInfo")?)?;
        let kind = file.table(pieces.get("ADBE_CompoundType")?)?;
        file.get(&kind, "Private")
    };
    private().is_some_and(|p| p.name() == Some("Watermark"))
}

/// How wide a letter usually is, in heights: close enough to tell a gap from none.
fn usual_width(c: char) -> f64 {
    match c {
        ' ' | 'i' | 'j' | 'l' | '.' | ',' | '\'' | ':' | ';' | '|' | '!' | 't' | 'f' | 'I' => 0.27,
        'm' | 'w' | 'M' | 'W' => 0.8,
        'A'..='Z' => 0.66,
        '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{ffef}' => 1.0,
        _ => 0.52,
    }
}

/// 8.9.7: the bytes between `ID` and `EI` are no text.
fn skip_inline_image(lexer: &mut Lexer<'_>, content: &[u8]) {
    let rest = content.get(lexer.at..).unwrap_or_default();
    let begins = memchr::memmem::find(rest, b"ID").unwrap_or(rest.len());
    let mut at = begins;
    while let Some(found) = memchr::memmem::find(&rest[at..], b"EI") {
        at += found + 2;
        let stands_alone = rest.get(at).is_none_or(|b| b.is_ascii_whitespace())
            && rest[..at - 2].last().is_none_or(|b| b.is_ascii_whitespace());
        if stands_alone {
            lexer.at += at;
            return;
        }
    }
    lexer.at = content.len();
}
