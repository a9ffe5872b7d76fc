//! What reaches us before anybody is trusted, and the data channel after.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use sfu_core::ids::WorkerId;
use sfu_core::path::Path;
use sfu_core::sdp::Fingerprint;
use sfu_core::transport::data::{DataMessage, DataTransport};
use sfu_core::transport::dtls::{DtlsServer, Identity};
use sfu_core::transport::framing::{self, Deframer, FRAME_MAX};
use sfu_core::transport::ice::{Check, IceLite, generate_credentials};
use sfu_core::transport::srtp::{SrtpPair, SrtpProfile};

use crate::input::Input;

/// A server's certificate, made once.
pub(crate) static IDENTITY: LazyLock<Identity> = LazyLock::new(|| {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
    let parameters = rcgen::CertificateParams::new(vec!["fuzz".to_owned()]).expect("parameters");
    let certificate = parameters.self_signed(&key).expect("a certificate");
    Identity::new(certificate.der().to_vec(), key.serialize_der())
});

/// A datagram that looks like STUN, from anybody.
pub(crate) fn stun(data: &[u8]) {
    let Ok(check) = Check::parse(data) else { return };
    let now = Instant::now();
    let mut rng = <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(7);
    let credentials = generate_credentials(&mut rng, WorkerId(0));
    let mut agent = IceLite::new(now, credentials, "peer".to_owned());
    let crypto = rtc_crypto::default_provider().expect("a provider");
    let source = Path::from(std::net::SocketAddr::from(([192, 0, 2, 1], 1)));
    let accepted = agent.accept(now, source, check, crypto.crypto());
    assert!(accepted.is_err(), "nobody guesses the password");
}

/// Datagrams of a DTLS handshake, each behind its length.
pub(crate) fn dtls(data: &[u8]) {
    let now = Instant::now();
    let mut server = DtlsServer::new(now, &IDENTITY, Fingerprint([7; 32]));
    let mut input = Input::new(data);
    let mut step = 0;
    while !input.is_empty() && step < 32 {
        step += 1;
        let now = now + Duration::from_millis(step * 300);
        if server.handle_datagram(now, input.bytes()).is_err() || server.handle_timeout(now).is_err() {
            return;
        }
    }
}

/// SRTP and SRTCP that is no such thing, in every profile; nothing of it may pass.
pub(crate) fn srtp(data: &[u8]) {
    // Longer packets are not opened, true or not.
    let data = &data[..data.len().min(1900)];
    for profile in SrtpProfile::ALL {
        let material = vec![7; profile.material_length()];
        let mut pair = SrtpPair::server(profile, &material).expect("keys");
        let mut bytes = data.to_vec();
        assert!(pair.open_rtp(&mut bytes).is_err());
        bytes.copy_from_slice(data);
        assert!(pair.open_rtcp(&mut bytes).is_err());

        // A true packet opens to what it was, and with a byte changed not at all.
        let mut client = SrtpPair::client(profile, &material).expect("keys");
        let mut sealed = data.to_vec();
        if client.seal_rtp(&mut sealed, 0).is_ok() {
            let mut changed = sealed.clone();
            let place = usize::from(data[data.len() - 1]) % changed.len();
            changed[place] ^= 0x40;
            let mut whole = sealed.clone();
            let length = pair.open_rtp(&mut whole).expect("a true packet opens");
            assert_eq!(&whole[..length], data);
            assert!(pair.open_rtp(&mut sealed).is_err(), "once");
            assert!(pair.open_rtp(&mut changed).is_err());
        }
        let mut sealed = data.to_vec();
        if client.seal_rtcp(&mut sealed, 0).is_ok() {
            let length = pair.open_rtcp(&mut sealed).expect("a true packet opens");
            assert_eq!(&sealed[..length], data);
        }
    }
}

/// SCTP packets of a peer, each behind its length, with our own messages in between.
pub(crate) fn sctp(data: &[u8]) {
    let now = Instant::now();
    let mut transport = DataTransport::new();
    let mut input = Input::new(data);
    let mut step = 0;
    while !input.is_empty() && step < 32 {
        step += 1;
        let now = now + Duration::from_millis(step * 100);
        let mut packet = input.bytes().to_vec();
        sign(&mut packet);
        transport.handle_packet(now, packet);
        transport.send(now, &DataMessage { text: true, payload: "a message".into() });
        transport.poll_packets(now);
        transport.handle_timeout(now);
    }
}

/// Puts the right checksum in place (RFC 9260 §6.8): without it nothing behind the header would ever be read.
fn sign(packet: &mut [u8]) {
    let Some(place) = packet.get_mut(8..12) else { return };
    place.fill(0);
    let mut crc = u32::MAX;
    for byte in packet.iter() {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            // CRC-32C, reflected.
            crc = crc >> 1 ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
        }
    }
    packet[8..12].copy_from_slice(&(!crc).to_le_bytes());
}

/// A TCP connection's bytes, in pieces of any size: the frames are the same however it is cut.
pub(crate) fn tcp_frames(data: &[u8]) {
    let mut input = Input::new(data);
    let size = usize::from(input.byte()).max(1);
    let stream = input.rest();
    let mut whole = Vec::new();
    let all = Deframer::default().push(stream, |packet| whole.push(packet.to_vec()));
    let mut deframer = Deframer::default();
    let mut pieces = Vec::new();
    let piecewise =
        stream.chunks(size).try_for_each(|piece| deframer.push(piece, |packet| pieces.push(packet.to_vec())));
    assert_eq!(all, piecewise);
    assert_eq!(whole, pieces);
    assert!(whole.iter().all(|packet| packet.len() <= FRAME_MAX && framing::header(packet).is_some()));
}
