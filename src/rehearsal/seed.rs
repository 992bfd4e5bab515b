//! Chance by a seed: the same seed and the same question give the same number, on every computer.
//!
//! Pure. Not for secrets.

/// A number from a seed, which question it is, and about whom: evenly spread.
#[must_use]
pub fn drawn(seed: u64, question: u64, about: &[u8]) -> u64 {
    let start = mixed(seed ^ mixed(question));
    about.iter().fold(start, |state, byte| mixed(state ^ u64::from(*byte)))
}

/// SplitMix64 (Steele, Lea, Flood 2014): every bit of the input reaches every bit of the output.
fn mixed(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_evenly_spread_and_the_same_again() {
        let count = |seed: u64| {
            (0..10_000_u32).filter(|n| drawn(seed, 3, &n.to_be_bytes()) % 1_000 < 100).count()
        };
        for seed in 0..5 {
            assert!((850..1_150).contains(&count(seed)), "seed {seed}: {}", count(seed));
            assert_eq!(count(seed), count(seed));
        }
        assert_ne!(drawn(1, 1, b"ana"), drawn(1, 2, b"ana"));
        assert_ne!(drawn(1, 1, b"ana"), drawn(2, 1, b"ana"));
    }
}
