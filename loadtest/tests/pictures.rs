//! What callers' cameras send are pictures: decoders find nothing wrong with them, and see what the clips show, to the last pixel.
//!
//! Needs ffmpeg, and for the calls the server (`cargo build -p signaling`, or the whole workspace, as CI does).

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;
use loadtest::caller::description::Codec;
use loadtest::caller::rtp::Packet;
use loadtest::caller::sender::video::{CEILINGS, FRAME, VideoLine, VideoSender};
use loadtest::caller::trailer::Trailer;
use loadtest::drill::people;
use loadtest::drill::stage::Stage;
use loadtest::progress::Progress;
use loadtest::recordings;
use protocol::ids::RecordingId;
use protocol::rest::{Page, Ticket};
use rtp::codec::h264::H264Packet;
use rtp::codec::vp8::Vp8Packet;
use rtp::packetizer::Depacketizer;
use tokio::task::JoinSet;

const LINES: [u16; 3] = [180, 360, 720];
const SSRC: u32 = 100;

/// A frame as a receiver puts it together.
#[derive(Default)]
struct Frame {
    data: Vec<u8>,
    /// Bytes of all its payloads.
    size: usize,
    tick: u32,
    keyframe: bool,
    temporal: u8,
    /// Which picture of the clip it is: pictures since the keyframe.
    picture: usize,
}

fn clip(codec: Codec, size: usize) -> PathBuf {
    let name = match codec {
        Codec::Vp8 => format!("vp8-{}.ivf", LINES[size]),
        Codec::H264 => format!("h264-{}.264", LINES[size]),
    };
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("clips").join(name)
}

/// Hashes of a clip's pictures.
async fn shown(codec: Codec, size: usize) -> Vec<String> {
    let hashes =
        recordings::decode(&std::fs::read(clip(codec, size)).expect("a clip")).await.expect("decoded");
    assert_eq!(hashes.len(), 480);
    assert_eq!(hashes.iter().collect::<BTreeSet<_>>().len(), 480, "no two pictures are the same");
    hashes
}

/// So many ticks of a camera, with something done before each; gives the frames of each encoding.
fn film(codec: Codec, ticks: u32, mut before: impl FnMut(u32, Instant, &mut VideoSender)) -> [Vec<Frame>; 3] {
    let start = Instant::now();
    let line = VideoLine { codec, ssrc: SSRC, encodings: 3, rtx: true, mid: true, rid: true };
    let mut sender = VideoSender::new(7, line, start);
    sender.active = true;
    let mut films: [Vec<Frame>; 3] = Default::default();
    for tick in 0..ticks {
        let now = start + FRAME * tick;
        before(tick, now, &mut sender);
        let mut recipes = VecDeque::new();
        sender.capture(now, 1_764_500_000_000_000_000 + u64::from(tick), false, &mut recipes);
        let mut open: [Frame; 3] = Default::default();
        for recipe in recipes {
            let mut bytes = Vec::new();
            sender.write(&recipe, false, Some([1, 2]), &mut bytes);
            let packet = Packet::read(&bytes).expect("RTP");
            let place = (packet.header.ssrc - SSRC) as usize / 2;
            let payload = Bytes::copy_from_slice(packet.payload);
            let data = match codec {
                Codec::Vp8 => Vp8Packet::default().depacketize(&payload),
                Codec::H264 => H264Packet::default().depacketize(&payload),
            };
            let frame = &mut open[place];
            frame.data.extend_from_slice(&data.expect("a payload"));
            frame.size += payload.len();
            if packet.header.marker {
                let trailer = Trailer::read(packet.payload).expect("the last packet has one");
                let before = films[place].last().map_or(0, |it| it.picture + 1);
                let picture = if trailer.keyframe { 0 } else { before };
                let Trailer { tick, keyframe, temporal, .. } = trailer;
                films[place].push(Frame { tick, keyframe, temporal, picture, ..std::mem::take(frame) });
            }
        }
    }
    films
}

/// Frames as a file that decoders read.
fn file(codec: Codec, frames: &[&Frame]) -> Vec<u8> {
    match codec {
        Codec::H264 => frames.iter().flat_map(|it| it.data.iter().copied()).collect(),
        Codec::Vp8 => {
            let mut file = b"DKIF\0\0\x20\0VP80".to_vec();
            // Width and height are those of the keyframe; time base 1/30; how many.
            file.extend_from_slice(&[0, 1, 180, 0, 30, 0, 0, 0, 1, 0, 0, 0]);
            file.extend_from_slice(&(frames.len() as u32).to_le_bytes());
            file.extend_from_slice(&[0; 4]);
            for frame in frames {
                file.extend_from_slice(&(frame.data.len() as u32).to_le_bytes());
                file.extend_from_slice(&u64::from(frame.tick).to_le_bytes());
                file.extend_from_slice(&frame.data);
            }
            file
        }
    }
}

async fn decodes_to(codec: Codec, frames: &[&Frame], shown: &[String], what: &str) {
    let wanted: Vec<_> = frames.iter().map(|it| shown[it.picture].clone()).collect();
    let hashes = recordings::decode(&file(codec, frames)).await;
    let hashes = hashes.unwrap_or_else(|error| panic!("{codec:?}, {what}: {error:#}"));
    assert_eq!(hashes.len(), wanted.len(), "{codec:?}, {what}: so many pictures");
    let differs = hashes.iter().zip(&wanted).position(|(got, wanted)| got != wanted);
    assert_eq!(differs, None, "{codec:?}, {what}: every picture is that of the clip");
}

#[tokio::test]
async fn what_a_camera_sends_decodes_to_the_pictures_of_its_clip() {
    for codec in [Codec::Vp8, Codec::H264] {
        // Enough for all, for the two smaller ones, for one, for less than the pictures take, and for all again.
        let films = film(codec, 1_000, |tick, now, sender| {
            let budget = match tick {
                0..580 => 3_000_000,
                580..660 => 500_000,
                660..740 => 100_000,
                740..800 => 20_000,
                _ => 3_000_000,
            };
            sender.allocate(budget);
            if tick % 97 == 41 {
                sender.on_keyframe_request(now, SSRC + 2 * (tick % 3));
            }
        });
        for (size, frames) in films.iter().enumerate() {
            let shown = shown(codec, size).await;
            let all: Vec<_> = frames.iter().collect();
            assert!(frames.iter().filter(|it| it.keyframe).count() > 3);
            assert!(all.len() == if size == 0 { 1_000 } else { all.len() } && all.len() > 750);
            decodes_to(codec, &all, &shown, &format!("{} lines", LINES[size])).await;
        }
    }
}

#[tokio::test]
async fn at_its_end_a_clip_goes_on_from_its_beginning_and_the_rate_stays() {
    for codec in [Codec::Vp8, Codec::H264] {
        let films = film(codec, 900, |_, _, sender| sender.allocate(3_000_000));
        for (size, frames) in films.iter().enumerate() {
            let keyframes: Vec<_> = frames.iter().filter(|it| it.keyframe).map(|it| it.tick).collect();
            assert_eq!(keyframes, [0, 480]);
            decodes_to(codec, &frames.iter().collect::<Vec<_>>(), &shown(codec, size).await, "twice").await;
            let bps = frames.iter().map(|it| it.size as f64).sum::<f64>() * 8.0 / 30.0;
            let share = bps / CEILINGS[size] as f64;
            assert!((0.9..1.12).contains(&share), "{codec:?}, {size}: {share} of the rate");
        }
    }
}

#[tokio::test]
async fn upper_temporal_layers_may_be_missing() {
    let films = film(Codec::Vp8, 300, |_, _, sender| sender.allocate(3_000_000));
    for (size, frames) in films.iter().enumerate() {
        let shown = shown(Codec::Vp8, size).await;
        let base = |it: &&Frame| it.temporal == 0;
        decodes_to(Codec::Vp8, &frames.iter().filter(base).collect::<Vec<_>>(), &shown, "base").await;
        let two = |it: &&Frame| it.temporal <= 1;
        decodes_to(Codec::Vp8, &frames.iter().filter(two).collect::<Vec<_>>(), &shown, "two layers").await;
        // As the trailers say: the second picture of four needs the first alone, the fourth not the second.
        let first = |it: &&Frame| it.picture % 4 < 2;
        decodes_to(Codec::Vp8, &frames.iter().filter(first).collect::<Vec<_>>(), &shown, "synced").await;
        let last = |it: &&Frame| it.picture % 4 != 1;
        decodes_to(Codec::Vp8, &frames.iter().filter(last).collect::<Vec<_>>(), &shown, "late").await;
    }
}

#[tokio::test]
async fn recorded_cameras_of_real_calls_decode_to_the_pictures_of_their_clips() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for codec in [Codec::Vp8, Codec::H264] {
        let mut clips = BTreeSet::new();
        for size in 0..3 {
            clips.extend(shown(codec, size).await);
        }
        let progress = Progress::silent();
        let (stage, _server) = Stage::open(1, codec, 1, &progress).await.expect("a server");
        let mut people = JoinSet::new();
        stage.staff_arrives(&mut people, &progress).await.expect("an agent");
        people.spawn(people::buyer(stage.clone(), people::Plan::recorded()));
        let talks = stage.until(Duration::from_secs(30), |it| it.talking() == 1).await;
        assert!(talks, "{}", stage.ledger().errors_told());
        // Long enough for rates to rise to the largest pictures.
        tokio::time::sleep(Duration::from_secs(8)).await;
        let (rest, cookie) = stage.supervisor().await.expect("logged in");
        stage.close(people, &progress).await;
        assert_eq!(stage.ledger().errors_told(), "");
        let mut recording: Option<RecordingId> = None;
        for _ in 0..100 {
            let page: Page<Ticket> = rest.get(&cookie, "/tickets?limit=10").await.expect("tickets");
            let ticket = page.items.first().and_then(|it| it.recording.as_ref());
            recording = ticket.filter(|it| it.complete).map(|it| it.id);
            if recording.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let recording = recording.expect("a complete recording");
        let cameras = recordings::cameras(&rest, &cookie, recording).await.expect("media");
        assert_eq!(cameras.len(), 2, "the buyer's and the agent's");
        for (track, media) in cameras {
            let container = if codec == Codec::Vp8 { "video/webm" } else { "video/mp4" };
            assert!(track.mime.starts_with(container), "{}", track.mime);
            let hashes = recordings::decode(&media).await.expect("decoded");
            assert!(hashes.len() > 150, "{} of about 240 pictures", hashes.len());
            let foreign = hashes.iter().filter(|it| !clips.contains(*it)).count();
            assert_eq!(foreign, 0, "{codec:?}: of {} pictures", hashes.len());
        }
    }
}
