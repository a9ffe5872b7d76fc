//! Numbers what a person is sent and keeps the last of it, for connections that break.

use std::collections::VecDeque;
use std::sync::Arc;

use protocol::ws::{Resume, ServerFrame, ServerMessage};

/// Messages kept for a resume: several minutes of a lively call.
pub const KEPT_MAX: usize = 256;

/// Bytes kept for a resume. A view of a call can hold a long chat, so counting messages alone is no bound.
pub const KEPT_BYTES_MAX: usize = 1 << 20;

/// A message as it goes over the wire; shared, not copied, between the connection and the memory for a resume.
pub type WireText = Arc<str>;

/// See the [module](self).
#[derive(Debug)]
pub struct Outbox {
    token: String,
    last_seq: u64,
    kept: VecDeque<(u64, WireText)>,
    kept_bytes: usize,
}

impl Outbox {
    /// `token` is what a client must show to resume.
    pub fn new(token: String) -> Self {
        Self { token, last_seq: 0, kept: VecDeque::new(), kept_bytes: 0 }
    }

    /// What a client must show to resume.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Numbers a message and keeps it.
    pub fn push(&mut self, message: ServerMessage) -> WireText {
        self.last_seq += 1;
        let text = wire(self.last_seq, message);
        self.kept_bytes += text.len();
        self.kept.push_back((self.last_seq, text.clone()));
        while self.kept.len() > KEPT_MAX || self.kept_bytes > KEPT_BYTES_MAX {
            let Some((_, dropped)) = self.kept.pop_front() else { break };
            self.kept_bytes -= dropped.len();
        }
        text
    }

    /// Numbers a welcome that starts afresh. What was sent before it cannot be resumed any more.
    pub fn push_welcome(&mut self, welcome: ServerMessage) -> WireText {
        self.last_seq += 1;
        self.kept.clear();
        self.kept_bytes = 0;
        wire(self.last_seq, welcome)
    }

    /// What a returning client has missed, or `None` when the token is another one or too much is gone.
    ///
    /// The welcome before the missed messages must carry the client's own `last_seq` (see [`wire`]): the numbers
    /// then go on from there without a gap.
    pub fn resume(&self, resume: &Resume) -> Option<Vec<WireText>> {
        let first_kept = self.kept.front().map_or(self.last_seq + 1, |(seq, _)| *seq);
        let known = resume.last_seq <= self.last_seq && resume.last_seq.saturating_add(1) >= first_kept;
        (resume.token == self.token && known).then(|| {
            self.kept.iter().filter(|(seq, _)| *seq > resume.last_seq).map(|(_, text)| text.clone()).collect()
        })
    }
}

/// A message with its number as JSON.
pub fn wire(seq: u64, message: ServerMessage) -> WireText {
    let frame = ServerFrame { seq, message };
    // Our own types with string keys and finite numbers always serialise.
    serde_json::to_string(&frame).expect("protocol types are plain JSON").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> ServerMessage {
        ServerMessage::Answer { sdp: text.into() }
    }

    fn seq_of(text: &WireText) -> u64 {
        serde_json::from_str::<ServerFrame>(text).unwrap().seq
    }

    fn resume(last_seq: u64) -> Resume {
        Resume { token: "t".into(), last_seq }
    }

    fn seqs(outbox: &Outbox, last_seq: u64) -> Option<Vec<u64>> {
        Some(outbox.resume(&resume(last_seq))?.iter().map(seq_of).collect())
    }

    #[test]
    fn numbers_go_on_across_connections_and_what_was_missed_is_replayed() {
        let mut outbox = Outbox::new("t".into());
        assert_eq!(seq_of(&outbox.push_welcome(said("welcome"))), 1);
        (0..3).for_each(|n| drop(outbox.push(said(&n.to_string()))));
        assert_eq!(seqs(&outbox, 2), Some(vec![3, 4]));
        assert_eq!(seqs(&outbox, 1), Some(vec![2, 3, 4]));
        assert_eq!(seqs(&outbox, 4), Some(vec![]));
        assert_eq!(seqs(&outbox, 5), None, "numbers from the future are another session's");
        assert_eq!(outbox.resume(&Resume { token: "other".into(), last_seq: 2 }), None);
    }

    #[test]
    fn a_fresh_start_ends_what_can_be_resumed() {
        let mut outbox = Outbox::new("t".into());
        (0..3).for_each(|n| drop(outbox.push(said(&n.to_string()))));
        assert_eq!(seq_of(&outbox.push_welcome(said("welcome"))), 4);
        assert_eq!(seqs(&outbox, 2), None);
        assert_eq!(seqs(&outbox, u64::MAX), None);
    }

    #[test]
    fn memory_is_bounded_by_count_and_by_bytes() {
        let mut outbox = Outbox::new("t".into());
        (0..KEPT_MAX + 10).for_each(|n| drop(outbox.push(said(&n.to_string()))));
        assert_eq!(outbox.kept.len(), KEPT_MAX);
        assert_eq!(seqs(&outbox, 9), None);
        assert_eq!(seqs(&outbox, 10).unwrap().len(), KEPT_MAX);
        (0..40).for_each(|_| drop(outbox.push(said(&"x".repeat(100_000)))));
        assert!(outbox.kept_bytes <= KEPT_BYTES_MAX && outbox.kept.len() < 11);
    }
}
