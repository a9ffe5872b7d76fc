//! SCTP over DTLS (RFC 8261) with the one data channel we use, "events": low-latency messages between the two sides
//! of a call (pointer, ink, typing).
//!
//! The client opens it as a negotiated channel with stream id 0; a channel opened in band (RFC 8832) with the label
//! `events` works as well.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use datachannel::message::Message as Dcep;
use datachannel::message::message_channel_ack::DataChannelAck;
use rtc_shared::TransportProtocol;
use rtc_shared::marshal::{Marshal, Unmarshal};
use sctp::{
    Association, AssociationHandle, DatagramEvent, Endpoint, EndpointConfig, EndpointEvent, Event, Payload,
    PayloadProtocolIdentifier, ServerConfig, StreamEvent, TransportConfig,
};

/// Longest message taken or sent, in bytes; also in the answer's `a=max-message-size`.
pub const MESSAGE_MAX: usize = 16 * 1024;

/// More than this waiting to be sent to a peer and new messages are dropped: events are worthless when late.
const BUFFERED_MAX: usize = 256 * 1024;

/// Label of the channel.
pub const LABEL: &str = "events";

/// Stream of the negotiated channel.
const NEGOTIATED_STREAM: u16 = 0;

/// One message of the channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataMessage {
    /// UTF-8 text or bytes.
    pub text: bool,
    /// The message.
    pub payload: Bytes,
}

/// Associations that are being set up at a time. The library makes one of every INIT, repeated ones too, and over a path with a
/// long round trip the peer answers to the first of them.
const PENDING_MAX: usize = 4;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// As it was.
    SettingUp,
    Established,
    Lost,
    /// And the endpoint has forgotten it; a second time would be once too often.
    Forgotten,
}

/// The association of one transport; it waits for the peer's INIT.
pub struct DataTransport {
    endpoint: Endpoint,
    /// The one that is established.
    association: Option<(AssociationHandle, Association)>,
    /// Those that may be, the oldest first.
    pending: VecDeque<(AssociationHandle, Association)>,
    remote: SocketAddr,
    stream: u16,
    /// The SCTP library gave up on what this peer sent: nothing of it is read any more.
    broken: bool,
}

impl std::fmt::Debug for DataTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataTransport")
            .field("connected", &self.association.is_some())
            .finish_non_exhaustive()
    }
}

impl Default for DataTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl DataTransport {
    /// Nothing is sent before the peer's INIT.
    pub fn new() -> Self {
        // SCTP needs addresses for its own bookkeeping only: DTLS carries the packets.
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let transport = TransportConfig::default()
            .with_max_message_size(MESSAGE_MAX as u32)
            .with_max_receive_buffer_size(128 * 1024)
            .with_max_num_inbound_streams(16)
            .with_max_num_outbound_streams(16);
        let endpoint = Endpoint::new(
            nowhere,
            TransportProtocol::UDP,
            Arc::new(EndpointConfig::default()),
            Some(Arc::new(ServerConfig::new(transport))),
        );
        Self {
            endpoint,
            association: None,
            pending: VecDeque::new(),
            remote: nowhere,
            stream: NEGOTIATED_STREAM,
            broken: false,
        }
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        let all = self.association.iter().chain(&self.pending);
        all.filter_map(|(_, association)| association.poll_timeout()).min()
    }

    /// Takes one SCTP packet and returns the messages it completed.
    pub fn handle_packet(&mut self, now: Instant, packet: Vec<u8>) -> Vec<DataMessage> {
        self.guarded(|this| this.take_packet(now, packet)).unwrap_or_default()
    }

    /// Runs the SCTP library. It panics on some malformed chunks (rtc-sctp 0.21: an ABORT whose error cause is cut
    /// short, for one), and a process carries many calls: such a peer loses its channel, nobody else notices.
    fn guarded<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.broken {
            return None;
        }
        match catch_unwind(AssertUnwindSafe(|| work(self))) {
            Ok(done) => Some(done),
            Err(_) => {
                tracing::warn!("the SCTP library panicked on what a peer sent; its events channel is closed");
                // What the panic left behind is thrown away, never looked at.
                *self = Self { broken: true, ..Self::new() };
                None
            }
        }
    }

    fn take_packet(&mut self, now: Instant, packet: Vec<u8>) -> Vec<DataMessage> {
        match self.endpoint.handle(now, self.remote, None, Bytes::from(packet)) {
            Some((handle, DatagramEvent::NewAssociation(association))) => {
                self.pending.push_back((handle, association));
                if self.pending.len() > PENDING_MAX
                    && let Some((oldest, _)) = self.pending.pop_front()
                {
                    self.endpoint.handle_event(oldest, EndpointEvent::drained());
                }
            }
            Some((handle, DatagramEvent::AssociationEvent(event))) => {
                let mut all = self.association.iter_mut().chain(&mut self.pending);
                if let Some((_, association)) = all.find(|(ours, _)| *ours == handle) {
                    association.handle_event(event);
                }
            }
            _ => {}
        }
        self.read(now)
    }

    /// Retransmissions and delayed acknowledgements.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<DataMessage> {
        let due = |this: &mut Self| {
            for (_, association) in this.association.iter_mut().chain(&mut this.pending) {
                association.handle_timeout(now);
            }
            this.read(now)
        };
        self.guarded(due).unwrap_or_default()
    }

    /// Queues a message; false when the channel is not open or too much is waiting.
    pub fn send(&mut self, now: Instant, message: &DataMessage) -> bool {
        let Some((_, association)) = &mut self.association else { return false };
        if message.payload.len() > MESSAGE_MAX {
            return false;
        }
        let ppi = match (message.text, message.payload.is_empty()) {
            (true, false) => PayloadProtocolIdentifier::String,
            (true, true) => PayloadProtocolIdentifier::StringEmpty,
            (false, false) => PayloadProtocolIdentifier::Binary,
            (false, true) => PayloadProtocolIdentifier::BinaryEmpty,
        };
        if association.stream(self.stream).is_err() {
            let _ = association.open_stream(self.stream, PayloadProtocolIdentifier::Binary);
        }
        let Ok(mut stream) = association.stream(self.stream) else { return false };
        if stream.buffered_amount().unwrap_or(0) > BUFFERED_MAX {
            return false;
        }
        // SCTP cannot carry zero bytes: an empty message is one zero byte under its own identifier (RFC 8831 §6.6).
        let payload =
            if message.payload.is_empty() { Bytes::from_static(&[0]) } else { message.payload.clone() };
        stream.write_chunk_with_ppi(now, &payload, ppi).is_ok()
    }

    /// The next SCTP packets to send over DTLS.
    pub fn poll_packets(&mut self, now: Instant) -> Vec<Bytes> {
        let gather = |this: &mut Self| {
            let mut packets = Vec::new();
            for (_, association) in this.association.iter_mut().chain(&mut this.pending) {
                while let Some(transmit) = association.poll_transmit(now) {
                    if let Payload::RawEncode(raw) = transmit.message {
                        packets.extend(raw);
                    }
                }
            }
            packets
        };
        self.guarded(gather).unwrap_or_default()
    }

    fn read(&mut self, now: Instant) -> Vec<DataMessage> {
        for _ in 0..self.pending.len() {
            let Some((handle, mut association)) = self.pending.pop_front() else { break };
            match self.poll(handle, &mut association) {
                State::SettingUp => self.pending.push_back((handle, association)),
                State::Lost => self.endpoint.handle_event(handle, EndpointEvent::drained()),
                State::Forgotten => {}
                // A peer has one association: this replaces all others.
                State::Established => {
                    let others = self.association.replace((handle, association)).into_iter();
                    for (other, _) in others.chain(self.pending.drain(..)) {
                        self.endpoint.handle_event(other, EndpointEvent::drained());
                    }
                }
            }
        }
        let Some((handle, mut association)) = self.association.take() else { return Vec::new() };
        let state = self.poll(handle, &mut association);
        let mut messages = Vec::new();
        for id in association.stream_ids() {
            Self::read_stream(&mut association, now, id, &mut self.stream, &mut messages);
        }
        match state {
            State::Lost => self.endpoint.handle_event(handle, EndpointEvent::drained()),
            State::Forgotten => {}
            State::SettingUp | State::Established => self.association = Some((handle, association)),
        }
        messages
    }

    /// What has become of an association.
    fn poll(&mut self, handle: AssociationHandle, association: &mut Association) -> State {
        let mut state = State::SettingUp;
        while let Some(event) = association.poll() {
            match event {
                Event::Connected if state != State::Lost => state = State::Established,
                Event::AssociationLost { .. } | Event::HandshakeFailed { .. } => state = State::Lost,
                Event::Stream(StreamEvent::Opened { .. }) => while association.accept_stream().is_some() {},
                _ => {}
            }
        }
        while let Some(event) = association.poll_endpoint_event() {
            if state != State::Forgotten {
                self.endpoint.handle_event(handle, event);
                state = State::Forgotten;
            }
        }
        state
    }

    fn read_stream(
        association: &mut Association,
        now: Instant,
        id: u16,
        events_stream: &mut u16,
        messages: &mut Vec<DataMessage>,
    ) {
        let Ok(mut stream) = association.stream(id) else { return };
        while let Ok(Some(chunks)) = stream.read_sctp() {
            let ppi = chunks.ppi;
            let Ok(payload) = chunks.to_payload(MESSAGE_MAX) else { continue };
            let payload = payload.freeze();
            let (text, payload) = match ppi {
                PayloadProtocolIdentifier::String => (true, payload),
                PayloadProtocolIdentifier::StringEmpty => (true, Bytes::new()),
                PayloadProtocolIdentifier::Binary => (false, payload),
                PayloadProtocolIdentifier::BinaryEmpty => (false, Bytes::new()),
                PayloadProtocolIdentifier::Dcep => {
                    if let Ok(Dcep::DataChannelOpen(open)) = Dcep::unmarshal(&mut payload.clone()) {
                        if open.label == LABEL.as_bytes() {
                            *events_stream = id;
                        }
                        if let Ok(ack) = Dcep::DataChannelAck(DataChannelAck {}).marshal() {
                            let ppi = PayloadProtocolIdentifier::Dcep;
                            let _ = stream.write_chunk_with_ppi(now, &ack.freeze(), ppi);
                        }
                    }
                    continue;
                }
                _ => continue,
            };
            if id == *events_stream {
                messages.push(DataMessage { text, payload });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use sctp::ClientConfig;

    use super::*;

    /// CRC-32C (RFC 9260 §A), bit by bit.
    fn crc32c(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(
                crc ^ u32::from(*byte),
                |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 },
            )
        })
    }

    fn with_checksum(mut packet: Vec<u8>) -> Vec<u8> {
        if packet.len() >= 12 {
            packet[8..12].fill(0);
            let sum = crc32c(&packet);
            packet[8..12].copy_from_slice(&sum.to_le_bytes());
        }
        packet
    }

    /// A server end with an established association, and everything its client said so far.
    fn established() -> (DataTransport, Vec<Vec<u8>>) {
        let now = Instant::now();
        let nowhere = SocketAddr::from(([192, 0, 2, 1], 5000));
        let mut endpoint =
            Endpoint::new(nowhere, TransportProtocol::UDP, Arc::new(EndpointConfig::default()), None);
        let (_, mut client) = endpoint.connect(now, ClientConfig::default(), nowhere).expect("association");
        let mut server = DataTransport::new();
        let mut said = Vec::new();
        for round in 0..10 {
            if round == 5 {
                let mut stream = client.open_stream(0, PayloadProtocolIdentifier::String).expect("stream");
                stream
                    .write_chunk_with_ppi(now, &Bytes::from_static(b"hi"), PayloadProtocolIdentifier::String)
                    .expect("write");
            }
            while let Some(transmit) = client.poll_transmit(now) {
                let Payload::RawEncode(raw) = transmit.message else { continue };
                for packet in raw {
                    said.push(packet.to_vec());
                    server.handle_packet(now, packet.to_vec());
                }
            }
            for packet in server.poll_packets(now) {
                if let Some((_, DatagramEvent::AssociationEvent(event))) =
                    endpoint.handle(now, nowhere, None, packet)
                {
                    client.handle_event(event);
                }
            }
            while client.poll().is_some() {}
        }
        assert!(server.association.is_some());
        (server, said)
    }

    #[test]
    fn a_message_comes_out_as_it_went_in() {
        let (mut server, _) = established();
        assert!(
            server.send(Instant::now(), &DataMessage { text: true, payload: Bytes::from_static(b"back") })
        );
        let too_long = Bytes::from(vec![0; MESSAGE_MAX + 1]);
        assert!(!server.send(Instant::now(), &DataMessage { text: false, payload: too_long }));
    }

    #[test]
    fn a_peer_that_repeats_itself_before_it_hears_us_is_answered_all_the_same() {
        let now = Instant::now();
        let nowhere = SocketAddr::from(([192, 0, 2, 1], 5000));
        let config = Arc::new(EndpointConfig::default());
        let mut endpoint = Endpoint::new(nowhere, TransportProtocol::UDP, config, None);
        let (_, mut client) = endpoint.connect(now, ClientConfig::default(), nowhere).expect("association");
        let mut server = DataTransport::new();
        let Some(Payload::RawEncode(init)) = client.poll_transmit(now).map(|it| it.message) else {
            panic!("an INIT")
        };
        // The answers take longer than its patience.
        for _ in 0..3 {
            init.iter().for_each(|packet| drop(server.handle_packet(now, packet.to_vec())));
        }
        for _ in 0..5 {
            for packet in server.poll_packets(now) {
                if let Some((_, DatagramEvent::AssociationEvent(event))) =
                    endpoint.handle(now, nowhere, None, packet)
                {
                    client.handle_event(event);
                }
            }
            while let Some(transmit) = client.poll_transmit(now) {
                let Payload::RawEncode(raw) = transmit.message else { continue };
                raw.iter().for_each(|packet| drop(server.handle_packet(now, packet.to_vec())));
            }
        }
        assert!(server.association.is_some() && server.pending.is_empty());
        assert!(server.send(now, &DataMessage { text: true, payload: Bytes::from_static(b"here") }));
        // However often: no more is kept than a few.
        for _ in 0..100 {
            init.iter().for_each(|packet| drop(server.handle_packet(now, packet.to_vec())));
        }
        assert!(server.association.is_some() && server.pending.len() <= PENDING_MAX && !server.broken);
        // Those that nobody answers are given up.
        let mut later = now;
        while let Some(at) = server.deadline().filter(|_| !server.pending.is_empty()) {
            later = later.max(at);
            server.handle_timeout(later);
            let _ = server.poll_packets(later);
        }
        assert!(!server.broken);
    }

    #[test]
    fn a_panic_of_the_library_costs_its_sender_the_channel_and_nothing_else() {
        let (mut server, said) = established();
        assert_eq!(server.guarded(|_| -> u8 { panic!("as the library would") }), None);
        assert_eq!(server.deadline(), None);
        assert!(
            !server.send(Instant::now(), &DataMessage { text: true, payload: Bytes::from_static(b"hello?") })
        );
        for packet in said {
            server.handle_packet(Instant::now(), packet);
        }
        assert!(server.broken && server.poll_packets(Instant::now()).is_empty(), "for good");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// The peer is authenticated, but a buyer may be anybody: checksums are right, the rest is anything.
        #[test]
        fn hostile_packets_never_get_a_panic_out(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 1..24),
            noise in proptest::collection::vec((any::<u8>(), any::<u8>(), any::<u16>(), proptest::collection::vec(any::<u8>(), 0..64)), 0..8),
        ) {
            let (mut server, said) = established();
            let mut now = Instant::now();
            for (which, place, value, keep) in changes {
                let mut packet = which.get(&said).clone();
                let at = place.index(packet.len());
                match keep {
                    0 => packet.truncate(at),
                    1 => packet.insert(at, value),
                    _ => packet[at] = value,
                }
                now += Duration::from_millis(100);
                server.handle_packet(now, with_checksum(packet));
                server.handle_timeout(now);
                let _ = server.poll_packets(now);
            }
            let tag = said.last().map(|packet| packet[..8].to_vec()).unwrap_or_default();
            for (kind, flags, length, value) in noise {
                let mut packet = tag.clone();
                packet.extend_from_slice(&[0, 0, 0, 0, kind, flags]);
                let truthful = length % 3 == 0;
                packet.extend_from_slice(&if truthful { value.len() as u16 + 4 } else { length }.to_be_bytes());
                packet.extend_from_slice(&value);
                server.handle_packet(now, with_checksum(packet));
                let _ = server.poll_packets(now);
            }
        }
    }
}
