//! Against another implementation (`rtc-srtp`): every profile, both directions, around the wrap of the sequence numbers.

use proptest::prelude::*;
use rtc_srtp::context::Context;
use rtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;

use super::{SrtpPair, SrtpProfile};

/// Our server, and the other implementation as its client: what it sends with and what it receives with.
fn ends(profile: SrtpProfile, seed: u8) -> (SrtpPair, Context, Context) {
    let material: Vec<u8> =
        (0..profile.material_length() as u8).map(|n| n.wrapping_mul(37).wrapping_add(seed)).collect();
    let (key, salt) = profile.lengths();
    let other = match profile {
        SrtpProfile::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        SrtpProfile::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
        SrtpProfile::Aes128CmSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
    };
    let crypto = crate::transport::test_crypto();
    let context = |key, salt| {
        let (rtp, rtcp) = (srtp_replay_protection(1024), srtcp_replay_protection(1024));
        Context::new(key, salt, other, Some(rtp), Some(rtcp), crypto.crypto()).expect("context")
    };
    let (client_key, rest) = material.split_at(key);
    let (server_key, rest) = rest.split_at(key);
    let (client_salt, server_salt) = rest.split_at(salt);
    let server = SrtpPair::server(profile, &material).expect("keys");
    (server, context(client_key, client_salt), context(server_key, server_salt))
}

/// A packet with a CSRC and a header extension, so that more than the fixed header is in the clear.
fn rtp(sequence: u16, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x91, 96];
    packet.extend_from_slice(&sequence.to_be_bytes());
    packet.extend_from_slice(&[0, 0, 0, 1]);
    packet.extend_from_slice(&ssrc.to_be_bytes());
    packet.extend_from_slice(&[0, 0, 0, 77, 0xbe, 0xde, 0, 1, 0x31, 0xab, 0xcd, 0]);
    packet.extend_from_slice(payload);
    packet
}

fn rtcp(ssrc: u32, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 201, 0, (1 + body.len() / 4) as u8];
    packet.extend_from_slice(&ssrc.to_be_bytes());
    packet.extend_from_slice(&body[..body.len() / 4 * 4]);
    packet
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Packets are exchanged two at a time in swapped order now and then, over the wrap, with gaps.
    #[test]
    fn both_read_what_the_other_writes(
        profile in prop::sample::select(&SrtpProfile::ALL[..]),
        seed in any::<u8>(),
        ssrc in any::<u32>(),
        start in 0x7000u16..0x8000,
        steps in prop::collection::vec((1u16..900, any::<bool>(), 0usize..200), 60..120),
    ) {
        let (mut ours, mut sends, mut receives) = ends(profile, seed);
        let mut sequence = start;
        let mut wraps = 0;
        let mut held: Option<(Vec<u8>, Vec<u8>, Vec<u8>)> = None;
        for (gap, late, length) in steps {
            let before = sequence;
            sequence = sequence.wrapping_add(gap);
            wraps += u32::from(sequence < before);
            let payload: Vec<u8> = (0..length).map(|n| n as u8 ^ seed).collect();
            let plain = rtp(sequence, ssrc, &payload);
            let theirs = sends.encrypt_rtp(&plain).expect("seals").to_vec();
            let mut mine = plain.clone();
            ours.seal_rtp(&mut mine, 0).expect("seals");
            let mut check = |(plain, theirs, mine): (Vec<u8>, Vec<u8>, Vec<u8>)| {
                let mut opened = theirs;
                let length = ours.open_rtp(&mut opened).expect("we open theirs");
                assert_eq!(opened[..length], plain);
                let opened = receives.decrypt_rtp(&mine).expect("they open ours");
                assert_eq!(opened[..], plain);
            };
            if late && held.is_none() {
                held = Some((plain, theirs, mine));
            } else {
                check((plain, theirs, mine));
                if let Some(held) = held.take() {
                    check(held);
                }
            }
        }
        prop_assert!(wraps <= 2);
    }

    #[test]
    fn both_read_the_others_reports(
        profile in prop::sample::select(&SrtpProfile::ALL[..]),
        seed in any::<u8>(),
        ssrcs in prop::collection::vec(any::<u32>(), 1..4),
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..120), 1..40),
    ) {
        let (mut ours, mut sends, mut receives) = ends(profile, seed);
        for (number, body) in bodies.iter().enumerate() {
            let plain = rtcp(ssrcs[number % ssrcs.len()], body);
            let mut theirs = sends.encrypt_rtcp(&plain).expect("seals").to_vec();
            let length = ours.open_rtcp(&mut theirs).expect("we open theirs");
            prop_assert_eq!(&theirs[..length], &plain[..]);
            let mut mine = plain.clone();
            ours.seal_rtcp(&mut mine, 0).expect("seals");
            let opened = receives.decrypt_rtcp(&mine).expect("they open ours");
            prop_assert_eq!(&opened[..], &plain[..]);
        }
    }
}
