//! A worker's alarm clock for the time in which it waits for its socket.
//!
//! To set a timer costs as much as to forward several packets, on a virtual machine whose host has a part in it more than to wake
//! a thread. Waiting for each packet with a timeout sets one for each. This one stays as it is until it goes off: for a deadline
//! that has been met meanwhile it may do so in vain.

use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
pub(crate) use linux::Alarm;
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::Alarm;

/// Whether an alarm that is set for `set` will do for a deadline, give or take some slack.
fn will_do(set: Option<Instant>, now: Instant, deadline: Instant, slack: Duration) -> bool {
    set.is_some_and(|set| now < set && set <= deadline + slack)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::{Duration, Instant};

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::unix::AsyncFd;

    /// See the module.
    pub(crate) struct Alarm {
        timer: AsyncFd<OwnedFd>,
        set: Option<Instant>,
    }

    impl Alarm {
        /// Must be called inside the worker's runtime.
        pub(crate) fn new() -> io::Result<Self> {
            let timer =
                timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
            #[expect(unsafe_code, reason = "tokio asks for a promise about the descriptor")]
            // SAFETY: an `OwnedFd` is one descriptor of one timer for as long as it lives, and nobody takes it out again.
            let timer = unsafe { AsyncFd::register(timer) }?;
            Ok(Self { timer, set: None })
        }

        /// Sees to it that it goes off at a deadline, or up to `slack` after it.
        pub(crate) fn set(&mut self, now: Instant, deadline: Instant, slack: Duration) {
            if super::will_do(self.set, now, deadline, slack) {
                return;
            }
            let at = deadline.max(now) + slack;
            // Zero would stop it.
            let wait = at.saturating_duration_since(now).max(Duration::from_nanos(1));
            let never = Timespec { tv_sec: 0, tv_nsec: 0 };
            let value = Timespec::try_from(wait).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
            let spec = Itimerspec { it_interval: never, it_value: value };
            if let Err(error) = timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::empty(), &spec) {
                tracing::error!(%error, "the worker's timer cannot be set");
            }
            self.set = Some(at);
        }

        /// Waits until it goes off.
        pub(crate) async fn rings(&mut self) {
            while let Ok(mut ready) = self.timer.readable().await {
                let mut count = [0; 8];
                let read = ready.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut count)?));
                if read.is_ok() {
                    self.set = None;
                    return;
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod portable {
    use std::io;
    use std::time::{Duration, Instant};

    /// See the module.
    pub(crate) struct Alarm {
        set: Option<Instant>,
    }

    impl Alarm {
        /// Never fails.
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self { set: None })
        }

        /// Sees to it that it goes off at a deadline, or up to `slack` after it.
        pub(crate) fn set(&mut self, now: Instant, deadline: Instant, slack: Duration) {
            if !super::will_do(self.set, now, deadline, slack) {
                self.set = Some(deadline.max(now) + slack);
            }
        }

        /// Waits until it goes off.
        pub(crate) async fn rings(&mut self) {
            match self.set {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
            self.set = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn an_alarm_that_goes_off_soon_enough_is_left_alone() {
        let now = Instant::now();
        assert!(!will_do(None, now, now + MS, MS));
        assert!(!will_do(Some(now), now, now + MS, MS), "it has gone off");
        assert!(will_do(Some(now + MS), now, now + 9 * MS, Duration::ZERO), "in vain, perhaps");
        assert!(will_do(Some(now + 3 * MS), now, now + MS, 2 * MS));
        assert!(!will_do(Some(now + 4 * MS), now, now + MS, 2 * MS), "too late");
    }

    #[tokio::test]
    async fn it_rings_once_and_not_too_early() {
        let mut alarm = Alarm::new().expect("a timer");
        let begin = Instant::now();
        alarm.set(begin + MS, begin, Duration::ZERO);
        alarm.rings().await;
        // An earlier one replaces it, a later one does not.
        alarm.set(begin, begin + 3600 * 1000 * MS, MS);
        alarm.set(begin, begin + 4 * MS, 2 * MS);
        alarm.set(begin, begin + 9 * MS, Duration::ZERO);
        alarm.rings().await;
        assert!(begin.elapsed() >= 6 * MS);
        tokio::select! {
            biased;
            () = alarm.rings() => panic!("it rings again"),
            () = tokio::time::sleep(5 * MS) => {}
        }
    }
}
