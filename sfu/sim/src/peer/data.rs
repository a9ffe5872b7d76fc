//! The events channel of a client: SCTP with one negotiated stream (RFC 8831, id 0).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use rtc_shared::TransportProtocol;
use sctp::{
    Association, ClientConfig, DatagramEvent, Endpoint, EndpointConfig, Event, Payload,
    PayloadProtocolIdentifier,
};

const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 5000);

/// See the module.
pub struct DataClient {
    endpoint: Endpoint,
    association: Option<Association>,
    connected: bool,
    /// Written before the channel was open.
    waiting: Vec<String>,
    received: Vec<String>,
}

impl Default for DataClient {
    fn default() -> Self {
        Self {
            endpoint: Endpoint::new(
                NOWHERE,
                TransportProtocol::UDP,
                Arc::new(EndpointConfig::default()),
                None,
            ),
            association: None,
            connected: false,
            waiting: Vec::new(),
            received: Vec::new(),
        }
    }
}

impl DataClient {
    /// Opens the association.
    pub fn start(&mut self, now: Instant) {
        if self.association.is_none() {
            let connected = self.endpoint.connect(now, ClientConfig::default(), NOWHERE);
            self.association = connected.ok().map(|(_, association)| association);
        }
    }

    /// Texts received since the last call.
    pub fn take_received(&mut self) -> Vec<String> {
        std::mem::take(&mut self.received)
    }

    /// Sends a text, as soon as the channel is open.
    pub fn send(&mut self, now: Instant, text: String) {
        self.waiting.push(text);
        self.flush(now);
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        self.association.as_ref().and_then(Association::poll_timeout)
    }

    /// Retransmissions.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadline().is_some_and(|at| at <= now)
            && let Some(association) = &mut self.association
        {
            association.handle_timeout(now);
            self.read(now);
        }
    }

    /// Takes an SCTP packet.
    pub fn handle_packet(&mut self, now: Instant, packet: Vec<u8>) {
        let event = self.endpoint.handle(now, NOWHERE, None, Bytes::from(packet));
        if let (Some((_, DatagramEvent::AssociationEvent(event))), Some(association)) =
            (event, &mut self.association)
        {
            association.handle_event(event);
        }
        self.read(now);
    }

    /// SCTP packets to send.
    pub fn poll_packets(&mut self, now: Instant) -> Vec<Bytes> {
        let mut packets = Vec::new();
        if let Some(association) = &mut self.association {
            while let Some(transmit) = association.poll_transmit(now) {
                if let Payload::RawEncode(raw) = transmit.message {
                    packets.extend(raw);
                }
            }
        }
        packets
    }

    fn read(&mut self, now: Instant) {
        let Some(association) = &mut self.association else { return };
        while let Some(event) = association.poll() {
            if matches!(event, Event::Connected) {
                self.connected = true;
                let _ = association.open_stream(0, PayloadProtocolIdentifier::String);
            }
        }
        while association.poll_endpoint_event().is_some() {}
        while association.accept_stream().is_some() {}
        if let Ok(mut stream) = association.stream(0) {
            while let Ok(Some(chunks)) = stream.read_sctp() {
                if let Ok(payload) = chunks.to_payload(64 * 1024) {
                    self.received.push(String::from_utf8_lossy(&payload).into_owned());
                }
            }
        }
        self.flush(now);
    }

    fn flush(&mut self, now: Instant) {
        let Some(association) = self.association.as_mut().filter(|_| self.connected) else { return };
        let Ok(mut stream) = association.stream(0) else { return };
        for text in self.waiting.drain(..) {
            let _ = stream.write_chunk_with_ppi(now, &Bytes::from(text), PayloadProtocolIdentifier::String);
        }
    }
}
