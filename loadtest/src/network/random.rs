//! Randomness by counting: draw `n` of a stream is a function of seed, stream and `n`.
//!
//! A generator with state would make the loss of packet 1,000 depend on whether packet 7 needed a draw for jitter. This way
//! every question about every packet has its own answer.

/// One question asked about every packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Draw {
    Loss = 1,
    Burst,
    Jitter,
    Reorder,
    Duplicate,
}

/// A number in 0..1, the same one for the same arguments on every machine.
pub(super) fn uniform(seed: u64, draw: Draw, n: u64) -> f64 {
    let mixed = mix(mix(mix(seed) ^ draw as u64) ^ n);
    // 53 bits: what an f64 between 0 and 1 holds exactly.
    (mixed >> 11) as f64 / (1u64 << 53) as f64
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_even_and_streams_have_nothing_to_do_with_each_other() {
        let count = 20_000;
        let of = |draw| (0..count).map(move |n| uniform(7, draw, n));
        let mean = of(Draw::Loss).sum::<f64>() / count as f64;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        let both = of(Draw::Loss).zip(of(Draw::Jitter)).filter(|(a, b)| *a < 0.1 && *b < 0.1).count();
        assert!((150..250).contains(&both), "{both} of {count} below 0.1 in both, 200 expected");
    }
}
