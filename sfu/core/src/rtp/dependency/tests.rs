use proptest::prelude::*;

use super::*;
use crate::rtp::bits::BitWriter;

/// Writes descriptors for tests, as libwebrtc's scalability structures would.
pub(crate) struct Writer {
    bytes: Vec<u8>,
    place: usize,
}

impl Writer {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; 256], place: 0 }
    }

    pub(crate) fn bits(&mut self, count: u32, value: u32) -> &mut Self {
        let mut piece = [0; 8];
        let mut writer = BitWriter::new(&mut piece);
        writer.bits(count, value).unwrap();
        for bit in 0..count as usize {
            let set = piece[bit / 8] >> (7 - bit % 8) & 1;
            self.bytes[self.place / 8] |= set << (7 - self.place % 8);
            self.place += 1;
        }
        self
    }

    pub(crate) fn done(&mut self) -> Vec<u8> {
        self.bytes[..self.place.div_ceil(8)].to_vec()
    }
}

/// L1T2: template 0 is the keyframe, 1 the base layer, 2 the upper one; two targets, one chain.
fn l1t2(offset: u32, sizes: bool) -> Vec<u8> {
    let mut it = Writer::new();
    // Start and end of frame, first template, frame 0x1234; structure only.
    it.bits(2, 0b11).bits(6, offset).bits(16, 0x1234).bits(5, 0b10000);
    it.bits(6, offset).bits(5, 1);
    // Layers: T0, T0, T1.
    it.bits(2, 0).bits(2, 1).bits(2, 3);
    // Indications: switch switch; switch switch; not present, discardable.
    it.bits(4, 0b1010).bits(4, 0b1010).bits(4, 0b0001);
    // Frame differences: none; 2; 1.
    it.bits(1, 0).bits(1, 1).bits(4, 1).bits(1, 0).bits(1, 1).bits(4, 0).bits(1, 0);
    // One chain of at most two (ns(3): 1 is "10"), both targets by chain 0 (no bits), then 4 bits a template.
    it.bits(2, 0b10).bits(4, 0).bits(4, 2).bits(4, 1);
    it.bits(1, sizes.into());
    if sizes {
        it.bits(16, 639).bits(16, 359);
    }
    it.done()
}

#[test]
fn a_keyframe_brings_the_structure_and_later_frames_name_a_template() {
    let mut structure = None;
    assert_eq!(Descriptor::read(&[0xc1, 0, 1], &mut structure), None, "no structure yet");
    let value = l1t2(62, true);
    let key = Descriptor::read(&value, &mut structure).expect("a descriptor");
    assert!(key.has_structure && key.mandatory.starts_frame && key.mandatory.ends_frame);
    assert_eq!(key.mandatory.frame_number, 0x1234);
    assert_eq!(key.active, Some(0b11));
    assert_eq!((key.dependencies.present, key.dependencies.switch), (0b11, 0b11));
    assert!(key.dependencies.references().is_empty());
    let known = structure.clone().expect("a structure");
    assert_eq!(known.targets(), [Layer { spatial: 0, temporal: 0 }, Layer { spatial: 0, temporal: 1 }]);
    assert_eq!(known.size(0), Some((640, 360)));
    assert_eq!(known.chains(), 1);

    // Template id 0 is the third: 62, 63, 0.
    let upper = Descriptor::read(&[0x80, 0x12, 0x35], &mut structure).expect("three bytes suffice");
    assert_eq!(upper.dependencies.layer.temporal, 1);
    assert_eq!((upper.dependencies.present, upper.dependencies.discardable), (0b10, 0b10));
    assert_eq!(upper.dependencies.references(), [1]);
    assert_eq!(upper.active, None);
    assert!(!upper.has_structure && !upper.mandatory.ends_frame);
    assert_eq!(Descriptor::read(&[0x81, 0x12, 0x35], &mut structure), None, "of another structure");
    assert_eq!(structure, Some(known), "nothing was lost by that");
}

#[test]
fn a_frame_may_differ_from_its_template() {
    let mut structure = None;
    Descriptor::read(&l1t2(0, false), &mut structure).expect("a descriptor");
    // Active targets, indications, differences and chains of its own.
    let mut writer = Writer::new();
    writer.bits(8, 0b1100_0001).bits(16, 7).bits(5, 0b01111);
    writer.bits(2, 0b01).bits(2, 3).bits(2, 0);
    writer.bits(2, 1).bits(4, 4).bits(2, 2).bits(8, 99).bits(2, 3).bits(12, 4095).bits(2, 0).bits(8, 5);
    let value = writer.done();
    let read = Descriptor::read(&value, &mut structure).expect("a descriptor");
    assert_eq!(read.active, Some(0b01), "the first target only");
    assert_eq!((read.dependencies.present, read.dependencies.switch), (0b01, 0));
    assert_eq!(read.dependencies.references(), [5, 100, 4096]);
    assert_eq!(Descriptor::read(&value[..value.len() - 1], &mut structure), None, "cut off");
}

#[test]
fn a_rewritten_descriptor_differs_in_number_and_targets_only() {
    for value in [l1t2(5, true), vec![0xc6, 0x12, 0x36]] {
        let mut structure = None;
        Descriptor::read(&l1t2(5, true), &mut structure).expect("a structure");
        let before = Descriptor::read(&value, &mut structure).expect("a descriptor");
        let mut out = [0xff; MAX_DESCRIPTOR_BYTES];
        let len = rewrite(&value, &before, 0xfffe, None, &mut out).expect("fits");
        assert_eq!(len, value.len());
        let after = Descriptor::read(&out[..len], &mut structure).expect("a descriptor");
        assert_eq!(after.mandatory.frame_number, 0xfffe);
        assert_eq!(after.dependencies, before.dependencies);

        let len = rewrite(&value, &before, 1, Some(0b01), &mut out).expect("fits");
        let mut fresh = structure.clone();
        let after = Descriptor::read(&out[..len], &mut fresh).expect("a descriptor");
        assert_eq!((after.mandatory.frame_number, after.active), (1, Some(0b01)));
        assert_eq!(after.dependencies, before.dependencies);
        assert_eq!((after.has_structure, fresh), (before.has_structure, structure));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn hostile_descriptors_are_read_or_refused(
        mut values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..90), 1..5),
        structures in any::<bool>(),
    ) {
        let mut structure = None;
        for value in &mut values {
            if structures && let Some(flags) = value.get_mut(3) {
                *flags |= 0x80;
            }
            if let Some(read) = Descriptor::read(value, &mut structure) {
                let targets = structure.as_ref().unwrap().all_targets();
                prop_assert_eq!(read.dependencies.present & !targets, 0);
                prop_assert_eq!(read.dependencies.switch & !read.dependencies.present, 0);
                let mut out = [0; MAX_DESCRIPTOR_BYTES];
                let len = rewrite(value, &read, 9, Some(1), &mut out).unwrap();
                let mut again = structure.clone();
                let after = Descriptor::read(&out[..len], &mut again).unwrap();
                prop_assert_eq!(after.dependencies, read.dependencies);
                prop_assert_eq!(again, structure.clone());
            }
        }
    }

    #[test]
    fn a_damaged_structure_never_panics(at in 0..20usize, bits in any::<u8>(), cut in 0..24usize) {
        let mut value = l1t2(3, true);
        let place = at % value.len();
        value[place] ^= bits;
        value.truncate(value.len().saturating_sub(cut));
        let mut structure = None;
        Descriptor::read(&value, &mut structure);
    }
}
