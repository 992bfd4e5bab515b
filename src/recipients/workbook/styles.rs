//! The number formats of an Excel workbook, by the style that a cell names.
//!
//! # Standards
//! ECMA-376 part 1, 18.8 (`styles.xml`): a cell's `s` counts the `xf` of `cellXfs`, each of which
//! names a number format by its id.

use super::damage::Damage;
use super::number::NumberFormat;
use super::package::{Part, Piece};
use crate::limits::{WORKBOOK_FORMATS_MAX, WORKBOOK_STYLES_MAX};
use std::collections::HashMap;
use std::rc::Rc;

/// Number formats by the number of the style.
#[derive(Debug, Default)]
pub(super) struct Styles {
    formats: Vec<Rc<NumberFormat>>,
}

impl Styles {
    pub(super) fn read(part: &mut Part<'_, '_>) -> Result<Styles, Damage> {
        let mut codes: HashMap<u32, Rc<NumberFormat>> = HashMap::new();
        let mut styles = Styles::default();
        let mut in_cells = false;
        loop {
            if codes.len() > WORKBOOK_FORMATS_MAX || styles.formats.len() > WORKBOOK_STYLES_MAX {
                return Err(Damage::TooLarge);
            }
            match part.next()? {
                Piece::Open(element) => match element.name() {
                    "numFmt" => {
                        let [id, code] = element.attributes(["numFmtId", "formatCode"])?;
                        if let (Some(id), Some(code)) = (number(id.as_deref()), code) {
                            codes.insert(id, Rc::new(NumberFormat::of_code(&code)));
                        }
                    }
                    "cellXfs" => in_cells = true,
                    "xf" if in_cells => {
                        let id = number(element.attribute("numFmtId")?.as_deref()).unwrap_or(0);
                        // Styles of one format share it: there may be many, and it long.
                        let format =
                            codes.entry(id).or_insert_with(|| NumberFormat::of_id(id).into());
                        styles.formats.push(Rc::clone(format));
                    }
                    _ => {}
                },
                Piece::Close(element) if element.name() == "cellXfs" => in_cells = false,
                Piece::End => return Ok(styles),
                Piece::Close(_) | Piece::Text(_) => {}
            }
        }
    }

    /// The format of a style; a plain number where there is no such style.
    pub(super) fn format(&self, style: usize) -> &NumberFormat {
        self.formats.get(style).map_or(&NumberFormat::General, Rc::as_ref)
    }
}

fn number(text: Option<&str>) -> Option<u32> {
    text?.parse().ok()
}
