//! Flash and beep: sound and picture of one person leave together and must be found together.

use sfu::{Codec, Source};

use crate::media::{brightness, encode, packet_times, sound};
use crate::stage::{Network, Sender, Stage, rough, through};

/// Every two seconds the picture is white and a tone sounds, for a fifth of a second.
const FLASH: &str = "color=black:size=160x120:rate=30,drawbox=enable='lt(mod(t,2),0.2)':color=white:t=fill";
const BEEP: &str = "aevalsrc='0.5*sin(2*PI*1000*t)*lt(mod(t,2),0.2)':s=48000";

const SECONDS: u32 = 60;

/// Times at which it becomes bright or loud, seconds of session time.
fn onsets(levels: impl Iterator<Item = (f64, bool)>) -> Vec<f64> {
    let mut onsets: Vec<f64> = Vec::new();
    let mut was_on = true;
    for (at, on) in levels {
        // The first one is at the very start of both; whether it counts as an onset depends on the codec.
        if on && !was_on && at > 1.0 && onsets.last().is_none_or(|last| at - last > 1.0) {
            onsets.push(at);
        }
        was_on = on;
    }
    onsets
}

async fn worst_offset(audio_ppm: i64, video_ppm: i64, audio_network: Network, video_network: Network) -> f64 {
    let mut audio = Sender::new(Codec::Opus, encode(Codec::Opus, BEEP, SECONDS));
    let mut video = Sender::new(Codec::Vp8, encode(Codec::Vp8, FLASH, SECONDS));
    (audio.ppm, video.ppm) = (audio_ppm, video_ppm);
    audio.report_every_us = 5_000_000;
    let stage = Stage::new().await;
    let (audio_tap, video_tap) = (stage.tap(Source::Microphone), stage.tap(Source::Camera));
    let mut arrivals: Vec<_> = through(audio_network, audio.sends())
        .into_iter()
        .map(|(at, event)| (at, &audio_tap, event))
        .chain(through(video_network, video.sends()).into_iter().map(|(at, event)| (at, &video_tap, event)))
        .collect();
    arrivals.sort_by_key(|(at, ..)| *at);
    let mut read_until = 0;
    for (at, tap, event) in arrivals {
        assert!(tap.send(event));
        // A minute passes in a second here, while a write takes as long as ever. In a real call one track is never
        // seconds behind the other because of it, so it must not be here: both catch up every tenth of a second.
        if at >= read_until {
            while audio_tap.waiting() + video_tap.waiting() > 0 {
                tokio::task::yield_now().await;
            }
            read_until = at + 100_000;
        }
    }
    drop((audio_tap, video_tap));
    let recorded = stage.stop().await;

    let video_file = recorded.file("buyer-camera-1");
    let pictures = packet_times(&video_file).into_iter().zip(brightness(&video_file));
    let flashes = onsets(pictures.map(|(at, level)| (at, level > 128)));
    let audio_file = recorded.file("buyer-microphone-1");
    let begins = packet_times(&audio_file)[0];
    let loud = sound(&audio_file)
        .chunks(48)
        .map(|samples| samples.iter().any(|sample| sample.unsigned_abs() > 3000))
        .enumerate()
        .map(|(ms, loud)| (begins + ms as f64 / 1000.0, loud))
        .collect::<Vec<_>>();
    let beeps = onsets(loud.into_iter());
    assert_eq!((flashes.len(), beeps.len()), (SECONDS as usize / 2 - 1, SECONDS as usize / 2 - 1));
    flashes.iter().zip(&beeps).map(|(flash, beep)| (flash - beep).abs()).fold(0.0, f64::max)
}

#[tokio::test]
async fn flash_and_beep_stay_together_over_jitter_and_skewed_clocks() {
    // 33 ms is what a camera's frame interval alone may cost, 6.5 ms the encoder's look-ahead.
    let straight = worst_offset(0, 0, rough, rough).await;
    assert!(straight < 0.040, "offset {straight} s");
    // A hundred times what real clocks do, so that a minute shows what hours would.
    let skewed = worst_offset(2_000, -2_000, rough, rough).await;
    assert!(skewed < 0.040, "offset {skewed} s");
}

#[tokio::test]
async fn a_slow_path_for_video_alone_does_not_part_it_from_its_sound() {
    // Pictures wait in the sender's pacer: not one of them is ever quick, so arrival times alone would part them.
    let slow: Network = |n| Some(250_000 + (n as i64 * 7_919) % 40_000);
    let offset = worst_offset(100, -100, rough, slow).await;
    assert!(offset < 0.040, "offset {offset} s");
}
