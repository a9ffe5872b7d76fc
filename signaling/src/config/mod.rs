//! Settings: what there is, where it comes from, and whether it can work.

pub mod check;
mod load;
mod network;
mod settings;

pub use load::{DEFAULT_FILE, Flags, LoadError, Loaded, load};
pub use network::local_address;
pub use settings::{
    DataSettings, DemoSettings, DeskSettings, HttpSettings, LogFormat, LogSettings, MediaSettings,
    RecordingSettings, Settings,
};
