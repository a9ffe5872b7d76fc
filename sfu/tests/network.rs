//! The media server on real sockets: workers that have to work together, and clients whose network lets no UDP through.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use sfu::{Config, Event, Kind, Limits, Sfu, Source};
use sfu_core::rtp::packet::RtpPacket;
use sfu_core::testing::{Caller, CallerIdentity, Media, Received, VIDEO};
use sfu_core::transport::framing::{self, Deframer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long anything may take on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);

fn start(workers: usize) -> (Sfu, mpsc::Receiver<Event>) {
    Sfu::start(Config {
        bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
        udp_port: 0,
        workers,
        tcp_port: Some(0),
        fill_permille: 0,
        announced: Vec::new(),
        limits: Limits::default(),
    })
    .expect("started")
}

fn identity() -> CallerIdentity {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("key");
    let params = rcgen::CertificateParams::new(vec!["test".into()]).expect("params");
    let certificate = params.self_signed(&key).expect("certificate");
    CallerIdentity::new(certificate.der().to_vec(), key.serialize_der())
}

/// How a client reaches the server.
enum Wire {
    Udp(UdpSocket),
    Tcp(TcpStream, Deframer),
}

struct Client {
    caller: Caller,
    wire: Wire,
    /// Last byte of every video packet that arrived.
    pictures: Vec<u8>,
    frame: u16,
}

impl Client {
    /// Joins and connects, by TCP or UDP.
    async fn connect(sfu: &Sfu, number: u32, tcp: bool) -> Self {
        let (now, slots) = (Instant::now(), [Kind::Audio, Kind::Video]);
        let mut caller = Caller::new(now, number, &identity(), &slots);
        let joined = sfu.join(caller.id(), caller.request()).await.expect("joined");
        let to = candidate(&joined.answer, tcp);
        let wire = if tcp {
            Wire::Tcp(TcpStream::connect(to).await.expect("connected"), Deframer::default())
        } else {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bound");
            socket.connect(to).await.expect("connected");
            Wire::Udp(socket)
        };
        caller.joined(now, &joined);
        let mut client = Self { caller, wire, pictures: Vec::new(), frame: 0 };
        timeout(PATIENCE, async {
            while !client.caller.is_connected() {
                client.exchange().await;
            }
        })
        .await
        .expect("connected");
        client
    }

    async fn send(&mut self, datagram: &[u8]) {
        match &mut self.wire {
            Wire::Udp(socket) => drop(socket.send(datagram).await),
            Wire::Tcp(stream, _) => {
                let framed = [&framing::header(datagram).expect("short")[..], datagram].concat();
                stream.write_all(&framed).await.expect("written");
            }
        }
    }

    /// Sends what waits, and takes what comes within a moment.
    async fn exchange(&mut self) {
        while let Some(datagram) = self.caller.poll_datagram() {
            self.send(&datagram).await;
        }
        let mut buffer = vec![0; 65_536];
        let mut datagrams = Vec::new();
        let moment = Duration::from_millis(10);
        match &mut self.wire {
            Wire::Udp(socket) => {
                if let Ok(Ok(length)) = timeout(moment, socket.recv(&mut buffer)).await {
                    datagrams.push(buffer[..length].to_vec());
                }
            }
            Wire::Tcp(stream, deframer) => {
                if let Ok(Ok(length)) = timeout(moment, stream.read(&mut buffer)).await {
                    deframer
                        .push(&buffer[..length], |packet| datagrams.push(packet.to_vec()))
                        .expect("framed");
                }
            }
        }
        for mut datagram in datagrams {
            if let Received::Rtp(length) = self.caller.handle(Instant::now(), &mut datagram) {
                let packet = RtpPacket::parse(&datagram[..length]).expect("RTP");
                if packet.payload_type() == VIDEO {
                    self.pictures.extend(packet.payload().last());
                }
            }
        }
    }

    /// Sends a keyframe of one packet that ends in `mark`.
    async fn film(&mut self, mark: u8) {
        self.frame += 1;
        let [high, low] = (self.frame | 0x8000).to_be_bytes();
        let payload = [0x90, 0x80, high, low, 0, 0, 0, mark];
        let timestamp = u32::from(self.frame) * 3000;
        let (media, mut packet) =
            (Media { kind: Kind::Video, marker: true, timestamp, payload: &payload }, Vec::new());
        assert!(self.caller.write(&media, &mut packet));
        self.send(&packet).await;
    }
}

/// The first candidate of a protocol in an answer.
fn candidate(answer: &str, tcp: bool) -> SocketAddr {
    let line = answer.lines().find(|line| line.starts_with("a=candidate:") && line.contains(" tcp ") == tcp);
    let words: Vec<_> = line.expect("a candidate").split(' ').collect();
    SocketAddr::new(words[4].parse().expect("an address"), words[5].parse().expect("a port"))
}

/// Films until the viewer sees the mark.
async fn sees(publisher: &mut Client, viewer: &mut Client, mark: u8) {
    timeout(PATIENCE, async {
        while viewer.pictures.last() != Some(&mark) {
            publisher.film(mark).await;
            publisher.exchange().await;
            viewer.exchange().await;
        }
    })
    .await
    .expect("seen");
}

async fn attach(sfu: &Sfu, from: &Client, to: &Client) {
    let slot = to.caller.slot(1);
    sfu.attach(from.caller.id(), Source::Camera, to.caller.id(), slot).await.expect("attached");
}

#[tokio::test]
async fn people_on_different_workers_see_each_other() {
    let (sfu, mut events) = start(3);
    tokio::spawn(async move { while events.recv().await.is_some() {} });
    let mut people = Vec::new();
    for number in 1..=3 {
        people.push(Client::connect(&sfu, number, false).await);
    }
    let mut ports: Vec<_> = sfu.candidates();
    ports.dedup();
    assert_eq!(ports.len(), 3, "each worker has a port of its own");
    let [first, second, third] = &mut people[..] else { panic!("three people") };
    attach(&sfu, first, second).await;
    attach(&sfu, first, third).await;
    sees(first, second, 7).await;
    sees(first, third, 8).await;
    attach(&sfu, second, first).await;
    sees(second, first, 9).await;

    // Whoever leaves is gone from everybody's slots, whichever worker they are on.
    sfu.leave(first.caller.id()).await;
    attach(&sfu, second, third).await;
    sees(second, third, 10).await;
    let gone = sfu.attach(first.caller.id(), Source::Camera, third.caller.id(), third.caller.slot(1)).await;
    assert!(gone.is_err());
    sfu.shutdown().await;
}

#[tokio::test]
async fn who_has_no_udp_calls_over_tcp_on_whichever_worker() {
    let (sfu, mut events) = start(2);
    tokio::spawn(async move { while events.recv().await.is_some() {} });
    let mut over_udp = Client::connect(&sfu, 1, false).await;
    let mut over_tcp = Client::connect(&sfu, 2, true).await;
    let mut also_tcp = Client::connect(&sfu, 3, true).await;
    let path = sfu.stats(over_tcp.caller.id()).await.expect("here").remote.expect("connected");
    assert!(path.is_tcp(), "{path}");
    attach(&sfu, &over_udp, &over_tcp).await;
    attach(&sfu, &over_tcp, &over_udp).await;
    attach(&sfu, &over_tcp, &also_tcp).await;
    sees(&mut over_udp, &mut over_tcp, 1).await;
    sees(&mut over_tcp, &mut over_udp, 2).await;
    sees(&mut over_tcp, &mut also_tcp, 3).await;
    sfu.shutdown().await;
}

#[tokio::test]
async fn strangers_are_shown_the_door() {
    let (sfu, _events) = start(1);
    let door = sfu.tcp_candidates()[0];
    let member = Caller::new(Instant::now(), 1, &identity(), &[Kind::Audio]);
    let joined = sfu.join(member.id(), member.request()).await.expect("joined");
    assert_eq!(candidate(&joined.answer, true), door);
    let no_check = [&[0, 20][..], &[0x80; 20]].concat();
    let strangers = [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0x16, 3, 1, 2, 0, 1, 0, 1], &no_check];
    for said in strangers {
        let mut stream = TcpStream::connect(door).await.expect("connected");
        stream.write_all(said).await.expect("written");
        let answer = timeout(PATIENCE, stream.read(&mut [0; 16])).await.expect("closed");
        assert!(matches!(answer, Ok(0) | Err(_)), "{answer:?}");
    }

    // One address has only so many connections; the next one is for others.
    let mut crowd = Vec::new();
    let refused = timeout(PATIENCE, async {
        loop {
            let mut stream = TcpStream::connect(door).await.expect("connected");
            let closed = timeout(Duration::from_millis(if crowd.len() < 256 { 0 } else { 500 }), async {
                stream.read(&mut [0; 16]).await
            });
            if closed.await.is_ok() {
                return crowd.len();
            }
            crowd.push(stream);
        }
    });
    assert!((256..300).contains(&refused.await.expect("refused")));
}
