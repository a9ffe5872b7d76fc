#!/usr/bin/env python3
"""Writes the seeds in corpus/, small true inputs of each target for libFuzzer to start from, and the offers of the node
target. `./seeds.py`"""
import os, struct, zlib

HERE = os.path.dirname(os.path.abspath(__file__))

def put(target, name, data):
    folder = os.path.join(HERE, "corpus", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)

def behind(data):
    """Behind its length, as input.rs reads it."""
    return (bytes([len(data)]) if len(data) < 255 else b"\xff" + struct.pack(">H", len(data))) + data

# --- transport ----------------------------------------------------------------------------------------------------

def attribute(kind, value):
    return struct.pack(">HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)

def stun(attributes):
    body = b"".join(attributes)
    head = struct.pack(">HHI", 1, len(body) + 8, 0x2112A442) + b"transaction!"
    return head + body + attribute(0x8028, struct.pack(">I", zlib.crc32(head + body) ^ 0x5354554E))

put("stun", "check", stun([
    attribute(0x0006, b"aaaabbbbcccc:peer"), attribute(0x802A, b"\0" * 8), attribute(0x0025, b""),
    attribute(0x0024, b"\x6e\x7f\x1e\xff"), attribute(0x0008, b"i" * 20)]))
put("stun", "no-username", stun([attribute(0x0020, b"\0\x01\xe1\x12\x5e\x12\xa4\x43")]))

def extension(kind, value):
    return struct.pack(">HH", kind, len(value)) + value

hello = (b"\xfe\xfd" + b"r" * 32 + b"\0" + b"\0" + b"\0\x04\xc0\x2b\xc0\x2c" + b"\x01\0")
extensions = (extension(10, b"\0\x04\0\x17\0\x1d") + extension(11, b"\x01\0") + extension(13, b"\0\x02\x04\x03")
              + extension(14, b"\0\x06\0\x08\0\x07\0\x01\0") + extension(23, b"") + extension(0xFF01, b"\0"))
hello += struct.pack(">H", len(extensions)) + extensions
handshake = b"\x01" + struct.pack(">I", len(hello))[1:] + b"\0\0" + b"\0\0\0" + struct.pack(">I", len(hello))[1:] + hello
record = b"\x16\xfe\xfd" + b"\0\0" + b"\0" * 6 + struct.pack(">H", len(handshake)) + handshake
put("dtls", "hello", behind(record))
half = len(hello) // 2
pieces = b""
for number, (start, end) in enumerate([(0, half), (half, len(hello))]):
    piece = (b"\x01" + struct.pack(">I", len(hello))[1:] + b"\0\0" + struct.pack(">I", start)[1:]
             + struct.pack(">I", end - start)[1:] + hello[start:end])
    pieces += behind(b"\x16\xfe\xfd\0\0" + b"\0" * 5 + bytes([number]) + struct.pack(">H", len(piece)) + piece)
put("dtls", "hello-in-two", pieces)
put("dtls", "alert", behind(b"\x15\xfe\xfd\0\0" + b"\0" * 6 + b"\0\x02\x02\x28"))

def rtp(pt, sequence, timestamp, ssrc, payload, elements=b"", marker=0, profile=0xBEDE):
    block = b""
    if elements:
        elements += b"\0" * (-len(elements) % 4)
        block = struct.pack(">HH", profile, len(elements) // 4) + elements
    return struct.pack(">BBHII", 0x80 | (0x10 if elements else 0), marker << 7 | pt, sequence, timestamp, ssrc) + block + payload

ONE = b"\x10\x85" + b"\x22abc" + b"\x31\x12\x34" + b"\x40" + b"1" + b"\x52\x02\x23\xe8" + b"\x67" + b"\0" * 8 + b"\x90\x01"
TWO = b"\x01\x01\x85" + b"\x03\x02\x12\x34" + b"\xc8\x14" + b"d" * 20
put("rtp", "plain", rtp(111, 7, 960, 9, b"opus"))
put("rtp", "one-byte", rtp(96, 7, 3000, 9, b"video", ONE, 1))
put("rtp", "two-byte", rtp(96, 7, 3000, 9, b"video", TWO, 1, 0x1000))
put("rtp", "padded", b"\xa2" + rtp(96, 7, 3000, 9, b"", b"")[1:] + b"CSRCcsrc" + b"data" + b"\0\0\x03")
put("srtp", "rtp", rtp(96, 7, 3000, 9, b"video", ONE, 1))
put("srtp", "rtcp", b"\x81\xc9\0\x07" + b"\0" * 28 + b"\x80\0\0\x01" + b"t" * 16)

def chunk(kind, flags, value):
    return struct.pack(">BBH", kind, flags, len(value) + 4) + value + b"\0" * (-len(value) % 4)

def sctp(tag, *chunks):
    return struct.pack(">HHII", 5000, 5000, tag, 0) + b"".join(chunks)

init = struct.pack(">IIHHI", 77, 131072, 16, 16, 1) + b"\xc0\0\0\x04" + b"\x80\x08\0\x06\x82\xc0\0\0"
put("sctp", "init", behind(sctp(0, chunk(1, 0, init))))
put("sctp", "init-and-data", behind(sctp(0, chunk(1, 0, init)))
    + behind(sctp(0, chunk(0, 3, struct.pack(">IHHI", 1, 0, 0, 51) + b'{"t":"pointer"}')))
    + behind(sctp(0, chunk(4, 0, b"\0\x01\0\x08beat"))))
put("sctp", "abort", behind(sctp(0, chunk(1, 0, init))) + behind(sctp(0, chunk(6, 0, b"\0\x0c\0\x04"))))
put("sctp", "sack-and-shutdown", behind(sctp(0, chunk(1, 0, init)))
    + behind(sctp(0, chunk(3, 0, struct.pack(">IIHHHH", 1, 131072, 1, 0, 2, 3)), chunk(7, 0, b"\0\0\0\1"))))
put("tcp_frames", "frames", b"\x03" + b"\0\x05hello" + b"\0\0" + b"\0\x03abc" + b"\0\x10unfinished")
put("tcp_frames", "too-long", b"\x02" + b"\0\x02ok" + b"\xff\xff")

# --- media --------------------------------------------------------------------------------------------------------

def red(offset, payload, pt=111):
    return struct.pack(">I", (0x80 | pt) << 24 | offset << 10 | len(payload)), payload

def redundant(blocks, primary):
    return b"".join(head for head, _ in blocks) + b"\x6f" + b"".join(body for _, body in blocks) + primary

put("red", "one", redundant([red(960, b"old")], b"new"))
put("red", "two", redundant([red(1920, b"older"), red(960, b"old")], b"new"))
put("red", "none", redundant([], b"new"))

VP8_KEY = b"\x90\xf0\x80\x07\x05\x20" + b"\x10\x02\x00\x9d\x01\x2a\x40\x01\xf0\x00" + b"partition"
VP8_DELTA = b"\x90\x80\x08" + b"\x11\x02\x00" + b"partition"
H264_STAP = b"\x78\0\x0c" + b"\x67\x42\xc0\x1f\xda\x01\x40\x16\xe8\x06\xd0\xa1" + b"\0\x04\x68\xce\x3c\x80"
H264_FUA = b"\x7c\x85" + b"slice of an IDR picture"
VP9_KEY = b"\x8e\x80\x05\x1c\x18\x01\x40\x00\xf0\x01\x04" + b"\x82\x49\x83\x42\x00\x13\xf0\x0e\xf0\x00"
VP9_DELTA = b"\xe8\x80\x06\x01\x05\x02" + b"\x86\x00"
AV1_KEY = b"\x28\x0a\x0b\x00\x00\x00\x04\x47\x7e\x1a\xff\xfc\xc0\x20" + b"\x32frame"
AV1_DELTA = b"\x10\x32frame"
SAMPLES = {"vp8": (VP8_KEY, VP8_DELTA), "h264": (H264_STAP, H264_FUA), "vp9": (VP9_KEY, VP9_DELTA), "av1": (AV1_KEY, AV1_DELTA)}
for name, (key, delta) in SAMPLES.items():
    put("descriptors", name, b"\0" + behind(key) + b"\1" + behind(delta))
    number = 2 if name == "vp9" else 0
    put("descriptors", name + "-again", bytes([number]) + behind(key) + bytes([number | 5]) + behind(delta)
        + bytes([number | 1]) + behind(key))

class Bits:
    def __init__(self):
        self.text = ""
    def put(self, count, value):
        self.text += format(value, f"0{count}b") if count else ""
        return self
    def bytes(self):
        text = self.text + "0" * (-len(self.text) % 8)
        return bytes(int(text[at:at + 8], 2) for at in range(0, len(text), 8))

def structure(first):
    """Dependency descriptor with the structure of two temporal layers (L1T2): 2 targets, 3 templates, 1 chain."""
    bits = Bits().put(8, 0xC0).put(16, first)
    bits.put(5, 0b11000)
    bits.put(6, 0).put(5, 1)
    bits.put(2, 0).put(2, 1).put(2, 3)
    for indications in [(2, 2), (2, 3), (0, 1)]:
        for indication in indications:
            bits.put(2, indication)
    for differences in [[], [2], [1]]:
        for difference in differences:
            bits.put(1, 1).put(4, difference - 1)
        bits.put(1, 0)
    bits.put(1, 1).put(1, 0).put(1, 0).put(4, 0).put(4, 2).put(4, 1)
    bits.put(1, 1).put(16, 639).put(16, 359)
    bits.put(2, 0b11)
    return bits.bytes()

def mandatory(template, number):
    return bytes([0xC0 | template]) + struct.pack(">H", number)

VLA = b"\x23\x17" + b"\x55" + b"\x64\xc8\x01\x90\x03\x20" * 2 + struct.pack(">HHB", 319, 179, 30) * 4
put("layers", "l1t2", b"\4" + b"\1" + behind(structure(10)) + behind(AV1_KEY)
    + b"".join(b"\1" + behind(mandatory(2 - at % 2, 11 + at)) + behind(AV1_DELTA) for at in range(4)))
put("layers", "vp9", b"\3" + b"\1" + behind(b"") + behind(VP9_KEY) + (b"\3" + behind(b"") + behind(VP9_DELTA)) * 3)
put("layers", "vp8", b"\1" + b"\1" + behind(b"") + behind(VP8_KEY) + (b"\x25" + behind(b"") + behind(VP8_DELTA)) * 3)
put("layers", "allocation", b"\1" + b"\x07" + behind(VLA) + behind(VP8_KEY) + b"\1" + behind(b"\0") + behind(VP8_DELTA))

def rtcp(count, kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack(">BBH", 0x80 | count, kind, len(body) // 4) + body

SSRC = struct.pack(">I", 1)
BLOCK = struct.pack(">IIIIII", 9, 0x0C000005, 70007, 3, 0x12345678, 6553)
SR = rtcp(1, 200, SSRC + struct.pack(">QIII", 0x12345678 << 16, 3000, 10, 1000) + BLOCK)
RR = rtcp(1, 201, SSRC + BLOCK)
SDES = rtcp(1, 202, SSRC + b"\x01\x04name\0\0")
BYE = rtcp(1, 203, SSRC)
NACK = rtcp(1, 205, SSRC + struct.pack(">IHH", 9, 7, 0b101))
TWCC = rtcp(15, 205, SSRC + struct.pack(">IHHIH", 9, 100, 9, 5 << 8 | 1, 7) + b"\xd1\x00" + bytes([1, 2, 0xFF, 0xFE, 4, 5, 6, 7, 8]))
TWCC_RUN = rtcp(15, 205, SSRC + struct.pack(">IHHIH", 9, 65530, 12, 5 << 8 | 2, 0x2000 | 8) + b"\x80\x0f" + bytes(range(12)))
PLI = rtcp(1, 206, SSRC + struct.pack(">I", 9))
FIR = rtcp(4, 206, SSRC + struct.pack(">IIBBH", 0, 9, 1, 0, 0))
REMB = rtcp(15, 206, SSRC + struct.pack(">I", 0) + b"REMB\x01\x12\x34\x56" + struct.pack(">I", 9))
XR = rtcp(0, 207, SSRC + b"\x04\0\0\x02" + b"\0" * 8)
put("rtcp", "reports", SR + SDES + BYE)
put("rtcp", "feedback", RR + NACK + PLI + FIR + REMB + TWCC)
put("rtcp", "extended", RR + XR)
put("twcc", "vector", TWCC)
put("twcc", "run", TWCC_RUN)

# --- outside ------------------------------------------------------------------------------------------------------

def line(mid, kind, formats, direction, attributes):
    return (f"m={kind} 9 UDP/TLS/RTP/SAVPF {formats}\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:user\r\n"
            f"a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa\r\na=fingerprint:sha-256 {':'.join(['AB'] * 32)}\r\n"
            f"a=setup:actpass\r\na=mid:{mid}\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
            f"a=extmap:5/recvonly http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n"
            f"a={direction}\r\na=rtcp-mux\r\na=rtcp-rsize\r\n" + "".join(f"a={it}\r\n" for it in attributes))

AUDIO = ["rtpmap:111 opus/48000/2", "fmtp:111 minptime=10;useinbandfec=1", "rtcp-fb:111 nack",
         "rtpmap:63 red/48000/2", "fmtp:63 111/111"]
VIDEO = ["rtpmap:96 VP8/90000", "rtcp-fb:96 nack pli", "rtcp-fb:* nack", "rtpmap:97 rtx/90000", "fmtp:97 apt=96",
         "rtpmap:108 H264/90000", "fmtp:108 packetization-mode=1;profile-level-id=42e01f"]
OFFER = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2 3 4\r\na=extmap-allow-mixed\r\n"
         + line(0, "audio", "63 111", "sendonly", AUDIO + ["ssrc:5 cname:x"])
         + line(1, "video", "96 97 108", "sendonly", VIDEO + [
             "rid:q send", "rid:h send", "rid:f send pt=96", "simulcast:send q;h;~f",
             "ssrc-group:FID 6 7", "ssrc:6 cname:x", "ssrc:7 cname:x"])
         + line(2, "audio", "111 63", "recvonly", AUDIO)
         + line(3, "video", "96 97", "recvonly", VIDEO)
         + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:4\r\na=sctp-port:5000\r\n"
           "a=max-message-size:262144\r\na=bundle-only\r\n")
put("sdp", "offer", OFFER.encode())
put("sdp", "one-line", ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE a\r\n"
                        + line("a", "audio", "111", "sendrecv", AUDIO[:2])).encode())

# The offers of the two on the node: every codec and header extension, in few words.
EXTENSIONS = ["urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
    "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00",
    "urn:3gpp:video-orientation",
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"]
ALL_VIDEO = []
for number, rtx, codec, fmtp in [(96, 97, "VP8", None), (108, 109, "H264", "packetization-mode=1;profile-level-id=42e01f"),
                                 (98, 99, "VP9", "profile-id=0"), (45, 46, "AV1", "profile=0")]:
    ALL_VIDEO += [f"rtpmap:{number} {codec}/90000", f"rtcp-fb:{number} nack", f"rtcp-fb:{number} nack pli",
                  f"rtcp-fb:{number} transport-cc", f"rtpmap:{rtx} rtx/90000", f"fmtp:{rtx} apt={number}"]
    ALL_VIDEO += [f"fmtp:{number} {fmtp}"] if fmtp else []
ALL_AUDIO = ["rtpmap:111 opus/48000/2", "rtcp-fb:111 nack", "rtcp-fb:111 transport-cc", "rtpmap:63 red/48000/2", "fmtp:63 111/111"]

def person(simulcast):
    lines = [("audio", "sendonly", ["ssrc:3 cname:x"]),
             ("video", "sendonly", ["rid:q send", "rid:h send", "rid:f send", "simulcast:send q;h;f"] if simulcast
              else ["ssrc-group:FID 1 2", "ssrc:1 cname:x", "ssrc:2 cname:x"]),
             ("audio", "recvonly", []), ("video", "recvonly", []), ("video", "recvonly", [])]
    text = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2 3 4\r\na=extmap-allow-mixed\r\n"
    for mid, (kind, direction, streams) in enumerate(lines):
        formats = "63 111" if kind == "audio" else "96 97 108 109 98 99 45 46"
        text += (f"m={kind} 9 UDP/TLS/RTP/SAVPF {formats}\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:user\r\n"
                 f"a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa\r\na=fingerprint:sha-256 {':'.join(['AB'] * 32)}\r\n"
                 f"a=setup:actpass\r\na=mid:{mid}\r\n")
        text += "".join(f"a=extmap:{number + 1} {uri}\r\n" for number, uri in enumerate(EXTENSIONS))
        text += f"a={direction}\r\na=rtcp-mux\r\na=rtcp-rsize\r\n"
        text += "".join(f"a={it}\r\n" for it in (ALL_AUDIO if kind == "audio" else ALL_VIDEO) + streams)
    return text

for name, simulcast in [("plain", False), ("simulcast", True)]:
    with open(os.path.join(HERE, "src", f"{name}.sdp"), "w", newline="") as file:
        file.write(person(simulcast))

for name, text in {
    "hello": '{"seq":1,"type":"hello","protocol":1,"token":"t","resume":{"session":"s","seen":4}}',
    "offer": '{"seq":2,"type":"offer","sdp":"v=0","sources":[{"mid":"0","source":"microphone"}]}',
    "chat": '{"seq":3,"type":"chat","text":"\\u00e4 \\ud83d\\ude00"}',
    "views": '{"seq":4,"type":"views","views":[{"mid":"6","width":1280,"height":720}]}',
    "hang_up": '{"type":"hang_up","seq":5,"more":[1,2.5e3,null,{"a":true}]}',
}.items():
    put("websocket", name, text.encode())

for number, (name, packets) in enumerate({
    "opus": (b"\xfcsound", b"\xfcmore"), "vp8": (VP8_KEY, VP8_DELTA), "h264": (H264_STAP, H264_FUA),
    "vp9": (VP9_KEY, VP9_DELTA), "av1": (AV1_KEY, AV1_DELTA),
}.items()):
    forward, same = 0x13, 0x10
    put("recorder", name, bytes([number]) + b"".join(
        bytes([step]) + behind(payload) for step, payload in zip([same, forward, forward, 0x1B], packets * 2)))

# --- a whole node: see node.rs for the steps -------------------------------------------------------------------------

def media(who, stream, kind, payload, elements=b"", number=1, time=12, marker=0):
    return (bytes([who, marker << 7 | kind << 2 | stream, number & 0xFF, time]) + behind(elements) + behind(payload))

def report(who, packet):
    return bytes([who | 4 << 1, packet[0] & 0x1F, packet[1] - 200]) + behind(packet[2:])

def wait(eights):
    return bytes([7 << 1, eights])

CAMERA, RTX, MICROPHONE = 0, 1, 2
start = media(0, CAMERA, 0, VP8_KEY, ONE, marker=1) + media(0, MICROPHONE, 2, b"\xfcsound", b"\x10\x85")
put("node", "media", b"\0" + start + media(0, CAMERA, 0, VP8_DELTA, marker=1) * 3 + wait(20))
put("node", "loss", b"\0" + start + media(0, CAMERA, 0, VP8_DELTA, number=4) * 3 + wait(3)
    + media(0, RTX, 1, b"\0\x02" + VP8_DELTA) + report(1, NACK) + wait(30) + report(1, RR) + report(1, TWCC) + wait(200))
put("node", "red", b"\0" + media(0, MICROPHONE, 3, redundant([red(960, b"old")], b"new")) * 3
    + media(0, MICROPHONE, 3, redundant([red(1920, b"older"), red(960, b"old")], b"new"), number=3) + wait(9))
put("node", "routes", b"\0" + start + bytes([6 << 1, 6 << 1 | 1, 6 << 1 | 0x40]) + start
    + bytes([5 << 1]) + behind(b"\x16\xfe\xfdgarbage") + report(0, SR) + report(1, PLI + FIR + REMB))
put("node", "simulcast", b"\1" + b"".join(media(0, stream, 0, VP8_KEY, b"\x30" + b"1" + b"\x90" + rid) for stream, rid in [(0, b"q"), (1, b"h"), (3, b"f")])
    + media(1, CAMERA, 4, H264_STAP) + media(1, CAMERA, 5, VP9_KEY) + media(1, CAMERA, 6, AV1_KEY) + wait(50))
