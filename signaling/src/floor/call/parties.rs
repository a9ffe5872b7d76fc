//! Who is in a call: buyer, agent, guests; hold, mutes, and the colleague who is asked.

use jiff::Timestamp;
use protocol::call::{Party, Side, Source};
use protocol::ids::{PartyId, UserId};

use super::Call;
use crate::floor::session::Person;

/// The agent's seat in a call.
#[derive(Clone, Debug)]
pub struct AgentSeat {
    /// The account.
    pub user: UserId,
    /// As the buyer sees them.
    pub party: Party,
}

/// Somebody of the staff who is in a call besides its agent.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The account.
    pub user: UserId,
    /// As staff see them; side and mode say what they may do.
    pub party: Party,
    /// Calls could ring here before, and may again afterwards.
    pub was_ready: bool,
}

/// A colleague is being asked, or talks with the agent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Question {
    pub(super) colleague: UserId,
    pub(super) name: String,
    /// Since their answer.
    pub(super) talking_since: Option<Timestamp>,
    pub(super) expires_at: Timestamp,
}

impl Question {
    pub(super) fn talking(&self) -> bool {
        self.talking_since.is_some()
    }
}

impl Call {
    /// The person on a side, once there is one.
    pub fn party(&self, side: Side) -> Option<&Party> {
        match side {
            Side::Buyer => Some(&self.buyer),
            Side::Agent => self.agent.as_ref().map(|seat| &seat.party),
            Side::Consultant | Side::Supervisor => None,
        }
    }

    /// Everybody in it: the buyer, the agent, guests in the order they came.
    pub fn members(&self) -> impl Iterator<Item = (Person, &Party)> {
        let buyer = std::iter::once((Person::Buyer(self.session), &self.buyer));
        let agent = self.agent.iter().map(|seat| (Person::Staff(seat.user), &seat.party));
        let guests = self.guests.iter().map(|guest| (Person::Staff(guest.user), &guest.party));
        buyer.chain(agent).chain(guests)
    }

    /// What a person is in it, if they are.
    pub fn party_of(&self, person: Person) -> Option<&Party> {
        self.members().find(|(member, _)| *member == person).map(|(_, party)| party)
    }

    /// Who a party is.
    pub fn person_of(&self, party: PartyId) -> Option<Person> {
        self.members().find(|(_, member)| member.id == party).map(|(person, _)| person)
    }

    fn party_mut(&mut self, person: Person) -> Option<&mut Party> {
        match person {
            Person::Buyer(session) => Some(&mut self.buyer).filter(|_| session == self.session),
            Person::Staff(user) => {
                let agent =
                    self.agent.iter_mut().filter(|seat| seat.user == user).map(|seat| &mut seat.party);
                let guests = self.guests.iter_mut().filter(|guest| guest.user == user);
                agent.chain(guests.map(|guest| &mut guest.party)).next()
            }
        }
    }

    /// Somebody of the staff comes in; who is in it already only changes how they follow it.
    pub fn admit(&mut self, guest: Guest) {
        match self.guests.iter_mut().find(|known| known.user == guest.user) {
            Some(known) => known.party.monitor = guest.party.monitor,
            None => self.guests.push(guest),
        }
    }

    /// A guest leaves. A consultant who does ends the consult.
    pub fn dismiss(&mut self, user: UserId) -> Option<Guest> {
        let index = self.guests.iter().position(|guest| guest.user == user)?;
        Some(self.guests.remove(index))
    }

    /// Staff besides the agent.
    pub fn guests(&self) -> &[Guest] {
        &self.guests
    }

    /// Whether the buyer is on hold.
    pub fn is_held(&self) -> bool {
        self.held_since.is_some()
    }

    /// Puts the buyer on hold, or takes them back. True when that is a change.
    pub fn set_held(&mut self, on: bool, now: Timestamp) -> bool {
        self.held_by_consult = false;
        if on == self.is_held() {
            return false;
        }
        self.held_since = on.then_some(now);
        true
    }

    /// The agent asks a colleague. False while somebody is being asked already.
    pub fn ask(&mut self, colleague: UserId, name: &str, expires_at: Timestamp) -> bool {
        if self.question.is_some() {
            return false;
        }
        self.question = Some(Question { colleague, name: name.to_owned(), talking_since: None, expires_at });
        true
    }

    /// The colleague who is asked and has not answered, and until when they may.
    pub fn asked(&self) -> Option<(UserId, Timestamp)> {
        self.question
            .as_ref()
            .filter(|question| !question.talking())
            .map(|question| (question.colleague, question.expires_at))
    }

    /// The colleague who is asked or talks with the agent.
    pub fn colleague(&self) -> Option<UserId> {
        self.question.as_ref().map(|question| question.colleague)
    }

    /// The colleague answered: the buyer is on hold, unless they were already.
    pub fn begin_consult(&mut self, now: Timestamp) {
        let Some(question) = &mut self.question else { return };
        question.talking_since = Some(now);
        if self.held_since.is_none() {
            self.held_since = Some(now);
            self.held_by_consult = true;
        }
    }

    /// The question is answered, declined or taken back: whoever it put on hold is taken back.
    pub fn end_consult(&mut self) {
        self.question = None;
        if std::mem::take(&mut self.held_by_consult) {
            self.held_since = None;
        }
    }

    /// Lets nobody have a source of a party, or lets them again. True when that is a change.
    pub fn set_muted(&mut self, person: Person, source: Source, muted: bool) -> bool {
        let Some(party) = self.party_mut(person) else { return false };
        let was = party.muted.contains(&source);
        party.muted.retain(|other| *other != source);
        if muted {
            party.muted.push(source);
            party.muted.sort_unstable();
        }
        was != muted
    }

    /// A person's connection is gone or back. True when that changes what is shown.
    pub fn set_present(&mut self, person: Person, present: bool) -> bool {
        self.party_mut(person).is_some_and(|party| std::mem::replace(&mut party.present, present) != present)
    }

    /// What a person sends from now on. True when that changes what is shown.
    pub fn set_sending(&mut self, person: Person, sources: &[Source]) -> bool {
        let sources = distinct(sources);
        self.party_mut(person).is_some_and(|party| {
            let changed = party.sending != sources;
            party.sending = sources;
            changed
        })
    }

    /// A person in a call. Their id lasts for the call, whatever happens to their connections.
    pub fn seat(side: Side, name: &str, sending: &[Source]) -> Party {
        Party {
            id: PartyId::new(),
            side,
            name: name.to_owned(),
            present: true,
            sending: distinct(sending),
            muted: Vec::new(),
            monitor: None,
        }
    }
}

/// The sources named, once each, in a fixed order.
pub fn distinct(sources: &[Source]) -> Vec<Source> {
    let mut sources = sources.to_vec();
    sources.sort_unstable();
    sources.dedup();
    sources
}
