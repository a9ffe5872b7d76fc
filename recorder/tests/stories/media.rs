//! Encoded media to send, and measurements of what was recorded. Needs `ffmpeg` and `ffprobe`.

use std::path::Path;
use std::process::{Command, Stdio};

use bytes::Bytes;
use sfu::Codec;

/// An encoded frame or packet and when it was captured.
#[derive(Clone, Debug)]
pub(crate) struct Encoded {
    /// Microseconds since the sender began.
    pub(crate) at_us: i64,
    pub(crate) data: Bytes,
}

/// Runs a program and gives its standard output; fails loudly when it is missing or says an error.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("these tests need {program} (Debian package ffmpeg): {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{errors}", output.status);
    output.stdout
}

/// Encodes a lavfi source. `filter` is the source, e.g. `testsrc2=size=320x240:rate=30`.
pub(crate) fn encode(codec: Codec, filter: &str, seconds: u32) -> Vec<Encoded> {
    let seconds = seconds.to_string();
    let mut arguments = vec![
        "-hide_banner",
        "-loglevel",
        "error",
        "-f",
        "lavfi",
        "-i",
        filter,
        "-t",
        &seconds,
        "-threads",
        "2",
    ];
    let realtime =
        ["-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-b:v", "400k", "-g", "60"];
    match codec {
        Codec::Opus => arguments.extend([
            "-c:a",
            "libopus",
            "-ac",
            "2",
            "-frame_duration",
            "20",
            "-application",
            "voip",
            "-f",
            "ogg",
        ]),
        Codec::Vp8 => {
            arguments.extend(["-c:v", "libvpx", "-auto-alt-ref", "0", "-f", "ivf"]);
            arguments.extend(realtime);
        }
        Codec::Vp9 => {
            arguments.extend(["-c:v", "libvpx-vp9", "-pix_fmt", "yuv420p", "-f", "ivf"]);
            arguments.extend(realtime);
        }
        Codec::H264 => arguments.extend([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-tune",
            "zerolatency",
            "-profile:v",
            "baseline",
            "-pix_fmt",
            "yuv420p",
            "-g",
            "60",
            "-x264-params",
            "sliced-threads=0:slices=1",
            "-f",
            "h264",
        ]),
        Codec::Av1 => arguments.extend([
            "-c:v",
            "libaom-av1",
            "-usage",
            "realtime",
            "-cpu-used",
            "8",
            "-lag-in-frames",
            "0",
            "-pix_fmt",
            "yuv420p",
            "-b:v",
            "400k",
            "-g",
            "60",
            "-f",
            "ivf",
        ]),
    }
    arguments.push("-");
    let bytes = run("ffmpeg", &arguments);
    let packets = match codec {
        Codec::Opus => ogg_packets(&bytes),
        Codec::H264 => access_units(&bytes),
        _ => ivf_frames(&bytes),
    };
    assert!(packets.len() > 10, "ffmpeg made {} packets of {codec}", packets.len());
    let interval_us = if codec == Codec::Opus { 20_000.0 } else { 1_000_000.0 / 30.0 };
    let at = |i: usize| (i as f64 * interval_us) as i64;
    packets.into_iter().enumerate().map(|(i, data)| Encoded { at_us: at(i), data: data.into() }).collect()
}

/// IVF: a header of 32 bytes, then frames with a header of 12.
fn ivf_frames(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes = &bytes[32..];
    let mut frames = Vec::new();
    while bytes.len() > 12 {
        let size = u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
        frames.push(bytes[12..12 + size].to_vec());
        bytes = &bytes[12 + size..];
    }
    frames
}

/// Annex B to access units of one slice each.
fn access_units(bytes: &[u8]) -> Vec<Vec<u8>> {
    let starts: Vec<usize> = (0..bytes.len() - 3).filter(|i| bytes[*i..*i + 3] == [0, 0, 1]).collect();
    let mut units: Vec<Vec<u8>> = vec![Vec::new()];
    for (i, start) in starts.iter().enumerate() {
        let end = starts.get(i + 1).copied().unwrap_or(bytes.len());
        let mut nal = &bytes[start + 3..end];
        while let [rest @ .., 0] = nal {
            nal = rest;
        }
        let unit = units.last_mut().unwrap();
        unit.extend([0, 0, 0, 1]);
        unit.extend(nal);
        if matches!(nal[0] & 0x1f, 1 | 5) {
            units.push(Vec::new());
        }
    }
    units.pop();
    units
}

/// Ogg pages to packets, without the two Opus headers.
fn ogg_packets(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut packets = vec![Vec::new()];
    while bytes.len() >= 27 {
        let segments = bytes[26] as usize;
        let (table, rest) = bytes[27..].split_at(segments);
        bytes = rest;
        for &size in table {
            packets.last_mut().unwrap().extend(&bytes[..size as usize]);
            bytes = &bytes[size as usize..];
            if size < 255 {
                packets.push(Vec::new());
            }
        }
    }
    packets.pop();
    packets.split_off(2)
}

/// Start of every packet in a file, seconds.
pub(crate) fn packet_times(file: &Path) -> Vec<f64> {
    let path = file.to_str().unwrap();
    let text = run("ffprobe", &["-v", "error", "-show_entries", "packet=pts_time", "-of", "csv=p=0", path]);
    let text = String::from_utf8(text).unwrap();
    text.lines().map(|line| line.trim_end_matches(',').parse().unwrap()).collect()
}

/// Codec name and size that ffprobe reads from a file.
pub(crate) fn stream(file: &Path) -> String {
    let entries = "stream=codec_name,width,height,sample_rate,channels";
    let path = file.to_str().unwrap();
    let text = run("ffprobe", &["-v", "error", "-show_entries", entries, "-of", "csv=p=0", path]);
    String::from_utf8(text).unwrap().trim().to_owned()
}

/// Decodes everything and fails on the least complaint; gives the number of frames.
pub(crate) fn decode_cleanly(file: &Path) -> usize {
    let (frames, complaints) = decode(file);
    assert_eq!(complaints, "", "{} does not decode cleanly", file.display());
    frames
}

/// Decodes everything there is; gives the number of frames and what ffmpeg complained of.
pub(crate) fn decode(file: &Path) -> (usize, String) {
    let output = Command::new("ffmpeg")
        .args([
            "-nostdin",
            "-v",
            "error",
            "-i",
            file.to_str().unwrap(),
            "-fps_mode",
            "passthrough",
            "-f",
            "framecrc",
            "-",
        ])
        .output()
        .expect("ffmpeg runs");
    let lines = String::from_utf8_lossy(&output.stdout);
    let frames = lines.lines().filter(|line| !line.starts_with('#')).count();
    (frames, String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// Mean brightness of every picture, 0–255.
pub(crate) fn brightness(file: &Path) -> Vec<u8> {
    let path = file.to_str().unwrap();
    let mut arguments = vec!["-nostdin", "-v", "error", "-i", path, "-fps_mode", "passthrough"];
    arguments.extend(["-vf", "scale=1:1:flags=area,format=gray", "-f", "rawvideo", "-"]);
    run("ffmpeg", &arguments)
}

/// Mono samples at 48 kHz.
pub(crate) fn sound(file: &Path) -> Vec<i16> {
    let path = file.to_str().unwrap();
    let arguments = ["-nostdin", "-v", "error", "-i", path, "-ac", "1", "-ar", "48000", "-f", "s16le", "-"];
    let bytes = run("ffmpeg", &arguments);
    bytes.chunks_exact(2).map(|sample| i16::from_le_bytes([sample[0], sample[1]])).collect()
}

/// Mono samples at 48 kHz on the session's time: the first is at zero, and where there is no media there is silence.
pub(crate) fn sound_in_session(file: &Path) -> Vec<i16> {
    let path = file.to_str().unwrap();
    let filter = "aresample=48000:async=1:min_hard_comp=0.001:first_pts=0";
    let mut arguments = vec!["-nostdin", "-v", "error", "-copyts", "-i", path, "-af", filter];
    arguments.extend(["-ac", "1", "-f", "s16le", "-"]);
    let bytes = run("ffmpeg", &arguments);
    bytes.chunks_exact(2).map(|sample| i16::from_le_bytes([sample[0], sample[1]])).collect()
}
