//! One WebRTC peer on the `webrtc` crate, shaped as a browser client: send lines, receive slots, an events channel.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use tokio::sync::{mpsc, watch};
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelInit};
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder,
    RTCIceGatheringState, RTCPeerConnectionState, RTCSessionDescription, Registry,
    configure_twcc_sender_only, register_default_interceptors,
};

/// A packet that arrived on a slot.
#[derive(Clone, Debug)]
pub struct Received {
    /// Audio or video.
    pub video: bool,
    /// RTP sequence number.
    pub sequence: u16,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Marker bit.
    pub marker: bool,
    /// Payload, without padding.
    pub payload: Bytes,
}

/// What a peer is made of.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Sends a microphone and a camera.
    pub sends: bool,
    /// Audio and video receive slots.
    pub slots: (usize, usize),
}

/// See the module. Dropping it closes the connection.
pub struct Peer {
    connection: Box<dyn PeerConnection>,
    audio: Option<Sender>,
    video: Option<Sender>,
    state: watch::Receiver<RTCPeerConnectionState>,
    received: mpsc::UnboundedReceiver<Received>,
    events: Arc<dyn DataChannel>,
}

struct Sender {
    track: Arc<TrackLocalStaticRTP>,
    payload_type: u8,
    sequence: AtomicU16,
    ssrc: u32,
    timestamp: AtomicU32,
}

struct Handler {
    state: watch::Sender<RTCPeerConnectionState>,
    gathered: watch::Sender<bool>,
    received: mpsc::UnboundedSender<Received>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.send_replace(true);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.state.send_replace(state);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let received = self.received.clone();
        tokio::spawn(async move {
            let video = track.kind().await == RtpCodecKind::Video;
            while let Some(event) = track.poll().await {
                if let TrackRemoteEvent::OnRtpPacket(packet) = event {
                    let packet = Received {
                        video,
                        sequence: packet.header.sequence_number,
                        timestamp: packet.header.timestamp,
                        marker: packet.header.marker,
                        payload: packet.payload,
                    };
                    if received.send(packet).is_err() {
                        return;
                    }
                }
            }
        });
    }
}

fn codec(mime_type: &str, clock_rate: u32, channels: u16) -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: mime_type.to_owned(),
        clock_rate,
        channels,
        sdp_fmtp_line: String::new(),
        rtcp_feedback: Vec::new(),
    }
}

impl Peer {
    /// Builds a peer and gathers its candidates on the loopback interface.
    pub async fn new(shape: Shape) -> Result<Self> {
        let mut media_engine = MediaEngine::default();
        media_engine.register_default_codecs()?;
        let registry = register_default_interceptors(Registry::new(), &mut media_engine)?;
        let registry = configure_twcc_sender_only(registry, &mut media_engine)?;
        let (state_tx, state) = watch::channel(RTCPeerConnectionState::New);
        let (gathered_tx, mut gathered) = watch::channel(false);
        let (received_tx, received) = mpsc::unbounded_channel();
        let handler = Handler { state: state_tx, gathered: gathered_tx, received: received_tx };
        let building = PeerConnectionBuilder::new()
            .with_configuration(RTCConfigurationBuilder::new().build())
            .with_media_engine(media_engine)
            .with_interceptor_registry(registry)
            .with_handler(Arc::new(handler))
            .with_udp_addrs(vec!["127.0.0.1:0"])
            .build();
        let connection: Box<dyn PeerConnection> = Box::new(Box::pin(building).await?);
        let (mut audio, mut video) = (None, None);
        if shape.sends {
            let opus = codec("audio/opus", 48_000, 2);
            let vp8 = codec("video/VP8", 90_000, 0);
            audio = Some(Self::add_sender(&*connection, RtpCodecKind::Audio, opus).await?);
            video = Some(Self::add_sender(&*connection, RtpCodecKind::Video, vp8).await?);
        }
        for (kind, count) in [(RtpCodecKind::Audio, shape.slots.0), (RtpCodecKind::Video, shape.slots.1)] {
            for _ in 0..count {
                let init = RTCRtpTransceiverInit {
                    direction: RTCRtpTransceiverDirection::Recvonly,
                    streams: Vec::new(),
                    send_encodings: Vec::new(),
                };
                connection.add_transceiver_from_kind(kind, Some(init)).await?;
            }
        }
        let init = RTCDataChannelInit { ordered: true, negotiated: Some(0), ..Default::default() };
        let events = connection.create_data_channel("events", Some(init)).await?;
        let offer = connection.create_offer(None).await?;
        connection.set_local_description(offer).await?;
        tokio::time::timeout(Duration::from_secs(10), gathered.wait_for(|done| *done))
            .await
            .context("no candidates gathered")??;
        Ok(Self { connection, audio, video, state, received, events })
    }

    async fn add_sender(
        connection: &dyn PeerConnection,
        kind: RtpCodecKind,
        codec: RTCRtpCodec,
    ) -> Result<Sender> {
        let ssrc = if kind == RtpCodecKind::Audio { 0x0a0d_1001 } else { 0x01de_0002 };
        let track = Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::new(
            "caller".to_owned(),
            format!("caller-{kind}"),
            format!("caller-{kind}"),
            kind,
            vec![RTCRtpEncodingParameters {
                rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() },
                codec,
                ..Default::default()
            }],
        )));
        let init = RTCRtpTransceiverInit {
            direction: RTCRtpTransceiverDirection::Sendonly,
            streams: Vec::new(),
            send_encodings: Vec::new(),
        };
        connection.add_transceiver_from_track(track.clone() as Arc<dyn TrackLocal>, Some(init)).await?;
        Ok(Sender {
            track,
            payload_type: 0,
            sequence: AtomicU16::new(1),
            ssrc,
            timestamp: AtomicU32::new(1000),
        })
    }

    /// The offer, candidates included.
    pub async fn offer(&self) -> Result<String> {
        Ok(self.connection.local_description().await.context("no local description")?.sdp)
    }

    /// MIDs of the send lines in an offer of this shape: microphone, then camera.
    pub fn send_mids(offer: &str) -> Vec<String> {
        mids(offer, "a=sendonly")
    }

    /// MIDs of the receive slots in an offer of this shape, in order.
    pub fn slot_mids(offer: &str) -> Vec<String> {
        mids(offer, "a=recvonly")
    }

    /// Takes the server's answer.
    pub async fn accept(&mut self, answer: &str) -> Result<()> {
        for (sender, name) in [(&mut self.audio, "opus/48000"), (&mut self.video, "VP8/90000")] {
            if let Some(sender) = sender {
                sender.payload_type =
                    payload_type(answer, name).with_context(|| format!("no {name} in the answer"))?;
            }
        }
        let answer = RTCSessionDescription::answer(answer.to_owned())?;
        self.connection.set_remote_description(answer).await?;
        Ok(())
    }

    /// Waits until the connection is up.
    pub async fn connected(&mut self, patience: Duration) -> Result<()> {
        let done = self.state.wait_for(|state| {
            matches!(state, RTCPeerConnectionState::Connected | RTCPeerConnectionState::Failed)
        });
        let state = *tokio::time::timeout(patience, done).await.context("not connected in time")??;
        if state != RTCPeerConnectionState::Connected {
            bail!("the connection failed");
        }
        Ok(())
    }

    /// Sends one Opus packet of 20 ms.
    pub async fn send_audio(&self, payload: Vec<u8>) -> Result<()> {
        let sender = self.audio.as_ref().context("this peer has no microphone")?;
        let timestamp = sender.timestamp.fetch_add(960, Ordering::Relaxed);
        sender.send(timestamp, false, payload.into()).await
    }

    /// Sends one VP8 frame, as many packets as it takes, at this RTP time.
    pub async fn send_frame(&self, timestamp: u32, frame: &Bytes) -> Result<()> {
        use rtp::packetizer::Payloader;
        let sender = self.video.as_ref().context("this peer has no camera")?;
        let mut payloader = rtp::codec::vp8::Vp8Payloader::default();
        let payloads = payloader.payload(1100, frame)?;
        let last = payloads.len().saturating_sub(1);
        for (index, payload) in payloads.into_iter().enumerate() {
            sender.send(timestamp, index == last, payload).await?;
        }
        Ok(())
    }

    /// The next packet that arrived on any slot.
    pub async fn receive(&mut self) -> Option<Received> {
        self.received.recv().await
    }

    /// Sends a line on the events channel, once it is open.
    pub async fn send_event(&self, text: &str) -> Result<()> {
        self.events.send_text(text).await.map_err(Into::into)
    }

    /// The next line on the events channel; `None` once it is closed.
    pub async fn receive_event(&self) -> Option<String> {
        loop {
            match self.events.poll().await? {
                DataChannelEvent::OnMessage(message) => {
                    return Some(String::from_utf8_lossy(&message.data).into_owned());
                }
                DataChannelEvent::OnClose => return None,
                _ => {}
            }
        }
    }

    /// Says goodbye.
    pub async fn close(&self) -> Result<()> {
        self.connection.close().await.map_err(Into::into)
    }
}

impl Sender {
    async fn send(&self, timestamp: u32, marker: bool, payload: Bytes) -> Result<()> {
        let header = rtp::Header {
            version: 2,
            marker,
            payload_type: self.payload_type,
            sequence_number: self.sequence.fetch_add(1, Ordering::Relaxed),
            timestamp,
            ssrc: self.ssrc,
            ..Default::default()
        };
        self.track.write_rtp(rtp::Packet { header, payload }).await.map_err(Into::into)
    }
}

fn mids(offer: &str, direction: &str) -> Vec<String> {
    let sections = offer.split("\r\nm=").skip(1);
    let of_direction = sections.filter(|section| section.lines().any(|line| line == direction));
    of_direction
        .filter_map(|section| section.lines().find_map(|line| line.strip_prefix("a=mid:")))
        .map(String::from)
        .collect()
}

fn payload_type(answer: &str, name: &str) -> Option<u8> {
    answer.lines().find_map(|line| {
        let (number, encoding) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
        encoding.starts_with(name).then(|| number.parse().ok()).flatten()
    })
}
