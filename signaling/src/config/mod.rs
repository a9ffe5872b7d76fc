//! Settings: what there is, where it comes from, and whether it can work.

mod settings;

pub use settings::{
    DataSettings, DemoSettings, DeskSettings, HttpSettings, LogFormat, LogSettings, MediaSettings,
    RecordingSettings, Settings,
};
