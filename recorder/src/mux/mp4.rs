//! Fragmented MP4 (ISO/IEC 14496-12, as CMAF uses it) for H.264, VP9, AV1 and Opus, with boxes from `mp4-atom`.
//!
//! The init segment (`ftyp`, `moov` with `mvex`) holds no samples; each fragment is a `moof` and an `mdat` that need
//! nothing but the init segment. `tfdt` counts from the session's start.

use mp4_atom::{
    Audio, Av01, Av1c, Avc3, Avcc, Codec, Dinf, Dops, Dref, DrefEntry, Encode, FourCC, Ftyp, Hdlr, Mdhd,
    Mdia, Mfhd, Minf, Moof, Moov, Mvex, Mvhd, Opus, Smhd, Stbl, Stco, Stsc, Stsd, Stsz, Stts, Tfdt, Tfhd,
    Tkhd, Traf, Trak, Trex, Trun, TrunEntry, TrunSamples, Url, Visual, Vmhd, Vp09, VpcC,
};

use super::Sample;
use crate::codec::{Config, opus, vp9};

/// Ticks a second of video: the RTP clock.
pub(crate) const VIDEO_TIMESCALE: u32 = 90_000;

const TRACK_ID: u32 = 1;

/// Sample flags (§8.8.3.1): depends on no other, decoding can begin here.
const SYNC: u32 = 0x0200_0000;
/// Sample flags: depends on others, decoding cannot begin here.
const NON_SYNC: u32 = 0x0101_0000;

/// A box that cannot be written: a parameter set too long for its field, a fragment beyond 2 GiB.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the media does not fit the container's fields")]
pub(crate) struct Unwritable;

impl From<mp4_atom::Error> for Unwritable {
    fn from(_: mp4_atom::Error) -> Self {
        Unwritable
    }
}

/// The init segment of a video track and its `codecs` parameter (RFC 6381).
pub(crate) fn video_init(config: &Config, width: u16, height: u16) -> Result<(Vec<u8>, String), Unwritable> {
    let visual = Visual { data_reference_index: 1, width, height, ..Visual::default() };
    let (entry, codecs) = match config {
        Config::Vp8 => return Err(Unwritable),
        Config::H264 { sps, pps } => {
            let mut avcc = Avcc::new(sps, pps)?;
            if [100, 110, 122, 144].contains(&avcc.avc_profile_indication) {
                avcc.ext = Some(mp4_atom::AvccExt::default());
            }
            let codecs = format!("avc3.{:02x}{:02x}{:02x}", sps[1], sps[2], sps[3]);
            (Codec::Avc3(Avc3 { visual, avcc, ..Avc3::default() }), codecs)
        }
        Config::Vp9(header) => {
            let level = vp9::Header::level(width, height);
            let vpcc = VpcC {
                profile: header.profile,
                level,
                bit_depth: header.bit_depth,
                chroma_subsampling: header.chroma_subsampling,
                video_full_range_flag: header.full_range,
                color_primaries: 2,
                transfer_characteristics: 2,
                matrix_coefficients: 2,
                codec_initialization_data: Vec::new(),
            };
            let codecs = format!("vp09.{:02}.{level:02}.{:02}", header.profile, header.bit_depth);
            (Codec::Vp09(Vp09 { visual, vpcc, ..Vp09::default() }), codecs)
        }
        Config::Av1(header) => {
            let av1c = Av1c {
                seq_profile: header.profile,
                seq_level_idx_0: header.level,
                seq_tier_0: header.tier,
                high_bitdepth: header.high_bitdepth,
                twelve_bit: header.twelve_bit,
                monochrome: header.monochrome,
                chroma_subsampling_x: header.subsampling_x,
                chroma_subsampling_y: header.subsampling_y,
                chroma_sample_position: header.chroma_sample_position,
                initial_presentation_delay: None,
                config_obus: header.obu.clone(),
            };
            let depth = match (header.high_bitdepth, header.twelve_bit) {
                (false, _) => 8,
                (true, false) => 10,
                (true, true) => 12,
            };
            let tier = if header.tier { 'H' } else { 'M' };
            let codecs = format!("av01.{}.{:02}{tier}.{depth:02}", header.profile, header.level);
            (Codec::Av01(Av01 { visual, av1c, ..Av01::default() }), codecs)
        }
    };
    let size = Some((width, height));
    Ok((init(entry, VIDEO_TIMESCALE, size)?, codecs))
}

/// The init segment of an Opus track.
pub(crate) fn audio_init() -> Result<Vec<u8>, Unwritable> {
    // What WebRTC negotiates: 48 kHz, two channels. Mono packets decode to both. Nothing is skipped at the start,
    // because a recording that begins in the middle of a stream has no encoder delay to take away.
    let entry = Opus {
        audio: Audio {
            data_reference_index: 1,
            channel_count: 2,
            sample_size: 16,
            sample_rate: (opus::RATE as u16).into(),
        },
        dops: Dops {
            output_channel_count: 2,
            pre_skip: 0,
            input_sample_rate: opus::RATE,
            output_gain: 0,
            channel_mapping: None,
        },
        btrt: None,
    };
    init(Codec::Opus(entry), opus::RATE, None)
}

fn init(entry: Codec, timescale: u32, video_size: Option<(u16, u16)>) -> Result<Vec<u8>, Unwritable> {
    let ftyp = Ftyp {
        major_brand: FourCC::new(b"iso6"),
        minor_version: 0,
        compatible_brands: [b"iso6", b"cmfc", b"mp41"].map(FourCC::new).to_vec(),
    };
    let stbl = Stbl {
        stsd: Stsd { codecs: vec![entry] },
        stts: Stts::default(),
        stsc: Stsc::default(),
        stsz: Stsz::default(),
        stco: Some(Stco::default()),
        ..Stbl::default()
    };
    let (width, height) = video_size.unwrap_or_default();
    let video = video_size.is_some();
    let handler = FourCC::new(if video { b"vide" } else { b"soun" });
    let moov = Moov {
        mvhd: Mvhd { timescale: 1000, rate: 1.into(), volume: 1.into(), next_track_id: 2, ..Mvhd::default() },
        mvex: Some(Mvex {
            mehd: None,
            trex: vec![Trex { track_id: TRACK_ID, default_sample_description_index: 1, ..Trex::default() }],
        }),
        trak: vec![Trak {
            tkhd: Tkhd {
                track_id: TRACK_ID,
                enabled: true,
                in_movie: true,
                volume: u8::from(!video).into(),
                width: width.into(),
                height: height.into(),
                ..Tkhd::default()
            },
            mdia: Mdia {
                mdhd: Mdhd { timescale, language: "und".to_owned(), ..Mdhd::default() },
                hdlr: Hdlr { handler, name: "vitrine".to_owned() },
                minf: Minf {
                    vmhd: video.then(Vmhd::default),
                    smhd: (!video).then(Smhd::default),
                    dinf: Dinf { dref: Dref { entries: vec![DrefEntry::Url(Url::default())] } },
                    stbl,
                    ..Minf::default()
                },
            },
            ..Trak::default()
        }],
        ..Moov::default()
    };
    let mut out = Vec::new();
    ftyp.encode(&mut out)?;
    moov.encode(&mut out)?;
    Ok(out)
}
/// Writes fragments and numbers them.
#[derive(Default, Debug)]
pub(crate) struct Fragmenter {
    sequence_number: u32,
}

impl Fragmenter {
    /// A `moof` and its `mdat`.
    pub(crate) fn fragment(&mut self, samples: &[Sample]) -> Result<Vec<u8>, Unwritable> {
        self.sequence_number += 1;
        let start = samples.first().map_or(0, |sample| sample.at.max(0) as u64);
        let entries = samples
            .iter()
            .map(|sample| TrunEntry {
                duration: Some(sample.duration),
                size: Some(sample.data.len() as u32),
                flags: Some(if sample.key { SYNC } else { NON_SYNC }),
                cts: None,
            })
            .collect();
        let mut moof = Moof {
            mfhd: Mfhd { sequence_number: self.sequence_number },
            traf: vec![Traf {
                tfhd: Tfhd { track_id: TRACK_ID, default_base_is_moof: true, ..Tfhd::default() },
                tfdt: Some(Tfdt { base_media_decode_time: start }),
                trun: vec![Trun { data_offset: Some(0), samples: TrunSamples::Explicit(entries) }],
                ..Traf::default()
            }],
        };
        const MDAT_HEADER: usize = 8;
        let body: usize = samples.iter().map(|sample| sample.data.len()).sum();
        let mut out = Vec::with_capacity(body + 128 + samples.len() * 12);
        moof.encode(&mut out)?;
        // Now that its length is known, once more with the offset of the first sample.
        let offset = i32::try_from(out.len() + MDAT_HEADER).map_err(|_| Unwritable)?;
        moof.traf[0].trun[0].data_offset = Some(offset);
        out.clear();
        moof.encode(&mut out)?;
        let mdat = u32::try_from(body + MDAT_HEADER).map_err(|_| Unwritable)?;
        out.extend_from_slice(&mdat.to_be_bytes());
        out.extend_from_slice(b"mdat");
        for sample in samples {
            out.extend_from_slice(&sample.data);
        }
        Ok(out)
    }
}
