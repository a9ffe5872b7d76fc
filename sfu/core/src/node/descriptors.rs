//! Dependency descriptors of one slot: frame numbers that go on over a change of source, and the decode targets that
//! this viewer can expect.

use crate::rtp::dependency::{Descriptor, MAX_DESCRIPTOR_BYTES, rewrite};

/// A change of decode targets is said with this many frames, in case the first are lost.
const TOLD_TIMES: u8 = 8;

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FrameNumbers {
    /// Added to the source's frame numbers.
    offset: u16,
    last: Option<u16>,
    switching: bool,
    /// Targets the viewer has been told of, and how many frames still say so.
    told: u32,
    telling: u8,
}

impl FrameNumbers {
    /// The next frame is the first of another source.
    pub(super) fn switch(&mut self) {
        self.switching = true;
    }

    /// Writes a descriptor for the viewer, who gets `targets` of the `active` ones, and gives its length. Only what goes
    /// out for the first time moves the state on.
    pub(super) fn write(
        &mut self,
        value: &[u8],
        read: &Descriptor,
        targets: u32,
        active: u32,
        first_time: bool,
        out: &mut [u8; MAX_DESCRIPTOR_BYTES],
    ) -> usize {
        let source = read.mandatory.frame_number;
        if first_time {
            if std::mem::take(&mut self.switching) {
                self.offset = self.last.map_or(0, |last| last.wrapping_add(1).wrapping_sub(source));
            }
            let number = source.wrapping_add(self.offset);
            if self.last.is_none_or(|last| number.wrapping_sub(last) < 0x8000) {
                self.last = Some(number);
            }
            if read.has_structure {
                // A structure says by itself that all its targets are there.
                (self.told, self.telling) = (targets, 0);
            } else if targets != self.told {
                (self.told, self.telling) = (targets, TOLD_TIMES);
            } else if read.mandatory.starts_frame {
                self.telling = self.telling.saturating_sub(1);
            }
        }
        let says = match read.has_structure {
            true => targets != active || read.says_active(),
            false => self.telling > 0 || read.says_active(),
        };
        let number = source.wrapping_add(self.offset);
        rewrite(value, read, number, says.then_some(targets), out).unwrap_or(0)
    }
}
