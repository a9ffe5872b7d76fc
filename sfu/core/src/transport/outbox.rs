//! What waits to be sent: datagrams one behind the other in one buffer that is used again and again.
//!
//! A packet is written where it will be sent from, and sealed there. The buffer grows to what one round of work needs and
//! keeps that size, so the established packet path allocates nothing.

use crate::path::Path;

/// More than this is given back after a burst (a shutdown with many goodbyes, a stall of the thread).
const KEPT_BYTES: usize = 4 << 20;

/// A datagram to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transmit<'a> {
    /// Where to.
    pub destination: Path,
    /// What.
    pub payload: &'a [u8],
}

/// See the module.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    /// Destination and end of each datagram; it begins where the one before ends.
    datagrams: Vec<(Path, usize)>,
    /// How many [`Self::pop`] has given.
    popped: usize,
}

impl Outbox {
    /// Begins a datagram. Append it to the buffer, then [`commit`](Self::commit) or [`abandon`](Self::abandon) it.
    pub fn begin(&mut self) -> &mut Vec<u8> {
        let start = self.end();
        self.bytes.truncate(start);
        &mut self.bytes
    }

    /// The buffer with the datagram that was begun at its end.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Where the datagram that was begun starts in the buffer.
    pub fn start(&self) -> usize {
        self.end()
    }

    /// The datagram that was begun is whole.
    pub fn commit(&mut self, destination: Path) {
        self.datagrams.push((destination, self.bytes.len()));
    }

    /// The datagram that was begun is not sent after all.
    pub fn abandon(&mut self) {
        let start = self.end();
        self.bytes.truncate(start);
    }

    /// Adds a datagram that is written already.
    pub fn push(&mut self, destination: Path, datagram: &[u8]) {
        self.begin().extend_from_slice(datagram);
        self.commit(destination);
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.datagrams.len() == self.popped
    }

    /// How many datagrams there are, in the order they were written.
    pub fn len(&self) -> usize {
        self.datagrams.len()
    }

    /// A datagram by its number.
    pub fn get(&self, number: usize) -> Option<Transmit<'_>> {
        let (destination, end) = *self.datagrams.get(number)?;
        let start = number.checked_sub(1).and_then(|before| self.datagrams.get(before)).map_or(0, |it| it.1);
        Some(Transmit { destination, payload: self.bytes.get(start..end)? })
    }

    /// The bytes of some datagrams in a row, one behind the other.
    pub fn span(&self, numbers: std::ops::Range<usize>) -> Option<&[u8]> {
        let end = self.datagrams.get(numbers.end.checked_sub(1)?)?.1;
        let start =
            numbers.start.checked_sub(1).and_then(|before| self.datagrams.get(before)).map_or(0, |it| it.1);
        self.bytes.get(start..end)
    }

    /// Everything, in the order it was written.
    pub fn iter(&self) -> impl Iterator<Item = Transmit<'_>> {
        (0..self.len()).filter_map(|number| self.get(number))
    }

    /// All of it has been sent.
    pub fn clear(&mut self) {
        self.popped = 0;
        self.datagrams.clear();
        self.bytes.clear();
        if self.bytes.capacity() > KEPT_BYTES {
            self.bytes.shrink_to(KEPT_BYTES);
        }
    }

    /// The next datagram; after the last one the outbox is empty.
    pub fn pop(&mut self) -> Option<Transmit<'_>> {
        if self.is_empty() {
            self.clear();
            return None;
        }
        self.popped += 1;
        self.get(self.popped - 1)
    }

    fn end(&self) -> usize {
        self.datagrams.last().map_or(0, |(_, end)| *end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(port: u16) -> Path {
        std::net::SocketAddr::from(([192, 0, 2, 1], port)).into()
    }

    #[test]
    fn what_is_written_comes_out_in_order_and_what_is_abandoned_does_not() {
        let mut outbox = Outbox::default();
        outbox.push(addr(1), b"one");
        outbox.begin().extend_from_slice(b"never");
        outbox.abandon();
        outbox.begin().extend_from_slice(b"two");
        assert_eq!(outbox.start(), 3);
        outbox.commit(addr(2));
        outbox.begin().extend_from_slice(b"forgotten");
        outbox.push(addr(1), b"");
        let all: Vec<_> = outbox.iter().map(|it| (it.destination, it.payload.to_vec())).collect();
        assert_eq!(outbox.span(0..2), Some(&b"onetwo"[..]));
        assert_eq!(outbox.span(1..3), Some(&b"two"[..]));
        assert_eq!(outbox.span(1..4), None);
        assert_eq!(all, [(addr(1), b"one".to_vec()), (addr(2), b"two".to_vec()), (addr(1), Vec::new())]);
        for _ in 0..3 {
            assert!(!outbox.is_empty());
            assert!(outbox.pop().is_some());
        }
        assert!(outbox.is_empty());
        assert_eq!(outbox.pop(), None);
        assert_eq!(outbox.len(), 0);
    }

    #[test]
    fn the_room_of_one_round_serves_the_next() {
        let mut outbox = Outbox::default();
        for _ in 0..3 {
            for _ in 0..100 {
                outbox.push(addr(1), &[0; 1200]);
            }
            outbox.clear();
        }
        assert!((120_000..=KEPT_BYTES).contains(&outbox.bytes.capacity()));
        outbox.push(addr(1), &vec![0; 2 * KEPT_BYTES]);
        outbox.clear();
        assert!(outbox.bytes.capacity() <= KEPT_BYTES);
    }
}
