//! Room for gradients.

use bytemuck::Zeroable;
use ndarray::Array2;

/// From this size on the system is asked for large pages.
#[cfg(target_os = "linux")]
const LARGE: usize = 4 << 20;

/// An array of zeros. A large one takes large pages where the system has them: filling memory the system has just
/// given costs more than the loss itself, most of it for every page (arrays of numpy are made the same way).
pub fn zeros<E: Zeroable + Clone + Default>(shape: (usize, usize)) -> Array2<E> {
    let values: Vec<E> = bytemuck::zeroed_vec(shape.0 * shape.1);
    advise(&values);
    Array2::from_shape_vec(shape, values).unwrap_or_default()
}

/// Asks for large pages under values that are about to be written; where they have been before, it changes nothing.
#[cfg(not(target_os = "linux"))]
pub fn advise<E>(_: &[E]) {}

/// Asks for large pages under values that are about to be written; where they have been before, it changes nothing.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
pub fn advise<E>(values: &[E]) {
    const PAGE: usize = 4096;
    let bytes = size_of_val(values);
    if bytes < LARGE {
        return;
    }
    let start = values.as_ptr().addr().next_multiple_of(PAGE);
    let length = values.as_ptr().addr() + bytes - start;
    // SAFETY: the range lies within the values' own memory, and the advice changes no content. Where the system
    // refuses it, nothing happens.
    unsafe {
        libc::madvise(std::ptr::with_exposed_provenance_mut(start), length, libc::MADV_HUGEPAGE);
    }
}
