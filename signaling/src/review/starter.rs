//! The form that a shop starts with.

use protocol::review::{FormContent, FormQuestion, FormSection, QuestionKind};

/// A form for video help that works as it is: what was shown, whether the problem was found and solved, how it was said,
/// and what must never go wrong.
pub fn starter_form() -> FormContent {
    let scale =
        || QuestionKind::Scale { min: 1, max: 5, low: "Not at all".into(), high: "In every respect".into() };
    let question = |key: &str, text: &str, help: &str, kind, points| FormQuestion {
        key: key.into(),
        text: text.into(),
        help: help.into(),
        kind,
        points,
        na_allowed: false,
        critical: false,
    };
    let optional = |question: FormQuestion| FormQuestion { na_allowed: true, ..question };
    let critical = |question: FormQuestion| FormQuestion { critical: true, ..question };
    FormContent {
        title: "Video help".into(),
        intro: "Watch the whole call once before you score it. Judge what was said and done, not how anybody may have felt."
            .into(),
        sections: vec![
            FormSection {
                title: "Opening".into(),
                weight: 15,
                questions: vec![
                    question(
                        "greeting",
                        "Did the agent greet, give a name and ask what it is about?",
                        "Yes when all three happened within the first half minute.",
                        QuestionKind::YesNo,
                        1,
                    ),
                    question(
                        "product-known",
                        "Was the product on the card used, so that the buyer did not have to explain it?",
                        "No when the buyer had to give the model or the order number again.",
                        QuestionKind::YesNo,
                        1,
                    ),
                ],
            },
            FormSection {
                title: "Finding and solving the problem".into(),
                weight: 45,
                questions: vec![
                    question(
                        "diagnosis",
                        "How well was the cause found?",
                        "5: looked at the right place by camera, asked what matters, named the cause. 1: guessed.",
                        scale(),
                        3,
                    ),
                    optional(question(
                        "camera",
                        "Was the buyer told clearly where to point the camera?",
                        "Does not apply when the buyer had no camera.",
                        QuestionKind::YesNo,
                        1,
                    )),
                    question(
                        "solution",
                        "How good was the solution, and did the buyer know the next step at the end?",
                        "5: solved or a next step with a date. 1: neither.",
                        scale(),
                        4,
                    ),
                ],
            },
            FormSection {
                title: "How it was said".into(),
                weight: 25,
                questions: vec![
                    question(
                        "clarity",
                        "How easy were the explanations to follow?",
                        "Words without jargon, one step at a time, checked that it was understood.",
                        scale(),
                        2,
                    ),
                    optional(question(
                        "hold",
                        "Were holds announced with a reason and thanked for?",
                        "Does not apply when there was no hold.",
                        QuestionKind::YesNo,
                        1,
                    )),
                ],
            },
            FormSection {
                title: "Records and rules".into(),
                weight: 15,
                questions: vec![
                    question(
                        "ticket",
                        "Do outcome and notes of the ticket say what happened?",
                        "A colleague could go on from here without the recording.",
                        QuestionKind::YesNo,
                        2,
                    ),
                    critical(question(
                        "privacy",
                        "Was no data asked for or shown that the case did not need?",
                        "No when card numbers, passwords or other people's data were asked for or shown.",
                        QuestionKind::YesNo,
                        1,
                    )),
                ],
            },
        ],
    }
}
