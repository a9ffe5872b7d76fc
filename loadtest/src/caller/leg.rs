//! A caller's transport and media as a state machine: datagrams and a time in, datagrams and a deadline out.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use bytes::Bytes;
use protocol::call::Source;
use protocol::ws::{EncodingWish, SlotView, SourceLine};
use rtc_shared::marshal::Marshal;
use rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate;
use rtcp::sender_report::SenderReport;
use rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;

use super::data::DataClient;
use super::description::{self, Answer, CAMERA, Codec, LocalSide, MICROPHONE, ext, pt};
use super::ice::{Credentials, IceClient};
use super::receiver::Subscriber;
use super::receiver::feedback::read_transport_cc;
use super::receiver::video::FirstFrame;
use super::rtp::Packet;
use super::secure::{Identity, SecureClient};
use super::sender::Publisher;
use super::sender::audio::{AudioLine, AudioSender};
use super::sender::speech::Speech;
use super::sender::video::{VideoLine, VideoSender};
use super::trailer;
use crate::measure::Measures;

/// A round trip before one was measured.
const DEFAULT_RTT: Duration = Duration::from_millis(100);
/// Seconds between 1900, where NTP begins, and 1970.
const NTP_EPOCH: u64 = 2_208_988_800;
/// What sealing adds: a GCM tag (RFC 7714).
const TAG: usize = 16;

/// What happened on a leg.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LegEvent {
    /// A check was answered.
    IceConnected(Instant),
    /// DTLS is through: media can flow.
    Connected(Instant),
    /// The first media packet came.
    FirstPacket(Instant),
    /// The first picture of somebody is on the screen.
    FirstFrame(FirstFrame),
    /// The server ended the transport.
    Closed(Instant),
}

/// What a leg sends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outgoing {
    /// As it is: STUN, DTLS.
    Raw(Vec<u8>),
    /// A plain media packet, to be sealed when it really leaves.
    Rtp(Vec<u8>),
    /// A plain RTCP packet.
    Rtcp(Vec<u8>),
}

impl Outgoing {
    /// Bytes on the wire, headers of UDP and IP not counted.
    pub fn length(&self) -> usize {
        match self {
            Outgoing::Raw(bytes) => bytes.len(),
            Outgoing::Rtp(packet) => packet.len() + TAG,
            // SRTCP's index with the E flag comes on top (RFC 3711 §3.4).
            Outgoing::Rtcp(packet) => packet.len() + TAG + 4,
        }
    }
}

/// What a caller is like.
#[derive(Clone)]
pub struct LegSettings {
    /// A number of its own.
    pub person: u16,
    /// What its camera sends.
    pub codec: Codec,
    /// What it says.
    pub speech: Arc<Speech>,
    /// Its certificate.
    pub identity: Identity,
}

struct Media {
    publisher: Publisher,
    subscriber: Subscriber,
}

/// See the module.
pub struct Leg {
    settings: LegSettings,
    local: LocalSide,
    started: Instant,
    ice: Option<IceClient>,
    secure: SecureClient,
    data: DataClient,
    media: Option<Media>,
    ready: bool,
    ice_told: bool,
    packet_told: bool,
    closed: bool,
    outgoing: VecDeque<Outgoing>,
    events: VecDeque<LegEvent>,
}

impl Leg {
    /// A leg that has not connected to anything.
    pub fn new(now: Instant, settings: LegSettings) -> Self {
        let word = || format!("{:016x}", rand::random::<u64>());
        let local = LocalSide {
            ufrag: word(),
            password: word() + &word(),
            fingerprint: settings.identity.fingerprint.clone(),
            codec: settings.codec,
            // Room for the streams of a caller above it, and for another caller's.
            ssrc: rand::random::<u32>() & 0x7fff_ff00 | 0x0000_0010,
        };
        Self {
            secure: SecureClient::new(now, &settings.identity),
            settings,
            local,
            started: now,
            ice: None,
            data: DataClient::default(),
            media: None,
            ready: false,
            ice_told: false,
            packet_told: false,
            closed: false,
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// The offer and what its lines carry.
    pub fn offer(&self) -> (String, Vec<SourceLine>) {
        (description::offer(&self.local), description::sources())
    }

    /// Makes new ICE credentials for an ICE restart; the next [`Self::offer`] has them.
    pub fn restart(&mut self) {
        self.local.ufrag = format!("{:016x}", rand::random::<u64>());
    }

    /// Takes the answer, the first one or that of a restart. Gives where the server is reached by UDP and by TCP.
    pub fn answer(&mut self, now: Instant, sdp: &str) -> Result<(Vec<SocketAddr>, Vec<SocketAddr>)> {
        let answer = Answer::read(sdp)?;
        let credentials = Credentials {
            local_ufrag: self.local.ufrag.clone(),
            remote_ufrag: answer.ufrag.clone(),
            remote_password: answer.password.clone(),
        };
        match &mut self.ice {
            Some(ice) => ice.restart(now, credentials),
            None => {
                let crypto = Arc::clone(&self.settings.identity.crypto);
                self.ice = Some(IceClient::new(now, credentials, crypto));
                self.media = Some(self.media_of(now, &answer)?);
            }
        }
        Ok((answer.udp, answer.tcp))
    }

    fn media_of(&self, now: Instant, answer: &Answer) -> Result<Media> {
        let person = self.settings.person;
        let (microphone, camera) = (answer.line(MICROPHONE)?, answer.line(CAMERA)?);
        let audio = AudioLine {
            ssrc: self.local.ssrc,
            mid: microphone.agreed(ext::MID),
            level: microphone.agreed(ext::AUDIO_LEVEL),
            red: microphone.payload_types.first() == Some(&pt::RED),
        };
        let video = VideoLine {
            codec: self.settings.codec,
            ssrc: self.local.ssrc + 2,
            encodings: camera.rids.len().clamp(1, 3) as u8,
            rtx: camera.payload_types.contains(&self.settings.codec.payload_types().1),
            mid: camera.agreed(ext::MID),
            rid: camera.agreed(ext::RID) && camera.rids.len() > 1,
        };
        let speech = Arc::clone(&self.settings.speech);
        let publisher = Publisher::new(
            now,
            AudioSender::new(person, audio, speech, now),
            VideoSender::new(person, video, now),
            camera.agreed(ext::TRANSPORT_CC),
        );
        Ok(Media { publisher, subscriber: Subscriber::new(now, answer, self.local.ssrc) })
    }

    /// Switches sources on and off.
    pub fn publish(&mut self, sources: &[Source]) {
        if let Some(media) = &mut self.media {
            media.publisher.publish(sources);
        }
    }

    /// What the server wants to get of a source.
    pub fn wish(&mut self, source: Source, encodings: &[EncodingWish]) {
        if let Some(media) = &mut self.media {
            media.publisher.wish(source, encodings);
        }
    }

    /// What the server says that the slots show.
    pub fn slots(&mut self, now: Instant, views: &[SlotView], measures: &mut Measures) {
        if let Some(media) = &mut self.media {
            media.subscriber.slots(now, views, measures);
        }
    }

    /// There is another way to the server now: it is checked at once.
    pub fn path_changed(&mut self, now: Instant) {
        if let Some(ice) = &mut self.ice {
            ice.path_changed(now);
        }
    }

    /// A check was answered on the way that is used now.
    pub fn has_path(&self) -> bool {
        self.ice.as_ref().is_some_and(IceClient::connected)
    }

    /// Says goodbye; what is left to send is still to be polled.
    pub fn close(&mut self) {
        self.secure.close();
        self.closed = true;
    }

    /// When [`Self::handle_timeout`] wants to be called; `None`: nothing is due before a datagram comes.
    pub fn deadline(&self) -> Option<Instant> {
        if self.closed {
            return None;
        }
        let mut at = self.ice.as_ref().map(IceClient::deadline)?;
        for other in [self.secure.deadline(), self.data.deadline()].into_iter().flatten() {
            at = at.min(other);
        }
        if let Some(media) = self.media.as_ref().filter(|_| self.ready) {
            at = at.min(media.publisher.deadline()).min(media.subscriber.deadline());
        }
        Some(at)
    }

    /// Everything that is due.
    pub fn handle_timeout(&mut self, now: Instant, unix_ns: u64, measures: &mut Measures) {
        if self.closed {
            return;
        }
        let Some(ice) = &mut self.ice else { return };
        ice.handle_timeout(now);
        let rtt = ice.rtt().unwrap_or(DEFAULT_RTT);
        if self.secure.deadline().is_some_and(|at| at <= now) {
            self.secure.handle_timeout(now);
        }
        if self.data.deadline().is_some_and(|at| at <= now) {
            self.data.handle_timeout(now);
            self.flush_data(now);
        }
        self.become_ready(now);
        if let Some(media) = self.media.as_mut().filter(|_| self.ready) {
            media.publisher.handle_timeout(now, unix_ns);
            media.subscriber.handle_timeout(now, unix_ns / 1000, rtt, measures);
            for (ssrc, rtp_time, packet_count, octet_count) in media.publisher.poll_reports(now) {
                let fraction = ((unix_ns % 1_000_000_000) << 32) / 1_000_000_000;
                let ntp_time = ((unix_ns / 1_000_000_000 + NTP_EPOCH) << 32) | fraction;
                let report = SenderReport {
                    ssrc,
                    ntp_time,
                    rtp_time,
                    packet_count,
                    octet_count,
                    ..SenderReport::default()
                };
                if let Ok(bytes) = report.marshal() {
                    self.outgoing.push_back(Outgoing::Rtcp(bytes.into()));
                }
            }
        }
    }

    /// Takes a datagram. `kernel_ns` is when it came to this machine, `arrived_us` when it came through the caller's own
    /// network; both since 1970.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        kernel_ns: u64,
        arrived_us: u64,
        datagram: &[u8],
        measures: &mut Measures,
    ) {
        match datagram {
            [0..=3, ..] => {
                let Some(ice) = &mut self.ice else { return };
                ice.handle_datagram(now, datagram);
                if ice.connected() {
                    if !std::mem::replace(&mut self.ice_told, true) {
                        self.events.push_back(LegEvent::IceConnected(now));
                    }
                    self.secure.start(now);
                }
            }
            [20..=63, ..] => {
                self.secure.handle_datagram(now, datagram);
                while let Some(packet) = self.secure.poll_data() {
                    self.data.handle_packet(now, packet);
                }
                self.flush_data(now);
                self.become_ready(now);
                if self.secure.closed() && !std::mem::replace(&mut self.closed, true) {
                    self.events.push_back(LegEvent::Closed(now));
                }
            }
            [128..=191, 192..=223, ..] => match self.secure.open_rtcp(datagram) {
                Some(compound) => self.handle_rtcp(now, compound.freeze()),
                None => measures.count(|it| it.undecryptable += 1),
            },
            [128..=191, ..] => match self.secure.open_rtp(datagram) {
                Some(packet) => self.handle_rtp(now, kernel_ns, arrived_us, &packet, measures),
                None => measures.count(|it| it.undecryptable += 1),
            },
            _ => {}
        }
    }

    /// The next thing to send.
    pub fn poll(&mut self) -> Option<Outgoing> {
        let raw =
            self.ice.as_mut().and_then(IceClient::poll_datagram).or_else(|| self.secure.poll_datagram());
        if let Some(raw) = raw {
            return Some(Outgoing::Raw(raw));
        }
        if let Some(media) = self.media.as_mut().filter(|_| self.ready) {
            if let Some(packet) = media.publisher.poll_packet() {
                return Some(Outgoing::Rtp(packet));
            }
            if let Some(packet) = media.subscriber.poll_rtcp() {
                return Some(Outgoing::Rtcp(packet));
            }
        }
        self.outgoing.pop_front()
    }

    /// The bytes for the socket, with the time of now in them; `None` where there are no keys.
    pub fn seal(&mut self, outgoing: Outgoing, unix_ns: u64) -> Option<Vec<u8>> {
        match outgoing {
            Outgoing::Raw(bytes) => Some(bytes),
            Outgoing::Rtp(mut packet) => {
                trailer::stamp(&mut packet, unix_ns);
                self.secure.seal_rtp(&packet)
            }
            Outgoing::Rtcp(packet) => self.secure.seal_rtcp(&packet),
        }
    }

    /// What happened, in order.
    pub fn poll_event(&mut self) -> Option<LegEvent> {
        self.events.pop_front()
    }

    /// When the leg was made.
    pub fn started(&self) -> Instant {
        self.started
    }

    fn handle_rtp(
        &mut self,
        now: Instant,
        kernel_ns: u64,
        arrived_us: u64,
        packet: &[u8],
        measures: &mut Measures,
    ) {
        let Some(packet) = Packet::read(packet) else { return };
        let Some(media) = &mut self.media else { return };
        if !std::mem::replace(&mut self.packet_told, true) {
            self.events.push_back(LegEvent::FirstPacket(now));
        }
        let added_us = |sent_ns: u64| kernel_ns.saturating_sub(sent_ns) / 1000;
        let first = media.subscriber.handle_rtp(now, arrived_us, &packet, added_us, measures);
        self.events.extend(first.map(LegEvent::FirstFrame));
    }

    fn become_ready(&mut self, now: Instant) {
        if !self.ready && self.secure.connected() {
            self.ready = true;
            self.events.push_back(LegEvent::Connected(now));
            self.data.start(now);
            self.flush_data(now);
        }
    }

    fn flush_data(&mut self, now: Instant) {
        for packet in self.data.poll_packets(now) {
            self.secure.send_data(&packet);
        }
    }

    fn handle_rtcp(&mut self, now: Instant, mut compound: Bytes) {
        let rtt = self.ice.as_ref().and_then(IceClient::rtt).unwrap_or(DEFAULT_RTT);
        let Some(Media { publisher, subscriber }) = &mut self.media else { return };
        let Ok(packets) = rtcp::packet::unmarshal(&mut compound) else { return };
        for packet in packets {
            let any = packet.as_any();
            if let Some(report) = any.downcast_ref::<SenderReport>() {
                subscriber.handle_sender_report(now, report);
            } else if let Some(nack) = any.downcast_ref::<TransportLayerNack>() {
                let numbers = nack.nacks.iter().flat_map(|pair| pair.packet_list());
                publisher.on_nack(nack.media_ssrc, numbers);
            } else if let Some(pli) = any.downcast_ref::<PictureLossIndication>() {
                publisher.video.on_keyframe_request(now, pli.media_ssrc);
            } else if let Some(fir) = any.downcast_ref::<FullIntraRequest>() {
                let wanted = fir.fir.iter().map(|entry| entry.ssrc);
                wanted.for_each(|ssrc| publisher.video.on_keyframe_request(now, ssrc));
            } else if let Some(report) = any.downcast_ref::<TransportLayerCc>() {
                let (base, arrivals) = read_transport_cc(report);
                publisher.on_transport_cc(now, rtt, base, &arrivals);
            } else if let Some(remb) = any.downcast_ref::<ReceiverEstimatedMaximumBitrate>() {
                publisher.on_remb(remb.bitrate as u64);
            }
        }
    }
}
