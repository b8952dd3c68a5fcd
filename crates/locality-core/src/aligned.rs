//! Runs of numbers that start at a cache line.

use std::ops::{Deref, DerefMut};

use crate::Float;

/// Bytes of a cache line, and of the widest register: a load that crosses a line costs as much as two.
const LINE: usize = 64;

/// Numbers that start at a cache line.
#[derive(Debug)]
pub(crate) struct Aligned<T> {
    /// More than are used.
    data: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Float> Aligned<T> {
    /// `len` zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        let data = vec![T::ZERO; len + LINE / size_of::<T>()];
        let start = start(&data, len);
        Self { data, start, len }
    }
}

/// Where a run may start. Any start is right: where the place is not to be known it is the first.
fn start<T>(data: &[T], len: usize) -> usize {
    let start = data.as_ptr().align_offset(LINE);
    let fits = start.checked_add(len).is_some_and(|end| end <= data.len());
    if fits { start } else { 0 }
}

impl<T: Clone> Clone for Aligned<T> {
    fn clone(&self) -> Self {
        let mut data = self.data.clone();
        let start = start(&data, self.len);
        data.rotate_left(self.start);
        data.rotate_right(start);
        Self {
            data,
            start,
            len: self.len,
        }
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.data[self.start..][..self.len]
    }
}

impl<T> DerefMut for Aligned<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.data[self.start..][..self.len]
    }
}

impl<'a, T> IntoIterator for &'a Aligned<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    #[inline(always)]
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut Aligned<T> {
    type Item = &'a mut T;
    type IntoIter = std::slice::IterMut<'a, T>;

    #[inline(always)]
    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::Aligned;

    #[test]
    fn runs_start_at_a_line_and_clones_do_too() {
        for len in [0, 1, 63, 64, 4099] {
            let mut run = Aligned::<f32>::zeros(len);
            run.iter_mut().enumerate().for_each(|(i, x)| *x = i as f32);
            let copy = run.clone();
            assert_eq!(copy.len(), len);
            assert_eq!(*copy, *run);
            for x in [&run, &copy] {
                assert_eq!(x.as_ptr().addr() % 64, 0, "{len}");
            }
        }
    }
}
