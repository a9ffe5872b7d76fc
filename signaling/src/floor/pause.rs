//! Stretches of a recorded call of which nothing is stored: asked for by staff, or left out by the queue's rules.
//!
//! A recording runs only while there is no reason left to pause. Of several reasons the one that people gave stands in
//! the banner and the manifest, then a consult, then a hold. Whoever is told "nothing is stored" is told when it is so:
//! the recorder's answer changes what both sides see, not the request.

use std::time::Duration;

use jiff::Timestamp;
use protocol::call::{PauseReason, RecordingPause, RecordingState};
use protocol::ids::{CallId, UserId};
use protocol::problem::Problem;
use recorder::PauseSpec;
use tracing::info;

use super::actor::{Floor, Timer};
use super::recording::Wanted;
use super::session::Person;
use super::table::Action;
use crate::problem as problems;

/// Seconds that a person may ask for.
const ASKED_S: std::ops::RangeInclusive<u32> = 10..=600;

/// The recorder ends a pause by itself this long after the floor should have.
const SLACK: Duration = Duration::from_secs(5);

/// A hold or a consult may last as long as any call.
const RULES_AT_MOST: Duration = Duration::from_secs(24 * 3600);

/// A pause that the recorder shall make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WantedPause {
    /// As both sides are told.
    pub pause: RecordingPause,
    /// Who asked; nobody when it is the queue's rule.
    pub by: Option<UserId>,
    /// For how long, counted from when it was asked for (again).
    pub at_most: Duration,
}

impl WantedPause {
    /// A pause that a queue's rules ask for.
    pub fn by_rule(reason: PauseReason, since: Timestamp) -> Self {
        Self { pause: RecordingPause { reason, since, until: None }, by: None, at_most: RULES_AT_MOST }
    }

    /// As the recorder wants it.
    pub fn spec(&self) -> PauseSpec {
        PauseSpec {
            reason: code(self.pause.reason).to_owned(),
            by: self.by.map_or_else(|| "queue".to_owned(), |user| user.to_string()),
            at_most: self.at_most + SLACK,
        }
    }
}

/// The word for a reason, as it is stored.
pub fn code(reason: PauseReason) -> &'static str {
    match reason {
        PauseReason::CardData => "card_data",
        PauseReason::Credentials => "credentials",
        PauseReason::Other => "other",
        PauseReason::Hold => "hold",
        PauseReason::Consult => "consult",
    }
}

impl Floor {
    /// Somebody says something that must not be stored.
    pub(super) fn pause_recording(
        &mut self,
        person: Person,
        reason: PauseReason,
        at_most_s: u32,
    ) -> Result<(), Problem> {
        let (id, by) = self.may_pause(person)?;
        if matches!(reason, PauseReason::Hold | PauseReason::Consult) {
            let detail = "card_data, credentials or other; hold and consult come by themselves";
            return Err(problems::FIELD_INVALID.at("reason", detail));
        }
        if !ASKED_S.contains(&at_most_s) {
            let detail = format!("must be {} to {}", ASKED_S.start(), ASKED_S.end());
            return Err(problems::FIELD_INVALID.at("at_most_s", detail));
        }
        let now = self.now();
        let at_most = Duration::from_secs(at_most_s.into());
        let until = now + at_most;
        let Some(live) = self.calls.get_mut(&id) else { return Ok(()) };
        if live.recording.is_none() || live.call.recording() == RecordingState::Failed {
            return Err(problems::NOT_NOW.with("nothing is being recorded"));
        }
        // The same pause for longer, or another one in its place.
        let same =
            live.call.asked_pause().filter(|asked| asked.pause.reason == reason && asked.by == Some(by));
        let since = same.map_or(now, |asked| asked.pause.since);
        let pause = RecordingPause { reason, since, until: Some(until) };
        live.call.ask_pause(Some(WantedPause { pause, by: Some(by), at_most }));
        info!(call = %id, %by, reason = code(reason), at_most_s, "recording shall pause");
        self.set_timer(until, Timer::PauseOver { call: id, until });
        self.settle_pause(id, false);
        Ok(())
    }

    /// What must not be stored is over.
    pub(super) fn resume_recording(&mut self, person: Person) -> Result<(), Problem> {
        let (id, by) = self.may_pause(person)?;
        let Some(live) = self.calls.get_mut(&id) else { return Ok(()) };
        if live.call.asked_pause().is_none() {
            let why = match live.call.wanted_pause().map(|wanted| wanted.pause.reason) {
                Some(PauseReason::Hold) => "the recording goes on when the buyer is taken back",
                Some(_) => "the recording goes on when the consult is over",
                None => "the recording is not paused",
            };
            return Err(problems::NOT_NOW.with(why));
        }
        live.call.ask_pause(None);
        info!(call = %id, %by, "recording shall go on");
        self.settle_pause(id, false);
        Ok(())
    }

    fn may_pause(&self, person: Person) -> Result<(CallId, UserId), Problem> {
        let id = self.seated(person, Action::PauseRecording)?;
        match person {
            Person::Staff(user) => Ok((id, user)),
            Person::Buyer(_) => Err(problems::NOT_ALLOWED.with("only staff pause a recording")),
        }
    }

    /// Nobody has ended a pause in its time.
    pub(super) fn pause_over(&mut self, id: CallId, until: Timestamp) {
        let Some(live) = self.calls.get_mut(&id) else { return };
        if live.call.asked_pause().and_then(|asked| asked.pause.until) != Some(until) {
            return;
        }
        live.call.ask_pause(None);
        info!(call = %id, "the pause has had its time");
        self.settle_pause(id, true);
    }

    /// Tells the recorder, if it runs, whether there is a reason to store nothing right now.
    pub(super) fn settle_pause(&mut self, id: CallId, timed_out: bool) {
        let Some(live) = self.calls.get(&id) else { return };
        let Some(recording) = &live.recording else { return };
        recording.want(live.call.wanted_pause().map_or(Wanted::Media { timed_out }, Wanted::Pause));
    }
}
