//! Bounded rings between threads that carry bytes without allocating: each buffer goes back for the next packet.

use std::sync::Arc;

use rtrb::{Consumer, Producer, RingBuffer};
use tokio::sync::Notify;

/// Makes the two ends of a ring for `capacity` items.
pub(crate) fn ring<T>(capacity: usize, bell: Arc<Notify>) -> (RingSender<T>, RingReceiver<T>) {
    let (items_in, items_out) = RingBuffer::new(capacity);
    // Every buffer is in one of the two rings or in somebody's hand.
    let (spare_in, spare_out) = RingBuffer::new(capacity + 1);
    (
        RingSender { items: items_in, spare: spare_out, bell, pushed: false },
        RingReceiver { items: items_out, spare: spare_in },
    )
}

/// The end that fills a ring.
pub(crate) struct RingSender<T> {
    items: Producer<(T, Vec<u8>)>,
    spare: Consumer<Vec<u8>>,
    /// Wakes the thread at the other end.
    bell: Arc<Notify>,
    pushed: bool,
}

impl<T> RingSender<T> {
    /// Puts an item in, unless that would leave fewer than `reserve` places free.
    pub(crate) fn push(&mut self, item: T, bytes: &[u8], reserve: usize) -> Result<(), T> {
        if self.items.slots() <= reserve {
            return Err(item);
        }
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(bytes);
        self.items.push((item, buffer)).map_err(|rtrb::PushError::Full((item, _))| item)?;
        self.pushed = true;
        Ok(())
    }

    /// The other end is gone: nobody will take anything out.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.items.is_abandoned()
    }

    /// Wakes the other end if there is anything new: once a batch, because waking is a system call.
    pub(crate) fn ring_bell(&mut self) {
        if std::mem::take(&mut self.pushed) {
            self.bell.notify_one();
        }
    }
}

/// The end that empties a ring.
pub(crate) struct RingReceiver<T> {
    items: Consumer<(T, Vec<u8>)>,
    spare: Producer<Vec<u8>>,
}

impl<T> RingReceiver<T> {
    /// Takes the next item out; false when there is none.
    pub(crate) fn pop(&mut self, take: impl FnOnce(T, &mut [u8])) -> bool {
        let Ok((item, mut buffer)) = self.items.pop() else { return false };
        take(item, &mut buffer);
        // Without room the buffer is freed, which can only happen to one that was in nobody's count.
        let _ = self.spare.push(buffer);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_out_in_order_and_buffers_are_used_again() {
        let (mut sender, mut receiver) = ring::<u32>(4, Arc::default());
        let mut places = std::collections::HashSet::new();
        for round in 0..100u32 {
            for item in 0..3 {
                sender.push(round * 3 + item, &[round as u8; 1200], 0).expect("room");
            }
            for item in 0..3 {
                assert!(receiver.pop(|number, bytes| {
                    assert_eq!((number, &*bytes), (round * 3 + item, &[round as u8; 1200][..]));
                    places.insert(bytes.as_ptr());
                }));
            }
        }
        assert!(!receiver.pop(|_, _| ()));
        assert!(places.len() <= 4, "{} buffers", places.len());
    }

    #[test]
    fn the_reserve_is_for_what_must_not_be_lost() {
        let (mut sender, mut receiver) = ring::<&str>(4, Arc::default());
        for _ in 0..2 {
            sender.push("media", b"x", 2).expect("room");
        }
        assert_eq!(sender.push("media", b"x", 2), Err("media"));
        sender.push("control", b"", 0).expect("room");
        sender.push("control", b"", 0).expect("room");
        assert_eq!(sender.push("control", b"", 0), Err("control"));
        assert!(receiver.pop(|_, _| ()));
        sender.push("control", b"", 0).expect("room again");
    }

    #[test]
    fn two_threads_pass_everything_that_is_not_refused() {
        let (mut sender, mut receiver) = ring::<u64>(8, Arc::default());
        let filler = std::thread::spawn(move || {
            let mut sent = Vec::new();
            for item in 0..20_000u64 {
                if sender.push(item, &item.to_be_bytes(), 0).is_ok() {
                    sent.push(item);
                }
            }
            sent
        });
        let mut got = Vec::new();
        let mut take = |item: u64, bytes: &mut [u8]| {
            assert_eq!(bytes, item.to_be_bytes());
            got.push(item);
        };
        while !filler.is_finished() {
            while receiver.pop(&mut take) {}
        }
        while receiver.pop(&mut take) {}
        assert_eq!(got, filler.join().expect("filled"));
    }
}
