//! Who may see whose score while a second, blind one is being made.
//!
//! A second score is worth something only if whoever gives it knows no other. So whoever might still give one sees nobody's
//! score of, and nobody's comment on, that recording but their own, whatever way they ask, until both are submitted. Only
//! submitted scores get a second one, so its giver is the only one who has to be kept from seeing.

use protocol::ids::UserId;

/// A second score that was asked for, as far as it decides who sees what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SecondAsked {
    /// Who asked: they have seen the first score, so they cannot give the second.
    pub asked_by: UserId,
    /// Who gave (or gives) the first score.
    pub first: UserId,
    /// Who is to give the second; none: whoever comes first.
    pub second: Option<UserId>,
    /// Submitted, the second one too.
    pub complete: bool,
}

impl SecondAsked {
    /// Whether somebody may begin it.
    pub fn may_start(&self, viewer: UserId) -> bool {
        !self.complete
            && match self.second {
                Some(second) => second == viewer,
                None => viewer != self.asked_by && viewer != self.first,
            }
    }
}

/// Whether a viewer is kept from other people's judgements of a recording that these second scores were asked for.
pub fn is_blinded(viewer: UserId, asked: &[SecondAsked]) -> bool {
    asked.iter().any(|one| one.may_start(viewer))
}

/// Whether somebody who may score sees a review. Drafts are their authors' alone.
pub fn sees(viewer: UserId, reviewer: UserId, submitted: bool, blinded: bool) -> bool {
    viewer == reviewer || (submitted && !blinded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_may_still_give_the_second_score_sees_no_other() {
        let [asker, first, second, other] = [UserId::new(), UserId::new(), UserId::new(), UserId::new()];
        let named = SecondAsked { asked_by: asker, first, second: Some(second), complete: false };
        let sees_it = |viewer, asked: &[SecondAsked]| sees(viewer, first, true, is_blinded(viewer, asked));
        assert!(!sees_it(second, &[named]));
        assert!(sees_it(asker, &[named]) && sees_it(first, &[named]) && sees_it(other, &[named]));
        let open = SecondAsked { second: None, ..named };
        assert!(!sees_it(second, &[open]) && !sees_it(other, &[open]));
        assert!(sees_it(asker, &[open]) && sees_it(first, &[open]));
        assert!(sees_it(second, &[SecondAsked { complete: true, ..named }]));
        assert!(!sees_it(second, &[SecondAsked { complete: true, ..open }, named]));
    }

    #[test]
    fn drafts_are_their_authors_alone() {
        let (first, other) = (UserId::new(), UserId::new());
        assert!(sees(first, first, false, true) && !sees(other, first, false, false));
    }
}
