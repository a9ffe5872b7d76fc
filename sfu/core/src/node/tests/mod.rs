//! A whole node on virtual time with model clients: real STUN, DTLS, SRTP and SDP, no socket and no clock.

mod bandwidth;
mod layers;
mod loss;
mod paths;
mod relay;
mod rules;
mod stories;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use dimpl::{Config, Dtls, DtlsCertificate, Output};

use super::feedback::{self, Incoming};
use super::{Epoch, Event, JoinRequest, Joined, Node, NodeConfig, TapId, TapOutput};
use crate::ids::{Mid, ParticipantId, Pt, Ssrc, WorkerId};
use crate::media::Source;
use crate::path::{Candidate, Path};
use crate::rtp::packet::{DatagramKind, RtpHeader, RtpPacket};
use crate::transport::dtls::Identity;
use crate::transport::ice::tests::binding_request;
use crate::transport::srtp::{OpenError, SrtpPair, SrtpProfile};
use crate::transport::test_crypto;

fn certificate() -> (Vec<u8>, Vec<u8>) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("key");
    let params = rcgen::CertificateParams::new(vec!["test".into()]).expect("params");
    let certificate = params.self_signed(&key).expect("certificate");
    (certificate.der().to_vec(), key.serialize_der())
}

fn fingerprint(der: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, der);
    digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

const VIDEO: Pt = Pt(96);
const VIDEO_RTX: Pt = Pt(97);

/// What a client offers beside the least: the same on all its lines.
#[derive(Clone, Copy)]
struct Terms {
    /// RED for Opus (PT 63), before or after Opus itself.
    red: Option<Red>,
    /// `a=extmap` lines.
    extmaps: &'static str,
    /// The camera line sends these instead of streams by SSRC: `a=rid` and `a=simulcast` lines.
    simulcast: &'static str,
    /// The video codec behind payload type 96.
    codec: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Red {
    First,
    Second,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            red: None,
            extmaps: "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n",
            simulcast: "",
            codec: "VP8",
        }
    }
}

/// A client with a microphone (mid 0), a camera (mid 1), one audio slot (mid 2) and one video slot (mid 3).
struct Client {
    id: ParticipantId,
    addr: Path,
    terms: Terms,
    dtls: Dtls,
    fingerprint: String,
    /// Server's ufrag and password.
    server: (String, String),
    srtp: Option<SrtpPair>,
    outgoing: VecDeque<Vec<u8>>,
    rtp: Vec<Vec<u8>>,
    rtcp: Vec<Incoming>,
    /// The last REMB, and the server's clock as its extended reports tell it.
    remb: Option<crate::bwe::Bitrate>,
    reference: Option<(Ssrc, u64)>,
    sequence: u16,
}

impl Client {
    fn new(now: Instant, number: u64) -> Self {
        let (certificate, private_key) = certificate();
        let fingerprint = fingerprint(&certificate);
        let config = Arc::new(Config::builder().build().expect("config"));
        let mut dtls = Dtls::new_12(config, DtlsCertificate { certificate, private_key }, now);
        dtls.set_active(true);
        Self {
            id: ParticipantId(number),
            terms: Terms::default(),
            addr: SocketAddr::from(([10, 0, 0, number as u8], 4000)).into(),
            dtls,
            fingerprint,
            server: Default::default(),
            srtp: None,
            outgoing: VecDeque::new(),
            rtp: Vec::new(),
            rtcp: Vec::new(),
            remb: None,
            reference: None,
            sequence: 1,
        }
    }

    fn ufrag(&self) -> String {
        format!("user{:04}", self.id.0)
    }

    fn microphone(&self) -> Ssrc {
        Ssrc(1000 + self.id.0 as u32)
    }

    fn camera(&self) -> Ssrc {
        Ssrc(2000 + self.id.0 as u32)
    }

    fn camera_rtx(&self) -> Ssrc {
        Ssrc(3000 + self.id.0 as u32)
    }

    fn request(&self) -> JoinRequest {
        let codec = |kind| match kind {
            "audio" if self.terms.red.is_some() => {
                "a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n\
                 a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n"
            }
            "audio" => "a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n",
            _ => {
                "a=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 transport-cc\r\n\
                 a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
            }
        };
        let streams = |mid| match mid {
            1 if !self.terms.simulcast.is_empty() => self.terms.simulcast.to_owned(),
            0 => format!("a=ssrc:{} cname:x\r\n", self.microphone()),
            1 => format!(
                "a=ssrc-group:FID {} {}\r\na=ssrc:{} cname:x\r\na=ssrc:{} cname:x\r\n",
                self.camera(),
                self.camera_rtx(),
                self.camera(),
                self.camera_rtx()
            ),
            _ => String::new(),
        };
        let lines =
            [("audio", "sendonly"), ("video", "sendonly"), ("audio", "recvonly"), ("video", "recvonly")];
        let mut offer = String::from(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2 3\r\na=extmap-allow-mixed\r\n",
        );
        for (mid, (kind, direction)) in lines.into_iter().enumerate() {
            let formats = match (kind, self.terms.red) {
                ("audio", None) => "111",
                ("audio", Some(Red::First)) => "63 111",
                ("audio", Some(Red::Second)) => "111 63",
                _ => "96 97",
            };
            let video = match kind {
                "video" => format!("a=rtpmap:96 {}/90000\r\n", self.terms.codec),
                _ => String::new(),
            };
            offer += &format!(
                "m={kind} 9 UDP/TLS/RTP/SAVPF {formats}\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:{}\r\n\
                 a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa\r\na=fingerprint:sha-256 {}\r\na=setup:actpass\r\na=mid:{mid}\r\n\
                 {}a={direction}\r\na=rtcp-mux\r\na=rtcp-rsize\r\n{video}{}{}",
                self.ufrag(),
                self.fingerprint,
                self.terms.extmaps,
                codec(kind),
                streams(mid)
            );
        }
        let mid = |text| Mid::new(text).expect("mid");
        JoinRequest { offer, sources: vec![(mid("0"), Source::Microphone), (mid("1"), Source::Camera)] }
    }

    fn joined(&mut self, joined: &Joined) {
        let value =
            |name| joined.answer.lines().find_map(|line| line.strip_prefix(name)).expect(name).to_owned();
        self.server = (value("a=ice-ufrag:"), value("a=ice-pwd:"));
    }

    fn check(&self, nominate: bool) -> Vec<u8> {
        binding_request(&format!("{}:{}", self.server.0, self.ufrag()), &self.server.1, nominate)
    }

    fn handle(&mut self, now: Instant, datagram: &[u8]) {
        match DatagramKind::of(datagram) {
            DatagramKind::Dtls => {
                self.dtls.handle_timeout(now).expect("timeout");
                self.dtls.handle_packet(datagram).expect("record");
                self.poll_dtls();
            }
            DatagramKind::Rtp => {
                let opened = self.open(datagram, SrtpPair::open_rtp);
                self.rtp.push(opened);
            }
            DatagramKind::Rtcp => {
                let opened = self.open(datagram, SrtpPair::open_rtcp);
                bandwidth::hear(self, &opened);
                self.rtcp.extend(feedback::parse(&opened));
            }
            DatagramKind::Stun | DatagramKind::Other => {}
        }
    }

    fn poll_dtls(&mut self) {
        let mut buffer = vec![0; 4096];
        loop {
            match self.dtls.poll_output(&mut buffer) {
                Output::Packet(packet) => self.outgoing.push_back(packet.to_vec()),
                Output::KeyingMaterial(material, _) => {
                    let profile = SrtpProfile::AeadAes256Gcm;
                    self.srtp = SrtpPair::client(profile, &material);
                }
                Output::Timeout(_) => return,
                _ => {}
            }
        }
    }

    /// A VP8 packet that is one whole frame; the server sees a picture id of `frame`.
    fn frame(&mut self, frame: u16, keyframe: bool) -> Vec<u8> {
        let [high, low] = (frame | 0x8000).to_be_bytes();
        let payload = [0x90, 0x80, high, low, u8::from(!keyframe), 0, 0, frame as u8];
        let header = RtpHeader {
            marker: true,
            payload_type: VIDEO,
            sequence: self.sequence,
            timestamp: u32::from(frame) * 3000,
            ssrc: self.camera(),
        };
        self.sequence += 1;
        let mut packet = Vec::new();
        header.write_packet(&[(3, &self.sequence.to_be_bytes())], &payload, &mut packet);
        packet
    }

    fn seal(&mut self, packet: &[u8]) -> Vec<u8> {
        let mut sealed = packet.to_vec();
        self.srtp.as_mut().expect("keys").seal_rtp(&mut sealed, 0).expect("seals");
        sealed
    }

    fn seal_rtcp(&mut self, packet: &Bytes) -> Vec<u8> {
        let mut sealed = packet.to_vec();
        self.srtp.as_mut().expect("keys").seal_rtcp(&mut sealed, 0).expect("seals");
        sealed
    }

    fn open(
        &mut self,
        datagram: &[u8],
        open: impl FnOnce(&mut SrtpPair, &mut [u8]) -> Result<usize, OpenError>,
    ) -> Vec<u8> {
        let mut opened = datagram.to_vec();
        let length = open(self.srtp.as_mut().expect("keys"), &mut opened).expect("opens");
        opened.truncate(length);
        opened
    }

    /// Last bytes of the frames that arrived, in order.
    fn pictures(&self) -> Vec<u8> {
        let payload =
            |packet: &Vec<u8>| RtpPacket::parse(packet).ok().and_then(|it| it.payload().last().copied());
        self.rtp.iter().filter_map(payload).collect()
    }
}

/// A node, its clients and the time.
struct World {
    now: Instant,
    node: Node,
    clients: Vec<Client>,
    events: Vec<Event>,
    tapped: Vec<(TapId, TapOutput)>,
    /// Datagrams from the node that are lost: destination client index, and how many more.
    lose: Option<(usize, usize)>,
}

impl World {
    fn new(clients: u64) -> Self {
        Self::on_worker(WorkerId(0), Instant::now(), 1..clients + 1)
    }

    /// One of several workers' nodes, with clients of these numbers.
    fn on_worker(worker: WorkerId, now: Instant, clients: std::ops::Range<u64>) -> Self {
        let (certificate, key) = certificate();
        let node = Node::new(NodeConfig {
            identity: Identity::new(certificate, key),
            worker,
            candidates: vec![Candidate::udp(SocketAddr::from(([192, 0, 2, 1], 7800)))],
            seed: 7,
            epoch: Epoch::new(now, Duration::from_secs(1_800_000_000)),
            crypto: test_crypto(),
        });
        let clients = clients.map(|number| Client::new(now, number)).collect();
        Self { now, node, clients, events: Vec::new(), tapped: Vec::new(), lose: None }
    }

    /// A world in which everybody has joined and connected.
    fn connected(clients: u64) -> Self {
        let terms = vec![Terms::default(); clients as usize];
        Self::connected_on(&terms)
    }

    /// The same with a client for each of these terms.
    fn connected_on(terms: &[Terms]) -> Self {
        let mut world = Self::new(terms.len() as u64);
        for (client, terms) in world.clients.iter_mut().zip(terms) {
            client.terms = *terms;
        }
        world.connect();
        world
    }

    fn connect(&mut self) {
        for index in 0..self.clients.len() {
            self.join(index);
            self.check(index);
            self.handshake(index);
        }
        let connected = self.events.iter().filter(|event| matches!(event, Event::Connected { .. })).count();
        assert_eq!(connected, self.clients.len());
    }

    fn join(&mut self, index: usize) -> Joined {
        let request = self.clients[index].request();
        let joined = self.node.join(self.now, self.clients[index].id, &request).expect("joined");
        self.clients[index].joined(&joined);
        joined
    }

    fn check(&mut self, index: usize) {
        let check = self.clients[index].check(true);
        self.send(index, &check);
    }

    fn handshake(&mut self, index: usize) {
        self.clients[index].dtls.handle_timeout(self.now).expect("starts");
        self.clients[index].poll_dtls();
        self.pump();
    }

    /// From a client to the node.
    fn send(&mut self, index: usize, datagram: &[u8]) {
        self.node.handle_datagram(self.now, self.clients[index].addr, &mut datagram.to_vec());
        self.pump();
    }

    fn send_frame(&mut self, index: usize, frame: u16, keyframe: bool) {
        let packet = self.clients[index].frame(frame, keyframe);
        let sealed = self.clients[index].seal(&packet);
        self.send(index, &sealed);
    }

    /// Carries datagrams until nobody has anything to say.
    fn pump(&mut self) {
        loop {
            let mut quiet = true;
            while let Some(transmit) = self.node.poll_transmit() {
                quiet = false;
                let index = self.clients.iter().position(|client| client.addr == transmit.destination);
                let Some(index) = index else { continue };
                match &mut self.lose {
                    Some((victim, count)) if *victim == index && *count > 0 => *count -= 1,
                    _ => self.clients[index].handle(self.now, transmit.payload),
                }
            }
            for index in 0..self.clients.len() {
                while let Some(mut datagram) = self.clients[index].outgoing.pop_front() {
                    quiet = false;
                    self.node.handle_datagram(self.now, self.clients[index].addr, &mut datagram);
                }
            }
            while let Some(event) = self.node.poll_event() {
                self.events.push(event);
            }
            while let Some(output) = self.node.poll_tap() {
                self.tapped.push(output);
            }
            if quiet {
                return;
            }
        }
    }

    /// Lets time pass; everything due on the way happens at its moment.
    fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(at) = self.node.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.node.handle_timeout(self.now);
            self.pump();
        }
        self.now = end;
    }

    fn attach_camera(&mut self, from: usize, to: usize) {
        let slot = Mid::new("3").expect("mid");
        let (from, to) = (self.clients[from].id, self.clients[to].id);
        self.node.attach(self.now, from, Source::Camera, to, slot).expect("attached");
        self.pump();
    }
}
