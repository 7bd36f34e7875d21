//! Arrays that are borrowed or owned.

use ndarray::{ArrayBase, CowRepr};

/// The same type as `ndarray::CowArray`, written so that the compiler sees its lifetime may shrink: targets that live
/// long then go where shorter ones are wanted.
pub(crate) type Shared<'a, A, D> = ArrayBase<CowRepr<'a, A>, D, A>;
