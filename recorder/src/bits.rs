//! A bit reader for codec headers: most significant bit first, `None` past the end.

/// Reads bits from the front of a slice.
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> BitReader<'a> {
    /// Starts at the first bit.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// The next bit as a flag.
    pub(crate) fn flag(&mut self) -> Option<bool> {
        let byte = *self.bytes.get(self.position / 8)?;
        let bit = byte >> (7 - self.position % 8) & 1;
        self.position += 1;
        Some(bit == 1)
    }

    /// The next `count` bits (at most 32) as a number.
    pub(crate) fn bits(&mut self, count: u32) -> Option<u32> {
        debug_assert!(count <= 32);
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | u32::from(self.flag()?);
        }
        Some(value)
    }

    /// Passes over `count` bits.
    pub(crate) fn skip(&mut self, count: usize) -> Option<()> {
        self.position += count;
        (self.position <= self.bytes.len() * 8).then_some(())
    }

    /// Unsigned Exp-Golomb code: `ue(v)` of H.264 §9.1 and `uvlc()` of AV1 §4.10.3, which agree up to 31 leading zeros.
    pub(crate) fn exp_golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let rest = self.bits(zeros)?;
        Some((1_u32 << zeros) - 1 + rest)
    }
}

/// Reads a little-endian base-128 number (AV1 §4.10.5) and says how many bytes it took.
pub(crate) fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0_u64;
    for (i, byte) in bytes.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, i + 1));
        }
    }
    None
}

/// Appends a little-endian base-128 number.
pub(crate) fn put_leb128(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_most_significant_first_and_end_with_none() {
        let mut reader = BitReader::new(&[0b1010_0000, 0xff]);
        assert_eq!(reader.bits(3), Some(0b101));
        assert_eq!(reader.skip(5), Some(()));
        assert_eq!(reader.bits(8), Some(0xff));
        assert_eq!(reader.flag(), None);
    }

    #[test]
    fn exp_golomb_codes_follow_the_table_of_h264() {
        // 1, 010, 011, 00100 → 0, 1, 2, 3 (table 9-2)
        let mut reader = BitReader::new(&[0b1010_0110, 0b0100_0000]);
        assert_eq!([(); 4].map(|()| reader.exp_golomb()), [Some(0), Some(1), Some(2), Some(3)]);
        assert_eq!(BitReader::new(&[0; 9]).exp_golomb(), None, "a run of zeros is not a number");
    }

    #[test]
    fn leb128_goes_there_and_back() {
        for value in [0, 1, 127, 128, 300, 1 << 20] {
            let mut bytes = Vec::new();
            put_leb128(&mut bytes, value);
            assert_eq!(leb128(&bytes), Some((value, bytes.len())));
        }
        assert_eq!(leb128(&[0x80, 0x80]), None);
    }
}
