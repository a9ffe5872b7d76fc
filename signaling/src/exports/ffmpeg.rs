//! `ffmpeg` as a process: whether it is there and can do what exports need, and running it.

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use rustix::process::{Pid, setpriority_process};
use tokio::task::spawn_blocking;

/// The oldest version that mixes voices without making them quieter.
const OLDEST: (u32, u32) = (4, 4);
/// What exports use of it, by the list that must have it.
const NEEDED: [(&str, &[&str]); 2] = [
    ("-encoders", &["libx264", "aac"]),
    ("-filters", &["drawtext", "overlay", "hstack", "transpose", "amix", "join", "aselect", "asetnsamples"]),
];
/// Bytes kept of what it complains of.
const COMPLAINT_MAX: usize = 2_000;
/// How often it is looked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Lowest priority: calls come first.
const NICENESS: i32 = 19;
/// The file in the working folder that names the process; what a kill of the server leaves behind is found by it.
const PID_FILE: &str = "pid";

/// Why it cannot be used, or did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum FfmpegError {
    /// It does not start.
    #[error(
        "{program} cannot be started: {source}. Install ffmpeg (Debian: apt-get install ffmpeg) or set export.ffmpeg"
    )]
    Missing {
        /// As set.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// It is from before it could.
    #[error("ffmpeg {found} is too old: {}.{} or later is needed", OLDEST.0, OLDEST.1)]
    TooOld {
        /// Its version, as it says.
        found: String,
    },
    /// It was built without something.
    #[error("this ffmpeg was built without {what}: install a complete one")]
    Lacks {
        /// What.
        what: String,
    },
    /// It gave up.
    #[error("ffmpeg gave up ({status}): {complaint}")]
    GaveUp {
        /// How it ended.
        status: ExitStatus,
        /// The end of what it said.
        complaint: String,
    },
    /// The system lost it.
    #[error("ffmpeg cannot be followed: {0}")]
    Pipe(io::Error),
}

/// The program.
#[derive(Clone, Debug)]
pub struct Ffmpeg {
    program: PathBuf,
}

impl Ffmpeg {
    /// The one at this path, or of this name on the search path.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into() }
    }

    /// Its version, if it can do all that exports need. Blocks for some 100 ms.
    ///
    /// # Errors
    /// When it is missing, too old, or lacks something.
    pub fn check(&self) -> Result<String, FfmpegError> {
        let ask = |argument: &str| {
            let output =
                Command::new(&self.program).args(["-hide_banner", argument]).stdin(Stdio::null()).output();
            output
                .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
                .map_err(|source| self.missing(source))
        };
        let said = ask("-version")?;
        let version = said.split_whitespace().nth(2).unwrap_or("of no version").to_owned();
        if is_too_old(&version) {
            return Err(FfmpegError::TooOld { found: version });
        }
        for (list, needed) in NEEDED {
            let has = ask(list)?;
            let mut words = needed.iter();
            if let Some(what) = words.find(|what| !has.split_whitespace().any(|word| word == **what)) {
                return Err(FfmpegError::Lacks { what: (*what).to_owned() });
            }
        }
        Ok(version)
    }

    fn missing(&self, source: io::Error) -> FfmpegError {
        FfmpegError::Missing { program: self.program.display().to_string(), source }
    }

    /// Runs it in a folder to its end, at low priority; percent of `total_ms` that are done go to `progress`. Dropping
    /// the future kills it.
    ///
    /// # Errors
    /// When it does not start or gives up; the error has its last words.
    pub async fn run(
        &self,
        folder: &Path,
        arguments: &[String],
        total_ms: u64,
        progress: &Arc<AtomicU8>,
    ) -> Result<(), FfmpegError> {
        let child = Command::new(&self.program)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| self.missing(source))?;
        let mut running = Running(child);
        if let Some(pid) = Pid::from_raw(running.0.id().cast_signed()) {
            // Its threads, which it has yet to start, take after it.
            if let Err(error) = setpriority_process(Some(pid), NICENESS) {
                tracing::warn!(%error, "ffmpeg runs at the priority of calls");
            }
            let number = pid.as_raw_nonzero().to_string();
            std::fs::write(folder.join(PID_FILE), number).map_err(FfmpegError::Pipe)?;
        }
        let (stdout, stderr) = (running.0.stdout.take(), running.0.stderr.take());
        let progress = progress.clone();
        let followed = spawn_blocking(move || stdout.map(|stdout| follow(stdout, total_ms, &progress)));
        let heard = spawn_blocking(move || stderr.map(last_words));
        let status = loop {
            match running.0.try_wait().map_err(FfmpegError::Pipe)? {
                Some(status) => break status,
                None => tokio::time::sleep(LOOK_EVERY).await,
            }
        };
        let _ = followed.await;
        if status.success() {
            return Ok(());
        }
        let complaint = heard.await.ok().flatten().unwrap_or_default();
        Err(FfmpegError::GaveUp { status, complaint })
    }
}

/// A process that ends with whoever has it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads the lines of `-progress` until there are no more.
fn follow(stdout: ChildStdout, total_ms: u64, progress: &AtomicU8) {
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        if let Some(done) = line.strip_prefix("out_time_us=").and_then(|us| us.parse::<u64>().ok()) {
            let percent = done / 10 / total_ms.max(1);
            progress.store(percent.min(99) as u8, Ordering::Relaxed);
        }
    }
}

/// Reads to the end; gives the last of it.
fn last_words(mut stderr: ChildStderr) -> String {
    let (mut kept, mut piece) = (Vec::new(), [0; 1024]);
    while let Ok(length @ 1..) = stderr.read(&mut piece) {
        kept.extend_from_slice(&piece[..length]);
        let excess = kept.len().saturating_sub(COMPLAINT_MAX);
        kept.drain(..excess);
    }
    String::from_utf8_lossy(&kept).trim().to_owned()
}

/// Ends an `ffmpeg` that a killed server has left working in a folder.
pub fn end_orphan(folder: &Path) {
    let pid = std::fs::read_to_string(folder.join(PID_FILE)).ok().and_then(|text| text.trim().parse().ok());
    let Some(pid) = pid.and_then(Pid::from_raw) else { return };
    // Numbers of processes are used again: only what works in that very folder is ours.
    let works_in = std::fs::read_link(format!("/proc/{}/cwd", pid.as_raw_nonzero()));
    if works_in.is_ok_and(|cwd| folder.canonicalize().is_ok_and(|folder| folder == cwd)) {
        tracing::warn!(pid = pid.as_raw_nonzero(), "ending an export that a killed server has left");
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

/// Versions look like `5.1.9-0+deb12u1`, `n6.0` or, of a build between releases, `N-109542-g…`.
fn is_too_old(version: &str) -> bool {
    let number = version.trim_start_matches('n');
    let mut parts = number.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse::<u32>().ok());
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(major), minor) => (major, minor.unwrap_or(0)) < OLDEST,
        // Nobody can tell; what it can do is looked at anyway.
        (None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_versions_are_told_however_they_are_written() {
        for (version, too_old) in [
            ("5.1.9-0+deb12u1", false),
            ("4.4", false),
            ("4.3.8", true),
            ("n6.0", false),
            ("n4.2.1", true),
            ("7", false),
            ("N-109542-g123abc", false),
        ] {
            assert_eq!(is_too_old(version), too_old, "{version}");
        }
    }

    #[test]
    fn the_one_of_this_machine_can_do_what_exports_need_and_a_missing_one_is_named() {
        Ffmpeg::new("ffmpeg").check().unwrap();
        let error = Ffmpeg::new("/nowhere/ffmpeg").check().unwrap_err().to_string();
        assert!(error.contains("/nowhere/ffmpeg") && error.contains("export.ffmpeg"), "{error}");
        assert!(matches!(Ffmpeg::new("/bin/true").check(), Err(FfmpegError::Lacks { .. })));
    }

    #[tokio::test]
    async fn what_it_complains_of_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let arguments = ["-v", "error", "-i", "nothing", "-f", "null", "-"].map(str::to_owned);
        let run = Ffmpeg::new("ffmpeg");
        let error = run.run(dir.path(), &arguments, 1_000, &Arc::default()).await.unwrap_err();
        assert!(error.to_string().contains("nothing: No such file"), "{error}");
    }
}
