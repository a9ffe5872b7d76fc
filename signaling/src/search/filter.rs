//! What must be true of a recording to be listed.

use form_urlencoded::Serializer;
use jiff::Timestamp;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZone;
use protocol::ids::UserId;
use protocol::search::Flag;

use super::fields::Fields;
use super::{BadFilter, Cursor, Moment, Period, Sort, Window};
use crate::auth::is_language;

/// Most words of `q` that are looked for.
const WORDS_MAX: usize = 8;

/// A number between two others; open where nothing is said.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Bounds {
    /// At least.
    pub min: Option<u32>,
    /// At most.
    pub max: Option<u32>,
}

impl Bounds {
    /// Whether nothing is said.
    pub fn is_open(self) -> bool {
        self == Self::default()
    }
}

/// Whose calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Handler {
    /// This member of staff.
    Is(UserId),
    /// Anybody with this in their name (in lower case).
    Named(String),
}

/// What must be true of a recording; every part that is there, and one value of each list.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Filter {
    /// Words (in lower case), each of which stands in the ticket's number, the agent's name, the product or the notes.
    pub words: Vec<String>,
    /// Start of the ticket's number, in lower case, with or without the letter.
    pub ticket: Option<String>,
    /// Begun in this stretch of the calendar.
    pub period: Option<Period>,
    /// Begun then or later.
    pub from: Option<Moment>,
    /// Begun before the end of it.
    pub to: Option<Moment>,
    /// Who handled the call.
    pub agents: Vec<Handler>,
    /// Names of queues.
    pub queues: Vec<String>,
    /// Country of the buyer, ISO 3166-1 alpha-2 in upper case.
    pub markets: Vec<String>,
    /// Language of the buyer, BCP 47 in lower case; `de` is `de-at`, too.
    pub languages: Vec<String>,
    /// Part of the product's name or SKU, in lower case.
    pub product: Option<String>,
    /// Outcome codes.
    pub outcomes: Vec<String>,
    /// Stars of the buyer.
    pub csat: Bounds,
    /// What a submitted score came to, percent.
    pub score: Bounds,
    /// Length, seconds.
    pub duration_s: Bounds,
    /// All of them are set.
    pub flags: Vec<Flag>,
}

impl Filter {
    fn take(fields: &mut Fields) -> Result<Self, BadFilter> {
        let lower = |text: Option<String>| text.map(|text| text.to_lowercase());
        let periods = || Period::ALL.map(|(_, name)| name).join(", ");
        let moment = "a date (2026-11-24) or a time (2026-11-24T08:30:00Z)";
        let words = lower(fields.text("q")).unwrap_or_default();
        let filter = Self {
            words: words.split_whitespace().map(str::to_owned).collect(),
            ticket: lower(fields.text("ticket")),
            period: fields.read("period", &format!("one of {}", periods()), Period::named)?,
            from: fields.one("from", moment)?,
            to: fields.one("to", moment)?,
            agents: fields.list("agent", "ids or names", |text| {
                Some(text.parse().map_or_else(|_| Handler::Named(text.to_lowercase()), Handler::Is))
            })?,
            queues: fields.list("queue", "names of queues", |text| Some(text.to_owned()))?,
            markets: fields.list("market", "countries with two letters, such as AT", country)?,
            languages: fields.list("language", "BCP 47 tags such as de or de-AT", |text| {
                is_language(text).then(|| text.to_lowercase())
            })?,
            product: lower(fields.text("product")),
            outcomes: fields.list("outcome", "codes of GET /api/v1/outcomes", |text| {
                crate::outcomes::is_known(text).then(|| text.to_owned())
            })?,
            csat: bounds(fields, "csat", 1..=5, "a number of stars from 1 to 5")?,
            score: bounds(fields, "score", 0..=100, "a number of percent from 0 to 100")?,
            duration_s: bounds(fields, "duration", 0..=86_400, "a number of seconds, at most a day")?,
            flags: fields.list("flag", &flag_names(), flag)?,
        };
        if filter.words.len() > WORDS_MAX {
            return Err(BadFilter::new("q", format!("has more than {WORDS_MAX} words")));
        }
        if filter.period.is_some() && (filter.from.is_some() || filter.to.is_some()) {
            return Err(BadFilter::new("period", "goes without from and to"));
        }
        let window = Window::between(filter.from, filter.to, &TimeZone::UTC);
        if let (Some(since), Some(until)) = (window.since, window.until)
            && since >= until
        {
            return Err(BadFilter::new("to", "lies before from"));
        }
        Ok(filter)
    }

    /// When the recordings must have begun, seen from `now` in the asker's time zone.
    pub fn window(&self, now: Timestamp, zone: &TimeZone) -> Window {
        match self.period {
            Some(period) => period.window(now, zone),
            None => Window::between(self.from, self.to, zone),
        }
    }

    /// The same filter with its days and period as moments: what it means now, for good.
    pub fn pinned(&self, now: Timestamp, zone: &TimeZone) -> Self {
        let window = self.window(now, zone);
        Self {
            period: None,
            from: window.since.map(Moment::At),
            to: window.until.map(Moment::At),
            ..self.clone()
        }
    }

    fn write(&self, out: &mut Serializer<'_, String>) {
        let mut put = |name: &str, value: String| {
            if !value.is_empty() {
                out.append_pair(name, &value);
            }
        };
        let number = |value: Option<u32>| value.map(|number| number.to_string()).unwrap_or_default();
        let moment = |value: Option<Moment>| value.map(|moment| moment.to_string()).unwrap_or_default();
        let agents: Vec<String> = self
            .agents
            .iter()
            .map(|agent| match agent {
                Handler::Is(id) => id.to_string(),
                Handler::Named(name) => name.clone(),
            })
            .collect();
        put("q", self.words.join(" "));
        put("ticket", self.ticket.clone().unwrap_or_default());
        put("period", self.period.map(Period::name).unwrap_or_default().to_owned());
        put("from", moment(self.from));
        put("to", moment(self.to));
        put("agent", agents.join(","));
        put("queue", self.queues.join(","));
        put("market", self.markets.join(","));
        put("language", self.languages.join(","));
        put("product", self.product.clone().unwrap_or_default());
        put("outcome", self.outcomes.join(","));
        put("csat_min", number(self.csat.min));
        put("csat_max", number(self.csat.max));
        put("score_min", number(self.score.min));
        put("score_max", number(self.score.max));
        put("duration_min", number(self.duration_s.min));
        put("duration_max", number(self.duration_s.max));
        put("flag", self.flags.iter().map(|flag| flag.name()).collect::<Vec<_>>().join(","));
    }
}

/// What is looked for, and in which order it is shown: what an address holds and a saved filter keeps.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Search {
    /// Which.
    pub filter: Filter,
    /// In which order.
    pub sort: Sort,
}

impl Search {
    /// Reads a query string such as `period=last_week&csat_max=2&sort=longest`.
    pub fn parse(query: &str) -> Result<Self, BadFilter> {
        let mut fields = Fields::parse(query)?;
        let search = Self::take(&mut fields)?;
        fields.end()?;
        Ok(search)
    }

    fn take(fields: &mut Fields) -> Result<Self, BadFilter> {
        let orders = || Sort::ALL.map(|(_, name)| name).join(", ");
        let filter = Filter::take(fields)?;
        let sort = fields.read("sort", &format!("one of {}", orders()), Sort::named)?.unwrap_or_default();
        Ok(Self { filter, sort })
    }

    /// The query string that says the same, always in the same words.
    pub fn to_query(&self) -> String {
        let mut out = Serializer::new(String::new());
        self.filter.write(&mut out);
        if self.sort != Sort::default() {
            out.append_pair("sort", self.sort.name());
        }
        out.finish()
    }
}

/// A search and which part of its answer, from whose point of view.
#[derive(Clone, Debug)]
pub struct Listing {
    /// What is looked for.
    pub search: Search,
    /// Where days begin for the asker; UTC unless said.
    pub zone: TimeZone,
    /// Rows of a page.
    pub limit: Option<u32>,
    /// The end of the page before.
    pub after: Option<Cursor>,
}

impl Listing {
    /// Reads the query string of `GET /recordings`: a search, `zone`, `limit` and `before`.
    pub fn parse(query: &str) -> Result<Self, BadFilter> {
        let mut fields = Fields::parse(query)?;
        let search = Search::take(&mut fields)?;
        let zone = fields
            .read("zone", "a time zone such as Europe/Vienna or +01:00", |text| {
                DateTimeParser::new().parse_time_zone(text).ok()
            })?
            .unwrap_or(TimeZone::UTC);
        let limit = fields.one("limit", "a number")?;
        let after = fields.read("before", "the `next` of an earlier page in the same order", |text| {
            Cursor::parse(text, search.sort).ok()
        })?;
        fields.end()?;
        Ok(Self { search, zone, limit, after })
    }
}

fn bounds(
    fields: &mut Fields,
    name: &str,
    range: std::ops::RangeInclusive<u32>,
    must_be: &str,
) -> Result<Bounds, BadFilter> {
    let mut take = |end: &str| {
        fields.read(&format!("{name}_{end}"), must_be, |text| {
            text.parse().ok().filter(|number| range.contains(number))
        })
    };
    let bounds = Bounds { min: take("min")?, max: take("max")? };
    match bounds {
        Bounds { min: Some(min), max: Some(max) } if min > max => {
            Err(BadFilter::new(&format!("{name}_max"), format!("is less than {name}_min")))
        }
        _ => Ok(bounds),
    }
}

fn country(text: &str) -> Option<String> {
    (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic())).then(|| text.to_uppercase())
}

fn flag(name: &str) -> Option<Flag> {
    Flag::ALL.into_iter().find(|flag| flag.name() == name)
}

fn flag_names() -> String {
    format!("some of {}", Flag::ALL.map(Flag::name).join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(query: &str) -> String {
        match Listing::parse(query) {
            Ok(_) => panic!("{query} was taken"),
            Err(error) => error.field,
        }
    }

    #[test]
    fn everything_that_can_be_said_is_understood_and_written_the_same_way() {
        let id = UserId::new();
        let query = format!(
            "q=crushed+v-10&ticket=V-1042&from=2026-11-24&to=2026-11-30T12%3A00%3A00Z&agent={id}%2CMina&queue=returns&market=at,DE\
             &language=DE-at&product=Aurora&outcome=transport_damage,answered&csat_min=1&csat_max=2&score_max=60&duration_min=60\
             &flag=comment&sort=lowest_csat"
        );
        let search = Search::parse(&query).unwrap();
        assert_eq!(search.filter.words, ["crushed", "v-10"]);
        assert_eq!(search.filter.agents, [Handler::Is(id), Handler::Named("mina".into())]);
        assert_eq!(search.filter.queues, ["returns"]);
        assert_eq!(search.filter.markets, ["AT", "DE"]);
        assert_eq!(search.filter.duration_s, Bounds { min: Some(60), max: None });
        assert_eq!(search.sort, Sort::LowestCsat);
        let written = search.to_query();
        assert_eq!(Search::parse(&written).unwrap(), search);
        assert_eq!(Search::parse(&written).unwrap().to_query(), written);
        assert_eq!(Search::parse("q=&ticket=+&csat_min=").unwrap().to_query(), "");
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        assert_eq!(refused("colour=red"), "colour");
        assert_eq!(refused("csat_min=6"), "csat_min");
        assert_eq!(refused("csat_min=4&csat_max=2"), "csat_max");
        assert_eq!(refused("score_min=101"), "score_min");
        assert_eq!(refused("duration_max=-1"), "duration_max");
        assert_eq!(refused("from=yesterday"), "from");
        assert_eq!(refused("from=2026-11-24&to=2026-11-20"), "to");
        assert_eq!(refused("period=soon"), "period");
        assert_eq!(refused("period=today&from=2026-11-24"), "period");
        assert_eq!(refused("market=Austria"), "market");
        assert_eq!(refused("language=%3Cb%3E"), "language");
        assert_eq!(refused("outcome=answered,unheard_of"), "outcome");
        assert_eq!(refused("flag=red"), "flag");
        assert_eq!(refused("sort=best"), "sort");
        assert_eq!(refused("zone=Middle/Earth"), "zone");
        assert_eq!(refused("limit=many"), "limit");
        assert_eq!(refused("before=0193"), "before");
        assert_eq!(refused("q=a&q=b"), "q");
        assert_eq!(refused("q=a+b+c+d+e+f+g+h+i"), "q");
        assert_eq!(refused(&format!("product={}", "x".repeat(201))), "product");
        let many: Vec<String> = (0..51).map(|n| n.to_string()).collect();
        assert_eq!(refused(&format!("agent={}", many.join(","))), "agent");
        // A saved filter keeps no page and no place.
        assert_eq!(Search::parse("limit=5").unwrap_err().field, "limit");
    }

    #[test]
    fn a_pinned_filter_means_the_same_later() {
        let now: Timestamp = "2026-11-30T10:00:00Z".parse().unwrap();
        let filter = Search::parse("period=this_week&market=AT").unwrap().filter;
        let pinned = filter.pinned(now, &TimeZone::UTC);
        let later: Timestamp = "2027-03-01T10:00:00Z".parse().unwrap();
        assert_eq!(pinned.window(later, &TimeZone::UTC), filter.window(now, &TimeZone::UTC));
        let query = Search { filter: pinned, sort: Sort::Newest }.to_query();
        assert_eq!(query, "from=2026-11-30T00%3A00%3A00Z&to=2026-12-07T00%3A00%3A00Z&market=AT");
    }

    proptest! {
        #[test]
        fn no_query_string_panics_and_what_is_taken_is_written_and_taken_again(query in "\\PC{0,60}") {
            if let Ok(search) = Search::parse(&query) {
                let written = search.to_query();
                prop_assert_eq!(Search::parse(&written).map(|again| again.to_query()), Ok(written));
            }
        }

        #[test]
        fn known_names_with_any_values_never_panic(
            name in prop::sample::select(vec!["q", "from", "to", "agent", "market", "language", "csat_min", "zone", "before"]),
            value in "\\PC{0,40}",
        ) {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair(name, &value).finish();
            let _ = Listing::parse(&query);
        }
    }
}
