use proptest::prelude::*;

use super::super::codecs::{DEFAULT_VIDEO_PREFERENCE, Feedback};
use super::super::offer::OfferError;
use super::*;
use crate::rtp::extensions::HeaderExtension;

const CHROMIUM: &str = include_str!("testdata/chromium-offer.sdp");
const SIMULCAST: &str = include_str!("testdata/chromium-simulcast-offer.sdp");
const FIREFOX: &str = include_str!("testdata/firefox-like-offer.sdp");
const SAFARI: &str = include_str!("testdata/safari-like-offer.sdp");

fn mid(text: &str) -> Mid {
    Mid::new(text).unwrap()
}

fn sources() -> Vec<(Mid, Source)> {
    vec![(mid("0"), Source::Microphone), (mid("1"), Source::Camera), (mid("2"), Source::Screen)]
}

fn try_answer(offer: &str, sources: &[(Mid, Source)], preference: &[Codec]) -> Result<Answer, AnswerError> {
    let offer = Offer::parse(offer).unwrap_or_else(|error| panic!("{error}"));
    let addr = |text: &str| text.parse().unwrap();
    let candidates = [
        Candidate::udp(addr("192.0.2.7:7800")),
        Candidate::udp(addr("[2001:db8::7]:7800")),
        Candidate::tcp(addr("192.0.2.7:7443")),
    ];
    let settings = AnswerSettings {
        ice: &IceCredentials::new("serverUfrag", "serverPasswordOf24Chars+").unwrap(),
        fingerprint: Fingerprint([0xab; 32]),
        candidates: &candidates,
        session_id: 4242,
        session_version: 1,
        cname: "vitrine",
        sources,
        video_preference: preference,
        max_message_size: 65_536,
    };
    let mut next = 1000;
    answer(&offer, &settings, |_| {
        next += 10;
        SlotSsrcs { media: Ssrc(next), rtx: Ssrc(next + 1) }
    })
}

#[track_caller]
fn answered(offer: &str) -> Answer {
    try_answer(offer, &sources(), &DEFAULT_VIDEO_PREFERENCE).unwrap_or_else(|error| panic!("{error}"))
}

/// The text of one line of an answer.
fn section(answer: &Answer, place: usize) -> String {
    answer.sdp.split("\r\nm=").nth(place + 1).unwrap().to_owned()
}

#[test]
fn chromiums_send_lines_are_received_and_its_receive_lines_are_slots() {
    let answer = answered(CHROMIUM);
    let roles: Vec<_> = answer.media.iter().map(|line| line.role).collect();
    let slot = |kind, ssrc| Role::Slot(kind, SlotSsrcs { media: Ssrc(ssrc), rtx: Ssrc(ssrc + 1) });
    assert_eq!(
        roles,
        [
            Role::Publish(Source::Microphone),
            Role::Publish(Source::Camera),
            Role::Publish(Source::Screen),
            slot(Kind::Audio, 1010),
            slot(Kind::Audio, 1020),
            slot(Kind::Audio, 1030),
            slot(Kind::Video, 1040),
            slot(Kind::Video, 1050),
            slot(Kind::Video, 1060),
            slot(Kind::Video, 1070),
            Role::Data { sctp_port: 5000, max_message_size: 262_144 },
        ]
    );
    let camera = &answer.media[1];
    let table: Vec<_> = camera.codecs.iter().map(|it| (it.codec, it.pt.0, it.rtx.map(|pt| pt.0))).collect();
    assert_eq!(
        table,
        [
            (Codec::Vp8, 96, Some(97)),
            (Codec::H264, 108, Some(109)),
            (Codec::Vp9, 98, Some(99)),
            (Codec::Av1, 45, Some(46)),
        ],
        "one payload type a codec, constrained baseline before baseline"
    );
    assert_eq!(camera.codec_of(Pt(109)).map(|(it, rtx)| (it.codec, rtx)), Some((Codec::H264, true)));
    assert_eq!(camera.codec_of(Pt(96)).map(|(it, rtx)| (it.codec, rtx)), Some((Codec::Vp8, false)));
    assert!(camera.codec_of(Pt(102)).is_none());
    assert_eq!(camera.streams.len(), 1);
    let all = Feedback { nack: true, pli: true, fir: true, transport_cc: true, remb: true };
    assert!(camera.codecs.iter().all(|it| it.feedback == all));
    let voice = Feedback { transport_cc: true, ..Feedback::default() };
    assert_eq!(answer.media[0].codecs[0].feedback, voice);
}

#[test]
fn slots_announce_their_streams_so_that_packets_bind_by_ssrc() {
    let answer = answered(CHROMIUM);
    let video = section(&answer, 6);
    for line in [
        "a=sendonly",
        "a=msid:slot-0 slot-0-video",
        "a=ssrc-group:FID 1040 1041",
        "a=ssrc:1040 cname:vitrine",
        "a=ssrc:1041 cname:vitrine",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ] {
        assert!(video.contains(&format!("\r\n{line}\r\n")), "{line} is missing in {video}");
    }
    let audio = section(&answer, 3);
    assert!(audio.contains("a=msid:slot-0 slot-0-audio"), "lip sync needs the stream id of the video slot");
    assert!(audio.contains("a=ssrc:1010 cname:vitrine"));
    assert!(!audio.contains("ssrc-group"), "audio has no RTX");
    assert!(!audio.contains("1011"));
}

#[test]
fn extensions_are_answered_under_the_clients_ids_and_layer_ids_only_towards_us() {
    let answer = answered(CHROMIUM);
    let camera = &answer.media[1].extensions;
    assert_eq!(camera.id(HeaderExtension::Mid), Some(4));
    assert_eq!(camera.id(HeaderExtension::Rid), Some(10));
    assert_eq!(camera.id(HeaderExtension::RepairedRid), Some(11));
    assert_eq!(camera.id(HeaderExtension::VideoOrientation), Some(13));
    let slot = &answer.media[6].extensions;
    assert_eq!(slot.id(HeaderExtension::TransportCc), Some(3));
    assert_eq!(slot.id(HeaderExtension::Rid), None);
    assert!(!answer.sdp.contains("toffset"), "what we do not know is not answered");
    assert_eq!(answer.media[0].extensions.id(HeaderExtension::AudioLevel), Some(1));
}

#[test]
fn simulcast_is_answered_encoding_for_encoding_in_the_clients_order() {
    let answered = |offer: &str| try_answer(offer, &sources()[..2], &DEFAULT_VIDEO_PREFERENCE).unwrap();
    let answer = answered(SIMULCAST);
    let camera = section(&answer, 1);
    for line in ["a=rid:q recv", "a=rid:h recv", "a=rid:f recv", "a=simulcast:recv q;h;f"] {
        assert!(camera.contains(&format!("\r\n{line}\r\n")), "{line} is missing in {camera}");
    }
    assert_eq!(answer.sdp.matches("rid:").count(), 3, "other lines carry one stream each");
    let line = &answer.media[1];
    assert_eq!(line.encodings(), 3);
    let rid = |text| Rid::new(text).unwrap();
    assert_eq!(
        [rid("q"), rid("h"), rid("f"), rid("x")].map(|it| line.encoding_of(it)),
        [Some(0), Some(1), Some(2), None]
    );
    // Alternatives, a paused stream, one nobody described and one too many.
    let odd = SIMULCAST.replace("a=simulcast:send q;h;f", "a=simulcast:send ~q;h,f;z;q;f");
    assert!(section(&answered(&odd), 1).contains("a=simulcast:recv q;h;f\r\n"));
    let single = SIMULCAST.replace("a=simulcast:send q;h;f", "a=simulcast:send h");
    assert_eq!(answered(&single).media[1].encodings(), 1, "one encoding is no simulcast");
}

#[test]
fn long_extensions_are_answered_to_peers_that_take_both_forms_only() {
    let uri = HeaderExtension::DependencyDescriptor.uri();
    let allocation = HeaderExtension::VideoLayersAllocation.uri();
    let offer = CHROMIUM.replace(
        "a=extmap:13 urn:3gpp:video-orientation",
        &format!("a=extmap:13 urn:3gpp:video-orientation\r\na=extmap:9 {uri}\r\na=extmap:12 {allocation}"),
    );
    let answer = answered(&offer);
    assert_eq!(answer.media[1].extensions.id(HeaderExtension::DependencyDescriptor), Some(9));
    assert_eq!(answer.media[6].extensions.id(HeaderExtension::DependencyDescriptor), Some(9));
    assert_eq!(answer.media[1].extensions.id(HeaderExtension::VideoLayersAllocation), Some(12));
    assert_eq!(answer.media[6].extensions.id(HeaderExtension::VideoLayersAllocation), None);
    let answer =
        answered(&offer.replace("a=extmap-allow-mixed\r\n", "").replace("a=extmap-allow-mixed\n", ""));
    assert_eq!(answer.media[6].extensions.id(HeaderExtension::DependencyDescriptor), None);
}

#[test]
fn the_answer_is_lite_passive_and_lists_candidates_once() {
    let answer = answered(CHROMIUM);
    assert_eq!(answer.sdp.matches("a=ice-lite\r\n").count(), 1);
    assert_eq!(answer.sdp.matches("a=setup:passive\r\n").count(), 11);
    assert_eq!(answer.sdp.matches("a=end-of-candidates\r\n").count(), 1);
    assert!(answer.sdp.contains("a=candidate:1 1 udp 2130706431 192.0.2.7 7800 typ host\r\n"));
    assert!(answer.sdp.contains("a=candidate:2 1 udp 2130706175 2001:db8::7 7800 typ host\r\n"));
    let tcp = "a=candidate:3 1 tcp 1520434687 192.0.2.7 7443 typ host tcptype passive\r\n";
    assert!(answer.sdp.contains(tcp), "after every UDP one");
    assert!(answer.sdp.contains("a=group:BUNDLE 0 1 2 3 4 5 6 7 8 9 10\r\n"));
    assert!(answer.sdp.contains("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
    assert!(answer.sdp.contains("a=sctp-port:5000\r\na=max-message-size:65536\r\n"));
    for absent in ["red/90000", "ulpfec", "PCMU", "telephone-event", "profile-id=2"] {
        assert!(!answer.sdp.contains(absent), "{absent} must not be answered");
    }
}

#[test]
fn the_order_of_video_codecs_is_ours() {
    let answer = try_answer(CHROMIUM, &sources(), &[Codec::Av1, Codec::Vp8]).unwrap();
    let order: Vec<_> = answer.media[1].codecs.iter().map(|it| it.codec).collect();
    assert_eq!(order, [Codec::Av1, Codec::Vp8]);
    assert!(section(&answer, 1).starts_with("video 9 UDP/TLS/RTP/SAVPF 45 46 96 97\r\n"));
    assert_eq!(answer.media[0].codecs[0].codec, Codec::Opus, "audio has no preference to lose");
}

#[test]
fn firefox_and_safari_are_answered_too() {
    let answer = try_answer(
        FIREFOX,
        &[(mid("0"), Source::Microphone), (mid("1"), Source::Camera)],
        &DEFAULT_VIDEO_PREFERENCE,
    )
    .unwrap();
    assert!(matches!(answer.media[2].role, Role::Slot(Kind::Audio, _)));
    assert!(matches!(answer.media[4].role, Role::Data { .. }));
    let mic = section(&answer, 0);
    assert!(mic.contains("a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level"));
    assert_eq!(answer.media[1].codec(Codec::H264).map(|it| it.pt), Some(Pt(126)));

    let answer = try_answer(
        SAFARI,
        &[(mid("0"), Source::Microphone), (mid("1"), Source::Camera)],
        &DEFAULT_VIDEO_PREFERENCE,
    )
    .unwrap();
    assert_eq!(answer.media[1].codec(Codec::H264).map(|it| it.pt), Some(Pt(98)));
}

#[test]
fn lines_we_do_not_take_part_in_keep_their_place_with_port_0() {
    // The screen line is offered but carries no source; the last slot knows no codec of ours.
    let (head, tail) = CHROMIUM.rsplit_once("m=video 9 ").unwrap();
    let (line, data) = tail.split_once("m=application").unwrap();
    let line =
        ["VP8/", "VP9/", "AV1/", "H264/"].iter().fold(line.to_owned(), |text, it| text.replace(it, "H263/"));
    let offer = format!("{head}m=video 9 {line}m=application{data}");
    let answer = try_answer(&offer, &sources()[..2], &DEFAULT_VIDEO_PREFERENCE).unwrap();
    assert_eq!(answer.media.len(), 11);
    assert_eq!(answer.media[2].role, Role::Rejected);
    assert_eq!(answer.media[9].role, Role::Rejected);
    assert!(answer.sdp.contains("a=group:BUNDLE 0 1 3 4 5 6 7 8 10\r\n"));
    assert!(section(&answer, 9).starts_with("video 0 UDP/TLS/RTP/SAVPF 96\r\n"));
}

#[test]
fn a_list_of_sources_that_does_not_fit_the_offer_is_refused() {
    let refused =
        |sources: &[(Mid, Source)]| try_answer(CHROMIUM, sources, &DEFAULT_VIDEO_PREFERENCE).unwrap_err();
    let missing = (mid("77"), Source::Camera);
    assert_eq!(refused(&[missing]), AnswerError::NoSuchLine(missing.0, missing.1));
    let audio_line = (mid("0"), Source::Camera);
    assert_eq!(refused(&[audio_line]), AnswerError::WrongLine(audio_line.0, audio_line.1));
    let slot = (mid("6"), Source::Camera);
    assert_eq!(refused(&[slot]), AnswerError::WrongLine(slot.0, slot.1));
    let twice = [(mid("1"), Source::Camera), (mid("2"), Source::Camera)];
    assert_eq!(refused(&twice), AnswerError::ListedTwice(mid("2"), Source::Camera));
    assert_eq!(
        refused(&[slot]).to_string(),
        "the m= line 6 cannot carry the camera: it must be video and sendonly or sendrecv"
    );
    assert_eq!(
        try_answer(CHROMIUM, &sources(), &[]).unwrap_err(),
        AnswerError::NoCommonCodec(mid("1"), Source::Camera)
    );
}

#[test]
fn our_answer_is_itself_a_description_that_parses() {
    let answer = answered(CHROMIUM);
    // As an offer it lacks nothing but a client that opens DTLS and full ICE.
    assert_eq!(Offer::parse(&answer.sdp).unwrap_err(), OfferError::IceLite);
    let as_offer = answer.sdp.replace("a=ice-lite\r\n", "").replace("setup:passive", "setup:active");
    let offer = Offer::parse(&as_offer).unwrap();
    assert_eq!(offer.media.len(), 11);
    assert_eq!(offer.fingerprint, Fingerprint([0xab; 32]));
    assert_eq!(offer.media[6].streams.len(), 1);
    assert_eq!(offer.media[6].direction, Direction::SendOnly);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_parses_is_answered_line_for_line(
        damage in prop::collection::vec((any::<prop::sample::Index>(), "[ -~]{0,4}", 0..8usize), 1..12),
    ) {
        let mut text = CHROMIUM.to_owned();
        for (place, new, removed) in damage {
            let start = place.index(text.len());
            let end = (start + removed).min(text.len());
            text.replace_range(start..end, &new);
        }
        if let Ok(offer) = Offer::parse(&text)
            && let Ok(answer) = try_answer(&text, &sources(), &DEFAULT_VIDEO_PREFERENCE)
        {
            prop_assert_eq!(answer.media.len(), offer.media.len());
            prop_assert_eq!(answer.sdp.matches("\r\nm=").count(), offer.media.len());
        }
    }
}
