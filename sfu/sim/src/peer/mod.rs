//! A model browser: one person's device with everything between its camera and its network interface.

pub mod data;
pub mod description;
pub mod ice;
pub mod secure;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rtc_shared::marshal::Marshal;
use rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate;
use rtcp::sender_report::SenderReport;
use rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
use sfu_core::ids::ParticipantId;
use sfu_core::media::Source;
use sfu_core::node::{EncodingWish, JoinRequest, Joined};

use self::data::DataClient;
use self::description::{Abilities, Answer, Ext, SEND_LINES, SendSsrcs, extension_id, pt};
use self::ice::{Credentials, IceClient};
use self::secure::SecureClient;
use crate::clock::{DeviceClock, ms};
use crate::format::rtp;
use crate::receiver::Subscriber;
use crate::receiver::feedback::read_transport_cc;
use crate::sender::audio::{AudioLine, AudioSender, Talk};
use crate::sender::video::{Scene, VideoLine, VideoSender};
use crate::sender::{Departure, Publisher};

/// A round trip before one was measured.
const DEFAULT_RTT: Duration = ms(100);

/// What a person is like.
#[derive(Clone, Debug)]
pub struct Person {
    /// What plans and reports call them.
    pub name: &'static str,
    /// What their browser can.
    pub abilities: Abilities,
    /// Who speaks when.
    pub talk: Talk,
    /// The camera; `None` for switched off.
    pub camera: Option<Scene>,
    /// The shared screen; `None` for not shared.
    pub screen: Option<Scene>,
    /// How much too fast the device's clock runs, in µs a second.
    pub skew_ppm: i64,
    /// The numbers their streams begin with, where the seed should not decide: sequence, timestamp, picture id, TL0.
    pub begin_at: Option<(u16, u32, u16, u8)>,
    /// When they come.
    pub joins_at: Duration,
    /// Sends REMB with this estimate instead of TWCC.
    pub remb_bps: Option<u64>,
    /// Which worker they are on, modulo their number.
    pub worker: usize,
}

impl Person {
    /// Somebody with a microphone and a camera.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            abilities: Abilities::default(),
            talk: Talk::Always,
            camera: Some(Scene::default()),
            screen: None,
            skew_ppm: 0,
            begin_at: None,
            joins_at: Duration::ZERO,
            remb_bps: None,
            worker: 0,
        }
    }
}

/// See the module.
pub struct Peer {
    /// Who it is.
    pub person: Person,
    index: usize,
    /// The server's name for them.
    pub id: ParticipantId,
    /// Where their datagrams come from.
    pub address: SocketAddr,
    clock: DeviceClock,
    ssrcs: SendSsrcs,
    restarts: u32,
    ice: IceClient,
    secure: SecureClient,
    data: DataClient,
    /// What they send.
    pub publisher: Publisher,
    /// What they get.
    pub subscriber: Subscriber,
    ready: bool,
    undecryptable: u64,
    early: u64,
    hash: u64,
    outgoing: VecDeque<Vec<u8>>,
    texts: Vec<(Instant, String)>,
    /// Plain packets of the past, for a forger to play with.
    recorded: VecDeque<Vec<u8>>,
}

/// What a person asks the server for before there is a peer: the offer and what it promised.
pub struct Intent {
    /// For [`sfu_core::node::Node::join`].
    pub request: JoinRequest,
    ufrag: String,
    ssrcs: SendSsrcs,
}

impl Intent {
    /// A person's offer.
    pub fn new(index: usize, person: &Person) -> Self {
        let base = 100_000 * (index as u32 + 1);
        let ssrcs =
            SendSsrcs { microphone: base + 1, video: [(base + 11, base + 12), (base + 21, base + 22)] };
        let ufrag = format!("user{index:04}");
        let offer = description::offer(index, &ufrag, &person.abilities, &ssrcs);
        Self { request: JoinRequest { offer, sources: description::sources() }, ufrag, ssrcs }
    }
}

impl Peer {
    /// The device of somebody who has joined.
    pub fn new(
        now: Instant,
        start: Instant,
        index: usize,
        person: Person,
        intent: Intent,
        joined: &Joined,
        seed: u64,
    ) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let answer = Answer::read(&joined.answer);
        let clock = DeviceClock::new(start, index, person.skew_ppm);
        let publisher = publisher(now, index, &person, clock, &answer, &intent.ssrcs, &mut rng);
        let mut subscriber = Subscriber::new(now, index, &answer);
        subscriber.set_remb(person.remb_bps);
        let credentials = Credentials {
            local_ufrag: intent.ufrag,
            remote_ufrag: answer.ufrag,
            remote_password: answer.password,
        };
        Self {
            index,
            id: ParticipantId(index as u64 + 1),
            address: SocketAddr::from(([10, 0, index as u8, 1], 4000)),
            clock,
            ssrcs: intent.ssrcs,
            restarts: 0,
            ice: IceClient::new(now, credentials, StdRng::seed_from_u64(rng.random())),
            secure: SecureClient::new(now, rng.random()),
            data: DataClient::default(),
            publisher,
            subscriber,
            ready: false,
            undecryptable: 0,
            early: 0,
            hash: 0,
            outgoing: VecDeque::new(),
            texts: Vec::new(),
            recorded: VecDeque::new(),
            person,
        }
    }

    /// Media flows.
    pub fn connected(&self) -> bool {
        self.secure.connected()
    }

    /// The server has ended the transport.
    pub fn closed(&self) -> bool {
        self.secure.closed()
    }

    /// The device's clock.
    pub fn clock(&self) -> DeviceClock {
        self.clock
    }

    /// Datagrams that could not be opened: forged, replayed, or of a stream unheard of.
    pub fn undecryptable(&self) -> u64 {
        self.undecryptable
    }

    /// Media that came before there were keys to open it with: the last flight of the server's handshake was lost, which it cannot know.
    pub fn early(&self) -> u64 {
        self.early
    }

    /// A hash of everything that was delivered, in order and with its time.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Texts that came on the events channel.
    pub fn texts(&self) -> &[(Instant, String)] {
        &self.texts
    }

    /// A sealed packet this peer sent lately, as somebody on the path might have recorded it.
    pub fn some_recorded(&self) -> Vec<u8> {
        self.recorded.get(self.recorded.len() / 2).cloned().unwrap_or_default()
    }

    /// Sends a text on the events channel.
    pub fn send_text(&mut self, now: Instant, text: String) {
        self.data.send(now, text);
        self.flush_data(now);
    }

    /// The device sees that it has a new address and checks it at once.
    pub fn move_to(&mut self, now: Instant, address: SocketAddr) {
        self.address = address;
        self.ice.path_changed(now);
    }

    /// A new offer for an ICE restart; the peer connection stays.
    pub fn restart_offer(&mut self) -> (JoinRequest, String) {
        self.restarts += 1;
        let ufrag = format!("user{:04}r{}", self.index, self.restarts);
        let offer = description::offer(self.index, &ufrag, &self.person.abilities, &self.ssrcs);
        (JoinRequest { offer, sources: description::sources() }, ufrag)
    }

    /// The answer to [`Self::restart_offer`].
    pub fn restarted(&mut self, now: Instant, joined: &Joined, local_ufrag: String) {
        let answer = Answer::read(&joined.answer);
        let credentials =
            Credentials { local_ufrag, remote_ufrag: answer.ufrag, remote_password: answer.password };
        self.ice.restart(now, credentials);
    }

    /// A source begins anew with other SSRCs, as after `replaceTrack` in some browsers or a crashed encoder.
    pub fn restart_source(&mut self, source: Source) {
        let fresh = 50_000 + 100 * self.publisher.tally().packets as u32;
        match source {
            Source::Microphone => self.publisher.audio.restart(self.ssrcs.microphone + fresh),
            Source::Camera | Source::Screen => {
                let place = usize::from(source == Source::Screen);
                let count = self.publisher.video[place].sending().len() as u32;
                let (media, rtx) = self.ssrcs.video[place];
                let ssrcs: Vec<_> =
                    (0..count).map(|it| (media + fresh + 10 * it, rtx + fresh + 10 * it)).collect();
                self.publisher.video[place].restart(&ssrcs);
            }
        }
    }

    /// The person switches a source on or off.
    pub fn switch(&mut self, source: Source, on: bool) {
        match source {
            Source::Microphone => self.publisher.audio.active = on,
            Source::Camera => self.publisher.video[0].active = on,
            Source::Screen => self.publisher.video[1].active = on,
        }
    }

    /// What the server would like to get of a source.
    pub fn wish(&mut self, source: Source, encodings: &[EncodingWish]) {
        if source == Source::Microphone {
            return;
        }
        let video = &mut self.publisher.video[usize::from(source == Source::Screen)];
        for EncodingWish { rid, active, max_bitrate_bps } in encodings {
            let rid = rid.map(|rid| rid.to_string());
            video.wish(rid.as_deref(), *active, *max_bitrate_bps);
        }
    }

    /// A sealed packet of a stream the offer never spoke of.
    pub fn send_stray(&mut self, ssrc: u32) {
        let header = rtp::Header { payload_type: 77, ssrc, ..rtp::Header::default() };
        let packet = rtp::write(&header, &[], &[0; 100]);
        self.outgoing.extend(self.secure.seal_rtp(&packet));
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Instant {
        let mut at = self.ice.deadline();
        for other in [self.secure.deadline(), self.data.deadline()].into_iter().flatten() {
            at = at.min(other);
        }
        if self.ready {
            at = at.min(self.publisher.deadline()).min(self.publisher.report_deadline());
            at = at.min(self.subscriber.deadline());
        }
        at
    }

    /// Everything that is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.ice.handle_timeout(now);
        if self.secure.deadline().is_some_and(|at| at <= now) {
            self.secure.handle_timeout(now);
        }
        self.data.handle_timeout(now);
        self.flush_data(now);
        self.become_ready(now);
        if self.ready {
            self.publisher.handle_timeout(now);
            self.subscriber.handle_timeout(now, self.ice.rtt().unwrap_or(DEFAULT_RTT));
            for report in self.publisher.reports(now) {
                if let Ok(bytes) = report.marshal() {
                    self.send_rtcp(&bytes);
                }
            }
        }
    }

    /// Takes a datagram.
    pub fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        match datagram {
            [0..=3, ..] => {
                self.ice.handle_datagram(now, datagram);
                if self.ice.connected() {
                    self.secure.start(now);
                }
            }
            [20..=63, ..] => {
                self.secure.handle_datagram(now, datagram);
                while let Some(packet) = self.secure.poll_data() {
                    self.data.handle_packet(now, packet);
                }
                for text in self.data.take_received() {
                    self.note(now, text.as_bytes());
                    self.texts.push((now, text));
                }
                self.flush_data(now);
                self.become_ready(now);
            }
            [128..=191, 192..=223, ..] => match self.secure.open_rtcp(datagram) {
                Some(compound) => {
                    self.note(now, &compound);
                    self.handle_rtcp(now, compound.into());
                }
                None => self.unopened(),
            },
            [128..=191, ..] => match self.secure.open_rtp(datagram) {
                Some(packet) => {
                    self.note(now, &packet);
                    self.subscriber.handle_rtp(now, &packet);
                }
                None => self.unopened(),
            },
            _ => {}
        }
    }

    fn unopened(&mut self) {
        let count = if self.secure.has_keys() { &mut self.undecryptable } else { &mut self.early };
        *count += 1;
    }

    /// The next datagram for the server.
    pub fn poll_datagram(&mut self) -> Option<Vec<u8>> {
        if let Some(datagram) = self.ice.poll_datagram().or_else(|| self.secure.poll_datagram()) {
            return Some(datagram);
        }
        while let Some(packet) = self.publisher.poll_packet() {
            if let Some(sealed) = self.secure.seal_rtp(&packet) {
                if self.recorded.len() == 64 {
                    self.recorded.pop_front();
                }
                self.recorded.push_back(sealed.clone());
                return Some(sealed);
            }
        }
        while let Some(compound) = self.subscriber.poll_rtcp() {
            self.send_rtcp(&compound);
        }
        self.outgoing.pop_front()
    }

    fn become_ready(&mut self, now: Instant) {
        if !self.ready && self.secure.connected() {
            self.ready = true;
            self.publisher.run();
            self.data.start(now);
            self.flush_data(now);
        }
    }

    fn flush_data(&mut self, now: Instant) {
        for packet in self.data.poll_packets(now) {
            self.secure.send_data(&packet);
        }
    }

    fn send_rtcp(&mut self, compound: &[u8]) {
        self.outgoing.extend(self.secure.seal_rtcp(compound));
    }

    fn handle_rtcp(&mut self, now: Instant, mut compound: Bytes) {
        let Ok(packets) = rtcp::packet::unmarshal(&mut compound) else { return };
        let rtt = self.ice.rtt().unwrap_or(DEFAULT_RTT);
        for packet in packets {
            let any = packet.as_any();
            if let Some(report) = any.downcast_ref::<SenderReport>() {
                self.subscriber.handle_sender_report(now, report);
            } else if let Some(nack) = any.downcast_ref::<TransportLayerNack>() {
                let sequences: Vec<_> = nack.nacks.iter().flat_map(|pair| pair.packet_list()).collect();
                self.publisher.on_nack(now, nack.media_ssrc, &sequences);
            } else if let Some(pli) = any.downcast_ref::<PictureLossIndication>() {
                self.publisher.on_keyframe_request(pli.media_ssrc);
            } else if let Some(fir) = any.downcast_ref::<FullIntraRequest>() {
                fir.fir.iter().for_each(|entry| self.publisher.on_keyframe_request(entry.ssrc));
            } else if let Some(report) = any.downcast_ref::<TransportLayerCc>() {
                let (base, arrivals) = read_transport_cc(report);
                self.publisher.on_transport_cc(now, rtt, base, &arrivals);
            } else if let Some(remb) = any.downcast_ref::<ReceiverEstimatedMaximumBitrate>() {
                self.publisher.rate.on_remb(remb.bitrate as u64);
            }
        }
    }

    fn note(&mut self, now: Instant, bytes: &[u8]) {
        let mut hasher = crc32fast::Hasher::new_with_initial(self.hash as u32);
        hasher.update(&self.clock.elapsed_us(now).to_be_bytes());
        hasher.update(bytes);
        self.hash = self.hash.rotate_left(7) ^ u64::from(hasher.finalize());
    }
}

/// The senders of a person, as far as the answer lets them.
fn publisher(
    now: Instant,
    index: usize,
    person: &Person,
    clock: DeviceClock,
    answer: &Answer,
    ssrcs: &SendSsrcs,
    rng: &mut StdRng,
) -> Publisher {
    let id = |mid: &str, extension| {
        let id = extension_id(index, extension);
        answer.line(mid).is_some_and(|line| line.extensions.contains(&id)).then_some(id)
    };
    let takes = |mid: &str, payload_type| {
        answer.line(mid).is_some_and(|line| line.payload_types.contains(&payload_type))
    };
    let [(microphone, _), (camera, _), (screen, _)] = SEND_LINES;
    let line = AudioLine {
        ssrc: ssrcs.microphone,
        mid: id(microphone, Ext::Mid).map(|id| (id, microphone)),
        level: id(microphone, Ext::AudioLevel),
        red: person.abilities.red && takes(microphone, pt::RED),
    };
    let mut audio = AudioSender::new(index as u8, line, clock, now, StdRng::seed_from_u64(rng.random()));
    audio.talk = person.talk;
    let mut video = |place: usize, mid: &'static str, scene: Option<Scene>| {
        let codec = person.abilities.codec;
        let line = VideoLine {
            codec,
            rtx: takes(mid, codec.payload_types().1),
            mid: id(mid, Ext::Mid).map(|id| (id, mid)),
            rid: id(mid, Ext::Rid).zip(id(mid, Ext::RepairedRid)),
            dependency: id(mid, Ext::Dependency),
        };
        let (media, rtx) = ssrcs.video[place];
        let simulcast = place == 0 && person.abilities.simulcast && line.rid.is_some();
        let count = if simulcast { 3 } else { 1 };
        let ssrcs: Vec<_> = (0..count).map(|it| (media + 2000 * it, rtx + 2000 * it)).collect();
        let which = (index as u8, place as u8 + 1);
        let rng = StdRng::seed_from_u64(rng.random());
        let mut sender = VideoSender::new(which, line, scene.unwrap_or_default(), &ssrcs, clock, now, rng);
        sender.active = scene.is_some();
        if let Some((sequence, timestamp, picture_id, tl0)) = person.begin_at {
            sender.begin_at(sequence, timestamp, picture_id, tl0);
        }
        sender
    };
    let video = [video(0, camera, person.camera), video(1, screen, person.screen)];
    if let Some((sequence, timestamp, ..)) = person.begin_at {
        audio.begin_at(sequence, timestamp);
    }
    let departure = Departure {
        transport_cc: id(camera, Ext::TransportCc),
        abs_send_time: id(camera, Ext::AbsSendTime),
        repaired_rid: id(camera, Ext::Rid).zip(id(camera, Ext::RepairedRid)),
    };
    let first = person.begin_at.map_or(0, |(sequence, ..)| sequence);
    Publisher::new(now, clock, audio, video, departure, first)
}
