//! H.264: RTP payloads of RFC 6184 (single NAL unit, STAP-A, FU-A: what packetization-mode 1 allows) to
//! length-prefixed NAL units, and the fields of the sequence parameter set (H.264 §7.3.2.1.1) that we need.

use bytes::Bytes;

use super::{Config, KeyFrame, Malformed};
use crate::bits::BitReader;

const IDR: u8 = 5;
const SPS: u8 = 7;
const PPS: u8 = 8;
const FILLER: u8 = 12;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

fn nal_type(first: u8) -> u8 {
    first & 0x1f
}

pub(super) fn begins_frame(payload: &[u8]) -> bool {
    match payload {
        [first, header, ..] if nal_type(*first) == FU_A => header & 0x80 != 0,
        [_, ..] => true,
        [] => false,
    }
}

/// The parameter sets last seen. Most senders repeat them before every IDR picture; for those that do not, we do,
/// because every key frame of the file must decode by itself (`avc3`).
#[derive(Default, Debug)]
pub(super) struct ParameterSets {
    sps: Vec<u8>,
    pps: Vec<u8>,
}

impl ParameterSets {
    pub(super) fn frame(&mut self, payloads: &[Bytes]) -> Result<(Vec<u8>, Option<KeyFrame>), Malformed> {
        let nals = nal_units(payloads)?;
        let mut in_band = (false, false);
        for nal in &nals {
            match nal_type(nal[0]) {
                SPS => (self.sps, in_band.0) = (nal.clone(), true),
                PPS => (self.pps, in_band.1) = (nal.clone(), true),
                _ => {}
            }
        }
        let mut data = Vec::with_capacity(nals.iter().map(|nal| nal.len() + 4).sum());
        let mut key = None;
        if nals.iter().any(|nal| nal_type(nal[0]) == IDR) && !self.sps.is_empty() && !self.pps.is_empty() {
            let (width, height) = picture_size(&self.sps).ok_or(Malformed)?;
            let config = Config::H264 { sps: self.sps.clone(), pps: self.pps.clone() };
            key = Some(KeyFrame { width, height, config });
            if in_band != (true, true) {
                put(&mut data, &self.sps);
                put(&mut data, &self.pps);
            }
        }
        for nal in nals.iter().filter(|nal| nal_type(nal[0]) != FILLER) {
            put(&mut data, nal);
        }
        Ok((data, key))
    }
}

fn put(out: &mut Vec<u8>, nal: &[u8]) {
    out.extend_from_slice(&(nal.len() as u32).to_be_bytes());
    out.extend_from_slice(nal);
}

/// Collects the NAL units of one access unit; none of them is empty.
fn nal_units(payloads: &[Bytes]) -> Result<Vec<Vec<u8>>, Malformed> {
    let mut nals = Vec::new();
    let mut fragmented: Option<Vec<u8>> = None;
    for payload in payloads {
        let first = *payload.first().ok_or(Malformed)?;
        if nal_type(first) != FU_A && fragmented.is_some() {
            return Err(Malformed);
        }
        match nal_type(first) {
            1..=23 => nals.push(payload.to_vec()),
            STAP_A => {
                let mut rest = &payload[1..];
                while !rest.is_empty() {
                    let (length, after) = rest.split_first_chunk::<2>().ok_or(Malformed)?;
                    let length = usize::from(u16::from_be_bytes(*length));
                    let (nal, after) = after.split_at_checked(length).ok_or(Malformed)?;
                    if !nal.is_empty() {
                        nals.push(nal.to_vec());
                    }
                    rest = after;
                }
            }
            FU_A => {
                let header = *payload.get(1).ok_or(Malformed)?;
                let [start, end] = [header & 0x80 != 0, header & 0x40 != 0];
                match (&mut fragmented, start) {
                    (None, true) => {
                        let mut nal = vec![first & 0xe0 | nal_type(header)];
                        nal.extend_from_slice(&payload[2..]);
                        fragmented = Some(nal);
                    }
                    (Some(nal), false) => nal.extend_from_slice(&payload[2..]),
                    _ => return Err(Malformed),
                }
                if end {
                    nals.extend(fragmented.take());
                }
            }
            _ => return Err(Malformed),
        }
    }
    if fragmented.is_some() { Err(Malformed) } else { Ok(nals) }
}

/// Width and height after cropping.
fn picture_size(sps: &[u8]) -> Option<(u16, u16)> {
    let payload = without_emulation_prevention(sps.get(1..)?);
    let mut bits = BitReader::new(&payload);
    let profile = bits.bits(8)?;
    bits.skip(16)?; // constraint flags, level
    bits.exp_golomb()?; // seq_parameter_set_id
    let mut chroma_format = 1;
    let mut separate_planes = false;
    if [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135].contains(&profile) {
        chroma_format = bits.exp_golomb()?;
        if chroma_format == 3 {
            separate_planes = bits.flag()?;
        }
        bits.exp_golomb()?; // bit_depth_luma_minus8
        bits.exp_golomb()?; // bit_depth_chroma_minus8
        bits.skip(1)?; // qpprime_y_zero_transform_bypass_flag
        if bits.flag()? {
            for list in 0..if chroma_format == 3 { 12 } else { 8 } {
                if bits.flag()? {
                    skip_scaling_list(&mut bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    bits.exp_golomb()?; // log2_max_frame_num_minus4
    match bits.exp_golomb()? {
        0 => {
            bits.exp_golomb()?; // log2_max_pic_order_cnt_lsb_minus4
        }
        1 => {
            bits.skip(1)?;
            bits.exp_golomb()?; // offsets; signed codes are as long as unsigned ones
            bits.exp_golomb()?;
            for _ in 0..bits.exp_golomb()?.min(255) {
                bits.exp_golomb()?;
            }
        }
        _ => {}
    }
    bits.exp_golomb()?; // max_num_ref_frames
    bits.skip(1)?; // gaps_in_frame_num_value_allowed_flag
    let width_mbs = bits.exp_golomb()?.checked_add(1)?;
    let height_units = bits.exp_golomb()?.checked_add(1)?;
    let frame_mbs_only = bits.flag()?;
    if !frame_mbs_only {
        bits.skip(1)?; // mb_adaptive_frame_field_flag
    }
    bits.skip(1)?; // direct_8x8_inference_flag
    let mut crop = [0; 4];
    if bits.flag()? {
        for side in &mut crop {
            *side = bits.exp_golomb()?;
        }
    }
    let fields = if frame_mbs_only { 1 } else { 2 };
    // Table 6-1: chroma samples per luma sample decide the unit of cropping.
    let (unit_x, unit_y) = match (chroma_format, separate_planes) {
        (1, _) => (2, 2),
        (2, _) => (2, 1),
        _ => (1, 1),
    };
    let cropped = |size: u32, units: u32, first: u32, second: u32| {
        let size = size.checked_mul(16)?.checked_mul(units)?;
        let crop = first.checked_add(second)?;
        u16::try_from(size.checked_sub(crop)?).ok().filter(|size| *size > 0)
    };
    let width = cropped(width_mbs, 1, crop[0].checked_mul(unit_x)?, crop[1].checked_mul(unit_x)?)?;
    let unit_y = unit_y * fields;
    let height = cropped(height_units, fields, crop[2].checked_mul(unit_y)?, crop[3].checked_mul(unit_y)?)?;
    Some((width, height))
}

/// §7.3.2.1.1.1; the values are not needed, their length is.
fn skip_scaling_list(bits: &mut BitReader<'_>, size: u32) -> Option<()> {
    let (mut last, mut next) = (8_i64, 8_i64);
    for _ in 0..size {
        if next != 0 {
            let code = i64::from(bits.exp_golomb()?);
            let delta = if code % 2 == 1 { (code + 1) / 2 } else { -(code / 2) };
            next = (last + delta).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

/// §7.4.1: `00 00 03` stands for `00 00`.
fn without_emulation_prevention(nal: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(nal.len());
    let mut zeros = 0;
    for &byte in nal {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_high_profile_parameter_set_tells_the_cropped_size() {
        // 1920×1080 in 1088 lines, from libx264.
        let sps = [
            0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03,
            0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc6, 0x58,
        ];
        assert_eq!(picture_size(&sps), Some((1920, 1080)));
    }

    #[test]
    fn an_aggregate_and_fragments_become_length_prefixed_units() {
        let payloads = [
            Bytes::from_static(&[0x78, 0, 2, 0x06, 0xaa, 0, 1, 0x09]),
            Bytes::from_static(&[0x7c, 0x81, 1, 2]),
            Bytes::from_static(&[0x7c, 0x01, 3]),
            Bytes::from_static(&[0x7c, 0x41, 4]),
        ];
        let nals = nal_units(&payloads).unwrap();
        assert_eq!(nals, [vec![0x06, 0xaa], vec![0x09], vec![0x61, 1, 2, 3, 4]]);
        assert_eq!(nal_units(&payloads[..3]), Err(Malformed), "the last fragment is missing");
        assert_eq!(nal_units(&payloads[2..]), Err(Malformed), "the first fragment is missing");
    }
}
