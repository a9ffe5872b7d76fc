//! Stretches of time as people say them.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// Beginning or end of a stretch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// A moment, e.g. `2026-11-24T08:30:00Z`.
    At(Timestamp),
    /// A day of the asker's calendar, e.g. `2026-11-24`: its beginning, or, as an end, the whole day.
    Day(Date),
}

impl FromStr for Moment {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        match text.parse() {
            Ok(at) => Ok(Self::At(at)),
            // A date is a prefix of many things; ours has ten characters.
            Err(error) if text.len() != 10 => Err(error),
            Err(_) => Ok(Self::Day(text.parse()?)),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(at) => at.fmt(f),
            Self::Day(day) => day.fmt(f),
        }
    }
}

/// A stretch that moves along with the calendar. Weeks begin on Monday (ISO 8601).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Period {
    /// Since midnight.
    Today,
    /// The day before.
    Yesterday,
    /// Today and the six days before.
    Last7Days,
    /// Today and the 29 days before.
    Last30Days,
    /// Since Monday.
    ThisWeek,
    /// The week before.
    LastWeek,
    /// Since the first.
    ThisMonth,
    /// The month before.
    LastMonth,
}

impl Period {
    /// Every period and its name.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Today, "today"),
        (Self::Yesterday, "yesterday"),
        (Self::Last7Days, "last_7_days"),
        (Self::Last30Days, "last_30_days"),
        (Self::ThisWeek, "this_week"),
        (Self::LastWeek, "last_week"),
        (Self::ThisMonth, "this_month"),
        (Self::LastMonth, "last_month"),
    ];

    /// The period of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(period, _)| *period)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(period, _)| *period == self).map_or("", |(_, name)| name)
    }

    /// First day, and the day after the last.
    fn days(self, today: Date) -> (Date, Date) {
        let tomorrow = today.saturating_add(1.day());
        let monday = today.saturating_sub(i64::from(today.weekday().since(Weekday::Monday)).days());
        let first = today.first_of_month();
        match self {
            Self::Today => (today, tomorrow),
            Self::Yesterday => (today.saturating_sub(1.day()), today),
            Self::Last7Days => (today.saturating_sub(6.days()), tomorrow),
            Self::Last30Days => (today.saturating_sub(29.days()), tomorrow),
            Self::ThisWeek => (monday, monday.saturating_add(7.days())),
            Self::LastWeek => (monday.saturating_sub(7.days()), monday),
            Self::ThisMonth => (first, first.saturating_add(1.month())),
            Self::LastMonth => (first.saturating_sub(1.month()), first),
        }
    }

    /// The stretch, seen from `now` in a time zone.
    pub fn window(self, now: Timestamp, zone: &TimeZone) -> Window {
        let (first, after) = self.days(now.to_zoned(zone.clone()).date());
        Window { since: midnight(first, zone), until: midnight(after, zone) }
    }
}

/// A stretch of time; open where nothing is said.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Window {
    /// First moment.
    pub since: Option<Timestamp>,
    /// First moment after it.
    pub until: Option<Timestamp>,
}

impl Window {
    /// From one moment to another, in the asker's time zone.
    pub fn between(from: Option<Moment>, to: Option<Moment>, zone: &TimeZone) -> Self {
        let since = from.and_then(|moment| match moment {
            Moment::At(at) => Some(at),
            Moment::Day(day) => midnight(day, zone),
        });
        let until = to.and_then(|moment| match moment {
            Moment::At(at) => Some(at),
            Moment::Day(day) => midnight(day.saturating_add(1.day()), zone),
        });
        Self { since, until }
    }
}

/// The first moment of a day (where clocks are changed at midnight, there may be no 0:00).
fn midnight(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_zoned(day.at(0, 0, 0, 0)).ok().and_then(|at| at.start_of_day().ok()).map(|at| at.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `now` is a Monday, 30 November 2026, half past midnight in Vienna, still Sunday in UTC.
    fn check(period: &str, since: &str, until: &str) {
        let now: Timestamp = "2026-11-29T23:30:00Z".parse().unwrap();
        let vienna = TimeZone::get("Europe/Vienna").unwrap();
        let window = Period::named(period).unwrap().window(now, &vienna);
        let said = |at: Option<Timestamp>| at.unwrap().to_string();
        assert_eq!((said(window.since), said(window.until)), (since.into(), until.into()), "{period}");
    }

    #[test]
    fn periods_follow_the_calendar_of_the_asker() {
        check("today", "2026-11-29T23:00:00Z", "2026-11-30T23:00:00Z");
        check("yesterday", "2026-11-28T23:00:00Z", "2026-11-29T23:00:00Z");
        check("last_7_days", "2026-11-23T23:00:00Z", "2026-11-30T23:00:00Z");
        check("this_week", "2026-11-29T23:00:00Z", "2026-12-06T23:00:00Z");
        check("last_week", "2026-11-22T23:00:00Z", "2026-11-29T23:00:00Z");
        check("this_month", "2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z");
        // Summer time ended in between.
        check("last_month", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z");
    }

    #[test]
    fn a_day_as_an_end_is_the_whole_day() {
        let day: Moment = "2026-11-24".parse().unwrap();
        let window = Window::between(Some(day), Some(day), &TimeZone::UTC);
        assert_eq!(window.since.unwrap().to_string(), "2026-11-24T00:00:00Z");
        assert_eq!(window.until.unwrap().to_string(), "2026-11-25T00:00:00Z");
        assert_eq!(Window::between(None, None, &TimeZone::UTC), Window::default());
        assert!("2026-13-01".parse::<Moment>().is_err());
        assert!("2026-11-24T08:30".parse::<Moment>().is_err());
    }
}
