//! Reading and writing fields that do not end at bytes.

/// Reads bits, most significant first, and stops for good at the end of its bytes.
#[derive(Clone, Copy, Debug)]
pub struct BitReader<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl<'a> BitReader<'a> {
    /// From the first bit on.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, place: 0 }
    }

    /// How many bits have been read.
    pub fn place(&self) -> usize {
        self.place
    }

    /// Goes to a bit; reading beyond the end is what fails, not standing there.
    pub fn seek(&mut self, place: usize) {
        self.place = place;
    }

    /// One bit.
    pub fn bit(&mut self) -> Option<bool> {
        let byte = *self.bytes.get(self.place / 8)?;
        let bit = byte >> (7 - self.place % 8) & 1;
        self.place += 1;
        Some(bit == 1)
    }

    /// An unsigned number of `count` bits, at most 32.
    pub fn bits(&mut self, count: u32) -> Option<u32> {
        debug_assert!(count <= 32);
        let mut left = count as usize;
        if self.place + left > self.bytes.len() * 8 {
            return None;
        }
        let mut value = 0u64;
        while left > 0 {
            let byte = *self.bytes.get(self.place / 8)?;
            let unread = 8 - self.place % 8;
            let taken = unread.min(left);
            let piece = u64::from(byte) >> (unread - taken) & ((1 << taken) - 1);
            value = value << taken | piece;
            self.place += taken;
            left -= taken;
        }
        Some(value as u32)
    }

    /// A number below `values` in the shortest fixed code (`ns(n)` of AV1 §4.10.7).
    pub fn below(&mut self, values: u32) -> Option<u32> {
        let width = u32::BITS - values.leading_zeros();
        if width <= 1 {
            return Some(0);
        }
        let short = (1u32 << width).wrapping_sub(values);
        let value = self.bits(width - 1)?;
        if value < short {
            return Some(value);
        }
        Some((value << 1) - short + self.bits(1)?)
    }

    /// An Exp-Golomb number (`ue(v)` of H.264 §9.1).
    pub fn golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some(((1u64 << zeros) - 1) as u32 + self.bits(zeros)?)
    }

    /// Skips bits; `None` when there are not that many.
    pub fn skip(&mut self, count: usize) -> Option<()> {
        let place = self.place.checked_add(count)?;
        if place > self.bytes.len() * 8 {
            return None;
        }
        self.place = place;
        Some(())
    }
}

/// Writes bits, most significant first, into bytes of somebody else.
#[derive(Debug)]
pub struct BitWriter<'a> {
    bytes: &'a mut [u8],
    place: usize,
}

impl<'a> BitWriter<'a> {
    /// From the first bit on; the bytes are cleared as they are reached.
    pub fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, place: 0 }
    }

    /// The low `count` bits of a value; `None` when the bytes are full.
    pub fn bits(&mut self, count: u32, value: u32) -> Option<()> {
        for shift in (0..count).rev() {
            let byte = self.bytes.get_mut(self.place / 8)?;
            if self.place.is_multiple_of(8) {
                *byte = 0;
            }
            *byte |= ((value >> shift & 1) as u8) << (7 - self.place % 8);
            self.place += 1;
        }
        Some(())
    }

    /// Copies bits `from..to` of other bytes; `None` when there is no room or nothing to copy from.
    pub fn copy(&mut self, source: &[u8], from: usize, to: usize) -> Option<()> {
        let mut reader = BitReader::new(source);
        reader.seek(from);
        let mut left = to.checked_sub(from)?;
        while left > 0 {
            let taken = left.min(32) as u32;
            self.bits(taken, reader.bits(taken)?)?;
            left -= taken as usize;
        }
        Some(())
    }

    /// How many bytes are begun; bits of the last one that were not written are 0.
    pub fn len(&self) -> usize {
        self.place.div_ceil(8)
    }

    /// Nothing written yet.
    pub fn is_empty(&self) -> bool {
        self.place == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_cross_bytes_and_end_with_them() {
        let mut bits = BitReader::new(&[0b1010_0110, 0b1111_0000, 0xff]);
        assert_eq!(bits.bits(3), Some(0b101));
        assert_eq!(bits.bits(7), Some(0b001_1011));
        assert_eq!(bits.bit(), Some(true));
        assert_eq!(bits.place(), 11);
        assert_eq!(bits.bits(14), None, "one bit too many");
        assert_eq!(bits.bits(13), Some(0b1_0000_1111_1111));
        assert_eq!(bits.bit(), None);
    }

    #[test]
    fn short_codes_use_one_bit_less_for_the_first_values() {
        // Five values: 00 01 10 110 111.
        let mut bits = BitReader::new(&[0b00_01_10_11, 0b0111_0000]);
        let read: Vec<_> = (0..5).map(|_| bits.below(5)).collect();
        assert_eq!(read, [Some(0), Some(1), Some(2), Some(3), Some(4)]);
        assert_eq!(BitReader::new(&[]).below(1), Some(0), "one value needs no bits");
    }

    #[test]
    fn exp_golomb_numbers_are_read() {
        // 1, 010, 011, 00100
        let mut bits = BitReader::new(&[0b1010_0110, 0b0100_0000]);
        assert_eq!(
            [bits.golomb(), bits.golomb(), bits.golomb(), bits.golomb()],
            [Some(0), Some(1), Some(2), Some(3)]
        );
        assert_eq!(BitReader::new(&[0; 8]).golomb(), None);
    }

    proptest! {
        #[test]
        fn what_is_written_or_copied_is_read_back(fields in prop::collection::vec((1..33u32, any::<u32>()), 1..20)) {
            let cut = |count: u32, value: u32| (u64::from(value) & ((1u64 << count) - 1)) as u32;
            let mut first = [0xff; 80];
            let mut writer = BitWriter::new(&mut first);
            for (count, value) in &fields {
                prop_assert_eq!(writer.bits(*count, *value), Some(()));
            }
            let (place, len) = (writer.place, writer.len());
            // Moved by three bits.
            let mut second = [0xff; 81];
            let mut writer = BitWriter::new(&mut second);
            writer.bits(3, 0b101).unwrap();
            prop_assert_eq!(writer.copy(&first[..len], 0, place), Some(()));
            let mut reader = BitReader::new(&second);
            prop_assert_eq!(reader.bits(3), Some(0b101));
            for (count, value) in fields {
                prop_assert_eq!(reader.bits(count), Some(cut(count, value)));
            }
        }
    }
}
