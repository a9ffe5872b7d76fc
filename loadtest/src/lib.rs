//! Proof at scale: headless callers, bad networks, and reports.
//!
//! [`caller`] plays people of calls, hundreds of them in one thread; [`installation`] is what they call; [`rooms`] lets rooms of them talk
//! and measures ([`measure`]) what they hear and see. [`network`] is the bad network such a caller, or a browser, can be put behind.
//! [`drill`] plays what a support floor fears, [`churn`] makes room after room and looks whether the server forgets them.
//! [`peer`] is one caller on the `webrtc` crate, with [`tone`] and [`ivf`], for tests of interoperation.
//!
//! All of it speaks the public protocol and knows nothing of the server's insides.

pub mod caller;
pub mod churn;
pub mod drill;
pub mod floor;
pub mod installation;
pub mod ivf;
pub mod measure;
pub mod network;
pub mod peer;

pub mod progress;
pub mod recordings;
pub mod report;
pub mod rooms;
pub mod tone;
