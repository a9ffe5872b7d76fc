//! `loadtest floor`: what forwarding costs on this machine when nothing is done but what must be done.
//!
//! As many threads as the server has workers read datagrams with the system calls it uses (`recvmmsg`, GRO), open each with
//! AES-256-GCM, copy and seal it once a viewer, and send it (`sendmsg`). No rooms, no bookkeeping, no pacing, no feedback. Sources
//! send what rooms send: video packets of 1,100 bytes and sound of 140, at the rates of calls. What counts is the threads' CPU a
//! packet they send; the fewer people a thread has, the fewer packets a system call carries. Like the server's workers they either
//! wait for their socket or take what has gathered in a rhythm: both are measured, and the cheaper one is the floor.

use std::collections::HashMap;
use std::io::IoSliceMut;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::{ClockId, clock_gettime};

use crate::report::FloorReport;

/// Bytes of RTP header with extensions: authenticated, not encrypted.
const HEADER: usize = 28;
/// Payloads of a camera's packets and a microphone's.
const VIDEO: usize = 1_100;
const AUDIO: usize = 140;
/// Packets a second of a camera at 1.7 Mbit/s and of a microphone.
const VIDEO_RATE: f64 = 190.0;
const AUDIO_RATE: f64 = 50.0;
/// A thread that does not wait takes what has gathered this often, as the server's workers do under load.
const RHYTHM: Duration = Duration::from_micros(200);
/// Senders sleep this long between two looks at what is due.
const TICK: Duration = Duration::from_millis(1);

/// How to measure it.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct Options {
    /// Viewers of each stream
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub fan_out: u16,
    /// Threads, each with a socket and people of its own
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub workers: u16,
    /// People who send to each thread, a camera and a microphone each
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..=2000))]
    pub people: u16,
    /// How long each of the two ways of waiting is measured
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub seconds: u32,
}

/// What a thread does between two reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    ForPackets,
    InRhythm,
}

/// Measures it: blocks for twice as long.
pub fn measure(options: &Options) -> Result<FloorReport> {
    let waiting = measure_one(options, Wait::ForPackets)?;
    let resting = measure_one(options, Wait::InRhythm)?;
    let cheaper = resting.ns_per_forwarded_packet < waiting.ns_per_forwarded_packet;
    Ok(if cheaper { resting } else { waiting })
}

fn measure_one(options: &Options, wait: Wait) -> Result<FloorReport> {
    let (people, fan_out) = (usize::from(options.people), usize::from(options.fan_out));
    let stop = Arc::new(AtomicBool::new(false));
    let (mut sources, mut viewers, mut threads) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..options.workers {
        let inlet = socket()?;
        let server = inlet.local_addr()?;
        let mut routes = HashMap::new();
        for _ in 0..people {
            let source = socket()?;
            let audience = (0..fan_out).map(|_| socket()).collect::<Result<Vec<_>>>()?;
            let to = audience.iter().map(UdpSocket::local_addr).collect::<std::io::Result<Vec<_>>>()?;
            routes.insert(source.local_addr()?, to);
            sources.push((source, server));
            viewers.extend(audience);
        }
        let (stopped, key) = (Arc::clone(&stop), key()?);
        let thread = std::thread::Builder::new().name(format!("floor-{number}"));
        threads.push(thread.spawn(move || forward(&inlet, &routes, &key, &stopped, wait))?);
    }
    let audience = {
        let stopped = Arc::clone(&stop);
        std::thread::spawn(move || drain(&viewers, &stopped))
    };
    let sent = send(&sources, options.seconds)?;
    // What is under way still arrives.
    std::thread::sleep(Duration::from_millis(50));
    stop.store(true, Ordering::Relaxed);
    for (source, to) in &sources {
        // For a thread that waits.
        source.send_to(&[0], *to)?;
    }
    let (mut packets, mut cpu) = (0, Duration::ZERO);
    for thread in threads {
        let forwarded = thread.join().ok().context("a thread of the floor failed")??;
        (packets, cpu) = (packets + forwarded.packets, cpu + forwarded.cpu);
    }
    let _ = audience.join();
    anyhow::ensure!(packets > 0, "nothing was forwarded");
    Ok(FloorReport {
        ns_per_forwarded_packet: cpu.as_nanos() as f64 / packets as f64,
        workers: options.workers.into(),
        fan_out,
        packets_per_second: sent as f64 / f64::from(options.seconds),
    })
}

struct Forwarded {
    packets: u64,
    cpu: Duration,
}

fn socket() -> Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(1 << 20);
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn key() -> Result<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, &[7; 32]).ok().context("AES-256-GCM")?;
    Ok(LessSafeKey::new(key))
}

/// Always the same: these keys protect nothing.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([9; 12])
}

fn sealed(key: &LessSafeKey, payload: usize) -> Result<Vec<u8>> {
    let mut packet = vec![0x80; HEADER + payload];
    let (header, body) = packet.split_at_mut(HEADER);
    let tag = key.seal_in_place_separate_tag(nonce(), Aad::from(&*header), body).ok().context("sealing")?;
    packet.extend_from_slice(tag.as_ref());
    Ok(packet)
}

/// Sends like people in calls; gives how many packets.
fn send(sources: &[(UdpSocket, SocketAddr)], seconds: u32) -> Result<u64> {
    let key = key()?;
    let (video, audio) = (sealed(&key, VIDEO)?, sealed(&key, AUDIO)?);
    let begun = Instant::now();
    let (mut sent, mut due) = (0, vec![(0u64, 0u64); sources.len()]);
    loop {
        let elapsed = begun.elapsed();
        if elapsed >= Duration::from_secs(seconds.into()) {
            return Ok(sent);
        }
        for (place, ((source, to), (videos, audios))) in sources.iter().zip(&mut due).enumerate() {
            // Everybody has a phase of their own.
            let at = elapsed.as_secs_f64() + place as f64 / sources.len() as f64 * 0.033;
            for (packet, rate, done) in [(&video, VIDEO_RATE, videos), (&audio, AUDIO_RATE, audios)] {
                while (*done as f64) < at * rate {
                    *done += 1;
                    sent += u64::from(source.send_to(packet, *to).is_ok());
                }
            }
        }
        std::thread::sleep(TICK);
    }
}

/// Viewers take what comes.
fn drain(viewers: &[UdpSocket], stop: &AtomicBool) {
    let mut buffer = [0; 2048];
    while !stop.load(Ordering::Relaxed) {
        for viewer in viewers {
            while viewer.recv(&mut buffer).is_ok() {}
        }
        std::thread::sleep(5 * TICK);
    }
}

fn forward(
    socket: &UdpSocket,
    routes: &HashMap<SocketAddr, Vec<SocketAddr>>,
    key: &LessSafeKey,
    stop: &AtomicBool,
    wait: Wait,
) -> Result<Forwarded> {
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1_000));
    let state = UdpSocketState::new(socket.into())?;
    let mut buffers = vec![vec![0; 64 << 10]; BATCH_SIZE];
    let mut metas = [RecvMeta::default(); BATCH_SIZE];
    let mut copy = [0; 2048];
    let mut packets = 0;
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        if wait == Wait::ForPackets {
            poll(&mut [PollFd::new(socket, PollFlags::IN)], None)?;
        }
        let mut slices = buffers.iter_mut().map(|buffer| IoSliceMut::new(buffer));
        let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
            std::array::from_fn(|_| slices.next().unwrap_or_else(|| IoSliceMut::new(&mut [])));
        let count = state.recv(socket.into(), &mut slices, &mut metas).unwrap_or(0);
        for (buffer, meta) in slices.iter_mut().zip(&metas).take(count) {
            let Some(to) = routes.get(&meta.addr) else { continue };
            for datagram in buffer[..meta.len].chunks_mut(meta.stride.max(1)) {
                if datagram.len() < HEADER + 16 {
                    continue;
                }
                let (header, body) = datagram.split_at_mut(HEADER);
                if key.open_in_place(nonce(), Aad::from(&*header), body).is_err() {
                    continue;
                }
                let plain = datagram.len() - 16;
                for destination in to {
                    copy[..plain].copy_from_slice(&datagram[..plain]);
                    let (header, body) = copy[..plain].split_at_mut(HEADER);
                    let tag = key.seal_in_place_separate_tag(nonce(), Aad::from(&*header), body);
                    let tag = tag.ok().context("sealing")?;
                    copy[plain..plain + 16].copy_from_slice(tag.as_ref());
                    let transmit = Transmit {
                        destination: *destination,
                        ecn: None,
                        contents: &copy[..plain + 16],
                        segment_size: None,
                        src_ip: None,
                    };
                    packets += u64::from(state.try_send(socket.into(), &transmit).is_ok());
                }
            }
        }
        let rest = RHYTHM.checked_sub(begun.elapsed());
        if let Some(rest) = rest.filter(|_| wait == Wait::InRhythm) {
            std::thread::sleep(rest);
        }
    }
    let cpu = clock_gettime(ClockId::ThreadCPUTime);
    Ok(Forwarded { packets, cpu: Duration::new(cpu.tv_sec as u64, cpu.tv_nsec as u32) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_packet_is_forwarded_to_every_viewer() {
        let floor = measure(&Options { fan_out: 2, workers: 2, people: 2, seconds: 1 }).expect("measured");
        assert!(floor.ns_per_forwarded_packet > 0.0 && (floor.fan_out, floor.workers) == (2, 2));
        assert!(floor.packets_per_second > 400.0, "from both");
    }
}
