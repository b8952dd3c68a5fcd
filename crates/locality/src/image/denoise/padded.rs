//! Colours in planes whose rows go on beyond the picture, for loops over a picture and itself shifted.

use super::super::regions::Grid;
use super::super::view::{ImageView, Sample};
use crate::Float;
use crate::patches::reflected;

/// What lies beyond the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Border {
    /// The picture's mirror image, the border's pixels once: `(c b | a b c | b a)`.
    Mirror,
    /// The picture's mirror image, the border's pixels twice: `(b a | a b c | c b)`.
    Symmetric,
    /// The picture again and again: `(b c | a b c | a b)`.
    Wrap,
    /// The border's pixels again and again.
    Edge,
    /// Zeros.
    Zero,
}

impl Border {
    /// The pixel that stands at a place; `None` for one of zeros.
    fn place(self, at: isize, size: usize) -> Option<usize> {
        if (0..size.cast_signed()).contains(&at) {
            return Some(at.cast_unsigned());
        }
        match self {
            Self::Mirror => Some(reflected(at, size)),
            Self::Symmetric => {
                let at = at.rem_euclid(2 * size.cast_signed()).cast_unsigned();
                Some(at.min(2 * size - 1 - at))
            }
            Self::Wrap => Some(at.rem_euclid(size.cast_signed()).cast_unsigned()),
            Self::Edge => Some(at.clamp(0, size.cast_signed() - 1).cast_unsigned()),
            Self::Zero => None,
        }
    }
}

/// Planes of numbers on the common scale of [`Sample`], one padded row for each frame, row and channel.
#[derive(Debug)]
pub(super) struct Padded<T> {
    /// All rows, one of zeros, and a few numbers to spare.
    data: Vec<T>,
    /// 1 for pixels that take part and 0 for others, laid out as one more channel; empty where all do.
    mask: Vec<T>,
    border: Border,
    pub(super) grid: Grid,
    pub(super) channels: usize,
    /// Columns before the picture's first in each row.
    pub(super) pad: usize,
    stride: usize,
}

/// Pixels that [`Padded::some`] gives at once.
pub(super) const LANES: usize = 16;

impl<T: Float> Padded<T> {
    /// The colours of an image, with `pad` more columns on both sides.
    pub(super) fn new<S: Sample>(image: &ImageView<'_, S>, pad: usize, border: Border) -> Self {
        let channels = image.colors();
        let value = |i: usize, k: usize| T::from_f64(image.pixel(i)[k].to_f64() * S::SCALE);
        let hidden = (0..image.pixels()).any(|i| image.is_transparent(i));
        let mut planes = Self::of(image.grid(), channels, (pad, border), value);
        if hidden {
            let shown = |i: usize, _: usize| {
                if image.is_transparent(i) {
                    T::ZERO
                } else {
                    T::ONE
                }
            };
            planes.mask = Self::of(image.grid(), 1, (pad, border), shown).data;
        }
        planes
    }

    /// Planes of the numbers `value(pixel, channel)`.
    pub(super) fn of(
        grid: Grid,
        channels: usize,
        (pad, border): (usize, Border),
        value: impl Fn(usize, usize) -> T,
    ) -> Self {
        let width = grid.width;
        let stride = width + 2 * pad;
        let columns: Vec<Option<usize>> = (0..stride)
            .map(|x| border.place(x.cast_signed() - pad.cast_signed(), width))
            .collect();
        let lines = grid.frames * grid.height + 1;
        let mut data = Vec::with_capacity(lines * channels * stride + LANES);
        for row in 0..grid.frames * grid.height {
            for k in 0..channels {
                let beyond = |columns: &[Option<usize>], data: &mut Vec<T>| {
                    let number =
                        |x: &Option<usize>| x.map_or(T::ZERO, |x| value(row * width + x, k));
                    data.extend(columns.iter().map(number));
                };
                beyond(&columns[..pad], &mut data);
                data.extend((row * width..(row + 1) * width).map(|i| value(i, k)));
                beyond(&columns[pad + width..], &mut data);
            }
        }
        data.resize(data.len() + channels * stride + LANES, T::ZERO);
        Self {
            data,
            mask: Vec::new(),
            border,
            grid,
            channels,
            pad,
            stride,
        }
    }

    /// A padded row of a channel; rows and frames outside the picture are those of the border.
    #[inline(always)]
    pub(super) fn row(&self, frame: isize, row: isize, channel: usize) -> &[T] {
        let line = self.line(frame, row);
        &self.data[(line * self.channels + channel) * self.stride..][..self.stride]
    }

    /// Which pixels of a padded row take part, where some do not.
    #[inline(always)]
    pub(super) fn mask(&self, frame: isize, row: isize) -> Option<&[T]> {
        let line = self.line(frame, row);
        self.is_masked()
            .then(|| &self.mask[line * self.stride..][..self.stride])
    }

    /// Whether there are pixels that take no part.
    pub(super) fn is_masked(&self) -> bool {
        !self.mask.is_empty()
    }

    /// A few numbers of a channel's row, by the number of its [line](Self::line), from a padded column on.
    #[inline(always)]
    pub(super) fn some(&self, line: usize, channel: usize, column: usize) -> [T; LANES] {
        chunk(&self.data[(line * self.channels + channel) * self.stride + column..])
    }

    /// The same of the pixels that take part.
    #[inline(always)]
    pub(super) fn some_mask(&self, line: usize, column: usize) -> Option<[T; LANES]> {
        self.is_masked()
            .then(|| chunk(&self.mask[line * self.stride + column..]))
    }

    /// The number of a row among all of them; that of the zeros where there is none.
    #[inline(always)]
    pub(super) fn line(&self, frame: isize, row: isize) -> usize {
        let frame = self.border.place(frame, self.grid.frames);
        let row = self.border.place(row, self.grid.height);
        match frame.zip(row) {
            Some((frame, row)) => frame * self.grid.height + row,
            None => self.grid.frames * self.grid.height,
        }
    }
}

#[inline(always)]
fn chunk<T: Float>(numbers: &[T]) -> [T; LANES] {
    *numbers.first_chunk().unwrap_or(&[T::ZERO; LANES])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_are_what_they_are_called() {
        let row = |border: Border, size: usize| -> Vec<Option<usize>> {
            (-4..6).map(|i| border.place(i, size)).collect()
        };
        let some = |all: [usize; 10]| all.map(Some).to_vec();
        assert_eq!(row(Border::Mirror, 3), some([0, 1, 2, 1, 0, 1, 2, 1, 0, 1]));
        assert_eq!(row(Border::Edge, 3), some([0, 0, 0, 0, 0, 1, 2, 2, 2, 2]));
        assert_eq!(row(Border::Mirror, 1), some([0; 10]));
        let symmetric = row(Border::Symmetric, 3);
        assert_eq!(symmetric, some([2, 2, 1, 0, 0, 1, 2, 2, 1, 0]));
        assert_eq!(row(Border::Wrap, 3), some([2, 0, 1, 2, 0, 1, 2, 0, 1, 2]));
        assert_eq!(
            row(Border::Zero, 3)[2..8],
            [None, None, Some(0), Some(1), Some(2), None]
        );
    }

    #[test]
    fn rows_go_on_on_both_sides() {
        let image = ImageView::new(&[1_u8, 2, 3, 4, 5, 6], 2, 3, 1).unwrap();
        let planes: Padded<f64> = Padded::new(&image, 2, Border::Mirror);
        assert_eq!(planes.row(0, 0, 0), [3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]);
        assert_eq!(planes.row(0, -1, 0), planes.row(0, 1, 0));
        assert!(planes.mask(0, 0).is_none());
        let zero: Padded<f64> = Padded::new(&image, 1, Border::Zero);
        assert_eq!(zero.row(0, 1, 0), [0.0, 4.0, 5.0, 6.0, 0.0]);
        assert_eq!(zero.row(0, 2, 0), [0.0; 5]);
    }

    #[test]
    fn what_cannot_be_seen_takes_no_part() {
        let image = ImageView::new(&[9_u16, 0, 8, 257], 1, 2, 2).unwrap();
        let image = image.with_alpha().unwrap();
        let planes: Padded<f32> = Padded::new(&image, 1, Border::Mirror);
        assert_eq!(planes.channels, 1);
        assert_eq!(planes.mask(0, 0), Some(&[1.0, 0.0, 1.0, 0.0][..]));
    }
}
