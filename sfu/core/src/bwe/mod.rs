//! Bandwidth of one subscriber's leg: how much it can carry, who gets what of that, and when each packet leaves.
//!
//! [`Estimator`] numbers what is sent ([`history`]), reads what the other side reports ([`feedback`]) and keeps an estimate: GCC's
//! delay-gradient detector ([`groups`], [`trend`]) and rate control ([`rate_control`]), a bound by loss ([`loss`]), a shortcut for
//! links that collapse ([`delay`]), and probes that find out whether there is more ([`probe`]). [`Pacer`] lets packets leave at
//! a rate, [`Allocator`] divides the estimate among the slots, and [`cap`] is what publishers hear of it, beside what [`inflow`] and
//! [`width`] see of their own uplinks. All of it is pure: time is an argument, nothing is allocated per packet.
//!
//! Only what was sent on this leg is ever counted: a packet that was lost between the publisher and us has no
//! transport-wide number here, so the uplink of one cannot lower the estimate of another.

pub mod allocator;
pub mod bitrate;
pub mod cap;
pub mod delay;
pub mod estimator;
pub mod feedback;
pub mod groups;
pub mod history;
pub mod inflow;
pub mod loss;
pub mod messages;
pub mod pacer;
pub mod probe;
pub mod rate_control;
pub mod throughput;
pub mod trend;
pub mod width;

#[cfg(test)]
mod sim;

pub use self::allocator::{Allocation, Allocator, Leg, Rung, SlotRequest, Target};
pub use self::bitrate::Bitrate;
pub use self::estimator::Estimator;
pub use self::feedback::Twcc;
pub use self::pacer::{Class, Pacer};
