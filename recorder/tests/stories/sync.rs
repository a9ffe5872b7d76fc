//! Flash and beep: sound and picture of one person leave together and must be found together.

use sfu::{Codec, Source};

use crate::media::{brightness, encode, packet_times, sound, sound_in_session};
use crate::stage::{Network, Recorded, Sender, Stage, rough, through};

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

/// When the picture becomes bright in a track, seconds of session time.
fn flashes(recorded: &Recorded, track: &str) -> Vec<f64> {
    let file = recorded.file(track);
    let levels = packet_times(&file).into_iter().zip(brightness(&file));
    onsets(levels.map(|(at, level)| (at, level > 128)))
}

/// When it becomes loud in a track, seconds of session time.
fn beeps(recorded: &Recorded, track: &str) -> Vec<f64> {
    let samples = sound_in_session(&recorded.file(track));
    let loud = samples.chunks(48).map(|ms| ms.iter().any(|sample| sample.unsigned_abs() > 3000));
    onsets(loud.enumerate().map(|(ms, loud)| (ms as f64 / 1000.0, loud)).collect::<Vec<_>>().into_iter())
}

#[tokio::test]
async fn claps_stay_together_through_silence_a_late_camera_a_mute_and_a_reconnect() {
    let (beep, flash) = (encode(Codec::Opus, BEEP, SECONDS), encode(Codec::Vp8, FLASH, SECONDS));
    let until = |frames: &[crate::media::Encoded], end_us: i64| -> Vec<_> {
        frames.iter().filter(|frame| frame.at_us < end_us).cloned().collect()
    };
    // Before the reload: the microphone from 0 s, muted from 24.5 to 29.5 s; the camera from 10 s on.
    let mut voice = Sender::new(Codec::Opus, until(&beep, 40_000_000));
    let muted = 24_500_000..29_500_000;
    // Discontinuous transmission: one packet in 400 ms while there is nothing to hear.
    let is_silent = |at_us: i64| (400_000..1_900_000).contains(&(at_us % 2_000_000));
    let sent = |at_us: i64| !muted.contains(&at_us) && (!is_silent(at_us) || at_us % 400_000 == 0);
    voice.frames.retain(|frame| sent(frame.at_us));
    let mut camera = Sender::new(Codec::Vp8, until(&flash, 30_000_000));
    camera.begins_us = 10_000_000;
    // After it, from 42 s on: other streams, other timestamps, the same person.
    let mut voice_again = Sender::new(Codec::Opus, until(&beep, 18_000_000));
    voice_again.frames.retain(|frame| !is_silent(frame.at_us) || frame.at_us % 400_000 == 0);
    let mut camera_again = Sender::new(Codec::Vp8, until(&flash, 18_000_000));
    for sender in [&mut voice_again, &mut camera_again] {
        (sender.begins_us, sender.rtp_start, sender.first_sequence) = (42_000_000, 3_000_000_000, 900);
    }
    for (sender, ppm) in
        [(&mut voice, 100), (&mut camera, -100), (&mut voice_again, -100), (&mut camera_again, 100)]
    {
        sender.ppm = ppm;
    }

    let stage = Stage::new().await;
    let mut events: Vec<(i64, usize, sfu::TapEvent)> = Vec::new();
    for (number, sender) in [&voice, &camera, &voice_again, &camera_again].into_iter().enumerate() {
        events.extend(through(rough, sender.sends()).into_iter().map(|(at, event)| (at, number, event)));
    }
    events.sort_by_key(|(at, ..)| *at);
    let mut taps = [Some(stage.tap(Source::Microphone)), Some(stage.tap(Source::Camera)), None, None];
    let mut read_until = 0;
    for (at, number, event) in events {
        if number >= 2 && taps[number].is_none() {
            // The page was reloaded: the old streams are over.
            taps[number - 2] = None;
            taps[number] = Some(stage.tap(if number == 2 { Source::Microphone } else { Source::Camera }));
        }
        let Some(tap) = &taps[number] else { continue };
        assert!(tap.send(event));
        if at >= read_until {
            while taps.iter().flatten().map(sfu::TapSender::waiting).sum::<usize>() > 0 {
                tokio::task::yield_now().await;
            }
            read_until = at + 100_000;
        }
    }
    taps.fill_with(|| None);
    let recorded = stage.stop().await;

    let tracks = |kind: &str| -> Vec<&str> {
        let ids = recorded.index.tracks.iter().map(|track| track.id.as_str());
        ids.filter(|id| id.contains(kind)).collect()
    };
    let seen: Vec<f64> = tracks("camera").into_iter().flat_map(|track| flashes(&recorded, track)).collect();
    let heard: Vec<f64> =
        tracks("microphone").into_iter().flat_map(|track| beeps(&recorded, track)).collect();
    let claps: Vec<(f64, f64)> = seen
        .iter()
        .filter_map(|flash| {
            let beep = heard.iter().find(|beep| (*beep - flash).abs() < 0.5)?;
            Some((*flash, flash - beep))
        })
        .collect();
    // Flashes from 12 to 38 s and from 44 to 58 s; those at 26 and 28 s fell into the mute.
    assert!(claps.len() >= 19, "{} claps: seen {seen:?}, heard {heard:?}", claps.len());
    for (place, (at, offset)) in
        [("start", claps[0]), ("middle", claps[claps.len() / 2]), ("end", claps[claps.len() - 1])]
    {
        println!("{place:<7} clap at {at:6.2} s: picture {:+.1} ms from its sound", offset * 1000.0);
    }
    let worst = claps.iter().map(|(_, offset)| offset.abs()).fold(0.0, f64::max);
    println!("worst of {} claps: {:.1} ms", claps.len(), worst * 1000.0);
    assert!(worst < 0.040, "{claps:?}");
}
