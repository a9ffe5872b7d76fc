//! Where settings come from: defaults, then the `--lan` preset, then the file, then the environment, then flags.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use figment::providers::{Env, Format, Serialized, Toml};
use figment::{Figment, error::Kind};

use super::Settings;
use super::network;

/// The file that is read when none is named.
pub const DEFAULT_FILE: &str = "vitrine.toml";
/// Variables are `VITRINE_<SECTION>__<SETTING>`, e.g. `VITRINE_HTTP__LISTEN`.
const PREFIX: &str = "VITRINE_";

/// Flags that stand for settings.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Flags {
    /// Settings file (TOML). Default: vitrine.toml, when there is one.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Serve the demo shop and add demo accounts.
    #[arg(long)]
    pub demo: bool,
    /// Serve the local network: HTTPS on port 8443 with a certificate of its own, media on every address.
    #[arg(long)]
    pub lan: bool,
    /// http.listen: address and port of pages and API.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// http.public_url: where browsers reach the server.
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// media.announced: address that browsers send media to. May be given several times.
    #[arg(long, value_name = "ADDRESS")]
    pub announced: Vec<IpAddr>,
    /// data.dir: database, recordings and keys.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// Why the settings cannot be read. Every text names the setting or the file.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file that was asked for is not there or cannot be read.
    #[error("the settings file {file} cannot be read: {source}")]
    File {
        /// Which.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A setting is unknown or has a value of the wrong kind.
    #[error("{setting}: {problem} (from {origin})")]
    Setting {
        /// Its name, e.g. `http.listen`.
        setting: String,
        /// What is wrong.
        problem: String,
        /// The file, variable or flag it comes from.
        origin: String,
    },
    /// `--lan` needs an address in the local network.
    #[error("--lan: this machine has no address in a local network; connect it, or set media.announced")]
    NoLocalAddress,
}

/// Settings and the file they come from, if any.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The file that was read.
    pub file: Option<PathBuf>,
}

/// Reads everything.
pub fn load(flags: &Flags) -> Result<Loaded, LoadError> {
    let file = settings_file(flags)?;
    let mut figment = Figment::from(Serialized::defaults(preset(flags)?));
    if let Some(file) = &file {
        figment = figment.merge(Toml::file_exact(file));
    }
    // Only names with a section are settings: other tools use the prefix too.
    let variables = Env::prefixed(PREFIX).filter(|name| name.as_str().contains("__")).split("__");
    let figment = given(figment.merge(variables), flags);
    let settings = figment.extract().map_err(|error| named(&error))?;
    Ok(Loaded { settings, file })
}

fn settings_file(flags: &Flags) -> Result<Option<PathBuf>, LoadError> {
    let file = match &flags.config {
        Some(file) => file.clone(),
        None if Path::new(DEFAULT_FILE).exists() => PathBuf::from(DEFAULT_FILE),
        None => return Ok(None),
    };
    match std::fs::File::open(&file) {
        Ok(_) => Ok(Some(file)),
        Err(source) => Err(LoadError::File { file, source }),
    }
}

/// Defaults, or those for a local network, where phones need TLS before they give a camera.
fn preset(flags: &Flags) -> Result<Settings, LoadError> {
    let mut settings = Settings::default();
    if flags.lan {
        let local = network::local_address().ok_or(LoadError::NoLocalAddress)?;
        settings.http.listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8443));
        settings.http.self_signed = true;
        settings.media.bind = Ipv4Addr::UNSPECIFIED.into();
        settings.media.announced = vec![local];
    }
    Ok(settings)
}

fn given(mut figment: Figment, flags: &Flags) -> Figment {
    if flags.demo {
        figment = figment.merge(Serialized::default("demo.enabled", true));
    }
    if let Some(listen) = flags.listen {
        figment = figment.merge(Serialized::default("http.listen", listen));
    }
    if let Some(url) = &flags.public_url {
        figment = figment.merge(Serialized::default("http.public_url", url));
    }
    if !flags.announced.is_empty() {
        figment = figment.merge(Serialized::default("media.announced", &flags.announced));
    }
    if let Some(dir) = &flags.data_dir {
        figment = figment.merge(Serialized::default("data.dir", dir));
    }
    figment
}

/// Figment's error in our words: which setting, what is wrong with it, where it comes from.
fn named(error: &figment::Error) -> LoadError {
    let mut path = error.path.clone();
    let problem = match &error.kind {
        Kind::UnknownField(name, known) => {
            if path.last() != Some(name) {
                path.push(name.clone());
            }
            format!("there is no such setting; here there are: {}", known.join(", "))
        }
        kind => kind.to_string(),
    };
    let origin = error.metadata.as_ref().map_or_else(
        || "the settings".to_owned(),
        |metadata| match &metadata.source {
            Some(source) => source.to_string(),
            None => metadata.name.to_string(),
        },
    );
    let setting = if path.is_empty() { "settings".to_owned() } else { path.join(".") };
    LoadError::Setting { setting, problem, origin }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loads a file of this text.
    fn of(text: &str) -> Result<Settings, LoadError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("vitrine.toml");
        std::fs::write(&file, text).unwrap();
        load(&Flags { config: Some(file), ..Flags::default() }).map(|loaded| loaded.settings)
    }

    /// The error of a text, and what it must name.
    #[track_caller]
    fn check(text: &str, names: &[&str]) {
        let error = of(text).unwrap_err().to_string();
        for name in names {
            assert!(error.contains(name), "{error:?} does not name {name:?}");
        }
    }

    #[test]
    fn an_empty_file_means_the_defaults() {
        assert_eq!(of("").unwrap(), Settings::default());
    }

    #[test]
    fn the_example_file_shows_every_default() {
        let text = include_str!("../../vitrine.example.toml");
        assert_eq!(of(text).unwrap(), Settings::default());
        // Optional settings stand there as comments; with those, every setting of the program is in the file.
        let all = text
            .replace("# public_url", "public_url")
            .replace("# tls_", "tls_")
            .replace("# tcp_port", "tcp_port")
            .replace("# archive", "archive");
        let (before, queue) = all.split_once("# [[queues]]").unwrap();
        let is_setting = |text: &str| {
            let name = text.split_once(" = ").map_or("", |(name, _)| name);
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        };
        let shown =
            queue.lines().map(|line| line.strip_prefix("# ").filter(|text| is_setting(text)).unwrap_or(line));
        let all = format!("{before}[[queues]]\n{}", shown.collect::<Vec<_>>().join("\n"));
        let settings = of(&all).unwrap();
        assert!(settings.http.public_url.is_some() && settings.http.tls_certificate.is_some());
        assert!(settings.http.tls_key.is_some() && settings.media.tcp_port.is_some());
        assert!(settings.recording.archive.is_some());
        let shown: toml::Table = toml::from_str(&all).unwrap();
        let known = toml::Table::try_from(&settings).unwrap();
        let keys = |value: &toml::Value| -> Vec<String> {
            let first = value.as_array().map_or(value, |list| &list[0]);
            let nested = first.get("recording").and_then(toml::Value::as_table);
            let nested =
                nested.into_iter().flat_map(|table| table.keys().map(|key| format!("recording.{key}")));
            first.as_table().unwrap().keys().cloned().chain(nested).collect()
        };
        for (section, settings) in &known {
            let shown = keys(&shown[section]);
            for name in keys(settings) {
                assert!(shown.contains(&name), "{section}.{name} is not in the example");
            }
        }
    }

    #[test]
    fn an_unknown_setting_or_a_wrong_value_is_named() {
        check("[http]\nlisten_on = 1", &["http.listen_on", "no such setting", "listen", "vitrine.toml"]);
        check("[htpp]\nlisten = 1", &["htpp", "no such setting", "media"]);
        check("[media]\nport = \"many\"", &["media.port", "vitrine.toml"]);
        check("[media]\nport = 70000", &["media.port"]);
        check("[http]\nlisten = \"8080\"", &["http.listen"]);
        check("[log]\nformat = \"xml\"", &["log.format", "text", "json"]);
        check("[recording.regions]\nUS = \"none\"", &["recording.regions.US", "all_parties", "never"]);
        check("[http", &["vitrine.toml"]);
        let queue = "[[queues]]\nname = \"a\"\ntitle = \"A\"\n";
        check(&format!("{queue}colour = 1"), &["queues", "colour", "no such setting", "languages"]);
        check(
            &format!("{queue}recording = {{ record = \"always\" }}"),
            &["queues", "recording.record", "never"],
        );
    }

    #[test]
    fn a_file_that_was_asked_for_must_be_there() {
        let flags = Flags { config: Some("/nowhere/vitrine.toml".into()), ..Flags::default() };
        assert!(load(&flags).unwrap_err().to_string().contains("/nowhere/vitrine.toml"));
    }

    #[test]
    fn flags_win_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("vitrine.toml");
        std::fs::write(&file, "[http]\nlisten = \"127.0.0.1:1\"\n[data]\ndir = \"/there\"").unwrap();
        let flags = Flags {
            config: Some(file),
            demo: true,
            listen: Some("127.0.0.1:9999".parse().unwrap()),
            ..Flags::default()
        };
        let settings = load(&flags).unwrap().settings;
        assert_eq!(settings.http.listen.port(), 9999);
        assert_eq!(settings.data.dir, PathBuf::from("/there"));
        assert!(settings.demo.enabled);
    }
}
