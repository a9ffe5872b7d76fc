//! One participant's transport: ICE-lite, DTLS, SRTP and SCTP stacked on one five-tuple.
//!
//! Datagrams go in, plain RTP, RTCP and messages come out. Packets are opened and sealed where they are: in the buffer they
//! were received in, in the [`outbox`] they are sent from. Until ICE has validated an address, nothing but STUN is
//! read from it: that closes the race in which a stranger's ClientHello arrives first (CVE-2023-49786).

pub mod data;
pub mod dtls;
pub mod framing;
pub mod ice;
pub mod outbox;
pub mod srtp;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use rtc_crypto::RTCCryptoProvider;

use self::data::{DataMessage, DataTransport};
use self::dtls::{DtlsError, DtlsOutput, DtlsServer, Identity};
use self::ice::{Accepted, Check, IceLite, StunDrop};
use self::outbox::Outbox;
use self::srtp::{OpenError, SealError, SrtpPair, SrtpProfile};
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
    /// Boxed: it is large, and there are none before the handshake.
    srtp: Option<Box<SrtpPair>>,
    data: DataTransport,
    connected: bool,
    announced: bool,
    crypto: Arc<dyn RTCCryptoProvider>,
    /// DTLS records that wait for [`Self::flush`].
    records: VecDeque<Vec<u8>>,
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
            records: VecDeque::new(),
            outputs: VecDeque::new(),
        }
    }

    /// Takes the transport as connected over this path with these keys, without ICE and DTLS.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn connect_at_once(&mut self, now: Instant, path: Path, srtp: SrtpPair) {
        self.ice.take_for_valid(now, path);
        self.srtp = Some(Box::new(srtp));
        self.connected = true;
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
        self.srtp.as_ref().map(|srtp| srtp.profile())
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

    /// Opens an SRTP packet from a validated address, in place; the plain packet is that many bytes.
    pub fn open_rtp(&mut self, packet: &mut [u8]) -> Result<usize, OpenError> {
        self.srtp.as_mut().ok_or(OpenError::NoKeys)?.open_rtp(packet)
    }

    /// Opens an SRTCP packet from a validated address, in place; the plain packet is that many bytes.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, OpenError> {
        self.srtp.as_mut().ok_or(OpenError::NoKeys)?.open_rtcp(packet)
    }

    /// Whether there are keys to seal with and an address to send to.
    pub fn can_send(&self) -> bool {
        self.srtp.is_some() && self.ice.selected().is_some()
    }

    /// Seals the RTP packet that was begun in the outbox and commits it; it is abandoned and false returned if that
    /// cannot be ([`Self::can_send`], [`srtp::SealError`]).
    pub fn send_rtp(&mut self, outbox: &mut Outbox) -> bool {
        self.send(outbox, SrtpPair::seal_rtp)
    }

    /// Seals the compound RTCP packet that was begun in the outbox and commits it, or abandons it and returns false.
    pub fn send_rtcp(&mut self, outbox: &mut Outbox) -> bool {
        self.send(outbox, SrtpPair::seal_rtcp)
    }

    fn send(
        &mut self,
        outbox: &mut Outbox,
        seal: impl FnOnce(&mut SrtpPair, &mut Vec<u8>, usize) -> Result<(), SealError>,
    ) -> bool {
        let start = outbox.start();
        let (Some(srtp), Some(destination)) = (&mut self.srtp, self.ice.selected()) else {
            outbox.abandon();
            return false;
        };
        match seal(srtp, outbox.buffer(), start) {
            Ok(()) => {
                outbox.commit(destination);
                true
            }
            Err(error) => {
                tracing::debug!(%error, "packet not sealed");
                outbox.abandon();
                false
            }
        }
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
                self.records.push_back(record);
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
        if !self.ice.expire(now) {
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

    /// Moves DTLS records that wait into the outbox. Before the first check there is nowhere to send and nothing to say.
    pub fn flush(&mut self, outbox: &mut Outbox) {
        while let Some(record) = self.records.pop_front() {
            if let Some(destination) = self.ice.selected() {
                outbox.push(destination, &record);
            }
        }
    }

    /// There is nothing to [`flush`](Self::flush) and nothing to tell.
    pub fn is_drained(&self) -> bool {
        self.records.is_empty() && self.outputs.is_empty()
    }

    /// It is over, which the layer above has not heard yet.
    pub fn has_ended(&self) -> bool {
        self.outputs.iter().any(|output| matches!(output, TransportOutput::Ended(_)))
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
                DtlsOutput::Record(record) => self.records.push_back(record),
                // Keys are exported once: a second pair under the same keys would repeat nonces.
                DtlsOutput::Keys(profile, material) if self.srtp.is_none() => {
                    self.srtp = SrtpPair::server(profile, &material).map(Box::new);
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
                            self.records.push_back(record);
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
