//! How far several scores of one recording are apart.

use protocol::review::{
    Agreement, Answer, Answered, Answers, CalibrationScore, FormContent, FormQuestion, QuestionDifference,
};

use super::score::{answered, questions, share};

/// Every question with what everybody answered, in the form's order.
pub fn differences(form: &FormContent, scores: &[&Answers]) -> Vec<QuestionDifference> {
    questions(form)
        .map(|(_, question)| {
            let answers: Vec<Answered> = scores.iter().map(|one| answered(one, &question.key)).collect();
            let spread =
                pairs(&answers).map(|(a, b)| distance(question, a.answer, b.answer)).fold(0.0, f64::max);
            QuestionDifference { question: question.key.clone(), answers, spread }
        })
        .collect()
}

/// The figures of agreement; none with fewer than two scores.
pub fn agreement(
    form: &FormContent,
    scores: &[CalibrationScore],
    differences: &[QuestionDifference],
) -> Option<Agreement> {
    if scores.len() < 2 {
        return None;
    }
    let points = |a: protocol::review::Score, b: protocol::review::Score| (a.percent() - b.percent()).abs();
    let score_difference = mean(pairs(scores).map(|(a, b)| points(a.scored.score, b.scored.score)));
    let earned_difference = mean(pairs(scores).map(|(a, b)| points(a.scored.earned, b.scored.earned)));
    let apart: Vec<f64> = questions(form)
        .zip(differences)
        .flat_map(|((_, question), difference)| {
            pairs(&difference.answers).map(move |(a, b)| distance(question, a.answer, b.answer))
        })
        .collect();
    let sorted = |score: &CalibrationScore| {
        let mut failed = score.scored.failed.clone();
        failed.sort_unstable();
        failed
    };
    Some(Agreement {
        score_difference,
        earned_difference,
        answer_difference: mean(apart.iter().copied()),
        same: mean(apart.iter().map(|distance| if *distance == 0.0 { 1.0 } else { 0.0 })),
        same_critical: pairs(scores).all(|(a, b)| sorted(a) == sorted(b)),
    })
}

/// How far two answers are apart, as a share of the scale: 0 when they are the same, 1 when one says that the question
/// does not apply and the other does not.
fn distance(question: &FormQuestion, a: Option<Answer>, b: Option<Answer>) -> f64 {
    let value = |answer: Option<Answer>| answer.and_then(|answer| share(question, answer));
    match (value(a), value(b)) {
        (Some(a), Some(b)) => (a - b).abs(),
        (None, None) => 0.0,
        _ => 1.0,
    }
}

fn pairs<T>(all: &[T]) -> impl Iterator<Item = (&T, &T)> {
    all.iter().enumerate().flat_map(|(index, a)| all[index + 1..].iter().map(move |b| (a, b)))
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}

#[cfg(test)]
mod tests {
    use protocol::ids::{ReviewId, UserId};
    use protocol::review::Person;

    use super::*;
    use crate::review::score::score;
    use crate::review::starter_form;

    fn all(form: &FormContent, pick: impl Fn(&FormQuestion) -> Answer) -> Answers {
        let answers = questions(form)
            .map(|(_, question)| Answered {
                answer: Some(pick(question)),
                ..answered(&Answers::default(), &question.key)
            })
            .collect();
        Answers { answers, comment: String::new() }
    }

    fn best(question: &FormQuestion) -> Answer {
        match question.kind {
            protocol::review::QuestionKind::YesNo => Answer::Yes,
            protocol::review::QuestionKind::Scale { max, .. } => Answer::Scale { value: max },
        }
    }

    fn figures(form: &FormContent, all: &[Answers]) -> (Vec<QuestionDifference>, Option<Agreement>) {
        let scores: Vec<CalibrationScore> = all
            .iter()
            .map(|answers| CalibrationScore {
                review: ReviewId::new(),
                reviewer: Person { id: UserId::new(), name: "R".into() },
                scored: score(form, answers).unwrap(),
            })
            .collect();
        let differences = differences(form, &all.iter().collect::<Vec<_>>());
        let agreement = agreement(form, &scores, &differences);
        (differences, agreement)
    }

    #[test]
    fn the_same_answers_agree_in_everything() {
        let form = starter_form();
        let (differences, agreement) =
            figures(&form, &[all(&form, best), all(&form, best), all(&form, best)]);
        assert!(differences.iter().all(|one| one.spread == 0.0 && one.answers.len() == 3));
        let wanted = Agreement {
            score_difference: 0.0,
            earned_difference: 0.0,
            answer_difference: 0.0,
            same: 1.0,
            same_critical: true,
        };
        assert_eq!(agreement, Some(wanted));
    }

    #[test]
    fn one_score_alone_agrees_with_nobody() {
        let form = starter_form();
        assert_eq!(figures(&form, &[all(&form, best)]).1, None);
    }

    #[test]
    fn differences_are_shares_of_the_scale_and_means_over_all_pairs() {
        let form = starter_form();
        let mut second = all(&form, best);
        let at =
            |answers: &Answers, key: &str| answers.answers.iter().position(|it| it.question == key).unwrap();
        let (diagnosis, camera) = (at(&second, "diagnosis"), at(&second, "camera"));
        second.answers[diagnosis].answer = Some(Answer::Scale { value: 4 });
        second.answers[camera].answer = Some(Answer::NotApplicable);
        let (differences, agreement) = figures(&form, &[all(&form, best), second, all(&form, best)]);
        let spread = |key: &str| differences.iter().find(|one| one.question == key).unwrap().spread;
        assert_eq!((spread("diagnosis"), spread("camera"), spread("greeting")), (0.25, 1.0, 0.0));
        let agreement = agreement.unwrap();
        // 9 questions, 3 pairs; two questions differ in two of the pairs each.
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(agreement.same, 23.0 / 27.0) && near(agreement.answer_difference, 2.5 / 27.0));
        assert!(agreement.score_difference > 0.0 && agreement.same_critical);
    }

    #[test]
    fn a_critical_question_that_one_alone_saw_failed_is_told() {
        let form = starter_form();
        let mut second = all(&form, best);
        let at = second.answers.iter().position(|it| it.question == "privacy").unwrap();
        second.answers[at].answer = Some(Answer::No);
        let agreement = figures(&form, &[all(&form, best), second]).1.unwrap();
        assert!(!agreement.same_critical);
        assert_eq!(agreement.score_difference, 100.0);
        assert!(agreement.earned_difference < 10.0);
    }
}
