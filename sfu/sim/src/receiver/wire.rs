//! What a decoder's front end concludes from the wire: where frames begin and end, and which may be decoded when.
//!
//! VP8 follows libwebrtc's reference finders: without temporal layers every packet must be there; with them, a picture
//! of the base layer follows the one with the TL0PICIDX before, and one of a higher layer needs every picture since.
//! VP9 and AV1 follow the dependency descriptor: a frame may be decoded when what it was predicted from was.

use std::collections::BTreeSet;

use crate::format::dependency::{self, Structure};
use crate::format::rtp::Packet;
use crate::format::{svc, vp8};
use crate::peer::description::VideoCodec;

/// One packet, as far as it tells.
#[derive(Clone, Copy, Debug)]
pub struct WirePacket {
    /// First of a frame.
    pub start: bool,
    /// Last of a frame.
    pub end: bool,
    /// Carries nothing: padding.
    pub filling: bool,
    /// Where the content begins in the payload.
    pub content: usize,
    /// Of the frame; meaningful in its first packet.
    pub frame: WireFrame,
}

/// One frame, as far as its first packet tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WireFrame {
    /// A decoder may start here.
    pub keyframe: bool,
    picture_id: Option<u16>,
    tl0: Option<u8>,
    temporal: u8,
    sync: bool,
    /// Number and what it needs, by the dependency descriptor.
    number: Option<u16>,
    needs: [Option<u16>; 4],
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Order {
    started: bool,
    picture_id: Option<u16>,
    tl0: Option<u8>,
    structure: Option<Structure>,
    decoded: BTreeSet<u16>,
    number: Option<u16>,
}

impl Order {
    /// Reads a packet; `None` if it cannot be read.
    pub fn read(&mut self, packet: &Packet, descriptor: Option<&[u8]>) -> Option<WirePacket> {
        if packet.payload.is_empty() {
            let frame = WireFrame::default();
            return Some(WirePacket { start: false, end: false, filling: true, content: 0, frame });
        }
        let (codec, _) = VideoCodec::of(packet.header.payload_type)?;
        match codec {
            VideoCodec::Vp8 => {
                let (descriptor, keyframe, content) = vp8::read(&packet.payload)?;
                let frame = WireFrame {
                    keyframe,
                    picture_id: descriptor.picture_id,
                    tl0: descriptor.tl0,
                    temporal: descriptor.temporal,
                    sync: descriptor.sync,
                    ..WireFrame::default()
                };
                let (start, end) = (descriptor.start, packet.header.marker);
                Some(WirePacket { start, end, filling: false, content, frame })
            }
            VideoCodec::Vp9 => {
                let (id, _, content) = svc::read_vp9(&packet.payload)?;
                let (start, end, frame) = self.depends(descriptor?)?;
                let frame = WireFrame { picture_id: Some(id), ..frame };
                Some(WirePacket { start, end, filling: false, content, frame })
            }
            VideoCodec::Av1 => {
                let content = svc::read_av1(&packet.payload)?;
                let (start, end, frame) = self.depends(descriptor?)?;
                Some(WirePacket { start, end, filling: false, content, frame })
            }
        }
    }

    /// Descriptors can be read.
    pub fn knows_structure(&self) -> bool {
        self.structure.is_some()
    }

    fn depends(&mut self, descriptor: &[u8]) -> Option<(bool, bool, WireFrame)> {
        let read = dependency::read(descriptor, self.structure.as_ref())?;
        let number = read.descriptor.number;
        let mut needs = [None; 4];
        for (place, difference) in needs.iter_mut().zip(&read.differences) {
            *place = Some(number.wrapping_sub(*difference));
        }
        let frame = WireFrame {
            keyframe: read.descriptor.structure.is_some(),
            temporal: read.layer.1,
            number: Some(number),
            needs,
            ..WireFrame::default()
        };
        if let Some(structure) = read.descriptor.structure {
            self.structure = Some(structure);
        }
        Some((read.descriptor.start, read.descriptor.end, frame))
    }

    /// Whether a complete frame may be decoded now. `contiguous`: nothing is missing before it.
    pub fn decodable(&self, frame: &WireFrame, contiguous: bool) -> bool {
        if frame.keyframe {
            return true;
        }
        if !self.started {
            return false;
        }
        if frame.number.is_some() {
            let here = |number: &u16| self.decoded.contains(number);
            return frame.needs.iter().flatten().all(here);
        }
        match (frame.tl0, self.tl0) {
            (Some(tl0), Some(last)) if frame.temporal == 0 => tl0 == last.wrapping_add(1),
            (Some(tl0), Some(last)) => {
                let next = self.picture_id.map(|id| (id + 1) & 0x7fff);
                tl0 == last && (frame.sync || frame.picture_id == next)
            }
            _ => contiguous,
        }
    }

    /// Takes note of a frame that is decoded; complains about what a browser would stumble over.
    pub fn decode(&mut self, frame: &WireFrame, contiguous: bool) -> Vec<String> {
        let mut complaints = Vec::new();
        if let Some(number) = frame.number {
            if frame.keyframe {
                self.decoded.clear();
            }
            let ahead = self.number.map(|last| number.wrapping_sub(last));
            if self.started && ahead.is_some_and(|ahead| ahead == 0 || ahead >= 0x8000) {
                complaints.push(format!("its frame number {number} goes back from {:?}", self.number));
            }
            self.decoded.insert(number);
            // Half the numbers away, and a number would be taken for an old one.
            self.decoded.retain(|known| number.wrapping_sub(*known) < 1000);
            self.number = Some(number);
            self.started = true;
            return complaints;
        }
        if let (Some(id), Some(last), true) = (frame.picture_id, self.picture_id, self.started) {
            let ahead = id.wrapping_sub(last) & 0x7fff;
            if contiguous && ahead != 1 {
                complaints.push(format!("its picture id {id} does not follow {last}"));
            } else if ahead == 0 || ahead >= 0x4000 {
                complaints.push(format!("its picture id {id} goes back from {last}"));
            }
        }
        if let (Some(tl0), Some(last), true) = (frame.tl0, self.tl0, self.started) {
            let ahead = tl0.wrapping_sub(last);
            let expected = u8::from(frame.temporal == 0);
            if contiguous && ahead != expected {
                complaints.push(format!("its TL0PICIDX {tl0} does not follow {last}"));
            }
        }
        self.started = true;
        self.picture_id = frame.picture_id;
        self.tl0 = frame.tl0;
        complaints
    }
}
