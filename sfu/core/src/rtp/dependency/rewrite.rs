//! A descriptor as one subscriber gets it: other frame numbers, fewer decode targets.

use super::{Descriptor, FLAG_ACTIVE, FLAGS_END};
use crate::rtp::bits::BitWriter;

/// Room for the longest value of a header extension (RFC 8285 §4.3).
pub const MAX_DESCRIPTOR_BYTES: usize = 255;

/// Writes a descriptor with another frame number into `out` and gives its length.
///
/// Frame differences stay true because all frame numbers move by the same distance. With `active`, the descriptor says
/// which decode targets there are (a bit each, the first target lowest); else it says what the sender said. `None` if
/// it would not fit: the value is then better sent as it is.
pub fn rewrite(
    value: &[u8],
    descriptor: &Descriptor,
    frame_number: u16,
    active: Option<u32>,
    out: &mut [u8; MAX_DESCRIPTOR_BYTES],
) -> Option<usize> {
    let Some(active) = active else {
        out.get_mut(..value.len())?.copy_from_slice(value);
        out[1..3].copy_from_slice(&frame_number.to_be_bytes());
        return Some(value.len());
    };
    let layout = &descriptor.layout;
    let targets = u32::from(layout.targets);
    let mut writer = BitWriter::new(&mut out[..]);
    writer.bits(8, u32::from(*value.first()?))?;
    writer.bits(16, u32::from(frame_number))?;
    writer.bits(5, u32::from(layout.flags | FLAG_ACTIVE))?;
    writer.copy(value, FLAGS_END, layout.structure_end.into())?;
    writer.bits(targets, active)?;
    writer.copy(value, layout.definition.into(), layout.end.into())?;
    Some(writer.len())
}
