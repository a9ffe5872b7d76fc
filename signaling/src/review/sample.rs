//! Letting chance choose.

use rand::Rng;
use rand::seq::index;

/// So many in a hundred of the candidates, at least one if there are any, in their order. Every candidate has the same
/// chance.
pub fn pick<T: Clone>(candidates: &[T], percent: u8, random: &mut impl Rng) -> Vec<T> {
    let wanted = (candidates.len() * usize::from(percent.min(100))).div_ceil(100);
    let mut chosen = index::sample(random, candidates.len(), wanted).into_vec();
    chosen.sort_unstable();
    chosen.into_iter().filter_map(|at| candidates.get(at).cloned()).collect()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn as_many_are_chosen_as_asked_for_and_nobody_twice() {
        let all: Vec<u32> = (0..50).collect();
        for (percent, wanted) in [(0, 0), (1, 1), (10, 5), (11, 6), (100, 50), (255, 50)] {
            let chosen = pick(&all, percent, &mut StdRng::seed_from_u64(7));
            assert_eq!(chosen.len(), wanted, "{percent} %");
            assert!(chosen.windows(2).all(|two| two[0] < two[1]));
        }
        assert!(pick::<u32>(&[], 50, &mut StdRng::seed_from_u64(7)).is_empty());
    }

    #[test]
    fn everybody_has_a_chance() {
        let all: Vec<usize> = (0..10).collect();
        let mut random = StdRng::seed_from_u64(1);
        let mut seen = [0; 10];
        for _ in 0..1_000 {
            for one in pick(&all, 10, &mut random) {
                seen[one] += 1;
            }
        }
        assert!(seen.iter().all(|count| (50..=160).contains(count)), "{seen:?}");
    }
}
