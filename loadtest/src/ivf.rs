//! Reading IVF: the container in which `ffmpeg` hands over raw VP8 and VP9 frames.

use anyhow::{Context, Result, ensure};

/// Frames of an IVF file, in order, with their timestamps in the file's time base.
pub fn frames(file: &[u8]) -> Result<Vec<(u64, Vec<u8>)>> {
    ensure!(file.len() >= 32 && &file[..4] == b"DKIF", "not an IVF file");
    let header = usize::from(u16::from_le_bytes([file[6], file[7]]));
    let mut rest = file.get(header..).context("the IVF header is cut off")?;
    let mut frames = Vec::new();
    while rest.len() >= 12 {
        let (head, tail) = rest.split_at(12);
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let time = head[4..].iter().rev().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        let frame = tail.get(..length).context("the last IVF frame is cut off")?;
        frames.push((time, frame.to_vec()));
        rest = &tail[length..];
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_as_they_went_in() {
        let mut file = b"DKIF\0\0\x20\0VP80".to_vec();
        file.resize(32, 0);
        for (time, body) in [(0u64, &b"one"[..]), (7, b"")] {
            file.extend_from_slice(&(body.len() as u32).to_le_bytes());
            file.extend_from_slice(&time.to_le_bytes());
            file.extend_from_slice(body);
        }
        assert_eq!(frames(&file).expect("frames"), [(0, b"one".to_vec()), (7, Vec::new())]);
        assert!(frames(&file[..file.len() - 13]).is_err());
        assert!(frames(b"RIFF").is_err());
    }
}
