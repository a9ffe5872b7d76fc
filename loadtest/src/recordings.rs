//! Recordings, looked at from outside: whether what was recorded of cameras can be decoded from end to end.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use protocol::call::Source;
use protocol::ids::RecordingId;
use protocol::rest::{Recording, RecordingTrack};
use tokio::process::Command;

use crate::caller::rest::{Cookie, Rest};

/// What was recorded of the cameras of a call, whole files as the API gives them to players.
pub async fn cameras(
    rest: &Rest,
    cookie: &Cookie,
    recording: RecordingId,
) -> Result<Vec<(RecordingTrack, Vec<u8>)>> {
    let recording: Recording = rest.get(cookie, &format!("/recordings/{recording}")).await?;
    let mut cameras = Vec::new();
    for track in recording.tracks.into_iter().filter(|it| it.source == Source::Camera) {
        let media = rest.bytes(cookie, &track.url).await?;
        cameras.push((track, media));
    }
    Ok(cameras)
}

/// Whether `ffmpeg`, which decodes here, is installed.
pub async fn decoder_is_here() -> bool {
    let tried = Command::new("ffmpeg").arg("-version").stdin(Stdio::null()).stdout(Stdio::null()).status();
    tried.await.is_ok_and(|it| it.success())
}

/// Decodes a file (WebM, MP4, IVF, Annex B) with `ffmpeg`, which may find nothing wrong with it. Gives a hash of every picture, in
/// its own size.
pub async fn decode(media: &[u8]) -> Result<Vec<String>> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), media)?;
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-xerror", "-err_detect", "explode", "-i"])
        .arg(file.path())
        .args(["-map", "0:v:0", "-autoscale", "0", "-fps_mode", "passthrough", "-f", "framemd5", "-"])
        .stdin(Stdio::null())
        .output()
        .await
        .context("ffmpeg cannot be started")?;
    let complaints = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && complaints.is_empty(), "ffmpeg: {complaints}");
    // Stream, two times, duration, size, hash.
    let lines = String::from_utf8(output.stdout)?;
    let pictures = lines.lines().filter(|line| !line.starts_with('#'));
    Ok(pictures.filter_map(|line| Some(line.rsplit(',').next()?.trim().to_owned())).collect())
}
