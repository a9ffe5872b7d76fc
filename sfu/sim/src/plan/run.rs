//! Running a plan.

use std::net::SocketAddr;
use std::time::Duration;

use rand::Rng;

use super::action::{Action, Forgery};
use super::outcome::{Outcome, Service};
use super::{Expectation, Plan};
use crate::clock::secs;
use crate::memory;
use crate::world::World;

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Report {
    /// The plan's name.
    pub plan: &'static str,
    /// The seed.
    pub seed: u64,
    /// Of everything that was delivered to anybody.
    pub hash: u64,
    /// What held, with what was measured.
    pub held: Vec<String>,
    /// What did not.
    pub failed: Vec<String>,
    /// What each viewer got on each slot that was used.
    pub service: Vec<Service>,
    /// What happened, if asked for.
    pub trace: Vec<String>,
}

impl Report {
    /// All is well.
    pub fn passed(&self) -> bool {
        self.failed.is_empty()
    }
}

/// Runs a plan under a seed.
pub fn run(plan: Plan, seed: u64, keep_trace: bool) -> Report {
    let Plan {
        name,
        people,
        paths,
        workers,
        everybody_sees_everybody,
        steps,
        length,
        expectations,
        tolerates,
    } = plan;
    let mut world = World::new(seed, workers, people, &paths);
    if keep_trace {
        world.keep_trace();
    }
    let mut due: Vec<(Duration, Step)> = Vec::new();
    for (index, person) in world.people().iter().enumerate() {
        due.push((person.joins_at, Step::Join(index)));
    }
    due.extend(steps.into_iter().map(|(at, action)| (at, Step::Act(action))));
    due.extend((0..=length.as_secs()).map(|second| (secs(second), Step::Weigh)));
    // Stable: what is written first happens first.
    due.sort_by_key(|(at, _)| *at);
    let (mut weights, mut sent) = (Vec::new(), Vec::new());
    let mut writing = 0;
    for (at, step) in due.into_iter().filter(|(at, _)| *at <= length) {
        world.run_until(world.start() + at);
        match step {
            Step::Join(index) => {
                world.join(index);
                if everybody_sees_everybody {
                    introduce(&mut world, index);
                }
            }
            Step::Act(action) => act(&mut world, action, &mut writing),
            Step::Weigh => {
                weights.push((world.elapsed(), memory::in_use()));
                let bytes = (0..world.people().len()).map(|it| world.tallies(it).0.sent_bytes).collect();
                sent.push((world.elapsed(), bytes));
                world.describe();
            }
        }
    }
    world.run_until(world.start() + length);
    let hash = world.peers.values().fold(0u64, |hash, peer| hash.rotate_left(5) ^ peer.hash());
    let outcome = Outcome::new(world, weights, sent, length);
    let (mut held, mut failed) = (Vec::new(), Vec::new());
    for complaint in outcome.complaints() {
        if !tolerates.iter().any(|words| complaint.contains(words)) {
            failed.push(complaint);
        }
    }
    for Expectation { text, check } in &expectations {
        match check(&outcome) {
            Ok(measured) => held.push(format!("{text}: {measured}")),
            Err(wrong) => failed.push(format!("{text}: {wrong}")),
        }
    }
    let service = outcome.service();
    Report { plan: name, seed, hash, held, failed, service, trace: outcome.into_trace() }
}

enum Step {
    Join(usize),
    Act(Action),
    Weigh,
}

/// Shows a newcomer to everybody who is there, and the other way round; each on the slot of their order.
fn introduce(world: &mut World, newcomer: usize) {
    use sfu_core::media::Source;
    let others: Vec<usize> = world.peers.keys().copied().filter(|index| *index != newcomer).collect();
    for other in others {
        for (from, to) in [(newcomer, other), (other, newcomer)] {
            // Everybody's first slot is for the first of the others.
            let slot = if from < to { from } else { from - 1 };
            world.show(from, Source::Microphone, to, slot);
            world.show(from, Source::Camera, to, slot);
        }
    }
}

fn act(world: &mut World, action: Action, writing: &mut u32) {
    let now = world.now;
    let index = |world: &World, name: &str| {
        let place = world.people().iter().position(|person| person.name == name);
        place.unwrap_or_else(|| panic!("nobody is called {name}"))
    };
    match action {
        Action::Uplink(name, conditions) => {
            world.note(|| format!("uplink of {name}: {conditions:?}"));
            let person = index(world, name);
            world.paths(person).up.set(now, conditions);
        }
        Action::Downlink(name, conditions) => {
            world.note(|| format!("downlink of {name}: {conditions:?}"));
            let person = index(world, name);
            world.paths(person).down.set(now, conditions);
        }
        Action::ChangeAddress(name) | Action::Rebind(name) => {
            let person = index(world, name);
            let Some(before) = world.peers.get(&person).map(|peer| peer.address) else { return };
            if matches!(action, Action::Rebind(_)) {
                world.rebind(person, SocketAddr::new(before.ip(), before.port() + 1));
            } else if let std::net::IpAddr::V4(ip) = before.ip() {
                let [a, b, c, d] = ip.octets();
                world.move_person(person, SocketAddr::from(([a, b, c, d.wrapping_add(1)], before.port())));
            }
        }
        Action::RestartIce(name) => {
            let person = index(world, name);
            world.restart_ice(person);
        }
        Action::RestartSource(name, source) => {
            world.note(|| format!("{name}'s {source} begins anew"));
            let person = index(world, name);
            if let Some(peer) = world.peers.get_mut(&person) {
                peer.restart_source(source);
            }
        }
        Action::Switch(name, source, on) => {
            world.note(|| format!("{name}'s {source} is on: {on}"));
            let person = index(world, name);
            if let Some(peer) = world.peers.get_mut(&person) {
                peer.switch(source, on);
            }
        }
        Action::Show { from, source, to, slot } => {
            let (from, to) = (index(world, from), index(world, to));
            world.show(from, source, to, slot);
        }
        Action::Hide { source, to, slot } => {
            let to = index(world, to);
            world.hide(source, to, slot);
        }
        Action::Leave(name) => {
            let person = index(world, name);
            world.remove(person);
        }
        Action::Forge(name, forgery) => {
            let person = index(world, name);
            forge(world, person, forgery);
        }
        Action::AskForKeyframes(name) => {
            let person = index(world, name);
            if let Some(peer) = world.peers.get_mut(&person) {
                peer.subscriber.ask_for_keyframes();
            }
            world.flush();
        }
        Action::LinkEvents(a, b) => {
            let (a, b) = (index(world, a), index(world, b));
            world.server().link_data(a, b);
        }
        Action::LetIn(name, source, on) => {
            world.note(|| format!("the server lets {name}'s {source} in: {on}"));
            let person = index(world, name);
            world.server().set_publishing(now, person, source, on);
            world.flush();
        }
        Action::View { viewer, slot, width, height } => {
            world.note(|| format!("{viewer} shows slot {slot} at {width} × {height}"));
            let person = index(world, viewer);
            world.server().set_view(now, person, slot, width, height);
            world.flush();
        }
        Action::Write(name) => {
            let person = index(world, name);
            *writing += 1;
            let text = format!("{name} {writing}");
            if let Some(peer) = world.peers.get_mut(&person) {
                peer.send_text(now, text);
            }
            world.flush();
        }
    }
}

fn forge(world: &mut World, person: usize, forgery: Forgery) {
    let Some(peer) = world.peers.get(&person) else { return };
    let address = peer.address;
    let packet = peer.some_recorded();
    let random: u64 = world.rng().random();
    let made_up = (random as u32) | 0x8000_0000;
    let mut datagram = packet;
    let mut from = address;
    match forgery {
        Forgery::Replay => {}
        Forgery::Damaged => {
            let at = 12 + random as usize % datagram.len().saturating_sub(12).max(1);
            if let Some(byte) = datagram.get_mut(at) {
                *byte ^= 1;
            }
        }
        Forgery::MadeUpSsrc => {
            if let Some(bytes) = datagram.get_mut(8..12) {
                bytes.copy_from_slice(&made_up.to_be_bytes());
            }
        }
        Forgery::Oversized => datagram.resize(65_000, random as u8),
        Forgery::MadeUpRtcp => {
            datagram = vec![0x80, 200, 0, 6];
            datagram.extend(made_up.to_be_bytes());
            datagram.resize(48, random as u8);
        }
        Forgery::Stranger => {
            from = SocketAddr::from(([203, 0, 113, random as u8], 1024 + (random >> 8) as u16 % 60_000));
            datagram.truncate(200);
        }
        Forgery::AuthenticSsrc => {
            if let Some(peer) = world.peers.get_mut(&person) {
                peer.send_stray(made_up);
            }
            return world.flush();
        }
    }
    world.inject(from, &mut datagram);
}
