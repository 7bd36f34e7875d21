//! Checks that the constructors of targets share, and the errors they return.

use num_traits::PrimInt;

use crate::Error;

/// How far the sum of a compact target row may be from 1. Dense rows: [`crate::Element::SIMPLEX_TOLERANCE`].
pub const SIMPLEX_TOLERANCE: f64 = 1e-4;

/// What errors call an array of class indices.
pub(crate) const CLASS_INDICES: &str = "class indices";

/// A sum of double-precision numbers this close to 1 is 1.
pub(super) const ROUNDING: f64 = 1e-14;

/// Checks that an array of this shape can exist.
pub(crate) fn check_size(shape: (usize, usize)) -> Result<(usize, usize), Error> {
    // Eight bytes an entry, the widest there are.
    let limit = isize::MAX as u128 / 8;
    let value = shape.0 as u128 * shape.1 as u128;
    if value <= limit { Ok(shape) } else { Err(Error::size("rows x classes", value, limit)) }
}

/// Checks the number of classes against the type of the class indices.
pub(crate) fn check_classes(classes: usize) -> Result<(), Error> {
    if classes == 0 {
        return Err(Error::empty("targets", &[0, 0]));
    }
    // The highest number stands for a class that is not there.
    let limit = u32::MAX as u128;
    if classes as u128 > limit {
        return Err(Error::size("classes", classes as u128, limit));
    }
    Ok(())
}

/// Checks one label and brings it to the index type.
pub(super) fn class_index<L: PrimInt>(
    argument: &'static str,
    row: usize,
    label: L,
    classes: usize,
) -> Result<u32, Error> {
    match label.to_usize() {
        Some(class) if class < classes => Ok(class as u32),
        _ => Err(Error::index_of(argument, "class", label.to_i128().unwrap_or(i128::MAX), classes).at([row])),
    }
}

/// The error of a target below 0.
pub(super) fn negative(row: usize, class: usize, value: f64) -> Error {
    Error::range("targets", value, "a number not below 0").at([row, class])
}

/// Whether a sum is 1 within a tolerance. NaN is not.
pub(super) fn sums_to_one(sum: f64, tolerance: f64) -> bool {
    (sum - 1.0).abs() <= tolerance
}

/// Checks that a row sums to 1 within a tolerance.
pub(super) fn check_sum(row: usize, sum: f64, tolerance: f64) -> Result<(), Error> {
    if sums_to_one(sum, tolerance) { Ok(()) } else { Err(off_simplex(row, sum, tolerance)) }
}

/// The error of a row that does not sum to 1.
pub(super) fn off_simplex(row: usize, sum: f64, tolerance: f64) -> Error {
    Error::sum("targets", sum, format!("1 within {tolerance}")).at([row])
}
