//! Plans: stories about people, their networks and what happens to them, with what everybody must experience.
//!
//! ```ignore
//! plan("a buyer walks from Wi-Fi to mobile")
//!     .two_people()
//!     .at(secs(5), change_address("buyer"))
//!     .expect(video("agent").gap_at_most(ms(700)))
//! ```

mod action;
mod expect;
mod outcome;
mod run;

use std::ops::Range;
use std::time::Duration;

pub use self::action::*;
pub use self::expect::*;
pub use self::outcome::{Outcome, Service};
pub use self::run::{Report, run};
use crate::clock::secs;
use crate::network::Conditions;
use crate::peer::Person;

/// Says what was measured, or what is wrong.
pub type Check = Box<dyn Fn(&Outcome) -> Result<String, String>>;

/// What must hold after a plan has run.
pub struct Expectation {
    /// In words.
    pub text: String,
    /// What was measured, or what is wrong.
    pub check: Check,
}

/// See the module.
pub struct Plan {
    /// A sentence.
    pub name: &'static str,
    people: Vec<Person>,
    paths: Vec<(Conditions, Conditions)>,
    workers: usize,
    everybody_sees_everybody: bool,
    steps: Vec<(Duration, Action)>,
    length: Duration,
    expectations: Vec<Expectation>,
    tolerates: Vec<&'static str>,
}

/// Begins a story.
pub fn plan(name: &'static str) -> Plan {
    Plan {
        name,
        people: Vec::new(),
        paths: Vec::new(),
        workers: 1,
        everybody_sees_everybody: true,
        steps: Vec::new(),
        length: secs(15),
        expectations: Vec::new(),
        tolerates: Vec::new(),
    }
}

impl Plan {
    /// A buyer and an agent, on good paths.
    pub fn two_people(self) -> Self {
        self.with("buyer").with("agent")
    }

    /// A buyer, an agent and a supervisor, on good paths.
    pub fn three_people(self) -> Self {
        self.two_people().with("supervisor")
    }

    /// One more person.
    pub fn with(mut self, name: &'static str) -> Self {
        self.people.push(Person::new(name));
        self.paths.push((Conditions::default(), Conditions::default()));
        self
    }

    /// Changes what a person is like.
    pub fn person(mut self, name: &str, change: impl FnOnce(&mut Person)) -> Self {
        let index = self.index(name);
        change(&mut self.people[index]);
        self
    }

    /// Changes what everybody is like.
    pub fn everybody(mut self, change: impl Fn(&mut Person)) -> Self {
        self.people.iter_mut().for_each(change);
        self
    }

    /// A person's path to the server.
    pub fn uplink(mut self, name: &str, conditions: Conditions) -> Self {
        let index = self.index(name);
        self.paths[index].0 = conditions;
        self
    }

    /// A person's path from the server.
    pub fn downlink(mut self, name: &str, conditions: Conditions) -> Self {
        let index = self.index(name);
        self.paths[index].1 = conditions;
        self
    }

    /// Both directions.
    pub fn path(self, name: &str, conditions: Conditions) -> Self {
        self.uplink(name, conditions).downlink(name, conditions)
    }

    /// Nobody is shown anybody until a step says so.
    pub fn nobody_sees_anybody(mut self) -> Self {
        self.everybody_sees_everybody = false;
        self
    }

    /// How many workers the server has; people sit on them by turns.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        for (index, person) in self.people.iter_mut().enumerate() {
            person.worker = index % workers;
        }
        self
    }

    /// Something happens.
    pub fn at(mut self, when: Duration, action: Action) -> Self {
        self.steps.push((when, action));
        self
    }

    /// Something happens again and again.
    pub fn every(mut self, period: Duration, during: Range<Duration>, action: Action) -> Self {
        let mut at = during.start;
        while at < during.end {
            self.steps.push((at, action));
            at += period;
        }
        self
    }

    /// How long it goes on.
    pub fn lasts(mut self, length: Duration) -> Self {
        self.length = length;
        self
    }

    /// What must hold in the end.
    pub fn expect(mut self, expectation: Expectation) -> Self {
        self.expectations.push(expectation);
        self
    }

    /// A complaint of the judge that contains these words is no failure, because the plan itself is the cause.
    pub fn tolerate(mut self, words: &'static str) -> Self {
        self.tolerates.push(words);
        self
    }

    fn index(&self, name: &str) -> usize {
        let place = self.people.iter().position(|person| person.name == name);
        place.unwrap_or_else(|| panic!("the plan {:?} has no {name}", self.name))
    }
}
