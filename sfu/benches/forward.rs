//! What forwarding one packet costs inside the process, beside what its cryptography alone costs.
//!
//! A publisher and N viewers are on one node, with real ICE, DTLS and SRTP. Packets of 1200 bytes of VP8 are sealed
//! beforehand; measured is `handle_datagram` until the last copy is ready to be sent: decryption, repair bookkeeping,
//! TWCC, cache, rewriting, encryption. The floor is AES-256-GCM of ring on the same bytes, once open and N times seal, and
//! nothing else. Both run in turns in one process, so that a noisy machine hits both; the median turn counts.
//!
//! `cargo bench -p sfu`

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::{Config, Dtls, DtlsCertificate, Output};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use sfu_core::ids::{Mid, ParticipantId, Pt, Ssrc, WorkerId};
use sfu_core::media::Source;
use sfu_core::node::{Epoch, JoinRequest, Node, NodeConfig};
use sfu_core::path::Candidate;
use sfu_core::rtp::packet::RtpHeader;
use sfu_core::transport::dtls::Identity;
use sfu_core::transport::srtp::{SrtpPair, SrtpProfile};
use stun::attributes::{ATTR_USE_CANDIDATE, ATTR_USERNAME};
use stun::fingerprint::FINGERPRINT;
use stun::integrity::MessageIntegrity;
use stun::message::{BINDING_REQUEST, Message, Setter, TransactionId};

const PAYLOAD: usize = 1200;
const PACKETS: usize = 4_000;
const TURNS: usize = 15;

struct Client {
    addr: SocketAddr,
    srtp: SrtpPair,
    ssrc: Ssrc,
}

fn certificate() -> (Vec<u8>, Vec<u8>) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("key");
    let params = rcgen::CertificateParams::new(vec!["bench".into()]).expect("params");
    let certificate = params.self_signed(&key).expect("certificate");
    (certificate.der().to_vec(), key.serialize_der())
}

fn offer(number: u64, ssrc: Ssrc, certificate: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    let fingerprint: Vec<_> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    let mut offer = String::from("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n");
    for (mid, direction) in ["sendonly", "recvonly"].into_iter().enumerate() {
        offer += &format!(
            "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:user{number:04}\r\n\
             a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa\r\na=fingerprint:sha-256 {}\r\na=setup:actpass\r\na=mid:{mid}\r\n\
             a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
             a={direction}\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n\
             a=rtcp-fb:96 transport-cc\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n",
            fingerprint.join(":")
        );
        if mid == 0 {
            offer += &format!("a=ssrc:{ssrc} cname:x\r\n");
        }
    }
    offer
}

/// Joins and connects one participant.
fn connect(node: &mut Node, now: Instant, number: u64) -> Client {
    let crypto = rtc_crypto::default_provider().expect("ring");
    let (addr, ssrc) = (SocketAddr::from(([10, 0, 0, number as u8], 4000)), Ssrc(1000 + number as u32));
    let (certificate, private_key) = certificate();
    let sources = vec![(Mid::new("0").expect("mid"), Source::Camera)];
    let request = JoinRequest { offer: offer(number, ssrc, &certificate), sources };
    let joined = node.join(now, ParticipantId(number), &request).expect("joined");
    let value = |name| joined.answer.lines().find_map(|line| line.strip_prefix(name)).expect("in the answer");

    let mut check = Message::new();
    check.set_type(BINDING_REQUEST);
    check.transaction_id = TransactionId([1; 12]);
    check.write_header();
    check.add(ATTR_USERNAME, format!("{}:user{number:04}", value("a=ice-ufrag:")).as_bytes());
    check.add(ATTR_USE_CANDIDATE, &[]);
    let password = value("a=ice-pwd:").to_owned();
    let integrity = MessageIntegrity::new_short_term_integrity_with_provider(password, crypto.crypto());
    integrity.add_to(&mut check).expect("integrity");
    FINGERPRINT.add_to(&mut check).expect("fingerprint");
    node.handle_datagram(now, addr, &mut check.raw);

    let config = Arc::new(Config::builder().build().expect("config"));
    let mut dtls = Dtls::new_12(config, DtlsCertificate { certificate, private_key }, now);
    dtls.set_active(true);
    dtls.handle_timeout(now).expect("starts");
    let mut buffer = vec![0; 4096];
    let mut keys = None;
    for _ in 0..20 {
        loop {
            match dtls.poll_output(&mut buffer) {
                Output::Packet(packet) => node.handle_datagram(now, addr, &mut packet.to_vec()),
                Output::KeyingMaterial(material, _) => keys = Some(material.to_vec()),
                Output::Timeout(_) => break,
                _ => {}
            }
        }
        while let Some(transmit) = node.poll_transmit() {
            if (20..64).contains(&transmit.payload[0]) {
                dtls.handle_packet(transmit.payload).expect("record");
            }
        }
    }
    let srtp = SrtpPair::client(SrtpProfile::AeadAes256Gcm, &keys.expect("connected")).expect("keys");
    Client { addr, srtp, ssrc }
}

fn median(mut turns: Vec<f64>) -> f64 {
    turns.sort_by(f64::total_cmp);
    turns[turns.len() / 2]
}

/// One open and `viewers` seals of the same bytes, ns a forwarded packet.
fn floor(viewers: usize) -> f64 {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).expect("key"));
    let nonce = || Nonce::assume_unique_for_key([9; 12]);
    let mut sealed = vec![1; PAYLOAD];
    key.seal_in_place_append_tag(nonce(), Aad::from([0; 20]), &mut sealed).expect("seals");
    let mut buffer = sealed.clone();
    let begin = Instant::now();
    for _ in 0..PACKETS {
        buffer.copy_from_slice(&sealed);
        let plain = key.open_in_place(nonce(), Aad::from([0; 20]), &mut buffer).expect("opens");
        for _ in 0..viewers {
            let tag = key.seal_in_place_separate_tag(nonce(), Aad::from([0; 20]), plain).expect("seals");
            let _ = std::hint::black_box(tag);
        }
    }
    begin.elapsed().as_nanos() as f64 / (PACKETS * viewers) as f64
}

fn main() {
    println!(
        "{PAYLOAD}-byte packets, AES-256-GCM, ns a forwarded packet (median of {TURNS} turns of {PACKETS})"
    );
    println!("viewers   forwarding     floor     ratio");
    for viewers in [1, 2, 3, 8] {
        let mut now = Instant::now();
        let (certificate, key) = certificate();
        let mut node = Node::new(NodeConfig {
            identity: Identity::new(certificate, key),
            worker: WorkerId(0),
            candidates: vec![Candidate::udp(SocketAddr::from(([192, 0, 2, 1], 7800)))],
            seed: 1,
            epoch: Epoch::new(now, Duration::from_secs(1_800_000_000)),
            crypto: rtc_crypto::default_provider().expect("ring"),
        });
        let mut publisher = connect(&mut node, now, 1);
        for viewer in 0..viewers {
            connect(&mut node, now, 2 + viewer as u64);
            let (from, to) = (ParticipantId(1), ParticipantId(2 + viewer as u64));
            node.attach(now, from, Source::Camera, to, Mid::new("1").expect("mid")).expect("attached");
        }
        let (mut forwarding, mut floors) = (Vec::new(), Vec::new());
        let mut sequence = 0u16;
        for _ in 0..TURNS {
            let mut packets: Vec<_> = (0..PACKETS)
                .map(|_| {
                    let header = RtpHeader {
                        marker: true,
                        payload_type: Pt(96),
                        sequence,
                        timestamp: u32::from(sequence) * 3000,
                        ssrc: publisher.ssrc,
                    };
                    // Every packet is a keyframe of its own, so nothing waits for one.
                    let mut payload = vec![0; PAYLOAD];
                    payload[..4].copy_from_slice(&[0x10, 0, 0, 0]);
                    let mut packet = Vec::new();
                    header.write_packet(&[(3, &sequence.to_be_bytes())], &payload, &mut packet);
                    sequence = sequence.wrapping_add(1);
                    publisher.srtp.seal_rtp(&mut packet, 0).expect("sealed");
                    packet
                })
                .collect();
            let before = node.counters().forwarded;
            let begin = Instant::now();
            for packet in &mut packets {
                node.handle_datagram(now, publisher.addr, packet);
                std::hint::black_box(node.outbox()).clear();
            }
            let elapsed = begin.elapsed();
            let forwarded = node.counters().forwarded - before;
            assert_eq!(forwarded as usize, PACKETS * viewers, "everything arrives everywhere");
            forwarding.push(elapsed.as_nanos() as f64 / forwarded as f64);
            floors.push(floor(viewers));
            while node.poll_event().is_some() {}
            now += Duration::from_millis(500);
        }
        let (forwarding, floor) = (median(forwarding), median(floors));
        println!("{viewers:>7} {forwarding:>12.0} {floor:>9.0} {:>9.2}", forwarding / floor);
    }
}
