//! Which way a text runs, and keeping a value of the other direction from mixing up its
//! surroundings.
//!
//! # Standards
//! Unicode Standard Annex 9: first strong isolates (3.1, 6.3). Scripts stand for the character
//! types L and R/AL; that is exact for letters, which alone are strong here.

use unicode_script::{Script, UnicodeScript};

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
        } else if is_right_to_left(c) {
            native = true;
        } else if is_left_to_right(c) {
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

/// A letter of another script; vowel signs, which all scripts share, have no direction.
fn is_left_to_right(c: char) -> bool {
    c.is_alphabetic() && !matches!(c.script(), Script::Inherited | Script::Common)
}

fn is_right_to_left(c: char) -> bool {
    use Script as S;
    // Below U+0590 there is no letter that runs from right to left.
    c >= '\u{590}'
        && matches!(
            c.script(),
            S::Arabic
                | S::Hebrew
                | S::Syriac
                | S::Thaana
                | S::Nko
                | S::Samaritan
                | S::Mandaic
                | S::Adlam
                | S::Hanifi_Rohingya
                | S::Mende_Kikakui
        )
        && c.is_alphabetic()
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
