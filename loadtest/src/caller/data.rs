//! The events channel of a client: SCTP over DTLS with one negotiated stream (RFC 8831, id 0). Callers open it as every page
//! does, because it costs the server memory; nothing is said on it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use rtc_shared::TransportProtocol;
use sctp::{
    Association, ClientConfig, DatagramEvent, Endpoint, EndpointConfig, Event, Payload,
    PayloadProtocolIdentifier,
};

const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 5000);

/// See the module.
pub struct DataClient {
    endpoint: Endpoint,
    association: Option<Association>,
}

impl Default for DataClient {
    fn default() -> Self {
        let config = Arc::new(EndpointConfig::default());
        Self { endpoint: Endpoint::new(NOWHERE, TransportProtocol::UDP, config, None), association: None }
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

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        self.association.as_ref().and_then(Association::poll_timeout)
    }

    /// Retransmissions and heartbeats.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Some(association) = &mut self.association {
            association.handle_timeout(now);
            self.settle();
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
        self.settle();
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

    fn settle(&mut self) {
        let Some(association) = &mut self.association else { return };
        while let Some(event) = association.poll() {
            if matches!(event, Event::Connected) {
                let _ = association.open_stream(0, PayloadProtocolIdentifier::String);
            }
        }
        while association.poll_endpoint_event().is_some() {}
        while association.accept_stream().is_some() {}
        if let Ok(mut stream) = association.stream(0) {
            while let Ok(Some(_)) = stream.read_sctp() {}
        }
    }
}
