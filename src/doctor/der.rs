//! Elements of DER, as keys and certificates are written in it.
//!
//! # Standards
//! X.690 8.1 and 10.1: tag and definite length. Lengths of three octets and more are none: what is
//! read here is shorter.
//!
//! # Failure
//! `None`: another tag, or an end before the length says.

/// The content of a DER element of this tag, and what follows it.
pub(super) fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = der.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 | 0x82 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (digits.iter().fold(0, |n, digit| n << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// The first element, whatever its tag: the tag, its content, and what follows it.
pub(super) fn any(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let tag = *der.first()?;
    element(der, tag).map(|(content, rest)| (tag, content, rest))
}
