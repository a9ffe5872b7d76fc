//! What a form must be before scores can be made on it.

use std::collections::HashSet;

use protocol::review::{FormContent, FormFlaw, FormQuestion, QuestionKind};

/// Most sections of a form.
pub const SECTIONS_MAX: usize = 20;
/// Most questions of a form, all sections together.
pub const QUESTIONS_MAX: usize = 100;
/// Longest title of a form or section, and words at the ends of a scale, characters.
pub const TITLE_MAX: usize = 120;
/// Longest question, characters.
pub const QUESTION_MAX: usize = 300;
/// Longest help or introduction, characters.
pub const HELP_MAX: usize = 2_000;
/// Longest key of a question.
const KEY_MAX: usize = 40;
/// Highest value of a scale.
const SCALE_MAX: u8 = 10;

/// Why a form cannot be kept, not even as a draft; the first reason found.
///
/// Drafts may be unfinished (weights that are not 100 % yet, empty words), but never larger than what a version may be,
/// nor with questions that cannot be told apart: the web page needs the keys to edit them.
pub fn check_draft(content: &FormContent) -> Result<(), FormFlaw> {
    let sections = content.sections.len();
    if sections > SECTIONS_MAX {
        return Err(flaw("sections", format!("there are {sections}, at most {SECTIONS_MAX} are allowed")));
    }
    let questions: usize = content.sections.iter().map(|section| section.questions.len()).sum();
    if questions > QUESTIONS_MAX {
        let detail = format!("there are {questions} questions, at most {QUESTIONS_MAX} are allowed");
        return Err(flaw("sections", detail));
    }
    length("title", &content.title, TITLE_MAX)?;
    length("intro", &content.intro, HELP_MAX)?;
    let mut keys = HashSet::new();
    for (s, section) in content.sections.iter().enumerate() {
        length(&format!("sections[{s}].title"), &section.title, TITLE_MAX)?;
        for (q, question) in section.questions.iter().enumerate() {
            let at = format!("sections[{s}].questions[{q}]");
            length(&format!("{at}.text"), &question.text, QUESTION_MAX)?;
            length(&format!("{at}.help"), &question.help, HELP_MAX)?;
            if let QuestionKind::Scale { low, high, .. } = &question.kind {
                length(&format!("{at}.kind.low"), low, TITLE_MAX)?;
                length(&format!("{at}.kind.high"), high, TITLE_MAX)?;
            }
            let key = question.key.as_str();
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
            if key.is_empty() || key.len() > KEY_MAX || !key.bytes().all(plain) {
                let detail = format!("must be 1 to {KEY_MAX} of a-z, 0-9, - and _");
                return Err(flaw(format!("{at}.key"), detail));
            }
            if !keys.insert(key) {
                return Err(flaw(format!("{at}.key"), format!("another question is called {key:?} already")));
            }
        }
    }
    Ok(())
}

/// Everything that keeps a draft from being published, in the form's order; empty when nothing does.
pub fn flaws(content: &FormContent) -> Vec<FormFlaw> {
    let mut found: Vec<FormFlaw> = check_draft(content).err().into_iter().collect();
    let mut complain = |field: String, detail: String| found.push(FormFlaw { field, detail });
    if content.title.trim().is_empty() {
        complain("title".into(), "the form needs a title".into());
    }
    if content.sections.is_empty() {
        complain("sections".into(), "the form needs at least one section".into());
    }
    for (s, section) in content.sections.iter().enumerate() {
        let at = format!("sections[{s}]");
        if section.title.trim().is_empty() {
            complain(format!("{at}.title"), format!("section {} needs a title", s + 1));
        }
        if !(1..=100).contains(&section.weight) {
            let detail = format!("is {} %, must be 1 to 100 %", section.weight);
            complain(format!("{at}.weight"), detail);
        }
        if section.questions.is_empty() {
            let detail = format!("section {} needs at least one question", s + 1);
            complain(format!("{at}.questions"), detail);
        }
        for (q, question) in section.questions.iter().enumerate() {
            let at = format!("{at}.questions[{q}]");
            for (field, detail) in question_flaws(question) {
                complain(format!("{at}.{field}"), format!("question {}.{}: {detail}", s + 1, q + 1));
            }
        }
    }
    let total: u32 = content.sections.iter().map(|section| u32::from(section.weight)).sum();
    if !content.sections.is_empty() && total != 100 {
        let change = if total < 100 {
            format!("{} % are missing", 100 - total)
        } else {
            format!("{} % are too many", total - 100)
        };
        let detail =
            format!("the weights of the sections add up to {total} %, they must add up to 100 %: {change}");
        complain("sections".into(), detail);
    }
    found
}

fn question_flaws(question: &FormQuestion) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    if question.text.trim().is_empty() {
        found.push(("text", "needs words".to_owned()));
    }
    if !(1..=100).contains(&question.points) {
        found.push(("points", format!("has {} points, must have 1 to 100", question.points)));
    }
    if let QuestionKind::Scale { min, max, .. } = question.kind
        && (min >= max || max > SCALE_MAX)
    {
        let detail =
            format!("the scale goes from {min} to {max}; it must rise and end at {SCALE_MAX} at most");
        found.push(("kind", detail));
    }
    found
}

/// Whether a form is for a call: forms without a queue are for all calls.
pub fn is_for(form_queue: Option<&str>, call_queue: Option<&str>) -> bool {
    form_queue.is_none_or(|wanted| call_queue == Some(wanted))
}

fn length(field: &str, text: &str, max: usize) -> Result<(), FormFlaw> {
    let characters = text.chars().count();
    if characters <= max {
        return Ok(());
    }
    Err(flaw(field, format!("has {characters} characters, at most {max} are kept")))
}

fn flaw(field: impl Into<String>, detail: impl Into<String>) -> FormFlaw {
    FormFlaw { field: field.into(), detail: detail.into() }
}

#[cfg(test)]
mod tests {
    use protocol::review::FormSection;

    use super::*;
    use crate::review::starter_form;

    #[track_caller]
    fn check(change: impl FnOnce(&mut FormContent), field: &str) {
        let mut form = starter_form();
        change(&mut form);
        let fields: Vec<String> = flaws(&form).into_iter().map(|flaw| flaw.field).collect();
        assert_eq!(fields, [field], "{:?}", flaws(&form));
    }

    #[test]
    fn the_form_that_everybody_starts_with_can_be_published() {
        assert_eq!(flaws(&starter_form()), []);
    }

    #[test]
    fn what_keeps_a_form_from_being_published_is_named_with_its_place() {
        check(|form| form.title = "  ".into(), "title");
        check(|form| form.sections[0].weight += 1, "sections");
        check(|form| form.sections[1].title.clear(), "sections[1].title");
        check(|form| form.sections[1].questions[0].text.clear(), "sections[1].questions[0].text");
        check(|form| form.sections[0].questions[1].points = 0, "sections[0].questions[1].points");
        let scale = |min, max| QuestionKind::Scale { min, max, low: String::new(), high: String::new() };
        for kind in [scale(3, 3), scale(5, 1), scale(0, 11)] {
            check(|form| form.sections[0].questions[0].kind = kind, "sections[0].questions[0].kind");
        }
        check(|form| form.sections[0].questions[0].key = "Big words".into(), "sections[0].questions[0].key");
        check(
            |form| form.sections[1].questions[0].key = form.sections[0].questions[0].key.clone(),
            "sections[1].questions[0].key",
        );
    }

    #[test]
    fn weights_say_how_much_is_missing() {
        let mut form = starter_form();
        form.sections[0].weight -= 7;
        assert!(
            flaws(&form)[0].detail.contains("93 %") && flaws(&form)[0].detail.contains("7 % are missing")
        );
    }

    #[test]
    fn a_draft_may_be_unfinished_but_not_endless() {
        assert_eq!(check_draft(&FormContent::default()), Ok(()));
        let section = FormSection { title: "x".into(), weight: 1, questions: Vec::new() };
        let form = FormContent { sections: vec![section; SECTIONS_MAX + 1], ..FormContent::default() };
        assert_eq!(check_draft(&form).unwrap_err().field, "sections");
        let form = FormContent { intro: "é".repeat(HELP_MAX + 1), ..FormContent::default() };
        assert_eq!(check_draft(&form).unwrap_err().field, "intro");
    }

    #[test]
    fn a_form_of_a_queue_is_for_its_calls_only() {
        assert!(is_for(None, None) && is_for(None, Some("vip")) && is_for(Some("vip"), Some("vip")));
        assert!(!is_for(Some("vip"), None) && !is_for(Some("vip"), Some("lamps")));
    }
}
