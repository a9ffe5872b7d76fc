//! Can these settings work on this machine? One line a check, with the setting's name and what to do.

use std::fmt;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;

use jiff::Timestamp;

use super::{HttpSettings, Loaded, MediaSettings, Settings};
use crate::exports::ffmpeg::Ffmpeg;
use crate::{queues, recording_policy, tls};

/// Less free space than this is worth a warning, bytes: about a day of calls.
const SPACE_GOOD: u64 = 5 << 30;
/// Less free space than this stops the server: the database itself may fail, bytes.
const SPACE_MIN: u64 = 256 << 20;
/// A certificate that ends sooner than this is worth a warning, seconds.
const CERTIFICATE_SOON_S: i64 = 14 * 24 * 3600;

/// More addresses than this only slow down connecting: browsers try each.
const ANNOUNCED_MAX: usize = 8;

/// How a check came out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Verdict {
    /// It can work.
    Good,
    /// It can work, but somebody should know.
    Warning,
    /// It cannot work.
    Bad,
}

/// One check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The setting it is about, e.g. `media.port`.
    pub setting: &'static str,
    /// How it came out.
    pub verdict: Verdict,
    /// What was found, and what to do about it.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Good => "ok",
            Verdict::Warning => "warning",
            Verdict::Bad => "WRONG",
        };
        write!(f, "{verdict:<8} {:<22} {}", self.setting, self.text)
    }
}

fn good(setting: &'static str, text: impl Into<String>) -> Finding {
    Finding { setting, verdict: Verdict::Good, text: text.into() }
}

fn warning(setting: &'static str, text: impl Into<String>) -> Finding {
    Finding { setting, verdict: Verdict::Warning, text: text.into() }
}

fn bad(setting: &'static str, text: impl Into<String>) -> Finding {
    Finding { setting, verdict: Verdict::Bad, text: text.into() }
}

/// Every check, in the order of the settings.
pub fn check(loaded: &Loaded, now: Timestamp) -> Vec<Finding> {
    let settings = &loaded.settings;
    let mut findings = vec![match &loaded.file {
        Some(file) => good("settings file", format!("{} is read", file.display())),
        None => good("settings file", "none; defaults, environment and flags count"),
    }];
    findings.push(http_port(&settings.http));
    findings.extend(public_url(settings));
    findings.extend(certificate(&settings.http, now));
    findings.extend(media(&settings.media));
    findings.extend(data(&settings.data.dir));
    findings.push(ffmpeg(settings));
    findings.extend(ranges(settings));
    findings.extend(queues(settings));
    findings
}

/// Calls and recordings do without it.
fn ffmpeg(settings: &Settings) -> Finding {
    const SETTING: &str = "export.ffmpeg";
    match Ffmpeg::new(&settings.export.ffmpeg).check() {
        Ok(version) => good(SETTING, format!("ffmpeg {version} can make exports")),
        Err(error) => warning(SETTING, format!("recordings cannot be exported: {error}")),
    }
}

fn http_port(http: &HttpSettings) -> Finding {
    match TcpListener::bind(http.listen) {
        Ok(_) => good("http.listen", format!("{} is free", http.listen)),
        Err(error) => bad(
            "http.listen",
            format!("{} cannot be had: {error}. Stop what uses it, or set another port", http.listen),
        ),
    }
}

fn public_url(settings: &Settings) -> Option<Finding> {
    const SETTING: &str = "http.public_url";
    let listen = settings.http.listen.ip();
    match &settings.http.public_url {
        Some(url) if url.starts_with("https://") => Some(good(SETTING, url)),
        Some(url) if url.starts_with("http://localhost") || url.starts_with("http://127.") => {
            Some(good(SETTING, url))
        }
        Some(url) if url.starts_with("http://") => Some(warning(
            SETTING,
            format!("{url} is not HTTPS: browsers give neither camera nor microphone to such pages"),
        )),
        Some(url) => Some(bad(SETTING, format!("{url:?} must begin with https:// or http://"))),
        None if listen.is_loopback() || settings.serves_tls() => None,
        None => Some(warning(
            SETTING,
            "is missing: other machines reach this server without TLS, and browsers then give neither camera nor \
             microphone. Set it to the https:// address of the proxy in front, or set http.tls_certificate and \
             http.tls_key",
        )),
    }
}

fn certificate(http: &HttpSettings, now: Timestamp) -> Vec<Finding> {
    const SETTING: &str = "http.tls_certificate";
    match (&http.tls_certificate, &http.tls_key) {
        (None, None) if http.self_signed => {
            vec![good(
                "http.self_signed",
                "the server makes its own certificate; browsers will warn about it",
            )]
        }
        (None, None) => Vec::new(),
        (Some(_), None) => vec![bad("http.tls_key", "is missing: a certificate needs its private key")],
        (None, Some(_)) => vec![bad(SETTING, "is missing: a private key needs its certificate")],
        (Some(certificate), Some(key)) => match tls::load(certificate, key) {
            Err(error) => vec![bad(error.setting(), error.to_string())],
            Ok(loaded) => {
                let left = loaded.not_after.as_second() - now.as_second();
                let until = loaded.not_after;
                vec![if left <= 0 {
                    bad(SETTING, format!("the certificate ended at {until}: renew it"))
                } else if left <= CERTIFICATE_SOON_S {
                    warning(SETTING, format!("the certificate ends soon, at {until}"))
                } else {
                    good(SETTING, format!("fits its key and is good until {until}"))
                }]
            }
        },
    }
}

fn media(media: &MediaSettings) -> Vec<Finding> {
    let mut findings = Vec::new();
    if media.worker_count() <= sfu::WORKERS_MAX {
        findings.push(udp_ports(media));
    } else {
        findings
            .push(bad("media.workers", format!("is {}, must be 0 to {}", media.workers, sfu::WORKERS_MAX)));
    }
    findings.extend(tcp_port(media));
    findings.push(announced(media));
    findings
}

fn udp_ports(media: &MediaSettings) -> Finding {
    const SETTING: &str = "media.port";
    if media.port == 0 {
        return good(SETTING, "any free UDP port");
    }
    let Some(last) =
        u16::try_from(media.worker_count() - 1).ok().and_then(|more| media.port.checked_add(more))
    else {
        return bad(SETTING, format!("{} and the workers after it go beyond port 65535", media.port));
    };
    for port in media.port..=last {
        if let Err(error) = UdpSocket::bind((media.bind, port)) {
            let setting = if error.kind() == std::io::ErrorKind::AddrInUse { SETTING } else { "media.bind" };
            let address = SocketAddr::new(media.bind, port);
            let text = format!("UDP {address} cannot be had: {error}. Stop what uses it, or set another one");
            return bad(setting, text);
        }
    }
    good(SETTING, format!("UDP {} to {last} on {} are free", media.port, media.bind))
}

fn tcp_port(media: &MediaSettings) -> Option<Finding> {
    const SETTING: &str = "media.tcp_port";
    let port = media.tcp()?;
    if port == 0 {
        return Some(good(SETTING, "any free TCP port"));
    }
    let address = SocketAddr::new(media.bind, port);
    Some(match TcpListener::bind(address) {
        Ok(_) => {
            good(SETTING, format!("TCP {address} is free, for browsers whose network lets no UDP through"))
        }
        Err(error) => bad(
            SETTING,
            format!(
                "TCP {address} cannot be had: {error}. Stop what uses it, set another one, or 0 for none"
            ),
        ),
    })
}

fn announced(media: &MediaSettings) -> Finding {
    const SETTING: &str = "media.announced";
    let link_local = |address: &IpAddr| matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
    let unusable =
        |address: &&IpAddr| address.is_unspecified() || address.is_multicast() || link_local(address);
    if let Some(wrong) = media.announced.iter().find(unusable) {
        return bad(SETTING, format!("{wrong} is no address that a browser could send to"));
    }
    if let Some(wrong) = sfu::unreachable_address(media.bind, &media.announced) {
        let text = format!(
            "{wrong} is of another family than media.bind ({}): nothing listens there. Set media.bind to :: for both",
            media.bind
        );
        return bad(SETTING, text);
    }
    let twice = |(place, address): &(usize, &IpAddr)| media.announced[..*place].contains(address);
    if let Some((_, address)) = media.announced.iter().enumerate().find(twice) {
        return bad(SETTING, format!("{address} stands there twice"));
    }
    if media.announced.len() > ANNOUNCED_MAX {
        return bad(
            SETTING,
            format!("has {} addresses, must have at most {ANNOUNCED_MAX}", media.announced.len()),
        );
    }
    if media.announced.is_empty() && media.bind.is_unspecified() {
        let hint =
            super::network::local_address().map_or_else(String::new, |ip| format!(" (here perhaps {ip})"));
        return bad(
            SETTING,
            format!(
                "is missing: media.bind is {}, so browsers would not learn where to send media. Set the public \
                 address of this machine{hint}",
                media.bind
            ),
        );
    }
    let told: Vec<IpAddr> =
        if media.announced.is_empty() { vec![media.bind] } else { media.announced.clone() };
    let list = told.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if told.iter().all(IpAddr::is_loopback) {
        return good(SETTING, format!("browsers send media to {list}: on this machine only"));
    }
    good(SETTING, format!("browsers send media to {list}"))
}

fn data(dir: &Path) -> Vec<Finding> {
    const SETTING: &str = "data.dir";
    if let Err(error) = super::make_private_dir(dir) {
        return vec![bad(SETTING, format!("{} cannot be made: {error}", dir.display()))];
    }
    let probe = dir.join(".vitrine-check");
    let written = std::fs::write(&probe, b"check").and_then(|()| std::fs::remove_file(&probe));
    if let Err(error) = written {
        let text =
            format!("{} cannot be written: {error}. Give it to the user that runs the server", dir.display());
        return vec![bad(SETTING, text)];
    }
    vec![good(SETTING, format!("{} can be written", dir.display())), space(dir)]
}

fn space(dir: &Path) -> Finding {
    const SETTING: &str = "data.dir";
    match rustix::fs::statvfs(dir) {
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let text = format!("{} MiB are free on its disk", free >> 20);
            if free < SPACE_MIN {
                bad(SETTING, format!("{text}: too little to run, make room"))
            } else if free < SPACE_GOOD {
                warning(SETTING, format!("{text}: recordings will soon fail, make room"))
            } else {
                good(SETTING, text)
            }
        }
        Err(error) => warning(SETTING, format!("the free space on its disk cannot be learned: {error}")),
    }
}

fn ranges(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut within = |setting, value: u32, least: u32, most: u32| {
        if !(least..=most).contains(&value) {
            findings.push(bad(setting, format!("is {value}, must be {least} to {most}")));
        }
    };
    within("desk.ring_seconds", settings.desk.ring_seconds, 3, 120);
    within("desk.grace_seconds", settings.desk.grace_seconds, 2, 600);
    within("media.limit_kbps", settings.media.limit_kbps, 100, 1_000_000);
    within("media.limit_packets", settings.media.limit_packets, 100, 100_000);
    within("export.at_once", u32::try_from(settings.export.at_once).unwrap_or(u32::MAX), 1, 16);
    within("export.keep_hours", settings.export.keep_hours.into(), 1, 8_760);
    within("recording.keep_days", settings.recording.keep_days.into(), 1, 3_650);
    for text in recording_policy::mistakes(&settings.recording.regions) {
        findings.push(bad("recording.regions", text));
    }
    for (code, days) in &settings.recording.keep_days_by_country {
        if !crate::country::is_known(code) {
            findings.push(bad("recording.keep_days_by_country", crate::country::advice(code)));
        }
        if !(1..=3_650).contains(days) {
            findings
                .push(bad("recording.keep_days_by_country", format!("{code} is {days}, must be 1 to 3650")));
        }
    }
    if let Some(Err(error)) = settings.recording.archive() {
        findings.push(bad("recording.archive", error.to_string()));
    }
    if let Err(error) = tracing_subscriber::EnvFilter::try_new(&settings.log.filter) {
        findings.push(bad("log.filter", format!("{:?} cannot be read: {error}", settings.log.filter)));
    }
    findings
}

fn queues(settings: &Settings) -> Vec<Finding> {
    const SETTING: &str = "queues";
    let mistakes = queues::mistakes(&settings.queues).into_iter().map(|text| bad(SETTING, text));
    let doubts = queues::doubts(&settings.queues).into_iter().map(|text| warning(SETTING, text));
    let findings: Vec<Finding> = mistakes.chain(doubts).collect();
    if findings.is_empty() {
        let queues = settings.queues();
        let names: Vec<&str> = queues.all().map(|queue| queue.name.as_str()).collect();
        return vec![good(SETTING, names.join(", "))];
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queues::QueueSettings;
    use crate::recording_policy::Rule;

    /// Settings that can work, in a folder of their own.
    fn good_settings(dir: &Path) -> Settings {
        let mut settings = Settings::default();
        settings.http.listen.set_port(0);
        settings.media.port = 0;
        settings.data.dir = dir.join("data");
        settings
    }

    /// The worst of the settings after `spoil`: its name and text.
    fn worst(spoil: impl FnOnce(&mut Settings, &Path)) -> Finding {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = good_settings(dir.path());
        spoil(&mut settings, dir.path());
        let now = "2026-11-21T20:00:00Z".parse().unwrap();
        check(&Loaded { settings, file: None }, now)
            .into_iter()
            .max_by_key(|finding| finding.verdict)
            .unwrap()
    }

    #[track_caller]
    fn is_bad(setting: &str, finding: &Finding) {
        assert_eq!((finding.setting, finding.verdict), (setting, Verdict::Bad), "{finding}");
        assert!(finding.to_string().starts_with("WRONG"), "{finding}");
    }

    #[test]
    fn good_settings_have_nothing_wrong() {
        // A nearly full disk is the machine's fault, not the settings'.
        let finding = worst(|_, _| ());
        assert!(finding.verdict == Verdict::Good || finding.text.contains("MiB are free"), "{finding}");
    }

    #[test]
    fn a_port_that_is_taken_is_found_before_anybody_calls() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        is_bad("http.listen", &worst(|settings, _| settings.http.listen = tcp.local_addr().unwrap()));
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        is_bad("media.port", &worst(|settings, _| settings.media.port = udp.local_addr().unwrap().port()));
        is_bad(
            "media.tcp_port",
            &worst(|settings, _| settings.media.tcp_port = Some(tcp.local_addr().unwrap().port())),
        );
    }

    #[test]
    fn a_wildcard_needs_an_announced_address() {
        let finding = worst(|settings, _| settings.media.bind = "0.0.0.0".parse().unwrap());
        is_bad("media.announced", &finding);
        let finding = worst(|settings, _| {
            settings.media.bind = "0.0.0.0".parse().unwrap();
            settings.media.announced = vec!["0.0.0.0".parse().unwrap()];
        });
        is_bad("media.announced", &finding);
        for (bind, announced) in [
            ("0.0.0.0", &["203.0.113.7", "2001:db8::7"][..]),
            ("2001:db8::7", &["203.0.113.7"]),
            ("::", &["fe80::1"]),
            ("0.0.0.0", &["203.0.113.7", "203.0.113.7"]),
        ] {
            let finding = worst(|settings, _| {
                settings.media.bind = bind.parse().unwrap();
                settings.media.announced = announced.iter().map(|address| address.parse().unwrap()).collect();
            });
            is_bad("media.announced", &finding);
        }
        let both = worst(|settings, _| {
            settings.media.bind = "::".parse().unwrap();
            settings.media.announced = vec!["203.0.113.7".parse().unwrap(), "2001:db8::7".parse().unwrap()];
        });
        assert_ne!(both.setting, "media.announced", "{both}");
    }

    #[test]
    fn a_data_folder_that_cannot_be_written_is_named() {
        let finding = worst(|settings, dir| {
            // A file stands where the folder should be: fails for root too, unlike permissions.
            std::fs::write(dir.join("taken"), b"").unwrap();
            settings.data.dir = dir.join("taken");
        });
        is_bad("data.dir", &finding);
        assert!(finding.text.contains("taken"), "{finding}");
    }

    #[test]
    fn certificate_and_key_must_both_be_there_and_fit() {
        let make = |name: &str, dir: &Path| {
            let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
            let (certificate, key) = (dir.join(format!("{name}.crt")), dir.join(format!("{name}.key")));
            std::fs::write(&certificate, made.cert.pem()).unwrap();
            std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
            (certificate, key)
        };
        let only = worst(|settings, dir| settings.http.tls_certificate = Some(make("a", dir).0));
        is_bad("http.tls_key", &only);
        let strangers = worst(|settings, dir| {
            settings.http.tls_certificate = Some(make("a", dir).0);
            settings.http.tls_key = Some(make("b", dir).1);
        });
        is_bad("http.tls_key", &strangers);
        let missing = worst(|settings, dir| {
            settings.http.tls_certificate = Some(dir.join("nowhere.crt"));
            settings.http.tls_key = Some(make("a", dir).1);
        });
        is_bad("http.tls_certificate", &missing);
    }

    #[test]
    fn values_out_of_range_are_named_with_their_range() {
        is_bad("desk.ring_seconds", &worst(|settings, _| settings.desk.ring_seconds = 0));
        is_bad("desk.grace_seconds", &worst(|settings, _| settings.desk.grace_seconds = 100_000));
        is_bad(
            "recording.keep_days_by_country",
            &worst(|settings, _| {
                settings.recording.keep_days_by_country.insert("UK".into(), 30);
            }),
        );
        is_bad("recording.keep_days", &worst(|settings, _| settings.recording.keep_days = 0));
        is_bad(
            "recording.regions",
            &worst(|settings, _| settings.recording.regions = [("UK".into(), Rule::Never)].into()),
        );
        is_bad(
            "recording.archive",
            &worst(|settings, _| settings.recording.archive = Some("ftp://files.example/calls".into())),
        );
        is_bad("media.limit_kbps", &worst(|settings, _| settings.media.limit_kbps = 64));
        is_bad("media.limit_packets", &worst(|settings, _| settings.media.limit_packets = 1_000_000));
        is_bad("media.workers", &worst(|settings, _| settings.media.workers = 33));
        is_bad(
            "queues",
            &worst(|settings, _| settings.queues = vec![QueueSettings::new("Very important", "VIP")]),
        );
        is_bad("log.filter", &worst(|settings, _| settings.log.filter = "info,=".into()));
        is_bad(
            "http.public_url",
            &worst(|settings, _| settings.http.public_url = Some("help.example".into())),
        );
    }
}
