//! What a process takes, from `/proc` (Linux).

use std::path::PathBuf;
use std::time::Duration;

/// Clock ticks a second in `/proc`: fixed on Linux, whatever the kernel's own rate is.
const TICKS: u64 = 100;

/// A process by its number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Process {
    dir: PathBuf,
}

/// What it takes at a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// CPU time so far, of all threads.
    pub cpu: Duration,
    /// Memory in RAM, bytes.
    pub rss_bytes: u64,
    /// Threads.
    pub threads: u64,
    /// Open files, sockets included.
    pub files: u64,
    /// Of those, sockets.
    pub sockets: u64,
}

impl Process {
    /// A process by its number.
    pub fn new(id: u32) -> Self {
        Self { dir: PathBuf::from(format!("/proc/{id}")) }
    }

    /// Ourselves.
    pub fn own() -> Self {
        Self { dir: PathBuf::from("/proc/self") }
    }

    /// What it takes now; `None` when it is gone.
    pub fn usage(&self) -> Option<Usage> {
        let stat = std::fs::read_to_string(self.dir.join("stat")).ok()?;
        // The second field is a name in parentheses that may contain anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| -> Option<u64> { fields.get(number - 3)?.parse().ok() };
        let status = std::fs::read_to_string(self.dir.join("status")).ok()?;
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let rss_kb: u64 = rss.and_then(|it| it.trim().split(' ').next()?.parse().ok()).unwrap_or(0);
        let mut usage = Usage {
            cpu: Duration::from_millis((field(14)? + field(15)?) * 1000 / TICKS),
            rss_bytes: rss_kb * 1024,
            threads: field(20)?,
            ..Usage::default()
        };
        for entry in std::fs::read_dir(self.dir.join("fd")).into_iter().flatten().flatten() {
            usage.files += 1;
            let target = std::fs::read_link(entry.path()).unwrap_or_default();
            usage.sockets += u64::from(target.to_string_lossy().starts_with("socket:"));
        }
        Some(usage)
    }

    /// CPU time of each thread by name, summed over threads of one name: where it goes.
    pub fn threads(&self) -> Vec<(String, Duration)> {
        let mut sum: std::collections::BTreeMap<String, Duration> = Default::default();
        for task in std::fs::read_dir(self.dir.join("task")).into_iter().flatten().flatten() {
            let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            if let Some(cpu) = schedstat(&task.path().join("schedstat")) {
                *sum.entry(name.trim().to_owned()).or_default() += cpu;
            }
        }
        sum.into_iter().collect()
    }
}

/// CPU time that the whole machine has spent so far, stolen time included, on all cores together.
pub fn machine_busy() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let fields = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
    let ticks: Vec<u64> = fields.filter_map(|it| it.parse().ok()).collect();
    // user, nice, system, (idle, iowait,) irq, softirq, steal; the two after it are in user and nice already.
    let busy = [0, 1, 2, 5, 6, 7].iter().filter_map(|place| ticks.get(*place)).sum::<u64>();
    Some(Duration::from_millis(busy * 1000 / TICKS))
}

fn schedstat(path: &std::path::Path) -> Option<Duration> {
    let text = std::fs::read_to_string(path).ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_seen_to_work_and_to_hold_files() {
        let before = Process::own().usage().expect("Linux");
        let file = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let begun = std::time::Instant::now();
        while begun.elapsed() < Duration::from_millis(60) {
            std::hint::black_box(begun.elapsed());
        }
        let after = Process::own().usage().expect("Linux");
        assert!(after.cpu > before.cpu && after.rss_bytes > 1 << 20 && after.threads >= 1);
        assert!(after.sockets >= 1 && after.files > after.sockets);
        drop(file);
        assert!(machine_busy().is_some_and(|it| it >= after.cpu));
        assert!(Process::new(u32::MAX).usage().is_none());
    }
}
