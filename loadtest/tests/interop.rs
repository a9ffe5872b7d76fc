//! Two peers of another WebRTC implementation meet on the media server: what one sends, the other gets.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use loadtest::ivf;
use loadtest::peer::{Peer, Received, Shape, VideoCodec};
use loadtest::tone::{ToneListener, ToneSource};
use rtp::codec::vp8::Vp8Packet;
use rtp::packetizer::Depacketizer;
use sfu::{
    Config, Event, JoinError, JoinRequest, Joined, LeaveReason, Limits, Mid, ParticipantId, Sfu, Source,
};
use tokio::sync::mpsc;

const PATIENCE: Duration = Duration::from_secs(20);
const BUYER: ParticipantId = ParticipantId(1);
const AGENT: ParticipantId = ParticipantId(2);

fn start() -> (Sfu, mpsc::Receiver<Event>) {
    let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let limits = Limits::default();
    Sfu::start(Config {
        bind: localhost,
        udp_port: 0,
        workers: 2,
        tcp_port: Some(0),
        fill_permille: 0,
        announced: Vec::new(),
        limits,
    })
    .expect("started")
}

fn request(offer: &str) -> JoinRequest {
    let sources = Peer::send_mids(offer)
        .iter()
        .zip([Source::Microphone, Source::Camera])
        .map(|(mid, source)| (Mid::new(mid).expect("a MID"), source))
        .collect();
    JoinRequest { offer: offer.to_owned(), sources }
}

async fn join(sfu: &Sfu, who: ParticipantId, shape: Shape) -> (Peer, Joined) {
    let mut peer = Peer::new(shape).await.expect("peer");
    let offer = peer.offer().await.expect("offer");
    let joined = sfu.join(who, request(&offer)).await.expect("joined");
    peer.accept(&joined.answer).await.expect("the answer is taken");
    (peer, joined)
}

/// A second of test picture, frame by frame.
fn film(codec: VideoCodec) -> Vec<Bytes> {
    let encoder: &[&str] = match codec {
        VideoCodec::Vp8 => &["-c:v", "libvpx", "-b:v", "400k", "-deadline", "realtime", "-f", "ivf"],
        VideoCodec::Vp9 => {
            &["-c:v", "libvpx-vp9", "-b:v", "400k", "-deadline", "realtime", "-cpu-used", "8", "-f", "ivf"]
        }
        VideoCodec::Av1 => {
            &["-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-b:v", "400k", "-f", "ivf"]
        }
        VideoCodec::H264 => &[
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-tune",
            "zerolatency",
            "-profile:v",
            "baseline",
            "-f",
            "h264",
        ],
    };
    let made = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=320x180:rate=30",
            "-t",
            "1",
            "-pix_fmt",
            "yuv420p",
        ])
        .args(encoder)
        .arg("-")
        .output()
        .expect("ffmpeg is installed (apt-get install ffmpeg)");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    match codec {
        VideoCodec::H264 => access_units(&made.stdout),
        _ => ivf::frames(&made.stdout)
            .expect("an IVF file")
            .into_iter()
            .map(|(_, frame)| frame.into())
            .collect(),
    }
}

/// Annex B to access units: parameter sets go with the slices after them.
fn access_units(stream: &[u8]) -> Vec<Bytes> {
    let starts: Vec<_> =
        (0..stream.len() - 4).filter(|at| stream[*at..].starts_with(&[0, 0, 0, 1])).collect();
    let mut units = Vec::new();
    let mut begin = 0;
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(stream.len());
        // One access unit ends where the next begins with a slice already behind it.
        let is_slice = |at: usize| matches!(stream[at + 4] & 0x1f, 1 | 5);
        let next_first = starts
            .get(index + 1)
            .is_some_and(|next| stream.get(next + 5).is_some_and(|byte| byte & 0x80 != 0));
        let next_begins = starts.get(index + 1).is_none_or(|next| !is_slice(*next) || next_first);
        if is_slice(*start) && next_begins {
            units.push(Bytes::copy_from_slice(&stream[begin..end]));
            begin = end;
        }
    }
    units
}

/// Puts frames together from packets that may come in any order.
#[derive(Default)]
struct Screen {
    packets: BTreeMap<u16, Received>,
}

impl Screen {
    fn frames(&self) -> Vec<BytesMut> {
        let mut frames = Vec::new();
        let mut current = BytesMut::new();
        for packet in self.packets.values() {
            let mut descriptor = Vp8Packet::default();
            let Ok(payload) = descriptor.depacketize(&packet.payload) else { continue };
            current.extend_from_slice(&payload);
            if packet.marker {
                frames.push(std::mem::take(&mut current));
            }
        }
        frames
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_peer_publishes_the_other_hears_and_sees() {
    let (sfu, _events) = start();
    let (mut buyer, _) = join(&sfu, BUYER, Shape { sends: Some(VideoCodec::Vp8), slots: (0, 0) }).await;
    let (mut agent, joined) = join(&sfu, AGENT, Shape { sends: None, slots: (1, 1) }).await;
    buyer.connected(PATIENCE).await.expect("buyer");
    agent.connected(PATIENCE).await.expect("agent");
    sfu.attach(BUYER, Source::Microphone, AGENT, joined.slots[0].mid).await.expect("audio route");
    sfu.attach(BUYER, Source::Camera, AGENT, joined.slots[1].mid).await.expect("video route");

    let film = film(VideoCodec::Vp8);
    let sent = film.clone();
    let sender = tokio::spawn(async move {
        let mut tone = ToneSource::new(440.0).expect("encoder");
        // Three frames of 33 ms are five of 20 ms; pacing keeps kernel buffers from overflowing, nothing is timed.
        for (index, frame) in sent.iter().enumerate() {
            buyer.send_frame(index as u32 * 3000, frame).await.expect("frame");
            for _ in 0..2 {
                buyer.send_audio(tone.next_packet().expect("packet")).await.expect("audio");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        buyer
    });

    let mut screen = Screen::default();
    let mut ear = ToneListener::new().expect("decoder");
    let mut heard = 0;
    let all = async {
        while screen.frames().len() < film.len() || heard < 2 * film.len() - 4 {
            let packet = agent.receive().await.expect("the agent's connection lives");
            if packet.video {
                screen.packets.insert(packet.sequence, packet);
            } else if ear.hear(&packet.payload).is_ok() {
                heard += 1;
            }
        }
    };
    let complete = tokio::time::timeout(PATIENCE, all).await;
    let frames = screen.frames();
    assert!(complete.is_ok(), "{} of {} frames, {heard} sounds", frames.len(), film.len());
    for (index, (sent, got)) in film.iter().zip(&frames).enumerate() {
        assert!(sent == got, "frame {index} arrived as it was sent");
    }
    assert!(ear.share_at(440.0) > 0.7, "the agent hears the buyer's tone: {}", ear.share_at(440.0));

    let stats = sfu.stats(BUYER).await.expect("stats");
    assert!(stats.srtp_profile.is_some_and(|profile| profile.contains("GCM")), "{stats:?}");
    assert!(stats.twcc_sent > 0, "the publisher gets transport-wide feedback: {stats:?}");
    let _buyer = sender.await.expect("sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_video_codec_gets_through_packet_by_packet() {
    for codec in [VideoCodec::Vp8, VideoCodec::H264, VideoCodec::Vp9, VideoCodec::Av1] {
        let (sfu, _events) = start();
        let (mut buyer, _) = join(&sfu, BUYER, Shape { sends: Some(codec), slots: (0, 0) }).await;
        let (mut agent, joined) = join(&sfu, AGENT, Shape { sends: None, slots: (0, 1) }).await;
        buyer.connected(PATIENCE).await.expect("buyer");
        agent.connected(PATIENCE).await.expect("agent");
        sfu.attach(BUYER, Source::Camera, AGENT, joined.slots[0].mid).await.expect("video route");
        let mut sent = Vec::new();
        for (index, frame) in film(codec).iter().enumerate() {
            sent.extend(buyer.send_frame(index as u32 * 3000, frame).await.expect("frame"));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut got = BTreeMap::new();
        let all = async {
            while got.len() < sent.len() {
                let packet = agent.receive().await.expect("the agent's connection lives");
                got.insert(packet.sequence, packet.payload);
            }
        };
        let complete = tokio::time::timeout(PATIENCE, all).await;
        assert!(complete.is_ok(), "{codec:?}: {} of {} packets", got.len(), sent.len());
        // Only the numbers of VP8's descriptor belong to the slot, and this slot has shown one source.
        assert!(sent.iter().eq(got.values()), "{codec:?} arrived as it was sent");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_pass_between_two_peers_that_are_linked() {
    let (sfu, _events) = start();
    let (mut buyer, _) = join(&sfu, BUYER, Shape { sends: Some(VideoCodec::Vp8), slots: (0, 0) }).await;
    let (mut agent, _) = join(&sfu, AGENT, Shape { sends: None, slots: (1, 1) }).await;
    buyer.connected(PATIENCE).await.expect("buyer");
    agent.connected(PATIENCE).await.expect("agent");
    sfu.pass_data(BUYER, AGENT, true).await.expect("linked");
    sfu.pass_data(AGENT, BUYER, true).await.expect("linked");
    // The receiving end may open a moment after the sending one, and events are not kept for it: say it again.
    let said = async {
        loop {
            let _ = buyer.send_event("typing").await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let heard = tokio::select! {
        heard = agent.receive_event() => heard,
        () = said => None,
        () = tokio::time::sleep(PATIENCE) => None,
    };
    assert_eq!(heard.as_deref(), Some("typing"));
    agent.send_event("seen").await.expect("sent");
    let heard = tokio::time::timeout(PATIENCE, buyer.receive_event()).await.expect("in time");
    assert_eq!(heard.as_deref(), Some("seen"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_with_another_certificate_than_it_announced_is_thrown_out() {
    let (sfu, mut events) = start();
    let mut peer = Peer::new(Shape { sends: Some(VideoCodec::Vp8), slots: (0, 0) }).await.expect("peer");
    let offer = peer.offer().await.expect("offer");
    let forged: Vec<String> = offer
        .lines()
        .map(|line| match line.strip_prefix("a=fingerprint:sha-256 ") {
            Some(_) => format!("a=fingerprint:sha-256 {}", vec!["AB"; 32].join(":")),
            None => line.to_owned(),
        })
        .collect();
    let joined = sfu.join(BUYER, request(&(forged.join("\r\n") + "\r\n"))).await.expect("joined");
    peer.accept(&joined.answer).await.expect("the answer is taken");
    let first = tokio::time::timeout(PATIENCE, events.recv()).await.expect("in time");
    let thrown_out = matches!(first, Some(Event::Left { reason: LeaveReason::WrongFingerprint, .. }));
    assert!(thrown_out, "neither connected nor media, but: {first:?}");
    assert!(sfu.stats(BUYER).await.is_none(), "nothing is left of it");
}

#[tokio::test]
async fn an_offer_that_is_none_gets_a_reason() {
    let (sfu, _events) = start();
    let request = JoinRequest { offer: "hello".into(), sources: Vec::new() };
    assert!(matches!(sfu.join(BUYER, request).await, Err(JoinError::BadOffer(_))));
    assert!(sfu.stats(BUYER).await.is_none());
}
