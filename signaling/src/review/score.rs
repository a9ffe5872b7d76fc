//! What answers come to.
//!
//! A question's weight is its part of its section: `section weight × points ÷ points of the whole section`, so that all
//! weights of a form add up to 100 %. An answer earns a share `v` of its question's weight:
//!
//! | answer | share |
//! |---|---|
//! | yes | 1 |
//! | no | 0 |
//! | value of a scale | `(value − min) ÷ (max − min)` |
//! | does not apply | none: the question is taken out |
//!
//! A question that does not apply takes its weight out of the form, and what is left is scaled up to 100 % again:
//! `score = Σ weight · v ÷ Σ weight`, both sums over the questions that apply. So all others keep their proportions among
//! each other, across sections too. If nothing applies there is no score, and the review cannot be submitted.
//!
//! A critical question is failed by no, or by the lowest value of its scale; never by not applying. One failed critical
//! question makes the score 0; what was earned without it is kept beside.
//!
//! `web-client/src/replay/review/score.ts` shows reviewers the same while they write, by the same steps in the same order;
//! `vectors.json` holds both to it.

use protocol::review::{Answer, Answered, Answers, FormContent, FormQuestion, QuestionKind, Score, Scored};

/// Longest comment on a question, characters.
pub const ANSWER_COMMENT_MAX: usize = 1_000;
/// Longest comment on the whole call, characters.
pub const OVERALL_COMMENT_MAX: usize = 4_000;

/// Why answers cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AnswerError {
    /// The form has no such question.
    #[error("the form has no question {0:?}")]
    UnknownQuestion(String),
    /// A question was answered twice.
    #[error("question {0:?} is answered twice")]
    Twice(String),
    /// The answer is not one of those that the question has.
    #[error("question {0:?} cannot be answered so: {1}")]
    Impossible(String, &'static str),
    /// A comment is too long.
    #[error("the comment on {0:?} has {1} characters, at most {2} are kept")]
    TooLong(String, usize, usize),
    /// Questions that must be answered are not.
    #[error("{} of the questions have no answer yet, the first is {:?}", .0.len(), .0.first().map_or("", String::as_str))]
    Missing(Vec<String>),
    /// No question applies.
    #[error("no question applies, so there is nothing to score")]
    NothingApplies,
}

impl AnswerError {
    /// The question it is about, if it is about one.
    pub fn question(&self) -> Option<&str> {
        match self {
            Self::UnknownQuestion(key) | Self::Twice(key) | Self::Impossible(key, _) => Some(key),
            Self::TooLong(key, ..) => Some(key),
            Self::Missing(keys) => keys.first().map(String::as_str),
            Self::NothingApplies => None,
        }
    }
}

/// Checks what can be checked before everything is answered.
pub fn check_draft(form: &FormContent, answers: &Answers) -> Result<(), AnswerError> {
    too_long("", &answers.comment, OVERALL_COMMENT_MAX)?;
    for (index, answered) in answers.answers.iter().enumerate() {
        let key = &answered.question;
        let question = questions(form)
            .map(|(_, question)| question)
            .find(|question| question.key == *key)
            .ok_or_else(|| AnswerError::UnknownQuestion(key.clone()))?;
        if answers.answers[..index].iter().any(|other| other.question == *key) {
            return Err(AnswerError::Twice(key.clone()));
        }
        too_long(key, &answered.comment, ANSWER_COMMENT_MAX)?;
        if let Some(answer) = answered.answer {
            fits(question, answer).map_err(|why| AnswerError::Impossible(key.clone(), why))?;
        }
    }
    Ok(())
}

/// What a complete set of answers comes to.
pub fn score(form: &FormContent, answers: &Answers) -> Result<Scored, AnswerError> {
    check_draft(form, answers)?;
    let given = |question: &FormQuestion| -> Option<Answer> {
        answers.answers.iter().find(|answered| answered.question == question.key).and_then(|it| it.answer)
    };
    let missing: Vec<String> = questions(form)
        .filter(|(_, question)| given(question).is_none())
        .map(|(_, question)| question.key.clone())
        .collect();
    if !missing.is_empty() {
        return Err(AnswerError::Missing(missing));
    }
    let (mut weights, mut earned) = (0.0, 0.0);
    let mut failed = Vec::new();
    let mut sections = Vec::with_capacity(form.sections.len());
    for section in &form.sections {
        let points: f64 = section.questions.iter().map(|question| f64::from(question.points)).sum();
        let (mut section_weights, mut section_earned) = (0.0, 0.0);
        for question in &section.questions {
            let Some(answer) = given(question) else { continue };
            let Some(share) = share(question, answer) else { continue };
            if question.critical && share == 0.0 {
                failed.push(question.key.clone());
            }
            let weight = f64::from(section.weight) * f64::from(question.points) / points;
            section_weights += weight;
            section_earned += weight * share;
        }
        sections.push(ratio(section_earned, section_weights));
        weights += section_weights;
        earned += section_earned;
    }
    let earned = ratio(earned, weights).ok_or(AnswerError::NothingApplies)?;
    let score = if failed.is_empty() { earned } else { Score::ZERO };
    Ok(Scored { score, earned, failed, sections })
}

/// What an answer earns of its question, 0 to 1; none when the question does not apply.
pub fn share(question: &FormQuestion, answer: Answer) -> Option<f64> {
    match (answer, &question.kind) {
        (Answer::NotApplicable, _) => None,
        (Answer::Yes, _) => Some(1.0),
        (Answer::No, _) => Some(0.0),
        (Answer::Scale { value }, QuestionKind::Scale { min, max, .. }) => {
            Some(f64::from(value.saturating_sub(*min)) / f64::from(max.saturating_sub(*min).max(1)))
        }
        // `fits` has refused it before anything is counted.
        (Answer::Scale { .. }, QuestionKind::YesNo) => None,
    }
}

/// Every question with its section's index, in order.
pub fn questions(form: &FormContent) -> impl Iterator<Item = (usize, &FormQuestion)> {
    form.sections
        .iter()
        .enumerate()
        .flat_map(|(index, section)| section.questions.iter().map(move |question| (index, question)))
}

/// What was said to a question; without an answer when nothing was.
pub fn answered(answers: &Answers, question: &str) -> Answered {
    answers.answers.iter().find(|answered| answered.question == question).cloned().unwrap_or_else(|| {
        Answered { question: question.to_owned(), answer: None, comment: String::new(), at_ms: None }
    })
}

fn fits(question: &FormQuestion, answer: Answer) -> Result<(), &'static str> {
    match (answer, &question.kind) {
        (Answer::NotApplicable, _) if question.na_allowed => Ok(()),
        (Answer::NotApplicable, _) => Err("it applies to every call"),
        (Answer::Yes | Answer::No, QuestionKind::YesNo) => Ok(()),
        (Answer::Yes | Answer::No, _) => Err("it has a scale"),
        (Answer::Scale { value }, QuestionKind::Scale { min, max, .. }) if (*min..=*max).contains(&value) => {
            Ok(())
        }
        (Answer::Scale { .. }, QuestionKind::Scale { .. }) => Err("the value lies outside of its scale"),
        (Answer::Scale { .. }, QuestionKind::YesNo) => Err("it is answered by yes or no"),
    }
}

fn ratio(earned: f64, weights: f64) -> Option<Score> {
    // Half a hundredth rounds up. The sums are of at most 100 products, so far from the edges of `u16`.
    (weights > 0.0).then(|| Score((10_000.0 * earned / weights + 0.5).floor().clamp(0.0, 10_000.0) as u16))
}

fn too_long(key: &str, comment: &str, max: usize) -> Result<(), AnswerError> {
    let characters = comment.chars().count();
    if characters <= max { Ok(()) } else { Err(AnswerError::TooLong(key.to_owned(), characters, max)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use protocol::review::FormSection;
    use serde::Deserialize;

    use super::*;
    use crate::review::form::flaws;

    fn form_strategy() -> impl Strategy<Value = FormContent> {
        let question = (any::<bool>(), 0u8..9, 1u8..4, 1u16..=100, any::<bool>(), prop::bool::weighted(0.2));
        let sections = prop::collection::vec((1u16..60, prop::collection::vec(question, 1..5)), 1..5);
        sections.prop_map(|sections| {
            let total: u16 = sections.iter().map(|(weight, _)| weight).sum();
            let mut left = 100;
            let count = sections.len();
            let sections = sections.into_iter().enumerate().map(|(s, (weight, questions))| {
                let rest = (count - 1 - s) as u16;
                let weight = if rest == 0 { left } else { (weight * 100 / total).clamp(1, left - rest) };
                left -= weight;
                let questions = questions.into_iter().enumerate().map(
                    |(q, (yes_no, min, more, points, na, critical))| {
                        let scale = QuestionKind::Scale {
                            min,
                            max: (min + more).min(10),
                            low: String::new(),
                            high: String::new(),
                        };
                        FormQuestion {
                            key: format!("q{s}-{q}"),
                            text: "?".into(),
                            help: String::new(),
                            kind: if yes_no { QuestionKind::YesNo } else { scale },
                            points,
                            na_allowed: na,
                            critical,
                        }
                    },
                );
                FormSection { title: "s".into(), weight, questions: questions.collect() }
            });
            FormContent { title: "f".into(), intro: String::new(), sections: sections.collect() }
        })
    }

    /// Any complete set of answers: `pick` chooses for each question.
    fn answers_by(form: &FormContent, mut pick: impl FnMut(&FormQuestion) -> Answer) -> Answers {
        let answers = questions(form)
            .map(|(_, question)| Answered {
                question: question.key.clone(),
                answer: Some(pick(question)),
                comment: String::new(),
                at_ms: None,
            })
            .collect();
        Answers { answers, comment: String::new() }
    }

    fn best(question: &FormQuestion) -> Answer {
        match question.kind {
            QuestionKind::YesNo => Answer::Yes,
            QuestionKind::Scale { max, .. } => Answer::Scale { value: max },
        }
    }

    fn worst(question: &FormQuestion) -> Answer {
        match question.kind {
            QuestionKind::YesNo => Answer::No,
            QuestionKind::Scale { min, .. } => Answer::Scale { value: min },
        }
    }

    fn some(question: &FormQuestion, seed: u8) -> Answer {
        if question.na_allowed && seed.is_multiple_of(4) {
            return Answer::NotApplicable;
        }
        match question.kind {
            QuestionKind::YesNo => [Answer::Yes, Answer::No][usize::from(seed / 4 % 2)],
            QuestionKind::Scale { min, max, .. } => Answer::Scale { value: min + seed / 4 % (max - min + 1) },
        }
    }

    proptest! {
        #[test]
        fn every_score_lies_between_nothing_and_everything(
            form in form_strategy(), seeds in prop::collection::vec(any::<u8>(), 20)
        ) {
            prop_assert_eq!(flaws(&form), []);
            let mut seeds = seeds.into_iter().cycle();
            let answers = answers_by(&form, |question| some(question, seeds.next().unwrap_or(1)));
            match score(&form, &answers) {
                Ok(scored) => {
                    prop_assert!(scored.score <= scored.earned && scored.earned <= Score::FULL);
                    prop_assert!(scored.sections.iter().flatten().all(|score| *score <= Score::FULL));
                    prop_assert_eq!(scored.score == Score::ZERO && !scored.failed.is_empty(), !scored.failed.is_empty());
                    if scored.failed.is_empty() { prop_assert_eq!(scored.score, scored.earned); }
                }
                Err(error) => {
                    prop_assert_eq!(error, AnswerError::NothingApplies);
                    prop_assert!(answers.answers.iter().all(|it| it.answer == Some(Answer::NotApplicable)));
                }
            }
        }

        #[test]
        fn the_best_answers_earn_everything_and_the_worst_nothing(form in form_strategy()) {
            let full = score(&form, &answers_by(&form, best)).unwrap();
            prop_assert_eq!(full.score, Score::FULL);
            prop_assert!(full.failed.is_empty());
            let none = score(&form, &answers_by(&form, worst)).unwrap();
            prop_assert_eq!(none.earned, Score::ZERO);
            let critical = questions(&form).filter(|(_, question)| question.critical).count();
            prop_assert_eq!(none.failed.len(), critical);
        }

        #[test]
        fn what_does_not_apply_counts_as_if_the_form_had_never_asked(
            form in form_strategy(), seeds in prop::collection::vec(any::<u8>(), 20)
        ) {
            let mut seeds = seeds.into_iter().cycle();
            let answers = answers_by(&form, |question| some(question, seeds.next().unwrap_or(1)));
            let Ok(scored) = score(&form, &answers) else { return Ok(()) };
            // By hand: weights as the form gives them, of the questions that apply.
            let (mut weights, mut earned) = (0.0, 0.0);
            for (s, question) in questions(&form) {
                let section = &form.sections[s];
                let points: u32 = section.questions.iter().map(|question| u32::from(question.points)).sum();
                let given = answers.answers.iter().find(|it| it.question == question.key).unwrap().answer.unwrap();
                if let Some(share) = share(question, given) {
                    let weight = f64::from(section.weight) * f64::from(question.points) / f64::from(points);
                    weights += weight;
                    earned += weight * share;
                }
            }
            prop_assert!((scored.earned.percent() - 100.0 * earned / weights).abs() <= 0.0051);
        }

        #[test]
        fn a_better_answer_never_lowers_the_score(
            form in form_strategy(), seeds in prop::collection::vec(any::<u8>(), 20), which in any::<prop::sample::Index>()
        ) {
            let mut seeds = seeds.into_iter().cycle();
            let answers = answers_by(&form, |question| some(question, seeds.next().unwrap_or(1)));
            let Ok(before) = score(&form, &answers) else { return Ok(()) };
            let all: Vec<&FormQuestion> = questions(&form).map(|(_, question)| question).collect();
            let at = which.index(all.len());
            let mut better = answers.clone();
            if better.answers[at].answer == Some(Answer::NotApplicable) { return Ok(()) }
            better.answers[at].answer = Some(best(all[at]));
            let after = score(&form, &better).unwrap();
            prop_assert!(after.score >= before.score && after.earned >= before.earned);
        }
    }

    /// Cases that the web client's preview is held to as well.
    #[derive(Deserialize)]
    struct Vector {
        name: String,
        form: FormContent,
        answers: Answers,
        scored: Scored,
    }

    #[test]
    fn the_cases_that_the_web_page_knows_come_to_what_they_say() {
        let vectors: Vec<Vector> = serde_json::from_str(include_str!("vectors.json")).unwrap();
        assert!(vectors.len() >= 5);
        for Vector { name, form, answers, scored } in vectors {
            assert_eq!(flaws(&form), [], "{name}");
            assert_eq!(score(&form, &answers).unwrap(), scored, "{name}");
        }
    }

    #[test]
    fn answers_that_cannot_be_used_name_the_question() {
        let form = crate::review::starter_form();
        let good = answers_by(&form, best);
        let check = |change: &dyn Fn(&mut Answers), wanted: fn(&AnswerError) -> bool| {
            let mut answers = good.clone();
            change(&mut answers);
            let error = score(&form, &answers).unwrap_err();
            assert!(wanted(&error), "{error:?}");
        };
        check(&|it| it.answers[0].question = "nowhere".into(), |e| {
            matches!(e, AnswerError::UnknownQuestion(_))
        });
        check(&|it| it.answers.push(it.answers[0].clone()), |e| matches!(e, AnswerError::Twice(_)));
        check(&|it| it.answers[0].answer = Some(Answer::Scale { value: 77 }), |e| {
            matches!(e, AnswerError::Impossible(..))
        });
        check(
            &|it| it.answers[1].answer = None,
            |e| matches!(e, AnswerError::Missing(keys) if keys.len() == 1),
        );
        check(
            &|it| drop(it.answers.remove(1)),
            |e| matches!(e, AnswerError::Missing(keys) if keys.len() == 1),
        );
        check(&|it| it.answers[0].comment = "x".repeat(1_001), |e| matches!(e, AnswerError::TooLong(..)));
        check(&|it| it.comment = "x".repeat(4_001), |e| matches!(e, AnswerError::TooLong(..)));
    }
}
