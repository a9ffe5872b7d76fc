//! Keeping picture ids and base layer counters of VP8 and VP9 continuous while sources change behind a slot.

use super::closed::Closed;

/// A counter in a payload descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Field {
    /// Its first byte.
    pub place: u8,
    /// It has two bytes, the first bit set.
    pub long: bool,
    /// What it says.
    pub value: u16,
}

impl Field {
    fn write(&self, value: u16, payload: &mut [u8]) {
        let place = usize::from(self.place);
        if self.long {
            if let Some(bytes) = payload.get_mut(place..place + 2) {
                bytes.copy_from_slice(&(value | 0x8000).to_be_bytes());
            }
        } else if let Some(byte) = payload.get_mut(place) {
            *byte = value as u8;
        }
    }
}

/// The counters of a payload descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PictureFields {
    /// Picture id: 7 or, when long, 15 bits.
    pub picture_id: Option<Field>,
    /// Running index of base layer frames, 8 bits.
    pub tl0: Option<Field>,
}

/// Extends picture ids of 7 or 15 bits to numbers that do not wrap.
#[derive(Clone, Copy, Debug, Default)]
pub struct PictureIds {
    highest: Option<u64>,
}

impl PictureIds {
    /// The number of a picture, remembered if it is the highest. The first is near 2¹⁶.
    pub fn extend(&mut self, field: Field) -> u64 {
        let number = self.nearest(field).unwrap_or((1 << 16) + u64::from(field.value));
        if self.highest.is_none_or(|highest| number > highest) {
            self.highest = Some(number);
        }
        number
    }

    /// The number of a picture; `None` before the first.
    pub fn nearest(&self, field: Field) -> Option<u64> {
        let modulus = if field.long { 1i64 << 15 } else { 1 << 7 };
        let highest = self.highest?;
        let ahead = (i64::from(field.value) - highest as i64).rem_euclid(modulus);
        let distance = if ahead >= modulus / 2 { ahead - modulus } else { ahead };
        highest.checked_add_signed(distance)
    }
}

/// Gives pictures of changing sources the ids of one stream.
///
/// Decoders take a step back in either counter for old or lost frames and stop showing pictures, and those of VP8 wait
/// for a missing picture id: pictures left out on purpose are closed up there ([`leave_out`](Self::leave_out)). VP9
/// pictures name their references by distance, so its gaps have to stay.
#[derive(Clone, Debug, Default)]
pub struct PictureRewriter {
    ids: PictureIds,
    closed: Closed,
    /// Added to the source's numbers.
    id_offset: i64,
    tl0_offset: u8,
    /// Highest numbers sent.
    last_id: Option<u64>,
    last_tl0: Option<u8>,
    /// The next packet sets the offsets anew.
    switching: bool,
}

impl PictureRewriter {
    /// The next packet is the first of another source.
    pub fn switch(&mut self) {
        self.switching = true;
    }

    /// A picture of the current source is not sent, nor will be.
    pub fn leave_out(&mut self, fields: &PictureFields) {
        if !self.switching
            && let Some(id) = fields.picture_id
        {
            let number = self.ids.extend(id);
            // Later pictures went out already: their ids cannot change any more.
            if self.last_source().is_none_or(|last| number > last) {
                self.closed.close(number);
            }
        }
    }

    /// The source's number of the highest picture sent.
    fn last_source(&self) -> Option<u64> {
        let place = self.last_id?.checked_add_signed(-self.id_offset)?;
        self.closed.reopen(place)
    }

    /// Rewrites the counters in the payload, in place; what is absent or cut off stays as it is.
    pub fn rewrite(&mut self, fields: &PictureFields, payload: &mut [u8]) {
        let starting = std::mem::take(&mut self.switching);
        if let Some(id) = fields.picture_id {
            if starting {
                self.ids = PictureIds::default();
                self.closed.clear();
                // The first picture of the new source follows the last one of the old.
                let first = self.ids.extend(id);
                self.id_offset = self.last_id.map_or(0, |last| last as i64 + 1 - first as i64);
            }
            let number = self.ids.extend(id);
            // A picture that was left out and comes all the same keeps its neighbour's place.
            let before = self.closed.before(number).unwrap_or(0) as i64;
            let value = number.saturating_add_signed(self.id_offset - before);
            self.last_id = Some(self.last_id.map_or(value, |last| last.max(value)));
            let bits = if id.long { 0x7fff } else { 0x7f };
            id.write(value as u16 & bits, payload);
        }
        if let Some(tl0) = fields.tl0 {
            if starting && let Some(last) = self.last_tl0 {
                self.tl0_offset = last.wrapping_add(1).wrapping_sub(tl0.value as u8);
            }
            let value = (tl0.value as u8).wrapping_add(self.tl0_offset);
            if self.last_tl0.is_none_or(|last| value.wrapping_sub(last) < 0x80) {
                self.last_tl0 = Some(value);
            }
            tl0.write(value.into(), payload);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Rewrites three bytes: a long picture id, then TL0PICIDX.
    fn rewritten(rewriter: &mut PictureRewriter, id: u16, tl0: u8) -> (u16, u8) {
        let mut payload = [0xff; 3];
        rewriter.rewrite(&fields(id, tl0), &mut payload);
        (u16::from_be_bytes([payload[0] & 0x7f, payload[1]]), payload[2])
    }

    fn fields(id: u16, tl0: u8) -> PictureFields {
        PictureFields {
            picture_id: Some(Field { place: 0, long: true, value: id & 0x7fff }),
            tl0: Some(Field { place: 2, long: false, value: tl0.into() }),
        }
    }

    #[test]
    fn pictures_left_out_leave_no_gap_in_the_ids() {
        let mut it = PictureRewriter::default();
        assert_eq!(rewritten(&mut it, 0x7ffd, 1), (0x7ffd, 1));
        it.leave_out(&fields(0x7ffe, 1));
        it.leave_out(&fields(0x7ffe, 1));
        assert_eq!(rewritten(&mut it, 0x7fff, 1), (0x7ffe, 1));
        it.leave_out(&fields(0, 1));
        assert_eq!(rewritten(&mut it, 1, 2), (0x7fff, 2));
        assert_eq!(rewritten(&mut it, 0x7fff, 1), (0x7ffe, 1), "sent again, the same");
        it.leave_out(&fields(0, 1));
        assert_eq!(rewritten(&mut it, 2, 2), (0, 2), "too late to close a gap twice");
    }

    proptest! {
        #[test]
        fn whatever_is_left_out_and_switched_ids_count_up_by_one(
            sources in prop::collection::vec((any::<u16>(), any::<u8>(), prop::collection::vec(any::<bool>(), 1..60)), 1..10),
        ) {
            let mut it = PictureRewriter::default();
            let mut last: Option<(u16, u8)> = None;
            for (first, tl0, kept) in sources {
                it.switch();
                for (step, kept) in kept.into_iter().enumerate() {
                    let (id, tl0) = (first.wrapping_add(step as u16), tl0.wrapping_add(step as u8 / 2));
                    if !kept && step > 0 {
                        it.leave_out(&fields(id, tl0));
                        continue;
                    }
                    let got = rewritten(&mut it, id, tl0);
                    if let Some(last) = last {
                        prop_assert_eq!(got.0, (last.0 + 1) & 0x7fff);
                        prop_assert!(got.1.wrapping_sub(last.1) < 0x80, "the base layer index never goes back");
                    }
                    last = Some(got);
                }
            }
        }

        #[test]
        fn hostile_counters_never_panic(steps in prop::collection::vec((any::<u16>(), any::<bool>(), 0..4u8), 0..300)) {
            let mut it = PictureRewriter::default();
            for (value, long, what) in steps {
                let value = if long { value & 0x7fff } else { value & 0x7f };
                let fields = PictureFields { picture_id: Some(Field { place: 1, long, value }), tl0: None };
                match what {
                    0 => it.switch(),
                    1 => it.leave_out(&fields),
                    _ => it.rewrite(&fields, &mut [0; 2]),
                }
            }
        }
    }
}
