//! Every kept input through its target: the seeds, what they become with a few bytes changed, and everything that ever
//! broke something.

use std::fs;
use std::path::Path;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

fn kept(folder: &str, target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(target);
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            (path.display().to_string(), fs::read(&path).expect("a file"))
        })
        .collect();
    files.sort();
    files
}

/// A few bytes changed, cut out or put in twice.
fn damage(rng: &mut StdRng, input: &[u8]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..rng.random_range(1..6) {
        if bytes.is_empty() {
            break;
        }
        let place = rng.random_range(0..bytes.len());
        match rng.random_range(0..4) {
            0 => bytes[place] = rng.random(),
            1 => bytes[place] ^= 1 << rng.random_range(0..8),
            2 => bytes.truncate(place),
            _ => {
                let end = (place + rng.random_range(1..16)).min(bytes.len());
                let again = bytes[place..end].to_vec();
                bytes.splice(place..place, again);
            }
        }
    }
    bytes
}

#[test]
fn what_broke_a_target_once_does_not_any_more() {
    for target in vitrine_fuzz::TARGETS {
        for (_, input) in kept("regressions", target.name) {
            (target.run)(&input);
        }
    }
}

#[test]
fn every_target_survives_its_seeds_and_what_they_become() {
    for target in vitrine_fuzz::TARGETS {
        let seeds = kept("corpus", target.name);
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        let mut rng = StdRng::seed_from_u64(1);
        for (_, input) in &seeds {
            (target.run)(input);
            for _ in 0..40 {
                (target.run)(&damage(&mut rng, input));
            }
        }
    }
}

#[test]
fn no_folder_is_without_its_target() {
    for folder in ["corpus", "regressions"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in fs::read_dir(folder).expect("the folder") {
            let name = entry.expect("an entry").file_name();
            let name = name.to_string_lossy();
            assert!(name.starts_with('.') || vitrine_fuzz::target(&name).is_some(), "{name} is no target");
        }
    }
}
