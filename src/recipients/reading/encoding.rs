//! Character encodings of lists: their names, their marks, and bytes as text.
//!
//! Owns what an encoding is called on screens and in `secretariat.toml`, and what bytes alone
//! prove: byte order marks, the NULs of UTF-16, and UTF-8, which no other text is by chance.
//! Between encodings that prove nothing `evidence.rs` decides.
//!
//! # Standards
//! The WHATWG Encoding Standard, with the names that spreadsheet programs use. By it ISO-8859-1
//! is Windows-1252, which has letters where ISO-8859-1 has controls that no list has.

use std::borrow::Cow;

/// A character encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding(pub(super) &'static encoding_rs::Encoding);

/// What the standard calls an encoding, and what people do.
const NAMES: [(&encoding_rs::Encoding, &str); 14] = [
    (encoding_rs::UTF_8, "UTF-8"),
    (encoding_rs::UTF_16LE, "UTF-16LE"),
    (encoding_rs::UTF_16BE, "UTF-16BE"),
    (encoding_rs::WINDOWS_1250, "Windows-1250"),
    (encoding_rs::WINDOWS_1251, "Windows-1251"),
    (encoding_rs::WINDOWS_1252, "Windows-1252"),
    (encoding_rs::WINDOWS_1253, "Windows-1253"),
    (encoding_rs::WINDOWS_1254, "Windows-1254"),
    (encoding_rs::WINDOWS_1255, "Windows-1255"),
    (encoding_rs::WINDOWS_1256, "Windows-1256"),
    (encoding_rs::WINDOWS_1257, "Windows-1257"),
    (encoding_rs::WINDOWS_874, "Windows-874"),
    (encoding_rs::MACINTOSH, "MacRoman"),
    (encoding_rs::SHIFT_JIS, "Shift-JIS"),
];

/// What a message lists where a name is not known.
pub(crate) const USUAL_NAMES: &str = "utf-8, utf-16le, windows-1250, windows-1251, windows-1252, \
     windows-1256, iso-8859-2, koi8-r, macroman, gb18030, shift-jis, big5";

impl Encoding {
    /// UTF-8.
    pub const UTF_8: Encoding = Encoding(encoding_rs::UTF_8);

    /// The encoding of this name, in whatever case: a name of the Encoding Standard, or
    /// `macroman`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Encoding> {
        let folded = name.trim().to_ascii_lowercase().replace(['_', ' '], "-");
        let found = match folded.as_str() {
            "macroman" | "mac-roman" => Some(encoding_rs::MACINTOSH),
            // One decoder for all three, and the one whose letters are all of Unicode.
            "gbk" | "gb2312" | "gb-2312" => Some(encoding_rs::GB18030),
            "shift-jis" | "sjis" => Some(encoding_rs::SHIFT_JIS),
            _ => encoding_rs::Encoding::for_label(name.trim().as_bytes())
                .or_else(|| encoding_rs::Encoding::for_label(folded.as_bytes())),
        };
        // What the standard makes unreadable on purpose.
        found.filter(|encoding| *encoding != encoding_rs::REPLACEMENT).map(Encoding)
    }

    /// What people call it: `Windows-1252`.
    #[must_use]
    pub fn name(self) -> &'static str {
        let named = NAMES.iter().find(|(encoding, _)| *encoding == self.0);
        named.map_or_else(|| self.0.name(), |(_, name)| name)
    }

    /// What `secretariat.toml` calls it: `windows-1252`.
    #[must_use]
    pub fn setting(self) -> String {
        self.name().to_ascii_lowercase()
    }

    /// The text of these bytes; what is no text in this encoding becomes U+FFFD, and `true`.
    /// UTF-8 without fault is not copied.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> (Cow<'_, str>, bool) {
        self.0.decode_without_bom_handling(bytes)
    }

    /// Whether a text written in it can be told from others by its first bytes or by its form.
    pub(super) fn proves_itself(self) -> bool {
        [encoding_rs::UTF_8, encoding_rs::UTF_16LE, encoding_rs::UTF_16BE].contains(&self.0)
    }
}

/// The encoding that a byte order mark names, and the bytes behind the mark.
pub(super) fn marked(bytes: &[u8]) -> Option<(Encoding, &[u8])> {
    let (encoding, mark) = encoding_rs::Encoding::for_bom(bytes)?;
    Some((Encoding(encoding), &bytes[mark..]))
}

/// UTF-16 without a mark: the signs between the cells and all of the addresses are ASCII, so that
/// every other byte is NUL there.
pub(super) fn unmarked_utf16(bytes: &[u8]) -> Option<Encoding> {
    let start = &bytes[..bytes.len().min(64 << 10)];
    let nuls = |parity: usize| start.iter().skip(parity).step_by(2).filter(|b| **b == 0).count();
    let (even, odd) = (nuls(0), nuls(1));
    // A fifth of one half of the bytes, and next to none of the other.
    let is_wide = |many: usize, few: usize| many * 10 > start.len() && few * 16 <= many;
    if is_wide(odd, even) {
        Some(Encoding(encoding_rs::UTF_16LE))
    } else if is_wide(even, odd) {
        Some(Encoding(encoding_rs::UTF_16BE))
    } else {
        None
    }
}

/// Whether bytes that are not UTF-8 throughout are UTF-8 with some damage: then most of what is
/// beyond ASCII are whole characters of it, which other encodings make by rare chance only.
pub(super) fn is_damaged_utf8(bytes: &[u8]) -> bool {
    let (mut whole, mut broken) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        whole += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    whole >= 3 && whole >= 4 * broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_known_by_the_names_people_use() {
        for (name, known) in [
            ("utf-8", "UTF-8"),
            ("UTF8", "UTF-8"),
            ("utf-16", "UTF-16LE"),
            ("Windows-1252", "Windows-1252"),
            ("cp1252", "Windows-1252"),
            ("latin1", "Windows-1252"),
            ("ISO-8859-1", "Windows-1252"),
            ("iso-8859-2", "ISO-8859-2"),
            ("KOI8-R", "KOI8-R"),
            ("MacRoman", "MacRoman"),
            ("Mac Roman", "MacRoman"),
            ("macintosh", "MacRoman"),
            ("gb2312", "gb18030"),
            ("GB18030", "gb18030"),
            ("Shift_JIS", "Shift-JIS"),
            ("shift-jis", "Shift-JIS"),
            ("Big5", "Big5"),
        ] {
            assert_eq!(Encoding::parse(name).map(Encoding::name), Some(known), "{name}");
        }
        for name in ["", "excel", "replacement", "iso-2022-kr"] {
            assert_eq!(Encoding::parse(name), None, "{name}");
        }
        for name in USUAL_NAMES.split(", ") {
            assert_eq!(Encoding::parse(name).unwrap().setting(), name);
        }
    }

    #[test]
    fn utf16_is_known_by_its_nuls_and_a_single_one_proves_nothing() {
        let wide = |text: &str, little: bool| -> Vec<u8> {
            let unit = |u: u16| if little { u.to_le_bytes() } else { u.to_be_bytes() };
            text.encode_utf16().flat_map(unit).collect()
        };
        for text in ["a,b\n", "姓名,邮箱\n王芳,a@x.example\n", "Имя;E-mail\nПётр;p@x.example"]
        {
            let name = |bytes: &[u8]| unmarked_utf16(bytes).map(Encoding::name);
            assert_eq!(name(&wide(text, true)), Some("UTF-16LE"), "{text}");
            assert_eq!(name(&wide(text, false)), Some("UTF-16BE"), "{text}");
            assert_eq!(name(text.as_bytes()), None, "{text}");
        }
        assert_eq!(unmarked_utf16(b"email,note\na@x.example,x\0y\n\0"), None);
        assert_eq!(unmarked_utf16(&[0; 64]), None);
        assert_eq!(unmarked_utf16(b""), None);
    }
}
