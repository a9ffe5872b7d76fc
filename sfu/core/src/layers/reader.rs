//! What the frames of one encoding are part of, from whatever its packets say: the dependency descriptor, the payload
//! descriptor of VP8 or VP9, or nothing at all.

use std::sync::LazyLock;

use super::selector::Frame;
use crate::media::Codec;
use crate::rtp::dependency::{Dependencies, Descriptor, Layer, Structure};
use crate::rtp::keyframe::is_keyframe;
use crate::rtp::picture::{PictureFields, PictureIds};
use crate::rtp::resolution::{self, Size};
use crate::rtp::sequence::SequenceExtender;
use crate::rtp::{vp8, vp9};

/// The decode targets of streams without dependency descriptors.
static GRID: LazyLock<Structure> = LazyLock::new(Structure::grid);

/// Spatial layers whose sizes are kept.
const SIZES: usize = 4;

/// What a packet says of layers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LayerInfo {
    /// Nothing: the encoding has one layer as far as we can see.
    Plain,
    /// Something that cannot be understood without a packet that is missing.
    Unknown,
    /// Which frame it is part of.
    Frame(Frame),
}

/// A packet, read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading<'a> {
    /// The frame.
    pub layers: LayerInfo,
    /// The packet is the first of a keyframe: a decoder can start here.
    pub keyframe: bool,
    /// The dependency descriptor, if the packet has one that can be understood.
    pub descriptor: Option<(&'a [u8], Descriptor)>,
    /// Counters in the payload.
    pub fields: PictureFields,
}

/// See the module.
#[derive(Default)]
pub struct Reader {
    structure: Option<Box<Structure>>,
    /// Targets of the structure that are being produced.
    active: u32,
    /// Dependency descriptors have been seen: they are what the layers are told by.
    described: bool,
    frame_numbers: SequenceExtender,
    payload: PayloadState,
    sizes: [Option<Size>; SIZES],
}

/// What has to be remembered to number frames by picture ids.
#[derive(Clone, Copy, Default)]
struct PayloadState {
    ids: PictureIds,
    /// VP9: picture `first_picture` is frame `first_number`, and each picture has `layers` numbers.
    first_picture: u64,
    first_number: u64,
    layers: u64,
    highest_number: u64,
    group: Option<vp9::Scalability>,
    /// Highest spatial layer.
    top_spatial: u8,
    /// Numbers of the last two frames of each temporal layer, by spatial layer (VP8 has one).
    last: [[[Option<u64>; 2]; 4]; 8],
}

impl Reader {
    /// The stream starts anew, with unrelated numbers.
    pub fn restart(&mut self) {
        *self = Self { structure: self.structure.take(), ..Self::default() };
    }

    /// The decode targets that [`Frame`]s of this reader speak of.
    pub fn structure(&self) -> &Structure {
        self.known().unwrap_or(&GRID)
    }

    /// The decode targets that are being produced, a bit each.
    pub fn active(&self) -> u32 {
        if self.described { self.active } else { self.payload.active() }
    }

    /// Size of the picture of a spatial layer, when the stream told.
    pub fn size(&self, spatial: u8) -> Option<Size> {
        self.sizes.get(usize::from(spatial)).copied().flatten()
    }

    /// Takes in a packet that has just arrived.
    pub fn read<'a>(&mut self, codec: Codec, payload: &[u8], descriptor: Option<&'a [u8]>) -> Reading<'a> {
        self.note(codec, payload, descriptor);
        let reading = self.examine(codec, payload, descriptor);
        if reading.keyframe {
            self.note_sizes(codec, payload);
        }
        reading
    }

    /// Reads a packet that was taken in before.
    pub fn examine<'a>(&self, codec: Codec, payload: &[u8], descriptor: Option<&'a [u8]>) -> Reading<'a> {
        let mut reading = Reading {
            layers: LayerInfo::Plain,
            keyframe: is_keyframe(codec, payload),
            descriptor: None,
            fields: PictureFields::default(),
        };
        match codec {
            Codec::Opus => {}
            // Its payload tells all there is, and from every sender.
            Codec::Vp8 => {
                if let Some(read) = vp8::Descriptor::parse(payload) {
                    reading.fields = read.fields;
                    reading.layers = self.vp8_frame(&read, reading.keyframe);
                }
            }
            Codec::Vp9 => {
                if let Some(read) = vp9::Descriptor::parse(payload) {
                    reading.fields = read.fields;
                    if descriptor.is_none() {
                        reading.layers = self.vp9_frame(&read);
                    }
                }
                self.describe(descriptor, &mut reading);
            }
            Codec::H264 | Codec::Av1 => self.describe(descriptor, &mut reading),
        }
        reading
    }

    fn known(&self) -> Option<&Structure> {
        self.structure.as_deref().filter(|_| self.described)
    }

    fn describe<'a>(&self, descriptor: Option<&'a [u8]>, reading: &mut Reading<'a>) {
        let Some(value) = descriptor else { return };
        reading.layers = LayerInfo::Unknown;
        reading.keyframe = false;
        let Some((read, _)) = Descriptor::examine(value, self.known()) else { return };
        let Some(number) = self.frame_numbers.nearest(read.mandatory.frame_number) else { return };
        let key = read.has_structure && read.dependencies.references().is_empty();
        reading.keyframe = key && read.mandatory.starts_frame;
        reading.descriptor = Some((value, read));
        reading.layers = LayerInfo::Frame(Frame {
            number,
            dependencies: read.dependencies,
            key,
            ends: read.mandatory.ends_frame,
            active: self.active,
        });
    }

    fn note(&mut self, codec: Codec, payload: &[u8], descriptor: Option<&[u8]>) {
        match (codec, descriptor) {
            (Codec::Vp8, _) => {
                if let Some(read) = vp8::Descriptor::parse(payload) {
                    self.payload.note_vp8(&read);
                }
            }
            (Codec::Vp9, None) => {
                if let Some(read) = vp9::Descriptor::parse(payload) {
                    self.payload.note_vp9(&read);
                }
            }
            (Codec::Vp9 | Codec::H264 | Codec::Av1, Some(value)) => self.note_descriptor(value),
            _ => {}
        }
    }

    fn note_descriptor(&mut self, value: &[u8]) {
        // A structure older than the present one is a packet that was late.
        let Some((read, brought)) = Descriptor::examine(value, self.known()) else { return };
        let before = self.frame_numbers.highest();
        let number = self.frame_numbers.extend(read.mandatory.frame_number);
        if before.is_some_and(|before| number < before) {
            return;
        }
        if let Some(brought) = brought {
            match &mut self.structure {
                Some(place) => **place = brought,
                None => self.structure = Some(Box::new(brought)),
            }
            self.described = true;
        }
        if let Some(active) = read.active {
            self.active = active;
        }
    }

    fn note_sizes(&mut self, codec: Codec, payload: &[u8]) {
        if self.described
            && let Some(structure) = &self.structure
        {
            for (spatial, size) in (0u8..).zip(&mut self.sizes) {
                *size = structure.size(spatial).or(*size);
            }
        }
        if let Some(group) = self.payload.group {
            for (known, told) in self.sizes.iter_mut().zip(group.sizes) {
                *known = Some(told).filter(|size| *size != (0, 0)).or(*known);
            }
        } else if let Some(size) = resolution::of_keyframe(codec, payload)
            && self.structure().size(0).is_none()
        {
            self.sizes[0] = Some(size);
        }
    }

    fn vp8_frame(&self, read: &vp8::Descriptor, key: bool) -> LayerInfo {
        let (Some(id), Some(temporal)) = (read.fields.picture_id, read.temporal) else {
            return LayerInfo::Plain;
        };
        let state = &self.payload;
        let Some(number) = state.ids.nearest(id) else { return LayerInfo::Plain };
        let layer = Layer { spatial: 0, temporal };
        let mut dependencies = Dependencies::of(layer);
        let active = state.active();
        for target in temporal..4 {
            dependencies.present |= 1 << target;
        }
        dependencies.present &= active;
        if key {
            dependencies.switch = dependencies.present;
        } else {
            if temporal == 0 || read.syncs {
                dependencies.switch = (1 << temporal) & dependencies.present;
            }
            // What exactly is referred to is not said. The last frame of every layer that may be: a sync frame needs
            // the base layer only, but for going on from it the layers in between must be whole too.
            let own = if read.syncs { temporal } else { temporal + 1 };
            state.refer_to_last(&mut dependencies, number, 0, own.max(1));
        }
        if read.is_discardable() {
            dependencies.discardable = dependencies.present;
        }
        LayerInfo::Frame(Frame { number, dependencies, key, ends: false, active })
    }

    fn vp9_frame(&self, read: &vp9::Descriptor) -> LayerInfo {
        let Some(id) = read.fields.picture_id.filter(|_| read.layered) else { return LayerInfo::Plain };
        let state = &self.payload;
        let picture = state.ids.nearest(id);
        let Some(number) = picture.and_then(|picture| state.vp9_number(picture, read.spatial)) else {
            return LayerInfo::Unknown;
        };
        let layer = Layer { spatial: read.spatial, temporal: read.temporal.min(3) };
        let mut dependencies = Dependencies::of(layer);
        let active = state.active();
        let (spatial, temporal) = (layer.spatial, layer.temporal);
        for target in GRID.targets().iter().filter(|it| it.temporal >= temporal) {
            let bit = 1 << Structure::grid_target(*target);
            if target.spatial == spatial {
                dependencies.present |= bit;
                // As libwebrtc indicates it for the same streams.
                match temporal {
                    0 => dependencies.switch |= bit,
                    _ if target.temporal == temporal => {
                        dependencies.switch |= bit;
                        dependencies.discardable |= bit;
                    }
                    _ => {}
                }
            } else if target.spatial > spatial && !read.not_for_upper_layers {
                dependencies.present |= bit;
                if !read.inter_picture {
                    dependencies.switch |= bit;
                }
            }
        }
        dependencies.present &= active;
        dependencies.switch &= active;
        dependencies.discardable &= active;
        if read.inter_layer {
            refer(&mut dependencies, number, number.wrapping_sub(1));
        }
        if read.inter_picture {
            let listed = if read.flexible { Some(read.references) } else { state.group_references(id.value) };
            match listed {
                Some(back) => {
                    for back in back.into_iter().filter(|back| *back != 0) {
                        let back = u64::from(back) * state.layers.max(1);
                        refer(&mut dependencies, number, number.wrapping_sub(back));
                    }
                }
                None => {
                    state.refer_to_last(&mut dependencies, number, spatial, temporal + 1);
                }
            }
        }
        let key = !read.inter_picture && spatial == 0;
        LayerInfo::Frame(Frame { number, dependencies, key, ends: read.ends_frame, active })
    }
}

/// Adds a reference by number; what lies ahead is none, and what lies too far back cannot be had.
fn refer(dependencies: &mut Dependencies, number: u64, to: u64) {
    if let Some(back) = number.checked_sub(to).filter(|back| *back > 0) {
        // More references than there is room for do not come out of four layers.
        let _ = dependencies.refer(back.min(u64::from(u16::MAX)) as u16);
    }
}

impl PayloadState {
    /// Refers to the last frame before `number` of each of the lowest `count` temporal layers.
    fn refer_to_last(&self, dependencies: &mut Dependencies, number: u64, spatial: u8, count: u8) {
        for [last, before] in self.last[usize::from(spatial & 7)].iter().take(count.into()) {
            let earlier = [last, before].into_iter().flatten().find(|it| **it < number);
            if let Some(earlier) = earlier {
                refer(dependencies, number, *earlier);
            }
        }
    }

    /// Targets of the grid up to the highest spatial layer. How many temporal layers there are is not said; a target
    /// with more of them than there are is one with all.
    fn active(&self) -> u32 {
        u32::MAX >> (28 - 4 * self.top_spatial.min(7))
    }

    fn note_vp8(&mut self, read: &vp8::Descriptor) {
        let Some((id, temporal)) = read.fields.picture_id.zip(read.temporal) else { return };
        let number = self.ids.extend(id);
        self.highest_number = self.highest_number.max(number);
        self.remember(0, temporal, number);
    }

    fn note_vp9(&mut self, read: &vp9::Descriptor) {
        let Some(id) = read.fields.picture_id.filter(|_| read.layered) else { return };
        let picture = self.ids.extend(id);
        let newest = self.vp9_number(picture, 0).is_none_or(|number| number > self.highest_number);
        if let Some(structure) = read.structure
            && newest
            && read.starts_keyframe()
        {
            self.group = Some(structure);
            self.top_spatial = structure.spatial_layers - 1;
        }
        if newest && read.starts_keyframe() {
            self.first_picture = picture;
            self.first_number = self.highest_number + 1;
            self.layers = self.group.map_or(1, |group| u64::from(group.spatial_layers));
            self.last = Default::default();
        }
        if let Some(number) = self.vp9_number(picture, read.spatial) {
            self.highest_number = self.highest_number.max(number);
            self.remember(read.spatial, read.temporal, number);
        }
    }

    fn remember(&mut self, spatial: u8, temporal: u8, number: u64) {
        let [last, before] = &mut self.last[usize::from(spatial & 7)][usize::from(temporal & 3)];
        if last.is_none_or(|last| number > last) {
            *before = last.replace(number);
        }
    }

    fn vp9_number(&self, picture: u64, spatial: u8) -> Option<u64> {
        let since = picture.checked_sub(self.first_picture)?;
        (self.layers > u64::from(spatial))
            .then(|| self.first_number + since * self.layers + u64::from(spatial))
    }

    fn group_references(&self, picture_id: u16) -> Option<[u8; 3]> {
        let group = self.group.filter(|group| group.group_len > 0)?;
        let first = self.first_picture as u16;
        let since = picture_id.wrapping_sub(first) & 0x7fff;
        group.group.get(usize::from(since % u16::from(group.group_len))).map(|picture| picture.references)
    }
}
