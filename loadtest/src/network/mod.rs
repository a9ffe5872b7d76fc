//! A bad network in user space: what a seeded model says happens to each packet, and relays that make it happen.
//!
//! A [`Trace`] says how an access network behaves over time; a [`Link`] is one direction of it as a pure state machine; a
//! [`Proxy`] puts both directions between a client and a server, for UDP and TCP. It needs no privileges and changes nothing
//! in the machine: a client meets it by being given the proxy's address for the server's. An [`Access`] is the same for a caller
//! of this process, without the sockets between.
//!
//! ```text
//!  client ──▶ listen ─┬─ Link (up) ──▶ one socket a client ──▶ server
//!         ◀──         └─ Link (down) ◀──                    ◀──
//! ```
//!
//! The fate of the n-th packet of a direction depends on trace, seed and n (and, where rate and steps come in, on its time and
//! size), on nothing else: two runs of one trace and seed meet the same losses.

mod access;
mod control;
mod link;
mod random;
mod relay;
mod stream;
mod trace;

pub use access::{Access, Passage};
pub use control::{Command, DirectionReport, Report};
pub use link::{Counts, Fate, Link, Loss};
pub use relay::{Proxy, ProxyConfig};
pub use trace::{Conditions, Named, Schedule, Trace};
