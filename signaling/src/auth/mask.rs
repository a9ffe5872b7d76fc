//! What is left of a buyer's personal fields for those who may not read them: enough to tell that there is something, and
//! two buyers apart at a glance, and no more. Applied in one place, `rest/sight.rs`.

use protocol::call::BuyerContext;
use protocol::exports::Export;
use protocol::ids::{CallId, UserId};
use protocol::rating::Rating;
use protocol::replay::ReplayTimeline;
use protocol::rest::{CallSummary, RecordedSide, Recording, RecordingSummary, Ticket};
use protocol::review::{Answers, Dispute, DisputeRow, Revision, TimelineComment};
use protocol::samples::SampleItem;

/// What stands for text that is not shown.
pub const HIDDEN: &str = "***";
/// Characters of a word of a name that are looked for in texts: shorter ones are found in every other sentence.
const WORD_MIN: usize = 3;
/// Digits in a row that may be a phone number, an order, a card.
const DIGITS_MIN: usize = 6;

/// Something about a call that holds personal fields of its buyer, or texts in which people may have written of them.
pub trait Personal {
    /// Whose buyer it is about.
    fn call(&self) -> CallId;
    /// Masks them for a viewer, and says so where there is a field for it. What the viewer wrote stays: they know it.
    fn mask(&mut self, known: &Known, viewer: UserId);
}

/// What is known of a buyer and may be written in free text: names, ids, numbers of orders.
#[derive(Clone, Default, Debug)]
pub struct Known {
    /// Each as its words in lower case.
    secrets: Vec<Vec<String>>,
}

impl Known {
    /// What a shop signed about a buyer.
    pub fn of(context: &BuyerContext) -> Self {
        let mut known = Self::default();
        known.learn(context);
        known
    }

    /// Adds what another call says of the same buyer.
    pub fn learn(&mut self, context: &BuyerContext) {
        self.add(&context.subject);
        if let Some(order) = &context.order {
            self.add(&order.number);
        }
        for word in context.name.iter().flat_map(|name| name.split_whitespace()) {
            self.add(word);
        }
    }

    /// Adds an id, a name or a number. Very short ones are left out.
    pub fn add(&mut self, secret: &str) {
        if secret.trim().chars().count() >= WORD_MIN {
            let words: Vec<String> = secret.split_whitespace().map(str::to_lowercase).collect();
            if !self.secrets.contains(&words) {
                self.secrets.push(words);
            }
        }
    }

    /// Free text without what is known, addresses and long numbers.
    pub fn hide(&self, text: &str) -> String {
        self.without(text, looks_personal)
    }

    /// Free text without what is known; numbers of files and cases stay.
    pub fn hide_known(&self, text: &str) -> String {
        self.without(text, |_| false)
    }

    /// Whether a text says any of it.
    pub fn is_in(&self, text: &str) -> bool {
        let words: Vec<&str> = text.split_whitespace().collect();
        self.said(&words).contains(&true)
    }

    fn without(&self, text: &str, is_personal: impl Fn(&str) -> bool) -> String {
        let pieces: Vec<&str> = text.split_inclusive(char::is_whitespace).collect();
        let words: Vec<&str> = pieces.iter().map(|piece| piece.trim_end()).collect();
        let said = self.said(&words);
        let mut out = String::with_capacity(text.len());
        for ((piece, word), said) in pieces.iter().zip(&words).zip(said) {
            if said || is_personal(word) {
                out.push_str(HIDDEN);
                out.push_str(&piece[word.len()..]);
            } else {
                out.push_str(piece);
            }
        }
        out
    }

    /// Which words of a text belong to something that is known.
    fn said(&self, words: &[&str]) -> Vec<bool> {
        let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
        let mut said = vec![false; words.len()];
        for secret in &self.secrets {
            for (at, window) in lower.windows(secret.len()).enumerate() {
                if window.iter().zip(secret).all(|(word, secret)| stands_in(secret, word)) {
                    said[at..at + secret.len()].fill(true);
                }
            }
        }
        said
    }
}

/// Whether a word is the secret, with marks around it (`(Novak)`) or joined to something else (`Novak's`).
fn stands_in(secret: &str, word: &str) -> bool {
    word.match_indices(secret).any(|(at, found)| {
        let before = word[..at].chars().next_back();
        let after = word[at + found.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

fn looks_personal(word: &str) -> bool {
    word.contains('@') || word.chars().filter(char::is_ascii_digit).count() >= DIGITS_MIN
}

/// A name: its first letter.
pub fn name(name: &str) -> String {
    name.trim().chars().next().map_or_else(|| HIDDEN.to_owned(), |first| format!("{first}{HIDDEN}"))
}

/// An id or a number: its last two characters, if it has enough of them.
pub fn code(code: &str) -> String {
    let characters: Vec<char> = code.trim().chars().collect();
    match characters.len() {
        0..6 => HIDDEN.to_owned(),
        length => format!("{HIDDEN}{}", characters[length - 2..].iter().collect::<String>()),
    }
}

/// What the shop signed.
pub fn context(context: &mut BuyerContext) {
    context.subject = code(&context.subject);
    if let Some(given) = &mut context.name {
        *given = name(given);
    }
    if let Some(order) = &mut context.order {
        order.number = code(&order.number);
    }
    if let Some(summary) = &mut context.summary {
        HIDDEN.clone_into(summary);
    }
}

/// What the buyer wrote with their stars.
fn rating(rating: &mut Option<Rating>, known: &Known) {
    if let Some(comment) = rating.as_mut().and_then(|rating| rating.comment.as_mut()) {
        *comment = known.hide(comment);
    }
}

/// A reviewer's free texts; the answers themselves stay.
pub fn answers(answers: &mut Answers, known: &Known) {
    answers.comment = known.hide(&answers.comment);
    for answered in &mut answers.answers {
        answered.comment = known.hide(&answered.comment);
    }
}

/// Answers as somebody sends them who was shown them masked: a text that was left as it was shown is the one that was
/// written.
pub fn unmasked(mut sent: Answers, was: &Answers, known: &Known) -> Answers {
    let back = |text: &mut String, was: &String| {
        if *text == known.hide(was) {
            text.clone_from(was);
        }
    };
    back(&mut sent.comment, &was.comment);
    for answered in &mut sent.answers {
        if let Some(was) = was.answers.iter().find(|was| was.question == answered.question) {
            back(&mut answered.comment, &was.comment);
        }
    }
    sent
}

/// A state of a score, unless the viewer wrote it.
pub fn revision(revision: &mut Revision, known: &Known, viewer: UserId) {
    if revision.by.id != viewer {
        revision.reason = known.hide(&revision.reason);
        answers(&mut revision.answers, known);
    }
}

/// What the agent objected, and what was answered unless the viewer answered it.
pub fn dispute(dispute: &mut Dispute, known: &Known, viewer: UserId) {
    dispute.reason = known.hide(&dispute.reason);
    if dispute.decided_by.as_ref().is_none_or(|person| person.id != viewer) {
        dispute.answer = known.hide(&dispute.answer);
    }
}

/// A comment on the timeline, unless the viewer wrote it.
pub fn comment(comment: &mut TimelineComment, known: &Known) {
    if !comment.own {
        comment.text = known.hide(&comment.text);
    }
}

/// What an export is for, unless the viewer asked for it.
pub fn export(export: &mut Export, known: &Known, viewer: UserId) {
    if export.by != viewer {
        export.reason = known.hide(&export.reason);
    }
}

impl Personal for CallSummary {
    fn call(&self) -> CallId {
        self.id
    }

    fn mask(&mut self, _: &Known, _: UserId) {
        context(&mut self.context);
        self.masked = true;
    }
}

impl Personal for Ticket {
    fn call(&self) -> CallId {
        self.call.id
    }

    fn mask(&mut self, known: &Known, viewer: UserId) {
        self.notes = known.hide(&self.notes);
        for receipt in self.receipts.iter_mut().filter(|receipt| receipt.side == RecordedSide::Buyer) {
            receipt.subject = code(&receipt.subject);
        }
        rating(&mut self.rating, known);
        if let Some(recording) = &mut self.recording {
            recording.mask(known, viewer);
        }
        self.call.mask(known, viewer);
    }
}

impl Personal for RecordingSummary {
    fn call(&self) -> CallId {
        self.call
    }

    fn mask(&mut self, known: &Known, _: UserId) {
        rating(&mut self.rating, known);
    }
}

impl Personal for Recording {
    fn call(&self) -> CallId {
        self.summary.call
    }

    fn mask(&mut self, known: &Known, viewer: UserId) {
        self.summary.mask(known, viewer);
        for track in self.tracks.iter_mut().filter(|track| track.side == RecordedSide::Buyer) {
            track.name = name(&track.name);
        }
        self.masked = true;
    }
}

impl Personal for SampleItem {
    fn call(&self) -> CallId {
        self.recording.call
    }

    fn mask(&mut self, known: &Known, viewer: UserId) {
        self.recording.mask(known, viewer);
    }
}

impl Personal for DisputeRow {
    fn call(&self) -> CallId {
        self.review.call
    }

    fn mask(&mut self, known: &Known, viewer: UserId) {
        dispute(&mut self.dispute, known, viewer);
    }
}

/// What lies on a recording's timeline: what was written in the chat, by whichever side, and the buyer's name.
pub fn timeline(timeline: &mut ReplayTimeline) {
    for line in &mut timeline.chat {
        HIDDEN.clone_into(&mut line.text);
        if line.side != Some(RecordedSide::Agent) {
            line.name = name(&line.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::call::Order;

    fn jana() -> BuyerContext {
        BuyerContext {
            subject: "buyer-7".into(),
            name: Some("Jana Öztürk".into()),
            language: "de-AT".into(),
            country: Some("AT".into()),
            order: Some(Order { number: "A-10023".into(), status: "delivered".into(), ..Order::default() }),
            summary: Some("Jana's lamp flickers".into()),
            ..BuyerContext::default()
        }
    }

    #[test]
    fn a_context_keeps_what_it_is_about_and_loses_who_it_is() {
        let mut context = jana();
        super::context(&mut context);
        assert_eq!(context.name.as_deref(), Some("J***"));
        assert_eq!((context.subject.as_str(), context.summary.as_deref()), ("***-7", Some("***")));
        let order = context.order.unwrap();
        assert_eq!((order.number.as_str(), order.status.as_str()), ("***23", "delivered"));
        assert_eq!((context.language.as_str(), context.country.as_deref()), ("de-AT", Some("AT")));
    }

    #[test]
    fn short_codes_show_nothing() {
        assert_eq!((code("12345").as_str(), code("").as_str(), name(" ").as_str()), ("***", "***", "***"));
    }

    #[test]
    fn texts_lose_what_is_known_addresses_and_numbers_and_keep_the_rest() {
        let text =
            "Jana says (Öztürk): order A-10023,\ncall +43 660 1234567 or jana@example.com. Shade 12 cm.";
        let left = "*** says *** order ***\ncall +43 660 *** or *** Shade 12 cm.";
        assert_eq!(Known::of(&jana()).hide(text), left);
    }

    #[test]
    fn a_name_is_found_in_other_letters_joined_to_something_and_not_within_other_words() {
        let mut known = Known::of(&jana());
        known.add("guest 7");
        assert_eq!(known.hide("ÖZTÜRK's lamp, Jana/her son"), "*** lamp, *** son");
        assert_eq!(known.hide("Janaury, the guests 7 and Guest 7."), "Janaury, the guests 7 and *** ***");
        assert_eq!(known.hide_known("case 2026-00123 of Jana"), "case 2026-00123 of ***");
        assert!(known.is_in("about (jana)") && !known.is_in("about Janaury"));
    }

    #[test]
    fn what_was_shown_masked_and_left_so_comes_back_as_it_was_written() {
        let known = Known::of(&jana());
        let answered = |question: &str, comment: &str| protocol::review::Answered {
            question: question.into(),
            answer: None,
            comment: comment.into(),
            at_ms: None,
        };
        let was = Answers {
            answers: vec![answered("a", "Jana waits"), answered("b", "fine")],
            comment: "Jana".into(),
        };
        let mut shown = was.clone();
        answers(&mut shown, &known);
        assert_eq!((shown.comment.as_str(), shown.answers[0].comment.as_str()), ("***", "*** waits"));
        shown.answers[1].comment = "very fine".into();
        let back = unmasked(shown, &was, &known);
        assert_eq!((back.comment.as_str(), back.answers[0].comment.as_str()), ("Jana", "Jana waits"));
        assert_eq!(back.answers[1].comment, "very fine");
    }
}
