//! Packets that left together, and how the time between two such groups changed on the way
//! (draft-ietf-rmcat-gcc-02 §5.2; the rules for bursts follow libwebrtc).

/// Packets that left within this time are one group: a video frame leaves in bursts, and queueing within a burst says
/// nothing about the path.
const SEND_SPAN_US: u64 = 5_000;

/// Packets that arrive this close behind each other while catching up were held up together (a radio that slept).
const BURST_US: i64 = 5_000;

/// A burst is no longer than this.
const BURST_MAX_US: i64 = 100_000;

/// A step of the receiver's clock against ours that is no delay.
const CLOCK_STEP_US: i64 = 3_000_000;

/// Differences between a group and the one before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GroupDelta {
    /// Between the last packets leaving, in microseconds.
    pub send_us: i64,
    /// Between the last packets arriving, in microseconds.
    pub arrival_us: i64,
    /// When the later group's last packet arrived.
    pub at_us: i64,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    first_sent_us: u64,
    last_sent_us: u64,
    first_arrival_us: i64,
    last_arrival_us: i64,
}

/// Gathers packets into groups.
#[derive(Clone, Copy, Debug, Default)]
pub struct Grouping {
    current: Option<Group>,
    previous: Option<Group>,
}

impl Grouping {
    /// Takes an arrived packet, by sequence number; gives a difference when it begins a new group.
    pub fn on_packet(&mut self, sent_us: u64, arrival_us: i64) -> Option<GroupDelta> {
        let fresh = Group {
            first_sent_us: sent_us,
            last_sent_us: sent_us,
            first_arrival_us: arrival_us,
            last_arrival_us: arrival_us,
        };
        let Some(current) = &mut self.current else {
            self.current = Some(fresh);
            return None;
        };
        if sent_us < current.first_sent_us {
            // Reordered into an earlier group: that one is closed.
            return None;
        }
        if current.takes(sent_us, arrival_us) {
            current.last_sent_us = current.last_sent_us.max(sent_us);
            current.last_arrival_us = current.last_arrival_us.max(arrival_us);
            return None;
        }
        let complete = *current;
        let delta = self.previous.and_then(|previous| complete.since(&previous));
        self.previous = Some(complete);
        self.current = Some(fresh);
        if delta.is_some_and(|delta| (delta.arrival_us - delta.send_us).abs() > CLOCK_STEP_US) {
            self.previous = None;
            return None;
        }
        delta
    }

    /// Forgets all groups.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

impl Group {
    fn takes(&self, sent_us: u64, arrival_us: i64) -> bool {
        if sent_us - self.first_sent_us <= SEND_SPAN_US {
            return true;
        }
        let sent = sent_us.saturating_sub(self.last_sent_us) as i64;
        let arrived = arrival_us - self.last_arrival_us;
        // It caught up with the group: held up together.
        arrived - sent < 0 && arrived <= BURST_US && arrival_us - self.first_arrival_us < BURST_MAX_US
    }

    fn since(&self, previous: &Group) -> Option<GroupDelta> {
        let arrival_us = self.last_arrival_us - previous.last_arrival_us;
        // Reordered groups say nothing.
        (arrival_us >= 0).then_some(GroupDelta {
            send_us: self.last_sent_us as i64 - previous.last_sent_us as i64,
            arrival_us,
            at_us: self.last_arrival_us,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_a_burst_are_one_group_and_groups_are_compared_by_their_ends() {
        let mut groups = Grouping::default();
        for (sent, arrival) in [(0, 50_000), (1000, 53_000), (4000, 56_000)] {
            assert_eq!(groups.on_packet(sent, arrival), None);
        }
        assert_eq!(groups.on_packet(33_000, 83_000), None, "nothing to compare with yet");
        assert_eq!(groups.on_packet(34_000, 90_000), None);
        let delta = groups.on_packet(66_000, 120_000).unwrap();
        assert_eq!((delta.send_us, delta.arrival_us, delta.at_us), (30_000, 34_000, 90_000));
    }

    #[test]
    fn what_was_held_up_together_is_one_group() {
        let mut groups = Grouping::default();
        groups.on_packet(0, 10_000);
        groups.on_packet(20_000, 90_000);
        // The radio woke at 90 ms and delivered everything at once.
        assert_eq!(groups.on_packet(40_000, 91_000), None);
        assert_eq!(groups.on_packet(60_000, 92_000), None);
        let delta = groups.on_packet(100_000, 110_000).unwrap();
        assert_eq!((delta.send_us, delta.arrival_us), (60_000, 82_000));
    }

    #[test]
    fn a_step_of_the_receivers_clock_is_no_delay() {
        let mut groups = Grouping::default();
        for (sent, arrival) in [(0, 0), (20_000, 20_000), (40_000, 60_000_000)] {
            assert_eq!(groups.on_packet(sent, arrival).filter(|it| it.arrival_us > 20_000), None);
        }
        assert_eq!(groups.on_packet(60_000, 60_020_000), None, "the step is left out");
        assert_eq!(groups.on_packet(80_000, 60_040_000), None);
        assert_eq!(groups.on_packet(100_000, 60_060_000).map(|it| it.arrival_us), Some(20_000));
    }
}
