//! The dependency descriptor (AV1 RTP specification, appendix A): which frame a packet belongs to and which frames that
//! one needs.

/// What one kind of frame needs, and who needs it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Template {
    /// Spatial layer.
    pub spatial: u8,
    /// Temporal layer.
    pub temporal: u8,
    /// For each decode target: 0 not present, 1 discardable, 2 switch, 3 required.
    pub indications: Vec<u8>,
    /// Distances to the frames it was predicted from, in frame numbers.
    pub differences: Vec<u16>,
    /// Distance to the last frame of each chain.
    pub chains: Vec<u8>,
}

/// What a key frame says of all frames until the next one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Structure {
    /// Id of the first template.
    pub offset: u8,
    /// How many decode targets there are.
    pub targets: u8,
    /// Chain that protects each decode target.
    pub protected_by: Vec<u8>,
    /// Kinds of frames, by rising layers.
    pub templates: Vec<Template>,
    /// Pixels of each spatial layer.
    pub resolutions: Vec<(u16, u16)>,
}

impl Structure {
    /// That of LxTy_KEY: spatial layers meet on key frames only.
    ///
    /// Each spatial layer has a template for key frames, one for its base layer in time, and one for each other place in
    /// the pattern of temporal layers.
    pub fn key_mode(spatial_layers: u8, temporal_layers: u8) -> Self {
        let (layers, period) = (u16::from(spatial_layers), 1u16 << (temporal_layers - 1));
        let targets = spatial_layers * temporal_layers;
        let mut templates = Vec::new();
        for spatial in 0..spatial_layers {
            for (temporal, phase) in phases(temporal_layers) {
                let keyframe = phase.is_none();
                let indications = (0..targets).map(|target| {
                    let (to, up_to) = (target / temporal_layers, target % temporal_layers);
                    match (to == spatial || (keyframe && to > spatial), temporal) {
                        (false, _) => 0,
                        (true, 0) => 2,
                        (true, it) if it > up_to => 0,
                        (true, it) if it == up_to => 1,
                        (true, _) => 2,
                    }
                });
                let back = |pictures: u16| pictures * layers;
                let differences = match (phase, temporal) {
                    (None, _) if spatial == 0 => vec![],
                    (None, _) => vec![1],
                    (Some(0), _) => vec![back(period)],
                    (Some(2), _) => vec![back(2)],
                    (Some(_), _) => vec![back(1)],
                };
                let chains = (0..spatial_layers).map(|chain| {
                    let since = match phase {
                        None if spatial == 0 => return 0,
                        // On a key frame a chain goes up through the layers below its own.
                        None => return if chain < spatial { spatial - chain } else { 1 },
                        Some(0) => back(period),
                        Some(phase) => back(phase.into()),
                    };
                    (since as i32 + i32::from(spatial) - i32::from(chain)) as u8
                });
                templates.push(Template {
                    spatial,
                    temporal,
                    indications: indications.collect(),
                    differences,
                    chains: chains.collect(),
                });
            }
        }
        let resolutions = (0..spatial_layers).map(|layer| {
            let down = spatial_layers - 1 - layer;
            (1280 >> down, 720 >> down)
        });
        Self {
            offset: 0,
            targets,
            protected_by: (0..targets).map(|target| target / temporal_layers).collect(),
            templates,
            resolutions: resolutions.collect(),
        }
    }

    /// The template id of a frame of [`Self::key_mode`].
    pub fn template_of(temporal_layers: u8, spatial: u8, keyframe: bool, phase: u8) -> u8 {
        let phases: Vec<_> = phases(temporal_layers).collect();
        let wanted = if keyframe { None } else { Some(phase) };
        let place = phases.iter().position(|(_, it)| *it == wanted).unwrap_or(0);
        (usize::from(spatial) * phases.len() + place) as u8
    }
}

/// Temporal layer and phase of each template of a spatial layer; no phase for a key frame.
fn phases(temporal_layers: u8) -> impl Iterator<Item = (u8, Option<u8>)> {
    let all: &[(u8, Option<u8>)] = match temporal_layers {
        1 => &[(0, None), (0, Some(0))],
        2 => &[(0, None), (0, Some(0)), (1, Some(1))],
        _ => &[(0, None), (0, Some(0)), (1, Some(2)), (2, Some(1)), (2, Some(3))],
    };
    all.iter().copied()
}

/// One packet's descriptor.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Descriptor {
    /// First packet of the frame.
    pub start: bool,
    /// Last packet of the frame.
    pub end: bool,
    /// Which kind of frame.
    pub template: u8,
    /// Running number of the frame.
    pub number: u16,
    /// What all frames are like from here on.
    pub structure: Option<Structure>,
    /// Decode targets that are being sent, a bit each, and how many there are, where that has changed.
    pub active_targets: Option<(u32, u8)>,
    /// Distances to what the frame needs, 1–16 each, where they are not those of its template.
    pub differences: Option<Vec<u16>>,
}

/// The bytes of a descriptor.
pub fn write(descriptor: &Descriptor) -> Vec<u8> {
    let mut bits = BitWriter::default();
    bits.put(descriptor.start.into(), 1);
    bits.put(descriptor.end.into(), 1);
    bits.put(descriptor.template.into(), 6);
    bits.put(descriptor.number.into(), 16);
    let Descriptor { structure, active_targets, differences, .. } = descriptor;
    if structure.is_none() && active_targets.is_none() && differences.is_none() {
        return bits.bytes;
    }
    bits.put(structure.is_some().into(), 1);
    bits.put(active_targets.is_some().into(), 1);
    // Custom dtis and chains are absent.
    bits.put(0, 1);
    bits.put(differences.is_some().into(), 1);
    bits.put(0, 1);
    if let Some(structure) = structure {
        bits.put(structure.offset.into(), 6);
        bits.put(u32::from(structure.targets) - 1, 5);
        for pair in structure.templates.windows(2) {
            let step = match (pair[1].spatial - pair[0].spatial, pair[0].temporal == pair[1].temporal) {
                (0, true) => 0,
                (0, false) => 1,
                _ => 2,
            };
            bits.put(step, 2);
        }
        bits.put(3, 2);
        for indication in structure.templates.iter().flat_map(|it| &it.indications) {
            bits.put((*indication).into(), 2);
        }
        for template in &structure.templates {
            for difference in &template.differences {
                bits.put(1, 1);
                bits.put(u32::from(*difference) - 1, 4);
            }
            bits.put(0, 1);
        }
        let chains = structure.protected_by.iter().max().map_or(0, |it| u32::from(*it) + 1);
        bits.put_up_to(chains, u32::from(structure.targets) + 1);
        for chain in &structure.protected_by {
            bits.put_up_to((*chain).into(), chains);
        }
        for distance in structure.templates.iter().flat_map(|it| &it.chains) {
            bits.put((*distance).into(), 4);
        }
        bits.put(1, 1);
        for (width, height) in &structure.resolutions {
            bits.put(u32::from(*width) - 1, 16);
            bits.put(u32::from(*height) - 1, 16);
        }
    }
    if let Some((active, targets)) = *active_targets {
        bits.put(active, targets.into());
    }
    if let Some(differences) = differences {
        for difference in differences {
            bits.put(1, 2);
            bits.put(u32::from(*difference) - 1, 4);
        }
        bits.put(0, 2);
    }
    bits.bytes
}

/// A descriptor with what it means under the structure in force.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Read {
    /// The fields.
    pub descriptor: Descriptor,
    /// Spatial and temporal layer.
    pub layer: (u8, u8),
    /// Distances to what the frame needs.
    pub differences: Vec<u16>,
}

/// Reads a descriptor under the last structure known.
pub fn read(bytes: &[u8], known: Option<&Structure>) -> Option<Read> {
    let mut bits = BitReader { bytes, at: 0 };
    let mut descriptor = Descriptor {
        start: bits.take(1)? == 1,
        end: bits.take(1)? == 1,
        template: bits.take(6)? as u8,
        number: bits.take(16)? as u16,
        ..Descriptor::default()
    };
    let mut custom = [false; 3];
    if bytes.len() > 3 {
        let present = bits.take(1)? == 1;
        let active = bits.take(1)? == 1;
        for flag in &mut custom {
            *flag = bits.take(1)? == 1;
        }
        if present {
            descriptor.structure = Some(read_structure(&mut bits)?);
        }
        let targets = descriptor.structure.as_ref().or(known)?.targets;
        if active {
            descriptor.active_targets = Some((bits.take(targets.into())?, targets));
        }
    }
    let structure = descriptor.structure.as_ref().or(known)?;
    let index = (usize::from(descriptor.template) + 64 - usize::from(structure.offset)) % 64;
    let template = structure.templates.get(index)?.clone();
    if custom[0] {
        for _ in 0..structure.targets {
            bits.take(2)?;
        }
    }
    let mut differences = template.differences;
    if custom[1] {
        differences.clear();
        loop {
            let size = bits.take(2)?;
            if size == 0 {
                break;
            }
            differences.push(bits.take(4 * size)? as u16 + 1);
        }
    }
    Some(Read { layer: (template.spatial, template.temporal), differences, descriptor })
}

fn read_structure(bits: &mut BitReader<'_>) -> Option<Structure> {
    let mut structure = Structure { offset: bits.take(6)? as u8, ..Structure::default() };
    structure.targets = bits.take(5)? as u8 + 1;
    let (mut spatial, mut temporal) = (0, 0);
    loop {
        structure.templates.push(Template { spatial, temporal, ..Template::default() });
        match bits.take(2)? {
            0 => {}
            1 => temporal += 1,
            2 => (spatial, temporal) = (spatial + 1, 0),
            _ => break,
        }
    }
    for template in &mut structure.templates {
        for _ in 0..structure.targets {
            template.indications.push(bits.take(2)? as u8);
        }
    }
    for template in &mut structure.templates {
        while bits.take(1)? == 1 {
            template.differences.push(bits.take(4)? as u16 + 1);
        }
    }
    let chains = bits.take_up_to(u32::from(structure.targets) + 1)?;
    if chains > 0 {
        for _ in 0..structure.targets {
            structure.protected_by.push(bits.take_up_to(chains)? as u8);
        }
        for template in &mut structure.templates {
            for _ in 0..chains {
                template.chains.push(bits.take(4)? as u8);
            }
        }
    }
    if bits.take(1)? == 1 {
        for _ in 0..=spatial {
            structure.resolutions.push((bits.take(16)? as u16 + 1, bits.take(16)? as u16 + 1));
        }
    }
    Some(structure)
}

#[derive(Default)]
struct BitWriter {
    bytes: Vec<u8>,
    used: u32,
}

impl BitWriter {
    fn put(&mut self, value: u32, bits: u32) {
        for place in (0..bits).rev() {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> place & 1) as u8) << (7 - self.used % 8);
            }
            self.used += 1;
        }
    }

    /// A value below `limit` in as few bits as possible: `ns(n)` of the AV1 specification, 4.10.7.
    fn put_up_to(&mut self, value: u32, limit: u32) {
        let width = 32 - limit.leading_zeros();
        let short = (1 << width) - limit;
        if value < short {
            self.put(value, width - 1);
        } else {
            self.put(value + short, width);
        }
    }
}

struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl BitReader<'_> {
    fn take(&mut self, bits: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..bits {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    fn take_up_to(&mut self, limit: u32) -> Option<u32> {
        let width = 32 - limit.leading_zeros();
        let short = (1 << width) - limit;
        let value = self.take(width - 1)?;
        if value < short {
            return Some(value);
        }
        Some((value << 1) + self.take(1)? - short)
    }
}
