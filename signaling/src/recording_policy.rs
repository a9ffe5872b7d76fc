//! Whether a call may be recorded: what the people's countries and the queue ask for, and who has agreed.
//!
//! Pure. Of the buyer's country, the agent's country (when the account has one) and the queue, the strictest wins:
//! [`Rule`]s are in order. What is missing is a list of [`Obstacle`]s; a call is recorded only while it is empty. Whose
//! yes is not asked for may still say no: nobody is recorded who refused.
//!
//! | country | rule | because |
//! |---|---|---|
//! | `DE` | all parties | § 201 StGB: recording the spoken word takes the consent of everybody who speaks |
//! | `US` | all parties | some states (California's Penal Code § 632, for one) want everybody's consent, and a country does not tell the state |
//! | EU and EEA, `CH`, `GB`, `BR` | opt-in | consent by a clear affirmative act: GDPR Art. 4 (11), UK GDPR, Swiss FADP Art. 6, LGPD Art. 5 (XII) |
//! | any other, and an unknown one | opt-in | nobody is recorded who did not say yes |
//!
//! This is a careful default and no legal advice: a shop that was told otherwise says so in `recording.regions`.

use std::collections::BTreeMap;

pub use protocol::call::Obstacle;
use serde::{Deserialize, Serialize};

use crate::country;
use crate::queues::Record;

/// What has to be so before a call is recorded; later ones are stricter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The buyer has said yes.
    OptIn,
    /// The buyer and the agent have said yes.
    AllParties,
    /// It is not recorded whatever anybody says.
    Never,
}

/// Countries whose rule is not the default of [`Rule::OptIn`].
const TABLE: [(&str, Rule); 2] = [("DE", Rule::AllParties), ("US", Rule::AllParties)];

/// The table with what the settings say otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Regions {
    settings: BTreeMap<String, Rule>,
}

impl Regions {
    /// `settings`: rules by country that stand before the table's.
    pub fn new(settings: BTreeMap<String, Rule>) -> Self {
        Self { settings }
    }

    /// The rule of a country, ISO 3166-1 alpha-2; of an unknown one, the default.
    pub fn of(&self, country: Option<&str>) -> Rule {
        let Some(country) = country else { return Rule::OptIn };
        let built_in = || TABLE.iter().find(|(known, _)| *known == country).map(|(_, rule)| *rule);
        self.settings.get(country).copied().or_else(built_in).unwrap_or(Rule::OptIn)
    }

    /// The strictest of the rules of both sides. An account without a country asks for nothing.
    pub fn of_both(&self, buyer: Option<&str>, agent: Option<&str>) -> Rule {
        let agent = agent.map(|country| self.of(Some(country)));
        agent.into_iter().fold(self.of(buyer), Rule::max)
    }
}

/// What cannot work in the settings' rules.
pub fn mistakes(settings: &BTreeMap<String, Rule>) -> Vec<String> {
    settings.keys().filter(|code| !country::is_known(code)).map(|code| country::advice(code)).collect()
}

/// What stands against recording; nothing: it may be recorded. `buyer` says whether they have agreed, `agent` what they
/// have chosen, if they have.
pub fn obstacles(rule: Rule, queue: Record, buyer: bool, agent: Option<bool>) -> Vec<Obstacle> {
    if queue == Record::Never {
        return vec![Obstacle::Queue];
    }
    let unasked = match rule {
        Rule::Never => return vec![Obstacle::Region],
        Rule::OptIn => true,
        Rule::AllParties => false,
    };
    let buyer = (!buyer).then_some(Obstacle::Buyer);
    let agent = (!agent.unwrap_or(unasked)).then_some(Obstacle::Agent);
    buyer.into_iter().chain(agent).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The EU's members and the other states of the EEA.
    const EEA: &str =
        "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE IS LI NO";

    #[test]
    fn the_table_says_what_the_documentation_says() {
        let regions = Regions::default();
        for country in EEA.split(' ').chain(["CH", "GB", "BR", "JP", "ZZ", ""]) {
            let rule = if country == "DE" { Rule::AllParties } else { Rule::OptIn };
            assert_eq!(regions.of(Some(country)), rule, "{country}");
        }
        assert_eq!((regions.of(Some("US")), regions.of(None)), (Rule::AllParties, Rule::OptIn));
        assert!(TABLE.iter().all(|(country, _)| country::is_known(country)));
    }

    #[test]
    fn settings_stand_before_the_table_and_only_for_their_country() {
        let regions = Regions::new([("US".to_owned(), Rule::OptIn), ("FR".to_owned(), Rule::Never)].into());
        assert_eq!((regions.of(Some("US")), regions.of(Some("FR"))), (Rule::OptIn, Rule::Never));
        assert_eq!(regions.of(Some("DE")), Rule::AllParties);
    }

    #[test]
    fn the_strictest_party_wins() {
        let regions = Regions::new([("FR".to_owned(), Rule::Never)].into());
        assert_eq!(regions.of_both(Some("AT"), None), Rule::OptIn);
        assert_eq!(regions.of_both(Some("AT"), Some("DE")), Rule::AllParties);
        assert_eq!(regions.of_both(Some("DE"), Some("AT")), Rule::AllParties);
        assert_eq!(regions.of_both(Some("US"), Some("FR")), Rule::Never);
        assert_eq!(regions.of_both(None, None), Rule::OptIn);
    }

    #[test]
    fn what_is_missing_is_named() {
        use Obstacle::{Agent, Buyer, Queue, Region};
        let with = |rule, buyer, agent| obstacles(rule, Record::WithConsent, buyer, agent);
        assert_eq!(with(Rule::OptIn, true, None), []);
        assert_eq!(with(Rule::OptIn, true, Some(false)), [Agent], "not asked, and refused all the same");
        assert_eq!(with(Rule::OptIn, false, Some(true)), [Buyer]);
        assert_eq!(with(Rule::AllParties, true, Some(true)), []);
        assert_eq!(with(Rule::AllParties, true, None), [Agent]);
        assert_eq!(with(Rule::AllParties, false, Some(false)), [Buyer, Agent]);
        assert_eq!(with(Rule::Never, true, Some(true)), [Region]);
        assert_eq!(obstacles(Rule::OptIn, Record::Never, true, Some(true)), [Queue]);
    }

    #[test]
    fn countries_that_do_not_exist_are_named() {
        let settings = [("UK".to_owned(), Rule::OptIn), ("US".to_owned(), Rule::Never)].into();
        assert!(matches!(&mistakes(&settings)[..], [one] if one.contains("\"GB\"")));
    }

    fn rule() -> impl Strategy<Value = Rule> {
        prop::sample::select(vec![Rule::OptIn, Rule::AllParties, Rule::Never])
    }

    proptest! {
        #[test]
        fn a_stricter_rule_or_a_missing_yes_never_allows_more(
            rule in rule(), stricter in rule(), never: bool, buyer: bool, agent: Option<bool>,
        ) {
            let queue = if never { Record::Never } else { Record::WithConsent };
            let allowed = |rule, buyer, agent| obstacles(rule, queue, buyer, agent).is_empty();
            let now = allowed(rule, buyer, agent);
            prop_assert!(!now || (buyer && !never && rule != Rule::Never));
            prop_assert!(!now || rule != Rule::AllParties || agent == Some(true));
            prop_assert!(!allowed(rule, buyer, Some(false)));
            prop_assert!(now || !allowed(rule.max(stricter), buyer, agent));
            prop_assert!(!allowed(rule, false, agent));
        }
    }
}
