//! Two peers of another WebRTC implementation meet on the media server: what one sends, the other gets.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use loadtest::ivf;
use loadtest::peer::{Peer, Received, Shape};
use loadtest::tone::{ToneListener, ToneSource};
use rtp::codec::vp8::Vp8Packet;
use rtp::packetizer::Depacketizer;
use sfu::{Config, Event, JoinError, JoinRequest, Joined, LeaveReason, Mid, ParticipantId, Sfu, Source};
use tokio::sync::mpsc;

const PATIENCE: Duration = Duration::from_secs(20);
const BUYER: ParticipantId = ParticipantId(1);
const AGENT: ParticipantId = ParticipantId(2);

fn start() -> (Sfu, mpsc::Receiver<Event>) {
    let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
    Sfu::start(Config { bind: localhost, udp_port: 0, workers: 1, announced: Vec::new() }).expect("started")
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

/// A second of test picture as VP8.
fn film() -> Vec<Bytes> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("film.ivf");
    let done = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=320x180:rate=30",
            "-t",
            "1",
            "-c:v",
            "libvpx",
        ])
        .args(["-b:v", "400k", "-deadline", "realtime", "-y"])
        .arg(&path)
        .status()
        .expect("ffmpeg is installed (apt-get install ffmpeg)");
    assert!(done.success(), "ffmpeg made no film");
    let file = std::fs::read(path).expect("the film");
    ivf::frames(&file).expect("an IVF file").into_iter().map(|(_, frame)| frame.into()).collect()
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
    let (mut buyer, _) = join(&sfu, BUYER, Shape { sends: true, slots: (0, 0) }).await;
    let (mut agent, joined) = join(&sfu, AGENT, Shape { sends: false, slots: (1, 1) }).await;
    buyer.connected(PATIENCE).await.expect("buyer");
    agent.connected(PATIENCE).await.expect("agent");
    sfu.attach(BUYER, Source::Microphone, AGENT, joined.slots[0].mid).await.expect("audio route");
    sfu.attach(BUYER, Source::Camera, AGENT, joined.slots[1].mid).await.expect("video route");

    let film = film();
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
async fn events_pass_between_two_peers_that_are_linked() {
    let (sfu, _events) = start();
    let (mut buyer, _) = join(&sfu, BUYER, Shape { sends: true, slots: (0, 0) }).await;
    let (mut agent, _) = join(&sfu, AGENT, Shape { sends: false, slots: (1, 1) }).await;
    buyer.connected(PATIENCE).await.expect("buyer");
    agent.connected(PATIENCE).await.expect("agent");
    sfu.link_data(BUYER, AGENT).await.expect("linked");
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
    let mut peer = Peer::new(Shape { sends: true, slots: (0, 0) }).await.expect("peer");
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
