//! Random numbers by counter: a function of seed, stream and place, so that nothing depends on who draws first.

/// A mixing of 64 bits (the finalizer of `SplitMix64`, Steele et al. 2014).
#[inline(always)]
fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The independent sequences of a seed, each of which can be entered anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stream(u64);

impl Stream {
    /// The sequence of this name.
    pub(crate) fn new(seed: u64, name: u64) -> Self {
        Self(mix(seed ^ 0x6a09_e667_f3bc_c909)).fork(name)
    }

    /// A sequence below this one.
    pub(crate) fn fork(self, name: u64) -> Self {
        Self(mix(self.0
            ^ mix(name.wrapping_add(0x9e37_79b9_7f4a_7c15))
                .rotate_left(17)))
    }

    /// The bits at a place.
    #[inline(always)]
    pub(crate) fn bits(self, place: u64) -> u64 {
        mix(self
            .0
            .wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// Uniform in `(0, 1)`.
    #[inline(always)]
    pub(crate) fn uniform(self, place: u64) -> f64 {
        ((self.bits(place) >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// Standard normal (Box and Muller 1958).
    pub(crate) fn normal(self, place: u64) -> f64 {
        let radius = (-2.0 * self.uniform(2 * place).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform(2 * place + 1)).cos()
    }

    /// A whole number in `0..n`.
    pub(crate) fn below(self, place: u64, n: usize) -> usize {
        ((u128::from(self.bits(place)) * n as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Stream;

    #[test]
    fn moments_are_those_of_the_laws() {
        let n = 100_000_u64;
        let stream = Stream::new(3, 1);
        let mean = |f: &dyn Fn(u64) -> f64| (0..n).map(f).sum::<f64>() / n as f64;
        assert!((mean(&|i| stream.uniform(i)) - 0.5).abs() < 0.005);
        assert!(mean(&|i| stream.normal(i)).abs() < 0.015);
        assert!((mean(&|i| stream.normal(i).powi(2)) - 1.0).abs() < 0.02);
        assert!((mean(&|i| stream.below(i, 7) as f64) - 3.0).abs() < 0.03);
    }

    #[test]
    fn streams_are_not_shifts_of_one_another() {
        let (a, b) = (Stream::new(1, 0), Stream::new(1, 1));
        let both = (0..100_000).map(|i| a.normal(i) * b.normal(i));
        assert!((both.sum::<f64>() / 1e5).abs() < 0.02);
        assert_ne!(a.fork(5).bits(0), a.bits(5));
    }
}
