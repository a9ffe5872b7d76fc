//! Queues: which line a buyer's call stands in, and what that line's rules about recording are.
//!
//! Pure. [`Queues::of`] decides from what the shop signed, and nothing else:
//!
//! 1. the queue that the context names, if there is one of that name;
//! 2. else the first queue whose countries and languages both fit;
//! 3. else the last one, which is where a shop puts the queue that takes everybody.
//!
//! An empty list fits everybody; a list of countries fits nobody whose country is not known. A language fits by its
//! subtags (RFC 4647 §3.3.1): `de` fits `de-AT`, `de-AT` does not fit `de`.

use protocol::call::{BuyerContext, QueueInfo};
use protocol::problem::Problem;
use serde::{Deserialize, Serialize};

use crate::auth::is_language;
use crate::country;
use crate::problem::CONTEXT_INVALID;

/// The queue there is when none is configured, and of calls from before there were queues.
pub const DEFAULT_NAME: &str = "support";

/// More queues than this are a mistake in a script.
pub const QUEUES_MAX: usize = 200;

/// Characters of a name and of a title.
const NAME_MAX: usize = 40;
const TITLE_MAX: usize = 80;

/// A queue as the settings describe it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueSettings {
    /// What programs call it: a slug such as `payments-eu`. It stays with every call, so it should never change.
    pub name: String,
    /// What people read.
    pub title: String,
    /// Buyers from these countries (ISO 3166-1 alpha-2); empty: from everywhere.
    #[serde(default)]
    pub countries: Vec<String>,
    /// Buyers who speak one of these (BCP 47); empty: all.
    #[serde(default)]
    pub languages: Vec<String>,
    /// What of its calls is recorded.
    #[serde(default)]
    pub recording: RecordingRules,
}

/// What is recorded of a queue's calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecordingRules {
    /// Whether at all.
    pub record: Record,
    /// While the buyer is on hold.
    pub on_hold: Meanwhile,
    /// While the agent asks a colleague.
    pub on_consult: Meanwhile,
    /// Days until a recording is deleted, 1 to 3650; unset: `recording.keep_days`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_days: Option<u16>,
}

/// Whether calls are recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// When everybody agreed whose consent is needed.
    #[default]
    WithConsent,
    /// Never; nobody is asked.
    Never,
}

/// What a recording does in a stretch of a call that is not the talk itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meanwhile {
    /// Goes on.
    #[default]
    Record,
    /// Pauses: nothing of the stretch is stored.
    Pause,
}

impl QueueSettings {
    /// A queue that takes everybody and records with consent.
    pub fn new(name: &str, title: &str) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            countries: Vec::new(),
            languages: Vec::new(),
            recording: RecordingRules::default(),
        }
    }

    /// What people and programs call it.
    pub fn info(&self) -> QueueInfo {
        QueueInfo { name: self.name.clone(), title: self.title.clone() }
    }

    fn fits(&self, context: &BuyerContext) -> bool {
        let from_there = |country: &String| self.countries.contains(country);
        let speaks = |range: &String| language_fits(range, &context.language);
        (self.countries.is_empty() || context.country.as_ref().is_some_and(from_there))
            && (self.languages.is_empty() || self.languages.iter().any(speaks))
    }
}

/// Whether a tag is a range or begins with its subtags, in any case.
fn language_fits(range: &str, tag: &str) -> bool {
    let mut subtags = tag.split('-');
    range.split('-').all(|wanted| subtags.next().is_some_and(|subtag| subtag.eq_ignore_ascii_case(wanted)))
}

/// Every queue there is: at least one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Queues {
    first: QueueSettings,
    others: Vec<QueueSettings>,
}

impl Queues {
    /// The queues of the settings, or the one that is there without any.
    pub fn new(settings: &[QueueSettings]) -> Self {
        let (first, others) = match settings.split_first() {
            Some((first, others)) => (first.clone(), others.to_vec()),
            None => (QueueSettings::new(DEFAULT_NAME, "Support"), Vec::new()),
        };
        Self { first, others }
    }

    /// In the order of the settings.
    pub fn all(&self) -> impl Iterator<Item = &QueueSettings> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The queue of this name.
    pub fn named(&self, name: &str) -> Option<&QueueSettings> {
        self.all().find(|queue| queue.name == name)
    }

    /// The queue of a call, see the [module](self).
    pub fn of(&self, context: &BuyerContext) -> &QueueSettings {
        let named = context.queue.as_deref().and_then(|name| self.named(name));
        let last = self.others.last().unwrap_or(&self.first);
        named.or_else(|| self.all().find(|queue| queue.fits(context))).unwrap_or(last)
    }

    /// What is wrong with the queue that a context names, if anything.
    ///
    /// # Errors
    /// `CONTEXT_INVALID` when there is no such queue.
    pub fn check(&self, context: &BuyerContext) -> Result<(), Problem> {
        match context.queue.as_deref() {
            Some(name) if self.named(name).is_none() => {
                let known: Vec<&str> = self.all().map(|queue| queue.name.as_str()).take(20).collect();
                let detail = format!("there is no such queue here; there are: {}", known.join(", "));
                Err(CONTEXT_INVALID.at("context.queue", detail))
            }
            _ => Ok(()),
        }
    }
}

/// What cannot work in a list of queues, each with the path of the setting.
pub fn mistakes(queues: &[QueueSettings]) -> Vec<String> {
    let mut found = Vec::new();
    if queues.len() > QUEUES_MAX {
        found.push(format!("there are {}, at most {QUEUES_MAX} can be", queues.len()));
    }
    for (index, queue) in queues.iter().enumerate() {
        let mut wrong = |setting: &str, what: String| {
            found.push(format!("queue {} ({:?}): {setting} {what}", index + 1, queue.name));
        };
        if !is_slug(&queue.name) {
            let allowed =
                format!("must be 1 to {NAME_MAX} small letters, digits and hyphens, beginning with a letter");
            wrong("name", allowed);
        }
        if queues[..index].iter().any(|other| other.name == queue.name) {
            wrong("name", "is another queue's too".into());
        }
        let title = queue.title.trim();
        if title.is_empty() || title.chars().count() > TITLE_MAX || title.chars().any(char::is_control) {
            wrong("title", format!("must be one line of 1 to {TITLE_MAX} characters"));
        }
        for code in queue.countries.iter().filter(|code| !country::is_known(code)) {
            wrong("countries", country::advice(code));
        }
        for tag in queue.languages.iter().filter(|tag| !is_language(tag)) {
            wrong("languages", format!("{tag:?} is no BCP 47 tag such as \"de\" or \"de-AT\""));
        }
        if let Some(days) = queue.recording.keep_days.filter(|days| !(1..=3_650).contains(days)) {
            wrong("recording.keep_days", format!("is {days}, must be 1 to 3650"));
        }
    }
    found
}

/// What a list of queues leaves open: somebody should know, but it can work.
pub fn doubts(queues: &[QueueSettings]) -> Vec<String> {
    let takes_all = |queue: &QueueSettings| queue.countries.is_empty() && queue.languages.is_empty();
    let mut found = Vec::new();
    if let Some(index) = queues.iter().position(takes_all) {
        for hidden in &queues[index + 1..] {
            let name = &queues[index].name;
            found.push(format!(
                "{:?} gets only buyers whose context names it: {name:?} stands before it and takes everybody",
                hidden.name
            ));
        }
    } else if let Some(last) = queues.last() {
        found.push(format!(
            "none takes everybody: whoever fits no queue gets into the last one, {:?}",
            last.name
        ));
    }
    found
}

fn is_slug(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=NAME_MAX).contains(&name.len())
        && name.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn queue(name: &str, countries: &[&str], languages: &[&str]) -> QueueSettings {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        QueueSettings {
            countries: texts(countries),
            languages: texts(languages),
            ..QueueSettings::new(name, "A queue")
        }
    }

    fn three() -> Queues {
        let settings = [
            queue("alps", &["AT", "CH"], &["de"]),
            queue("arabic", &[], &["ar"]),
            queue("rest", &["US"], &[]),
        ];
        Queues::new(&settings)
    }

    fn buyer(country: Option<&str>, language: &str) -> BuyerContext {
        BuyerContext {
            language: language.into(),
            country: country.map(str::to_owned),
            ..BuyerContext::default()
        }
    }

    #[test]
    fn the_first_queue_that_fits_takes_the_call_and_else_the_last() {
        let queues = three();
        let cases = [
            (Some("AT"), "de-AT", "alps"),
            (Some("CH"), "DE", "alps"),
            (Some("CH"), "fr-CH", "rest"),
            (Some("DE"), "de-DE", "rest"),
            (None, "de-AT", "rest"),
            (None, "ar", "arabic"),
            (Some("US"), "ar-EG", "arabic"),
            (Some("US"), "en", "rest"),
            (None, "arn", "rest"),
        ];
        for (country, language, name) in cases {
            assert_eq!(queues.of(&buyer(country, language)).name, name, "{country:?} {language}");
        }
    }

    #[test]
    fn a_shop_that_names_a_queue_gets_it_and_one_that_names_none_of_ours_is_told() {
        let queues = three();
        let named = |name: &str| BuyerContext { queue: Some(name.into()), ..buyer(Some("AT"), "de") };
        assert_eq!(queues.of(&named("arabic")).name, "arabic");
        assert_eq!(queues.check(&named("arabic")), Ok(()));
        let problem = queues.check(&named("vip")).unwrap_err();
        assert_eq!(problem.field.as_deref(), Some("context.queue"));
        assert!(problem.detail.contains("alps, arabic, rest"), "{problem:?}");
        assert_eq!(queues.of(&named("vip")).name, "alps", "a queue that was there when the visit began");
    }

    #[test]
    fn without_settings_there_is_one_queue_for_everybody() {
        let queues = Queues::new(&[]);
        assert_eq!(queues.of(&buyer(None, "en")).name, DEFAULT_NAME);
        assert_eq!(queues.all().count(), 1);
    }

    #[test]
    fn every_mistake_is_named_with_its_queue_and_setting() {
        let mut bad = queue("Payments EU", &["UK"], &["german!"]);
        bad.title = " ".into();
        bad.recording.keep_days = Some(0);
        let found = mistakes(&[queue("alps", &["AT"], &["de"]), bad, queue("alps", &[], &[])]);
        for (text, setting) in
            found.iter().zip(["name", "title", "countries", "languages", "recording.keep_days"])
        {
            assert!(text.contains("queue 2") && text.contains(setting), "{text}");
        }
        assert!(found[2].contains("\"GB\""), "{}", found[2]);
        assert!(found.len() == 6 && found[5].contains("queue 3 (\"alps\"): name"), "{found:?}");
        assert_eq!(mistakes(&[queue("payments-eu", &["GB"], &["zh-Hant"])]), [""; 0]);
    }

    #[test]
    fn what_nobody_can_reach_is_doubtful() {
        assert_eq!(doubts(&[]), [""; 0]);
        assert_eq!(doubts(&[queue("alps", &["AT"], &[]), queue("rest", &[], &[])]), [""; 0]);
        assert!(doubts(&[queue("rest", &[], &[]), queue("alps", &["AT"], &[])])[0].contains("alps"));
        assert!(doubts(&[queue("alps", &["AT"], &[])])[0].contains("none takes everybody"));
    }

    #[test]
    fn settings_are_read_as_people_write_them() {
        let text = r#"
            name = "payments"
            title = "Payments"
            recording = { record = "never", on_hold = "pause", on_consult = "record" }
        "#;
        let read: QueueSettings = toml::from_str(text).unwrap();
        assert_eq!(read.recording.record, Record::Never);
        assert_eq!(
            (read.recording.on_hold, read.recording.on_consult),
            (Meanwhile::Pause, Meanwhile::Record)
        );
        let wrong = toml::from_str::<QueueSettings>(
            "name = \"a\"\ntitle = \"A\"\nrecording = { record = \"always\" }",
        );
        assert!(wrong.unwrap_err().to_string().contains("with_consent"));
    }

    proptest! {
        #[test]
        fn whatever_a_shop_signs_there_is_exactly_one_queue_for_it(
            country in prop::option::of("[A-Z]{2}"),
            language in "[a-zA-Z]{2,3}(-[a-zA-Z0-9]{1,8}){0,2}",
            queue in prop::option::of("[a-z]{3,6}|alps|arabic|rest"),
        ) {
            let queues = three();
            let context = BuyerContext { queue, ..buyer(country.as_deref(), &language) };
            let chosen = queues.of(&context);
            prop_assert_eq!(queues.of(&context), chosen, "the same every time");
            prop_assert!(queues.named(&chosen.name).is_some());
            if queues.check(&context).is_ok() && let Some(name) = &context.queue {
                prop_assert_eq!(name, &chosen.name);
            }
        }
    }
}
