//! Unpacks the streams of a PDF, never further than is asked for.
//!
//! Owns the filters that text and structure are packed with; images are not unpacked.
//!
//! # Standards
//! ISO 32000-1 7.4 (filters), RFC 1950 (zlib), PNG 9 (predictors).
//!
//! # Invariants
//! No output is longer than its limit, and each byte of it is paid for: a bomb ends where a text
//! that is too long would.

use super::lexer::Budget;
use flate2::read::ZlibDecoder;
use std::io::Read;

/// How a stream was filtered before it was packed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Predictor {
    /// 1: not at all; 2: TIFF; 10 and more: PNG.
    pub(super) kind: usize,
    /// Bytes of a row.
    pub(super) row: usize,
    /// Bytes of a pixel.
    pub(super) pixel: usize,
}

/// Undoes one filter. What is damaged is unpacked as far as it can be.
///
/// `None`: the filter is none of these, or the budget is spent.
pub(super) fn unpack(
    filter: &str,
    predictor: Predictor,
    packed: &[u8],
    bytes_max: usize,
    budget: &Budget,
) -> Option<Vec<u8>> {
    let bytes_max = bytes_max.min(budget.left());
    let unpacked = match filter {
        "FlateDecode" | "Fl" => unpredicted(inflate(packed, bytes_max), predictor)?,
        "LZWDecode" | "LZW" => unpredicted(lzw(packed, bytes_max), predictor)?,
        "ASCIIHexDecode" | "AHx" => hexadecimal(packed),
        "ASCII85Decode" | "A85" => ascii85(packed, bytes_max),
        "RunLengthDecode" | "RL" => run_length(packed, bytes_max),
        "Crypt" => packed.to_vec(),
        _ => return None,
    };
    budget.pay(unpacked.len()).then_some(unpacked)
}

fn inflate(packed: &[u8], bytes_max: usize) -> Vec<u8> {
    let mut unpacked = Vec::new();
    // An error in the middle leaves what stands before it.
    let _ = ZlibDecoder::new(packed).take(bytes_max as u64).read_to_end(&mut unpacked);
    unpacked
}

fn hexadecimal(packed: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = packed
        .iter()
        .take_while(|b| **b != b'>')
        .filter_map(|b| char::from(*b).to_digit(16))
        .map(|digit| digit as u8)
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)).collect()
}

fn ascii85(packed: &[u8], bytes_max: usize) -> Vec<u8> {
    let (mut unpacked, mut group) = (Vec::new(), Vec::with_capacity(5));
    for byte in packed.iter().copied().take_while(|b| *b != b'~') {
        match byte {
            b'z' if group.is_empty() => unpacked.extend([0; 4]),
            b'!'..=b'u' => group.push(u32::from(byte - b'!')),
            _ => {}
        }
        if group.len() == 5 {
            unpacked.extend(of_base85(&group));
            group.clear();
        }
        if unpacked.len() > bytes_max {
            break;
        }
    }
    if group.len() > 1 {
        let kept = group.len() - 1;
        group.resize(5, 84);
        unpacked.extend(&of_base85(&group)[..kept]);
    }
    unpacked.truncate(bytes_max);
    unpacked
}

fn of_base85(group: &[u32]) -> [u8; 4] {
    group.iter().fold(0_u32, |sum, d| sum.wrapping_mul(85).wrapping_add(*d)).to_be_bytes()
}

fn run_length(packed: &[u8], bytes_max: usize) -> Vec<u8> {
    let (mut unpacked, mut rest) = (Vec::new(), packed);
    while let Some((length, after)) = rest.split_first() {
        let length = usize::from(*length);
        match (length, after.first()) {
            (0..=127, Some(_)) => {
                let run = &after[..(length + 1).min(after.len())];
                unpacked.extend(run);
                rest = &after[run.len()..];
            }
            (129.., Some(byte)) => {
                unpacked.extend(std::iter::repeat_n(*byte, 257 - length));
                rest = &after[1..];
            }
            _ => break,
        }
        if unpacked.len() > bytes_max {
            break;
        }
    }
    unpacked.truncate(bytes_max);
    unpacked
}

/// 7.4.4: codes of 9 to 12 bits, the highest bit first, with the early change that is the default.
fn lzw(packed: &[u8], bytes_max: usize) -> Vec<u8> {
    const CLEAR: usize = 256;
    const END: usize = 257;
    let mut unpacked: Vec<u8> = Vec::new();
    // Where in the output each entry's text stands.
    let mut entries: Vec<(usize, usize)> = Vec::new();
    let mut last: Option<(usize, usize)> = None;
    let (mut bits, mut held, mut width) = (0_u32, 0, 9);
    for byte in packed {
        bits = (bits << 8) | u32::from(*byte);
        held += 8;
        if held < width {
            continue;
        }
        held -= width;
        let code = (bits >> held & ((1 << width) - 1)) as usize;
        bits &= (1 << held) - 1;
        if code == END || unpacked.len() >= bytes_max {
            break;
        }
        if code == CLEAR {
            entries.clear();
            (last, width) = (None, 9);
            continue;
        }
        let begins = unpacked.len();
        match (code.checked_sub(258).map(|n| entries.get(n).copied()), last) {
            (None, _) => unpacked.push(code as u8),
            (Some(Some((at, length))), _) => unpacked.extend_from_within(at..at + length),
            (Some(None), Some((at, length))) => {
                unpacked.extend_from_within(at..at + length);
                let first = unpacked[at];
                unpacked.push(first);
            }
            (Some(None), None) => break,
        }
        if let Some((at, length)) = last.filter(|_| entries.len() < 4_096 - 258) {
            // The entry's text is the last one and the first byte after it: they stand side by side.
            entries.push((at, length + 1));
        }
        last = Some((begins, unpacked.len() - begins));
        width = match entries.len() + 258 + 1 {
            0..=511 => 9,
            512..=1023 => 10,
            1024..=2047 => 11,
            _ => 12,
        };
    }
    unpacked.truncate(bytes_max);
    unpacked
}

/// Undoes the predictor of PNG or TIFF; `None` for rows that cannot be.
fn unpredicted(mut bytes: Vec<u8>, predictor: Predictor) -> Option<Vec<u8>> {
    let Predictor { kind, row, pixel } = predictor;
    match kind {
        0 | 1 => Some(bytes),
        _ if row == 0 || pixel == 0 || row > bytes.len().max(1 << 16) => None,
        2 => {
            for line in bytes.chunks_mut(row) {
                for i in pixel..line.len() {
                    line[i] = line[i].wrapping_add(line[i - pixel]);
                }
            }
            Some(bytes)
        }
        _ => Some(without_png_rows(&bytes, row, pixel)),
    }
}

fn without_png_rows(bytes: &[u8], row: usize, pixel: usize) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    for line in bytes.chunks(row + 1) {
        let (kind, line) = (line[0], &line[1..]);
        let begins = out.len();
        for (i, byte) in line.iter().enumerate() {
            let left = if i >= pixel { out[begins + i - pixel] } else { 0 };
            let above = |back: usize| match (i >= back, (begins + i).checked_sub(row + back)) {
                (true, Some(at)) => out[at],
                _ => 0,
            };
            let (up, corner) = (above(0), above(pixel));
            let predicted = match kind {
                1 => left,
                2 => up,
                3 => u16::midpoint(u16::from(left), u16::from(up)) as u8,
                4 => paeth(left, up, corner),
                _ => 0,
            };
            out.push(byte.wrapping_add(predicted));
        }
    }
    out
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(up) - i16::from(corner);
    let distance = |b: u8| (estimate - i16::from(b)).abs();
    let (a, b, c) = (distance(left), distance(up), distance(corner));
    if a <= b && a <= c {
        left
    } else if b <= c {
        up
    } else {
        corner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(filter: &str, packed: &[u8], expected: &[u8]) {
        let budget = Budget::new(10_000);
        let unpacked = unpack(filter, Predictor::default(), packed, 1_000, &budget);
        assert_eq!(unpacked.as_deref(), Some(expected), "{filter}");
    }

    #[test]
    fn each_filter_is_undone() {
        check("AHx", b"41 4 2>", b"AB");
        check("ASCII85Decode", b"87cURDZ~>", b"Hello");
        check("A85", b"z~>", &[0; 4]);
        check("RunLengthDecode", &[1, b'a', b'b', 254, b'c', 128, 9], b"abccc");
        // The example of ISO 32000-1 7.4.4.2.
        let packed = [0x80, 0x0B, 0x60, 0x50, 0x22, 0x0C, 0x0C, 0x85, 0x01];
        check("LZWDecode", &packed, &[45, 45, 45, 45, 45, 65, 45, 45, 45, 66]);
        check("FlateDecode", &zlib(b"Almara"), b"Almara");
        check("FlateDecode", b"no zlib at all", b"");
        let budget = Budget::new(10_000);
        assert_eq!(unpack("DCTDecode", Predictor::default(), b"x", 10, &budget), None);
    }

    #[test]
    fn png_rows_are_put_together_again() {
        let rows = [[2, 1, 2, 3], [2, 1, 1, 1], [1, 5, 1, 1]].concat();
        assert_eq!(without_png_rows(&rows, 3, 1), [1, 2, 3, 2, 3, 4, 5, 6, 7]);
        let average = [[0, 10, 20], [3, 1, 1], [4, 1, 1]].concat();
        assert_eq!(without_png_rows(&average, 2, 1), [10, 20, 6, 14, 7, 15]);
        assert_eq!(unpredicted(vec![1; 8], Predictor { kind: 12, row: 0, pixel: 1 }), None);
    }

    #[test]
    fn a_bomb_unpacks_to_its_limit_and_no_further() {
        let budget = Budget::new(1_000_000);
        let bomb = zlib(&vec![0; 5_000_000]);
        let unpacked = unpack("FlateDecode", Predictor::default(), &bomb, 1_000, &budget);
        assert_eq!(unpacked.map(|u| u.len()), Some(1_000));
        let unpacked = unpack("FlateDecode", Predictor::default(), &bomb, usize::MAX, &budget);
        assert_eq!((unpacked.map(|u| u.len()), budget.left()), (Some(999_000), 0));
    }

    fn zlib(plain: &[u8]) -> Vec<u8> {
        use std::io::Write as _;
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(plain).unwrap();
        packed.finish().unwrap()
    }
}
