//! Settings: what there is, where it comes from, and whether it can work.

pub mod check;
mod load;
mod network;
mod settings;

use std::path::Path;

pub use load::{DEFAULT_FILE, Flags, LoadError, Loaded, load};
pub use network::local_address;
pub use settings::{
    DataSettings, DemoSettings, DeskSettings, HttpSettings, LogFormat, LogSettings, MediaSettings,
    RecordingSettings, Settings,
};

/// Makes a folder that only its owner may enter; one that is there already stays as it is.
pub fn make_private_dir(dir: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}
