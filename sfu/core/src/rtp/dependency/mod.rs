//! The dependency descriptor (AV1 RTP specification, appendix A): which layer a frame is of, what it needs, and for whom
//! it matters. It is codec-agnostic; browsers send it with AV1, VP9 and H.264.
//!
//! ```text
//! |S|E| template id (6) | frame number (16) |                                  mandatory, 3 bytes
//! |T|A|D|F|C|  then, as the flags say:                                         if longer than 3 bytes
//!   T template structure   A active decode targets (1 bit each)
//!   D decode target indications (2 bits each)   F frame differences   C chain differences (8 bits each)
//! ```
//!
//! A *decode target* is a set of frames somebody may want to decode: the layers up to one spatial and one temporal id. A
//! frame's template, from the structure that came with the last keyframe, says for every target whether the frame is
//! part of it. All state is of fixed size.

mod rewrite;
mod structure;
#[cfg(test)]
pub(crate) mod tests;

pub use rewrite::{MAX_DESCRIPTOR_BYTES, rewrite};
pub use structure::{Layer, MAX_SPATIAL, MAX_TARGETS, Structure};

use super::bits::BitReader;

/// Most frames one frame refers to. AV1 and VP9 have at most 7 and 3 references.
pub const MAX_REFERENCES: usize = 8;

/// What a frame needs and who needs it. The masks have one bit a decode target, in the structure's order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Dependencies {
    /// Spatial and temporal id.
    pub layer: Layer,
    /// The frame is part of these decode targets.
    pub present: u32,
    /// From this frame on, these targets are decodable if the frame is.
    pub switch: u32,
    /// No later frame of these targets needs this one.
    pub discardable: u32,
    references: [u16; MAX_REFERENCES],
    count: u8,
}

impl Dependencies {
    /// Of a layer, without references and targets yet.
    pub fn of(layer: Layer) -> Self {
        Self { layer, ..Self::default() }
    }

    /// Adds a reference: how many frame numbers back, 1 to 4096. `None` when there are too many.
    pub fn refer(&mut self, back: u16) -> Option<()> {
        *self.references.get_mut(usize::from(self.count))? = back;
        self.count += 1;
        Some(())
    }

    /// How many frame numbers back each frame is that this one refers to.
    pub fn references(&self) -> &[u16] {
        self.references.get(..usize::from(self.count)).unwrap_or_default()
    }

    fn forget_references(&mut self) {
        self.count = 0;
    }

    fn indicate(&mut self, target: u32, indication: u32) {
        let bit = 1 << target;
        let set = |mask: &mut u32, on: bool| *mask = *mask & !bit | if on { bit } else { 0 };
        set(&mut self.present, indication != 0);
        set(&mut self.discardable, indication == 1);
        set(&mut self.switch, indication == 2);
    }
}

/// The three bytes that every descriptor has. They can be read without a structure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mandatory {
    /// First packet of the frame.
    pub starts_frame: bool,
    /// Last packet of the frame.
    pub ends_frame: bool,
    /// Which template the frame follows, 0–63, before the structure's offset is taken off.
    pub template: u8,
    /// Number of the frame in decode order, wrapping.
    pub frame_number: u16,
}

impl Mandatory {
    /// Reads them; `None` if the value is shorter.
    pub fn read(value: &[u8]) -> Option<Self> {
        let [first, high, low] = *value.first_chunk()?;
        Some(Self {
            starts_frame: first & 0x80 != 0,
            ends_frame: first & 0x40 != 0,
            template: first & 0x3f,
            frame_number: u16::from_be_bytes([high, low]),
        })
    }
}

/// A descriptor, understood.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Descriptor {
    /// The part every descriptor has.
    pub mandatory: Mandatory,
    /// Layer, targets and references of the frame.
    pub dependencies: Dependencies,
    /// A structure came along: the frame begins a coded video sequence.
    pub has_structure: bool,
    /// Which targets the sender produces from here on, when it says so.
    pub active: Option<u32>,
    /// Where the parts stand, for [`rewrite`].
    layout: Layout,
}

/// Bit positions within a descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Layout {
    /// The five flags, as bits; 0 for a short descriptor.
    flags: u8,
    /// Behind the structure, before the bitmask of active targets.
    structure_end: u16,
    /// Behind the bitmask.
    definition: u16,
    /// Behind the last field; what follows is padding.
    end: u16,
    /// Number of decode targets.
    targets: u8,
}

const FLAG_STRUCTURE: u8 = 0b1_0000;
const FLAG_ACTIVE: u8 = 0b0_1000;
const FLAG_INDICATIONS: u8 = 0b0_0100;
const FLAG_REFERENCES: u8 = 0b0_0010;
const FLAG_CHAINS: u8 = 0b0_0001;

/// Bits of the mandatory part, and where the flags end.
const MANDATORY_BITS: usize = 24;
const FLAGS_END: usize = 29;

impl Descriptor {
    /// The bitmask of active decode targets is written out.
    pub fn says_active(&self) -> bool {
        self.layout.flags & FLAG_ACTIVE != 0
    }

    /// Reads a descriptor. `structure` is the last one of the stream and is replaced when the descriptor brings another.
    ///
    /// `None` when it is malformed, when no structure has come yet, or when the template is not of this structure (the
    /// packet that brought a newer one is missing). The structure is then unchanged.
    pub fn read(value: &[u8], structure: &mut Option<Box<Structure>>) -> Option<Self> {
        let (read, brought) = Self::examine(value, structure.as_deref())?;
        if let Some(brought) = brought {
            match structure {
                // The place is kept: a keyframe allocates nothing.
                Some(place) => **place = brought,
                None => *structure = Some(Box::new(brought)),
            }
        }
        Some(read)
    }

    /// The same without replacing anything: the structure that came along is given back.
    pub fn examine(value: &[u8], structure: Option<&Structure>) -> Option<(Self, Option<Structure>)> {
        let mandatory = Mandatory::read(value)?;
        let mut bits = BitReader::new(value);
        bits.seek(MANDATORY_BITS);
        let flags = if value.len() > 3 { bits.bits(5)? as u8 } else { 0 };
        let brought = if flags & FLAG_STRUCTURE != 0 { Some(Structure::read(&mut bits)?) } else { None };
        let has_structure = brought.is_some();
        let current = brought.as_ref().or(structure)?;
        let mut layout = Layout {
            flags,
            structure_end: if value.len() <= 3 { FLAGS_END } else { bits.place() } as u16,
            targets: current.targets().len() as u8,
            ..Layout::default()
        };
        let mut active = has_structure.then_some(current.all_targets());
        if flags & FLAG_ACTIVE != 0 {
            active = Some(bits.bits(u32::from(layout.targets))?);
        }
        layout.definition = bits.place() as u16;
        let mut dependencies = *current.template(mandatory.template)?;
        if flags & FLAG_INDICATIONS != 0 {
            for target in 0..u32::from(layout.targets) {
                dependencies.indicate(target, bits.bits(2)?);
            }
        }
        if flags & FLAG_REFERENCES != 0 {
            dependencies.forget_references();
            loop {
                let size = bits.bits(2)?;
                if size == 0 {
                    break;
                }
                dependencies.refer(bits.bits(4 * size)? as u16 + 1)?;
            }
        }
        if flags & FLAG_CHAINS != 0 {
            bits.skip(8 * usize::from(current.chains()))?;
        }
        layout.end = bits.place() as u16;
        Some((Self { mandatory, dependencies, has_structure, active, layout }, brought))
    }
}
