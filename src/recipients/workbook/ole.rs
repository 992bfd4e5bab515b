//! A compound file (OLE) in, one of its streams out: what xls files and protected workbooks are.
//!
//! # Standards
//! MS-CFB 2.2 (header), 2.3 (sector allocation), 2.4 (small streams), 2.6 (directory).
//!
//! # Invariants
//! No chain of sectors is followed for longer than there are sectors: a loop ends (security S20).
//!
//! # Failure
//! [`Damage`].

use super::damage::Damage;

const BROKEN: Damage = Damage::Broken("it is no whole compound file");
/// Sector numbers from here on mean "none" (MS-CFB 2.1).
const NO_SECTOR: u32 = 0xffff_fffa;
/// Streams shorter than this lie in sectors of 64 bytes (MS-CFB 2.2).
const SMALL_STREAM_BYTES: usize = 4_096;
const SMALL_SECTOR_SHIFT: usize = 6;

/// A compound file.
pub(super) struct CompoundFile<'a> {
    bytes: &'a [u8],
    sector_shift: usize,
    /// The sector that follows each.
    next: Vec<u32>,
    entries: Vec<Entry>,
}

struct Entry {
    name: String,
    start: u32,
    size: usize,
}

impl<'a> CompoundFile<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<CompoundFile<'a>, Damage> {
        let sector_shift = usize::from(u16_at(bytes, 30).ok_or(BROKEN)?);
        if !matches!(sector_shift, 9 | 12) {
            return Err(BROKEN);
        }
        let mut file = CompoundFile { bytes, sector_shift, next: Vec::new(), entries: Vec::new() };
        file.next = file.allocation()?;
        let directory = file.chain(u32_at(bytes, 48).ok_or(BROKEN)?)?;
        file.entries = directory.chunks_exact(128).filter_map(Entry::read).collect();
        Ok(file)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.name == name)
    }

    /// The bytes of a stream.
    pub(super) fn stream(&self, name: &str) -> Result<Vec<u8>, Damage> {
        let entry = self.entries.iter().find(|entry| entry.name == name).ok_or(BROKEN)?;
        let mut bytes = match entry.size {
            0..SMALL_STREAM_BYTES => self.small_chain(entry.start, entry.size)?,
            _ => self.chain(entry.start)?,
        };
        if bytes.len() < entry.size {
            return Err(BROKEN);
        }
        bytes.truncate(entry.size);
        Ok(bytes)
    }

    fn sector(&self, number: u32) -> Option<&'a [u8]> {
        // The header takes the place of a sector, and of more than its 512 bytes in large ones.
        let start = (number as usize).checked_add(1)?.checked_mul(1 << self.sector_shift)?;
        let end = start.checked_add(1 << self.sector_shift)?.min(self.bytes.len());
        self.bytes.get(start..end)
    }

    /// The table of what follows each sector, from the sectors that the header names first, and
    /// then those that a chain of further tables names.
    fn allocation(&self) -> Result<Vec<u32>, Damage> {
        let sectors_max = self.bytes.len() >> self.sector_shift;
        let mut numbers: Vec<u32> =
            (0..109).map_while(|n| u32_at(self.bytes, 76 + 4 * n)).collect();
        let mut more = u32_at(self.bytes, 68).ok_or(BROKEN)?;
        while more < NO_SECTOR && numbers.len() <= sectors_max + 109 {
            let words = words(self.sector(more).ok_or(BROKEN)?);
            let (last, named) = words.split_last().ok_or(BROKEN)?;
            numbers.extend(named);
            more = *last;
        }
        let mut next = Vec::new();
        for number in numbers.into_iter().filter(|n| *n < NO_SECTOR).take(sectors_max) {
            next.extend(words(self.sector(number).ok_or(BROKEN)?));
        }
        Ok(next)
    }

    fn chain(&self, start: u32) -> Result<Vec<u8>, Damage> {
        let mut bytes = Vec::new();
        let mut number = start;
        while number < NO_SECTOR {
            if bytes.len() > self.bytes.len() {
                return Err(BROKEN);
            }
            bytes.extend_from_slice(self.sector(number).ok_or(BROKEN)?);
            number = *self.next.get(number as usize).ok_or(BROKEN)?;
        }
        Ok(bytes)
    }

    /// Small streams lie in small sectors within a stream of their own, the root's.
    fn small_chain(&self, start: u32, size: usize) -> Result<Vec<u8>, Damage> {
        let root = self.entries.first().ok_or(BROKEN)?;
        let all = self.chain(root.start)?;
        let next = words(&self.chain(u32_at(self.bytes, 60).ok_or(BROKEN)?)?);
        let mut bytes = Vec::new();
        let mut number = start as usize;
        while bytes.len() < size {
            let at = number.checked_mul(1 << SMALL_SECTOR_SHIFT).ok_or(BROKEN)?;
            let end = at.saturating_add(1 << SMALL_SECTOR_SHIFT).min(all.len());
            bytes.extend_from_slice(all.get(at..end).filter(|s| !s.is_empty()).ok_or(BROKEN)?);
            number = *next.get(number).ok_or(BROKEN)? as usize;
        }
        Ok(bytes)
    }
}

impl Entry {
    fn read(entry: &[u8]) -> Option<Entry> {
        let octets = usize::from(u16_at(entry, 64)?).saturating_sub(2).min(62);
        let units =
            entry[..octets].chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        let name = char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect();
        Some(Entry { name, start: u32_at(entry, 116)?, size: u32_at(entry, 120)? as usize })
    }
}

fn words(sector: &[u8]) -> Vec<u32> {
    sector.chunks_exact(4).filter_map(|word| u32_at(word, 0)).collect()
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}
