//! `name=value; name=value`: how DKIM keys and DMARC policies are written.
//!
//! # Standards
//! RFC 6376 3.2 (tag-list), RFC 9989 4.7, which takes it over.

/// The tags in order, names in lower case, blanks around both taken away.
///
/// # Errors
/// What is no tag, or a name that stands there twice.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut tags: Vec<(String, String)> = Vec::new();
    let parts: Vec<_> = text.split(';').collect();
    for (n, part) in parts.iter().enumerate() {
        let part = part.trim();
        if part.is_empty() && n + 1 == parts.len() {
            break;
        }
        let Some((name, value)) = part.split_once('=') else {
            return Err(format!("{part:?} is no tag: each is written name=value"));
        };
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
        if tags.iter().any(|(known, _)| *known == name) {
            return Err(format!("{name}= stands there twice"));
        }
        tags.push((name, value));
    }
    Ok(tags)
}

/// The value of a tag.
pub(super) fn value<'a>(tags: &'a [(String, String)], name: &str) -> Option<&'a str> {
    tags.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}
