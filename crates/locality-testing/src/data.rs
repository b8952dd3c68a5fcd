//! Seeded data.

/// A small generator (`SplitMix64`, Steele et al. 2014): the same numbers on every machine.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A generator from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `[0, 1)`.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let r = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        r * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Uniform in `0..n`.
    pub fn below(&mut self, n: usize) -> usize {
        ((self.uniform() * n as f64) as usize).min(n - 1)
    }
}

/// `n x d` standard normal numbers.
pub fn normal(seed: u64, n: usize, d: usize) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    (0..n * d).map(|_| rng.normal()).collect()
}

/// `n x d` numbers in `k` normal clusters of standard deviation `spread` around centres in `[-10, 10]^d`, and their clusters.
pub fn blobs(seed: u64, n: usize, d: usize, k: usize, spread: f64) -> (Vec<f64>, Vec<usize>) {
    let mut rng = Rng::new(seed);
    let centers: Vec<f64> = (0..k * d).map(|_| 20.0 * rng.uniform() - 10.0).collect();
    let mut x = Vec::with_capacity(n * d);
    let mut labels = Vec::with_capacity(n);
    for i in 0..n {
        let c = i % k;
        labels.push(c);
        x.extend((0..d).map(|j| centers[c * d + j] + spread * rng.normal()));
    }
    (x, labels)
}

/// `n x d` unpleasant numbers: a line, duplicates, a far group and one far outlier.
pub fn line_and_outliers(seed: u64, n: usize, d: usize) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    let mut x = Vec::with_capacity(n * d);
    for i in 0..n {
        for j in 0..d {
            x.push(match i % 4 {
                0 => i as f64 / n as f64 * (j + 1) as f64,
                1 => 0.25,
                2 => 50.0 + 0.01 * rng.normal(),
                _ if i == n - 1 => 1e4,
                _ => rng.normal(),
            });
        }
    }
    x
}

/// The numbers in the other precision, `[n, d]` as they are.
pub fn table(x: &[f64]) -> Vec<f32> {
    x.iter().map(|&v| v as f32).collect()
}
