use crate::local::{Family, LocalGlm};
use crate::{Kernel, Rows, Watch};

/// A table of responses that follow its first and its last column, and how it is worked on.
struct Case {
    name: &'static str,
    x: Vec<f64>,
    d: usize,
    /// The linear predictor, from a row.
    eta: fn(&[f64]) -> f64,
    weight: Option<f64>,
    h: f64,
    penalty: f64,
    guard: bool,
}

fn curve(row: &[f64]) -> f64 {
    2.0 * (3.0 * row[0]).sin() + row[row.len() - 1]
}

impl Case {
    fn new(name: &'static str, x: Vec<f64>, d: usize, h: f64) -> Self {
        Self {
            name,
            x,
            d,
            eta: curve,
            weight: None,
            h,
            penalty: 0.01,
            guard: false,
        }
    }

    /// Means and slopes with single precision, and without.
    fn both(&self) -> [Vec<f64>; 2] {
        let (d, n) = (self.d, self.x.len() / self.d);
        let rows = Rows::new(&self.x, n, d).unwrap();
        let noise = |i: usize| (i as f64 * 0.754_877_666).fract();
        let share = |r: &[f64]| 1.0 / (1.0 + (-(self.eta)(r)).exp());
        let each = self.x.chunks(d).enumerate();
        let y: Vec<f64> = each
            .map(|(i, r)| f64::from(u8::from(noise(i) < share(r))))
            .collect();
        let weights = self.weight.map(|w| vec![w; n]);
        let watch = Watch::default();
        let model = LocalGlm::new(Kernel::gaussian(self.h), Family::Binomial);
        let model = model.penalty(self.penalty).guard(self.guard);
        let fit = model.fit(rows, Rows::column(&y), weights.as_deref(), &watch);
        let mut fit = fit.unwrap();
        assert!(fit.singles.is_some());
        let targets: Vec<f64> = (0..40)
            .flat_map(|i| rows.row(i * n / 40).iter().copied())
            .collect();
        let targets = Rows::new(&targets, 40, d).unwrap();
        let at = |fit: &crate::local::LocalGlmFit| {
            let found = fit.at(targets, &watch).unwrap();
            assert!(found.converged().iter().all(|c| *c), "{}", self.name);
            [found.means(), found.slopes()].concat()
        };
        let with = at(&fit);
        fit.singles = None;
        [with, at(&fit)]
    }
}

fn table(n: usize, d: usize) -> Vec<f64> {
    let step = |c: usize| 0.618_034 + 0.1 * c as f64;
    (0..n * d)
        .map(|k| 2.0 * ((k / d) as f64 * step(k % d)).fract() - 1.0)
        .collect()
}

#[test]
fn the_minimum_is_that_of_doubles() {
    for (d, guard) in [(1, false), (3, true), (6, false)] {
        let case = Case {
            guard,
            ..Case::new("plain", table(1500, d), d, 0.7)
        };
        let [with, without] = case.both();
        let mut same = true;
        for (a, b) in with.iter().zip(&without) {
            assert!((a - b).abs() < 3e-6 * (1.0 + b.abs()), "{d}: {a} {b}");
            same &= a == b;
        }
        // Or nothing was approached.
        assert!(!same, "{d}");
    }
}

#[test]
fn what_single_precision_cannot_tell_is_found_without_it() {
    // A long time, known in two seasons: a window is a small part of it, and lies far from its middle.
    let time = |step: f64, gap: f64| -> Vec<f64> {
        let season = |start: f64| (0..4000).map(move |i| start + f64::from(i) * step);
        season(0.0).chain(season(gap)).collect()
    };
    // Two clusters, each far smaller than what a single tells apart out there.
    let mut far = table(800, 2);
    for (i, row) in far.chunks_mut(2).enumerate() {
        let side = if i % 2 == 0 { 1e4 } else { -1e4 };
        for x in row {
            *x = *x * 0.1 + side;
        }
    }
    // Two columns that are nearly one.
    let mut near = table(1500, 2);
    for row in near.chunks_mut(2) {
        row[1] = row[0] + 1e-4 * row[1];
    }
    let plain = table(1500, 2);
    let tiny: Vec<f64> = plain.iter().map(|x| x * 1e-22).collect();
    let cases = [
        Case {
            eta: |row| (row[0] / 400.0).sin() * 1.5,
            penalty: 1.0,
            ..Case::new("time", time(10.0, 4e6), 1, 100.0)
        },
        Case {
            eta: |row| (row[0] / 300.0).sin() * 1.5,
            penalty: 1.0,
            ..Case::new("seconds", time(1.0, 4e5), 1, 20.0)
        },
        Case {
            eta: |row| 5.0 * (row[0] - row[0].signum() * 1e4) + row[1] - row[1].signum() * 1e4,
            penalty: 1e-6,
            ..Case::new("clusters", far, 2, 0.1)
        },
        Case {
            eta: |row| row[0] + 5e3 * (row[1] - row[0]),
            penalty: 0.0,
            ..Case::new("collinear", near, 2, 0.7)
        },
        Case {
            eta: |row| curve(&[row[0] * 1e22, row[1] * 1e22]),
            penalty: 0.0,
            ..Case::new("tiny", tiny, 2, 0.7e-22)
        },
        Case {
            weight: Some(1e-31),
            penalty: 0.0,
            ..Case::new("weights", plain, 2, 0.7)
        },
    ];
    for case in cases {
        let [with, without] = case.both();
        let largest = without[40..].iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        // What a single precision pretends to know differs in the third digit and before.
        for (a, b) in with[..40].iter().zip(&without) {
            assert!((a - b).abs() < 1e-5, "{}: {a} {b}", case.name);
        }
        for (a, b) in with[40..].iter().zip(&without[40..]) {
            let name = case.name;
            assert!((a - b).abs() < 1e-5 * largest, "{name}: {a} {b} {largest}");
        }
    }
}
