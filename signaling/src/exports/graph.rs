//! A plan as arguments of `ffmpeg`: one filter graph, and small files with the words it draws. Pure.
//!
//! ```text
//! [track]─ redaction ─ square ─ turn ─┐
//! [name on a panel] ──────────────── overlay … ─ captions ─┐
//!                                     the other side ──── side by side ─ bar ─ cut ─ H.264
//! [voices]─ on the session's time ─ mix ─ left / right ─ in pieces of a picture ─ cut ─ AAC
//! ```
//! Timestamps in track files count from the start of the session, and `-copyts` keeps them, so nothing has to be aligned.
//! Words never stand in the graph: they come from people, and a graph has a syntax.

use std::fmt::Write;

use super::plan::{FPS, FRAME_MS, Plan, SidePlan, Stretch};

/// A side's panel is a square: however a picture is turned, it fits.
const PANEL: u64 = 640;
/// The bar below, pixels.
const BAR: u64 = 80;
/// Sound, samples a second, and a picture's worth of it.
const RATE: u64 = 48_000;
const PIECE: u64 = RATE * FRAME_MS / 1000;

/// What the bar says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Words {
    /// Left in the bar: the ticket's number, and for whom this is.
    pub title: String,
    /// Burns the time in: zero of the session, seconds since 1970.
    pub epoch_s: Option<i64>,
}

/// What `ffmpeg` is to be given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// Everything behind the program's name. Paths are relative to the working folder.
    pub arguments: Vec<String>,
    /// Small files to put into the working folder first, by name.
    pub files: Vec<(String, String)>,
}

/// The name of a track's media in the working folder.
pub fn input(number: usize) -> String {
    format!("track-{number}")
}

/// The name of what comes out, in the working folder.
pub const OUTPUT: &str = "export.mp4";

/// Puts the command together.
pub fn command(plan: &Plan, words: &Words) -> Command {
    let mut graph = Graph { plan, text: String::new(), files: Vec::new() };
    graph.side("agent", &plan.agent);
    graph.side("buyer", &plan.buyer);
    graph.bar(words);
    graph.sound();
    let Graph { text, files, .. } = graph;

    let mut arguments: Vec<String> =
        ["-nostdin", "-hide_banner", "-v", "error", "-nostats", "-progress", "pipe:1", "-y", "-copyts"]
            .map(str::to_owned)
            .to_vec();
    for number in 0..plan.tracks.len() {
        // A picture that changes its size must not begin the whole graph anew.
        arguments.extend(["-reinit_filter", "0", "-i"].map(str::to_owned));
        arguments.push(input(number));
    }
    arguments.push("-filter_complex".to_owned());
    arguments.push(text);
    let encode = [
        "-map",
        "[picture]",
        "-map",
        "[sound]",
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-crf",
        "25",
        "-pix_fmt",
        "yuv420p",
        "-g",
        "125",
        "-c:a",
        "aac",
        "-b:a",
        "128k",
        "-threads",
        "1",
        "-movflags",
        "+faststart",
        "-f",
        "mp4",
    ];
    arguments.extend(encode.map(str::to_owned));
    arguments.extend(["-metadata".to_owned(), format!("title={}", one_line(&words.title))]);
    arguments.push(OUTPUT.to_owned());
    Command { arguments, files }
}

/// Control characters are nothing to draw.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// True while `t` is in one of the stretches; never when there is none.
fn during<'a>(stretches: impl IntoIterator<Item = &'a Stretch>) -> String {
    let parts: Vec<String> = stretches
        .into_iter()
        .map(|stretch| format!("gte(t,{})*lt(t,{})", seconds(stretch.start_ms), seconds(stretch.end_ms)))
        .collect();
    if parts.is_empty() { "0".to_owned() } else { parts.join("+") }
}

struct Graph<'a> {
    plan: &'a Plan,
    text: String,
    files: Vec<(String, String)>,
}

impl Graph<'_> {
    fn push(&mut self, part: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.text.write_fmt(part);
    }

    /// A file with words; what is in it is drawn as it is.
    fn words(&mut self, name: String, words: &str) -> String {
        self.files.push((name.clone(), one_line(words)));
        format!("drawtext=textfile={name}:expansion=none:fontcolor=white")
    }

    /// True for the pictures, or pieces of sound, that are cut out: both are numbered from 0, `FPS` a second.
    fn cut(&self) -> String {
        let parts: Vec<String> = (self.plan.cuts.iter())
            .map(|cut| format!("gte(n,{})*lt(n,{})", cut.start_ms / FRAME_MS, cut.end_ms / FRAME_MS))
            .collect();
        if parts.is_empty() { "0".to_owned() } else { parts.join("+") }
    }

    fn side(&mut self, label: &str, side: &SidePlan) {
        let length = seconds(self.plan.duration_ms);
        let name = self.words(format!("{label}-name"), &side.name);
        self.push(format_args!(
            "color=c=0x1b2333:s={PANEL}x{PANEL}:r={FPS}:d={length},{name}:fontsize=44:x=(w-tw)/2:y=(h-th)/2[{label}0];"
        ));
        // A picture of a stretch that is cut out must not stay on as the still of what comes after it. Half a picture
        // on either side is room for rounding.
        let hidden: Vec<Stretch> = (self.plan.cuts.iter())
            .map(|cut| Stretch {
                start_ms: cut.start_ms.saturating_sub(1),
                end_ms: cut.end_ms.saturating_sub(1).max(cut.start_ms),
            })
            .collect();
        let hidden = during(&hidden);
        let mut layers = 0;
        for picture in &side.pictures {
            let mut degrees: Vec<u16> = picture.turns.iter().map(|(_, degrees)| *degrees).collect();
            degrees.sort_unstable();
            degrees.dedup();
            let track = picture.track;
            self.push(format_args!(
                "[{track}:v]select='not({hidden})',scale={PANEL}:{PANEL}:force_original_aspect_ratio=decrease:eval=frame,\
                 pad={PANEL}:{PANEL}:(ow-iw)/2:(oh-ih)/2:color=black:eval=frame,setsar=1,split={}",
                degrees.len()
            ));
            for turn in &degrees {
                self.push(format_args!("[p{track}t{turn}]"));
            }
            self.push(format_args!(";"));
            for turn in degrees {
                let filter = match turn {
                    90 => "transpose=clock",
                    180 => "hflip,vflip",
                    270 => "transpose=cclock",
                    _ => "null",
                };
                let turned = picture.turns.iter().filter(|(_, degrees)| *degrees == turn);
                let shown = during(turned.map(|(stretch, _)| stretch));
                self.push(format_args!(
                    "[p{track}t{turn}]{filter}[q{track}t{turn}];\
                     [{label}{layers}][q{track}t{turn}]overlay=eof_action=pass:enable='{shown}'[{label}{}];",
                    layers + 1
                ));
                layers += 1;
            }
        }
        self.push(format_args!("[{label}{layers}]null"));
        let mut texts: Vec<&str> = side.captions.iter().map(|caption| caption.text.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        for (number, text) in texts.into_iter().enumerate() {
            let of_text = side.captions.iter().filter(|caption| caption.text == text);
            let shown = during(of_text.map(|caption| &caption.shown));
            let words = self.words(format!("{label}-caption-{number}"), text);
            self.push(format_args!(
                ",{words}:fontsize=28:box=1:boxcolor=black@0.65:boxborderw=12:x=(w-tw)/2:y=h-th-36:enable='{shown}'"
            ));
        }
        self.push(format_args!("[{label}];"));
    }

    fn bar(&mut self, words: &Words) {
        let height = PANEL + BAR;
        let middle = PANEL + BAR / 2;
        let agent = self.words("agent-label".to_owned(), &format!("{} (agent)", self.plan.agent.name));
        let buyer = self.words("buyer-label".to_owned(), &format!("{} (buyer)", self.plan.buyer.name));
        let title = self.words("title".to_owned(), &words.title);
        let width = 2 * PANEL;
        self.push(format_args!(
            "[agent][buyer]hstack=inputs=2,pad={width}:{height}:0:0:color=0x0f1520,\
             drawbox=x={}:y=0:w=2:h={PANEL}:color=0x0f1520:t=fill,\
             {agent}:fontsize=22:x=20:y={}-th-3,{buyer}:fontsize=22:x=w-tw-20:y={}-th-3,\
             {title}:fontsize=18:fontcolor=0xaab4c5:x=20:y={}+5",
            PANEL - 1,
            middle,
            middle,
            middle
        ));
        if let Some(epoch_s) = words.epoch_s {
            // Expanded by the filter: the time of the picture in the session, and by the clock.
            let file = "time".to_owned();
            let text = format!("%{{pts:hms}}   %{{pts:gmtime:{epoch_s}:%Y-%m-%d %H\\:%M\\:%S}} UTC");
            self.files.push((file.clone(), text));
            self.push(format_args!(
                ",drawtext=textfile={file}:fontcolor=white:fontsize=22:x=(w-tw)/2:y={middle}-th-3"
            ));
        }
        let cut = self.cut();
        self.push(format_args!(",select='not({cut})',setpts=N/({FPS}*TB)[picture];"));
    }

    fn sound(&mut self) {
        let length = seconds(self.plan.duration_ms);
        for (label, side) in [("left", &self.plan.agent), ("right", &self.plan.buyer)] {
            let mono = format!("aformat=sample_fmts=fltp:sample_rates={RATE}:channel_layouts=mono");
            if side.voices.is_empty() {
                self.push(format_args!("anullsrc=r={RATE}:cl=mono:d={length},{mono}[{label}];"));
                continue;
            }
            for voice in &side.voices {
                self.push(format_args!(
                    "[{voice}:a]aresample={RATE}:async=1:min_hard_comp=0.01:first_pts=0,{mono}[v{voice}];"
                ));
            }
            for voice in &side.voices {
                self.push(format_args!("[v{voice}]"));
            }
            self.push(format_args!(
                "amix=inputs={}:duration=longest:dropout_transition=0:normalize=0,apad,atrim=end={length},{mono}[{label}];",
                side.voices.len()
            ));
        }
        let cut = self.cut();
        self.push(format_args!(
            "[left][right]join=inputs=2:channel_layout=stereo:map=0.0-FL|1.0-FR,asetnsamples=n={PIECE}:p=1,\
             aselect='not({cut})',asetpts=N/SR/TB[sound]"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exports::tests::{index, track};

    fn graph(command: &Command) -> &str {
        let at = command.arguments.iter().position(|argument| argument == "-filter_complex").unwrap();
        &command.arguments[at + 1]
    }

    #[test]
    fn what_people_are_called_stands_in_files_and_never_in_the_graph() {
        let evil = "x':textfile=/etc/passwd,drawtext=%{pts}\nnext";
        let mut camera = track("buyer-camera-1", 0, 2_000);
        camera.name = evil.to_owned();
        let plan = Plan::of(&index(2_000, vec![camera]), &[]);
        let words = Words { title: evil.to_owned(), epoch_s: Some(7) };
        let command = command(&plan, &words);
        assert!(!graph(&command).contains("passwd"));
        assert!(command.files.iter().any(|(name, text)| name == "buyer-name" && text.contains("passwd")));
        let plain = command.files.iter().filter(|(name, _)| name != "time");
        assert!(plain.clone().all(|(name, text)| {
            !text.contains('\n') && graph(&command).contains(&format!("textfile={name}:expansion=none"))
        }));
    }

    #[test]
    fn sound_and_picture_are_cut_at_the_same_numbers() {
        let plan = Plan::of(
            &index(10_000, vec![track("buyer-microphone-1", 0, 10_000)]),
            &[Stretch { start_ms: 1_001, end_ms: 2_000 }],
        );
        let command = command(&plan, &Words { title: String::new(), epoch_s: None });
        let cut = "'not(gte(n,25)*lt(n,50))'";
        assert!(graph(&command).contains(&format!(",select={cut}")), "{}", graph(&command));
        assert!(graph(&command).contains(&format!("aselect={cut}")));
        assert!(!command.files.iter().any(|(name, _)| name == "time"));
    }
}
