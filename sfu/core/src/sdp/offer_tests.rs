use proptest::prelude::*;

use super::*;

const CHROMIUM: &str = include_str!("testdata/chromium-offer.sdp");
const CHROMIUM_SIMULCAST: &str = include_str!("testdata/chromium-simulcast-offer.sdp");
const FIREFOX: &str = include_str!("testdata/firefox-like-offer.sdp");
const SAFARI: &str = include_str!("testdata/safari-like-offer.sdp");

fn mid(text: &str) -> Mid {
    Mid::new(text).unwrap()
}

#[track_caller]
fn parse(text: &str) -> Offer {
    Offer::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn refused(text: &str) -> OfferError {
    Offer::parse(text).expect_err("the offer should be refused")
}

#[test]
fn chromiums_offer_with_all_slots_is_understood() {
    let offer = parse(CHROMIUM);
    assert_eq!(offer.ice.ufrag, "zYlI");
    assert_eq!(offer.ice.pwd, "CZcApam+5NKYLjzfqWXLlQz+");
    assert!(offer.fingerprint.to_string().starts_with("C0:DD:71:84"));
    assert_eq!(offer.setup, Setup::ActPass);
    assert!(offer.extmap_allow_mixed);
    assert_eq!(offer.media.len(), 11);

    let audio = LineKind::Media(Kind::Audio);
    let video = LineKind::Media(Kind::Video);
    let send: Vec<_> = offer.media[..3].iter().map(|line| (line.kind, line.direction)).collect();
    assert_eq!(
        send,
        [(audio, Direction::SendOnly), (video, Direction::SendOnly), (video, Direction::SendOnly)]
    );
    assert!(offer.media[3..6].iter().all(|it| it.kind == audio && it.direction == Direction::RecvOnly));
    assert!(offer.media[6..10].iter().all(|it| it.kind == video && it.direction == Direction::RecvOnly));
    assert_eq!(
        offer.media[10].kind,
        LineKind::Data(DataOffer { sctp_port: 5000, max_message_size: 262_144 })
    );

    let camera = offer.line(mid("1")).unwrap();
    assert_eq!(camera.streams, [OfferedStream { media: Ssrc(3891787459), rtx: Some(Ssrc(3037186521)) }]);
    let vp8 = camera.payloads.iter().find(|it| it.codec == Some(Codec::Vp8)).unwrap();
    assert_eq!(vp8.pt, Pt(96));
    assert_eq!(vp8.feedback, ["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"]);
    let rtx = camera.payloads.iter().find(|it| it.apt() == Some(Pt(96))).unwrap();
    assert_eq!(rtx.pt, Pt(97));
    // VP9 profile 2 and H.264 main or packetization-mode 0 are there but none of ours.
    let recognised: Vec<_> =
        camera.payloads.iter().filter(|it| it.codec.is_some()).map(|it| it.pt.0).collect();
    assert_eq!(recognised, [96, 102, 108, 45, 98]);
}

#[test]
fn simulcast_layers_are_kept() {
    let offer = parse(CHROMIUM_SIMULCAST);
    let rids: Vec<_> = offer.media[1].send_rids.iter().map(|rid| rid.to_string()).collect();
    assert_eq!(rids, ["q", "h", "f"]);
    assert_eq!(offer.media[1].simulcast.as_deref(), Some("send q;h;f"));
    assert!(offer.media[1].streams.is_empty(), "layers are told by RID, not SSRC");
}

#[test]
fn firefox_puts_the_transport_at_session_level_and_bundles_lines_with_port_0() {
    let offer = parse(FIREFOX);
    assert_eq!(offer.ice.ufrag, "8f4a2c1b");
    assert_eq!(offer.media.len(), 5);
    assert_eq!(offer.media[2].kind, LineKind::Media(Kind::Audio), "port 0 with bundle-only is live");
    let opus = offer.media[0].payloads.iter().find(|it| it.codec == Some(Codec::Opus)).unwrap();
    assert_eq!(opus.pt, Pt(109));
    let csrc_level_is_foreign = offer.media[0].extensions.iter().all(|it| it.id != 2);
    assert!(csrc_level_is_foreign);
}

#[test]
fn safaris_offer_finds_constrained_baseline_beside_high() {
    let offer = parse(SAFARI);
    let h264: Vec<_> =
        offer.media[1].payloads.iter().filter(|it| it.codec == Some(Codec::H264)).map(|it| it.pt.0).collect();
    assert_eq!(h264, [98]);
}

#[test]
fn every_missing_piece_is_named() {
    let without = |needle: &str| {
        CHROMIUM
            .lines()
            .filter(|line| !line.starts_with(needle))
            .map(|line| format!("{line}\r\n"))
            .collect::<String>()
    };
    assert_eq!(refused(&without("a=ice-ufrag")), OfferError::NoIceCredentials);
    assert_eq!(refused(&without("a=ice-pwd")), OfferError::NoIceCredentials);
    assert_eq!(refused(&without("a=fingerprint")), OfferError::NoFingerprint);
    assert_eq!(refused(&without("a=setup")), OfferError::NoSetup);
    assert_eq!(refused(&without("a=mid")), OfferError::NoMid(0));
    assert_eq!(refused(&without("a=group")), OfferError::NotBundled(mid("0")));
    assert_eq!(refused(&without("a=rtcp-mux")), OfferError::NoRtcpMux(mid("0")));
    assert_eq!(refused(&CHROMIUM.replace("setup:actpass", "setup:passive")), OfferError::PassiveClient);
    assert_eq!(refused(&CHROMIUM.replace("sha-256", "sha-1")), OfferError::NoFingerprint);
    assert_eq!(refused(&CHROMIUM.replace("a=mid:4", "a=mid:3")), OfferError::DuplicateMid(mid("3")));
    assert_eq!(
        refused(&CHROMIUM.replace("BUNDLE 0 1 2 3 4 5 6 7 8 9 10", "BUNDLE 0 1 2 3 4 5 6 7 8 9")),
        OfferError::NotBundled(mid("10"))
    );
    assert_eq!(refused(&CHROMIUM.replace("a=extmap-allow-mixed", "a=ice-lite")), OfferError::IceLite);
    assert!(matches!(refused("hello"), OfferError::Syntax(_)));
    assert_eq!(refused("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"), OfferError::NoMedia);
}

#[test]
fn a_payload_type_with_two_meanings_is_refused() {
    // PT 96 is VP8 on every line; on the last video line it becomes VP9.
    let (head, tail) = CHROMIUM.rsplit_once("a=rtpmap:96 VP8/90000").unwrap();
    let text = format!("{head}a=rtpmap:96 VP9/90000{tail}");
    assert_eq!(refused(&text), OfferError::AmbiguousPayloadType(Pt(96)));
}

#[test]
fn offers_beyond_the_bounds_are_refused_before_they_cost_anything() {
    let long = format!("{CHROMIUM}{}", "a=x:y\r\n".repeat(MAX_OFFER_BYTES / 7));
    assert_eq!(refused(&long), OfferError::TooLong(long.len()));
    let line = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n";
    assert_eq!(refused(&format!("{CHROMIUM}{}", line.repeat(22))), OfferError::TooManyLines(33));
}

#[test]
fn a_line_the_client_switched_off_is_unused() {
    let (head, tail) = CHROMIUM.rsplit_once("m=video 9 ").unwrap();
    let offer = parse(&format!("{head}m=video 0 {tail}"));
    assert_eq!(offer.media[9].kind, LineKind::Unused);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_cut_offer_never_panics(which in 0..4usize, cut in 0.0..1.0f64) {
        let text = [CHROMIUM, CHROMIUM_SIMULCAST, FIREFOX, SAFARI][which];
        // The fixtures are ASCII: every index is a character boundary.
        let _ = Offer::parse(&text[..(text.len() as f64 * cut) as usize]);
    }

    #[test]
    fn a_damaged_offer_never_panics(
        which in 0..4usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), "[ -~\r\n]{0,6}", 0..12usize), 1..20),
    ) {
        let mut text = [CHROMIUM, CHROMIUM_SIMULCAST, FIREFOX, SAFARI][which].to_owned();
        for (place, new, removed) in damage {
            let start = place.index(text.len());
            let end = (start + removed).min(text.len());
            text.replace_range(start..end, &new);
        }
        if let Ok(offer) = Offer::parse(&text) {
            prop_assert!(offer.media.len() <= MAX_LINES);
        }
    }

    #[test]
    fn shuffled_lines_never_panic(seed in any::<u64>(), which in 1..4usize) {
        let text = [CHROMIUM, CHROMIUM_SIMULCAST, FIREFOX, SAFARI][which];
        let mut lines: Vec<_> = text.lines().collect();
        let mut state = seed | 1;
        for place in (1..lines.len()).rev() {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            lines.swap(place, (state >> 33) as usize % (place + 1));
        }
        let _ = Offer::parse(&lines.join("\r\n"));
    }
}
