//! A whole node with two people on it who have been let in and mean harm.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rtc_crypto::default_provider;
use sfu_core::ids::{Mid, ParticipantId, Pt, Ssrc};
use sfu_core::media::Source;
use sfu_core::node::{Epoch, JoinRequest, Node, NodeConfig};
use sfu_core::path::Path;
use sfu_core::rtp::packet::RtpHeader;
use sfu_core::transport::srtp::{SrtpPair, SrtpProfile};

use crate::input::Input;
use crate::transport::IDENTITY;

const OFFER: &str = include_str!("plain.sdp");
const SIMULCAST: &str = include_str!("simulcast.sdp");
const PROFILE: SrtpProfile = SrtpProfile::AeadAes128Gcm;

/// Streams and payload types of the offer: camera, its RTX, microphone, and nobody's.
const SSRCS: [u32; 4] = [1, 2, 3, 4];
const TYPES: [u8; 8] = [96, 97, 111, 63, 108, 98, 45, 120];

struct Peer {
    path: Path,
    srtp: SrtpPair,
    sequences: [u16; 4],
    timestamp: u32,
    buffer: Vec<u8>,
}

/// Steps: who does what, then the bytes of it.
pub(crate) fn node(data: &[u8]) {
    let start = Instant::now();
    let mut node = Node::new(NodeConfig::bare(
        IDENTITY.clone(),
        Epoch::new(start, Duration::from_secs(1_800_000_000)),
        default_provider().expect("a provider"),
    ));
    let mut input = Input::new(data);
    let simulcast = input.byte() & 1 == 1;
    let mid = |text: &str| Mid::new(text).expect("a mid");
    let mut peers: Vec<Peer> = (0..2u8)
        .map(|number| {
            let who = ParticipantId(u64::from(number));
            let request = JoinRequest {
                offer: if simulcast && number == 0 { SIMULCAST } else { OFFER }.to_owned(),
                sources: vec![(mid("0"), Source::Microphone), (mid("1"), Source::Camera)],
            };
            node.join(start, who, &request).expect("joined");
            let path = Path::from(SocketAddr::from(([192, 0, 2, number], 4000)));
            let material = vec![number; PROFILE.material_length()];
            node.connect_at_once(start, who, path, PROFILE, &material);
            let srtp = SrtpPair::client(PROFILE, &material).expect("keys");
            Peer { path, srtp, sequences: [0; 4], timestamp: 0, buffer: Vec::new() }
        })
        .collect();
    let attach = |node: &mut Node, now, from: u64, source, slot| {
        node.attach(now, ParticipantId(from), source, ParticipantId(1 - from), mid(slot)).expect("attached");
    };
    attach(&mut node, start, 0, Source::Microphone, "2");
    attach(&mut node, start, 0, Source::Camera, "3");
    attach(&mut node, start, 1, Source::Camera, "3");
    let tap = node.add_tap(start, ParticipantId(0), Source::Camera).expect("tapped");

    let mut now = start;
    let mut steps = 0;
    while !input.is_empty() && steps < 256 {
        steps += 1;
        let what = input.byte();
        let peer = &mut peers[usize::from(what & 1)];
        match what >> 1 & 7 {
            // Media with any extensions and any payload.
            0..=3 => {
                let stream = usize::from(input.byte());
                let (ssrc, payload_type) = (stream & 3, TYPES[stream >> 2 & 7]);
                let number = &mut peer.sequences[ssrc];
                *number = number.wrapping_add_signed(i16::from(input.byte() as i8));
                peer.timestamp = peer.timestamp.wrapping_add(u32::from(input.byte()) * 240);
                let header = RtpHeader {
                    marker: stream & 0x80 != 0,
                    payload_type: Pt(payload_type),
                    sequence: *number,
                    timestamp: peer.timestamp,
                    ssrc: Ssrc(SSRCS[ssrc]),
                };
                let extensions = input.bytes();
                peer.buffer.clear();
                header.write(&[], &mut peer.buffer);
                if !extensions.is_empty() {
                    peer.buffer[0] |= 0x10;
                    let words = extensions.len().div_ceil(4);
                    peer.buffer.extend([0xbe, 0xde]);
                    peer.buffer.extend((words as u16).to_be_bytes());
                    peer.buffer.extend(extensions);
                    peer.buffer.resize(16 + words * 4, 0);
                }
                peer.buffer.extend(input.bytes());
                if peer.srtp.seal_rtp(&mut peer.buffer, 0).is_ok() {
                    node.handle_datagram(now, peer.path, &mut peer.buffer);
                }
            }
            // A compound of any kind; its first packet's header is kept whole.
            4 => {
                peer.buffer.clear();
                peer.buffer.extend([0x80 | (input.byte() & 0x1f), 200 + input.byte() % 7]);
                peer.buffer.extend(input.bytes());
                peer.buffer.resize(peer.buffer.len().max(8), 0);
                if peer.srtp.seal_rtcp(&mut peer.buffer, 0).is_ok() {
                    node.handle_datagram(now, peer.path, &mut peer.buffer);
                }
            }
            // Anything that is not sealed.
            5 => {
                peer.buffer.clear();
                peer.buffer.extend(input.bytes());
                node.handle_datagram(now, peer.path, &mut peer.buffer);
            }
            // Routes come and go.
            6 => {
                let slot = mid(["3", "4", "2", "7"][usize::from(what >> 4 & 3)]);
                let from = u64::from(what & 1);
                let (to, source) = (
                    ParticipantId(1 - from),
                    if what & 0x20 == 0 { Source::Camera } else { Source::Microphone },
                );
                if what & 0x40 == 0 {
                    let _ = node.attach(now, ParticipantId(from), source, to, slot);
                } else {
                    let _ = node.detach(to, slot);
                }
                node.request_keyframe(now, tap);
            }
            // Time passes.
            _ => {
                now += Duration::from_millis(u64::from(input.byte()) * 8);
                // A loop of timers that never move on would be found here.
                for _ in 0..10_000 {
                    match node.deadline().filter(|at| *at <= now) {
                        Some(_) => node.handle_timeout(now),
                        None => break,
                    }
                }
                assert!(node.deadline().is_none_or(|at| at > now), "timers that are due forever");
            }
        }
        let mut sent = 0;
        while node.poll_transmit().is_some() {
            sent += 1;
        }
        assert!(sent < 5000, "{sent} datagrams for one step");
        while node.poll_event().is_some() {}
        while node.poll_tap().is_some() {}
    }
}
