//! SCTP over DTLS (RFC 8261) with the one data channel we use, "events": low-latency messages between the two sides
//! of a call (pointer, ink, typing).
//!
//! The client opens it as a negotiated channel with stream id 0; a channel opened in band (RFC 8832) with the label
//! `events` works as well.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use datachannel::message::Message as Dcep;
use datachannel::message::message_channel_ack::DataChannelAck;
use rtc_shared::TransportProtocol;
use rtc_shared::marshal::{Marshal, Unmarshal};
use sctp::{
    Association, AssociationHandle, DatagramEvent, Endpoint, EndpointConfig, Event, Payload,
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

/// The association of one transport; it waits for the peer's INIT.
pub struct DataTransport {
    endpoint: Endpoint,
    association: Option<(AssociationHandle, Association)>,
    remote: SocketAddr,
    stream: u16,
    connected: bool,
}

impl std::fmt::Debug for DataTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataTransport").field("connected", &self.connected).finish_non_exhaustive()
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
        Self { endpoint, association: None, remote: nowhere, stream: NEGOTIATED_STREAM, connected: false }
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        self.association.as_ref().and_then(|(_, association)| association.poll_timeout())
    }

    /// Takes one SCTP packet and returns the messages it completed.
    pub fn handle_packet(&mut self, now: Instant, packet: Vec<u8>) -> Vec<DataMessage> {
        match self.endpoint.handle(now, self.remote, None, Bytes::from(packet)) {
            Some((handle, DatagramEvent::NewAssociation(association))) => {
                // A peer has one association; a second INIT under another tag replaces the first.
                self.connected = false;
                self.association = Some((handle, association));
            }
            Some((handle, DatagramEvent::AssociationEvent(event))) => {
                if let Some((ours, association)) = &mut self.association
                    && *ours == handle
                {
                    association.handle_event(event);
                }
            }
            _ => {}
        }
        self.read(now)
    }

    /// Retransmissions and delayed acknowledgements.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<DataMessage> {
        if let Some((_, association)) = &mut self.association {
            association.handle_timeout(now);
        }
        self.read(now)
    }

    /// Queues a message; false when the channel is not open or too much is waiting.
    pub fn send(&mut self, now: Instant, message: &DataMessage) -> bool {
        let Some((_, association)) = &mut self.association else { return false };
        if !self.connected || message.payload.len() > MESSAGE_MAX {
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
        let mut packets = Vec::new();
        if let Some((_, association)) = &mut self.association {
            while let Some(transmit) = association.poll_transmit(now) {
                if let Payload::RawEncode(raw) = transmit.message {
                    packets.extend(raw);
                }
            }
        }
        packets
    }

    fn read(&mut self, now: Instant) -> Vec<DataMessage> {
        let Some((handle, association)) = &mut self.association else { return Vec::new() };
        let mut lost = false;
        while let Some(event) = association.poll() {
            match event {
                Event::Connected => self.connected = true,
                Event::AssociationLost { .. } | Event::HandshakeFailed { .. } => lost = true,
                Event::Stream(StreamEvent::Opened { .. }) => while association.accept_stream().is_some() {},
                _ => {}
            }
        }
        while let Some(event) = association.poll_endpoint_event() {
            self.endpoint.handle_event(*handle, event);
        }
        let mut messages = Vec::new();
        if self.connected {
            for id in association.stream_ids() {
                Self::read_stream(association, now, id, &mut self.stream, &mut messages);
            }
        }
        if lost {
            self.association = None;
            self.connected = false;
        }
        messages
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
