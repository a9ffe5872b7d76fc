//! Which calls a sample is made of. Pure: calls and a seed in, a selection out.
//!
//! Every call has a rank: a hash of the seed and its id. Of each stratum the calls of lowest rank are drawn. So the
//! selection depends on nothing but seed, rule and calls, not on their order; every call has the same chance; and drawing
//! again from more calls disturbs what was drawn before as little as can be.

use std::collections::{BTreeMap, HashSet};

use protocol::samples::Amount;
use ring::digest::{Context, SHA256};
use uuid::Uuid;

/// A call that could be drawn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// Its recording.
    pub id: Uuid,
    /// What it has in common with others.
    pub stratum: String,
}

/// How many are drawn of `population` calls: none of none, else at least one.
pub fn wanted(amount: Amount, population: usize) -> usize {
    match amount {
        Amount::Share { percent } => (population * usize::from(percent)).div_ceil(100).min(population),
        Amount::Count { count } => population.min(usize::from(count)),
    }
}

/// What to add to a sample that holds `taken` already (nothing, for a new one) so that every stratum has what the
/// amount asks for: indexes into `candidates`, lowest rank first, which is an order without any meaning. What is taken is
/// counted and never taken away.
pub fn draw(candidates: &[Candidate], amount: Amount, seed: u32, taken: &HashSet<Uuid>) -> Vec<usize> {
    let mut strata: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, candidate) in candidates.iter().enumerate() {
        strata.entry(&candidate.stratum).or_default().push(index);
    }
    let mut drawn = Vec::new();
    for members in strata.into_values() {
        let held = members.iter().filter(|index| taken.contains(&candidates[**index].id)).count();
        let missing = wanted(amount, members.len()).saturating_sub(held);
        let mut free: Vec<([u8; 32], usize)> = members
            .into_iter()
            .filter(|index| !taken.contains(&candidates[*index].id))
            .map(|index| (rank(seed, candidates[index].id), index))
            .collect();
        free.sort_unstable();
        drawn.extend(free.into_iter().take(missing));
    }
    drawn.sort_unstable();
    drawn.into_iter().map(|(_, index)| index).collect()
}

fn rank(seed: u32, id: Uuid) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    hash.update(&seed.to_be_bytes());
    hash.update(id.as_bytes());
    let mut rank = [0; 32];
    rank.copy_from_slice(hash.finish().as_ref());
    rank
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn amount() -> impl Strategy<Value = Amount> {
        prop_oneof![
            (1u8..=100).prop_map(|percent| Amount::Share { percent }),
            (1u16..=20).prop_map(|count| Amount::Count { count }),
        ]
    }

    /// Calls of up to five agents.
    fn calls() -> impl Strategy<Value = Vec<Candidate>> {
        prop::collection::hash_map(any::<u128>(), 0u8..5, 0..120).prop_map(|calls| {
            calls
                .into_iter()
                .map(|(id, agent)| Candidate { id: Uuid::from_u128(id), stratum: format!("agent {agent}") })
                .collect()
        })
    }

    fn ids(calls: &[Candidate], drawn: &[usize]) -> Vec<Uuid> {
        drawn.iter().map(|index| calls[*index].id).collect()
    }

    fn sizes<'a>(calls: impl IntoIterator<Item = &'a Candidate>) -> HashMap<&'a str, usize> {
        let mut sizes = HashMap::new();
        for call in calls {
            *sizes.entry(call.stratum.as_str()).or_default() += 1;
        }
        sizes
    }

    proptest! {
        #[test]
        fn every_stratum_gets_what_was_asked_and_at_least_one(calls in calls(), amount in amount(), seed: u32) {
            let drawn = draw(&calls, amount, seed, &HashSet::new());
            let got = sizes(drawn.iter().map(|index| &calls[*index]));
            for (stratum, population) in sizes(&calls) {
                let got = got.get(stratum).copied().unwrap_or(0);
                prop_assert!(got >= 1 && got <= population);
                match amount {
                    Amount::Share { percent } => {
                        let percent = usize::from(percent);
                        prop_assert!(got * 100 >= population * percent, "less than the share");
                        prop_assert!((got - 1) * 100 < population * percent, "a whole call more than the share");
                    }
                    Amount::Count { count } => prop_assert_eq!(got, population.min(usize::from(count))),
                }
            }
        }

        #[test]
        fn no_call_is_drawn_twice_and_the_order_of_the_calls_means_nothing(
            calls in calls(), amount in amount(), seed: u32,
        ) {
            let drawn = ids(&calls, &draw(&calls, amount, seed, &HashSet::new()));
            prop_assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), drawn.len());
            let mut turned = calls.clone();
            turned.reverse();
            prop_assert_eq!(ids(&turned, &draw(&turned, amount, seed, &HashSet::new())), drawn);
        }

        #[test]
        fn calls_of_one_stratum_do_not_change_what_is_drawn_of_another(
            calls in calls(), amount in amount(), seed: u32,
        ) {
            let all = ids(&calls, &draw(&calls, amount, seed, &HashSet::new()));
            let one: Vec<Candidate> = calls.iter().filter(|call| call.stratum == "agent 0").cloned().collect();
            let alone = ids(&one, &draw(&one, amount, seed, &HashSet::new()));
            let among: Vec<Uuid> = all.into_iter().filter(|id| one.iter().any(|call| call.id == *id)).collect();
            prop_assert_eq!(alone, among);
        }

        #[test]
        fn drawing_again_adds_what_is_missing_and_nothing_that_is_there(
            calls in calls(), more in calls(), amount in amount(), seed: u32,
        ) {
            let first: HashSet<Uuid> = ids(&calls, &draw(&calls, amount, seed, &HashSet::new())).into_iter().collect();
            prop_assert!(draw(&calls, amount, seed, &first).is_empty(), "nothing has changed");
            let all: Vec<Candidate> = calls.iter().chain(&more).cloned().collect();
            let added = ids(&all, &draw(&all, amount, seed, &first));
            prop_assert!(added.iter().all(|id| !first.contains(id)));
            let together: HashSet<Uuid> = first.iter().chain(&added).copied().collect();
            let got = sizes(all.iter().filter(|call| together.contains(&call.id)));
            for (stratum, population) in sizes(&all) {
                prop_assert_eq!(got.get(stratum).copied().unwrap_or(0), wanted(amount, population));
            }
        }
    }

    #[test]
    fn every_call_has_the_same_chance() {
        let calls: Vec<Candidate> = (0..40u128)
            .map(|id| Candidate { id: Uuid::from_u128(id << 64), stratum: String::new() })
            .collect();
        let mut drawn = vec![0u32; calls.len()];
        for seed in 0..4_000 {
            for index in draw(&calls, Amount::Share { percent: 10 }, seed, &HashSet::new()) {
                drawn[index] += 1;
            }
        }
        // 400 are expected of each, with a standard deviation of 19: five of them are beyond chance.
        for (call, times) in drawn.iter().enumerate() {
            assert!((305..=495).contains(times), "call {call} was drawn {times} times");
        }
    }

    #[test]
    fn a_seed_is_kept_so_its_selection_must_stay_what_it_is() {
        let calls: Vec<Candidate> =
            (1..=10u128).map(|id| Candidate { id: Uuid::from_u128(id), stratum: String::new() }).collect();
        let drawn = draw(&calls, Amount::Count { count: 3 }, 7, &HashSet::new());
        let again = draw(&calls, Amount::Count { count: 3 }, 7, &HashSet::new());
        assert_eq!(drawn, again);
        assert_ne!(drawn, draw(&calls, Amount::Count { count: 3 }, 8, &HashSet::new()));
    }
}
