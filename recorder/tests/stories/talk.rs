//! The reviewer sees who spoke when, before listening.

use recorder::{Side, Stretch, TrackSpec};
use sfu::{Codec, Source};
use uuid::Uuid;

use crate::media::encode;
use crate::stage::{Recorded, Sender, Stage, perfect, through};

/// A recorded conversation: for each side an expression that is 1 where it speaks, of time `t`.
async fn conversation(buyer: &str, agent: &str, seconds: u32) -> Recorded {
    let stage = Stage::new().await;
    for (side, speaks) in [(Side::Buyer, buyer), (Side::Agent, agent)] {
        let (tap, receiver) = sfu::tap_channel(1 << 16);
        let spec =
            TrackSpec { party: Uuid::now_v7(), side, name: "A".to_owned(), source: Source::Microphone };
        stage.handle.add_track(spec, receiver);
        // A voice has syllables: a tone that swells four times a second.
        let filter = format!("aevalsrc='0.3*sin(300*2*PI*t)*(0.6+0.4*sin(8*PI*t))*({speaks})':s=48000");
        for (_, event) in
            through(perfect, Sender::new(Codec::Opus, encode(Codec::Opus, &filter, seconds)).sends())
        {
            tap.send(event);
        }
    }
    stage.stop().await
}

fn near(found: &[Stretch], expected: &[(u64, u64)]) {
    let close = |stretch: &Stretch, (start, end): (u64, u64)| {
        // Speech lasts a quarter second longer than its last sound: gaps between words are not silence.
        stretch.start_ms.abs_diff(start) <= 400 && stretch.end_ms.abs_diff(end) <= 500
    };
    let all = found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| close(a, *b));
    assert!(all, "{found:?} instead of about {expected:?}");
}

#[tokio::test]
async fn talk_silence_and_talk_over_are_where_they_were() {
    let recorded = conversation("between(t,1,4)+between(t,12,14)", "between(t,3,7)", 15).await;
    let talk = recorded.index.talk();
    let [buyer, agent] = &talk.sides[..] else { panic!("two sides") };
    assert_eq!((buyer.side, agent.side), (Side::Buyer, Side::Agent));
    near(&buyer.speech, &[(1000, 4000), (12_000, 14_000)]);
    near(&agent.speech, &[(3000, 7000)]);
    near(&talk.talk_over, &[(3000, 4000)]);
    near(&talk.silence, &[(7000, 12_000)]);
    assert!(buyer.talk_ms.abs_diff(5000) < 700 && agent.talk_ms.abs_diff(4000) < 600, "{talk:?}");
    assert!(buyer.peaks[20] > 100 && buyer.peaks[90] < 20, "the waveform has the voice's shape");
    let loudness = buyer.loudness_lufs.unwrap();
    assert!((-25.0..-8.0).contains(&loudness), "{loudness} LUFS");
}
