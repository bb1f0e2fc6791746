//! Plots of cost against size: SVG with logarithmic axes.

use std::fmt::Write as _;

/// A line of a plot.
#[derive(Clone, Debug)]
pub struct Line {
    /// The name in the legend.
    pub name: String,
    /// Pairs of size and cost, both above zero.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
const MARGIN: f64 = 60.0;
const COLOURS: [&str; 5] = ["#1f6feb", "#d1242f", "#1a7f37", "#8250df", "#bf8700"];

/// Draws the lines into one SVG.
#[must_use]
pub fn plot(title: &str, size: &str, cost: &str, lines: &[Line]) -> String {
    let across = Axis::over(
        lines
            .iter()
            .flat_map(|line| line.points.iter().map(|p| p.0)),
    );
    let up = Axis::over(
        lines
            .iter()
            .flat_map(|line| line.points.iter().map(|p| p.1)),
    );
    let at = |(x, y): (f64, f64)| {
        let left = MARGIN + across.place(x) * (WIDTH - 2.0 * MARGIN);
        let top = HEIGHT - MARGIN - up.place(y) * (HEIGHT - 2.0 * MARGIN);
        (left, top)
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{MARGIN}\" y=\"24\" font-size=\"15\">{title}</text>\n\
         <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{size}</text>\n\
         <text x=\"{MARGIN}\" y=\"46\">{cost}</text>\n",
        WIDTH / 2.0,
        HEIGHT - 16.0
    );
    for decade in across.decades() {
        let (x, bottom) = at((decade, up.least()));
        line(&mut svg, (x, MARGIN), (x, bottom), "#ddd");
        text(&mut svg, (x, bottom + 18.0), "middle", &decade.to_string());
    }
    for decade in up.decades() {
        let (left, y) = at((across.least(), decade));
        line(&mut svg, (left, y), (WIDTH - MARGIN, y), "#ddd");
        text(&mut svg, (left - 6.0, y + 4.0), "end", &decade.to_string());
    }
    for (i, drawn) in lines.iter().enumerate() {
        let colour = COLOURS[i % COLOURS.len()];
        let points: Vec<String> = drawn
            .points
            .iter()
            .map(|&p| at(p))
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" \
             points=\"{}\"/>",
            points.join(" ")
        );
        let top = MARGIN + 16.0 * i as f64 + 14.0;
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{top}\" fill=\"{colour}\">{}</text>",
            MARGIN + 8.0,
            drawn.name
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// Writes a plot of one line to the file that the variable `PLOT` names, if it is set.
///
/// # Panics
/// If the file cannot be written.
pub fn write_plot(title: &str, size: &str, points: Vec<(f64, f64)>) {
    let Some(file) = std::env::var_os("PLOT") else {
        return;
    };
    let line = Line {
        name: "tokenkeeper".to_owned(),
        points,
    };
    let cost = "ms from the endpoint's answer to the last task";
    let svg = plot(title, size, cost, &[line]);
    std::fs::write(file, svg).expect("the plot can be written");
}

fn line(svg: &mut String, from: (f64, f64), to: (f64, f64), colour: &str) {
    let ((x1, y1), (x2, y2)) = (from, to);
    let _ = writeln!(
        svg,
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" \
         stroke=\"{colour}\"/>"
    );
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, text: &str) {
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
    );
}

/// A logarithmic axis of whole decades around all values.
struct Axis {
    from: i32,
    to: i32,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64>) -> Self {
        let logs: Vec<f64> = values.map(f64::log10).collect();
        let least = logs.iter().copied().fold(f64::INFINITY, f64::min).floor() as i32;
        let most = logs
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max)
            .ceil() as i32;
        Self {
            from: least,
            to: most.max(least + 1),
        }
    }

    fn place(&self, value: f64) -> f64 {
        (value.log10() - f64::from(self.from)) / f64::from(self.to - self.from)
    }

    fn least(&self) -> f64 {
        10f64.powi(self.from)
    }

    fn decades(&self) -> impl Iterator<Item = f64> + use<> {
        (self.from..=self.to).map(|power| 10f64.powi(power))
    }
}
