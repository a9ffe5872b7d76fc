use proptest::prelude::*;

use super::*;

fn rung(encoding: u8, temporal: u8, kbps: u64) -> Rung {
    Rung::fixed(Target { encoding, spatial: 0, temporal }, Bitrate::kbps(kbps))
}

/// Three encodings of two temporal layers each.
fn ladder() -> Vec<Rung> {
    vec![rung(0, 0, 90), rung(0, 1, 150), rung(1, 0, 300), rung(1, 1, 500), rung(2, 0, 900), rung(2, 1, 1500)]
}

fn leg(estimate: Bitrate, audio: Bitrate, loss: f64) -> Leg {
    Leg { estimate, audio, loss, ..Leg::default() }
}

fn camera(ladder: &[Rung], pixels: u32) -> SlotRequest<'_> {
    SlotRequest { screen: false, pixels, ladder }
}

fn screen(ladder: &[Rung]) -> SlotRequest<'_> {
    SlotRequest { screen: true, pixels: 1, ladder }
}

/// What each slot gets in kbit/s, once everything has settled at an estimate.
fn settled(kbps: u64, slots: &[SlotRequest<'_>]) -> Vec<u64> {
    let mut allocator = Allocator::default();
    let start = Instant::now();
    (0..10).for_each(|step| {
        allocator.divide(
            start + memory::HOLD.0 * step,
            &leg(Bitrate::kbps(kbps), Bitrate::kbps(50), 0.0),
            slots,
        );
    });
    allocator.out.iter().map(|it| it.share.as_bps() / 1000).collect()
}

#[test]
fn audio_comes_first_then_sharp_text_then_faces_then_motion() {
    let (cameras, screens) = (ladder(), ladder());
    let slots = [camera(&cameras, 300), screen(&screens), camera(&cameras, 900)];
    assert_eq!(settled(60, &slots), [0, 0, 0], "audio alone");
    assert_eq!(settled(200, &slots), [0, 90, 0]);
    assert_eq!(settled(1080, &slots), [0, 900, 0], "text, before anybody is seen");
    assert_eq!(settled(1200, &slots), [0, 900, 90], "then the larger face");
    assert_eq!(settled(1300, &slots), [90, 900, 90]);
    assert_eq!(settled(2050, &slots), [90, 1500, 150], "then motion of the screen, then the larger face");
    assert_eq!(settled(9000, &slots), [1500, 1500, 1500]);
}

#[test]
fn temporal_layers_drop_before_the_picture_gets_smaller() {
    let steps = ladder();
    let mut allocator = Allocator::default();
    let start = Instant::now();
    let mut targets = Vec::new();
    for kbps in [2000u64, 1200, 800, 420, 250, 130, 60] {
        let slots = [camera(&steps, 1)];
        let got = allocator.divide(start, &leg(Bitrate::kbps(kbps), Bitrate::ZERO, 0.0), &slots)[0];
        targets.push(got.target.map(|target| (target.encoding, target.temporal)));
    }
    let expected =
        [Some((2, 1)), Some((2, 0)), Some((1, 1)), Some((1, 0)), Some((0, 1)), Some((0, 0)), Some((0, 0))];
    assert_eq!(targets, expected, "and the lowest layer is not given up at once");
    let slots = [camera(&steps, 1)];
    let mut later = |millis, kbps| {
        let leg = leg(Bitrate::kbps(kbps), Bitrate::ZERO, 0.0);
        let got = allocator.divide(start + Duration::from_millis(millis), &leg, &slots)[0];
        (got.target.is_some(), got.share)
    };
    assert_eq!(later(1900, 60), (true, Bitrate::ZERO));
    assert_eq!(later(1950, 100), (true, Bitrate::kbps(90)), "it was for a moment only");
    assert_eq!(later(2000, 60), (true, Bitrate::ZERO));
    assert_eq!(later(4000, 60), (false, Bitrate::ZERO));
}

#[test]
fn what_waits_to_leave_comes_before_better_pictures_but_not_before_any() {
    let steps = ladder();
    let slots = [camera(&steps, 1)];
    let shares = [0, 100, 400].map(|kbps| {
        let leg = Leg { estimate: Bitrate::kbps(320), waiting: Bitrate::kbps(kbps), ..Leg::default() };
        Allocator::default().divide(Instant::now(), &leg, &slots)[0].share
    });
    assert_eq!(shares, [150, 150, 90].map(Bitrate::kbps));
}

#[test]
fn down_is_at_once_up_takes_a_while_and_the_next_time_longer() {
    let steps = ladder();
    let slots = [camera(&steps, 1)];
    let mut allocator = Allocator::default();
    let mut now = Instant::now();
    let mut at = |allocator: &mut Allocator, wait: u64, kbps| {
        now += Duration::from_millis(wait);
        allocator.divide(now, &leg(Bitrate::kbps(kbps), Bitrate::ZERO, 0.0), &slots)[0].share.as_bps() / 1000
    };
    assert_eq!(at(&mut allocator, 0, 2000), 1500, "the first picture is as good as it can be");
    assert_eq!(at(&mut allocator, 10_000, 600), 500);
    assert_eq!(at(&mut allocator, 10, 2000), 500);
    assert_eq!(at(&mut allocator, 300, 2000), 500);
    assert_eq!(at(&mut allocator, 110, 2000), 1500);
    assert_eq!(at(&mut allocator, 1000, 600), 500);
    assert_eq!(at(&mut allocator, 10, 2000), 500);
    assert_eq!(at(&mut allocator, 700, 2000), 500, "it has been burnt");
    assert_eq!(at(&mut allocator, 110, 2000), 1500);
    assert_eq!(at(&mut allocator, 1000, 600), 500);
    assert_eq!(at(&mut allocator, 10, 9000), 500);
    assert_eq!(at(&mut allocator, 410, 9000), 1500, "but not where there is far more than enough");
}

#[test]
fn an_estimate_that_wobbles_moves_nothing() {
    let steps = ladder();
    let slots = [camera(&steps, 1)];
    let mut allocator = Allocator::default();
    let mut now = Instant::now();
    for step in 0..1000 {
        now += Duration::from_millis(50);
        // Around 900, where the top encoding's base layer just fits.
        let kbps = 950 + [0, 40, -50, 60, -20][step % 5];
        allocator.divide(now, &leg(Bitrate::kbps(kbps as u64), Bitrate::ZERO, 0.0), &slots);
    }
    assert!(allocator.changes() <= 2, "{} changes", allocator.changes());
}

#[test]
fn a_publisher_with_one_viewer_gets_what_the_viewer_can_take() {
    let [least, rate, most] = [80, 2400, 2500].map(Bitrate::kbps);
    let top = Rung::elastic(rung(0, 2, 0).target, rate, least, most);
    let one = [rung(0, 0, 900), rung(0, 1, 1400), top];
    let slots = [camera(&one, 1)];
    let mut allocator = Allocator::default();
    let mut now = Instant::now();
    let mut at = |millis, kbps| {
        now += Duration::from_millis(millis);
        let got = allocator.divide(now, &leg(Bitrate::kbps(kbps), Bitrate::kbps(50), 0.0), &slots)[0];
        (got.target.map(|target| target.temporal), got.share.as_bps() / 1000)
    };
    assert_eq!(at(0, 5000), (Some(2), 2500));
    assert_eq!(at(0, 1550), (Some(1), 1500), "one temporal layer less until it has been told");
    assert_eq!(at(0, 350), (Some(0), 300), "it will fit soon");
    assert_eq!(at(1600, 350), (None, 300), "it does not follow");
    assert_eq!(at(0, 100).1, 50, "all there is, for a while");
    assert_eq!(at(2000, 100), (None, 0));
}

#[test]
fn a_publisher_that_follows_changes_its_picture_only_for_good_reasons() {
    let step = |encoding, least| {
        let target = Target { encoding, spatial: 0, temporal: 2 };
        Rung::elastic(target, Bitrate::kbps(150), Bitrate::kbps(least), Bitrate::kbps(2500))
    };
    let two = [step(0, 70), step(1, 110)];
    let slots = [camera(&two, 1)];
    let mut allocator = Allocator::default();
    let mut now = Instant::now();
    let mut at = |millis, kbps| {
        now += Duration::from_millis(millis);
        let got = allocator.divide(now, &leg(Bitrate::kbps(kbps), Bitrate::ZERO, 0.0), &slots)[0];
        (got.target.map(|target| target.encoding), got.share.as_bps() / 1000)
    };
    assert_eq!(at(0, 900), (Some(1), 900));
    assert_eq!(at(10_000, 120), (Some(1), 120), "less, before another picture");
    assert_eq!(at(1_000, 90), (Some(0), 90));
    for _ in 0..100 {
        assert_eq!(at(100, 160).0, Some(0), "enough to keep the picture is not enough to go up to it");
    }
    at(100, 300);
    assert_eq!(at(1_000, 300), (Some(1), 300));
    assert_eq!(at(10_000, 60), (Some(1), 60), "an estimate that falls too low for a moment");
    assert_eq!(at(1_400, 60), (Some(1), 60));
    assert_eq!(at(700, 60), (None, 0));
}

proptest! {
    #[test]
    fn nothing_is_promised_that_is_not_there(
        kbps in 0u64..6000,
        sizes in prop::collection::vec((any::<bool>(), 0u32..2_000_000, any::<bool>(), 0usize..7), 0..9),
    ) {
        let steps = ladder();
        let elastic: Vec<_> = steps
            .iter()
            .map(|rung| Rung::elastic(rung.target, rung.bitrate, rung.bitrate.scale(0.6), rung.bitrate))
            .collect();
        let slots: Vec<_> = sizes
            .iter()
            .map(|(screen, pixels, follows, rungs)| SlotRequest {
                screen: *screen,
                pixels: *pixels,
                ladder: if *follows { &elastic[..*rungs] } else { &steps[..*rungs] },
            })
            .collect();
        let mut allocator = Allocator::default();
        let mut now = Instant::now();
        for estimate in [kbps, 6000, kbps] {
            now += Duration::from_secs(1);
            let got = allocator.divide(now, &leg(Bitrate::kbps(estimate), Bitrate::kbps(40), 0.05), &slots);
            let sum: u64 = got.iter().map(|it| it.share.as_bps()).sum();
            prop_assert!(sum as f64 <= estimate as f64 * 1000.0 * TOLERANCE);
            for (out, slot) in got.iter().zip(&slots) {
                prop_assert!(out.target.is_none() || !slot.ladder.is_empty());
                let most = slot.ladder.iter().map(|rung| rung.most).max().unwrap_or_default();
                prop_assert!(out.share <= most);
            }
        }
    }
}
