//! Scores as CSV (RFC 4180): one row a score, two columns a question.
//!
//! Spreadsheets run what begins like a formula, and words in these cells come from many people. Cells that begin with
//! `=`, `+`, `-`, `@`, a tab or a carriage return get an apostrophe in front, which spreadsheets take for "this is text".

use std::collections::HashMap;

use protocol::review::{Answer, Answers, FormVersion, ReviewSummary, Scored};

use super::score::{answered, questions};

/// Columns before the questions.
const HEAD: [&str; 15] = [
    "review",
    "recording",
    "ticket",
    "call_at",
    "agent",
    "reviewer",
    "form",
    "version",
    "second",
    "submitted_at",
    "revision",
    "score_percent",
    "earned_percent",
    "failed_critical",
    "comment",
];

/// One score.
#[derive(Clone, Debug)]
pub struct Row {
    /// The review.
    pub summary: ReviewSummary,
    /// What was asked.
    pub form: FormVersion,
    /// The answers that count now.
    pub answers: Answers,
    /// What they come to.
    pub scored: Scored,
}

/// The whole file, with a byte order mark, without which Excel takes UTF-8 for something else.
pub fn write(rows: &[Row]) -> String {
    // A question keeps its column over all versions of its form; its title is that of the first row that has it.
    let mut places: HashMap<(protocol::ids::FormId, &str), usize> = HashMap::new();
    let mut titles = Vec::new();
    for row in rows {
        for (_, question) in questions(&row.form.content) {
            places.entry((row.form.form, &question.key)).or_insert_with(|| {
                titles.push(format!("{}: {}", row.form.content.title, question.text));
                titles.len() - 1
            });
        }
    }
    let mut out = String::from('\u{feff}');
    let comments = titles.iter().map(|title| format!("{title} (comment)"));
    let head: Vec<String> = HEAD
        .iter()
        .map(|name| (*name).to_owned())
        .chain(titles.iter().cloned().zip(comments).flat_map(|(answer, comment)| [answer, comment]))
        .collect();
    line(&mut out, &head);
    for row in rows {
        let mut cells = fixed(row);
        let first = cells.len();
        cells.resize(first + 2 * titles.len(), String::new());
        for (_, question) in questions(&row.form.content) {
            let Some(place) = places.get(&(row.form.form, question.key.as_str())) else { continue };
            let given = answered(&row.answers, &question.key);
            cells[first + 2 * place] = given.answer.map(said).unwrap_or_default();
            cells[first + 2 * place + 1] = given.comment;
        }
        line(&mut out, &cells);
    }
    out
}

fn fixed(row: &Row) -> Vec<String> {
    let Row { summary, form, answers, scored } = row;
    vec![
        summary.id.to_string(),
        summary.recording.to_string(),
        summary.ticket_number.clone().unwrap_or_default(),
        summary.call_at.to_string(),
        summary.agent.name.clone(),
        summary.reviewer.name.clone(),
        form.content.title.clone(),
        form.number.to_string(),
        if summary.second { "yes" } else { "no" }.to_owned(),
        summary.submitted_at.map(|at| at.to_string()).unwrap_or_default(),
        summary.revisions.to_string(),
        format!("{:.2}", scored.score.percent()),
        format!("{:.2}", scored.earned.percent()),
        scored.failed.join(" "),
        answers.comment.clone(),
    ]
}

fn said(answer: Answer) -> String {
    match answer {
        Answer::Yes => "yes".into(),
        Answer::No => "no".into(),
        Answer::Scale { value } => value.to_string(),
        Answer::NotApplicable => "n/a".into(),
    }
}

fn line(out: &mut String, cells: &[String]) {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push('"');
        if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
            out.push('\'');
        }
        out.push_str(&cell.replace('"', "\"\""));
        out.push('"');
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(cell: &str) -> String {
        let mut out = String::new();
        line(&mut out, &[cell.to_owned()]);
        out
    }

    #[test]
    fn no_cell_begins_like_a_formula() {
        for cell in ["=1+1", "+49 30", "-2", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(one(cell), format!("\"'{cell}\"\r\n"));
        }
        assert_eq!(one("a=1"), "\"a=1\"\r\n");
    }

    #[test]
    fn quotes_commas_and_lines_stay_within_their_cell() {
        assert_eq!(one("said \"no\", twice\nand left"), "\"said \"\"no\"\", twice\nand left\"\r\n");
    }

    #[test]
    fn a_file_without_scores_has_its_head() {
        assert!(write(&[]).starts_with("\u{feff}\"review\",\"recording\""));
    }
}
