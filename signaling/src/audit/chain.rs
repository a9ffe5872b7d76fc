//! The chain: the hash of an entry is SHA-256 of the 32 bytes of the hash before (zeros before the first) and of the
//! entry's canonical bytes,
//!
//! ```text
//! ["vitrine audit 1",7,1790000000000000,"user:…","recording_played","recording:…","why","{…}"]
//! ```
//!
//! a JSON array without blanks: number, microseconds since 1970, actor, event, about, why, and the detail as the text it
//! is stored as. Lengths and kinds are unmistakable in it, so no two entries have the same bytes.

use ring::digest::{Context, SHA256};

/// A hash of the chain.
pub type Hash = [u8; 32];

/// What comes before the first entry.
pub const START: Hash = [0; 32];

/// An entry as it is stored and hashed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// Counts from 1 without gaps.
    pub number: i64,
    /// Microseconds since 1970-01-01 UTC.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// What, by its name.
    pub event: String,
    /// To what.
    pub about: String,
    /// Why.
    pub why: String,
    /// JSON text.
    pub detail: String,
}

impl Link {
    /// The hash of this entry after the one before.
    pub fn hash(&self, before: &Hash) -> Hash {
        let fields = (
            "vitrine audit 1",
            self.number,
            self.at,
            &self.actor,
            &self.event,
            &self.about,
            &self.why,
            &self.detail,
        );
        let bytes = serde_json::to_vec(&fields).unwrap_or_default();
        let mut hash = Context::new(&SHA256);
        hash.update(before);
        hash.update(&bytes);
        hash.finish().as_ref().try_into().unwrap_or(START)
    }
}

/// Walks along a chain, entry by entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Walk {
    /// Entries that were right.
    pub good: i64,
    /// Hash of the last of them.
    pub head: Hash,
}

impl Default for Walk {
    fn default() -> Self {
        Self { good: 0, head: START }
    }
}

impl Walk {
    /// Takes the next entry as stored with its hash. The error says what is wrong; the walk ends there.
    pub fn step(&mut self, link: &Link, stored: &[u8]) -> Result<(), String> {
        let expected = self.good + 1;
        if link.number != expected {
            return Err(match link.number - expected {
                1 => format!("entry {expected} is missing"),
                2.. => format!("entries {expected} to {} are missing", link.number - 1),
                _ => format!("entry {} comes a second time", link.number),
            });
        }
        let hash = link.hash(&self.head);
        if stored != hash {
            return Err("it, or the hash of the one before, was changed".to_owned());
        }
        (self.good, self.head) = (expected, hash);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(length: i64) -> Vec<(Link, Hash)> {
        let mut head = START;
        (1..=length)
            .map(|number| {
                let link = Link {
                    number,
                    at: 1_790_000_000_000_000 + number,
                    actor: "server".into(),
                    event: "recording_deleted".into(),
                    about: format!("recording:{number}"),
                    why: "retention".into(),
                    detail: "{}".into(),
                };
                head = link.hash(&head);
                (link, head)
            })
            .collect()
    }

    fn walk(chain: &[(Link, Hash)]) -> Result<Walk, (i64, String)> {
        let mut walk = Walk::default();
        for (link, hash) in chain {
            walk.step(link, hash).map_err(|what| (walk.good + 1, what))?;
        }
        Ok(walk)
    }

    #[test]
    fn a_chain_as_it_was_written_is_right() {
        let chain = chain(5);
        assert_eq!(walk(&chain), Ok(Walk { good: 5, head: chain[4].1 }));
        assert_eq!(walk(&[]), Ok(Walk::default()));
    }

    #[test]
    fn every_change_of_every_field_is_found_at_its_entry() {
        type Spoil = fn(&mut Link);
        let cases: [Spoil; 6] = [
            |link| link.at += 1,
            |link| link.actor = "operator".into(),
            |link| link.event = "recording_played".into(),
            |link| link.about.push('0'),
            |link| link.why.clear(),
            |link| link.detail = "{} ".into(),
        ];
        for spoil in cases {
            let mut chain = chain(5);
            spoil(&mut chain[2].0);
            assert_eq!(walk(&chain).unwrap_err().0, 3);
            // Hashing it again moves the break to the next entry.
            chain[2].1 = chain[2].0.hash(&chain[1].1);
            assert_eq!(walk(&chain).unwrap_err().0, 4);
        }
    }

    #[test]
    fn what_is_taken_out_or_moved_is_missed() {
        let mut removed = chain(5);
        removed.remove(1);
        assert_eq!(walk(&removed), Err((2, "entry 2 is missing".into())));
        let mut swapped = chain(5);
        swapped.swap(1, 2);
        assert_eq!(walk(&swapped).unwrap_err().0, 2);
        let mut renumbered = chain(5);
        renumbered.remove(1);
        for (index, (link, _)) in renumbered.iter_mut().enumerate() {
            link.number = index as i64 + 1;
        }
        assert_eq!(walk(&renumbered).unwrap_err().0, 2);
        let mut twice = chain(3);
        twice.push(twice[2].clone());
        assert_eq!(walk(&twice), Err((4, "entry 3 comes a second time".into())));
    }

    #[test]
    fn fields_cannot_borrow_from_their_neighbours() {
        let mut one = chain(1).remove(0).0;
        (one.about, one.why) = ("a\",\"b".into(), "c".into());
        let two = Link { about: "a".into(), why: "b\",\"c".into(), ..one.clone() };
        assert_ne!(one.hash(&START), two.hash(&START));
    }
}
