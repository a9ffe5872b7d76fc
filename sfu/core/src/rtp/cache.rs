//! The recent packets of a track, kept to answer NACKs of all its subscribers.

use std::time::{Duration, Instant};

/// A ring of recent packets, found by sequence number.
///
/// One slot a sequence number modulo the capacity; its buffer is re-used, so a warm cache does not allocate. The cost of
/// a full cache is capacity × packet size: 512 × 1200 bytes are 600 kB a video track.
#[derive(Debug)]
pub struct PacketCache {
    slots: Vec<Slot>,
    max_age: Duration,
}

#[derive(Debug)]
struct Slot {
    /// `None` while nothing was stored here.
    stored: Option<(u64, Instant)>,
    bytes: Vec<u8>,
}

/// The largest packet kept. What comes from the network fits one datagram; anything larger is not media of browsers.
pub const MAX_PACKET_BYTES: usize = 2048;

impl PacketCache {
    /// A cache for the last `capacity` sequence numbers (rounded up to a power of two, at most 65536), none of them
    /// older than `max_age`.
    pub fn new(capacity: usize, max_age: Duration) -> Self {
        let capacity = capacity.clamp(1, 1 << 16).next_power_of_two();
        let slots = std::iter::repeat_with(|| Slot { stored: None, bytes: Vec::new() });
        Self { slots: slots.take(capacity).collect(), max_age }
    }

    /// Keeps a packet; `false` if it is too large, or so late that a newer one has its place.
    pub fn insert(&mut self, sequence: u64, bytes: &[u8], now: Instant) -> bool {
        let Some(slot) = self.slot_mut(sequence) else { return false };
        if bytes.len() > MAX_PACKET_BYTES || slot.stored.is_some_and(|(newer, _)| newer > sequence) {
            return false;
        }
        slot.stored = Some((sequence, now));
        slot.bytes.clear();
        slot.bytes.reserve_exact(room(bytes.len()));
        slot.bytes.extend_from_slice(bytes);
        true
    }

    /// A packet, if it is still here and young enough to be of use.
    pub fn get(&self, sequence: u64, now: Instant) -> Option<&[u8]> {
        let slot = self.slots.get(self.place(sequence))?;
        let (stored, at) = slot.stored?;
        let fresh = now.saturating_duration_since(at) <= self.max_age;
        (stored == sequence && fresh).then_some(&slot.bytes)
    }

    /// Whether a packet was here, or should have been, and is gone for good: too old, or overtaken. One that has not come
    /// yet is not gone.
    pub fn is_gone(&self, sequence: u64, now: Instant) -> bool {
        let stored = self.slots.get(self.place(sequence)).and_then(|slot| slot.stored);
        stored.is_some_and(|(stored, at)| {
            let aged = now.saturating_duration_since(at) > self.max_age;
            stored > sequence || (stored == sequence && aged)
        })
    }

    /// Forgets everything, keeping the buffers (a new stream with unrelated sequence numbers).
    pub fn clear(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.stored = None);
    }

    fn place(&self, sequence: u64) -> usize {
        // The length is a power of two.
        sequence as usize & (self.slots.len() - 1)
    }

    fn slot_mut(&mut self, sequence: u64) -> Option<&mut Slot> {
        let place = self.place(sequence);
        self.slots.get_mut(place)
    }
}

/// The room a packet's buffer is given, so that the next ones in its place most likely fit, too: browsers fill up to 1200
/// bytes and a header.
fn room(length: usize) -> usize {
    match length {
        0..=512 => length.next_multiple_of(128),
        513..=1280 => 1280,
        _ => MAX_PACKET_BYTES,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_has_not_come_yet_is_not_gone() {
        let start = Instant::now();
        let mut cache = PacketCache::new(4, Duration::from_secs(1));
        assert!(!cache.is_gone(7, start));
        cache.insert(7, b"seven", start);
        assert!(!cache.is_gone(7, start + Duration::from_secs(1)));
        assert!(cache.is_gone(7, start + Duration::from_millis(1001)), "too old");
        assert!(cache.is_gone(3, start), "overtaken");
        assert!(!cache.is_gone(11, start), "still to come");
    }

    #[test]
    fn a_packet_is_found_until_it_is_too_old_or_overtaken() {
        let start = Instant::now();
        let mut cache = PacketCache::new(4, Duration::from_secs(1));
        assert!(cache.insert(10, b"ten", start));
        assert_eq!(cache.get(10, start + Duration::from_millis(999)), Some(&b"ten"[..]));
        assert_eq!(cache.get(10, start + Duration::from_millis(1001)), None, "too old");
        assert_eq!(cache.get(14, start), None, "same place, other packet");
        assert!(cache.insert(14, b"fourteen", start));
        assert_eq!(cache.get(10, start), None, "overtaken");
        assert!(!cache.insert(10, b"ten", start), "a late packet does not push out a newer one");
        cache.clear();
        assert_eq!(cache.get(14, start), None);
        assert!(cache.insert(10, b"ten", start));
    }

    #[test]
    fn oversized_packets_are_not_kept() {
        let now = Instant::now();
        let mut cache = PacketCache::new(4, Duration::from_secs(1));
        assert!(!cache.insert(1, &[0; MAX_PACKET_BYTES + 1], now));
        assert!(cache.insert(1, &[0; MAX_PACKET_BYTES], now));
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_was_stored(
            sequences in prop::collection::vec(65_000..66_500u64, 1..400),
            capacity in 1..300usize,
        ) {
            let now = Instant::now();
            let mut cache = PacketCache::new(capacity, Duration::from_secs(1));
            let mut stored = HashMap::new();
            for (step, sequence) in sequences.into_iter().enumerate() {
                let bytes = [sequence.to_be_bytes(), step.to_be_bytes()].concat();
                if cache.insert(sequence, &bytes, now) {
                    prop_assert_eq!(cache.get(sequence, now), Some(&bytes[..]), "just stored");
                    stored.insert(sequence, bytes);
                }
            }
            let mut found = 0;
            for (sequence, bytes) in &stored {
                if let Some(got) = cache.get(*sequence, now) {
                    prop_assert_eq!(got, &bytes[..]);
                    found += 1;
                }
            }
            prop_assert!(found >= 1 && found <= capacity.next_power_of_two());
        }
    }
}
