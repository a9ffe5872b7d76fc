//! The demo shop's queues, unless the settings have others.

use crate::queues::{Meanwhile, QueueSettings, RecordingRules};

/// A line for German speakers in the Alps and beyond, one for Arabic speakers, and one for everybody else.
pub(super) fn queues() -> Vec<QueueSettings> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let during_talk_only = RecordingRules {
        on_hold: Meanwhile::Pause,
        on_consult: Meanwhile::Pause,
        ..RecordingRules::default()
    };
    vec![
        QueueSettings {
            countries: texts(&["AT", "CH", "DE", "LI"]),
            languages: texts(&["de"]),
            recording: during_talk_only,
            ..QueueSettings::new("german", "German-speaking countries")
        },
        QueueSettings { languages: texts(&["ar"]), ..QueueSettings::new("arabic", "Arabic") },
        QueueSettings::new("support", "International support"),
    ]
}
