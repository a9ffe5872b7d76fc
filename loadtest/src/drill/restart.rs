//! The server ends during recorded calls: killed, or asked to.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use protocol::ids::{CallId, RecordingId};
use protocol::rest::{Page, Ticket};
use tokio::time::sleep;

use super::Cast;
use super::marks::Verdict;
use super::people::{self, Plan};
use super::stage::{Seen, ms};
use crate::caller::rest::{Cookie, Rest};
use crate::recordings;

/// Media of a call that may be missing at its end.
pub(super) const LOST_MAX: Duration = Duration::from_secs(2);
/// The server takes calls again after this time.
const READY_MS: f64 = 5_000.0;
/// Files are put in order by then.
pub(super) const ORDER_MAX: Duration = Duration::from_secs(30);
const APART: Duration = Duration::from_millis(150);
/// So many recordings are decoded, for that takes longer than anything else here.
const DECODED_MAX: usize = 8;

impl Cast<'_> {
    pub(super) async fn restart(&mut self, verdict: &mut Verdict, crash: bool) -> Result<()> {
        let rooms = self.options.rooms();
        self.progress.show("calls begin");
        let all = self.stage.calls_begin(&mut self.people, rooms, APART).await;
        ensure!(all, "not all calls began: {}", self.stage.ledger().errors_told());
        self.pass(self.options.duration(), "recorded calls").await;
        let before: HashMap<CallId, Seen> = self.stage.ledger().calls.clone();
        let ended = Instant::now();
        if crash {
            self.server.kill().await?;
        } else {
            let orderly = self.server.terminate().await?;
            verdict.holds(
                "the server ends in order",
                "exit status 0",
                if orderly { "0" } else { "another" },
                orderly,
            );
            verdict.note(format!("it took {:.0} ms to end", ms(ended.elapsed())));
        }
        let started = Instant::now();
        self.server.launch().await?;
        verdict.within("from the start to taking calls", READY_MS, Some(ms(started.elapsed())));
        // Agents' consoles come back by themselves; then a new wave of buyers is served.
        self.progress.show("a new wave of buyers");
        let plan = Plan { talk: Some(Duration::from_secs(2)), ..Plan::default() };
        let content = self.stage.ledger().content;
        for _ in 0..rooms {
            self.people.spawn(people::buyer(self.stage.clone(), plan));
            sleep(APART).await;
        }
        let served = |stage: &super::Stage| stage.ledger().content >= content + rooms;
        self.stage.until(Duration::from_secs(60), served).await;
        let after = self.stage.ledger().content - content;
        verdict.equals("calls that the same agents take afterwards", rooms, after);
        self.tickets(verdict, &before, |_| Some(ended)).await?;
        let (_, ledger) = self.close().await?;
        let told = ledger.ends.iter().map(|(reason, count)| format!("{count} × {reason}"));
        verdict.note(format!("calls ended: {}", told.collect::<Vec<_>>().join(", ")));
        let errors = ledger.errors_told();
        verdict.holds("errors", "none", if errors.is_empty() { "none" } else { &errors }, errors.is_empty());
        Ok(())
    }

    /// Every call has its ticket, and its recording is complete but for [`LOST_MAX`]. `until`: when a call's media ended.
    pub(super) async fn tickets(
        &self,
        verdict: &mut Verdict,
        calls: &HashMap<CallId, Seen>,
        until: impl Fn(&Seen) -> Option<Instant>,
    ) -> Result<()> {
        self.progress.show("tickets and recordings are looked at");
        let (rest, cookie) = self.stage.supervisor().await?;
        let recorded: Vec<_> = calls.iter().filter(|(_, seen)| seen.recorded).collect();
        verdict.equals("calls whose buyers were told that they are recorded", calls.len(), recorded.len());
        let end = Instant::now() + ORDER_MAX;
        loop {
            let page: Page<Ticket> = rest.get(&cookie, "/tickets?limit=100").await?;
            let tickets: HashMap<CallId, &Ticket> = page.items.iter().map(|it| (it.call.id, it)).collect();
            let (mut found, mut complete, mut longest) = (0, 0, Duration::ZERO);
            for (id, seen) in &recorded {
                let Some(ticket) = tickets.get(id) else { continue };
                found += 1;
                let Some(recording) = ticket.recording.as_ref().filter(|it| it.complete) else { continue };
                complete += 1;
                let from = seen.agent.zip(seen.buyer).map(|(one, other)| one.max(other));
                let talked = until(seen).zip(from).map(|(to, from)| to.saturating_duration_since(from));
                let kept = Duration::from_millis(recording.duration_ms.into());
                longest = longest.max(talked.unwrap_or_default().saturating_sub(kept));
            }
            if (found == recorded.len() && complete == recorded.len()) || Instant::now() > end {
                verdict.equals("recorded calls with a ticket", recorded.len(), found);
                verdict.equals("recordings that are complete and linked", recorded.len(), complete);
                let (wanted, got) =
                    (format!("≤ {} ms", LOST_MAX.as_millis()), format!("{:.0} ms", ms(longest)));
                verdict.holds("longest end of a call that is not recorded", wanted, got, longest <= LOST_MAX);
                let kept = recorded.iter().filter_map(|(id, _)| tickets.get(id)?.recording.as_ref());
                let kept: Vec<_> = kept.filter(|it| it.complete).map(|it| it.id).collect();
                return self.decodes(verdict, &rest, &cookie, &kept[..kept.len().min(DECODED_MAX)]).await;
            }
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// What was recorded of the cameras can be decoded.
    async fn decodes(
        &self,
        verdict: &mut Verdict,
        rest: &Rest,
        cookie: &Cookie,
        kept: &[RecordingId],
    ) -> Result<()> {
        if !recordings::decoder_is_here().await {
            verdict
                .note("ffmpeg is not installed: whether recorded pictures decode was not looked at".into());
            return Ok(());
        }
        let (mut tracks, mut pictures) = (0, 0);
        let mut broken = Vec::new();
        for (number, id) in kept.iter().enumerate() {
            self.progress.show(&format!("recordings are decoded: {number} of {}", kept.len()));
            for (track, media) in recordings::cameras(rest, cookie, *id).await? {
                tracks += 1;
                match recordings::decode(&media).await {
                    Ok(hashes) if hashes.is_empty() => broken.push(format!("{id} {}: no picture", track.id)),
                    Ok(hashes) => pictures += hashes.len(),
                    Err(error) => broken.push(format!("{id} {}: {error:#}", track.id)),
                }
            }
        }
        let name = format!("cameras of {} recordings that decode", kept.len());
        verdict.equals(&name, 2 * kept.len(), tracks - broken.len());
        verdict.note(format!("{pictures} recorded pictures were decoded"));
        broken.into_iter().for_each(|it| verdict.note(it));
        Ok(())
    }
}
