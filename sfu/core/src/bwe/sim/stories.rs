//! What a subscriber's leg does on different networks.

use std::time::Duration;

use super::model::{Path, Sample, World};
use crate::bwe::Bitrate;

const SECOND: Duration = Duration::from_secs(1);

fn mean(samples: &[Sample], value: impl Fn(&Sample) -> u64) -> u64 {
    samples.iter().map(value).sum::<u64>() / samples.len().max(1) as u64
}

fn most(samples: &[Sample], value: impl Fn(&Sample) -> u64) -> u64 {
    samples.iter().map(value).max().unwrap_or(0)
}

/// Seconds until a value is reached and kept for half a second.
fn reached(samples: &[Sample], at_least: u64, value: impl Fn(&Sample) -> u64) -> Option<f64> {
    let place = samples
        .windows(5)
        .position(|window| mean(window, &value) >= at_least && value(&window[0]) >= at_least)?;
    Some(place as f64 / 10.0)
}

fn show(name: &str, samples: &[Sample]) {
    if std::env::var_os("BWE_SHOW").is_none() {
        return;
    }
    println!("--- {name}");
    for (place, sample) in samples.iter().enumerate() {
        println!(
            "{:5.1} s  estimate {:5}  arrived {:5}  wait {:4}  audio {:4}  lost {:2}  video {}",
            place as f64 / 10.0,
            sample.estimate / 1000,
            sample.arrived / 1000,
            sample.wait,
            sample.audio_wait,
            sample.audio_lost,
            sample.pictures
        );
    }
}

#[test]
fn a_link_is_used_to_85_percent_and_its_queue_stays_short() {
    for (seed, kbps) in [(1, 500), (2, 1000), (3, 2000), (4, 3500)] {
        let mut world = World::new(seed, Path { rate: Bitrate::kbps(kbps), ..Path::default() });
        world.run(10 * SECOND);
        let samples = world.run(30 * SECOND);
        show(&format!("{kbps} kbit/s"), samples);
        let arrived = mean(samples, |it| it.arrived) / 1000;
        assert!(arrived * 100 >= 85 * kbps, "{arrived} of {kbps} kbit/s");
        let late = samples.iter().filter(|it| it.wait > 200).count();
        assert!(late * 50 <= samples.len(), "{late} of {} moments with more than 200 ms", samples.len());
    }
}

#[test]
fn it_reaches_two_and_a_half_megabits_within_two_seconds() {
    for seed in 1..=5 {
        let mut world = World::new(seed, Path { rate: Bitrate::kbps(20_000), ..Path::default() });
        world.camera = Bitrate::kbps(2500);
        let samples = world.run(5 * SECOND);
        show("start", samples);
        let estimate = reached(samples, 2_500_000, |it| it.estimate).expect("reached");
        let arrived = reached(samples, 2_200_000, |it| it.arrived).expect("reached");
        assert!(estimate <= 1.5 && arrived <= 2.0, "estimate after {estimate} s, pictures after {arrived} s");
    }
}

#[test]
fn a_slow_link_is_not_flooded_at_the_start() {
    let mut world = World::new(1, Path { rate: Bitrate::kbps(300), ..Path::default() });
    let samples = world.run(10 * SECOND);
    show("slow start", samples);
    assert!(most(&samples[..30], |it| it.audio_wait) < 400);
    assert!(most(&samples[30..], |it| it.audio_wait) < 250);
    assert!(mean(&samples[50..], |it| it.arrived) > 240_000);
}

#[test]
fn from_3_to_03_and_back_it_is_at_90_percent_again_within_five_seconds() {
    for seed in 1..=5 {
        let mut world = World::new(seed, Path::default());
        world.camera = Bitrate::kbps(2500);
        world.run(15 * SECOND);
        world.path.rate = Bitrate::kbps(300);
        let low = world.run(20 * SECOND).to_vec();
        show("3 → 0.3", &low);
        world.path.rate = Bitrate::kbps(3000);
        let high = world.run(10 * SECOND).to_vec();
        show("0.3 → 3", &high);
        let below = low.iter().position(|it| it.estimate < 330_000).expect("falls");
        assert!(below <= 4, "{below} tenths of a second until the estimate is below the link");
        let lost: u32 = low.iter().map(|it| it.audio_lost).sum();
        assert!(lost <= 3, "the queue runs over before anybody can know, but not for long: {lost} lost");
        let settled = &low[20..];
        let late = settled.iter().filter(|it| it.audio_wait > 200).count();
        assert!(late <= 4, "{late} moments with audio later than 200 ms");
        assert!(mean(&low[30..], |it| it.arrived) > 230_000, "{}", mean(&low[30..], |it| it.arrived));
        let back = reached(&high, 2_250_000, |it| it.arrived).expect("comes back");
        assert!(back < 5.0, "{back} s until 90 % of what the camera sends");
    }
}

#[test]
fn five_percent_of_random_loss_does_not_collapse_it() {
    for (seed, loss) in [(1, 0.05), (2, 0.05), (3, 0.08), (4, 0.15)] {
        let mut world = World::new(seed, Path { loss, ..Path::default() });
        world.camera = Bitrate::kbps(2500);
        world.run(10 * SECOND);
        let samples = world.run(30 * SECOND);
        show(&format!("{loss} loss"), samples);
        let estimate = mean(samples, |it| it.estimate);
        assert!(estimate > 2_100_000, "{estimate} with {loss} loss");
    }
}

#[test]
fn jitter_does_not_collapse_it() {
    for (seed, millis) in [(1, 10), (2, 30), (3, 60)] {
        let jitter = Duration::from_millis(millis);
        let mut world = World::new(seed, Path { jitter, ..Path::default() });
        world.camera = Bitrate::kbps(2500);
        world.run(10 * SECOND);
        let samples = world.run(30 * SECOND);
        show(&format!("{millis} ms jitter"), samples);
        let estimate = mean(samples, |it| it.estimate);
        assert!(estimate > 2_100_000, "{estimate} with {millis} ms of jitter");
    }
}

#[test]
fn a_short_queue_that_drops_instead_of_delaying_is_followed_too() {
    let path = Path { queue: Duration::from_millis(30), ..Path::default() };
    let mut world = World::new(1, path);
    world.camera = Bitrate::kbps(2500);
    world.run(15 * SECOND);
    world.path.rate = Bitrate::kbps(500);
    let low = world.run(15 * SECOND).to_vec();
    show("short queue", &low);
    let lost: u32 = low[20..].iter().map(|it| it.audio_lost).sum();
    assert!(lost < 33, "{lost} of 650 audio packets lost");
    assert!(mean(&low[30..], |it| it.arrived) > 300_000);
    world.path.rate = Bitrate::kbps(3000);
    let high = world.run(10 * SECOND).to_vec();
    show("short queue, back", &high);
    assert!(reached(&high, 2_250_000, |it| it.arrived).expect("comes back") < 5.0);
}

#[test]
fn a_flow_that_takes_half_the_link_is_made_room_for() {
    let mut world = World::new(1, Path::default());
    world.run(15 * SECOND);
    world.path.rate = Bitrate::kbps(1500);
    let samples = world.run(15 * SECOND).to_vec();
    show("half", &samples);
    assert!(most(&samples[20..], |it| it.audio_wait) < 250);
    assert!(mean(&samples[20..], |it| it.arrived) > 1_275_000);
}

#[test]
fn what_the_publisher_loses_on_its_way_never_lowers_the_estimate() {
    let lossless = |uplink_loss| {
        let mut world = World::new(1, Path { rate: Bitrate::kbps(6000), ..Path::default() });
        world.camera = Bitrate::kbps(2500);
        world.uplink_loss = uplink_loss;
        world.run(10 * SECOND);
        let samples = world.run(20 * SECOND).to_vec();
        show("uplink loss", &samples);
        assert_eq!(world.estimator.stats().lost, 0);
        samples.iter().map(|it| it.estimate).min().unwrap_or(0)
    };
    assert!(lossless(0.0) > 2_500_000);
    assert!(lossless(0.3) > 2_500_000, "three in ten lost before they reached us");
}

#[test]
fn lost_reports_are_survived() {
    let mut world = World::new(1, Path::default());
    world.camera = Bitrate::kbps(2500);
    world.report_loss = 0.3;
    world.run(10 * SECOND);
    let samples = world.run(20 * SECOND);
    show("lost reports", samples);
    assert!(mean(samples, |it| it.estimate) > 2_300_000);
}

#[test]
fn a_dead_link_stops_the_video_and_a_living_one_starts_it_again() {
    let mut world = World::new(1, Path::default());
    world.camera = Bitrate::kbps(2500);
    world.run(10 * SECOND);
    world.path.loss = 1.0;
    world.run(3 * SECOND);
    world.path.loss = 0.0;
    let samples = world.run(8 * SECOND).to_vec();
    show("after the blackout", &samples);
    let back = reached(&samples, 2_200_000, |it| it.arrived).expect("comes back");
    assert!(back < 5.0, "{back} s");
}

#[test]
fn a_slower_path_after_a_change_of_address_is_not_flooded_and_a_faster_one_is_used_soon() {
    for (kbps, least) in [(800, 600), (6000, 2300)] {
        let mut world = World::new(1, Path { rate: Bitrate::kbps(6000), ..Path::default() });
        world.camera = Bitrate::kbps(2500);
        world.run(10 * SECOND);
        world.path.rate = Bitrate::kbps(kbps);
        world.path.delay = Duration::from_millis(70);
        world.change_address();
        let samples = world.run(8 * SECOND).to_vec();
        show(&format!("new path of {kbps} kbit/s"), &samples);
        assert!(most(&samples, |it| it.audio_wait) < 450, "{}", most(&samples, |it| it.audio_wait));
        assert!(mean(&samples[30..], |it| it.arrived) > least * 1000);
    }
}

#[test]
fn one_seed_is_one_run() {
    let run = || {
        let path = Path { loss: 0.02, jitter: Duration::from_millis(10), ..Path::default() };
        let mut world = World::new(7, path);
        world.run(10 * SECOND).to_vec()
    };
    assert_eq!(run(), run());
}
