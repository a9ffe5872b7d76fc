//! One participant's transport: ICE-lite, DTLS, SRTP and SCTP stacked on one five-tuple.
//!
//! Datagrams go in, plain RTP, RTCP and messages come out. Until ICE has validated an address, nothing but STUN is
//! read from it: that closes the race in which a stranger's ClientHello arrives first (CVE-2023-49786).

pub mod data;
pub mod dtls;
pub mod framing;
pub mod ice;
pub mod srtp;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use rtc_crypto::RTCCryptoProvider;

use self::data::{DataMessage, DataTransport};
use self::dtls::{DtlsError, DtlsOutput, DtlsServer, Identity};
use self::ice::{Accepted, Check, IceLite, StunDrop};
use self::srtp::{SrtpPair, SrtpProfile};
use crate::path::Path;
use crate::sdp::{Fingerprint, IceCredentials};

/// Why a transport ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// The peer sent close_notify.
    Closed,
    /// No consent for 30 s, or no check ever came.
    Timeout,
    /// The certificate is not the signalled one.
    WrongFingerprint,
    /// The handshake or the record layer failed.
    DtlsFailed,
}

/// Something for the layer above.
#[derive(Debug)]
pub enum TransportOutput {
    /// DTLS is done, SRTP keys are in place.
    Connected,
    /// A message of the events channel.
    Data(DataMessage),
    /// It is over; drop the transport.
    Ended(Ended),
}

/// See the module.
pub struct Transport {
    ice: IceLite,
    dtls: DtlsServer,
    srtp: Option<SrtpPair>,
    data: DataTransport,
    connected: bool,
    announced: bool,
    crypto: Arc<dyn RTCCryptoProvider>,
    outgoing: VecDeque<Bytes>,
    outputs: VecDeque<TransportOutput>,
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport").field("ice", &self.ice).field("srtp", &self.srtp).finish_non_exhaustive()
    }
}

impl Transport {
    /// Waits for the peer with this ufrag and certificate.
    pub fn new(
        now: Instant,
        identity: &Identity,
        local: IceCredentials,
        remote_ufrag: String,
        remote_fingerprint: Fingerprint,
        crypto: Arc<dyn RTCCryptoProvider>,
    ) -> Self {
        Self {
            ice: IceLite::new(now, local, remote_ufrag),
            dtls: DtlsServer::new(now, identity, remote_fingerprint),
            srtp: None,
            data: DataTransport::new(),
            connected: false,
            announced: false,
            crypto,
            outgoing: VecDeque::new(),
            outputs: VecDeque::new(),
        }
    }

    /// The ICE agent.
    pub fn ice(&self) -> &IceLite {
        &self.ice
    }

    /// The fingerprint the peer must have; an offer with another one is another peer connection.
    pub fn fingerprint(&self) -> Fingerprint {
        self.dtls.expected()
    }

    /// The profile in use once keys are there.
    pub fn srtp_profile(&self) -> Option<SrtpProfile> {
        self.srtp.as_ref().map(SrtpPair::profile)
    }

    /// ICE restart with new credentials.
    pub fn restart(&mut self, now: Instant, local: IceCredentials, remote_ufrag: String) {
        self.ice.restart(now, local, remote_ufrag);
    }

    /// Authenticates a connectivity check.
    pub fn handle_check(&mut self, now: Instant, source: Path, check: Check) -> Result<Accepted, StunDrop> {
        self.ice.accept(now, source, check, self.crypto.crypto())
    }

    /// Another transport has validated this path since, or it is closed.
    pub fn forget(&mut self, path: Path) {
        self.ice.forget(path);
    }

    /// Takes a DTLS record from a validated address.
    pub fn handle_dtls(&mut self, now: Instant, datagram: &[u8]) {
        let result = self.dtls.handle_datagram(now, datagram);
        self.after_dtls(now, result);
    }

    /// Opens an SRTP packet from a validated address.
    pub fn open_rtp(&mut self, packet: &[u8]) -> Option<BytesMut> {
        self.srtp.as_mut()?.open_rtp(packet)
    }

    /// Opens an SRTCP packet from a validated address.
    pub fn open_rtcp(&mut self, packet: &[u8]) -> Option<BytesMut> {
        self.srtp.as_mut()?.open_rtcp(packet)
    }

    /// Seals and queues an RTP packet. False before the keys are there.
    pub fn send_rtp(&mut self, packet: &[u8]) -> bool {
        let Some(sealed) = self.srtp.as_mut().and_then(|srtp| srtp.seal_rtp(packet)) else { return false };
        self.outgoing.push_back(sealed.freeze());
        true
    }

    /// Seals and queues a compound RTCP packet. False before the keys are there.
    pub fn send_rtcp(&mut self, packet: &[u8]) -> bool {
        let Some(sealed) = self.srtp.as_mut().and_then(|srtp| srtp.seal_rtcp(packet)) else { return false };
        self.outgoing.push_back(sealed.freeze());
        true
    }

    /// Sends a message on the events channel; false when it is not open or too much is waiting.
    pub fn send_data(&mut self, now: Instant, message: &DataMessage) -> bool {
        let queued = self.data.send(now, message);
        self.flush_data(now);
        queued
    }

    /// Says goodbye to the peer.
    pub fn close(&mut self) {
        for output in self.dtls.close() {
            if let DtlsOutput::Record(record) = output {
                self.outgoing.push_back(record.into());
            }
        }
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Instant {
        let consent = self.ice.consent_deadline();
        [self.dtls.deadline().filter(|_| !self.connected), self.data.deadline()]
            .into_iter()
            .flatten()
            .fold(consent, Instant::min)
    }

    /// Handshake and SCTP retransmissions, consent.
    pub fn handle_timeout(&mut self, now: Instant) {
        if now >= self.ice.consent_deadline() {
            self.outputs.push_back(TransportOutput::Ended(Ended::Timeout));
            return;
        }
        if self.dtls.deadline().is_some_and(|at| at <= now) {
            let result = self.dtls.handle_timeout(now);
            self.after_dtls(now, result);
        }
        if self.data.deadline().is_some_and(|at| at <= now) {
            for message in self.data.handle_timeout(now) {
                self.outputs.push_back(TransportOutput::Data(message));
            }
            self.flush_data(now);
        }
    }

    /// The next datagram for [`IceLite::selected`].
    pub fn poll_datagram(&mut self) -> Option<Bytes> {
        self.outgoing.pop_front()
    }

    /// The next thing to tell the layer above.
    pub fn poll_output(&mut self) -> Option<TransportOutput> {
        self.outputs.pop_front()
    }

    fn after_dtls(&mut self, now: Instant, result: Result<Vec<DtlsOutput>, DtlsError>) {
        let outputs = match result {
            Ok(outputs) => outputs,
            Err(error) => {
                self.outputs.push_back(TransportOutput::Ended(match error {
                    DtlsError::WrongFingerprint => Ended::WrongFingerprint,
                    DtlsError::Failed => Ended::DtlsFailed,
                }));
                return;
            }
        };
        for output in outputs {
            match output {
                DtlsOutput::Record(record) => self.outgoing.push_back(record.into()),
                // Keys are exported once: a second pair under the same keys would repeat nonces.
                DtlsOutput::Keys(profile, material) if self.srtp.is_none() => {
                    self.srtp = SrtpPair::server(profile, &material, self.crypto.crypto());
                }
                DtlsOutput::Keys(..) => {}
                DtlsOutput::Connected => self.connected = true,
                DtlsOutput::Data(packet) => {
                    for message in self.data.handle_packet(now, packet) {
                        self.outputs.push_back(TransportOutput::Data(message));
                    }
                    self.flush_data(now);
                }
                DtlsOutput::Closed => self.outputs.push_back(TransportOutput::Ended(Ended::Closed)),
            }
            if self.connected && self.srtp.is_some() && !self.announced {
                self.announced = true;
                self.outputs.push_back(TransportOutput::Connected);
            }
        }
    }

    fn flush_data(&mut self, now: Instant) {
        for packet in self.data.poll_packets(now) {
            match self.dtls.send(&packet) {
                Ok(outputs) => {
                    for output in outputs {
                        if let DtlsOutput::Record(record) = output {
                            self.outgoing.push_back(record.into());
                        }
                    }
                }
                Err(_) => {
                    self.outputs.push_back(TransportOutput::Ended(Ended::DtlsFailed));
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
pub(crate) fn test_crypto() -> Arc<dyn RTCCryptoProvider> {
    rtc_crypto::default_provider().expect("ring is compiled in")
}
