//! What is left of a buyer's personal fields for those who may not read them: enough to tell that there is something, and
//! two buyers apart at a glance, and no more. Applied in one place, `rest/sight.rs`.

use protocol::call::BuyerContext;
use protocol::ids::CallId;
use protocol::replay::ReplayTimeline;
use protocol::rest::{CallSummary, RecordedSide, Recording, Ticket};

/// What stands for text that is not shown.
pub const HIDDEN: &str = "***";
/// Characters of a word of a name that are looked for in notes: shorter ones are found in every other sentence.
const WORD_MIN: usize = 3;
/// Digits in a row that may be a phone number, an order, a card.
const DIGITS_MIN: usize = 6;

/// Something about a call that holds personal fields of its buyer.
pub trait Personal {
    /// Whose buyer it is about.
    fn call(&self) -> CallId;
    /// Masks them and says so.
    fn mask(&mut self);
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

/// Free text of an agent: what is known of the buyer, addresses and long numbers are taken out of it.
pub fn notes(text: &str, known: &BuyerContext) -> String {
    let mut secrets: Vec<&str> = vec![known.subject.as_str()];
    secrets.extend(known.order.as_ref().map(|order| order.number.as_str()));
    secrets.extend(known.name.as_deref().into_iter().flat_map(|name| name.split_whitespace().chain([name])));
    secrets.retain(|secret| secret.chars().count() >= WORD_MIN);
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    text.split_inclusive(char::is_whitespace).map(|word| masked_word(word, &secrets)).collect()
}

fn masked_word(word: &str, secrets: &[&str]) -> String {
    let bare = word.trim_end();
    let end = &word[bare.len()..];
    let digits = bare.chars().filter(char::is_ascii_digit).count();
    if bare.contains('@') || digits >= DIGITS_MIN {
        return format!("{HIDDEN}{end}");
    }
    let lower = bare.to_lowercase();
    let found = secrets.iter().any(|secret| {
        let secret = secret.to_lowercase();
        lower == secret || lower.trim_matches(|c: char| !c.is_alphanumeric()) == secret
    });
    if found { format!("{HIDDEN}{end}") } else { word.to_owned() }
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

impl Personal for CallSummary {
    fn call(&self) -> CallId {
        self.id
    }

    fn mask(&mut self) {
        context(&mut self.context);
        self.masked = true;
    }
}

impl Personal for Ticket {
    fn call(&self) -> CallId {
        self.call.id
    }

    fn mask(&mut self) {
        self.notes = notes(&self.notes, &self.call.context);
        for receipt in self.receipts.iter_mut().filter(|receipt| receipt.side == RecordedSide::Buyer) {
            receipt.subject = code(&receipt.subject);
        }
        self.call.mask();
    }
}

impl Personal for Recording {
    fn call(&self) -> CallId {
        self.summary.call
    }

    fn mask(&mut self) {
        for track in self.tracks.iter_mut().filter(|track| track.side == RecordedSide::Buyer) {
            track.name = name(&track.name);
        }
        self.masked = true;
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
    fn notes_lose_what_is_known_addresses_and_numbers_and_keep_the_rest() {
        let text =
            "Jana says (Öztürk): order A-10023,\ncall +43 660 1234567 or jana@example.com. Shade 12 cm.";
        let left = "*** says *** order ***\ncall +43 660 *** or *** Shade 12 cm.";
        assert_eq!(notes(text, &jana()), left);
    }
}
