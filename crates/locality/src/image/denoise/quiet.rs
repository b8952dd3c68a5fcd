//! How strong the noise of a picture is, told by the places where least else is seen.

use super::levels::Levels;
use super::noise::{HIGH, NoiseLevel, QUARTILE, estimate_noise, median};
use crate::image::view::{ImageView, Sample};
use crate::{Result, Watch, par::map_blocks};

/// The low-pass filter that goes with [`HIGH`].
const LOW: [f64; 4] = [-HIGH[3], HIGH[2], -HIGH[1], HIGH[0]];
/// Rows of a picture that are looked at together.
const STRIP: usize = 32;
/// Up to this many pixels all four places of the wavelet's grid are taken, and of larger pictures at most a quarter as many spots.
const MANY: usize = 1 << 20;
/// So many spots tell whether there is as much noise as somebody says.
const FEW: usize = 1 << 14;
/// The quietest share of the spots is asked, at least this many.
const SHARE: f64 = 0.2;
const LEAST: usize = 256;
/// Spots are left aside where the variance of noise that was cut off is below this share of what it was; the later ones where there are
/// few others.
const WEAKEST: [f64; 3] = [0.9, 0.7, 0.3];
/// What few others means, as a share of all spots.
const RARE: f64 = 0.05;
/// The fixed point is found in so few steps, to this share of it.
const STEPS: usize = 30;
const TOLERANCE: f64 = 3e-4;
/// Noise as strong as this share of what was said is no ground to doubt it.
const DOUBT: f64 = 0.95;

/// One place of the wavelet's grid.
#[derive(Clone, Copy, Debug)]
struct Spot {
    /// Size of the diagonal coefficient.
    size: f32,
    /// Root mean square of all other coefficients about it, which noise of the diagonal one does not reach.
    around: f32,
    /// Mean of the picture about it.
    mean: f32,
}

/// Estimates the standard deviation of white Gaussian noise from the quietest places of a picture, channel by channel.
///
/// As [`estimate_noise`], this is the median of the sizes of the finest diagonal coefficients of the db2 wavelet over the normal
/// distribution's third quartile; but of that fifth of them about which all other fine coefficients are smallest, so that texture is not
/// taken for noise. Coefficients of an orthonormal wavelet have independent noise, so that the choice does not make the estimate smaller.
///
/// In pictures whose noise was cut off at black and white, those of integers and floats of a known `range`, every coefficient counts by
/// the standard deviation that noise has left at the brightness about it (Foi, *Clipped noisy images: heteroskedastic modeling and practical
/// denoising*, Signal Processing 89(12), 2009), and those with little left are put aside.
///
/// `range` is the distance of black from white in the samples' own units; without it that of integers is their type's, and floats are
/// not taken to be cut off. Coefficients of exactly 0 say nothing, as those that reach pixels of opacity 0. Pictures of fewer than 4 rows
/// or columns get the estimate of [`estimate_noise`].
///
/// ```
/// use locality::Watch;
/// use locality::image::{ImageView, estimate_noise, estimate_noise_robust};
/// // A dark picture: half of the noise is cut off.
/// let mut state = 1_u64;
/// let mut uniform = || {
///     state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
///     (state >> 40) as f64 / f64::from(1 << 24) - 0.5
/// };
/// let noise = (0..128 * 128).map(|_| 20.0 * (0..12).map(|_| uniform()).sum::<f64>());
/// let dark: Vec<u8> = noise.map(|n| (5.0 + n).round() as u8).collect();
/// let picture = ImageView::new(&dark, 128, 128, 1)?;
/// let watch = Watch::default();
/// assert!((estimate_noise_robust(&picture, None, &watch)?.joint() / 20.0 - 1.0).abs() < 0.15);
/// assert!(estimate_noise(&picture, &watch)?.joint() < 14.0);
/// # Ok::<(), locality::Error>(())
/// ```
///
/// # Errors
/// [`Interrupted`](crate::ErrorKind::Interrupted).
pub fn estimate_noise_robust<T: Sample>(
    image: &ImageView<'_, T>,
    range: Option<f64>,
    watch: &Watch<'_>,
) -> Result<NoiseLevel> {
    let full = full_of::<T>(range);
    let spots = gathered(image, MANY, watch)?;
    if spots.iter().all(Vec::is_empty) {
        return estimate_noise(image, watch);
    }
    let found = map_blocks(&watch.quiet(), spots.len(), 1, |k| {
        Ok(settled(&spots[k.start], full))
    })?;
    Ok(NoiseLevel::new(found))
}

/// The smaller of `sigma` and the noise that a picture shows where noise is cut off, by a quick look.
pub(super) fn shown_of<T: Sample>(
    image: &ImageView<'_, T>,
    sigma: f64,
    full: f64,
    watch: &Watch<'_>,
) -> Result<f64> {
    let spots = gathered(image, FEW, watch)?;
    let mean = |of: &dyn Fn(&[Spot]) -> f64| {
        let sum: f64 = spots.iter().map(|spots| of(spots)).sum();
        sum / spots.len() as f64
    };
    // The estimate is above a number where a step from it goes up.
    let levels = Levels::new(sigma, full);
    if mean(&|spots| step(spots, sigma, Some(&levels))) >= DOUBT * sigma {
        return Ok(sigma);
    }
    Ok(mean(&|spots| settled(spots, Some(full))).min(sigma))
}

/// Where white is on the common scale, for samples that are cut off at black and white.
pub(super) fn full_of<T: Sample>(range: Option<f64>) -> Option<f64> {
    let own = (T::LEVELS > 0).then_some(T::FULL);
    range.or(own).map(|full| full * T::SCALE)
}

/// The spots of every channel, `many` of them or somewhat more.
fn gathered<T: Sample>(
    image: &ImageView<'_, T>,
    many: usize,
    watch: &Watch<'_>,
) -> Result<Vec<Vec<Spot>>> {
    let height = image.height();
    let strips: Vec<(usize, usize)> = (0..image.frames())
        .flat_map(|frame| {
            let strip = move |top: usize| (frame * height + top, STRIP.min(height - top));
            (0..height).step_by(STRIP).map(strip)
        })
        .collect();
    let by = (image.pixels() / 4).div_ceil(many).max(1);
    let shifts: &[(usize, usize)] = if image.pixels() <= many {
        &[(0, 0), (0, 1), (1, 0), (1, 1)]
    } else {
        &[(0, 0)]
    };
    let some: Vec<(usize, usize)> = strips.into_iter().skip(by / 2).step_by(by).collect();
    let parts = map_blocks(watch, some.len() * image.colors(), 1, |item| {
        let (channel, strip) = (item.start / some.len(), item.start % some.len());
        let mut spots = Vec::new();
        for shift in shifts {
            of_strip(image, some[strip], channel, *shift, &mut spots);
        }
        Ok(spots)
    })?;
    Ok(parts.chunks(some.len().max(1)).map(<[_]>::concat).collect())
}

/// Appends the spots of a strip, its first row and their number, on the grid that begins at a shift.
fn of_strip<T: Sample>(
    image: &ImageView<'_, T>,
    (first, rows): (usize, usize),
    channel: usize,
    (down, right): (usize, usize),
    out: &mut Vec<Spot>,
) {
    let width = image.width();
    if rows < down + 4 || width < right + 4 {
        return;
    }
    let (high, wide) = ((rows - down - 4) / 2 + 1, (width - right - 4) / 2 + 1);
    let (mut sizes, mut squares, mut means) = (Vec::new(), Vec::new(), Vec::new());
    // Of four rows each: high-pass, low-pass and mean.
    let mut lines = vec![[0.0; 3]; width];
    for y in 0..high {
        lines.fill([0.0; 3]);
        for tap in 0..4 {
            let row = (first + down + 2 * y + tap) * width;
            for (x, line) in lines.iter_mut().enumerate() {
                let value = if image.is_transparent(row + x) {
                    f64::NAN
                } else {
                    image.pixel(row + x)[channel].to_f64() * T::SCALE
                };
                line[0] += HIGH[tap] * value;
                line[1] += LOW[tap] * value;
                line[2] += 0.25 * value;
            }
        }
        for line in lines[right..].windows(4).step_by(2) {
            let taps = |of: usize, by: &[f64; 4]| -> f64 {
                line.iter().zip(by).map(|(line, tap)| line[of] * tap).sum()
            };
            let diagonal = taps(0, &HIGH);
            let others = taps(1, &HIGH).powi(2) + taps(0, &LOW).powi(2);
            sizes.push(diagonal.abs());
            squares.push(others + diagonal * diagonal);
            means.push(taps(2, &[0.25; 4]));
        }
    }
    let around = boxed(&squares, (high, wide), 2);
    let means = boxed(&means, (high, wide), 2);
    for (i, size) in sizes.into_iter().enumerate() {
        if size.is_nan() || size == 0.0 {
            continue;
        }
        let ((sum, count), (total, number)) = (around[i], means[i]);
        let rest = (sum - size * size).max(0.0) / (3.0 * count - 1.0);
        out.push(Spot {
            size: size as f32,
            around: rest.sqrt() as f32,
            mean: (total / number) as f32,
        });
    }
}

/// Sums over squares within `[height, width]`, and of how many numbers.
fn boxed(of: &[f64], (height, width): (usize, usize), radius: usize) -> Vec<(f64, f64)> {
    let span = |at: usize, size: usize| at.saturating_sub(radius)..(at + radius + 1).min(size);
    let add = |sum: (f64, f64), v: &(f64, f64)| (sum.0 + v.0, sum.1 + v.1);
    let one = |v: &f64| {
        if v.is_nan() { (0.0, 0.0) } else { (*v, 1.0) }
    };
    let mut across = Vec::with_capacity(of.len());
    for row in of.chunks_exact(width) {
        let row: Vec<(f64, f64)> = row.iter().map(one).collect();
        across.extend((0..width).map(|x| row[span(x, width)].iter().fold((0.0, 0.0), add)));
    }
    let mut sums = Vec::with_capacity(of.len());
    for y in 0..height {
        let column = |x: usize| {
            let rows = span(y, height).map(|y| &across[y * width + x]);
            rows.fold((0.0, 0.0), add)
        };
        sums.extend((0..width).map(column));
    }
    sums
}

/// The standard deviation that noise of a channel must have for the quietest spots to be what they are; 0 without spots.
fn settled(spots: &[Spot], full: Option<f64>) -> f64 {
    let mut sigma = step(spots, 0.0, None);
    let Some(full) = full else {
        return sigma;
    };
    for _ in 0..STEPS {
        if sigma <= 0.0 {
            break;
        }
        let next = step(spots, sigma, Some(&Levels::new(sigma, full)));
        let rest = (next - sigma).abs() <= TOLERANCE * sigma;
        sigma = next;
        if rest {
            break;
        }
    }
    sigma
}

/// The estimate from the quietest spots, each measured by the noise that a standard deviation of `sigma` leaves at its brightness.
fn step(spots: &[Spot], sigma: f64, levels: Option<&Levels>) -> f64 {
    let whole = (sigma * sigma) as f32;
    let share = |spot: &Spot| levels.map_or(1.0, |levels| levels.at(spot.mean) / whole);
    let mut pairs: Vec<(f32, f32)> = Vec::new();
    for weakest in WEAKEST {
        pairs.clear();
        for spot in spots {
            let share = share(spot);
            if f64::from(share) >= weakest {
                let by = share.sqrt();
                pairs.push((spot.around / by, spot.size / by));
            }
        }
        if pairs.len() as f64 >= RARE * spots.len() as f64 {
            break;
        }
    }
    let count = pairs.len();
    let quiet = ((SHARE * count as f64) as usize).max(LEAST);
    if quiet < count {
        pairs.select_nth_unstable_by(quiet, |a, b| a.0.total_cmp(&b.0));
        pairs.truncate(quiet);
    }
    let mut sizes: Vec<f64> = pairs.iter().map(|pair| f64::from(pair.1)).collect();
    median(&mut sizes) / QUARTILE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn the_two_filters_are_orthogonal_at_even_steps() {
        let along = |by: usize| -> f64 { (by..4).map(|i| HIGH[i] * LOW[i - by]).sum() };
        let back = |by: usize| -> f64 { (by..4).map(|i| LOW[i] * HIGH[i - by]).sum() };
        assert!(along(0).abs() < 1e-15 && along(2).abs() < 1e-15 && back(2).abs() < 1e-15);
        assert!((LOW.iter().map(|l| l * l).sum::<f64>() - 1.0).abs() < 1e-12);
    }

    fn flat(x: f64, sigma: f64, size: usize) -> Vec<u8> {
        let mut random = Random::new(2, x as u64);
        (0..size * size)
            .map(|_| (x + sigma * random.normal()).round().clamp(0.0, 255.0) as u8)
            .collect()
    }

    #[test]
    fn noise_is_known_at_every_brightness() {
        for (x, sigma, most) in [
            (128.0, 10.0, 0.03),
            (128.0, 50.0, 0.03),
            (20.0, 25.0, 0.15),
            (0.0, 25.0, 0.15),
            (250.0, 25.0, 0.15),
        ] {
            // A fifth of the coefficients' median is known to 1.3 % in this size.
            let samples = flat(x, sigma, 400);
            let image = ImageView::new(&samples, 400, 400, 1).unwrap();
            let found = estimate_noise_robust(&image, None, &Watch::default()).unwrap();
            let off = found.joint() / sigma - 1.0;
            assert!(off.abs() < most, "{x} {sigma}: {off}");
        }
    }

    #[test]
    fn no_more_noise_is_shown_than_there_is() {
        let samples = flat(100.0, 10.0, 160);
        let image = ImageView::new(&samples, 160, 160, 1).unwrap();
        let shown = |sigma: f64| shown_of(&image, sigma, 255.0, &Watch::default()).unwrap();
        assert!((shown(40.0) / 10.0 - 1.0).abs() < 0.05, "{}", shown(40.0));
        assert_eq!((shown(9.0), shown(3.0)), (9.0, 3.0));
        let clean = vec![100_u8; 160 * 160];
        let image = ImageView::new(&clean, 160, 160, 1).unwrap();
        assert_eq!(
            shown_of(&image, 40.0, 255.0, &Watch::default()).unwrap(),
            0.0
        );
    }
}
