//! How long recordings are kept. Pure: a queue's own days, or those of everywhere; a country may allow fewer; the fewest
//! count. What a legal hold keeps is kept whatever is said here.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use protocol::governance::KeepRule;

use crate::queues::Queues;

/// The rules of this server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Retention {
    everywhere: u16,
    /// Of every queue that has days of its own.
    by_queue: BTreeMap<String, u16>,
    by_country: BTreeMap<String, u16>,
}

impl Retention {
    /// The same days for everything.
    pub fn everywhere(days: u16) -> Self {
        Self { everywhere: days, by_queue: BTreeMap::new(), by_country: BTreeMap::new() }
    }

    /// What the settings say: `recording.keep_days`, the queues' own, and the most that a country allows.
    pub fn new(keep_days: u16, queues: &Queues, by_country: BTreeMap<String, u16>) -> Self {
        let own = queues.all().filter_map(|queue| Some((queue.name.clone(), queue.recording.keep_days?)));
        Self { everywhere: keep_days, by_queue: own.collect(), by_country }
    }

    /// Days that a recording of this queue is kept with a buyer from this country, and the rule that says so.
    pub fn days(&self, queue: &str, country: Option<&str>) -> (u16, KeepRule) {
        let own = self.by_queue.get(queue).map(|days| (*days, KeepRule::Queue));
        let (days, rule) = own.unwrap_or((self.everywhere, KeepRule::Everywhere));
        match country.and_then(|country| self.by_country.get(country)) {
            Some(most) if *most < days => (*most, KeepRule::Country),
            _ => (days, rule),
        }
    }

    /// The most days that a recording of any queue is kept.
    pub fn most(&self) -> u16 {
        self.by_queue.values().copied().fold(self.everywhere, u16::max)
    }

    /// The fewest days that any rule gives.
    pub fn fewest(&self) -> u16 {
        let others = self.by_queue.values().chain(self.by_country.values()).copied();
        others.fold(self.everywhere, u16::min)
    }
}

/// So many days after.
pub fn after(started_at: Timestamp, days: u16) -> Timestamp {
    started_at.saturating_add(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MAX)
}

/// So many days before.
pub fn before(now: Timestamp, days: u16) -> Timestamp {
    now.saturating_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queues::QueueSettings;

    fn rules() -> Retention {
        let mut long = QueueSettings::new("payments", "Payments");
        long.recording.keep_days = Some(365);
        let mut short = QueueSettings::new("health", "Health");
        short.recording.keep_days = Some(14);
        let queues = Queues::new(&[long, short, QueueSettings::new("rest", "All others")]);
        Retention::new(90, &queues, [("DE".to_owned(), 30), ("US".to_owned(), 700)].into())
    }

    #[test]
    fn the_shortest_rule_that_applies_wins() {
        for (queue, country, wanted) in [
            ("rest", None, (90, KeepRule::Everywhere)),
            ("rest", Some("DE"), (30, KeepRule::Country)),
            ("rest", Some("US"), (90, KeepRule::Everywhere)),
            ("payments", Some("AT"), (365, KeepRule::Queue)),
            ("payments", Some("DE"), (30, KeepRule::Country)),
            ("health", Some("DE"), (14, KeepRule::Queue)),
            ("a queue of old", None, (90, KeepRule::Everywhere)),
        ] {
            assert_eq!(rules().days(queue, country), wanted, "{queue} {country:?}");
        }
        assert_eq!((rules().fewest(), Retention::everywhere(7).fewest()), (14, 7));
        assert_eq!((rules().most(), Retention::everywhere(7).most()), (365, 7));
    }
}
