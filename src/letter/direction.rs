//! Which way a text runs, and keeping a value of the other direction from mixing up its
//! surroundings.
//!
//! # Standards
//! Unicode Standard Annex 9: first strong isolates (3.1, 6.3). Blocks stand for the character
//! types L and R/AL; that is exact for letters, which alone are strong here.

/// First strong isolate: what follows takes its direction from its own first letter.
pub(super) const ISOLATE: char = '\u{2068}';
/// Ends an isolate.
pub(super) const END_ISOLATE: char = '\u{2069}';

/// Whether a value would run into its surroundings in a letter of this direction.
///
/// It does when it has letters of the other direction; and in a letter from right to left also
/// when it has no letters at all and more than digits: `+41 22 000` would come out as `000 22 41+`.
pub(super) fn needs_isolation(value: &str, right_to_left: bool) -> bool {
    if !right_to_left {
        return !value.is_ascii() && value.chars().any(is_right_to_left);
    }
    let (mut digits, mut others, mut native) = (false, false, false);
    for c in value.chars() {
        if c.is_ascii_digit() {
            digits = true;
        } else if in_right_to_left_block(c) {
            native |= !c.is_numeric();
        } else if c.is_alphabetic() {
            return true;
        } else {
            others = true;
        }
    }
    digits && others && !native
}

/// A value of ours, isolated where it needs to be.
pub(super) fn isolated(value: &str, right_to_left: bool) -> String {
    if needs_isolation(value, right_to_left) {
        format!("{ISOLATE}{value}{END_ISOLATE}")
    } else {
        value.to_owned()
    }
}

/// Whether a letter runs from right to left.
fn is_right_to_left(c: char) -> bool {
    in_right_to_left_block(c) && c.is_alphabetic()
}

/// The ranges whose unassigned characters are R or AL by default (DerivedBidiClass.txt).
fn in_right_to_left_block(c: char) -> bool {
    matches!(c,
        '\u{590}'..='\u{8FF}'
            | '\u{FB1D}'..='\u{FDCF}'
            | '\u{FDF0}'..='\u{FDFF}'
            | '\u{FE70}'..='\u{FEFF}'
            | '\u{10800}'..='\u{10FFF}'
            | '\u{1E800}'..='\u{1EFFF}')
}

#[cfg(test)]
mod tests {
    use super::needs_isolation;

    #[test]
    fn values_of_the_other_direction_are_isolated() {
        for (value, in_ltr, in_rtl) in [
            ("Ana Pérez", false, true),
            ("أحمد", true, false),
            ("王芳", false, true),
            ("Ahmed أحمد", true, true),
            ("12", false, false),
            ("+41 22 000", false, true),
            ("١٢", false, false),
            ("التعلّم", true, false),
            ("12–15 تشرين", true, false),
        ] {
            assert_eq!(needs_isolation(value, false), in_ltr, "{value} in a letter to the right");
            assert_eq!(needs_isolation(value, true), in_rtl, "{value} in a letter to the left");
        }
    }
}
