//! Allocation of memory for results: arrays of zeros, and uninitialised buffers that several threads fill.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytemuck::{Pod, Zeroable};
use ndarray::Array2;
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

use crate::system::advise_large_pages;

/// An array of zeros. A large array gets large pages where the system has them: most of the cost of new memory is one
/// interruption per page, and can exceed the cost of computing the values (NumPy allocates in the same way).
pub fn zeros<E: Zeroable + Clone + Default>(shape: (usize, usize)) -> Array2<E> {
    let values: Vec<E> = bytemuck::zeroed_vec(shape.0 * shape.1);
    advise_large_pages(&values);
    Array2::from_shape_vec(shape, values).unwrap_or_default()
}

/// New memory that threads write part by part, without a pass over the whole buffer before.
///
/// ```
/// use rayon::prelude::*;
/// use softnce_kernels::memory::FreshBuffer;
///
/// let input = [1.0_f32, 2.0, 3.0];
/// let mut buffer = FreshBuffer::new(3);
/// let parts = buffer.par_parts(2).zip(input.par_chunks(2));
/// parts.for_each(|(part, input)| part.fill(input.iter().map(|x| 2.0 * x)));
/// assert_eq!(buffer.finish(), [2.0, 4.0, 6.0]);
/// ```
#[derive(Debug)]
pub struct FreshBuffer<T> {
    /// Empty, with room for `len` values.
    values: Vec<T>,
    len: usize,
    /// How many values were written in the parts of the last call of `par_parts`.
    written: AtomicUsize,
}

/// A part of a [`FreshBuffer`], for one thread to write.
#[derive(Debug)]
pub struct FreshPart<'b, T> {
    values: &'b mut [MaybeUninit<T>],
    written: &'b AtomicUsize,
}

impl<T: Pod + Send> FreshBuffer<T> {
    /// Room for `len` values.
    pub fn new(len: usize) -> Self {
        FreshBuffer { values: Vec::with_capacity(len), len, written: AtomicUsize::new(0) }
    }

    /// The buffer in parts of `length` values; the last one may be shorter.
    ///
    /// # Panics
    /// If `length` is 0.
    pub fn par_parts(&mut self, length: usize) -> impl IndexedParallelIterator<Item = FreshPart<'_, T>> {
        *self.written.get_mut() = 0;
        let written = &self.written;
        let values = &mut self.values.spare_capacity_mut()[..self.len];
        values.par_chunks_mut(length).map(move |values| FreshPart { values, written })
    }

    /// The values.
    ///
    /// # Panics
    /// If not every value was written in the parts of the last call of [`FreshBuffer::par_parts`].
    #[allow(unsafe_code)]
    pub fn finish(mut self) -> Vec<T> {
        let written = *self.written.get_mut();
        assert!(written == self.len, "only {written} of {} values were written", self.len);
        // SAFETY: the capacity is at least `len`. The parts of one call do not overlap, and each is written once at most,
        // because writing consumes it; so `len` counted values are all of them. The borrows of the parts have ended, for
        // this call owns the buffer.
        unsafe { self.values.set_len(self.len) };
        self.values
    }
}

impl<'b, T: Pod + Send> FreshPart<'b, T> {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether it has no values.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Writes the values in order. [`FreshBuffer::finish`] panics later if there were too few.
    #[inline(always)]
    pub fn fill(self, values: impl Iterator<Item = T>) {
        let mut count = 0;
        for (place, value) in self.values.iter_mut().zip(values) {
            place.write(value);
            count += 1;
        }
        self.written.fetch_add(count, Ordering::Relaxed);
    }

    /// Writes slices one after the other and returns what was written. [`FreshBuffer::finish`] panics later if there were
    /// too few values; superfluous ones are dropped.
    #[allow(unsafe_code)]
    pub fn copy<'v>(self, slices: impl Iterator<Item = &'v [T]>) -> &'b mut [T]
    where
        T: 'v,
    {
        let mut count = 0;
        for slice in slices {
            let places = &mut self.values[count..];
            let taken = slice.len().min(places.len());
            places[..taken].write_copy_of_slice(&slice[..taken]);
            count += taken;
        }
        self.written.fetch_add(count, Ordering::Relaxed);
        // SAFETY: the first `count` values were written above.
        unsafe { self.values[..count].assume_init_mut() }
    }

    /// Writes zeros, for code that writes the values in another order or adds to them.
    ///
    /// Zeros written just before the values stay in the thread's cache; a separate pass over the whole buffer would go to
    /// main memory and back.
    #[allow(unsafe_code)]
    pub fn zeroed(self) -> &'b mut [T] {
        self.values.fill(MaybeUninit::new(T::zeroed()));
        self.written.fetch_add(self.values.len(), Ordering::Relaxed);
        // SAFETY: every value was written above.
        unsafe { self.values.assume_init_mut() }
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn zeros_have_the_shape_and_are_zero() {
        // The last one gets large pages; Miri has none, and would take minutes for it.
        for shape in [(0, 3), (3, 0), (2, 5), if cfg!(miri) { (7, 9) } else { (1200, 1000) }] {
            let array: Array2<f32> = zeros(shape);
            assert_eq!(array.dim(), shape);
            assert!(array.iter().all(|&value| value == 0.0));
        }
    }

    #[test]
    fn slices_are_copied_one_after_the_other() {
        let input: Vec<u32> = (0..65).collect();
        for len in [0, 1, 7, 64, 65] {
            let mut buffer = FreshBuffer::new(len);
            buffer.par_parts(16).zip(input.par_chunks(16)).for_each(|(part, input)| {
                let len = part.len();
                // The last slice goes beyond the last part.
                assert_eq!(part.copy(input.chunks(3)), &input[..len]);
            });
            assert_eq!(buffer.finish(), &input[..len]);
        }
    }

    #[test]
    #[should_panic(expected = "only 3 of 4 values were written")]
    fn values_that_slices_lack_are_not_read() {
        let mut buffer = FreshBuffer::new(4);
        buffer.par_parts(4).for_each(|part| {
            assert_eq!(part.copy([[1.0_f32, 2.0].as_slice(), &[3.0]].into_iter()), [1.0, 2.0, 3.0]);
        });
        buffer.finish();
    }

    #[test]
    fn zeroed_parts_keep_what_is_written() {
        for len in [0, 1, 7, 64, 65] {
            let mut buffer = FreshBuffer::<u32>::new(len);
            buffer.par_parts(8).enumerate().for_each(|(number, part)| {
                assert!(!part.is_empty());
                let values = part.zeroed();
                assert!(values.iter().all(|&value| value == 0));
                // The last value of each part is left as it is.
                let Some((_, values)) = values.split_last_mut() else { return };
                values.fill(number as u32 + 1);
            });
            let written = |at: usize| if at % 8 == 7 || at == len - 1 { 0 } else { at as u32 / 8 + 1 };
            assert_eq!(buffer.finish(), (0..len).map(written).collect::<Vec<_>>());
        }
    }

    #[test]
    fn parts_are_filled_in_order_and_superfluous_values_dropped() {
        let mut buffer = FreshBuffer::new(65);
        buffer.par_parts(8).enumerate().for_each(|(number, part)| part.fill((8 * number as u16)..));
        assert!(buffer.finish().into_iter().eq(0..65));
    }

    #[test]
    fn a_second_pass_writes_anew() {
        let mut buffer = FreshBuffer::new(10);
        buffer.par_parts(3).for_each(|part| part.zeroed().fill(1.0_f32));
        buffer.par_parts(4).for_each(|part| assert!(part.zeroed().iter().all(|&value| value == 0.0)));
        assert_eq!(buffer.finish(), [0.0; 10]);
    }

    #[test]
    #[should_panic(expected = "only 4 of 10 values were written")]
    fn values_of_an_earlier_pass_do_not_count() {
        let mut buffer = FreshBuffer::new(10);
        buffer.par_parts(4).for_each(|part| part.zeroed().fill(1_u8));
        buffer.par_parts(4).take(1).for_each(|part| part.fill(std::iter::repeat(2)));
        buffer.finish();
    }

    #[test]
    #[should_panic(expected = "only 9 of 10 values were written")]
    fn values_that_an_iterator_lacks_are_not_read() {
        let mut buffer = FreshBuffer::new(10);
        buffer.par_parts(5).enumerate().for_each(|(number, part)| part.fill((0..5 - number).map(|at| at as f64)));
        buffer.finish();
    }

    #[test]
    #[should_panic(expected = "only 0 of 1 values were written")]
    fn a_buffer_without_a_pass_is_not_read() {
        FreshBuffer::<f32>::new(1).finish();
    }
}
