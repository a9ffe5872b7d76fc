//! The template structure: the decode targets of a stream and the kinds of frames it has.

use super::{BitReader, Dependencies};

/// Spatial and temporal id of a frame, or the highest ones of a decode target.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Layer {
    /// Spatial id, 0 the smallest picture.
    pub spatial: u8,
    /// Temporal id, 0 the lowest frame rate.
    pub temporal: u8,
}

/// Most decode targets of a stream: their count minus one has five bits.
pub const MAX_TARGETS: usize = 32;

/// Most spatial layers whose sizes are kept. WebRTC has three.
pub const MAX_SPATIAL: usize = 4;

/// Most templates: their ids have six bits.
const MAX_TEMPLATES: usize = 64;

/// See the module.
#[derive(Clone, PartialEq, Eq)]
pub struct Structure {
    /// The template id of the first template.
    offset: u8,
    templates: [Dependencies; MAX_TEMPLATES],
    template_count: u8,
    targets: [Layer; MAX_TARGETS],
    target_count: u8,
    chains: u8,
    sizes: Option<[(u16, u16); MAX_SPATIAL]>,
}

impl Structure {
    /// Reads one, behind the flags of a descriptor.
    pub(super) fn read(bits: &mut BitReader<'_>) -> Option<Self> {
        let mut it = Self {
            offset: bits.bits(6)? as u8,
            templates: [Dependencies::default(); MAX_TEMPLATES],
            template_count: 0,
            targets: [Layer::default(); MAX_TARGETS],
            target_count: bits.bits(5)? as u8 + 1,
            chains: 0,
            sizes: None,
        };
        let highest_spatial = it.read_layers(bits)?;
        let targets = it.target_count;
        for template in it.templates.iter_mut().take(it.template_count.into()) {
            for target in 0..u32::from(targets) {
                template.indicate(target, bits.bits(2)?);
            }
        }
        for template in it.templates.iter_mut().take(it.template_count.into()) {
            while bits.bit()? {
                template.refer(bits.bits(4)? as u16 + 1)?;
            }
        }
        it.chains = bits.below(u32::from(targets) + 1)? as u8;
        if it.chains > 0 {
            // Chains tell early that a target is broken. We know what we sent, so they are read past.
            for _ in 0..targets {
                bits.below(u32::from(it.chains))?;
            }
            bits.skip(4 * usize::from(it.chains) * usize::from(it.template_count))?;
        }
        it.name_targets();
        if bits.bit()? {
            let mut sizes = [(0, 0); MAX_SPATIAL];
            for spatial in 0..=usize::from(highest_spatial) {
                let mut side = || bits.bits(16).map(|it| it.saturating_add(1).min(65_535) as u16);
                let size = (side()?, side()?);
                if let Some(known) = sizes.get_mut(spatial) {
                    *known = size;
                }
            }
            it.sizes = Some(sizes);
        }
        Some(it)
    }

    /// The layers of the templates; gives the highest spatial id.
    fn read_layers(&mut self, bits: &mut BitReader<'_>) -> Option<u8> {
        let mut layer = Layer::default();
        loop {
            let template = self.templates.get_mut(usize::from(self.template_count))?;
            *template = Dependencies::of(layer);
            self.template_count += 1;
            match bits.bits(2)? {
                0 => {}
                1 => layer.temporal += 1,
                2 => layer = Layer { spatial: layer.spatial + 1, temporal: 0 },
                _ => return Some(layer.spatial),
            }
        }
    }

    /// A target is as high as its highest frames.
    fn name_targets(&mut self) {
        let templates = &self.templates[..usize::from(self.template_count)];
        for (place, target) in self.targets.iter_mut().enumerate().take(self.target_count.into()) {
            let members = templates.iter().filter(|it| it.present >> place & 1 == 1);
            *target = members.fold(Layer::default(), |highest, it| Layer {
                spatial: highest.spatial.max(it.layer.spatial),
                temporal: highest.temporal.max(it.layer.temporal),
            });
        }
    }

    /// A structure for streams without descriptors: a target for every pair of up to 8 spatial and 4 temporal layers,
    /// as [`grid_target`](Self::grid_target) numbers them, and no templates.
    pub fn grid() -> Self {
        let mut targets = [Layer::default(); MAX_TARGETS];
        for (place, target) in (0u8..).zip(&mut targets) {
            *target = Layer { spatial: place / 4, temporal: place % 4 };
        }
        Self {
            offset: 0,
            templates: [Dependencies::default(); MAX_TEMPLATES],
            template_count: 0,
            targets,
            target_count: MAX_TARGETS as u8,
            chains: 0,
            sizes: None,
        }
    }

    /// Which target of a [`grid`](Self::grid) goes up to a layer.
    pub fn grid_target(layer: Layer) -> u32 {
        u32::from(layer.spatial.min(7)) * 4 + u32::from(layer.temporal.min(3))
    }

    /// The decode targets, by the highest layers they include.
    pub fn targets(&self) -> &[Layer] {
        self.targets.get(..usize::from(self.target_count)).unwrap_or_default()
    }

    /// One bit for every target.
    pub fn all_targets(&self) -> u32 {
        u32::MAX >> (MAX_TARGETS - usize::from(self.target_count))
    }

    /// The targets all of whose frames belong to `target` as well, itself included, by the templates.
    pub fn within(&self, target: u8) -> u32 {
        let templates = self.templates.get(..usize::from(self.template_count)).unwrap_or_default();
        if templates.is_empty() {
            // Of a grid only the lower frame rates of the same picture size are sure to be.
            let lower = (2u32 << (target % 4)) - 1;
            return lower << (target / 4 * 4);
        }
        let others = templates.iter().filter(|it| it.present >> target & 1 == 0);
        others.fold(self.all_targets(), |mask, it| mask & !it.present)
    }

    /// How many chains protect the targets.
    pub fn chains(&self) -> u8 {
        self.chains
    }

    /// Largest width and height of a spatial layer, in pixels, when the sender told.
    pub fn size(&self, spatial: u8) -> Option<(u16, u16)> {
        let size = *self.sizes.as_ref()?.get(usize::from(spatial))?;
        (size != (0, 0)).then_some(size)
    }

    /// The template behind a template id on the wire.
    pub(super) fn template(&self, id: u8) -> Option<&Dependencies> {
        let index = usize::from(id.wrapping_sub(self.offset) & 0x3f);
        self.templates.get(..usize::from(self.template_count))?.get(index)
    }
}

impl std::fmt::Debug for Structure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Structure")
            .field("targets", &self.targets())
            .field("templates", &self.template_count)
            .field("sizes", &self.sizes)
            .finish_non_exhaustive()
    }
}
