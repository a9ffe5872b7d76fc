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
use rtp::packetizer::Payloader;
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

/// The video codecs a peer can send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VideoCodec {
    /// VP8.
    Vp8,
    /// H.264, constrained baseline, packetization-mode 1.
    H264,
    /// VP9, profile 0.
    Vp9,
    /// AV1, profile 0.
    Av1,
}

impl VideoCodec {
    /// Encoding name, as in `a=rtpmap`.
    pub fn name(self) -> &'static str {
        match self {
            VideoCodec::Vp8 => "VP8",
            VideoCodec::H264 => "H264",
            VideoCodec::Vp9 => "VP9",
            VideoCodec::Av1 => "AV1",
        }
    }

    fn parameters(self) -> &'static str {
        match self {
            VideoCodec::Vp8 => "",
            VideoCodec::H264 => "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
            VideoCodec::Vp9 | VideoCodec::Av1 => "profile-id=0",
        }
    }

    fn payloader(self) -> Box<dyn Payloader> {
        match self {
            VideoCodec::Vp8 => Box::new(rtp::codec::vp8::Vp8Payloader::default()),
            VideoCodec::H264 => Box::new(rtp::codec::h264::H264Payloader::default()),
            VideoCodec::Vp9 => Box::new(rtp::codec::vp9::Vp9Payloader::default()),
            VideoCodec::Av1 => Box::new(rtp::codec::av1::Av1Payloader {}),
        }
    }
}

/// What a peer is made of.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Sends a microphone and a camera with this codec.
    pub sends: Option<VideoCodec>,
    /// Audio and video receive slots.
    pub slots: (usize, usize),
}

/// See the module. Dropping it closes the connection.
pub struct Peer {
    connection: Box<dyn PeerConnection>,
    audio: Option<Sender>,
    video: Option<Sender>,
    payloader: Option<Box<dyn Payloader>>,
    state: watch::Receiver<RTCPeerConnectionState>,
    received: mpsc::UnboundedReceiver<Received>,
    events: Arc<dyn DataChannel>,
}

struct Sender {
    track: Arc<TrackLocalStaticRTP>,
    /// Name and clock rate, as in `a=rtpmap`.
    encoding: String,
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

fn codec(mime_type: String, clock_rate: u32, channels: u16, parameters: &str) -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type,
        clock_rate,
        channels,
        sdp_fmtp_line: parameters.to_owned(),
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
        if let Some(sends) = shape.sends {
            let opus = codec("audio/opus".to_owned(), 48_000, 2, "");
            audio = Some(Self::add_sender(&*connection, RtpCodecKind::Audio, opus).await?);
            let picture = codec(format!("video/{}", sends.name()), 90_000, 0, sends.parameters());
            video = Some(Self::add_sender(&*connection, RtpCodecKind::Video, picture).await?);
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
        let payloader = shape.sends.map(VideoCodec::payloader);
        Ok(Self { connection, audio, video, payloader, state, received, events })
    }

    async fn add_sender(
        connection: &dyn PeerConnection,
        kind: RtpCodecKind,
        codec: RTCRtpCodec,
    ) -> Result<Sender> {
        let name = codec.mime_type.split('/').next_back().unwrap_or_default();
        let encoding = format!("{name}/{}", codec.clock_rate);
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
            encoding,
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
        for sender in [&mut self.audio, &mut self.video].into_iter().flatten() {
            let name = &sender.encoding;
            sender.payload_type =
                payload_type(answer, name).with_context(|| format!("no {name} in the answer"))?;
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

    /// Sends one frame, as many packets as it takes, at this RTP time. Returns the payloads that went out.
    pub async fn send_frame(&mut self, timestamp: u32, frame: &Bytes) -> Result<Vec<Bytes>> {
        let sender = self.video.as_ref().context("this peer has no camera")?;
        let payloads = self.payloader.as_mut().context("this peer has no camera")?.payload(1100, frame)?;
        let last = payloads.len().saturating_sub(1);
        for (index, payload) in payloads.iter().enumerate() {
            sender.send(timestamp, index == last, payload.clone()).await?;
        }
        Ok(payloads)
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
