//! Taking a fuzzer's bytes apart. What is missing at the end is zero or empty, so every input means something.

/// See the module.
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    pub(crate) fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// Up to this many bytes.
    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Bytes behind their own length (one byte; two from 255 on).
    pub(crate) fn bytes(&mut self) -> &'a [u8] {
        let count = match self.byte() {
            255 => usize::from(self.word()),
            short => usize::from(short),
        };
        self.take(count)
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }
}
