//! How calls come out: the list agents choose from.

use protocol::rest::Outcome;

/// Stable code and what agents read.
const OUTCOMES: [(&str, &str); 9] = [
    ("answered", "Question answered"),
    ("advice_purchase", "Advised, buyer decides"),
    ("transport_damage", "Damaged in transport"),
    ("product_defect", "Defective product"),
    ("misuse", "Used or assembled wrongly"),
    ("wrong_item", "Wrong or missing item"),
    ("return_or_refund", "Return or refund agreed"),
    ("escalated", "Passed on to another team"),
    ("no_result", "Call ended without a result"),
];

/// Every outcome, in the order agents see them.
pub fn all() -> Vec<Outcome> {
    OUTCOMES.iter().map(|(code, label)| Outcome { code: (*code).into(), label: (*label).into() }).collect()
}

/// Whether a code is one of them.
pub(crate) fn is_known(code: &str) -> bool {
    OUTCOMES.iter().any(|(known, _)| *known == code)
}
