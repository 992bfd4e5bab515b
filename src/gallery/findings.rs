//! What `check` found, as a page for whoever mends the lists.
//!
//! Owns the page and what it is made of. Which findings stand together is decided by the caller.
//!
//! # Invariants
//! As for the pages of letters: offline, and what a cell holds is text (security S8).

use super::PageError;
use serde::Serialize;
use tera::{Context, Tera};

/// All that the page says.
#[derive(Clone, Debug, Serialize)]
pub struct CheckPage {
    /// The mailing's name.
    pub campaign: String,
    /// The conference's name.
    pub conference: String,
    /// `650 recipients`.
    pub recipients: String,
    /// `3 errors, 12 warnings`.
    pub counted: String,
    /// When it was made, as people write it.
    pub at: String,
    /// Files that something was found in, in order.
    pub files: Vec<String>,
    /// Kinds of findings, worst first.
    pub groups: Vec<PageGroup>,
}

/// Findings of one kind.
#[derive(Clone, Debug, Serialize)]
pub struct PageGroup {
    /// `error`, `warning` or `note`.
    pub severity: &'static str,
    /// The kind's stable name.
    pub code: &'static str,
    /// `12 addresses cannot be used`.
    pub heading: String,
    /// What to do, where it is the same for all.
    pub hint: Option<String>,
    /// One by one, in the order of their places.
    pub findings: Vec<PageFinding>,
}

/// One finding.
#[derive(Clone, Debug, Serialize)]
pub struct PageFinding {
    /// The file, or nothing.
    pub file: String,
    /// The row or line, or nothing.
    pub line: String,
    /// The cell as a spreadsheet calls it, `C14`, or the place in the line.
    pub cell: String,
    /// What is wrong.
    pub message: String,
    /// What to do, where it differs from the others'.
    pub hint: Option<String>,
}

/// The page.
///
/// # Errors
/// [`PageError`] when its template is wrong, which a test rules out.
pub fn check_page(check: &CheckPage) -> Result<String, PageError> {
    let mut pages = Tera::new();
    pages.add_raw_templates([
        ("page.html", include_str!("page.html")),
        ("check.html", include_str!("check.html")),
    ])?;
    let mut context = Context::new();
    context.insert("check", check);
    Ok(pages.render("check.html", &context)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(message: &str) -> String {
        let finding = PageFinding {
            file: "recipients/vip.csv".to_owned(),
            line: "14".to_owned(),
            cell: "C14".to_owned(),
            message: message.to_owned(),
            hint: Some("Write it again.".to_owned()),
        };
        let group = PageGroup {
            severity: "error",
            code: "bad-address",
            heading: "2 addresses cannot be used".to_owned(),
            hint: None,
            findings: vec![finding.clone(), finding],
        };
        let page = CheckPage {
            campaign: "outcome".to_owned(),
            conference: "Forum".to_owned(),
            recipients: "650 recipients".to_owned(),
            counted: "2 errors".to_owned(),
            at: "25 November 2026".to_owned(),
            files: vec!["recipients/vip.csv".to_owned()],
            groups: vec![group],
        };
        check_page(&page).unwrap()
    }

    #[test]
    fn every_finding_stands_with_its_place_and_what_to_do() {
        let page = page("the address \"ana\" has no @");
        for part in ["outcome", "2 errors", "recipients/vip.csv", "C14", "has no @", "again."] {
            assert!(page.contains(part), "{part}");
        }
        assert_eq!(page.matches("<tr data-file").count(), 2);
    }

    /// Security S8: what a cell holds is text on the page for colleagues, too.
    #[test]
    fn markup_in_a_cell_stays_text() {
        let page = page("the name \"<img src=x onerror=alert(1)>\" is odd");
        assert!(page.contains("&lt;img src=x") && !page.contains("<img"), "{page}");
    }
}
