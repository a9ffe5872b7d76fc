//! What can happen in a plan.

use sfu_core::media::Source;

use crate::network::Conditions;

/// One step. The functions below make them.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Action {
    Uplink(&'static str, Conditions),
    Downlink(&'static str, Conditions),
    ChangeAddress(&'static str),
    Rebind(&'static str),
    RestartIce(&'static str),
    RestartSource(&'static str, Source),
    Switch(&'static str, Source, bool),
    Show { from: &'static str, source: Source, to: &'static str, slot: usize },
    Hide { source: Source, to: &'static str, slot: usize },
    Leave(&'static str),
    Forge(&'static str, Forgery),
    AskForKeyframes(&'static str),
    LinkEvents(&'static str, &'static str),
    Write(&'static str),
    LetIn(&'static str, Source, bool),
    View { viewer: &'static str, slot: usize, width: u16, height: u16 },
}

/// Ways to annoy a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Forgery {
    /// A packet of the victim's, once more.
    Replay,
    /// A packet of the victim's with a bit changed.
    Damaged,
    /// A packet of the victim's under a made-up SSRC.
    MadeUpSsrc,
    /// As much as fits a datagram.
    Oversized,
    /// RTCP from a made-up sender.
    MadeUpRtcp,
    /// Noise from an address nobody knows.
    Stranger,
    /// The victim itself is hostile: sealed packets under ever new SSRCs.
    AuthenticSsrc,
}

/// The path to the server changes.
pub fn uplink(name: &'static str, conditions: Conditions) -> Action {
    Action::Uplink(name, conditions)
}

/// The path from the server changes.
pub fn downlink(name: &'static str, conditions: Conditions) -> Action {
    Action::Downlink(name, conditions)
}

/// The device moves to another network and notices.
pub fn change_address(name: &'static str) -> Action {
    Action::ChangeAddress(name)
}

/// A NAT on the way gives the device another port; nobody notices.
pub fn rebind(name: &'static str) -> Action {
    Action::Rebind(name)
}

/// The browser restarts ICE.
pub fn restart_ice(name: &'static str) -> Action {
    Action::RestartIce(name)
}

/// A source begins anew with other SSRCs and unrelated numbers.
pub fn restart_source(name: &'static str, source: Source) -> Action {
    Action::RestartSource(name, source)
}

/// The person switches a source on.
pub fn switch_on(name: &'static str, source: Source) -> Action {
    Action::Switch(name, source, true)
}

/// The person switches a source off (mutes the microphone, covers the camera).
pub fn switch_off(name: &'static str, source: Source) -> Action {
    Action::Switch(name, source, false)
}

/// Somebody is shown something on a slot.
pub fn show(from: &'static str, source: Source, to: &'static str, slot: usize) -> Action {
    Action::Show { from, source, to, slot }
}

/// A slot is emptied.
pub fn hide(source: Source, to: &'static str, slot: usize) -> Action {
    Action::Hide { source, to, slot }
}

/// The server ends a person's transport.
pub fn leave(name: &'static str) -> Action {
    Action::Leave(name)
}

/// A hostile datagram in a person's name.
pub fn forge(name: &'static str, forgery: Forgery) -> Action {
    Action::Forge(name, forgery)
}

/// A viewer asks for keyframes on every slot, whether it needs them or not.
pub fn ask_for_keyframes(name: &'static str) -> Action {
    Action::AskForKeyframes(name)
}

/// Two people's events channels are joined.
pub fn link_events(a: &'static str, b: &'static str) -> Action {
    Action::LinkEvents(a, b)
}

/// A person writes a numbered text on the events channel.
pub fn write(name: &'static str) -> Action {
    Action::Write(name)
}

/// The server lets a source in again.
pub fn let_in(name: &'static str, source: Source) -> Action {
    Action::LetIn(name, source, true)
}

/// The server drops a source at the door: muted by rule, not by the person.
pub fn keep_out(name: &'static str, source: Source) -> Action {
    Action::LetIn(name, source, false)
}

/// A viewer shows a slot at this size, in pixels; 0 × 0 for not at all.
pub fn view(viewer: &'static str, slot: usize, width: u16, height: u16) -> Action {
    Action::View { viewer, slot, width, height }
}
