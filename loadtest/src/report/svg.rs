//! Plots as inline SVG: lines over time or over each other, bars. Colours come from the page, so light and dark both work.

use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 36.0;

/// A line of a plot.
pub(super) struct Line {
    /// Its name, in the legend.
    pub(super) name: String,
    /// Points; a gap where the second is `None`.
    pub(super) points: Vec<(f64, Option<f64>)>,
}

/// A plot of lines.
pub(super) struct Plot<'a> {
    /// What it shows, for those who do not see it.
    pub(super) title: &'a str,
    /// Under the horizontal axis.
    pub(super) x: &'a str,
    /// Beside the vertical axis.
    pub(super) y: &'a str,
    /// The lines; colours by their order.
    pub(super) lines: Vec<Line>,
    /// Stretches of the horizontal axis to shade.
    pub(super) shaded: Option<(f64, f64)>,
    /// The horizontal axis is logarithmic.
    pub(super) log_x: bool,
    /// The vertical axis goes at least this far.
    pub(super) y_least: f64,
}

/// A round step that makes three to six ticks.
fn step(span: f64) -> f64 {
    let rough = (span / 4.0).max(1e-9);
    let power = 10f64.powf(rough.log10().floor());
    let times = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|it| it * power >= rough).unwrap_or(10.0);
    times * power
}

/// A number without noise.
pub(super) fn number(value: f64) -> String {
    let text = match value.abs() {
        v if v >= 100.0 || v == 0.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

impl Plot<'_> {
    /// The figure with its legend; empty where there is nothing to draw.
    pub(super) fn draw(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| &line.points).filter(|(_, y)| y.is_some());
        let xs = || points().map(|(x, _)| *x);
        let (Some(x_min), Some(x_max)) = (xs().min_by(f64::total_cmp), xs().max_by(f64::total_cmp)) else {
            return String::new();
        };
        let (x_min, x_max) =
            if self.log_x { (x_min.max(0.01), x_max.max(0.1)) } else { (x_min.min(0.0), x_max) };
        let y_max = points().filter_map(|(_, y)| *y).fold(self.y_least, f64::max).max(1e-9);
        let y_step = step(y_max);
        let y_top = (y_max / y_step).ceil() * y_step;
        let scale_x = |x: f64| -> f64 {
            let share = if self.log_x {
                (x.max(x_min) / x_min).ln() / (x_max / x_min).ln().max(1e-9)
            } else {
                (x - x_min) / (x_max - x_min).max(1e-9)
            };
            LEFT + share * (WIDTH - LEFT - RIGHT)
        };
        let scale_y = |y: f64| TOP + (1.0 - y / y_top) * (HEIGHT - TOP - BOTTOM);
        let mut svg = format!(
            "<figure><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
            escape(self.title)
        );
        if let Some((from, to)) = self.shaded {
            let (from, to) = (scale_x(from.max(x_min)), scale_x(to.min(x_max)));
            let _ = write!(
                svg,
                "<rect class=\"shade\" x=\"{from:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{:.1}\"/>",
                (to - from).max(0.0),
                HEIGHT - TOP - BOTTOM
            );
        }
        for tick in 0..=(y_top / y_step).round() as usize {
            let value = tick as f64 * y_step;
            let y = scale_y(value);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                y + 4.0,
                number(value)
            );
        }
        for value in self.x_ticks(x_min, x_max) {
            let x = scale_x(value);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{:.1}\"/>\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                HEIGHT - BOTTOM,
                HEIGHT - BOTTOM + 16.0,
                number(value)
            );
        }
        for (place, line) in self.lines.iter().enumerate() {
            let mut path = String::new();
            let mut pen = 'M';
            for (x, y) in &line.points {
                match y {
                    Some(y) => {
                        let _ = write!(path, "{pen}{:.1} {:.1}", scale_x(*x), scale_y(*y));
                        pen = 'L';
                    }
                    None => pen = 'M',
                }
            }
            let _ = write!(svg, "<path class=\"line c{place}\" d=\"{path}\"/>");
        }
        let _ = write!(
            svg,
            "<text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text></svg>",
            WIDTH - RIGHT,
            HEIGHT - 4.0,
            escape(self.x)
        );
        let legend =
            self.lines.iter().enumerate().map(|(place, line)| {
                format!("<span><i class=\"c{place}\"></i>{}</span>", escape(&line.name))
            });
        let _ = write!(
            svg,
            "<figcaption><b>{}</b>{}</figcaption></figure>",
            escape(self.y),
            legend.collect::<String>()
        );
        svg
    }

    fn x_ticks(&self, from: f64, to: f64) -> Vec<f64> {
        if self.log_x {
            let powers = (from.log10().floor() as i32)..=(to.log10().ceil() as i32);
            let ticks = powers.flat_map(|power| [1.0, 3.0].map(|it| it * 10f64.powi(power)));
            return ticks.filter(|it| (from..=to).contains(it)).collect();
        }
        let step = step(to - from);
        let first = (from / step).ceil() * step;
        (0..).map(|it| first + f64::from(it) * step).take_while(|it| *it <= to).collect()
    }
}

/// Horizontal bars one after the other, as steps of a journey: name, from, to, and a note.
pub(super) fn waterfall(title: &str, steps: &[(&str, f64, f64)], unit: &str) -> String {
    let end = steps.iter().map(|(_, _, to)| *to).fold(1e-9, f64::max);
    let left = 190.0;
    let height = 28.0 * steps.len() as f64 + 8.0;
    let mut svg = format!(
        "<figure><svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">",
        escape(title)
    );
    for (place, (name, from, to)) in steps.iter().enumerate() {
        let scale = |value: f64| left + value / end * (WIDTH - left - 90.0);
        let y = 28.0 * place as f64 + 6.0;
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <rect class=\"bar\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"18\" rx=\"3\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{} {unit}</text>",
            left - 8.0,
            y + 13.0,
            escape(name),
            scale(*from),
            (scale(*to) - scale(*from)).max(2.0),
            scale(*to) + 6.0,
            y + 13.0,
            number(to - from)
        );
    }
    svg + "</svg></figure>"
}

/// Text inside HTML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_numbers_are_short() {
        assert_eq!([step(10.0), step(1.0), step(37.0), step(0.04)], [2.5, 0.25, 10.0, 0.01]);
        assert_eq!([number(0.5), number(12.25), number(1234.5), number(0.0)], ["0.5", "12.2", "1234", "0"]);
    }

    #[test]
    fn a_plot_without_points_is_nothing_and_names_are_escaped() {
        let plot = |points| Plot {
            title: "t",
            x: "s",
            y: "<ms>",
            lines: vec![Line { name: "a&b".into(), points }],
            shaded: Some((0.0, 1.0)),
            log_x: false,
            y_least: 0.0,
        };
        assert_eq!(plot(Vec::new()).draw(), "");
        let drawn = plot(vec![(0.0, Some(1.0)), (1.0, None), (2.0, Some(3.0))]).draw();
        assert!(drawn.contains("a&amp;b") && drawn.contains("&lt;ms&gt;"));
        assert_eq!(drawn.matches('M').count(), 2, "a gap begins a new stroke");
    }
}
